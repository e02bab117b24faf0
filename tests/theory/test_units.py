"""Dimensional analysis."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from theory import VARIANTS, InhomogeneousError, unit_of
from theory.bound import UNIT
from theory.symbols import QUANTITIES, F, G, L, T, X, b, beta1, eps, gamma, rho, sigma

SYMBOLS = [quantity.symbol for quantity in QUANTITIES.values()]

monomials = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.fractions(-3, 3, max_denominator=4)),
    min_size=1,
    max_size=5,
).map(lambda factors: sympy.Mul(*(s ** sympy.Rational(p) for s, p in factors)))


def test_a_symbols_unit_is_the_tables():
    for name, unit in {
        "L": F / X**2, "sigma": F / X, "G": F / X, "eps": F / X, "Delta": F,
        "gamma": X, "rho": X, "c_gamma": X, "eta": X / F, "v_hat": F**2 / X**2, "beta1": 1, "b": 1,
    }.items():  # fmt: skip
        assert unit_of(QUANTITIES[name].symbol) == unit


@given(monomials, monomials)
def test_units_multiply_as_quantities_do(one, other):
    assert sympy.simplify(unit_of(one * other) / (unit_of(one) * unit_of(other))) == 1


@given(monomials, st.integers(-3, 3))
def test_the_unit_of_a_power_is_the_power_of_the_unit(quantity, power):
    assert sympy.simplify(unit_of(quantity**power) / unit_of(quantity) ** power) == 1


@given(monomials, st.fractions(1, 7))
def test_a_number_in_front_changes_no_unit(quantity, number):
    assert unit_of(sympy.Rational(number) * quantity) == unit_of(quantity)


def test_like_quantities_may_be_added_and_compared():
    assert unit_of(L * gamma + eps) == F / X
    assert unit_of(sympy.Max(G, eps)) == F / X
    assert unit_of(sympy.Min(rho, gamma)) == X
    assert unit_of(1 / eps - 1 / G) == X / F
    assert unit_of(sympy.sqrt(G**2 + sigma**2 / b)) == F / X
    assert unit_of(1 - beta1**T) == 1


@pytest.mark.parametrize(
    "expr",
    [
        L + G,
        gamma + 1,
        sympy.Max(G, L),
        sympy.Min(gamma, eps),
        2 * (1 / eps - G),
        sympy.sqrt(L + gamma),
        b**gamma,
        L / (eps + eps**2),
    ],
    ids=str,
)
def test_unlike_quantities_may_not(expr):
    with pytest.raises(InhomogeneousError):
        unit_of(expr)


def test_the_message_names_what_was_added_to_what():
    with pytest.raises(InhomogeneousError, match=r"has unit .* has unit"):
        unit_of(rho + sigma)


def test_a_function_without_a_rule_is_refused_and_not_guessed():
    with pytest.raises(TypeError, match="sin"):
        unit_of(sympy.sin(gamma))


def test_the_misprinted_terms_have_the_units_the_audit_found():
    assert {name: bound.inhomogeneous for name, bound in VARIANTS.items()} == {
        "printed": ["gradient_noise", "perturbed_noise"],
        "appendix": ["perturbed_noise"],
        "corrected": [],
        "tight_simple": [],
        "tight": [],
    }
    assert VARIANTS["printed"].units["gradient_noise"] == F**3 / X**3
    assert VARIANTS["printed"].units["perturbed_noise"] == F**2 / X
    assert VARIANTS["appendix"].units["perturbed_noise"] == F


@pytest.mark.parametrize("bound", VARIANTS.values(), ids=VARIANTS)
def test_both_sides_of_every_precondition_have_one_unit(bound):
    for check in bound.requirements:
        assert sympy.simplify(unit_of(check.left) / unit_of(check.right)) == 1, check.name


def test_the_left_sides_unit_is_that_of_a_squared_gradient():
    assert unit_of(G**2) == UNIT
