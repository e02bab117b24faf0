"""The numba engine for finite sums: Python plans, the loops are in `sample_loops`.

Threads take ranges of runs. A run's bits do not depend on the grid, the range or the threads
around it.
"""

from collections.abc import Callable

import numpy as np

from simulators.engines.numba_cpu import tasks
from simulators.engines.numba_cpu.outcome import Outcome
from simulators.engines.numba_cpu.rows import GROUP, lanes
from simulators.engines.numba_cpu.sample_loops import cleared, run_samples, scratch
from simulators.methods import Switches
from simulators.problems import FiniteSum
from simulators.runs import Inputs, Runs


def run(
    problem: FiniteSum,
    method: Switches,
    inputs: Inputs,
    *,
    trajectory: bool,
    dtype: str,
    stretch: int,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`.

    ``stretch`` is how many steps one with a full gradient stands for (`engines.strata`).
    """
    R, d, real = len(inputs), problem.d, np.dtype(dtype)
    outcome = Outcome.empty(inputs, problem.x0, trajectory)
    longest, most = int(inputs.T.max()) if trajectory else 0, int(inputs.workers.max())
    drawn = np.full((R, longest, most, int(inputs.b.max())), -1, dtype=np.int32)

    cost = inputs.T * inputs.b * inputs.workers
    order = np.argsort(-cost, kind="stable")
    whole, values = _columns(inputs, outcome.schedule, real)
    whole, values, rho = whole[order], values[order], inputs.rho[order]
    switches = np.array([method.perturbs, method.adapts, method.keeps_max, method.is_local])
    numbers = np.array([problem.alpha, np.finfo(real).max], dtype=real)
    data, columns = _padded(problem.C, real)
    x0 = problem.x0.astype(real)
    room = -(-inputs.b // GROUP) * GROUP * inputs.workers

    def task(number: int, bound: tuple[int, int], stop: np.ndarray, done: np.ndarray) -> None:
        first, last = bound
        space = scratch(d, columns, int(room[order[first:last]].max()), real)
        run_samples(
            first, last, number, whole, values, rho, switches, outcome.schedules, stretch, numbers,
            data, problem.N, columns, x0, space, outcome.curves, outcome.finals, outcome.x, drawn,
            stop, done,
        )  # fmt: skip

    tasks.run(task, cost[order], threads, progress)
    return outcome.runs(trajectory, samples=drawn)


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
    data = cleared((N + 1, columns), real)
    data[:N, :d] = C
    return data.ravel(), columns
