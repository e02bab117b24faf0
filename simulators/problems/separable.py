"""Separable problems f(x) = sum_j A psi(x_j/B) with exactly known constants.

With A = G_f^2/L and B = G_f/L, the gradient's coordinates are G_f psi'(x_j/B), so that its
supremum is G_f, and the Hessian is diagonal with entries L psi''(x_j/B), so that its supremum
is L. Noise ``additive``: a sample adds +-sigma/sqrt(d) to every coordinate of the gradient,
each sign with probability 1/2 and independent; then E||n||^2 = sigma^2 at every x, every
sample's L is that of f, and G = G_f + sigma/sqrt(d).
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from simulators.problems.certificate import Certificate, Constant
from simulators.problems.profiles import PROFILES, Profile
from theory.errors import InputError
from theory.setting import Constants

NOISES = ("additive",)


class SeparableProblem:
    """A certified problem.

    Parameters
    ----------
    profile : str
        A name of `PROFILES`.
    noise : str
        ``"additive"``.
    L : float, unit F/X^2
    sigma : float, unit F/X
    G : float, unit F/X
    d : int
        The constants of Assumptions 1-3, met exactly.
    start : float or sequence of d floats, unit X
        x_0; a number stands for every coordinate.

    Raises
    ------
    InputError
        If a constant is malformed, or sigma leaves no room below G for a gradient: the message
        names the largest possible sigma.
    """

    profile: Profile
    x0: np.ndarray

    def __init__(
        self,
        profile: str,
        noise: str,
        *,
        L: float,
        sigma: float,
        G: float,
        d: float,
        start: float | Sequence[float],
    ) -> None:
        for name, value in (("L", L), ("sigma", sigma), ("G", G), ("d", d)):
            if np.ndim(value) != 0:
                raise InputError(f"{name} = {value!r}: a problem takes a single number.")
        if not isinstance(profile, str) or profile not in PROFILES:
            raise InputError(f"profile = {profile!r} is not known: use {', '.join(PROFILES)}.")
        if noise not in NOISES:
            raise InputError(f"noise = {noise!r} is not known: use {', '.join(NOISES)}.")
        given = Constants(L=L, sigma=sigma, G=G, d=d, Delta=0.0)
        self.profile, self.noise = PROFILES[profile], noise
        self.L, self.sigma, self.G = float(given.L), float(given.sigma), float(given.G)
        self.d = int(given.d)
        self.noise_size = self.sigma / math.sqrt(self.d)
        self.G_f = self.G - self.noise_size
        if self.G_f <= 0:
            raise InputError(
                f"sigma = {self.sigma:.6g} leaves no room below G = {self.G:.6g}: additive noise "
                f"adds sigma/sqrt(d) to each coordinate, so sigma must stay below sqrt(d) G = "
                f"{math.sqrt(self.d) * self.G:.6g}. Lower sigma, or raise G or d."
            )
        self.A, self.B = self.G_f**2 / self.L, self.G_f / self.L
        self.x0 = _start(start, self.d)

    def __repr__(self) -> str:
        return f"SeparableProblem({self.spec})"

    @property
    def spec(self) -> dict[str, Any]:
        """The ``[problem]`` table that makes this problem, canonical: floats, x_0 shortened."""
        same = bool(np.all(self.x0 == self.x0[0]))
        return {
            "profile": self.profile.name,
            "noise": self.noise,
            "L": self.L,
            "sigma": self.sigma,
            "G": self.G,
            "d": self.d,
            "start": float(self.x0[0]) if same else [float(x) for x in self.x0],
        }

    @cached_property
    def certificate(self) -> Certificate:
        """The problem's constants with their standing, all exact."""
        return Certificate(
            L=Constant(self.L, "exact"),
            sigma=Constant(self.sigma, "exact"),
            G=Constant(self.G, "exact"),
            G_f=Constant(self.G_f, "exact"),
            d=self.d,
            f_star=Constant(0.0, "exact"),
            Delta=Constant(float(self.objective(self.x0, np)), "exact"),
        )

    def objective(self, x: Any, xp: Any) -> Any:
        """Return f(x), unit F, of shape x.shape[:-1]."""
        return self.A * self.profile.value(x / self.B, xp).sum(-1)

    def gradient(
        self, x: Any, xp: Any, out: Any = None, scratch: Any = None, scale: Any = None
    ) -> Any:
        """Return grad f(x), unit F/X, of the shape of x.

        ``out`` and ``scratch`` are optional arrays of that shape to work in, distinct from each
        other and from ``x``; ``scale`` is (B, G_f) in the library's own scalars.
        """
        width, height = scale or (self.B, self.G_f)
        out = self.profile.slope(xp.divide(x, width, out=scratch), xp, out=out)
        out *= height
        return out

    def noise_from_heads(self, heads: Any, b: Any) -> Any:
        """Return a mini-batch's noise from its number of heads per coordinate.

        Parameters
        ----------
        heads : (R, d) float array or tensor
            h ~ Binomial(b, 1/2).
        b : (R, 1) float array or tensor
            Batch size.

        Returns
        -------
        (R, d), unit F/X
            (2 h - b) (sigma/sqrt(d)) / b, of mean 0 and variance sigma^2/(d b).
        """
        return (2.0 * heads - b) * (self.noise_size / b)

    def batch_gradient(
        self, x: Any, noise: Any, xp: Any, gradient: Any = None, out: Any = None
    ) -> Any:
        """Return the mini-batch gradient at x, unit F/X, of the shape of x.

        ``noise`` comes from `noise_from_heads`; ``gradient`` is grad f(x) where it is known
        already.
        """
        if gradient is None:
            gradient = self.gradient(x, xp)
        return xp.add(gradient, noise, out=out)


def _start(start: Any, d: int) -> np.ndarray:
    try:
        x0 = np.asarray(start, dtype=np.float64) + 0.0  # -0.0 is 0
    except (TypeError, ValueError):
        raise InputError(f"start = {start!r} is not a number or a list of {d} numbers.") from None
    if x0.shape not in ((), (d,)):
        raise InputError(f"start has shape {x0.shape}: give one number or a list of d = {d}.")
    if not np.isfinite(x0).all():
        raise InputError(f"start = {x0[~np.isfinite(x0)].flat[0]} is not finite.")
    x0 = np.broadcast_to(x0, (d,)).copy()
    x0.setflags(write=False)
    return x0
