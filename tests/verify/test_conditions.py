"""Where conditions fail: the exact left sides, and the runs that agree with them."""

import numpy as np
import pytest

from simulators import SeparableProblem, simulate
from verify.claims.conditions import quadratic_sum


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.95, 0.99])
def test_the_lyapunov_sum_has_its_closed_form(beta1):
    """With k = kappa: y sum_t x_t^2/x_0^2 = (2 k^2 y + 2 k y + 2 k + 1)/(4 k + 2 - y)."""
    y, kappa = 1 / 16, beta1 / (1 - beta1)
    closed = (2 * kappa**2 * y + 2 * kappa * y + 2 * kappa + 1) / (4 * kappa + 2 - y)
    assert y * quadratic_sum(1.0, y, beta1, 1.0) == pytest.approx(closed, rel=1e-9)


@pytest.mark.parametrize(("beta1", "ratio"), [(0.95, 1.110), (0.99, 3.61)])
def test_a_run_sums_to_it(beta1, ratio):
    problem = SeparableProblem("huber", "additive", L=1, sigma=0, G=1, d=1, start=0.125)
    runs = simulate(
        problem, gamma=1 / 16, rho=0, beta1=beta1, beta2=0.999, eps=1, b=1, T=8192, runs=1, seed=0,
        dtype="float64",
    )  # fmt: skip
    exact = quadratic_sum(1.0, 1 / 16, beta1, 0.125)
    assert float(runs.lhs(0)[0]) * 8192 == pytest.approx(exact, rel=1e-9)
    # 2 G Delta/(gamma T) is all of TIGHT_SIMPLE here.
    simple = 2 * 0.5 * 0.125**2 * 16
    assert exact / simple == pytest.approx(ratio, rel=1e-3)
    assert np.abs(runs.max_abs_gradient).max() < 1
