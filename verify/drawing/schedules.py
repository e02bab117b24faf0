"""The bound's terms, and the theorem's reach, under Corollary 1's schedules: no runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import schedules, terms
from figures.style import Style
from simulators import spec as specs
from theory import corollary1 as corollary1_theory
from theory.bound import trivial
from theory.setting import Constants, Hyperparameters
from theory.theorem1 import CORRECTED
from verify.claims.adasam import corollary1
from verify.evidence.kind import Evidence
from verify.studies.study import PRESETS, Results

TEACHING = Constants(L=1.0, sigma=1.0, G=2.0, d=10, Delta=1.0)
"""What the figures of terms and thresholds are drawn for, with eps = 1."""


def term_sweeps() -> list[terms.Sweep]:
    """Return the terms of CORRECTED over T and over b, with momentum."""
    held_b, held_T = 16, 10**8
    T, b = _whole_numbers(1e2, 1e12), _whole_numbers(1, 1e4)
    return [
        _sweep(f"over $T$, at $b={held_b}$", "steps $T$", held_b, T),
        _sweep("over $b$, at $T=10^8$", "batch size $b$", b, held_T),
    ]


def _whole_numbers(low: float, high: float) -> np.ndarray:
    return np.unique(np.rint(np.geomspace(low, high, 401)))


def _sweep(title: str, label: str, b: Any, T: Any) -> terms.Sweep:
    eps, c_rho = 1.0, 3.0
    c_gamma = corollary1_theory.c_gamma_value(CORRECTED, TEACHING, eps)
    gamma, rho = corollary1_theory.schedule(c_gamma, c_rho, b, T)
    hyper = Hyperparameters(gamma=gamma, rho=rho, beta1=0.9, beta2=0.999, eps=eps, b=b, T=T)
    values = CORRECTED.evaluate(TEACHING, hyper)
    leading = np.sum([values.pop(name) for name in CORRECTED.leading], axis=0)
    at = T if np.ndim(T) else b
    (check,) = (c for c in CORRECTED.preconditions(TEACHING, hyper) if c.name.startswith("gamma"))
    # gamma/(eps/(16 L)) is a power of b/T: where it is 1 along the axis.
    step_limit = _crossing(at, check.value, np.broadcast_to(check.limit, at.shape))
    limits = {name: _crossing(at, part, leading) for name, part in values.items()}
    return terms.Sweep(
        title=title,
        label=label,
        at=at,
        leading=leading,
        parts=values,
        trivial=float(trivial(TEACHING)),
        limits={name: limit for name, limit in limits.items() if limit is not None},
        step_limit=step_limit,
        speaks_above=bool(np.ndim(T)),
    )


def _crossing(at: np.ndarray, one: np.ndarray, other: np.ndarray) -> float | None:
    """Return where two power laws meet; None if it is not within ``at``."""
    apart = np.log(one / other)
    if apart[0] * apart[-1] > 0:
        return None
    order = np.argsort(apart)
    return float(np.exp(np.interp(0.0, apart[order], np.log(at)[order])))


def terms_figure(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw the terms of CORRECTED under the schedules."""
    return terms.draw(term_sweeps(), style)


def plane() -> schedules.Plane:
    """Return Corollary 1's schedules on the problem that the slopes are measured on."""
    eps, problem = 2.0, corollary1.BASIN.make()
    constants = problem.certificate.constants
    c_gamma = corollary1_theory.c_gamma_value(CORRECTED, constants, eps)
    b, T = np.geomspace(1, 1e5, 201), np.geomspace(1, 1e7, 201)
    gamma, rho = corollary1_theory.schedule(c_gamma, corollary1.C_RHO, b, T[:, None])
    limit = eps / (16 * problem.L)
    study = corollary1.STUDY.specs(PRESETS["quick"], 0)
    cells = {
        (cell["b"], cell["T"]) for spec in study.values() for cell in specs.cells(spec, problem)
    }
    return schedules.Plane(
        b=b,
        T=T,
        gamma=gamma,
        rho=rho,
        speaks=gamma <= limit,
        boundary=b * float(c_gamma / limit) ** 2,
        formula=r"$T=b\,(16Lc_\gamma/\epsilon)^2$",
        cells=np.array(sorted(cells)),
    )


def schedules_figure(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw Corollary 1's schedules over the (b, T) plane."""
    return schedules.draw(plane(), style)
