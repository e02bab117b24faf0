"""Curves that collapse: ``{"pairs": [{"log_ratio", "low", "high", "target", "margin", ...}]}``.

They hold if every pair's log ratio lies within its margin, by the rule of a slope, and are refuted
if one lies outside; a control missed by one pair voids them all.
"""

import numpy as np

from verify.evidence.bound import largest_of
from verify.evidence.kind import (
    Counterexample,
    Kind,
    Limited,
    Verdict,
    all_of,
    control_met,
    register,
)
from verify.evidence.slope import around_target, judged


@register
class Pairs(Kind):
    """Pairs of cells with equal bT."""

    key = "pairs"
    template = "collapse.html.j2"

    def verdict(self) -> Verdict:
        """Judge every pair."""
        pairs = self.content["pairs"]
        if not all(map(control_met, pairs)):
            return "inconclusive"
        return all_of(map(judged, pairs))

    def summary(self) -> str:
        """Return within how many per cent the pairs agree."""
        pairs = self.content["pairs"]
        with np.errstate(over="ignore"):
            apart = np.expm1(largest_of(max(-pair["low"], pair["high"]) for pair in pairs))
        return f"{len(pairs)} pairs of equal bT, each within {100 * apart:.2g} % with its interval"

    def limited(self) -> list[Limited]:
        """Return the pairs with their margins."""
        return list(map(around_target, self.content["pairs"]))

    def counterexample(self) -> Counterexample:
        """Return the first pair that refutes."""
        pair = next(pair for pair in self.content["pairs"] if judged(pair) == "refuted")
        return Counterexample(
            tuple((name, ", ".join(f"{value:g}" for value in pair[name])) for name in ("b", "T")),
            ("log ratio", pair["log_ratio"]),
            ("claimed", pair["target"]),
            (pair["low"], pair["high"]),
        )
