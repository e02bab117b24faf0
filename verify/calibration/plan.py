"""Which cases are calibrated, quick and full."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from verify.calibration import coverage, verdicts
from verify.calibration.laws import LAWS
from verify.calibration.pools import pools
from verify.calibration.tally import Tally
from verify.claims.adasam.corollary1 import study_specs
from verify.studies.study import PRESETS

LOOKS = (50, 100, 200, 400, 800)


@dataclass(frozen=True)
class Case:
    """Something that is counted over many reproductions.

    Attributes
    ----------
    group : str
        ``coverage``, ``looks``, ``bounds`` or ``slopes``.
    labels : dict
        What tells it from the others of its group, for the table.
    parts : int
        How many parts it is counted in, each on its own noise.
    measure : callable
        ``measure(part)``: the tally of a part.
    """

    group: str
    labels: dict[str, Any]
    parts: int
    measure: Callable[[int], Tally]

    @property
    def name(self) -> str:
        """A key of its own."""
        return ", ".join([self.group, *(str(value) for value in self.labels.values())])


@dataclass(frozen=True)
class Size:
    """In how many parts each kind of case is counted.

    Attributes
    ----------
    draws, fits, runs : int
        Means of draws; slopes and ratios of draws; means of the engine's runs.
    bounds : dict
        Bounds, by preset: ten reproductions a part.
    quick_slopes, paper_slopes : dict
        Slope claims at a preset's size, by axis: ten reproductions of the quick preset a part, one
        of the paper's.
    """

    draws: int
    fits: int
    runs: int
    bounds: dict[str, int]
    quick_slopes: dict[str, int]
    paper_slopes: dict[str, int]


QUICK = Size(2, 1, 2, {"quick": 5}, {"b": 4}, {})
FULL = Size(30, 12, 20, {"quick": 30, "paper": 10}, {"b": 30, "T": 6}, {"b": 20, "T": 6})


def plan(size: Size, seed: int) -> list[Case]:
    """Return the cases."""
    return [*_draws(size, seed), *_looks(size, seed), *_runs(size, seed),
            *_bounds(size, seed), *_slopes(size, seed)]  # fmt: skip


def drawn(group: str, measure: coverage.Measure, parts: int, seed: int, **labels: Any) -> Case:
    """Return a case on draws, with a generator of its own for each part."""
    case = Case(group, labels, parts, lambda part: {})

    def on_its_own_noise(part: int) -> Tally:
        return measure(np.random.default_rng([seed, zlib.crc32(case.name.encode()), part]))

    return Case(group, labels, parts, on_its_own_noise)


def _draws(size: Size, seed: int) -> Iterator[Case]:
    make = partial(drawn, "coverage", seed=seed)
    for law in LAWS:
        for n, repeats in ((20, 20000), (400, 4000)):
            yield make(
                coverage.finite_sample(law, n, repeats), parts=size.draws,
                interval="finite-sample mean", on=law.name, n=n,
            )  # fmt: skip
    for law in LAWS:
        for n in (20, 400):
            yield make(
                coverage.normal(law, n, 2000), parts=size.fits, interval="normal mean",
                on=law.name, n=n,
            )  # fmt: skip
    for name, of, on in (
        ("slope", coverage.slope, "gamma values, four points"),
        ("replicate-wise slope", coverage.paired_slope, "gamma values, a shared factor"),
        ("log ratio", coverage.log_ratios, "gamma values"),
        ("slope of T(delta)", coverage.crossing_slope, "gamma values, three levels"),
    ):
        for n in (8, 384):
            yield make(of(n, 1000), parts=size.fits, interval=name, on=on, n=n)
    yield make(
        coverage.ratios(LAWS[1], LAWS[3], 100, 50), parts=size.fits,
        interval="finite-sample ratio", on=f"{LAWS[1].name}, over {LAWS[3].name}", n=100,
    )  # fmt: skip


def _looks(size: Size, seed: int) -> Iterator[Case]:
    make = partial(drawn, "looks", seed=seed)
    for law in (LAWS[0], LAWS[1], LAWS[7]):
        yield make(
            coverage.looked_at(law, LOOKS, 1000), parts=size.draws,
            interval="finite-sample mean, all of the error at each look", on=law.name, n=LOOKS,
        )  # fmt: skip
    for shared, how in ((True, "2^-k of the error at look k"), (False, "all of it at each look")):
        yield make(
            coverage.looked_at_slope(LOOKS, 500, shared=shared), parts=size.fits,
            interval=f"slope, {how}", on="gamma values, four points", n=LOOKS,
        )  # fmt: skip


def _runs(size: Size, seed: int) -> Iterator[Case]:
    for pool in pools(seed).values():
        for kind in ("finite-sample", "normal"):
            for n, count in ((20, 2000), (400, 200)):
                yield Case(
                    "coverage", {"interval": f"{kind} mean", "on": f"runs: {pool.name}", "n": n},
                    size.runs, verdicts.means(pool, n, count, kind),
                )  # fmt: skip


def _bounds(size: Size, seed: int) -> Iterator[Case]:
    known = pools(seed)
    for name, share in (("counterexample", 1), ("huber_edge, b = 1", 4)):
        for preset, parts in size.bounds.items():
            n = share * PRESETS[preset].bound_runs
            yield Case(
                "bounds", {"on": name, "preset": preset, "n": n}, parts,
                verdicts.bounds(known[name], n, 10),
            )  # fmt: skip


def _slopes(size: Size, seed: int) -> Iterator[Case]:
    for preset, by_axis, count in (
        ("quick", size.quick_slopes, 10),
        ("paper", size.paper_slopes, 1),
    ):
        n = PRESETS[preset].slope_runs
        for axis, parts in by_axis.items():
            spec = study_specs(PRESETS[preset], seed)[f"along_{axis}"]
            yield Case(
                "slopes", {"axis": axis, "preset": preset, "n": n}, parts,
                verdicts.slopes(axis, spec, n, count),
            )  # fmt: skip
