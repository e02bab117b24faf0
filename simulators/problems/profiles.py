"""Profiles psi: the one-dimensional functions that problems are sums of.

Each is normalised so that sup |psi'| = sup |psi''| = 1 and psi >= 0 with psi(0) = 0 its least
value. `value` and `slope` take NumPy arrays or torch tensors, with their library as ``xp``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.problems.spread import Spread, by_slope, steepest_mean


@dataclass(frozen=True)
class Profile:
    """A function psi of one variable u, of pure numbers.

    Attributes
    ----------
    name : str
    formula : str
        psi(u) as a reader writes it.
    convex : bool
    value : callable
        ``value(u, xp)``: psi(u), elementwise.
    slope : callable
        ``slope(u, xp, out=None)``: psi'(u), elementwise, written to ``out`` where it is given;
        ``out`` must not be ``u``.
    plateau : float
        A u away from the minimiser that the slope tells little of: on the straight part, the flat
        tail, the maximum, or at the bottom of the other basin.
    spread : Spread
        What noise that shifts the profile does to it.
    """

    name: str
    formula: str
    convex: bool
    value: Callable[..., Any]
    slope: Callable[..., Any]
    plateau: float
    spread: Spread


def _huber_value(u, xp):
    inside = xp.clip(xp.abs(u), 0.0, 1.0)
    return inside * (xp.abs(u) - 0.5 * inside)


def _huber_slope(u, xp, out=None):
    return xp.clip(u, -1.0, 1.0, out=out)


def _pseudo_huber_value(u, xp):
    # sqrt(1 + u^2) - 1 without cancellation near 0.
    return u * u / (1.0 + xp.sqrt(1.0 + u * u))


def _pseudo_huber_slope(u, xp, out=None):
    out = xp.multiply(u, u, out=out)
    out += 1.0
    out = xp.sqrt(out, out=out)
    return xp.divide(u, out, out=out)


def _log_cosh_value(u, xp):
    # With t = e^-|u| - 1: cosh u - 1 = t^2/(2 (1 + t)) keeps the digits near 0; far away
    # log cosh u = |u| + log((1 + e^-2|u|)/2) does.
    size = xp.abs(u)
    t = xp.expm1(-xp.clip(size, 0.0, 1.0))
    near = xp.log1p(t * t / (2.0 * (1.0 + t)))
    far = size + xp.log1p(0.5 * xp.expm1(-2.0 * size))
    return xp.where(size < 1.0, near, far)


def _log_cosh_slope(u, xp, out=None):
    return xp.tanh(u, out=out)


def _cosine_value(u, xp):
    half = xp.sin(0.5 * u)
    return 2.0 * half * half


def _cosine_slope(u, xp, out=None):
    return xp.sin(u, out=out)


def _rational_value(u, xp):
    square = u * u
    return 0.5 * square / (1.0 + square * (27.0 / 256.0))


def _rational_slope(u, xp, out=None):
    out = xp.multiply(u, u, out=out)
    out *= 27.0 / 256.0
    out += 1.0
    out *= out
    return xp.divide(u, out, out=out)


def _log_rational_value(u, xp):
    return 2.0 * xp.log1p(0.25 * u * u)


def _log_rational_slope(u, xp, out=None):
    out = xp.multiply(u, u, out=out)
    out *= 0.25
    out += 1.0
    return xp.divide(u, out, out=out)


# psi' of two_basin, piecewise linear: -1 up to u = -8, then 1/8 a unit up to 1/2 at 4, down by 1
# a unit to -3/4 at 21/4, up by 1 a unit to 1 at 7. Each part is a clipped line, and its integral
# from its own zero on is v (u - a) - v^2/2 (of the first, 8 v (u/8) - 4 v^2).
def _two_basin_value(u, xp):
    flat = xp.clip(0.125 * u, -1.0, 0.5)
    down = xp.clip(u - 4.0, 0.0, 1.25)
    up = xp.clip(u - 5.25, 0.0, 1.75)
    return flat * (u - 4.0 * flat) - down * (u - 4.0 - 0.5 * down) + up * (u - 5.25 - 0.5 * up)


def _two_basin_slope(u, xp, out=None):
    out = xp.multiply(u, 0.125, out=out)
    out = xp.clip(out, -1.0, 0.5, out=out)
    out -= xp.clip(u - 4.0, 0.0, 1.25)
    out += xp.clip(u - 5.25, 0.0, 1.75)
    return out


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "huber",
            "u^2/2 for |u| <= 1, |u| - 1/2 beyond",
            True,
            _huber_value,
            _huber_slope,
            plateau=4.0,
            spread=Spread(lambda D: D, 1.0),
        ),
        Profile(
            "pseudo_huber",
            "sqrt(1 + u^2) - 1",
            True,
            _pseudo_huber_value,
            _pseudo_huber_slope,
            plateau=4.0,
            spread=Spread(lambda D: D / math.sqrt((1 - D) * (1 + D)), 1.0, attained=False),
        ),
        Profile(
            "log_cosh",
            "log cosh u",
            True,
            _log_cosh_value,
            _log_cosh_slope,
            plateau=4.0,
            spread=Spread(math.atanh, 1.0, attained=False),
        ),
        Profile(
            "cosine",
            "1 - cos u",
            False,
            _cosine_value,
            _cosine_slope,
            plateau=math.pi,
            spread=Spread(math.asin, 1.0, attained=False, steepest=math.cos),
        ),
        Profile(
            "rational",
            "(u^2/2)/(1 + 27 u^2/256)",
            False,
            _rational_value,
            _rational_slope,
            plateau=8.0,
            spread=Spread(
                by_slope(_rational_slope, 16 / 9), 1.0, steepest=steepest_mean(_rational_slope)
            ),
        ),
        Profile(
            "log_rational",
            "2 log(1 + u^2/4)",
            False,
            _log_rational_value,
            _log_rational_slope,
            plateau=8.0,
            spread=Spread(
                lambda D: 2 * D / (1 + math.sqrt((1 - D) * (1 + D))),
                1.0,
                steepest=steepest_mean(_log_rational_slope),
            ),
        ),
        Profile(
            "two_basin",
            "a flat basin at 0, curvature 1/8, and a sharp one at 6, curvature 1 and depth 9/16",
            False,
            _two_basin_value,
            _two_basin_slope,
            plateau=6.0,
            spread=Spread(lambda D: D, 7 / 8),
        ),
    )
}
"""The profiles by name."""
