"""What is measured of a problem at many points and samples, through its gradients alone."""

from typing import Any

import numpy as np
import torch

from simulators import noise
from simulators.problems import Custom

PIECE = 2**22
"""Numbers of the samples' gradients that are taken at once."""

ROUNDS = 3
"""Of the search for the direction along which a gradient changes fastest."""

ROUNDING = 8 * np.finfo(np.float64).eps
"""Relative error of a gradient, and of a point, that some operations make."""

LOOKED_AT = 2**24
"""Coordinates of the samples' gradients that are looked at, at one point: all of 10^6 x 16."""


class Measures:
    """A problem's gradients: samples side by side, at points that its claims are about.

    A number that is not finite, or a point that lies too far out to have one, measures 0;
    ``defined`` is the least distance from x_0 at which that happened. ``scale`` is how large
    gradients are near by, unit F/X: where one is small, it may be the difference of two of these.
    """

    def __init__(self, problem: Custom, seed: int) -> None:
        self.problem, self.region = problem, problem.region
        self.rng = np.random.default_rng([seed, problem.d])
        self.defined, self.scale = np.inf, 0.0
        self.everyone = self._everyone()

    def inside(self, x: np.ndarray) -> np.ndarray:
        """Return points, (..., d), moved into the region of the claims."""
        return x if self.region is None else self.region.inside(x)

    def gradients(self, x: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return every sample's gradient at every point, (n, P, d)."""
        found = np.concatenate(
            [
                self.problem.exact.sample_gradients(torch.tensor(x), torch.tensor(part.ravel()))
                for part in np.array_split(samples, self._pieces(len(samples), len(x)))
            ]
        )
        self._note(x, np.isfinite(found.sum((0, 2))))
        return found

    def own(self, x: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return each sample's gradient at points of its own, (n, P, d)."""
        pieces = self._pieces(*x.shape[:2])
        found = np.concatenate(
            [
                self.problem.exact.own_gradients(torch.tensor(place), torch.tensor(part.ravel()))
                for place, part in zip(
                    np.array_split(x, pieces), np.array_split(samples, pieces), strict=True
                )
            ]
        )
        self._note(x, np.isfinite(found.sum(-1)))
        return found

    def sizes(self, x: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return each sample's largest |coordinate| at each point, (n, P), unit F/X."""
        return _finite(np.abs(self.gradients(x, samples)).max(2))

    def variance(self, x: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return the samples' variance at each point, (P,), unit F^2/X^2."""
        return _finite(self.gradients(x, samples).var(0).sum(1))

    def steepness(
        self, x: np.ndarray, t: np.ndarray, samples: np.ndarray, rounds: int = ROUNDS
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how fast each sample's gradient changes around each point, unit F/X^2.

        Parameters
        ----------
        x : (P, d)
        t : (P,)
            Half the distance of two points between which the change is measured.
        samples : (n,) or (n, k)
        rounds : int
            The direction is at first the gradient's, then the change's itself.

        Returns
        -------
        (n, P), and the pairs of points, (2, n, P, d)
        """
        way = _unit_vectors(self.gradients(x, samples), self.rng.standard_normal(self.problem.d))
        for left in reversed(range(rounds)):
            ends = self.inside(x + np.multiply.outer((1.0, -1.0), t[:, None] * way))
            change = self.own(ends[0], samples) - self.own(ends[1], samples)
            if not left:
                return quotient(change, ends[0] - ends[1]), ends
            way = _unit_vectors(change, way)
        raise AssertionError("no round")

    def law(self, x: np.ndarray, draws: int) -> np.ndarray:
        """Return the gradients at one point (1, d) whose mean is the law's, or estimates it."""
        if self.problem.uniforms:
            return self.gradients(x, self.drawn(draws))[:, 0]
        return self.gradients(x, np.arange(self.problem.N))[:, 0]

    def some(self, count: int) -> np.ndarray:
        """Return samples as the law has them."""
        if self.problem.uniforms:
            return self.drawn(count)
        return self.rng.permutation(self.problem.N)[:count]

    def telling(self, x: np.ndarray, t: np.ndarray, count: int) -> np.ndarray:
        """Return samples to look at: those of large and of fast gradients at x, (P, d); others."""
        everyone = self.everyone
        if len(everyone) <= count:
            return everyone
        sizes = self.sizes(x, everyone).max(1)
        rates = np.concatenate(
            [
                self.steepness(x, t, part, 1)[0].max(1)
                for part in np.array_split(everyone, self._pieces(len(everyone), 3 * len(x)))
            ]
        )
        chosen = dict.fromkeys(np.argsort(-sizes, kind="stable")[: count // 3].tolist())
        chosen |= dict.fromkeys(np.argsort(-rates, kind="stable")[: count // 3].tolist())
        chosen |= dict.fromkeys(self.rng.permutation(len(everyone)).tolist())
        return everyone[list(chosen)[:count]]

    def drawn(self, count: int) -> np.ndarray:
        """Return samples of uniform numbers, (count, k), as runs draw them."""
        return 2 * self.rng.integers(0, 2**23, (count, self.problem.uniforms)) + 1

    def neighbours(self, sample: np.ndarray, count: int) -> np.ndarray:
        """Return samples of uniform numbers, (count, k), each with some numbers of its own."""
        shape = (count, len(sample))
        other = self.rng.random(shape) < max(0.3, 1.0 / len(sample))
        return np.where(other, self._levels(shape), sample)

    def named(self, sample: np.ndarray) -> Any:
        """Return a sample as a user knows it: its row, or its numbers."""
        return (sample * noise.UNIFORM).tolist() if self.problem.uniforms else int(sample)

    def rounding(self, x: np.ndarray, size: float, rate: float) -> float:
        """Return by how much rounding may change a gradient of a size at x, unit F/X."""
        return float(ROUNDING * (rate * np.linalg.norm(x) + max(size, self.scale)))

    def _everyone(self) -> np.ndarray:
        """Return samples in any order: all rows, or thousands; of uniforms also far ones."""
        most = max(256, LOOKED_AT // self.problem.d)
        if not self.problem.uniforms:
            return self.rng.permutation(self.problem.N)[:most]
        shape = (min(most, 1024), self.problem.uniforms)
        ends = np.concatenate([np.full((1, shape[1]), 1), np.full((1, shape[1]), 2**24 - 1)])
        return np.concatenate([ends, self._levels(shape), self.drawn(shape[0])])

    def _levels(self, shape: tuple[int, int]) -> np.ndarray:
        """Return uniforms of which each is the least, the largest, a quarter's, or any."""
        levels = np.array([1, 1, 2**22 + 1, 2**23 + 1, 3 * 2**22 + 1, 2**24 - 1, 2**24 - 1])
        kind = self.rng.integers(0, len(levels) + 2, shape)
        return np.where(
            kind < len(levels), levels[np.minimum(kind, len(levels) - 1)], self.drawn(shape[0])
        )

    def _pieces(self, n: int, P: int) -> int:
        return min(n, -(-n * P * self.problem.d // PIECE))

    def _note(self, x: np.ndarray, fine: np.ndarray) -> None:
        if not fine.all():
            far = np.linalg.norm(x[~fine] - self.problem.x0, axis=-1)
            self.defined = min(self.defined, float(far.min()))


def quotient(change: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Return ||change||/||apart||, 0 where either is none."""
    distance = np.linalg.norm(apart, axis=-1)
    return _finite(np.linalg.norm(change, axis=-1) / np.where(distance > 0, distance, np.inf))


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _unit_vectors(vectors: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return the vectors at length 1; ``otherwise`` at length 1 where one is 0 or not finite."""
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    vectors = np.where(np.isfinite(norm) & (norm > 0), vectors, otherwise)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
