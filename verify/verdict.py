"""From evidence to a verdict.

`verdict` sees the evidence only, never what is expected of it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Verdict = Literal["holds", "refuted", "inconclusive"]
Evidence = Mapping[str, Any]

ATTAINED = 0.999
"""Share of an exact constant that a search must come upon."""


def verdict(evidence: Evidence) -> Verdict:
    """Judge evidence.

    Parameters
    ----------
    evidence : mapping
        Of a bound, ``{"instances": [{"lhs_low", "lhs_high", "rhs", ...}, ...]}``;
        of slopes, ``{"slope", "low", "high", "target", "margin", "control": {...}, ...}``;
        of a symbolic claim, ``{"comparisons": [{"equal", ...}, ...]}``;
        of searches for a violation, ``{"searches": [{"found", "limit", "certified", "standing",
        ...}, ...]}``.

    Returns
    -------
    str
        A bound ``holds`` if lhs_high <= rhs on every instance and is ``refuted`` if
        lhs_low > rhs on one; where a left side is known exactly and was sampled too, the
        sample's interval must contain it, or nothing is concluded. A slope ``holds`` if its
        whole interval lies within target +- margin and is ``refuted`` if the interval lies
        outside; where a control with a known slope is given, its interval must contain that, or
        nothing is concluded. Expressions compared hold if all are equal and are refuted
        otherwise. A certificate holds if no search found more than the limit, certified value and
        rounding, and each search for an exact constant came within `ATTAINED` of it: one that
        did not was too weak to tell. Else ``inconclusive``.

    Raises
    ------
    ValueError
        If the evidence is of no known kind, or there is none.
    """
    if evidence.get("instances"):
        return _judge_bound(evidence["instances"])
    if "slope" in evidence:
        return _judge_slope(evidence)
    if evidence.get("comparisons"):
        equal = all(comparison["equal"] for comparison in evidence["comparisons"])
        return "holds" if equal else "refuted"
    if evidence.get("searches"):
        return _judge_searches(evidence["searches"])
    raise ValueError(f"no verdict on evidence with the keys {sorted(evidence)}")


def _judge_bound(instances: Sequence[Evidence]) -> Verdict:
    for instance in instances:
        exact, low = instance["lhs_low"], instance.get("sample_low", -math.inf)
        if not low <= exact <= instance.get("sample_high", math.inf):
            return "inconclusive"
    if any(instance["lhs_low"] > instance["rhs"] for instance in instances):
        return "refuted"
    if all(instance["lhs_high"] <= instance["rhs"] for instance in instances):
        return "holds"
    return "inconclusive"


def _judge_searches(searches: Sequence[Evidence]) -> Verdict:
    if any(search["found"] > search["limit"] for search in searches):
        return "refuted"
    for search in searches:
        if search["standing"] == "exact" and search["found"] < ATTAINED * search["certified"]:
            return "inconclusive"
    return "holds"


def _judge_slope(evidence: Evidence) -> Verdict:
    control = evidence.get("control")
    if control and not control["low"] <= control["predicted"] <= control["high"]:
        return "inconclusive"
    least = evidence["target"] - evidence["margin"]
    most = evidence["target"] + evidence["margin"]
    if least <= evidence["low"] and evidence["high"] <= most:
        return "holds"
    if evidence["high"] < least or evidence["low"] > most:
        return "refuted"
    return "inconclusive"
