"""The steps of `make gpu-day`, each in a process of its own: `steps.py NAME OUT`.

Each writes OUT/NAME.json when it ends; the step parity is pytest's.
"""

import importlib
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

DRY = os.environ.get("GPU_DAY") == "dry"
DEVICE = "cpu" if DRY else "cuda"
PACKAGES = ("torch", "triton", "numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "sympy",
            "msgspec", "pytest")  # fmt: skip
MODULES = ("theory", "simulators", "simulators.spec", "simulators.engines.triton_gpu.separable",
           "simulators.engines.torch_any.separable", "simulators.engines.numba_cpu.separable",
           "figures.style", "verify.cli", "verify.reproduction.job", "verify.bench.device",
           )  # fmt: skip
DRY_CLAIMS = ("units.tight", "algorithm1.v_init")


def machine() -> dict[str, Any]:
    """Return what the machine is, and whether every part of the package can be imported there."""
    import torch

    found: dict[str, Any] = {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": {},
        "imports": {},
    }
    for name in PACKAGES:
        try:
            found["versions"][name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found["versions"][name] = None
    for name in MODULES:
        try:
            importlib.import_module(name)
            found["imports"][name] = "ok"
        except Exception as error:
            found["imports"][name] = f"{type(error).__name__}: {error}"
    if DRY:
        found["card"] = "none: dry run on the CPU"
    else:
        card = torch.cuda.get_device_properties(0)
        found["card"] = (
            f"{card.name}, {card.total_memory / 2**30:.0f} GiB, {card.multi_processor_count} "
            f"multiprocessors, sm_{card.major}{card.minor}, CUDA {torch.version.cuda}"
        )
        asked = ["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,clocks.sm",
                 "--format=csv,noheader"]  # fmt: skip
        found["driver_and_clocks"] = subprocess.run(
            asked, capture_output=True, text=True, check=True
        ).stdout.strip()
    if any(said != "ok" for said in found["imports"].values()):
        print(json.dumps(found["imports"], indent=1))
    return found


def bench(case: str) -> dict[str, Any]:
    """Return the rates of one case."""
    from verify.bench.device import DeviceSizes
    from verify.bench.job import bench as run

    tiny = DeviceSizes(
        d=(1, 10), b=(1, 16), R=(2, 4), T=(4, 8), fills=20, dtypes=("float32",), runs=2, rounds=1,
        steps=4,
    )  # fmt: skip
    return run(device=DEVICE, sizes=tiny if DRY else None, only=(case,))


def reproduce(out: Path) -> dict[str, Any]:
    """Judge the claims on the GPU and on the CPU; return how they differ."""
    from verify.reproduction.job import reproduce as run

    places = {"gpu": DEVICE, "cpu": "cpu"}
    for name, device in places.items():
        run(out=out / f"reproduce_{name}", device=device, only=DRY_CLAIMS if DRY else ())
        print(f"{name} done", flush=True)
    gpu, cpu = (
        {claim["id"]: claim for claim in json.loads(text)["claims"]}
        for text in (
            (out / f"reproduce_{name}" / "claims.json").read_text(encoding="utf-8")
            for name in places
        )
    )
    rows = []
    for name, one in gpu.items():
        other = cpu[name]
        apart = [
            abs(x - y) / max(abs(x), abs(y))
            for (_, x), (_, y) in zip(
                _numbers(one["evidence"]), _numbers(other["evidence"]), strict=False
            )
            if x != y and math.isfinite(x) and math.isfinite(y)
        ]
        rows.append({
            "claim": name, "gpu": one["verdict"], "cpu": other["verdict"],
            "expected": one["expected"], "largest_relative_difference": max(apart, default=0.0),
        })  # fmt: skip
    return {"claims": rows}


def _numbers(content: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield every measured number of evidence; what describes a simulation is left out."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name not in ("spec", "problem"):
                yield from _numbers(value, f"{path}/{name}")
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _numbers(value, f"{path}/{number}")
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield path, float(content)


def main() -> int:
    """Do the step that is named; exit code 1 if it found what must not be."""
    name, out = sys.argv[1], Path(sys.argv[2])
    if name == "machine":
        found = machine()
        fine = all(said == "ok" for said in found["imports"].values())
    elif name == "reproduce":
        found = reproduce(out)
        fine = all(row["gpu"] == row["cpu"] for row in found["claims"])
    else:
        found, fine = bench(name.removeprefix("bench_")), True
    content = {"measured_on_gpu": not DRY, **found}
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    (out / f"{name}.json").write_text(text, encoding="utf-8")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
