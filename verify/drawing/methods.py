"""The paper's Figures 1 to 3 and Tables I and II, on the tasks of `verify.studies.contest`."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from figures import batches, methods_table
from figures import methods as methods_figure
from figures.methods import Band
from figures.style import Style
from simulators import spec as specs
from simulators.spec import RunSpec, Spec
from verify.evidence.kind import Evidence
from verify.evidence.statistics import pointwise
from verify.studies import contest
from verify.studies.contest import CONFIDENCE, TASKS, Entry
from verify.studies.study import Preset, Results, Study

SHOWN = ("finite_sum", "log_cosh", "cosine", "log_rational")
"""Tasks whose curves are drawn."""

PERCENT = f"{100 * CONFIDENCE:.0f} %"


def with_momentum(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw the methods' curves at beta1 = 0.9."""
    return _curves(results, 0.9, style)


def without_momentum(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw the methods' curves at beta1 = 0."""
    return _curves(results, 0.0, style)


def _curves(results: Results, beta1: float, style: Style) -> Figure:
    found = contest.at_best_rho(contest.entries(results))
    tasks = []
    for task in SHOWN:
        mine = {e.method: e for e in found if e.task == task and e.beta1 == beta1}
        curves = [_curve(mine[method]) for method in methods_figure.LOOKS]
        tasks.append(methods_figure.Task(TASKS[task][0], curves))
    return methods_figure.draw(tasks, f"{PERCENT} bands", style)


def _curve(entry: Entry) -> methods_figure.Curve:
    return methods_figure.Curve(
        method=entry.method,
        t=entry.t,
        objective=Band(*pointwise(entry.objective, CONFIDENCE)),
        running=Band(*pointwise(entry.running, CONFIDENCE)),
    )


def table(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw what every method leaves of the first squared gradient."""
    found = contest.entries(results)
    columns = []
    for task, (title, _) in TASKS.items():
        mine = [entry for entry in found if entry.task == task]
        dots = [
            _dot(entry, leads)
            for beta1 in contest.MOMENTA
            for rivals in [[entry for entry in mine if entry.beta1 == beta1]]
            for entry, leads in zip(rivals, contest.leaders(rivals), strict=True)
        ]
        columns.append(methods_table.Column(title, dots))
    return methods_table.draw(columns, f"{PERCENT} intervals", style)


def _dot(entry: Entry, leads: bool) -> methods_table.Dot:
    percent = entry.interval
    return methods_table.Dot(
        method=entry.method,
        rho=entry.rho,
        beta1=entry.beta1,
        mean=100 * percent.estimate,
        low=100 * percent.low,
        high=100 * percent.high,
        leads=leads,
    )


BATCHES = (4.0, 8.0, 16.0, 32.0)
BATCH_T = 2048.0
BATCH_TASKS = ("finite_sum", "log_cosh", "cosine")
GAMMA_4, RHO_4 = 2.0**-11, 0.01
"""The step and the radius at b = 4; they scale as sqrt(b) and 1/sqrt(b)."""

FALL = 0.8
"""The level: where the objective has done so much of its fall at the largest b."""


def batch_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return AdaSAM on some tasks at each batch size, under Corollary 1's schedules."""
    share = (BATCHES[0] / BATCH_T) ** 0.5
    run = {
        "schedule": "corollary1", "c_gamma": GAMMA_4 / share,
        "c_rho": RHO_4 * (BATCHES[0] * BATCH_T) ** 0.5, "beta1": 0.9, "beta2": contest.BETA2,
        "eps": contest.EPS, "b": list(BATCHES), "T": BATCH_T, "runs": preset.slope_runs // 6,
        "seed": seed,
    }  # fmt: skip
    return {task: Spec(problem=TASKS[task][1], run=RunSpec(**run)) for task in BATCH_TASKS}


BATCH_STUDY = Study("batches", batch_specs)


def batch_sizes(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw the objective over steps for each batch size, and the steps to a level."""
    tasks = []
    for task in BATCH_TASKS:
        spec, runs = results[task]
        problem = spec.problem.make()
        cells = specs.cells(spec, problem)
        t, first = np.unique(runs.step[0], return_index=True)
        curves = [runs.objective[runs.rows(number)][:, first] for number in range(len(cells))]
        start = float(problem.objective(problem.x0[None, :], np)[0])
        level = start - FALL * (start - float(curves[-1][:, -1].mean()))
        passed = [pointwise(_first_below(curve, t, level)[:, None], CONFIDENCE) for curve in curves]
        tasks.append(
            batches.Task(
                title=TASKS[task][0],
                b=np.array([cell["b"] for cell in cells]),
                t=t,
                objective=[Band(*pointwise(curve, CONFIDENCE)) for curve in curves],
                level=level,
                steps=Band(*np.concatenate(passed, axis=1)),
            )
        )
    return batches.draw(tasks, f"{PERCENT} bands", style)


def _first_below(objective: np.ndarray, t: np.ndarray, level: float) -> np.ndarray:
    """Return each run's first step with f(x_t) <= level, (n,), between checkpoints along a
    straight line in log t; T where it is never there.
    """
    below = objective <= level
    at = np.where(below.any(1), below.argmax(1), objective.shape[1] - 1)
    rows = np.arange(len(objective))
    high, low = objective[rows, np.maximum(at - 1, 0)], objective[rows, at]
    share = np.clip((high - level) / np.where(high > low, high - low, 1.0), 0, 1)
    before, after = np.log(t[np.maximum(at - 1, 0)]), np.log(t[at])
    return np.exp(before + share * (after - before))
