"""Studies: the simulations that claims rest on, and running them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import Spec

Progress = Callable[[str, int, int], None]
"""Called with (the spec's name, steps done, steps in all)."""

ROWS = 2**16
"""How many further runs are simulated at a time: some 130 MB."""


@dataclass(frozen=True)
class Preset:
    """How much a reproduction runs.

    Attributes
    ----------
    name : str
    bound_runs : int
        Replicates of each cell that a bound is tested on.
    slope_runs : int
        Replicates of each cell that a slope is fitted to.
    most : int
        How many times as many replicates, at most, a claim gets that they leave undecided.
    """

    name: str
    bound_runs: int
    slope_runs: int
    most: int


PRESETS = {
    preset.name: preset
    for preset in (Preset("quick", 5120, 384, most=16), Preset("paper", 32768, 4096, most=8))
}
"""The presets by name."""


@dataclass(frozen=True)
class Study:
    """Simulations that one or more claims rest on.

    Attributes
    ----------
    name : str
    specs : callable
        ``specs(preset, seed)``: name -> `Spec`.
    """

    name: str
    specs: Callable[[Preset, int], dict[str, Spec]]


Results = Mapping[str, tuple[Spec, Runs]]
"""A study's outcome: each spec with its runs, by the spec's name."""


class LaterResults(dict[str, tuple[Spec, Runs]]):
    """A study's outcome where a claim has been looked at before.

    Attributes
    ----------
    look : int
        The number of this look; the first is 1.
    """

    def __init__(self, results: Results, look: int) -> None:
        super().__init__(results)
        self.look = look


def simulate_all(jobs: Mapping[str, Spec], *, progress: Progress | None = None) -> dict[str, Runs]:
    """Simulate every spec, which may lie outside Theorem 1, one after the other: an engine uses the
    whole machine.

    Parameters
    ----------
    jobs : mapping
        Name -> spec.
    progress : callable, optional

    Returns
    -------
    dict
        Name -> runs.
    """
    return {name: _simulate(name, job, progress) for name, job in jobs.items()}


def extend(
    name: str, job: Spec, runs: Runs, count: int, *, progress: Progress | None = None
) -> tuple[Spec, Runs]:
    """Return a job with ``count`` replicates of each cell, and its runs.

    Parameters
    ----------
    name : str
        For the progress.
    job : Spec
    runs : Runs
        Those it has; they are the first of the new ones.
    count : int
        More than it has.

    Returns
    -------
    job : Spec
    runs : Runs
        With the last checkpoint of their curves alone.
    """
    first, out = job.run.runs, runs.ends()
    at_a_time = max(1, ROWS // runs.cells)
    while first < count:
        upto = min(count, first + at_a_time)
        more = _simulate(
            f"{name}, {upto} of {count} runs", _sized(job, upto), progress, first=first
        )
        first, out = upto, out.joined(more.ends())
    return _sized(job, count), out


def _sized(job: Spec, count: int) -> Spec:
    return msgspec.structs.replace(job, run=msgspec.structs.replace(job.run, runs=count))


def _simulate(name: str, job: Spec, progress: Progress | None, *, first: int = 0) -> Runs:
    def report(done: int, every: int) -> None:
        if progress is not None:
            progress(name, done, every)

    runs = specs.run(job, allow_outside=True, first=first, progress=report)
    report(1, 1)
    return runs
