"""From evidence to a verdict.

`verdict` sees the evidence only, never what is expected of it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
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
        ...}, ...]}``;
        of a claim whose evidence could not be gathered or shown, ``{"failed": {"reason",
        "where"}}``.

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
        of it: one that did not was too weak to tell. Else ``inconclusive``: so is what failed,
        and nothing holds on evidence in which anything is not a number.

    Raises
    ------
    ValueError
        If the evidence is of no known kind, or there is none.
    """
    found = JUDGES[kind(evidence)](evidence)
    return "inconclusive" if found == "holds" and _has_nan(evidence) else found


def kind(evidence: Evidence) -> str:
    """Return which of `JUDGES` judges evidence: the key that it goes by.

    Raises
    ------
    ValueError
        If there is none.
    """
    for name in JUDGES:
        if evidence.get(name) not in (None, [], ()):
            return name
    raise ValueError(f"no verdict on evidence with the keys {sorted(evidence)}")


def _has_nan(content: Any) -> bool:
    if isinstance(content, Mapping):
        return any(map(_has_nan, content.values()))
    if isinstance(content, list | tuple):
        return any(map(_has_nan, content))
    return content != content


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
    if any(map(violated, instances)):
        return "refuted"
    if all(instance["lhs_high"] <= instance["rhs"] for instance in instances):
        return "holds"
    return "inconclusive"


def violated(instance: Evidence) -> bool:
    """Whether the whole interval of a bound's left side lies above the bound."""
    return instance["rhs"] < instance["lhs_low"] <= instance["lhs_high"]


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
    if low <= high and (high < least or low > most):
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


JUDGES: dict[str, Callable[[Evidence], Verdict]] = {
    "failed": lambda _: "inconclusive",
    "instances": lambda evidence: _judge_bound(evidence["instances"]),
    "slope": _judge_range,
    "pairs": lambda evidence: _judge_pairs(evidence["pairs"]),
    "ranges": lambda evidence: _all_of([_judge_ratio(item) for item in evidence["ranges"]]),
    "parts": lambda evidence: _all_of([verdict(part) for part in evidence["parts"]]),
    "slopes": lambda evidence: _judge_necessity(evidence["necessity"], evidence["slopes"]),
    "lemma": lambda evidence: _judge_lemma(evidence["lemma"]),
    "comparisons": lambda evidence: (
        "holds" if all(item["equal"] for item in evidence["comparisons"]) else "refuted"
    ),
    "searches": lambda evidence: _judge_searches(evidence["searches"]),
}
"""Every kind of evidence, by the key that it goes by, and what judges it."""
