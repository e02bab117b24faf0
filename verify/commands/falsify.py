"""`adasam falsify`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import Json, Seed, count_option, folder_option, number
from verify.commands.terminal import note, print_json, progress, show


def falsify(
    variant: Annotated[
        str, typer.Option(help="printed, appendix, corrected, tight_simple, tight.")
    ],
    seed: Seed = 0,
    budget: Annotated[int, count_option("Instances to try.")] = 2400,
    seconds: Annotated[
        float | None,
        typer.Option(
            parser=number,
            metavar="S",
            help="Stop after S seconds: fewer instances are tried.",
        ),
    ] = None,
    cap: Annotated[int, count_option("Fresh runs of the winner at most.")] = 65536,
    out: Annotated[
        Path | None, folder_option("Folder for the result, its spec, the trail and its figure.")
    ] = None,
    json: Json = False,
) -> None:
    """Search problems and hyper-parameters for the largest measured/bound ratio.

    Certified problems inside the bound's own conditions, eps/G from 1e-3 to 1, f at any scale from
    1e-6 to 1e6. The best instance is judged on fresh runs. Ctrl-C ends the search and judges the
    best so far. The same seed, budget and cap give the same result. Exit code 0 whatever is found.
    """
    from simulators.engines.choice import choose
    from verify.answers.falsify import falsify as run
    from verify.answers.falsify import save
    from verify.commands import tables
    from verify.files import writable_folder

    if out is not None:
        writable_folder(out)
    note(str(choose("auto", "auto")))
    with progress() as report:
        found = run(variant, seed=seed, budget=budget, seconds=seconds, cap=cap, progress=report)
    content = found.as_json()
    if found.stopped:
        note(f"{found.stopped} after {content['evaluations']} of {budget} instances")
    if out is not None:
        for path in save(found, out):
            note(str(path))
    if json:
        print_json(content)
    else:
        show(*tables.falsified(content), width=120)
