"""What a folder of results holds of an earlier reproduction, and how a new one replaces it.

A reproduction replaces the whole of the one before, so that a folder never holds data of two. What
it wrote is listed in files.json; nothing else is ever removed.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from theory.errors import InputError
from verify import drawing
from verify.claims import CLAIMS
from verify.evidence.judge import measurements
from verify.files import read_json, to_json, write
from verify.studies.archive import Content, read_claims
from verify.studies.study import PRESETS

LIST = "files.json"
CLAIMS_FILE = "claims.json"
FILES = (CLAIMS_FILE, "report.html", "verdicts.md")
FOLDERS = ("figures", "slides", "data", "specs")
SUFFIXES = (".svg", ".pdf", ".png", ".gif", ".md", ".tex")
"""What a reproduction writes, or `adasam figures` from it; the suffixes are those of figures."""


class Listed(msgspec.Struct):
    """What files.json holds: paths below its folder."""

    schema: Literal[1]
    files: list[str]


def default_folder(only: Sequence[str]) -> Path:
    """Return where a reproduction goes that was not told: a part never goes over a whole."""
    return Path("results", "only", "+".join(only)) if only else Path("results")


def refuse_loss(out: Path, claims: Collection[str], only: Sequence[str]) -> None:
    """Refuse to judge some claims into a folder that holds verdicts on others.

    Raises
    ------
    InputError
        If verdicts would be lost, or a file there is not what a reproduction leaves.
    """
    earlier = _earlier(out)
    ids = [claim.id for claim in earlier.claims] if earlier else []
    lost = [claim_id for claim_id in ids if claim_id not in claims]
    if only and lost:
        raise InputError(
            f"{out} holds verdicts on {len(ids)} claims, of which --only would leave "
            f"{len(ids) - len(lost)}: choose another --out, such as {default_folder(only)}."
        )
    held(out)


def make_room(out: Path, names: Collection[str]) -> None:
    """Remove what an earlier reproduction left that has none of these names, its verdicts first.

    From here on files.json lists the old files and the new, so that the next reproduction knows
    them even if this one is killed before it is done.
    """
    old = held(out)
    (out / CLAIMS_FILE).unlink(missing_ok=True)
    _list(out, old | set(names))
    for name in sorted(old - set(names)):
        path = out / name
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == out or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def finish(out: Path, names: Iterable[str], claims: str) -> None:
    """List the files of these names, which are there by now, and write claims.json."""
    _list(out, {*names, CLAIMS_FILE})
    write(out / CLAIMS_FILE, claims)


def add(out: Path, listed: Collection[str], paths: Iterable[Path]) -> None:
    """List further files, drawn from a reproduction: they go when it goes."""
    _list(out, {*listed, *(path.relative_to(out).as_posix() for path in paths)})


def _list(out: Path, names: Collection[str]) -> None:
    write(out / LIST, to_json({"schema": 1, "files": sorted(names)}))


def _earlier(out: Path) -> Content | None:
    if not (out / CLAIMS_FILE).exists():
        return None
    try:
        return read_claims(out)
    except InputError as error:
        raise InputError(f"{error} Or choose another --out.") from None


def held(out: Path) -> set[str]:
    """Return the names of the files that an earlier reproduction left.

    Raises
    ------
    InputError
        If what says so is not a reproduction's.
    """
    if (out / LIST).exists():
        listed, _ = read_json(
            out / LIST,
            Listed,
            "a reproduction's list of files",
            "remove it, or choose another --out",
        )
        return {name for name in listed.files if _is_ours(name)}
    earlier = _earlier(out)
    return _unlisted(out, earlier) if earlier else set()


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name in FILES or (len(parts) > 1 and parts[0] in FOLDERS and ".." not in parts)


def _unlisted(out: Path, earlier: Content) -> set[str]:
    """Return the files of a reproduction by a version that did not list them.

    A spec is known by what it says, data by their study and label, a figure by its name.
    """
    found = {out / name for name in FILES}
    try:
        measured = [item for claim in earlier.claims for item in measurements(claim.evidence)]
        said = {to_json(item["spec"]) for item in measured}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(
            f"{out / CLAIMS_FILE} is not a reproduction's: remove it, or choose another --out."
        ) from None
    for path in (out / "specs").glob("*.json"):
        if path.read_text(encoding="utf-8", errors="replace") in said:
            found.add(path)
    for path in (out / "figures").glob("*"):
        if path.stem in drawing.FIGURES and path.suffix in SUFFIXES:
            found.add(path)
    studies = [claim.study for claim in CLAIMS.values()]
    studies += [picture.study for picture in drawing.FIGURES.values()]
    preset = PRESETS.get(earlier.preset, PRESETS["quick"])
    for study in {study.name: study for study in studies if study}.values():
        labels = study.specs(preset, earlier.seed)
        for path in (out / "data" / study.name).glob("*"):
            if re.sub(r"_\d+_runs$", "", path.stem) in labels and path.suffix in (".npz", ".json"):
                found.add(path)
    return {path.relative_to(out).as_posix() for path in found if path.is_file()}
