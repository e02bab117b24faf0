"""The closed form of the left side in a quadratic basin, against recursion and enumeration."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import basin
from verify.enumeration import RationalHuber


def by_recursion(L, sigma, eps, gamma, b, T, start):
    """E||u_t||^2 from E||u_{t-1}||^2, averaged over t < T."""
    shrink, kick = 1 - gamma * L / eps, gamma * L / eps * sigma
    square, total = start, 0
    for _ in range(T):
        total += square
        square = shrink**2 * square + kick**2 / b
    return total / T


fractions = st.fractions(Fraction(1, 20), 10, max_denominator=20)
nonnegative = st.fractions(0, 10, max_denominator=20)


@given(
    fractions,
    nonnegative,
    fractions,
    st.fractions(Fraction(1, 50), Fraction(99, 50), max_denominator=50),
    st.integers(1, 64),
    st.integers(1, 30),
    nonnegative,
)
def test_the_closed_form_solves_the_recursion_exactly(L, sigma, eps, y, b, T, start):
    gamma = y * eps / L
    value = basin.mean_grad_norm2(L, sigma, eps, gamma, b, T, start)
    assert isinstance(value, Fraction)
    assert value == by_recursion(L, sigma, eps, gamma, b, T, start)


@given(
    L=fractions,
    sigma=st.fractions(0, 2, max_denominator=8),
    room=st.fractions(0, 2, max_denominator=8),
    eps_above=nonnegative,
    y=st.fractions(Fraction(1, 20), 1, max_denominator=20),
    place=st.fractions(-1, 1, max_denominator=8),
    beta2=st.fractions(0, 1, max_denominator=9),
    T=st.integers(1, 6),
)
def test_the_closed_form_is_the_average_over_all_paths_of_algorithm_1(
    L, sigma, room, eps_above, y, place, beta2, T
):
    # The basin needs eps >= G, G_f >= sigma, gamma L <= eps and |f'(x_0)| <= G_f.
    G = 2 * sigma + room + Fraction(1, 10)
    eps = G + eps_above
    gamma, u0 = y * eps / L, place * (G - sigma)
    problem = RationalHuber(L, sigma, G, eps, gamma, beta2=beta2, x0=u0 / L)
    expected = basin.mean_grad_norm2(L, sigma, eps, gamma, 1, T, u0**2)
    assert problem.mean_grad_norm2(T) == expected


def test_outside_the_basin_the_closed_form_is_not_the_average():
    # From the flat part the gradient cannot shrink: the condition in the docstring is needed.
    L = eps = G = Fraction(1)
    problem = RationalHuber(L, Fraction(0), G, eps, Fraction(1, 16), x0=Fraction(3))
    assert problem.mean_grad_norm2(4) == 1
    assert basin.mean_grad_norm2(L, Fraction(0), eps, Fraction(1, 16), 1, 4, G**2) < 1


@pytest.mark.parametrize("y", [Fraction(1, 16), Fraction(1), Fraction(3, 2)])
def test_the_left_side_tends_to_the_floor_gamma_L_sigma2_over_b_2eps_minus_gamma_L(y):
    value = basin.mean_grad_norm2(1.0, 0.5, 1.0, float(y), 4, 10**12, 3.0)
    assert value == pytest.approx(float(y) * 0.25 / (4 * (2 - float(y))), rel=1e-6)


def test_the_audited_example_is_reproduced():
    # theory.md 3a1: L = 1, T = 1000, eps = G = 2^-5, sigma = 2^-6, gamma = eps/16, x_0 = x*.
    eps = Fraction(1, 2**5)
    value = basin.mean_grad_norm2(1, eps / 2, eps, eps / 16, 1, 1000, 0)
    assert float(value) == pytest.approx(7.810468e-06, rel=1e-7)


def test_arrays_give_each_settings_own_value():
    T, b = np.array([[1], [10], [1000]]), np.array([1, 16])
    grid = basin.mean_grad_norm2(1.0, 0.5, 1.0, 0.1, b, T, 0.2)
    assert grid.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        one = basin.mean_grad_norm2(1.0, 0.5, 1.0, 0.1, int(b[j]), int(T[i, 0]), 0.2)
        assert grid[i, j] == pytest.approx(one, rel=1e-15)
