"""From which T on the other terms of the bound are below the two leading ones."""

import pytest
import sympy

from theory import APPENDIX, CORRECTED, PRINTED, TIGHT, Constants, Hyperparameters
from theory.corollary1 import optimal_c_gamma, schedule, step_threshold, thresholds
from theory.symbols import Delta, Gb, L, b, beta1, c_gamma, c_rho, d, eps, sigma, symbol

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
    at_best = step_threshold().subs(c_gamma, optimal_c_gamma(CORRECTED))
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
