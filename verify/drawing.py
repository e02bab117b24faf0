"""From evidence and runs to the data of figures."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import (
    bound_vs_measured,
    falsifier_trail,
    linear_speedup,
    regime_map,
    schedules,
    terms,
    tightness,
)
from simulators import spec as specs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory import corollary1 as corollary1_theory
from theory.bound import trivial
from theory.setting import Constants, Hyperparameters
from theory.theorem1 import CORRECTED, VARIANTS
from verify.claim import PRESETS, Preset, Results, Study
from verify.claims import corollary1, regimes, theorem1
from verify.hunt import Trail
from verify.instances import kinds
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


def ladder(results: Results, evidence: Mapping[str, Evidence]) -> Figure | None:
    """Draw every variant over the measured left side; nothing where a variant was not judged."""
    judged = {name: evidence.get(f"theorem1.{name}") for name in VARIANTS}
    if not all(judged.values()):
        return None
    rungs: dict[str, dict[str, Any]] = {}
    for variant, item in judged.items():
        for instance in item["instances"] if item else ():
            if instance["name"] in HIDDEN:
                continue
            b = instance["spec"]["run"]["b"]
            rung = rungs.setdefault(instance["name"], {"b": b, "bounds": {}, "instance": instance})
            if b > rung["b"]:
                continue  # the smallest b stands for all
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
    )


HIDDEN = ("enumeration",)
"""Instances that the ladder leaves out: two steps from the minimiser are no setting to judge by."""

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


def terms_figure(results: Results, evidence: Mapping[str, Evidence]) -> Figure:
    """Draw the terms of CORRECTED under the schedules."""
    return terms.draw(term_sweeps())


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


def schedules_figure(results: Results, evidence: Mapping[str, Evidence]) -> Figure:
    """Draw Corollary 1's schedules over the (b, T) plane."""
    return schedules.draw(plane())


def regimes_figure(results: Results, evidence: Mapping[str, Evidence]) -> Figure:
    """Draw the map of the slope in b."""
    slope, reach, predicted = regimes.map_slopes(results)
    return regime_map.draw(
        regime_map.Map(
            level=np.array(regimes.MAP_LEVELS),
            T=np.array(regimes.MAP_T),
            slope=slope,
            reach=reach,
            predicted=predicted,
            b=regimes.MAP_B,
            interval=f"{100 * regimes.MAP_CONFIDENCE:.0f} %",
        )
    )


Draw = Callable[[Results, Mapping[str, Evidence]], Figure | None]

FIGURES: dict[str, tuple[Study | None, Draw]] = {
    "bound_vs_measured": (CURVES, bounds),
    "tightness": (theorem1.STUDY, ladder),
    "terms": (None, terms_figure),
    "schedules": (None, schedules_figure),
    "linear_speedup": (corollary1.STUDY, speedup),
    "regime_map": (regimes.STUDY, regimes_figure),
}
"""By name: the study whose results a figure shows, if any, and what draws it."""

CAPTIONS = {
    "bound_vs_measured": "Theorem 1 over T at a fixed step, log cosh problem, d = 10, eps = G/4, "
    "no momentum: the measured running mean, the variants of the bound, and the trivial bound "
    "d G^2, above which a bound says nothing.",
    "tightness": "Each variant of Theorem 1 as a multiple of the measured left side, on every "
    "simulated instance: 1 is sharp, below 1 is false. The grey line is what the sharp theorem "
    "gains on CORRECTED.",
    "terms": "The terms of CORRECTED under Corollary 1's schedules, with momentum (L = sigma = "
    "Delta = eps = 1, G = 2, d = 10, beta1 = 0.9, c_rho = 3). A dot marks where a term meets the "
    "two leading ones, its threshold; the strip names the largest. The momentum term, b/T, "
    "dominates until T is of the order of b^3, and ends what a larger b gains.",
    "schedules": "Corollary 1's schedules over (b, T) on the problem of the slopes, c_rho = 0.5. "
    "Hatched: gamma > eps/(16 L), where Theorem 1 says nothing.",
    "linear_speedup": "Corollary 1's schedule on a Huber basin, eps = G: the measured left side "
    "falls as b^(-1/2) and T^(-1/2), and all points lie on one curve in bT.",
    "regime_map": "The slope in b of the floor under gamma = c sqrt(b/T), beta2 = 0.999, taken "
    "between b = 4 and 16 in a Huber basin with d = 1: -1/2 where eps is above the noise "
    "sigma/sqrt(b), 0 where it is below. At T = 2^10, about 1/(1 - beta2), v has not yet risen "
    "from 0 to the noise, so that eps counts for longer.",
}
"""Captions by figure name."""


def falsifier_trails(trails: Mapping[str, Trail]) -> Figure:
    """Draw the trails of searches for one bound's largest ratio, by their labels."""
    return falsifier_trail.draw(
        [
            falsifier_trail.Trail(
                label=label, ratio=trail.ratio, second=trail.second, **kinds(trail.point)
            )
            for label, trail in trails.items()
        ]
    )
