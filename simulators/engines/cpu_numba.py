"""The numba engine: blocks of runs in the lanes of the processor's vectors, all steps in cache.

Python plans the blocks (equal b, workers; like T) and hands ranges of them to threads; the loops
are in `simulators.engines.lanes` and the rooms beside it. A run's bits do not depend on the grid,
the block, or the threads around it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from simulators import noise
from simulators.engines import lane_layout as layout
from simulators.engines import tasks
from simulators.engines.lane_layout import Law, Out, Plan, Problem, Room
from simulators.engines.lanes import run_blocks
from simulators.engines.outcome import Outcome
from simulators.engines.vectors import WIDTH, aligned
from simulators.problems import SeparableProblem
from simulators.runs import Inputs, Runs
from simulators.update import Method

WORDS = 2**20
"""Bytes of Philox words that a block of several workers may keep between steps; beyond it each
step draws its own again."""

_NO_TABLE = np.zeros(1, dtype=np.int64)

ROWS, MOST_CHUNKS = 64, 32
"""Rows of a block, where a chunk has fewer, and its chunks at most: enough that the work on one
hides the latency of another, and little enough for the first-level cache."""


@dataclass(frozen=True)
class _Blocks:
    """How runs are put into blocks."""

    chunks: int
    plan: Plan
    law: Law

    @property
    def steps(self) -> np.ndarray:
        """Each block's number of steps."""
        return self.plan.settings[:, layout.MOST_STEPS]

    @property
    def kept(self) -> int:
        """Of how many workers a block keeps the words between steps."""
        keeps = self.plan.settings[:, layout.KEEPS_WORDS] == 1
        return int(np.where(keeps, self.plan.settings[:, layout.WORKERS], 1).max())


def run(
    problem: SeparableProblem,
    method: Method,
    inputs: Inputs,
    *,
    trajectory: bool,
    dtype: str,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`."""
    kind, R, d = np.dtype(dtype), len(inputs), problem.d
    outcome = Outcome.empty(inputs, problem.x0, trajectory)
    blocks = _plan(problem, method, inputs, outcome.schedule, kind, trajectory, threads)
    longest, most = int(inputs.T.max()) if trajectory else 0, int(inputs.workers.max())
    heads = np.full((R, longest, most, d), -1, dtype=np.int32)
    numbers = _problem(problem, kind)
    out = Out(outcome.schedules, outcome.curves, outcome.finals, outcome.x, heads)

    def task(number: int, bound: tuple[int, int], stop: np.ndarray, done: np.ndarray) -> None:
        coordinates = blocks.chunks * d * WIDTH[kind]
        room = Room(
            aligned(layout.ROW * coordinates, kind),
            aligned(layout.SPARE_ROW * coordinates, kind),
            aligned(blocks.kept * 4 * coordinates, np.dtype(np.uint32)),
            np.empty(blocks.chunks * WIDTH[kind], dtype=np.int64),
        )
        first, last = bound
        run_blocks(
            first, last, number, blocks.chunks, blocks.plan, numbers, blocks.law, room, out, stop,
            done,
        )  # fmt: skip

    tasks.run(task, blocks.steps, threads, progress)
    return outcome.runs(trajectory, heads=heads)


def _problem(problem: SeparableProblem, dtype: np.dtype) -> Problem:
    """Return what the loops need of a problem."""
    noise_size = problem.noise_size if problem.noise == "additive" else 1.0
    inverse = np.broadcast_to(1 / np.asarray(problem.B), (problem.d,))
    Q = np.empty(0) if problem.Q is None else problem.Q.ravel()

    few = [problem.H, problem.shift, noise_size, np.finfo(dtype).max]
    own = [np.array(values, dtype=dtype) for values in (few, inverse, Q)]
    exact = [np.array(values, dtype=np.float64) for values in (few, inverse, Q)]
    heights = np.array(np.broadcast_to(problem.A, (problem.d,)), dtype=np.float64)
    return Problem(
        numbers=own[0],
        inverse=own[1],
        Q=own[2],
        numbers64=exact[0],
        inverse64=exact[1],
        Q64=exact[2],
        heights=heights,
        x0=np.array(problem.x0, dtype=dtype),
    )


def _chunks(d: int, runs: int, dtype: np.dtype, threads: int) -> int:
    """Return how many chunks a block has: a power of two, with a block for every thread."""
    whole = min(ROWS // d, MOST_CHUNKS, runs // (WIDTH[dtype] * threads))
    return 1 << max(whole, 1).bit_length() - 1


def _plan(
    problem: SeparableProblem,
    method: Method,
    inputs: Inputs,
    schedule: np.ndarray,
    dtype: np.dtype,
    trajectory: bool,
    threads: int,
) -> _Blocks:
    """Put runs of equal b and workers together, the longest first, and fill up the last block."""
    W = WIDTH[dtype]
    chunks = _chunks(problem.d, len(inputs), dtype, threads)
    size = chunks * W
    # One number for both: np.unique is slow on pairs. b is at most 2^20.
    groups, parts, settings = np.unique((inputs.workers << 32) + inputs.b), [], []
    large = [int(b) for b in np.unique(inputs.b) if b > 64]
    for workers, b in (divmod(group, 2**32) for group in groups.tolist()):
        mine = np.flatnonzero((inputs.workers == workers) & (inputs.b == b))
        mine = mine[np.argsort(-inputs.T[mine], kind="stable")]
        rows = np.concatenate([mine, np.full(-len(mine) % size, -1)]).reshape(-1, size)
        parts.append(rows)
        one = np.zeros(layout.SETTINGS, dtype=np.int64)
        one[layout.PROFILE] = layout.PROFILE_NUMBERS[problem.profile.name]
        one[layout.SHIFTS] = problem.noise == "shift"
        one[layout.ROTATES] = problem.Q is not None
        one[layout.PERTURBS] = method.perturbs
        one[layout.ADAPTS] = method.adapts
        one[layout.KEEPS_MAX] = method.keeps_max
        one[layout.IS_LOCAL] = method.is_local and workers > 1
        one[layout.WORKERS] = workers
        one[layout.B] = b
        one[layout.WIDTH_OF_FIELD] = noise.field_width(b)
        one[layout.TABLE] = large.index(b) if b > 64 else 0
        one[layout.KEEPS_WORDS] = (
            trajectory or workers == 1 or workers * problem.d * size * 16 <= WORDS
        )
        settings.append(np.repeat(one[None], len(rows), axis=0))
    rows, settings = np.concatenate(parts), np.concatenate(settings)
    # A lane that only fills a block repeats the block's first run, unrecorded.
    source = np.where(rows < 0, rows[:, :1], rows)
    settings[:, layout.MOST_STEPS] = inputs.T[rows[:, 0]]
    longest_first = np.argsort(-settings[:, layout.MOST_STEPS], kind="stable")
    rows, source, settings = rows[longest_first], source[longest_first], settings[longest_first]

    def fields(count: int, kind: np.dtype, values: dict[np.int64, np.ndarray]) -> np.ndarray:
        out = aligned(len(rows) * chunks * count * W, kind).reshape(len(rows), chunks, count, W)
        out[...] = 0
        for field, column in values.items():
            out[:, :, field] = column[source].reshape(len(rows), chunks, W)
        return out.reshape(len(rows), -1)

    eps = inputs.eps.astype(dtype)
    run = {
        layout.MINUS_GAMMA: -inputs.gamma,
        layout.BETA1: inputs.beta1,
        layout.ONE_MINUS_BETA1: 1 - inputs.beta1,
        layout.BETA2: inputs.beta2,
        layout.ONE_MINUS_BETA2: 1 - inputs.beta2,
        layout.FLOOR: eps * eps,
        layout.V_INIT: inputs.v_init,
    }
    keys = {
        layout.KEY0: inputs.key[:, 0],
        layout.KEY1: inputs.key[:, 1],
        layout.REPLICATE: inputs.replicate,
    }
    tables = [noise.magnitude_table(b) for b in large] or [_NO_TABLE]
    plan = Plan(
        row_of=rows,
        run=fields(layout.RUN_ROW, dtype, run),
        sums=fields(layout.SUM_ROW, np.dtype(np.float64), {layout.RHO: inputs.rho}),
        keys=fields(layout.KEY_ROW, np.dtype(np.uint64), keys),
        T=inputs.T[source],
        schedule=schedule[source],
        settings=settings,
    )
    law = Law(
        guides=np.stack([_guide(b) for b in large or [0]]),
        thresholds=np.concatenate(tables),
        starts=np.cumsum([0, *map(len, tables)]),
    )
    return _Blocks(chunks, plan, law)


@cache
def _guide(b: int) -> np.ndarray:
    """Return the guide to the table of the binomial law for b, none for 0; see
    `lane_layout.GUIDE_BITS`.
    """
    thresholds, rest = noise.magnitude_table(b) if b else _NO_TABLE, layout.REST
    first = np.arange(1 << layout.GUIDE_BITS, dtype=np.int64) << rest
    below = np.searchsorted(thresholds, first, side="right")
    within = np.searchsorted(thresholds, first + (1 << rest) - 1, side="right") - below
    one = thresholds[np.minimum(below, len(thresholds) - 1)] - first
    entry = np.where(within == 0, layout.NEVER, np.where(within == 1, one, layout.SEVERAL))
    return ((below << (rest + 1)) | entry).astype(np.uint32)
