"""`simulate`: from a problem and hyper-parameters to runs."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from simulators import noise
from simulators.problems import SeparableProblem
from simulators.runs import Inputs, Runs
from simulators.update import METHODS
from theory.errors import InputError
from theory.setting import Hyperparameters

ENGINES = ("auto", "numba", "triton", "torch", "reference")
DTYPES = ("float32", "float64")
RECORDS = ("statistics", "trajectory")

SMALLEST_EPS_FLOAT32 = 1e-19
"""Below it eps^2 is no normal float32 number."""

LARGEST_WORKERS = 2**16
"""As many as the noise contract's streams tell apart."""

LARGEST_FLOAT32 = 1e18
"""Above it a square, or a product of two, is near the end of float32."""


def simulate(
    problem: SeparableProblem,
    *,
    gamma: npt.ArrayLike,
    rho: npt.ArrayLike,
    beta1: npt.ArrayLike,
    beta2: npt.ArrayLike,
    eps: npt.ArrayLike,
    b: npt.ArrayLike,
    T: npt.ArrayLike,
    workers: npt.ArrayLike = 1,
    v_init: npt.ArrayLike = 0.0,
    runs: int,
    seed: int,
    method: str = "adasam",
    engine: str = "auto",
    device: str = "auto",
    dtype: Literal["float32", "float64"] | str = "float32",
    record: Literal["statistics", "trajectory"] | str = "statistics",
    common_noise: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Run Algorithm 1, or one of its relatives, on many settings at once.

    Parameters
    ----------
    problem : SeparableProblem
        A certified problem.
    gamma, rho, beta1, beta2, eps, b, T : number or array
        Hyper-parameters; they broadcast, and each element of the broadcast shape, in C order, is
        a cell. gamma and rho in X, eps in F/X.
    workers : integer or array
        How many workers draw a mini-batch of b each, averaged at every step (Remark 3).
    v_init : number or array, unit F^2/X^2
        v_{-1}, which Algorithm 1 leaves open; Theorem 1 needs it to be at most max(G, eps)^2.
    runs : int
        Replicates of each cell.
    seed : int
        Noise depends on (seed, cell, replicate) only.
    method : str
        A name of `METHODS`: ``adasam``, ``amsgrad``, ``sam``, ``sgd``, ``adam_sam``,
        ``local_sam``.
    engine : str
        ``auto`` (torch), ``reference`` (NumPy float64, the oracle), ``torch``, ``numba`` (CPU) or
        ``triton`` (GPU; what its kernel cannot hold runs on torch, on the same GPU).
    device : str
        ``auto`` (a GPU if torch sees one), or a torch device such as ``cpu`` or ``cuda``.
    dtype : str
        Of the iterates: ``float32`` or ``float64``. Statistics are summed in float64 always.
    record : str
        ``statistics``, whose memory does not grow with T, or ``trajectory``: all iterates too.
    common_noise : bool
        Whether all cells share their noise, for paired comparisons.
    progress : callable, optional
        Called now and then with (steps done, steps in all).

    Returns
    -------
    Runs
        (cells * runs) rows, cell by cell.

    Raises
    ------
    InputError
        If an argument is malformed. Settings outside Theorem 1 are run all the same.
    """
    hyper = Hyperparameters(gamma=gamma, rho=rho, beta1=beta1, beta2=beta2, eps=eps, b=b, T=T)
    _choice("method", method, METHODS)
    _choice("engine", engine, ENGINES)
    _choice("dtype", dtype, DTYPES)
    _choice("record", record, RECORDS)
    runs, seed = _whole("runs", runs, 1), _whole("seed", seed, 0)
    if runs >= 2**32:
        raise InputError(f"runs = {runs} exceeds 2^32 - 1, the replicates a cell can have.")
    _check_b(np.asarray(hyper.b))
    workers = _checked_workers(workers)
    v_init = _checked_v_init(v_init)
    for name, largest in (("T", int(np.max(hyper.T))), ("d", problem.d)):
        if largest >= 2**32:
            raise InputError(f"{name} = {largest} exceeds 2^32 - 1, what the noise can count.")
    engine = "torch" if engine == "auto" else engine
    if engine == "reference":
        dtype = "float64"
    if dtype == "float32":
        _check_float32(problem, hyper, v_init)
    inputs = _inputs(problem, method, hyper, workers, v_init, runs, seed, common_noise)
    trajectory = record == "trajectory"
    if engine == "reference":
        from simulators.engines import reference

        return reference.run(
            problem, METHODS[method], inputs, trajectory=trajectory, progress=progress
        )
    if engine == "numba":
        from simulators.engines import cpu_numba

        return cpu_numba.run(
            problem,
            METHODS[method],
            inputs,
            trajectory=trajectory,
            dtype=dtype,
            progress=progress,
        )
    if engine == "triton":
        from simulators.engines import gpu_triton

        return gpu_triton.run(
            problem,
            METHODS[method],
            inputs,
            trajectory=trajectory,
            dtype=dtype,
            device=gpu_triton.checked_device(resolve_device(device)),
            progress=progress,
        )
    from simulators.engines import torch_batched

    return torch_batched.run(
        problem,
        METHODS[method],
        inputs,
        trajectory=trajectory,
        dtype=dtype,
        device=resolve_device(device),
        progress=progress,
    )


def cell_json(problem: SeparableProblem, method: str, cell: dict[str, Any]) -> dict[str, Any]:
    """Return what a cell's noise key is made from: its problem, method and hyper-parameters.

    What is at its default and came later than the first release is left out, so that keys last.
    """
    kept = {name: value for name, value in cell.items() if name != "v_init" or value != 0}
    return {"problem": problem.spec, "method": method, **kept}


def _inputs(
    problem: SeparableProblem,
    method: str,
    hyper: Hyperparameters,
    workers: np.ndarray,
    v_init: np.ndarray,
    runs: int,
    seed: int,
    common_noise: bool,
) -> Inputs:
    names = ("gamma", "rho", "beta1", "beta2", "eps", "b", "T")
    given = {name: np.asarray(getattr(hyper, name)) for name in names}
    given |= {"workers": workers, "v_init": v_init}
    try:
        columns = np.broadcast_arrays(*given.values())
    except ValueError:
        raise InputError(
            f"workers of shape {workers.shape} or v_init of shape {v_init.shape} does not "
            "broadcast with the hyper-parameters: give numbers or arrays of one shape."
        ) from None
    flat = {name: column.ravel() for name, column in zip(given, columns, strict=True)}
    cells = len(flat["T"])
    keys = []
    for index in range(cells):
        cell = {name: column[index].item() for name, column in flat.items()}
        identity = None if common_noise else cell_json(problem, method, cell)
        keys.append(noise.cell_key(seed, identity))
    repeated = {name: np.repeat(column, runs) for name, column in flat.items()}
    return Inputs(
        **repeated,
        cell=np.repeat(np.arange(cells), runs),
        replicate=np.tile(np.arange(runs), cells),
        key=np.repeat(np.array(keys, dtype=np.uint32), runs, axis=0),
    )


def resolve_device(device: str) -> str:
    """Return the torch device that ``device`` stands for; ``auto`` is a GPU if torch sees one.

    Raises
    ------
    InputError
        If torch cannot use it.
    """
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


def _choice(name: str, value: str, known: Any) -> None:
    if value not in known:
        raise InputError(f"{name} = {value!r} is not known: use {', '.join(known)}.")


def _whole(name: str, value: Any, least: int) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise InputError(f"{name} = {value!r}: give a whole number of at least {least}.")
    return int(value)


def _checked_workers(workers: npt.ArrayLike) -> np.ndarray:
    out = np.asarray(workers)
    whole = out.dtype.kind in "iuf" and bool((out == np.floor(out)).all())
    if not whole or (out < 1).any() or (out > LARGEST_WORKERS).any():
        raise InputError(f"workers = {workers!r}: give whole numbers from 1 to {LARGEST_WORKERS}.")
    return out.astype(np.int64)


def _checked_v_init(v_init: npt.ArrayLike) -> np.ndarray:
    try:
        out = np.asarray(v_init, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"v_init = {v_init!r} is not a number.") from None
    if not (np.isfinite(out) & (out >= 0)).all():
        raise InputError(f"v_init = {v_init!r}: give finite numbers from 0.")
    return out + 0.0  # -0.0 is 0


def _check_float32(problem: SeparableProblem, hyper: Hyperparameters, v_init: np.ndarray) -> None:
    smallest = float(np.min(hyper.eps))
    if smallest < SMALLEST_EPS_FLOAT32:
        raise InputError(
            f"eps = {smallest:g} is below {SMALLEST_EPS_FLOAT32:g}: eps^2 is no normal float32 "
            "number. Raise eps or pass dtype float64."
        )
    sizes = {"eps": hyper.eps, "gamma": hyper.gamma, "rho": hyper.rho, "G": problem.G,
             "L": problem.L, "v_init": v_init}  # fmt: skip
    for name, values in sizes.items():
        largest = float(np.max(values))
        if largest > LARGEST_FLOAT32:
            raise InputError(
                f"{name} = {largest:g} is above {LARGEST_FLOAT32:g}: squares and products would "
                "leave float32. Rescale the problem or pass dtype float64."
            )


def _check_b(b: np.ndarray) -> None:
    largest = int(b.max())
    if largest > noise.LARGEST_B:
        raise InputError(
            f"b = {largest} exceeds {noise.LARGEST_B}, the largest batch size that noise is "
            "certified for: lower b."
        )
