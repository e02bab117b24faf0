"""The compiled loops of the numba engine: a block of runs, all its steps.

`lane_layout` says where all lies, `lane_noise` draws the noise, `lane_gradients` has the problems,
`lane_recording` writes results down; here is the step. A `routine` writes its code, as `vectors`
explains; what is not about vectors is numba's.

A run is a lane of the processor's vectors, and a chunk as many runs as a vector is wide; a block
is a few chunks, so that the work on one hides the latency of another, and few enough to stay in
cache through all steps. No operation mixes lanes, and sums over coordinates go one by one: a
run's bits do not depend on the runs beside it. All that belongs to a coordinate of a chunk lies in
one row of memory. Method and noise are switches, looked at once a row or less, and each kind of
problem has loops of its own, so that one kernel serves all of them; only the dtype makes another.
A run past its own T goes on unrecorded until its block ends.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from simulators.engines.numba_cpu import elementary
from simulators.engines.numba_cpu import gradients as lane_gradients
from simulators.engines.numba_cpu import layout as lane_layout
from simulators.engines.numba_cpu import noise as lane_noise
from simulators.engines.numba_cpu import recording as lane_recording
from simulators.engines.numba_cpu.compiled import kernel
from simulators.engines.numba_cpu.gradients import problems, put_gradients, put_objective
from simulators.engines.numba_cpu.layout import (
    ACTIVE,
    ADAPTIVE,
    ADAPTS,
    AT_DELTA,
    AT_X,
    BETA1,
    BETA2,
    ETA,
    FLOOR,
    GRAD,
    IS_LOCAL,
    KEEPS_MAX,
    KEEPS_WORDS,
    L1,
    L2,
    LARGEST,
    LARGEST_REACH,
    LOG_WIDTH,
    MINUS_GAMMA,
    MOST_STEPS,
    NOISE,
    ONE_MINUS_BETA1,
    ONE_MINUS_BETA2,
    OWN,
    PERTURBS,
    REACH,
    RHO,
    ROTATES,
    V_HAT,
    V_INIT,
    WEIGHTED,
    WORKERS,
    B,
    Block,
    G,
    M,
    S,
    U,
    V,
    X,
    routine,
)
from simulators.engines.numba_cpu.noise import count_heads, draw_noise, look_up_heads, philox
from simulators.engines.numba_cpu.recording import record, record_step
from simulators.engines.numba_cpu.vectors import (
    FLOAT64,
    INT64,
    REAL,
    Value,
    larger,
    select,
    size,
    smaller,
    some,
    sources,
    sqrt,
)


class _Largest:
    """The largest |gradient| of a chunk, kept as the largest and the smallest gradient."""

    def __init__(self, k: Block, c: Value) -> None:
        self._k, self._chunk = k, c
        self._most = k.variable(k.run(c, LARGEST))
        self._least = k.variable(-1.0 * k.run(c, LARGEST))

    def take(self, gradient: Value) -> None:
        """Look at a gradient."""
        self._most.set(larger(gradient, self._most.get()))
        self._least.set(smaller(gradient, self._least.get()))

    def keep(self) -> None:
        """Put it to the chunk's hyper-parameters."""
        self._k.set_run(self._chunk, LARGEST, larger(self._most.get(), -1.0 * self._least.get()))


def _put_reach(k: Block, c: Value, norm2: Value, in_spare: Value) -> None:
    """Put rho/||s|| into REACH, 0 where s = 0. Of one beyond float32, which has smaller s, the
    largest factor that it holds goes into s: in OWN if that is ``in_spare``, else in S.
    """
    most = k.numbers.get(LARGEST_REACH)
    ratio, largest = k.sum(c, RHO) / sqrt(norm2), norm2.like(most)
    if k.real != FLOAT64:
        far = (norm2 > 0.0) & (ratio > largest)
        with k.when(some(far)), k.when(k.setting(PERTURBS)):
            lift = select(far, k.zero.like(most), k.zero.like(1))
            with k.loop(k.d) as j:
                n = c * k.d + j
                with k.either(in_spare) as (spare, plain):
                    with spare:
                        k.set_spare_of(n, OWN, k.spare_of(n, OWN) * lift)
                    with plain:
                        k.set_of(n, S, k.of(n, S) * lift)
        ratio = select(far, ratio / largest, ratio)
    k.set_run(c, REACH, select(norm2 > 0.0, smaller(ratio, largest), norm2.like(0)).to(k.real))


@routine
def _observe(k: Block) -> None:
    """Take the gradients at x into the sums, and find rho/||s||."""
    local = k.setting(IS_LOCAL)
    is_float32 = k.real != FLOAT64
    with k.loop(k.chunks) as c:
        norm2 = k.variable(k.zero64)
        grad, weighted = k.variable(k.sum(c, GRAD)), k.variable(k.sum(c, WEIGHTED))
        largest = _Largest(k, c)

        def take(n: Value, u: Value, s: Value) -> None:
            k.set_of(n, S, s)
            largest.take(s)
            s64, u64 = s.to(FLOAT64), u.to(FLOAT64)
            norm2.set(norm2.get().plus_square(s64) if is_float32 else norm2.get() + s64 * s64)
            square = u64 * u64
            grad.set(grad.get() + square)
            weighted.set(weighted.get() + square * k.of(n, ETA).to(FLOAT64))

        with k.either(local | k.setting(ROTATES)) as (stored, fresh):
            with stored, k.loop(k.d) as j:
                n = c * k.d + j
                take(n, k.spare_of(n, U), select(local > 0, k.of(n, S), k.spare_of(n, OWN)))
            with fresh:
                for gradients in problems(k):
                    with k.loop(k.d) as j:
                        n = c * k.d + j
                        u, tilt = gradients.at(k.of(n, X), j, k.of(n, NOISE))
                        take(n, u, u + tilt)
        k.set_sum(c, GRAD, grad.get())
        k.set_sum(c, WEIGHTED, weighted.get())
        largest.keep()
        _put_reach(k, c, norm2.get(), k.setting(ROTATES))


@routine
def _move(k: Block) -> None:
    """The gradient at x + delta, unless it is stored; lines 6 to 10 of Algorithm 1."""
    perturbs, adapts, keeps_max = (k.setting(n) for n in (PERTURBS, ADAPTS, KEEPS_MAX))
    stored = k.setting(IS_LOCAL) | k.setting(ROTATES)
    with k.loop(k.chunks) as c:
        beta1, rest1, beta2, rest2, minus_gamma, reach, floor = (
            k.run(c, field)
            for field in (
                BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, MINUS_GAMMA, REACH, FLOOR,
            )
        )  # fmt: skip
        largest = _Largest(k, c)

        def advance(n: Value, x: Value, g: Value) -> None:
            largest.take(g)
            m = beta1 * k.of(n, M) + rest1 * g
            k.set_of(n, M, m)
            with k.when(adapts):
                v = beta2 * k.of(n, V) + rest2 * (g * g)
                k.set_of(n, V, v)
                old = k.of(n, V_HAT)
                with k.when(keeps_max.equals(0) | some(v > old)):
                    _adapt(k, c, n, v, old, floor)
            k.set_of(n, X, x + minus_gamma * m * k.of(n, ETA))

        with k.either(perturbs & (stored ^ 1)) as (fresh, known):
            with known, k.loop(k.d) as j:
                n = c * k.d + j
                g = select(perturbs > 0, k.spare_of(n, G), k.of(n, S))
                advance(n, k.of(n, X), g)
            with fresh:
                for gradients in problems(k):
                    with k.loop(k.d) as j:
                        n = c * k.d + j
                        x = k.of(n, X)
                        u, tilt = gradients.at(x + reach * k.of(n, S), j, k.of(n, NOISE))
                        advance(n, x, u + tilt)
        largest.keep()
        k.set_sum(c, ADAPTIVE, k.sum(c, ADAPTIVE) + k.sum(c, ACTIVE))


def _adapt(k: Block, c: Value, n: Value, v: Value, old: Value, floor: Value) -> None:
    """Lines 8 and 9 of Algorithm 1 for a coordinate, where some lane's v_hat changes."""
    was = k.of(n, ETA)
    new = larger(v, select(k.setting(KEEPS_MAX) > 0, old, floor))
    eta = 1.0 / sqrt(new)
    # |was - eta| without cancellation; every factor but the first is at most 1.
    most = larger(was, eta)
    share = size(new - old) / larger(new, old)
    change = (most * share * (most / (was + eta))).to(FLOAT64)
    k.set_of(n, V_HAT, new)
    k.set_of(n, ETA, eta)
    k.set_sum(c, L1, k.sum(c, L1) + change)
    k.set_sum(c, L2, k.sum(c, L2) + change * change)
    one, none = change.like(1), change.like(0)
    active = k.sum(c, ACTIVE) + select(new > floor, one, none) - select(old > floor, one, none)
    k.set_sum(c, ACTIVE, active)


@routine
def _clear(k: Block) -> None:
    """Start the sums of the workers' gradients."""
    with k.loop(k.chunks * k.d) as n:
        k.set_of(n, S, k.zero)
        k.set_spare_of(n, G, k.zero)


@routine
def _add(k: Block, moved: Value) -> None:
    """Add a worker's own gradients, at x or at x + delta, to theirs; from those at x, find
    rho/||s||.
    """
    with k.loop(k.chunks) as c:
        norm2 = k.variable(k.zero64)
        with k.loop(k.d) as j:
            n = c * k.d + j
            own = k.spare_of(n, OWN)
            with k.either(moved) as (yes, no):
                with yes:
                    k.set_spare_of(n, G, k.spare_of(n, G) + own)
                with no:
                    k.set_of(n, S, k.of(n, S) + own)
            own64 = own.to(FLOAT64)
            norm2.set(norm2.get() + own64 * own64)
        with k.when(moved.equals(AT_X)):
            _put_reach(k, c, norm2.get(), k.number(1))


@routine
def _average(k: Block) -> None:
    """Turn the sums of the workers' gradients into means."""
    workers = k.setting(WORKERS)
    with k.loop(k.chunks * k.d) as n:
        k.set_of(n, S, k.of(n, S) / workers)
        k.set_spare_of(n, G, k.spare_of(n, G) / workers)


@routine
def _draw(k: Block, t: Value, worker: Value, place: Value) -> None:
    """Draw a worker's heads for the step t, unless they are among the words that are kept."""
    log = k.setting(LOG_WIDTH)
    steps, keeps, b = k.number(128) >> log, k.setting(KEEPS_WORDS), k.setting(B)
    with k.when((t & (steps - 1)).equals(0) | keeps.equals(0)):
        philox(k, (t << log) >> 7, worker, place)
        with k.when(b > 64):
            look_up_heads(k, place)
        with k.when((b > 1) & (b <= 64)):
            count_heads(k, place)


@routine
def _step(k: Block, t: Value) -> None:
    """One step of Algorithm 1. Workers with perturbations of their own take turns; others share
    one, along the mean of their gradients, and act as a single worker with the mean of their noise.
    """
    local, workers, rotates = (k.setting(n) for n in (IS_LOCAL, WORKERS, ROTATES))
    turns = select(local > 0, workers, k.number(1))
    together = select(local > 0, k.number(1), workers)
    with k.when(local):
        _clear(k)
    with k.loop(turns) as turn:
        with k.loop(together) as number:
            worker = turn + number
            place = select(k.setting(KEEPS_WORDS) > 0, worker, k.number(0))
            _draw(k, t, worker, place)
            draw_noise(k, t, place, together, number)
        with k.when(local):
            put_gradients(k, AT_X, OWN)
            _add(k, AT_X)
            put_gradients(k, AT_DELTA, OWN)
            _add(k, AT_DELTA)
    with k.when(local):
        _average(k)
    with k.when(local | rotates):
        put_gradients(k, AT_X, OWN)  # for workers anew: the true one, U, is overwritten
    _observe(k)
    with k.when(rotates & (local ^ 1) & k.setting(PERTURBS)):
        put_gradients(k, AT_DELTA, G)
    _move(k)


@routine
def _start(k: Block) -> None:
    """Put every lane to its state before step 0."""
    with k.loop(k.chunks) as c:
        floor = k.run(c, FLOOR)
        with k.loop(k.d) as j:
            n = c * k.d + j
            k.set_of(n, X, floor.like(k.x0.get(j)))
            k.set_of(n, M, k.zero)
            k.set_of(n, V, k.run(c, V_INIT))
            k.set_of(n, V_HAT, floor)
            k.set_of(n, ETA, 1.0 / sqrt(floor))


def _compiled(write: Callable[..., None], *, takes_number: bool) -> Any:
    """Make a routine one that numba's code calls with a block's fields, its row there, an array of
    the iterates' dtype, and a whole number if the routine takes one.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fields, model = signature.args[0], signature.args[2]
        table = make_array(fields)(context, builder, args[0]).data
        row = builder.mul(args[1], INT64(len(lane_layout.FIELDS)))
        k = Block(builder, builder.gep(table, [row]), REAL[str(model.dtype)])
        write(k, *(Value(builder, each) for each in args[3:]))
        return context.get_dummy_value()

    if takes_number:

        @intrinsic
        def call(typingctx, fields, row, model, number):
            return types.void(fields, types.int64, model, types.int64), codegen

        return call

    @intrinsic
    def alone(typingctx, fields, row, model):
        return types.void(fields, types.int64, model), codegen

    return alone


start = _compiled(_start, takes_number=False)
step = _compiled(_step, takes_number=True)
objective = _compiled(put_objective, takes_number=False)


def _kernel(version):
    @kernel
    def run_blocks(first, last, task, W, fields, plan, room, out, stop, done):
        """Run the blocks [first, last) to their ends, lanes ``W`` a chunk.

        ``fields`` (N, FIELDS) int64: see `lane_layout.FIELDS`; for the rest see `Plan` to `Out`.
        ``stop`` (1,) int64: other than 0, return as soon as may be. ``done`` (tasks,) int64: the
        steps of blocks that ``task`` has done, out.
        """
        every = last if version else first  # never 0: see `sources`
        d = out.x.shape[2]
        for block in range(first, every):
            row = block - first
            start(fields, row, room.rows)
            due = record(block, np.int64(0), d, W, plan, room, out)  # 0 has a type of its own
            most = plan.settings[block, MOST_STEPS]
            for t in range(most):
                if t % 256 == 0:
                    if stop[0] != 0:
                        return
                    done[task] += min(256, most - t)
                step(fields, row, room.rows, t)
                if out.heads.shape[1] > 0:
                    record_step(block, t, d, W, plan, room, out)
                if t + 1 == due:
                    objective(fields, row, room.rows)
                    due = record(block, t + 1, d, W, plan, room, out)

    return run_blocks


run_blocks = _kernel(
    sources(
        __file__,
        *(
            part.__file__
            for part in (elementary, lane_gradients, lane_layout, lane_noise, lane_recording)
        ),
    )
)
