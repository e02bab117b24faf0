"""A function of one variable on which SAM settles where |f'| is almost L rho.

f' is piecewise linear with slopes +-L, through (-rho - 2h/L, -h), (-rho, h), (-t rho, -t L rho)
and (G/L, G), constant outside, h = (1 - 2t) L rho <= G; f(-rho) = 0. At x = -rho the gradient is
h, so that SAM looks at x + rho = 0, where f' = 0: it never moves. Around that place
g = f'(x + rho) = L (x + rho), so that it is stable.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from simulators.problems.certificate import Certificate, Constant


@dataclass(frozen=True)
class Stairs:
    """The function; with dyadic numbers every operation on it is exact.

    Attributes
    ----------
    L : float, unit F/X^2
    rho : float, unit X
    t : float
        In (0, 1/4].
    G : float, unit F/X
        At least h; larger, so that the trivial bound d G^2 is not near.
    """

    L: float
    rho: float
    t: float
    G: float

    d = 1

    @property
    def h(self) -> float:
        """|f'(-rho)|, unit F/X."""
        return (1 - 2 * self.t) * self.L * self.rho

    @property
    def x0(self) -> np.ndarray:
        """Where SAM stays, (1,), unit X."""
        return np.array([-self.rho])

    @cached_property
    def corners(self) -> np.ndarray:
        """Where f' bends, and its values there: (2, 4)."""
        L, rho, t, h, G = self.L, self.rho, self.t, self.h, self.G
        return np.array([[-rho - 2 * h / L, -rho, -t * rho, G / L], [-h, h, -t * L * rho, G]])

    @cached_property
    def slopes(self) -> np.ndarray:
        """The second derivative between the corners, (3,), unit F/X^2."""
        places, heights = self.corners
        return np.diff(heights) / np.diff(places)

    @property
    def certificate(self) -> Certificate:
        """The constants, exact.

        The least point is -rho - h/L, h^2/(2 L) below f(-rho); f(0) lies h^2/L - t^2 L rho^2
        above it.
        """
        gap = self.h**2 / (2 * self.L)
        return Certificate(
            L=Constant(self.L, "exact"),
            sigma=Constant(0.0, "exact"),
            G=Constant(self.G, "exact"),
            G_f=Constant(self.G, "exact"),
            d=1,
            f_star=Constant(-gap, "exact"),
            Delta=Constant(gap, "exact"),
        )

    def gradient(self, x: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return f'(x), of the shape of x, unit F/X."""
        places, heights = self.corners
        piece = np.clip(np.searchsorted(places, x, side="right") - 1, 0, 2)
        inside = heights[piece] + self.slopes[piece] * (x - places[piece])
        return np.where(x < places[0], heights[0], np.where(x > places[3], heights[3], inside))

    def batch_gradient(self, x: np.ndarray, noise: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return the gradient: there is no noise."""
        return self.gradient(x)
