"""The compiled loops of the numba engine: a block of runs, all its steps.

A run is a lane of the processor's vectors, and a chunk as many runs as a vector is wide; a block
is a few chunks, so that the work on one hides the latency of another, and few enough to stay in
cache through all steps. No operation mixes lanes, and sums over coordinates go one by one: a
run's bits do not depend on the runs beside it. All that belongs to a coordinate of a chunk lies in
one row of memory. Method, noise and profile are looked at once a row or less, so that one kernel
serves all of them; only the dtype makes another. A run past its own T goes on unrecorded until its
block ends.
"""

from collections import namedtuple

import numpy as np
from numba import njit

from simulators.engines.elementary import LN2, expm1, log1p, sin, tanh
from simulators.engines.vectors import (
    INLINE,
    element,
    gather,
    get,
    larger,
    like,
    load,
    pointer,
    put,
    rounded_like,
    shifted,
    size,
    smaller,
    some,
    sqrt,
    store,
    to_float64,
    to_int32,
    to_uint32,
    where,
    width,
)

CALL = {"error_model": "numpy"}

# A coordinate's row, in the dtype of the iterates: vectors. S and G are the mini-batch gradients
# at x and x + delta, U the true one at x; OWN is a worker's s; LEFT and RIGHT are slopes; POINT is
# a place before it is turned, TURNED after.
X, M, V, V_HAT, ETA, NOISE, S, LEFT, RIGHT, U, G, OWN, POINT, TURNED = range(14)
ROW = 14

# A chunk's hyper-parameters and what goes with them, in the same dtype.
(
    MINUS_GAMMA, BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, FLOOR, V_INIT, REACH, LARGEST,
) = range(9)  # fmt: skip
RUN_ROW = 9

# A chunk's sums and what they need, in float64.
NORM2, RHO, GRAD, WEIGHTED, L1, L2, ACTIVE, ADAPTIVE, OBJECTIVE = range(9)
SUM_ROW = 9

# A chunk's Philox keys, in uint64.
KEY0, KEY1, REPLICATE = range(3)
KEY_ROW = 3

# A block's switches.
(
    PROFILE, SHIFTS, ROTATES, PERTURBS, ADAPTS, KEEPS_MAX, IS_LOCAL, WORKERS, B, WIDTH_OF_FIELD,
    TABLE, KEEPS_WORDS, MOST_STEPS,
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
REST = 31 - GUIDE_BITS
NEVER, SEVERAL = 1 << REST, (1 << REST) + 1

NOWHERE = -1

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)

Block = namedtuple(
    "Block",
    "rows words runs sums keys settings numbers inverse Q guide thresholds known d chunks",
)
"""What the loops work on. Pointers to the rows of all coordinates of all chunks, their Philox
words, the chunks' hyper-parameters, sums and keys, the switches, the problem's numbers, 1/B and Q,
the guide and the thresholds of the binomial law, of which ``known`` are the table's; and how many
coordinates and chunks there are."""


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
            c0, c1 = like(key0, np.uint64(number)), like(key0, np.uint64(j))
            c2, c3 = replicate, like(key0, np.uint64(worker))
            k0, k1 = key0, key1
            for _ in range(10):
                p0, p1 = (c0 & _LOW) * _MULTIPLIER0, (c2 & _LOW) * _MULTIPLIER1
                c0, c1 = (p1 >> _32) ^ c1 ^ k0, p1
                c2, c3 = (p0 >> _32) ^ c3 ^ k1, p0
                k0, k1 = k0 + _WEYL0, k1 + _WEYL1
            store(k.words, w, to_uint32(c0))
            store(k.words, w + W, to_uint32(c1))
            store(k.words, w + 2 * W, to_uint32(c2))
            store(k.words, w + 3 * W, to_uint32(c3))
            w += 4 * W


@njit(**CALL)
def _count(k, place, b, bits):
    """Turn each field of ``bits`` bits of the words into its number of ones, the first b alone."""
    W = width(k.rows)
    first = place * k.chunks * k.d * 4 * W
    within = min(bits, 32)
    even = (1 << min(b, 32)) - 1
    odd = (1 << (b - 32)) - 1 if b > 32 else even
    copies = 0xFFFFFFFF // ((1 << within) - 1)
    for n in range(k.chunks * k.d * 4):
        w = first + n * W
        mask = odd if bits == 64 and n % 2 else even
        word = load(k.words, w) & np.uint32(mask * copies)
        if within > 1:
            word = (word & np.uint32(0x55555555)) + ((word >> np.uint32(1)) & np.uint32(0x55555555))
        if within > 2:
            word = (word & np.uint32(0x33333333)) + ((word >> np.uint32(2)) & np.uint32(0x33333333))
        if within > 4:
            word = (word & np.uint32(0x0F0F0F0F)) + ((word >> np.uint32(4)) & np.uint32(0x0F0F0F0F))
        if within > 8:
            word = (word & np.uint32(0x00FF00FF)) + ((word >> np.uint32(8)) & np.uint32(0x00FF00FF))
        if within > 16:
            word = (word & np.uint32(0x0000FFFF)) + (word >> np.uint32(16))
        if bits == 64 and n % 2:
            # Fields of 64 bits are words 0 and 1.
            both = load(k.words, w - W) + word
            store(k.words, w - (n % 4 // 2 + 1) * W, both)
        else:
            store(k.words, w, word)


@njit(**CALL)
def _look_up(k, place, b):
    """Turn each word into its number of heads by the table of the binomial law."""
    W = width(k.rows)
    first = place * k.chunks * k.d * 4 * W
    parity = b % 2
    for n in range(k.chunks * k.d * 4):
        w = first + n * W
        word = load(k.words, w)
        bits = word & np.uint32(0x7FFFFFFF)
        entry = gather(k.guide, bits >> np.uint32(REST))
        rest = entry & np.uint32((1 << (REST + 1)) - 1)
        above = (bits & np.uint32((1 << REST) - 1)) >= rest
        magnitude = (entry >> np.uint32(REST + 1)) + where(above, like(word, 1), like(word, 0))
        away = to_int32(magnitude) * 2 + parity
        tails = word >= np.uint32(0x80000000)
        store(k.words, w, to_uint32((b + where(tails, 0 - away, away)) >> 1))
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
                    one = 2 * low + parity
                    put(k.words, w + lane, (b - one if element(word, lane) >> 31 else b + one) >> 1)


@njit(**CALL)
def _refill(k, t, worker, place):
    """Put a worker's counts of heads from step t on into the words, packed as the bits were."""
    b, bits = get(k.settings, B), get(k.settings, WIDTH_OF_FIELD)
    _philox(k, t // (128 // bits), worker, place)
    if b > 64:
        _look_up(k, place, b)
    elif bits > 1:
        _count(k, place, b, bits)


@njit(**INLINE)
def _field(bits, number):
    """Return the word, the shift and the mask of a field of so many bits."""
    if bits == 64:
        return number, np.uint32(0), np.uint32(0xFFFFFFFF)
    return number * bits // 32, np.uint32(number * bits % 32), np.uint32((1 << bits) - 1)


@njit(**CALL)
def _draw(k, t, place, together, adds):
    """Put the noise of step t into NOISE, or add it there; the mean is over ``together`` workers."""
    W = width(k.rows)
    b, bits = get(k.settings, B), get(k.settings, WIDTH_OF_FIELD)
    part, shift, mask = _field(bits, t % (128 // bits))
    scale = np.float64(get(k.numbers, NOISE_SIZE)) / np.float64(b * together)
    w = (place * k.chunks * k.d * 4 + part) * W
    for n in range(k.chunks * k.d):
        heads = to_int32((load(k.words, w + n * 4 * W) >> shift) & mask)
        at = (n * ROW + NOISE) * W
        old = load(k.rows, at)
        noise = rounded_like(heads * 2 - b, old) * scale
        store(k.rows, at, old + noise if adds else noise)


@njit(**CALL)
def _batches(k, t, worker):
    """Put a worker's noise into NOISE; where workers share a perturbation, the mean of theirs."""
    bits, workers = get(k.settings, WIDTH_OF_FIELD), get(k.settings, WORKERS)
    keeps = get(k.settings, KEEPS_WORDS)
    fresh = t % (128 // bits) == 0 or not keeps
    shares = get(k.settings, IS_LOCAL) == 0
    first, last = (0, workers) if shares else (worker, worker + 1)
    for own in range(first, last):
        place = own if keeps else 0
        if fresh:
            _refill(k, t, own, place)
        _draw(k, t, place, workers if shares else 1, own > first)


@njit(**INLINE)
def _place(k, c, j, base, along):
    """Return the field ``base`` of a coordinate, moved by the chunk's reach along ``along``."""
    W = width(k.rows)
    row = (c * k.d + j) * ROW * W
    p = load(k.rows, row + base * W)
    if along != NOWHERE:
        reach = load(k.runs, (c * RUN_ROW + REACH) * W)
        p = p + reach * load(k.rows, row + along * W)
    return p


@njit(**CALL)
def _slopes(k, base, along, move, to):
    """Put psi'(p/B + move) into the field ``to``, p the field ``base`` moved along ``along``."""
    W = width(k.rows)
    profile = get(k.settings, PROFILE)
    for c in range(k.chunks):
        for j in range(k.d):
            u = _place(k, c, j, base, along) * get(k.inverse, j) + move
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
            store(k.rows, ((c * k.d + j) * ROW + to) * W, slope)


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
        value = (
            flat * (u - 4.0 * flat) - down * (u - 4.0 - 0.5 * down) + up * (u - 5.25 - 0.5 * up)
        )
    return value


@njit(**CALL)
def _all_slopes(k, base, along):
    """Put the slope into LEFT; under shift noise, both moved profiles' into LEFT and RIGHT."""
    move = get(k.numbers, MOVE)
    if get(k.settings, SHIFTS):
        _slopes(k, base, along, -move, RIGHT)
    _slopes(k, base, along, move, LEFT)


@njit(**INLINE)
def _pair(k, row, shifts, height):
    """Return an unturned coordinate's true and mini-batch gradient, from its slopes and noise."""
    W = width(k.rows)
    left, noise = load(k.rows, row + LEFT * W), load(k.rows, row + NOISE * W)
    u = left * height
    tilt = noise
    if shifts:
        right = load(k.rows, row + RIGHT * W)
        half = 0.5 * height
        u = (right + left) * half
        tilt = ((right - left) * noise) * half
    return u, u + tilt


@njit(**CALL)
def _turn(k, along):
    """Put Q(x + delta) into TURNED, delta along the field ``along``."""
    W = width(k.rows)
    for c in range(k.chunks):
        for j in range(k.d):
            row = (c * k.d + j) * ROW * W
            store(k.rows, row + POINT * W, _place(k, c, j, X, along))
        first = c * k.d * ROW * W
        for j in range(k.d):
            total = like(load(k.rows, first), 0)
            for i in range(k.d):
                total = total + load(k.rows, first + (i * ROW + POINT) * W) * get(k.Q, j * k.d + i)
            store(k.rows, first + (j * ROW + TURNED) * W, total)


@njit(**CALL)
def _turn_back(k, to):
    """From the slopes in the turned coordinates, put the gradients into U and ``to``."""
    W = width(k.rows)
    shifts, height = get(k.settings, SHIFTS), get(k.numbers, HEIGHT)
    for c in range(k.chunks):
        first = c * k.d * ROW * W
        for j in range(k.d):
            row = first + j * ROW * W
            u, s = _pair(k, row, shifts, height)
            store(k.rows, row + POINT * W, u)
            store(k.rows, row + RIGHT * W, s - u)
        for j in range(k.d):
            row = first + j * ROW * W
            u = like(load(k.rows, row), 0)
            tilt = load(k.rows, row + NOISE * W)
            if shifts:
                tilt = like(u, 0)
            for i in range(k.d):
                q = get(k.Q, i * k.d + j)
                u = u + load(k.rows, first + (i * ROW + POINT) * W) * q
                if shifts:
                    tilt = tilt + load(k.rows, first + (i * ROW + RIGHT) * W) * q
            store(k.rows, row + U * W, u)
            store(k.rows, row + to * W, u + tilt)


@njit(**CALL)
def _gradients(k, along, to):
    """Put the gradients at x, or at x + delta along a field, into U and ``to``, where turned or
    local; elsewhere leave the slopes, which `_pair` turns into them.
    """
    if get(k.settings, ROTATES):
        _turn(k, along)
        _all_slopes(k, TURNED, NOWHERE)
        _turn_back(k, to)
        return
    _all_slopes(k, X, along)
    if get(k.settings, IS_LOCAL):
        W = width(k.rows)
        shifts, height = get(k.settings, SHIFTS), get(k.numbers, HEIGHT)
        for n in range(k.chunks * k.d):
            row = n * ROW * W
            u, s = _pair(k, row, shifts, height)
            store(k.rows, row + U * W, u)
            store(k.rows, row + to * W, s)


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
def _observe(k):
    """Take the gradients at x into the sums, and find rho/||s||."""
    W = width(k.rows)
    stored = get(k.settings, ROTATES) or get(k.settings, IS_LOCAL)
    shifts, height = get(k.settings, SHIFTS), get(k.numbers, HEIGHT)
    for c in range(k.chunks):
        at = c * SUM_ROW * W
        grad, weighted = load(k.sums, at + GRAD * W), load(k.sums, at + WEIGHTED * W)
        norm2 = like(grad, 0)
        largest = load(k.runs, (c * RUN_ROW + LARGEST) * W)
        row = c * k.d * ROW * W
        for _ in range(k.d):
            if stored:
                u, s = load(k.rows, row + U * W), load(k.rows, row + S * W)
            else:
                u, s = _pair(k, row, shifts, height)
                store(k.rows, row + S * W, s)
            largest = larger(size(s), largest)
            s64, u64 = to_float64(s), to_float64(u)
            norm2 = norm2 + s64 * s64
            square = u64 * u64
            grad = grad + square
            weighted = weighted + square * to_float64(load(k.rows, row + ETA * W))
            row += ROW * W
        store(k.sums, at + GRAD * W, grad)
        store(k.sums, at + WEIGHTED * W, weighted)
        store(k.runs, (c * RUN_ROW + LARGEST) * W, largest)
        _reach(k, c, norm2)


@njit(**CALL)
def _move(k):
    """Lines 6 to 10 of Algorithm 1."""
    W = width(k.rows)
    adapts, keeps_max = get(k.settings, ADAPTS), get(k.settings, KEEPS_MAX)
    fresh = get(k.settings, PERTURBS) and not (
        get(k.settings, ROTATES) or get(k.settings, IS_LOCAL)
    )
    field = G if get(k.settings, PERTURBS) else S
    shifts, height = get(k.settings, SHIFTS), get(k.numbers, HEIGHT)
    for c in range(k.chunks):
        run, at = c * RUN_ROW * W, c * SUM_ROW * W
        beta1, rest1 = load(k.runs, run + BETA1 * W), load(k.runs, run + ONE_MINUS_BETA1 * W)
        beta2, rest2 = load(k.runs, run + BETA2 * W), load(k.runs, run + ONE_MINUS_BETA2 * W)
        minus_gamma = load(k.runs, run + MINUS_GAMMA * W)
        largest = load(k.runs, run + LARGEST * W)
        row = c * k.d * ROW * W
        for _ in range(k.d):
            if fresh:
                _, g = _pair(k, row, shifts, height)
            else:
                g = load(k.rows, row + field * W)
            largest = larger(size(g), largest)
            m = beta1 * load(k.rows, row + M * W) + rest1 * g
            store(k.rows, row + M * W, m)
            if adapts:
                v = beta2 * load(k.rows, row + V * W) + rest2 * (g * g)
                store(k.rows, row + V * W, v)
                old = load(k.rows, row + V_HAT * W)
                if not keeps_max or some(v > old):
                    _adapt(k, row, at, v, old, load(k.runs, run + FLOOR * W), keeps_max)
            x = load(k.rows, row + X * W) + minus_gamma * m * load(k.rows, row + ETA * W)
            store(k.rows, row + X * W, x)
            row += ROW * W
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
def _shared_step(k, t):
    """One step where all workers share the perturbation, along their mean gradient."""
    _batches(k, t, 0)
    _gradients(k, NOWHERE, S)
    _observe(k)
    if get(k.settings, PERTURBS):
        _gradients(k, S, G)
    _move(k)


@njit(**CALL)
def _local_step(k, t):
    """One step where each worker perturbs along its own gradient."""
    W = width(k.rows)
    workers = get(k.settings, WORKERS)
    for n in range(k.chunks * k.d):
        row = n * ROW * W
        none = like(load(k.rows, row), 0)
        store(k.rows, row + S * W, none)
        store(k.rows, row + G * W, none)
    for worker in range(workers):
        _batches(k, t, worker)
        _gradients(k, NOWHERE, OWN)
        for c in range(k.chunks):
            norm2 = like(load(k.sums, 0), 0)
            for j in range(k.d):
                row = (c * k.d + j) * ROW * W
                own = load(k.rows, row + OWN * W)
                store(k.rows, row + S * W, load(k.rows, row + S * W) + own)
                own64 = to_float64(own)
                norm2 = norm2 + own64 * own64
            _reach(k, c, norm2)
        _gradients(k, OWN, OWN)
        for n in range(k.chunks * k.d):
            row = n * ROW * W
            total = load(k.rows, row + G * W) + load(k.rows, row + OWN * W)
            store(k.rows, row + G * W, total)
    # U is that of the last perturbed point: once more, at x.
    _gradients(k, NOWHERE, OWN)
    for n in range(k.chunks * k.d):
        row = n * ROW * W
        store(k.rows, row + S * W, load(k.rows, row + S * W) / np.float64(workers))
        store(k.rows, row + G * W, load(k.rows, row + G * W) / np.float64(workers))
    _observe(k)
    _move(k)


@njit(**CALL)
def _objective(k, numbers, inverse, heights, Q):
    """Put f(x) into OBJECTIVE; all in float64."""
    W = width(k.rows)
    profile, move = get(k.settings, PROFILE), get(numbers, MOVE)
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
            value = _value(profile, u + move)
            if get(k.settings, SHIFTS):
                value = 0.5 * (value + _value(profile, u - move))
            total = total + get(heights, j) * value
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


@njit(nogil=True, error_model="numpy", cache=True)
def run_blocks(first, last, task, chunks, row_of, every_run, every_sum, every_key, every_T,
               schedule_of, every_settings, step, numbers, inverse, Q, numbers64, inverse64, Q64,
               heights, x0, guides, thresholds, starts, rows, words, columns, curves, finals, x,
               heads, stop, done):  # fmt: skip
    """Run the blocks [first, last) of N to their ends; W is the vectors' width, C ``chunks``.

    Parameters
    ----------
    first, last, task, chunks : int
    row_of : (N, C W) int64
        Each lane's row in the results; -1 for a lane that only fills the block.
    every_run : (N, C RUN_ROW W), every_sum : (N, C SUM_ROW W), every_key : (N, C KEY_ROW W)
        Of the iterates' dtype, float64, uint64.
    every_T, schedule_of : (N, C W) int64
        Each lane's number of steps, and its row in ``step``.
    every_settings : (N, SETTINGS) int64
    step : (schedules, K) int64
        Checkpoints.
    numbers, inverse, Q; the same in float64; heights
        The problem's: `HEIGHT` and the rest; 1/B (d,); (d d,) or empty; A (d,).
    x0 : (d,)
    guides : (tables, 2^GUIDE_BITS) uint32; thresholds : (.,) int64; starts : (tables + 1,) int64
        Guides to the tables of the binomial law, the tables end to end, where each starts.
    rows : (C d ROW W,), words : (n C d 4 W,) uint32, columns : (C W,) int64
        Room to work in, n workers' words.
    curves : (3, R, K) float64, out
        Running means of ||grad f||^2, plain and weighted, and f.
    finals : (4, R) float64, out
        eta's variation in both norms, the adaptive share, the largest |gradient|.
    x : (R, 1 or T + 1, d) float64, out
    heads : (R, T or 0, n, d) int32, out
    stop : (1,) int64
        Other than 0: return as soon as may be.
    done : (tasks,) int64, out
        How many steps of blocks this task has done.
    """
    d, K = len(x0), step.shape[1]
    lanes = row_of.shape[1]
    W = lanes // chunks
    at_run, at_sum = pointer(every_run, rows), pointer(every_sum, rows)
    at_key, at_settings = pointer(every_key, rows), pointer(every_settings, rows)
    at_guide, at_thresholds = pointer(guides, rows), pointer(thresholds, rows)
    for block in range(first, last):
        table = every_settings[block, TABLE]
        k = Block(
            pointer(rows, rows),
            pointer(words, rows),
            shifted(at_run, block * every_run.shape[1]),
            shifted(at_sum, block * every_sum.shape[1]),
            shifted(at_key, block * every_key.shape[1]),
            shifted(at_settings, block * SETTINGS),
            pointer(numbers, rows),
            pointer(inverse, rows),
            pointer(Q, rows),
            shifted(at_guide, table * guides.shape[1]),
            shifted(at_thresholds, starts[table]),
            starts[table + 1] - starts[table],
            d,
            chunks,
        )
        _start(k, pointer(x0, rows))
        due = every_T[block, 0]
        for i in range(lanes):
            columns[i] = 0
            due = min(due, step[schedule_of[block, i], 0])
        for t in range(every_settings[block, MOST_STEPS]):
            if t % 256 == 0:
                if stop[0] != 0:
                    return
                done[task] += min(256, every_settings[block, MOST_STEPS] - t)
            if every_settings[block, IS_LOCAL]:
                _local_step(k, t)
            else:
                _shared_step(k, t)
            if heads.shape[1] > 0:
                _record_step(k, block, t, row_of, every_T, every_settings, rows, words, x, heads)
            if t + 1 != due:
                continue
            _objective(
                k, pointer(numbers64, rows), pointer(inverse64, rows), pointer(heights, rows),
                pointer(Q64, rows),
            )  # fmt: skip
            due = 1 << 62
            for i in range(lanes):
                schedule, row, column = schedule_of[block, i], row_of[block, i], columns[i]
                c, lane = i // W, i % W
                while column < K and step[schedule, column] == t + 1:
                    if row >= 0:
                        at = c * SUM_ROW * W + lane
                        grad = every_sum[block, at + GRAD * W]
                        weighted = every_sum[block, at + WEIGHTED * W]
                        if not every_settings[block, ADAPTS]:
                            floor = every_run[block, (c * RUN_ROW + FLOOR) * W + lane]
                            weighted = grad / np.sqrt(np.float64(floor))
                        curves[0, row, column] = grad / (t + 1)
                        curves[1, row, column] = weighted / (t + 1)
                        curves[2, row, column] = every_sum[block, at + OBJECTIVE * W]
                    column += 1
                if column == K and columns[i] < K and row >= 0:
                    at = c * SUM_ROW * W + lane
                    finals[0, row] = every_sum[block, at + L1 * W]
                    finals[1, row] = every_sum[block, at + L2 * W]
                    finals[2, row] = every_sum[block, at + ADAPTIVE * W] / (d * (t + 1))
                    finals[3, row] = every_run[block, (c * RUN_ROW + LARGEST) * W + lane]
                    if x.shape[1] == 1:
                        for j in range(d):
                            x[row, 0, j] = rows[((c * d + j) * ROW + X) * W + lane]
                columns[i] = column
                if column < K:
                    due = min(due, step[schedule, column])


@njit(**CALL)
def _record_step(k, block, t, row_of, every_T, every_settings, rows, words, x, heads):
    """Write every lane's point after step t and the heads that led there."""
    W = width(k.rows)
    bits = every_settings[block, WIDTH_OF_FIELD]
    part, shift, mask = _field(bits, t % (128 // bits))
    for i in range(row_of.shape[1]):
        row = row_of[block, i]
        if row < 0 or t >= every_T[block, i]:
            continue
        c, lane = i // W, i % W
        for j in range(k.d):
            n = c * k.d + j
            x[row, t + 1, j] = rows[(n * ROW + X) * W + lane]
            for worker in range(every_settings[block, WORKERS]):
                word = words[((worker * k.chunks * k.d + n) * 4 + part) * W + lane]
                heads[row, t, worker, j] = (word >> shift) & mask
