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
from simulators.engines.torch_any.results import CURVES, FINALS, Results
from simulators.methods import Switches
from simulators.problems import SeparableProblem
from simulators.runs import Inputs, Runs
from simulators.sums import row_sum, varies
from theory.errors import InputError

DTYPES = {"float32": torch.float32, "float64": torch.float64}

SLOTS = 32
"""Steps in the history. It divides every refill of the noise."""

CHUNK = {"cpu": 2**14, "cuda": 2**22}
"""Elements [R, d] of the largest batch done at once: more would leave the CPU's cache, and gain
nothing on a GPU, where `bytes_each` and the free memory set another limit."""

SUMS = (*CURVES[:2], *FINALS[:3])
"""What is summed over the steps, coordinate by coordinate, for the fields of these names."""

WORTH_A_GRAPH = 16 * SLOTS
"""Steps that must be left for a CUDA graph to be worth its making."""

LEAST_NORM = 1e-300
"""Below every sum of squares' root but that of 0."""

REFILL = 2**13
"""About how many Philox blocks a refill of the noise computes at once."""


def run(
    problem: SeparableProblem,
    method: Switches,
    inputs: Inputs,
    *,
    trajectory: bool,
    dtype: str,
    device: str,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run every row of ``inputs``; see `simulators.simulate`."""
    where, kind = torch.device(device), DTYPES[dtype]
    chunks = []
    for workers in np.unique(inputs.workers).tolist():
        mine = np.flatnonzero(inputs.workers == workers)
        order = mine[np.lexsort((inputs.b[mine], -inputs.T[mine]))]  # chunks of like T
        each = problem.d * bytes_each(workers, method.is_local, kind)
        if problem.Q is not None:
            each += 3 * problem.d**2 * kind.itemsize
        if trajectory:
            each += problem.d * int(inputs.T.max()) * (8 + 4 * int(inputs.workers.max()))
        size = _runs_at_once(problem.d, workers, each, where)
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            chunks.append(rows[np.argsort(inputs.b[rows], kind="stable")])  # equal b together
    steps = [int(inputs.T[rows].max()) for rows in chunks]
    parts = []
    for number, rows in enumerate(chunks):
        tick = None
        if progress is not None:
            tick = _shifted(progress, sum(steps[:number]), sum(steps))
        batch = _Batch(problem, method, inputs.take(rows), kind, where, trajectory)
        wide = (int(inputs.T.max()), int(inputs.workers.max()))
        parts.append(batch.run(wide if trajectory else None, tick))
    back = np.argsort(np.concatenate(chunks))
    merged = {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}
    return Runs(inputs=inputs, **merged)


def bytes_each(workers: int, is_local: bool, dtype: torch.dtype) -> int:
    """Return about how many bytes an element [R, d] of a batch takes at most."""
    number = dtype.itemsize
    history = SLOTS * number * (4 + (workers if is_local else 1))
    sums = 8 * SLOTS * len(SUMS) + 16 * (SLOTS + 1)
    # The longest row of noise is that of b = 1: 128 steps, as whole numbers and as floats.
    drawn = 128 * (2 * 8 + workers * 2 * number)
    return 16 * number + history + sums + drawn


def _runs_at_once(d: int, workers: int, each: int, device: torch.device) -> int:
    """Return how many runs a batch may hold, of ``each`` so many bytes."""
    most = max(1, CHUNK[device.type] // (d * workers))
    if device.type != "cuda":
        return most
    room = torch.cuda.mem_get_info(device)[0] // 2
    if each > room:
        raise InputError(
            f"d = {d} and workers = {workers}: a run takes {each / 2**20:.0f} MB, and half of what "
            f"is free on {device} is {room / 2**20:.0f} MB. Lower d, workers or T, or use the CPU."
        )
    return min(most, room // each)


def _shifted(
    progress: Callable[[int, int], None], done: int, every: int
) -> Callable[[int, int], None]:
    return lambda step, _: progress(done + step, every)


class _Group:
    """The runs of one batch size within a batch, rows [first, last), and their coming noise.

    They have ``steps`` steps at most.
    """

    def __init__(self, b: int, first: int, last: int, d: int, steps: int) -> None:
        self.b, self.rows = b, slice(first, last)
        self.n = noise.steps_per_block(b)
        blocks = max(1, min(REFILL // ((last - first) * d), -(-steps // self.n)))
        self.blocks = -(-blocks * self.n // SLOTS) * SLOTS // self.n or 1
        self.start = self.stop = -1  # the steps [start, stop) the noise below is for
        self.heads = torch.empty(0)
        self.noise = torch.empty(0)


class _Batch:
    """A batch of runs, all of as many workers, in which runs of equal b are neighbours."""

    def __init__(
        self,
        problem: SeparableProblem,
        method: Switches,
        inputs: Inputs,
        dtype: torch.dtype,
        device: torch.device,
        keeps_heads: bool = False,
    ) -> None:
        self.problem, self.method, self.inputs = problem, method, inputs
        self.dtype, self.device = dtype, device
        self.perturbs = method.perturbs and bool((inputs.rho > 0).any())
        self.largest_reach = torch.finfo(dtype).max
        self.workers = int(inputs.workers[0])
        # Mini-batch gradients are affine in the noise: workers that share their perturbation act
        # as one whose noise is the mean of theirs.
        self.is_local = method.is_local and self.workers > 1
        self.has_momentum = bool((inputs.beta1 > 0).any())
        R, d = len(inputs), problem.d
        self.rows = np.arange(R)  # which run each row of the tensors below is
        self.graph: torch.cuda.CUDAGraph | None = None
        self.is_warm = False
        self.tables: dict[int, torch.Tensor] = {}

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
        if keeps_heads:
            self.history["heads"] = torch.zeros(
                SLOTS, R, self.workers, d, dtype=torch.int64, device=device
            )
        self.coordinate = torch.arange(d, dtype=torch.int64, device=device)
        self._arrange()

    def _arrange(self) -> None:
        """Make the buffers, the views and the groups for the rows that are left."""
        self.graph = None
        like = self.state["x"]
        self.a, self.c = torch.empty_like(like), torch.empty_like(like)
        self.reach, self.lift = (torch.empty_like(self.state["rho"]) for _ in range(2))
        self.root = self.state["floor"].sqrt()
        self.sums = torch.zeros(
            len(SUMS), SLOTS, *like.shape, dtype=torch.float64, device=self.device
        )
        self.slots = {name: list(part.unbind(0)) for name, part in self.history.items()}
        b = self.inputs.b[self.rows]
        starts = np.flatnonzero(np.diff(b, prepend=-1)).tolist()
        steps = int(self.inputs.T[self.rows].max())
        self.groups = [
            _Group(int(b[first]), first, last, self.problem.d, steps)
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

        Results stay on the device until the end, so that a GPU never waits for the host.
        """
        inputs, longest = self.inputs, int(self.inputs.T.max())
        step, due = events(inputs.T)
        results = Results(self.problem, inputs, due, step.shape[1], trajectory, self.device)
        stops = {*due, *results.ends, *range(SLOTS, longest, SLOTS)}
        done = 0
        with torch.inference_mode():
            for stop in range(1, longest + 1) if trajectory else sorted(stops):
                first, last = done % SLOTS, (stop - 1) % SLOTS + 1
                if first == 0:
                    self._draw(done)
                self._advance(first, last, longest - done)
                done = stop
                if trajectory:
                    heads = self.slots["heads"][last - 1]
                    results.follow(stop, self.state["x"], heads)
                if stop in due or stop in results.ends:
                    total, largest = self._sum(last)
                    results.record(stop, row_sum(total), self.state["x"])
                    results.finish(stop, row_sum(total), largest, self.state["x"])
                if last == SLOTS:
                    self.total, self.largest = self._sum(SLOTS)
                    self.slots["v_hat"][0].copy_(self.slots["v_hat"][SLOTS])
                    if progress is not None and stop % 256 == 0:
                        progress(stop, longest)
                if stop in results.ends and stop < longest:
                    self._compact(stop)
                    results.keep(self.rows)
        return {"step": step, **results.collected()}

    def _advance(self, first: int, last: int, left: int) -> None:
        """Do the steps of the history's slots [first, last), of ``left`` steps in all.

        On a GPU the steps of a whole history are recorded once as a CUDA graph and replayed,
        which spares it the host's launches, some 15 a step. The first history is never recorded:
        what CUDA loads or makes on its first use it must not load while it records.
        """
        whole = (first, last) == (0, SLOTS) and self.device.type == "cuda"
        if whole and self.is_warm and self.graph is None and left >= WORTH_A_GRAPH:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                for slot in range(SLOTS):
                    self._step(slot)
        if whole and self.graph is not None:
            self.graph.replay()
            return
        for slot in range(first, last):
            self._step(slot)
        self.is_warm = self.is_warm or whole

    def _draw(self, t: int) -> None:
        """Put the noise of the steps [t, t + SLOTS) into the history."""
        for group in self.groups:
            if not group.start <= t < group.stop:
                self._refill(group, t)
            steps = slice(t - group.start, t - group.start + SLOTS)
            self.history["noise"][:, group.rows] = group.noise[steps]
            if "heads" in self.history:
                self.history["heads"][:, group.rows] = group.heads[steps]

    def _refill(self, group: _Group, t: int) -> None:
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
        if "heads" in self.history:
            group.heads = torch.stack(every, dim=2)

    def _search(self, thresholds: np.ndarray, values: torch.Tensor) -> torch.Tensor:
        # `noise.magnitude_table` keeps its tables, so that their names stay theirs.
        table = self.tables.get(id(thresholds))
        if table is None:
            table = self.tables[id(thresholds)] = torch.tensor(thresholds, device=self.device)
        return torch.searchsorted(table, values, right=True)

    def _step(self, slot: int) -> None:
        """One step of `simulators.methods.adasam.step` on every row, in place."""
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
        # Squares in float64, so that a small s has its own norm; where s = 0, so is delta, since
        # the ratio is finite.
        if varies(s):
            wide = s.to(torch.float64)
            norm = row_sum(wide * wide).sqrt_()[:, None]
        else:
            norm = torch.linalg.vector_norm(s, 2, 1, True, dtype=torch.float64)
        ratio = torch.div(self.state["rho"], norm.clamp_(min=LEAST_NORM))
        if self.dtype == torch.float64:
            self.reach.copy_(ratio.clamp_(max=self.largest_reach))
            torch.addcmul(x, s, self.reach, out=self.a)
            return
        # A ratio beyond float32, which has smaller s: the largest number it holds goes into s. Else
        # 1 does, which leaves every bit as it is.
        self.lift.copy_(ratio > self.largest_reach).mul_(self.largest_reach).add_(1)
        self.reach.copy_(ratio.div_(self.lift).clamp_(max=self.largest_reach))
        torch.mul(s, self.lift, out=self.a)
        torch.addcmul(x, self.a, self.reach, out=self.a)

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
