"""`simulate`: from a problem and hyper-parameters to runs."""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from simulators import noise
from simulators.engines import strata
from simulators.engines.choice import Choice, choose
from simulators.estimate import CURE, memory
from simulators.memory import check_room
from simulators.methods import METHODS, Method
from simulators.problems import Custom, FiniteSum, Problem, SampledProblem
from simulators.runs import Inputs, Runs
from theory.errors import InputError, unknown
from theory.setting import Hyperparameters

DTYPES = ("float32", "float64")
RECORDS = ("statistics", "trajectory")

SMALLEST_EPS = {"float32": 1e-19, "float64": 1.5e-154}
"""Below it eps^2 is no normal number of the dtype."""

LARGEST_RUNS = 2**32 - 1
"""As many replicates as the noise contract tells apart."""

LARGEST_WORKERS = 2**16
"""As many as the noise contract's streams tell apart."""

MOST_SAMPLES = 2**24
"""Most samples a step of a finite sum draws, n b in all: their indices are kept."""

LARGEST = {"float32": 1e18, "float64": 1e153}
"""Above it a square, or a product of two, is near the end of the dtype."""


def simulate(
    problem: Problem,
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
    first: int = 0,
    method: str = "adasam",
    engine: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    dtype: Literal["float32", "float64"] | str = "float32",
    record: Literal["statistics", "trajectory"] | str = "statistics",
    common_noise: bool = False,
    gradient_share: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Runs:
    """Run Algorithm 1, or one of its relatives, on many settings at once.

    Parameters
    ----------
    problem : SeparableProblem, FiniteSum or Custom
        A certified problem, or one of your own.
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
    first : int
        Number of the first replicate: runs from n on extend those before, bit for bit
        (`Runs.joined`).
    method : str
        A name of `METHODS`: ``adasam``, ``amsgrad``, ``sam``, ``sgd``, ``adam_sam``,
        ``local_sam``.
    engine : str
        ``numba`` (compiled for this processor), ``torch`` (any device), ``triton`` (GPU; what its
        kernel cannot hold runs on torch, on the same GPU), ``reference`` (NumPy float64, the
        oracle) or ``auto``: torch for a problem given in torch and on a GPU, unless the batch is
        so small that numba is predicted to be faster; else numba
        (`simulators.engines.choice.choose`).
    device : str
        ``auto`` (a GPU if torch sees one), or a torch device such as ``cpu`` or ``cuda``.
    threads : int, optional
        Of the numba engine; as many as the process may run on if None. Results do not depend on
        it.
    dtype : str
        Of the iterates: ``float32`` or ``float64``; the reference engine's are float64 always.
        Statistics are summed in float64 always.
    record : str
        ``statistics``, whose memory does not grow with T, or ``trajectory``: all iterates too.
    common_noise : bool
        Whether all cells share their noise, for paired comparisons.
    gradient_share : float, optional
        Of a finite sum or a custom problem: the share of the steps whose true gradient is evaluated
        for the running means, besides step 0 and the checkpoints; 1/64 if nothing is said, 1 for
        every step. It changes no iterate (`simulators.engines.strata`).
    progress : callable, optional
        Called now and then with (steps done, steps in all).
    say : callable, optional
        Called once, before the first step, with the engine that runs and why.

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
    _choice("dtype", dtype, DTYPES)
    _choice("record", record, RECORDS)
    runs, seed = _whole("runs", runs, 1), _whole("seed", seed, 0)
    first = _whole("first", first, 0)
    if first + runs > LARGEST_RUNS:
        count = f"runs = {runs}" if first == 0 else f"first + runs = {first + runs}"
        raise InputError(f"{count} exceeds 2^32 - 1, the replicates a cell can have.")
    _check_b(np.asarray(hyper.b))
    workers = _checked_workers(workers)
    v_init = _checked_v_init(v_init)
    for name, largest in (("T", int(np.max(hyper.T))), ("d", problem.d)):
        if largest >= 2**32:
            raise InputError(f"{name} = {largest} exceeds 2^32 - 1, what the noise can count.")
    stretch = _stretch(problem, gradient_share)
    if isinstance(problem, SampledProblem):
        _check_samples(hyper, workers, max(1, problem.uniforms))
    trajectory = record == "trajectory"
    inputs = _inputs(
        problem, method, hyper, workers, v_init, np.arange(first, first + runs), seed,
        common_noise, trajectory,
    )  # fmt: skip
    choice = choose(
        engine, device, threads, in_torch=isinstance(problem, Custom),
        elements=_elements(problem, inputs),
        only_rule=None if METHODS[method].switches else method,
    )  # fmt: skip
    told = str(choice)
    if choice.engine == "reference" and dtype != "float64":
        dtype, told = "float64", f"{told}; it computes in float64"
    _check_dtype(problem, hyper, v_init, dtype)
    if say is not None:
        say(told)
    return _run(
        choice, problem, METHODS[method], inputs, trajectory=trajectory, dtype=dtype,
        stretch=stretch, progress=progress,
    )  # fmt: skip


def _run(
    choice: Choice,
    problem: Problem,
    method: Method,
    inputs: Inputs,
    *,
    trajectory: bool,
    dtype: str,
    stretch: int,
    progress: Callable[[int, int], None] | None,
) -> Runs:
    """Run every row of ``inputs`` on the engine chosen."""
    if choice.engine == "reference":
        from simulators.engines import reference

        with np.errstate(over="ignore", invalid="ignore"):  # as in the others, where runs diverge
            return reference.run(
                problem, method, inputs, trajectory=trajectory, stretch=stretch, progress=progress
            )
    switches = method.switches
    assert switches is not None  # or `choose` took the reference
    if isinstance(problem, FiniteSum) and choice.engine == "numba":
        from simulators.engines.numba_cpu import samples as cpu_samples

        return cpu_samples.run(
            problem, switches, inputs, trajectory=trajectory, dtype=dtype, stretch=stretch,
            threads=choice.threads, progress=progress,
        )  # fmt: skip
    if isinstance(problem, FiniteSum) and choice.engine == "triton":
        raise InputError(
            "engine = 'triton' has no kernel for finite sums: use engine torch on the GPU, or "
            "numba on the CPU."
        )
    if isinstance(problem, SampledProblem):
        from simulators.engines.torch_any import samples as torch_samples

        given = torch_samples.Finite(problem) if isinstance(problem, FiniteSum) else problem.torch()
        return torch_samples.run(
            given, switches, inputs, trajectory=trajectory, dtype=dtype,
            stretch=stretch, device=choice.device, progress=progress,
        )  # fmt: skip
    if choice.engine == "numba":
        from simulators.engines.numba_cpu import separable as cpu_numba

        return cpu_numba.run(
            problem, switches, inputs, trajectory=trajectory, dtype=dtype, threads=choice.threads,
            progress=progress,
        )  # fmt: skip
    if choice.engine == "triton":
        from simulators.engines.triton_gpu import separable as gpu_triton

        return gpu_triton.run(
            problem, switches, inputs, trajectory=trajectory, dtype=dtype, device=choice.device,
            progress=progress,
        )  # fmt: skip
    from simulators.engines.torch_any import separable as torch_batched

    return torch_batched.run(
        problem, switches, inputs, trajectory=trajectory, dtype=dtype, device=choice.device,
        progress=progress,
    )  # fmt: skip


def cell_json(problem: Problem, method: str, cell: dict[str, Any]) -> dict[str, Any]:
    """Return what a cell's noise key is made from: its problem, method and hyper-parameters.

    What is at its default and came later than the first release is left out, so that keys last.
    """
    kept = {name: value for name, value in cell.items() if name != "v_init" or value != 0}
    return {"problem": problem.spec, "method": method, **kept}


def _inputs(
    problem: Problem,
    method: str,
    hyper: Hyperparameters,
    workers: np.ndarray,
    v_init: np.ndarray,
    replicates: npt.ArrayLike,
    seed: int,
    common_noise: bool,
    trajectory: bool = False,
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
    cells, runs = columns[0].size, np.size(replicates)
    largest = {name: float(np.max(given[name])) for name in ("T", "workers", "b")}
    check_room(
        memory(problem, cells, runs, largest if trajectory else None),
        f"{cells} cell"
        + ("s" if cells > 1 else "")
        + f" of {runs} run"
        + ("s" if runs > 1 else ""),
        CURE,
    )
    flat = {name: column.ravel() for name, column in zip(given, columns, strict=True)}
    keys = []
    for index in range(cells):
        cell = {name: column[index].item() for name, column in flat.items()}
        identity = None if common_noise else cell_json(problem, method, cell)
        keys.append(noise.cell_key(seed, identity))
    repeated = {name: np.repeat(column, runs) for name, column in flat.items()}
    return Inputs(
        **repeated,
        cell=np.repeat(np.arange(cells), runs),
        replicate=np.tile(replicates, cells),
        key=np.repeat(np.array(keys, dtype=np.uint32), runs, axis=0),
    )


def _elements(problem: Problem, inputs: Inputs) -> float:
    """Return the ``elements`` that `choose` asks for."""
    if isinstance(problem, SampledProblem):
        return math.inf
    return float(inputs.T.sum() / inputs.T.max() * problem.d)


def _stretch(problem: Problem, share: float | None) -> int:
    """Return how many steps one with a full gradient stands for."""
    if share is None:
        return strata.length(strata.DEFAULT_SHARE) if isinstance(problem, SampledProblem) else 1
    if not isinstance(problem, SampledProblem):
        raise InputError(
            f"gradient_share = {share!r} is for sums over samples: this problem's true gradient "
            "comes free at every step. Drop it."
        )
    if isinstance(share, bool) or not isinstance(share, int | float) or not 1e-9 <= share <= 1:
        raise InputError(f"gradient_share = {share!r}: give a number from 1e-9 to 1.")
    return strata.length(share)


def _check_samples(hyper: Hyperparameters, workers: np.ndarray, numbers: int) -> None:
    most = int(np.max(hyper.b)) * int(workers.max()) * numbers
    if most > MOST_SAMPLES:
        what = "b times workers" + (f" times noise = {numbers}" if numbers > 1 else "")
        raise InputError(
            f"{what} = {most} exceeds {MOST_SAMPLES}, the samples a step can draw: lower b or "
            "workers."
        )


def _choice(name: str, value: str, known: Any) -> None:
    if value not in known:
        raise unknown(name, value, known)


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


def _check_dtype(problem: Problem, hyper: Hyperparameters, v_init: np.ndarray, dtype: str) -> None:
    cure = " or pass dtype float64" if dtype == "float32" else ""
    smallest = float(np.min(hyper.eps))
    if smallest < SMALLEST_EPS[dtype]:
        raise InputError(
            f"eps = {smallest:g} is below {SMALLEST_EPS[dtype]:g}: eps^2 is no normal {dtype} "
            f"number. Raise eps{cure}."
        )
    sizes = {"eps": hyper.eps, "gamma": hyper.gamma, "rho": hyper.rho, "G": problem.G,
             "L": problem.L, "v_init": v_init}  # fmt: skip
    for name, values in sizes.items():
        largest = float(np.max(values))
        if largest > LARGEST[dtype]:
            raise InputError(
                f"{name} = {largest:g} is above {LARGEST[dtype]:g}: squares and products would "
                f"leave {dtype}. Rescale the problem{cure}."
            )


def _check_b(b: np.ndarray) -> None:
    largest = int(b.max())
    if largest > noise.LARGEST_B:
        raise InputError(
            f"b = {largest} exceeds {noise.LARGEST_B}, the largest batch size that noise is "
            "certified for: lower b."
        )
