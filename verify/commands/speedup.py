"""`adasam speedup`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import Json, Outside, count_option, from_zero, path, whole
from verify.commands.running import say_diverged, simulated
from verify.commands.terminal import print_json, show


def speedup(
    spec: Annotated[
        Path | None,
        typer.Argument(
            parser=path,
            metavar="SPEC",
            help="A spec whose grid runs over b, T or both; by default a Huber basin.",
        ),
    ] = None,
    runs: Annotated[int | None, count_option("Replicates, without a spec; 64.")] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=whole, callback=from_zero, metavar="N", help="Seed, without a spec; 0."
        ),
    ] = None,
    allow_outside: Outside = False,
    json: Json = False,
) -> None:
    """Fit the slopes in b and in T that a linear speed-up has at -1/2.

    Exit code 1 if a run leaves the finite numbers, 2 for bad input.
    """
    from simulators import spec as specs
    from theory.errors import InputError
    from verify.answers.speedup import default_spec, slopes
    from verify.commands import tables

    if spec is None:
        job = default_spec(64 if runs is None else runs, 0 if seed is None else seed)
    else:
        for name, value in (("runs", runs), ("seed", seed)):
            if value is not None:
                raise InputError(f"--{name} is given beside a spec, which has its own: drop it.")
        job = specs.read(spec)
    outcome, _ = simulated(job, "speedup", allow_outside)
    say_diverged(outcome)
    rows = slopes(job, outcome)
    if json:
        print_json({"slopes": rows})
    else:
        show(tables.slopes(rows))
