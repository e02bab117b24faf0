"""Remark 1: the running mean with and without the max of line 8."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from figures.style import COLOURS, PAPER, Style, points


@dataclass(frozen=True)
class Branch:
    """One method at one beta1.

    Attributes
    ----------
    method : str
        ``"adasam"`` or ``"adam_sam"``, which drops the max.
    beta1 : float
    t, mean, low, high : (K,)
        The running mean along runs of the largest T, over f'(x_0)^2, with a band.
    T, final, final_low, final_high : (M,)
        The left side over f'(x_0)^2 of runs of T steps each, with its interval.
    """

    method: str
    beta1: float
    t: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    T: np.ndarray
    final: np.ndarray
    final_low: np.ndarray
    final_high: np.ndarray


LOOKS = {
    "adam_sam": ("without the max", COLOURS["vermilion"], (0, (4, 1.2)), "X"),
    "adasam": ("with the max", COLOURS["blue"], "-", "o"),
}
"""Label, colour, dashes and marker of each method."""


def draw(branches: Sequence[Branch], interval: str, style: Style = PAPER) -> Figure:
    """Draw a panel for each beta1; if brief, for the largest only.

    Parameters
    ----------
    branches : sequence of Branch
    interval : str
        What the intervals of the left sides are.
    """
    momenta = sorted({branch.beta1 for branch in branches})
    if style.is_brief:
        momenta = momenta[-1:]
    with style.applied():
        figure, row = plt.subplots(
            1, len(momenta), figsize=style.size(2.7), sharey=True, squeeze=False
        )
        for axes, beta1 in zip(row[0], momenta, strict=True):
            _panel(axes, [branch for branch in branches if branch.beta1 == beta1])
            axes.set_title(rf"$\beta_1={beta1:g}$")
        row[0][0].set_ylabel(
            r"$t^{-1}\,\sum_{s<t}\,\mathrm{E}\,f^\prime(x_s)^2\;/\;f^\prime(x_0)^2$"
        )
        row[0][0].plot([], [], "o", color=COLOURS["black"], label=f"left side at $T$, {interval}")
        row[0][0].legend(loc="lower left")
    return figure


def _panel(axes: Axes, branches: Sequence[Branch]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.axhline(1, color=COLOURS["grey"], linewidth=0.8)
    for branch in branches:
        label, colour, dashes, marker = LOOKS[branch.method]
        axes.fill_between(branch.t, branch.low, branch.high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(branch.t, branch.mean, color=colour, linestyle=dashes)
        points(
            axes, branch.T, branch.final, branch.final_low, branch.final_high, colour=colour,
            marker=marker,
        )  # fmt: skip
        # Beside the end of what rises, left of where the other falls.
        at = int(np.searchsorted(branch.t, branch.t[-1] * (1.0 if branch.mean[-1] > 1 else 0.2)))
        axes.annotate(
            label, (branch.t[at], branch.mean[at]), xytext=(-8, 8 if branch.mean[-1] > 1 else -8),
            textcoords="offset points", ha="right", color=colour,
        )  # fmt: skip
    axes.annotate(
        "the start", (0.98, 1), xycoords=("axes fraction", "data"), xytext=(0, 3), ha="right",
        textcoords="offset points", color=COLOURS["grey"], fontsize="small",
    )  # fmt: skip
    axes.set_xlabel("steps $t$")
    axes.set_ylim(0.4, 5)
    axes.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    axes.yaxis.set_minor_formatter(NullFormatter())
