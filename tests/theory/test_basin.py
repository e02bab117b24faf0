"""The closed form of the left side in a quadratic basin, against recursion and enumeration."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import basin
from verify.oracles.enumeration import RationalHuber


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


def with_momentum_by_recursion(L, sigma, eps, gamma, beta1, b, T, start):
    """The moments of (u_t, m_{t-1}) step by step, from their definition."""
    step, fresh = gamma * L / eps, 1 - beta1
    uu, um, mm, total = start, 0, 0, 0
    for _ in range(T):
        total += uu
        gg, ug = uu + sigma**2 / b, uu  # E||g||^2 and E<u, g> of g = u + n
        next_mm = beta1**2 * mm + 2 * beta1 * fresh * um + fresh**2 * gg
        next_um = beta1 * um + fresh * ug  # E<u_t, m_t>
        uu, um, mm = (
            uu - 2 * step * next_um + step**2 * next_mm,
            next_um - step * next_mm,
            next_mm,
        )
    return total / T


@given(
    fractions,
    nonnegative,
    fractions,
    st.fractions(Fraction(1, 50), Fraction(99, 50), max_denominator=50),
    st.fractions(0, Fraction(19, 20), max_denominator=20),
    st.integers(1, 64),
    st.integers(1, 30),
    nonnegative,
)
def test_the_moments_with_momentum_follow_their_recursion(L, sigma, eps, y, beta1, b, T, start):
    gamma = y * eps / L
    exact = with_momentum_by_recursion(L, sigma, eps, gamma, beta1, b, T, start)
    floats = (float(value) for value in (L, sigma, eps, gamma, beta1))
    value = basin.mean_grad_norm2_with_momentum(*floats, b, T, float(start))
    assert value == pytest.approx(float(exact), rel=1e-9, abs=1e-12)


@given(
    L=fractions,
    sigma=st.fractions(0, 2, max_denominator=8),
    room=st.fractions(0, 2, max_denominator=8),
    root=st.fractions(0, Fraction(9, 10), max_denominator=10),
    share=st.fractions(Fraction(1, 20), 1, max_denominator=20),
    place=st.fractions(-1, 1, max_denominator=8),
    T=st.integers(1, 6),
)
def test_with_momentum_too_it_is_the_average_over_all_paths_of_algorithm_1(
    L, sigma, room, root, share, place, T
):
    # Up to the docstring's largest step, (1 - sqrt(beta1))/(1 + sqrt(beta1)), included.
    G = 2 * sigma + room + Fraction(1, 10)
    gamma, u0 = share * (1 - root) / (1 + root) * G / L, place * (G - sigma)
    problem = RationalHuber(L, sigma, G, G, gamma, beta1=root**2, x0=u0 / L)
    floats = (float(value) for value in (L, sigma, G, gamma, root**2))
    value = basin.mean_grad_norm2_with_momentum(*floats, 1, T, float(u0**2))
    assert value == pytest.approx(float(problem.mean_grad_norm2(T)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("T", [1, 100, 16384])
def test_without_momentum_both_forms_agree(T):
    closed = basin.mean_grad_norm2(1.0, 0.5, 2.0, 0.01, 4, T, 0.3)
    moments = basin.mean_grad_norm2_with_momentum(1.0, 0.5, 2.0, 0.01, 0.0, 4, T, 0.3)
    assert moments == pytest.approx(closed, rel=1e-11)


def weights(step: float, beta1: float, T: int) -> np.ndarray:
    """Return what u_T is made of: its weights on u_0, -n_0, ..., -n_{T-1}."""
    u, m = np.eye(T + 1)[0], np.zeros(T + 1)
    for t in range(T):
        noise = -np.eye(T + 1)[t + 1]
        m = beta1 * m + (1 - beta1) * (u + noise)
        u = u - step * m
    return u


@pytest.mark.parametrize("beta1", [0.0, 0.3, 0.9])
def test_up_to_the_largest_step_the_gradient_is_a_weighted_mean_of_the_start_and_the_noise(beta1):
    largest = (1 - np.sqrt(beta1)) / (1 + np.sqrt(beta1))
    for share in (0.1, 0.7, 1.0):
        for T in (1, 2, 7, 60):
            found = weights(share * largest, beta1, T)
            assert found.sum() == pytest.approx(1, abs=1e-12)
            assert found.min() >= -1e-15
    assert min(weights(2 * largest, beta1, T).min() for T in range(1, 80)) < -1e-3
