"""Search certified instances for the largest ratio of a measured left side to its bound.

Two searches share the budget: one starts runs anywhere, the other at the minimiser. Far from it
the descent itself soon comes within a factor of any bound, and a single search would settle for
that; at the minimiser the initial gap is no part of the bound, and noise, perturbation and
momentum are left to themselves. Each is first an evolution over the whole box (Storn and Price's
differential evolution), then Nelder and Mead's simplex over its continuous axes.

A point costs one simulation, at f's scale 1: its running mean gives the ratio at every horizon T
at once, and the scale is put in afterwards. All points share their noise, so that the ratio is a
smooth function of the continuous axes; and what is maximised is a lower limit of it, so that a
point does not win by luck.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import differential_evolution, minimize

from simulators import simulate
from simulators import spec as specs
from simulators.arrays import read
from simulators.files import whole
from theory.bound import UNIT, Bound
from theory.errors import InputError
from theory.setting import Constants
from verify.answers.instances import AXES, NAMES, SCALE, START, spec_at, unscaled

RUNS, LONGEST = 32, 2048
"""Runs of a point, and their steps."""

ERRORS = 2.0
"""How many standard errors below the mean the search takes a left side to be."""

SEARCHES = ("anywhere", "at the minimiser")
"""Where the runs of each search start."""

POPULATION = 40
"""Members of the evolution."""

POLISH = 0.3
"""Share of the evaluations that the simplex gets."""

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, in all)."""


class _StopError(Exception):
    """The search's time or its evaluations are spent."""


@dataclass(frozen=True)
class Trail:
    """Every point that a search tried, in order.

    Attributes
    ----------
    point : (N, n) float64
        Coordinates; see `verify.answers.instances.AXES`.
    ratio : (N,) float64
        Lower limit of measured/bound at the best horizon.
    T : (N,) int64
        That horizon.
    search : (N,) int64
        Which of `SEARCHES` tried it.
    """

    point: np.ndarray
    ratio: np.ndarray
    T: np.ndarray
    search: np.ndarray

    @property
    def best(self) -> int:
        """Number of the point of the largest ratio."""
        return int(np.argmax(self.ratio))

    @property
    def first_false(self) -> int | None:
        """How many points it took until a ratio exceeded 1, or None."""
        above = np.flatnonzero(self.ratio > 1)
        return int(above[0]) + 1 if above.size else None

    @property
    def second(self) -> int | None:
        """Number of the second search's first point, or None."""
        later = np.flatnonzero(self.search == 1)
        return int(later[0]) if later.size else None

    def save(self, path: Path) -> None:
        """Write an .npz file, with the names of the axes; whole or not at all."""
        with whole(path) as file:
            np.savez(file, axes=np.array(NAMES), **vars(self))

    @staticmethod
    def load(path: Path) -> "Trail":
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file cannot be read, is damaged, or does not hold a trail of these axes.
        """
        arrays = read(path)
        axes = arrays.pop("axes", np.array([]))
        wrong = _unlike_a_trail(axes, arrays)
        if wrong is not None:
            raise InputError(
                f"{path} does not hold a search's trail ({wrong}): `adasam falsify` makes it anew."
            )
        return Trail(**arrays)


def _unlike_a_trail(axes: np.ndarray, arrays: dict[str, np.ndarray]) -> str | None:
    """Return what keeps arrays from being those of a trail, None if nothing does."""
    if axes.tolist() != list(NAMES):
        return "its axes are not those of this version"
    names = [field.name for field in fields(Trail)]
    if sorted(arrays) != sorted(names):
        return f"its arrays are {', '.join(sorted(arrays))}"
    count = len(arrays["ratio"]) if arrays["ratio"].ndim else 0
    for name, array in arrays.items():
        if array.dtype.kind not in ("iu" if name in ("T", "search") else "f"):
            return f"{name} of type {array.dtype}"
        if not count or array.shape != ((count, len(AXES)) if name == "point" else (count,)):
            return f"{name} of shape {array.shape}"
    low, high = np.array([(axis.low, axis.high) for axis in AXES]).T
    if not ((arrays["point"] >= low) & (arrays["point"] <= high)).all():
        return "a point outside the box"
    if not (np.isfinite(arrays["ratio"]).all() and (arrays["ratio"] >= 0).all()):
        return "a ratio that is not a number from 0"
    if not np.isin(arrays["search"], range(len(SEARCHES))).all() or arrays["T"].min() < 1:
        return "a search or a T that cannot be"
    return None


def beginning(seed: int) -> np.ndarray:
    """Return the points that a search begins with, (`POPULATION`, n).

    The first is the axes' start; the others are a Latin hypercube of the whole box, which cuts
    each axis into as many parts as there are points.
    """
    rng = np.random.default_rng(seed)
    count = POPULATION - 1
    parts = np.stack([rng.permutation(count) for _ in AXES], axis=1)
    share = (parts + rng.random(parts.shape)) / count
    low, high = np.array([(axis.low, axis.high) for axis in AXES]).T
    is_whole = np.array([axis.whole for axis in AXES])
    wholes = np.floor(low + share * (high - low + 1))
    points = np.where(is_whole, wholes, low + share * (high - low))
    return np.vstack([[axis.start for axis in AXES], points])


def ratio(point: np.ndarray, bound: Bound, seed: int) -> tuple[float, int]:
    """Return a lower limit of measured/bound at a point, at the horizon T where it is largest.

    The bound is the sum of its terms, which goes on where its total is capped: a bound that says
    no more than Assumption 3 is no tight instance.
    """
    unit, scale = unscaled(point)
    job = spec_at(unit, bound, T=LONGEST, runs=RUNS, seed=seed, common_noise=True)
    problem = job.problem.make()
    cell: dict[str, Any]
    (cell,) = specs.cells(job, problem)
    runs = simulate(problem, **cell, runs=RUNS, seed=seed, common_noise=True)
    steps, values = runs.step[0], runs.mean_grad_norm2
    error = values.std(0, ddof=1) / math.sqrt(RUNS)
    lower = np.maximum(values.mean(0) - ERRORS * error, 0.0) * scale**2
    at_one = problem.certificate.constants
    constants = Constants(
        L=at_one.L * scale, sigma=at_one.sigma * scale, G=at_one.G * scale, d=at_one.d,
        Delta=at_one.Delta * scale,
    )  # fmt: skip
    hyper = specs.hyperparameters({**cell, "eps": cell["eps"] * scale, "T": steps})
    ratios = lower / np.sum(list(bound.evaluate(constants, hyper).values()), axis=0)
    best = int(np.argmax(ratios))
    return float(ratios[best]), int(steps[best])


class Search:
    """Searches for a bound's largest ratio, and what they have tried so far.

    Parameters
    ----------
    bound : Bound
    seed : int
        Of the evolution and of the noise that all points share.
    budget : int
        Points to try.
    seconds : float or None
        Time after which to stop.
    progress : callable
    """

    def __init__(
        self, bound: Bound, seed: int, budget: int, seconds: float | None, progress: Progress
    ) -> None:
        self.bound, self.seed, self.budget, self.progress = bound, seed, budget, progress
        self.deadline = math.inf if seconds is None else time.monotonic() + seconds
        self.scales = any(term.unit != UNIT for term in bound.summands)
        self.limit, self.search = 0, 0
        self.points: list[np.ndarray] = []
        self.ratios: list[float] = []
        self.horizons: list[int] = []
        self.searches: list[int] = []

    @property
    def trail(self) -> Trail:
        """What was tried so far."""
        return Trail(*map(np.array, (self.points, self.ratios, self.horizons, self.searches)))

    def run(self) -> str:
        """Search; return why it ended early, if it did."""
        try:
            for self.search in range(len(SEARCHES)):
                end = self.budget * (self.search + 1) // len(SEARCHES)
                self.limit = end - round(POLISH * self.budget / len(SEARCHES))
                with suppress(_StopError):
                    self._evolve()
                self.limit = end
                if self.search in self.searches:
                    with suppress(_StopError):
                        self._polish()
        except KeyboardInterrupt:
            if not self.ratios:
                raise
            return "interrupted"
        late = len(self.ratios) < self.budget and time.monotonic() > self.deadline
        return "out of time" if late else ""

    def _free(self) -> list[int]:
        """Return which axes are searched.

        A search from the minimiser starts there; and where a bound's terms have the left side's
        unit, the scale changes no ratio.
        """
        fixed = {START} if self.search == 1 else set()
        if not self.scales:
            fixed.add(SCALE)
        return [axis for axis in range(len(AXES)) if axis not in fixed]

    def _cost(self, point: np.ndarray) -> float:
        """Return minus the logarithm of a point's ratio, and remember the point."""
        late = time.monotonic() > self.deadline and bool(self.ratios)
        if len(self.ratios) >= self.limit or late:
            raise _StopError
        value, horizon = ratio(point, self.bound, self.seed)
        self.points.append(point)
        self.ratios.append(value)
        self.horizons.append(horizon)
        self.searches.append(self.search)
        self.progress("search", len(self.ratios), self.budget)
        return -math.log(max(value, 1e-300))

    def _evolve(self) -> None:
        free = self._free()
        rest = np.array([axis.start for axis in AXES])
        if self.search == 1:
            rest[START] = AXES[START].low
        first: Any = beginning(self.seed)[:, free]
        differential_evolution(
            lambda part: self._cost(_filled(rest, free, part)),
            [(AXES[axis].low, AXES[axis].high) for axis in free],
            integrality=[AXES[axis].whole for axis in free],
            init=first, maxiter=self.budget, tol=0, atol=0, polish=False,
            rng=np.random.default_rng([self.seed, self.search]),
        )  # fmt: skip

    def _polish(self) -> None:
        free = [axis for axis in self._free() if not AXES[axis].whole]
        low, high = np.array([(AXES[axis].low, AXES[axis].high) for axis in free]).T
        first = self.searches.index(self.search)
        best = self.points[first + int(np.argmax(self.ratios[first:]))]
        # A simplex of a tenth of the box, towards its middle.
        corner = best[free]
        reach = 0.1 * (high - low) * np.where(corner < 0.5 * (low + high), 1, -1)
        minimize(
            lambda part: self._cost(_filled(best, free, part)),
            corner, method="Nelder-Mead", bounds=list(zip(low, high, strict=True)),
            options={"initial_simplex": np.vstack([corner, corner + np.diag(reach)]),
                     "xatol": 0, "fatol": 0, "adaptive": True, "maxfev": self.budget},
        )  # fmt: skip


def _filled(point: np.ndarray, free: Sequence[int], part: np.ndarray) -> np.ndarray:
    """Return the point with its free coordinates replaced."""
    out = point.copy()
    out[free] = part
    return out
