"""Every engine against the reference, and every run against itself in other company."""

import bisect
import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import METHODS, PROFILES, SeparableProblem, noise, simulate
from simulators.engines.numba_cpu import layout as lane_layout
from simulators.engines.numba_cpu import loops as lanes
from simulators.engines.numba_cpu import noise as lane_noise
from simulators.engines.numba_cpu import separable as cpu_numba
from simulators.engines.numba_cpu.vectors import WIDTH
from simulators.engines.schedule import events
from simulators.engines.torch_any import separable as torch_batched
from simulators.methods import Oracle, Parameters
from simulators.methods.adasam import SWITCHES, start
from simulators.runs import Runs, checkpoints
from simulators.simulation import _inputs
from theory import Hyperparameters, basin

CELL = {"gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": 3, "T": 70}
ULP = {"float64": 2.0**-52, "float32": 2.0**-23}
STATISTICS = (
    "mean_grad_norm2", "mean_weighted_grad_norm2", "objective", "eta_variation_l1",
    "eta_variation_l2", "adaptive_share", "max_abs_gradient",
)  # fmt: skip

every_profile = pytest.mark.parametrize("profile", PROFILES)
every_method = pytest.mark.parametrize("method", METHODS)
every_engine = pytest.mark.parametrize("engine", ["numba", "torch"])
every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


SHAPES = {
    "plain": {},
    "shift": {"noise": "shift"},
    "spectrum": {"condition": 50.0},
    "rotated": {"rotation": 3, "curvatures": [2.0, 0.5, 1.0]},
    "shift rotated": {"noise": "shift", "rotation": 3},
}
"""Problems that differ in more than their profile."""


CONSTANTS = {"L": 2.0, "sigma": 0.75, "G": 1.5, "d": 3, "start": [0.4, -0.1, 2.0]}


def make(profile="huber", noise="additive", **changes):
    return SeparableProblem(profile, noise, **CONSTANTS | changes)


def go(problem, **changes):
    settings = CELL | {"runs": 2, "seed": 1, "record": "trajectory"} | changes
    return simulate(problem, **settings)


def smallest_norms(problem, method, runs):
    """min_t of every run's ||s_t||, along which it perturbs, from its path and its heads."""
    R, T = runs.x.shape[0], runs.x.shape[1] - 1
    heads = runs.heads.reshape(R, T, -1, problem.d)
    absent = (heads < 0).any(-1, keepdims=True)
    noise = problem.noise_from_heads(
        heads.astype(float), runs.inputs.b[:, None, None, None].astype(float)
    )
    s = problem.batch_gradient(runs.x[:, :-1, None, :], noise, np)
    s = np.where(absent, np.nan, s)
    if not SWITCHES[method].is_local:
        present = np.maximum((~absent).sum(2), 1)
        s = np.where(absent.all(2), np.nan, np.nansum(s, axis=2) / present)[:, :, None, :]
    return np.nanmin(np.linalg.norm(s, axis=3), axis=(1, 2))


def assert_same_bytes(one, other, rows=slice(None)):
    """The runs ``rows`` of ``one`` are the runs of ``other``, bit for bit."""
    for name, array in other.arrays().items():
        if name != "cell":
            assert one.arrays()[name][rows].tobytes() == array.tobytes(), name


# T on both sides of torch's history of 32 slots and of its multiples, and beyond one Philox block
# of every noise layout. The first five have each kind of layout, the rest the widths of its fields.
CELLS = [
    {"b": 1, "T": 33}, {"b": 3, "T": 66}, {"b": 40, "T": 31, "workers": 2},
    {"b": 100, "T": 40, "v_init": 0.03}, {"b": 3, "T": 1, "workers": 3},
    {"b": 2, "T": 66}, {"b": 8, "T": 18}, {"b": 16, "T": 18}, {"b": 32, "T": 18},
    {"b": 64, "T": 18},
]  # fmt: skip
# For what does not depend on the number of steps.
FEW_STEPS = [cell | {"T": min(cell["T"], 16)} for cell in CELLS[:5]]


def grid_of(cells):
    return {
        name: [cell.get(name, default) for cell in cells]
        for name, default in {"b": None, "T": None, "workers": 1, "v_init": 0}.items()
    }


def pairs():
    """Profiles, shapes and methods. A profile's code is written out once for workers that share
    their perturbation, once for those that do not; a method's once for all profiles. So each
    profile meets methods of either kind, on the least and the most of a problem both, and each
    shape every method.
    """
    together = [name for name, switches in SWITCHES.items() if not switches.is_local]
    for place, shape in enumerate(SHAPES):
        for number, profile in enumerate(PROFILES):
            both = shape in ("plain", "shift rotated")
            if both or (number + place) % 2 == 0:
                yield profile, shape, together[(number + place) % len(together)]
            if both or (number + place) % 2 == 1:
                yield profile, shape, "local_sam"


@pytest.mark.parametrize(("profile", "shape", "method"), list(pairs()))
def test_every_engine_follows_the_reference_along_whole_paths(profile, shape, method):
    problem, runs = make(profile, **SHAPES[shape]), 2 if shape == "plain" else 1
    settings = {"method": method, "runs": runs}
    # The widths, the blocks of noise and the history are the same code for all profiles.
    long = profile in ("huber", "cosine")
    wide = shape == "plain" and method != "local_sam" and long
    known = CELLS if wide else CELLS[:5] if long else FEW_STEPS
    reference = go(problem, engine="reference", **settings, **grid_of(known))
    norms = smallest_norms(problem, method, reference)
    # In float32 an error of some two ulps a step, before which s/||s|| may turn where s is small.
    for dtype, tolerance, least in (
        ("float64", 1e-12, 1e-6),
        ("float32", 2 * 70 * ULP["float32"], 1e-3),
    ):
        # torch, slow on small batches, goes through the first cells alone; and each profile through
        # the least and the most of a problem.
        told = profile == "cosine" or shape in ("plain", "shift rotated")
        for engine, cells in (("numba", known), ("torch", known[:5]))[: 1 + told]:
            rows = slice(len(cells) * runs)
            batched = go(problem, engine=engine, dtype=dtype, **settings, **grid_of(cells))
            well = norms[rows] > least * problem.G
            assert well.mean() >= 0.8
            assert np.array_equal(batched.heads, reference.heads[rows])
            assert np.array_equal(batched.step, reference.step[rows])
            np.testing.assert_allclose(
                batched.x[well],
                reference.x[rows][well],
                rtol=0,
                atol=tolerance * np.max(problem.B),
                equal_nan=True,
            )
            for name in STATISTICS:
                measured, expected = getattr(batched, name), getattr(reference, name)[rows]
                assert np.isfinite(measured).all(), name
                limit = tolerance * np.abs(expected).max()
                np.testing.assert_allclose(
                    measured[well], expected[well], rtol=0, atol=limit, err_msg=name
                )


@pytest.mark.parametrize(
    ("profile", "method"),
    [
        (profile, method)
        for number, profile in enumerate(PROFILES)
        for place, method in enumerate(METHODS)
        if (number - place) % 3 == 0
    ],
)
def test_one_torch_step_from_the_references_own_states_is_the_references(profile, method):
    # Beyond the first steps, where m and v are 0, and wherever s is, ties with 0 aside.
    problem, setting = make(profile), METHODS[method]
    cell = {name: np.array([CELL[name]] * 2) for name in CELL} | {"b": np.array([3, 1])}
    inputs = _inputs(
        problem, method, Hyperparameters(**cell), np.array(1), np.array(0.0), np.arange(3), 1, False
    )
    reference = simulate(
        problem, **cell, runs=3, seed=1, method=method, engine="reference", record="trajectory"
    )
    given_values = Parameters(*(getattr(inputs, name)[:, None] for name in Parameters._fields))
    batch = torch_batched._Batch(
        problem, SWITCHES[method], inputs, torch.float64, torch.device("cpu")
    )
    state = start(problem, given_values)
    worst = 0.0
    for t in range(40):
        heads = reference.heads[:, t].astype(float)
        noise = problem.noise_from_heads(heads, inputs.b[:, None].astype(float))
        with torch.inference_mode():
            for name in ("x", "m", "v"):
                batch.state[name].copy_(torch.tensor(getattr(state, name)))
            batch.history["v_hat"][0].copy_(torch.tensor(state.v_hat))
            batch.history["noise"][0].copy_(torch.tensor(noise))
            batch._step(0)
        state, _ = setting.rule(Oracle(problem, noise[None]), given_values, state, np)
        worst = max(worst, np.abs(batch.state["x"].numpy() - state.x).max())
        if SWITCHES[method].adapts:
            np.testing.assert_allclose(
                batch.history["v_hat"][1].numpy(), state.v_hat, rtol=1e-12, atol=0
            )
    assert worst < 1e-12 * problem.B


MIXED = {
    "workers": [1, 2, 1, 1, 1, 3, 1, 2], "v_init": [0, 0, 0.1, 0, 0, 0, 0.2, 0],
    "b": [1, 3, 8, 33, 70, 1, 3, 3], "T": [5, 33, 64, 70, 31, 70, 32, 1],
    "rho": [0, 0.1, 0.2, 0.1, 0, 0.1, 0.1, 0], "beta1": [0.9, 0, 0.5, 0.9, 0, 0, 0, 0.9],
    "gamma": [0.02, 0.01, 0.02, 0.02, 0.05, 0.02, 0.02, 0.02],
}  # fmt: skip


def companies():
    """Each profile in each dtype on the least of a problem, and in one on the most, some on what is
    between; torch, which shares its formulas with the reference, on one of them.
    """
    for number, profile in enumerate(PROFILES):
        for place, shape in enumerate(SHAPES):
            for turn, dtype in enumerate(("float64", "float32")):
                mine = (number + place + turn) % 2 == 0
                between = profile in ("cosine", "two_basin")
                if shape == "plain" or (mine and (shape == "shift rotated" or between)):
                    yield "numba", profile, shape, dtype
                if shape == ("plain" if (number + turn) % 2 else "shift rotated"):
                    yield "torch", profile, shape, dtype


@pytest.mark.parametrize(("engine", "profile", "shape", "dtype"), list(companies()))
def test_a_cells_runs_are_the_same_bytes_alone_and_in_any_grid(engine, profile, dtype, shape):
    # 3 x 3 numbers alone against 72 in company: other places in the vector registers too.
    problem = make(profile, **SHAPES[shape])
    settings = {
        "runs": 3, "dtype": dtype, "record": "statistics", "method": "local_sam", "engine": engine,
    }  # fmt: skip
    mixed = dict(MIXED)
    if engine == "torch" and profile not in ("cosine", "two_basin"):  # its history is one for all
        mixed["T"] = [min(T, 12) for T in MIXED["T"]]
    grid = go(problem, **settings, **mixed)
    for cell in range(8) if (engine, shape) == ("numba", "plain") else (1, 3, 6):
        own = {name: values[cell] for name, values in mixed.items()}
        alone = go(problem, **settings, **own)
        assert_same_bytes(grid, alone, grid.rows(cell))


# Of every kind: with the running maximum (below, too) and not, plain, each worker on its own.
@pytest.mark.parametrize("method", ["adam_sam", "sgd", "local_sam"])
def test_reference_runs_are_the_same_bytes_alone_and_in_any_grid(method):
    grid = go(make(), engine="reference", method=method, record="statistics", **MIXED)
    for cell in (1, 3, 4):
        own = {name: values[cell] for name, values in MIXED.items()}
        alone = go(make(), engine="reference", method=method, record="statistics", **own)
        assert_same_bytes(grid, alone, grid.rows(cell))


@pytest.mark.parametrize(
    ("method", "dtype", "elements"),
    [
        ("adasam", "float32", 1), ("local_sam", "float64", 1), ("local_sam", "float32", 50),
        ("amsgrad", "float64", 50), ("sam", "float32", 50), ("sgd", "float64", 50),
        ("adam_sam", "float32", 50), ("adasam", "float64", 50),
    ],
)  # fmt: skip
def test_chunks_of_rows_and_refills_of_noise_leave_every_byte(monkeypatch, method, dtype, elements):
    problem = make("cosine")
    settings = {"dtype": dtype, "method": method, "engine": "torch", **MIXED}
    settings["runs"] = 3 if elements > 1 else 1
    whole = go(problem, **settings)
    monkeypatch.setattr(torch_batched, "CHUNK", {"cpu": elements, "cuda": elements})
    monkeypatch.setattr(torch_batched, "REFILL", elements)
    assert_same_bytes(whole, go(problem, **settings))


@every_dtype
@every_method
def test_blocks_threads_and_kept_words_leave_every_byte_of_numba(monkeypatch, method, dtype):
    problem = make("cosine")
    settings = {"dtype": dtype, "method": method, "engine": "numba", "record": "statistics"}
    whole = go(problem, runs=40, threads=1, **settings, **MIXED)
    for rows, words, threads in ((1, 2**20, 1), (6, 2**20, 2), (10**4, 0, 2), (10**4, 2**20, 3)):
        monkeypatch.setattr(cpu_numba, "ROWS", rows)
        monkeypatch.setattr(cpu_numba, "WORDS", words)
        other = go(problem, runs=40, threads=threads, **settings, **MIXED)
        assert_same_bytes(whole, other)


def test_the_processor_and_its_vectors_leave_every_byte_of_numba(tmp_path):
    # float32: its squares are exact in float64, and may be multiplied and added at once.
    settings = CELL | MIXED | {
        "runs": 3, "seed": 1, "dtype": "float32", "engine": "numba", "record": "trajectory",
    }  # fmt: skip
    cases = {
        "rotated": ({"profile": "log_cosh", "noise": "shift", "rotation": 3}, "local_sam"),
        "shift": ({"profile": "cosine", "noise": "shift"}, "adasam"),
        "plain": ({"profile": "huber", "noise": "additive"}, "adasam"),
    }
    given = {
        str(tmp_path / f"{name}.npz"): (CONSTANTS | constants, settings | {"method": method})
        for name, (constants, method) in cases.items()
    }
    environment = os.environ | {
        "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    program = Path(__file__).with_name("plain_processor.py")
    subprocess.run([sys.executable, program, json.dumps(given)], env=environment, check=True)
    for path, (constants, own) in given.items():
        assert_same_bytes(simulate(SeparableProblem(**constants), **own), Runs.load(path))


def test_large_batches_draw_the_contracts_integers_among_several_thresholds_too():
    # Each threshold of small tables is met in the test below.
    sizes, shape = [65, 101, 4097, 65536, 2**20], (100, 20, 30)
    for b in sizes[
        2:
    ]:  # how many words the guide leaves open, in the mean: 0 has a chance of e^-20
        guide, _ = cpu_numba._law(b)
        several = guide & ((1 << (lane_layout.REST + 1)) - 1) == lane_layout.SEVERAL
        assert np.prod(shape) * several.mean() > 20, b
    runs, T, d = shape
    problem = make(d=d, start=0.4)
    numba, reference = (
        go(problem, runs=runs, b=sizes, T=T, engine=engine) for engine in ("numba", "reference")
    )
    assert np.array_equal(numba.heads, reference.heads)


def look_up(k):
    """Turn the words at place 0 into numbers of heads."""
    lane_noise.look_up_heads(k, 0)


_look_up = lanes._compiled(look_up, takes_number=False)


@numba.njit(error_model="numpy")
def looked_up(fields, model):
    _look_up(fields, 0, model)


@every_dtype
@pytest.mark.parametrize("b", [65, 66, 101, 4097, 2**20])
def test_a_value_at_a_threshold_counts_one_more_than_one_below_it(b, dtype):
    law, W = noise.magnitude_table(b), WIDTH[np.dtype(dtype)]
    bits = np.concatenate([law, law - 1, [0, 2**31 - 1]])
    words = np.concatenate([bits, bits + 2**31])
    d = -(-len(words) // (4 * W))
    drawn = np.zeros(4 * W * d, dtype=np.uint32)
    drawn[: len(words)] = words
    settings = np.zeros(lane_layout.SETTINGS, dtype=np.int64)
    settings[lane_layout.B] = b
    guide, thresholds = cpu_numba._law(b)
    fields = np.zeros((1, len(lane_layout.FIELDS)), dtype=np.int64)
    for name, value in {
        "words": drawn.ctypes.data, "settings": settings.ctypes.data, "guide": guide.ctypes.data,
        "thresholds": thresholds.ctypes.data, "d": d, "chunks": 1,
    }.items():  # fmt: skip
        fields[0, lane_layout.FIELDS.index(name)] = value
    looked_up(fields, np.empty(0, dtype=dtype))
    table = law.tolist()
    sizes = np.array([2 * bisect.bisect_right(table, value) + b % 2 for value in bits.tolist()])
    heads = np.concatenate([(b + sizes) // 2, (b - sizes) // 2])
    assert np.array_equal(drawn[: len(words)], heads)


@every_dtype
@every_engine
def test_the_order_of_the_cells_leaves_every_byte(engine, dtype):
    problem, order = make("two_basin", noise="shift"), np.array([5, 2, 7, 0, 3, 6, 1, 4])
    settings = {"runs": 3, "dtype": dtype, "engine": engine, "record": "statistics"}
    straight = go(problem, **settings, **MIXED)
    shuffled = go(problem, **settings, **{name: np.array(v)[order] for name, v in MIXED.items()})
    rows = np.concatenate([straight.rows(cell) for cell in order])
    assert_same_bytes(straight, shuffled, rows)


@pytest.mark.parametrize(("profile", "dtype"), [("log_cosh", "float64"), ("cosine", "float32")])
def test_the_number_of_threads_leaves_every_byte_of_torch(monkeypatch, profile, dtype):
    # More than 2^15 elements: above that torch shares an operation among threads.
    monkeypatch.setattr(torch_batched, "CHUNK", {"cpu": 2**16, "cuda": 2**16})
    problem, before = make(profile), torch.get_num_threads()
    grid = {"b": [66, 70], "T": [2, 1], "record": "statistics"}
    runs = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            runs.append(go(problem, runs=2**15 // 6 + 1, dtype=dtype, engine="torch", **grid))
    finally:
        torch.set_num_threads(before)
    assert_same_bytes(*runs)


@pytest.mark.parametrize("engine", ["reference", "numba", "torch"])
def test_a_replicate_is_the_same_bytes_however_many_there_are(engine):
    many, few = (go(make(), engine=engine, runs=runs) for runs in (7, 3))
    assert_same_bytes(many, few, slice(0, 3))


@pytest.mark.parametrize("engine", ["reference", "numba", "torch"])
def test_recording_a_trajectory_changes_no_statistic(engine):
    full, brief = (
        go(make(), engine=engine, record=record, **MIXED) for record in ("trajectory", "statistics")
    )
    for name in STATISTICS:
        assert getattr(full, name).tobytes() == getattr(brief, name).tobytes(), name
    last = full.x[np.arange(len(full.inputs)), full.inputs.T]
    assert np.array_equal(brief.x, last)


@pytest.mark.parametrize("engine", ["reference", "numba", "torch"])
def test_progress_is_told_in_growing_numbers_that_stay_within_the_whole(engine):
    told = []
    go(make(d=1, start=0), engine=engine, T=600, progress=lambda *pair: told.append(pair))
    done = [step for step, _ in told]
    assert done
    assert done == sorted(done)
    assert {every for _, every in told} == {600}
    assert done[-1] <= 600


@settings(max_examples=25)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_every_checkpoint_is_due_exactly_once_and_at_its_step(T):
    step, due = events(np.array(T))
    filled = np.zeros(step.shape, dtype=int)
    for t, parts in due.items():
        for rows, columns in parts:
            filled[np.ix_(rows, columns)] += 1
            assert (step[np.ix_(rows, columns)] == t).all()
    assert (filled == 1).all()
    for row, length in zip(step, T, strict=True):
        assert np.array_equal(row, checkpoints(length))


ENGINES = [("reference", "float64")] + [
    (engine, dtype) for engine in ("numba", "torch") for dtype in ("float32", "float64")
]


@pytest.mark.parametrize(("engine", "dtype"), ENGINES)
def test_the_mean_over_runs_in_a_quadratic_basin_is_the_closed_form(engine, dtype):
    # eps = G, rho = beta1 = 0, |L x_0| <= G_f and sigma/sqrt(d) <= G_f: see theory.basin.
    problem = SeparableProblem("huber", "additive", L=1.0, sigma=0.7, G=1.0, d=2, start=0.4)
    n, sizes, T = 1000, [1, 16, 100], 48
    runs = go(
        problem, engine=engine, dtype=dtype, runs=n, b=sizes, T=T, gamma=0.25, rho=0, beta1=0,
        eps=1.0, seed=17, record="statistics",
    )  # fmt: skip
    for cell, b in enumerate(sizes):
        sample = runs.lhs(cell)
        expected = basin.mean_grad_norm2(1.0, 0.7, 1.0, 0.25, b, T, 2 * 0.4**2)
        estimate, error = sample.mean(), sample.std(ddof=1) / np.sqrt(n)
        message = f"b = {b}: estimate {estimate}, expected {expected}, error {error}, n = {n}"
        assert abs(estimate - expected) < 6 * error, message
        assert error < 0.01 * expected, message  # a bias of 6 per cent shows, with b = 100 of 2


@pytest.mark.parametrize(("engine", "dtype"), ENGINES)
def test_no_gradient_exceeds_G_and_some_batch_attains_it(engine, dtype):
    # From the flat part a batch of one whose every sign agrees has all coordinates at G.
    problem = make(start=[2.0, 2.0, 2.0])
    runs = go(problem, engine=engine, dtype=dtype, b=1, T=40, runs=40)
    assert runs.max_abs_gradient.max() == pytest.approx(1.5, rel=4 * ULP[dtype])
    assert (runs.max_abs_gradient <= 1.5 * (1 + 4 * ULP[dtype])).all()


@pytest.mark.parametrize(("engine", "dtype"), ENGINES)
def test_the_adaptive_share_runs_from_none_to_all(engine, dtype):
    # b = 1 and sigma/sqrt(d) above G_f keep |g| away from 0, so that tiny eps is left at once.
    problem = make(sigma=2.0, G=1.5, d=3)
    eps = np.array([1.5, 0.7, 1e-3])
    runs = go(problem, engine=engine, dtype=dtype, b=1, eps=eps, T=40, runs=5)
    shares = runs.adaptive_share.reshape(3, 5)
    assert (shares[0] == 0).all()
    assert ((shares[1] > 0) & (shares[1] < 1)).all()
    assert (shares[2] == 1).all()
