"""More runs where a verdict is open.

A claim whose verdict is inconclusive gets more replicates of the cells that its open intervals
rest on, twice as many or more at each look, up to its preset's limit. They extend those it has,
which keep their bits. How many it takes is read off the present ones: were the further runs like
them, the evidence would be that of these repeated.

Looking again only after an inconclusive look raises the error rate of an interval made for one.
`finite_sample_mean` holds at every number of runs at once; all other intervals spend 2^-k of the
error budget at look k (`budget_at_one_look`). They are normal ones: since the
runs themselves decide how many come next, they may miss more often than their share says.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import Spec
from verify.claims.claim import Claim
from verify.evidence.judge import measurements, undecided, verdict
from verify.evidence.kind import Evidence, Limited, cells_of, of, span
from verify.studies.study import LaterResults, Preset, Progress, Results, extend


@dataclass(frozen=True)
class Repeated(Runs):
    """Runs whose left sides are taken several times over: a guess at what more runs would show."""

    times: int = 1

    def lhs(self, cell: int) -> np.ndarray:
        """Return each run's left side in a cell, ``times`` over."""
        return np.tile(super().lhs(cell), self.times)


def look(
    claim: Claim, results: Results, preset: Preset, *, progress: Progress | None = None
) -> tuple[Evidence, Results]:
    """Gather a claim's evidence, from more runs as long as it is open and they may decide it.

    Parameters
    ----------
    claim : Claim
    results : Results
        Its study's, at the preset's size.
    preset : Preset
    progress : callable, optional

    Returns
    -------
    evidence : Evidence
        The last look's. If there was more than one, or the limit forbade one, ``looks`` has all:
        each with its number, and of every item that was ever open its runs, interval and limits.
    results : Results
        What it rests on.
    """
    at_first = {label: spec.run.runs for label, (spec, _) in results.items()}
    evidence, taken, opened = claim.evidence(results), [], set()
    while True:
        taken.append(evidence)
        open_now = undecided(evidence) if _may_extend(claim, evidence) else []
        opened |= {_name(item) for item, *_ in open_now}
        labels = [
            label
            for label in _labels(open_now, evidence, results)
            if 2 * results[label][0].run.runs <= preset.most * at_first[label]
        ]
        if not labels:
            break
        room = min(preset.most * at_first[label] // results[label][0].run.runs for label in labels)
        times = _enough(claim, results, labels, room, len(taken) + 1)
        more = {
            label: extend(
                f"{claim.id}/{label}", spec, runs, times * spec.run.runs, progress=progress
            )
            for label, (spec, runs) in results.items()
            if label in labels
        }
        results = LaterResults({**results, **more}, len(taken) + 1)
        evidence = claim.evidence(results)
    if opened:
        looks = [_entry(number, item, opened) for number, item in enumerate(taken, start=1)]
        evidence = {**evidence, "looks": looks, "most": preset.most}
    return evidence, results


def _may_extend(claim: Claim, evidence: Evidence) -> bool:
    return bool(
        claim.method == "simulation" and claim.study and verdict(evidence) == "inconclusive"
    )


def _enough(claim: Claim, results: Results, labels: Sequence[str], room: int, number: int) -> int:
    """Return the least power of two times the runs that would decide; 2 if none in ``room`` would.

    The guess of runs near a limit is a poor one, and better after each look.
    """
    times = 2
    while times <= room:
        guess = {
            label: (results[label][0], _repeated(results[label][1], times)) for label in labels
        }
        evidence = claim.evidence(LaterResults({**results, **guess}, number))
        if verdict(evidence) != "inconclusive":
            return times
        times *= 2
    return 2


def _repeated(runs: Runs, times: int) -> Runs:
    return Repeated(
        **{field.name: getattr(runs, field.name) for field in fields(Runs)}, times=times
    )


def _labels(items: Sequence[Limited], evidence: Evidence, results: Results) -> list[str]:
    """Return which of a study's specs the items rest on: by their own cells, or by all.

    A cell that two specs have counts for the one of which more is wanted.
    """
    wanted: set[str] = set()
    for item, *_ in items:
        own = [item] if "spec" in item else cells_of(item)
        wanted |= {_key(point["spec"]) for point in own or measurements(evidence)}
    cells = {label: _cells(spec) for label, (spec, _) in results.items()}
    found = set()
    for label in sorted(cells, key=lambda label: -len(cells[label] & wanted) / len(cells[label])):
        if cells[label] & wanted:
            found.add(label)
            wanted -= cells[label]
    return [label for label in results if label in found]


def _cells(spec: Spec) -> set[str]:
    cells = specs.cells(spec, spec.problem.make())
    return {_key(specs.to_json(specs.single(spec, cell))) for cell in cells}


def _key(spec: Mapping[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True)


def _entry(number: int, evidence: Evidence, opened: set[str]) -> dict[str, Any]:
    """Return a look as evidence."""
    items = []
    for item, least, most in of(evidence).limited():
        if _name(item) in opened:
            low, high = span(item)
            limits = {"least": least, "most": most}
            items.append(
                {"name": _name(item), "runs": _count(item, evidence), "low": low, "high": high}
                | {name: value for name, value in limits.items() if np.isfinite(value)}
            )
    return {"look": number, "verdict": verdict(evidence), "items": items}


def _count(item: Evidence, evidence: Evidence) -> int:
    """Return how many runs of a cell an item rests on, of its least."""
    own = [item] if "spec" in item else cells_of(item)
    return min(point["n"] for point in own or measurements(evidence))


def _name(item: Evidence) -> str:
    if "spec" in item:
        run = item["spec"]["run"]
        return f"{item['name'].replace('_', ' ')}, b = {run['b']:.0f}, T = {run['T']:.0f}"
    if "b" in item:
        (b, other), (T, later) = item["b"], item["T"]
        return f"(b, T) = ({b}, {T}) over ({other}, {later})"
    return item.get("name", f"slope in {item.get('axis')}")
