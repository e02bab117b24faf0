"""Which engine `auto` takes, what it says, and how work is shared among threads."""

import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from simulators import FiniteSum, SeparableProblem, simulate, simulation
from simulators.engines import choice
from simulators.engines.choice import choose
from simulators.engines.numba_cpu import tasks
from simulators.engines.torch_any import separable as torch_batched
from simulators.engines.triton_gpu import separable as gpu_triton
from simulators.methods.adasam import SWITCHES
from theory import InputError


def test_auto_is_numba_on_a_cpu_with_all_its_cores(monkeypatch):
    monkeypatch.setattr(choice, "cores", lambda: 5)
    taken = choose(device="cpu")
    assert (taken.engine, taken.device, taken.threads) == ("numba", "cpu", 5)
    assert str(taken) == "engine numba on cpu, 5 threads: the fastest on a CPU"
    assert choose(device="cpu", threads=1).threads == 1


def test_auto_without_a_driver_does_not_ask_torch(monkeypatch):
    monkeypatch.setattr(choice, "_may_have_gpu", lambda: False)
    monkeypatch.setattr(choice, "resolve_device", lambda _: pytest.fail("torch was asked"))
    assert "no GPU here" in str(choose())


@pytest.mark.parametrize(("sees", "engine"), [(True, "torch"), (False, "numba")])
def test_auto_with_a_driver_goes_where_torch_can(monkeypatch, sees, engine):
    monkeypatch.setattr(choice, "_may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: sees)
    assert choose().engine == engine


@pytest.fixture
def gpu_beside_4_cores(monkeypatch):
    monkeypatch.setattr(choice, "_may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(choice, "cores", lambda: 4)


def test_beside_a_gpu_auto_leaves_a_small_batch_to_the_cpu_and_says_so(gpu_beside_4_cores):
    least = choice.smallest_gpu_batch(4)
    # So many numbers take four threads as long as a GPU's launches of one step.
    assert least / (4 * choice.NUMBA_RATE) == pytest.approx(70e-6)
    small, large = choose(elements=0.99 * least), choose(elements=1.01 * least)
    assert str(small) == (
        "engine numba on cpu, 4 threads: a batch of 5.54e+04 numbers is predicted to be faster "
        "here than on a GPU"
    )
    assert str(large) == "engine torch on cuda: a GPU is there"
    # More threads do more in that time; who asks for a device or an engine gets it.
    assert choose(elements=1.01 * least, threads=5).engine == "numba"
    assert choose(elements=1.01 * least, threads=3).engine == "torch"
    assert str(choose("torch", elements=1)) == "engine torch on cuda: as asked"


def test_a_gpu_that_is_asked_for_runs_even_one_run(monkeypatch):
    monkeypatch.setattr(choice, "resolve_device", lambda device: device)
    assert str(choose(device="cuda", elements=1)) == "engine torch on cuda: as asked"


def test_simulate_counts_a_batch_by_its_mean_over_the_longest_run(gpu_beside_4_cores, monkeypatch):
    # 3 runs of 8 steps and 3 of 2, d = 5: 15 and 3.75 numbers over the 8 steps.
    counted, told = [], []

    def watched(*args, elements, **options):
        counted.append(elements)
        return choose("reference")

    monkeypatch.setattr(simulation, "choose", watched)
    cell = {"gamma": 0.1, "rho": 0.1, "beta1": 0, "beta2": 1, "eps": 1, "b": 1, "seed": 0}
    separable = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=5, start=0.5)
    simulate(separable, **cell, T=[8, 2], runs=3, say=told.append)
    simulate(FiniteSum.synthetic(4, 1, alpha=0.1, seed=1), **cell, T=2, runs=1)
    assert counted == [18.75, np.inf]
    assert told == ["engine reference on cpu: as asked; it computes in float64"]


@pytest.mark.parametrize(("d", "R"), [(10, 1024), (1, 2048)])
def test_a_step_on_a_gpu_launches_as_many_operations_as_the_choice_counts(d, R):
    # In one step, and for 32 steps the drawing of their noise and the summing.
    problem = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=d, start=0.5)
    inputs = simulate(
        problem, gamma=0.1, rho=0.1, beta1=0.9, beta2=0.9, eps=1, b=16, T=1, runs=R, seed=0
    ).inputs
    batch = torch_batched._Batch(
        problem, SWITCHES["adasam"], inputs, torch.float32, torch.device("cpu")
    )
    with torch.inference_mode():
        with Operations() as drawing:
            batch._draw(0)
        with Operations() as step:
            batch._step(0)
        with Operations() as summing:
            batch._sum(torch_batched.SLOTS)
    (group,) = batch.groups
    launches = step.count + drawing.count / (group.stop - group.start)
    launches += summing.count / torch_batched.SLOTS
    assert launches == pytest.approx(choice.GPU_OPERATIONS, rel=0.15)


class Operations(TorchDispatchMode):
    """Counts the operations that compute something: a view launches nothing on a GPU."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **kwargs or {})
        views = ("view", "expand", "slice", "select", "unsqueeze", "unbind", "empty", "alias")
        self.count += not str(func).removeprefix("aten.").startswith(views)
        return out


def test_an_engine_that_is_asked_for_is_taken():
    for engine in ("numba", "torch", "reference"):
        taken = choose(engine, "cpu")
        assert (taken.engine, taken.device, taken.reason) == (engine, "cpu", "as asked")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "fast"}, "engine = 'fast' is not known: use auto, numba"),
        ({"engine": "numba", "device": "cuda"}, "runs on the CPU, not on device = 'cuda'"),
        ({"engine": "reference", "device": "cuda"}, "runs on the CPU"),
        ({"device": "abacus"}, "abacus"),
        ({"threads": 0}, "threads = 0: give a whole number from 1"),
    ],
)
def test_what_cannot_be_is_refused_with_a_cure(arguments, message):
    with pytest.raises(InputError, match=message):
        choose(**arguments)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=50), st.integers(1, 8))
def test_ranges_cover_every_block_once_in_order(steps, threads):
    ranges = tasks.ranges(np.array(steps), threads)
    assert [n for first, last in ranges for n in range(first, last)] == list(range(len(steps)))
    # No range holds more than a fair share and its last block.
    share = sum(steps) if threads == 1 else -(-sum(steps) // (tasks.TASKS * threads))
    assert all(sum(steps[first : last - 1]) <= share for first, last in ranges)


def test_a_task_that_fails_stops_the_others():
    stopped = []

    def task(number, bound, stop, done):
        if number == 0:
            raise KeyboardInterrupt
        while not stop[0]:
            time.sleep(0.001)
        stopped.append(number)

    with pytest.raises(KeyboardInterrupt):
        tasks.run(task, np.ones(2, dtype=np.int64), 2, None)
    assert stopped in ([1], [])


def test_what_numba_compiles_is_counted_once_a_kernel():
    from numba import njit

    @njit
    def inner(x):
        return x + 1

    @njit
    def outer(x):
        return inner(x) * 2

    with tasks.compilations() as seen:
        assert outer(3) == 8
        assert outer(4) == 10
    assert seen.kernels == 1
    assert str(seen).startswith("compiled 1 kernel in ")
    assert str(seen).endswith(", not kept for next time")  # it has no cache


@pytest.mark.parametrize(("version", "fits"), [("3.5.1", False), ("3.6.0", True), ("4.0", True)])
def test_a_triton_older_than_the_kernel_needs_is_refused_by_name(monkeypatch, version, fits):
    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(__version__=version))
    reason = gpu_triton.unusable_triton()
    assert reason == (None if fits else "version 3.6 or later, and 3.5.1 is installed")
    if not fits:
        with pytest.raises(InputError, match=r"needs the package triton, version 3\.6 or later"):
            gpu_triton.checked_device("cuda")
