"""How rates are measured: in one process, turn by turn, each as the median of its rounds.

A machine's speed drifts by more than what is to be compared. So every round times each entry
once, and what is compared was measured side by side.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from theory.errors import InputError

Progress = Callable[[str, int, int], None]
"""Called with (what is measured, rounds done, rounds in all)."""

FIRST = 2**21
"""About how many coordinate-steps are timed first, to see how long they take."""


@dataclass(frozen=True)
class Entry:
    """One thing to be timed.

    Attributes
    ----------
    row : dict
        What its row says beside the rate: case, engine, d, b, dtype, R and the like.
    threads : int
        How many it may use.
    make : callable
        Returns ``run(T, seed)``; called with the threads already held.
    per_step : int
        Coordinate-steps that one step of all runs counts for.
    T : int or None
        How many steps to time, as often as take the time asked for; or so many steps, once.
    fewest : int
        The least T to choose: overheads must not weigh more than they do for a user.
    """

    row: dict[str, Any]
    threads: int
    make: Callable[[], Callable[[int, int], Any]]
    per_step: float
    T: int | None = None
    fewest: int = 4


def cores() -> list[int]:
    """Return the processor cores that this process may run on.

    Raises
    ------
    InputError
        If the system cannot hold a process to some of its cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise InputError(
            "this system cannot hold a process to a number of cores, and threads would not be "
            "comparable: run the benchmark on Linux."
        )
    return sorted(os.sched_getaffinity(0))


@contextmanager
def held_to(threads: int) -> Iterator[None]:
    """Hold the engines and peers to so many threads, and to as many cores, within this context.

    The numba engine uses a thread for each core that it may run on; torch is told; JAX starts
    its threads on the cores allowed then, and keeps to them.
    """
    import torch

    before, torch_before = cores(), torch.get_num_threads()
    try:
        os.sched_setaffinity(0, before[-threads:])
        torch.set_num_threads(threads)
        yield
    finally:
        torch.set_num_threads(torch_before)
        os.sched_setaffinity(0, before)


def rates(
    entries: Sequence[Entry], *, rounds: int, seconds: float, label: str, progress: Progress
) -> list[dict[str, Any]]:
    """Time the entries turn by turn.

    Parameters
    ----------
    entries : sequence of Entry
    rounds : int
        How often each is timed.
    seconds : float
        About how long one timing should take, where an entry leaves T open.
    label : str
        What `progress` is told.
    progress : callable

    Returns
    -------
    list of dict
        Each entry's row with ``threads``, ``T``, ``rate``, the median, ``low`` and ``high``, the
        slowest and the fastest round, all in coordinate-steps a second, and ``rounds``.
    """
    every, done = len(entries) * (rounds + 1), 0
    ready: list[tuple[Entry, Callable[[int, int], Any], int, int]] = []
    for entry in entries:
        progress(label, done, every)
        with held_to(entry.threads):
            run = entry.make()
            ready.append((entry, run, *_amount(run, entry, seconds)))
        done += 1
    taken: list[list[float]] = [[] for _ in ready]
    for number in range(rounds):
        for (entry, run, T, times), mine in zip(ready, taken, strict=True):
            progress(label, done, every)
            with held_to(entry.threads):
                mine.append(_timed(run, T, number + 2, times))
            done += 1
    progress(label, every, every)
    return [
        _row(entry, T, times, mine) for (entry, _, T, times), mine in zip(ready, taken, strict=True)
    ]


def _row(entry: Entry, T: int, times: int, taken: Sequence[float]) -> dict[str, Any]:
    work = entry.per_step * T * times
    return {
        **entry.row,
        "threads": entry.threads,
        "T": T,
        "rate": work / statistics.median(taken),
        "low": work / max(taken),
        "high": work / min(taken),
        "rounds": len(taken),
    }


def _amount(run: Callable[[int, int], Any], entry: Entry, seconds: float) -> tuple[int, int]:
    """Return how many steps to time, and how many times over; all is compiled then."""
    if entry.T is not None:
        run(entry.T, 0)
        return entry.T, max(1, round(seconds / _timed(run, entry.T, 1)))
    # A first guess that is far from long: JAX compiles anew for each T.
    T = max(4, min(256, int(FIRST / entry.per_step)))
    run(T, 0)
    taken = _timed(run, T, 1)
    while taken < seconds / 10:
        T *= min(256, max(2, round(seconds / (4 * max(taken, 1e-6)))))
        run(T, 0)
        taken = _timed(run, T, 1)
    chosen = max(entry.fewest, round(T * seconds / taken / 4) * 4)
    run(chosen, 0)
    return chosen, 1


def _timed(run: Callable[[int, int], Any], T: int, seed: int, times: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(times):
        run(T, seed)
    return time.perf_counter() - start
