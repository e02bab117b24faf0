"""`adasam reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import Device, Seed, folder_option
from verify.commands.terminal import note, progress, show


def reproduce(
    preset: Annotated[str, typer.Option(help="quick or paper.")] = "quick",
    out: Annotated[
        Path | None,
        folder_option(
            "Folder for the report and all data: results by default, results/only/ID with --only. "
            "What an earlier reproduction left there is replaced."
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    only: Annotated[
        list[str] | None, typer.Option(help="A claim's id or family; may be repeated.")
    ] = None,
) -> None:
    """Judge every claim: print the verdicts, write report.html, claims.json, figures and data.

    Exit code 0 if every verdict is the expected one, 1 if one differs or something could not be
    judged or drawn, 2 for bad input.
    """
    import time

    from verify.commands import tables
    from verify.reproduction.folder import default_folder
    from verify.reproduction.job import reproduce as run

    started = time.monotonic()
    folder, faults = out or default_folder(only or ()), []
    with progress() as report:
        judged = run(
            preset=preset,
            out=folder,
            seed=seed,
            device=device,
            only=only or (),
            progress=report,
            stage=note,
            fault=faults.append,
        )
    show(tables.verdicts(judged))
    differing = [item.claim.id for item in judged if not item.as_expected]
    print(f"{folder / 'report.html'}, {folder / 'claims.json'}; {time.monotonic() - started:.0f} s")
    if differing:
        print(f"not as expected: {', '.join(differing)}")
    print("\n".join(faults), end="\n" if faults else "")
    if differing or faults:
        raise typer.Exit(1)
