"""The whole benchmark: rates, memory and compilation, then ratios."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulators.engines.choice import resolve_device
from verify.bench.cases import FULL, QUICK, Sizes, cases, on_device
from verify.bench.children import compilation, memory, quick_specs
from verify.bench.contenders import CONTENDERS
from verify.bench.machine import machine, versions
from verify.bench.measure import Progress, cores, rates
from verify.bench.ratios import ratios
from verify.bench.setting import Setting
from verify.files import to_json, writable_folder, write


def bench(
    *,
    quick: bool = False,
    device: str = "cpu",
    sizes: Sizes | None = None,
    out: Path | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Measure everything in one run.

    Parameters
    ----------
    quick : bool
        Fewer values and shorter timings.
    device : str
        ``cpu``, or a GPU such as ``cuda``: then its engines alone, beside numba on all cores.
    sizes : Sizes, optional
        How much is timed, in place of what ``quick`` says.
    out : Path, optional
        Folder for bench.json and the figure engine_speed.
    progress : callable, optional

    Returns
    -------
    dict
        ``rows``, ``ratios``, ``memory`` and ``compile`` (both of the CPU only), with the setting,
        the machine, the versions and what is missing: what bench.json holds.

    Raises
    ------
    InputError
        If ``out`` cannot be written to, the device cannot be used, or the system cannot hold a
        process to its cores.
    """
    started = time.monotonic()
    if out is not None:
        writable_folder(out)
    device = resolve_device(device)
    sizes = sizes or (QUICK if quick else FULL)
    found, is_cpu = machine(device), device == "cpu"
    every = cases(sizes, len(cores())) if is_cpu else on_device(sizes, device, len(cores()))
    rows: list[dict[str, Any]] = []
    for name, entries in every.items():
        rows += rates(
            entries(), rounds=sizes.rounds, seconds=sizes.seconds, label=name, progress=progress
        )
    used, compiled = [], {}
    if is_cpu:
        used = memory((min(sizes.T), max(sizes.T)), sizes.runs, progress)
        compiled = compilation(quick_specs(), progress)
    content = {
        "schema": 1,
        "quick": quick,
        "setting": asdict(Setting()),
        "machine": found,
        "versions": versions(),
        "engines": {name: contender.meaning for name, contender in CONTENDERS.items()},
        "missing": {
            name: contender.missing for name, contender in CONTENDERS.items() if contender.missing
        },
        "rows": rows,
        "ratios": ratios(rows, used),
        "memory": used,
        "compile": compiled,
        "seconds": round(time.monotonic() - started, 1),
    }
    if out is not None:
        if is_cpu:
            _draw(out, content)
        write(out / "bench.json", to_json(content))
    return content


def _draw(out: Path, content: dict[str, Any]) -> None:
    from figures.engine_speed import draw
    from figures.style import save
    from verify.bench.drawing import speed

    save(draw(speed(content)), out, "engine_speed")
