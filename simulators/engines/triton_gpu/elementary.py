# pyright: reportArgumentType=none, reportAttributeAccessIssue=none, reportOperatorIssue=none
# pyright: reportIndexIssue=none, reportReturnType=none, reportCallIssue=none
# pyright: reportAssignmentType=none
"""sin, tanh, expm1 and log1p for Triton, and the profiles made of them.

IEEE additions, products, divisions and roots alone, none of them fused: a GPU and Triton's
interpreter then give the same bits, which calls into a device's library of functions would not.
The reductions of the argument and the polynomials are those of `numba_cpu.elementary`.
"""

import math

import triton
import triton.language as tl

_ONE_OVER_PI = tl.constexpr(1 / math.pi)
_LOG2_E = tl.constexpr(1 / math.log(2.0))
_LN2 = tl.constexpr(math.log(2.0))

# pi in parts whose last bits are zero, so that small whole multiples are exact.
_PI1, _PI2, _PI3 = (
    tl.constexpr(float.fromhex(part))
    for part in ("0x1.921fb544p+1", "0x1.0b4611a6p-33", "0x1.3198a2e037073p-68")
)

# sin r = r + r^3 q(r^2) on |r| <= pi/2; e^r - 1 = r + r^2 q(r) on |r| <= ln(2)/2;
# log m = 2 s + s^3 q(s^2), s = (m - 1)/(m + 1), sqrt(1/2) <= m < sqrt(2).
_SIN64, _SIN32 = (
    tl.constexpr(tuple((-1.0) ** (n // 2) / math.factorial(n) for n in range(top, 2, -2)))
    for top in (21, 13)
)
_EXP64 = tl.constexpr(tuple(1 / math.factorial(n) for n in range(13, 1, -1)))
_EXP32 = tl.constexpr(tuple(1 / math.factorial(n) for n in range(7, 1, -1)))
_LOG64 = tl.constexpr(tuple(2 / n for n in range(23, 1, -2)))

_ROOT_HALF_BITS = tl.constexpr(0x3FE6A09E667F3BCD)
_ONE_BITS = tl.constexpr(0x3FF0000000000000)


@triton.jit
def divide(a, b):
    """Return a/b, correctly rounded."""
    if a.dtype == tl.float32:
        return tl.div_rn(a, b)
    else:
        return a / b


@triton.jit
def root(a):
    """Return sqrt(a), correctly rounded."""
    if a.dtype == tl.float32:
        return tl.sqrt_rn(a)
    else:
        return tl.sqrt(a)


@triton.jit
def clip(a, low, high):
    """Return a within [low, high]."""
    return tl.minimum(tl.maximum(a, low), high)


@triton.jit
def _horner(y, COEFFICIENTS: tl.constexpr, COUNT: tl.constexpr):
    value = tl.zeros_like(y) + COEFFICIENTS[0]
    for i in tl.static_range(1, COUNT):
        value = value * y + COEFFICIENTS[i]
    return value


@triton.jit
def sin(u):
    """Return sin u; off by no more than a change of u in its last place makes, plus 2^-53."""
    # Added to x, the rounder leaves x rounded to a whole number in the last bits.
    if u.dtype == tl.float32:
        rounder: tl.constexpr = 12582912.0
        shifted = u * _ONE_OVER_PI + rounder
        k = shifted - rounder
        r = ((u - k * 3.140625) - k * 9.67502593994140625e-4) - k * 1.509957990978376432e-7
        square = r * r
        value = r + r * square * _horner(square, _SIN32, 6)
        odd = shifted.to(tl.int32, bitcast=True) << 31
        return (value.to(tl.int32, bitcast=True) ^ odd).to(tl.float32, bitcast=True)
    else:
        rounder: tl.constexpr = 6755399441055744.0
        shifted = u * _ONE_OVER_PI + rounder
        k = shifted - rounder
        r = ((u - k * _PI1) - k * _PI2) - k * _PI3
        square = r * r
        value = r + r * square * _horner(square, _SIN64, 10)
        odd = shifted.to(tl.int64, bitcast=True) << 63
        return (value.to(tl.int64, bitcast=True) ^ odd).to(tl.float64, bitcast=True)


@triton.jit
def expm1(x):
    """Return e^x - 1 for -80 <= x <= 0 (float64: -700); accurate to rounding."""
    if x.dtype == tl.float32:
        rounder: tl.constexpr = 12582912.0
        shifted = x * _LOG2_E + rounder
        k = shifted - rounder
        r = (x - k * 0.693359375) - k * -2.12194440054690583e-4
        power = ((shifted.to(tl.int32, bitcast=True) + 127) << 23).to(tl.float32, bitcast=True)
        return power * (r + r * r * _horner(r, _EXP32, 6)) + (power - 1.0)
    else:
        rounder: tl.constexpr = 6755399441055744.0
        shifted = x * _LOG2_E + rounder
        k = shifted - rounder
        r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
        power = ((shifted.to(tl.int64, bitcast=True) + 1023) << 52).to(tl.float64, bitcast=True)
        return power * (r + r * r * _horner(r, _EXP64, 12)) + (power - 1.0)


@triton.jit
def tanh(u):
    """Return tanh u, accurate to rounding."""
    e = expm1(-2.0 * tl.minimum(tl.abs(u), 40.0))
    value = divide(-e, e + 2.0)
    return tl.where(u >= 0.0, value, -value)


@triton.jit
def log1p(z):
    """Return log(1 + z) of a float64 z >= 0, accurate to rounding."""
    y = z + 1.0
    bits = y.to(tl.int64, bitcast=True) + (_ONE_BITS - _ROOT_HALF_BITS)
    k = ((bits >> 52) - 1023).to(tl.float64)
    m = ((bits & 0xFFFFFFFFFFFFF) + _ROOT_HALF_BITS).to(tl.float64, bitcast=True)
    lost = z - (y - 1.0)
    f = m - 1.0
    s = f / (f + 2.0)
    square = s * s
    tail = lost / y + k * 1.90821492927058770002e-10
    return k * 6.93147180369123816490e-01 + (
        (2.0 * s + s * square * _horner(square, _LOG64, 11)) + tail
    )


@triton.jit
def slope(u, PROFILE: tl.constexpr):
    """Return psi'(u); see `simulators.problems.profiles`."""
    if PROFILE == "huber":
        return clip(u, -1.0, 1.0)
    elif PROFILE == "pseudo_huber":
        return divide(u, root(u * u + 1.0))
    elif PROFILE == "log_cosh":
        return tanh(u)
    elif PROFILE == "cosine":
        return sin(u)
    elif PROFILE == "rational":
        low = u * u * (27.0 / 256.0) + 1.0
        return divide(u, low * low)
    elif PROFILE == "log_rational":
        return divide(u, u * u * 0.25 + 1.0)
    else:
        tl.static_assert(PROFILE == "two_basin", "this profile has no slope here")
        flat = clip(u * 0.125, -1.0, 0.5)
        return flat - clip(u - 4.0, 0.0, 1.25) + clip(u - 5.25, 0.0, 1.75)


@triton.jit
def value(u, PROFILE: tl.constexpr):
    """Return psi(u) of a float64; see `simulators.problems.profiles`."""
    size = tl.abs(u)
    if PROFILE == "huber":
        inside = tl.minimum(size, 1.0)
        return inside * (size - 0.5 * inside)
    elif PROFILE == "pseudo_huber":
        return u * u / (tl.sqrt(u * u + 1.0) + 1.0)
    elif PROFILE == "log_cosh":
        # With t = e^-|u| - 1: cosh u - 1 = t^2/(2 (1 + t)) keeps the digits near 0; far away
        # log cosh u = |u| - log 2 + log(1 + e^-2|u|) does.
        t = expm1(-tl.minimum(size, 40.0))
        small = tl.maximum(t, -0.75)  # below it |u| > 1, and t + 1 may be 0
        near = log1p(small * small / (2.0 * (small + 1.0)))
        far = size - _LN2 + log1p((t + 1.0) * (t + 1.0))
        return tl.where(size < 1.0, near, far)
    elif PROFILE == "cosine":
        half = sin(0.5 * u)
        return 2.0 * half * half
    elif PROFILE == "rational":
        return 0.5 * u * u / (u * u * (27.0 / 256.0) + 1.0)
    elif PROFILE == "log_rational":
        return 2.0 * log1p(0.25 * u * u)
    else:
        tl.static_assert(PROFILE == "two_basin", "this profile has no value here")
        flat = clip(u * 0.125, -1.0, 0.5)
        down = clip(u - 4.0, 0.0, 1.25)
        up = clip(u - 5.25, 0.0, 1.75)
        return flat * (u - 4.0 * flat) - down * (u - 4.0 - 0.5 * down) + up * (u - 5.25 - 0.5 * up)
