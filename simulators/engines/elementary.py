"""sin, tanh and log1p that a compiler can vectorise.

Calls into the C library are done one by one, which costs a step of a simulation four times its
time. These are arithmetic alone: the argument is reduced and a Taylor polynomial does the rest,
whose first omitted term is below half a unit in the last place. They take scalars of float32 or
float64 inside compiled code, and scalar and vector code give the same bits.
"""

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

JIT = {"error_model": "numpy", "forceinline": True}

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

_NUMBER = {types.float64: np.float64, types.float32: np.float32}
_WHOLE = {types.float64: types.int64, types.float32: types.int32}
_CAST = {types.float64: np.int64, types.float32: np.int32}
_REAL = {whole: real for real, whole in _WHOLE.items()}
_WIDTH = {types.float64: 64, types.float32: 32}
_MANTISSA = {types.float64: 52, types.float32: 23}
_BIAS = {types.float64: 1023, types.float32: 127}


@intrinsic
def _bits(typingctx, x):
    """Read a float as the whole number of its size."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(_WIDTH[x]))

    return _WHOLE[x](x), codegen


@intrinsic
def _from_bits(typingctx, n):
    """Read a whole number as the float of its size."""

    def codegen(context, builder, signature, args):
        kind = ir.DoubleType() if n == types.int64 else ir.FloatType()
        return builder.bitcast(args[0], kind)

    return _REAL[n](n), codegen


@intrinsic
def shift_right(typingctx, word, count):
    """Shift a uint32 to the right by 0 to 31 bits in 32 bits, not in the 64 that numba takes."""

    def codegen(context, builder, signature, args):
        return builder.lshr(*args)

    return types.uint32(types.uint32, types.uint32), codegen


def sin(u):
    """Return sin u; off by no more than a change of u in its last place makes, plus 2^-53."""
    raise NotImplementedError("for compiled code")


@overload(sin, jit_options=JIT)
def _sin(u):
    number, rounder = _NUMBER[u], _NUMBER[u](_ROUNDER[u])
    pi1, pi2, pi3 = map(number, _PI[u])
    one_over_pi = number(1 / math.pi)
    whole, top = _CAST[u], _WIDTH[u] - 1
    # sin r = r + r^3 q(r^2) on |r| <= pi/2, up to the power 21 or 13.
    powers = range(21 if u == types.float64 else 13, 2, -2)
    q = _polynomial([(-1) ** (n // 2) / math.factorial(n) for n in powers], number)

    def code(u):
        shifted = u * one_over_pi + rounder
        k = shifted - rounder
        r = ((u - k * pi1) - k * pi2) - k * pi3
        square = r * r
        value = r + r * square * q(square)
        return _from_bits(whole(_bits(value) ^ (_bits(shifted) << top)))

    return code


def expm1(x):
    """Return e^x - 1 for -80 <= x <= 0 (float64: -700); accurate to rounding."""
    raise NotImplementedError("for compiled code")


@overload(expm1, jit_options=JIT)
def _expm1(x):
    number, rounder = _NUMBER[x], _NUMBER[x](_ROUNDER[x])
    ln2_1, ln2_2 = map(number, _LN2[x])
    log2_e, one = number(1 / LN2), number(1)
    whole, bias, mantissa = _CAST[x], _BIAS[x], _MANTISSA[x]
    # e^r - 1 = r + r^2 q(r) on |r| <= ln(2)/2, up to the power 13 or 7.
    powers = range(13 if x == types.float64 else 7, 1, -1)
    q = _polynomial([1 / math.factorial(n) for n in powers], number)

    def code(x):
        shifted = x * log2_e + rounder
        k = shifted - rounder
        r = (x - k * ln2_1) - k * ln2_2
        power = _from_bits(whole((_bits(shifted) + bias) << mantissa))  # 2^k
        return power * (r + r * r * q(r)) + (power - one)

    return code


def exp(x):
    """Return e^x for -80 <= x <= 0 (float64: -700); accurate to rounding."""
    raise NotImplementedError("for compiled code")


@overload(exp, jit_options=JIT)
def _exp(x):
    number, rounder = _NUMBER[x], _NUMBER[x](_ROUNDER[x])
    ln2_1, ln2_2 = map(number, _LN2[x])
    log2_e, one = number(1 / LN2), number(1)
    whole, bias, mantissa = _CAST[x], _BIAS[x], _MANTISSA[x]
    # e^r = 1 + (r + r^2 q(r)) on |r| <= ln(2)/2, up to the power 13 or 7.
    powers = range(13 if x == types.float64 else 7, 1, -1)
    q = _polynomial([1 / math.factorial(n) for n in powers], number)

    def code(x):
        shifted = x * log2_e + rounder
        k = shifted - rounder
        r = (x - k * ln2_1) - k * ln2_2
        power = _from_bits(whole((_bits(shifted) + bias) << mantissa))  # 2^k
        return power * (one + (r + r * r * q(r)))

    return code


def tanh(u):
    """Return tanh u, accurate to rounding."""
    raise NotImplementedError("for compiled code")


@overload(tanh, jit_options=JIT)
def _tanh(u):
    number = _NUMBER[u]
    zero, two, far = number(0), number(2), number(40)

    def code(u):
        size = min(abs(u), far)
        e = expm1(-two * size)
        value = -e / (two + e)
        return value if u >= zero else -value

    return code


def log1p(z):
    """Return log(1 + z) of a float64 z >= 0, accurate to rounding."""
    raise NotImplementedError("for compiled code")


@overload(log1p, jit_options=JIT)
def _log1p(z):
    # log m = 2 atanh(s), s = (m - 1)/(m + 1), sqrt(1/2) <= m < sqrt(2), up to the power 23.
    q = _polynomial([2 / n for n in range(23, 1, -2)], np.float64)
    root_half = np.float64(math.sqrt(0.5)).view(np.int64)
    one, mask = np.float64(1.0).view(np.int64), (1 << 52) - 1
    ln2_1, ln2_2 = _LN2[types.float64]

    def code(z):
        y = 1.0 + z
        bits = _bits(y) + (one - root_half)
        k = float((bits >> 52) - 1023)
        m = _from_bits((bits & mask) + root_half)
        lost = z - (y - 1.0) if z < 1e15 else 0.0
        f = m - 1.0
        s = f / (2.0 + f)
        square = s * s
        return k * ln2_1 + ((2.0 * s + s * square * q(square)) + (lost / y + k * ln2_2))

    return code


def _polynomial(coefficients, number):
    """Compile Horner's rule, the highest power first."""
    names = {f"c{i}": number(value) for i, value in enumerate(coefficients)}
    text = "c0"
    for name in list(names)[1:]:
        text = f"({text}) * y + {name}"
    scope = dict(names)
    exec(f"def horner(y):\n    return {text}\n", scope)
    return njit(**JIT)(scope["horner"])
