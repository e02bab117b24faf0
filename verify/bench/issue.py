"""How fast the Triton kernel can be at most: its instructions, counted in the compiled code.

A multiprocessor issues four instructions a clock, each for a warp's 32 lanes. Hence no kernel does
more coordinate-steps a second than

    multiprocessors * clock * 4 * (coordinates of a warp) / (instructions of a step),

the *issue bound*; latency, and units narrower than a warp, keep it below. The kernel is compiled
ahead of time, so the bound needs no GPU. It is computed, not measured.

A step's instructions are those of the main loop's usual way: a branch that skips a slow division,
a checkpoint or the table of a batch size above 64 is taken; the Philox block counts once for the
steps that it serves.
"""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulators import noise, simulate
from simulators.engines.triton_gpu import separable as gpu_triton
from simulators.methods.adasam import SWITCHES
from verify.bench.setting import Setting

ISSUES = 4
"""Instructions that a multiprocessor issues a clock, one from each of its schedulers."""

H100 = {"multiprocessors": 132, "clock": 1.98e9, "capability": 90}
"""Of an H100 SXM, from its data sheet: its highest clock, in Hz."""

POINTERS = {"float32": "*fp32", "float64": "*fp64", "int32": "*i32"}

PHILOX = ("0x326172a9", "0x2daee0ad", "0xcd9e8d57", "0xd2511f53")
"""The multipliers of Philox4x32, as the disassembler may write them."""

LINE = re.compile(r"/\*([0-9a-f]{4,})\*/\s+((?:@!?U?P\w+\s+)?)([A-Z][A-Z0-9_.]*)([^;]*);")


@dataclass(frozen=True)
class Instruction:
    """One line of a disassembly: where it stands, its name, operands, and whether it may not run"""

    at: int
    name: str
    operands: str
    conditional: bool

    @property
    def target(self) -> int | None:
        """Where a branch goes."""
        found = re.findall(r"0x([0-9a-f]+)", self.operands)
        return int(found[-1], 16) if self.name == "BRA" and found else None


def compiled(
    setting: Setting,
    dtype: str,
    capability: int = 90,
    *,
    problem: Any = None,
    shape: gpu_triton.Shape | None = None,
    workers: int = 1,
) -> tuple[Any, gpu_triton.Shape]:
    """Return what the engine would launch for such runs on a card of this compute capability.

    Parameters
    ----------
    setting : Setting
    dtype : str
    capability : int
        80 for sm_80, 90 for sm_90.
    problem : SeparableProblem, optional
        In place of the setting's.
    shape : Shape, optional
        In place of the engine's own.
    workers : int

    Returns
    -------
    kernel : triton.compiler.CompiledKernel
    shape : Shape
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from simulators.engines.triton_gpu import kernel as triton_kernel

    problem = problem or setting.problem
    inputs = simulate(
        problem, gamma=setting.gamma, rho=setting.rho, beta1=setting.beta1, beta2=setting.beta2,
        eps=setting.eps, b=setting.b, T=1, workers=workers, runs=1, seed=0, engine="reference",
    ).inputs  # fmt: skip
    shape = shape or gpu_triton.shape_for(problem.d, dtype)
    (blocks,) = gpu_triton._batches(inputs, shape.R, 1000)
    batch = gpu_triton._Batch(
        problem,
        SWITCHES[setting.method],
        inputs,
        blocks,
        shape,
        False,
        np.dtype(dtype),
        "cpu",
    )
    signature = {name: POINTERS[str(a.dtype)] for name, a in batch._arrays().items()}
    signature |= dict.fromkeys(("start", "stop", "lanes", "columns", "workers"), "i32")
    signature |= dict.fromkeys(batch.switches, "constexpr")
    return triton.compile(
        ASTSource(triton_kernel.run_steps, signature=signature, constexprs=batch.switches),
        target=GPUTarget("cuda", capability, 32),
        options=gpu_triton.OPTIONS | {"num_warps": shape.warps},
    ), shape


def disassembled(kernel: Any, *options: str) -> str:
    """Return what cuobjdump, which Triton brings along, prints of a compiled kernel."""
    from triton import knobs

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel.cubin")
        path.write_bytes(kernel.asm["cubin"])
        return subprocess.run(
            [knobs.nvidia.cuobjdump.path, *options, str(path)],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip


def usage(kernel: Any) -> dict[str, int]:
    """Return how much a compiled kernel takes of each resource: REG, STACK, LOCAL, SHARED."""
    text = disassembled(kernel, "-res-usage")
    return {name: int(value) for name, value in re.findall(r"\b([A-Z]+):(\d+)", text)}


def parsed(text: str) -> list[Instruction]:
    """Return a disassembly's instructions, in their order."""
    return [
        Instruction(int(at, 16), name.split(".")[0], rest, bool(condition))
        for at, condition, name, rest in LINE.findall(text)
    ]


def counted(code: Sequence[Instruction]) -> tuple[int, int]:
    """Return how many instructions a usual step takes, and how many a Philox block does.

    Raises
    ------
    ValueError
        If there is no loop.
    """
    places = {one.at: number for number, one in enumerate(code)}
    loops = [
        (places[one.target], number)
        for number, one in enumerate(code)
        if one.target is not None and one.target < one.at and one.target in places
    ]
    if not loops:
        raise ValueError("the code has no loop")
    first, last = max(loops, key=lambda loop: loop[1] - loop[0])
    step = philox = 0
    number = first
    while number <= last:
        one = code[number]
        step += 1
        target = one.target
        if target is None or target <= one.at or target not in places:
            number += 1
            continue
        skipped = code[number + 1 : places[target]]
        if one.conditional and _is_philox(skipped):
            philox += len(skipped)
        elif one.conditional and not _is_rare(skipped):
            number += 1
            continue
        number = places[target]
    return step, philox


def _is_philox(code: Sequence[Instruction]) -> bool:
    return sum(any(word in one.operands for word in PHILOX) for one in code) >= 10


def _is_rare(code: Sequence[Instruction]) -> bool:
    """Say whether a region is a slow path, a checkpoint or a search."""
    return any(
        one.name in ("CALL", "STG") or (one.target is not None and one.target < one.at)
        for one in code
    )


def bound(setting: Setting, dtype: str, card: dict[str, Any] = H100) -> dict[str, Any]:
    """Return the issue bound of the engine's kernel at a setting, with b of at most 64.

    Returns
    -------
    dict
        ``d``, ``b``, ``dtype``, ``registers``, ``spills`` (bytes a lane), ``instructions`` (of a
        warp, for a coordinate-step of each lane's share), and ``rate``, the issue bound in
        coordinate-steps a second on the card.
    """
    kernel, shape = compiled(setting, dtype, card["capability"])
    resources = usage(kernel)
    step, philox = counted(parsed(disassembled(kernel, "-sass")))
    each = step + philox / noise.steps_per_block(setting.b)
    coordinates = shape.R * setting.d / shape.warps  # of a warp
    return {
        "d": setting.d,
        "b": setting.b,
        "dtype": dtype,
        "registers": resources["REG"],
        "spills": resources["STACK"] + resources["LOCAL"],
        "instructions": round(32 * each / coordinates, 1),
        "rate": card["multiprocessors"] * card["clock"] * ISSUES * coordinates / each,
    }
