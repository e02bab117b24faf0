"""What a search's findings come to, constant by constant.

`verify.evidence.judge` compares values with limits. A claim needs more: a search that came
nowhere near it failed, and a constant that does not exist cannot be claimed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from verify.evidence.kind import Verdict

LEVEL = 0.5
"""Share of a claim that a search must come upon, or the claim is not checked.

On the laws of `verify.check.power` searches find more than that of the true constant, except where
they are said to be blind. Less than it means a blind search, or a claim of twice the truth or more,
which nothing here can tell apart.
"""

VIOLATED, NO_LIMIT, UNCHECKED, FINE = "violated", "no such constant", "not checked", "not violated"

OUTCOMES: dict[str, Verdict] = {
    VIOLATED: "refuted", NO_LIMIT: "refuted", UNCHECKED: "inconclusive", FINE: "holds",
}  # fmt: skip
"""What each state of a claim means for the check."""


def state(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the state of a claim from every search for its violation."""
    if any("without_end" in row for row in rows):
        return NO_LIMIT
    if any(row["found"] > row["limit"] for row in rows):
        return VIOLATED
    return FINE if max(share(row) for row in rows) >= LEVEL else UNCHECKED


def states(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return each constant's state."""
    names = dict.fromkeys(row["constant"] for row in rows)
    return {name: state([row for row in rows if row["constant"] == name]) for name in names}


def share(row: Mapping[str, Any]) -> float:
    """Return how much of a claim a search came upon; 1 where nothing is claimed to be come upon.

    Of f_star it is the share of the gap, f(x_0) - f_star, which the bounds depend on.
    """
    claimed, value = row["claimed"], row["value"]
    if row["constant"] == "f_star":
        claimed, value = row["start"] - claimed, row["start"] - value
    if claimed <= abs(row["limit"] - row["certified"]) or row["constant"] == "bias":
        return 1.0
    return value / claimed


def outcome(found: Mapping[str, str]) -> Verdict:
    """Return the verdict on all claims."""
    outcomes = {OUTCOMES[each] for each in found.values()}
    if "refuted" in outcomes:
        return "refuted"
    return "inconclusive" if "inconclusive" in outcomes else "holds"
