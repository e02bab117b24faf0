"""The numba engine for finite sums: Python plans, the loops are in `simulators.engines.samples`.

Threads take ranges of runs. A run's bits do not depend on the grid, the range or the threads
around it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise

import numpy as np

from simulators.engines.cpu_numba import threads
from simulators.engines.samples import aligned, run_samples, scratch
from simulators.engines.schedule import checkpoint_schedules
from simulators.engines.vectors import GROUP, lanes
from simulators.problems import FiniteSum
from simulators.runs import Inputs, Runs
from simulators.update import Method

TASKS = 8
"""Tasks a thread: more balance runs of unlike length better."""


def run(
    problem: FiniteSum,
    method: Method,
    inputs: Inputs,
    *,
    trajectory: bool,
    dtype: str,
    stretch: int,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`.

    ``stretch`` is how many steps one with a full gradient stands for (`engines.strata`).
    """
    R, d, real = len(inputs), problem.d, np.dtype(dtype)
    schedules, schedule = checkpoint_schedules(inputs.T)
    most = int(inputs.workers.max())
    curves = np.full((3, R, schedules.shape[1]), np.nan)
    finals = np.zeros((4, R))
    longest = int(inputs.T.max()) if trajectory else 0
    x = np.full((R, longest + 1, d), np.nan)
    drawn = np.full((R, longest, most, int(inputs.b.max())), -1, dtype=np.int32)
    if trajectory:
        x[:, 0] = problem.x0

    cost = inputs.T * inputs.b * inputs.workers
    order = np.argsort(-cost, kind="stable")
    whole, values = _columns(inputs, schedule, real)
    whole, values, rho = whole[order], values[order], inputs.rho[order]
    switches = np.array([method.perturbs, method.adapts, method.keeps_max, method.is_local])
    numbers = np.array([problem.alpha, np.finfo(real).max], dtype=real)
    data, columns = _padded(problem.C, real)
    x0 = problem.x0.astype(real)
    bounds = _tasks(cost[order])
    stop, done = np.zeros(1, dtype=np.int64), np.zeros(len(bounds), dtype=np.int64)

    room = -(-inputs.b // GROUP) * GROUP * inputs.workers

    def task(number: int) -> None:
        first, last = bounds[number]
        space = scratch(d, columns, int(room[order[first:last]].max()), real)
        run_samples(
            first, last, number, whole, values, rho, switches, schedules, stretch, numbers, data,
            problem.N, columns, x0, space, curves, finals, x, drawn, stop, done,
        )  # fmt: skip

    with ThreadPoolExecutor(threads()) as pool:
        try:
            waiting = {pool.submit(task, number) for number in range(len(bounds))}
            while waiting:
                finished, waiting = wait(waiting, None if progress is None else 0.1)
                for future in finished:
                    future.result()
                if progress is not None:
                    progress(int(done.sum()), int(cost.sum()))
        except BaseException:
            stop[0] = 1
            pool.shutdown(cancel_futures=True)
            raise
    l1, l2, share, largest = finals
    return Runs(
        inputs=inputs,
        step=schedules[schedule],
        mean_grad_norm2=curves[0],
        mean_weighted_grad_norm2=curves[1],
        objective=curves[2],
        eta_variation_l1=l1,
        eta_variation_l2=l2,
        adaptive_share=share,
        max_abs_gradient=largest,
        x=x if trajectory else x[:, 0],
        samples=None if not trajectory else drawn if most > 1 else drawn[:, :, 0],
    )


def _columns(inputs: Inputs, schedule: np.ndarray, real: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return every run's whole numbers and hyper-parameters, as `run_samples` takes them."""
    whole = [
        inputs.T, inputs.b, inputs.workers, schedule, np.arange(len(inputs)), inputs.replicate,
        inputs.key[:, 0], inputs.key[:, 1],
    ]  # fmt: skip
    eps = inputs.eps.astype(real)
    values = [
        -inputs.gamma, inputs.beta1, 1 - inputs.beta1, inputs.beta2, 1 - inputs.beta2, eps * eps,
        inputs.v_init,
    ]  # fmt: skip
    return (
        np.stack([column.astype(np.int64) for column in whole], axis=1),
        np.stack([column.astype(real) for column in values], axis=1),
    )


def _padded(C: np.ndarray, real: np.dtype) -> tuple[np.ndarray, int]:
    """Return the rows of C, filled up with zeros to whole vectors, a row of zeros after them, all
    in one line that starts at a cache line; and how many numbers a row has.
    """
    N, d = C.shape
    columns = -(-d // lanes(real.itemsize)) * lanes(real.itemsize)
    data = aligned((N + 1, columns), real)
    data[:N, :d] = C
    return data.ravel(), columns


def _tasks(cost: np.ndarray) -> list[tuple[int, int]]:
    """Cut the runs into ranges of like work: some `TASKS` for each thread."""
    share = max(1, -(-int(cost.sum()) // (TASKS * threads())))
    edges = np.flatnonzero(np.diff(np.cumsum(cost) // share, prepend=0)) + 1
    return list(pairwise(sorted({0, *edges.tolist(), len(cost)})))
