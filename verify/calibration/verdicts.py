"""Intervals and verdicts on the engine's own runs, over repeated reproductions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from simulators.spec import Spec
from verify.calibration.pools import Pool, cut, replicates
from verify.calibration.tally import CONFIDENCES, Tally, coverage, share
from verify.claims.adasam.corollary1 import slope_evidence
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.judge import verdict
from verify.evidence.measured import MARGIN, TARGET
from verify.evidence.statistics import finite_sample_mean, log_wealth, normal_mean, student_quantile

INSTANCES = 25
"""How many simulated instances share the budget of a claim on Theorem 1."""

CLAIMED = (1.0, 1.01)
"""A true bound over the left side: a bound that is refuted there is a false alarm."""

PLANTED = (-0.5, -0.46, -0.455, -0.453, -0.45, -0.447, -0.445, -0.44, -0.43, -0.4, -0.3)
"""Slopes that runs are tilted to. Those beyond -0.45 must not be said to hold."""

Measure = Callable[[int], Tally]


def bounds(pool: Pool, n: int, count: int) -> Measure:
    """Return what judges bounds, near the truth, on reproductions of n runs.

    It keeps the ends of the verdict's own interval over the truth: with them every bound is judged.
    """
    confidence = 1 - ERROR_BUDGET / INSTANCES

    def measure(part: int) -> Tally:
        found = [
            finite_sample_mean(values, pool.upper, confidence)
            for values in pool.samples(n, part, count)
        ]
        return {
            "repeats": count,
            "low": [interval.low / pool.truth for interval in found],
            "high": [interval.high / pool.truth for interval in found],
        }

    return measure


def means(pool: Pool, n: int, count: int, kind: str) -> Measure:
    """Return what counts the misses of an interval for the mean, on the engine's runs."""

    def measure(part: int) -> Tally:
        above, below = (np.zeros((len(CONFIDENCES), count), dtype=bool) for _ in range(2))
        for number, values in enumerate(pool.samples(n, part, count)):
            above[:, number], below[:, number] = _missed(values, pool, kind)
        return {
            "repeats": count,
            "above": _by_confidence(above),
            "below": _by_confidence(below),
        }

    return measure


def _missed(values: np.ndarray, pool: Pool, kind: str) -> tuple[np.ndarray, np.ndarray]:
    if kind == "normal":
        found = normal_mean(values, CONFIDENCES[0])
        error = (found.high - found.estimate) / student_quantile(CONFIDENCES[0], len(values))
        limits = np.array([error * student_quantile(c, len(values)) for c in CONFIDENCES])
        return found.estimate - pool.truth > limits, pool.truth - found.estimate > limits
    x, m = np.minimum(values / pool.upper, 1.0), pool.truth / pool.upper
    thresholds = np.array([math.log(2 / (1 - c)) for c in CONFIDENCES])
    return log_wealth(x, m) > thresholds, log_wealth(1 - x, 1 - m) > thresholds


def slopes(axis: str, spec: Spec, n: int, count: int) -> Measure:
    """Return what judges the claim `corollary1.rate_b` or `rate_T` on reproductions of n runs.

    Of its control, whose slope is known, the interval is kept, less that slope: moved along, it is
    the interval of runs of any slope that have the same errors.
    """
    quantiles = np.array([student_quantile(c, n) for c in CONFIDENCES])

    def measure(part: int) -> Tally:
        every = replicates(spec, part * count * n, (part + 1) * count * n)
        low, high, off, error = [], [], [], []
        found = dict.fromkeys(("holds", "refuted", "inconclusive"), 0)
        for runs in cut(every, n):
            evidence = slope_evidence(axis, {f"along_{axis}": (spec, runs)})
            control = evidence["control"]
            found[verdict(evidence)] += 1
            low.append(control["low"] - control["predicted"])
            high.append(control["high"] - control["predicted"])
            off.append(control["slope"] - control["predicted"])
            reach = control["high"] - control["slope"]
            error.append(reach / student_quantile(control["confidence"], n))
        limits = quantiles[:, None] * np.array(error)
        return {
            "repeats": count, "verdicts": found, "low": low, "high": high,
            "above": _by_confidence(np.array(off) > limits),
            "below": _by_confidence(-np.array(off) > limits),
        }  # fmt: skip

    return measure


def _by_confidence(missed: np.ndarray) -> dict[str, int]:
    return {str(c): int(row.sum()) for c, row in zip(CONFIDENCES, missed, strict=True)}


def judged_bounds(tally: Tally) -> dict[str, Any]:
    """Return false alarms at true bounds, and how far a false one must be off to be refuted."""
    low, high = np.array(tally["low"]), np.array(tally["high"])
    many = tally["repeats"]
    return {
        "reproductions": many,
        "false_alarms": {f"{c:g}": share(int((low > c).sum()), many) for c in CLAIMED},
        "refuted_from": _quantiles(1 / np.maximum(low, 1e-300) - 1),
        "holds_from": _quantiles(high - 1),
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    """Return what half and 99 % of the reproductions need at most."""
    return {str(q): float(np.quantile(values, q, method="higher")) for q in (0.5, 0.99)}


def judged_slopes(tally: Tally) -> dict[str, Any]:
    """Return how often the claim had which verdict, and how often planted slopes would."""
    many, rows = tally["repeats"], []
    for planted in PLANTED:
        counts = dict.fromkeys(("holds", "refuted", "inconclusive"), 0)
        for low, high in zip(tally["low"], tally["high"], strict=True):
            evidence = {
                "slope": planted, "low": planted + low, "high": planted + high, "target": TARGET,
                "margin": MARGIN,
            }  # fmt: skip
            counts[verdict(evidence)] += 1
        rows.append({"slope": planted, **{name: share(k, many) for name, k in counts.items()}})
    return {
        "reproductions": many,
        "at": coverage(tally),
        "claim": {name: share(k, many) for name, k in tally["verdicts"].items()},
        "planted": rows,
        "half_width": float(np.median(np.subtract(tally["high"], tally["low"]))) / 2,
    }
