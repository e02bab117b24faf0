"""On what it ran."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from verify.bench.measure import cores

PACKAGES = (
    "adasam-verify",
    "numpy",
    "numba",
    "llvmlite",
    "torch",
    "triton",
    "jax",
    "jaxlib",
    "optax",
)


def machine(device: str = "cpu") -> dict[str, Any]:
    """Return the processor, its cores and vectors, the system and the load beside us; of a GPU,
    its name and memory too.
    """
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    widths = {"avx512f": 512, "avx2": 256, "neon": 128, "sse2": 128}
    return {
        "processor": _processor(),
        "architecture": f"{platform.machine()}, {binding.get_host_cpu_name()}",
        "vector_bits": next((bits for name, bits in widths.items() if features.get(name)), None),
        "cores": len(cores()),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
        **(_card(device) if device != "cpu" else {}),
    }


def _card(device: str) -> dict[str, Any]:
    import torch

    card = torch.cuda.get_device_properties(device)
    capability = f"sm_{card.major}{card.minor}, CUDA {torch.version.cuda}"
    return {"gpu": f"{card.name}, {card.total_memory / 2**30:.0f} GB, {capability}"}


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of what was timed; None where it is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
