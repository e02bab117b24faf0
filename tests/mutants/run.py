"""Plant errors, one at a time, and see whether the tests notice: ``make mutants``.

Every .toml file beside this one lists errors of one area::

    [[mutant]]
    file = "figures/terms.py"        # from the repository's root
    old = "ax.set_xscale(LOG)"       # stands there exactly once
    new = "ax.set_xscale(LINEAR)"
    says = "the axis of T is linear" # what is wrong then
    tests = ["tests/figures"]        # what should notice
    survives = "why"                 # only where no test notices, and why that stays

Each is planted in a copy of the tree; it is noticed if one of its tests fails. The tests must pass
in the copy without it, or they would show nothing. A listed survivor that is noticed is an error,
too: its line is out of date.

    python tests/mutants/run.py [AREA ...] [--jobs N] [--match TEXT]

Exit code 0 if every error is noticed or listed with a reason, else 1.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KERNELS = "simulators/engines/numba_cpu/"
"""Where the files are that numba's kernels are made from."""

LIMIT = 900
"""Seconds that one error's tests may take; an endless loop is noticed, too."""


@dataclass(frozen=True)
class Mutant:
    """One error to plant."""

    area: str
    file: str
    old: str
    new: str
    says: str
    tests: tuple[str, ...]
    survives: str = ""

    @property
    def compiled(self) -> bool:
        """Whether kernels are made from it: they would be compiled anew, over the plain ones."""
        return self.file.startswith(KERNELS)

    def planted(self) -> str:
        """Return the file's text with the error in it."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise SystemExit(
                f"{self.area}: {self.old!r} stands {text.count(self.old)} times in {self.file}"
            )
        return text.replace(self.old, self.new)


def listed() -> list[Mutant]:
    """Return every error of every area."""
    found = []
    for path in sorted(HERE.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]:
            found.append(Mutant(path.stem, **entry | {"tests": tuple(entry["tests"])}))
    return found


class Copy:
    """A copy of the tree to plant errors in."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        kept = folder / "simulators" / "engines" / "__pycache__"
        kept.mkdir(exist_ok=True)
        for path in (ROOT / kept.relative_to(folder)).glob("*.kernel"):
            shutil.copy2(path, kept)

        # The tests of this checkout's own environment import the copy: it comes first.
        environment = os.environ | {
            "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        self.warm = subprocess.Popen(
            [sys.executable, HERE / "warm.py"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def passes(self, tests: Sequence[str], fresh_cache: bool) -> bool:
        """Run tests in the copy until one fails."""
        assert self.warm.stdin is not None
        assert self.warm.stdout is not None
        with tempfile.TemporaryDirectory() as cache:
            asked = {"tests": list(tests), "cache": cache if fresh_cache else None}
            self.warm.stdin.write(json.dumps(asked) + "\n")
            self.warm.stdin.flush()
            child = int(self.warm.stdout.readline())
            late = threading.Timer(LIMIT, lambda: os.killpg(child, signal.SIGKILL))
            late.start()
            code = int(self.warm.stdout.readline())
            late.cancel()
        if code in (4, 5):
            said = (self.root / "tests.log").read_text(encoding="utf-8", errors="replace")
            raise SystemExit(f"no test ran for {tests}:\n{said[-2000:]}")
        return code == 0

    def notices(self, mutant: Mutant) -> bool:
        """Plant an error, run its tests, and take it out again."""
        target = self.root / mutant.file
        plain = target.read_bytes()
        try:
            target.write_text(mutant.planted(), encoding="utf-8")
            return not self.passes(mutant.tests, mutant.compiled)
        finally:
            target.write_bytes(plain)


def main() -> int:
    """Plant the errors that were asked for; print what was noticed."""
    parser = argparse.ArgumentParser(description="Plant errors and see that tests notice them.")
    parser.add_argument("areas", nargs="*", help="areas, all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--match", default="", help="only errors whose file or words hold this")
    asked = parser.parse_args()
    mutants = [
        item
        for item in listed()
        if (not asked.areas or item.area in asked.areas)
        and asked.match in f"{item.file} {item.says}"
    ]
    if not mutants:
        raise SystemExit(f"no such error: {', '.join(sorted({m.area for m in listed()}))}")
    for item in mutants:
        item.planted()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Copy] = Queue()
        for number in range(asked.jobs):
            copies.put(Copy(Path(folder, str(number))))

        def in_a_copy(work: Callable[[Copy], bool]) -> bool:
            copy = copies.get()
            try:
                return work(copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(asked.jobs) as pool:
            suites = {
                area: sorted({test for item in mutants if item.area == area for test in item.tests})
                for area in sorted({item.area for item in mutants})
            }
            sound = pool.map(
                lambda tests: in_a_copy(lambda copy: copy.passes(tests, False)), suites.values()
            )
            broken = [area for area, fine in zip(suites, sound, strict=True) if not fine]
            if broken:
                for copy in copies.queue:
                    print((copy.root / "tests.log").read_text(errors="replace")[-4000:])
                raise SystemExit(f"tests of {', '.join(broken)} fail without any error planted")
            found = pool.map(lambda m: in_a_copy(lambda copy: copy.notices(m)), mutants)
            wrong = 0
            for item, noticed in zip(mutants, found, strict=True):
                fine = noticed != bool(item.survives)
                wrong += not fine
                word = "noticed " if noticed else "SURVIVES"
                listed_as = f"; listed: {item.survives}" if item.survives else ""
                print(f"{word} {item.area}: {item.says} ({item.file}){listed_as}", flush=True)
    survivors = sum(bool(item.survives) for item in mutants)
    print(
        f"{len(mutants)} errors, {survivors} listed as survivors, {wrong} not as listed; "
        f"{time.monotonic() - started:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
