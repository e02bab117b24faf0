"""Climbing to the largest value: by evolution, and along rays."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import differential_evolution

WITHOUT_END = 10
"""So many doublings of a distance in a row, the last ones, in which a value grows: no limit."""

DOUBLED = 1.1
"""By how much at least it grows each time: by so much where it is |x|^(1/7)."""


def evolve(
    value: Callable[[np.ndarray], np.ndarray], start: np.ndarray, reach: np.ndarray,
    generations: int, rng: np.random.Generator,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Maximise a function of (P, n) variables in a box by differential evolution.

    Parameters
    ----------
    value : callable
        From (P, n) variables to (P,) values.
    start : (M, n)
        The first population.
    reach : (n, 2)
        Each variable's ends.
    generations : int
    rng : Generator

    Returns
    -------
    (n,), int
        The best variables, and how many were tried.
    """
    raised: list[Exception] = []
    first: Any = np.clip(start, *reach.T)  # scipy's stub knows names alone

    def negative(columns: np.ndarray) -> np.ndarray:
        try:
            return -value(columns.T)
        except Exception as error:
            raised.append(error)
            raise

    try:
        ended = differential_evolution(
            negative, reach, vectorized=True, updating="deferred", polish=False, rng=rng,
            init=first, maxiter=generations, tol=1e-10, atol=0,
        )  # fmt: skip
    except RuntimeError:
        if raised:  # scipy puts words of its own in the place of an error's
            raise raised[0] from None
        raise
    return ended.x, len(start) * int(ended.nfev)


def ray(
    value: Callable[[np.ndarray], np.ndarray], origin: np.ndarray, through: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return points at distances that double, (K, d), and the values there, (K,), while finite.

    ``value`` must be 0 where nothing is measured.
    """
    steps = 2.0 ** np.arange(-16, 48)
    points = origin + steps[:, None] * (through - origin)
    values = value(points)
    gone = np.flatnonzero(values <= 0)
    end = gone[0] if len(gone) else len(values)
    return points[:end], values[:end]


def grows(values: np.ndarray) -> bool:
    """Whether a value still grows where its distance doubled last, as it did for long."""
    last = values[-WITHOUT_END - 1 :]
    return len(last) > WITHOUT_END and bool((last[1:] > DOUBLED * last[:-1]).all())


class Far:
    """What was found on rays.

    Attributes
    ----------
    value : float
    at : (1, d) or None
    endless : tuple or None
        Points (K, d), distances from the rays' origin (K,) and values (K,), of a ray on which the
        value still grows at its end.
    """

    def __init__(self) -> None:
        self.value, self.at = -np.inf, None
        self.endless: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def follow(self, points: np.ndarray, values: np.ndarray, origin: np.ndarray) -> None:
        """Look at one ray."""
        if grows(values):
            self.endless = points, np.linalg.norm(points - origin, axis=1), values
        elif len(values) and values.max() > self.value:
            number = int(values.argmax())
            self.value, self.at = float(values[number]), points[number][None, :]

    def beyond(self, limit: float) -> tuple[np.ndarray, dict[str, list[float]]] | None:
        """Return where a value that grows without end is beyond a limit for the third time.

        With the distances of the three points, each twice the one before, and the values.
        """
        if self.endless is None:
            return None
        points, distances, values = self.endless
        over = np.flatnonzero(values > limit)
        last = min(int(over[0]) + 3 if len(over) else len(values), len(values))
        chosen = slice(max(last - 3, 0), last)
        shown = {"distances": distances[chosen].tolist(), "values": values[chosen].tolist()}
        return points[last - 1][None, :], shown
