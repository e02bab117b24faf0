"""The Triton engine without a GPU: its kernel, interpreted on the CPU, against the others."""

import os
import pickle
import subprocess
import sys
from bisect import bisect_right
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from simulators import METHODS, PROFILES, Inputs, Runs, noise
from simulators import spec as specs
from simulators.engines.triton_gpu import separable as gpu_triton
from simulators.methods.adasam import SWITCHES
from simulators.simulation import simulate
from theory import CORRECTED
from theory.errors import InputError
from verify.evidence.judge import verdict
from verify.evidence.statistics import finite_sample_mean

pytestmark = pytest.mark.xdist_group("triton")  # for one process of the interpreter
WITHOUT = gpu_triton.unusable_triton()
interpreted = pytest.mark.skipif(WITHOUT is not None, reason=f"needs Triton, {WITHOUT}")
RUN = {
    "gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": 3, "T": 3,
    "v_init": 0.03, "runs": 2, "seed": 1, "record": "trajectory",
}  # fmt: skip
STATISTICS = (
    "mean_grad_norm2", "mean_weighted_grad_norm2", "objective", "eta_variation_l1",
    "eta_variation_l2", "adaptive_share", "max_abs_gradient", "x",
)  # fmt: skip
TOLERANCE = {"float64": 1e-12, "float32": 4e-6}
"""Of what ends after a few steps: in float32 some units in the last place for each."""

every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def make(profile="huber", noise="additive", d=2, dtype="float64", problem=None, **run):
    table = {"L": 2.0, "sigma": 0.75, "G": 1.5, "d": d, "start": [0.4, -2.0, 1.0][:d]}
    if d > 3:
        table["start"] = np.linspace(-3, 3, d).tolist()
    return {
        "problem": table | {"profile": profile, "noise": noise} | (problem or {}),
        "run": RUN | run,
        "engine": {"name": "triton", "dtype": dtype},
    }


def on(engine, spec):
    """The runs of a spec on another engine, on the CPU."""
    table = spec["engine"] | {"name": engine, "device": "cpu"}
    return specs.run(msgspec.convert(spec | {"engine": table}, specs.Spec), allow_outside=True)


class Interpreter:
    """A process in which Triton interprets."""

    def __init__(self):
        root = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("interpret_triton.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip

    def answer(self, question):
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump(question, self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)

    def look_up(self, own, tables, words):
        """The numbers of heads of words, by the kernel's table for a block with switches own."""
        return self.answer((None, {"own": own, "tables": tables, "words": words}))

    def __call__(self, spec, **settings):
        arrays = self.answer((spec, settings))
        inputs = Inputs(**{field.name: arrays.pop(field.name) for field in fields(Inputs)})
        return Runs(inputs, **arrays)


@pytest.fixture(scope="module")
def interpret():
    interpreter = Interpreter()
    with interpreter.process:  # leaving closes its input, which ends it
        yield interpreter


def assert_same_paths(runs, expected, dtype="float64"):
    """All that is whole is equal, all else within the tolerance of its own largest value."""
    assert np.array_equal(runs.heads, expected.heads)
    assert np.array_equal(runs.step, expected.step)
    for name in STATISTICS:
        values, truth = getattr(runs, name), getattr(expected, name)
        limit = TOLERANCE[dtype] * np.nanmax(np.abs(truth))
        np.testing.assert_allclose(values, truth, rtol=0, atol=limit, equal_nan=True, err_msg=name)


def assert_same_bytes(one, other, rows=slice(None)):
    """The runs ``rows`` of ``one`` are the runs of ``other``, bit for bit."""
    for name, array in other.arrays().items():
        if name != "cell":
            assert one.arrays()[name][rows].tobytes() == array.tobytes(), name


# A method looks at gradients alone: each profile and noise on one of them, each method on both.
@interpreted
@pytest.mark.parametrize(
    ("profile", "noise", "method"),
    [
        (profile, noise, list(METHODS)[(number + 3 * shifted) % len(METHODS)])
        for shifted, noise in enumerate(["additive", "shift"])
        for number, profile in enumerate(PROFILES)
    ],
)
def test_the_kernel_follows_the_reference(interpret, profile, noise, method):
    # b = 40 needs new words after 2 steps.
    b, T = [(1, 2), (40, 3), (100, 2), (3, 2)][list(PROFILES).index(profile) % 4]
    workers = 2 if method == "local_sam" else 1
    spec = make(profile, noise, method=method, b=b, T=T, workers=workers)
    if noise == "shift":
        spec["problem"]["condition"] = 50.0
    assert_same_paths(interpret(spec), on("reference", spec))


@interpreted
@pytest.mark.parametrize(("number", "profile"), list(enumerate(PROFILES)))
def test_the_kernel_follows_the_reference_in_float32(interpret, number, profile):
    spec = make(profile, ("additive", "shift")[number % 2], dtype="float32", T=2)
    assert_same_paths(interpret(spec), on("reference", spec), "float32")


@interpreted
@pytest.mark.parametrize(
    ("method", "b", "T"), [("adasam", [3, 40], [1, 3]), ("local_sam", [40], [1, 2])]
)
def test_blocks_of_unlike_runs_follow_the_reference(interpret, method, b, T):
    # Runs of a block with unlike T, blocks with unlike b and workers, words used up.
    spec = make("huber", method=method, b=b, T=T, workers=[1, 2], runs=1)
    assert_same_paths(interpret(spec), on("reference", spec))


@interpreted
@pytest.mark.parametrize(
    ("d", "dtype", "method"),
    [
        (1, "float64", "adasam"), (5, "float64", "local_sam"), (21, "float64", "adasam"),
        (130, "float64", "local_sam"), (4, "float32", "local_sam"), (5, "float32", "adasam"),
        (130, "float32", "adasam"),
    ],
)  # fmt: skip
def test_runs_spread_over_lanes_follow_the_reference(interpret, d, dtype, method):
    # Lanes that are full and not, one and several coordinates in each, one warp and several.
    spec = make("log_rational", "shift", d=d, dtype=dtype, T=2)
    if method == "local_sam":
        spec = make("two_basin", d=d, dtype=dtype, T=2, method=method, workers=2)
    assert_same_paths(interpret(spec), on("reference", spec), dtype)


@interpreted
@every_dtype
@pytest.mark.parametrize("profile", ["log_cosh", "cosine", "log_rational", "pseudo_huber"])
def test_slopes_and_values_are_right_from_afar_to_the_minimiser(interpret, profile, dtype):
    # With gamma = eps the step is the gradient; here u = x.
    places = np.concatenate([[0.0], np.geomspace(1e-8, 40, 60)]) * (-1.0) ** np.arange(61)
    spec = make(profile, d=61, dtype=dtype, T=1, method="sgd", gamma=1.0, eps=1.0, beta1=0.0,
                problem={"start": places.tolist(), "L": 1.0, "G": 1.0, "sigma": 0.0})  # fmt: skip
    runs, truth = interpret(spec), on("reference", spec)
    unit = np.finfo(dtype).eps
    steps, expected = runs.x[:, 1] - places, truth.x[:, 1] - places
    assert (np.abs(steps - expected) <= 4 * unit * np.maximum(1e-8, np.abs(places))).all()
    np.testing.assert_allclose(runs.mean_grad_norm2, truth.mean_grad_norm2, rtol=4 * unit)
    np.testing.assert_allclose(runs.objective, truth.objective, rtol=8 * unit)


@interpreted
@every_dtype
@pytest.mark.parametrize("method", ["adasam", "local_sam"])
def test_the_kernels_perturbation_keeps_its_radius_however_small_the_gradient(
    interpret, method, dtype
):
    # Methods share what they do with a small s, and float64 holds the squares of all these.
    starts = (0.0, 2.0**-145, 2.0**-132, 2.0**-66)
    for start in starts if (method, dtype) == ("adasam", "float32") else starts[:2]:
        still = {"start": [start, -2 * start], "sigma": 0.0}
        spec = make(dtype=dtype, T=1, method=method, workers=2, problem=still, rho=[0.0, 0.1, 1e10],
                    beta1=0.0, eps=1.5, runs=1)  # fmt: skip
        runs, truth = interpret(spec), on("reference", spec)
        np.testing.assert_allclose(runs.x, truth.x, rtol=1e-6, atol=2.0**-147)


@interpreted
def test_the_kernel_draws_the_contracts_integers(interpret):
    # Every width of a field, over words or Philox blocks where they end soon, and the table.
    steps = {1: 3, 2: 3, 3: 9, 7: 17, 16: 9, 29: 5, 33: 3, 64: 3, 65: 5, 1000: 1}
    for b, T in steps.items():
        runs = interpret(make(d=1, b=b, T=T, method="sgd", runs=3))
        n, key = noise.steps_per_block(b), runs.inputs.key.astype(np.int64)
        for t in range(T):
            counter = (np.array([t // n]), np.array([0]), runs.inputs.replicate, np.array([0]))
            words = noise.philox(counter, (key[:, 0], key[:, 1]))
            heads = noise.block_heads(
                words, b, lambda table, bits: np.searchsorted(table, bits, side="right")
            )
            assert np.array_equal(runs.heads[:, t, 0], heads[t % n]), (b, t)


@interpreted
def test_the_kernels_table_counts_a_threshold_and_not_one_less(interpret):
    sizes = [65, 66, 101, 4097, 2**20]
    one = np.ones(len(sizes), dtype=np.int64)
    blocks = SimpleNamespace(
        first=SimpleNamespace(b=np.array(sizes), workers=one, T=one), shape=SimpleNamespace(R=1)
    )
    settings, tables = gpu_triton._Batch._settings(blocks)
    for row, b in enumerate(sizes):
        law = noise.magnitude_table(b)
        bits = np.concatenate([law, law - 1, [0, 2**31 - 1]])
        words = np.concatenate([bits, bits + 2**31]).astype(np.uint32)
        found = interpret.look_up(settings[row], tables, words)
        table = law.tolist()
        most = np.array([2 * bisect_right(table, value) + b % 2 for value in bits.tolist()])
        assert np.array_equal(found, np.concatenate([(b + most) // 2, (b - most) // 2])), b


@interpreted
def test_a_launch_that_ends_within_a_block_of_noise_leaves_every_byte(interpret):
    # b = 3: a Philox block's words serve 32 steps, and the next launch draws them again.
    spec = make("huber", b=3, T=3, runs=1, method="adasam")
    cut = interpret(spec, SEGMENT=2)
    assert_same_bytes(interpret(spec), cut)
    assert_same_paths(cut, on("reference", spec))


@interpreted
def test_a_runs_bits_depend_on_nothing_around_it(interpret):
    changes = {"b": [40], "T": [1, 2], "workers": [1, 2], "method": "local_sam", "runs": 1}
    few = make("pseudo_huber", dtype="float64", **changes | {"workers": [1]})
    assert_same_bytes(interpret(few), interpret(few, SEGMENT=1, MOST_RUNS=1))
    dtype = "float32"
    spec = make("pseudo_huber", dtype=dtype, **changes)
    grid = interpret(spec)
    assert_same_bytes(grid, interpret(spec, SEGMENT=1, MOST_RUNS=1))
    brief = interpret(make("pseudo_huber", dtype=dtype, **changes | {"record": "statistics"}))
    last = grid.x[np.arange(len(grid.inputs)), grid.inputs.T]
    assert brief.x.tobytes() == last.tobytes()
    cell = 3
    own = {name: getattr(grid.inputs, name)[cell].item() for name in ("b", "T", "workers")}
    alone = interpret(make("pseudo_huber", dtype=dtype, **changes | own))
    for name in ("mean_grad_norm2", "objective", "eta_variation_l2", "max_abs_gradient"):
        expected = getattr(grid, name)[cell]
        assert getattr(alone, name)[0].tobytes() == expected.tobytes(), name


@interpreted
def test_all_engines_give_one_path_and_one_verdict(interpret):
    spec = make("huber", d=1, T=4, gamma=0.005, runs=32, b=[2], v_init=0.0)
    problem = msgspec.convert(spec["problem"], specs.ProblemSpec).make()
    cell = specs.cells(msgspec.convert(spec, specs.Spec), problem)[0]
    bound = float(CORRECTED.total(problem.certificate.constants, specs.hyperparameters(cell)))
    engines = {name: on(name, spec) for name in ("reference", "torch", "numba")}
    engines["triton"] = interpret(spec)
    verdicts = {}
    for name, runs in engines.items():
        assert_same_paths(runs, engines["reference"])
        interval = finite_sample_mean(runs.lhs(0), problem.largest_grad_norm2, 0.99)
        sides = {"lhs_low": interval.low, "lhs_high": interval.high}
        verdicts[name] = [
            verdict({"instances": [sides | {"rhs": rhs}]}) for rhs in (bound, 0.5 * interval.low)
        ]
    assert verdicts == {name: ["holds", "refuted"] for name in engines}


@interpreted
def test_what_the_kernel_cannot_hold_runs_on_torch(interpret):
    for spec in (
        make(d=2, problem={"rotation": 1}),
        make(d=gpu_triton.largest_d("float64") + 1, T=2),
        make(d=gpu_triton.largest_d("float32") + 1, T=2, dtype="float32"),
    ):
        assert_same_bytes(interpret(spec), on("torch", spec))


def test_what_the_kernel_cannot_hold_is_told_with_a_reason():
    def reason(d=2, T=4, dtype="float64", **problem):
        made = msgspec.convert(make(d=d, problem=problem)["problem"], specs.ProblemSpec).make()
        runs = simulate(made, **{**RUN, "T": 1}, engine="reference")
        inputs = Inputs(**{
            field.name: getattr(runs.inputs, field.name) if field.name != "T" else np.array([T, T])
            for field in fields(Inputs)
        })  # fmt: skip
        return gpu_triton.unsuited(made, inputs, dtype) or "none"

    assert reason() == "none"
    assert reason(d=512) == "none"
    assert reason(d=1024, dtype="float32") == "none"
    assert "matrix" in reason(rotation=1)
    assert "d = 513 exceeds 512" in reason(d=513)
    assert "d = 1025 exceeds 1024" in reason(d=1025, dtype="float32")
    assert "T = 2147483647" in reason(T=2**31 - 1)


def test_a_hand_over_to_torch_is_logged_with_its_reason(caplog, monkeypatch):
    monkeypatch.setattr(gpu_triton.torch_batched, "run", lambda *_, **settings: settings["device"])
    problem = msgspec.convert(make(d=2, problem={"rotation": 1})["problem"], specs.ProblemSpec)
    runs = simulate(problem.make(), **{**RUN, "T": 1}, engine="reference")
    device = gpu_triton.run(
        problem.make(), SWITCHES["adasam"], runs.inputs, trajectory=False, dtype="float32",
        device="cuda:1",
    )  # fmt: skip
    assert device == "cuda:1"
    assert "hands over to torch on cuda:1: the problem is rotated" in caplog.text


def test_a_run_lies_in_the_fewest_lanes_that_hold_it():
    for dtype, parts in gpu_triton.PARTS.items():
        for d in range(1, gpu_triton.largest_d(dtype) + 1):
            shape = gpu_triton.shape_for(d, dtype)
            assert shape.parts <= parts
            assert (shape.parts - 1) * shape.C < d <= shape.parts * shape.C
            assert shape.C == 1 or shape.C // 2 * parts < d
            assert 32 * shape.warps == shape.R * shape.C
            assert shape.C <= gpu_triton.LANES


def test_without_a_gpu_or_triton_the_cure_is_told(monkeypatch):
    problem = msgspec.convert(make()["problem"], specs.ProblemSpec).make()
    with pytest.raises(InputError, match=r"(TRITON_INTERPRET=1|extra gpu)"):
        simulate(problem, **RUN, engine="triton", device="cpu")
    monkeypatch.delitem(sys.modules, "simulators.engines.triton_gpu.kernel", raising=False)
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(InputError, match="install the extra gpu"):
        simulate(problem, **RUN, engine="triton", device="cpu")
