"""What goes into an engine and what comes out of it: shapes, files, refusals."""

import dataclasses
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulators import Inputs, Runs, SeparableProblem, simulate
from simulators.runs import CHECKPOINTS, checkpoints
from theory import InputError

PROBLEM = SeparableProblem("huber", "additive", L=2.0, sigma=0.75, G=1.5, d=3, start=0.4)
CELL = {"gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": 3, "T": 20}


def go(**changes):
    settings = CELL | {"runs": 2, "seed": 1, "engine": "reference"} | changes
    return simulate(PROBLEM, **settings)


ENGINES = pytest.mark.parametrize("engine", ["reference", "numba", "torch"])


@ENGINES
def test_runs_have_the_shapes_types_and_units_they_document(engine):
    R, d, T = 2 * 6, 3, 20
    brief = go(engine=engine, b=[1, 2, 3], T=[[7], [T]])
    full = go(engine=engine, b=[1, 2, 3], T=[[7], [T]], record="trajectory")
    for runs in (brief, full):
        arrays = runs.arrays()
        curves = (R, CHECKPOINTS)
        expected = {
            **dict.fromkeys(("gamma", "rho", "beta1", "beta2", "eps", "v_init"), ((R,), "float64")),
            **dict.fromkeys(("b", "T", "workers", "cell", "replicate"), ((R,), "int64")),
            "key": ((R, 2), "uint32"),
            "step": (curves, "int64"),
            **dict.fromkeys(
                ("mean_grad_norm2", "mean_weighted_grad_norm2", "objective"), (curves, "float64")
            ),
            **dict.fromkeys(
                ("eta_variation_l1", "eta_variation_l2", "adaptive_share", "max_abs_gradient"),
                ((R,), "float64"),
            ),
            "x": ((R, d) if runs is brief else (R, T + 1, d), "float64"),
        }
        if runs is full:
            expected["heads"] = ((R, T, d), "int32")
        assert {name: (a.shape, a.dtype.name) for name, a in arrays.items()} == expected
    assert brief.heads is None


@ENGINES
def test_cells_are_in_c_order_with_their_replicates_together(engine):
    runs = go(engine=engine, b=[1, 2, 3], T=[[7], [20]])
    assert runs.cells == 6
    assert runs.inputs.cell.tolist() == sorted(list(range(6)) * 2)
    assert runs.inputs.replicate.tolist() == [0, 1] * 6
    for cell, (T, b) in enumerate((T, b) for T in (7, 20) for b in (1, 2, 3)):
        rows = runs.rows(cell)
        assert rows.tolist() == [2 * cell, 2 * cell + 1]
        assert set(runs.inputs.b[rows]) == {b}
        assert set(runs.inputs.T[rows]) == {T}
        assert np.array_equal(runs.lhs(cell), runs.mean_grad_norm2[rows, -1])
        assert (runs.step[rows] == checkpoints(T)).all()


@ENGINES
def test_a_path_starts_at_x0_and_is_nan_after_its_own_T(engine):
    runs = go(engine=engine, T=[7, 20], record="trajectory")
    assert runs.heads is not None
    for row in range(4):
        T = runs.inputs.T[row]
        assert np.array_equal(runs.x[row, 0], PROBLEM.x0)
        assert np.isfinite(runs.x[row, : T + 1]).all()
        assert np.isnan(runs.x[row, T + 1 :]).all()
        assert (runs.heads[row, :T] >= 0).all()
        assert (runs.heads[row, :T] <= 3).all()
        assert (runs.heads[row, T:] == -1).all()


@ENGINES
def test_the_last_checkpoint_is_the_left_side_and_the_first_one_that_of_x0(engine):
    runs = go(engine=engine, record="trajectory")
    gradients = PROBLEM.gradient(runs.x[:, :-1], np)
    square = (gradients**2).sum(2)
    tolerance = 1e-12 if engine == "reference" else 1e-5
    np.testing.assert_allclose(runs.lhs(0), square.mean(1), rtol=tolerance)
    np.testing.assert_allclose(runs.mean_grad_norm2[:, 0], square[:, 0], rtol=tolerance)


@given(st.integers(1, 10**9))
def test_checkpoints_run_from_one_to_T_in_even_steps_of_the_logarithm(T):
    steps = checkpoints(T)
    assert steps.shape == (CHECKPOINTS,)
    assert (steps[0], steps[-1]) == (1, T)
    assert (np.diff(steps) >= 0).all()
    assert np.abs(steps - np.geomspace(1, T, CHECKPOINTS)).max() < 0.5 + 1e-6


@pytest.mark.parametrize("record", ["statistics", "trajectory"])
def test_runs_come_back_from_their_file(tmp_path, record):
    runs, path = go(record=record, b=[1, 5]), tmp_path / "runs.npz"
    runs.save(path)
    again = Runs.load(path)
    assert set(again.arrays()) == set(runs.arrays())
    for name, array in runs.arrays().items():
        assert again.arrays()[name].dtype == array.dtype
        assert again.arrays()[name].tobytes() == array.tobytes(), name
    assert (again.heads is None) == (record == "statistics")
    with np.load(path) as archive:
        assert set(archive.files) == set(runs.arrays())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small simulation's file, as bytes."""
    path = tmp_path_factory.mktemp("saved") / "runs.npz"
    go(b=[1, 5], T=3, record="trajectory").save(path)
    return path.read_bytes()


def damaged(content, seed):
    """Return the bytes with one damage: cut, one bit flipped, or a stretch overwritten."""
    rng = np.random.default_rng(seed)
    place, out = int(rng.integers(len(content))), bytearray(content)
    if seed % 3 == 0:
        return content[:place]
    if seed % 3 == 1:
        out[place] ^= 1 << int(rng.integers(8))
    else:
        out[place : place + 40] = rng.bytes(40)
    return bytes(out)


def test_a_damaged_file_of_runs_is_an_input_error_that_names_it(tmp_path, saved):
    path = tmp_path / "damaged.npz"
    path.write_bytes(saved)
    sound, refused = Runs.load(path).arrays(), 0
    for seed in range(150):
        path.write_bytes(damaged(saved, seed))
        try:
            arrays = Runs.load(path).arrays()
        except InputError as error:
            refused += "damaged.npz" in str(error)
        else:  # dates and the like in the zip's own fields: every number is as it was
            assert all(arrays[name].tobytes() == array.tobytes() for name, array in sound.items())
            assert seed % 3, "a cut file passed"
    assert 100 < refused < 150


def test_a_bit_flipped_in_a_number_never_passes_unseen(tmp_path, saved):
    path, number = tmp_path / "runs.npz", go(b=[1, 5], T=3, record="trajectory").x[1, 2].tobytes()
    assert saved.count(number) == 1
    flipped = bytearray(saved)
    flipped[saved.index(number)] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(InputError, match=r"runs\.npz is not a \.npz file .* damaged .*CRC"):
        Runs.load(path)


FOREIGN = {
    "no array 'key'": lambda a: a.pop("key"),
    "an array 'colour'": lambda a: a.update(colour=np.ones(4)),
    "key of type float64": lambda a: a.update(key=a["key"] * 1.0),
    r"b of shape \(3,\)": lambda a: a.update(b=a["b"][:3]),
    r"objective of shape \(4, 63\)": lambda a: a.update(objective=a["objective"][:, 1:]),
    r"key of shape \(4,\)": lambda a: a.update(key=a["key"][:, 0]),
    r"x of shape \(4,\)": lambda a: a.update(x=np.ones(4)),
    r"\w+ of shape \(4,.*\)": lambda a: a.update(T=np.int64(3)),
    "gamma of type <U1": lambda a: a.update(gamma=np.array(["a"] * 4)),
    "cells that are not numbered from 0": lambda a: a.update(cell=a["cell"] + 2**60),
}


@pytest.mark.parametrize("message", FOREIGN)
def test_a_file_that_does_not_hold_runs_is_an_input_error_that_says_why(tmp_path, message):
    path, arrays = tmp_path / "runs.npz", go(b=[1, 5], T=3).arrays()
    FOREIGN[message](arrays)
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=rf"runs\.npz does not hold runs \({message}"):
        Runs.load(path)


def test_what_is_not_an_npz_file_is_an_input_error_with_its_cure(tmp_path):
    path = tmp_path / "runs.npz"
    with pytest.raises(InputError, match=r"runs\.npz cannot be read: No such file"):
        Runs.load(path)
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(InputError, match=r"runs\.npz holds one array.*numpy\.savez"):
        Runs.load(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"runs\.npz is not a \.npz file"):
        Runs.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("T", "not an array")
    with pytest.raises(InputError, match=r"runs\.npz holds 'T', which is not an array"):
        Runs.load(path)


@ENGINES
def test_the_same_simulation_is_the_same_file_byte_for_byte(tmp_path, engine):
    paths = [tmp_path / name for name in ("one.npz", "other.npz")]
    for path in paths:
        go(engine=engine, b=[1, 70]).save(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "runs.npz"
    go().save(path)
    before = path.read_bytes()

    def half(file, **arrays):
        file.write(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="disk full"):
        go(seed=2).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_taking_rows_takes_every_column():
    inputs = go(b=[1, 2, 3]).inputs
    taken = inputs.take(np.array([5, 0]))
    assert len(taken) == 2
    for field in dataclasses.fields(Inputs):
        column = getattr(inputs, field.name)
        assert np.array_equal(getattr(taken, field.name), column[[5, 0]]), field.name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "adam"}, "method = 'adam' is not known: did you mean 'adasam'"),
        (
            {"engine": "jax"},
            "engine = 'jax' is not known: use auto, numba, torch, triton",
        ),
        ({"dtype": "float16"}, r"did you mean 'float64'\? Use float32, float64"),
        ({"record": "all"}, "record = 'all' is not known: use statistics, trajectory"),
        ({"engine": "torch", "device": "abacus"}, "device = 'abacus' cannot be used"),
        ({"runs": 0}, "runs = 0: give a whole number of at least 1"),
        ({"runs": 2.0}, r"runs = 2\.0: give a whole number"),
        ({"runs": True}, "runs = True: give a whole number"),
        ({"runs": 2**32}, r"runs = 4294967296 exceeds 2\^32 - 1"),
        ({"seed": -1}, "seed = -1: give a whole number of at least 0"),
        ({"seed": "one"}, "seed = 'one': give a whole number"),
        ({"b": [1, 2**20 + 1]}, f"b = {2**20 + 1} exceeds {2**20}, the largest batch size"),
        ({"b": [1, 2], "T": [1, 2, 3]}, r"b \(2,\), T \(3,\) do not broadcast"),
        ({"T": 0}, "T = 0 is outside"),
        ({"gamma": -1}, "gamma = -1 is outside"),
        ({"beta1": 1}, "beta1 = 1 is outside"),
        ({"engine": "torch", "eps": [1, 1e-20]}, "eps = 1e-20 is below 1e-19: .* dtype float64"),
    ],
)
def test_a_malformed_argument_is_an_input_error_that_names_it(changes, message):
    with pytest.raises(InputError, match=message):
        go(**changes)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there_is_an_input_error():
    with pytest.raises(InputError, match=r"device = 'cuda' cannot be used .*: use cpu.* or auto"):
        go(engine="torch", device="cuda")


def test_a_tiny_eps_is_allowed_where_its_square_is_a_number():
    for engine, dtype in (("reference", "float32"), ("torch", "float64")):
        runs = go(engine=engine, dtype=dtype, eps=1e-20)
        assert np.isfinite(runs.x).all()
        assert (runs.adaptive_share > 0.9).all()


def test_numpys_whole_numbers_count_as_such():
    one, other = go(runs=np.int64(2), seed=np.int32(1)), go()
    assert np.array_equal(one.x, other.x)


def test_auto_is_numba_on_a_cpu_and_settings_outside_the_theorem_run_all_the_same():
    # gamma = 16 times eps/(16 L), and eps > G.
    auto, numba_run = (
        go(engine=engine, gamma=2.0, eps=4.0, device="cpu") for engine in ("auto", "numba")
    )
    assert auto.x.tobytes() == numba_run.x.tobytes()
    assert np.isfinite(auto.x).all()


@ENGINES
@pytest.mark.parametrize("record", ["statistics", "trajectory"])
@pytest.mark.parametrize("workers", [1, 3])
def test_more_runs_extend_those_before_bit_for_bit(engine, record, workers):
    whole, *parts = (
        go(engine=engine, record=record, workers=workers, b=[1, 3], runs=runs, first=first)
        for runs, first in ((7, 0), (4, 0), (1, 4), (2, 5))
    )
    joined = parts[0].joined(parts[1]).joined(parts[2])
    for name, array in whole.arrays().items():
        assert array.tobytes() == joined.arrays()[name].tobytes(), name
        assert array.dtype == joined.arrays()[name].dtype


def test_replicates_past_the_last_are_refused():
    with pytest.raises(InputError, match=r"first \+ runs = 4294967296"):
        go(first=2**32 - 2)


def test_the_ends_of_runs_are_their_last_checkpoint():
    runs = go(b=[1, 2])
    ends = runs.ends()
    for cell in range(2):
        assert np.array_equal(ends.lhs(cell), runs.lhs(cell))
    assert ends.step.tolist() == [[20]] * 4
    assert ends.objective[:, 0].tolist() == runs.objective[:, -1].tolist()
