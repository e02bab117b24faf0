"""From which T on the other terms of the bound are below the two leading ones."""

import math

import pytest
import sympy

from theory import APPENDIX, CORRECTED, PRINTED, TIGHT, TIGHT_SIMPLE, Constants, Hyperparameters
from theory.corollary1 import (
    largest_allowed_b,
    largest_useful_b,
    largest_useful_b_values,
    leading_sum,
    optimal_c_gamma,
    schedule,
    step_threshold,
    threshold_values,
    thresholds,
)
from theory.symbols import Delta, Gb, L, N, b, beta1, c_gamma, c_rho, d, eps, sigma, symbol

kappa = beta1 / (1 - beta1)

AT_THE_BEST_C_GAMMA = {
    "perturbation": 2025 * L**3 * c_rho**4 / (64 * b * Delta * sigma**2),
    "eta_variation_l1": b * d**2 * Gb**2 * (Gb - eps) ** 2
    / (16 * Delta * L * sigma**2 * (1 - beta1) ** 2),
    "momentum": b**3 * 9 * Delta * L * Gb**4 * kappa**4 * d**2 / (256 * sigma**6),
    "eta_variation_l2": b * d * (Gb**2 - eps**2) * (4 + kappa**2) / (8 * sigma**2),
    "perturbed_noise": L**2 * c_rho**2 / (2 * sigma**2),
}  # fmt: skip
"""Worked out by hand from (47) with Lemma 10 mended, at c_gamma = (eps/(2 sigma)) sqrt(Delta/L)."""


def test_the_thresholds_are_those_worked_out_by_hand():
    derived = thresholds(CORRECTED)
    assert set(derived) == set(AT_THE_BEST_C_GAMMA)
    for name, by_hand in AT_THE_BEST_C_GAMMA.items():
        at_best = derived[name].subs(c_gamma, optimal_c_gamma(CORRECTED))
        assert sympy.simplify(at_best - by_hand) == 0, name


def test_the_step_is_allowed_from_64_b_L_Delta_over_sigma_squared_on():
    at_best = step_threshold(CORRECTED).subs(c_gamma, optimal_c_gamma(CORRECTED))
    assert sympy.simplify(at_best - 64 * b * L * Delta / sigma**2) == 0


@pytest.mark.parametrize("batch", [1, 8, 64])
def test_a_term_crosses_the_leading_two_at_its_threshold(batch):
    constants = Constants(L=2.0, sigma=0.7, G=1.5, d=6, Delta=0.4)
    numbers = {"L": 2.0, "sigma": 0.7, "G": 1.5, "d": 6, "Delta": 0.4, "eps": 0.6, "Gb": 1.5,
               "beta1": 0.9, "b": batch, "c_gamma": 0.3, "c_rho": 0.2}  # fmt: skip
    for name, limit in thresholds(CORRECTED).items():
        T = float(limit.subs([(symbol(key), value) for key, value in numbers.items()]))
        for factor, below in ((1 / 4, False), (4, True)):
            at = max(1, round(factor * T))
            if at == 1:
                continue
            gamma, rho = schedule(0.3, 0.2, batch, at)
            hyper = Hyperparameters(gamma, rho, 0.9, 0.99, 0.6, batch, at)
            terms = CORRECTED.evaluate(constants, hyper)
            leading = terms["initial_gap"] + terms["gradient_noise"]
            assert bool(terms[name] < leading) is below, (name, at)


def test_only_the_momentum_term_asks_for_b_cubed():
    powers = {
        name: sympy.simplify(b * sympy.diff(limit, b) / limit)
        for name, limit in thresholds(APPENDIX).items()
    }
    assert powers == {
        "perturbation": -1, "eta_variation_l1": 1, "momentum": 3, "eta_variation_l2": 1,
        "perturbed_noise": 0,
    }  # fmt: skip


@pytest.mark.parametrize("bound", [PRINTED, TIGHT], ids=lambda bound: bound.name)
def test_a_bound_whose_leading_terms_share_no_power_law_has_no_thresholds(bound):
    with pytest.raises(ValueError, match=r"no c_gamma balances|is no power"):
        thresholds(bound)


CLOSED = pytest.mark.parametrize("bound", [APPENDIX, CORRECTED, TIGHT_SIMPLE], ids=lambda b: b.name)
CONSTANTS = Constants(L=2.0, sigma=0.7, G=1.5, d=6, Delta=0.4)
GIVEN = {"c_gamma": 0.3, "c_rho": 0.2, "beta1": 0.9, "eps": 0.6}


def power_of_N(limit):
    return sympy.simplify(N * sympy.diff(limit, N) / limit)


def test_with_momentum_the_largest_useful_b_is_the_fourth_root_of_the_budget():
    derived = largest_useful_b(CORRECTED)
    powers = {n: power_of_N(limit) for n, limit in derived.items() if n != "perturbation"}
    assert powers == {
        "eta_variation_l1": sympy.Rational(1, 2), "momentum": sympy.Rational(1, 4),
        "eta_variation_l2": sympy.Rational(1, 2), "perturbed_noise": 1,
    }  # fmt: skip
    assert power_of_N(largest_allowed_b(CORRECTED)) == sympy.Rational(1, 2)


def test_the_simple_bound_has_no_fourth_root():
    derived = largest_useful_b(TIGHT_SIMPLE)
    del derived["perturbation"]
    assert {power_of_N(limit) for limit in derived.values()} == {sympy.Rational(1, 2)}


def test_at_the_best_c_gamma_the_momentum_limit_is_that_worked_out_by_hand():
    limit = largest_useful_b(CORRECTED)["momentum"].subs(c_gamma, optimal_c_gamma(CORRECTED))
    by_hand = AT_THE_BEST_C_GAMMA["momentum"] / b**3
    kappa_ = sympy.Symbol("kappa", positive=True)
    ratio = (limit**4 * by_hand / N).subs(beta1, kappa_ / (1 + kappa_))
    assert sympy.simplify(ratio) == 1


@CLOSED
@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.99])
@pytest.mark.parametrize(("eps", "c_gamma", "c_rho", "N"), [(0.05, 2, 0.1, 1e4), (1.2, 0.01, 9, 7)])
def test_at_the_largest_useful_b_the_threshold_is_the_T_that_the_budget_leaves(
    bound, beta1, eps, c_gamma, c_rho, N
):
    given = {"c_gamma": c_gamma, "c_rho": c_rho, "beta1": beta1, "eps": eps}
    for name, limit in largest_useful_b_values(bound, CONSTANTS, **given, N=N).items():
        if limit == math.inf or limit == 0:
            # At any b: never above the budget's T, or always.
            T = threshold_values(bound, CONSTANTS, **given, b=1)[name]
            assert (T <= N * (1 + 1e-9)) is (limit == math.inf), name
            continue
        T = threshold_values(bound, CONSTANTS, **given, b=limit)[name]
        assert pytest.approx(N / limit, rel=1e-6) == T, name


@CLOSED
@pytest.mark.parametrize("beta1", [0.0, 0.9])
def test_up_to_the_largest_useful_b_the_leading_two_lead_the_evaluated_bound(bound, beta1):
    N, setting = 2**50, GIVEN | {"beta1": beta1}
    limits = largest_useful_b_values(bound, CONSTANTS, **setting, N=N)
    crossed = []
    for name, limit in limits.items():
        for factor, useful in ((1 / 2, True), (2, False)):
            # A whole b whose T is whole: powers of 2.
            at = 2.0 ** round(math.log2(min(limit, N) * factor))
            if not 1 <= at <= N or (at < limit) is not useful:
                continue
            gamma, rho = schedule(setting["c_gamma"], setting["c_rho"], at, N / at)
            hyper = Hyperparameters(gamma, rho, beta1, 0.99, setting["eps"], at, N / at)
            if name == "step":
                assert bool(bound.preconditions(CONSTANTS, hyper)[0].holds) is useful
            else:
                terms = bound.evaluate(CONSTANTS, hyper)
                leading = sum(terms[leader] for leader in bound.leading)
                assert bool(terms[name] <= leading) is useful, (name, at)
            crossed.append(name)
    assert crossed.count("step") == crossed.count("eta_variation_l1") == 2
    assert crossed.count("momentum") == (2 if beta1 else 1)


def test_a_term_that_vanishes_sets_no_limit():
    quiet = GIVEN | {"beta1": 0.0, "c_rho": 0.0, "eps": 2.0}
    limits = largest_useful_b_values(CORRECTED, CONSTANTS, **quiet, N=1e6)
    assert {name for name, limit in limits.items() if limit < math.inf} == {"step"}
    T = threshold_values(CORRECTED, CONSTANTS, **quiet, b=8)
    assert {name for name, value in T.items() if value > 0} == {"step"}


def test_too_strong_a_perturbation_leaves_no_useful_b():
    limits = largest_useful_b_values(CORRECTED, CONSTANTS, **(GIVEN | {"c_rho": 50.0}), N=1e3)
    assert limits["perturbation"] == 0


def test_the_leading_sum_is_the_leading_constant_at_the_best_c_gamma():
    K = leading_sum(CORRECTED).subs(c_gamma, optimal_c_gamma(CORRECTED))
    assert sympy.simplify(K - 8 * Gb * sigma * sympy.sqrt(L * Delta) / eps) == 0


def test_a_bound_without_thresholds_has_no_largest_useful_b():
    with pytest.raises(ValueError, match=r"no c_gamma balances|is no power"):
        largest_useful_b(PRINTED)
