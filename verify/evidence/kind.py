"""A kind of evidence: how its content is judged, summed up in a line, and shown.

A kind is a class with its own file, entered in `KINDS` by `register`. Evidence is a mapping with
the kind's key; what a claim hands over is plain data, so that claims.json holds all of it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

Verdict = Literal["holds", "refuted", "inconclusive"]
Evidence = Mapping[str, Any]
Limited = tuple[Evidence, float, float]
"""A measured item, the least and the most that it may be."""


@dataclass(frozen=True)
class Counterexample:
    """What refutes a claim.

    Attributes
    ----------
    setting : tuple of (str, number or str)
        Names and values that say what it is about.
    left, right : (str, number or str)
        What was found, and what the claim says of it, each with its name.
    interval : (float, float) or None
        Of what was found, where it was measured.
    spec : dict or None
        The spec that replays it.
    """

    setting: tuple[tuple[str, Any], ...]
    left: tuple[str, Any]
    right: tuple[str, Any]
    interval: tuple[float, float] | None = None
    spec: dict[str, Any] | None = None


class Kind(ABC):
    """Evidence of one kind.

    Attributes
    ----------
    key : str
        The key in the content that this kind goes by.
    template : str or None
        The template that shows it in the report, a file in ``verify/pages/templates``; without
        one the report lists what the content holds.
    content : Evidence
    """

    key: ClassVar[str]
    template: ClassVar[str | None] = None

    def __init__(self, content: Evidence) -> None:
        self.content = content

    @abstractmethod
    def verdict(self) -> Verdict:
        """Judge it; what is expected is not known here."""

    @abstractmethod
    def summary(self) -> str:
        """Return the number that it turns on, in one line."""

    def limited(self) -> list[Limited]:
        """Return the measured items that the verdict turns on, in order, with their limits."""
        return []

    def inner(self) -> Sequence[Evidence]:
        """Return the evidence within it that has a kind of its own."""
        return ()

    def points(self) -> list[dict[str, Any]]:
        """Return the measured items that have a spec."""
        own = cells_of(self.content)
        return own + [item for part in self.inner() for item in of(part).points()]

    def counterexample(self) -> Counterexample | None:
        """Return the smallest counterexample; called only if it refutes."""
        return None

    def more_may_decide(self) -> bool:
        """Whether more runs may decide it, as far as this kind can tell."""
        items = self.limited()
        return all(control_met(item) and sampled(item, span(item)[0]) for item, *_ in items)


KINDS: dict[str, type[Kind]] = {}
"""The kinds by their keys; evidence with several of the keys is of the first kind."""

K = TypeVar("K", bound=type[Kind])


def register(kind: K) -> K:
    """Enter a kind, which may then stand in any claim's evidence."""
    KINDS[kind.key] = kind
    return kind


def of(evidence: Evidence) -> Kind:
    """Return evidence as its kind.

    Raises
    ------
    ValueError
        If it is of no known kind, or empty.
    """
    for name, kind in KINDS.items():
        if evidence.get(name) not in (None, [], ()):
            return kind(evidence)
    raise ValueError(f"no verdict on evidence with the keys {sorted(evidence)}")


def cells_of(item: Evidence) -> list[dict[str, Any]]:
    """Return the measured cells of an item and of its control."""
    return [*item.get("points", ()), *item.get("control", {}).get("points", ())]


def span(item: Evidence) -> tuple[float, float]:
    """Return the ends of a measured item's interval."""
    prefix = "lhs_" if "lhs_low" in item else ""
    return item[prefix + "low"], item[prefix + "high"]


def within(item: Evidence, least: float, most: float) -> Verdict:
    """Judge an interval: does all of it lie within the limits, or all of it outside?"""
    low, high = span(item)
    if least <= low and high <= most:
        return "holds"
    if low <= high and (high < least or low > most):
        return "refuted"
    return "inconclusive"


def sampled(item: Evidence, exact: float) -> bool:
    """Whether the sample's interval, if there is one, contains what is known exactly."""
    return item.get("sample_low", -math.inf) <= exact <= item.get("sample_high", math.inf)


def control_met(item: Evidence) -> bool:
    """Whether the control's interval, if there is a control, contains what is known of it."""
    control = item.get("control")
    return not control or control["low"] <= control["predicted"] <= control["high"]


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Join verdicts of which all must hold."""
    found = list(verdicts)
    if "refuted" in found:
        return "refuted"
    return "inconclusive" if "inconclusive" in found else "holds"


def problem_setting(problem: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a counterexample says of a problem."""
    names = ("profile", "noise", "L", "sigma", "G", "d", "start", "rotation")
    return [
        ("x_0" if name == "start" else name, problem[name])
        for name in names
        if problem.get(name) is not None
    ]
