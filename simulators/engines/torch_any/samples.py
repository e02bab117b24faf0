"""The torch engine for problems that draw samples: a plain loop over steps, on any device.

Every tensor operation of torch is free to choose its order of sums by the size of what it is
given. Runs therefore go in chunks of one size, which depends on the problem, b and the device
alone: what is left over is filled up with a repeated run. And either the problem's operations treat
a row alike wherever it stands in its chunk, as `Finite`'s do, or each cell has chunks of its own,
where a run's place follows from its replicate. Then a run's bits do not depend on the grid around
it. Statistics are summed in float64.

The interface to a problem is `Sampled`; nothing else of a problem is used.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

from simulators import noise
from simulators.engines.schedule import events
from simulators.engines.strata import Strata
from simulators.methods import Switches
from simulators.problems import FiniteSum
from simulators.runs import Inputs, Runs

DTYPES = {"float32": torch.float32, "float64": torch.float64}

ELEMENTS = {"cpu": 2**18, "cuda": 2**26}
"""Elements of a mini-batch's rows [C, b, d] that a chunk of C runs holds."""

LARGEST_CHUNK = {"cpu": 64, "cuda": 4096}
"""Most runs of a chunk: filling up a chunk of few runs costs what a full one does."""

POINTS = 8
"""Points whose full gradients or values are taken at once."""

PLACES = 32
"""Rows of a chunk, and points, taken at once at most where a row's bits depend on its place."""

WAITING = 64
"""Points that may wait for their full gradients, times `POINTS` where places matter."""

AHEAD = 2**17
"""Whole numbers that are drawn at once, for the steps to come."""

PIECE = 2**20
"""Elements of a temporary that a full gradient makes."""


class Sampled(Protocol):
    """What the engine asks of a problem f(x) = E f_xi(x), xi one of N samples or k uniforms.

    A row is a point. What is returned for a row must not depend on the other rows; the number of
    rows is the same at every call of a chunk.

    Attributes
    ----------
    d : int
    N : int
        How many samples there are to draw from.
    uniforms : int
        k, the numbers that a sample is made of; 0 where samples are drawn from N.
    x0 : (d,) float64 array, unit X
    rows_alike : bool
        Whether a row's bits do not depend on where it stands among the rows either.
    """

    d: int
    N: int
    uniforms: int
    x0: np.ndarray
    rows_alike: bool

    def prepare(self, dtype: torch.dtype, device: torch.device) -> None:
        """Put the data where the runs are; called once, before everything else."""

    def batch_gradient(self, x: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return the mean of the samples' gradients, (C, d), at x, (C, d).

        ``samples``: (C, b) int64, or (C, b k) where a sample is k uniforms (`noise.UNIFORM`).
        """
        ...

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        """Return grad f(x), (P, d), of the same dtype as x, or float64; P always the same."""
        ...

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        """Return f(x), (P,) float64, of x, (P, d), in the runs' dtype."""
        ...


class Finite:
    """A `FiniteSum` for this engine."""

    uniforms = 0
    rows_alike = True

    def __init__(self, problem: FiniteSum) -> None:
        self.problem = problem
        self.d, self.N, self.x0, self.alpha = problem.d, problem.N, problem.x0, problem.alpha

    def prepare(self, dtype: torch.dtype, device: torch.device) -> None:
        """Copy the data there."""
        self.C = torch.tensor(self.problem.C, dtype=dtype, device=device)

    def batch_gradient(self, x: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return the mini-batch gradients; see `Sampled`."""
        rows = self.C.index_select(0, samples.flatten()).view(*samples.shape, self.d)
        return self._pull(x) - _descent(rows, x) / samples.shape[1]

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        """Return the true gradients in float64; see `Sampled`."""
        total = torch.zeros_like(x, dtype=torch.float64)
        for rows in self.C.split(self._piece(len(x))):
            total += _descent(rows, x)
        return self._pull(x.to(torch.float64)) - total / self.N

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values; see `Sampled`."""
        total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        for rows in self.C.split(self._piece(len(x))):
            z = _products(rows, x).to(torch.float64)
            total += (torch.clamp(-z, min=0) + torch.log1p(torch.exp(-z.abs()))).sum(1)
        square = x.to(torch.float64) ** 2
        return total / self.N + self.alpha * (square / (1 + square)).sum(1)

    def _pull(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * self.alpha * x / (1 + x * x) ** 2

    def _piece(self, points: int) -> int:
        return max(1, PIECE // (points * self.d))


def _products(rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    # Not by bmm, whose bits depend on where in memory a row happens to lie.
    return (rows * x[:, None, :]).sum(-1)


def _descent(rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return sum_i w_i c_i, (C, d), of the c_i in ``rows``, (C or none, n, d)."""
    z = _products(rows, x)
    # exp and division, since sigmoid rounds otherwise at the end of a tensor than within it.
    e = torch.exp(-z.abs())
    w = torch.where(z >= 0, e, 1) / (1 + e)
    return (w[..., None] * rows).sum(1)


def run(
    problem: Sampled,
    method: Switches,
    inputs: Inputs,
    *,
    trajectory: bool,
    dtype: str,
    device: str,
    stretch: int,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`.

    ``stretch`` is how many steps one with a full gradient stands for (`engines.strata`).
    """
    where = torch.device(device)
    problem.prepare(DTYPES[dtype], where)
    chunks = []
    cell = 0 * inputs.cell if problem.rows_alike else inputs.cell
    alike = np.stack([inputs.workers, inputs.b, cell])
    for group in np.unique(alike, axis=1).T:
        mine = np.flatnonzero((alike == group[:, None]).all(0))
        mine = mine[np.argsort(-inputs.T[mine], kind="stable")]
        size = chunk_size(int(group[1]), problem.d, where)
        size = size if problem.rows_alike else min(size, PLACES)
        for first in range(0, len(mine), size):
            rows = mine[first : first + size]
            chunks.append((rows, np.resize(rows, size)))
    steps = [int(inputs.T[rows].max()) for rows, _ in chunks]
    width = int(inputs.b.max()) * max(1, problem.uniforms)
    shape = (int(inputs.T.max()), int(inputs.workers.max()), width)
    parts = []
    for number, (rows, filled) in enumerate(chunks):
        tick = None
        if progress is not None:
            tick = _shifted(progress, sum(steps[:number]), sum(steps))
        chunk = _Chunk(problem, method, inputs.take(filled), len(rows), DTYPES[dtype], where)
        parts.append(chunk.run(stretch, shape if trajectory else None, tick))
    back = np.argsort(np.concatenate([rows for rows, _ in chunks]))
    merged: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]
    }
    return Runs(inputs=inputs, **merged)


def chunk_size(b: int, d: int, device: torch.device) -> int:
    """Return how many runs go at once: a power of two."""
    kind = device.type if device.type in ELEMENTS else "cuda"
    room = min(LARGEST_CHUNK[kind], max(1, ELEMENTS[kind] // (b * d)))
    return 1 << (room.bit_length() - 1)


def _shifted(
    progress: Callable[[int, int], None], done: int, every: int
) -> Callable[[int, int], None]:
    return lambda step, _: progress(done + step, every)


class _Chunk:
    """Runs of one b and number of workers; those from the ``count``-th on only fill it up."""

    def __init__(
        self,
        problem: Sampled,
        method: Switches,
        inputs: Inputs,
        count: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.problem, self.method, self.inputs, self.count = problem, method, inputs, count
        self.b, self.workers = int(inputs.b[0]), int(inputs.workers[0])
        C, d = len(inputs), problem.d

        def column(values: np.ndarray, kind: torch.dtype = dtype) -> torch.Tensor:
            return torch.tensor(values, device=device).to(kind)[:, None]

        self.minus_gamma, self.rho = column(-inputs.gamma), column(inputs.rho, torch.float64)
        self.beta1, self.beta2 = column(inputs.beta1), column(inputs.beta2)
        self.one_minus_beta1, self.one_minus_beta2 = (
            column(1 - inputs.beta1), column(1 - inputs.beta2),
        )  # fmt: skip
        self.floor = column(inputs.eps) ** 2
        self.key = column(inputs.key[:, 0], torch.int64), column(inputs.key[:, 1], torch.int64)
        self.replicate = column(inputs.replicate, torch.int64)
        self.width = self.b * max(1, problem.uniforms)
        most = AHEAD // (C * self.width * self.workers)
        self.ahead = max(1, min(most, int(inputs.T.max())))
        self.drawn: list[torch.Tensor] = []
        self.largest_reach = torch.finfo(dtype).max

        self.x = torch.tensor(problem.x0, device=device).to(dtype).expand(C, d).clone()
        self.m = torch.zeros_like(self.x)
        self.v = column(inputs.v_init).expand(C, d).clone()
        self.v_hat = self.floor.expand(C, d).clone()
        self.eta = 1 / self.v_hat.sqrt()
        self.largest = torch.zeros_like(self.x)
        self.sums = {
            name: torch.zeros(C, d, dtype=torch.float64, device=device) for name in ("l1", "l2")
        }
        self.adaptive = torch.zeros(C, dtype=torch.int64, device=device)

    def run(
        self,
        stretch: int,
        trajectory: tuple[int, int, int] | None,
        progress: Callable[[int, int], None] | None,
    ) -> dict[str, np.ndarray]:
        """Run all; return the fields of `Runs`, for trajectories as wide as ``trajectory`` says:
        so many steps, workers and samples.
        """
        count, d, T = self.count, self.problem.d, self.inputs.T[: self.count]
        step, due = events(T)
        out = {"step": step}
        for name in ("mean_grad_norm2", "mean_weighted_grad_norm2", "objective"):
            out[name] = np.full(step.shape, np.nan)
        for name in ("eta_variation_l1", "eta_variation_l2", "adaptive_share", "max_abs_gradient"):
            out[name] = np.zeros(count)
        longest, most, widest = trajectory or (0, 0, 0)
        out["x"] = np.full((count, longest + 1, d), np.nan)
        out["x"][:, 0] = self.problem.x0
        drawn = np.full((count, longest, most, widest), -1, dtype=np.int32)
        strata = Strata(self.inputs.take(np.arange(count)), step, stretch)
        ends, last = set(T.tolist()), int(T.max())
        waiting, total = _Waiting(self.problem), np.zeros((2, count))

        with torch.inference_mode():
            for t in range(last):
                active = np.flatnonzero(t < T)
                seen, weight = strata.at(t, active)
                if len(seen):
                    waiting.add(seen, weight, self.x, self.eta)
                samples = self._samples(t)
                self._step(samples)
                if trajectory:
                    out["x"][active, t + 1] = _numpy(self.x)[active]
                    for worker, batch in enumerate(samples):
                        drawn[active, t, worker, : self.width] = batch.cpu().numpy()[active]
                if t + 1 in due or waiting.count >= waiting.most:
                    waiting.take(total)
                for rows, columns in due.get(t + 1, ()):
                    at = np.ix_(rows, columns)
                    out["mean_grad_norm2"][at] = total[0, rows, None] / (t + 1)
                    out["mean_weighted_grad_norm2"][at] = total[1, rows, None] / (t + 1)
                    here = torch.as_tensor(rows, device=self.x.device)
                    values = by_points(self.problem.objective, self.x[here], waiting.places(rows))
                    out["objective"][at] = values[:, None]
                if t + 1 in ends:
                    self._finish(t + 1, np.flatnonzero(t + 1 == T), trajectory is not None, out)
                if progress is not None and (t % 64 == 63 or t + 1 == last):
                    progress(t + 1, last)
        if trajectory:
            out["samples"] = drawn if most > 1 else drawn[:, :, 0]
        else:
            out["x"] = out["x"][:, 0]
        return out

    def _samples(self, t: int) -> list[torch.Tensor]:
        """Return each worker's samples of every run's mini-batch, (C, b) or (C, b k) int64."""
        if t % self.ahead == 0:
            self.drawn = [self._draw(t, worker) for worker in range(self.workers)]
        return [samples[t % self.ahead] for samples in self.drawn]

    def _draw(self, t: int, worker: int) -> torch.Tensor:
        """Return a worker's samples for the steps from t on, `ahead` of them, (ahead, C, ...)."""
        device, k = self.x.device, self.problem.uniforms
        steps = torch.arange(t, t + self.ahead, device=device)[:, None, None]
        if k:
            each = torch.arange(self.b, device=device)[None, :]
            parts = noise.batch_uniforms(k, steps, self.replicate, self.key, worker, each)
        else:
            pairs = torch.arange((self.b + 1) // 2, device=device)[None, :]
            both = noise.batch_samples(
                self.problem.N, steps, self.replicate, self.key, worker, pairs
            )
            parts = list(both)
        return torch.stack(parts, dim=3).flatten(2)[:, :, : self.width]

    def _step(self, samples: list[torch.Tensor]) -> None:
        """One step of `simulators.methods.adasam.step` on every row."""
        method, x = self.method, self.x
        own = [self.problem.batch_gradient(x, batch) for batch in samples]
        s = _mean(own)
        g = s
        if method.perturbs:
            along = own if method.is_local else [s] * self.workers
            g = _mean(
                [
                    self.problem.batch_gradient(self._moved(direction), batch)
                    for direction, batch in zip(along, samples, strict=True)
                ]
            )
        self.largest = torch.maximum(self.largest, torch.maximum(s.abs(), g.abs()))
        self.m = self.beta1 * self.m + self.one_minus_beta1 * g
        if method.adapts:
            self.v = self.beta2 * self.v + self.one_minus_beta2 * (g * g)
            least = self.v_hat if method.keeps_max else self.floor
            self.v_hat, before = torch.maximum(least, self.v), self.eta
            self.eta = 1 / self.v_hat.sqrt()
            change = (self.eta.to(torch.float64) - before.to(torch.float64)).abs()
            self.sums["l1"] += change
            self.sums["l2"] += change * change
            self.adaptive += (self.v_hat > self.floor).sum(1)
        self.x = x + self.minus_gamma * self.m * self.eta

    def _moved(self, s: torch.Tensor) -> torch.Tensor:
        """Return x + rho s/||s||."""
        # Squares in float64, so that a small s has its own norm; where s = 0, delta = 0.
        norm = (s.to(torch.float64) ** 2).sum(1, keepdim=True).sqrt()
        norm.masked_fill_(norm == 0, torch.inf)
        # A ratio beyond the dtype, which has smaller s, is a product of two within.
        ratio = self.rho / norm
        reach = ratio.clamp(max=self.largest_reach).to(s.dtype)
        excess = (ratio / self.largest_reach).clamp_(1, self.largest_reach).to(s.dtype)
        return self.x + reach * s * excess

    def _finish(
        self, t: int, rows: np.ndarray, trajectory: bool, out: dict[str, np.ndarray]
    ) -> None:
        """Write the final figures of the runs whose T is t."""
        out["eta_variation_l1"][rows] = _numpy(self.sums["l1"].sum(1))[rows]
        out["eta_variation_l2"][rows] = _numpy(self.sums["l2"].sum(1))[rows]
        out["adaptive_share"][rows] = _numpy(self.adaptive)[rows] / (self.problem.d * t)
        out["max_abs_gradient"][rows] = _numpy(self.largest.amax(1))[rows]
        if not trajectory:
            out["x"][rows, 0] = _numpy(self.x)[rows]


class _Waiting:
    """Points that wait for their full gradients."""

    def __init__(self, problem: Sampled) -> None:
        self.problem, self.count = problem, 0
        self.most = WAITING if problem.rows_alike else WAITING * POINTS
        self.parts: list[tuple[np.ndarray, np.ndarray, torch.Tensor, torch.Tensor]] = []

    def add(self, rows: np.ndarray, weight: np.ndarray, x: torch.Tensor, eta: torch.Tensor) -> None:
        index = torch.as_tensor(rows, device=x.device)
        self.parts.append((rows, weight, x[index], eta[index]))
        self.count += len(rows)

    def take(self, total: np.ndarray) -> None:
        """Add everyone's weighted squares, plain and in eta's norm, to total[:, row]."""
        if not self.parts:
            return
        rows = np.concatenate([part[0] for part in self.parts])
        weight = np.concatenate([part[1] for part in self.parts])
        x = torch.cat([part[2] for part in self.parts])
        eta = torch.cat([part[3] for part in self.parts])
        square = by_points(self.problem.gradient, x, self.places(rows)) ** 2
        np.add.at(total[0], rows, weight * square.sum(1))
        np.add.at(total[1], rows, weight * (square * _numpy(eta)).sum(1))
        self.parts, self.count = [], 0

    def places(self, rows: np.ndarray) -> np.ndarray | None:
        """Return each row's place among points taken together; None if any will do."""
        return None if self.problem.rows_alike else rows


def by_points(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, places: np.ndarray | None
) -> np.ndarray:
    """Return ``function`` of the rows of x, as many at a time as there are places, filled up."""
    most, numbers = POINTS, np.arange(len(x))
    batch, place = numbers // POINTS, numbers % POINTS
    if places is not None:
        most, place = PLACES, places
        order = np.argsort(places, kind="stable")
        first = np.searchsorted(places[order], places[order])
        batch = np.empty_like(numbers)
        batch[order] = numbers - first  # how many with the same place stand before
    parts = []
    for number in range(int(batch.max()) + 1):
        mine = np.flatnonzero(batch == number)
        filled = np.full(most, mine[0])
        filled[place[mine]] = mine
        values = _numpy(function(x[torch.as_tensor(filled, device=x.device)]))
        parts.append((mine, values[place[mine]]))
    rows = np.concatenate([mine for mine, _ in parts])
    return np.concatenate([values for _, values in parts])[np.argsort(rows)]


def _mean(parts: list[torch.Tensor]) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else sum(parts[1:], parts[0]) / len(parts)


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.to(torch.float64).cpu().numpy()
