"""`adasam simulate`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import Json, Outside, file_option, path
from verify.commands.running import say_diverged, simulated
from verify.commands.terminal import note, print_json, show


def simulate(
    spec: Annotated[
        Path, typer.Argument(parser=path, metavar="SPEC", help="A .toml or .json file; see below.")
    ],
    out: Annotated[Path | None, file_option("Write the runs to this .npz file.")] = None,
    allow_outside: Outside = False,
    json: Json = False,
) -> None:
    """Simulate what a spec says.

    A spec has the tables [problem] with profile, noise, L, sigma, G, d, start and, optional,
    condition, curvatures, rotation; [run] with method, gamma, rho, beta1, beta2, eps, b, T,
    workers, v_init, runs, seed, record, common_noise, or schedule = "corollary1" with c_gamma and
    c_rho in place of gamma and rho; and [engine] with name, device, dtype. Hyper-parameters are
    numbers or lists; lists make a grid.

    The logistic loss with the non-convex regulariser alpha sum x^2/(1+x^2) is a [problem] with
    kind = "finite_sum", alpha and, optional, start: of drawn data with N, d, seed and, optional,
    condition, scale, flip; of your own with data = "file.npz" (arrays A, y), "file.csv" (the label
    last) or "file.libsvm" (label index:value ...), its path from the spec's folder. [run] may then
    have gradient_share, the share of the steps whose true gradient is evaluated.

    Exit code 1 if a run leaves the finite numbers, 2 for bad input.
    """
    from simulators import spec as specs
    from theory.errors import InputError
    from verify.answers.evaluation import measured_cells
    from verify.commands import tables
    from verify.files import writable_folder

    job = specs.read(spec)
    if out is not None:
        if out.suffix != ".npz":
            raise InputError(f"--out {out} is not a .npz file: name it {out.with_suffix('.npz')}.")
        if out.is_dir():
            raise InputError(f"--out {out} is a folder: name a file.")
        writable_folder(out.parent)
    if job.run.record == "trajectory" and out is None:
        note('record = "trajectory": the iterates are kept only in a file, with --out runs.npz')
    runs, unused = simulated(job, spec.name, allow_outside)
    if out is not None:
        runs.save(out)
    rows = measured_cells(job, runs)
    if json:
        print_json({"cells": rows, "unused": unused})
    else:
        show(tables.cells(rows, unused))
    say_diverged(runs)
