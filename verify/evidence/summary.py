"""One line that says what evidence amounts to."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from verify.evidence.verdict import Evidence, Verdict, kind, verdict, violated

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
    ("symbolic", "inconclusive"): "not decided",
    ("exact", "inconclusive"): "not decided",
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
    return FIGURES[kind(evidence)](evidence)


def _failed(evidence: Evidence) -> str:
    return f"not judged: {evidence['failed']['reason']} ({evidence['failed']['where']})"


def _comparisons(evidence: Evidence) -> str:
    unequal = [item["name"] for item in evidence["comparisons"] if not item["equal"]]
    count = len(evidence["comparisons"])
    if unequal:
        return f"{len(unequal)} of {count} differ: {', '.join(unequal)}"
    return f"all {count} agree"


def _parts(evidence: Evidence) -> str:
    parts: Sequence[Evidence] = evidence["parts"]
    judged = {verdict(part) for part in parts}
    if len(parts) > 3 and judged == {"holds"} and all("slope" in part for part in parts):
        return f"{len(parts)} slopes, each interval within its margin"
    return "; ".join(_part(part) for part in parts)


def _part(part: Evidence) -> str:
    return f"{part['name']}: {summary(part)}" if "name" in part else summary(part)


def _ranges(evidence: Evidence) -> str:
    ranges: Sequence[Evidence] = evidence["ranges"]

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


def _pairs(evidence: Evidence) -> str:
    pairs: Sequence[Evidence] = evidence["pairs"]
    with np.errstate(over="ignore"):
        apart = np.expm1(_largest(max(-pair["low"], pair["high"]) for pair in pairs))
    return f"{len(pairs)} pairs of equal bT, each within {100 * apart:.2g} % with its interval"


def _necessity(evidence: Evidence) -> str:
    slopes = " and ".join(f"{_slope(item)} in {item['axis']}" for item in evidence["slopes"])
    state = "fails" if evidence["necessity"]["fails"] else "does not fail"
    return f"{slopes}, where {evidence['necessity']['condition']} {state}"


def _bound(evidence: Evidence) -> str:
    instances = evidence["instances"]
    above = list(filter(violated, instances))
    if above:
        worst = max(above, key=lambda item: item["lhs"] - item["rhs"])
        largest = _largest(quotient(item["lhs"], item["rhs"]) for item in above)
        times = f", up to {largest:.3g} times the bound" if largest > 1 else _sides(worst)
        return f"violated on {len(above)} of {len(instances)}{times}"
    ratio = _largest(quotient(item["lhs"], item["rhs"]) for item in instances)
    return f"largest measured/bound = {ratio:.3g} of {len(instances)} instances"


def quotient(left: float, right: float) -> float:
    """Return left/right; where right is 0, inf or nan, as IEEE arithmetic has it."""
    with np.errstate(all="ignore"):
        return float(np.divide(left, right))


def _largest(values: Iterable[float]) -> float:
    """Return the largest value, or nan if one is."""
    return float(np.max(list(values)))


def _lemma(evidence: Evidence) -> str:
    lemma: Evidence = evidence["lemma"]
    if lemma["excess"] > lemma["rounding"]:
        return f"violated, up to {lemma['ratio']:.3g} times the right side"
    counted = f"largest left/right = {lemma['ratio']:.3g} of {lemma['states']} states"
    if lemma["faults"]:
        return f"{counted}; {len(lemma['faults'])} faults in its derivation"
    number = len(lemma["steps"])
    return f"{counted}; {number} steps check" if number > 1 else f"{counted}; its step checks"


def _searches(evidence: Evidence) -> str:
    searches: Sequence[Evidence] = evidence["searches"]
    beyond = [item for item in searches if item["found"] > item["limit"]]
    if beyond:
        worst = max(beyond, key=lambda item: item["found"] - item["limit"])
        where = f"{worst['problem']['profile']}, {worst['problem']['noise']} noise"
        return f"{len(beyond)} of {len(searches)} exceeded, {worst['constant']} of {where}"
    shares = [item["found"] / item["certified"] for item in searches if item["certified"] > 0]
    least = np.floor(1e5 * np.min([1.0, *shares])) / 1e3  # nan if one is
    return f"none exceeded, each attained to {least:.3f} % or more"


def _sides(instance: Evidence) -> str:
    return f": measured {instance['lhs']:.3g}, bound {instance['rhs']:.3g}".replace("-", "−")


FIGURES: dict[str, Callable[[Evidence], str]] = {
    "failed": _failed,
    "instances": _bound,
    "slope": _slope,
    "pairs": _pairs,
    "ranges": _ranges,
    "parts": _parts,
    "slopes": _necessity,
    "lemma": _lemma,
    "comparisons": _comparisons,
    "searches": _searches,
}
"""What writes the figure, for each kind of evidence."""


def measurements(evidence: Evidence) -> list[dict[str, Any]]:
    """Return every measured item of evidence: those that have a spec."""
    items = [*evidence.get("instances", ()), *evidence.get("points", ())]
    items += evidence.get("control", {}).get("points", ())
    inner = [*evidence.get("slopes", ()), *evidence.get("parts", ())]
    return items + [item for part in inner for item in measurements(part)]
