"""Intervals for means and slopes.

Two intervals for a mean. The finite-sample one decides verdicts: it holds for every distribution on
a known range, and for all n at once, so that one may look as often as one likes. The normal one
(Student's t) is shown beside it: narrower, right only as n grows, and at one look only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

BETS = (0.99, *(2.0**-k for k in range(1, 11)))
"""The shares of its stake that a bettor risks in `finite_sample_mean`."""


@dataclass(frozen=True)
class Interval:
    """An interval for a mean.

    Attributes
    ----------
    estimate, low, high : float
    confidence : float
        Probability, at least, that low <= mean <= high.
    kind : str
        ``"exact"``, ``"finite-sample"`` or ``"normal"``.
    n : int
        Sample size.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    kind: str
    n: int


def normal_mean(values: npt.ArrayLike, confidence: float) -> Interval:
    """Student's t interval for a mean.

    Parameters
    ----------
    values : (n,), n >= 2
        Independent, identically distributed.
    confidence : float
        In (0, 1).
    """
    x = np.asarray(values, dtype=np.float64)
    mean, error = float(x.mean()), standard_error(x)
    reach = student_quantile(confidence, len(x)) * error
    return Interval(mean, mean - reach, mean + reach, confidence, "normal", len(x))


def pointwise(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of each column of (n, K) values, and the ends of its Student interval."""
    intervals = [normal_mean(column, confidence) for column in np.asarray(values).T]
    mean, low, high = (
        np.array([getattr(interval, name) for interval in intervals])
        for name in ("estimate", "low", "high")
    )
    return mean, low, high


def student_quantile(confidence: float, n: int) -> float:
    """Return how many standard errors an interval from n values reaches: Student's quantile."""
    return -float(special.stdtrit(n - 1, (1 - confidence) / 2))


def finite_sample_mean(values: npt.ArrayLike, upper: float, confidence: float) -> Interval:
    """Confidence interval for the mean of variables in [0, upper], valid for all n at once.

    A bettor who doubts that the mean is m stakes a share f of its wealth on every value: if m is
    the mean, the wealth prod_i (1 + f (x_i - m)/m) is a martingale from 1, of positive factors as
    f < 1. So is its average over the shares in `BETS`, which depend neither on n nor on a value.
    By Ville's inequality it ever reaches 1/alpha with probability at most alpha. So, with the
    confidence stated, the mean lies in all the intervals from the first 1, 2, 3, ... values, and
    stopping at a number that depends on the values keeps the confidence. What is multiplied does
    not depend on the order of the values.

    The lower limit is the least m that leaves the wealth below 2/(1 - confidence); the wealth
    falls in m, so that a bracketing root finder finds it. The upper limit is the same for
    upper - x. (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by
    betting", 2024.)

    Parameters
    ----------
    values : (n,)
        Independent, identically distributed, in [0, upper].
    upper : float
        Almost sure upper limit of a value.
    confidence : float
        In (0, 1).

    Raises
    ------
    ValueError
        If a value lies outside [0, upper].
    """
    x = np.asarray(values, dtype=np.float64)
    estimate = float(x.mean())
    x = x / upper
    # Rounding may put a value an ulp past its limit.
    if not (x.min() >= 0 and x.max() <= 1 + 1e-6):  # nan too
        raise ValueError(f"values in [{x.min() * upper}, {x.max() * upper}] leave [0, {upper}]")
    x = np.minimum(x, 1.0)
    threshold = math.log(2 / (1 - confidence))
    low = _least_mean(x, threshold)
    high = 1 - _least_mean(1 - x, threshold)
    mean = float(x.mean())
    low, high = min(low, mean) * upper, max(high, mean) * upper
    return Interval(estimate, low, high, confidence, "finite-sample", len(x))


def log_wealth(x: np.ndarray, m: float) -> float:
    """Return the logarithm of the wealth of a bettor who doubts that the mean is m.

    Parameters
    ----------
    x : (n,)
        In [0, 1].
    m : float
        In (0, 1).

    Returns
    -------
    float
        Averaged over the shares in `BETS`. From log(2/(1 - confidence)) on, m lies below the
        interval of `finite_sample_mean`.
    """
    shares = np.array(BETS)[:, None]
    stakes = shares * (x - m)
    stakes /= m  # in place, as the logarithm: memory costs as much time as the arithmetic
    by_share = np.log1p(stakes, out=stakes).sum(1)
    return float(np.logaddexp.reduce(by_share)) - math.log(len(BETS))


def _least_mean(x: np.ndarray, threshold: float) -> float:
    """The least mean that n values in [0, 1] do not refute at log wealth ``threshold``."""
    mean = float(x.mean())
    if mean == 0:
        return 0.0

    def excess(log_m: float) -> float:
        return log_wealth(x, math.exp(log_m)) - threshold

    # The wealth falls in m and is at most 1 at the mean (the logarithm is concave).
    high = math.log(mean)
    low = high - 30
    if excess(low) <= 0:
        return 0.0
    tolerance = 1e-10
    root = optimize.root_scalar(excess, bracket=(low, high), method="brentq", xtol=tolerance).root
    return math.exp(root - tolerance)


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of the mean of independent values, (n,), n >= 2."""
    return float(values.std(ddof=1)) / math.sqrt(len(values))


@dataclass(frozen=True)
class Slope:
    """A slope of log means with its interval.

    Attributes
    ----------
    slope, low, high, confidence : float
        The interval takes log means for normal, with Student's quantile of the smallest sample.
    local : tuple of (slope, low, high)
        Between neighbouring points: a straight line has them equal.
    """

    slope: float
    low: float
    high: float
    confidence: float
    local: tuple[tuple[float, float, float], ...]


def log_slope(at: Sequence[float], samples: Sequence[np.ndarray], confidence: float) -> Slope:
    """Slope of log E[sample] against log at, from independent samples.

    Weighted least squares on the log means, each weighted by its own standard error.

    Parameters
    ----------
    at : k numbers, increasing
    samples : k arrays of positive values
        Independent within and between arrays.
    confidence : float
        In (0, 1).
    """
    x = np.log(np.asarray(at, dtype=np.float64))
    return line_slope(x, *_log_means(samples), min(len(sample) for sample in samples), confidence)


def line_slope(x: np.ndarray, y: np.ndarray, error: np.ndarray, n: int, confidence: float) -> Slope:
    """Slope of y against x, from independent normal y, by weighted least squares.

    Parameters
    ----------
    x, y, error : (k,)
        Places, increasing; values; their standard errors.
    n : int
        Size of the smallest sample behind an error, for Student's quantile.
    confidence : float
        In (0, 1).
    """
    z = student_quantile(confidence, n)
    weight = _floored(error) ** -2
    centred = x - np.average(x, weights=weight)
    spread = float((weight * centred**2).sum())
    slope = float((weight * centred * y).sum()) / spread
    reach = z * float(np.sqrt((weight**2 * centred**2 * error**2).sum())) / spread
    local = []
    for i in range(len(x) - 1):
        step = x[i + 1] - x[i]
        rise, r = (y[i + 1] - y[i]) / step, z * math.hypot(error[i], error[i + 1]) / step
        local.append((float(rise), float(rise - r), float(rise + r)))
    return Slope(slope, slope - reach, slope + reach, confidence, tuple(local))


def log_crossing(
    at: Sequence[float], samples: Sequence[np.ndarray], level: float
) -> tuple[float, float]:
    """Where E[sample] passes a level: log at, and its standard error.

    A straight line is laid through the log means against log at, by weighted least squares, and
    inverted; the error is the line's at that place, over its slope (the delta method).

    Parameters
    ----------
    at : k numbers
    samples : k arrays of positive values
        Independent within and between arrays.
    level : float
    """
    x = np.log(np.asarray(at, dtype=np.float64))
    y, error = _log_means(samples)
    weight = _floored(error) ** -2
    middle = float(np.average(x, weights=weight))
    centred = x - middle
    spread = float((weight * centred**2).sum())
    slope = float((weight * centred * y).sum()) / spread
    away = (math.log(level) - float(np.average(y, weights=weight))) / slope
    return middle + away, math.sqrt(1 / float(weight.sum()) + away**2 / spread) / abs(slope)


def paired_log_slope(at: Sequence[float], samples: np.ndarray, confidence: float) -> Slope:
    """Slope of log E[sample] against log at, where replicates share their noise.

    Ordinary least squares on the log means; the error is that of the replicates' own
    contributions (the delta method), so that what they share cancels.

    Parameters
    ----------
    at : k numbers, increasing
    samples : (n, k), positive
        Row r is replicate r, measured at every point under the same noise.
    confidence : float
        In (0, 1).
    """
    x = np.log(np.asarray(at, dtype=np.float64))
    mean = samples.mean(0)
    influence = samples / mean  # of log mean_k, up to a constant
    z = student_quantile(confidence, len(samples))

    def combine(coefficients: np.ndarray) -> tuple[float, float, float]:
        estimate = float(coefficients @ np.log(mean))
        reach = z * standard_error(influence @ coefficients)
        return estimate, estimate - reach, estimate + reach

    centred = x - x.mean()
    slope, low, high = combine(centred / (centred @ centred))
    units = np.eye(len(x))
    local = tuple(combine((units[i + 1] - units[i]) / (x[i + 1] - x[i])) for i in range(len(x) - 1))
    return Slope(slope, low, high, confidence, local)


def log_ratio(
    sample: np.ndarray, other: np.ndarray, confidence: float
) -> tuple[float, float, float]:
    """Return log E[sample]/E[other] from independent samples, and its interval's ends.

    As `log_slope`, it takes log means for normal, with Student's quantile of the smaller sample.
    """
    log_means, errors = _log_means([sample, other])
    ratio = float(log_means[0] - log_means[1])
    reach = student_quantile(confidence, min(len(sample), len(other))) * math.hypot(*errors)
    return ratio, ratio - reach, ratio + reach


def _log_means(samples: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    means = np.array([sample.mean() for sample in samples])
    errors = np.array([standard_error(sample) for sample in samples])
    return np.log(means), errors / means


def _floored(error: np.ndarray) -> np.ndarray:
    """Keep an exactly known point from having infinite weight."""
    return np.maximum(error, max(1e-12, 1e-3 * float(error.max())))
