"""Everything that a quarter of an hour on a GPU machine can settle: `make gpu-day`.

    python3 tests/gpu_day/run.py [--out results/gpu_day] [--only STEP ...] [--dry] [--fetch]

It needs a checkout and what such a machine has: Python, torch, triton, numba, sympy, scipy,
matplotlib, jinja2, typer, rich, pytest, xdist, hypothesis. What else the package needs it takes
from wheels in `.wheels/`, which `--fetch` fills on a machine that has an index. Nothing is
installed.

Each step is a process of its own with a time limit. What it finds is written when it ends, and
`steps.json` and the summary after every step, so that a cut loses only what is left; `--only` runs
steps again and keeps what the others found.

`--dry` runs every step on a CPU, tiny, with Triton's interpreter, and writes the same files: it
shows that the script works. Every number is then marked as not measured on a GPU.

Exit code 0 if every step ended well, 1 if one failed or ran out of time.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WHEELS = ROOT / ".wheels"
NEEDED = ("msgspec",)
"""Packages that a GPU machine may lack, each without needs of its own."""


@dataclass(frozen=True)
class Step:
    """A command under a time limit.

    Attributes
    ----------
    name : str
    says : str
        What it settles.
    limit : float
        Seconds on a GPU machine.
    """

    name: str
    says: str
    limit: float


STEPS = (
    Step("machine", "card, versions, imports", 90),
    Step("parity", "both engines against the reference, noise, bits, graphs, memory", 210),
    Step("bench_d", "rates over d, with the issue bound", 90),
    Step("bench_R", "rates over R", 60),
    Step("reproduce", "every claim on the GPU and on the CPU", 150),
    Step("bench_b", "rates over b", 60),
    Step("bench_T", "rates over T", 45),
)
"""What matters most comes first. The limits add up to more than a good run takes."""

DRY_LIMIT = 300
"""Seconds of a dry step: its machine may be slow and busy."""


def command(step: Step, out: Path, dry: bool) -> list[str]:
    """Return what a step runs."""
    if step.name != "parity":
        return [sys.executable, str(HERE / "steps.py"), step.name, str(out)]
    workers = "0" if dry else str(min(12, os.cpu_count() or 1))
    return [
        sys.executable, "-m", "pytest", "-v", "-m", "gpu", "-n", workers, "-p", "no:cacheprovider",
        # Other versions warn of other things: shown, not an error.
        "-W", "default", "--durations=10", "tests/simulators/test_gpu_device.py",
    ]  # fmt: skip


def environment(out: Path, dry: bool, step: Step) -> dict[str, str]:
    """Return the variables that a step sees."""
    paths = [str(ROOT), *unpacked(out), os.environ.get("PYTHONPATH", "")]
    found = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "GPU_DAY": "dry" if dry else "real",
    }
    if dry and step.name == "parity":
        found["TRITON_INTERPRET"] = "1"
    return found


def unpacked(out: Path) -> list[str]:
    """Return where the packages lie that Python lacks and `.wheels/` has."""
    from importlib.util import find_spec

    site = out / "site"
    for name in NEEDED:
        if find_spec(name) is None and not (site / name).exists():
            fits = [p for p in sorted(WHEELS.glob(f"{name}-*.whl")) if _fits(p.name)]
            if not fits:
                raise SystemExit(
                    f"{name} is not installed, and {WHEELS} has no wheel of it for this Python: "
                    "run `python tests/gpu_day/run.py --fetch` where there is a package index."
                )
            with zipfile.ZipFile(fits[-1]) as wheel:
                wheel.extractall(site)
    return [str(site)] if site.exists() else []


def _fits(name: str) -> bool:
    return f"-cp{sys.version_info.major}{sys.version_info.minor}-" in name


def fetch(python: str) -> int:
    """Download the wheels of `NEEDED` for another Python on Linux, x86-64, as pinned."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    wanted = [
        next((line for line in pins.splitlines() if re.match(rf"{name}==", line)), name)
        for name in NEEDED
    ]
    platforms = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
    return subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
         "--python-version", python, "--implementation", "cp",
         *(f"--platform={name}" for name in platforms), "--dest", str(WHEELS), *wanted],
        check=False,
    ).returncode  # fmt: skip


def carried_out(step: Step, out: Path, dry: bool) -> dict[str, object]:
    """Run a step; return how it ended."""
    started = time.monotonic()
    log = out / "logs" / f"{step.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    limit = DRY_LIMIT if dry else step.limit
    with log.open("wb") as file:
        process = subprocess.Popen(
            command(step, out, dry), cwd=ROOT, env=environment(out, dry, step), stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    ended = "well" if code == 0 else "out of time" if code is None else f"with exit code {code}"
    return {"says": step.says, "ended": ended, "seconds": round(time.monotonic() - started, 1)}


def main() -> int:
    """Run the steps that were asked for; print the summary."""
    parser = argparse.ArgumentParser(description="Settle on a GPU machine what only it can.")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "gpu_day")
    names = [step.name for step in STEPS]
    parser.add_argument("--only", action="append", choices=names, help="may be repeated")
    parser.add_argument("--dry", action="store_true", help="on the CPU, tiny, to test the script")
    parser.add_argument("--fetch", action="store_true", help="download wheels into .wheels/")
    parser.add_argument("--python", default="3.12", help="with --fetch: whose wheels")
    asked = parser.parse_args()
    if asked.fetch:
        return fetch(asked.python)
    out = asked.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    unpacked(out)
    steps = out / "steps.json"
    kept = json.loads(steps.read_text(encoding="utf-8")) if asked.only and steps.exists() else None
    found = {"measured_on_gpu": not asked.dry, "steps": {}}
    if kept and kept["measured_on_gpu"] == found["measured_on_gpu"]:
        found = kept
    for step in STEPS:
        if asked.only and step.name not in asked.only:
            continue
        print(f"{step.name}: {step.says} ...", flush=True)
        found["steps"][step.name] = carried_out(step, out, asked.dry)
        steps.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        said = subprocess.run(
            [sys.executable, str(HERE / "summary.py"), str(out)], cwd=ROOT, check=False,
            env=environment(out, asked.dry, step), capture_output=True, text=True,
        )  # fmt: skip
        print(f"  ended {found['steps'][step.name]['ended']}, "
              f"{found['steps'][step.name]['seconds']} s", flush=True)  # fmt: skip
        if said.returncode:
            print(said.stderr, flush=True)
    print((out / "summary.txt").read_text(encoding="utf-8") if said.returncode == 0 else "")
    return 0 if all(one["ended"] == "well" for one in found["steps"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
