"""Archived runs: left sides measured over a grid of settings, for the classroom page.

A change of units takes any problem to L = G = 1: f to f/F and x to x/X leave Algorithm 1 as it
is. So the grid is over what is left, pure numbers, and a measured left side is a multiple of
d G^2. All runs are on a Huber basin with d = 10 and additive noise, under Corollary 1's schedules,
a run of its own for each T; `adasam classroom --measure FILE` makes them anew.
"""

import gzip
import itertools
import json
import math
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from simulators import SeparableProblem, simulate
from simulators.files import whole
from theory import corollary1
from verify.classroom.questions import BETA2
from verify.evidence.statistics import normal_mean

FILE = "grid.json.gz"
"""Its name in this package."""

D, RUNS, SEED, BAND = 10, 16, 0, 0.95

PROBLEM_AXES = {"noise": (0.1, 10**-0.5, 0.8), "gap": (0.01, 0.1, 1.0)}
RUN_AXES = {
    "eps": (0.02, 0.1, 0.5, 1.0),
    "beta1": (0.0, 0.9),
    "b": (1, 4, 16, 64),
    "step": (0.125, 0.5, 2.0, 10.0),
    "rho": (0.1, 10.0),
    "T": (256, 1024, 4096, 16384, 65536),
}
AXES = {**PROBLEM_AXES, **RUN_AXES}
"""The grid: noise is sigma/(sqrt(d) G), gap L Delta/(d G^2), eps is eps/G, step c_gamma L/eps and
rho c_rho L/G. The last axis runs fastest."""


def start(gap: float, noise: float) -> float:
    """Return the u with which a Huber basin starts, in each coordinate; see `PROBLEM_AXES`.

    With H = (1 - noise) G the gap is H^2 psi(u)/G^2, psi(u) = u^2/2 up to 1 and u - 1/2 beyond.
    """
    height = gap / (1 - noise) ** 2
    return math.sqrt(2 * height) if height <= 0.5 else height + 0.5


def problem(noise: float, gap: float) -> SeparableProblem:
    """Return the basin with L = G = 1 of two of `PROBLEM_AXES`."""
    return SeparableProblem(
        "huber", "additive", L=1.0, sigma=noise * math.sqrt(D), G=1.0, d=D,
        start=start(gap, noise) * (1 - noise),
    )  # fmt: skip


def left_sides(noise: float, gap: float, cells: list[tuple[float, ...]]) -> list[dict[str, float]]:
    """Measure the left side, as a multiple of d G^2, at some points of `RUN_AXES`.

    Returns
    -------
    list of dict
        ``mean`` and ``half``, half the width of its 95 % interval.
    """
    eps, beta1, b, step, rho, T = np.array(cells).T
    gamma, rho = corollary1.schedule(step * eps, rho, b, T)
    runs = simulate(
        problem(noise, gap), gamma=gamma, rho=rho, beta1=beta1, beta2=BETA2, eps=eps, b=b, T=T,
        runs=RUNS, seed=SEED, device="cpu",
    )  # fmt: skip
    out = []
    for number in range(len(cells)):
        values = runs.lhs(number) / D
        interval = normal_mean(values, BAND)
        half = (interval.high - interval.low) / 2
        out.append({"mean": math.fsum(values) / RUNS, "half": float(half)})
    return out


def measure(progress: Callable[[str, int, int], None] | None = None) -> dict[str, Any]:
    """Measure the whole grid; a minute or two on two cores.

    Returns
    -------
    dict
        ``axes``, the grid, and ``mean`` and ``half`` over it in C order.
    """
    problems = list(itertools.product(*PROBLEM_AXES.values()))
    cells = list(itertools.product(*RUN_AXES.values()))
    measured: list[dict[str, float]] = []
    for done, (noise, gap) in enumerate(problems, start=1):
        measured += left_sides(noise, gap, cells)
        if progress is not None:
            progress("archive", done, len(problems))
    return {
        "axes": {name: list(values) for name, values in AXES.items()},
        "mean": [item["mean"] for item in measured],
        "half": [float(f"{item['half']:.3g}") for item in measured],
    }


def save(archive: dict[str, Any], path: Path) -> None:
    """Write an archive: JSON, compressed, the same bytes every time."""
    text = json.dumps(archive, separators=(",", ":"))
    with whole(path) as file:
        file.write(gzip.compress(text.encode(), mtime=0))


def load() -> dict[str, Any]:
    """Read the archive that ships with this package."""
    packed = resources.files("verify").joinpath("classroom", FILE).read_bytes()
    return json.loads(gzip.decompress(packed))


def brief(archive: dict[str, Any]) -> dict[str, Any]:
    """Return an archive as the page has it: log10 of the means and relative half-widths, each in
    thousandths.
    """
    mean, half = np.array(archive["mean"]), np.array(archive["half"])
    return {
        "axes": archive["axes"],
        "mean": np.rint(1000 * np.log10(mean)).astype(int).tolist(),
        "half": np.rint(1000 * half / mean).astype(int).tolist(),
    }
