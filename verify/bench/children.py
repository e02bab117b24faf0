"""What needs a process of its own: compilation, cold and from the cache, and peak memory."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from simulators.spec import Spec
from verify.bench.measure import Progress


def compilation(specs: Sequence[Spec], progress: Progress) -> dict[str, dict[str, Any]]:
    """Run the specs with the numba engine in a process with an empty cache, then in another.

    Returns
    -------
    dict
        ``cold`` and ``warm``, each with ``kernels``, how often a kernel was compiled, and
        ``functions``, with what they call; ``compile_seconds``; ``import_seconds``, of numba and
        the engine; ``first_seconds``, until the first small simulation had ended, imports apart.
    """
    with tempfile.TemporaryDirectory(prefix="adasam-bench-") as cache:
        out = {}
        for number, name in enumerate(("cold", "warm")):
            progress("compile", number, 2)
            out[name] = _in_a_child(_compile, list(specs), cache)
        progress("compile", 2, 2)
    return out


def memory(lengths: Sequence[int], runs: int, progress: Progress) -> list[dict[str, Any]]:
    """Return the numba engine's peak memory for runs of each length, each in its own process.

    Returns
    -------
    list of dict
        ``engine``, ``d``, ``R``, ``T``, ``peak_bytes``, of the whole process, and
        ``added_bytes``, above what it held before the runs.
    """
    rows = []
    for number, T in enumerate(lengths):
        progress("memory", number, len(lengths))
        rows.append(_in_a_child(_memory, T, runs))
    progress("memory", len(lengths), len(lengths))
    return rows


def quick_specs() -> list[Spec]:
    """Return every simulation of ``reproduce --preset quick``, each cut to a few steps of one run.

    What an engine compiles does not depend on how long its runs are.
    """
    from verify import drawing
    from verify.claims import CLAIMS
    from verify.studies.study import PRESETS

    studies = [claim.study for claim in CLAIMS.values()]
    studies += [picture.study for picture in drawing.FIGURES.values()]
    named = {study.name: study for study in studies if study is not None}
    specs = [spec for study in named.values() for spec in study.specs(PRESETS["quick"], 0).values()]
    for spec in specs:
        lengths = len(spec.run.T) if isinstance(spec.run.T, list) else 1
        spec.run.T = [float(8 + k) for k in range(lengths)]
        spec.run.runs = 1
    return specs


def _in_a_child(function: Callable[..., Any], *arguments: Any) -> Any:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        future = pool.submit(function, *arguments)
        try:
            return future.result()
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _compile(specs: Sequence[Spec], cache: str) -> dict[str, Any]:
    os.environ["NUMBA_CACHE_DIR"] = cache  # before numba is imported
    start = time.perf_counter()
    from numba.core.event import RecordingListener, install_listener

    from simulators.engines.numba_cpu import separable as cpu_numba  # noqa: F401

    imported = time.perf_counter()
    from simulators import spec as runner

    with install_listener("numba:compile", RecordingListener()) as listener:
        first = None
        for spec in specs:
            if spec.engine.name == "auto":
                spec.engine.name = "numba"
            runner.run(spec, allow_outside=True)
            first = first or time.perf_counter()
    return {
        **counted(listener.buffer),
        "import_seconds": imported - start,
        "first_seconds": (first or imported) - imported,
    }


def counted(events: Sequence[tuple[float, Any]]) -> dict[str, Any]:
    """Return how many ``kernels`` and ``functions`` numba's compile events tell of, and
    ``compile_seconds``.

    A kernel is compiled within no other compilation; what it calls is compiled within its own.
    """
    kernels = functions = depth = 0
    seconds = began = 0.0
    for when, event in events:
        if event.is_start:
            functions += 1
            if depth == 0:
                kernels, began = kernels + 1, when
            depth += 1
        else:
            depth -= 1
            seconds += when - began if depth == 0 else 0.0
    return {"kernels": kernels, "functions": functions, "compile_seconds": seconds}


def _memory(T: int, runs: int) -> dict[str, Any]:
    import numpy as np

    from verify.bench.contenders import simulated
    from verify.bench.setting import Setting

    setting = Setting()
    simulated(setting, runs, "float32", "numba", np.array(4), 0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status("VmRSS")
    simulated(setting, runs, "float32", "numba", np.array(T), 1)
    peak = _status("VmHWM")
    return {"engine": "numba", "d": setting.d, "R": runs, "T": T, "peak_bytes": peak,
            "added_bytes": peak - before}  # fmt: skip


def _status(name: str) -> int:
    """Return a field of the process's own status, in bytes.

    The peak that getrusage reports is of no use: a child starts with its parent's.
    """
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"the system does not tell {name}")
