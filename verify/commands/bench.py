"""`adasam bench`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import Json, folder_option, usable
from verify.commands.terminal import print_json, progress, show


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer sizes, shorter timings.")] = False,
    device: Annotated[
        str,
        typer.Option(callback=usable, help="cpu, or cuda: its engines beside numba on all cores."),
    ] = "cpu",
    out: Annotated[
        Path | None, folder_option("Folder for bench.json and the figure engine_speed.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure how fast the engines are, beside NumPy, torch.optim and JAX.

    Everything is timed in interleaved rounds, so that ratios hold even if the machine's speed
    drifts. JAX is timed where the extra `peers` is installed. Nothing else should be running.
    """
    from verify.bench import bench as run
    from verify.commands import tables

    with progress() as report:
        content = run(quick=quick, device=device, out=out, progress=report)
    if json:
        print_json(content)
        return
    show(*tables.benchmark(content))
    if out is not None:
        print(f"in {out}: bench.json and, for a CPU, engine_speed; {content['seconds']:.0f} s")
