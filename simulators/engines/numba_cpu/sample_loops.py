"""The compiled loops of the numba engine for finite sums: one run after another.

Why it looks as it does. The cost of a step is fetching its rows of data and two passes over them:
the rows of the step to come are drawn, and asked for, while this step's are in use, and both
gradients of a step read the same rows while they are near. A batch's rows go through vectors, as
`numba_cpu.rows` says, in tiles of `TILE`; a batch is filled up with a row of zeros, whose
contribution is 0. The iterate's coordinates stand in chunks of `CHUNK`, all of a chunk's numbers in
one row, field by field at constant offsets, so that the compiler sees that they do not overlap.
Every sum's order is fixed by the batch alone: a run's bits do not depend on the runs around it.

A full gradient costs a pass over the data. The points that need one wait until there are `POINTS`,
and share the pass: each tile of rows serves them all while it is in the cache.
"""

# numba gives these functions their types; the checker sees only their Python.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from simulators.engines.numba_cpu import elementary, rows
from simulators.engines.numba_cpu.compiled import kernel
from simulators.engines.numba_cpu.elementary import exp, log1p
from simulators.engines.numba_cpu.rows import GROUP, TREE, add_rows, prefetch, products, tree_sum
from simulators.engines.numba_cpu.vectors import (
    CALL,
    FLOAT64,
    REAL,
    Code,
    Place,
    Value,
    aligned,
    larger,
    select,
    size,
    smaller,
    sources,
    width,
)

INLINE = {**CALL, "forceinline": True}

CHUNK = TREE
TILE = 64
POINTS = 8

LOGARITHMS = 8
"""How many logarithms a tile's losses take, each of a product of TILE/LOGARITHMS."""

AHEAD = 32
"""How many rows before its use a row is asked for, where a batch is larger than `NEAR`."""

HALF = GROUP // 2

NEAR = 64
"""Largest batch whose rows stay in the first-level cache for the second gradient."""

# Unsigned: an index that may be negative is checked, and a checked one is gathered.
_C = np.uint64(CHUNK)

# A chunk's row, in the dtype of the iterates: fields of a coordinate each. OWN is a worker's.
X, M, V, V_HAT, ETA, S, G, OWN, LARGEST = (np.uint64(field * CHUNK) for field in range(9))
ROW = 9 * CHUNK

# A chunk's row of sums, in float64.
NORM2, L1, L2 = (np.uint64(field * CHUNK) for field in range(3))
SUM_ROW = 3 * CHUNK

# A run's hyper-parameters, in the dtype of the iterates.
MINUS_GAMMA, BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, FLOOR, V_INIT = range(7)

# A run's whole numbers.
STEPS, B, WORKERS, SCHEDULE, OUT, REPLICATE, KEY0, KEY1 = range(8)

# The method's switches.
PERTURBS, ADAPTS, KEEPS_MAX, IS_LOCAL = range(4)

# The problem's numbers, in the dtype of the iterates.
ALPHA, LARGEST_REACH = range(2)

_SAMPLES, _FULL = np.uint64(1 << 16), np.uint64(2 << 16)  # streams of the noise contract
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@njit(**INLINE)
def _philox(c0, c1, c2, c3, k0, k1):
    """Return a Philox block's words; all uint64."""
    for _ in range(10):
        p0, p1 = c0 * _MULTIPLIER0, c2 * _MULTIPLIER1
        c0, c1 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW
        c2, c3 = (p0 >> _32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL0) & _LOW, (k1 + _WEYL1) & _LOW
    return c0, c1, c2, c3


@njit(**INLINE)
def _below(n, low, high):
    return (high * n + ((low * n) >> _32)) >> _32


@njit(**CALL)
def _draw(offsets, start, b, t, worker, run, N, columns):
    """Put where the rows of a worker's mini-batch begin into offsets[start : start + b]; and, if b
    is odd, one more.
    """
    block, stream = np.uint64(t), _SAMPLES + np.uint64(worker)
    replicate, k0, k1 = np.uint64(run[REPLICATE]), np.uint64(run[KEY0]), np.uint64(run[KEY1])
    n, width, one = np.uint64(N), np.uint64(columns), np.uint64(1)
    even = np.uint64(start)
    for i in range(np.uint64((b + 1) // 2)):
        w0, w1, w2, w3 = _philox(block, i, replicate, stream, k0, k1)
        offsets[even + (i << one)] = np.int64(_below(n, w0, w1) * width)
        offsets[even + (i << one) + one] = np.int64(_below(n, w2, w3) * width)


@njit(**CALL)
def _draw_all(offsets, t, run, local, N, columns):
    """Draw every worker's mini-batch of step t, filled up to whole groups."""
    b, workers = run[B], run[WORKERS]
    padded = -(-b // GROUP) * GROUP
    for worker in range(workers):
        start = worker * (padded if local else b)
        _draw(offsets, start, b, t, worker, run, N, columns)
        if local or worker == workers - 1:
            for i in range(start + b, -(-(start + b) // GROUP) * GROUP):
                offsets[i] = N * columns


@intrinsic
def _factors(typingctx, z, count):
    """Turn each of the first z, ``count`` filled up to whole vectors, into 1/(1 + e^z)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        W = width(REAL[str(z.dtype)])
        at = Place.of(context, builder, z, args[0], W)
        with Code(builder).loop(Value(builder, args[1]), W) as i:
            value = at.load(i)
            e = exp(-1.0 * smaller(size(value), value.like(80)))
            at.store(i, select(value >= 0.0, e, e.like(1)) / (1.0 + e))
        return context.get_dummy_value()

    return types.void(z, types.int64), codegen


@njit(**CALL)
def _batch_gradient(data, offsets, first, b, point, columns, z, total, numbers, rows, to, ahead,
                    ahead_count):  # fmt: skip
    """Put the gradient at ``point`` of the batch whose rows begin at offsets[first] into ``to``.

    Rows of the first ``ahead_count`` in ``ahead``, and of a large batch its own, are asked for.
    """
    for j in range(columns):
        total[j] = 0
    size = -(-b // GROUP) * GROUP
    for start in range(0, size, TILE):
        count = min(TILE, size - start)
        for k in range(first + start, first + start + count, GROUP):
            if size > NEAR:
                for i in range(k + AHEAD, k + AHEAD + GROUP):
                    if i < first + size:
                        prefetch(data, offsets[i], columns)
                    elif i - first - size < ahead_count:
                        prefetch(data, ahead[i - first - size], columns)
            elif k - first < ahead_count:
                for i in range(k - first, k - first + HALF):
                    prefetch(data, ahead[i], columns)
            products(data, offsets, k, point, columns, z, k - first - start)
        _factors(z, count)
        for k in range(first + start, first + start + count, GROUP):
            if size <= NEAR and k - first < ahead_count:
                for i in range(k - first + HALF, k - first + GROUP):
                    prefetch(data, ahead[i], columns)
            add_rows(data, offsets, k, z, k - first - start, columns, total)
    share = numbers.dtype.type(1.0 / b)
    twice = numbers[ALPHA] + numbers[ALPHA]
    one = numbers.dtype.type(1)
    for c in range(len(rows)):
        row, at = rows[c], c * CHUNK
        for i in range(_C):
            x = point[at + i]
            low = one + x * x
            row[to + i] = twice * x / (low * low) - share * total[at + i]


@njit(**CALL)
def _reach(rows, sums, along, rho, most):
    """Return rho/||s||, 0 where s = 0, s in the field ``along``. Of one beyond the dtype, which has
    smaller s, the largest factor that it holds goes into s.
    """
    norm2 = 0.0
    for c in range(len(rows)):
        row, own = rows[c], sums[c]
        for i in range(_C):
            s = np.float64(row[along + i])
            own[NORM2 + i] = s * s
        norm2 += tree_sum(own, np.int64(NORM2))
    ratio = rho / np.sqrt(norm2) if norm2 > 0.0 else 0.0
    if ratio > most:
        for c in range(len(rows)):
            for i in range(_C):
                rows[c, along + i] *= most
        ratio = min(ratio / np.float64(most), np.float64(most))
    return rows.dtype.type(ratio)


@njit(**CALL)
def _add(rows, field, to):
    for c in range(len(rows)):
        row = rows[c]
        for i in range(_C):
            row[to + i] += row[field + i]


@njit(**CALL)
def _place(rows, along, reach, point):
    """Put x + reach times the field ``along`` into ``point``."""
    for c in range(len(rows)):
        row, at = rows[c], c * CHUNK
        for i in range(_C):
            point[at + i] = row[X + i] + reach * row[along + i]


@njit(**CALL)
def _move(row, sums, values, adapts, keeps_max):
    """Lines 6 to 10 of Algorithm 1 for a chunk."""
    for i in range(_C):
        row[LARGEST + i] = max(row[LARGEST + i], max(abs(row[S + i]), abs(row[G + i])))
    beta1, one_minus_beta1, minus_gamma = (
        values[BETA1],
        values[ONE_MINUS_BETA1],
        values[MINUS_GAMMA],
    )
    for i in range(_C):
        row[M + i] = beta1 * row[M + i] + one_minus_beta1 * row[G + i]
    changed = False
    if adapts:
        beta2, one_minus_beta2 = values[BETA2], values[ONE_MINUS_BETA2]
        for i in range(_C):
            v = beta2 * row[V + i] + one_minus_beta2 * (row[G + i] * row[G + i])
            row[V + i] = v
            changed |= v > row[V_HAT + i]
        changed |= not keeps_max
        if changed:
            _adapt(row, sums, values[FLOOR], keeps_max)
    for i in range(_C):
        row[X + i] += minus_gamma * row[M + i] * row[ETA + i]
    return changed


@njit(**CALL)
def _adapt(row, sums, floor, keeps_max):
    """Lines 8 and 9 of Algorithm 1 for a chunk, where some v_hat changes."""
    one = row.dtype.type(1)
    for i in range(_C):
        old, was = row[V_HAT + i], row[ETA + i]
        new = max(old if keeps_max else floor, row[V + i])
        eta = one / np.sqrt(new)
        # |was - eta| without cancellation; every factor but the first is at most 1.
        large = max(was, eta)
        share = abs(new - old) / max(new, old)
        change = np.float64(large * share * (large / (was + eta)))
        row[V_HAT + i] = new
        row[ETA + i] = eta
        sums[L1 + i] += change
        sums[L2 + i] += change * change


@njit(**CALL)
def _start(rows, sums, values, x0):
    """Put everything to its state before step 0; beyond x0's length no v grows."""
    real = rows.dtype.type
    rows[:] = 0
    sums[:] = 0
    for c in range(len(rows)):
        for i in range(_C):
            rows[c, V_HAT + i] = values[FLOOR]
            rows[c, ETA + i] = real(1) / np.sqrt(values[FLOOR])
    for j in range(len(x0)):
        rows[j // CHUNK, X + np.uint64(j % CHUNK)] = x0[j]
        rows[j // CHUNK, V + np.uint64(j % CHUNK)] = values[V_INIT]


@njit(**CALL)
def _active(rows, d, floor):
    """Return how many coordinates have v_hat > eps^2."""
    count = 0
    for j in range(d):
        count += rows[j // CHUNK, V_HAT + np.uint64(j % CHUNK)] > floor
    return count


class Scratch(NamedTuple):
    """Where a task works; each array starts at a cache line, since a vector in two costs twice.

    ``offsets`` has this step's rows and the next one's; ``rows``, ``sums``, ``point`` and ``total``
    are one run's, ``z`` and ``terms`` a tile's. The points that wait for a full gradient have
    ``points``, ``etas``, ``weights``, their steps ``at`` and whether f is asked for, ``valued``;
    ``gradients``, ``losses`` and ``tile`` are for that pass.
    """

    rows: np.ndarray
    sums: np.ndarray
    point: np.ndarray
    total: np.ndarray
    z: np.ndarray
    terms: np.ndarray
    offsets: np.ndarray
    tile: np.ndarray
    points: np.ndarray
    etas: np.ndarray
    weights: np.ndarray
    at: np.ndarray
    valued: np.ndarray
    gradients: np.ndarray
    losses: np.ndarray


def scratch(d: int, columns: int, samples: int, real: np.dtype) -> Scratch:
    """Return room for runs that draw up to ``samples`` a step, whole groups of each worker."""
    chunks = -(-d // CHUNK)
    shapes = {
        "rows": ((chunks, ROW), real),
        "sums": ((chunks, SUM_ROW), np.float64),
        "point": ((chunks * CHUNK,), real),
        "total": ((chunks * CHUNK,), real),
        "z": ((TILE,), real),
        "terms": ((2 * TILE,), np.float64),
        "offsets": ((2, samples + GROUP), np.int64),
        "tile": ((TILE,), np.int64),
        "points": ((POINTS, chunks * CHUNK), real),
        "etas": ((POINTS, d), np.float64),
        "weights": ((POINTS,), np.float64),
        "at": ((POINTS,), np.int64),
        "valued": ((POINTS,), np.bool_),
        "gradients": ((POINTS, columns), np.float64),
        "losses": ((POINTS,), np.float64),
    }
    return Scratch(
        **{name: cleared(shape, np.dtype(kind)) for name, (shape, kind) in shapes.items()}
    )


def cleared(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros that start at a cache line."""
    out = aligned(int(np.prod(shape)), dtype).reshape(shape)
    out[...] = 0
    return out


@intrinsic
def _put_terms(typingctx, z, terms):
    """Put a tile's e^-|z| and, after them, max(-z, 0) into ``terms``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code, W = Code(builder), width(REAL[str(z.dtype)])
        one = Place.of(context, builder, z, args[0], W)
        both = Place.of(context, builder, terms, args[1], W)
        with code.loop(code.number(TILE), W) as i:
            value = one.load(i)
            e = exp(-1.0 * smaller(size(value), value.like(80)))
            both.store(i, e.to(FLOAT64))
            both.store(i + TILE, larger(-1.0 * value, value.like(0)).to(FLOAT64))
        return context.get_dummy_value()

    return types.void(z, terms), codegen


@intrinsic
def _take_logarithms(typingctx, terms):
    """Turn each of the first `LOGARITHMS` terms into log(1 + it)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code, W = Code(builder), width(FLOAT64)
        at = Place.of(context, builder, terms, args[0], W)
        with code.loop(code.number(LOGARITHMS), W) as i:
            at.store(i, log1p(at.load(i)))
        return context.get_dummy_value()

    return types.void(terms), codegen


@njit(**CALL)
def _loss(z, terms, count):
    """Return sum log(1 + e^-z) over the first ``count`` of a tile; ``terms`` is for two tiles.

    log(1 + e^-z) = max(-z, 0) + log(1 + e), e = e^-|z|. The e are multiplied up before the
    logarithm is taken: (1 + e)(1 + e') = 1 + (e + e' + e e'), which keeps the digits of small e.
    """
    _put_terms(z, terms)
    for i in range(count, TILE):
        terms[i] = 0.0
    half = np.uint64(TILE)
    while half > np.uint64(LOGARITHMS):
        half = half >> np.uint64(1)
        for i in range(half):
            terms[i] += terms[half + i] + terms[i] * terms[half + i]
    total = tree_sum(terms, TILE)
    _take_logarithms(terms)
    for i in range(LOGARITHMS):
        total += terms[i]
    return total


@njit(**CALL)
def _full(data, N, columns, count, points, valued, tile, z, total, terms, gradients, losses):
    """Sum w_i c_i over all samples at the first ``count`` points, and the losses where asked."""
    for p in range(count):
        losses[p] = 0.0
        for j in range(columns):
            gradients[p, j] = 0.0
    for first in range(0, N, TILE):
        for i in range(TILE):
            tile[i] = min(first + i, N) * columns
        for p in range(count):
            for j in range(columns):
                total[j] = 0
            for k in range(0, TILE, GROUP):
                products(data, tile, k, points[p], columns, z, k)
            if valued[p]:
                losses[p] += _loss(z, terms, min(N - first, TILE))
            _factors(z, TILE)
            for k in range(0, TILE, GROUP):
                add_rows(data, tile, k, z, k, columns, total)
            for j in range(columns):
                gradients[p, j] += np.float64(total[j])


@njit(**CALL)
def _squares(point, gradient, eta, N, alpha):
    """Return ||grad f||^2, the same in eta's norm, and sum x^2/(1 + x^2)."""
    square, in_eta, pull = 0.0, 0.0, 0.0
    for j in range(len(eta)):
        x = np.float64(point[j])
        low = 1.0 + x * x
        pull += x * x / low
        slope = 2.0 * alpha * x / (low * low) - gradient[j] / N
        square += slope * slope
        in_eta += slope * slope * eta[j]
    return square, in_eta, pull


@njit(**CALL)
def _step(
    data,
    columns,
    rows,
    sums,
    point,
    z,
    total,
    this,
    drawn,
    ahead,
    parts,
    size,
    stride,
    turns,
    rho,
    numbers,
):
    """Lines 3 to 5 of Algorithm 1: put s_t and g_t into S and G.

    Workers who share their perturbation act as one part whose batch is all of theirs.
    """
    real = rows.dtype.type
    for c in range(len(rows)):
        for i in range(_C):
            rows[c, S + i] = 0
            rows[c, G + i] = 0
    for part in range(parts):
        start, reach = part * stride, real(0)
        asked, count = ahead, drawn
        if part + 1 < parts:
            asked, count = this[start + stride :], stride
        for turn in range(turns):
            _place(rows, OWN, reach, point)
            now = count if turn == turns - 1 else 0
            _batch_gradient(data, this, start, size, point, columns, z, total, numbers, rows,
                            OWN, asked, now)  # fmt: skip
            if turn == 0:
                _add(rows, OWN, S)
                if turns > 1:
                    reach = _reach(rows, sums, OWN, rho, numbers[LARGEST_REACH])
            if turn == turns - 1:
                _add(rows, OWN, G)
    if parts > 1:
        for c in range(len(rows)):
            for i in range(_C):
                rows[c, S + i] /= real(parts)
                rows[c, G + i] /= real(parts)


@njit(**CALL)
def _stretch(t, n, run):
    """Return the step drawn among the n from t on."""
    w0, w1, _, _ = _philox(
        np.uint64(t), np.uint64(0), np.uint64(run[REPLICATE]), _FULL, np.uint64(run[KEY0]),
        np.uint64(run[KEY1]),
    )  # fmt: skip
    return t + np.int64(_below(np.uint64(n), w0, w1))


def _kernel(version):
    @kernel
    def run_samples(first, last, task, every, every_values, every_rho, method, step, stretch,
                    numbers, data, N, columns, x0, space, curves, finals, x, samples, stop,
                    done):  # fmt: skip
        """Run the runs [first, last) to their ends.

        Parameters
        ----------
        first, last, task : int
        every : (R, 8) int64
            Each run's whole numbers.
        every_values : (R, 7)
            Its hyper-parameters.
        every_rho : (R,) float64
        method : (4,) bool
        step : (C, K) int64
            Schedules of checkpoints.
        stretch : int
            Steps that a drawn one stands for.
        numbers : (2,)
            The problem's.
        data : ((N + 1) columns,)
            The c_i, each filled up with zeros to whole vectors, and a row of zeros.
        N, columns : int
        x0 : (d,)
        space : Scratch
        curves : (3, R, K) float64, out
            Running means of ||grad f||^2, plain and weighted, and f.
        finals : (4, R) float64, out
            eta's variation in both norms, the adaptive share, the largest |gradient|.
        x : (R, 1 or T + 1, d) float64, out
        samples : (R, T or 0, n, b) int32, out
        stop : (1,) int64
            Other than 0: return as soon as may be.
        done : (tasks,) int64, out
            How many samples this task has drawn.
        """
        (rows, sums, point, total, z, terms, offsets, tile, points, etas, weights, at, valued,
         gradients, losses) = space  # fmt: skip
        d = len(x0)
        adapts, keeps_max, turns = method[ADAPTS], method[KEEPS_MAX], 2 if method[PERTURBS] else 1
        alpha = np.float64(numbers[ALPHA])
        # Never 0: see `sources`.
        for number in range(first, last if version else first):
            run, values = every[number], every_values[number]
            T, b, workers, out = run[STEPS], run[B], run[WORKERS], run[OUT]
            schedule = step[run[SCHEDULE]]
            local = method[IS_LOCAL] and workers > 1
            stride = -(-b // GROUP) * GROUP if local else b
            parts, size = (workers, b) if local else (1, workers * b)
            _start(rows, sums, values, x0)
            _draw_all(offsets[0], np.int64(0), run, local, N, columns)
            waiting, column, coming = 0, 0, 0
            grad, weighted = 0.0, 0.0
            active, adaptive = 0, 0
            end, chosen, weight = 0, 0, 1
            for t in range(T + 1):
                while schedule[coming] < t:
                    coming += 1
                is_checkpoint = schedule[coming] == t
                if t == end:
                    weight = 1 if t == 0 or is_checkpoint else min(stretch, schedule[coming] - t)
                    chosen, end = _stretch(t, weight, run), t + weight
                if t == chosen:
                    for j in range(d):
                        c, i = j // CHUNK, np.uint64(j % CHUNK)
                        points[waiting, j], etas[waiting, j] = rows[c, X + i], rows[c, ETA + i]
                    weights[waiting], at[waiting], valued[waiting] = weight, t, is_checkpoint
                    waiting += 1
                if waiting == POINTS or t == T:
                    _full(data, N, columns, waiting, points, valued, tile, z, total, terms,
                          gradients, losses)  # fmt: skip
                    for p in range(waiting):
                        square, in_eta, pull = _squares(points[p], gradients[p], etas[p], N, alpha)
                        while valued[p] and column < len(schedule) and schedule[column] == at[p]:
                            curves[0, out, column] = grad / at[p]
                            curves[1, out, column] = weighted / at[p]
                            curves[2, out, column] = losses[p] / N + alpha * pull
                            column += 1
                        grad += weights[p] * square
                        weighted += weights[p] * in_eta
                    waiting = 0
                if t == T:
                    break
                if t % 256 == 0:
                    if stop[0] != 0:
                        return
                    done[task] += min(256, T - t) * workers * b
                this, ahead, drawn = offsets[t % 2], offsets[(t + 1) % 2], 0
                if t + 1 < T:
                    _draw_all(ahead, t + 1, run, local, N, columns)
                    drawn = size
                _step(data, columns, rows, sums, point, z, total, this, drawn, ahead, parts, size,
                      stride, turns, every_rho[number], numbers)  # fmt: skip
                changed = False
                for c in range(len(rows)):
                    changed |= _move(rows[c], sums[c], values, adapts, keeps_max)
                if changed:
                    active = _active(rows, d, values[FLOOR])
                adaptive += active
                if samples.shape[1] > 0:
                    for worker in range(workers):
                        for i in range(b):
                            samples[out, t, worker, i] = this[worker * stride + i] // columns
                    for j in range(d):
                        x[out, t + 1, j] = rows[j // CHUNK, X + np.uint64(j % CHUNK)]
            for j in range(d):
                c, i = j // CHUNK, np.uint64(j % CHUNK)
                finals[0, out] += sums[c, L1 + i]
                finals[1, out] += sums[c, L2 + i]
                finals[3, out] = max(finals[3, out], np.float64(rows[c, LARGEST + i]))
                if samples.shape[1] == 0:
                    x[out, 0, j] = rows[c, X + i]
            finals[2, out] = adaptive / (np.float64(d) * T)

    return run_samples


run_samples = _kernel(sources(__file__, rows.__file__, elementary.__file__))
