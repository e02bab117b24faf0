"""The whole benchmark: rates, memory and compilation, then ratios."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulators.engines.choice import resolve_device
from verify.bench import device as on_device
from verify.bench.cases import FULL, QUICK, Sizes, cases
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
    sizes: Sizes | on_device.DeviceSizes | None = None,
    only: Sequence[str] = on_device.CASES,
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
    sizes : Sizes or DeviceSizes, optional
        How much is timed, in place of what ``quick`` says; `DeviceSizes` on a GPU, or to have a
        CPU stand in for one.
    only : sequence of str
        The cases timed on a GPU: ``d``, ``R``, ``b`` and ``T``.
    out : Path, optional
        Folder for bench.json and the figure engine_speed.
    progress : callable, optional

    Returns
    -------
    dict
        ``rows``, ``ratios``, ``memory`` and ``compile`` (both of the CPU only), ``bounds`` (of a
        GPU only: the Triton kernel's issue bound and the share reached), with the setting, the
        machine, the versions and what is missing: what bench.json holds.

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
    if sizes is None and device == "cpu":
        sizes = QUICK if quick else FULL
    elif sizes is None:
        sizes = on_device.QUICK if quick else on_device.FULL
    found, is_cpu = machine(device), isinstance(sizes, Sizes)
    every = (
        cases(sizes, len(cores()))
        if isinstance(sizes, Sizes)
        else on_device.cases(sizes, device, len(cores()), only)
    )
    rows: list[dict[str, Any]] = []
    for name, entries in every.items():
        rows += rates(
            entries(), rounds=sizes.rounds, seconds=sizes.seconds, label=name, progress=progress
        )
    used, compiled, bounds = [], {}, []
    if not isinstance(sizes, Sizes):
        bounds = on_device.bounds(sizes, rows, device) if "d" in only else []
    else:
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
        "bounds": bounds,
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
    from verify.drawing.engine_speed import speed

    save(draw(speed(content)), out, "engine_speed")
