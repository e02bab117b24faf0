"""The smallest counterexample in the evidence of a refuted claim."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from verify.evidence.verdict import Evidence, kind, verdict, violated


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


def counterexample(evidence: Evidence) -> Counterexample | None:
    """Return the smallest counterexample of refuting evidence: of instances the one with the least
    d b T; None where the evidence refutes nothing.
    """
    return SHOWN[kind(evidence)](evidence) if verdict(evidence) == "refuted" else None


def _refuting(evidence: Evidence, name: str) -> Evidence:
    """Return the first of the items under a name that alone refutes the claim."""
    return next(item for item in evidence[name] if verdict({name: [item]}) == "refuted")


def _bound(evidence: Evidence) -> Counterexample:
    def size(item: Evidence) -> float:
        run = item["spec"]["run"]
        return item["spec"]["problem"]["d"] * run["b"] * run["T"]

    found = min(filter(violated, evidence["instances"]), key=size)
    run = found["spec"]["run"]
    setting = _problem(found["spec"]["problem"])
    names = ("method", "gamma", "rho", "beta1", "beta2", "eps", "b", "T", "workers", "v_init")
    setting += [(name, run[name]) for name in names if run.get(name) is not None]
    is_exact = found["interval"] == "exact"
    return Counterexample(
        tuple(setting),
        ("left side", found.get("lhs_fraction", found["lhs"])),
        ("bound", found["rhs"]),
        None if is_exact else (found["lhs_low"], found["lhs_high"]),
        found["spec"],
    )


def _problem(problem: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = ("profile", "noise", "L", "sigma", "G", "d", "start", "rotation")
    return [
        ("x_0" if name == "start" else name, problem[name])
        for name in names
        if problem.get(name) is not None
    ]


def _slope(evidence: Evidence) -> Counterexample:
    points = evidence["points"]
    other = "T" if evidence["axis"] == "b" else "b"
    setting = (
        (evidence["axis"], ", ".join(f"{point[evidence['axis']]:g}" for point in points)),
        (other, points[0][other]),
    )
    return Counterexample(
        setting,
        (f"slope in {evidence['axis']}", evidence["slope"]),
        ("claimed", evidence["target"]),
        (evidence["low"], evidence["high"]),
        points[0]["spec"],
    )


def _unneeded(evidence: Evidence) -> Counterexample:
    first = evidence["slopes"][0]
    return Counterexample(
        (("fails", evidence["necessity"]["condition"]),),
        (f"slope in {first['axis']}", first["slope"]),
        ("met all the same: the slope", first["target"]),
        (first["low"], first["high"]),
        first["points"][0]["spec"],
    )


def _pair(evidence: Evidence) -> Counterexample:
    pair = _refuting(evidence, "pairs")
    return Counterexample(
        tuple((name, ", ".join(f"{value:g}" for value in pair[name])) for name in ("b", "T")),
        ("log ratio", pair["log_ratio"]),
        ("claimed", pair["target"]),
        (pair["low"], pair["high"]),
    )


def _ratio(evidence: Evidence) -> Counterexample:
    item = _refuting(evidence, "ranges")
    low, high = item["low"], item["high"]
    least, most = item.get("least", -math.inf), item.get("most", math.inf)
    limit = ("at least", least) if high < least else ("at most", most)
    value = low if low == high else item["value"]
    return Counterexample(
        (("of", item["name"]),), ("ratio", value), limit, None if low == high else (low, high)
    )


def _part(evidence: Evidence) -> Counterexample | None:
    return counterexample(_refuting(evidence, "parts"))


def _lemma(evidence: Evidence) -> Counterexample:
    lemma = evidence["lemma"]
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


def _unequal(evidence: Evidence) -> Counterexample:
    row = next(row for row in evidence["comparisons"] if not row["equal"])
    sides = ("found", row["left"]), ("needed", row["right"])
    return Counterexample((("of", row["name"].replace("_", " ")),), *sides)


def _found(evidence: Evidence) -> Counterexample:
    search = _refuting(evidence, "searches")
    setting = (*_problem(search["problem"]), ("constant", search["constant"]))
    return Counterexample(setting, ("found", search["found"]), ("certified", search["certified"]))


SHOWN: dict[str, Callable[[Evidence], Counterexample | None]] = {
    "instances": _bound,
    "slope": _slope,
    "pairs": _pair,
    "ranges": _ratio,
    "parts": _part,
    "slopes": _unneeded,
    "lemma": _lemma,
    "comparisons": _unequal,
    "searches": _found,
}
"""What shows the counterexample, for each kind of evidence that can refute a claim."""
