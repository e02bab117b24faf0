"""The torch engine: all runs as one [R, d] batch, any device and dtype.

A step is some twenty small tensor operations, so their overhead is the cost. Hence: every
operation writes into a buffer made once; what a step saw (gradients, eta) goes into a history of
`SLOTS` steps, from which the statistics are computed for all these steps at once; noise comes
many Philox blocks at a time; and what a method does not need (a perturbation, an adaptive step)
is left out. Runs are cut into chunks of like T, within which equal b stand together, and leave
their chunk when they reach their T.

Statistics are summed in float64. No operation mixes rows and no sum's order depends on the other
rows: on a CPU, where tests hold it to that, a run's bits do not depend on the batch around it.
"""

from collections.abc import Callable

import numpy as np
import torch

from simulators import noise
from simulators.engines.schedule import events
from simulators.problems import SeparableProblem
from simulators.runs import Inputs, Runs
from simulators.update import Method

DTYPES = {"float32": torch.float32, "float64": torch.float64}

SLOTS = 32
"""Steps in the history. It divides every refill of the noise."""

CHUNK = {"cpu": 2**14, "cuda": 2**20}
"""Elements [R, d] of the largest batch done at once: more would leave the CPU's cache, and on a
GPU each takes some 5 kB of memory."""

SUMS = (
    "grad_norm2",
    "weighted_grad_norm2",
    "eta_variation_l1",
    "eta_variation_l2",
    "adaptive",
)
"""The statistics summed over the steps, coordinate by coordinate."""

REFILL = 2**13
"""About how many Philox blocks a refill of the noise computes at once."""


def run(
    problem: SeparableProblem,
    method: Method,
    inputs: Inputs,
    *,
    trajectory: bool,
    dtype: str,
    device: str,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`."""
    where = torch.device(device)
    room = max(1, CHUNK.get(where.type, CHUNK["cuda"]) // problem.d)
    chunks = []
    for workers in np.unique(inputs.workers):
        mine = np.flatnonzero(inputs.workers == workers)
        order = mine[np.lexsort((inputs.b[mine], -inputs.T[mine]))]  # chunks of like T
        size = max(1, room // int(workers))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            chunks.append(rows[np.argsort(inputs.b[rows], kind="stable")])  # equal b together
    steps = [int(inputs.T[rows].max()) for rows in chunks]
    parts = []
    for number, rows in enumerate(chunks):
        tick = None
        if progress is not None:
            tick = _shifted(progress, sum(steps[:number]), sum(steps))
        batch = _Batch(problem, method, inputs.take(rows), DTYPES[dtype], where)
        heads = (int(inputs.T.max()), int(inputs.workers.max()))
        parts.append(batch.run(heads if trajectory else None, tick))
    back = np.argsort(np.concatenate(chunks))
    merged = {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}
    return Runs(inputs=inputs, **merged)


def _shifted(
    progress: Callable[[int, int], None], done: int, every: int
) -> Callable[[int, int], None]:
    return lambda step, _: progress(done + step, every)


class _Group:
    """The runs of one batch size within a batch, rows [first, last), and their coming noise."""

    def __init__(self, b: int, first: int, last: int, d: int) -> None:
        self.b, self.rows = b, slice(first, last)
        self.n = noise.steps_per_block(b)
        blocks = max(1, REFILL // ((last - first) * d))
        self.blocks = -(-blocks * self.n // SLOTS) * SLOTS // self.n or 1
        self.start = self.stop = -1  # the steps [start, stop) the noise below is for
        self.heads = torch.empty(0)
        self.noise = torch.empty(0)


class _Batch:
    """A batch of runs, all of as many workers, in which runs of equal b are neighbours."""

    def __init__(
        self,
        problem: SeparableProblem,
        method: Method,
        inputs: Inputs,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.problem, self.method, self.inputs = problem, method, inputs
        self.dtype, self.device = dtype, device
        self.perturbs = method.perturbs and bool((inputs.rho > 0).any())
        self.largest_reach = torch.finfo(dtype).max  # a subnormal s: a shorter delta
        self.workers = int(inputs.workers[0])
        # Mini-batch gradients are affine in the noise: workers that share their perturbation act
        # as one whose noise is the mean of theirs.
        self.is_local = method.is_local and self.workers > 1
        self.has_momentum = bool((inputs.beta1 > 0).any())
        R, d = len(inputs), problem.d
        self.rows = np.arange(R)  # which run each row of the tensors below is

        def column(values: np.ndarray, kind: torch.dtype = dtype) -> torch.Tensor:
            return torch.tensor(values, dtype=kind, device=device)[:, None]

        def full(values: np.ndarray) -> torch.Tensor:
            return column(values).expand(R, d).clone()

        eps = column(inputs.eps)
        x0 = torch.tensor(problem.x0, dtype=dtype, device=device)
        # Tensors, even of no dimension, are faster operands than Python numbers and columns.
        self.numbers = problem.numbers_for(
            lambda number: torch.tensor(number, dtype=dtype, device=device)
        )
        # By run: first axis.
        self.state: dict[str, torch.Tensor] = {
            "minus_gamma": full(-inputs.gamma),
            "rho": column(inputs.rho),
            "one_minus_beta1": full(1 - inputs.beta1),
            "one_minus_beta2": full(1 - inputs.beta2),
            "floor": (eps * eps).expand(R, d).clone(),
            "b": column(inputs.b),
            "key0": column(inputs.key[:, 0].astype(np.int64), torch.int64),
            "key1": column(inputs.key[:, 1].astype(np.int64), torch.int64),
            "replicate": column(inputs.replicate, torch.int64),
            "x": x0.expand(R, d).clone(),
            "m": torch.zeros(R, d, dtype=dtype, device=device),
            "v": full(inputs.v_init),
        }
        # By statistic, then run: the sums over the steps before the history.
        self.total = torch.zeros(len(SUMS), R, d, dtype=torch.float64, device=device)
        self.largest = torch.zeros(R, d, dtype=dtype, device=device)
        # By step of the history, then run. v_hat has a slot more: slot i is before step i of the
        # history, slot i + 1 after it.
        self.history = {
            name: torch.zeros(SLOTS, R, d, dtype=dtype, device=device) for name in ("u", "s", "g")
        }
        each = (self.workers, d) if self.is_local else (d,)
        self.history["noise"] = torch.zeros(SLOTS, R, *each, dtype=dtype, device=device)
        self.history["v_hat"] = (eps * eps).expand(SLOTS + 1, R, d).clone()
        self.history["heads"] = torch.zeros(
            SLOTS, R, self.workers, d, dtype=torch.int64, device=device
        )
        self.coordinate = torch.arange(d, dtype=torch.int64, device=device)
        self._arrange()

    def _arrange(self) -> None:
        """Make the buffers, the views and the groups for the rows that are left."""
        like = self.state["x"]
        self.a, self.c = torch.empty_like(like), torch.empty_like(like)
        self.reach = torch.empty_like(self.state["rho"])
        self.root = self.state["floor"].sqrt()
        self.sums = torch.zeros(
            len(SUMS), SLOTS, *like.shape, dtype=torch.float64, device=self.device
        )
        self.slots = {name: list(part.unbind(0)) for name, part in self.history.items()}
        b = self.inputs.b[self.rows]
        starts = np.flatnonzero(np.diff(b, prepend=-1)).tolist()
        self.groups = [
            _Group(int(b[first]), first, last, self.problem.d)
            for first, last in zip(starts, [*starts[1:], len(b)], strict=True)
        ]

    def _compact(self, t: int) -> None:
        """Drop the runs whose T is reached."""
        keep = np.flatnonzero(self.inputs.T[self.rows] > t)
        index = torch.as_tensor(keep, device=self.device)
        self.rows = self.rows[keep]
        self.state = {name: part.index_select(0, index) for name, part in self.state.items()}
        self.total = self.total.index_select(1, index)
        self.largest = self.largest.index_select(0, index)
        self.history = {name: part.index_select(1, index) for name, part in self.history.items()}
        self._arrange()

    def run(
        self, trajectory: tuple[int, int] | None, progress: Callable[[int, int], None] | None
    ) -> dict[str, np.ndarray]:
        """Run all; return the fields of `Runs`, for trajectories as wide as ``trajectory`` says:
        so many steps and workers.
        """
        inputs, R, d = self.inputs, len(self.inputs), self.problem.d
        step, due = events(inputs.T)
        out: dict[str, np.ndarray] = {"step": step}
        for name in ("mean_grad_norm2", "mean_weighted_grad_norm2", "objective"):
            out[name] = np.full(step.shape, np.nan)
        for name in ("eta_variation_l1", "eta_variation_l2", "adaptive_share", "max_abs_gradient"):
            out[name] = np.zeros(R)
        width, most = trajectory or (0, 0)
        heads = np.full((R, width, most, d), -1, dtype=np.int32)
        if trajectory:
            out["x"] = np.full((R, width + 1, d), np.nan)
            out["x"][:, 0] = self.problem.x0
            out["heads"] = heads if most > 1 else heads[:, :, 0]
        else:
            out["x"] = np.full((R, d), np.nan)
        ends = set(inputs.T.tolist())
        longest = max(ends)

        with torch.inference_mode():
            for t in range(longest):
                slot = t % SLOTS
                if slot == 0:
                    self._draw(t, trajectory is not None)
                self._step(slot)
                if trajectory:
                    out["x"][self.rows, t + 1] = _numpy(self.state["x"])
                    heads[self.rows, t, : self.workers] = self.slots["heads"][slot].cpu().numpy()
                if t + 1 in due or t + 1 in ends:
                    total, largest = self._sum(slot + 1)
                    for rows, columns in due.get(t + 1, ()):
                        self._record(t + 1, rows, columns, total, out)
                    if t + 1 in ends:
                        self._finish(t + 1, total, largest, trajectory is not None, out)
                if slot == SLOTS - 1:
                    self.total, self.largest = self._sum(SLOTS)
                    self.slots["v_hat"][0].copy_(self.slots["v_hat"][SLOTS])
                    if progress is not None and t % 256 == 255:
                        progress(t + 1, longest)
                if t + 1 in ends and t + 1 < longest:
                    self._compact(t + 1)
        return out

    def _draw(self, t: int, keep_heads: bool) -> None:
        """Put the noise of the steps [t, t + SLOTS) into the history."""
        for group in self.groups:
            if not group.start <= t < group.stop:
                self._refill(group, t, keep_heads)
            steps = slice(t - group.start, t - group.start + SLOTS)
            self.history["noise"][:, group.rows] = group.noise[steps]
            if keep_heads:
                self.history["heads"][:, group.rows] = group.heads[steps]

    def _refill(self, group: _Group, t: int, keep_heads: bool) -> None:
        first = t // group.n
        group.start, group.stop = first * group.n, (first + group.blocks) * group.n
        state, rows = self.state, group.rows
        blocks = torch.arange(first, first + group.blocks, device=self.device)
        key = (state["key0"][rows], state["key1"][rows])
        every, each = [], []
        for worker in range(self.workers):
            counter = (
                blocks[:, None, None],
                self.coordinate[None, None, :],
                state["replicate"][rows],
                torch.full((1, 1, 1), noise.stream("gradient", worker), device=self.device),
            )
            words = noise.philox(counter, key)
            heads = torch.stack(noise.block_heads(words, group.b, self._search), dim=1)
            every.append(heads.flatten(0, 1))
            each.append(self.problem.noise_from_heads(every[-1].to(self.dtype), state["b"][rows]))
        if self.is_local:
            group.noise = torch.stack(each, dim=2)
        else:
            group.noise = each[0] if len(each) == 1 else sum(each[1:], each[0]) / len(each)
        if keep_heads:
            group.heads = torch.stack(every, dim=2)

    def _search(self, thresholds: np.ndarray, values: torch.Tensor) -> torch.Tensor:
        table = torch.tensor(thresholds, device=self.device)
        return torch.searchsorted(table, values, right=True)

    def _step(self, slot: int) -> None:
        """One step of `simulators.update.step` on every row, in place."""
        problem, method, state, slots, a, c = (
            self.problem, self.method, self.state, self.slots, self.a, self.c,
        )  # fmt: skip
        x, m, v = state["x"], state["m"], state["v"]
        u, s, batch = slots["u"][slot], slots["s"][slot], slots["noise"][slot]

        g = s
        if self.is_local:
            g = slots["g"][slot]
            s.zero_()
            g.zero_()
            own = torch.empty_like(s)
            for batch in slots["noise"][slot].unbind(1):
                problem.both_gradients(x, batch, torch, u, own, a, self.numbers)
                s += own
                self._perturb(x, own)
                problem.batch_gradient(a, batch, torch, own, c, self.numbers)
                g += own
            s /= self.workers
            g /= self.workers
        else:
            problem.both_gradients(x, batch, torch, u, s, a, self.numbers)
            if self.perturbs:
                g = slots["g"][slot]
                self._perturb(x, s)
                problem.batch_gradient(a, batch, torch, g, c, self.numbers)
        if self.has_momentum:
            m.lerp_(g, state["one_minus_beta1"])
        else:
            m = g
        if method.adapts:
            v_hat, root = slots["v_hat"][slot + 1], self.root
            torch.mul(g, g, out=a)
            v.lerp_(a, state["one_minus_beta2"])
            least = slots["v_hat"][slot] if method.keeps_max else state["floor"]
            torch.maximum(least, v, out=v_hat)
            torch.sqrt(v_hat, out=root)
        torch.mul(m, state["minus_gamma"], out=a)
        x.addcdiv_(a, self.root)

    def _perturb(self, x: torch.Tensor, s: torch.Tensor) -> None:
        """Put x + rho s/||s|| into the buffer ``a``."""
        # Squares in float64, so that a small s has its own norm; where s = 0, delta = 0.
        norm = torch.linalg.vector_norm(s, 2, 1, True, dtype=torch.float64)
        norm.masked_fill_(norm == 0, torch.inf)
        reach = torch.div(self.state["rho"], norm).clamp_(max=self.largest_reach)
        self.reach.copy_(reach)
        torch.addcmul(x, s, self.reach, out=self.a)

    def _sum(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Take in the history's first ``count`` steps.

        Returns
        -------
        total : (5, R, d) float64
            The sums of `SUMS` over all steps so far.
        largest : (R, d)
            The largest |s_t| and |g_t| so far.
        """
        sums, history = self.sums, self.history
        sums[0].copy_(history["u"]).mul_(sums[0])
        if self.method.adapts:
            v_hat = history["v_hat"].to(torch.float64)
            eta = v_hat.sqrt().reciprocal_()
            torch.mul(sums[0], eta[:-1], out=sums[1])
            torch.sub(eta[:-1], eta[1:], out=sums[2]).abs_()
            torch.mul(sums[2], sums[2], out=sums[3])
            sums[4].copy_(history["v_hat"][1:] > self.state["floor"])
        else:
            torch.div(sums[0], self.root.to(torch.float64), out=sums[1])
        if count < SLOTS:
            sums[:, count:] = 0
        # Halving adds the steps up in an order that is the same for every row.
        size = SLOTS
        while size > 1:
            size //= 2
            torch.add(sums[:, :size], sums[:, size : 2 * size], out=sums[:, :size])
        largest = torch.maximum(self.largest, history["s"][:count].abs().amax(0))
        if self.perturbs or self.is_local:
            largest = torch.maximum(largest, history["g"][:count].abs().amax(0))
        return self.total + sums[:, 0], largest

    def _record(
        self,
        t: int,
        rows: np.ndarray,
        columns: np.ndarray,
        total: torch.Tensor,
        out: dict[str, np.ndarray],
    ) -> None:
        """Write the curves of these runs at t steps."""
        place = np.full(len(self.inputs), -1)
        place[self.rows] = np.arange(len(self.rows))
        at, here = np.ix_(rows, columns), place[rows]
        mean = total.sum(2) / t
        objective = self.problem.objective(self.state["x"].to(torch.float64), torch)
        for name, values in (
            ("mean_grad_norm2", mean[SUMS.index("grad_norm2")]),
            ("mean_weighted_grad_norm2", mean[SUMS.index("weighted_grad_norm2")]),
            ("objective", objective),
        ):
            out[name][at] = _numpy(values)[here, None]

    def _finish(
        self,
        t: int,
        total: torch.Tensor,
        largest: torch.Tensor,
        trajectory: bool,
        out: dict[str, np.ndarray],
    ) -> None:
        """Write the final figures of the runs whose T is t."""
        here = np.flatnonzero(self.inputs.T[self.rows] == t)
        rows = self.rows[here]
        sums = dict(zip(SUMS, _numpy(total.sum(2))[:, here], strict=True))
        out["eta_variation_l1"][rows] = sums["eta_variation_l1"]
        out["eta_variation_l2"][rows] = sums["eta_variation_l2"]
        out["adaptive_share"][rows] = sums["adaptive"] / (self.problem.d * t)
        out["max_abs_gradient"][rows] = _numpy(largest.amax(1))[here]
        if not trajectory:
            out["x"][rows] = _numpy(self.state["x"])[here]


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.to(torch.float64).cpu().numpy()
