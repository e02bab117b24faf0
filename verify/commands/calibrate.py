"""`adasam calibrate`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import Json, Seed, folder_option
from verify.commands.terminal import note, print_json, progress, show


def calibrate(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer reproductions, of the quick preset only.")
    ] = False,
    out: Annotated[Path, folder_option("Folder for calibration.json and calibration.md.")] = Path(
        "results"
    ),
    seed: Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from where Ctrl-C ended the last one.")
    ] = False,
    json: Json = False,
) -> None:
    """Count how often intervals hold what they should and verdicts are right.

    Every kind of interval on laws whose means are known, and on the engine's runs whose left sides
    are; bounds and slopes near the truth, judged on many reproductions. `reproduce` puts
    calibration.json, where its folder has one, into the report. Ctrl-C leaves what is counted.
    """
    from simulators.engines.choice import choose
    from verify.calibration import calibrate as run
    from verify.calibration.writing import sections
    from verify.pages.terminal import table

    note(str(choose("auto", "auto")))
    try:
        with progress() as report:
            content = run(quick=quick, out=out, seed=seed, resume=resume, progress=report)
    except KeyboardInterrupt:
        note(f"stopped: --resume goes on from {out}")
        raise typer.Exit(130) from None
    if json:
        print_json(content)
        return
    for found in sections(content):
        show(table(found.title.rstrip("."), found.sides, found.rows))
        print(f"{found.note}\n")
    print(f"{out / 'calibration.json'}, {out / 'calibration.md'}; {content['seconds']:.0f} s")
