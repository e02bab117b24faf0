"""The whole calibration: part by part, so that it can be stopped and go on, and the files."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from theory.errors import InputError
from verify.calibration import plan as plans
from verify.calibration.content import Calibration
from verify.calibration.plan import Case
from verify.calibration.tally import CERTAINTY, CONFIDENCES, Tally, coverage, merged
from verify.calibration.verdicts import judged_bounds, judged_slopes
from verify.calibration.writing import markdown
from verify.files import read_json, to_json, writable_folder, write

Progress = Callable[[str, int, int], None]
"""Called with (a case's name, parts done, parts in all)."""

PARTS = "calibration.parts.json"
"""The file of what is counted so far; gone when all is."""

SCHEMA = 1


class Left(msgspec.Struct):
    """What the file of an interrupted calibration holds: each case's tallies by its name."""

    setting: dict[str, Any]
    done: dict[str, list[Tally]]


READ = {"coverage": coverage, "looks": coverage, "bounds": judged_bounds, "slopes": judged_slopes}
"""What a group's tallies say."""


def calibrate(
    *,
    quick: bool = False,
    out: Path | None = None,
    seed: int = 0,
    resume: bool = False,
    cases: Sequence[Case] | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Count how often intervals hold the truth and verdicts are right.

    Parameters
    ----------
    quick : bool
        Fewer reproductions, of the quick preset only.
    out : Path, optional
        Folder for calibration.json and calibration.md, and while it runs for what is counted so
        far: an interruption leaves that behind.
    seed : int
    resume : bool
        Whether to go on from what an interruption left in ``out``; the result is the same.
    cases : sequence of Case, optional
        In place of what ``quick`` says.
    progress : callable, optional

    Returns
    -------
    dict
        What calibration.json holds: the counts of each group, with Clopper-Pearson intervals.

    Raises
    ------
    InputError
        If ``out`` cannot be written to, or what it holds is of another calibration.
    """
    started = time.monotonic()
    if seed < 0:
        raise InputError(f"seed = {seed} is negative: give a whole number from 0.")
    if resume and out is None:
        raise InputError("there is nothing to resume without a folder: give --out.")
    if out is not None:
        writable_folder(out)
    if cases is None:
        cases = plans.plan(plans.QUICK if quick else plans.FULL, seed)
    setting = {"quick": quick, "seed": seed, "parts": {case.name: case.parts for case in cases}}
    done = _left(out, setting) if resume and out else {}
    for case in cases:
        tallies = done.setdefault(case.name, [])
        while len(tallies) < case.parts:
            progress(case.name, len(tallies), case.parts)
            tallies.append(case.measure(len(tallies)))
            if out is not None:
                write(out / PARTS, json.dumps({"setting": setting, "done": done}))
        progress(case.name, case.parts, case.parts)
    content = {
        "schema": SCHEMA,
        "quick": quick,
        "seed": seed,
        "confidences": list(CONFIDENCES),
        "certainty": CERTAINTY,
        **{group: [_row(case, done[case.name]) for case in cases if case.group == group]
           for group in READ},
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip
    if out is not None:
        write(out / "calibration.json", to_json(content))
        write(out / "calibration.md", markdown(content))
        (out / PARTS).unlink(missing_ok=True)
    return content


def found(out: Path) -> dict[str, Any] | None:
    """Return the calibration that a folder holds, None if it holds none.

    Raises
    ------
    InputError
        If it cannot be read, or is not one of this version.
    """
    path = out / "calibration.json"
    if not path.exists():
        return None
    cure = f"`adasam calibrate --out {out}` makes it anew"
    _, content = read_json(path, Calibration, "a calibration of this version", cure)
    return content


def _row(case: Case, tallies: list[Tally]) -> dict[str, Any]:
    whole = tallies[0]
    for tally in tallies[1:]:
        whole = merged(whole, tally)
    said = READ[case.group](whole)
    return {**case.labels, **(said if isinstance(said, dict) else {"at": said})}


def _left(out: Path, setting: dict[str, Any]) -> dict[str, list[Tally]]:
    """Return what an interrupted calibration counted.

    Raises
    ------
    InputError
        If there is none, or it was another one.
    """
    path = out / PARTS
    if not path.exists():
        raise InputError(f"{path} is not there: run without --resume.")
    left, _ = read_json(path, Left, "an interrupted calibration", "run without --resume")
    if left.setting != setting:
        raise InputError(
            f"{path} is from another calibration (its seed, --quick or version differ): run "
            "without --resume."
        )
    return left.done
