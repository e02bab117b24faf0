"""The Triton and torch engines on a real GPU: `make test-gpu`."""

import numpy as np
import pytest
import torch

from simulators import METHODS, PROFILES, SeparableProblem, simulate
from simulators.engines import gpu_triton

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU"),
]
RUN = {
    "gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "v_init": 0.03,
    "b": [1, 3, 40, 100], "T": [70, 33, 70, 9], "runs": 3, "seed": 1, "record": "trajectory",
}  # fmt: skip
STATISTICS = (
    "mean_grad_norm2", "mean_weighted_grad_norm2", "objective", "eta_variation_l1",
    "eta_variation_l2", "adaptive_share", "max_abs_gradient", "x",
)  # fmt: skip

every_engine = pytest.mark.parametrize("engine", ["triton", "torch"])
every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


@pytest.fixture(scope="module", autouse=True)
def card():
    name, version = torch.cuda.get_device_name(), torch.version.cuda
    print(f"\non {name}, CUDA {version}, torch {torch.__version__}")


def make(profile="huber", noise="additive", **changes):
    constants = {"L": 2.0, "sigma": 0.75, "G": 1.5, "d": 3, "start": 0.4} | changes
    return SeparableProblem(profile, noise, **constants)


def go(problem, engine, **changes):
    device = "cpu" if engine == "reference" else "cuda"
    return simulate(problem, **RUN | {"engine": engine, "device": device} | changes)


@every_engine
@every_dtype
@pytest.mark.parametrize("noise", ["additive", "shift"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_gpu_follows_the_reference(profile, method, noise, dtype, engine):
    problem, workers = make(profile, noise), [1, 2, 1, 3]
    expected = go(problem, "reference", method=method, workers=workers)
    runs = go(problem, engine, method=method, workers=workers, dtype=dtype)
    assert np.array_equal(runs.heads, expected.heads)
    # From an error of two units in the last place a step; where s is small, s/||s|| may turn.
    assert expected.heads is not None
    heads = expected.heads.astype(float)
    batches = problem.noise_from_heads(heads, expected.inputs.b[:, None, None, None].astype(float))
    s = problem.batch_gradient(expected.x[:, :-1, None, :], batches, np)
    least = np.nanmin(np.where(heads < 0, np.nan, np.abs(s)).max(-1), axis=(1, 2))
    limit, tolerance = {"float64": (1e-6, 1e-12), "float32": (1e-2, 140 * 2.0**-23)}[dtype]
    well = least > limit * problem.G
    assert well.sum() >= 6
    for name in STATISTICS:
        values, truth = getattr(runs, name)[well], getattr(expected, name)[well]
        most = tolerance * np.nanmax(np.abs(truth))
        np.testing.assert_allclose(values, truth, rtol=0, atol=most, equal_nan=True, err_msg=name)


@every_engine
@every_dtype
def test_a_second_run_has_the_same_bits(dtype, engine):
    problem = make("cosine", d=10)
    one, two = (go(problem, engine, dtype=dtype, runs=5000, record="statistics") for _ in range(2))
    for name, array in one.arrays().items():
        assert array.tobytes() == two.arrays()[name].tobytes(), name


@every_dtype
@pytest.mark.parametrize("d", [1, 3, 10, 100, 500])
def test_a_runs_bits_do_not_depend_on_the_grid_or_the_launch(monkeypatch, d, dtype):
    problem = make("log_cosh", d=d)
    grid = go(problem, "triton", dtype=dtype, runs=40, record="statistics")
    monkeypatch.setattr(gpu_triton, "SEGMENT", 7)
    monkeypatch.setattr(gpu_triton, "MOST_RUNS", 64)
    own = {"b": 40, "T": 70, "runs": 3, "record": "statistics"}
    alone = go(problem, "triton", dtype=dtype, **own)
    for name in STATISTICS:
        assert getattr(grid, name)[80:83].tobytes() == getattr(alone, name).tobytes(), name


@every_engine
def test_a_gpu_draws_the_cpus_noise(engine):
    b = [1, 2, 7, 16, 29, 33, 64, 65, 1000]
    settings = {"b": b, "T": 200, "workers": 2}
    runs = go(make(d=5), engine, **settings)
    cpu = simulate(make(d=5), **RUN | settings, engine="numba")
    assert np.array_equal(runs.heads, cpu.heads)
