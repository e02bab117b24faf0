"""A lemma: ``{"lemma": {"excess", "rounding", "states", "steps", "faults", "ratio", ...}}``.

It is refuted if at one state its left side exceeds its right side by more than rounding, relative
to both. It holds if it does at none, of at least one state, and every step of its derivation
checks.
"""

from verify.evidence.kind import Counterexample, Kind, Verdict, register


@register
class Lemma(Kind):
    """A tally over states where every batch was enumerated, and a derivation's steps."""

    key = "lemma"
    template = "lemma.html.j2"

    def verdict(self) -> Verdict:
        """Compare the largest excess with rounding."""
        lemma = self.content["lemma"]
        if lemma["excess"] > lemma["rounding"]:
            return "refuted"
        kept = lemma["excess"] <= lemma["rounding"]  # nan is not
        shown = lemma["states"] and lemma["steps"] and not lemma["faults"]
        return "holds" if kept and shown else "inconclusive"

    def summary(self) -> str:
        """Return the largest ratio of its sides."""
        lemma = self.content["lemma"]
        if lemma["excess"] > lemma["rounding"]:
            return f"violated, up to {lemma['ratio']:.3g} times the right side"
        counted = f"largest left/right = {lemma['ratio']:.3g} of {lemma['states']} states"
        if lemma["faults"]:
            return f"{counted}; {len(lemma['faults'])} faults in its derivation"
        number = len(lemma["steps"])
        return f"{counted}; {number} steps check" if number > 1 else f"{counted}; its step checks"

    def counterexample(self) -> Counterexample:
        """Return the worst state, or the first case worked out by hand."""
        lemma = self.content["lemma"]
        if "cases" not in lemma:
            worst = lemma["worst"]
            sides = ("left side", worst["left"]), ("right side", worst["right"])
            return Counterexample(tuple(worst["where"].items()), *sides)
        row = lemma["cases"][0]
        return Counterexample(
            (("instance", row["instance"]), ("beta", row["beta"])),
            ("left side", row["left"]),
            ("right side, as printed", row["right"]),
        )
