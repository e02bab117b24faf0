"""Pairs of points between which a sample's gradient changes fast, halved to the steepest."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from verify.check.climbing import WITHOUT_END
from verify.check.measures import PIECE, ROUNDING, ROUNDS, Measures, quotient

HALVINGS = 60
"""Most times that the distance of two points is halved."""

NONE_LEFT = 1e-2
"""Relative rounding of a quotient from which on halving shows nothing."""

HALVED = 1.3
"""By how much at least a quotient without limit grows at each halving: a jump's doubles; that of
a gradient like |x|^(0.6) grows by so much."""

BESIDE = 0.6
"""Largest share of a jump by which the gradient may change as far beside it."""


class Pairs(NamedTuple):
    """Pairs of points.

    Attributes
    ----------
    rate : (P,)
        ||g(a) - g(b)||/||a - b||, unit F/X^2.
    ends : (2, P, d)
        a and b.
    samples : (P,) or (P, k)
        Whose gradient.
    """

    rate: np.ndarray
    ends: np.ndarray
    samples: np.ndarray


def measured(measures: Measures, x: np.ndarray, t: np.ndarray, samples: np.ndarray) -> Pairs:
    """Return each point's steepest pair, (P,); around a single point every sample's, (n,)."""
    if len(x) == 1:
        parts = np.array_split(samples, max(1, 4 * len(samples) * x.shape[1] // PIECE))
        found = [measures.steepness(x, t, part, ROUNDS) for part in parts if len(part)]
        return Pairs(
            np.concatenate([rate[:, 0] for rate, _ in found]),
            np.concatenate([ends[:, :, 0] for _, ends in found], axis=1),
            samples,
        )
    pieces = min(len(x) // 2, 1 + 4 * len(samples) * x.size // PIECE)
    out = []
    for place, width in zip(np.array_split(x, pieces), np.array_split(t, pieces), strict=True):
        rate, ends = measures.steepness(place, width, samples)
        best, column = rate.argmax(0), np.arange(len(place))
        out.append(Pairs(rate[best, column], ends[:, best, column], samples[best]))
    return Pairs(
        np.concatenate([each.rate for each in out]),
        np.concatenate([each.ends for each in out], axis=1),
        np.concatenate([each.samples for each in out]),
    )


class Steepest:
    """The steepest pair so far, each one halved first.

    Attributes
    ----------
    rate : float
    ends : (2, d)
    sample : int, or (k,)
    endless : int
        How often in a row, at the end, halving a pair raised its quotient; the most of all pairs.
    """

    def __init__(self, measures: Measures) -> None:
        self.measures = measures
        self.rate, self.endless = -1.0, 0
        self.ends: np.ndarray = np.stack([measures.problem.x0] * 2)
        self.sample: Any = measures.everyone[0]

    def take(self, pairs: Pairs, chosen: np.ndarray | None = None) -> None:
        """Halve some pairs, by default the steepest few."""
        if chosen is None:
            chosen = np.argsort(-pairs.rate, kind="stable")[:8]
        samples = pairs.samples[chosen]
        found = zoom(self.measures, pairs.ends[:, chosen], samples)
        number = int(found.rate.argmax())
        endless = int(found.endless.max())
        if endless >= WITHOUT_END > self.endless:
            number = int(found.endless.argmax())
        elif self.endless >= WITHOUT_END or found.rate[number] <= self.rate:
            return
        self.endless, self.rate = endless, float(found.rate[number])
        self.ends, self.sample = found.ends[:, number], samples[number]

    @property
    def middle(self) -> np.ndarray:
        """The point between its two, (d,)."""
        return self.ends.mean(0)

    @property
    def half(self) -> float:
        """Half their distance, and not so little that rounding shows."""
        apart = float(np.linalg.norm(self.ends[0] - self.ends[1])) / 2
        return max(apart, 1e-10 * float(np.linalg.norm(self.middle)), 1e-200)


class Zoomed(NamedTuple):
    """Pairs of points, halved to the steepest.

    Attributes
    ----------
    rate : (K,)
        The largest quotient less its rounding.
    ends : (2, K, d)
        Where it was measured.
    endless : (K,) int
        How often in a row, at the end, halving the distance raised the quotient by `HALVED`.
    """

    rate: np.ndarray
    ends: np.ndarray
    endless: np.ndarray


def zoom(measures: Measures, ends: np.ndarray, samples: np.ndarray) -> Zoomed:
    """Halve pairs of points, (2, K, d), each time to the half in which its gradient changes faster.

    One half changes at least as fast as the whole. A limit is approached; where a gradient jumps,
    the quotient doubles each time.
    """

    def at(x: np.ndarray) -> np.ndarray:
        return measures.own(x[:, None, :], samples)[:, 0]

    room_of = partial(_room, measures.scale)
    a, b = ends
    at_a, at_b = at(a), at(b)
    rate = quotient(at_a - at_b, a - b)
    sure = np.where(rate > 0, rate - room_of(a, b, at_a, at_b, rate), 0.0)
    best, last = np.maximum(sure, 0), rate
    found, endless = ends.copy(), np.zeros(len(rate), dtype=int)
    going, kept = rate > 0, ends
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        at_middle = at(middle)
        near = quotient(at_a - at_middle, a - middle)
        far = quotient(at_middle - at_b, middle - b)
        left = (near >= far)[:, None]
        a, at_a = np.where(left, a, middle), np.where(left, at_a, at_middle)
        b, at_b = np.where(left, middle, b), np.where(left, at_middle, at_b)
        rate = np.maximum(near, far)
        room = room_of(a, b, at_a, at_b, rate)
        going &= room < NONE_LEFT * rate
        if not going.any():
            break
        endless = np.where(going, np.where(rate > HALVED * last, endless + 1, 0), endless)
        better = going & (rate - room > best)
        best = np.where(better, rate - room, best)
        found[:, better] = np.stack([a, b])[:, better]
        last = np.where(going, rate, last)
        kept = np.where(going[:, None], np.stack([a, b]), kept)
    jumps = _jumps(at, kept)
    return Zoomed(best, found, np.where(jumps, endless, 0))


def _jumps(at: Callable[[np.ndarray], np.ndarray], ends: np.ndarray) -> np.ndarray:
    """Whether a gradient changes more between two points than next to them: rounding does not."""
    a, b = ends
    inner = np.linalg.norm(at(a) - at(b), axis=-1)
    outer = [
        np.linalg.norm(at(one + step * (one - other)) - at(one), axis=-1)
        for step in (0.25, 0.5, 0.75, 1.0)
        for one, other in ((a, b), (b, a))
    ]
    return np.max(outer, axis=0) < BESIDE * inner


def _room(
    scale: float,
    a: np.ndarray, b: np.ndarray, at_a: np.ndarray, at_b: np.ndarray, rate: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return by how much rounding may change a quotient between a and b."""
    place, size = (
        np.maximum(np.linalg.norm(one, axis=-1), np.linalg.norm(other, axis=-1))
        for one, other in ((a, b), (at_a, at_b))
    )
    apart = np.linalg.norm(a - b, axis=-1)
    rounding = ROUNDING * (rate * place + np.maximum(size, scale))
    return np.where(apart > 0, rounding / np.where(apart > 0, apart, 1), np.inf)
