"""The Triton engine: all steps of a run inside one kernel, its state in a GPU's registers.

Python plans the blocks (equal b and workers, like T) and launches; the loops are in
`simulators.engines.triton_gpu.kernel`. A run's bits do not depend on the grid, the block, the batch
or the launch around it. A run's coordinates are spread over as many lanes as leave `PARTS` of them
to each, so that no kernel spills registers; what the kernel cannot hold runs on the torch engine
on the same device, and the log says why.

Without a GPU, Triton's interpreter runs the kernel on the CPU, slowly, if the variable
TRITON_INTERPRET is 1 when Triton is imported.
"""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from simulators import noise
from simulators.engines.schedule import checkpoint_schedules
from simulators.engines.torch_any import separable as torch_batched
from simulators.methods import Switches
from simulators.problems import SeparableProblem
from simulators.runs import CHECKPOINTS, Inputs, Runs
from theory.errors import InputError

LOG = logging.getLogger(__name__)

OLDEST_TRITON = (3, 6)
"""The oldest version that the kernel has been compiled with."""

PARTS = {"float32": 4, "float64": 2}
"""Most coordinates in a lane: with twice as many, some kernels spill registers."""

LANES = 256
"""Most lanes of a program: a lane may need all 255 registers that it can have, and a
multiprocessor has 65536."""

NEVER = 2**31 - 1
"""A checkpoint that no run reaches."""

OPTIONS: dict[str, Any] = {"enable_fp_fusion": False, "maxnreg": 255}
"""How the kernel is compiled: a fused product and sum would round once, not twice as on a CPU; and
without a limit of its own the assembler spills a few registers to fit more programs."""

WARP = 32

SEGMENT = 2**14
"""Most steps of a launch: between launches an interrupt is heard and progress told."""

MOST_RUNS = 2**18
"""Most runs of a batch: so that indices fit in 31 bits."""

INTERPRETER_MEMORY = 2**30
"""Bytes that a batch may take where no GPU says how many it has."""


@dataclass(frozen=True)
class Shape:
    """How runs lie in a program.

    Attributes
    ----------
    R : int
        Runs.
    C : int
        Lanes that a run is spread over, a power of two.
    parts : int
        Coordinates in a lane.
    warps : int
    """

    R: int
    C: int
    parts: int
    warps: int


def largest_d(dtype: str) -> int:
    """Return the largest d that the kernel keeps in registers."""
    return LANES * PARTS[dtype]


def shape_for(d: int, dtype: str) -> Shape:
    """Return how runs of d coordinates lie in a program. Their bits depend on it, hence it on
    nothing else.
    """
    C = 1
    while C * PARTS[dtype] < d:
        C *= 2
    return Shape(R=max(1, WARP // C), C=C, parts=-(-d // C), warps=max(1, C // WARP))


def unsuited(problem: SeparableProblem, inputs: Inputs, dtype: str) -> str | None:
    """Return why the torch engine must run these, or None if the kernel can."""
    if problem.Q is not None:
        return "the problem is rotated, and the kernel keeps no matrix in registers"
    if problem.d > largest_d(dtype):
        return f"d = {problem.d} exceeds {largest_d(dtype)}, what fits in registers in {dtype}"
    longest = int(inputs.T.max())
    if longest >= NEVER:
        return f"T = {longest} exceeds 2^31 - 2, what the kernel counts"
    return None


def unusable_triton() -> str | None:
    """Return why the installed Triton cannot be used, or None if it can."""
    try:
        import triton
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "triton":
            raise
        return "which is not installed"
    if tuple(map(int, triton.__version__.split(".")[:2])) < OLDEST_TRITON:
        oldest = ".".join(map(str, OLDEST_TRITON))
        return f"version {oldest} or later, and {triton.__version__} is installed"
    return None


def checked_device(device: str) -> str:
    """Return the device, as `simulators.engines.choice.resolve_device` gives it.

    Raises
    ------
    InputError
        If Triton is missing or too old, or the device is no GPU and Triton does not interpret.
    """
    reason = unusable_triton()
    if reason is not None:
        raise InputError(
            f"engine = 'triton' needs the package triton, {reason}: install the extra gpu (Linux "
            "on x86-64), or use engine numba or torch."
        )
    from simulators.engines.triton_gpu.kernel import INTERPRETED

    if not device.startswith("cuda") and not INTERPRETED:
        raise InputError(
            f"engine = 'triton' needs a CUDA GPU, and device is {device!r}: use engine numba or "
            "torch, or set TRITON_INTERPRET=1 to have the kernel interpreted, slowly."
        )
    return device


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
    reason = unsuited(problem, inputs, dtype)
    if reason is not None:
        LOG.warning("engine triton hands over to torch on %s: %s.", device, reason)
        return torch_batched.run(
            problem, method, inputs, trajectory=trajectory, dtype=dtype, device=device,
            progress=progress,
        )  # fmt: skip
    R, d = len(inputs), problem.d
    schedules, schedule = checkpoint_schedules(inputs.T)
    longest, most = int(inputs.T.max()), int(inputs.workers.max())
    out = {
        "curves": np.full((3, R, schedules.shape[1]), np.nan),
        "finals": np.zeros((4, R)),
        "x": np.full((R, longest + 1 if trajectory else 1, d), np.nan),
        "heads": np.full((R, longest if trajectory else 0, most, d), -1, dtype=np.int32),
    }
    out["x"][:, 0] = problem.x0
    shape = shape_for(d, dtype)
    batches = [
        _Batch(problem, method, inputs, blocks, shape, trajectory, np.dtype(dtype), device)
        for blocks in _batches(inputs, shape.R, _room(shape, d, inputs, trajectory, device))
    ]
    every, done = sum(batch.longest for batch in batches), 0
    for batch in batches:
        batch.run(None if progress is None else _shifted(progress, done, every))
        batch.collect(out)
        done += batch.longest
    curves, step = out["curves"], schedules[schedule]
    if not method.adapts:
        floor = np.square(inputs.eps.astype(dtype)).astype(np.float64)
        curves[1] = curves[0] / np.sqrt(floor)[:, None]
    l1, l2, adaptive, largest = out["finals"]
    return Runs(
        inputs=inputs,
        step=step,
        mean_grad_norm2=curves[0] / step,
        mean_weighted_grad_norm2=curves[1] / step,
        objective=curves[2],
        eta_variation_l1=l1,
        eta_variation_l2=l2,
        adaptive_share=adaptive / (d * inputs.T),
        max_abs_gradient=largest,
        x=out["x"] if trajectory else out["x"][:, 0],
        heads=None if not trajectory else out["heads"] if most > 1 else out["heads"][:, :, 0],
    )


def _shifted(progress: Callable[[int, int], None], done: int, every: int) -> Callable[[int], None]:
    return lambda step: progress(done + step, every)


def _room(shape: Shape, d: int, inputs: Inputs, trajectory: bool, device: str) -> int:
    """Return how many runs a batch may hold: they take half of the free memory."""
    each = 8 * (5 * shape.parts * shape.C + 8 * shape.C + 4 * CHECKPOINTS + d)
    if trajectory:
        each += int(inputs.T.max()) * d * (8 + 4 * int(inputs.workers.max()))
    where = torch.device(device)
    free = torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else INTERPRETER_MEMORY
    return min(MOST_RUNS, free // 2 // each)


def _batches(inputs: Inputs, R: int, room: int) -> list[np.ndarray]:
    """Return the batches, each of N blocks, (N, R): which run is in each place, -1 for none.

    Runs of a block have equal b and workers; the longest come first. Runs of several workers do
    not share a batch with others, for their kernel is another.
    """
    parts: dict[bool, list[np.ndarray]] = {False: [], True: []}
    for workers, b in np.unique(np.stack([inputs.workers, inputs.b]), axis=1).T.tolist():
        mine = np.flatnonzero((inputs.workers == workers) & (inputs.b == b))
        mine = mine[np.argsort(-inputs.T[mine], kind="stable")]
        filled = np.concatenate([mine, np.full(-len(mine) % R, -1)])
        parts[workers > 1].append(filled.reshape(-1, R))
    batches = []
    for part in filter(None, parts.values()):
        blocks = np.concatenate(part)
        blocks = blocks[np.argsort(-inputs.T[blocks[:, 0]], kind="stable")]
        size = max(1, room // R)
        batches += [blocks[first : first + size] for first in range(0, len(blocks), size)]
    return batches


class _Batch:
    """Blocks that are launched together, and what they need on the device."""

    def __init__(
        self,
        problem: SeparableProblem,
        method: Switches,
        inputs: Inputs,
        blocks: np.ndarray,
        shape: Shape,
        trajectory: bool,
        dtype: np.dtype,
        device: str,
    ) -> None:
        self.problem, self.dtype, self.device = problem, dtype, device
        self.shape, self.trajectory = shape, trajectory
        self.runs = blocks.ravel()
        # A place without a run repeats its block's first, unrecorded.
        self.inputs = inputs.take(np.where(blocks < 0, blocks[:, :1], blocks).ravel())
        self.first = self.inputs.take(np.arange(0, len(self.runs), self.shape.R))
        self.longest, self.workers = int(self.first.T.max()), int(self.first.workers.max())
        self.switches: dict[str, Any] = {
            "D": problem.d,
            "R": self.shape.R,
            "C": self.shape.C,
            "PARTS": self.shape.parts,
            "PROFILE": problem.profile.name,
            "SHIFTS": problem.noise == "shift",
            "SPECTRUM": np.ndim(problem.B) > 0,
            "PERTURBS": method.perturbs,
            "ADAPTS": method.adapts,
            "KEEPS_MAX": method.keeps_max,
            "IS_LOCAL": method.is_local and self.workers > 1,
            "MANY": self.workers > 1,
            "TRAJECTORY": trajectory,
        }
        self._plan_checkpoints()

    def _plan_checkpoints(self) -> None:
        """Number the schedules, the last of which has no checkpoint, and make their steps unique:
        ``column`` says which of them each checkpoint is.
        """
        schedules, number = checkpoint_schedules(self.inputs.T)
        unique = [np.unique(schedule) for schedule in schedules]
        self.column = np.stack(list(map(np.searchsorted, unique, schedules)))
        shape = (len(unique) + 1, max(map(len, unique)) + 1)
        self.checkpoints = np.full(shape, NEVER, dtype=np.int32)
        for row, steps in enumerate(unique):
            self.checkpoints[row, : len(steps)] = steps
        self.number = np.where(self.runs >= 0, number, len(unique))

    def run(self, progress: Callable[[int], None] | None) -> None:
        """Do all steps."""
        from simulators.engines.triton_gpu import kernel

        arrays = self._arrays()
        self.tensors = {
            name: torch.tensor(values, device=self.device) for name, values in arrays.items()
        }
        is_gpu = self.device.startswith("cuda")
        same: dict[str, Any] = {
            **self.tensors, **self.switches, **OPTIONS, "num_warps": self.shape.warps,
            "lanes": len(self.runs), "columns": self.checkpoints.shape[1], "workers": self.workers,
        }  # fmt: skip
        with torch.cuda.device(self.device) if is_gpu else nullcontext():
            for start in range(0, self.longest, SEGMENT):
                stop = min(start + SEGMENT, self.longest)
                blocks = int((start < self.first.T).sum())  # the longest come first
                kernel.run_steps[(blocks,)](**same, start=start, stop=stop)
                if is_gpu:
                    torch.cuda.synchronize(self.device)
                if progress is not None:
                    progress(stop)

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return the kernel's arrays by name; see `triton_kernel.run_steps`."""
        from simulators.engines.triton_gpu import kernel

        problem, inputs, real = self.problem, self.inputs, self.dtype
        d, places, lanes = problem.d, self.shape.parts * self.shape.C, len(self.runs)
        floor = np.square(inputs.eps.astype(real))
        hyper = (
            -inputs.gamma, inputs.beta1, 1 - inputs.beta1, inputs.beta2, 1 - inputs.beta2, floor,
            1 / np.sqrt(floor),
        )  # fmt: skip
        steps = np.where(self.runs >= 0, inputs.T, 0)
        noise_size = problem.noise_size if problem.noise == "additive" else 1.0
        together = 1 if self.switches["IS_LOCAL"] else self.first.workers
        settings, tables = self._settings()
        state = np.zeros((kernel.STATE.value, places, lanes), dtype=real)
        state[kernel.X.value] = _padded(problem.x0, d, places, 0.0)[:, None]
        state[kernel.V.value, :d] = inputs.v_init
        state[kernel.V_HAT.value] = floor
        T = self.longest if self.trajectory else 0
        return {
            "settings": settings,
            "scales": (noise_size / (self.first.b * together)).astype(real),
            "hyper": np.stack(hyper).astype(real),
            "rho": inputs.rho,
            "whole": np.stack([
                *_signed(inputs.key.T), _signed(inputs.replicate), self.number, steps, 0 * steps,
            ]).astype(np.int32),
            "schedule": self.checkpoints,
            "numbers": np.array([problem.H, problem.shift, np.finfo(real).max], dtype=real),
            "inverse": _padded(1 / np.asarray(problem.B), d, places, 1.0).astype(real),
            "shift64": np.array([problem.shift]),
            "width": _padded(problem.B, d, places, 1.0),
            "height": _padded(problem.A, d, places, 0.0),
            "tables": tables,
            "state": state,
            "sums": np.zeros((kernel.SUMS.value, self.shape.C, lanes)),
            "curves": np.zeros((kernel.CURVES.value, self.checkpoints.shape[1], lanes)),
            "finals": np.zeros((kernel.FINALS.value, lanes)),
            "ends": np.zeros((d, lanes)),
            "path": np.full((T, d, lanes), np.nan),
            "heads": np.full((T, self.workers, d, lanes), -1, dtype=np.int32),
        }  # fmt: skip

    def _settings(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the blocks' switches and the tables of the binomial law that they point to."""
        first = self.first
        tables, places, sizes = [np.zeros(1, dtype=np.int64)], {}, {}
        for b in np.unique(first.b[first.b > 64]).tolist():
            known = noise.magnitude_table(b)
            sizes[b], places[b] = len(known).bit_length(), sum(map(len, tables))
            # Filled up with what no 31 bits reach, so that a search needs no check.
            tables.append(np.append(known, [2**31] * (2 ** sizes[b] - 1 - len(known))))
        settings = [
            (
                b,
                workers,
                noise.steps_per_block(b).bit_length() - 1,
                (1 << min(b, 32)) - 1,
                (1 << min(max(b - 32, 0), 32)) - 1,
                places.get(b, 0),
                sizes.get(b, 0),
                T,
                number * self.shape.R,
            )
            for number, (b, workers, T) in enumerate(
                zip(first.b.tolist(), first.workers.tolist(), first.T.tolist(), strict=True)
            )
        ]
        return _signed(np.array(settings)), _signed(np.concatenate(tables))

    def collect(self, out: dict[str, np.ndarray]) -> None:
        """Put what was measured into the runs' rows of ``out``; free the device's memory."""
        places = np.flatnonzero(self.runs >= 0)
        index = torch.tensor(places, device=self.device)
        found = {
            name: self.tensors[name].index_select(-1, index).cpu().numpy()
            for name in ("curves", "finals", "ends", "path", "heads")
        }
        del self.tensors
        runs, number = self.runs[places], self.number[places]
        each = np.arange(len(runs))[:, None]
        out["curves"][:, runs] = found["curves"][:, self.column[number], each]
        out["finals"][:, runs] = found["finals"]
        if self.trajectory:
            # Runs first; steps beyond a run's own were never written.
            out["x"][runs, 1 : self.longest + 1] = np.moveaxis(found["path"], -1, 0)
            out["heads"][runs, : self.longest, : self.workers] = np.moveaxis(found["heads"], -1, 0)
        else:
            out["x"][runs, 0] = found["ends"].T


def _padded(values: Any, d: int, places: int, fill: float) -> np.ndarray:
    """Return the values of d coordinates, or one for all, with ``fill`` behind them."""
    full = np.full(places, fill)
    full[:d] = values
    return full


def _signed(values: np.ndarray) -> np.ndarray:
    """Return whole numbers below 2^32 as the int32 of the same bits."""
    return values.astype(np.uint32).view(np.int32)
