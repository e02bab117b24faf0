"""The compiled loops of the numba engine: a block of runs, all its steps.

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

from collections import namedtuple

import numpy as np
from numba import njit

from simulators.engines import elementary
from simulators.engines.elementary import LN2, expm1, log1p, sin, tanh
from simulators.engines.vectors import (
    INLINE,
    element,
    gather,
    get,
    larger,
    like,
    load,
    ones_in_8,
    ones_in_16,
    ones_in_32,
    pointer,
    put,
    rounded_like,
    shifted,
    size,
    smaller,
    some,
    sources,
    sqrt,
    store,
    to_float64,
    to_int32,
    to_uint32,
    where,
    width,
)

CALL = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of a function that is called. numba optimises it anew within each of its callers, so
that calls should not go deep."""


def _numbered(count: int) -> list[np.int64]:
    # NumPy's whole numbers: Python's own are constants of their own types, and a function called
    # with two of them would be compiled twice.
    return [np.int64(number) for number in range(count)]


# A coordinate's row, in the dtype of the iterates: vectors. S is the mini-batch gradient at x.
X, M, V, V_HAT, ETA, NOISE, S = _numbered(7)
ROW = 7

# What more a coordinate needs where the problem is rotated or workers perturb each on its own: the
# true gradient at x, the mini-batch gradient at x + delta, a worker's own gradient; a place, and
# what it is turned to. Apart, so that the rows above stay in the first-level cache.
U, G, OWN, POINT, TURNED = _numbered(5)
SPARE_ROW = 5

# A chunk's hyper-parameters and what goes with them, in the same dtype.
(
    MINUS_GAMMA, BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, FLOOR, V_INIT, REACH, LARGEST,
) = _numbered(9)  # fmt: skip
RUN_ROW = 9

# A chunk's sums and what they need, in float64.
NORM2, RHO, GRAD, WEIGHTED, L1, L2, ACTIVE, ADAPTIVE, OBJECTIVE = _numbered(9)
SUM_ROW = 9

# A chunk's Philox keys, in uint64.
KEY0, KEY1, REPLICATE = _numbered(3)
KEY_ROW = 3

AT_X, AT_DELTA = _numbered(2)

# A block's switches.
(
    PROFILE, SHIFTS, ROTATES, PERTURBS, ADAPTS, KEEPS_MAX, IS_LOCAL, WORKERS, B, WIDTH_OF_FIELD,
    TABLE, KEEPS_WORDS, MOST_STEPS,
) = _numbered(13)  # fmt: skip
SETTINGS = 13

PROFILE_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("huber", "pseudo_huber", "log_cosh", "cosine", "rational", "log_rational", "two_basin")
    )
}

# A problem's numbers, in the dtype of the iterates.
HEIGHT, MOVE, NOISE_SIZE, LARGEST_REACH = _numbered(4)

# The guide to a table of the binomial law: by the first `GUIDE_BITS` of the 31 bits, how many
# thresholds lie below, and the rest of the one threshold that may lie among them.
GUIDE_BITS = 14
REST = 31 - GUIDE_BITS
NEVER, SEVERAL = 1 << REST, (1 << REST) + 1

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)

Block = namedtuple(
    "Block",
    "rows spare words runs sums keys settings numbers inverse Q guide thresholds known d chunks",
)
"""What the loops work on. Pointers to the rows of all coordinates of all chunks, their spare rows,
their Philox words, the chunks' hyper-parameters, sums and keys, the switches, the problem's
numbers, 1/B and Q, the guide and the thresholds of the binomial law, of which ``known`` are the
table's; and how many coordinates and chunks there are."""


@njit(**INLINE)
def _round(state):
    """One round of Philox: the counter's four words and the key's two."""
    c0, c1, c2, c3, k0, k1 = state
    p0, p1 = (c0 & _LOW) * _MULTIPLIER0, (c2 & _LOW) * _MULTIPLIER1
    return (p1 >> _32) ^ c1 ^ k0, p1, (p0 >> _32) ^ c3 ^ k1, p0, k0 + _WEYL0, k1 + _WEYL1


@njit(**CALL)
def _philox(k, number, worker, place):
    """Draw Philox block ``number`` of a worker for every lane and coordinate; its words' place."""
    W = width(k.rows)
    w = place * k.chunks * k.d * 4 * W
    for c in range(k.chunks):
        key = c * KEY_ROW * W
        key0, key1 = load(k.keys, key + KEY0 * W), load(k.keys, key + KEY1 * W)
        replicate = load(k.keys, key + REPLICATE * W)
        for j in range(k.d):
            # 64 bits throughout: products read the low halves alone.
            first, last = like(key0, np.uint64(number)), like(key0, np.uint64(worker))
            state = first, like(key0, np.uint64(j)), replicate, last, key0, key1
            # Ten rounds, written out: in a loop, coordinates would wait for each other.
            state = _round(_round(_round(_round(_round(state)))))
            c0, c1, c2, c3, _, _ = _round(_round(_round(_round(_round(state)))))
            store(k.words, w, to_uint32(c0))
            store(k.words, w + W, to_uint32(c1))
            store(k.words, w + 2 * W, to_uint32(c2))
            store(k.words, w + 3 * W, to_uint32(c3))
            w += 4 * W


@njit(**INLINE)
def _ones(word, bits):
    """Turn each field of ``bits`` bits, at most 32, into its number of ones."""
    if bits == 32:
        return ones_in_32(word)
    if bits == 16:
        return ones_in_16(word)
    if bits == 8:
        return ones_in_8(word)
    word = (word & np.uint32(0x55555555)) + ((word >> np.uint32(1)) & np.uint32(0x55555555))
    if bits == 4:
        word = (word & np.uint32(0x33333333)) + ((word >> np.uint32(2)) & np.uint32(0x33333333))
    return word


@njit(**CALL)
def _count(k, place, b, bits):
    """Turn each field of ``bits`` bits of the words into its number of ones, the first b alone."""
    W = width(k.rows)
    w = place * k.chunks * k.d * 4 * W
    if bits < 64:
        mask = np.uint32(((1 << b) - 1) * (0xFFFFFFFF // ((1 << bits) - 1)))
        for _ in range(k.chunks * k.d * 4):
            store(k.words, w, _ones(load(k.words, w) & mask, bits))
            w += W
        return
    # A field of 64 bits is two words; its number goes into the first two words, in turn.
    mask = np.uint32((1 << (b - 32)) - 1)
    for _ in range(k.chunks * k.d):
        for half in range(2):
            low, high = load(k.words, w + 2 * half * W), load(k.words, w + (2 * half + 1) * W)
            store(k.words, w + half * W, ones_in_32(low) + ones_in_32(high & mask))
        w += 4 * W


@njit(**CALL)
def _look_up(k, place, b):
    """Turn each word into its number of heads by the table of the binomial law."""
    W = width(k.rows)
    first = place * k.chunks * k.d * 4 * W
    # |2h - b| is b % 2 + 2 pairs.
    most, fewest = np.uint32((b + b % 2) // 2), np.uint32((b - b % 2) // 2)
    for n in range(k.chunks * k.d * 4):
        w = first + n * W
        word = load(k.words, w)
        bits = word & np.uint32(0x7FFFFFFF)
        entry = gather(k.guide, bits >> np.uint32(REST))
        rest = entry & np.uint32((1 << (REST + 1)) - 1)
        above = (bits & np.uint32((1 << REST) - 1)) >= rest
        pairs = (entry >> np.uint32(REST + 1)) + where(above, like(word, 1), like(word, 0))
        store(k.words, w, where(word >= np.uint32(0x80000000), fewest - pairs, most + pairs))
        if some(rest == np.uint32(SEVERAL)):
            for lane in range(W):
                if element(rest, lane) == SEVERAL:
                    value = np.int64(element(bits, lane))
                    low, high = 0, k.known
                    while low < high:
                        middle = (low + high) // 2
                        if get(k.thresholds, middle) <= value:
                            low = middle + 1
                        else:
                            high = middle
                    heads = fewest - low if element(word, lane) >> 31 else most + low
                    put(k.words, w + lane, heads)


@njit(**INLINE)
def _field(bits, number):
    """Return the word, the shift and the mask of a field of so many bits."""
    if bits == 64:
        return number, np.uint32(0), np.uint32(0xFFFFFFFF)
    return number * bits // 32, np.uint32(number * bits % 32), np.uint32((1 << bits) - 1)


@njit(**INLINE)
def _law(k, t, together):
    """Return where the heads of step t lie in the words, and the noise of a head; ``together``
    workers' mean.
    """
    b, bits = get(k.settings, B), get(k.settings, WIDTH_OF_FIELD)
    part, shift, mask = _field(bits, t % (128 // bits))
    scale = np.float64(get(k.numbers, NOISE_SIZE)) / np.float64(b * together)
    return part * width(k.rows), shift, mask, b, scale


@njit(**INLINE)
def _noise(word, law, model):
    """Return the noise that the heads in a word stand for, of the type of ``model``."""
    _, shift, mask, b, scale = law
    return rounded_like(to_int32((word >> shift) & mask) * 2 - b, model) * scale


@njit(**CALL)
def _draw(k, t, place, together, adds):
    """Put the noise of step t into NOISE, or add it there; ``together`` workers' mean."""
    W = width(k.rows)
    law = _law(k, t, together)
    w = place * k.chunks * k.d * 4 * W + law[0]
    for n in range(k.chunks * k.d):
        at = (n * ROW + NOISE) * W
        old = load(k.rows, at)
        noise = _noise(load(k.words, w + n * 4 * W), law, old)
        store(k.rows, at, old + noise if adds else noise)


@njit(**INLINE)
def _slope(profile, u):
    """Return psi'(u)."""
    if profile == 0:  # huber
        slope = smaller(larger(u, like(u, -1)), like(u, 1))
    elif profile == 1:  # pseudo_huber
        slope = u / sqrt(1.0 + u * u)
    elif profile == 2:  # log_cosh
        slope = tanh(u)
    elif profile == 3:  # cosine
        slope = sin(u)
    elif profile == 4:  # rational
        low = 1.0 + (27 / 256) * (u * u)
        slope = u / (low * low)
    elif profile == 5:  # log_rational
        slope = u / (1.0 + 0.25 * (u * u))
    else:  # two_basin
        flat = smaller(larger(0.125 * u, like(u, -1)), like(u, 0.5))
        down = smaller(larger(u - 4.0, like(u, 0)), like(u, 1.25))
        up = smaller(larger(u - 5.25, like(u, 0)), like(u, 1.75))
        slope = flat - down + up
    return slope


@njit(**INLINE)
def _value(profile, u):
    """Return psi(u) of float64."""
    away = size(u)
    if profile == 0:
        inside = smaller(away, like(u, 1))
        value = inside * (away - 0.5 * inside)
    elif profile == 1:
        value = u * u / (1.0 + sqrt(1.0 + u * u))
    elif profile == 2:
        # With t = e^-|u| - 1: cosh u - 1 = t^2/(2 (1 + t)) keeps the digits near 0; far away
        # log cosh u = |u| - log 2 + log(1 + e^-2|u|) does.
        t = expm1(-1.0 * smaller(away, like(u, 40)))
        near = t * t / (2.0 * (1.0 + t))
        far = (1.0 + t) * (1.0 + t)
        value = log1p(where(away < 1.0, near, far)) + where(away < 1.0, like(u, 0), away - LN2)
    elif profile == 3:
        half = sin(0.5 * u)
        value = 2.0 * half * half
    elif profile == 4:
        value = 0.5 * u * u / (1.0 + u * u * (27.0 / 256.0))
    elif profile == 5:
        value = 2.0 * log1p(0.25 * u * u)
    else:
        flat = smaller(larger(0.125 * u, like(u, -1)), like(u, 0.5))
        down = smaller(larger(u - 4.0, like(u, 0)), like(u, 1.25))
        up = smaller(larger(u - 5.25, like(u, 0)), like(u, 1.75))
        value = flat * (u - 4.0 * flat) - down * (u - 4.0 - 0.5 * down) + up * (u - 5.25 - 0.5 * up)
    return value


@njit(**INLINE)
def _laws(k):
    """Return what `_pair` needs of the problem."""
    return (
        get(k.settings, PROFILE), get(k.settings, SHIFTS), get(k.numbers, HEIGHT),
        get(k.numbers, MOVE),
    )  # fmt: skip


@njit(**INLINE)
def _pair(laws, p, inverse, noise):
    """Return an unturned coordinate's true gradient at p, and what noise adds to it."""
    profile, shifts, height, move = laws
    u = p * inverse
    right, left = like(u, 0), like(u, 0)
    for _ in range(2 if shifts else 1):  # a loop, so that the profiles are compiled once
        right, left, move = left, _slope(profile, u + move), -move
    if not shifts:
        return left * height, noise
    half = 0.5 * height
    return (right + left) * half, ((left - right) * noise) * half


@njit(**INLINE)
def _place(k, c, j, moved):
    """Return a coordinate of x, or of x + delta, delta along OWN."""
    W = width(k.rows)
    p = load(k.rows, ((c * k.d + j) * ROW + X) * W)
    if moved:
        reach = load(k.runs, (c * RUN_ROW + REACH) * W)
        p = p + reach * load(k.spare, ((c * k.d + j) * SPARE_ROW + OWN) * W)
    return p


@njit(**CALL)
def _turn(k, moved):
    """Put Qx, or Q(x + delta), into TURNED."""
    W = width(k.rows)
    for c in range(k.chunks):
        first = c * k.d * SPARE_ROW * W
        for j in range(k.d):
            store(k.spare, first + (j * SPARE_ROW + POINT) * W, _place(k, c, j, moved))
        for j in range(k.d):
            total = like(load(k.rows, 0), 0)
            for i in range(k.d):
                point = load(k.spare, first + (i * SPARE_ROW + POINT) * W)
                total = total + point * get(k.Q, j * k.d + i)
            store(k.spare, first + (j * SPARE_ROW + TURNED) * W, total)


@njit(**CALL)
def _turn_back(k, to):
    """From the gradients in the turned coordinates, U and ``to``, make those in x's."""
    W = width(k.rows)
    shifts = get(k.settings, SHIFTS)
    for c in range(k.chunks):
        first = c * k.d * SPARE_ROW * W
        for j in range(k.d):
            row = first + j * SPARE_ROW * W
            store(k.spare, row + POINT * W, load(k.spare, row + U * W))
            store(k.spare, row + TURNED * W, load(k.spare, row + to * W))
        for j in range(k.d):
            row = first + j * SPARE_ROW * W
            u = like(load(k.rows, 0), 0)
            tilt = load(k.rows, ((c * k.d + j) * ROW + NOISE) * W)
            if shifts:
                tilt = like(u, 0)
            for i in range(k.d):
                q = get(k.Q, i * k.d + j)
                u = u + load(k.spare, first + (i * SPARE_ROW + POINT) * W) * q
                if shifts:
                    tilt = tilt + load(k.spare, first + (i * SPARE_ROW + TURNED) * W) * q
            store(k.spare, row + U * W, u)
            store(k.spare, row + to * W, u + tilt)


@njit(**CALL)
def _gradients(k, moved, to):
    """Put the gradients at x, or at x + delta, into U and ``to``."""
    W = width(k.rows)
    rotates, laws = get(k.settings, ROTATES), _laws(k)
    if rotates:
        _turn(k, moved)
    for c in range(k.chunks):
        for j in range(k.d):
            n = c * k.d + j
            turned = load(k.spare, (n * SPARE_ROW + TURNED) * W)
            p = turned if rotates else _place(k, c, j, moved)
            u, tilt = _pair(laws, p, get(k.inverse, j), load(k.rows, (n * ROW + NOISE) * W))
            store(k.spare, (n * SPARE_ROW + U) * W, u)
            # The turned tilt is turned back on its own.
            store(k.spare, (n * SPARE_ROW + to) * W, tilt if rotates else u + tilt)
    if rotates:
        _turn_back(k, to)


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
    laws, law = _laws(k), _law(k, t, 1)
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
                    noise = _noise(load(k.words, n * 4 * W + law[0]), law, largest)
                    store(k.rows, row + NOISE * W, noise)
                u, tilt = _pair(laws, load(k.rows, row + X * W), get(k.inverse, j), noise)
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
    keeps_max, laws = get(k.settings, KEEPS_MAX), _laws(k)
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
                u, tilt = _pair(laws, x + reach * g, get(k.inverse, j), noise)
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
                _philox(k, t // (128 // bits), worker, place)
                if b > 64:
                    _look_up(k, place, b)
                elif b > 1:
                    _count(k, place, b, bits)
            # A single worker's noise is left to `_observe`, unless gradients are stored.
            if workers > 1 or rotates:
                _draw(k, t, place, together, worker > turn)
        if local:
            _gradients(k, AT_X, OWN)
            _add(k, AT_X)
            _gradients(k, AT_DELTA, OWN)
            _add(k, AT_DELTA)
    if local:
        _average(k, workers)
    if local or rotates:
        _gradients(k, AT_X, OWN)  # for workers anew: the true one, U, is overwritten
    _observe(k, t)
    if rotates and not local:
        _gradients(k, AT_DELTA, G)
    _move(k)


@njit(**CALL)
def _objective(k, problem, room):
    """Put f(x) into OBJECTIVE; all in float64."""
    W = width(k.rows)
    numbers, inverse = pointer(problem.numbers64, room.rows), pointer(problem.inverse64, room.rows)
    heights, Q = pointer(problem.heights, room.rows), pointer(problem.Q64, room.rows)
    profile, move = get(k.settings, PROFILE), get(numbers, MOVE)
    sides = 2 if get(k.settings, SHIFTS) else 1
    for c in range(k.chunks):
        first = c * k.d * ROW * W
        total = like(load(k.sums, 0), 0)
        for j in range(k.d):
            p = to_float64(load(k.rows, first + j * ROW * W))
            if get(k.settings, ROTATES):
                p = like(total, 0)
                for i in range(k.d):
                    p = p + to_float64(load(k.rows, first + i * ROW * W)) * get(Q, j * k.d + i)
            u = p * get(inverse, j)
            value, side = like(u, 0), move
            for _ in range(sides):
                value = value + _value(profile, u + side)
                side = -side
            total = total + get(heights, j) / sides * value
        store(k.sums, (c * SUM_ROW + OBJECTIVE) * W, total)


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


Plan = namedtuple("Plan", "row_of run sums keys T schedule settings")
"""N blocks of C chunks of W lanes, an array each. ``row_of`` (N, C W) int64: each lane's row in the
results, -1 for one that only fills the block; ``run`` (N, C RUN_ROW W), ``sums`` (N, C SUM_ROW W)
float64, ``keys`` (N, C KEY_ROW W) uint64: the chunks' rows; ``T``, ``schedule`` (N, C W) int64:
each lane's number of steps and its row among the schedules; ``settings`` (N, SETTINGS) int64."""

Problem = namedtuple("Problem", "numbers inverse Q numbers64 inverse64 Q64 heights x0")
"""`HEIGHT` and the rest, 1/B (d,), Q (d d,) or empty; the same in float64; A (d,); x_0 (d,)."""

Law = namedtuple("Law", "guides thresholds starts")
"""Tables of the binomial law: their guides (tables, 2^GUIDE_BITS) uint32, the tables themselves end
to end, where each starts (tables + 1,), both int64."""

Room = namedtuple("Room", "rows spare words columns")
"""Room for a block to work in: (C d ROW W,), (C d SPARE_ROW W,), (n C d 4 W,)
uint32 for n workers, (C W,) int64."""

Out = namedtuple("Out", "step curves finals x heads")
"""Schedules of checkpoints (., K) int64, and where results go: running means of ||grad f||^2, plain
and weighted, and f, (3, R, K); eta's variation in both norms, the adaptive share and the largest
|gradient|, (4, R); x (R, 1 or T + 1, d), all float64; heads (R, T or 0, n, d) int32."""


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
    part, shift, mask = _field(bits, t % (128 // bits))
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
                    _objective(k, problem, room)
                    due = _record(block, t + 1, k.d, width(k.rows), plan, room, out)

    return run_blocks


run_blocks = _kernel(sources(__file__, elementary.__file__))
