"""Which runs to record after which step: shared by the engines."""

from collections import defaultdict

import numpy as np

from simulators.runs import checkpoints


def checkpoint_schedules(T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different schedules of checkpoints, (C, K), and each run's number, (R,)."""
    lengths, group = np.unique(T, return_inverse=True)
    return np.stack([checkpoints(int(length)) for length in lengths]), group


def events(T: np.ndarray) -> tuple[np.ndarray, dict[int, list[tuple[np.ndarray, np.ndarray]]]]:
    """Plan the checkpoints of runs of T steps.

    Parameters
    ----------
    T : (R,) int64

    Returns
    -------
    step : (R, K) int64
        Each run's checkpoints.
    due : dict
        For each number of steps done, the (rows, columns) of ``step`` to fill then.
    """
    schedules, group = checkpoint_schedules(T)
    due: dict[int, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for number, schedule in enumerate(schedules):
        rows = np.flatnonzero(group == number)
        for t in np.unique(schedule):
            due[int(t)].append((rows, np.flatnonzero(schedule == t)))
    return schedules[group], dict(due)
