"""Bounds and simulations as plain data for the command line."""

import math
from typing import Any

from simulators import spec as specs
from simulators.problems import FiniteSum, SeparableProblem
from simulators.runs import Runs
from simulators.spec import Spec
from theory.bound import Bound, trivial
from theory.setting import Constants, Hyperparameters
from theory.theorem1 import CORRECTED
from verify.statistics import normal_mean


def evaluate(bound: Bound, constants: Constants, hyper: Hyperparameters) -> dict[str, Any]:
    """Return a bound at one setting, term by term, with its preconditions.

    A total of None means that the bound is false outside its preconditions, and they fail.
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


def measured_cells(spec: Spec, runs: Runs) -> list[dict[str, Any]]:
    """Return each cell of a simulation: its settings, the left side with its 95 % interval, and
    the corrected bound beside it.
    """
    problem = spec.problem.make()
    rows = []
    for number, cell in enumerate(specs.cells(spec, problem)):
        values = runs.lhs(number)
        several = len(values) > 1
        interval = normal_mean(values, 0.95) if several else None
        rows.append(
            {
                **cell,
                "n": len(values),
                "lhs": float(values.mean()),
                "low": interval.low if interval else None,
                "high": interval.high if interval else None,
                "corrected": float(
                    CORRECTED.total(problem.certificate.constants, specs.hyperparameters(cell))
                ),
                "adaptive_share": float(runs.adaptive_share[runs.rows(number)].mean()),
            }
        )
    return rows
