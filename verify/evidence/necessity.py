"""A condition said to be necessary: ``{"necessity": {"condition", "fails"}, "slopes": [...]}``.

It is refuted by a counterexample: the condition fails, and yet every slope holds. Measurement
cannot show that it holds.
"""

from collections.abc import Sequence

from verify.evidence.kind import Counterexample, Evidence, Kind, Limited, Verdict, register, within
from verify.evidence.slope import around_target, judged, written


@register
class Necessity(Kind):
    """Slopes over cells where a condition fails."""

    key = "slopes"
    template = "necessity.html.j2"

    def inner(self) -> Sequence[Evidence]:
        """Return the slopes."""
        return self.content["slopes"]

    def verdict(self) -> Verdict:
        """Refute the condition if it fails and all slopes hold."""
        observed = all(judged(slope) == "holds" for slope in self.inner())
        return "refuted" if self.content["necessity"]["fails"] and observed else "inconclusive"

    def summary(self) -> str:
        """Return the slopes, and where they were measured."""
        slopes = " and ".join(f"{written(item)} in {item['axis']}" for item in self.inner())
        necessity = self.content["necessity"]
        state = "fails" if necessity["fails"] else "does not fail"
        return f"{slopes}, where {necessity['condition']} {state}"

    def limited(self) -> list[Limited]:
        """Return the slopes with their margins."""
        return list(map(around_target, self.inner()))

    def more_may_decide(self) -> bool:
        """Say no where a slope is off that the condition was to keep."""
        off = any(within(*item) == "refuted" for item in self.limited())
        return super().more_may_decide() and not off

    def counterexample(self) -> Counterexample:
        """Return the first slope."""
        first = self.inner()[0]
        return Counterexample(
            (("fails", self.content["necessity"]["condition"]),),
            (f"slope in {first['axis']}", first["slope"]),
            ("met all the same: the slope", first["target"]),
            (first["low"], first["high"]),
            first["points"][0]["spec"],
        )
