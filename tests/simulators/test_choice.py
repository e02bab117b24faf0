"""Which engine `auto` takes, what it says, and how work is shared among threads."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulators.engines import choice, tasks
from simulators.engines.choice import choose
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
