"""What a claim is, and what it may look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from simulators.runs import Runs
from simulators.spec import Spec
from verify.evidence.statistics import Interval
from verify.evidence.verdict import Evidence, Verdict

ERROR_BUDGET = 1e-6
"""What the intervals that a claim's verdict rests on may miss with, all looks together: they share
it (Bonferroni). It bounds the chance that bad luck alone makes a verdict wrong where the intervals
are `finite_sample_mean`'s. Of normal ones it is nominal: they take means for normal, and from the
second look on the number of runs is chosen by what the runs before it showed."""


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


def budget_at_one_look(results: Results) -> float:
    """Return what the intervals of this look may spend of `ERROR_BUDGET`: 2^-k of it at look k.

    So all looks that a claim may get add up to it. That bounds the chance of a miss at any look
    if the intervals are valid at the looks' numbers of runs, which are not fixed beforehand but
    chosen by what the looks before showed: for normal intervals it is nominal.
    `finite_sample_mean` is valid at every number at once, and takes the whole at each look.
    """
    look = results.look if isinstance(results, LaterResults) else 1
    return ERROR_BUDGET / 2**look


@dataclass(frozen=True)
class Claim:
    """A statement of the paper, or of ours, that can be judged.

    Attributes
    ----------
    id : str
    source : str
        Where it is stated.
    statement : str
        What is claimed, in words.
    method : str
        ``symbolic``, ``exact``, ``simulation`` or ``search``: what the verdict rests on.
    expected : str
        The verdict we expect.
    study : Study or None
        The simulations it rests on.
    evidence : callable
        From the study's results to evidence; it judges nothing.
    figure : str or None
        The name of the figure that shows it.
    remark : str
        What a reader should know beside the verdict: the cure, for a refuted claim.
    """

    id: str
    source: str
    statement: str
    method: Literal["symbolic", "exact", "simulation", "search"]
    expected: Verdict
    evidence: Callable[[Results], Evidence]
    study: Study | None = None
    figure: str | None = None
    remark: str = ""


def comparison(name: str, left: Any, right: Any) -> dict[str, Any]:
    """Return one comparison of a symbolic claim's evidence."""
    return {"name": name, "left": str(left), "right": str(right), "equal": bool(left == right)}


def ratio(
    name: str, one: Interval, other: Interval, exact: float | None = None, **limits: float
) -> dict[str, Any]:
    """Return one range of evidence: a ratio of means between its intervals' far ends.

    Where the ratio is known exactly, that decides, and the intervals must agree.
    """
    low, high = one.low / other.high, one.high / max(other.low, 1e-300)
    item = {"name": name, "value": one.estimate / other.estimate, **limits}
    if exact is None:
        return item | {"low": low, "high": high}
    return item | {"low": exact, "high": exact, "sample_low": low, "sample_high": high}


def by_id(claims: Sequence[Claim]) -> dict[str, Claim]:
    """Return the claims by their ids."""
    return {claim.id: claim for claim in claims}
