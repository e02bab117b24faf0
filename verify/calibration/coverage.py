"""Coverage of every interval on draws from laws whose means are known.

Of the finite-sample interval only the bettor's wealth at the true mean is needed: it is above
2/alpha where the interval of that confidence misses. All other intervals are an estimate and so
many errors as Student's quantile says: one interval has those of all confidences.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from verify.calibration.laws import Law, spread
from verify.calibration.tally import CONFIDENCES, Tally
from verify.evidence.ratio import ratio
from verify.evidence.statistics import (
    finite_sample_mean,
    line_slope,
    log_crossing,
    log_ratio,
    log_slope,
    log_wealth,
    normal_mean,
    paired_log_slope,
    student_quantile,
)

Measure = Callable[[np.random.Generator], Tally]

AT = (1.0, 4.0, 16.0, 64.0)
VARIATION = (0.1, 0.4, 0.2, 0.3)
"""Coefficients of variation of the four points that a slope is fitted to."""


def finite_sample(law: Law, n: int, repeats: int) -> Measure:
    """Return what counts the misses of `finite_sample_mean`."""
    return looked_at(law, (n,), repeats)


def looked_at(law: Law, ns: tuple[int, ...], repeats: int) -> Measure:
    """Return what counts where `finite_sample_mean` misses at any of several n."""
    thresholds = [math.log(2 / (1 - confidence)) for confidence in CONFIDENCES]

    def highest(x: np.ndarray, m: float) -> np.ndarray:
        return np.array([max(log_wealth(row[:n], m) for n in ns) for row in x])

    def measure(rng: np.random.Generator) -> Tally:
        x = law.draw(rng, (repeats, ns[-1]))
        wealths = highest(x, law.mean), highest(1 - x, 1 - law.mean)
        above, below = (np.array([w > t for t in thresholds]) for w in wealths)
        return _counted(repeats, above, below & ~above)

    return measure


def normal(law: Law, n: int, repeats: int) -> Measure:
    """Return what counts the misses of `normal_mean`."""

    def once(rng: np.random.Generator, confidence: float) -> tuple[float, float]:
        found = normal_mean(law.draw(rng, (n,)), confidence)
        return found.estimate - law.mean, found.high - found.estimate

    return pivotal(once, n, repeats)


def slope(n: int, repeats: int) -> Measure:
    """Return what counts the misses of `log_slope`, from four independent samples."""

    def once(rng: np.random.Generator, confidence: float) -> tuple[float, float]:
        found = log_slope(AT, _samples(rng, n), confidence)
        return found.slope + 0.5, found.high - found.slope

    return pivotal(once, n, repeats)


def paired_slope(n: int, repeats: int) -> Measure:
    """Return what counts the misses of `paired_log_slope`, from replicates that share a factor."""

    def once(rng: np.random.Generator, confidence: float) -> tuple[float, float]:
        shared = spread(rng, (n, 1), 0.5)
        found = paired_log_slope(AT, shared * np.stack(_samples(rng, n), axis=1), confidence)
        return found.slope + 0.5, found.high - found.slope

    return pivotal(once, n, repeats)


def looked_at_slope(ns: tuple[int, ...], repeats: int, *, shared: bool) -> Measure:
    """Return what counts where `log_slope` misses at any of several n.

    ``shared``: whether look k spends 2^-k of the error, as verdicts do, or each all of it.
    """

    def measure(rng: np.random.Generator) -> Tally:
        above = np.zeros((len(CONFIDENCES), repeats), dtype=bool)
        below = np.zeros_like(above)
        for repeat in range(repeats):
            samples = _samples(rng, ns[-1])
            for k, n in enumerate(ns, start=1):
                found = log_slope(AT, [sample[:n] for sample in samples], CONFIDENCES[0])
                error = (found.high - found.slope) / student_quantile(CONFIDENCES[0], n)
                spent = 2.0**-k if shared else 1.0
                quantiles = [student_quantile(1 - (1 - c) * spent, n) for c in CONFIDENCES]
                reach = error * np.array(quantiles)
                above[:, repeat] |= found.slope + 0.5 > reach
                below[:, repeat] |= -found.slope - 0.5 > reach
        return _counted(repeats, above, below & ~above)

    return measure


def crossing_slope(n: int, repeats: int) -> Measure:
    """Return what counts the misses of the slope of T(delta), `log_crossing` and `line_slope`."""
    along = [
        [middle * share for share in (0.7, 0.85, 1.0, 1.2, 1.4)] for middle in (1e3, 4e3, 16e3)
    ]
    levels = [middle**-0.5 for middle in (1e3, 4e3, 16e3)]

    def once(rng: np.random.Generator, confidence: float) -> tuple[float, float]:
        found = [
            log_crossing(at, [T**-0.5 * spread(rng, (n,), 0.2) for T in at], level)
            for at, level in zip(along, levels, strict=True)
        ]
        place, error = np.array(found).T
        line = line_slope(np.log(levels), place, error, n, confidence)
        return line.slope + 2, line.high - line.slope

    return pivotal(once, n, repeats)


def log_ratios(n: int, repeats: int) -> Measure:
    """Return what counts the misses of `log_ratio`."""

    def once(rng: np.random.Generator, confidence: float) -> tuple[float, float]:
        found, _, high = log_ratio(spread(rng, (n,), 0.3), 2 * spread(rng, (n,), 0.6), confidence)
        return found + math.log(2), high - found

    return pivotal(once, n, repeats)


def ratios(law: Law, other: Law, n: int, repeats: int) -> Measure:
    """Return what counts the misses of a ratio between the ends of two finite-sample intervals."""

    def once(rng: np.random.Generator, confidence: float) -> tuple[bool, bool]:
        each = 1 - (1 - confidence) / 2
        one, two = (finite_sample_mean(x.draw(rng, (n,)), 1.0, each) for x in (law, other))
        found, truth = ratio("", one, two), law.mean / other.mean
        return found["low"] > truth, found["high"] < truth

    def measure(rng: np.random.Generator) -> Tally:
        missed = np.array(
            [[once(rng, confidence) for confidence in CONFIDENCES] for _ in range(repeats)]
        )
        return _counted(repeats, *missed.transpose(2, 1, 0))

    return measure


def pivotal(
    once: Callable[[np.random.Generator, float], tuple[float, float]], n: int, repeats: int
) -> Measure:
    """Return what counts the misses of an interval that reaches Student's quantile times an error.

    ``once(rng, confidence)`` returns how far the estimate is above the truth, and the reach.
    """
    quantiles = np.array([student_quantile(confidence, n) for confidence in CONFIDENCES])

    def measure(rng: np.random.Generator) -> Tally:
        off, reach = np.array([once(rng, CONFIDENCES[0]) for _ in range(repeats)]).T
        limits = reach / quantiles[0] * quantiles[:, None]
        return _counted(repeats, off > limits, -off > limits)

    return measure


def _samples(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [
        at**-0.5 * spread(rng, (n,), variation) for at, variation in zip(AT, VARIATION, strict=True)
    ]


def _counted(repeats: int, above: Iterable[npt.ArrayLike], below: Iterable[npt.ArrayLike]) -> Tally:
    """Count the misses at each confidence, (confidences, repeats) each."""
    return {
        "repeats": repeats,
        **{
            side: {str(c): int(np.sum(row)) for c, row in zip(CONFIDENCES, missed, strict=True)}
            for side, missed in (("above", above), ("below", below))
        },
    }
