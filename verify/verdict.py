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
        of curves that collapse, ``{"pairs": [{"log_ratio", "low", "high", "target", "margin",
        "control": {...}}, ...]}``;
        of ratios, ``{"ranges": [{"low", "high", "least" and/or "most", ...}, ...]}``;
        of several at once, ``{"parts": [...]}`` with evidence of any kind each;
        of a condition said to be necessary, ``{"necessity": {"condition", "fails", ...},
        "slopes": [...]}`` with a slope's evidence each;
        of a lemma, ``{"lemma": {"excess", "rounding", "states", "faults", ...}}``;
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
        nothing is concluded. Curves hold if every pair's log ratio does by the same rule and are
        refuted if one pair's is; a control missed by one pair voids them all. That a condition is
        necessary is ``refuted`` by a counterexample: the condition fails, and yet every slope
        holds; measurement cannot show that it holds. Ratios hold if every whole interval lies
        between its least and its most and are refuted if one lies wholly outside; one that is
        known exactly must lie in its sample's interval too. Parts hold if all do and are refuted
        if one is. A lemma (of at least one state) is ``refuted`` if at one state its
        left side exceeds its right side by more than rounding, relative to both, and holds if it
        does at none and every step of its derivation checks. Expressions compared hold if all are
        equal and are refuted otherwise. A certificate holds if no search found more than the limit,
        certified value and rounding, and each search for an exact constant came within `ATTAINED`
        of it: one that did not was too weak to tell. Else ``inconclusive``.

    Raises
    ------
    ValueError
        If the evidence is of no known kind, or there is none.
    """
    if evidence.get("instances"):
        return _judge_bound(evidence["instances"])
    if "slope" in evidence:
        return _judge_range(evidence)
    if evidence.get("pairs"):
        return _judge_pairs(evidence["pairs"])
    if evidence.get("ranges"):
        return _all_of([_judge_ratio(item) for item in evidence["ranges"]])
    if evidence.get("parts"):
        return _all_of([verdict(part) for part in evidence["parts"]])
    if evidence.get("slopes"):
        return _judge_necessity(evidence["necessity"], evidence["slopes"])
    if "lemma" in evidence:
        return _judge_lemma(evidence["lemma"])
    if evidence.get("comparisons"):
        equal = all(comparison["equal"] for comparison in evidence["comparisons"])
        return "holds" if equal else "refuted"
    if evidence.get("searches"):
        return _judge_searches(evidence["searches"])
    raise ValueError(f"no verdict on evidence with the keys {sorted(evidence)}")


Limited = tuple[Evidence, float, float]
"""A measured item, the least and the most that it may be."""


def undecided(evidence: Evidence) -> list[Limited]:
    """Return the items whose intervals contain a limit, which more runs would narrow.

    There are none where more runs cannot decide: where an interval misses what is known exactly,
    which chance alone hardly does, and where a slope is off that a condition was to keep.
    """
    items = limited(evidence)
    if not all(_control_met(item) and _sampled(item, span(item)[0]) for item, *_ in items):
        return []
    verdicts = [_within(*item) for item in items]
    if "necessity" in evidence and "refuted" in verdicts:
        return []
    return [item for item, found in zip(items, verdicts, strict=True) if found == "inconclusive"]


def limited(evidence: Evidence) -> list[Limited]:
    """Return the measured items that a verdict turns on, in their order, with their limits."""
    items = [(item, -math.inf, item["rhs"]) for item in evidence.get("instances", ())]
    slopes = [evidence] if "slope" in evidence else evidence.get("slopes", ())
    for item in (*slopes, *evidence.get("pairs", ())):
        items.append((item, item["target"] - item["margin"], item["target"] + item["margin"]))
    for item in evidence.get("ranges", ()):
        items.append((item, item.get("least", -math.inf), item.get("most", math.inf)))
    return items + [item for part in evidence.get("parts", ()) for item in limited(part)]


def span(item: Evidence) -> tuple[float, float]:
    """Return the ends of a measured item's interval."""
    of = "lhs_" if "lhs_low" in item else ""
    return item[of + "low"], item[of + "high"]


def _judge_bound(instances: Sequence[Evidence]) -> Verdict:
    if not all(_sampled(instance, instance["lhs_low"]) for instance in instances):
        return "inconclusive"
    if any(instance["lhs_low"] > instance["rhs"] for instance in instances):
        return "refuted"
    if all(instance["lhs_high"] <= instance["rhs"] for instance in instances):
        return "holds"
    return "inconclusive"


def _sampled(item: Evidence, exact: float) -> bool:
    """Whether the sample's interval, if there is one, contains what is known exactly."""
    return item.get("sample_low", -math.inf) <= exact <= item.get("sample_high", math.inf)


def _judge_ratio(item: Evidence) -> Verdict:
    if "least" not in item and "most" not in item:
        raise ValueError(f"no verdict on {item['name']}: it has neither a least nor a most")
    if not _sampled(item, item["low"]):
        return "inconclusive"
    return _within(item, item.get("least", -math.inf), item.get("most", math.inf))


def _judge_lemma(lemma: Evidence) -> Verdict:
    if lemma["excess"] > lemma["rounding"]:
        return "refuted"
    kept = lemma["excess"] <= lemma["rounding"]  # nan is not
    shown = lemma["states"] and lemma["steps"] and not lemma["faults"]
    return "holds" if kept and shown else "inconclusive"


def _judge_searches(searches: Sequence[Evidence]) -> Verdict:
    if any(search["found"] > search["limit"] for search in searches):
        return "refuted"
    # Written so that nan is neither kept nor attained.
    kept = all(search["found"] <= search["limit"] for search in searches)
    attained = all(
        search["found"] >= ATTAINED * search["certified"]
        for search in searches
        if search["standing"] == "exact"
    )
    return "holds" if kept and attained else "inconclusive"


def _judge_range(evidence: Evidence) -> Verdict:
    if not _control_met(evidence):
        return "inconclusive"
    target, margin = evidence["target"], evidence["margin"]
    return _within(evidence, target - margin, target + margin)


def _within(item: Evidence, least: float, most: float) -> Verdict:
    low, high = span(item)
    if least <= low and high <= most:
        return "holds"
    if high < least or low > most:
        return "refuted"
    return "inconclusive"


def _all_of(verdicts: Sequence[Verdict]) -> Verdict:
    if "refuted" in verdicts:
        return "refuted"
    return "inconclusive" if "inconclusive" in verdicts else "holds"


def _control_met(evidence: Evidence) -> bool:
    control = evidence.get("control")
    return not control or control["low"] <= control["predicted"] <= control["high"]


def _judge_pairs(pairs: Sequence[Evidence]) -> Verdict:
    if not all(_control_met(pair) for pair in pairs):
        return "inconclusive"
    return _all_of([_judge_range(pair) for pair in pairs])


def _judge_necessity(necessity: Evidence, slopes: Sequence[Evidence]) -> Verdict:
    observed = all(_judge_range(slope) == "holds" for slope in slopes)
    return "refuted" if necessity["fails"] and observed else "inconclusive"
