"""The smallest counterexample in the evidence of a refuted claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verify.verdict import Evidence, verdict


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
    if verdict(evidence) != "refuted":
        return None
    if "instances" in evidence:
        return _bound(evidence["instances"])
    if "parts" in evidence:
        return next(filter(None, map(counterexample, evidence["parts"])))
    if "slope" in evidence:
        return _slope(evidence)
    if "necessity" in evidence:
        return _unneeded(evidence)
    if "lemma" in evidence:
        return _lemma(evidence["lemma"])
    if "comparisons" in evidence:
        row = next(row for row in evidence["comparisons"] if not row["equal"])
        sides = ("found", row["left"]), ("needed", row["right"])
        return Counterexample((("of", row["name"].replace("_", " ")),), *sides)
    return None


def _bound(instances: Sequence[Evidence]) -> Counterexample:
    def size(item: Evidence) -> float:
        run = item["spec"]["run"]
        return item["spec"]["problem"]["d"] * run["b"] * run["T"]

    found = min((item for item in instances if item["lhs_low"] > item["rhs"]), key=size)
    problem, run = found["spec"]["problem"], found["spec"]["run"]
    names = ("profile", "noise", "L", "sigma", "G", "d", "start", "rotation")
    setting = [(name, problem[name]) for name in names if problem.get(name) is not None]
    names = ("method", "gamma", "rho", "beta1", "beta2", "eps", "b", "T", "workers", "v_init")
    setting += [(name, run[name]) for name in names if run.get(name) is not None]
    is_exact = found["interval"] == "exact"
    return Counterexample(
        tuple(("x_0" if name == "start" else name, value) for name, value in setting),
        ("left side", found.get("lhs_fraction", found["lhs"])),
        ("bound", found["rhs"]),
        None if is_exact else (found["lhs_low"], found["lhs_high"]),
        found["spec"],
    )


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


def _lemma(lemma: Evidence) -> Counterexample:
    row = lemma["cases"][0]
    return Counterexample(
        (("instance", row["instance"]), ("beta", row["beta"])),
        ("left side", row["left"]),
        ("right side, as printed", row["right"]),
    )
