"""Blocks of work for threads: compiled loops that run without Python's lock."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

TASKS = 8
"""Tasks a thread, where there are several: more balance blocks of unlike length better."""


def ranges(steps: np.ndarray, threads: int) -> list[tuple[int, int]]:
    """Cut blocks of so many steps each into ranges of like work, some `TASKS` for each thread; a
    thread alone has nothing to balance.
    """
    if threads == 1:
        return [(0, len(steps))]
    share = max(1, -(-int(steps.sum()) // (TASKS * threads)))
    edges = np.flatnonzero(np.diff(np.cumsum(steps) // share, prepend=0)) + 1
    return list(pairwise(np.unique(np.array([0, *edges, len(steps)])).tolist()))


def run(
    task: Callable[[int, tuple[int, int], np.ndarray, np.ndarray], None],
    steps: np.ndarray,
    threads: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Do all blocks, some at once.

    Parameters
    ----------
    task : callable
        ``task(number, (first, last), stop, done)`` does the blocks [first, last); it adds its
        steps to ``done[number]`` as it goes, and returns soon once ``stop[0]`` is not 0.
    steps : (N,) int
        Each block's number of steps.
    threads : int
    progress : callable, optional
        Called now and then with (steps done, steps in all).
    """
    bounds, every = ranges(steps, threads), int(steps.sum())
    stop, done = np.zeros(1, dtype=np.int64), np.zeros(len(bounds), dtype=np.int64)
    with ThreadPoolExecutor(threads) as pool:
        try:
            waiting = {
                pool.submit(task, number, bound, stop, done) for number, bound in enumerate(bounds)
            }
            while waiting:
                finished, waiting = wait(
                    waiting, None if progress is None else 0.1, FIRST_COMPLETED
                )
                for future in finished:
                    future.result()
                if progress is not None:
                    progress(int(done.sum()), every)
        except BaseException:
            stop[0] = 1
            pool.shutdown(cancel_futures=True)
            raise


@dataclass
class Compilations:
    """The kernels that were compiled, not found on disk, and how long that took, in seconds."""

    made: list[Any] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kernels(self) -> int:
        """How many they are."""
        return len(self.made)

    def __str__(self) -> str:
        from simulators.engines.numba_cpu.compiled import is_kept

        several = "" if self.kernels == 1 else "s"
        kept = "kept" if all(map(is_kept, self.made)) else "not kept"
        return (
            f"compiled {self.kernels} kernel{several} in {self.seconds:.1f} s, {kept} for next time"
        )


@contextmanager
def compilations() -> Iterator[Compilations]:
    """Count what numba compiles within the block."""
    from numba.core import event

    class Listener(event.Listener):
        depth = 0
        started = 0.0

        def on_start(self, event: event.Event) -> None:
            if self.depth == 0:
                self.started = time.perf_counter()
            self.depth += 1

        def on_end(self, event: event.Event) -> None:
            self.depth -= 1
            if self.depth == 0:
                details: Any = event.data
                seen.made.append(details["dispatcher"])
                seen.seconds += time.perf_counter() - self.started

    seen = Compilations()
    with event.install_listener("numba:compile", Listener()):
        yield seen
