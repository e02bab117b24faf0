"""What a claim is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from verify.evidence.kind import Evidence, Verdict
from verify.studies.study import Results, Study


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


def by_id(claims: Sequence[Claim]) -> dict[str, Claim]:
    """Return the claims by their ids."""
    return {claim.id: claim for claim in claims}
