"""The compiled loops of the numba engine: blocks of `LANES` runs, each through all its steps.

Why it looks as it does. A run is a lane of the machine's vectors, so every loop over runs has the
fixed length `LANES` and no branch, and no sum mixes lanes: a run's bits do not depend on its
neighbours. All numbers of a coordinate lie in one row, field by field at constant offsets, so that
the compiler sees that they do not overlap; a row is in the first-level cache while it is used, and
a block in the second. Method, noise and profile are looked at once a row, not once a lane, so that
one kernel serves all of them: only the dtype makes another. A run past its own T goes on
unrecorded until its block ends.
"""

import numpy as np
from numba import njit

from simulators.engines.elementary import JIT, LN2, expm1, log1p, shift_right, sin, tanh

LANES = 64

# Unsigned: an index that may be negative is checked, and a checked one is gathered.
_L = np.uint64(LANES)
_NOWHERE = np.uint64(1 << 32)



def _fields(count: int) -> list[np.uint64]:
    return [np.uint64(number * LANES) for number in range(count)]


# A coordinate's row, in the dtype of the iterates: fields of a lane each. S, U, G are mini-batch,
# true and perturbed gradient; OWN is a worker's; PLACE, LEFT and RIGHT are where slopes are taken.
X, M, V, V_HAT, ETA, NOISE, S, G, OWN, U, PLACE, LEFT, RIGHT = _fields(13)
ROW = 13 * LANES

# A block's row of hyper-parameters, in the same dtype.
REACH, MINUS_GAMMA, BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, FLOOR, V_INIT, LARGEST = _fields(9)
RUN_ROW = 9 * LANES

# A block's row of sums and what they need, in float64.
NORM2, RHO, GRAD, WEIGHTED, L1, L2, ACTIVE, ADAPTIVE, OBJECTIVE, PLACE64 = _fields(10)
SUM_ROW = 10 * LANES

# A block's row of Philox keys, in uint64.
KEY0, KEY1, REPLICATE = _fields(3)
KEY_ROW = 3 * LANES

# A block's switches.
(
    PROFILE, SHIFTS, ROTATES, PERTURBS, ADAPTS, KEEPS_MAX, IS_LOCAL, WORKERS, B, WIDTH, TABLE,
    KEEPS_WORDS, MOST_STEPS,
) = range(13)  # fmt: skip
SETTINGS = 13

PROFILE_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("huber", "pseudo_huber", "log_cosh", "cosine", "rational", "log_rational", "two_basin")
    )
}

# A problem's numbers, in the dtype of the iterates.
HEIGHT, MOVE, NOISE_SIZE, LARGEST_REACH = range(4)

# The guide to a table of the binomial law: by the first `GUIDE_BITS` of the 31 bits, how many
# thresholds lie below, and the rest of the one threshold that may lie among them.
GUIDE_BITS = 14
_REST = 31 - GUIDE_BITS
NEVER, SEVERAL = 1 << _REST, (1 << _REST) + 1

_U32, _U64 = np.uint32, np.uint64
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@njit(**JIT)
def _philox(words, keys, block, coordinate, stream):
    """Put the four words of each lane's Philox block into ``words``."""
    for i in range(_L):
        # 64 bits throughout: products read the low halves alone.
        c0, c1 = np.uint64(block), np.uint64(coordinate)
        c2, c3 = keys[REPLICATE + i], np.uint64(stream)
        k0, k1 = keys[KEY0 + i], keys[KEY1 + i]
        for _ in range(10):
            p0, p1 = (c0 & _LOW) * _MULTIPLIER0, (c2 & _LOW) * _MULTIPLIER1
            c0, c1 = (p1 >> _32) ^ c1 ^ k0, p1
            c2, c3 = (p0 >> _32) ^ c3 ^ k1, p0
            k0, k1 = k0 + _WEYL0, k1 + _WEYL1
        words[i] = _U32(c0)
        words[_L + i] = _U32(c1)
        words[_U64(2) * _L + i] = _U32(c2)
        words[_U64(3) * _L + i] = _U32(c3)


@njit(**JIT)
def _count(words, even, odd, levels):
    """Count the ones of each field of 2^levels bits in place; masks for even and odd words."""
    for part in range(_U64(4)):
        mask = odd if part & _U64(1) else even
        for i in range(_L):
            n = words[part * _L + i] & mask
            if levels > 0:
                n = (n & _U32(0x55555555)) + ((n >> _U32(1)) & _U32(0x55555555))
            if levels > 1:
                n = (n & _U32(0x33333333)) + ((n >> _U32(2)) & _U32(0x33333333))
            if levels > 2:
                n = (n & _U32(0x0F0F0F0F)) + ((n >> _U32(4)) & _U32(0x0F0F0F0F))
            if levels > 3:
                n = (n & _U32(0x00FF00FF)) + ((n >> _U32(8)) & _U32(0x00FF00FF))
            if levels > 4:
                n = (n & _U32(0x0000FFFF)) + (n >> _U32(16))
            words[part * _L + i] = _U32(n)


@njit(**JIT)
def _look_up(words, b, guide, thresholds):
    """Turn each word into its number of heads by the table of the binomial law."""
    parity = b % 2
    for part in range(_U64(4)):
        several = _U32(0)
        for i in range(_L):
            word = words[part * _L + i]
            bits = word & _U32(0x7FFFFFFF)
            entry = guide[bits >> _U32(_REST)]
            rest = entry & _U32((1 << (_REST + 1)) - 1)
            several |= _U32(rest == _U32(SEVERAL))
            k = np.int32(entry >> _U32(_REST + 1)) + np.int32(
                (bits & _U32((1 << _REST) - 1)) >= rest
            )
            size = np.int32(2 * k + parity)
            words[(_U64(4) + part) * _L + i] = _U32(
                np.int32(b + (-size if word >> _U32(31) else size)) >> 1
            )
        if several:
            for i in range(_L):
                word = words[part * _L + i]
                bits = word & _U32(0x7FFFFFFF)
                if guide[bits >> _U32(_REST)] & _U32((1 << (_REST + 1)) - 1) == _U32(SEVERAL):
                    k = np.searchsorted(thresholds, np.int64(bits), side="right")
                    size = 2 * k + parity
                    words[(_U64(4) + part) * _L + i] = _U32(
                        (b + (-size if word >> _U32(31) else size)) >> 1
                    )
    for i in range(_U64(4) * _L):
        words[i] = words[_U64(4) * _L + i]


@njit(**JIT)
def _refill(words, keys, block, coordinate, stream, settings, guide, thresholds):
    """Put the counts of heads that a Philox block stands for into ``words``, packed as it is."""
    _philox(words, keys, block, coordinate, stream)
    b, w = settings[B], settings[WIDTH]
    every = _U32(0xFFFFFFFF)
    if b > 64:
        _look_up(words, b, guide, thresholds)
    elif w == 64:
        _count(words, every, _U32((1 << (b - 32)) - 1), 5)
        for part in range(_U64(2)):
            for i in range(_L):
                words[part * _L + i] = words[_U64(2) * part * _L + i] + words[(_U64(2) * part + _U64(1)) * _L + i]
    elif w > 1:
        mask = _U32(((1 << b) - 1) * (0xFFFFFFFF // ((1 << w) - 1)))
        if w == 2:
            _count(words, mask, mask, 1)
        elif w == 4:
            _count(words, mask, mask, 2)
        elif w == 8:
            _count(words, mask, mask, 3)
        elif w == 16:
            _count(words, mask, mask, 4)
        else:
            _count(words, mask, mask, 5)


@njit(**JIT)
def _field(w, number):
    """Return the word, the shift and the mask of a field of w bits."""
    if w == 64:
        return np.uint64(number), _U32(0), _U32(0xFFFFFFFF)
    return np.uint64(number * w // 32), _U32(number * w % 32), _U32((1 << w) - 1)


@njit(**JIT)
def _draw(row, words, field, settings, scale, adds):
    """Put the noise of one step's field of bits into NOISE, or add it there."""
    b = np.int32(settings[B])
    part, shift, mask = _field(settings[WIDTH], field)
    if adds:
        for i in range(_L):
            heads = np.int32(shift_right(words[part * _L + i], shift) & mask)
            row[NOISE + i] += row.dtype.type(np.int32(2 * heads - b)) * scale
    else:
        for i in range(_L):
            heads = np.int32(shift_right(words[part * _L + i], shift) & mask)
            row[NOISE + i] = row.dtype.type(np.int32(2 * heads - b)) * scale


@njit(**JIT)
def _slope(profile, row, scale, move, place, to):
    """Put psi'(scale p + move), p the field ``place``, into the field ``to``."""
    real = row.dtype.type
    one = real(1)
    if profile == 0:  # huber
        for i in range(_L):
            row[to + i] = min(max(row[place + i] * scale + move, -one), one)
    elif profile == 1:  # pseudo_huber
        for i in range(_L):
            u = row[place + i] * scale + move
            row[to + i] = u / np.sqrt(one + u * u)
    elif profile == 2:  # log_cosh
        for i in range(_L):
            row[to + i] = tanh(row[place + i] * scale + move)
    elif profile == 3:  # cosine
        for i in range(_L):
            row[to + i] = sin(row[place + i] * scale + move)
    elif profile == 4:  # rational
        for i in range(_L):
            u = row[place + i] * scale + move
            low = one + real(27 / 256) * (u * u)
            row[to + i] = u / (low * low)
    elif profile == 5:  # log_rational
        for i in range(_L):
            u = row[place + i] * scale + move
            row[to + i] = u / (one + real(0.25) * (u * u))
    else:  # two_basin
        for i in range(_L):
            u = row[place + i] * scale + move
            flat = min(max(real(0.125) * u, -one), real(0.5))
            down = min(max(u - real(4), real(0)), real(1.25))
            up = min(max(u - real(5.25), real(0)), real(1.75))
            row[to + i] = flat - down + up


@njit(**JIT)
def _value(profile, u):
    """Return psi(u) of a float64."""
    size = abs(u)
    if profile == 0:
        inside = min(size, 1.0)
        return inside * (size - 0.5 * inside)
    if profile == 1:
        return u * u / (1.0 + np.sqrt(1.0 + u * u))
    if profile == 2:
        # With t = e^-|u| - 1: cosh u - 1 = t^2/(2 (1 + t)) keeps the digits near 0; far away
        # log cosh u = |u| - log 2 + log(1 + e^-2|u|) does.
        t = expm1(-min(size, 40.0))
        if size < 1.0:
            return log1p(t * t / (2.0 * (1.0 + t)))
        return size - LN2 + log1p((1.0 + t) * (1.0 + t))
    if profile == 3:
        half = sin(0.5 * u)
        return 2.0 * half * half
    if profile == 4:
        return 0.5 * u * u / (1.0 + u * u * (27.0 / 256.0))
    if profile == 5:
        return 2.0 * log1p(0.25 * u * u)
    flat = min(max(0.125 * u, -1.0), 0.5)
    down = min(max(u - 4.0, 0.0), 1.25)
    up = min(max(u - 5.25, 0.0), 1.75)
    return flat * (u - 4.0 * flat) - down * (u - 4.0 - 0.5 * down) + up * (u - 5.25 - 0.5 * up)


@njit(**JIT)
def _slopes(row, inverse, settings, numbers, place):
    """Put the slope at the field ``place`` into LEFT; under shift noise, both moved profiles'."""
    if settings[SHIFTS]:
        _slope(settings[PROFILE], row, inverse, -numbers[MOVE], place, RIGHT)
    _slope(settings[PROFILE], row, inverse, numbers[MOVE], place, LEFT)


@njit(**JIT)
def _gradient(row, settings, numbers, to):
    """From an unturned coordinate's slopes, put the gradients into U and ``to``."""
    height = numbers[HEIGHT]
    if settings[SHIFTS]:
        half = row.dtype.type(0.5) * height
        for i in range(_L):
            left, right = row[LEFT + i], row[RIGHT + i]
            u = half * (right + left)
            row[U + i] = u
            row[to + i] = u + half * ((right - left) * row[NOISE + i])
    else:
        for i in range(_L):
            u = height * row[LEFT + i]
            row[U + i] = u
            row[to + i] = u + row[NOISE + i]


@njit(**JIT)
def _gradient_at_x(row, inverse, settings, numbers, to):
    """Put an unturned coordinate's gradients at x into U and ``to``."""
    _slopes(row, inverse, settings, numbers, X)
    _gradient(row, settings, numbers, to)


@njit(**JIT)
def _gradient_along(row, run, inverse, settings, numbers, along, to):
    """Put an unturned coordinate's gradient at x + delta, along a field, into ``to``."""
    for i in range(_L):
        row[PLACE + i] = row[X + i] + run[REACH + i] * row[along + i]
    _slopes(row, inverse, settings, numbers, PLACE)
    _gradient(row, settings, numbers, to)


@njit(error_model="numpy")
def _turned_gradients(rows, d, settings, numbers, inverse_width, Q, to):
    """From the points in PLACE, put all coordinates' gradients, turned, into U and ``to``."""
    height = numbers[HEIGHT]
    half = rows.dtype.type(0.5) * height
    for j in range(d):
        for i in range(_L):
            rows[j, U + i] = 0
        for k in range(d):
            for i in range(_L):
                rows[j, U + i] += Q[j, k] * rows[k, PLACE + i]
        _slopes(rows[j], inverse_width[j], settings, numbers, U)
        if settings[SHIFTS]:
            for i in range(_L):
                left, right = rows[j, LEFT + i], rows[j, RIGHT + i]
                rows[j, LEFT + i] = half * (right + left)
                rows[j, RIGHT + i] = half * ((right - left) * rows[j, NOISE + i])
        else:
            for i in range(_L):
                rows[j, LEFT + i] *= height
    for j in range(d):
        for i in range(_L):
            rows[j, U + i] = 0
            rows[j, to + i] = 0 if settings[SHIFTS] else rows[j, NOISE + i]
        for k in range(d):
            for i in range(_L):
                rows[j, U + i] += Q[k, j] * rows[k, LEFT + i]
            if settings[SHIFTS]:
                for i in range(_L):
                    rows[j, to + i] += Q[k, j] * rows[k, RIGHT + i]
        for i in range(_L):
            rows[j, to + i] += rows[j, U + i]


@njit(**JIT)
def _observe(row, run, sums):
    """Take the true gradient U and the mini-batch's S of a coordinate into the sums."""
    for i in range(_L):
        run[LARGEST + i] = max(run[LARGEST + i], abs(row[S + i]))
    for i in range(_L):
        s, u = np.float64(row[S + i]), np.float64(row[U + i])
        sums[NORM2 + i] += s * s
        sums[GRAD + i] += u * u
        sums[WEIGHTED + i] += u * u * np.float64(row[ETA + i])


@njit(**JIT)
def _reach(run, sums, most):
    """Turn the sum of squares of s into rho/||s||, 0 where s = 0; start the sum again."""
    real = run.dtype.type
    largest = np.float64(most)
    for i in range(_L):
        norm2 = sums[NORM2 + i]
        reach = min(sums[RHO + i] / np.sqrt(norm2), largest)
        run[REACH + i] = real(reach if norm2 > 0.0 else 0.0)
        sums[NORM2 + i] = 0.0


@njit(**JIT)
def _move(row, run, sums, settings, g):
    """Lines 6 to 10 of Algorithm 1 for a coordinate; ``g`` is the field of g_t."""
    for i in range(_L):
        run[LARGEST + i] = max(run[LARGEST + i], abs(row[g + i]))
    for i in range(_L):
        row[M + i] = run[BETA1 + i] * row[M + i] + run[ONE_MINUS_BETA1 + i] * row[g + i]
    if settings[ADAPTS]:
        changed = False
        for i in range(_L):
            v = run[BETA2 + i] * row[V + i] + run[ONE_MINUS_BETA2 + i] * (row[g + i] * row[g + i])
            row[V + i] = v
            changed |= v > row[V_HAT + i]
        if changed or not settings[KEEPS_MAX]:
            _adapt(row, run, sums, settings[KEEPS_MAX])
    for i in range(_L):
        row[X + i] += run[MINUS_GAMMA + i] * row[M + i] * row[ETA + i]


@njit(error_model="numpy")
def _adapt(row, run, sums, keeps_max):
    """Lines 8 and 9 of Algorithm 1 for a coordinate, where some lane's v_hat changes."""
    one = row.dtype.type(1)
    for i in range(_L):
        floor, old, was = run[FLOOR + i], row[V_HAT + i], row[ETA + i]
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
        sums[ACTIVE + i] += np.float64(new > floor) - np.float64(old > floor)


@njit(error_model="numpy")
def _fill(words, keys, t, d, settings, tables, thresholds, starts):
    """Draw the words of the Philox blocks that step t starts with, for all workers that fit."""
    per = 128 // settings[WIDTH]
    table = settings[TABLE]
    known = thresholds[starts[table] : starts[table + 1]]
    for worker in range(settings[WORKERS] if settings[KEEPS_WORDS] else 1):
        for j in range(d):
            _refill(
                words[worker, j], keys, t // per, j, worker, settings, tables[table], known
            )


@njit(error_model="numpy")
def _batch(rows, words, keys, t, worker, d, settings, numbers, tables, thresholds, starts):
    """Put a worker's noise into NOISE; where workers share a perturbation, the mean of theirs."""
    per = 128 // settings[WIDTH]
    table = settings[TABLE]
    known = thresholds[starts[table] : starts[table + 1]]
    shares = settings[IS_LOCAL] == 0
    workers = settings[WORKERS]
    scale = numbers.dtype.type(
        np.float64(numbers[NOISE_SIZE]) / np.float64(settings[B] * (workers if shares else 1))
    )
    for w in range(workers) if shares else range(worker, worker + 1):
        kept = w if settings[KEEPS_WORDS] else 0
        for j in range(d):
            if not settings[KEEPS_WORDS]:
                _refill(words[0, j], keys, t // per, j, w, settings, tables[table], known)
            _draw(rows[j], words[kept, j], t % per, settings, scale, shares and w > 0)


@njit(error_model="numpy")
def _gradients(rows, run, d, settings, numbers, inverse_width, Q, along, to):
    """Put the gradients at x, or at x + delta along the field ``along``, into U and ``to``."""
    if settings[ROTATES]:
        for j in range(d):
            for i in range(_L):
                rows[j, PLACE + i] = rows[j, X + i]
            if along != _NOWHERE:
                for i in range(_L):
                    rows[j, PLACE + i] += run[REACH + i] * rows[j, along + i]
        _turned_gradients(rows, d, settings, numbers, inverse_width, Q, to)
    elif along == _NOWHERE:
        for j in range(d):
            _gradient_at_x(rows[j], inverse_width[j], settings, numbers, to)
    else:
        for j in range(d):
            _gradient_along(rows[j], run, inverse_width[j], settings, numbers, along, to)


@njit(error_model="numpy")
def _shared_step(rows, run, sums, words, keys, t, d, settings, numbers, inverse_width, Q,
                 tables, thresholds, starts):  # fmt: skip
    """One step where all workers share the perturbation, along their mean gradient."""
    _batch(rows, words, keys, t, 0, d, settings, numbers, tables, thresholds, starts)
    if settings[ROTATES]:
        _gradients(rows, run, d, settings, numbers, inverse_width, Q, _NOWHERE, S)
        for j in range(d):
            _observe(rows[j], run, sums)
    else:
        for j in range(d):
            _gradient_at_x(rows[j], inverse_width[j], settings, numbers, S)
            _observe(rows[j], run, sums)
    if not settings[PERTURBS]:
        for j in range(d):
            _move(rows[j], run, sums, settings, S)
        return
    _reach(run, sums, numbers[LARGEST_REACH])
    if settings[ROTATES]:
        _gradients(rows, run, d, settings, numbers, inverse_width, Q, S, G)
        for j in range(d):
            _move(rows[j], run, sums, settings, G)
    else:
        for j in range(d):
            _gradient_along(rows[j], run, inverse_width[j], settings, numbers, S, G)
            _move(rows[j], run, sums, settings, G)


@njit(error_model="numpy")
def _local_step(rows, run, sums, words, keys, t, d, settings, numbers, inverse_width, Q,
                tables, thresholds, starts):  # fmt: skip
    """One step where each worker perturbs along its own gradient."""
    n = rows.dtype.type(settings[WORKERS])
    for j in range(d):
        for i in range(_L):
            rows[j, S + i] = 0
            rows[j, G + i] = 0
    for worker in range(settings[WORKERS]):
        _batch(rows, words, keys, t, worker, d, settings, numbers, tables, thresholds, starts)
        _gradients(rows, run, d, settings, numbers, inverse_width, Q, _NOWHERE, OWN)
        for i in range(_L):
            sums[NORM2 + i] = 0.0
        for j in range(d):
            for i in range(_L):
                own = np.float64(rows[j, OWN + i])
                sums[NORM2 + i] += own * own
            for i in range(_L):
                rows[j, S + i] += rows[j, OWN + i]
        _reach(run, sums, numbers[LARGEST_REACH])
        _gradients(rows, run, d, settings, numbers, inverse_width, Q, OWN, OWN)
        for j in range(d):
            for i in range(_L):
                rows[j, G + i] += rows[j, OWN + i]
    # U is that of the last perturbed point: once more, at x.
    _gradients(rows, run, d, settings, numbers, inverse_width, Q, _NOWHERE, OWN)
    for j in range(d):
        for i in range(_L):
            rows[j, S + i] /= n
            rows[j, G + i] /= n
        _observe(rows[j], run, sums)
        _move(rows[j], run, sums, settings, G)


@njit(error_model="numpy")
def _objective(rows, d, sums, settings, numbers, inverse_width, heights, Q):
    """Put f(x) into OBJECTIVE; all in float64."""
    for i in range(_L):
        sums[OBJECTIVE + i] = 0.0
    for j in range(d):
        if settings[ROTATES]:
            for i in range(_L):
                sums[PLACE64 + i] = 0.0
            for k in range(d):
                for i in range(_L):
                    sums[PLACE64 + i] += Q[j, k] * np.float64(rows[k, X + i])
        else:
            for i in range(_L):
                sums[PLACE64 + i] = np.float64(rows[j, X + i])
        _add_values(sums, inverse_width[j], heights[j], settings, numbers[MOVE])


@njit(**JIT)
def _add_values(sums, inverse, height, settings, move):
    """Add A psi(u), or A psi_s(u), of a coordinate to OBJECTIVE."""
    for number in range(7):
        if settings[PROFILE] != number:
            continue
        if settings[SHIFTS]:
            for i in range(_L):
                u = sums[PLACE64 + i] * inverse
                both = _value(number, u - move) + _value(number, u + move)
                sums[OBJECTIVE + i] += height * (0.5 * both)
        else:
            for i in range(_L):
                sums[OBJECTIVE + i] += height * _value(number, sums[PLACE64 + i] * inverse)


@njit(nogil=True, error_model="numpy", cache=True)
def run_blocks(first, last, task, lanes, every_run, every_sum, every_key, every_T, every_schedule,
               every_settings, step, numbers, inverse_width, Q, numbers64, inverse_width64, Q64,
               heights, x0, tables, thresholds, starts, curves, finals, x, heads, stop, done):  # fmt: skip
    """Run the blocks [first, last) to their ends.

    Parameters
    ----------
    first, last, task : int
    lanes : (N, LANES) int64
        Each lane's row in the results; -1 for a lane that only fills the block.
    every_run : (N, RUN_ROW), every_sum : (N, SUM_ROW), every_key : (N, KEY_ROW)
    every_T, every_schedule : (N, LANES) int64
        Each lane's number of steps, and its row in ``step``.
    every_settings : (N, SETTINGS) int64
    step : (C, K) int64
        Schedules of checkpoints.
    numbers, inverse_width, Q; the same in float64; heights : problem's
    x0 : (d,)
    tables, thresholds, starts
        Guides to the tables of the binomial law, the tables end to end, where each starts.
    curves : (3, R, K) float64, out
        Running means of ||grad f||^2, plain and weighted, and f.
    finals : (4, R) float64, out
        eta's variation in both norms, the adaptive share, the largest |gradient|.
    x : (R, 1 or T + 1, d) float64, out
    heads : (R, T or 0, n, d) int32, out
    stop : (1,) int64
        Other than 0: return as soon as may be.
    done : (tasks,) int64, out
        How many steps of runs this task has done.
    """
    d = len(x0)
    real = numbers.dtype.type
    # A vector that straddles two cache lines costs twice.
    flat = np.empty(d * ROW + 64, dtype=numbers.dtype)
    lead = -flat.ctypes.data % 64 // flat.itemsize
    rows = flat[lead : lead + d * ROW].reshape(d, ROW)
    kept = 1
    for block in range(first, last):
        if every_settings[block, KEEPS_WORDS]:
            kept = max(kept, every_settings[block, WORKERS])
    flat_words = np.empty(kept * d * 8 * LANES + 16, dtype=np.uint32)
    lead = -flat_words.ctypes.data % 64 // 4
    words = flat_words[lead : lead + kept * d * 8 * LANES].reshape(kept, d, 8 * LANES)
    next_column = np.empty(_L, dtype=np.int64)
    K = step.shape[1]
    for block in range(first, last):
        settings, run, sums, keys = (
            every_settings[block], every_run[block], every_sum[block], every_key[block],
        )  # fmt: skip
        T, schedule, row_of = every_T[block], every_schedule[block], lanes[block]
        _start(rows, run, x0)
        due = T[0]
        for i in range(_L):
            next_column[i] = 0
            due = min(due, step[schedule[i], 0])
        for t in range(settings[MOST_STEPS]):
            if t % 256 == 0:
                if stop[0] != 0:
                    return
                done[task] += min(256, settings[MOST_STEPS] - t)
            if settings[KEEPS_WORDS] and t % (128 // settings[WIDTH]) == 0:
                _fill(words, keys, t, d, settings, tables, thresholds, starts)
            if settings[IS_LOCAL]:
                _local_step(rows, run, sums, words, keys, t, d, settings, numbers,
                            inverse_width, Q, tables, thresholds, starts)  # fmt: skip
            else:
                _shared_step(rows, run, sums, words, keys, t, d, settings, numbers,
                             inverse_width, Q, tables, thresholds, starts)  # fmt: skip
            for i in range(_L):
                sums[ADAPTIVE + i] += sums[ACTIVE + i]
            if heads.shape[1] > 0:
                _record_step(rows, words, t, d, row_of, T, settings, x, heads)
            if t + 1 == due:
                _objective(rows, d, sums, settings, numbers64, inverse_width64, heights, Q64)
                due = np.int64(1) << 62
                for i in range(_L):
                    k = next_column[i]
                    while k < K and step[schedule[i], k] == t + 1:
                        if row_of[i] >= 0:
                            _record(run, sums, i, t + 1, k, row_of[i], settings, curves)
                        k += 1
                    if k == K and next_column[i] < K and row_of[i] >= 0:
                        _finish(rows, run, sums, i, d, t + 1, row_of[i], finals, x)
                    next_column[i] = k
                    if k < K:
                        due = min(due, step[schedule[i], k])


@njit(error_model="numpy")
def _start(rows, run, x0):
    """Put every lane to its state before step 0."""
    real = rows.dtype.type
    for j in range(len(x0)):
        for i in range(_L):
            rows[j, X + i] = x0[j]
            rows[j, M + i] = real(0)
            rows[j, V + i] = run[V_INIT + i]
            rows[j, V_HAT + i] = run[FLOOR + i]
            rows[j, ETA + i] = real(1) / np.sqrt(run[FLOOR + i])


@njit(error_model="numpy")
def _record(run, sums, i, t, k, row, settings, curves):
    """Write a lane's curves at t steps."""
    curves[0, row, k] = sums[GRAD + i] / t
    if settings[ADAPTS]:
        curves[1, row, k] = sums[WEIGHTED + i] / t
    else:
        curves[1, row, k] = sums[GRAD + i] / np.sqrt(np.float64(run[FLOOR + i])) / t
    curves[2, row, k] = sums[OBJECTIVE + i]


@njit(error_model="numpy")
def _finish(rows, run, sums, i, d, T, row, finals, x):
    """Write a lane's final figures."""
    finals[0, row] = sums[L1 + i]
    finals[1, row] = sums[L2 + i]
    finals[2, row] = sums[ADAPTIVE + i] / (d * T)
    finals[3, row] = run[LARGEST + i]
    if x.shape[1] == 1:
        for j in range(d):
            x[row, 0, j] = rows[j, X + i]


@njit(error_model="numpy")
def _record_step(rows, words, t, d, row_of, T, settings, x, heads):
    """Write every lane's point after step t and the heads that led there."""
    w = settings[WIDTH]
    part, shift, mask = _field(w, t % (128 // w))
    for i in range(_L):
        if row_of[i] >= 0 and t < T[i]:
            for j in range(d):
                x[row_of[i], t + 1, j] = rows[j, X + i]
                for worker in range(settings[WORKERS]):
                    heads[row_of[i], t, worker, j] = (words[worker, j, part * _L + i] >> shift) & mask
