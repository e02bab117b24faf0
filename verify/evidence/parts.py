"""Several parts that must all hold: ``{"parts": [evidence of any kind, ...]}``."""

from collections.abc import Sequence

from verify.evidence import judge
from verify.evidence.kind import (
    Counterexample,
    Evidence,
    Kind,
    Limited,
    Verdict,
    all_of,
    of,
    register,
)


@register
class Parts(Kind):
    """Evidence of any kinds, perhaps each with a name."""

    key = "parts"
    template = "parts.html.j2"

    def inner(self) -> Sequence[Evidence]:
        """Return the parts."""
        return self.content["parts"]

    def verdict(self) -> Verdict:
        """Judge every part."""
        return all_of(map(judge.verdict, self.inner()))

    def summary(self) -> str:
        """Return each part's line; of many slopes that hold, how many they are."""
        parts = self.inner()
        if len(parts) > 3 and self.verdict() == "holds" and all("slope" in part for part in parts):
            return f"{len(parts)} slopes, each interval within its margin"
        return "; ".join(
            f"{part['name']}: {judge.summary(part)}" if "name" in part else judge.summary(part)
            for part in parts
        )

    def limited(self) -> list[Limited]:
        """Return the parts' items."""
        return [item for part in self.inner() for item in of(part).limited()]

    def counterexample(self) -> Counterexample | None:
        """Return that of the first part that refutes."""
        return next(
            judge.counterexample(part) for part in self.inner() if judge.verdict(part) == "refuted"
        )
