"""sin, tanh, exp, expm1 and log1p of vectors.

Calls into the C library are done number by number and keep a loop out of the processor's vectors.
These are arithmetic alone: the argument is reduced and a Taylor polynomial does the rest, whose
first omitted term is below half a unit in the last place. They take a `Vector` of float32 or
float64. In Python a function here is a name only and refuses to be called: within compiled code
numba puts the overload that follows it in its place.
"""

# numba gives these functions their types; the checker sees only their Python.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportAssignmentType=false, reportIndexIssue=false

import math
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np
from numba import njit, types
from numba.extending import overload

from simulators.engines.vectors import (
    INLINE,
    bits,
    from_bits,
    like,
    rounded_like,
    size,
    smaller,
    where,
)

LN2 = math.log(2.0)

# Parts of pi and of ln 2 whose last bits are zero, so that small whole multiples are exact.
_PI = {
    types.float64: tuple(
        map(float.fromhex, ("0x1.921fb544p+1", "0x1.0b4611a6p-33", "0x1.3198a2e037073p-68"))
    ),
    types.float32: (3.140625, 9.67502593994140625e-4, 1.509957990978376432e-7),
}
_LN2 = {
    types.float64: (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    types.float32: (0.693359375, -2.12194440054690583e-4),
}
_ROUNDER = {types.float64: 1.5 * 2.0**52, types.float32: 1.5 * 2.0**23}
"""Added to x, it leaves x rounded to a whole number in the last bits."""

_MANTISSA = {types.float64: 52, types.float32: 23}
_BIAS = {types.float64: 1023, types.float32: 127}


def _compiled_only() -> NoReturn:
    # A function below is a name for numba, which puts the overload that follows it in its place;
    # its Python is never run, and must not seem to work.
    raise NotImplementedError("for compiled code: NumPy has this function for Python")


def sin(u: Any) -> Any:
    """Return sin u; off by no more than a change of u in its last place makes, plus 2^-53."""
    _compiled_only()


@overload(sin, jit_options=INLINE)
def _sin(u):
    number = u.dtype
    rounder, top = _ROUNDER[number], number.bitwidth - 1
    pi1, pi2, pi3 = _PI[number]
    one_over_pi = 1 / math.pi
    # sin r = r + r^3 q(r^2) on |r| <= pi/2, up to the power 21 or 13.
    powers = range(21 if number == types.float64 else 13, 2, -2)
    q = _polynomial((-1) ** (n // 2) / math.factorial(n) for n in powers)

    def code(u):
        shifted = u * one_over_pi + rounder
        k = shifted - rounder
        r = ((u - k * pi1) - k * pi2) - k * pi3
        square = r * r
        value = r + r * square * q(square)
        return from_bits(bits(value) ^ (bits(shifted) << top))

    return code


def expm1(x: Any) -> Any:
    """Return e^x - 1 for -80 <= x <= 0 (float64: -700); accurate to rounding."""
    _compiled_only()


@overload(expm1, jit_options=INLINE)
def _expm1(x):
    return _exponential(x, _less_one)


def exp(x: Any) -> Any:
    """Return e^x for -80 <= x <= 0 (float64: -700); accurate to rounding."""
    _compiled_only()


@overload(exp, jit_options=INLINE)
def _exp(x):
    return _exponential(x, _whole)


@njit(**INLINE)
def _less_one(power, rest):
    return power * rest + (power - 1.0)


@njit(**INLINE)
def _whole(power, rest):
    return power * (1.0 + rest)


def _exponential(x: Any, finish: Any) -> Any:
    """Return code that writes e^x as 2^k (1 + rest), and finishes from these."""
    number = x.dtype
    rounder, bias, mantissa = _ROUNDER[number], _BIAS[number], _MANTISSA[number]
    ln2_1, ln2_2 = _LN2[number]
    log2_e = 1 / LN2
    # e^r - 1 = r + r^2 q(r) on |r| <= ln(2)/2, up to the power 13 or 7.
    powers = range(13 if number == types.float64 else 7, 1, -1)
    q = _polynomial(1 / math.factorial(n) for n in powers)

    def code(x):
        shifted = x * log2_e + rounder
        k = shifted - rounder
        r = (x - k * ln2_1) - k * ln2_2
        power = from_bits((bits(shifted) + bias) << mantissa)  # 2^k
        return finish(power, r + r * r * q(r))

    return code


def tanh(u: Any) -> Any:
    """Return tanh u, accurate to rounding."""
    _compiled_only()


@overload(tanh, jit_options=INLINE)
def _tanh(u):
    def code(u):
        e = expm1(-2.0 * smaller(size(u), like(u, 40.0)))
        value = -1.0 * e / (2.0 + e)
        return where(u >= 0.0, value, -1.0 * value)

    return code


def log1p(z: Any) -> Any:
    """Return log(1 + z) of float64 z >= 0, accurate to rounding."""
    _compiled_only()


@overload(log1p, jit_options=INLINE)
def _log1p(z):
    # log m = 2 atanh(s), s = (m - 1)/(m + 1), sqrt(1/2) <= m < sqrt(2), up to the power 23.
    q = _polynomial(2 / n for n in range(23, 1, -2))
    root_half = int(np.float64(math.sqrt(0.5)).view(np.int64))
    one, mask = int(np.float64(1.0).view(np.int64)), (1 << 52) - 1
    ln2_1, ln2_2 = _LN2[types.float64]

    def code(z):
        y = 1.0 + z
        whole = bits(y) + (one - root_half)
        k = rounded_like((whole >> 52) - 1023, z)
        m = from_bits((whole & mask) + root_half)
        lost = where(z < 1e15, z - (y - 1.0), 0.0)
        f = m - 1.0
        s = f / (2.0 + f)
        square = s * s
        return k * ln2_1 + ((2.0 * s + s * square * q(square)) + (lost / y + k * ln2_2))

    return code


def _polynomial(coefficients: Iterable[float]) -> Callable[[Any], Any]:
    """Compile Horner's rule, the highest power first."""
    scope: dict[str, Any] = {f"c{i}": value for i, value in enumerate(coefficients)}
    first, second, *rest = scope
    text = f"y * {first} + {second}"
    for name in rest:
        text = f"({text}) * y + {name}"
    exec(f"def horner(y):\n    return {text}\n", scope)
    return njit(**INLINE)(scope["horner"])
