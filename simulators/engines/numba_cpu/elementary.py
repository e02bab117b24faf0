"""sin, tanh, exp, expm1 and log1p of vectors.

Calls into the C library are done number by number and keep a loop out of the processor's vectors.
These are arithmetic alone: the argument is reduced and a Taylor polynomial does the rest, whose
first omitted term is below half a unit in the last place. They take a vector of float32 or float64
of code being written, a `vectors.Value`, and write their code behind it.
"""

import math
from collections.abc import Sequence

import numpy as np
from llvmlite import ir

from simulators.engines.numba_cpu.vectors import (
    FLOAT32,
    FLOAT64,
    INT32,
    INT64,
    Value,
    select,
    size,
    smaller,
)

LN2 = math.log(2.0)

# Parts of pi and of ln 2 whose last bits are zero, so that small whole multiples are exact.
_PI = {
    FLOAT64: tuple(
        map(float.fromhex, ("0x1.921fb544p+1", "0x1.0b4611a6p-33", "0x1.3198a2e037073p-68"))
    ),
    FLOAT32: (3.140625, 9.67502593994140625e-4, 1.509957990978376432e-7),
}
_LN2 = {
    FLOAT64: (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    FLOAT32: (0.693359375, -2.12194440054690583e-4),
}
_ROUNDER = {FLOAT64: 1.5 * 2.0**52, FLOAT32: 1.5 * 2.0**23}
"""Added to x, it leaves x rounded to a whole number in the last bits."""

_MANTISSA = {FLOAT64: 52, FLOAT32: 23}
_BIAS = {FLOAT64: 1023, FLOAT32: 127}
_WORD: dict[ir.Type, ir.IntType] = {FLOAT64: INT64, FLOAT32: INT32}


def sin(u: Value) -> Value:
    """Return sin u; off by no more than a change of u in its last place makes, plus 2^-53."""
    rounder, word = _ROUNDER[u.number], _WORD[u.number]
    pi1, pi2, pi3 = _PI[u.number]
    shifted = u * (1 / math.pi) + rounder
    k = shifted - rounder
    r = ((u - k * pi1) - k * pi2) - k * pi3
    # sin r = r + r^3 q(r^2) on |r| <= pi/2, up to the power 21 or 13.
    square = r * r
    powers = range(21 if u.number == FLOAT64 else 13, 2, -2)
    q = _polynomial(square, [(-1) ** (n // 2) / math.factorial(n) for n in powers])
    value = r + r * square * q
    sign = shifted.read_as(word) << (word.width - 1)
    return (value.read_as(word) ^ sign).read_as(u.number)


def expm1(x: Value) -> Value:
    """Return e^x - 1 for -80 <= x <= 0 (float64: -700); accurate to rounding."""
    power, rest = _exponential(x)
    return power * rest + (power - 1.0)


def exp(x: Value) -> Value:
    """Return e^x for -80 <= x <= 0 (float64: -700); accurate to rounding."""
    power, rest = _exponential(x)
    return power * (1.0 + rest)


def _exponential(x: Value) -> tuple[Value, Value]:
    """Return 2^k and the rest that make e^x = 2^k (1 + rest)."""
    rounder, word = _ROUNDER[x.number], _WORD[x.number]
    ln2_1, ln2_2 = _LN2[x.number]
    shifted = x * (1 / LN2) + rounder
    k = shifted - rounder
    r = (x - k * ln2_1) - k * ln2_2
    power = (shifted.read_as(word) + _BIAS[x.number]) << _MANTISSA[x.number]
    # e^r - 1 = r + r^2 q(r) on |r| <= ln(2)/2, up to the power 13 or 7.
    powers = range(13 if x.number == FLOAT64 else 7, 1, -1)
    q = _polynomial(r, [1 / math.factorial(n) for n in powers])
    return power.read_as(x.number), r + r * r * q


def tanh(u: Value) -> Value:
    """Return tanh u, accurate to rounding."""
    e = expm1(-2.0 * smaller(size(u), u.like(40.0)))
    value = -1.0 * e / (2.0 + e)
    return select(u >= 0.0, value, -1.0 * value)


def log1p(z: Value) -> Value:
    """Return log(1 + z) of float64 z >= 0, accurate to rounding."""
    root_half = int(np.float64(math.sqrt(0.5)).view(np.int64))
    one, mask = int(np.float64(1.0).view(np.int64)), (1 << 52) - 1
    ln2_1, ln2_2 = _LN2[FLOAT64]
    y = 1.0 + z
    whole = y.read_as(INT64) + (one - root_half)
    k = ((whole >> 52) - 1023).to(FLOAT64)
    m = ((whole & mask) + root_half).read_as(FLOAT64)
    lost = select(z < 1e15, z - (y - 1.0), z.like(0.0))
    # log m = 2 atanh(s), s = (m - 1)/(m + 1), sqrt(1/2) <= m < sqrt(2), up to the power 23.
    f = m - 1.0
    s = f / (2.0 + f)
    square = s * s
    q = _polynomial(square, [2 / n for n in range(23, 1, -2)])
    return k * ln2_1 + ((2.0 * s + s * square * q) + (lost / y + k * ln2_2))


def _polynomial(y: Value, coefficients: Sequence[float]) -> Value:
    """Return a polynomial's value by Horner's rule, the coefficient of the highest power first."""
    first, *rest = coefficients
    value = y.like(first)
    for coefficient in rest:
        value = value * y + coefficient
    return value
