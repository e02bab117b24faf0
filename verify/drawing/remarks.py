"""The claims on the remarks and on sharpness, drawn from their evidence alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import no_max, rho_floor, steps, workers
from figures.style import Style
from verify.claims.adasam import remark3
from verify.evidence.kind import Evidence
from verify.studies.study import Results


def _columns(rows: Any, *names: str) -> Any:
    return [np.array([row[name] for row in rows]) for name in names]


def without_max(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw running means with and without line 8's max, over f'(x_0)^2."""
    judged = evidence.get("remark1.no_max")
    if judged is None:
        return None
    start = judged["setting"]["f'(x_0)^2"]
    branches = []
    for curve in judged["curves"]:
        finals = [
            row for row in judged["measured"]
            if (row["method"], row["beta1"]) == (curve["method"], curve["beta1"])
        ]  # fmt: skip
        T, final, final_low, final_high = _columns(finals, "T", "lhs", "low", "high")
        mean, low, high = (np.array(curve[name]) / start for name in ("lhs", "low", "high"))
        branches.append(
            no_max.Branch(
                method=curve["method"],
                beta1=curve["beta1"],
                t=np.array(curve["t"]),
                mean=mean,
                low=low,
                high=high,
                T=T,
                final=final / start,
                final_low=final_low / start,
                final_high=final_high / start,
            )
        )
    return no_max.draw(branches, "interval for every n", style)


def steps_to(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw the steps to a tolerance over b and over delta."""
    judged = evidence.get("remark3.steps")
    if judged is None:
        return None
    parts = {part["axis"]: part for part in judged["parts"]}
    confidence = 100 * parts["b"]["confidence"]
    return steps.draw(
        _steps(parts["b"], r"$\delta={:.2g}$", "delta"),
        _steps(parts["delta"], "$b={:.0f}$", "b"),
        f"{100 * remark3.STEPS_BAND:.0f} %",
        f"{confidence:.8g} % interval",
        style,
    )


def _steps(part: Mapping[str, Any], held: str, name: str) -> steps.Steps:
    rows = part["steps"]
    at, T, low, high, exact = _columns(rows, part["axis"], "T", "low", "high", "exact")
    slope = (part["slope"], part["low"], part["high"])
    return steps.Steps(at, T, low, high, exact, slope, held.format(rows[0][name]))


def crews(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw the left sides of n workers of b over nb, beside the sharp bound."""
    judged = evidence.get("remark3.workers")
    if judged is None:
        return None
    (part,) = (part for part in judged["parts"] if "instances" in part)
    by_rho: dict[float, list[Any]] = {}
    for instance in part["instances"]:
        by_rho.setdefault(instance["spec"]["run"]["rho"], []).append(instance)
    plain, perturbed = (_crews(rho, by_rho[rho]) for rho in sorted(by_rho))
    return workers.draw(plain, perturbed, "intervals for every n", style)


def _crews(rho: float, instances: list[Any]) -> workers.Crews:
    runs = [instance["spec"]["run"] for instance in instances]
    n, b = _columns(runs, "workers", "b")
    exact = "sample_low" in instances[0]
    ends = ("sample_low", "sample_high") if exact else ("lhs_low", "lhs_high")
    mean, low, high = _columns(instances, "lhs", *ends)
    together, first = np.unique(n * b, return_index=True)
    return workers.Crews(
        rho=rho,
        n=n.astype(int),
        b=b.astype(int),
        mean=mean,
        low=low,
        high=high,
        together=together,
        bound=np.array([instances[k]["rhs"] for k in first]),
        floor=np.array([instances[k]["lhs_low"] for k in first]) if exact else None,
    )


def rho_floors(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw where SAM settles, over rho."""
    judged = evidence.get("sharp.rho")
    if judged is None:
        return None
    by_t: dict[float, list[Any]] = {}
    for row in judged["floors"]:
        by_t.setdefault(row["t"], []).append(row)
    rows = next(iter(by_t.values()))
    rho, law, tight, corrected = _columns(rows, "rho", "law", "tight", "corrected")
    left = {
        f"$t=2^{{{round(np.log2(t))}}}$": np.array([row["left"] for row in mine])
        for t, mine in by_t.items()
    }
    return rho_floor.draw(
        rho_floor.Floor(rho, left, {"corrected": corrected, "tight": tight}, law), style
    )
