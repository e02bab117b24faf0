"""The Triton and torch engines on a real GPU: `make test-gpu`, and a step of `make gpu-day`.

What matters most comes first, so that a run that is cut short has shown that. Profiles, noises and
methods are paired, for each combination is a kernel of its own: every profile x noise meets two
methods, every method several profiles.

With ``GPU_DAY=dry`` the same tests run on the CPU, tiny, with Triton's interpreter; they show that
the script works, nothing about a GPU.
"""

import os

import numpy as np
import pytest
import torch

from simulators import METHODS, PROFILES, SeparableProblem, simulate
from simulators.engines.torch_any import separable as torch_batched
from simulators.engines.triton_gpu import separable as gpu_triton

DRY = os.environ.get("GPU_DAY") == "dry"
DEVICE = "cpu" if DRY else "cuda"

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not DRY and not torch.cuda.is_available(), reason="no CUDA GPU"),
]
RUN = {
    "gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "v_init": 0.03,
    "b": [1, 3, 40, 100], "T": [2, 1, 2, 1] if DRY else [70, 33, 70, 9], "runs": 3, "seed": 1,
    "record": "trajectory",
}  # fmt: skip
STATISTICS = (
    "mean_grad_norm2", "mean_weighted_grad_norm2", "objective", "eta_variation_l1",
    "eta_variation_l2", "adaptive_share", "max_abs_gradient", "x",
)  # fmt: skip
KINDS = [(profile, noise) for profile in PROFILES for noise in ("additive", "shift")]
PAIRS = [
    (*kind, list(METHODS)[(number + 3 * turn) % len(METHODS)])
    for turn in range(2)
    for number, kind in enumerate(KINDS)
]
"""(profile, noise, method): every kind of problem once, then all again with another method."""

few = slice(None, 1) if DRY else slice(None)
every_engine = pytest.mark.parametrize("engine", ["triton", "torch"])
every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"][few])


@pytest.fixture(scope="module", autouse=True)
def card():
    if DRY:
        print("\ndry: on the CPU, Triton interpreted")
    else:
        name, version = torch.cuda.get_device_name(), torch.version.cuda
        print(f"\non {name}, CUDA {version}, torch {torch.__version__}")


def make(profile="huber", noise="additive", **changes):
    constants = {"L": 2.0, "sigma": 0.75, "G": 1.5, "d": 3, "start": 0.4} | changes
    return SeparableProblem(profile, noise, **constants)


def go(problem, engine, **changes):
    device = "cpu" if engine == "reference" else DEVICE
    return simulate(problem, **RUN | {"engine": engine, "device": device} | changes)


@every_engine
def test_a_gpu_draws_the_cpus_noise(engine):
    b = [1] if DRY else [1, 2, 7, 16, 29, 33, 64, 65, 1000]
    settings = {"b": b, "T": RUN["T"][0] if DRY else 200, "workers": 2}
    runs = go(make(d=5), engine, **settings)
    cpu = simulate(make(d=5), **RUN | settings, engine="numba")
    assert np.array_equal(runs.heads, cpu.heads)


@every_dtype
@pytest.mark.parametrize(("profile", "noise", "method"), PAIRS[few])
@every_engine
def test_a_gpu_follows_the_reference(profile, noise, method, dtype, engine):
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
    assert well.sum() >= (2 if DRY else 6)
    for name in STATISTICS:
        values, truth = getattr(runs, name)[well], getattr(expected, name)[well]
        most = tolerance * np.nanmax(np.abs(truth))
        np.testing.assert_allclose(values, truth, rtol=0, atol=most, equal_nan=True, err_msg=name)


@every_engine
@every_dtype
def test_a_second_run_has_the_same_bits(dtype, engine):
    problem = make("cosine", d=10)
    runs = 2 if DRY else 5000
    one, two = (go(problem, engine, dtype=dtype, runs=runs, record="statistics") for _ in range(2))
    for name, array in one.arrays().items():
        assert array.tobytes() == two.arrays()[name].tobytes(), name


@every_dtype
@pytest.mark.parametrize("d", [1, 3, 10, 100, 500][few])
def test_a_kernels_bits_do_not_depend_on_the_grid_or_the_launch(monkeypatch, d, dtype):
    problem = make("log_cosh", d=d)
    runs = 3 if DRY else 40
    grid = go(problem, "triton", dtype=dtype, runs=runs, record="statistics")
    monkeypatch.setattr(gpu_triton, "SEGMENT", 1 if DRY else 7)
    monkeypatch.setattr(gpu_triton, "MOST_RUNS", 64)
    own = {"b": 40, "T": RUN["T"][2], "runs": 3, "record": "statistics"}
    alone = go(problem, "triton", dtype=dtype, **own)
    for name in STATISTICS:
        mine = getattr(grid, name)[2 * runs : 2 * runs + 3]
        assert mine.tobytes() == getattr(alone, name).tobytes(), name


@every_dtype
@pytest.mark.parametrize("rotation", [None, 3])
def test_torchs_bits_do_not_depend_on_the_batch(monkeypatch, rotation, dtype):
    problem = make("log_cosh", d=10, rotation=rotation)
    grid = go(problem, "torch", dtype=dtype, runs=40, record="statistics")
    own = {"b": 40, "T": RUN["T"][2], "runs": 3, "record": "statistics"}
    monkeypatch.setattr(torch_batched, "CHUNK", dict.fromkeys(torch_batched.CHUNK, 20))
    alone = go(problem, "torch", dtype=dtype, **own)
    for name in STATISTICS:
        assert getattr(grid, name)[80:83].tobytes() == getattr(alone, name).tobytes(), name


@every_dtype
@pytest.mark.parametrize("method", ["adasam", "local_sam", "sgd"][few])
def test_a_cuda_graph_changes_no_bit(monkeypatch, method, dtype):
    problem = make("rational", "shift", d=10)
    # Three lengths: rows are dropped twice, and each time the graph is made anew.
    settings = {
        "T": [40, 33, 70] if DRY else [1500, 700, 2100], "b": [1, 40, 100], "dtype": dtype,
        "method": method, "workers": 2, "runs": 20, "record": "statistics",
    }  # fmt: skip
    replayed = go(problem, "torch", **settings)
    monkeypatch.setattr(torch_batched, "WORTH_A_GRAPH", 10**9)
    plain = go(problem, "torch", **settings)
    for name, array in replayed.arrays().items():
        assert array.tobytes() == plain.arrays()[name].tobytes(), name


@pytest.mark.skipif(DRY, reason="dry: a CPU has no CUDA memory to measure")
@every_engine
@every_dtype
@pytest.mark.parametrize("b", [1, 100])
def test_a_batch_takes_the_memory_that_was_planned(monkeypatch, engine, dtype, b):
    free = 2**30
    real = torch.cuda.mem_get_info
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *a: (free, real(*a)[1]))
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    runs = 2**16 if engine == "torch" else 2**20
    go(make(d=10), engine, dtype=dtype, b=b, T=600, runs=runs, record="statistics")
    most = torch.cuda.max_memory_allocated() - before
    print(f"{engine}, {dtype}, b = {b}: {most / 2**20:.0f} MB of {free / 2**21:.0f} MB planned")
    assert most <= free / 2
    if engine == "torch":
        assert most >= 0.3 * free / 2
