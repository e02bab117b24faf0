# What Triton compiles is not all of Python: no unpacking into a tuple, no branch that depends on
# both what is known when it compiles and what is not.
# ruff: noqa: RUF005, SIM102, SIM108
# pyright: reportArgumentType=none, reportAttributeAccessIssue=none, reportOperatorIssue=none
# pyright: reportIndexIssue=none, reportReturnType=none, reportCallIssue=none
# pyright: reportPossiblyUnboundVariable=none, reportGeneralTypeIssues=none
"""The Triton kernel: all steps of a block of runs, their state in registers.

Why it looks as it does. A program is a block of R runs of equal b and as many workers. A run's d
coordinates lie in C lanes, PARTS in each: coordinate C k + c is entry k of lane c, every quantity
a tuple of PARTS tensors of shape [R, C]. Loops over k are unrolled, so that nothing but the state
is alive for long. What is the same for all blocks (profile, noise, method) is compiled in; b,
workers and T are each block's own.

Statistics are summed in float64, one sum a lane. Nothing is fused and no sum mixes runs: a run's
bits depend neither on the other runs nor on where launches are cut. A run past its own T goes on
unrecorded until its block ends.
"""

import triton
import triton.language as tl

from simulators.engines.triton_gpu.elementary import divide, root, slope, value

# A block's switches, int32. Its first run is ROW. A Philox block serves 2^LOG_STEPS steps; LOW and
# HIGH keep the b bits of a step's field, up to 32 of them and the rest. The table of the binomial
# law starts at TABLE and has 2^SEARCH - 1 thresholds.
B, WORKERS, LOG_STEPS, LOW, HIGH, TABLE, SEARCH, MOST_STEPS, ROW = map(tl.constexpr, range(9))
SETTINGS = tl.constexpr(9)

# A run's hyper-parameters, in the dtype of the iterates; ETA is 1/eps.
MINUS_GAMMA, BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, FLOOR, ETA = map(
    tl.constexpr, range(7)
)
HYPER = tl.constexpr(7)

# A run's whole numbers, int32: COLUMN is the next checkpoint in its row of the schedule.
KEY0, KEY1, REPLICATE, SCHEDULE, STEPS, COLUMN = map(tl.constexpr, range(6))
WHOLE = tl.constexpr(6)

# A problem's numbers, in the dtype of the iterates; LARGEST is the largest number there is.
HEIGHT, SHIFT, LARGEST = map(tl.constexpr, range(3))

# A lane's sums, float64, and what a step carries over of each coordinate.
GRAD, WEIGHTED, L1, L2, ADAPTIVE, MAX_ABS = map(tl.constexpr, range(6))
SUMS = tl.constexpr(6)
X, M, V, V_HAT = map(tl.constexpr, range(4))
STATE = tl.constexpr(4)

# A run's curves, which start with the sums GRAD and WEIGHTED; its final figures are the others.
OBJECTIVE = tl.constexpr(2)
CURVES = tl.constexpr(3)
FINALS = tl.constexpr(4)

INTERPRETED = triton.knobs.runtime.interpret
"""Whether the kernel is interpreted on the CPU, not compiled: TRITON_INTERPRET at import."""


@triton.jit
def philox(c0, c1, c2, c3, k0, k1):
    """Return the four words of a Philox4x32-10 block; all uint32."""
    for _ in range(10):
        high0, high1 = tl.umulhi(c0, 0xD2511F53), tl.umulhi(c2, 0xCD9E8D57)
        low0, low1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1 = high1 ^ c1 ^ k0, low1
        c2, c3 = high0 ^ c3 ^ k1, low0
        k0 += 0x9E3779B9
        k1 += 0xBB67AE85
    return c0, c1, c2, c3


@triton.jit
def ones(word):
    """Return how many bits are set, in a form that compilers know to be one instruction."""
    n = word - ((word >> 1) & 0x55555555)
    n = (n & 0x33333333) + ((n >> 2) & 0x33333333)
    return ((((n + (n >> 4)) & 0x0F0F0F0F) * 0x01010101) >> 24).to(tl.int32)


@triton.jit
def look_up(word, own, tables):
    """Return the number of heads that a word stands for by the table of the binomial law."""
    bits = word & 0x7FFFFFFF
    below = (bits * 0).to(tl.int32)
    half = 1 << own[SEARCH]
    for _ in range(own[SEARCH]):
        half = half >> 1
        threshold = tl.load(tables + own[TABLE] + (below + half - 1))
        below = tl.where(threshold.to(tl.uint32, bitcast=True) <= bits, below + half, below)
    size = 2 * below + own[B] % 2
    return (own[B] + tl.where(word >> 31 != 0, -size, size)) >> 1


@triton.jit
def block_words(t, coordinate, worker, keys, own):
    """Return the four words of the Philox block that serves a worker's step t.

    Parameters
    ----------
    t, worker : int32
    coordinate : [1, C] int32
    keys : three [R, C] uint32
        The key, low word first, and the replicate.
    own : tuple
        The block's switches.
    """
    none = keys[0] * 0
    block = none + (t >> own[LOG_STEPS]).to(tl.uint32)
    stream = none + worker.to(tl.uint32)
    return philox(block, none + coordinate.to(tl.uint32), keys[2], stream, keys[0], keys[1])


@triton.jit
def field_heads(w0, w1, w2, w3, t, own, tables):
    """Return the numbers of heads of step t, int32, from its block's words."""
    place = (t & ((1 << own[LOG_STEPS]) - 1)) << (7 - own[LOG_STEPS])
    word = tl.where(place < 64, tl.where(place < 32, w0, w1), tl.where(place < 96, w2, w3))
    if own[B] > 64:
        heads = look_up(word, own, tables)
    else:
        low, high = own[LOW].to(tl.uint32, bitcast=True), own[HIGH].to(tl.uint32, bitcast=True)
        heads = ones((word >> (place & 31).to(tl.uint32)) & low)
        if own[B] > 32:
            heads += ones(tl.where(place < 64, w1, w3) & high)
    return heads


@triton.jit
def worker_heads(t, coordinate, worker, keys, own, tables):
    """Return a worker's numbers of heads at step t, int32, from words drawn for them alone."""
    w0, w1, w2, w3 = block_words(t, coordinate, worker, keys, own)
    return field_heads(w0, w1, w2, w3, t, own, tables)


@triton.jit
def gradients(x, noise, inverse, numbers, PROFILE: tl.constexpr, SHIFTS: tl.constexpr):
    """Return a coordinate's true and its mini-batch gradient at x."""
    u = x * inverse
    if SHIFTS:
        right, left = slope(u - numbers[SHIFT], PROFILE), slope(u + numbers[SHIFT], PROFILE)
        half = numbers[HEIGHT] * 0.5
        true = half * (right + left)
        return true, true + half * ((right - left) * noise)
    else:
        true = numbers[HEIGHT] * slope(u, PROFILE)
        return true, true + noise


@triton.jit
def reach_of(norm2, rho, largest):
    """Return rho/||s|| from each lane's sum of squares, 0 where s = 0; all float64.

    It is a product of two: float32 may not hold it, and has smaller s.
    """
    total = tl.sum(norm2, axis=1)[:, None]
    ratio = tl.where(total > 0.0, rho / tl.sqrt(tl.where(total > 0.0, total, 1.0)), 0.0)
    return tl.minimum(ratio, largest), tl.minimum(tl.maximum(ratio / largest, 1.0), largest)


@triton.jit
def moved(x, s, reach, excess):
    """Return x + reach excess s."""
    if x.dtype == tl.float64:
        return x + reach * s
    else:
        return x + reach * s * excess


@triton.jit
def inverse_root(v_hat):
    """Return eta = 1/sqrt(v_hat)."""
    return divide(tl.full(v_hat.shape, 1.0, v_hat.dtype), root(v_hat))


@triton.jit
def rows_of(settings, block, R: tl.constexpr, C: tl.constexpr):
    """Return the runs of a block, [R, C] int64.

    Read anew where they are used: addresses kept over the loop would take many registers.
    """
    first = tl.load(settings + block * SETTINGS + ROW).to(tl.int64)
    return tl.broadcast_to(first + tl.arange(0, R)[:, None], [R, C])


@triton.jit
def objective(
    x, width, height, shift64, lane, D: tl.constexpr, C: tl.constexpr, PARTS: tl.constexpr,
    PROFILE: tl.constexpr, SHIFTS: tl.constexpr,
):  # fmt: skip
    """Return f(x), [R, 1] float64."""
    total = x[0].to(tl.float64) * 0.0
    shift = tl.load(shift64)
    for k in range(PARTS):  # not unrolled: it is long, and rarely done
        j = lane + k * C
        here = x[0]
        for i in tl.static_range(1, PARTS):
            here = tl.where(k == i, x[i], here)
        u = here.to(tl.float64) / tl.load(width + j)
        psi = value(u - shift, PROFILE)
        if SHIFTS:
            psi = 0.5 * (psi + value(u + shift, PROFILE))
        total += tl.load(height + j) * psi  # lanes without a coordinate have height 0
    return tl.sum(total, axis=1)[:, None]


@triton.jit(do_not_specialize=["start", "stop", "lanes", "columns", "workers"])
def run_steps(
    settings, scales, hyper, rho, whole, schedule, numbers, inverse, shift64, width, height,
    tables, state, sums, curves, finals, ends, path, heads, start, stop, lanes, columns, workers,
    D: tl.constexpr, R: tl.constexpr, C: tl.constexpr, PARTS: tl.constexpr,
    PROFILE: tl.constexpr, SHIFTS: tl.constexpr, SPECTRUM: tl.constexpr, PERTURBS: tl.constexpr,
    ADAPTS: tl.constexpr, KEEPS_MAX: tl.constexpr, IS_LOCAL: tl.constexpr, MANY: tl.constexpr,
    TRAJECTORY: tl.constexpr,
):  # fmt: skip
    """Do the steps [start, stop) of every block, N blocks, ``lanes`` = N R.

    Parameters
    ----------
    settings : (N, SETTINGS) int32
    scales : (N,) real
        What turns 2h - b, summed over the workers if they share a perturbation, into noise.
    hyper : (HYPER, lanes) real
    rho : (lanes,) float64
    whole : (WHOLE, lanes) int32, COLUMN in and out
    schedule : (_, columns) int32
        Each schedule's checkpoints, rising, then what no run reaches.
    numbers : (3,) real; inverse : (PARTS C,) real, 1/B
    shift64 : (1,), width, height : (PARTS C,) float64
        s, B and A.
    tables : int32, the bits of uint32
        Tables of the binomial law.
    state : (STATE, PARTS C, lanes) real, in and out
    sums : (SUMS, C, lanes) float64, in and out
    curves : (CURVES, columns, lanes), finals : (FINALS, lanes), ends : (D, lanes) float64, out
    path : (T, D, lanes) float64, heads : (T, workers, D, lanes) int32, out
        Written if TRAJECTORY.
    start, stop, lanes, columns, workers : int32
    """
    PADDED: tl.constexpr = PARTS * C != D
    real: tl.constexpr = state.dtype.element_ty
    block = tl.program_id(0)
    lane = tl.arange(0, C)[None, :]
    own = ()
    for i in tl.static_range(SETTINGS):
        own = own + (tl.load(settings + block * SETTINGS + i),)
    row = rows_of(settings, block, R, C)
    scale = tl.load(scales + block)
    minus_gamma = tl.load(hyper + MINUS_GAMMA * lanes + row)
    beta1 = tl.load(hyper + BETA1 * lanes + row)
    one_minus_beta1 = tl.load(hyper + ONE_MINUS_BETA1 * lanes + row)
    beta2 = tl.load(hyper + BETA2 * lanes + row)
    one_minus_beta2 = tl.load(hyper + ONE_MINUS_BETA2 * lanes + row)
    floor = tl.load(hyper + FLOOR * lanes + row)
    own_rho = tl.load(rho + row)
    none = (row * 0).to(tl.uint32)
    keys = (
        none + tl.load(whole + KEY0 * lanes + row).to(tl.uint32, bitcast=True),
        none + tl.load(whole + KEY1 * lanes + row).to(tl.uint32, bitcast=True),
        none + tl.load(whole + REPLICATE * lanes + row).to(tl.uint32, bitcast=True),
    )
    steps = tl.load(whole + STEPS * lanes + row)
    column = tl.load(whole + COLUMN * lanes + row)
    due = tl.load(schedule + tl.load(whole + SCHEDULE * lanes + row) * columns + column)
    next_due = tl.min(due)
    constants = (
        tl.load(numbers + HEIGHT), tl.load(numbers + SHIFT), tl.load(numbers + LARGEST)
    )  # fmt: skip
    largest = constants[LARGEST].to(tl.float64)
    scalar = tl.load(inverse)

    x, m, v, v_hat, eta, words, inverses = (), (), (), (), (), (), ()
    for k in tl.static_range(PARTS):
        j = lane + k * C
        state_at = state + j.to(tl.int64) * lanes + row
        x = x + (tl.load(state_at + X * PARTS * C * lanes),)
        m = m + (tl.load(state_at + M * PARTS * C * lanes),)
        if ADAPTS:
            v = v + (tl.load(state_at + V * PARTS * C * lanes),)
            v_hat = v_hat + (tl.load(state_at + V_HAT * PARTS * C * lanes),)
            eta = eta + (inverse_root(v_hat[k]),)
        else:
            eta = eta + (tl.load(hyper + ETA * lanes + row),)
        if not MANY:
            words = words + (none, none, none, none)
        if SPECTRUM:
            inverses = inverses + (tl.load(inverse + j),)
        else:
            inverses = inverses + (scalar,)
    sum_at = sums + lane * lanes + row
    grad = tl.load(sum_at + GRAD * C * lanes)
    weighted = tl.load(sum_at + WEIGHTED * C * lanes)
    l1 = tl.load(sum_at + L1 * C * lanes)
    l2 = tl.load(sum_at + L2 * C * lanes)
    adaptive = tl.load(sum_at + ADAPTIVE * C * lanes)
    max_abs = tl.load(sum_at + MAX_ABS * C * lanes).to(real)

    t = start
    end = tl.minimum(stop, own[MOST_STEPS])
    while t < end:
        t64 = t.to(tl.int64)
        if not MANY:
            if ((t & ((1 << own[LOG_STEPS]) - 1)) == 0) | (t == start):
                fresh = ()
                for k in tl.static_range(PARTS):
                    fresh = fresh + block_words(t, lane + k * C, t * 0, keys, own)
                words = fresh

        S, G, noise = (), (), ()
        if IS_LOCAL:
            for k in tl.static_range(PARTS):
                S = S + (tl.zeros_like(x[k]),)
                G = G + (tl.zeros_like(x[k]),)
            worker = t * 0
            while worker < own[WORKERS]:
                norm2 = tl.zeros_like(grad)
                along, own_noise = (), ()
                for k in tl.static_range(PARTS):
                    j = lane + k * C
                    h = worker_heads(t, j, worker, keys, own, tables)
                    if TRAJECTORY:
                        head_at = heads + ((t64 * workers + worker) * D + j) * lanes + row
                        tl.store(head_at, h, (t < steps) & (j < D))
                    own_noise = own_noise + ((2 * h - own[B]).to(real) * scale,)
                    true, s = gradients(x[k], own_noise[k], inverses[k], constants, PROFILE, SHIFTS)
                    if PADDED:
                        s = tl.where(j < D, s, 0.0)
                    along = along + (s,)
                    s64 = s.to(tl.float64)
                    norm2 += s64 * s64
                reach, excess = reach_of(norm2, own_rho, largest)
                reach, excess = reach.to(real), excess.to(real)
                S_sum, G_sum = (), ()
                for k in tl.static_range(PARTS):
                    true, g = gradients(
                        moved(x[k], along[k], reach, excess), own_noise[k], inverses[k], constants,
                        PROFILE, SHIFTS,
                    )  # fmt: skip
                    S_sum = S_sum + (S[k] + along[k],)
                    if PADDED:
                        g = tl.where(lane + k * C < D, g, 0.0)
                    G_sum = G_sum + (G[k] + g,)
                S, G = S_sum, G_sum
                worker += 1
            n = own[WORKERS].to(real)
            S_mean, G_mean = (), ()
            for k in tl.static_range(PARTS):
                S_mean = S_mean + (divide(S[k], n),)
                G_mean = G_mean + (divide(G[k], n),)
                noise = noise + (tl.zeros_like(x[k]),)
            S, G = S_mean, G_mean
        elif MANY:
            for k in tl.static_range(PARTS):
                j = lane + k * C
                total = none.to(tl.int64)
                worker = t * 0
                while worker < own[WORKERS]:
                    h = worker_heads(t, j, worker, keys, own, tables)
                    if TRAJECTORY:
                        head_at = heads + ((t64 * workers + worker) * D + j) * lanes + row
                        tl.store(head_at, h, (t < steps) & (j < D))
                    total += (2 * h - own[B]).to(tl.int64)
                    worker += 1
                noise = noise + (total.to(real) * scale,)
        else:
            for k in tl.static_range(PARTS):
                j = lane + k * C
                h = field_heads(
                    words[4 * k], words[4 * k + 1], words[4 * k + 2], words[4 * k + 3], t, own,
                    tables,
                )  # fmt: skip
                if TRAJECTORY:
                    head_at = heads + (t64 * workers * D + j) * lanes + row
                    tl.store(head_at, h, (t < steps) & (j < D))
                noise = noise + ((2 * h - own[B]).to(real) * scale,)

        norm2 = tl.zeros_like(grad)
        for k in tl.static_range(PARTS):
            j = lane + k * C
            true, s = gradients(x[k], noise[k], inverses[k], constants, PROFILE, SHIFTS)
            if PADDED:
                s = tl.where(j < D, s, 0.0)
                true = tl.where(j < D, true, 0.0)
            if IS_LOCAL:
                s = S[k]
            else:
                S = S + (s,)
                s64 = s.to(tl.float64)
                norm2 += s64 * s64
            u = true.to(tl.float64)
            grad += u * u
            if ADAPTS:
                weighted += u * u * eta[k].to(tl.float64)
            max_abs = tl.maximum(max_abs, tl.abs(s))
        if not IS_LOCAL:
            if PERTURBS:
                reach, excess = reach_of(norm2, own_rho, largest)
                reach, excess = reach.to(real), excess.to(real)
                for k in tl.static_range(PARTS):
                    true, g = gradients(
                        moved(x[k], S[k], reach, excess), noise[k], inverses[k], constants, PROFILE,
                        SHIFTS,
                    )  # fmt: skip
                    if PADDED:
                        g = tl.where(lane + k * C < D, g, 0.0)
                    G = G + (g,)
            else:
                G = S

        new_x, new_m, new_v, new_v_hat, new_eta = (), (), (), (), ()
        active = none.to(tl.int32)
        for k in tl.static_range(PARTS):
            g = G[k]
            max_abs = tl.maximum(max_abs, tl.abs(g))
            momentum = beta1 * m[k] + one_minus_beta1 * g
            step = eta[k]
            if ADAPTS:
                square = beta2 * v[k] + one_minus_beta2 * (g * g)
                if KEEPS_MAX:
                    largest_square = tl.maximum(v_hat[k], square)
                else:
                    largest_square = tl.maximum(floor, square)
                step = inverse_root(largest_square)
                change = tl.abs(step.to(tl.float64) - eta[k].to(tl.float64))
                l1 += change
                l2 += change * change
                active += (largest_square > floor).to(tl.int32)
                new_v = new_v + (square,)
                new_v_hat = new_v_hat + (largest_square,)
                new_eta = new_eta + (step,)
            new_x = new_x + (x[k] + minus_gamma * momentum * step,)
            new_m = new_m + (momentum,)
        x, m = new_x, new_m
        if ADAPTS:
            v, v_hat, eta = new_v, new_v_hat, new_eta
            adaptive += active.to(tl.float64)
        if TRAJECTORY:
            for k in tl.static_range(PARTS):
                j = lane + k * C
                path_at = path + (t64 * D + j) * lanes + row
                tl.store(path_at, x[k].to(tl.float64), (t < steps) & (j < D))
        t += 1

        if t == next_due:
            hit = due == t
            here = rows_of(settings, block, R, C)
            curve_at = curves + column.to(tl.int64) * lanes + here
            tl.store(curve_at + GRAD * columns * lanes, tl.sum(grad, axis=1)[:, None], hit)
            tl.store(curve_at + WEIGHTED * columns * lanes, tl.sum(weighted, axis=1)[:, None], hit)
            now = objective(x, width, height, shift64, lane, D, C, PARTS, PROFILE, SHIFTS)
            tl.store(curve_at + OBJECTIVE * columns * lanes, now, hit)
            last = hit & (steps == t)
            final_at = finals + here
            tl.store(final_at, tl.sum(l1, axis=1)[:, None], last)
            tl.store(final_at + lanes, tl.sum(l2, axis=1)[:, None], last)
            tl.store(final_at + 2 * lanes, tl.sum(adaptive, axis=1)[:, None], last)
            most = tl.max(max_abs, axis=1)[:, None]
            tl.store(final_at + 3 * lanes, most.to(tl.float64), last)
            for k in tl.static_range(PARTS):
                j = lane + k * C
                tl.store(ends + j.to(tl.int64) * lanes + here, x[k].to(tl.float64), last & (j < D))
            column += hit.to(tl.int32)
            checkpoints = tl.load(whole + SCHEDULE * lanes + here) * columns
            due = tl.load(schedule + checkpoints + column)
            next_due = tl.min(due)

    row = rows_of(settings, block, R, C)
    sum_at = sums + lane * lanes + row
    for k in tl.static_range(PARTS):
        state_at = state + (lane + k * C).to(tl.int64) * lanes + row
        tl.store(state_at + X * PARTS * C * lanes, x[k])
        tl.store(state_at + M * PARTS * C * lanes, m[k])
        if ADAPTS:
            tl.store(state_at + V * PARTS * C * lanes, v[k])
            tl.store(state_at + V_HAT * PARTS * C * lanes, v_hat[k])
    tl.store(sum_at + GRAD * C * lanes, grad)
    tl.store(sum_at + WEIGHTED * C * lanes, weighted)
    tl.store(sum_at + L1 * C * lanes, l1)
    tl.store(sum_at + L2 * C * lanes, l2)
    tl.store(sum_at + ADAPTIVE * C * lanes, adaptive)
    tl.store(sum_at + MAX_ABS * C * lanes, max_abs.to(tl.float64))
    tl.store(whole + COLUMN * lanes + row, column)
