"""From evidence to a verdict, its line and its counterexample.

`verdict` is the one door: it sees the evidence only, never what is expected of it.
"""

from collections.abc import Mapping
from typing import Any

from verify.evidence.kind import KINDS, Counterexample, Evidence, Limited, Verdict, of, within

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


def verdict(evidence: Evidence) -> Verdict:
    """Judge evidence by the rule of its kind; nothing holds on evidence in which something is nan.

    Parameters
    ----------
    evidence : mapping
        Of one of the kinds in `verify.evidence.kind.KINDS`, whose files say what each must have
        and when it holds.

    Returns
    -------
    str
        ``holds``, ``refuted`` or ``inconclusive``.

    Raises
    ------
    ValueError
        If the evidence is of no known kind, or there is none.
    """
    found = of(evidence).verdict()
    return "inconclusive" if found == "holds" and _has_nan(evidence) else found


def _has_nan(content: Any) -> bool:
    if isinstance(content, Mapping):
        return any(map(_has_nan, content.values()))
    if isinstance(content, list | tuple):
        return any(map(_has_nan, content))
    return content != content


def undecided(evidence: Evidence) -> list[Limited]:
    """Return the items whose intervals contain a limit, which more runs would narrow.

    There are none where more runs cannot decide: where an interval misses what is known exactly,
    which chance alone hardly does, and where a slope is off that a condition was to keep.
    """
    found = of(evidence)
    if not found.more_may_decide():
        return []
    return [item for item in found.limited() if within(*item) == "inconclusive"]


def meaning(method: str, verdict: Verdict) -> str:
    """Return what a verdict reached by this method says."""
    return MEANINGS.get((method, verdict), "more runs needed")


def summary(evidence: Evidence) -> str:
    """Return the number that the evidence turns on, and how many looks it took if more than one."""
    line = of(evidence).summary()
    return f"{line}; {_looks(evidence)}" if "looks" in evidence else line


def _looks(evidence: Evidence) -> str:
    last = evidence["looks"][-1]
    runs = max(item["runs"] for item in last["items"])
    if last["verdict"] == "inconclusive":
        return f"open still with {runs} runs, after {last['look']} looks"
    return f"{last['look']} looks, up to {runs} runs"


def counterexample(evidence: Evidence) -> Counterexample | None:
    """Return the smallest counterexample of refuting evidence; None where it refutes nothing."""
    return of(evidence).counterexample() if verdict(evidence) == "refuted" else None


def measurements(evidence: Evidence) -> list[dict[str, Any]]:
    """Return every measured item of evidence, those that have a spec; of no kind, none."""
    return of(evidence).points() if any(name in evidence for name in KINDS) else []
