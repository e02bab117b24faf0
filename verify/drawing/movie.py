"""One run as an animation, from its archived path and draws."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from figures import movie
from figures.style import Style
from simulators import SeparableProblem
from simulators import spec as specs
from simulators.methods.adasam import direction
from simulators.runs import Runs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.bound import trivial
from theory.theorem1 import VARIANTS
from verify.drawing.picture import Files
from verify.evidence.kind import Evidence
from verify.evidence.statistics import pointwise
from verify.studies.study import Preset, Results, Study

BAND = 0.95
BOUNDS = ("corrected", "tight")
SHOWN = 0
"""Replicate whose path is shown."""


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return runs in two dimensions with their paths and draws."""
    problem = ProblemSpec(
        profile="cosine", L=1.0, sigma=0.5, G=1.0, d=2, start=[1.75, 1.3], condition=3.0
    )
    run = RunSpec(
        gamma=1 / 64, rho=0.2, beta1=0.0, beta2=0.9, eps=0.3, b=4.0, T=4096,
        runs=preset.slope_runs // 6, seed=seed, record="trajectory",
    )  # fmt: skip
    return {"path": Spec(problem=problem, run=run)}


STUDY = Study("movie", study_specs)


def seen(spec: Spec, runs: Runs, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what lines 3 to 9 of Algorithm 1 made of one run's path and draws.

    Returns
    -------
    x, delta, eta : (T, 2)
        x_t, delta_t and eta_t.
    """
    problem, inputs = spec.problem.make(), runs.inputs.take(np.array([row]))
    assert isinstance(problem, SeparableProblem)
    assert runs.heads is not None
    noise = problem.noise_from_heads(runs.heads[row].astype(np.float64), inputs.b[:, None])
    x = runs.x[row, :-1]
    s = problem.batch_gradient(x, noise, np)
    delta = inputs.rho * direction(s)
    g = problem.batch_gradient(x + delta, noise, np)
    v = [inputs.v_init * np.ones(problem.d)]
    for square in g**2:
        v.append(inputs.beta2 * v[-1] + (1 - inputs.beta2) * square)
    v_hat = np.maximum.accumulate(np.maximum(inputs.eps**2, v[1:]))
    return x, delta, 1 / np.sqrt(v_hat)


def still(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw the animation's last frame."""
    return movie.draw(data(results), style)


def animation(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Files:
    """Animate one run, and the running mean of all under its bounds."""
    return {"gif": movie.animate(data(results), style)}


def data(results: Results) -> movie.Movie:
    """Return what the animation shows."""
    spec, runs = results["path"]
    problem = spec.problem.make()
    assert isinstance(problem, SeparableProblem)
    (cell,) = specs.cells(spec, problem)
    t, first = np.unique(runs.step[0], return_index=True)
    mean, low, high = pointwise(runs.mean_grad_norm2[:, first], BAND)
    x, delta, eta = seen(spec, runs, SHOWN)
    reach = 1.6 * float(np.abs(x).max())
    side = np.linspace(-reach, reach, 121)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    constants = problem.certificate.constants
    hyper = specs.hyperparameters({**cell, "T": t})
    return movie.Movie(
        x=x,
        delta=delta,
        eta=eta,
        eps=cell["eps"],
        side=side,
        landscape=problem.objective(grid, np).reshape(len(side), len(side)),
        t=t,
        mean=mean,
        low=low,
        high=high,
        bounds={name: VARIANTS[name].total(constants, hyper) for name in BOUNDS},
        trivial=float(trivial(constants)),
        band=f"{100 * BAND:.0f} % band",
    )
