"""What is timed: each case varies one thing and holds the rest."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from verify.bench.contenders import (
    CONTENDERS,
    Contender,
    numba_on_finite_sum,
    peer_on_finite_sum,
    simulated,
)
from verify.bench.measure import Entry
from verify.bench.setting import FiniteSumSetting, Setting


@dataclass(frozen=True)
class Sizes:
    """How much is timed.

    Attributes
    ----------
    runs : int
        R, where nothing else is said.
    d, b, T, R : tuple of int
        The values that the cases of these names go through; d = 10 and b = 16 hold elsewhere,
        and the second T in the case R.
    ragged : tuple of int
        Lengths T that share a batch of runs.
    rounds : int
        Timings of each entry.
    seconds : float
        About how long a timing takes.
    fewest : float
        Share of the steps that a contender says must be timed at least.
    """

    runs: int
    d: tuple[int, ...]
    b: tuple[int, ...]
    T: tuple[int, ...]
    R: tuple[int, ...]
    ragged: tuple[int, ...]
    rounds: int
    seconds: float
    fewest: float


FULL = Sizes(
    runs=1024,
    d=(1, 10, 100, 1000),
    b=(1, 4, 16, 64, 256, 65536),
    T=(4000, 16000, 64000),
    R=(64, 256, 1024, 4096, 16384),
    ragged=tuple(2**k for k in range(8, 17)),
    rounds=7,
    seconds=0.35,
    fewest=1.0,
)

QUICK = Sizes(
    runs=1024,
    d=(10, 100),
    b=(1, 16, 65536),
    T=(4000, 16000),
    R=(64, 1024),
    ragged=tuple(2**k for k in range(8, 14)),
    rounds=5,
    seconds=0.12,
    fewest=0.25,
)

LARGEST_STEP = 2**20
"""Steps times d that must be timed at least, at most: with large d fewer steps will do."""


def cases(sizes: Sizes, cores: int) -> dict[str, Callable[[], list[Entry]]]:
    """Return every case's entries, by its name, made when they are called for."""
    return {
        "d": partial(over_d, sizes),
        "b": partial(over_b, sizes),
        "T": partial(over_T, sizes),
        "R": partial(over_R, sizes),
        "threads": partial(over_threads, sizes, cores),
        "ragged": partial(ragged, sizes),
        "dtype": partial(over_dtype, sizes),
        "eta": partial(over_eta, sizes),
        "finite_sum": partial(finite_sum, sizes),
    }


def over_d(sizes: Sizes) -> list[Entry]:
    """Every engine and peer, at each d."""
    return [
        _entry("d", contender, Setting(d=d), sizes)
        for d in sizes.d
        for contender in CONTENDERS.values()
        if not contender.missing
    ]


def over_b(sizes: Sizes) -> list[Entry]:
    """What is vectorised over runs, at each b that it can do."""
    return [
        _entry("b", contender, Setting(b=b), sizes)
        for b in sizes.b
        for contender in CONTENDERS.values()
        if not contender.missing
        and b <= contender.largest_b
        and contender.name not in ("reference", "torch_optim_loop")
    ]


def over_T(sizes: Sizes) -> list[Entry]:
    """The numba engine, for runs of each length."""
    return [_numba("T", Setting(), sizes, T=T) for T in sizes.T]


def over_R(sizes: Sizes) -> list[Entry]:
    """The numba engine, for each number of runs."""
    return [_numba("R", Setting(), replace(sizes, runs=R), T=sizes.T[1]) for R in sizes.R]


def over_threads(sizes: Sizes, cores: int) -> list[Entry]:
    """The numba engine on one thread and on two, where there are two cores."""
    longer = replace(sizes, seconds=2 * sizes.seconds)
    return [_numba("threads", Setting(), longer, threads=n) for n in (1, 2) if n <= cores]


def ragged(sizes: Sizes) -> list[Entry]:
    """The numba engine on runs of unlike T, and on as much work in runs of one T."""
    lengths = np.array(sizes.ragged)
    each = sizes.runs // len(lengths)
    R, mean = each * len(lengths), int(lengths.mean())

    def make() -> Callable[[int, int], Any]:
        def run(T: int, seed: int) -> np.ndarray:
            return simulated(Setting(), each, "float32", "numba", lengths, seed)

        return run

    mixed = Entry(
        _row("ragged", "numba", Setting(), R, "float32") | {"ragged": True},
        threads=1,
        make=make,
        per_step=each * Setting().d * float(lengths.sum()) / int(lengths.max()),
        T=int(lengths.max()),
    )
    return [mixed, _numba("ragged", Setting(), replace(sizes, runs=R), T=mean)]


def over_dtype(sizes: Sizes) -> list[Entry]:
    """What can do both, in float32 and in float64."""
    return [
        _entry("dtype", CONTENDERS[name], Setting(), sizes, dtype=dtype)
        for name in ("numba", "torch", "numpy")
        for dtype in ("float32", "float64")
    ]


def over_eta(sizes: Sizes) -> list[Entry]:
    """The numba engine where eta rests, where it follows the noise, where it changes at every step.

    Peers compute eta at every step whether it changes or not.
    """
    settings = {
        "rests": Setting(),
        "follows the noise": Setting(eps=0.01, start=0.0),
        "changes every step": Setting(method="adam_sam"),
    }
    entries = [_numba("eta", setting, sizes) for setting in settings.values()]
    return [
        replace(entry, row=entry.row | {"eta": eta})
        for entry, eta in zip(entries, settings, strict=True)
    ]


def finite_sum(sizes: Sizes) -> list[Entry]:
    """Problem (2): rows gathered and multiplied in batches; numba with hardly any true gradients,
    and with as many as it takes if nothing is said.

    The true gradient costs a pass over the data; it weighs least in few long runs.
    """
    setting, few = FiniteSumSetting(), 16
    row = {"case": "finite_sum", "d": setting.d, "b": setting.b, "N": setting.N,
           "dtype": "float32", "device": "cpu"}  # fmt: skip
    peer = Entry(
        row | {"engine": "torch_gather_bmm", "R": sizes.runs},
        threads=1,
        make=partial(peer_on_finite_sum, setting, sizes.runs, "float32"),
        per_step=sizes.runs * setting.d,
    )
    return [peer] + [
        Entry(
            row | {"engine": "numba", "R": few, "gradient_share": share},
            threads=1,
            make=partial(numba_on_finite_sum, setting, few, share),
            per_step=few * setting.d,
            fewest=int(2**14 * sizes.fewest),
        )
        for share in (1e-9, 1 / 64)
    ]


def _numba(
    case: str, setting: Setting, sizes: Sizes, *, T: int | None = None, threads: int = 1
) -> Entry:
    return _entry(case, CONTENDERS["numba"], setting, sizes, T=T, threads=threads)


def _entry(
    case: str,
    contender: Contender,
    setting: Setting,
    sizes: Sizes,
    *,
    dtype: str = "float32",
    T: int | None = None,
    threads: int = 1,
) -> Entry:
    R = contender.runs(sizes.runs, setting.d)
    dtype = dtype if dtype in contender.dtypes else contender.dtypes[0]
    return Entry(
        _row(case, contender.name, setting, R, dtype),
        threads=threads,
        make=partial(contender.make, setting, R, dtype),
        per_step=R * setting.d,
        T=T,
        fewest=max(4, int(sizes.fewest * min(contender.fewest, LARGEST_STEP // setting.d))),
    )


def _row(case: str, engine: str, setting: Setting, R: int, dtype: str) -> dict[str, Any]:
    return {"case": case, "engine": engine, "d": setting.d, "b": setting.b, "dtype": dtype,
            "R": R, "device": "cpu"}  # fmt: skip
