"""One line that says what evidence amounts to."""

import math
from collections.abc import Sequence
from typing import Any

from verify.verdict import Evidence, Verdict, verdict

MEANINGS = {
    ("symbolic", "holds"): "proved",
    ("symbolic", "refuted"): "disproved",
    ("exact", "holds"): "proved",
    ("exact", "refuted"): "counterexample, exact",
    ("simulation", "holds"): "no violation found",
    ("simulation", "refuted"): "counterexample, measured",
    ("search", "holds"): "no violation found",
    ("search", "refuted"): "violation found",
    ("search", "inconclusive"): "search too weak",
}
"""What a verdict says, by method: simulation proves nothing, it fails to refute."""


def meaning(method: str, verdict: Verdict) -> str:
    """Return what a verdict reached by this method says."""
    return MEANINGS.get((method, verdict), "more runs needed")


def summary(evidence: Evidence) -> str:
    """Return the figure that the evidence turns on, and how many looks it took if more than one."""
    if "looks" in evidence:
        return f"{_figure(evidence)}; {_looks(evidence)}"
    return _figure(evidence)


def _looks(evidence: Evidence) -> str:
    last = evidence["looks"][-1]
    runs = max(item["runs"] for item in last["items"])
    if last["verdict"] == "inconclusive":
        return f"open still with {runs} runs, after {last['look']} looks"
    return f"{last['look']} looks, up to {runs} runs"


def _figure(evidence: Evidence) -> str:
    if "parts" in evidence:
        return _parts(evidence["parts"])
    if "ranges" in evidence:
        return _ranges(evidence["ranges"])
    if "instances" in evidence:
        return _bound(evidence)
    if "slope" in evidence:
        return _slope(evidence)
    if "pairs" in evidence:
        return _pairs(evidence["pairs"])
    if "necessity" in evidence:
        return _necessity(evidence)
    if "searches" in evidence:
        return _searches(evidence["searches"])
    if "lemma" in evidence:
        return _lemma(evidence["lemma"])
    unequal = [item["name"] for item in evidence["comparisons"] if not item["equal"]]
    count = len(evidence["comparisons"])
    if unequal:
        return f"{len(unequal)} of {count} differ: {', '.join(unequal)}"
    return f"all {count} agree"


def _parts(parts: Sequence[Evidence]) -> str:
    judged = {verdict(part) for part in parts}
    if len(parts) > 3 and judged == {"holds"} and all("slope" in part for part in parts):
        return f"{len(parts)} slopes, each interval within its margin"
    return "; ".join(_part(part) for part in parts)


def _part(part: Evidence) -> str:
    return f"{part['name']}: {summary(part)}" if "name" in part else summary(part)


def _ranges(ranges: Sequence[Evidence]) -> str:
    def outside(item: Evidence) -> float:
        return max(
            item.get("least", -math.inf) - item["low"], item["high"] - item.get("most", math.inf)
        )

    count = sum(outside(item) <= 0 for item in ranges)
    if count == len(ranges):
        return f"all {count} ratios in their ranges"
    worst = max(ranges, key=outside)
    span = f"{worst['value']:.3g} [{worst['low']:.3g}, {worst['high']:.3g}]"
    return f"{len(ranges) - count} of {len(ranges)} not in range: {worst['name']}, {span}"


def _slope(evidence: Evidence) -> str:
    slope, low, high = (evidence[name] for name in ("slope", "low", "high"))
    return f"slope {slope:.3f} [{low:.3f}, {high:.3f}]".replace("-", "−")


def _pairs(pairs: Sequence[Evidence]) -> str:
    apart = math.expm1(max(max(-pair["low"], pair["high"]) for pair in pairs))
    return f"{len(pairs)} pairs of equal bT, each within {100 * apart:.2g} % with its interval"


def _necessity(evidence: Evidence) -> str:
    slopes = " and ".join(f"{_slope(item)} in {item['axis']}" for item in evidence["slopes"])
    state = "fails" if evidence["necessity"]["fails"] else "does not fail"
    return f"{slopes}, where {evidence['necessity']['condition']} {state}"


def _bound(evidence: Evidence) -> str:
    instances = evidence["instances"]
    violated = [item for item in instances if item["lhs_low"] > item["rhs"]]
    if violated:
        worst = max(violated, key=lambda item: item["lhs"] - item["rhs"])
        ratio = max((item["lhs"] / item["rhs"] for item in violated), default=0.0)
        times = f", up to {ratio:.3g} times the bound" if ratio > 1 else _sides(worst)
        return f"violated on {len(violated)} of {len(instances)}{times}"
    ratio = max(item["lhs"] / item["rhs"] for item in instances)
    return f"largest measured/bound = {ratio:.3g} of {len(instances)} instances"


def _lemma(lemma: Evidence) -> str:
    if lemma["excess"] > lemma["rounding"]:
        return f"violated, up to {lemma['ratio']:.3g} times the right side"
    counted = f"largest left/right = {lemma['ratio']:.3g} of {lemma['states']} states"
    if lemma["faults"]:
        return f"{counted}; {len(lemma['faults'])} faults in its derivation"
    number = len(lemma["steps"])
    return f"{counted}; {number} steps check" if number > 1 else f"{counted}; its step checks"


def _searches(searches: Sequence[Evidence]) -> str:
    beyond = [item for item in searches if item["found"] > item["limit"]]
    if beyond:
        worst = max(beyond, key=lambda item: item["found"] - item["limit"])
        where = f"{worst['problem']['profile']}, {worst['problem']['noise']} noise"
        return f"{len(beyond)} of {len(searches)} exceeded, {worst['constant']} of {where}"
    shares = [item["found"] / item["certified"] for item in searches if item["certified"] > 0]
    least = math.floor(1e5 * min(min(shares), 1)) / 1e3
    return f"none exceeded, each attained to {least:.3f} % or more"


def _sides(instance: Evidence) -> str:
    return f": measured {instance['lhs']:.3g}, bound {instance['rhs']:.3g}".replace("-", "−")


def measurements(evidence: Evidence) -> list[dict[str, Any]]:
    """Return every measured item of evidence: those that have a spec."""
    items = [*evidence.get("instances", ()), *evidence.get("points", ())]
    items += evidence.get("control", {}).get("points", ())
    inner = [*evidence.get("slopes", ()), *evidence.get("parts", ())]
    return items + [item for part in inner for item in measurements(part)]
