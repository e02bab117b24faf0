"""Check a user's own problem: its claims, then Theorem 1's bounds and the speed-up on its runs.

Nothing is proved here. A violated claim is a fact; where none is found, none was found.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from figures import style
from simulators import simulate
from simulators.problems import Custom
from simulators.runs import Runs
from theory.bound import Bound, trivial
from theory.corollary1 import c_gamma_value, schedule
from theory.errors import InputError
from theory.setting import Hyperparameters
from theory.theorem1 import CORRECTED, TIGHT
from verify.check import claimed, judging, power
from verify.check.watching import watched
from verify.check.writing import page
from verify.drawing.checked import draw
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.judge import verdict
from verify.evidence.measured import MARGIN, TARGET
from verify.evidence.statistics import finite_sample_mean, log_slope, normal_mean
from verify.files import writable_folder, write

BOUNDS = (CORRECTED, TIGHT)
"""The variants that are theorems."""

HYPER = ("gamma", "rho", "beta1", "beta2", "eps", "b", "T")

CONFIDENCE = 0.95
"""Of slopes and bands."""


@dataclass(frozen=True)
class Grid:
    """Which runs are made.

    Attributes
    ----------
    b : tuple of int
        Batch sizes, at the longest T.
    T : tuple of int
        Numbers of steps, at ``held``.
    held : int
        The batch size, one of ``b``, along T.
    runs : int
        Replicates of each cell.
    """

    b: tuple[int, ...] = (4, 16, 64)
    T: tuple[int, ...] = (512, 1024, 2048)
    held: int = 16
    runs: int = 32

    def cells(self) -> list[tuple[int, int]]:
        """Return every (b, T): along b, then along T."""
        along_T = [(self.held, T) for T in self.T[:-1]]
        return [(b, self.T[-1]) for b in self.b] + along_T


FULL = Grid()
QUICK = Grid(b=(1, 4, 16), T=(128, 256, 512), held=4, runs=16)


def settings(quick: bool, runs: int | None) -> tuple[Grid, claimed.Effort]:
    """Return what a check does: the grid, with so many runs if given, and the searches' effort."""
    grid, effort = (QUICK, claimed.QUICK) if quick else (FULL, claimed.FULL)
    if runs is None:
        return grid, effort
    if runs < 2:
        raise InputError(f"runs = {runs}: intervals need at least 2.")
    return replace(grid, runs=runs), effort


@dataclass(frozen=True)
class Checked:
    """What a check came to.

    Attributes
    ----------
    content : dict
        Everything, as plain data.
    figures : dict of Figure
    """

    content: dict[str, Any]
    figures: dict[str, Figure]

    @property
    def fine(self) -> bool:
        """Whether every verdict is as it should be: no claim and no bound violated."""
        return self.content["verdict"] == "holds"


def check(
    problem: Custom,
    *,
    grid: Grid = FULL,
    effort: claimed.Effort = claimed.FULL,
    seed: int = 0,
    beta1: float = 0.0,
    beta2: float = 0.999,
    eps: float | None = None,
    c_rho: float | None = None,
    device: str = "auto",
    progress: Callable[[str, int, int], None] | None = None,
) -> Checked:
    """Check a problem.

    Parameters
    ----------
    problem : Custom
    grid : Grid
        Which runs are made.
    effort : verify.check.claimed.Effort
        Of the searches.
    seed : int
    beta1, beta2 : float
    eps : float, unit F/X
        G/2 if None.
    c_rho : float, unit X
        rho = c_rho/sqrt(bT); G/(10 L) if None.
    device : str
    progress : callable, optional
        Called with (what, steps done, steps in all).

    Raises
    ------
    InputError
        If an argument is malformed, or runs leave the finite numbers.
    """
    eps = problem.G / 2 if eps is None else eps
    c_rho = problem.G / (10 * problem.L) if c_rho is None else c_rho
    cells = _cells(problem, grid, c_rho, {"beta1": beta1, "beta2": beta2, "eps": eps})
    region = problem.region
    content: dict[str, Any] = {
        "schema": 2, "effort": effort.name, "problem": problem.spec, "seed": seed,
        "claims": dict(problem.claims),
        "Delta": problem.certificate.Delta.value, "cells": cells, "runs": grid.runs,
        "region": None if region is None else {**region.spec, "words": str(region)},
        "searches": claimed.search(problem, effort, seed),
    }  # fmt: skip
    content["finds"] = power.finds(problem, effort.name, content["searches"])
    if _judged(content)["verdict"] == "refuted":
        return Checked(content, {})
    seen, watcher = watched(problem)
    columns: dict[str, Any] = {name: [cell[name] for cell in cells] for name in HYPER}
    runs = simulate(
        seen, **columns, runs=grid.runs,
        seed=seed, engine="torch", device=device, dtype="float64",
        progress=None if progress is None else lambda done, every: progress("runs", done, every),
    )  # fmt: skip
    if not np.isfinite(runs.mean_grad_norm2).all():
        raise InputError(f"a run of {problem.name} leaves the finite numbers: mend its functions.")
    if region is not None:
        content["region"]["farthest"] = watcher.farthest
        if watcher.farthest > 1:
            return Checked(_judged(content), {})
    content["searches"] += _along(problem, runs)
    if _judged(content)["verdict"] == "refuted":
        return Checked(content, {})
    content["bounds"] = [_bound(problem, bound, cells, runs) for bound in BOUNDS]
    content["slopes"] = [_slope(axis, grid, cells, runs) for axis in ("b", "T")]
    return Checked(_judged(content), draw(problem, BOUNDS, cells, runs, content["slopes"]))


def _judged(content: dict[str, Any]) -> dict[str, Any]:
    """Put in the states of the claims, and the verdict on them and, once there, on the bounds."""
    content["states"] = judging.states(content["searches"])
    outcomes = {judging.outcome(content["states"])}
    if content["region"] and content["region"].get("farthest", 0) > 1:
        outcomes.add("inconclusive")
    outcomes |= {bound["verdict"] for bound in content.get("bounds", ())}
    ranked = [name for name in ("refuted", "inconclusive", "holds") if name in outcomes]
    content["verdict"] = ranked[0]
    return content


def _cells(
    problem: Custom, grid: Grid, c_rho: float, hyper: dict[str, float]
) -> list[dict[str, Any]]:
    """Return the grid under Corollary 1's schedules.

    c_gamma minimises CORRECTED's leading terms, but for what gamma <= eps/(16 L) allows at every b
    and T.
    """
    constants, eps = problem.certificate.constants, hyper["eps"]
    b, T = np.array(grid.cells()).T
    Hyperparameters(gamma=1.0, rho=c_rho, b=b, T=T, **hyper)
    best = float(c_gamma_value(CORRECTED, constants, eps))
    allowed = eps / (16 * problem.L) * float(np.sqrt(T / b).min())
    c_gamma = min(best, allowed) if best > 0 else allowed
    gamma, rho = schedule(c_gamma, c_rho, b, T)
    columns = zip(gamma.tolist(), rho.tolist(), b.tolist(), T.tolist(), strict=True)
    return [dict(zip(("gamma", "rho", "b", "T"), cell, strict=True)) | hyper for cell in columns]


def _along(problem: Custom, runs: Runs) -> list[dict[str, Any]]:
    """Return what the runs saw of the claims on G and f*, as searches."""
    end = runs.x.tolist()
    number = int(runs.max_abs_gradient.argmax())
    size = float(runs.max_abs_gradient[number])
    # A mean of gradients: sqrt of the largest mean square of a coordinate.
    steep = float(np.sqrt(runs.mean_grad_norm2.max() / problem.d))
    rows = [claimed.row("G", problem.G, max(size, steep), at=[end[number]], along="the runs")]
    if "f_star" in problem.claims:
        number, _ = np.unravel_index(np.argmin(runs.objective), runs.objective.shape)
        least = float(runs.objective.min())
        scale = max(abs(problem.at_x0), abs(least))
        rows.append(
            claimed.row("f_star", problem.claims["f_star"], least, at=[end[number]],
                        along="the runs", scale=scale, start=problem.at_x0)
        )  # fmt: skip
    return rows


def _bound(
    problem: Custom, bound: Bound, cells: Sequence[Mapping[str, Any]], runs: Runs
) -> dict[str, Any]:
    """Set the left side beside a variant's value on every cell.

    That a bound is violated rests on an interval that holds for every number of runs; that no
    violation is seen, on one that takes the runs' mean for normal: with the claimed range alone,
    the former would need thousands of runs.
    """
    constants, confidence = problem.certificate.constants, 1 - ERROR_BUDGET / len(cells)
    instances = []
    for number, cell in enumerate(cells):
        hyper = Hyperparameters(**{name: cell[name] for name in HYPER})
        if not bool(bound.applies(constants, hyper)):
            continue
        values = runs.lhs(number)
        sure = finite_sample_mean(values, problem.largest_grad_norm2, confidence)
        normal = normal_mean(values, confidence)
        instances.append(
            {
                "b": cell["b"],
                "T": cell["T"],
                "lhs": sure.estimate,
                "lhs_low": sure.low,
                "lhs_high": min(normal.high, problem.largest_grad_norm2),
                "rhs": float(bound.total(constants, hyper)),
                "trivial": float(trivial(constants)),
                "vacuous": bool(bound.vacuous(constants, hyper)),
                "confidence": confidence,
                "n": sure.n,
            }
        )
    return {
        "name": bound.name,
        "instances": instances,
        "verdict": verdict({"instances": instances}),
    }


def _slope(axis: str, grid: Grid, cells: Sequence[Mapping[str, Any]], runs: Runs) -> dict[str, Any]:
    """Fit the slope of log LHS along b or T, by the rule of `verify.answers.speedup`."""
    other, held = ("T", grid.T[-1]) if axis == "b" else ("b", grid.held)
    numbers = [number for number, cell in enumerate(cells) if cell[other] == held]
    numbers.sort(key=lambda number: cells[number][axis])
    samples = [runs.lhs(number) for number in numbers]
    fit = log_slope([cells[number][axis] for number in numbers], samples, CONFIDENCE)
    means = [normal_mean(values, CONFIDENCE) for values in samples]
    evidence = {
        "axis": axis, "held": held, "slope": fit.slope, "low": fit.low, "high": fit.high,
        "local": [list(local) for local in fit.local], "target": TARGET, "margin": MARGIN,
        "confidence": CONFIDENCE,
        "adaptive_share": max(
            float(runs.adaptive_share[runs.rows(number)].mean()) for number in numbers
        ),
        "points": [
            {"b": cells[number]["b"], "T": cells[number]["T"], "lhs": mean.estimate,
             "low": mean.low, "high": mean.high}
            for number, mean in zip(numbers, means, strict=True)
        ],
    }  # fmt: skip
    return {**evidence, "verdict": verdict(evidence)}


def save(checked: Checked, folder: Path, stem: str) -> list[Path]:
    """Write the result, its figures and a page; return the paths, JSON and page first."""
    result, html = writable_folder(folder) / f"{stem}.json", folder / f"{stem}.html"
    write(result, json.dumps(checked.content, indent=1, allow_nan=False) + "\n")
    pictures, drawn = [], {}
    for name, figure in checked.figures.items():
        pictures += style.save(figure, folder, f"{stem}_{name}")
        drawn[name] = (folder / f"{stem}_{name}.svg").read_text(encoding="utf-8")
        plt.close(figure)
    write(html, page(checked.content, drawn))
    return [result, html, *pictures]
