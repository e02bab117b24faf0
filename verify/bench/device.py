"""What is timed on a GPU: its engines beside JAX there and the numba engine on all CPU cores."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from simulators.engines.triton_gpu import separable as gpu_triton
from verify.bench import issue
from verify.bench.contenders import CONTENDERS, Run, engine, simulated
from verify.bench.measure import Entry
from verify.bench.setting import Setting


@dataclass(frozen=True)
class DeviceSizes:
    """How much is timed on a GPU.

    Attributes
    ----------
    d, b, R, T : tuple of int
        The values that the cases of these names go through; elsewhere d = 10 and b = 16.
    fills : int
        Numbers of a state [R, d] that fill a GPU: where d varies, R is this over d.
    dtypes : tuple of str
        Of the cases d and b.
    runs : int
        R where b or T varies.
    rounds : int
        Timings of each entry.
    seconds : float
        About how long a timing takes.
    fewest : int
        Steps of a run that must be timed at least.
    steps : int or None
        T in the cases d, b and R; chosen by ``seconds`` if None.
    """

    d: tuple[int, ...] = (1, 10, 100, 1000)
    b: tuple[int, ...] = (1, 16, 65536)
    R: tuple[int, ...] = tuple(2**k for k in range(10, 21, 2))
    T: tuple[int, ...] = (1_000, 10_000, 100_000)
    fills: int = 2**22
    dtypes: tuple[str, ...] = ("float32", "float64")
    runs: int = 2**16
    rounds: int = 3
    seconds: float = 0.15
    fewest: int = 512
    steps: int | None = None


FULL = DeviceSizes()
QUICK = DeviceSizes(
    d=(10, 100), b=(1, 16), R=(2**10, 2**14, 2**18), T=(1_000, 10_000), rounds=2, seconds=0.1
)
CASES = ("d", "R", "b", "T")


def cases(
    sizes: DeviceSizes, device: str, cores: int, only: Sequence[str] = CASES
) -> dict[str, Callable[[], list[Entry]]]:
    """Return every case's entries, by its name, made when they are called for."""
    made = {"d": _over_d, "R": _over_R, "b": _over_b, "T": _over_T}
    return {f"device, {name}": partial(made[name], sizes, device, cores) for name in only}


def _over_d(sizes: DeviceSizes, device: str, cores: int) -> list[Entry]:
    return [
        entry
        for d in sizes.d
        for dtype in sizes.dtypes
        for entry in _entries(
            sizes, "d", Setting(d=d), max(1, sizes.fills // d), dtype, device, cores
        )
    ]


def _over_R(sizes: DeviceSizes, device: str, cores: int) -> list[Entry]:
    names = ("numba", "torch", "triton")
    return [
        entry
        for R in sizes.R
        for entry in _entries(sizes, "R", Setting(), R, "float32", device, cores, names)
    ]


def _over_b(sizes: DeviceSizes, device: str, cores: int) -> list[Entry]:
    names = ("numba", "torch", "triton", "jax")
    return [
        entry
        for b in sizes.b
        for dtype in sizes.dtypes
        for entry in _entries(sizes, "b", Setting(b=b), sizes.runs, dtype, device, cores, names)
    ]


def _over_T(sizes: DeviceSizes, device: str, cores: int) -> list[Entry]:
    return [
        entry
        for T in sizes.T
        for entry in _entries(
            sizes, "T", Setting(), sizes.runs, "float32", device, cores, ("triton",), T=T
        )
    ]


ENGINES = ("numba", "torch", "torch_eager", "triton", "jax")
"""Who is timed; ``torch_eager`` is the torch engine without CUDA graphs."""


def _entries(
    sizes: DeviceSizes,
    case: str,
    setting: Setting,
    R: int,
    dtype: str,
    device: str,
    cores: int,
    names: Sequence[str] | None = None,
    T: int | None = None,
) -> Iterator[Entry]:
    for name in names or ENGINES:
        if name == "triton" and not _runs_triton(device):
            continue
        if name == "jax" and (CONTENDERS["jax"].missing or setting.b > CONTENDERS["jax"].largest_b):
            continue
        where = "cpu" if name == "numba" else device
        yield Entry(
            {"case": f"device_{case}", "engine": name, "d": setting.d, "b": setting.b,
             "dtype": dtype, "R": R, "device": where},
            threads=cores if name == "numba" else 1,
            make=partial(_maker(name, where), setting, R, dtype),
            per_step=R * setting.d,
            T=T or sizes.steps,
            fewest=sizes.fewest,
        )  # fmt: skip


def _runs_triton(device: str) -> bool:
    interprets = os.environ.get("TRITON_INTERPRET") == "1"
    return gpu_triton.unusable_triton() is None and (device.startswith("cuda") or interprets)


def _maker(name: str, device: str) -> Callable[[Setting, int, str], Run]:
    if name == "jax":
        # JAX would else take three quarters of the card's memory from the engines beside it.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        from verify.bench.peers import jax_scan

        return partial(jax_scan.make, device=device)
    return _eager(device) if name == "torch_eager" else engine(name, device)


def _eager(device: str) -> Callable[[Setting, int, str], Run]:
    """Return the maker of runs on the torch engine that launches every operation by itself."""

    def make(setting: Setting, runs: int, dtype: str) -> Run:
        def run(T: int, seed: int) -> np.ndarray:
            from simulators.engines.torch_any import separable as torch_batched

            usual = torch_batched.WORTH_A_GRAPH
            torch_batched.WORTH_A_GRAPH = T + 1
            try:
                return simulated(setting, runs, dtype, "torch", np.array(T), seed, device)
            finally:
                torch_batched.WORTH_A_GRAPH = usual

        return run

    return make


def card(device: str) -> dict[str, Any]:
    """Return what the issue bound takes of a card: multiprocessors, highest clock in Hz,
    capability; of an H100 by its data sheet where there is no card.
    """
    if not device.startswith("cuda"):
        return dict(issue.H100)
    import torch

    found = torch.cuda.get_device_properties(device)
    asked = ["nvidia-smi", "--query-gpu=clocks.max.sm", "--format=csv,noheader,nounits"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return {
        "multiprocessors": found.multi_processor_count,
        "clock": 1e6 * float(said.splitlines()[torch.device(device).index or 0]),
        "capability": 10 * found.major + found.minor,
    }


def bounds(
    sizes: DeviceSizes, rows: Sequence[Mapping[str, Any]], device: str
) -> list[dict[str, Any]]:
    """Return the issue bound of the Triton kernel for each d and dtype, with the share of it that
    was reached.

    Returns
    -------
    list of dict
        As `verify.bench.issue.bound` returns them, with ``R``, ``measured`` and ``share`` of the
        fastest row, None where none was timed. Empty if Triton is not installed, or interprets.
    """
    if gpu_triton.unusable_triton() or os.environ.get("TRITON_INTERPRET") == "1":
        return []
    on, found = card(device), []
    for d in sizes.d:
        for dtype in sizes.dtypes:
            if d > issue.gpu_triton.largest_d(dtype):
                continue
            setting = Setting(d=d)
            limit = issue.bound(setting, dtype, on)
            mine = [
                row
                for row in rows
                if (row["engine"], row["d"], row["b"], row["dtype"])
                == ("triton", d, setting.b, dtype)
            ]
            best = max(mine, key=lambda row: row["rate"], default={"R": None, "rate": None})
            share = best["rate"] and best["rate"] / limit["rate"]
            found.append(limit | {"R": best["R"], "measured": best["rate"], "share": share})
    return found
