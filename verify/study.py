"""Run the simulations of studies, side by side on the machine's cores."""

import multiprocessing
import os
import queue
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import Spec

Progress = Callable[[str, int, int], None]
"""Called with (the spec's name, steps done, steps in all)."""

_reports: Any = None


def simulate_all(
    jobs: Mapping[str, Spec], *, processes: int | None = None, progress: Progress | None = None
) -> dict[str, Runs]:
    """Simulate every spec, the longest first.

    Parameters
    ----------
    jobs : mapping
        Name -> spec. The specs may lie outside Theorem 1.
    processes : int, optional
        How many run at once; by default one a core, or one alone on a GPU. Results do not
        depend on it.
    progress : callable, optional

    Returns
    -------
    dict
        Name -> runs, in the order of ``jobs``.
    """
    order = sorted(jobs, key=lambda name: -_cost(jobs[name]))
    count = min(processes or _cores(jobs), len(order))
    if count <= 1:
        runs = {name: _simulate(name, jobs[name], progress) for name in order}
        return {name: runs[name] for name in jobs}
    context = multiprocessing.get_context("spawn")
    reports = context.Queue()
    with ProcessPoolExecutor(count, context, _initialise, (reports,)) as pool:
        futures = {pool.submit(_work, name, jobs[name]): name for name in order}
        pending: set[Future[Runs]] = set(futures)
        try:
            while pending:
                done, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
                _forward(reports, progress)
                for future in done:
                    future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        _forward(reports, progress)
    runs = {name: future.result() for future, name in futures.items()}
    return {name: runs[name] for name in jobs}


def _cost(job: Spec) -> float:
    longest = job.run.T
    return max(longest) if isinstance(longest, list) else longest


def _cores(jobs: Mapping[str, Spec]) -> int:
    if any(job.engine.device not in ("cpu", "auto") for job in jobs.values()):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _initialise(reports: Any) -> None:
    global _reports
    import torch

    _reports = reports
    torch.set_num_threads(1)


def _work(name: str, job: Spec) -> Runs:
    return _simulate(name, job, lambda *report: _reports.put(report))


def _simulate(name: str, job: Spec, progress: Progress | None) -> Runs:
    def report(done: int, every: int) -> None:
        if progress is not None:
            progress(name, done, every)

    runs = specs.run(job, allow_outside=True, progress=report)
    report(1, 1)
    return runs


def _forward(reports: Any, progress: Progress | None) -> None:
    while True:
        try:
            report = reports.get_nowait()
        except queue.Empty:
            return
        if progress is not None:
            progress(*report)
