"""Which engine runs a simulation, and why."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from theory.errors import InputError, unknown

ENGINES = ("auto", "numba", "torch", "triton", "reference")


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
) -> Choice:
    """Return the engine to run on.

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

    Raises
    ------
    InputError
        If one is not known, or they do not go together.
    """
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if threads is not None and threads < 1:
        raise InputError(f"threads = {threads}: give a whole number from 1, or none for all cores.")
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
        from simulators.engines.gpu_triton import checked_device

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
    return Choice("torch", where, 1, "a GPU is there" if device == "auto" else "as asked")


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
