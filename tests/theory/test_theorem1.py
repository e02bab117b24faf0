"""Theorem 1's variants, against the formulas written out again in rationals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from theory import (
    APPENDIX,
    CORRECTED,
    PRINTED,
    TIGHT_SIMPLE,
    VARIANTS,
    Constants,
    Hyperparameters,
)

CLOSED = {bound.name: bound for bound in (PRINTED, APPENDIX, CORRECTED, TIGHT_SIMPLE)}
"""The variants whose terms are closed formulas; tests/theory/test_tight.py has the other's."""

CONSTANTS = ("L", "sigma", "G", "d", "Delta")
HYPER = ("gamma", "rho", "beta1", "beta2", "eps", "b", "T")

USUAL = {
    "L": Fraction(1), "sigma": Fraction(1), "G": Fraction(2), "d": 10, "Delta": Fraction(1),
    "gamma": Fraction(1, 100), "rho": Fraction(1, 100), "beta1": Fraction(9, 10),
    "eps": Fraction(1, 2), "b": 16, "T": 10000,
}  # fmt: skip
NOTHING_IS_ONE = {
    "L": Fraction(3), "sigma": Fraction(5, 7), "G": Fraction(11, 4), "d": 6, "Delta": Fraction(13),
    "gamma": Fraction(1, 170), "rho": Fraction(3, 50), "beta1": Fraction(2, 5),
    "eps": Fraction(4, 5), "b": 9, "T": 777,
}  # fmt: skip
EPS_ABOVE_G = NOTHING_IS_ONE | {"eps": Fraction(7, 2)}


def by_hand(variant, *, L, sigma, G, d, Delta, gamma, rho, beta1, eps, b, T):
    kappa = beta1 / (1 - beta1)
    if variant in ("corrected", "tight_simple"):
        G = max(G, eps)
    terms = {
        "initial_gap": 2 * G * Delta / (gamma * T),
        "eta_variation_l1": 2 * G**3 * d * (1 / eps - 1 / G) / ((1 - beta1) * T),
    }
    if variant == "tight_simple":
        return terms | {
            "gradient_noise": Fraction(8, 3) * G * gamma * L * sigma**2 / (b * eps**2),
            "momentum": 10 * G * kappa**2 * gamma**2 * L**2 * sigma**2 / (b * eps**3),
            "perturbation": Fraction(55, 10) * G * L**2 * rho**2 / eps,
            "eta_variation_l2": 4 * kappa**2 * gamma * L * G**3 * d * (1 / eps - 1 / G) ** 2 / T,
        }
    noise = {
        "printed": 8 * G * gamma * L * sigma**2 / eps,
        "appendix": 8 * G * gamma * L * sigma**2 / (b * eps**2),
        "corrected": 8 * G * gamma * L * sigma**2 / (b * eps**2),
    }
    perturbed_noise = {
        "printed": 8 * G * gamma * L**2 * rho**2 / eps,
        "appendix": 8 * G * gamma * L**2 * rho**2 / eps**2,
        "corrected": 8 * G * gamma * L**3 * rho**2 / eps**2,
    }
    return terms | {
        "gradient_noise": noise[variant],
        "perturbation": 45 * G * L**2 * rho**2 / eps,
        "momentum": 6 * gamma**2 * L**2 * beta1**2 * d * G**3 / ((1 - beta1) ** 2 * eps**3),
        "eta_variation_l2": 2
        * (4 + (beta1 / (1 - beta1)) ** 2)
        * gamma * L * G**3 * d * (1 / eps**2 - 1 / G**2) / T,
        "perturbed_noise": perturbed_noise[variant],
    }  # fmt: skip


def split(setting):
    """The setting as the library takes it; beta2 enters no bound."""
    floats = {name: float(value) for name, value in ({"beta2": 0.999} | setting).items()}
    return (
        Constants(**{name: floats[name] for name in CONSTANTS}),
        Hyperparameters(**{name: floats[name] for name in HYPER}),
    )


@pytest.mark.parametrize("setting", [USUAL, NOTHING_IS_ONE, EPS_ABOVE_G])
@pytest.mark.parametrize("variant", CLOSED)
def test_every_term_has_the_value_of_its_formula(variant, setting):
    expected = by_hand(variant, **setting)
    terms = CLOSED[variant].evaluate(*split(setting))
    assert set(terms) == set(expected)
    for name, value in terms.items():
        assert value == pytest.approx(float(expected[name]), rel=1e-13, abs=0), name


@pytest.mark.parametrize("setting", [USUAL, NOTHING_IS_ONE])
@pytest.mark.parametrize("bound", [PRINTED, APPENDIX, CORRECTED], ids=lambda b: b.name)
def test_the_total_is_the_sum_and_phi_what_follows_the_leading_two(bound, setting):
    expected = by_hand(bound.name, **setting)
    leading = expected["initial_gap"] + expected["gradient_noise"]
    total = sum(expected.values())
    assert bound.total(*split(setting)) == pytest.approx(float(total), rel=1e-13)
    assert bound.phi(*split(setting)) == pytest.approx(float(total - leading), rel=1e-13)


def test_the_command_lines_example_has_the_total_worked_out_by_hand():
    # With the setting's numbers multiplied out, where `by_hand` still has the formulas.
    total = (
        Fraction(4, 100) + Fraction(16, 100) * Fraction(1, 4) + 45 * Fraction(4, 10**4)
        + Fraction(16 * 10 * 15, 10**4) + 6 * Fraction(81 * 80 * 8, 10**4)
        + 2 * Fraction(85 * 80, 100) * Fraction(15, 4) / 10**4 + Fraction(64, 10**6)
    )  # fmt: skip
    assert CORRECTED.total(*split(USUAL)) == pytest.approx(float(total), rel=1e-13)


def test_the_printed_noise_is_the_appendix_noise_times_b_eps():
    for setting in (USUAL, NOTHING_IS_ONE):
        printed, appendix = (v.evaluate(*split(setting)) for v in (PRINTED, APPENDIX))
        ratio = float(setting["b"] * setting["eps"])
        assert printed["gradient_noise"] / appendix["gradient_noise"] == pytest.approx(ratio)
        assert printed["perturbed_noise"] / appendix["perturbed_noise"] == pytest.approx(
            float(setting["eps"])
        )


def test_the_mended_last_term_is_the_appendix_last_term_times_L():
    appendix, corrected = (v.evaluate(*split(NOTHING_IS_ONE)) for v in (APPENDIX, CORRECTED))
    for name in appendix:
        ratio = 3 if name == "perturbed_noise" else 1
        assert corrected[name] / appendix[name] == pytest.approx(ratio, rel=1e-14), name


def test_the_mended_bound_equals_the_appendix_where_L_is_one_and_eps_below_G():
    assert CORRECTED.total(*split(USUAL)) == APPENDIX.total(*split(USUAL))


@pytest.mark.parametrize("bound", [PRINTED, APPENDIX], ids=lambda b: b.name)
def test_what_the_paper_prints_is_negative_for_a_small_G(bound):
    # Theory 3d: Huber with sigma = 0, x_0 = x*, G = 1/2 < eps = 1, where the left side is 0.
    setting = {
        "L": 1, "sigma": 0, "G": 0.5, "d": 1, "Delta": 0,
        "gamma": 1 / 16, "rho": 0, "beta1": 0, "eps": 1, "b": 1, "T": 10,
    }  # fmt: skip
    terms = bound.evaluate(*split(setting))
    assert terms["eta_variation_l1"] < 0
    assert terms["eta_variation_l2"] < 0
    assert bound.total(*split(setting)) == pytest.approx(-7 / 160 * 10 / setting["T"])
    assert not bound.applies(*split(setting))


@pytest.mark.parametrize("bound", [CORRECTED, TIGHT_SIMPLE], ids=lambda b: b.name)
def test_max_of_G_and_eps_keeps_every_term_nonnegative(bound):
    terms = bound.evaluate(*split(EPS_ABOVE_G))
    assert all(value >= 0 for value in terms.values())
    assert terms["eta_variation_l1"] == terms["eta_variation_l2"] == 0
    raised = bound.evaluate(*split(EPS_ABOVE_G | {"G": EPS_ABOVE_G["eps"]}))
    for name, value in terms.items():
        assert value == raised[name], name


positive = st.floats(0.05, 20)
settings_within = st.fixed_dictionaries(
    {
        "L": positive,
        "sigma": positive,
        "G": positive,
        "d": st.integers(1, 50),
        "Delta": st.just(0.0) | positive,
        "gamma": positive,
        "rho": positive,
        "beta1": st.just(0.0) | st.floats(0.001, 0.95),
        "eps": positive,
        "b": st.integers(1, 300),
        "T": st.integers(1, 10**6),
    }
)


def possible(setting):
    """Lower sigma to what Assumption 3 allows."""
    return setting | {"sigma": min(setting["sigma"], setting["G"] * math.sqrt(setting["d"]))}


def rescaled(setting, f, x):
    """The same problem with the objective in units of 1/f and the iterate in units of 1/x."""
    powers = {
        "L": (1, -2), "sigma": (1, -1), "G": (1, -1), "Delta": (1, 0),
        "gamma": (0, 1), "rho": (0, 1), "eps": (1, -1),
    }  # fmt: skip
    out = dict(setting)
    for name, (p, q) in powers.items():
        out[name] = setting[name] * f**p * x**q
    return out


# The terms that `inhomogeneous` names (tests/theory/test_units.py).
MISPRINTED = {
    "printed": {"gradient_noise", "perturbed_noise"},
    "appendix": {"perturbed_noise"},
    "corrected": set(),
    "tight_simple": set(),
    "tight": set(),
}


@given(settings_within, st.sampled_from([-7, -2, 3, 6]), st.sampled_from([-5, -1, 2, 9]))
def test_a_term_scales_as_the_left_side_unless_units_say_otherwise(setting, f, x):
    # Powers of two, so that scaling itself rounds nothing.
    setting = possible(setting)
    before, after = split(setting), split(rescaled(setting, 2.0**f, 2.0**x))
    for name in CLOSED:
        old, new = VARIANTS[name].evaluate(*before), VARIANTS[name].evaluate(*after)
        wanted = 2.0 ** (2 * f - 2 * x)
        for term in old:
            if term not in MISPRINTED[name]:
                assert np.isclose(new[term], old[term] * wanted, rtol=1e-11, atol=0), (name, term)
    for name, misprinted in MISPRINTED.items():
        if not misprinted:
            continue
        # f and x apart: the wrong powers of the two might cancel.
        scaled = [split(rescaled(setting, *c)) for c in ((2.0, 1.0), (1.0, 2.0))]
        old, *new = (VARIANTS[name].evaluate(*at) for at in (before, *scaled))
        for term in misprinted:
            ratios = [float(after[term] / old[term]) for after in new]
            assert ratios != pytest.approx([4, 1 / 4], rel=1e-6), (name, term)


@given(settings_within, st.sampled_from([-7, 3]), st.sampled_from([-5, 2]))
def test_preconditions_do_not_depend_on_units(setting, f, x):
    setting = possible(setting)
    before, after = split(setting), split(rescaled(setting, 2.0**f, 2.0**x))
    for bound in VARIANTS.values():
        for old, new in zip(bound.preconditions(*before), bound.preconditions(*after), strict=True):
            assert new.holds == old.holds
            assert new.margin == pytest.approx(float(old.margin), rel=1e-9, abs=1e-12)


def simple_condition(setting):
    kappa = setting["beta1"] / (1 - setting["beta1"])
    y = setting["gamma"] * setting["L"] / setting["eps"]
    return 5 * (kappa * y) ** 2 + (4 / 3) * y


@given(settings_within, st.floats(0.01, 3))
def test_the_simple_bound_exists_exactly_where_its_condition_holds(setting, reach):
    setting = possible(setting)
    kappa = setting["beta1"] / (1 - setting["beta1"])
    cap = 3 * setting["eps"] / (2 * setting["L"] * (4 + math.sqrt(16 + 45 * kappa**2)))
    setting["gamma"] = cap * reach
    within = simple_condition(setting)
    assume(abs(within - 0.25) > 1e-9)
    assert bool(TIGHT_SIMPLE.applies(*split(setting))) == (within <= 0.25)
    assert np.isnan(TIGHT_SIMPLE.total(*split(setting))) == (within > 0.25)


def test_the_simple_bounds_limit_solves_its_condition_with_equality():
    import sympy

    from theory.symbols import L, beta1, eps, gamma

    (check,) = TIGHT_SIMPLE.requirements
    kappa, y = beta1 / (1 - beta1), check.right * L / eps
    assert check.left == gamma
    assert sympy.simplify(5 * (kappa * y) ** 2 + sympy.Rational(4, 3) * y) == sympy.Rational(1, 4)


@given(
    settings_within,
    st.floats(0.001, 1),
    st.booleans(),
)
@example({**USUAL, "b": 1, "beta1": 2 / 3, "G": 20.0, "T": 1}, 1.0, True)
def test_with_kappa_up_to_two_the_simple_bound_is_below_the_mended_one(setting, reach, noisy):
    # Term by term but for the momentum term, which the noise term pays for.
    setting = possible({**setting, "beta1": setting["beta1"] * (2 / 3) / 0.95})
    if noisy:
        setting["sigma"] = setting["G"] * math.sqrt(setting["d"])
    setting["gamma"] = reach * setting["eps"] / (16 * setting["L"])
    simple, mended = (bound.total(*split(setting)) for bound in (TIGHT_SIMPLE, CORRECTED))
    assert simple <= mended * (1 + 1e-12)


@given(settings_within, st.floats(0.001, 1), st.floats(1, 100))
def test_a_long_run_has_the_simple_bound_below_the_mended_one_for_any_momentum(
    setting, reach, length
):
    # Where b >= 2 and gamma L T/eps >= 2 the mended momentum term pays for eta_variation_l2.
    setting = possible({**setting, "b": max(2, setting["b"])})
    kappa = setting["beta1"] / (1 - setting["beta1"])
    y = reach * min(1 / 16, 3 / (2 * (4 + math.sqrt(16 + 45 * kappa**2))))
    setting["gamma"] = y * setting["eps"] / setting["L"]
    setting["T"] = math.ceil(2 * length / y)
    simple, mended = (bound.total(*split(setting)) for bound in (TIGHT_SIMPLE, CORRECTED))
    assert simple <= mended * (1 + 1e-12)


def test_in_a_short_run_with_momentum_the_simple_bound_can_exceed_the_mended_one():
    # Sharper is meant where it matters: here both say nothing (the trivial bound is 100).
    setting = {
        "L": 1, "sigma": 0, "G": 10, "d": 1, "Delta": 0,
        "gamma": 0.0002, "rho": 0, "beta1": 0.9, "eps": 0.1, "b": 1, "T": 20,
    }  # fmt: skip
    simple, mended = (bound.total(*split(setting)) for bound in (TIGHT_SIMPLE, CORRECTED))
    assert simple > mended > 100


@given(settings_within, st.floats(0, 1), st.floats(0, 1))
def test_beta2_enters_no_bound(setting, one, other):
    setting = possible(setting)
    first, second = (split(setting | {"beta2": beta2}) for beta2 in (one, other))
    for bound in VARIANTS.values():
        assert bound.evaluate(*first) == bound.evaluate(*second)


@given(settings_within)
def test_more_steps_or_less_noise_never_raise_a_bound(setting):
    setting = possible({**setting, "G": max(setting["G"], setting["eps"])})

    def totals(setting):
        at = split(setting)
        return {name: sum(bound.evaluate(*at).values()) for name, bound in VARIANTS.items()}

    before = totals(setting)
    for change in (
        {"T": 2 * setting["T"]},
        {"sigma": setting["sigma"] / 2},
        {"b": 2 * setting["b"]},
        {"rho": setting["rho"] / 2},
        {"Delta": setting["Delta"] / 2},
    ):
        for name, after in totals(setting | change).items():
            assert after <= before[name] * (1 + 1e-12), (name, change)
