"""The numba engine: blocks of runs in the lanes of the processor's vectors, all steps in cache.

Python plans the blocks (equal b, workers; like T) and hands ranges of them to threads; the loops
are in `loops` and the files beside it. A run's bits do not depend on the grid,
the block, or the threads around it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from simulators import noise
from simulators.engines.numba_cpu import layout, tasks
from simulators.engines.numba_cpu.layout import Out, Plan, Room
from simulators.engines.numba_cpu.loops import run_blocks
from simulators.engines.numba_cpu.outcome import Outcome
from simulators.engines.numba_cpu.vectors import WIDTH, aligned
from simulators.methods import Switches
from simulators.problems import SeparableProblem
from simulators.runs import Inputs, Runs

WORDS = 2**20
"""Bytes of Philox words that a block of several workers may keep between steps; beyond it each
step draws its own again."""

U64 = np.dtype(np.uint64)

ROWS, MOST_CHUNKS = 64, 32
"""Rows of a block, where a chunk has fewer, and its chunks at most: enough that the work on one
hides the latency of another, and little enough for the first-level cache."""


@dataclass(frozen=True)
class _Blocks:
    """How runs are put into blocks.

    Attributes
    ----------
    plan : Plan
    fields : (N, FIELDS) int64
        What `lane_layout.FIELDS` says of each block, but for where its rows and words are.
    held : list of ndarray
        Arrays whose addresses are among the fields.
    """

    plan: Plan
    fields: np.ndarray
    held: list[np.ndarray]

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
    method: Switches,
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
    out = Out(outcome.schedules, outcome.curves, outcome.finals, outcome.x, heads)
    W, lanes = WIDTH[kind], blocks.plan.row_of.shape[1]

    def task(number: int, bound: tuple[int, int], stop: np.ndarray, done: np.ndarray) -> None:
        rows, spare = (aligned(each * lanes * d, kind) for each in (layout.ROW, layout.SPARE_ROW))
        words = aligned(blocks.kept * 4 * lanes * d, np.dtype(np.uint32))
        first, last = bound
        fields = blocks.fields[first:last].copy()
        for name, array in (("rows", rows), ("spare", spare), ("words", words)):
            fields[:, layout.FIELDS.index(name)] = array.ctypes.data
        room = Room(rows, words, np.empty(lanes, dtype=np.int64))
        run_blocks(first, last, number, W, fields, blocks.plan, room, out, stop, done)

    tasks.run(task, blocks.steps, threads, progress)
    return outcome.runs(trajectory, heads=heads)


def _problem(problem: SeparableProblem, dtype: np.dtype) -> dict[str, np.ndarray]:
    """Return the fields that are of a problem, as arrays."""
    noise_size = problem.noise_size if problem.noise == "additive" else 1.0
    few = [problem.H, problem.shift, noise_size, np.finfo(dtype).max, 1.0]
    inverse = np.broadcast_to(1 / np.asarray(problem.B), (problem.d,))
    Q = np.empty(0) if problem.Q is None else problem.Q.ravel()
    both = {"numbers": few, "inverse": inverse, "Q": Q}
    heights = np.broadcast_to(problem.A, (problem.d,))
    return {
        **{name: np.array(values, dtype=dtype) for name, values in both.items()},
        **{f"{name}64": np.array(values, dtype=np.float64) for name, values in both.items()},
        "heights": np.array(heights, dtype=np.float64),
        "x0": np.array(problem.x0, dtype=dtype),
    }


def _chunks(d: int, runs: int, dtype: np.dtype, threads: int) -> int:
    """Return how many chunks a block has: a power of two, with a block for every thread."""
    whole = min(ROWS // d, MOST_CHUNKS, runs // (WIDTH[dtype] * threads))
    return 1 << max(whole, 1).bit_length() - 1


def _plan(
    problem: SeparableProblem,
    method: Switches,
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
        profile = layout.PROFILES.index(problem.profile.name)
        one[layout.PROBLEM] = 2 * profile + (problem.noise == "shift")
        one[layout.ROTATES] = problem.Q is not None
        one[layout.PERTURBS] = method.perturbs
        one[layout.ADAPTS] = method.adapts
        one[layout.KEEPS_MAX] = method.keeps_max
        one[layout.IS_LOCAL] = method.is_local and workers > 1
        one[layout.WORKERS] = workers
        one[layout.B] = b
        bits = noise.field_width(b)
        one[layout.LOG_WIDTH] = bits.bit_length() - 1
        one[layout.FIELD_MASK] = (1 << min(bits, 32)) - 1
        one[layout.WORD_MASK] = _counted(b, bits)
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

    def fields(count: int, kind: np.dtype, values: dict[int, np.ndarray]) -> np.ndarray:
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
    plan = Plan(
        row_of=rows,
        run=fields(layout.RUN_ROW, dtype, run),
        sums=fields(layout.SUM_ROW, np.dtype(np.float64), {layout.RHO: inputs.rho}),
        T=inputs.T[source],
        schedule=schedule[source],
        settings=settings,
    )
    arrays = _problem(problem, dtype)
    table = np.zeros((len(rows), len(layout.FIELDS)), dtype=np.int64)

    def put(name: str, value: np.ndarray | int) -> None:
        table[:, layout.FIELDS.index(name)] = value

    for name, array in arrays.items():
        put(name, array.ctypes.data)
    each = {"runs": plan.run, "sums": plan.sums, "keys": fields(layout.KEY_ROW, U64, keys),
            "settings": plan.settings}  # fmt: skip
    for name, array in each.items():
        put(name, array.ctypes.data + np.arange(len(rows)) * array.strides[0])
    laws = {b: _law(b) for b in large}
    for b, law in laws.items():
        mine = settings[:, layout.B] == b
        for name, array in zip(("guide", "thresholds"), law, strict=True):
            table[mine, layout.FIELDS.index(name)] = array.ctypes.data
    put("d", problem.d)
    put("chunks", chunks)
    tables = (array for law in laws.values() for array in law)
    return _Blocks(plan, table, [*arrays.values(), *each.values(), *tables])


def _counted(b: int, bits: int) -> int:
    """Return the bits of a word that stand for coins; of a field of two words, of the second."""
    if bits > 32:
        return (1 << max(b - 32, 0)) - 1
    return ((1 << b) - 1) * (0xFFFFFFFF // ((1 << bits) - 1)) if b <= 32 else 0


@cache
def _law(b: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the guide to the table of the binomial law for b, see `lane_layout.GUIDE_BITS`, and
    the table, with a threshold after its last that is beyond all values.
    """
    thresholds, rest = noise.magnitude_table(b), layout.REST
    first = np.arange(1 << layout.GUIDE_BITS, dtype=np.int64) << rest
    below = np.searchsorted(thresholds, first, side="right")
    within = np.searchsorted(thresholds, first + (1 << rest) - 1, side="right") - below
    one = thresholds[np.minimum(below, len(thresholds) - 1)] - first
    entry = np.where(within == 0, layout.NEVER, np.where(within == 1, one, layout.SEVERAL))
    guide = ((below << (rest + 1)) | entry).astype(np.uint32)
    return guide, np.append(thresholds, 1 << 31)
