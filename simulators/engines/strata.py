"""Which steps of a run have a full gradient, where every step's would cost too much.

The steps 0 and t < T, t a checkpoint, have one for certain: f is evaluated there anyway. The gap
between two of them is cut from its beginning into stretches of m steps, the last one shorter, and
of each one step is drawn (`simulators.noise`), which stands for the stretch: its weight is the
stretch's length. Every stretch ends before the next checkpoint, so that at a checkpoint t

    (1/t) sum over the steps s < t that have one, weight_s h(x_s)

is unbiased for (1/t) sum_{s<t} h(x_s), whatever the run does: whether a step is drawn is
independent of the path. The weights sum to t exactly, so that the estimate stays in the range of
h; and m = 1 takes every step.
"""

import numpy as np

from simulators import noise
from simulators.runs import Inputs
from theory.setting import ROUNDING

DEFAULT_SHARE = 1 / 64
"""Share of the steps with a full gradient, where nothing is said."""


def length(share: float) -> int:
    """Return m, the steps of a stretch."""
    return int((1 + ROUNDING) / share)


class Strata:
    """The full-gradient steps of many runs, found as the steps go by.

    Parameters
    ----------
    inputs : Inputs
    step : (R, K) int64
        Each run's checkpoints.
    m : int
    """

    def __init__(self, inputs: Inputs, step: np.ndarray, m: int) -> None:
        self.step, self.m = step, m
        self.replicate, self.key = inputs.replicate, inputs.key.astype(np.int64)
        R = len(inputs)
        self.end = np.zeros(R, dtype=np.int64)  # of the stretch that step t is in
        self.drawn = np.zeros(R, dtype=np.int64)
        self.weight = np.zeros(R, dtype=np.int64)

    def at(self, t: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of ``rows`` have a full gradient at step t, and its weight in each.

        To be called for t = 0, 1, 2, ...; ``rows`` holds at least the runs with t < T.
        """
        new = rows[self.end[rows] == t]
        if len(new):
            schedule = self.step[new]
            certain = (schedule == t).any(1) | (t == 0)
            gap = np.where(schedule > t, schedule, np.iinfo(np.int64).max).min(1) - t
            n = np.where(certain, 1, np.minimum(gap, self.m))
            first = np.full(len(new), t, dtype=np.int64)
            key = (self.key[new, 0], self.key[new, 1])
            self.drawn[new] = noise.drawn_step(first, n, self.replicate[new], key)
            self.end[new], self.weight[new] = t + n, n
        chosen = rows[self.drawn[rows] == t]
        return chosen, self.weight[chosen].astype(np.float64)
