"""The reference engine: `simulators.update.step` in NumPy float64, nothing clever.

The other engines must match it. It shows every quantity where it arises and is no slower than it
must be: vectorised over runs, which are sorted into groups of equal b for the noise.
"""

from collections.abc import Callable

import numpy as np

from simulators import noise, update
from simulators.engines.schedule import events
from simulators.problems import SeparableProblem
from simulators.runs import Inputs, Runs


def run(
    problem: SeparableProblem,
    method: update.Method,
    inputs: Inputs,
    *,
    trajectory: bool,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`."""
    R, d, longest = len(inputs), problem.d, int(inputs.T.max())
    step, due = events(inputs.T)
    curves = {
        name: np.full(step.shape, np.nan)
        for name in ("mean_grad_norm2", "mean_weighted_grad_norm2", "objective")
    }
    total = {
        name: np.zeros(R)
        for name in ("grad_norm2", "weighted_grad_norm2", "l1", "l2", "adaptive", "max_abs")
    }
    everyone = _parameters(inputs)
    state = update.start(problem, everyone)
    path = np.full((R, longest + 1, d), np.nan) if trajectory else None
    most = int(inputs.workers.max())
    counts = np.full((R, longest, most, d), -1, dtype=np.int32) if trajectory else None
    if path is not None:
        path[:, 0] = problem.x0
    draws = _Heads(inputs, d)

    for t in range(longest):
        for n in np.unique(inputs.workers[t < inputs.T]):
            active = np.flatnonzero((t < inputs.T) & (inputs.workers == n))
            parameters = update.Parameters(*(column[active] for column in everyone))
            before = update.State(*(part[active] for part in state))
            heads = np.stack([draws.at(t, active, worker) for worker in range(n)])
            batches = problem.noise_from_heads(heads.astype(np.float64), inputs.b[active, None])
            after, info = update.step(problem, method, parameters, before, batches)

            square = info.gradient**2
            total["grad_norm2"][active] += square.sum(1)
            total["weighted_grad_norm2"][active] += (square * before.eta).sum(1)
            change = np.abs(after.eta - before.eta)
            total["l1"][active] += change.sum(1)
            total["l2"][active] += (change**2).sum(1)
            total["adaptive"][active] += (after.v_hat > parameters.eps**2).sum(1)
            largest = np.maximum(np.abs(info.s), np.abs(info.g)).max(1)
            total["max_abs"][active] = np.maximum(total["max_abs"][active], largest)

            state = update.State(
                *(_put(old, active, new) for old, new in zip(state, after, strict=True))
            )
            if path is not None and counts is not None:
                path[active, t + 1] = after.x
                counts[active, t, :n] = heads.swapaxes(0, 1)
        for rows, columns in due.get(t + 1, ()):
            at = np.ix_(rows, columns)
            curves["mean_grad_norm2"][at] = total["grad_norm2"][rows, None] / (t + 1)
            curves["mean_weighted_grad_norm2"][at] = total["weighted_grad_norm2"][rows, None] / (
                t + 1
            )
            curves["objective"][at] = problem.objective(state.x[rows], np)[:, None]
        if progress is not None:
            progress(t + 1, longest)

    return Runs(
        inputs=inputs,
        step=step,
        **curves,
        eta_variation_l1=total["l1"],
        eta_variation_l2=total["l2"],
        adaptive_share=total["adaptive"] / (d * inputs.T),
        max_abs_gradient=total["max_abs"],
        x=state.x if path is None else path,
        heads=counts if counts is None or most > 1 else counts[:, :, 0],
    )


def _parameters(inputs: Inputs) -> update.Parameters:
    names = update.Parameters._fields
    return update.Parameters(*(getattr(inputs, name)[:, None] for name in names))


def _put(old: np.ndarray, rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    out = old.copy()
    out[rows] = new
    return out


class _Heads:
    """The heads that a worker of every run draws at each step, (R, d) int64."""

    def __init__(self, inputs: Inputs, d: int) -> None:
        self.inputs = inputs
        self.coordinate = np.arange(d, dtype=np.int64)[None, :]

    def at(self, t: int, rows: np.ndarray, worker: int) -> np.ndarray:
        out = np.empty((len(rows), self.coordinate.shape[1]), dtype=np.int64)
        for b in np.unique(self.inputs.b[rows]):
            mine = np.flatnonzero(self.inputs.b[rows] == b)
            key = self.inputs.key[rows[mine]].astype(np.int64)
            replicate = self.inputs.replicate[rows[mine], None]
            n = noise.steps_per_block(int(b))
            block = np.full((1, 1), t // n)
            stream = np.full((1, 1), noise.stream("gradient", worker))
            counter = (block, self.coordinate, replicate, stream)
            words = noise.philox(counter, (key[:, :1], key[:, 1:]))
            out[mine] = noise.block_heads(words, int(b), _search)[t % n]
        return out


def _search(thresholds: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted(thresholds, values, side="right")
