"""What a reproduction leaves for later: every study's runs beside their specs, and the evidence."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import Spec
from theory.errors import InputError
from verify.evidence.kind import Evidence
from verify.files import as_numbers, read_json, to_json, writable_folder, write
from verify.studies.study import Results

CURE = "`make reproduce` makes it"


def save(folder: Path, studies: Mapping[str, Results]) -> None:
    """Write each simulation's runs (.npz) and its spec (.json) to a folder for each study."""
    for study, results in studies.items():
        place = writable_folder(folder / study)
        for label, (spec, runs) in results.items():
            runs.save(place / f"{label}.npz")
            write(place / f"{label}.json", to_json(specs.to_json(spec)))


def through_json(evidence: Evidence) -> Evidence:
    """Return evidence as claims.json gives it back: lists for tuples, strings for keys."""
    return as_numbers(json.loads(to_json(evidence)))


class ClaimEntry(msgspec.Struct):
    """A claim in claims.json."""

    id: str
    evidence: dict[str, Any]


class Content(msgspec.Struct):
    """What is read of claims.json."""

    claims: list[ClaimEntry]
    schema: Literal[1] = 1
    preset: str = "quick"
    seed: int = 0


def read_claims(results: Path) -> Content:
    """Return what a reproduction's claims.json holds.

    Raises
    ------
    InputError
        If the folder has no claims.json, or one that is not a reproduction's.
    """
    content, _ = read_json(results / "claims.json", Content, "a reproduction's", f"{CURE} anew")
    return content


def read_evidence(results: Path) -> dict[str, Evidence]:
    """Return the evidence of a reproduction's claims, by id.

    Raises
    ------
    InputError
        If the folder has no claims.json, or one that is not a reproduction's.
    """
    return {claim.id: as_numbers(claim.evidence) for claim in read_claims(results).claims}


class Archived(Mapping[str, tuple[Spec, Runs]]):
    """A study's results, each read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, label: str) -> tuple[Spec, Runs]:
        spec, runs = self.folder / f"{label}.json", self.folder / f"{label}.npz"
        for path in (spec, runs):
            if not path.is_file():
                raise InputError(f"{path} is not there: {CURE}.")
        return specs.read(spec), Runs.load(runs)

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in sorted(self.folder.glob("*.npz")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Studies(Mapping[str, Results]):
    """A reproduction's studies by name, whether their runs were archived or not."""

    def __init__(self, results: Path) -> None:
        self.folder = results / "data"

    def __getitem__(self, name: str) -> Results:
        if not (self.folder / name).is_dir():
            raise InputError(f"{self.folder / name} is not there: {CURE}.")
        return Archived(self.folder / name)

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in sorted(self.folder.glob("*/")))

    def __len__(self) -> int:
        return sum(1 for _ in self)
