"""`adasam check`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import (
    Device,
    Json,
    Seed,
    count_option,
    folder_option,
    number_option,
    path,
)
from verify.commands.terminal import print_json, progress, show


def check(
    file: Annotated[
        Path,
        typer.Argument(
            parser=path, metavar="PROBLEM.py", help="A file that sets problem = custom(...)."
        ),
    ],
    runs: Annotated[int | None, count_option("Replicates of each cell.")] = None,
    seed: Seed = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter searches and runs.")] = False,
    eps: Annotated[float | None, number_option("Root of v_hat's start; G/2, F/X.")] = None,
    beta1: Annotated[float, number_option("Momentum.")] = 0.0,
    beta2: Annotated[float, number_option("Second-moment parameter.")] = 0.999,
    c_rho: Annotated[float | None, number_option("rho = c_rho/sqrt(bT); G/(10 L), X.")] = None,
    device: Device = "auto",
    threads: Annotated[int, count_option("Of torch: on small problems 1 is best.")] = 1,
    out: Annotated[Path, folder_option("Folder for the result as JSON and its figures.")] = Path(
        "results/check"
    ),
    json: Json = False,
) -> None:
    """Check a problem of your own: its claimed constants, the bounds on its runs, the speed-up.

    The file is run like any Python file; in it, problem = custom(...), or a function problem().
    Searches first try to violate the claimed L, sigma, G and f_star; then Algorithm 1 runs on a
    grid of b and T. Exit code 1 if a claim or a bound is violated, if a claim is not checked since
    the search found less than half of it, or if more runs are needed to tell; 2 for bad input,
    including an error in the file.
    """
    from verify.check.job import check as run
    from verify.check.job import save, settings
    from verify.check.user_file import load, running
    from verify.check.writing import lines, tables
    from verify.files import writable_folder

    grid, effort = settings(quick, runs)
    writable_folder(out)
    with running(file, threads), progress() as report:
        checked = run(
            load(file), grid=grid, effort=effort, seed=seed, beta1=beta1, beta2=beta2, eps=eps,
            c_rho=c_rho, device=device, progress=report,
        )  # fmt: skip
    paths = save(checked, out, file.stem)
    if json:
        print_json(checked.content)
    else:
        show(*tables(checked.content), width=120)
        print("\n".join(lines(checked.content)))
        print(f"{paths[0]}, {paths[1]}")
    if not checked.fine:
        raise typer.Exit(1)
