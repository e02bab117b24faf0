"""What the simulator refuses because numbers would not hold it, and digits it keeps."""

import mpmath
import numpy as np
import pytest

from simulators import PROFILES, SeparableProblem, simulate
from simulators.problems import FiniteSum
from theory import Constants, InputError
from verify.evidence.statistics import finite_sample_mean


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


STEP = {"gamma": 0.01, "beta1": 0.0, "beta2": 0.9, "eps": 1.0, "b": 1, "T": 1, "runs": 1}
TINY = [0.0, 2.0**-145, 2.0**-136, 2.0**-116, 2.0**-66]
"""Starts whose gradients are as small. The second and third are no normal numbers of float32, which
holds no 0.1/||s|| for them; of the fourth it holds no square; in float64 all is well.
"""


def assert_one_step_is_the_references(problem, engine, dtype, rtol=1e-6, **changes):
    settings = STEP | {"rho": [0.0, 0.1], "seed": 0} | changes
    runs = simulate(problem, **settings, engine=engine, dtype=dtype)
    expected = simulate(problem, **settings, engine="reference")
    least = float(np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(runs.x, expected.x, rtol=rtol, atol=2 * least)
    return expected


@pytest.mark.parametrize("start", TINY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["numba", "torch"])
def test_the_perturbation_keeps_its_radius_however_small_the_gradient(engine, start, dtype):
    """delta = rho s/||s||: of length rho where s is no normal number of the dtype, or its square is
    none, or rho/||s|| is beyond it; 0 where s = 0, whether rho is 0 or not. The rho of a grid's
    cells may differ.
    """
    steep = [start, -2 * start]
    problem = SeparableProblem("huber", "additive", L=1, sigma=0, G=1, d=2, start=steep)
    expected = assert_one_step_is_the_references(problem, engine, dtype)
    if start:  # the step along the gradient at x + delta shows delta
        moved = np.linalg.norm(expected.x[1] - problem.x0)
        assert moved == pytest.approx(0.01 * 0.1, rel=1e-6)
    for method, workers in (("local_sam", 2), ("local_sam", 1), ("amsgrad", 1), ("adam_sam", 2)):
        assert_one_step_is_the_references(problem, engine, dtype, method=method, workers=workers)
    turned = SeparableProblem("huber", "shift", L=1, sigma=0, G=1, d=2, start=steep, rotation=2)
    for method in ("adasam", "local_sam", "sgd"):
        # The turned s has the few digits of numbers near the dtype's least.
        digits = 3e-1 if 0 < start < 2.0**-140 else 1e-2
        assert_one_step_is_the_references(
            turned, engine, dtype, rtol=digits if dtype == "float32" else 1e-6, method=method,
            workers=2,
        )  # fmt: skip


@pytest.mark.parametrize("engine", ["numba", "torch"])
def test_a_radius_beyond_one_is_kept_where_the_gradient_is_a_normal_number(engine):
    # rho/||s|| is beyond float32 though ||s|| is not near its end.
    problem = SeparableProblem("huber", "additive", L=1, sigma=0, G=1, d=2, start=[1e-32, -2e-32])
    assert_one_step_is_the_references(problem, engine, "float32", rho=[0.5, 1e10, 1e18])


@pytest.mark.parametrize("method", ["adasam", "local_sam", "sgd"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["numba", "torch"])
def test_the_perturbation_of_a_finite_sum_keeps_its_radius(engine, dtype, method):
    # Vanishing features at x = 0: s is tiny, and the gradient at delta is the regulariser's.
    features = 2.0**-136 * np.array([[1.0, 2.0, -4.0]] * 3)
    problem = FiniteSum(features, np.ones(3), alpha=0.5)
    expected = assert_one_step_is_the_references(problem, engine, dtype, method=method, workers=2)
    if method != "sgd":
        assert np.abs(expected.x[1]).max() > 1e-5
