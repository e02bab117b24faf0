"""The reference engine: any method's rule in NumPy float64, nothing clever.

The other engines must match it. It shows every quantity where it arises and is no slower than it
must be: vectorised over runs, which are sorted into groups of equal b for the noise.
"""

from collections.abc import Callable

import numpy as np

from simulators import noise
from simulators.engines.schedule import events
from simulators.engines.strata import Strata
from simulators.methods import Method, Oracle, Parameters
from simulators.problems import Problem, SampledProblem, SeparableProblem
from simulators.runs import Inputs, Runs


def run(
    problem: Problem,
    method: Method,
    inputs: Inputs,
    *,
    trajectory: bool,
    stretch: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`.

    ``stretch`` is how many steps one with a full gradient stands for (`engines.strata`).
    """
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
    state = method.start(problem, everyone)
    known = type(state)._fields
    if "eta" not in known:
        total |= {name: np.full(R, np.nan) for name in ("weighted_grad_norm2", "l1", "l2")}
    if "v_hat" not in known:
        total["adaptive"] = np.full(R, np.nan)
    most = int(inputs.workers.max())
    draws = _Heads(problem) if isinstance(problem, SeparableProblem) else _Samples(problem)
    path = np.full((R, longest + 1, d), np.nan) if trajectory else None
    width = d if draws.name == "heads" else int(inputs.b.max()) * draws.numbers
    drawn = np.full((R, longest, most, width), -1, dtype=np.int32) if trajectory else None
    if path is not None:
        path[:, 0] = problem.x0
    strata = Strata(inputs, step, stretch) if stretch > 1 else None
    groups = np.unique(np.stack([inputs.workers, inputs.b]), axis=1).T.tolist()
    taken: dict[tuple[int, int], Inputs] = {}

    for t in range(longest):
        for n, b in groups:
            active = np.flatnonzero((t < inputs.T) & (inputs.workers == n) & (inputs.b == b))
            if not len(active):
                continue
            own = taken.get((n, b))
            if own is None or len(own) != len(active):  # runs only leave
                own = taken[n, b] = inputs.take(active)
            parameters = Parameters(*(column[active] for column in everyone))
            before = type(state)(*(part[active] for part in state))
            batch = np.stack([draws.at(t, own, b, worker) for worker in range(n)])
            oracle = Oracle(problem, draws.batches(batch, b))
            after, info = method.rule(oracle, parameters, before, np)

            seen, weight = (active, np.ones(())) if strata is None else strata.at(t, active)
            at = np.searchsorted(active, seen)
            square = problem.gradient(before.x[at], np) ** 2
            total["grad_norm2"][seen] += weight * square.sum(1)
            if "eta" in known:
                total["weighted_grad_norm2"][seen] += weight * (square * before.eta[at]).sum(1)
                change = np.abs(after.eta - before.eta)
                total["l1"][active] += change.sum(1)
                total["l2"][active] += (change**2).sum(1)
            if "v_hat" in known:
                total["adaptive"][active] += (after.v_hat > parameters.eps**2).sum(1)
            largest = np.maximum(np.abs(info.s), np.abs(info.g)).max(1)
            total["max_abs"][active] = np.maximum(total["max_abs"][active], largest)

            state = type(state)(
                *(_put(old, active, new) for old, new in zip(state, after, strict=True))
            )
            if path is not None and drawn is not None:
                path[active, t + 1] = after.x
                drawn[active, t, :n, : batch.shape[2]] = batch.swapaxes(0, 1)
        for rows, columns in due.get(t + 1, ()):
            at = np.ix_(rows, columns)
            curves["mean_grad_norm2"][at] = total["grad_norm2"][rows, None] / (t + 1)
            curves["mean_weighted_grad_norm2"][at] = total["weighted_grad_norm2"][rows, None] / (
                t + 1
            )
            curves["objective"][at] = problem.objective(state.x[rows], np)[:, None]
        if progress is not None:
            progress(t + 1, longest)

    kept = drawn if drawn is None or most > 1 else drawn[:, :, 0]
    return Runs(
        inputs=inputs,
        step=step,
        **curves,
        eta_variation_l1=total["l1"],
        eta_variation_l2=total["l2"],
        adaptive_share=total["adaptive"] / (d * inputs.T),
        max_abs_gradient=total["max_abs"],
        x=state.x if path is None else path,
        heads=kept if draws.name == "heads" else None,
        samples=kept if draws.name == "samples" else None,
    )


def _parameters(inputs: Inputs) -> Parameters:
    names = Parameters._fields
    return Parameters(*(getattr(inputs, name)[:, None] for name in names))


def _put(old: np.ndarray, rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    out = old.copy()
    out[rows] = new
    return out


class _Heads:
    """The heads that a worker of every run draws at each step, (R, d) int64."""

    name, numbers = "heads", 1

    def __init__(self, problem: SeparableProblem) -> None:
        self.problem = problem
        self.coordinate = np.arange(problem.d, dtype=np.int64)[None, :]
        # A Philox block serves several steps: the last one of each worker, and whose it was.
        self.kept: dict[tuple[int, int, int], tuple[int, Inputs, list[np.ndarray]]] = {}

    def at(self, t: int, inputs: Inputs, b: int, worker: int) -> np.ndarray:
        n, who = noise.steps_per_block(b), (int(inputs.workers[0]), b, worker)
        number, own, heads = self.kept.get(who, (-1, inputs, []))
        if number != t // n or own is not inputs:
            block = np.full((1, 1), t // n)
            stream = np.full((1, 1), noise.stream("gradient", worker))
            counter = (block, self.coordinate, inputs.replicate[:, None], stream)
            words = noise.philox(counter, _key(inputs))
            heads = noise.block_heads(words, b, _search)
            self.kept[who] = t // n, inputs, heads
        return heads[t % n]

    def batches(self, heads: np.ndarray, b: int) -> np.ndarray:
        return self.problem.noise_from_heads(heads.astype(np.float64), float(b))


class _Samples:
    """The samples that a worker of every run draws at each step, (R, b) or (R, b k) int64."""

    name = "samples"

    def __init__(self, problem: SampledProblem) -> None:
        self.N, self.uniforms = problem.N, problem.uniforms
        self.numbers = max(1, self.uniforms)

    def at(self, t: int, inputs: Inputs, b: int, worker: int) -> np.ndarray:
        where = inputs.replicate[:, None], _key(inputs), worker
        if self.uniforms:
            each = np.arange(b, dtype=np.int64)[None, :]
            parts = noise.batch_uniforms(self.uniforms, t, *where, each)
        else:
            pairs = np.arange((b + 1) // 2, dtype=np.int64)[None, :]
            parts = noise.batch_samples(self.N, t, *where, pairs)
        return np.stack(parts, axis=2).reshape(len(inputs), -1)[:, : b * self.numbers]

    def batches(self, samples: np.ndarray, b: int) -> np.ndarray:
        return samples


def _key(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    key = inputs.key.astype(np.int64)
    return key[:, :1], key[:, 1:]


def _search(thresholds: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted(thresholds, values, side="right")
