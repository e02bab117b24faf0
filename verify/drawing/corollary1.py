"""Corollary 1 in one figure: the bounds at the cells of the slope claims, beside their runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import corollary1 as figure
from figures.corollary1 import Curve, Panel
from figures.style import Style
from simulators import spec as specs
from simulators.spec import ProblemSpec
from theory.bound import trivial
from theory.setting import Constants
from theory.theorem1 import VARIANTS
from verify.drawing.rates import series
from verify.evidence.kind import Evidence
from verify.studies.study import Results

SHOWN = ("printed", "corrected", "tight")
GUIDE = 0.45
"""How far below the first run the guide starts."""

ONE_CURVE = 0.02
"""Up to which difference of its slopes in b and in T a bound counts as a function of bT."""


def corollary1(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw bounds and runs along b, along T and against bT; nothing where a slope is missing."""
    both = [evidence.get(f"corollary1.rate_{axis}") for axis in ("b", "T")]
    if not all(both):
        return None
    along_b, along_T = (item for item in both if item)
    spec = along_b["points"][0]["spec"]
    return figure.draw(
        [
            _panel(along_b, "b", f"along $b$, at ${series(along_b).label}$", "batch size $b$"),
            _panel(along_T, "T", f"along $T$, at ${series(along_T).label}$", "steps $T$"),
            _together(along_b, along_T),
        ],
        float(trivial(_constants(spec))),
        _setting(spec),
        style,
    )


def _constants(spec: Mapping[str, Any]) -> Constants:
    return ProblemSpec(**spec["problem"]).make().certificate.constants


def _setting(spec: Mapping[str, Any]) -> str:
    """Return what all cells have in common."""
    problem, run = spec["problem"], spec["run"]
    c_rho = run["rho"] * (run["b"] * run["T"]) ** 0.5
    same = {"L": problem["L"], r"\sigma": problem["sigma"], "G": problem["G"], "d": problem["d"]}
    same |= {r"\epsilon": run["eps"], r"\beta_1": run["beta1"]}
    numbers = ", ".join(f"${name}={value:g}$" for name, value in same.items())
    return rf"{problem['profile']}, {numbers}, $\gamma\propto\sqrt{{b/T}}$, " + (
        rf"$\rho={c_rho:g}/\sqrt{{bT}}$"
    )


def _bounds(evidence: Evidence) -> dict[str, np.ndarray]:
    """Return each bound's value at the points of a slope."""
    runs = [{"workers": 1, **point["spec"]["run"]} for point in evidence["points"]]
    names = (*specs.HYPER, "workers")
    hyper = specs.hyperparameters({name: np.array([run[name] for run in runs]) for name in names})
    constants = _constants(evidence["points"][0]["spec"])
    return {name: VARIANTS[name].total(constants, hyper) for name in SHOWN}


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _panel(evidence: Evidence, axis: str, title: str, label: str) -> Panel:
    found = series(evidence)
    x = found.b if axis == "b" else found.T
    slope, low, high = found.slope
    guide = GUIDE * found.mean[0] * np.sqrt(x[0] / x)
    curves = [
        *(Curve(name, x, y, _slope(x, y), along=axis) for name, y in _bounds(evidence).items()),
        Curve("guide", x, guide, -0.5),
        Curve("runs", x, found.mean, slope, (high - low) / 2, found.low, found.high, axis),
    ]
    return Panel(title, label, x, curves)


def _together(along_b: Evidence, along_T: Evidence) -> Panel:
    """Return all points over bT; what is one curve there has one slope, what is not has two."""
    parts = {"b": along_b, "T": along_T}
    found = {axis: series(part) for axis, part in parts.items()}
    x = {axis: part.b * part.T for axis, part in found.items()}
    bounds = {axis: _bounds(part) for axis, part in parts.items()}
    curves = []
    for name in SHOWN:
        y = {axis: bounds[axis][name] for axis in parts}
        slopes, is_apart = {axis: _slope(x[axis], y[axis]) for axis in parts}, True
        if abs(slopes["b"] - slopes["T"]) <= ONE_CURVE:
            slopes, is_apart = {"T": _slope(_all(x), _all(y))}, False
        curves += [
            Curve(name, x[axis], y[axis], slopes.get(axis), along=axis, is_apart=is_apart)
            for axis in parts
        ]
    at = np.unique(_all(x))
    first = found["b"].mean[0] * np.sqrt(x["b"][0])
    curves.append(Curve("guide", at, GUIDE * first / np.sqrt(at), -0.5))
    together = _slope(_all(x), _all({axis: part.mean for axis, part in found.items()}))
    curves += [
        Curve(
            "runs", x[axis], part.mean, together if axis == "T" else None, low=part.low,
            high=part.high, along=axis,
        )
        for axis, part in found.items()
    ]  # fmt: skip
    return Panel("both against $bT$", "samples $bT$", _ticks(at), curves)


def _all(parts: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate(list(parts.values()))


def _ticks(at: np.ndarray) -> np.ndarray:
    """Return every other power of 2 from the first to the last."""
    return 2.0 ** np.arange(np.log2(at[0]), np.log2(at[-1]) + 1, 2)
