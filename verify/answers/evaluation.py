"""Bounds and simulations as plain data for the command line."""

import math
from typing import Any

import numpy as np

from simulators import spec as specs
from simulators.methods import METHODS, Parameters
from simulators.problems import FiniteSum, Problem, SeparableProblem
from simulators.runs import Runs
from simulators.spec import Spec
from theory.bound import Bound, trivial
from theory.errors import InputError
from theory.setting import ROUNDING, Constants, Hyperparameters
from theory.theorem1 import CORRECTED
from verify.evidence.statistics import normal_mean


def evaluate(bound: Bound, constants: Constants, hyper: Hyperparameters) -> dict[str, Any]:
    """Return a bound at one setting, term by term, with its preconditions.

    A total of None means that the bound is false outside its preconditions, and they fail.

    Raises
    ------
    InputError
        If a number in it leaves float64.
    """
    total = float(bound.total(constants, hyper))
    return {
        "variant": bound.name,
        "terms": {name: float(value) for name, value in bound.evaluate(constants, hyper).items()},
        "phi": float(bound.phi(constants, hyper)),
        "total": None if math.isnan(total) else total,
        "trivial": float(trivial(constants)),
        "vacuous": bool(bound.vacuous(constants, hyper)),
        "dominant": str(bound.dominant(constants, hyper)),
        "applies": bool(bound.applies(constants, hyper)),
        "preconditions": [
            {
                "name": check.name,
                "holds": bool(check.holds),
                "value": float(check.value),
                "limit": float(check.limit),
                "margin": float(check.margin),
            }
            for check in bound.preconditions(constants, hyper)
        ],
    }


def certified(problem: SeparableProblem | FiniteSum) -> dict[str, Any]:
    """Return a problem's certificate, and how far sigma, G and d can be moved, each alone.

    A finite sum's constants come from its data, so that nothing can be moved; its constants have
    a ``method``. Data from a file are described under ``data``.
    """
    certificate = problem.certificate
    meanings = {
        "L": "Lipschitz constant of every sample's gradient (Assumption 1)",
        "sigma": "root of the largest variance of a sample's gradient (Assumption 2)",
        "G": "largest coordinate of a sample's gradient (Assumption 3)",
        "G_f": "largest coordinate of the true gradient",
        "f_star": "least value of f",
        "Delta": "f(x_0) - f*",
    }
    constants = [
        {
            "name": name,
            "value": getattr(certificate, name).value,
            "standing": getattr(certificate, name).standing,
            "meaning": meaning,
        }
        for name, meaning in meanings.items()
    ]
    if isinstance(problem, FiniteSum):
        for item in constants:
            item["method"] = getattr(certificate, item["name"]).method
        data = {} if problem.read_from is None else {"data": problem.read_from}
        return {"problem": problem.spec, **data, "constants": constants}
    limits: list[dict[str, Any]] = []
    for name, value, (limit, attained), signs in (
        ("sigma", problem.sigma, problem.largest_sigma, ("<", "<=")),
        ("G", problem.G, problem.smallest_G, (">", ">=")),
    ):
        limits.append({"name": name, "value": value, "relation": signs[attained], "limit": limit})
    if problem.smallest_d is not None:
        limits.append(
            {"name": "d", "value": problem.d, "relation": ">=", "limit": problem.smallest_d}
        )
    return {
        "problem": problem.spec,
        "psi": problem.profile.formula,
        "convex": problem.profile.convex,
        "constants": constants,
        "limits": limits,
    }


def idle(spec: Spec) -> list[str]:
    """Return the letters that a spec's method does not use, of those that the spec gives.

    Raises
    ------
    InputError
        If one of them has several values: their cells would be the same.
    """
    out = []
    for name in _idle(spec.run.method):
        value = getattr(spec.run, name)
        if isinstance(value, list) and len(value) > 1:
            raise InputError(
                f"{name} = {value}: method {spec.run.method!r} does not use {name}, so that these "
                "cells would be the same: give one value."
            )
        if value not in (None, 0, [0]):
            out.append(name)
    return out


def _idle(name: str) -> tuple[str, ...]:
    """Return what a method does not use."""
    if name not in METHODS:
        return ()
    unused = [letter for letter in Parameters._fields if letter not in METHODS[name].letters]
    return (*unused, *(("c_rho",) if "rho" in unused else ()))


def _keeps_max(name: str) -> bool:
    """Whether a method is of Algorithm 1's family and has line 8's maximum, which (5) needs."""
    switches = METHODS[name].switches
    return switches is not None and switches.keeps_max


def left_finite(runs: Runs) -> np.ndarray:
    """Return which runs left the finite numbers, (R,).

    The objective tells, too: where x is nan, a gradient's clipping may hide it.
    """
    return ~np.isfinite(runs.mean_grad_norm2[:, -1]) | ~np.isfinite(runs.objective[:, -1])


def measured_cells(spec: Spec, runs: Runs) -> list[dict[str, Any]]:
    """Return each cell of a simulation: its settings, the left side with its 95 % interval and,
    beside it, the corrected bound, whether it applies and what it is worth.

    ``diverged`` counts the runs that left the finite numbers; where there are any, the left side
    has no mean. What the method does not use counts as 0.
    """
    problem = spec.problem.make()
    cells = specs.cells(spec, problem)
    bounds = _corrected(spec.run.method, problem, cells)
    # The runs come cell by cell.
    lhs, left, share = (
        column.reshape(len(cells), -1)
        for column in (runs.mean_grad_norm2[:, -1], left_finite(runs), runs.adaptive_share)
    )
    rows = []
    for cell, bound, values, gone, shares in zip(cells, bounds, lhs, left, share, strict=True):
        diverged = int(gone.sum())
        several = len(values) > 1 and not diverged
        interval = normal_mean(values, 0.95) if several else None
        rows.append(
            {
                **cell,
                "n": len(values),
                "diverged": diverged,
                "lhs": None if diverged else float(values.mean()),
                "low": interval.low if interval else None,
                "high": interval.high if interval else None,
                **bound,
                "adaptive_share": float(shares.mean()),
            }
        )
    return rows


def _corrected(
    method: str, problem: Problem, cells: list[dict[str, float]]
) -> list[dict[str, Any]]:
    """Return the corrected bound on each cell, and whether it applies and says anything."""
    columns = {name: np.array([cell[name] for cell in cells]) for name in specs.CELL}
    for name in _idle(method):
        if name in columns:
            columns[name] = np.zeros(len(cells))
    constants, hyper = problem.certificate.constants, specs.hyperparameters(columns)
    start = columns["v_init"] <= np.maximum(problem.G, columns["eps"]) ** 2 * (1 + ROUNDING)
    applies = CORRECTED.applies(constants, hyper) & start & _keeps_max(method)
    total, most = CORRECTED.total(constants, hyper), float(trivial(constants))
    return [
        {
            "corrected": float(value),
            "trivial": most,
            "vacuous": not value < most,
            "applies": bool(fine),
        }
        for value, fine in zip(
            *(np.broadcast_to(column, len(cells)) for column in (total, applies)), strict=True
        )
    ]
