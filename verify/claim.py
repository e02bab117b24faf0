"""What a claim is, and what it may look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from simulators.runs import Runs
from simulators.spec import Spec
from verify.verdict import Evidence, Verdict

ERROR_BUDGET = 1e-6
"""Chance, at most, that bad luck alone makes a claim's verdict wrong; a claim's instances share
it equally (Bonferroni)."""


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
    """

    name: str
    bound_runs: int
    slope_runs: int


PRESETS = {
    preset.name: preset for preset in (Preset("quick", 5120, 384), Preset("paper", 32768, 4096))
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


def by_id(claims: Sequence[Claim]) -> dict[str, Claim]:
    """Return the claims by their ids."""
    return {claim.id: claim for claim in claims}
