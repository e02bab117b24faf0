"""Run the simulations of studies."""

from collections.abc import Callable, Mapping

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import Spec

Progress = Callable[[str, int, int], None]
"""Called with (the spec's name, steps done, steps in all)."""


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


def _simulate(name: str, job: Spec, progress: Progress | None) -> Runs:
    def report(done: int, every: int) -> None:
        if progress is not None:
            progress(name, done, every)

    runs = specs.run(job, allow_outside=True, progress=report)
    report(1, 1)
    return runs
