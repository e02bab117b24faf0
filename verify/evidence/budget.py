"""The error budget that a claim's intervals share."""

from verify.studies.study import LaterResults, Results

ERROR_BUDGET = 1e-6
"""What the intervals that a claim's verdict rests on may miss with, all looks together: they share
it (Bonferroni). It bounds the chance that bad luck alone makes a verdict wrong where the intervals
are `finite_sample_mean`'s. Of normal ones it is nominal: they take means for normal, and from the
second look on the number of runs is chosen by what the runs before it showed."""


def budget_at_one_look(results: Results) -> float:
    """Return what the intervals of this look may spend of `ERROR_BUDGET`: 2^-k of it at look k.

    So all looks that a claim may get add up to it. That bounds the chance of a miss at any look
    if the intervals are valid at the looks' numbers of runs, which are not fixed beforehand but
    chosen by what the looks before showed: for normal intervals it is nominal.
    `finite_sample_mean` is valid at every number at once, and takes the whole at each look.
    """
    look = results.look if isinstance(results, LaterResults) else 1
    return ERROR_BUDGET / 2**look
