"""Gradients and values of the separable problems in the numba engine's loops."""

from collections.abc import Iterator

from simulators.engines.numba_cpu.elementary import LN2, expm1, log1p, sin, tanh
from simulators.engines.numba_cpu.layout import (
    HEIGHT,
    MOVE,
    NOISE,
    OBJECTIVE,
    ONE,
    OWN,
    POINT,
    PROBLEM,
    PROFILES,
    REACH,
    ROTATES,
    SPARE_ROW,
    TURNED,
    Block,
    U,
    X,
    routine,
)
from simulators.engines.numba_cpu.vectors import (
    FLOAT64,
    Place,
    Value,
    larger,
    select,
    size,
    smaller,
    sqrt,
)


def _clip(u: Value, low: float, high: float) -> Value:
    return smaller(larger(u, u.like(low)), u.like(high))


def _slope(profile: str, u: Value, one: Value) -> Value:
    """Return psi'(u); ``one`` is 1."""
    match profile:
        case "huber":
            return smaller(larger(u, -1.0 * one), one)
        case "pseudo_huber":
            return u / sqrt(1.0 + u * u)
        case "log_cosh":
            return tanh(u)
        case "cosine":
            return sin(u)
        case "rational":
            low = 1.0 + (27 / 256) * (u * u)
            return u / (low * low)
        case "log_rational":
            return u / (1.0 + 0.25 * (u * u))
        case "two_basin":
            down, up = _clip(u - 4.0, 0, 1.25), _clip(u - 5.25, 0, 1.75)
            return _clip(0.125 * u, -1, 0.5) - down + up
    # Reached by a profile that is new to `PROFILES` alone: no slope but its own may stand in.
    raise NotImplementedError(f"the numba engine does not know the slope of {profile}")


def _value(profile: str, u: Value) -> Value:
    """Return psi(u) of float64."""
    away = size(u)
    match profile:
        case "huber":
            inside = smaller(away, u.like(1))
            return inside * (away - 0.5 * inside)
        case "pseudo_huber":
            return u * u / (1.0 + sqrt(1.0 + u * u))
        case "log_cosh":
            # With t = e^-|u| - 1: cosh u - 1 = t^2/(2 (1 + t)) keeps the digits near 0; far away
            # log cosh u = |u| - log 2 + log(1 + e^-2|u|) does.
            t = expm1(-1.0 * smaller(away, u.like(40)))
            near = t * t / (2.0 * (1.0 + t))
            far = (1.0 + t) * (1.0 + t)
            is_near = away < 1.0
            return log1p(select(is_near, near, far)) + select(is_near, u.like(0), away - LN2)
        case "cosine":
            half = sin(0.5 * u)
            return 2.0 * half * half
        case "rational":
            return 0.5 * u * u / (1.0 + u * u * (27.0 / 256.0))
        case "log_rational":
            return 2.0 * log1p(0.25 * u * u)
        case "two_basin":
            flat = _clip(0.125 * u, -1, 0.5)
            down, up = _clip(u - 4.0, 0, 1.25), _clip(u - 5.25, 0, 1.75)
            return (
                flat * (u - 4.0 * flat) - down * (u - 4.0 - 0.5 * down) + up * (u - 5.25 - 0.5 * up)
            )
    # Reached by a profile that is new to `PROFILES` alone: no value but its own may stand in.
    raise NotImplementedError(f"the numba engine does not know the value of {profile}")


class Gradients:
    """The gradients of a coordinate, of one profile and one law of noise."""

    def __init__(self, k: Block, profile: str, shifts: bool) -> None:
        self._profile, self._shifts = profile, shifts
        self._height, self._move, self._one = (
            k.zero.like(k.numbers.get(number)) for number in (HEIGHT, MOVE, ONE)
        )
        self._move64 = k.zero64.like(k.numbers64.get(MOVE))
        self._inverse = k.inverse

    def at(self, p: Value, j: Value, noise: Value) -> tuple[Value, Value]:
        """Return the true gradient of unturned coordinate j at p, and what noise adds to it."""
        u = p * self._inverse.get(j)
        if not self._shifts:
            return self._slope(u) * self._height, noise
        right, left = self._slope(u + self._move), self._slope(u - self._move)
        half = 0.5 * self._height
        return (right + left) * half, ((left - right) * noise) * half

    def _slope(self, u: Value) -> Value:
        return _slope(self._profile, u, self._one)

    def value(self, u: Value) -> Value:
        """Return the mean of psi over the shifts of u, float64."""
        if not self._shifts:
            return _value(self._profile, u)
        right, left = u + self._move64, u - self._move64
        return 0.5 * (_value(self._profile, right) + _value(self._profile, left))


def problems(k: Block) -> Iterator[Gradients]:
    """Write what is done for each kind of problem."""
    for number in k.cases(k.setting(PROBLEM), 2 * len(PROFILES)):
        yield Gradients(k, PROFILES[number // 2], number % 2 == 1)


def _point(k: Block, c: Value, n: Value, moved: Value) -> Value:
    """Return a coordinate of x, or of x + delta, delta along OWN."""
    x = k.of(n, X)
    return select(moved > 0, x + k.run(c, REACH) * k.spare_of(n, OWN), x)


@routine
def _turn(k: Block, moved: Value) -> None:
    """Put Qx, or Q(x + delta), into TURNED."""
    with k.loop(k.chunks) as c:
        first = c * k.d
        with k.loop(k.d) as j:
            k.set_spare_of(first + j, POINT, _point(k, c, first + j, moved))
        with k.loop(k.d) as j:
            total = k.variable(k.zero)
            with k.loop(k.d) as i:
                q = k.Q.get(j * k.d + i)
                total.set(total.get() + k.spare_of(first + i, POINT) * q)
            k.set_spare_of(first + j, TURNED, total.get())


@routine
def _turn_back(k: Block, to: Value) -> None:
    """From the gradients in the turned coordinates, U and ``to``, make those in x's."""
    shifts = k.setting(PROBLEM) & 1
    with k.loop(k.chunks) as c:
        first = c * k.d
        with k.loop(k.d) as j:
            n = first + j
            k.set_spare_of(n, POINT, k.spare_of(n, U))
            k.set_spare_of(n, TURNED, k.spare.load((n * SPARE_ROW + to) * k.W))
        with k.loop(k.d) as j:
            n = first + j
            u, tilt = k.variable(k.zero), k.variable(k.zero)
            with k.loop(k.d) as i:
                q = k.Q.get(i * k.d + j)
                u.set(u.get() + k.spare_of(first + i, POINT) * q)
                with k.when(shifts):
                    tilt.set(tilt.get() + k.spare_of(first + i, TURNED) * q)
            # Noise that is added is not turned.
            added = select(shifts > 0, tilt.get(), k.of(n, NOISE))
            k.set_spare_of(n, U, u.get())
            k.spare.store((n * SPARE_ROW + to) * k.W, u.get() + added)


@routine
def put_gradients(k: Block, moved: Value, to: Value) -> None:
    """Put the gradients at x, or at x + delta, into U and ``to``."""
    rotates = k.setting(ROTATES)
    with k.when(rotates):
        _turn(k, moved)
    for gradients in problems(k):
        with k.loop(k.chunks) as c, k.loop(k.d) as j:
            n = c * k.d + j
            p = select(rotates > 0, k.spare_of(n, TURNED), _point(k, c, n, moved))
            u, tilt = gradients.at(p, j, k.of(n, NOISE))
            k.set_spare_of(n, U, u)
            # The turned tilt is turned back on its own.
            whole = select(rotates > 0, tilt, u + tilt)
            k.spare.store((n * SPARE_ROW + to) * k.W, whole)
    with k.when(rotates):
        _turn_back(k, to)


@routine
def put_objective(k: Block) -> None:
    """Put f(x) into OBJECTIVE; all in float64."""
    with k.loop(k.chunks) as c:
        first = c * k.d
        total = k.variable(k.zero64)
        for gradients in problems(k):
            with k.loop(k.d) as j:
                p = k.variable(k.of(first + j, X).to(FLOAT64))
                with k.when(k.setting(ROTATES)):
                    p.set(_turned(k, k.Q64, first, j))
                value = gradients.value(p.get() * k.inverse64.get(j))
                total.set(total.get() + k.heights.get(j) * value)
        k.set_sum(c, OBJECTIVE, total.get())


def _turned(k: Block, Q: Place, first: Value, j: Value) -> Value:
    """Return coordinate j of Qx in float64."""
    total = k.variable(k.zero64)
    with k.loop(k.d) as i:
        total.set(total.get() + k.of(first + i, X).to(FLOAT64) * Q.get(j * k.d + i))
    return total.get()
