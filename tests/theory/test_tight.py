"""The sharp theorem: one root, which is the optimum of the free-parameter form."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from theory import tight
from theory.basin import mean_grad_norm2
from theory.bound import trivial
from theory.corollary1 import leading_constant, optimal_c_gamma, schedule
from theory.setting import Constants, Hyperparameters, values
from theory.symbols import Delta, G, Gb, L, eps, sigma
from theory.theorem1 import APPENDIX, CORRECTED, TIGHT, TIGHT_SIMPLE


def random_settings(count: int, seed: int) -> tuple[Constants, Hyperparameters]:
    rng = np.random.default_rng(seed)
    G, d = 10 ** rng.uniform(-2, 2, count), rng.integers(1, 100, count)
    sometimes = rng.integers(0, 2, (3, count))
    constants = Constants(
        L=10 ** rng.uniform(-2, 2, count),
        sigma=G * np.sqrt(d) * rng.uniform(0, 1, count) * sometimes[0],
        G=G,
        d=d,
        Delta=10 ** rng.uniform(-3, 2, count) * sometimes[1],
    )
    hyper = Hyperparameters(
        gamma=10 ** rng.uniform(-6, 3, count),
        rho=10 ** rng.uniform(-6, 1, count) * sometimes[2],
        beta1=rng.choice([0.0, 0.5, 0.9, 0.99], count),
        beta2=0.999,
        eps=G * 10 ** rng.uniform(-4, 0.5, count),
        b=rng.integers(1, 65, count),
        T=rng.integers(1, 10**6, count),
    )
    return constants, hyper


def free_form(v: dict[str, float], theta: float, c: float, la: float, lb: float, be: float):
    """The free-parameter bound, written out from its statement; inf where it says nothing."""
    kappa = v["beta1"] / (1 - v["beta1"])
    L, eps, g_L = v["L"], v["eps"], v["gamma"] * v["L"]
    spread = v["d"] * (1 / eps - 1 / v["Gb"])
    M = (kappa**2 * g_L**2 / (2 * eps)) * (1 / la + 1 / lb) + (g_L / 2) * (1 + 1 / be)
    q = 1 - theta / 2 - la / 2 - (1 + c) * M / eps
    if q <= 0:
        return np.inf
    residual = L**2 * v["rho"] ** 2
    N = (
        v["Delta"] / (v["gamma"] * v["T"])
        + v["Gb"] ** 2 * spread / ((1 - v["beta1"]) * v["T"])
        + (1 / (2 * theta) + lb / 2) * residual / eps
        + (M / eps**2) * ((1 + c) * v["sigma"] ** 2 / v["b"] + (1 + 1 / c) * residual)
        + (g_L / 2) * (1 + be) * kappa**2 * v["Gb"] ** 2 * spread**2 / v["d"] / v["T"]
    )
    return v["Gb"] * N / q


def feasible_settings(count: int) -> list[dict[str, float]]:
    """Settings in which every term is positive, W is uncapped and parameters exist."""
    rng = np.random.default_rng(7)
    found: list[dict[str, float]] = []
    while len(found) < count:
        G, d = 10 ** rng.uniform(-1, 1), int(rng.integers(1, 50))
        L, beta1, eps = 10 ** rng.uniform(-1, 1), rng.choice([0.3, 0.9]), G * rng.uniform(0.05, 0.9)
        kappa = beta1 / (1 - beta1)
        constants = Constants(L, G * np.sqrt(d) * rng.uniform(0.1, 0.9), G, d, rng.uniform(0.1, 2))
        hyper = Hyperparameters(
            gamma=rng.uniform(0.01, 0.5) * eps / (L * (kappa + 0.5)),
            rho=eps / L * 10 ** rng.uniform(-2, -0.5), beta1=beta1, beta2=0.999, eps=eps,
            b=int(rng.integers(1, 65)), T=int(10 ** rng.uniform(2, 6)),
        )  # fmt: skip
        v = {name: float(array) for name, array in values(constants, hyper).items()}
        tau = float(TIGHT.root(values(constants, hyper)))  # type: ignore[misc]
        W = (np.sqrt(v["sigma"] ** 2 / v["b"] / eps**2 + tau / eps) + L * v["rho"] / eps) ** 2
        largest_W = d * G**2 / eps**2
        if largest_W > W:
            found.append(v | {"tau": tau})
    return found


def test_the_root_is_the_optimum_of_the_free_parameter_form():
    for v in feasible_settings(60):
        start = tight.free({name: np.asarray(x) for name, x in v.items()}, np.asarray(v["tau"]))
        order = ("theta", "c", "la", "lb", "be")
        best = np.log([float(start[name]) for name in order])
        value = v["Gb"] * v["tau"]
        assert free_form(v, *np.exp(best)) == pytest.approx(value, rel=1e-9)

        def logs(parameters: np.ndarray, v: dict[str, float] = v) -> float:
            return free_form(v, *np.exp(parameters))

        # A search that starts elsewhere finds the same number, and never less.
        found = optimize.minimize(
            logs, best + 0.2, method="Nelder-Mead",
            options={"xatol": 1e-8, "fatol": 1e-14 * value, "maxiter": 4000, "adaptive": True},
        )  # fmt: skip
        assert found.fun == pytest.approx(value, rel=1e-6)
        assert found.fun >= value * (1 - 1e-12)


def test_it_is_finite_for_every_step_and_at_most_the_trivial_bound():
    constants, hyper = random_settings(20000, 0)
    total = TIGHT.total(constants, hyper)
    assert np.isfinite(total).all()
    assert (total >= 0).all()
    assert (total <= trivial(constants)).all()


def test_it_is_never_above_the_papers_bounds_within_their_step_condition():
    constants, hyper = random_settings(20000, 1)
    total = TIGHT.total(constants, hyper)
    for bound in (APPENDIX, CORRECTED, TIGHT_SIMPLE):
        applies = bound.applies(constants, hyper)
        assert applies.sum() > 1000
        assert (total <= bound.total(constants, hyper) * (1 + 1e-12))[applies].all(), bound.name


def test_the_terms_at_the_root_sum_to_it():
    constants, hyper = random_settings(20000, 2)
    arrays = values(constants, hyper)
    tau = tight.root(arrays)
    total = sum(TIGHT.evaluate(constants, hyper).values())
    np.testing.assert_allclose(total, arrays["Gb"] * tau, rtol=1e-12)


@given(
    factor=st.sampled_from([0.25, 3.0, 1000.0]),
    stretch=st.sampled_from([0.5, 7.0]),
    seed=st.integers(0, 50),
)
def test_it_is_homogeneous_in_the_objective_and_in_the_iterate(factor, stretch, seed):
    """f -> c f(x/k): L, sigma, G, eps, Delta and gamma, rho scale, the bound as F^2/X^2."""
    c, k = factor, stretch
    before, steps = random_settings(1, seed)
    after = Constants(
        before.L * c / k**2, before.sigma * c / k, before.G * c / k, before.d, before.Delta * c
    )
    moved = Hyperparameters(
        steps.gamma * k, steps.rho * k, steps.beta1, steps.beta2, steps.eps * c / k, steps.b,
        steps.T,
    )  # fmt: skip
    expected = TIGHT.total(before, steps) * (c / k) ** 2
    np.testing.assert_allclose(TIGHT.total(after, moved), expected, rtol=1e-9)


@pytest.mark.parametrize(("b", "T", "y"), [(1, 1, 0.05), (4, 100, 0.3), (16, 5000, 0.01)])
def test_in_the_huber_basin_it_exceeds_the_left_side_by_the_final_gap_alone(b, T, y):
    """eps = G, rho = beta1 = 0: LHS = TIGHT - (G/(q gamma T)) (E f(x_T) - f*) exactly."""
    L, sigma, G, d = 1.5, 1.0, 2.0, 4
    eps, gamma = G, y * G / L
    start = d * 0.3**2  # ||grad f(x_0)||^2, inside the basin
    constants = Constants(L, sigma, G, d, start / (2 * L))
    hyper = Hyperparameters(gamma, 0.0, 0.0, 0.9, eps, b, T)
    square, q = start, 1 - y / 2
    for _ in range(T):
        square = (1 - y) ** 2 * square + y**2 * sigma**2 / b
    gap = G / (q * gamma * T) * square / (2 * L)
    exact = mean_grad_norm2(L, sigma, eps, gamma, b, T, start)
    total = float(sum(TIGHT.evaluate(constants, hyper).values()))
    assert total - gap == pytest.approx(exact, rel=1e-12)


def test_its_best_schedule_has_the_sharp_constant():
    root2 = 2 ** (1 / 2)
    numbers = [(L, 2), (sigma, 3), (Gb, 5), (eps, 4), (Delta, 7)]
    assert float(optimal_c_gamma(TIGHT).subs(numbers)) == pytest.approx(
        (4 / 3) * root2 * (7 / 2) ** 0.5
    )
    assert float(leading_constant(TIGHT).subs(numbers)) == pytest.approx(
        root2 * 5 * 3 * (2 * 7) ** 0.5 / 4
    )


def test_a_root_far_below_its_first_guess_is_found():
    """The capped quadratic's root lies 10^16 times above: a Newton step cancels."""
    constants = Constants(L=8.149201090725631e-05, sigma=0, G=9534.383966245585, d=899560, Delta=0)
    hyper = Hyperparameters(
        gamma=2563.1489195131408, rho=2.571823724101474e-08, beta1=0.9983577404963597, beta2=0.9,
        eps=58212.66380387305, b=8968, T=210,
    )  # fmt: skip
    v = values(constants, hyper)
    tau = tight.root(v)
    total = sum(TIGHT.evaluate(constants, hyper).values())
    np.testing.assert_allclose(total, v["Gb"] * tau, rtol=1e-12)
    assert float(TIGHT.total(constants, hyper)) == pytest.approx(4.47e-24, rel=1e-3)


PAGE = Path(tight.__file__).with_name("SHARP_THEOREM.md").read_text(encoding="utf-8")


def said_rate(text: str) -> tuple[Fraction, Fraction]:
    """Return the powers of b and T that a text states: b^(p) T^(q), b and T themselves 1."""
    ((p, q),) = re.findall(r"\bb(?:\^\((.*?)\))? T\^\((.*?)\)", text)
    power_b, power_T = (Fraction((power or "1").replace("−", "-")) for power in (p, q))
    return power_b, power_T


def test_momentum_falls_as_the_page_says():
    """Local slopes under Corollary 1's schedules; TIGHT's are its limit's for T far above b."""
    constants = Constants(L=1.0, sigma=0.5, G=1.0, d=10, Delta=1.0)

    def momentum(bound, b: int, T: int) -> float:
        gamma, rho = schedule(0.25, 0.1, b, T)
        hyper = Hyperparameters(gamma, rho, 0.9, 0.999, 0.5, b, T)
        return float(np.log2(bound.evaluate(constants, hyper)["momentum"]))

    (row,) = [line for line in PAGE.splitlines() if line.startswith("| momentum")]
    _, _, paper, here, _ = row.split("|")
    (simple,) = [part for part in PAGE.split("\n\n") if "`TIGHT_SIMPLE`, which" in unwrapped(part)]
    b, T = 16, 10**15
    for bound, text in ((APPENDIX, paper), (TIGHT, here), (TIGHT_SIMPLE, simple)):
        now = momentum(bound, b, T)
        slopes = momentum(bound, 2 * b, T) - now, momentum(bound, b, 2 * T) - now
        # Below the limit's leading term TIGHT's is (bT)^(-1/4) smaller, 3e-4, for each of both.
        assert slopes == pytest.approx([float(p) for p in said_rate(text)], abs=1e-3), bound.name


@pytest.mark.parametrize(("column", "bound"), [(2, APPENDIX), (3, TIGHT)])
def test_momentum_is_below_the_leading_terms_from_the_T_that_the_page_says(column, bound):
    """b^p T^q is at most (bT)^(-1/2) from T = b^((p + 1/2)/(-q - 1/2)) on."""
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| momentum")]
    text = row.split("|")[column]
    power_b, power_T = said_rate(text)
    asked = (power_b + Fraction(1, 2)) / (-power_T - Fraction(1, 2))
    assert f"T ≥ {'b³' if asked == 3 else 'b'} is asked for" in text
    assert asked in (1, 3)


def unwrapped(text: str) -> str:
    return text.replace("\n", " ")


def test_the_leading_constants_are_the_pages():
    """As multiples of G sigma sqrt(L Delta)/eps: 8 of the paper's, sqrt(2) here."""
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| leading constant")]
    _, _, paper, here, _ = row.split("|")
    for bound, height, text in ((APPENDIX, G, paper), (TIGHT, Gb, here)):
        constant = sympy.simplify(
            leading_constant(bound) * eps / (height * sigma * sympy.sqrt(L * Delta))
        )
        assert text.strip().split(",")[0] == str(constant).replace("sqrt(2)", "√2")
    best = eps / sigma * sympy.sqrt(2 * Delta / L)
    assert sympy.simplify(optimal_c_gamma(TIGHT) - best) == 0
    assert "c_γ = (ε/σ)√(2Δ/L)" in here


def test_where_a_fixed_rho_dominates_its_coefficient_is_one():
    constants = Constants(L=3.0, sigma=0.5, G=2.0, d=4, Delta=1.0)
    hyper = Hyperparameters(1e-9, 0.01, 0.9, 0.999, 0.5, 10**9, 9 * 10**15)
    alone = 2.0 * 3.0**2 * 0.01**2 / 0.5
    assert float(TIGHT.total(constants, hyper)) == pytest.approx(alone, rel=1e-3)
    assert float(APPENDIX.total(constants, hyper)) == pytest.approx(45 * alone, rel=1e-3)


def test_it_is_below_47_with_the_larger_of_G_and_eps_for_every_unit():
    """(47) with max(G, eps) for G, which lacks an L in its last term, however small L is."""
    constants, hyper = random_settings(20000, 3)
    stretch = 10 ** np.random.default_rng(4).uniform(-6, 6, 20000)
    constants = Constants(constants.L * stretch, constants.sigma, constants.G, constants.d,
                          constants.Delta)  # fmt: skip
    hyper = Hyperparameters(hyper.gamma / stretch, hyper.rho / stretch, hyper.beta1, hyper.beta2,
                            hyper.eps, hyper.b, hyper.T)  # fmt: skip
    inside = hyper.gamma <= hyper.eps / (16 * constants.L)
    raised = Constants(
        constants.L, constants.sigma, np.maximum(constants.G, hyper.eps), constants.d,
        constants.Delta,
    )  # fmt: skip
    assert (inside & (hyper.eps > constants.G)).sum() > 1000
    total, paper = TIGHT.total(constants, hyper), APPENDIX.total(raised, hyper)
    assert (total <= paper * (1 + 1e-12))[inside].all()
