"""Running a spec for a command: what is said before, and of runs that diverged after."""

from typing import TYPE_CHECKING

import typer

from verify.commands.terminal import console, note, progress

if TYPE_CHECKING:
    from simulators.runs import Runs
    from simulators.spec import Spec


def simulated(job: "Spec", name: str, allow_outside: bool) -> "tuple[Runs, list[str]]":
    """Run a spec; say where it runs. Return the runs and the letters that do not count."""
    from simulators import spec as specs
    from verify.answers.evaluation import idle

    unused = idle(job)
    if unused:
        note(f"method {job.run.method} does not use {', '.join(unused)}: given, but not counted")
    with progress() as report:
        runs = specs.run(
            job,
            allow_outside=allow_outside,
            progress=lambda done, every: report(name, done, every),
            say=note,
        )
    return runs, unused


def say_diverged(runs: "Runs") -> None:
    """End in exit code 1, and say why, if a run left the finite numbers."""
    import numpy as np

    from verify.answers.evaluation import left_finite

    diverged = left_finite(runs)
    if diverged.any():
        cells = len(np.unique(runs.inputs.cell[diverged]))
        console(stderr=True).print(
            f"diverged: {diverged.sum()} of {len(diverged)} runs, in {cells} of {runs.cells} "
            "cells, left the finite numbers, so that these have no mean: lower gamma or raise eps.",
            style="red",
        )
        raise typer.Exit(1)
