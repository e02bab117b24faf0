"""From evidence and runs to the data of figures."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import bound_vs_measured, linear_speedup
from simulators import spec as specs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.bound import trivial
from theory.theorem1 import VARIANTS
from verify.claim import Preset, Results, Study
from verify.claims import corollary1
from verify.statistics import normal_mean
from verify.verdict import Evidence

BAND = 0.95


def _curve_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return the runs whose running means the figure of bounds shows."""
    problem = ProblemSpec(profile="log_cosh", L=1.0, sigma=1.0, G=1.0, d=10, start=0.3)
    run = RunSpec(
        gamma=1 / 128, rho=0.005, beta1=0.0, beta2=0.999, eps=0.25, b=[1.0, 8.0, 64.0], T=16384,
        runs=preset.slope_runs, seed=seed,
    )  # fmt: skip
    return {"log_cosh": Spec(problem=problem, run=run)}


CURVES = Study("curves", _curve_specs)


def bounds(results: Results, evidence: Mapping[str, Evidence]) -> Figure:
    """Draw the bounds beside the running mean of one problem's runs, a panel a batch size."""
    spec, runs = results["log_cosh"]
    problem = spec.problem.make()
    constants = problem.certificate.constants
    panels = []
    for number, cell in enumerate(specs.cells(spec, problem)):
        rows = runs.rows(number)
        T, first = np.unique(runs.step[rows[0]], return_index=True)
        intervals = [normal_mean(runs.mean_grad_norm2[rows, k], BAND) for k in first]
        mean, low, high = (
            np.array([getattr(interval, name) for interval in intervals])
            for name in ("estimate", "low", "high")
        )
        hyper = specs.hyperparameters({**cell, "T": T})
        panels.append(
            bound_vs_measured.Panel(
                title=f"batch size $b = {cell['b']:.0f}$",
                T=T,
                mean=mean,
                low=low,
                high=high,
                bounds={name: bound.total(constants, hyper) for name, bound in VARIANTS.items()},
                trivial=float(trivial(constants)),
                reference=mean[-1] * np.sqrt(T[-1] / T),
            )
        )
    return bound_vs_measured.draw(panels, f"{100 * BAND:.0f} % band")


def speedup(results: Results, evidence: Mapping[str, Evidence]) -> Figure | None:
    """Draw the measured slopes; nothing where only one of them was measured."""
    both = [evidence.get(f"corollary1.rate_{axis}") for axis in ("b", "T")]
    if not all(both):
        return None
    along_b, along_T = (_series(item) for item in both if item)
    confidence = 100 * evidence["corollary1.rate_b"]["confidence"]
    return linear_speedup.draw(along_b, along_T, f"{confidence:.8g} % interval")


def _series(evidence: Evidence) -> linear_speedup.Series:
    points = evidence["points"]
    columns: dict[str, Any] = {
        name: np.array([point[name] for point in points])
        for name in ("b", "T", "lhs", "low", "high")
    }
    fixed = "T" if evidence["axis"] == "b" else "b"
    return linear_speedup.Series(
        label=f"{fixed} = {points[0][fixed]}",
        b=columns["b"],
        T=columns["T"],
        mean=columns["lhs"],
        low=columns["low"],
        high=columns["high"],
        exact=np.array([point["lhs_exact"] for point in evidence["control"]["points"]]),
        slope=(evidence["slope"], evidence["low"], evidence["high"]),
    )


Draw = Callable[[Results, Mapping[str, Evidence]], Figure | None]

FIGURES: dict[str, tuple[Study, Draw]] = {
    "bound_vs_measured": (CURVES, bounds),
    "linear_speedup": (corollary1.STUDY, speedup),
}
"""By name: the study whose results a figure shows, and what draws it."""

CAPTIONS = {
    "bound_vs_measured": "Theorem 1 over T at a fixed step, log cosh problem, d = 10, eps = G/4, "
    "no momentum: the measured running mean, the variants of the bound, and the trivial bound "
    "d G^2, above which a bound says nothing.",
    "linear_speedup": "Corollary 1's schedule on a Huber basin, eps = G: the measured left side "
    "falls as b^(-1/2) and T^(-1/2), and all points lie on one curve in bT.",
}
"""Captions by figure name."""
