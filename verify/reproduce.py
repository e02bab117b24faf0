"""The main job: simulate, gather evidence, judge, draw, report."""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from figures.style import PAPER
from simulators.engines.choice import choose
from simulators.engines.tasks import compilations
from simulators.runs import Runs
from theory.errors import InputError
from verify import archive, drawing
from verify.calibration.job import found
from verify.claim import PRESETS, Claim, Preset, Results
from verify.claims import CLAIMS
from verify.files import writable_folder, write
from verify.looks import look
from verify.report import render
from verify.study import Progress, simulate_all
from verify.summary import meaning, measurements, summary
from verify.verdict import Evidence, Verdict, verdict

PACKAGES = ("adasam-verify", "numpy", "scipy", "numba", "torch", "sympy", "matplotlib")


@dataclass(frozen=True)
class Judged:
    """A claim with its evidence and verdict."""

    claim: Claim
    evidence: Evidence
    verdict: Verdict

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.verdict == self.claim.expected

    @property
    def meaning(self) -> str:
        """What the verdict says, given the method."""
        return meaning(self.claim.method, self.verdict)

    @property
    def summary(self) -> str:
        """The figure that the evidence turns on."""
        return summary(self.evidence)


def chosen(only: Sequence[str]) -> dict[str, Claim]:
    """Return the claims of these ids or families; all if none is given.

    A family is what stands before the dot: ``theorem1`` is all of its claims.

    Raises
    ------
    InputError
        If an id is not known.
    """
    for name in only:
        if not any(_matches(claim_id, name) for claim_id in CLAIMS):
            raise InputError(f"no claim is called {name!r}: `adasam claims` lists them.")
    return {
        claim_id: claim
        for claim_id, claim in CLAIMS.items()
        if not only or any(_matches(claim_id, name) for name in only)
    }


def _matches(claim_id: str, name: str) -> bool:
    return claim_id == name or claim_id.startswith(name + ".")


def preset_named(name: str) -> Preset:
    """Return a preset.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in PRESETS:
        raise InputError(f"preset = {name!r} is not known: use {', '.join(PRESETS)}.")
    return PRESETS[name]


def reproduce(
    *,
    preset: str = "quick",
    out: Path = Path("results"),
    seed: int = 0,
    device: str = "auto",
    only: Sequence[str] = (),
    progress: Progress | None = None,
    stage: Callable[[str], None] = lambda _: None,
) -> list[Judged]:
    """Judge the claims and write the report.

    Parameters
    ----------
    preset : str
        ``"quick"`` or ``"paper"``.
    out : Path
        Folder for claims.json, report.html, verdicts.md, figures/, data/ and specs/. What
        `calibrate` left there goes into the report.
    seed : int
    device : str
    only : sequence of str
        Ids or families of claims; all if empty.
    progress : callable, optional
        Called with (simulation, steps done, steps in all).
    stage : callable, optional
        Called with what is worth a line: the engine chosen, what was compiled.

    Returns
    -------
    list of Judged

    Raises
    ------
    InputError
        If an argument is malformed or ``out`` cannot be written to; nothing is written then.
    """
    started = time.monotonic()
    if seed < 0:
        raise InputError(f"seed = {seed} is negative: give a whole number from 0.")
    claims, size = chosen(only), preset_named(preset)
    if any(claim.study for claim in claims.values()):
        choice = choose(device=device)
        device = choice.device
        stage(str(choice))
    writable_folder(out)
    longer: dict[str, Runs] = {}
    with compilations() as compiled:
        results = _simulate(claims, size, seed, device, progress)
    if compiled.kernels:
        stage(str(compiled))
    judged = []
    for claim in claims.values():
        outcome = results[claim.study.name] if claim.study else {}
        evidence, seen = look(claim, outcome, size, progress=progress)
        judged.append(Judged(claim, evidence, verdict(evidence)))
        longer |= _longer(claim, outcome, seen)
    _write(out, judged, results, longer, size, seed, device, started)
    return judged


def _longer(claim: Claim, outcome: Results, seen: Results) -> dict[str, Runs]:
    """Return the runs that further looks took, by the names of their files."""
    return {
        f"{claim.study.name}/{label}_{spec.run.runs}_runs.npz": runs
        for label, (spec, runs) in seen.items()
        if claim.study and runs is not outcome[label][1]
    }


def _simulate(
    claims: Mapping[str, Claim],
    preset: Preset,
    seed: int,
    device: str,
    progress: Progress | None,
) -> dict[str, Results]:
    studies = {claim.study.name: claim.study for claim in claims.values() if claim.study}
    needed = (picture.study for picture in drawing.shown(claims).values())
    studies |= {study.name: study for study in needed if study}
    jobs = {}
    for name, study in studies.items():
        for label, spec in study.specs(preset, seed).items():
            spec.engine.device = device
            jobs[name, label] = spec
    flat = {f"{name}/{label}": spec for (name, label), spec in jobs.items()}
    runs = simulate_all(flat, progress=progress) if flat else {}
    return {
        name: {
            label: (spec, runs[f"{name}/{label}"])
            for (owner, label), spec in jobs.items()
            if owner == name
        }
        for name in studies
    }


def _write(
    out: Path,
    judged: Sequence[Judged],
    results: Mapping[str, Results],
    longer: Mapping[str, Runs],
    preset: Preset,
    seed: int,
    device: str,
    started: float,
) -> None:
    # What `adasam figures` will draw from.
    evidence = {item.claim.id: archive.through_json(item.evidence) for item in judged}
    archive.save(out / "data", results)
    for name, runs in longer.items():
        runs.save(out / "data" / name)
    pictures = drawing.shown(evidence)
    folder = writable_folder(out / "figures")
    drawn = drawing.draw_all(pictures, results, evidence, folder, PAPER)
    files = _write_specs(out, judged)
    provenance = {
        "preset": preset.name,
        "seed": seed,
        "device": device,
        "versions": versions(),
    }
    vector = {
        name: path.read_text(encoding="utf-8")
        for name, paths in drawn.items()
        for path in paths
        if path.suffix == ".svg"
    }
    write(out / "verdicts.md", markdown(judged))
    page = render(judged, provenance, vector, files, found(out))
    write(out / "report.html", page)
    content = {
        "schema": 1,
        **provenance,
        "seconds": round(time.monotonic() - started, 1),
        "claims": [_claim_json(item, drawn) for item in judged],
    }
    write(out / "claims.json", json.dumps(content, indent=1, allow_nan=False) + "\n")


def markdown(judged: Sequence[Judged]) -> str:
    """Return the verdict table in Markdown."""
    rows = [
        f"| `{item.claim.id}` | {item.verdict} | {item.meaning} | {item.summary} |"
        for item in judged
    ]
    return "\n".join(
        ["| claim | verdict | which says | evidence |", "|---|---|---|---|", *rows, ""]
    )


def _claim_json(item: Judged, drawn: Mapping[str, Any]) -> dict[str, Any]:
    claim = item.claim
    return {
        "id": claim.id,
        "source": claim.source,
        "statement": claim.statement,
        "method": claim.method,
        "verdict": item.verdict,
        "expected": claim.expected,
        "evidence": item.evidence,
        "figure": f"figures/{claim.figure}.svg" if claim.figure in drawn else None,
        "data": f"data/{claim.study.name}" if claim.study else None,
    }


def _write_specs(out: Path, judged: Sequence[Judged]) -> dict[str, str]:
    """Write each distinct spec once; return the file's path below ``out`` by the spec's JSON."""
    folder, files = writable_folder(out / "specs"), {}
    for item in judged:
        for instance in measurements(item.evidence):
            text = json.dumps(instance["spec"], indent=1, allow_nan=False) + "\n"
            if text in files:
                continue
            run = instance["spec"]["run"]
            label = instance.get("name", "control" if run["rho"] == 0 else "speedup")
            name = f"{label}-b{run['b']:.0f}-T{run['T']:.0f}"
            # Cells may differ in beta1, and in their runs where one claim looked again.
            for more in (f"-beta1-{run['beta1']:g}", f"-{run['runs']}-runs"):
                if f"{name}.json" in files.values():
                    name += more
            name += ".json"
            if name in files.values():
                raise ValueError(f"two specs would share the file {name}: name their points apart")
            write(folder / name, text)
            files[text] = name
    return {json.dumps(json.loads(text)): f"specs/{name}" for text, name in files.items()}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
