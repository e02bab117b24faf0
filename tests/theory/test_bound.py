"""What a Bound does with its terms, whatever the terms are."""

import numpy as np
import pytest
import sympy

from theory import (
    APPENDIX,
    CORRECTED,
    PRINTED,
    TIGHT,
    TIGHT_SIMPLE,
    VARIANTS,
    Bound,
    Constants,
    Hyperparameters,
    InputError,
    Precondition,
    Term,
    trivial,
)
from theory.bound import UNIT
from theory.symbols import L, T, b, eps, gamma

CONSTANTS = {"L": 1.0, "sigma": 1.0, "G": 2.0, "d": 10, "Delta": 1.0}
HYPER = {
    "gamma": 0.01, "rho": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 0.5, "b": 16, "T": 10000,
}  # fmt: skip


def at(**changes):
    constants = CONSTANTS | {k: v for k, v in changes.items() if k in CONSTANTS}
    hyper = HYPER | {k: v for k, v in changes.items() if k in HYPER}
    return Constants(**constants), Hyperparameters(**hyper)


def test_variants_are_named_after_themselves_and_run_from_printed_to_sharpest():
    assert list(VARIANTS) == ["printed", "appendix", "corrected", "tight_simple", "tight"]
    assert all(bound.name == name for name, bound in VARIANTS.items())


@pytest.mark.parametrize("bound", VARIANTS.values(), ids=VARIANTS)
def test_a_grid_gives_each_settings_own_values(bound):
    gammas, batches = np.array([[0.001], [0.004]]), np.array([1, 4, 16])
    constants, hyper = at(gamma=gammas, b=batches)
    terms, total, phi = (
        method(constants, hyper) for method in (bound.evaluate, bound.total, bound.phi)
    )
    largest = bound.dominant(constants, hyper)
    assert total.shape == phi.shape == largest.shape == (2, 3)
    assert all(value.shape == (2, 3) for value in terms.values())
    for i, j in np.ndindex(2, 3):
        one = at(gamma=gammas[i, 0], b=batches[j])
        alone = bound.evaluate(*one)
        assert all(terms[name][i, j] == alone[name] for name in alone)
        assert total[i, j] == bound.total(*one)
        assert phi[i, j] == bound.phi(*one)
        assert largest[i, j] == max(alone, key=lambda name: alone[name])


def test_constants_broadcast_against_hyper_parameters():
    L_grid, T_grid = np.array([0.5, 1.0]), np.array([[10], [100], [1000]])
    assert CORRECTED.total(*at(L=L_grid, T=T_grid)).shape == (3, 2)


def test_shapes_that_do_not_broadcast_are_an_input_error():
    with pytest.raises(InputError, match="do not broadcast"):
        CORRECTED.total(*at(L=np.ones(2), T=np.array([1, 2, 3])))


def test_the_dominant_term_follows_the_setting():
    assert CORRECTED.dominant(*at()) == "momentum"
    assert CORRECTED.dominant(*at(beta1=0, Delta=1e6)) == "initial_gap"
    assert CORRECTED.dominant(*at(beta1=0, sigma=6, T=10**9)) == "gradient_noise"
    assert CORRECTED.dominant(*at(beta1=0, sigma=0, rho=1, T=10**9)) == "perturbation"


@pytest.mark.parametrize(
    ("gamma", "sign"), [(0.5 / 16 * (1 - 1e-6), 1), (0.5 / 16, 0), (0.5 / 16 * (1 + 1e-6), -1)]
)
def test_the_step_conditions_margin_changes_sign_at_eps_over_16_L(gamma, sign):
    step, *_ = CORRECTED.preconditions(*at(gamma=gamma))
    assert step.name == "gamma <= eps/(16 L)"
    assert np.sign(step.margin) == sign
    assert step.holds == (sign >= 0)
    assert step.value == gamma
    assert step.limit == 0.5 / 16
    assert step.margin == pytest.approx(1 - gamma / (0.5 / 16))


def test_rounding_of_the_limit_does_not_put_a_setting_outside():
    # 0.3/(16*3) taken in another order differs in the last bit.
    constants, hyper = at(L=3, gamma=0.3 / 16 / 3 * (1 + 2e-16), eps=0.3)
    assert CORRECTED.applies(constants, hyper)


@pytest.mark.parametrize(("eps", "inside"), [(1.9, True), (2.0, True), (2.1, False)])
def test_the_paper_asks_for_G_of_at_least_eps_and_the_mended_bound_does_not(eps, inside):
    setting = at(eps=eps)
    assert PRINTED.applies(*setting) == APPENDIX.applies(*setting) == inside
    assert CORRECTED.applies(*setting)
    (check,) = [check for check in PRINTED.preconditions(*setting) if check.name == "eps <= G"]
    assert check.margin == pytest.approx(1 - eps / 2)


def test_applies_is_elementwise_over_a_grid():
    gammas = np.array([0.001, 0.03, 0.04])
    assert CORRECTED.applies(*at(gamma=gammas)).tolist() == [True, True, False]


def test_only_a_bound_known_false_outside_gives_nan_there():
    gammas = np.array([0.001, 0.2])
    assert np.isnan(TIGHT_SIMPLE.total(*at(gamma=gammas))).tolist() == [False, True]
    for bound in (PRINTED, APPENDIX, CORRECTED, TIGHT):
        assert np.isfinite(bound.total(*at(gamma=gammas))).all()


def test_phi_is_all_but_the_two_leading_terms():
    for bound in VARIANTS.values():
        terms = bound.evaluate(*at())
        rest = sum(value for name, value in terms.items() if name not in bound.leading)
        assert set(bound.leading) < set(terms)
        assert bound.phi(*at()) == pytest.approx(float(rest), rel=1e-14)


def test_only_a_capped_total_stays_below_the_trivial_bound():
    setting = at(T=1)
    assert TIGHT.total(*setting) == trivial(setting[0])
    assert sum(TIGHT.evaluate(*setting).values()) > trivial(setting[0])
    assert CORRECTED.total(*setting) > trivial(setting[0])


def test_a_bound_is_vacuous_from_d_G_squared_up():
    constants, hyper = at(beta1=0, T=np.array([10, 10**9]))
    assert trivial(constants) == 40
    total = CORRECTED.total(constants, hyper)
    assert total[0] > 40 > total[1]
    assert CORRECTED.vacuous(constants, hyper).tolist() == [True, False]


def test_a_bound_of_exactly_d_G_squared_says_nothing():
    # gamma = eps/(16 L) and all else 0: 2 G Delta/(gamma T) = G^2.
    constants, hyper = at(
        sigma=0, d=1, G=1.0, eps=1.0, gamma=1 / 16, rho=0, beta1=0, T=32, Delta=1.0
    )
    assert CORRECTED.total(constants, hyper) == trivial(constants)
    assert CORRECTED.vacuous(constants, hyper)


def test_a_term_that_adds_unlike_quantities_has_no_unit_and_is_inhomogeneous():
    good = Term("good", L**2 * gamma**2, "", "")
    wrong = Term("wrong", L * gamma, "", "")
    sum_ = Term("sum", L + gamma, "", "")
    bound = Bound("test", "", (good, wrong, sum_), ())
    assert bound.units == {"good": UNIT, "wrong": wrong.unit, "sum": None}
    assert bound.inhomogeneous == ["wrong", "sum"]
    assert list(bound.terms) == ["good", "wrong", "sum"]


def test_a_bound_of_constant_terms_and_no_requirement_still_broadcasts():
    bound = Bound("test", "", (Term("one", sympy.Integer(1), "", ""),), ())
    setting = at(T=np.array([1, 2, 3]))
    assert bound.evaluate(*setting)["one"].tolist() == [1, 1, 1]
    assert bound.applies(*setting).all()


def test_every_requirement_is_checked_on_its_own():
    bound = Bound(
        "test",
        "",
        (Term("one", b / T, "", ""),),
        (
            Precondition("gamma <= eps", gamma, eps, ""),
            Precondition("b <= T", b, T, ""),
        ),
        nan_outside=True,
    )
    first, second = bound.preconditions(*at(gamma=1, eps=0.5))
    assert (bool(first.holds), bool(second.holds)) == (False, True)
    assert np.isnan(bound.total(*at(gamma=1, eps=0.5)))
    assert bound.total(*at()) == 16 / 10000


@pytest.mark.parametrize("bound", VARIANTS.values(), ids=VARIANTS)
def test_latex_states_the_left_side_and_every_term(bound):
    text = bound.latex()
    left, _, right = text.partition(r" \le ")
    assert r"\mathbb{E}" in left
    assert all(sympy.latex(term.expr) in right for term in bound.summands)


@pytest.mark.parametrize(
    ("bound", "source"),
    [
        (PRINTED, "(5)"), (APPENDIX, "(47)"), (CORRECTED, "(47)"),
        (TIGHT_SIMPLE, "sharpens (47)"), (TIGHT, "sharpens (47)"),
    ],
    ids=lambda value: getattr(value, "name", None),
)  # fmt: skip
def test_every_term_says_where_it_is_from_and_what_it_measures(bound, source):
    assert all(term.equation and term.meaning for term in bound.summands)
    assert [bound.terms[name].equation for name in bound.leading] == [source, source]
