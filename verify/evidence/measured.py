"""Measured cells as points of evidence, and the slope through them with its exact control."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import ProblemSpec, Spec
from theory import basin
from verify.evidence.statistics import Interval, Slope, log_slope, normal_mean

TARGET, MARGIN = -0.5, 0.05
"""The slope of a linear speed-up, and how far a measured one may be from it; fixed beforehand."""

Measured = Sequence[tuple[dict[str, Any], np.ndarray]]
"""Cells as points of evidence, each with its replicates' left sides."""


def measured(spec: Spec, runs: Runs, *, perturbed: bool, name: str | None = None) -> Measured:
    """Return the cells with a perturbation, or those without, which are exact controls too.

    ``name`` is what their specs are called; by default, the measured or the control of `STUDY`.
    """
    problem = spec.problem.make()
    out = []
    for number, cell in enumerate(specs.cells(spec, problem)):
        if (cell["rho"] > 0) != perturbed:
            continue
        values = runs.lhs(number)
        interval, share = normal_mean(values, 0.95), mean_adaptive_share(runs, number)
        named: dict[str, Any] = {"name": name} if name else {}
        point = named | cell_point(spec, cell, interval, share, says_confidence=True)
        out.append((point if perturbed else {**point, "lhs_exact": _exact(point["spec"])}, values))
    return out


def cell_point(
    spec: Spec,
    cell: dict[str, float],
    interval: Interval,
    adaptive_share: float,
    *,
    says_confidence: bool = False,
) -> dict[str, Any]:
    """Return a measured cell as a point of evidence: how to replay it, and what came out."""
    return {
        "spec": specs.to_json(specs.single(spec, cell)),
        "b": int(cell["b"]),
        "T": int(cell["T"]),
        "lhs": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        **({"confidence": interval.confidence} if says_confidence else {}),
        "n": interval.n,
        "adaptive_share": adaptive_share,
    }


def mean_adaptive_share(runs: Runs, cell: int) -> float:
    """Return the share of steps and coordinates with v_hat > eps^2, over a cell's runs."""
    return float(runs.adaptive_share[runs.rows(cell)].mean())


def _exact(spec: dict[str, Any]) -> float:
    """Return the exact left side of a control's cell."""
    problem, run = ProblemSpec(**spec["problem"]).make(), spec["run"]
    start = float((problem.gradient(problem.x0, np) ** 2).sum())
    rest = int(run["b"]), int(run["T"]), start
    given = problem.L, problem.sigma, run["eps"], run["gamma"]
    if run["beta1"] == 0:
        return basin.mean_grad_norm2(*given, *rest)
    return basin.mean_grad_norm2_with_momentum(*given, run["beta1"], *rest)


def fitted(axis: str, cells: Measured, controls: Measured, confidence: float) -> dict[str, Any]:
    """Return a slope's evidence.

    The control is the same with rho = 0: there the left side is known exactly, and with it the
    slope over these very b and T that the same fit, with the same weights, gives to it.

    Parameters
    ----------
    axis : str
        ``"b"`` or ``"T"``, increasing from cell to cell.
    cells, controls : Measured
        Perturbed or not, at the same b and T.
    confidence : float
        Of the slope's interval and of the control's.
    """
    at = [point[axis] for point, _ in cells]
    exact = [values * (point["lhs_exact"] / values.mean()) for point, values in controls]
    predicted = log_slope(at, exact, confidence).slope
    return {
        "axis": axis,
        "points": [point for point, _ in cells],
        **slope_json(log_slope(at, [values for _, values in cells], confidence)),
        "target": TARGET,
        "margin": MARGIN,
        "predicted": predicted,
        "adaptive_share": max(point["adaptive_share"] for point, _ in cells),
        "control": {
            "points": [point for point, _ in controls],
            **slope_json(log_slope(at, [values for _, values in controls], confidence)),
            "predicted": predicted,
        },
    }


def slope_json(slope: Slope) -> dict[str, Any]:
    """Return a slope as evidence."""
    return {
        "slope": slope.slope,
        "low": slope.low,
        "high": slope.high,
        "confidence": slope.confidence,
        "local": [list(triple) for triple in slope.local],
    }
