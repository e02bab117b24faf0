"""A slope: ``{"slope", "low", "high", "target", "margin", "axis", "points", "control", ...}``.

It holds if its whole interval lies within target +- margin, and is refuted if the interval lies
outside. Where there is a control, a slope that is known exactly, its interval must contain that, or
nothing is concluded.
"""

from verify.evidence.kind import (
    Counterexample,
    Evidence,
    Kind,
    Limited,
    Verdict,
    control_met,
    register,
    within,
)


@register
class FittedSlope(Kind):
    """One slope of log means against log b or log T."""

    key = "slope"
    template = "slope.html.j2"

    def verdict(self) -> Verdict:
        """Compare its whole interval with the margin."""
        return judged(self.content)

    def summary(self) -> str:
        """Return the slope with its interval."""
        return written(self.content)

    def limited(self) -> list[Limited]:
        """Return itself, with the ends of its margin."""
        return [around_target(self.content)]

    def counterexample(self) -> Counterexample:
        """Return the slope against its target."""
        content = self.content
        points, axis = content["points"], content["axis"]
        other = "T" if axis == "b" else "b"
        setting = (
            (axis, ", ".join(f"{point[axis]:g}" for point in points)),
            (other, points[0][other]),
        )
        return Counterexample(
            setting,
            (f"slope in {axis}", content["slope"]),
            ("claimed", content["target"]),
            (content["low"], content["high"]),
            points[0]["spec"],
        )


def around_target(item: Evidence) -> Limited:
    """Return an item with the ends of its margin."""
    return item, item["target"] - item["margin"], item["target"] + item["margin"]


def judged(item: Evidence) -> Verdict:
    """Judge an item with a target, a margin and, perhaps, a control."""
    return within(*around_target(item)) if control_met(item) else "inconclusive"


def written(item: Evidence) -> str:
    """Write a slope with its interval."""
    slope, low, high = (item[name] for name in ("slope", "low", "high"))
    return f"slope {slope:.3f} [{low:.3f}, {high:.3f}]".replace("-", "−")
