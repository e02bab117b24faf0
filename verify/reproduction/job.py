"""The main job: simulate, gather evidence, judge, draw, report."""

import json
import platform
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from figures.style import PAPER
from simulators.engines.choice import choose
from simulators.engines.numba_cpu.tasks import compilations
from simulators.files import staged
from simulators.runs import Runs
from theory.errors import InputError, nearest, unknown
from verify import drawing
from verify.calibration.job import found
from verify.claims import CLAIMS
from verify.claims.claim import Claim
from verify.evidence.judge import meaning, measurements, summary, verdict
from verify.evidence.kind import Evidence, Verdict
from verify.files import to_json, writable_folder, write
from verify.reproduction import folder
from verify.reproduction.looks import look
from verify.reproduction.report import render
from verify.studies import archive
from verify.studies.study import PRESETS, Preset, Progress, Results, simulate_all

ROOT = Path(__file__).parents[2]

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
        return self.verdict == self.claim.expected and "failed" not in self.evidence

    @property
    def meaning(self) -> str:
        """What the verdict says, given the method."""
        if "failed" in self.evidence:
            return "an error, not judged"
        return meaning(self.claim.method, self.verdict)

    @property
    def summary(self) -> str:
        """The figure that the evidence turns on."""
        return summary(self.evidence)


def _failed(claim: Claim, error: Exception) -> Judged:
    """Return a claim whose evidence could not be gathered or shown, with the error as evidence."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT)]
    last = (ours or frames)[-1]
    file = last.filename.removeprefix(f"{ROOT}/")
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    failed = {"reason": reason, "where": f"{file}, line {last.lineno}"}
    return Judged(claim, {"failed": failed}, verdict({"failed": failed}))


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
            near = nearest(name, {*CLAIMS, *(claim_id.split(".")[0] for claim_id in CLAIMS)})
            cure = f"did you mean {near!r}? `adasam claims`" if near else "`adasam claims`"
            raise InputError(f"no claim is called {name!r}: {cure} lists them.")
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
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]


def reproduce(
    *,
    preset: str = "quick",
    out: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    only: Sequence[str] = (),
    progress: Progress | None = None,
    stage: Callable[[str], None] = lambda _: None,
    fault: Callable[[str], None] = lambda _: None,
) -> list[Judged]:
    """Judge the claims and write the report.

    What an earlier reproduction left in the folder is replaced as a whole, once all is there. A
    claim whose evidence cannot be gathered or shown is inconclusive, and says why.

    Parameters
    ----------
    preset : str
        ``"quick"`` or ``"paper"``.
    out : Path, optional
        Folder for claims.json, report.html, verdicts.md, figures/, data/ and specs/;
        `folder.default_folder` by default. What `calibrate` left there goes into the report.
    seed : int
    device : str
    only : sequence of str
        Ids or families of claims; all if empty.
    progress : callable, optional
        Called with (simulation, steps done, steps in all).
    stage : callable, optional
        Called with what is worth a line: the engine chosen, what was compiled.
    fault : callable, optional
        Called with a line on each figure that could not be drawn.

    Returns
    -------
    list of Judged

    Raises
    ------
    InputError
        If an argument is malformed, ``out`` cannot be written to, or it holds verdicts on claims
        that ``only`` leaves out; nothing is written then.
    """
    started = time.monotonic()
    if seed < 0:
        raise InputError(f"seed = {seed} is negative: give a whole number from 0.")
    claims, size = chosen(only), preset_named(preset)
    out = folder.default_folder(only) if out is None else out
    folder.refuse_loss(out, claims, only)
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
        try:
            evidence, seen = look(claim, outcome, size, progress=progress)
            judged.append(_presentable(Judged(claim, evidence, verdict(evidence))))
        except Exception as error:
            judged.append(_failed(claim, error))
        else:
            longer |= _longer(claim, outcome, seen)
    provenance = {"preset": size.name, "seed": seed, "device": device, "versions": versions()}
    calibration = _calibration(out, stage)
    with staged(out) as place:
        drawn = _write(place, judged, results, longer, provenance, calibration, fault)
        names = [path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()]
        folder.make_room(out, names)
    content = {
        "schema": 1,
        **provenance,
        "seconds": round(time.monotonic() - started, 1),
        "claims": [_claim_json(item, drawn) for item in judged],
    }
    folder.finish(out, names, to_json(content))
    return judged


def _presentable(item: Judged) -> Judged:
    """Return a judged claim if it can be shown in the table, as JSON and in the report.

    Raises
    ------
    Exception
        Whatever keeps it from that.
    """
    archive.through_json(item.evidence)
    provenance = {"preset": "", "seed": 0, "device": "", "versions": {}}
    render([item], provenance, {}, _specs([item])[1])
    return item


def _calibration(out: Path, stage: Callable[[str], None]) -> Mapping[str, Any] | None:
    try:
        return found(out)
    except InputError as error:
        stage(f"left out of the report: {error}")
        return None


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
    provenance: Mapping[str, Any],
    calibration: Mapping[str, Any] | None,
    fault: Callable[[str], None],
) -> dict[str, list[Path]]:
    """Write all but claims.json; return the figures' files by name."""
    # What `adasam figures` will draw from.
    evidence = {item.claim.id: archive.through_json(item.evidence) for item in judged}
    archive.save(out / "data", results)
    for name, runs in longer.items():
        runs.save(out / "data" / name)
    left_out = []

    def failed(name: str, error: Exception) -> None:
        left_out.append(f"{name} ({type(error).__name__}: {error})")
        fault(f"figure left out: {left_out[-1]}")

    drawn = drawing.draw_all(
        drawing.shown(evidence), results, evidence, writable_folder(out / "figures"), PAPER, failed
    )
    vector = {
        name: path.read_text(encoding="utf-8")
        for name, paths in drawn.items()
        for path in paths
        if path.suffix == ".svg"
    }
    texts, files = _specs(judged)
    for name, text in texts.items():
        write(writable_folder(out / "specs") / name, text)
    write(out / "verdicts.md", markdown(judged))
    write(out / "report.html", render(judged, provenance, vector, files, calibration, left_out))
    return drawn


def markdown(judged: Sequence[Judged]) -> str:
    """Return the verdict table in Markdown."""
    rows = [
        f"| `{item.claim.id}` | {item.verdict} | {item.meaning} | {_in_a_cell(item.summary)} |"
        for item in judged
    ]
    return "\n".join(
        ["| claim | verdict | which says | evidence |", "|---|---|---|---|", *rows, ""]
    )


def _in_a_cell(text: str) -> str:
    return text.replace("|", "\\|")


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


def _specs(judged: Sequence[Judged]) -> tuple[dict[str, str], dict[str, str]]:
    """Return each distinct spec once by the name of its file, and the file's path by the spec."""
    texts: dict[str, str] = {}
    paths: dict[str, str] = {}
    for item in judged:
        for instance in measurements(item.evidence):
            text, key = to_json(instance["spec"]), json.dumps(instance["spec"])
            if key in paths:
                continue
            run = instance["spec"]["run"]
            label = instance.get("name", "control" if run["rho"] == 0 else "speedup")
            name = f"{label}-b{run['b']:.0f}-T{run['T']:.0f}"
            # Cells may differ in beta1, and in their runs where one claim looked again.
            for more in (f"-beta1-{run['beta1']:g}", f"-{run['runs']}-runs"):
                if f"{name}.json" in texts:
                    name += more
            number = 2
            while f"{name}.json" in texts:
                name, number = f"{name}-{number}", number + 1
            texts[f"{name}.json"] = text
            paths[key] = f"specs/{name}.json"
    return texts, paths


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
