"""Searches for a violation: ``{"searches": [{"found", "limit", "certified", "standing", ...}]}``.

A certificate holds if no search found more than the limit, certified value and rounding, and each
search for an exact constant came within `ATTAINED` of it: one that did not was too weak to tell.
"""

import numpy as np

from verify.evidence.kind import Counterexample, Kind, Verdict, problem_setting, register

ATTAINED = 0.999
"""Share of an exact constant that a search must come upon."""


@register
class Searches(Kind):
    """Searches, one for each constant of each problem."""

    key = "searches"
    template = "searches.html.j2"

    def verdict(self) -> Verdict:
        """Compare what was found with the limits, and with what is attained."""
        searches = self.content["searches"]
        if any(search["found"] > search["limit"] for search in searches):
            return "refuted"
        # Written so that nan is neither kept nor attained.
        kept = all(search["found"] <= search["limit"] for search in searches)
        attained = all(
            search["found"] >= ATTAINED * search["certified"]
            for search in searches
            if search["standing"] == "exact"
        )
        return "holds" if kept and attained else "inconclusive"

    def summary(self) -> str:
        """Return how many are exceeded, or the least share that was attained."""
        searches = self.content["searches"]
        beyond = [item for item in searches if item["found"] > item["limit"]]
        if beyond:
            worst = max(beyond, key=lambda item: item["found"] - item["limit"])
            where = f"{worst['problem']['profile']}, {worst['problem']['noise']} noise"
            return f"{len(beyond)} of {len(searches)} exceeded, {worst['constant']} of {where}"
        shares = [item["found"] / item["certified"] for item in searches if item["certified"] > 0]
        least = np.floor(1e5 * np.min([1.0, *shares])) / 1e3  # nan if one is
        return f"none exceeded, each attained to {least:.3f} % or more"

    def counterexample(self) -> Counterexample:
        """Return the first search that found more than its limit."""
        search = next(item for item in self.content["searches"] if item["found"] > item["limit"])
        setting = (*problem_setting(search["problem"]), ("constant", search["constant"]))
        return Counterexample(
            setting, ("found", search["found"]), ("certified", search["certified"])
        )
