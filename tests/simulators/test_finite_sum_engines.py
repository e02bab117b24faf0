"""Finite sums: every engine against the reference, every run against itself in other company."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import METHODS, FiniteSum, Inputs, Runs, simulate
from simulators.engines import strata
from simulators.engines.numba_cpu import sample_loops as samples
from simulators.engines.numba_cpu import samples as cpu_samples
from simulators.engines.numba_cpu import tasks
from simulators.engines.schedule import events
from simulators.engines.torch_any import samples as torch_samples
from simulators.methods import Oracle, Parameters
from simulators.methods.adasam import SWITCHES
from theory import Constants

CELL = {"gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": 3, "T": 70}
ULP = {"float64": 2.0**-52, "float32": 2.0**-23}
STATISTICS = (
    "mean_grad_norm2", "mean_weighted_grad_norm2", "objective", "eta_variation_l1",
    "eta_variation_l2", "adaptive_share", "max_abs_gradient",
)  # fmt: skip

every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])
each_engine = pytest.mark.parametrize("engine", ["numba", "torch"])
all_engines = pytest.mark.parametrize("engine", ["reference", "numba", "torch"])


def make(N=50, d=5, **changes):
    return FiniteSum.synthetic(N, d, **{"alpha": 0.1, "seed": 2, "start": 0.7} | changes)


def go(problem=None, **changes):
    settings = CELL | {"runs": 2, "seed": 1, "record": "trajectory"} | changes
    return simulate(problem or make(), **settings)


MIXED = {
    "workers": [1, 2, 1, 1, 3, 1], "v_init": [0, 0, 0.1, 0, 0, 0.2],
    "b": [1, 3, 8, 33, 3, 130], "T": [5, 33, 64, 70, 70, 31],
    "rho": [0, 0.1, 0.2, 0.1, 0.1, 0.1], "beta1": [0.9, 0, 0.5, 0.9, 0, 0],
    "gamma": [0.02, 0.01, 0.02, 0.02, 0.02, 0.05],
}  # fmt: skip
"""Batches that fill no group, that fill tiles, that have several; runs of unlike length."""


def mixed_for(engine, most=16):
    """MIXED; with fewer steps for the engines that take long for each, however small the batch."""
    return MIXED if engine == "numba" else MIXED | {"T": [min(T, most) for T in MIXED["T"]]}


def smallest_norms(problem, method, runs):
    """min_t of every run's ||s_t||, along which it perturbs, from its path and its samples."""
    R, T = runs.samples.shape[:2]
    drawn = runs.samples.reshape(R, T, -1, runs.samples.shape[-1])
    out = np.full(R, np.inf)
    for row, (T, n, b) in enumerate(
        zip(runs.inputs.T, runs.inputs.workers, runs.inputs.b, strict=True)
    ):
        x = runs.x[row, :T]
        batches = drawn[row, :T, :n, :b]
        s = np.stack([problem.batch_gradient(x, batches[:, worker]) for worker in range(n)])
        s = s if SWITCHES[method].is_local else s.mean(0, keepdims=True)
        out[row] = np.linalg.norm(s, axis=2).min()
    return out


def assert_same_bytes(one, other, rows=slice(None)):
    """The runs ``rows`` of ``one`` are the runs of ``other``, bit for bit."""
    for name, array in other.arrays().items():
        if name != "cell":
            assert one.arrays()[name][rows].tobytes() == array.tobytes(), name


def assert_follows(measured, expected, well, tolerance):
    assert np.array_equal(measured.samples, expected.samples)
    assert np.array_equal(measured.step, expected.step)
    np.testing.assert_allclose(
        measured.x[well], expected.x[well], rtol=0, atol=tolerance, equal_nan=True
    )
    for name in STATISTICS:
        found, right = getattr(measured, name), getattr(expected, name)
        assert np.isfinite(found).all(), name
        limit = tolerance * np.abs(right).max()
        np.testing.assert_allclose(found[well], right[well], rtol=0, atol=limit, err_msg=name)


# torch, which shares its formulas with the reference, in one dtype.
@pytest.mark.parametrize(("number", "method"), list(enumerate(METHODS)))
def test_an_engine_follows_the_reference_along_whole_paths(number, method):
    problem = make()
    reference = go(problem, engine="reference", method=method, **MIXED)
    norms = smallest_norms(problem, method, reference)
    # In float32 an error of some two ulps a step, before which s/||s|| may turn where s is small.
    for dtype, tolerance, least in (
        ("float64", 1e-12, 1e-6),
        ("float32", 2 * 70 * ULP["float32"], 1e-3),
    ):
        well = norms > least * problem.G
        assert well.mean() >= 0.8
        with_torch = number % 2 == (dtype == "float32")
        for engine in ("numba", "torch")[: 1 + with_torch]:
            runs = go(problem, engine=engine, method=method, dtype=dtype, **MIXED)
            assert_follows(runs, reference, well, tolerance)


@pytest.mark.parametrize(
    ("N", "d", "engines"),
    [
        (1, 1, ["numba", "torch"]), (3, 2, ["numba"]), (63, 64, ["numba"]),
        (130, 65, ["numba", "torch"]), (200, 150, ["numba"]),
    ],
)  # fmt: skip
def test_an_engine_follows_the_reference_whatever_fits_into_vectors(N, d, engines):
    problem = make(N, d, scale=d**-0.5)
    grid = {"b": [1, 20], "T": 20, "record": "trajectory"}
    reference = go(problem, engine="reference", **grid)
    well = smallest_norms(problem, "adasam", reference) > 1e-6 * problem.G
    assert well.mean() >= 0.5
    for engine in engines:
        runs = go(problem, engine=engine, dtype="float64", **grid)
        assert_follows(runs, reference, well, 1e-12)


def test_numba_follows_the_reference_far_out_in_both_tails():
    # exp must neither overflow nor lose its last digits.
    for start in (30.0, -30.0, 2000.0):
        problem = make(start=start)
        reference = go(problem, engine="reference", T=10, rho=0)
        runs = go(problem, engine="numba", dtype="float64", T=10, rho=0)
        for name in ("objective", "mean_grad_norm2"):
            right = getattr(reference, name)
            np.testing.assert_allclose(getattr(runs, name), right, rtol=1e-12, err_msg=name)


def test_the_references_steps_are_those_of_algorithm_1_from_the_samples_recorded():
    problem = make()
    runs = go(problem, engine="reference", workers=2, b=4)
    inputs = runs.inputs
    given_values = Parameters(*(getattr(inputs, name)[:, None] for name in Parameters._fields))
    state = METHODS["adasam"].start(problem, given_values)
    for t in range(70):
        batches = runs.samples[:, t].swapaxes(0, 1)
        state, _ = METHODS["adasam"].rule(Oracle(problem, batches), given_values, state, np)
        assert np.array_equal(state.x, runs.x[:, t + 1])


@pytest.mark.parametrize(
    ("engine", "dtype", "method"),
    [
        *(("numba", dtype, method) for dtype in ("float64", "float32")
          for method in ("adasam", "local_sam", "sgd")),
        ("torch", "float64", "adasam"), ("torch", "float32", "local_sam"),
        ("torch", "float32", "sgd"),
    ],
)  # fmt: skip
def test_a_cells_runs_are_the_same_bytes_alone_and_in_any_grid(method, dtype, engine):
    settings = {"runs": 3, "dtype": dtype, "record": "statistics", "method": method}
    mixed = MIXED if method == "local_sam" else mixed_for(engine)
    grid = go(**settings, engine=engine, **mixed)
    for cell in range(6) if engine == "numba" else (1, 2, 5):
        own = {name: values[cell] for name, values in mixed.items()}
        assert_same_bytes(grid, go(**settings, engine=engine, **own), grid.rows(cell))


def test_reference_runs_are_the_same_bytes_alone_and_in_any_grid():
    grid = go(engine="reference", record="statistics", **MIXED)
    for cell in (1, 3, 4):
        own = {name: values[cell] for name, values in MIXED.items()}
        assert_same_bytes(grid, go(engine="reference", record="statistics", **own), grid.rows(cell))


@pytest.mark.parametrize(
    ("engine", "d"),
    [("reference", 5), ("torch", 1), ("torch", 40), *(("numba", d) for d in (1, 5, 40))],
)
def test_shuffled_cells_are_the_same_runs(engine, d):
    problem, straight = make(d=d), mixed_for(engine)
    order = np.random.default_rng(3).permutation(6)
    grid = go(problem, engine=engine, runs=3, record="statistics", **straight)
    mixed = {name: np.array(values)[order] for name, values in straight.items()}
    shuffled = go(problem, engine=engine, runs=3, record="statistics", **mixed)
    rows = np.concatenate([grid.rows(int(cell)) for cell in order])
    assert_same_bytes(grid, shuffled, rows)


@every_dtype
def test_rows_of_many_chunks_and_places_are_the_same_bytes_in_torch(dtype):
    # 150 runs in three chunks of 64, filled up, against the last 7 of them in one.
    problem = make(d=7)
    many = go(problem, engine="torch", dtype=dtype, runs=150, T=12, record="statistics")
    assert torch_samples.chunk_size(3, 7, torch.device("cpu")) == 64
    rows = np.arange(143, 150)
    few = torch_samples.run(
        torch_samples.Finite(problem), SWITCHES["adasam"], many.inputs.take(rows),
        trajectory=False, dtype=dtype, device="cpu", stretch=64,
    )  # fmt: skip
    assert_same_bytes(many, few, rows)


@each_engine
@every_dtype
def test_the_number_of_threads_leaves_every_byte(engine, dtype):
    problem, before, runs = make(N=3000, d=40), torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            # Each of so few steps has a full gradient, too.
            T = [12, 20] if engine == "numba" else [2, 3]
            grid = {"b": [33, 70], "T": T, "record": "statistics", "threads": threads}
            runs.append(go(problem, engine=engine, runs=9, dtype=dtype, **grid))
    finally:
        torch.set_num_threads(before)
    assert_same_bytes(*runs)


@every_dtype
def test_the_ranges_that_threads_take_leave_every_byte(monkeypatch, dtype):
    whole = go(runs=3, dtype=dtype, engine="numba", **MIXED)
    for count in (1, 100):
        monkeypatch.setattr(tasks, "TASKS", count)
        assert_same_bytes(whole, go(runs=3, dtype=dtype, engine="numba", **MIXED))


@all_engines
def test_recording_a_trajectory_changes_no_statistic(engine):
    mixed = mixed_for(engine)
    full, brief = (go(engine=engine, record=how, **mixed) for how in ("trajectory", "statistics"))
    for name in STATISTICS:
        assert getattr(full, name).tobytes() == getattr(brief, name).tobytes(), name
    last = full.x[np.arange(len(full.inputs)), full.inputs.T]
    assert np.array_equal(brief.x, last)
    assert brief.samples is None


@all_engines
def test_progress_is_told_in_growing_numbers_that_stay_within_the_whole(engine):
    told = []
    go(make(d=1), engine=engine, T=150, progress=lambda *pair: told.append(pair))
    done = [step for step, _ in told]
    assert done
    assert done == sorted(done)
    assert len({every for _, every in told}) == 1
    assert done[-1] <= told[0][1]


def test_an_interruption_ends_the_threads():
    def interrupt(done, every):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        go(make(N=2000, d=50), engine="numba", runs=8, T=10**6, b=64, progress=interrupt,
           record="statistics")  # fmt: skip
    assert threading.active_count() == before


def test_runs_with_samples_are_saved_and_read(tmp_path):
    runs = go()
    runs.save(tmp_path / "runs.npz")
    assert_same_bytes(runs, Runs.load(tmp_path / "runs.npz"))


# The steps with a full gradient.


@settings(max_examples=15)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=5), st.integers(1, 100))
def test_the_weights_before_every_checkpoint_sum_to_its_step(T, m):
    T = np.array(T)
    step, _ = events(T)
    R = len(T)
    key = np.random.default_rng(m).integers(0, 2**32, (R, 2)).astype(np.uint32)
    blank = {name: np.ones(R) for name in Inputs.__dataclass_fields__}
    inputs = Inputs(**blank | {"T": T, "replicate": np.arange(R), "key": key})
    chosen, total = strata.Strata(inputs, step, m), np.zeros(R)
    for t in range(T.max()):
        active = np.flatnonzero(t < T)
        rows, weight = chosen.at(t, active)
        certain = (step[active] == t).any(1) | (t == 0) | (m == 1)
        assert np.isin(active[certain], rows).all()
        assert ((weight >= 1) & (weight <= m)).all()
        total[rows] += weight
        at_checkpoint = (step == t + 1).any(1) & (t < T)
        assert (total[at_checkpoint] == t + 1).all()


@pytest.mark.parametrize(
    ("share", "m"), [(1, 1), (1 / 64, 64), (1 / 49, 49), (0.1, 10), (0.3, 3), (0.51, 1)]
)
def test_a_share_is_one_step_of_its_inverse_rounded_down(share, m):
    assert strata.length(share) == m


@all_engines
def test_a_share_of_one_is_the_exact_mean_of_the_true_gradients_squares(engine):
    problem = make()
    runs = go(problem, engine=engine, dtype="float64", gradient_share=1, **mixed_for(engine))
    for row, T in enumerate(runs.inputs.T):
        square = (problem.gradient(runs.x[row, :T]) ** 2).sum(1)
        mean = np.cumsum(square)[runs.step[row] - 1] / runs.step[row]
        np.testing.assert_allclose(runs.mean_grad_norm2[row], mean, rtol=1e-12)
        values = problem.objective(runs.x[row, runs.step[row]])
        np.testing.assert_allclose(runs.objective[row], values, rtol=1e-12)


@all_engines
def test_the_drawn_steps_are_the_contracts_and_change_no_iterate(engine):
    problem = make()
    T = 300 if engine == "numba" else 120
    cell = {"T": T, "runs": 2, "beta2": 0.99}
    exact, some = (
        go(problem, engine=engine, dtype="float64", gradient_share=share, **cell)
        for share in (1.0, 1 / 16)
    )
    assert exact.x.tobytes() == some.x.tobytes()
    assert np.array_equal(exact.inputs.key, some.inputs.key)
    chosen, total = strata.Strata(some.inputs, some.step, 16), np.zeros(2)
    for t in range(T):
        rows, weight = chosen.at(t, np.arange(2))
        total[rows] += weight * (problem.gradient(some.x[rows, t]) ** 2).sum(1)
    np.testing.assert_allclose(some.mean_grad_norm2[:, -1], total / T, rtol=1e-12)
    assert np.abs(some.mean_grad_norm2 / exact.mean_grad_norm2 - 1).max() > 1e-4


def test_the_estimate_from_some_steps_is_unbiased_at_every_checkpoint():
    # The same paths, all their steps or some: the differences' mean is 0 within its own error.
    n = 4000
    cell = {"T": 150, "runs": n, "beta2": 0.99, "b": 1, "gamma": 0.1, "record": "statistics"}
    runs = [
        go(make(d=3), engine="numba", dtype="float64", gradient_share=share, **cell)
        for share in (1.0, 1 / 32)
    ]
    for name in ("mean_grad_norm2", "mean_weighted_grad_norm2"):
        exact, some = (getattr(each, name) for each in runs)
        difference = some - exact
        error = difference.std(0, ddof=1) / np.sqrt(n)
        estimate = difference.mean(0)
        drawn = error > 1e-9 * exact.mean()
        assert drawn.sum() > 10
        message = f"{name}: estimates {estimate}, errors {error}, n = {n}"
        # Some 30 checkpoints, of which each exceeds 6 errors with probability 2e-9.
        assert (np.abs(estimate[drawn]) < 6 * error[drawn]).all(), message
        np.testing.assert_allclose(some[:, ~drawn], exact[:, ~drawn], rtol=1e-12)
        # So small an error that a bias of 2 per cent would show.
        assert (6 * error[-1]) < 0.02 * exact[:, -1].mean(), message


def test_the_estimate_stays_in_the_gradients_range():
    problem = make(start=3.0)
    runs = go(problem, runs=300, T=90, gradient_share=1e-3, record="statistics", b=1, gamma=0.2)
    assert (runs.mean_grad_norm2 <= problem.largest_grad_norm2).all()


@all_engines
def test_no_sampled_gradient_exceeds_G(engine):
    problem = make()
    runs = go(problem, engine=engine, b=1, runs=20, dtype="float64")
    assert (runs.max_abs_gradient <= problem.G * (1 + 1e-12)).all()
    assert (runs.max_abs_gradient > 0.1 * problem.G).all()
    Constants(L=problem.L, sigma=problem.sigma, G=problem.G, d=problem.d, Delta=1.0)


def test_auto_is_numba_on_a_processor(monkeypatch):
    called = []
    monkeypatch.setattr(cpu_samples, "run", lambda *args, **options: called.append(options))
    go(engine="auto", device="cpu")
    assert called[0]["stretch"] == 64


# The vectors.


@every_dtype
def test_products_and_weighted_sums_of_whole_numbers_are_exact(dtype):
    # Every order of sums gives the same, so that a misplaced lane shows.
    from numba import njit

    from simulators.engines.numba_cpu.rows import add_rows, products, tree_sum

    @njit
    def both(data, offsets, point, columns, z, weights, total):
        for k in range(0, len(offsets), 8):
            products(data, offsets, k, point, columns, z, k)
            add_rows(data, offsets, k, weights, k, columns, total)

    @njit
    def summed(numbers, start):
        return tree_sum(numbers, start)

    rng = np.random.default_rng(4)
    columns = 24
    data = rng.integers(-9, 10, (30, columns)).astype(dtype)
    offsets = rng.integers(0, 30, 16) * columns
    point, weights = rng.integers(-9, 10, columns).astype(dtype), np.arange(16).astype(dtype)
    z, total = np.zeros(16, dtype), np.zeros(columns, dtype)
    both(data.ravel(), offsets, point, columns, z, weights, total)
    chosen = data[offsets // columns]
    assert np.array_equal(z, chosen @ point)
    assert np.array_equal(total, weights @ chosen)
    numbers = rng.integers(-99, 100, 80).astype(float)
    assert summed(numbers, 5) == numbers[5:69].sum()
    assert samples.CHUNK == 64


@all_engines
def test_more_runs_extend_those_before_bit_for_bit(engine):
    whole, first, later = (
        go(engine=engine, b=[1, 33], T=mixed_for(engine)["T"][3], runs=runs, first=first)
        for runs, first in ((5, 0), (3, 0), (2, 3))
    )
    joined = first.joined(later)
    for name, array in whole.arrays().items():
        assert array.tobytes() == joined.arrays()[name].tobytes(), name
