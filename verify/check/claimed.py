"""Search a custom problem for points that violate its claimed constants.

As in `verify.search`, everything is measured through gradients and values alone, by differential
evolution around x_0. It looks for one point x; the direction in which a sample's gradient changes
fastest there is found by iteration, v <- g(x + hv) - g(x - hv), so that problems of many
dimensions can be searched too. What is found is a measured violation, whatever led to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import qmc

from simulators import noise
from simulators.problems import Custom
from verify.claim import ERROR_BUDGET
from verify.search import NEAREST, Found, largest
from verify.statistics import normal_mean

ROUNDING = 1e-9
"""Relative excess over a claimed constant that rounding explains."""

REACHES = (2.0, 5.0)
"""A search near x_0 and one farther out: sinh(reach) G/L in every coordinate, 3.6 and 74."""

ITERATIONS = 3
"""Of the direction along which a gradient changes fastest."""

PIECE = 2**22
"""Numbers of the samples' gradients that are taken at once."""

CERTAIN = 1 - ERROR_BUDGET
"""Confidence of what is measured from draws."""


@dataclass(frozen=True)
class Effort:
    """How much a search does.

    Attributes
    ----------
    members, generations : int
        Of the evolution.
    samples : int
        Samples that it looks at.
    draws : int
        Fresh draws that judge a mean, where samples are made of uniform numbers.
    starts : int
        Descents to low values of f.
    """

    members: int = 64
    generations: int = 30
    samples: int = 256
    draws: int = 2**14
    starts: int = 8


FULL = Effort()
QUICK = Effort(members=32, generations=12, samples=128, draws=2**12, starts=4)


def search(problem: Custom, effort: Effort, seed: int) -> list[dict[str, Any]]:
    """Look for a violation of every claim that can be measured.

    Returns
    -------
    list of dict
        Searches as `verify.verdict` takes them, each with the ``constant``, the ``claimed`` value,
        the ``value`` found ``at`` a point (or two) and, where there is one, the ``sample``.
    """
    look = _Look(problem, effort, seed)
    rows = [look.lipschitz(), look.variance(), look.coordinate()]
    if problem.uniforms or problem.given["value"] or problem.given["gradient"]:
        rows.append(look.bias())
    if "f_star" in problem.claims:
        rows.append(look.least_value())
    return rows


def row(constant: str, claimed: float, value: float, **rest: Any) -> dict[str, Any]:
    """Return a search for more than an upper, or for f_star less than a lower, limit."""
    found, certified = (-value, -claimed) if constant == "f_star" else (value, claimed)
    room = ROUNDING * max(abs(certified), rest.pop("scale", 0.0))
    return {
        "constant": constant, "standing": "claimed", "claimed": claimed, "value": value,
        "certified": certified, "found": found, "limit": certified + room, **rest,
    }  # fmt: skip


class _Look:
    def __init__(self, problem: Custom, effort: Effort, seed: int) -> None:
        self.problem, self.effort, self.seed = problem, effort, seed
        self.rng = np.random.default_rng([seed, problem.d])
        self.unit = problem.G / problem.L
        self.samples = self._telling()

    def lipschitz(self) -> dict[str, Any]:
        found = self._evolve(lambda x: self._steepness(x, self.samples)[0].max(0))
        x = np.array([found.at[0]])
        everyone = self._everyone()
        steepness, way = self._steepness(x, everyone)
        number = int(steepness[:, 0].argmax())
        v = way[number, 0]
        h = self._h()
        return row(
            "L", self.problem.L, float(steepness[number, 0]),
            at=[(x[0] + h * v).tolist(), (x[0] - h * v).tolist()],
            sample=self._named(everyone, number), evaluations=found.evaluations,
        )  # fmt: skip

    def coordinate(self) -> dict[str, Any]:
        found = self._evolve(lambda x: np.abs(self._gradients(x, self.samples)).max((0, 2)))
        everyone = self._everyone()
        sizes = np.abs(self._gradients(np.array(found.at), everyone))[:, 0].max(1)
        number = int(sizes.argmax())
        return row(
            "G", self.problem.G, float(sizes[number]), at=found.at,
            sample=self._named(everyone, number), evaluations=found.evaluations,
        )  # fmt: skip

    def variance(self) -> dict[str, Any]:
        some = self._everyone()[: 2 * self.effort.samples]
        found = self._evolve(lambda x: self._gradients(x, some).var(0).sum(1))
        x = np.array(found.at)
        slopes = self._law(x)[:, 0]
        value, of = self._mean(((slopes - slopes.mean(0)) ** 2).sum(1))
        return row(
            "sigma", self.problem.sigma, float(np.sqrt(value)), at=found.at, of=of,
            evaluations=found.evaluations,
        )  # fmt: skip

    def bias(self) -> dict[str, Any]:
        """Compare the mean of the samples' gradients with grad f at a few points."""
        points = self._starts(self.effort.starts, REACHES[0])
        worst = {"value": -1.0}
        for x in points:
            gap = self._law(x[None, :])[:, 0] - self.problem.gradient(x[None, :])[0]
            error = np.abs(gap.mean(0))
            if self.problem.uniforms:
                confidence = 1 - ERROR_BUDGET / (len(points) * self.problem.d)
                sure = [normal_mean(column, confidence) for column in gap.T]
                error = np.array([max(each.low, -each.high, 0.0) for each in sure])
            if error.max() > worst["value"]:
                worst = {"value": float(error.max()), "at": [x.tolist()]}
        return row("bias", 0.0, worst.pop("value"), scale=self.problem.G, **worst,
                   evaluations=len(points))  # fmt: skip

    def least_value(self) -> dict[str, Any]:
        """Descend from x_0 and from around it."""
        at, least, evaluations = self.problem.x0, self.problem.at_x0, 1

        def both(x: np.ndarray) -> tuple[float, np.ndarray]:
            return (
                float(self.problem.objective(x[None, :])[0]), self.problem.gradient(x[None, :])[0],
            )  # fmt: skip

        for start in self._starts(self.effort.starts, REACHES[0]):
            ended = minimize(both, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
            evaluations += int(ended.nfev)
            if ended.fun < least:
                at, least = ended.x, float(ended.fun)
        claimed = self.problem.claims["f_star"]
        return row("f_star", claimed, least, at=[at.tolist()], evaluations=evaluations,
                   scale=max(abs(self.problem.at_x0), abs(least)))  # fmt: skip

    def _evolve(self, value: Callable[[np.ndarray], np.ndarray]) -> Found:
        centre = self.problem.x0
        return largest(
            value,
            lambda z: [centre + self.unit * np.sinh(z)],
            [[(-reach, reach)] * self.problem.d for reach in REACHES],
            self.seed,
            members=self.effort.members,
            generations=self.effort.generations,
        )

    def _steepness(self, x: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how fast each sample's gradient changes at each point, (n, P), and along what."""
        h = self._h()
        way = _unit_vectors(self._gradients(x, samples), self.rng.standard_normal(self.problem.d))
        for left in reversed(range(ITERATIONS)):
            change = (self._own(x + h * way, samples) - self._own(x - h * way, samples)) / (2 * h)
            if not left:
                return np.linalg.norm(change, axis=2), way
            way = _unit_vectors(change, way)
        raise AssertionError("no iteration")

    def _h(self) -> float:
        return NEAREST * self.unit / 2

    def _gradients(self, x: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return every sample's gradient at every point, (n, P, d)."""
        return np.concatenate(
            [
                self.problem.exact.sample_gradients(torch.tensor(x), torch.tensor(part.ravel()))
                for part in np.array_split(samples, self._pieces(len(samples), len(x)))
            ]
        )

    def _own(self, x: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return each sample's gradient at points of its own, (n, P, d)."""
        pieces = self._pieces(*x.shape[:2])
        return np.concatenate(
            [
                self.problem.exact.own_gradients(torch.tensor(place), torch.tensor(part.ravel()))
                for place, part in zip(
                    np.array_split(x, pieces), np.array_split(samples, pieces), strict=True
                )
            ]
        )

    def _pieces(self, n: int, P: int) -> int:
        return min(n, -(-n * P * self.problem.d // PIECE))

    def _law(self, x: np.ndarray) -> np.ndarray:
        """Return the gradients at one point whose mean is that of the law, or estimates it."""
        if self.problem.uniforms:
            return self._gradients(x, self._drawn(self.effort.draws))
        return self._gradients(x, np.arange(self.problem.N))

    def _mean(self, values: np.ndarray) -> tuple[float, str]:
        """Return a mean over the law: exact for data, else one that it surely is not below."""
        if not self.problem.uniforms:
            return float(values.mean()), f"all {self.problem.N} samples"
        return max(normal_mean(values, CERTAIN).low, 0.0), f"{len(values)} draws, lower limit"

    def _telling(self) -> np.ndarray:
        """Return samples to look at: half of them those whose gradients change fastest at x_0."""
        everyone, count = self._everyone(), self.effort.samples
        if len(everyone) <= count:
            return everyone
        steepness = self._steepness(self.problem.x0[None, :], everyone)[0][:, 0]
        order = np.argsort(-steepness, kind="stable")
        others = self.rng.permutation(order[count // 2 :])[: count - count // 2]
        return everyone[np.concatenate([order[: count // 2], others])]

    def _everyone(self) -> np.ndarray:
        """Return samples in any order: all, or some thousands."""
        most = 8 * self.effort.samples
        if self.problem.uniforms:
            return self._drawn(most)
        return np.random.default_rng(self.seed).permutation(self.problem.N)[:most]

    def _drawn(self, count: int) -> np.ndarray:
        return 2 * self.rng.integers(0, 2**23, (count, self.problem.uniforms)) + 1

    def _named(self, samples: np.ndarray, number: int) -> Any:
        own = samples[number]
        return (own * noise.UNIFORM).tolist() if self.problem.uniforms else int(own)

    def _starts(self, count: int, reach: float) -> np.ndarray:
        """Return x_0 and points around it, (count, d)."""
        z = qmc.Sobol(self.problem.d, rng=self.seed).random(count) * 2 - 1
        z[0] = 0
        return self.problem.x0 + self.unit * np.sinh(reach * z)


def _unit_vectors(vectors: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return the vectors at length 1; ``otherwise`` at length 1 where one is 0."""
    vectors = np.where((vectors != 0).any(-1, keepdims=True), vectors, otherwise)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
