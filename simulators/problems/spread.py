"""Shift noise, one coordinate at a time: what moving a profile to and fro does to it.

A sample shifts psi by +s or -s, each with probability 1/2. The mean profile is
psi_s(u) = (psi(u - s) + psi(u + s))/2, and a sample's slope differs from its slope by
+-(psi'(u - s) - psi'(u + s))/2. Three facts are needed, and shown in the tests:

* D(s) = sup_u |psi'(u - s) - psi'(u + s)|/2, the noise's largest size. Where psi is even, it is
  attained at u = 0, for the s meant here, so that D(s) = psi'(s): it grows until psi' is at its
  maximum. For two_basin the steepest place is the sharp basin, of curvature 1 over a width of
  7/4: D(s) = s up to 7/8.
* On that branch 0 stays the least point of psi_s, so that f* is known.
* M(s) = sup_u |psi_s'(u)|, the largest slope of the mean profile: 1 where psi' tends to 1 far
  away, less where it does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar, root_scalar


def _one(s: float) -> float:
    return 1.0


@dataclass(frozen=True)
class Spread:
    """What a profile does under shift noise.

    Attributes
    ----------
    shift : callable
        From D to the s, in units of u, whose noise has this size: D's inverse on its increasing
        branch.
    largest : float
        The largest D on that branch.
    attained : bool
        Whether some s attains it: otherwise D must stay below.
    steepest : callable
        M(s).
    """

    shift: Callable[[float], float]
    largest: float
    attained: bool = True
    steepest: Callable[[float], float] = _one


def by_slope(slope: Callable[..., Any], top: float) -> Callable[[float], float]:
    """Return the inverse of a slope that grows from 0 at 0 to its maximum, 1, at ``top``."""

    def inverse(D: float) -> float:
        if D >= 1:
            return top
        return root_scalar(
            lambda u: float(slope(np.array([u]), np)[0]) - D,
            bracket=(0.0, top),
            xtol=1e-16,
            rtol=1e-15,
        ).root

    return inverse


def steepest_mean(slope: Callable[..., Any]) -> Callable[[float], float]:
    """Return M for an odd slope that rises to one maximum and then falls."""

    def steepest(s: float) -> float:
        def mean(u: np.ndarray) -> np.ndarray:
            return 0.5 * (slope(u - s, np) + slope(u + s, np))

        places = np.linspace(0.0, 16.0, 4097)
        heights = mean(places)
        best = int(np.argmax(heights))
        around = (places[max(best - 1, 0)], places[min(best + 1, len(places) - 1)])
        found = minimize_scalar(
            lambda u: -float(mean(np.array([u]))[0]),
            bounds=around,
            method="bounded",
            options={"xatol": 1e-12},
        )
        return max(-float(found.fun), float(heights[best]))

    return steepest
