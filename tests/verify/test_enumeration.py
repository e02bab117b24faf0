"""Enumeration of all sign paths, the oracle of oracles."""

from fractions import Fraction

import numpy as np
import pytest

from simulators import SeparableProblem, simulate
from theory.basin import mean_grad_norm2
from verify.oracles.enumeration import RationalHuber

TINY = Fraction(1, 2**10)


def counterexample(eps: Fraction) -> RationalHuber:
    return RationalHuber(L=Fraction(1), sigma=eps / 2, G=eps, eps=eps, gamma=eps / 16)


def test_two_steps_refute_the_printed_bound():
    left = counterexample(TINY).mean_grad_norm2(2)
    assert left == (TINY / 2) ** 2 / 512 == Fraction(1, 2**31)
    printed = TINY * (TINY / 2) ** 2 / 2  # 8 G gamma L sigma^2/eps with gamma = eps/16, G = eps
    assert left == 4 * printed


@pytest.mark.parametrize("T", range(1, 11))
def test_the_closed_form_is_the_enumeration(T):
    eps = Fraction(1, 32)
    closed = mean_grad_norm2(Fraction(1), eps / 2, eps, eps / 16, Fraction(1), T, Fraction(0))
    assert counterexample(eps).mean_grad_norm2(T) == closed


@pytest.mark.parametrize(
    ("beta1", "x0"), [(Fraction(0), Fraction(3)), (Fraction(1, 2), Fraction(1))]
)
def test_it_is_the_mean_over_simulated_paths(beta1, x0):
    """Beyond the quadratic part too: every path of four steps, drawn by the simulator."""
    exact = RationalHuber(
        L=Fraction(1), sigma=Fraction(1, 2), G=Fraction(3, 2), eps=Fraction(2),
        gamma=Fraction(1, 2), beta1=beta1, beta2=Fraction(3, 4), x0=x0,
    ).mean_grad_norm2(4)  # fmt: skip
    problem = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1.5, d=1, start=float(x0))
    runs = simulate(
        problem, gamma=0.5, rho=0, beta1=float(beta1), beta2=0.75, eps=2, b=1, T=4, runs=400,
        seed=2, dtype="float64", record="trajectory",
    )  # fmt: skip
    assert runs.heads is not None
    paths = runs.heads[:, :3, 0]  # the last step's sign comes too late to matter
    by_path = {tuple(path): value for path, value in zip(paths.tolist(), runs.lhs(0), strict=True)}
    assert len(by_path) == 8
    assert np.mean(list(by_path.values())) == pytest.approx(float(exact), rel=1e-14)


def test_it_refuses_where_v_hat_would_leave_eps():
    problem = RationalHuber(
        L=Fraction(1), sigma=Fraction(1), G=Fraction(4), eps=Fraction(1, 2), gamma=Fraction(1, 8),
        beta2=Fraction(1, 2),
    )  # fmt: skip
    with pytest.raises(ValueError, match="exceeds"):
        problem.mean_grad_norm2(3)
