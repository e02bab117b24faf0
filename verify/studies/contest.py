"""The paper's comparison of methods, on problems whose constants are certified.

SGD, SAM, AMSGrad and AdaSAM run with every step of one grid, with momentum and without, SAM and
AdaSAM with each rho of the paper, all on the same noise. Each is given the step whose left side is
least on the first runs of its cells, and is judged on the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import ProblemSpec, RunSpec, Spec
from verify.evidence.statistics import Interval, normal_mean
from verify.studies.study import Preset, Results, Study


def _separable(profile: str, start: float, **shape: Any) -> ProblemSpec:
    return ProblemSpec(profile=profile, L=10.0, sigma=1.0, G=1.0, d=10, start=start, **shape)


FINITE_SUM = ProblemSpec(kind="finite_sum", N=1024, d=20, alpha=0.1, seed=1, condition=100.0)

TASKS: dict[str, tuple[str, ProblemSpec]] = {
    "finite_sum": ("finite sum", FINITE_SUM),
    "log_cosh": ("log cosh", _separable("log_cosh", 0.2, condition=100.0)),
    "pseudo_huber": ("pseudo-Huber", _separable("pseudo_huber", 0.3, noise="shift")),
    "cosine": ("cosine", _separable("cosine", 0.15)),
    "log_rational": ("log rational", _separable("log_rational", 0.3, condition=10.0, rotation=1)),
    "two_basin": ("two basins", _separable("two_basin", 0.66, noise="shift")),
}
"""Title and problem of each task: the paper's problem (2), and separable ones with L = 10 G/X: two
convex, three not, with both noises, one turned, one that starts in its sharp basin."""

METHODS = {"sgd": "SGD", "sam": "SAM", "amsgrad": "AMSGrad", "adasam": "AdaSAM"}
PERTURBED = ("sam", "adasam")
RHO = (0.01, 0.005, 0.001)
MOMENTA = (0.9, 0.0)
GAMMA = tuple(2.0**k for k in range(-15, -2))
"""The grid of steps, unit X."""

EPS, BETA2, B, T = 0.01, 0.999, 16.0, 1024.0
TUNING = 1 / 3
"""Share of a cell's runs by which the step is chosen."""

CONFIDENCE = 0.95


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return a spec for each task and method: the whole grid."""
    return {
        f"{task}-{method}": Spec(
            problem=problem,
            run=RunSpec(
                method=method, gamma=list(GAMMA), rho=list(RHO) if method in PERTURBED else 0.0,
                beta1=list(MOMENTA), beta2=BETA2, eps=EPS, b=B, T=T, runs=preset.slope_runs // 12,
                seed=seed, common_noise=True,
            ),
        )
        for task, (_, problem) in TASKS.items()
        for method in METHODS
    }  # fmt: skip


STUDY = Study("contest", study_specs)


@dataclass(frozen=True)
class Entry:
    """A method with its rho and beta1 on a task, at the step chosen for it; n runs.

    Attributes
    ----------
    task, method : str
    rho, beta1, gamma : float
    at_edge : bool
        Whether the step is the grid's first or last.
    tuned : float
        The left side over ||grad f(x_0)||^2 of the runs that the step was chosen by.
    left : (n,)
        The same of the other runs; run by run all entries of a task share their noise.
    t : (K,)
        Checkpoints.
    objective : (n, K), unit F
        f(x_t).
    running : (n, K)
        The running mean of ||grad f||^2 over ||grad f(x_0)||^2.
    """

    task: str
    method: str
    rho: float
    beta1: float
    gamma: float
    at_edge: bool
    tuned: float
    left: np.ndarray
    t: np.ndarray
    objective: np.ndarray
    running: np.ndarray

    @property
    def interval(self) -> Interval:
        """The left side's mean with its interval."""
        return normal_mean(self.left, CONFIDENCE)


def entries(results: Results) -> list[Entry]:
    """Return every task's entries, the step of each chosen."""
    return [
        entry
        for task in TASKS
        for method in METHODS
        for entry in _chosen(task, method, *results[f"{task}-{method}"])
    ]


def _chosen(task: str, method: str, spec: Spec, runs: Runs) -> Iterator[Entry]:
    cells = list(enumerate(specs.cells(spec, spec.problem.make())))

    def kind(item: tuple[int, dict[str, float]]) -> tuple[float, float]:
        return -item[1]["rho"], -item[1]["beta1"]

    for _, group in groupby(sorted(cells, key=kind), kind):
        grid = list(group)
        tried = [_tuning(runs, number) for number, _ in grid]
        best = int(np.argmin(tried))
        number, cell = grid[best]
        rows = runs.rows(number)
        rows = rows[_first(len(rows)) :]
        t, first = np.unique(runs.step[rows[0]], return_index=True)
        start = runs.mean_grad_norm2[rows[0], 0]
        yield Entry(
            task=task,
            method=method,
            rho=cell["rho"],
            beta1=cell["beta1"],
            gamma=cell["gamma"],
            at_edge=best in (0, len(grid) - 1),
            tuned=tried[best],
            left=runs.mean_grad_norm2[rows, -1] / start,
            t=t,
            objective=runs.objective[rows][:, first],
            running=runs.mean_grad_norm2[rows][:, first] / start,
        )


def _first(count: int) -> int:
    """Return how many of a cell's runs choose the step."""
    return round(TUNING * count)


def _tuning(runs: Runs, number: int) -> float:
    rows = runs.rows(number)
    rows = rows[: _first(len(rows))]
    return float((runs.mean_grad_norm2[rows, -1] / runs.mean_grad_norm2[rows, 0]).mean())


def at_best_rho(found: Sequence[Entry]) -> list[Entry]:
    """Keep of each task, method and beta1 the rho that the tuning runs choose."""
    best: dict[tuple[str, str, float], Entry] = {}
    for entry in found:
        key = entry.task, entry.method, entry.beta1
        if key not in best or entry.tuned < best[key].tuned:
            best[key] = entry
    return list(best.values())


def leaders(rivals: Sequence[Entry]) -> list[bool]:
    """Say which of a task's entries are the best, as far as the runs tell: the least mean, and
    those whose paired difference from it has an interval that reaches 0.
    """
    least = min(rivals, key=lambda entry: entry.left.mean())
    return [
        entry is least or normal_mean(entry.left - least.left, CONFIDENCE).low <= 0
        for entry in rivals
    ]
