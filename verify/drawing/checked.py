"""The figures of a check of a user's problem."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from figures import bound_vs_measured, linear_speedup
from simulators.problems import Custom
from simulators.runs import Runs
from theory.bound import Bound
from verify.drawing.bounds import panel
from verify.drawing.rates import series


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
        Along b and along T, as `verify.check.job` fits them.
    """
    constants = problem.certificate.constants
    longest = max(cell["T"] for cell in cells)
    panels = [
        panel(constants, cell, runs, number, bounds)
        for number, cell in enumerate(cells)
        if cell["T"] == longest
    ]
    along_b, along_T = map(series, slopes)
    return {
        "bound_vs_measured": bound_vs_measured.draw(panels, "95 % band"),
        "linear_speedup": linear_speedup.draw(
            along_b, along_T, "95 % interval", collapse="both against $bT$\n"
        ),
    }
