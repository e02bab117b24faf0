"""Profiles psi: the one-dimensional functions that problems are sums of.

Each is normalised so that sup |psi'| = sup |psi''| = 1 and psi >= 0 with psi(0) = 0 its least
value. `value` and `slope` take NumPy arrays or torch tensors, with their library as ``xp``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


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
    """

    name: str
    formula: str
    convex: bool
    value: Callable[..., Any]
    slope: Callable[..., Any]


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


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("huber", "u^2/2 for |u| <= 1, |u| - 1/2 beyond", True, _huber_value, _huber_slope),
        Profile(
            "pseudo_huber", "sqrt(1 + u^2) - 1", True, _pseudo_huber_value, _pseudo_huber_slope
        ),
        Profile("log_cosh", "log cosh u", True, _log_cosh_value, _log_cosh_slope),
        Profile("cosine", "1 - cos u", False, _cosine_value, _cosine_slope),
    )
}
"""The profiles by name."""
