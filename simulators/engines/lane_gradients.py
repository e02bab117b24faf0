"""Gradients and values of the separable problems in the numba engine's loops."""

# numba gives these functions their types; the checker sees only their Python.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportAssignmentType=false, reportIndexIssue=false

from numba import njit

from simulators.engines.elementary import LN2, expm1, log1p, sin, tanh
from simulators.engines.lane_layout import (
    CALL,
    HEIGHT,
    MOVE,
    NOISE,
    OBJECTIVE,
    OWN,
    POINT,
    PROFILE,
    REACH,
    ROTATES,
    ROW,
    RUN_ROW,
    SHIFTS,
    SPARE_ROW,
    SUM_ROW,
    TURNED,
    U,
    X,
)
from simulators.engines.vectors import (
    INLINE,
    get,
    larger,
    like,
    load,
    pointer,
    size,
    smaller,
    sqrt,
    store,
    to_float64,
    where,
    width,
)


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
def problem_of(k):
    """Return what `pair` needs of the problem."""
    return (
        get(k.settings, PROFILE), get(k.settings, SHIFTS), get(k.numbers, HEIGHT),
        get(k.numbers, MOVE),
    )  # fmt: skip


@njit(**INLINE)
def pair(laws, p, inverse, noise):
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
def put_gradients(k, moved, to):
    """Put the gradients at x, or at x + delta, into U and ``to``."""
    W = width(k.rows)
    rotates, laws = get(k.settings, ROTATES), problem_of(k)
    if rotates:
        _turn(k, moved)
    for c in range(k.chunks):
        for j in range(k.d):
            n = c * k.d + j
            turned = load(k.spare, (n * SPARE_ROW + TURNED) * W)
            p = turned if rotates else _place(k, c, j, moved)
            u, tilt = pair(laws, p, get(k.inverse, j), load(k.rows, (n * ROW + NOISE) * W))
            store(k.spare, (n * SPARE_ROW + U) * W, u)
            # The turned tilt is turned back on its own.
            store(k.spare, (n * SPARE_ROW + to) * W, tilt if rotates else u + tilt)
    if rotates:
        _turn_back(k, to)


@njit(**CALL)
def put_objective(k, problem, room):
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
