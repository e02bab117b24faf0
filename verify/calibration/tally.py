"""Counts of a calibration, and what they say."""

from collections.abc import Mapping
from typing import Any

from scipy import stats

CONFIDENCES = (0.5, 0.9, 0.95, 0.99, 0.999)
"""Confidences at which misses can be counted. At the verdicts' own, 1 - 1e-6 and above, a count
would take millions of reproductions; there it can only be seen that no miss comes up."""

CERTAINTY = 0.999
"""Confidence of the Clopper-Pearson intervals of what was counted."""

Tally = dict[str, Any]
"""What one part of a case counted: numbers, lists, and mappings of these."""


def merged(one: Any, other: Any) -> Any:
    """Return two parts' tallies together: numbers add up, lists go on."""
    if isinstance(one, Mapping):
        return {name: merged(value, other[name]) for name, value in one.items()}
    return one + other


def share(count: int, of: int) -> dict[str, float | int]:
    """Return a counted share with its Clopper-Pearson interval."""
    found = stats.binomtest(count, of).proportion_ci(CERTAINTY, "exact")
    return {"count": count, "of": of, "share": count / of, "low": float(found.low),
            "high": float(found.high)}  # fmt: skip


def coverage(tally: Tally) -> list[dict[str, Any]]:
    """Return a row a confidence: how often the interval held the truth, was above it, was below.

    ``standing`` says what follows: ``short`` if it certainly holds the truth less often than
    stated, ``ample`` if certainly more often, else ``as stated``.
    """
    rows = []
    for confidence in CONFIDENCES:
        above, below = (tally[side][str(confidence)] for side in ("above", "below"))
        held = share(tally["repeats"] - above - below, tally["repeats"])
        standing = "as stated"
        if held["high"] < confidence:
            standing = "short"
        elif held["low"] > confidence:
            standing = "ample"
        rows.append(
            {"confidence": confidence, **held, "above": above, "below": below,
             "standing": standing}
        )  # fmt: skip
    return rows
