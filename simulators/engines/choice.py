"""Which engine runs a simulation, and why."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from theory.errors import InputError, unknown

ENGINES = ("auto", "numba", "torch", "triton", "reference")

NUMBA_RATE = 2e8
"""Coordinate-steps a second of one thread of the numba engine, by which small batches are told from
large ones: the order that ``adasam bench`` prints for d = 10 in float32 on AMD Zen 3."""

GPU_OPERATIONS = 35
"""Operations that the torch engine launches on a GPU in one step, its share of drawing noise and of
summing among them. Counted, for b = 16: see tests/simulators/test_choice.py."""

GPU_LAUNCH = 2e-6
"""Seconds that a GPU takes at least for one such operation, however small. An estimate from what
is published of launches in a CUDA graph: not measured yet."""


@dataclass(frozen=True)
class Choice:
    """An engine, where it runs, and why it was taken.

    Attributes
    ----------
    engine : str
        ``numba``, ``torch``, ``triton`` or ``reference``.
    device : str
        A torch device, such as ``cpu`` or ``cuda``.
    threads : int
        How many threads the numba engine uses; 1 for the others, which do not ask.
    reason : str
        In a few words.
    """

    engine: str
    device: str
    threads: int
    reason: str

    def __str__(self) -> str:
        several = f", {self.threads} threads" if self.threads > 1 else ""
        return f"engine {self.engine} on {self.device}{several}: {self.reason}"


def choose(
    engine: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    *,
    in_torch: bool = False,
    elements: float | None = None,
    only_rule: str | None = None,
) -> Choice:
    """Return the engine to run on.

    A GPU does one step in no less than `GPU_OPERATIONS` times `GPU_LAUNCH` seconds, however few
    runs there are; ``auto`` leaves a batch that the CPU finishes sooner to numba.

    Parameters
    ----------
    engine : str
        One of `ENGINES`.
    device : str
        ``auto`` (a GPU if torch sees one), ``cpu``, ``cuda`` or another torch device.
    threads : int, optional
        For the numba engine; as many as the process may run on if None.
    in_torch : bool
        Whether the problem is given in torch, as `simulators.custom` problems are: then torch runs
        it, or the reference.
    elements : float, optional
        Numbers of the state [R, d] that one step works on, in the mean over the longest run's
        steps; infinity for a problem whose time on a CPU is not predicted.
    only_rule : str, optional
        The method's name, if it is a rule that no engine but the reference can run.

    Raises
    ------
    InputError
        If one is not known, or they do not go together.
    """
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if threads is not None and threads < 1:
        raise InputError(f"threads = {threads}: give a whole number from 1, or none for all cores.")
    if only_rule is not None and engine not in ("auto", "reference"):
        raise InputError(
            f"engine = {engine!r} cannot run method {only_rule!r}, which is not "
            "Algorithm 1's: use engine reference, or auto."
        )
    if only_rule is not None:
        if device not in ("auto", "cpu"):
            raise InputError(
                f"method {only_rule!r} runs on the reference engine alone, not on device = "
                f"{device!r}: use device cpu."
            )
        reason = "as asked" if engine == "reference" else f"only it runs method {only_rule!r}"
        return Choice("reference", "cpu", 1, reason)
    if in_torch and engine in ("numba", "triton"):
        raise InputError(
            f"engine = {engine!r} cannot run a problem given in torch, whose functions it would "
            "have to compile: use engine torch, or auto."
        )
    if in_torch and engine == "auto":
        return Choice("torch", resolve_device(device), 1, "the problem is given in torch")
    if engine in ("numba", "reference"):
        if device not in ("auto", "cpu"):
            raise InputError(
                f"engine = {engine!r} runs on the CPU, not on device = {device!r}: use engine "
                "torch there, or device cpu."
            )
        return Choice(engine, "cpu", _threads(engine, threads), "as asked")
    if engine == "triton":
        from simulators.engines.triton_gpu.separable import checked_device

        return Choice("triton", checked_device(resolve_device(device)), 1, "as asked")
    if engine == "torch":
        return Choice("torch", resolve_device(device), 1, "as asked")
    if device == "cpu":
        return Choice("numba", "cpu", _threads("numba", threads), "the fastest on a CPU")
    if device == "auto" and not _may_have_gpu():
        return Choice("numba", "cpu", _threads("numba", threads), "no GPU here")
    where = resolve_device(device)
    if where == "cpu":
        reason = "no GPU that torch can use"
        return Choice("numba", "cpu", _threads("numba", threads), reason)
    if device != "auto":
        return Choice("torch", where, 1, "as asked")
    if elements is None:
        return Choice("torch", where, 1, "a GPU is there, for batches that are not too small")
    threads = _threads("numba", threads)
    if elements < smallest_gpu_batch(threads):
        reason = f"a batch of {elements:.3g} numbers is predicted to be faster here than on a GPU"
        return Choice("numba", "cpu", threads, reason)
    return Choice("torch", where, 1, "a GPU is there")


def smallest_gpu_batch(threads: int) -> float:
    """Return how many numbers [R, d] a step must work on to take a GPU longer than its launches
    do, and so many threads of a CPU as long.
    """
    return threads * NUMBA_RATE * GPU_OPERATIONS * GPU_LAUNCH


def _threads(engine: str, threads: int | None) -> int:
    if engine == "reference":
        return 1
    return threads or cores()


def cores() -> int:
    """Return how many processor cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_have_gpu() -> bool:
    """Return False where there is no NVIDIA driver for sure: then torch need not be loaded to ask.

    Loading it takes seconds.
    """
    if not sys.platform.startswith("linux"):
        return sys.platform != "darwin"
    return any(Path(name).exists() for name in ("/dev/nvidiactl", "/dev/dxg"))


def resolve_device(device: str) -> str:
    """Return the torch device that ``device`` stands for; ``auto`` is a GPU if torch sees one.

    Raises
    ------
    InputError
        If torch cannot use it.
    """
    if device == "cpu":
        return "cpu"
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
        if kind not in ("cpu", "cuda"):
            raise RuntimeError(f"{kind} is not supported")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        if len(reason) > 100:
            reason = "torch does not know it"
        raise InputError(
            f"device = {device!r} cannot be used ({reason}): use cpu, cuda or auto."
        ) from None
    return device
