"""The bounds beside what runs measure."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import bound_vs_measured, tightness
from figures.style import Style
from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.bound import Bound, trivial
from theory.setting import Constants
from theory.theorem1 import VARIANTS
from verify.evidence.kind import Evidence
from verify.evidence.statistics import pointwise
from verify.studies.study import Preset, Results, Study

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


def bounds(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw the bounds beside the running mean of one problem's runs, a panel a batch size."""
    spec, runs = results["log_cosh"]
    problem = spec.problem.make()
    constants = problem.certificate.constants
    panels = [
        panel(constants, cell, runs, number, VARIANTS.values())
        for number, cell in enumerate(specs.cells(spec, problem))
    ]
    return bound_vs_measured.draw(panels, f"{100 * BAND:.0f} % band", style)


def panel(
    constants: Constants,
    cell: Mapping[str, Any],
    runs: Runs,
    number: int,
    variants: Iterable[Bound],
) -> bound_vs_measured.Panel:
    """Return one cell's running mean over its horizons T, beside the bounds at its gamma and rho.

    Parameters
    ----------
    constants : Constants
    cell : mapping
        Its hyper-parameters.
    runs : Runs
    number : int
        Which cell of the runs it is.
    variants : iterable of Bound
    """
    rows = runs.rows(number)
    T, first = np.unique(runs.step[rows[0]], return_index=True)
    mean, low, high = pointwise(runs.mean_grad_norm2[np.ix_(rows, first)], BAND)
    hyper = specs.hyperparameters({"workers": 1, **cell, "T": T})
    return bound_vs_measured.Panel(
        title=f"batch size $b = {cell['b']:.0f}$",
        T=T,
        mean=mean,
        low=low,
        high=high,
        bounds={bound.name: bound.total(constants, hyper) for bound in variants},
        trivial=float(trivial(constants)),
        reference=mean[-1] * np.sqrt(T[-1] / T),
    )


def ladder(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw every variant over the measured left side; nothing where a variant was not judged."""
    judged = {name: evidence.get(f"theorem1.{name}") for name in VARIANTS}
    if not all(judged.values()):
        return None
    every = [
        (variant, instance)
        for variant, item in judged.items()
        for instance in (item["instances"] if item else ())
        if instance["name"] not in HIDDEN
    ]
    smallest: dict[str, float] = {}
    for _, instance in every:
        b = instance["spec"]["run"]["b"]
        smallest[instance["name"]] = min(b, smallest.get(instance["name"], b))
    rungs: dict[str, dict[str, Any]] = {}
    for variant, instance in every:
        name, b = instance["name"], instance["spec"]["run"]["b"]
        if b > smallest[name]:
            continue  # the smallest b stands for all
        rung = rungs.setdefault(name, {"b": b, "bounds": {}, "instance": instance})
        rung["bounds"][variant] = instance["rhs"] / instance["lhs"]
        if variant == "tight":
            rung["instance"] = instance
    return tightness.draw(
        [
            tightness.Rung(
                label=f"{name.replace('_', ' ')}, $b={rung['b']:.0f}$",
                low=rung["instance"]["lhs_low"] / rung["instance"]["lhs"],
                high=rung["instance"]["lhs_high"] / rung["instance"]["lhs"],
                bounds=rung["bounds"],
                trivial=rung["instance"]["trivial"] / rung["instance"]["lhs"],
            )
            for name, rung in rungs.items()
        ],
        "interval for every n",
        style,
    )


HIDDEN = ("enumeration",)
"""Instances that the ladder leaves out: two steps from the minimiser are no setting to judge by."""
