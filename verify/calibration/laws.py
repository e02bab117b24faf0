"""Distributions on [0, 1] whose means are known: what an interval must cover."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class Law:
    """A distribution on [0, 1].

    Attributes
    ----------
    name : str
    mean : float
        Exact.
    draw : callable
        ``draw(rng, shape)``: independent values.
    """

    name: str
    mean: float
    draw: Draw


def _two_point(p: float, low: float = 0.0) -> Law:
    """1 with probability p, else ``low``: the most variance that a mean and a range allow."""
    name = f"1 with chance {p:g}, else {low:g}"
    return Law(name, p + (1 - p) * low, lambda rng, shape: np.where(rng.random(shape) < p, 1, low))


def _beta(a: float, b: float, name: str) -> Law:
    return Law(name, a / (a + b), lambda rng, shape: rng.beta(a, b, shape))


LAWS = (
    _two_point(0.5),
    _two_point(0.02),
    _two_point(0.98),
    _two_point(0.01, low=0.05),
    _two_point(0.001, low=0.2),
    _beta(0.5, 0.5, "arcsine: heavy at both ends"),
    _beta(0.1, 1.9, "beta(0.1, 1.9): heavy at 0, a long tail"),
    _beta(50.0, 950.0, "beta(50, 950): narrow, like long runs"),
)
"""From the hardest to what runs look like."""


def spread(rng: np.random.Generator, shape: tuple[int, ...], variation: float) -> np.ndarray:
    """Return gamma values of mean 1 and this coefficient of variation: skew, like left sides."""
    return rng.gamma(variation**-2, variation**2, shape)
