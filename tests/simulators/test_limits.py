"""What the simulator refuses because numbers would not hold it, and digits it keeps."""

import mpmath
import numpy as np
import pytest

from simulators import PROFILES, SeparableProblem, simulate
from theory import Constants, InputError
from verify.statistics import finite_sample_mean


@pytest.mark.parametrize(("name", "value"), [("eps", 1e20), ("gamma", 1e19), ("rho", 1e30)])
def test_float32_refuses_what_its_squares_cannot_hold_and_float64_runs_it(name, value):
    problem = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=1, start=0.3)
    setting = {"gamma": 0.01, "rho": 0.0, "beta1": 0.0, "beta2": 0.9, "eps": 1.0, "b": 1, "T": 3}
    setting[name] = value
    with pytest.raises(InputError, match=rf"{name} = .* float32"):
        simulate(problem, **setting, runs=1, seed=1)
    runs = simulate(problem, **setting, runs=1, seed=1, dtype="float64")
    assert np.isfinite(runs.mean_grad_norm2).all()


@pytest.mark.parametrize("bad", ["1.5", [], 10**400, [True, None], b"1"])
def test_what_is_no_number_is_an_input_error(bad):
    with pytest.raises(InputError, match="L "):
        Constants(L=bad, sigma=1, G=1, d=1, Delta=1)


def test_a_problem_takes_single_numbers_and_a_profiles_name():
    with pytest.raises(InputError, match="single number"):
        SeparableProblem("huber", "additive", L=[1, 2], sigma=0.5, G=1, d=1, start=0.0)
    with pytest.raises(InputError, match="profile"):
        SeparableProblem(["huber"], "additive", L=1, sigma=0.5, G=1, d=1, start=0.0)


def test_an_interval_of_nan_is_refused():
    with pytest.raises(ValueError, match="leave"):
        finite_sample_mean([0.5, np.nan], 1.0, 0.9)


@pytest.mark.parametrize("u", [1e-12, 1e-5, 0.3, 0.999, 1.0, 1.5, 5.0, 30.0, 700.0])
def test_log_cosh_keeps_its_digits_near_zero_and_far_away(u):
    with mpmath.workdps(60):
        exact = float(mpmath.log(mpmath.cosh(mpmath.mpf(u))))
    assert float(PROFILES["log_cosh"].value(np.array(u), np)) == pytest.approx(exact, rel=4e-16)


@pytest.mark.parametrize("start", [0.0, 1e-35, 1e-30, 1e-25, 1e-20])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["numba", "torch"])
def test_the_perturbation_keeps_its_radius_however_small_the_gradient(engine, start, dtype):
    """delta = rho s/||s||: no longer than rho where squares of s leave the dtype, 0 where s = 0."""
    problem = SeparableProblem("huber", "additive", L=1, sigma=0, G=1, d=2, start=start)
    setting = {"gamma": 0.01, "rho": 0.01, "beta1": 0.0, "beta2": 0.9, "eps": 1.0, "b": 1, "T": 1}
    runs = simulate(problem, **setting, runs=1, seed=0, engine=engine, dtype=dtype)
    expected = simulate(problem, **setting, runs=1, seed=0, engine="reference")
    np.testing.assert_allclose(runs.x, expected.x, rtol=1e-6)
