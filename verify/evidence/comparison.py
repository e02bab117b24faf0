"""Expressions compared exactly: ``{"comparisons": [{"name", "left", "right", "equal"}, ...]}``.

They hold if all are equal, and are refuted otherwise.
"""

from typing import Any

from verify.evidence.kind import Counterexample, Kind, Verdict, register


@register
class Comparisons(Kind):
    """Pairs of expressions."""

    key = "comparisons"
    template = "comparisons.html.j2"

    def verdict(self) -> Verdict:
        """Say whether all are equal."""
        return "holds" if all(item["equal"] for item in self.content["comparisons"]) else "refuted"

    def summary(self) -> str:
        """Return which differ."""
        items = self.content["comparisons"]
        unequal = [item["name"] for item in items if not item["equal"]]
        if unequal:
            return f"{len(unequal)} of {len(items)} differ: {', '.join(unequal)}"
        return f"all {len(items)} agree"

    def counterexample(self) -> Counterexample:
        """Return the first that differs."""
        row = next(row for row in self.content["comparisons"] if not row["equal"])
        sides = ("found", row["left"]), ("needed", row["right"])
        return Counterexample((("of", row["name"].replace("_", " ")),), *sides)


def comparison(name: str, left: Any, right: Any) -> dict[str, Any]:
    """Return one comparison of a symbolic claim's evidence."""
    return {"name": name, "left": str(left), "right": str(right), "equal": bool(left == right)}
