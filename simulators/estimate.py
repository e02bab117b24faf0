"""What simulations will take, told before they start: memory and coordinate-steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from simulators.engines import strata
from simulators.memory import check_room, size
from simulators.problems import FiniteSum, Problem, SampledProblem
from simulators.runs import CHECKPOINTS
from theory.errors import InputError

RATE = 1e9
"""Coordinate-steps a second at which times are stated."""

MOST_COORDINATE_STEPS = 1e18
"""Thirty years at `RATE`: nothing that long is begun."""

LONG = 60
"""Seconds at `RATE` from which on a time is worth saying."""

PER_CELL = 1500
"""Bytes of a cell as Python keeps it: its hyper-parameters by name, and their columns."""

PER_RUN = 8 * (13 + 4 * CHECKPOINTS + 4)
"""Bytes of a run but for its x: the inputs, four curves, four numbers."""

CURE = "lower the number of cells, runs, d or, for trajectories, T"


@dataclass(frozen=True)
class Estimate:
    """What a grid of cells takes.

    Attributes
    ----------
    shape : str
        Its number of cells, and of what lists they are.
    memory : int
        Bytes that every engine needs at least.
    coordinate_steps : float
        Runs times steps times d; times each mini-batch's samples where a problem draws samples.
    """

    shape: str
    memory: int
    coordinate_steps: float

    @property
    def seconds(self) -> float:
        """How long it takes at `RATE`."""
        return self.coordinate_steps / RATE

    @property
    def note(self) -> str | None:
        """A line on what is coming, None if that is soon over."""
        if self.seconds < LONG:
            return None
        return f"{self.shape}: {self._time}, {size(self.memory)} of memory"

    @property
    def _time(self) -> str:
        return (
            f"{self.coordinate_steps:.2g} coordinate-steps, some {duration(self.seconds)} at "
            f"{RATE:g} a second"
        )

    def check(self) -> None:
        """Refuse what cannot fit in memory, or end.

        Raises
        ------
        InputError
            With the number, the limit and the cure.
        """
        check_room(self.memory, self.shape, CURE)
        if self.coordinate_steps > MOST_COORDINATE_STEPS:
            raise InputError(
                f"{self.shape}: {self._time}, and {MOST_COORDINATE_STEPS:g} are the most: shorten "
                "the lists, or lower T, runs or d."
            )


def estimate(
    problem: Problem,
    grid: Mapping[str, Sequence[float]],
    runs: int,
    trajectory: bool,
    share: float | None = None,
) -> Estimate:
    """Return what the grid that lists span will take, without making it.

    Parameters
    ----------
    problem : Problem
    grid : mapping
        Every hyper-parameter's values; ``b``, ``T`` and ``workers`` among them.
    runs : int
        Replicates of each cell.
    trajectory : bool
        Whether the whole paths are kept.
    share : float, optional
        ``gradient_share``, of a problem that draws samples.
    """
    cells = prod(map(len, grid.values()))
    several = " x ".join(f"{len(each)} {name}" for name, each in grid.items() if len(each) > 1)
    shape = f"a grid of {cells} cells ({several})" if several else "one cell"
    # A cell's cost is a product of its T, workers and b: its sum over a grid is one of sums.
    per_step = {name: sum(grid[name]) / len(grid[name]) for name in ("T", "workers", "b")}
    steps = per_step["T"] * per_step["workers"]
    if isinstance(problem, SampledProblem):
        steps *= per_step["b"]
    if isinstance(problem, FiniteSum):
        steps += per_step["T"] * problem.N * (strata.DEFAULT_SHARE if share is None else share)
    largest = {name: max(grid[name]) for name in ("T", "workers", "b")}
    return Estimate(
        f"{shape} of {runs} run" + ("s" if runs > 1 else ""),
        memory(problem, cells, runs, largest if trajectory else None),
        cells * runs * steps * problem.d,
    )


def memory(
    problem: Problem, cells: int, runs: int, largest: Mapping[str, float] | None = None
) -> int:
    """Return the bytes that runs need at least; of trajectories, for the ``largest`` T, workers
    and b.
    """
    numbers = float(problem.d)
    if largest is not None:
        drawn = largest["b"] if isinstance(problem, SampledProblem) else problem.d
        numbers += largest["T"] * (problem.d + largest["workers"] * drawn / 2)
    return int(cells * (PER_CELL + runs * (PER_RUN + 8 * numbers)))


def duration(seconds: float) -> str:
    """Return a time as a reader says it."""
    for unit, length in (("years", 3.156e7), ("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds:.0f} seconds"
