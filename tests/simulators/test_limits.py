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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"G": 1e200}, r"d G\^2 leave float64"),
        ({"G": 1e-160, "sigma": 0}, r"d G\^2 leave float64"),
        ({"G": 1e100, "L": 1e-120}, r"G\^2/L leave float64"),
        ({"G": 1e-100, "L": 1e150, "sigma": 0}, r"G\^2/L leave float64"),
        ({"G": 1, "condition": 1e307, "L": 1e-5}, r"G\^2/L leave float64"),
        ({"start": 1e101}, r"start = 1e\+101 is beyond 6\.46447e\+99, from"),
        ({"start": [0.0, -1e101]}, r"start = 1e\+101 is beyond"),
    ],
)
def test_a_problem_whose_numbers_leave_float64_is_refused(change, said):
    usual = {"L": 1, "sigma": 0.5, "G": 1, "d": 2, "start": 0.3}
    with pytest.raises(InputError, match=said):
        SeparableProblem("huber", "additive", **usual | change)


@pytest.mark.parametrize("change", [{"G": 1e150}, {"G": 1e-150, "sigma": 0}, {"start": 6.4e99}])
def test_a_problem_just_inside_float64_has_a_finite_certificate(change):
    usual = {"L": 1, "sigma": 0.5, "G": 1, "d": 2, "start": "plateau"}
    constants = SeparableProblem("huber", "additive", **usual | change).certificate.constants
    assert np.isfinite([constants.G**2, constants.Delta]).all()
    assert constants.Delta > 0


@pytest.mark.parametrize(
    ("name", "value"), [("eps", 1e-154), ("gamma", 1e154), ("rho", 1e154), ("v_init", 1e154)]
)
def test_float64_refuses_what_its_squares_cannot_hold(name, value):
    problem = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=1, start=0.3)
    setting = {"gamma": 0.01, "rho": 0.0, "beta1": 0.0, "beta2": 0.9, "eps": 1.0, "b": 1, "T": 3}
    with pytest.raises(InputError, match=rf"{name} = .* float64.*"):
        simulate(problem, **setting | {name: value}, runs=1, seed=1, dtype="float64")


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
