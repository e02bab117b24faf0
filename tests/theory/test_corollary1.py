"""Corollary 1: rates, best constants and schedules, derived and measured."""

import math

import numpy as np
import pytest
import sympy
from scipy import optimize

from theory import APPENDIX, CORRECTED, PRINTED, TIGHT_SIMPLE, Constants, Hyperparameters
from theory import corollary1 as c1
from theory.symbols import Delta, G, Gb, L, T, b, beta1, c_gamma, c_rho, d, eps, gamma, rho, sigma

half = sympy.Rational(1, 2)
kappa = beta1 / (1 - beta1)


def powers(bound):
    return {name: (rate.power_b, rate.power_T) for name, rate in c1.rates(bound).items()}


APPENDIX_RATES = {
    "initial_gap": (-half, -half),
    "gradient_noise": (-half, -half),
    "perturbation": (-1, -1),
    "eta_variation_l1": (0, -1),
    "momentum": (1, -1),
    "eta_variation_l2": (half, -3 * half),
    "perturbed_noise": (-half, -3 * half),
}


@pytest.mark.parametrize("bound", [APPENDIX, CORRECTED], ids=lambda b: b.name)
def test_the_seven_terms_have_corollary_1s_six_rates(bound):
    assert powers(bound) == APPENDIX_RATES
    assert set(powers(bound).values()) == c1.PRINTED_RATES


def test_the_printed_noise_grows_with_b():
    assert powers(PRINTED) == APPENDIX_RATES | {"gradient_noise": (half, -half)}
    assert set(powers(PRINTED).values()) != c1.PRINTED_RATES


def test_the_simple_bounds_momentum_term_does_not_grow_with_b():
    expected = APPENDIX_RATES | {"momentum": (0, -1)}
    del expected["perturbed_noise"]
    assert powers(TIGHT_SIMPLE) == expected


def test_the_coefficients_are_those_worked_out_by_hand():
    expected = {
        "initial_gap": 2 * Gb * Delta / c_gamma,
        "gradient_noise": 8 * Gb * c_gamma * L * sigma**2 / eps**2,
        "perturbation": 45 * Gb * L**2 * c_rho**2 / eps,
        "eta_variation_l1": 2 * Gb**2 * d * (Gb - eps) / (eps * (1 - beta1)),
        "momentum": 6 * c_gamma**2 * L**2 * kappa**2 * d * Gb**3 / eps**3,
        "eta_variation_l2": 2 * (4 + kappa**2) * c_gamma * L * Gb * d * (Gb**2 - eps**2) / eps**2,
        "perturbed_noise": 8 * Gb * c_gamma * c_rho**2 * L**3 / eps**2,
    }
    for name, rate in c1.rates(CORRECTED).items():
        assert sympy.simplify(rate.coefficient - expected[name]) == 0, name
        assert not rate.coefficient.free_symbols & {b, T}


def test_a_sum_of_unlike_powers_has_no_rate():
    with pytest.raises(ValueError, match="no power"):
        c1.rate(b + b**2)


@pytest.mark.parametrize(
    ("bound", "height", "best", "constant"),
    [
        (APPENDIX, G, eps / (2 * sigma) * sympy.sqrt(Delta / L), 8),
        (CORRECTED, Gb, eps / (2 * sigma) * sympy.sqrt(Delta / L), 8),
        (TIGHT_SIMPLE, Gb, eps / (2 * sigma) * sympy.sqrt(3 * Delta / L), 8 / sympy.sqrt(3)),
    ],
    ids=["appendix", "corrected", "tight_simple"],
)
def test_the_best_c_gamma_and_the_leading_constant(bound, height, best, constant):
    assert sympy.simplify(c1.optimal_c_gamma(bound) - best) == 0
    leading = constant * height * sigma * sympy.sqrt(L * Delta) / eps
    assert sympy.simplify(c1.leading_constant(bound) - leading) == 0
    assert c1.speedup_power(bound) == -half


def test_the_printed_bound_promises_no_speed_up():
    assert c1.speedup_power(PRINTED) == 0
    step, value = c1.best_step(PRINTED)
    assert sympy.simplify(step**2 - Delta * eps / (4 * L * sigma**2 * T)) == 0
    assert sympy.simplify(value**2 - 64 * G**2 * sigma**2 * L * Delta / (eps * T)) == 0
    for derived in (c1.optimal_c_gamma, c1.leading_constant):
        with pytest.raises(ValueError, match=r"printed scale as b\^\(-1/2\).*b\^\(1/2\)"):
            derived(PRINTED)


SETTING = {"L": 3.0, "sigma": 0.7, "G": 2.0, "d": 5, "Delta": 1.9}
REST = {"rho": 0.0, "beta1": 0.0, "beta2": 0.9}


def leading(bound, gamma_value, eps_value, b_value, T_value):
    hyper = Hyperparameters(gamma=gamma_value, eps=eps_value, b=b_value, T=T_value, **REST)
    terms = bound.evaluate(Constants(**SETTING), hyper)
    return float(sum(terms[name] for name in bound.leading))


@pytest.mark.parametrize(("b_value", "T_value"), [(1, 100), (16, 4096), (100, 10**6)])
@pytest.mark.parametrize("eps_value", [0.3, 5.0])
@pytest.mark.parametrize("bound", [APPENDIX, CORRECTED, TIGHT_SIMPLE], ids=lambda b: b.name)
def test_a_numeric_minimiser_finds_the_same_step(bound, eps_value, b_value, T_value):
    found = optimize.minimize_scalar(
        lambda log: leading(bound, math.exp(log), eps_value, b_value, T_value),
        bounds=(-25, 10),
        method="bounded",
        options={"xatol": 1e-10},
    )
    c_value = c1.c_gamma_value(bound, Constants(**SETTING), eps_value)
    best, _ = c1.schedule(c_value, 0, b_value, T_value)
    # The minimum is flat: its place is found to the square root of the rounding error.
    assert math.exp(found.x) == pytest.approx(float(best), rel=1e-6)
    assert leading(bound, best, eps_value, b_value, T_value) == pytest.approx(found.fun, rel=1e-12)


@pytest.mark.parametrize("bound", [CORRECTED, TIGHT_SIMPLE], ids=lambda b: b.name)
def test_at_the_best_c_gamma_the_leading_terms_are_the_constant_over_root_bT(bound):
    numbers = {L: 3, sigma: 0.7, Gb: 2, d: 5, Delta: 1.9, eps: 0.3}
    constant = float(c1.leading_constant(bound).subs(numbers))
    c_value = c1.c_gamma_value(bound, Constants(**SETTING), 0.3)
    for b_value, T_value in ((1, 64), (9, 1000), (64, 12345)):
        best, _ = c1.schedule(c_value, 0, b_value, T_value)
        value = leading(bound, best, 0.3, b_value, T_value)
        assert value * math.sqrt(b_value * T_value) == pytest.approx(constant, rel=1e-12)


def test_c_gamma_is_elementwise_and_has_no_useful_value_without_noise_or_gap():
    sigmas, gaps = np.array([1.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0])
    constants = Constants(L=1, sigma=sigmas, G=2, d=1, Delta=gaps)
    values = c1.c_gamma_value(CORRECTED, constants, eps=1.0)
    assert values.tolist() == [0.5, np.inf, 0]


def test_the_schedule_is_that_of_the_symbols():
    b_values, T_values = np.array([1, 4, 16]), np.array([[100], [10**5]])
    gammas, rhos = c1.schedule(0.3, 0.7, b_values, T_values)
    assert gammas.shape == rhos.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        numbers = {b: b_values[j], T: T_values[i, 0], c_gamma: 0.3, c_rho: 0.7}
        assert gammas[i, j] == pytest.approx(float(c1.SCHEDULES[gamma].subs(numbers)), rel=1e-14)
        assert rhos[i, j] == pytest.approx(float(c1.SCHEDULES[rho].subs(numbers)), rel=1e-14)


@pytest.mark.parametrize("bound", [PRINTED, CORRECTED, TIGHT_SIMPLE], ids=lambda b: b.name)
def test_evaluated_terms_follow_the_derived_rates(bound):
    constants = Constants(**SETTING)

    def terms(b_value, T_value):
        gamma_value, rho_value = c1.schedule(1e-3, 0.2, b_value, T_value)
        return bound.evaluate(
            constants,
            Hyperparameters(
                gamma=gamma_value,
                rho=rho_value,
                beta1=0.9,
                beta2=0.9,
                eps=0.3,
                b=b_value,
                T=T_value,
            ),
        )

    base, more_b, more_T = terms(4, 10**6), terms(4 * 16, 10**6), terms(4, 16 * 10**6)
    for name, rate in c1.rates(bound).items():
        assert math.log(more_b[name] / base[name], 16) == pytest.approx(float(rate.power_b))
        assert math.log(more_T[name] / base[name], 16) == pytest.approx(float(rate.power_T))
