"""The compiled loops of the numba engine: a block of runs, all its steps.

`lane_layout` says where all lies, `lane_noise` draws the noise, `lane_gradients` has the problems;
here are the step, and what is recorded.

A run is a lane of the processor's vectors, and a chunk as many runs as a vector is wide; a block
is a few chunks, so that the work on one hides the latency of another, and few enough to stay in
cache through all steps. No operation mixes lanes, and sums over coordinates go one by one: a
run's bits do not depend on the runs beside it. All that belongs to a coordinate of a chunk lies in
one row of memory. Method, noise and profile are looked at once a row or less, so that one kernel
serves all of them; only the dtype makes another. A run past its own T goes on unrecorded until its
block ends.
"""

# numba gives these functions their types; the checker sees only their Python.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportAssignmentType=false, reportIndexIssue=false

import numpy as np
from numba import njit

from simulators.engines import elementary, lane_gradients, lane_layout, lane_noise
from simulators.engines.lane_gradients import pair, problem_of, put_gradients, put_objective
from simulators.engines.lane_layout import (
    ACTIVE,
    ADAPTIVE,
    ADAPTS,
    AT_DELTA,
    AT_X,
    BETA1,
    BETA2,
    CALL,
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
    MINUS_GAMMA,
    MOST_STEPS,
    NOISE,
    OBJECTIVE,
    ONE_MINUS_BETA1,
    ONE_MINUS_BETA2,
    OWN,
    PERTURBS,
    REACH,
    RHO,
    ROTATES,
    ROW,
    RUN_ROW,
    SETTINGS,
    SPARE_ROW,
    SUM_ROW,
    TABLE,
    V_HAT,
    V_INIT,
    WEIGHTED,
    WIDTH_OF_FIELD,
    WORKERS,
    B,
    Block,
    G,
    M,
    S,
    U,
    V,
    X,
)
from simulators.engines.lane_noise import (
    count_heads,
    draw_noise,
    field_at,
    law_of,
    look_up_heads,
    noise_of,
    philox,
)
from simulators.engines.vectors import (
    INLINE,
    get,
    larger,
    like,
    load,
    pointer,
    rounded_like,
    shifted,
    size,
    smaller,
    some,
    sources,
    sqrt,
    store,
    to_float64,
    where,
    width,
)


@njit(**INLINE)
def _reach(k, c, norm2):
    """Put rho/||s|| into REACH, 0 where s = 0."""
    W = width(k.rows)
    rho = load(k.sums, (c * SUM_ROW + RHO) * W)
    reach = smaller(rho / sqrt(norm2), like(rho, get(k.numbers, LARGEST_REACH)))
    reach = where(norm2 > 0.0, reach, like(rho, 0))
    at = (c * RUN_ROW + REACH) * W
    store(k.runs, at, rounded_like(reach, load(k.runs, at)))


@njit(**CALL)
def _observe(k, t):
    """Take the gradients at x into the sums, and find rho/||s||."""
    W = width(k.rows)
    local = get(k.settings, IS_LOCAL)
    stored, draws = get(k.settings, ROTATES) or local, get(k.settings, WORKERS) == 1
    laws, law = problem_of(k), law_of(k, t, 1)
    for c in range(k.chunks):
        at = c * SUM_ROW * W
        grad, weighted = load(k.sums, at + GRAD * W), load(k.sums, at + WEIGHTED * W)
        norm2 = like(grad, 0)
        largest = load(k.runs, (c * RUN_ROW + LARGEST) * W)
        for j in range(k.d):
            n = c * k.d + j
            row = n * ROW * W
            if stored:
                u = load(k.spare, (n * SPARE_ROW + U) * W)
                s = load(k.rows, row + S * W) if local else load(k.spare, (n * SPARE_ROW + OWN) * W)
            else:
                noise = load(k.rows, row + NOISE * W)
                if draws:
                    noise = noise_of(load(k.words, n * 4 * W + law[0]), law, largest)
                    store(k.rows, row + NOISE * W, noise)
                u, tilt = pair(laws, load(k.rows, row + X * W), get(k.inverse, j), noise)
                s = u + tilt
            store(k.rows, row + S * W, s)
            largest = larger(size(s), largest)
            s64, u64 = to_float64(s), to_float64(u)
            norm2 = norm2 + s64 * s64
            square = u64 * u64
            grad = grad + square
            weighted = weighted + square * to_float64(load(k.rows, row + ETA * W))
        store(k.sums, at + GRAD * W, grad)
        store(k.sums, at + WEIGHTED * W, weighted)
        store(k.runs, (c * RUN_ROW + LARGEST) * W, largest)
        _reach(k, c, norm2)


@njit(**CALL)
def _move(k):
    """The gradient at x + delta, unless it is stored; lines 6 to 10 of Algorithm 1."""
    W = width(k.rows)
    perturbs, adapts = get(k.settings, PERTURBS), get(k.settings, ADAPTS)
    keeps_max, laws = get(k.settings, KEEPS_MAX), problem_of(k)
    stored = get(k.settings, ROTATES) or get(k.settings, IS_LOCAL)
    for c in range(k.chunks):
        run, at = c * RUN_ROW * W, c * SUM_ROW * W
        beta1, rest1 = load(k.runs, run + BETA1 * W), load(k.runs, run + ONE_MINUS_BETA1 * W)
        beta2, rest2 = load(k.runs, run + BETA2 * W), load(k.runs, run + ONE_MINUS_BETA2 * W)
        minus_gamma, reach = load(k.runs, run + MINUS_GAMMA * W), load(k.runs, run + REACH * W)
        largest = load(k.runs, run + LARGEST * W)
        for j in range(k.d):
            row = (c * k.d + j) * ROW * W
            x, g = load(k.rows, row + X * W), load(k.rows, row + S * W)
            if perturbs and stored:
                g = load(k.spare, ((c * k.d + j) * SPARE_ROW + G) * W)
            elif perturbs:
                noise = load(k.rows, row + NOISE * W)
                u, tilt = pair(laws, x + reach * g, get(k.inverse, j), noise)
                g = u + tilt
            largest = larger(size(g), largest)
            m = beta1 * load(k.rows, row + M * W) + rest1 * g
            store(k.rows, row + M * W, m)
            if adapts:
                v = beta2 * load(k.rows, row + V * W) + rest2 * (g * g)
                store(k.rows, row + V * W, v)
                old = load(k.rows, row + V_HAT * W)
                if not keeps_max or some(v > old):
                    _adapt(k, row, at, v, old, load(k.runs, run + FLOOR * W), keeps_max)
            x = x + minus_gamma * m * load(k.rows, row + ETA * W)
            store(k.rows, row + X * W, x)
        store(k.runs, run + LARGEST * W, largest)
        active = load(k.sums, at + ACTIVE * W)
        store(k.sums, at + ADAPTIVE * W, load(k.sums, at + ADAPTIVE * W) + active)


@njit(**INLINE)
def _adapt(k, row, at, v, old, floor, keeps_max):
    """Lines 8 and 9 of Algorithm 1 for a coordinate, where some lane's v_hat changes."""
    W = width(k.rows)
    was = load(k.rows, row + ETA * W)
    new = larger(v, old if keeps_max else floor)
    eta = 1.0 / sqrt(new)
    # |was - eta| without cancellation; every factor but the first is at most 1.
    most = larger(was, eta)
    share = size(new - old) / larger(new, old)
    change = to_float64(most * share * (most / (was + eta)))
    store(k.rows, row + V_HAT * W, new)
    store(k.rows, row + ETA * W, eta)
    store(k.sums, at + L1 * W, load(k.sums, at + L1 * W) + change)
    store(k.sums, at + L2 * W, load(k.sums, at + L2 * W) + change * change)
    one, none = like(change, 1), like(change, 0)
    active = load(k.sums, at + ACTIVE * W)
    active = active + where(new > floor, one, none) - where(old > floor, one, none)
    store(k.sums, at + ACTIVE * W, active)


@njit(**CALL)
def _clear(k):
    """Start the sums of the workers' gradients."""
    W = width(k.rows)
    none = like(load(k.rows, 0), 0)
    for n in range(k.chunks * k.d):
        store(k.rows, (n * ROW + S) * W, none)
        store(k.spare, (n * SPARE_ROW + G) * W, none)


@njit(**CALL)
def _add(k, moved):
    """Add a worker's own gradients, at x or at x + delta, to theirs; from those at x, find
    rho/||s||.
    """
    W = width(k.rows)
    for c in range(k.chunks):
        norm2 = like(load(k.sums, 0), 0)
        for j in range(k.d):
            n = c * k.d + j
            own = load(k.spare, (n * SPARE_ROW + OWN) * W)
            if moved:
                at = (n * SPARE_ROW + G) * W
                store(k.spare, at, load(k.spare, at) + own)
            else:
                at = (n * ROW + S) * W
                store(k.rows, at, load(k.rows, at) + own)
            own64 = to_float64(own)
            norm2 = norm2 + own64 * own64
        if not moved:
            _reach(k, c, norm2)


@njit(**CALL)
def _average(k, workers):
    """Turn the sums of the workers' gradients into means."""
    W = width(k.rows)
    for n in range(k.chunks * k.d):
        at, spare = (n * ROW + S) * W, (n * SPARE_ROW + G) * W
        store(k.rows, at, load(k.rows, at) / np.float64(workers))
        store(k.spare, spare, load(k.spare, spare) / np.float64(workers))


@njit(**CALL)
def _step(k, t):
    """One step of Algorithm 1. Workers with perturbations of their own take turns; others share
    one, along the mean of their gradients, and act as a single worker with the mean of their noise.
    """
    local, workers = get(k.settings, IS_LOCAL), get(k.settings, WORKERS)
    b, bits = get(k.settings, B), get(k.settings, WIDTH_OF_FIELD)
    keeps, rotates = get(k.settings, KEEPS_WORDS), get(k.settings, ROTATES)
    together = 1 if local else workers
    if local:
        _clear(k)
    for turn in range(workers if local else 1):
        for worker in range(turn, turn + together):
            place = worker if keeps else 0
            if t % (128 // bits) == 0 or not keeps:
                philox(k, t // (128 // bits), worker, place)
                if b > 64:
                    look_up_heads(k, place, b)
                elif b > 1:
                    count_heads(k, place, b, bits)
            # A single worker's noise is left to `_observe`, unless gradients are stored.
            if workers > 1 or rotates:
                draw_noise(k, t, place, together, worker > turn)
        if local:
            put_gradients(k, AT_X, OWN)
            _add(k, AT_X)
            put_gradients(k, AT_DELTA, OWN)
            _add(k, AT_DELTA)
    if local:
        _average(k, workers)
    if local or rotates:
        put_gradients(k, AT_X, OWN)  # for workers anew: the true one, U, is overwritten
    _observe(k, t)
    if rotates and not local:
        put_gradients(k, AT_DELTA, G)
    _move(k)


@njit(**CALL)
def _start(k, x0):
    """Put every lane to its state before step 0."""
    W = width(k.rows)
    for c in range(k.chunks):
        run = c * RUN_ROW * W
        floor = load(k.runs, run + FLOOR * W)
        for j in range(k.d):
            row = (c * k.d + j) * ROW * W
            store(k.rows, row + X * W, like(floor, get(x0, j)))
            store(k.rows, row + M * W, like(floor, 0))
            store(k.rows, row + V * W, load(k.runs, run + V_INIT * W))
            store(k.rows, row + V_HAT * W, floor)
            store(k.rows, row + ETA * W, 1.0 / sqrt(floor))


@njit(**CALL)
def _prepare(block, chunks, plan, problem, law, room):
    """Return what the loops work on, every lane at its state before step 0."""
    table = plan.settings[block, TABLE]
    k = Block(
        pointer(room.rows, room.rows),
        pointer(room.spare, room.rows),
        pointer(room.words, room.rows),
        shifted(pointer(plan.run, room.rows), block * plan.run.shape[1]),
        shifted(pointer(plan.sums, room.rows), block * plan.sums.shape[1]),
        shifted(pointer(plan.keys, room.rows), block * plan.keys.shape[1]),
        shifted(pointer(plan.settings, room.rows), block * SETTINGS),
        pointer(problem.numbers, room.rows),
        pointer(problem.inverse, room.rows),
        pointer(problem.Q, room.rows),
        shifted(pointer(law.guides, room.rows), table * law.guides.shape[1]),
        shifted(pointer(law.thresholds, room.rows), law.starts[table]),
        law.starts[table + 1] - law.starts[table],
        len(problem.x0),
        chunks,
    )
    _start(k, pointer(problem.x0, room.rows))
    return k


@njit(**CALL)
def _record(block, t, d, W, plan, room, out):
    """Write what is due after t steps; return when the next is."""
    K, due = out.step.shape[1], 1 << 62
    for i in range(plan.row_of.shape[1]):
        if t == 0:
            room.columns[i] = 0
        row, column = plan.row_of[block, i], room.columns[i]
        step = out.step[plan.schedule[block, i]]
        c, lane = i // W, i % W
        run, at = c * RUN_ROW * W + lane, c * SUM_ROW * W + lane
        while column < K and step[column] == t:
            if row >= 0:
                grad, weighted = (
                    plan.sums[block, at + GRAD * W],
                    plan.sums[block, at + WEIGHTED * W],
                )
                if not plan.settings[block, ADAPTS]:
                    weighted = grad / np.sqrt(np.float64(plan.run[block, run + FLOOR * W]))
                out.curves[0, row, column] = grad / t
                out.curves[1, row, column] = weighted / t
                out.curves[2, row, column] = plan.sums[block, at + OBJECTIVE * W]
            column += 1
        if column == K and room.columns[i] < K and row >= 0:
            out.finals[0, row] = plan.sums[block, at + L1 * W]
            out.finals[1, row] = plan.sums[block, at + L2 * W]
            out.finals[2, row] = plan.sums[block, at + ADAPTIVE * W] / (d * t)
            out.finals[3, row] = plan.run[block, run + LARGEST * W]
            if out.x.shape[1] == 1:
                for j in range(d):
                    out.x[row, 0, j] = room.rows[((c * d + j) * ROW + X) * W + lane]
        room.columns[i] = column
        if column < K:
            due = min(due, step[column])
    return due


@njit(**CALL)
def _record_step(k, block, t, plan, room, out):
    """Write every lane's point after step t and the heads that led there."""
    W = width(k.rows)
    bits = get(k.settings, WIDTH_OF_FIELD)
    part, shift, mask = field_at(bits, t % (128 // bits))
    for i in range(plan.row_of.shape[1]):
        row = plan.row_of[block, i]
        if row < 0 or t >= plan.T[block, i]:
            continue
        c, lane = i // W, i % W
        for j in range(k.d):
            n = c * k.d + j
            out.x[row, t + 1, j] = room.rows[(n * ROW + X) * W + lane]
            for worker in range(get(k.settings, WORKERS)):
                word = room.words[((worker * k.chunks * k.d + n) * 4 + part) * W + lane]
                out.heads[row, t, worker, j] = (word >> shift) & mask


def _kernel(version):
    @njit(nogil=True, error_model="numpy", cache=True, no_cfunc_wrapper=True)
    def run_blocks(first, last, task, chunks, plan, problem, law, room, out, stop, done):
        """Run the blocks [first, last) to their ends.

        ``chunks`` a block; for the rest see `Plan` to `Out`. ``stop`` (1,) int64: other than 0,
        return as soon as may be. ``done`` (tasks,) int64: the steps of blocks that ``task`` has
        done, out.
        """
        every = last if version else first  # never 0: see `sources`
        for block in range(first, every):
            k = _prepare(block, chunks, plan, problem, law, room)
            due = _record(block, np.int64(0), k.d, width(k.rows), plan, room, out)
            most = get(k.settings, MOST_STEPS)
            for t in range(most):
                if t % 256 == 0:
                    if stop[0] != 0:
                        return
                    done[task] += min(256, most - t)
                _step(k, t)
                if out.heads.shape[1] > 0:
                    _record_step(k, block, t, plan, room, out)
                if t + 1 == due:
                    put_objective(k, problem, room)
                    due = _record(block, t + 1, k.d, width(k.rows), plan, room, out)

    return run_blocks


run_blocks = _kernel(
    sources(
        __file__,
        *(part.__file__ for part in (elementary, lane_gradients, lane_layout, lane_noise)),
    )
)
