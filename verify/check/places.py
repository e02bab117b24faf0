"""Where searches look: around which points, and how far, whatever the claims say of it."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from verify.check.measures import Measures

NEARER, FARTHER = 1e-3, 1e3
"""How far below the least, and above the largest, natural length searches look."""


@dataclass(frozen=True)
class Places:
    """Points that lie around centres, at distances of all orders of magnitude.

    Attributes
    ----------
    centres : (C, d), unit X
        x_0, and where descents ended.
    least, most : float, unit X
        The distances' range.
    """

    centres: np.ndarray
    least: float
    most: float

    def scatter(self, measures: Measures, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return points, (count, d), the centres first, and their distances from a centre."""
        C, d = self.centres.shape
        power = int(np.ceil(np.log2(count)))  # Sobol's points are even by powers of two alone
        shares = qmc.Sobol(d + 3, rng=seed).random_base2(power)[:count]
        shares = np.clip(shares, 1e-12, 1 - 1e-12)
        way = ndtri(shares[:, :d])
        # Every third along one coordinate: others of large d are nearly at right angles to it.
        alone = np.eye(d)[np.minimum((shares[:, d] * d).astype(int), d - 1)]
        way[::3] = (alone * np.sign(way))[::3]
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        radius = np.exp(np.log(self.least) + shares[:, d + 1] * np.log(self.most / self.least))
        around = self.centres[np.minimum((shares[:, d + 2] * C).astype(int), C - 1)]
        radius[:C], around[:C] = 0.0, self.centres
        return measures.inside(around + radius[:, None] * way), radius


def survey(measures: Measures, centres: np.ndarray) -> Places:
    """Find a problem's natural lengths: what is claimed, and what is measured, of G/L; how far
    its centres lie apart; and how far from the origin.
    """
    problem = measures.problem
    lengths = [problem.G / problem.L]
    samples = measures.everyone[:256]
    sizes = measures.sizes(centres, samples).max(0)
    for size, centre in zip(sizes, centres, strict=True):
        place = centre[None, :]
        for h in (lengths[0], float(np.abs(centre).max()), 1.0):
            if h > 0 and size > 0:
                rate = measures.steepness(place, np.array([1e-4 * h]), samples, 1)[0].max()
                lengths += [size / rate] if rate > 0 else []
    lengths += np.linalg.norm(centres - problem.x0, axis=1).tolist()
    lengths += np.abs(centres).max(1).tolist()
    real = [length for length in lengths if 1e-12 < length < 1e12] or [1.0]
    grain = 1e6 * np.finfo(np.float64).eps * float(np.abs(centres).max())
    most = FARTHER * max(real)
    if measures.region is not None:
        most = min(most, measures.region.reach)
    least = max(NEARER * min(min(real), most), grain)
    return Places(centres, least, max(most, 10 * least))
