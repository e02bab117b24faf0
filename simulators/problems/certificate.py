"""Certificates: a problem's constants, each with what is known of it."""

from dataclasses import dataclass
from typing import Literal

from theory.setting import Constants

Standing = Literal["exact", "upper_bound", "lower_bound", "claimed"]


@dataclass(frozen=True)
class Constant:
    """A number with its standing.

    ``exact``: attained (or approached) and never exceeded. ``upper_bound``: never exceeded.
    ``lower_bound``: never gone below. ``claimed``: stated by the user, not proved. ``method`` says
    in words where a number comes from that does not follow from the problem's definition at sight.
    """

    value: float
    standing: Standing
    method: str = ""


@dataclass(frozen=True)
class Certificate:
    """What is known of a problem: enough for every bound to be evaluated.

    Attributes
    ----------
    L : Constant, unit F/X^2
        Lipschitz constant of every sample's gradient.
    sigma : Constant, unit F/X
        Root of the largest E||n||^2 over x.
    G : Constant, unit F/X
        Supremum of the coordinates of the stochastic gradients.
    G_f : Constant, unit F/X
        Supremum of the coordinates of the true gradient; d G_f^2 bounds ||grad f||^2.
    d : int
    f_star : Constant, unit F
        Least value of f.
    Delta : Constant, unit F
        f(x_0) - f*.
    """

    L: Constant
    sigma: Constant
    G: Constant
    G_f: Constant
    d: int
    f_star: Constant
    Delta: Constant

    @property
    def constants(self) -> Constants:
        """The numbers that bounds take."""
        return Constants(
            L=self.L.value,
            sigma=self.sigma.value,
            G=self.G.value,
            d=self.d,
            Delta=self.Delta.value,
        )
