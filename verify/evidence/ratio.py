"""Ratios with ranges fixed beforehand: ``{"ranges": [{"low", "high", "least" and/or "most"}]}``.

They hold if every whole interval lies between its least and its most, and are refuted if one lies
wholly outside. A ratio that is known exactly must lie in its sample's interval too.
"""

import math
from typing import Any

from verify.evidence.kind import (
    Counterexample,
    Evidence,
    Kind,
    Limited,
    Verdict,
    all_of,
    register,
    sampled,
    within,
)
from verify.evidence.statistics import Interval


@register
class Ranges(Kind):
    """Ratios, each with its range."""

    key = "ranges"
    template = "ranges.html.j2"

    def verdict(self) -> Verdict:
        """Judge every ratio."""
        return all_of(map(_judged, self.content["ranges"]))

    def summary(self) -> str:
        """Return how many lie in their ranges, or the one farthest outside."""
        ranges = self.content["ranges"]

        def outside(item: Evidence) -> float:
            _, least, most = _with_limits(item)
            return max(least - item["low"], item["high"] - most)

        count = sum(outside(item) <= 0 for item in ranges)
        if count == len(ranges):
            return f"all {count} ratios in their ranges"
        worst = max(ranges, key=outside)
        span = f"{worst['value']:.3g} [{worst['low']:.3g}, {worst['high']:.3g}]"
        return f"{len(ranges) - count} of {len(ranges)} not in range: {worst['name']}, {span}"

    def limited(self) -> list[Limited]:
        """Return the ratios with their ranges."""
        return list(map(_with_limits, self.content["ranges"]))

    def counterexample(self) -> Counterexample:
        """Return the first ratio that refutes."""
        item = next(item for item in self.content["ranges"] if _judged(item) == "refuted")
        _, least, most = _with_limits(item)
        low, high = item["low"], item["high"]
        limit = ("at least", least) if high < least else ("at most", most)
        value = low if low == high else item["value"]
        return Counterexample(
            (("of", item["name"]),), ("ratio", value), limit, None if low == high else (low, high)
        )


def ratio(
    name: str, one: Interval, other: Interval, exact: float | None = None, **limits: float
) -> dict[str, Any]:
    """Return one range of evidence: a ratio of means between its intervals' far ends.

    Where the ratio is known exactly, that decides, and the intervals must agree.
    """
    low, high = one.low / other.high, one.high / max(other.low, 1e-300)
    item: dict[str, Any] = {"name": name, "value": one.estimate / other.estimate, **limits}
    if exact is None:
        return item | {"low": low, "high": high}
    return item | {"low": exact, "high": exact, "sample_low": low, "sample_high": high}


def _with_limits(item: Evidence) -> Limited:
    return item, item.get("least", -math.inf), item.get("most", math.inf)


def _judged(item: Evidence) -> Verdict:
    if "least" not in item and "most" not in item:
        raise ValueError(f"no verdict on {item['name']}: it has neither a least nor a most")
    return within(*_with_limits(item)) if sampled(item, item["low"]) else "inconclusive"
