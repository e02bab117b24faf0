"""A bound on instances: ``{"instances": [{"lhs_low", "lhs_high", "rhs", ...}, ...]}``.

It holds if lhs_high <= rhs on every instance, and is refuted if lhs_low > rhs on one. Where a left
side is known exactly and was sampled too, the sample's interval must contain it, or nothing is
concluded.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from verify.evidence.kind import (
    Counterexample,
    Evidence,
    Kind,
    Limited,
    Verdict,
    problem_setting,
    register,
    sampled,
)


@register
class Instances(Kind):
    """Instances of a bound, each with its left side's interval and its right side."""

    key = "instances"
    template = "bound.html.j2"

    def verdict(self) -> Verdict:
        """Compare every whole interval with its bound."""
        instances = self.content["instances"]
        if not all(sampled(instance, instance["lhs_low"]) for instance in instances):
            return "inconclusive"
        if any(map(violated, instances)):
            return "refuted"
        if all(instance["lhs_high"] <= instance["rhs"] for instance in instances):
            return "holds"
        return "inconclusive"

    def summary(self) -> str:
        """Return on how many it is violated, or the largest ratio measured/bound."""
        instances = self.content["instances"]
        above = list(filter(violated, instances))
        if above:
            worst = max(above, key=lambda item: item["lhs"] - item["rhs"])
            largest = largest_of(quotient(item["lhs"], item["rhs"]) for item in above)
            times = f", up to {largest:.3g} times the bound" if largest > 1 else _sides(worst)
            return f"violated on {len(above)} of {len(instances)}{times}"
        ratio = largest_of(quotient(item["lhs"], item["rhs"]) for item in instances)
        return f"largest measured/bound = {ratio:.3g} of {len(instances)} instances"

    def limited(self) -> list[Limited]:
        """Return the instances with their bounds."""
        return [(item, -math.inf, item["rhs"]) for item in self.content["instances"]]

    def points(self) -> list[dict[str, Any]]:
        """Return the instances too."""
        return [*self.content["instances"], *super().points()]

    def counterexample(self) -> Counterexample:
        """Return the violated instance with the least d b T."""

        def size(item: Evidence) -> float:
            run = item["spec"]["run"]
            return item["spec"]["problem"]["d"] * run["b"] * run["T"]

        found = min(filter(violated, self.content["instances"]), key=size)
        run = found["spec"]["run"]
        setting = problem_setting(found["spec"]["problem"])
        names = ("method", "gamma", "rho", "beta1", "beta2", "eps", "b", "T", "workers", "v_init")
        setting += [(name, run[name]) for name in names if run.get(name) is not None]
        return Counterexample(
            tuple(setting),
            ("left side", found.get("lhs_fraction", found["lhs"])),
            ("bound", found["rhs"]),
            None if found["interval"] == "exact" else (found["lhs_low"], found["lhs_high"]),
            found["spec"],
        )


def violated(instance: Evidence) -> bool:
    """Whether the whole interval of a bound's left side lies above the bound."""
    return instance["rhs"] < instance["lhs_low"] <= instance["lhs_high"]


def quotient(left: float, right: float) -> float:
    """Return left/right; where right is 0, inf or nan, as IEEE arithmetic has it."""
    with np.errstate(all="ignore"):
        return float(np.divide(left, right))


def largest_of(values: Iterable[float]) -> float:
    """Return the largest value, or nan if one is."""
    return float(np.max(list(values)))


def _sides(instance: Evidence) -> str:
    return f": measured {instance['lhs']:.3g}, bound {instance['rhs']:.3g}".replace("-", "−")
