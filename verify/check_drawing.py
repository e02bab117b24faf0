"""The figures of a check of a user's problem."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import bound_vs_measured, linear_speedup
from simulators.problems import Custom
from simulators.runs import Runs
from theory.bound import Bound, trivial
from theory.setting import Hyperparameters
from verify.drawing.bounds import BAND
from verify.statistics import pointwise


def draw(
    problem: Custom,
    bounds: Sequence[Bound],
    cells: Sequence[Mapping[str, Any]],
    runs: Runs,
    slopes: Sequence[Mapping[str, Any]],
) -> dict[str, Figure]:
    """Return the figures by name: the bounds over T, a panel a batch size, and the speed-up.

    Parameters
    ----------
    problem : Custom
    bounds : sequence of Bound
    cells : sequence of mapping
        Hyper-parameters; those of the largest T have a panel.
    runs : Runs
    slopes : sequence of mapping
        Along b and along T, as `verify.check` fits them.
    """
    constants = problem.certificate.constants
    longest = max(cell["T"] for cell in cells)
    panels = []
    for number, cell in enumerate(cells):
        if cell["T"] != longest:
            continue
        rows = runs.rows(number)
        T, first = np.unique(runs.step[rows[0]], return_index=True)
        mean, low, high = pointwise(runs.mean_grad_norm2[rows][:, first], BAND)
        hyper = Hyperparameters(**{**cell, "T": T})
        panels.append(
            bound_vs_measured.Panel(
                title=f"batch size $b = {cell['b']}$",
                T=T,
                mean=mean,
                low=low,
                high=high,
                bounds={bound.name: bound.total(constants, hyper) for bound in bounds},
                trivial=float(trivial(constants)),
                reference=mean[-1] * np.sqrt(T[-1] / T),
            )
        )
    along_b, along_T = (_series(slope) for slope in slopes)
    return {
        "bound_vs_measured": bound_vs_measured.draw(panels, "95 % band"),
        "linear_speedup": linear_speedup.draw(
            along_b, along_T, "95 % interval", collapse="both against $bT$\n"
        ),
    }


def _series(slope: Mapping[str, Any]) -> linear_speedup.Series:
    columns: dict[str, Any] = {
        name: np.array([point[name] for point in slope["points"]])
        for name in ("b", "T", "lhs", "low", "high")
    }
    fixed = "T" if slope["axis"] == "b" else "b"
    return linear_speedup.Series(
        label=f"{fixed} = {slope['held']}",
        b=columns["b"],
        T=columns["T"],
        mean=columns["lhs"],
        low=columns["low"],
        high=columns["high"],
        slope=(slope["slope"], slope["low"], slope["high"]),
    )
