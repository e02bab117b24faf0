"""Methods in a table of dots: what each leaves of the first squared gradient on every task."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.typing import FillStyleType

from figures.methods import LOOKS
from figures.style import COLOURS, PAPER, Style, points


@dataclass(frozen=True)
class Dot:
    """One entry of the table.

    Attributes
    ----------
    method : str
    rho, beta1 : float
    mean, low, high : float, per cent
        The left side over ||grad f(x_0)||^2.
    leads : bool
        Whether it is the best, as far as the runs tell.
    """

    method: str
    rho: float
    beta1: float
    mean: float
    low: float
    high: float
    leads: bool


@dataclass(frozen=True)
class Column:
    """A task, with the same rows as every other."""

    title: str
    dots: Sequence[Dot]


FILLS: dict[float, FillStyleType] = {0.9: "full", 0.0: "none"}
"""How a marker is filled, by beta1."""

BRIEF = 3
"""Tasks that a brief figure shows, and of every method its first rho only."""


def draw(columns: Sequence[Column], interval: str, style: Style = PAPER) -> Figure:
    """Draw a column of dots for every task.

    Parameters
    ----------
    columns : sequence of Column
    interval : str
        What the intervals are, such as ``"95 % intervals"``.
    style : Style
    """
    rows = list(dict.fromkeys((dot.method, dot.rho) for dot in columns[0].dots))
    if style.is_brief:
        columns = columns[:BRIEF]
        rows = [row for row in rows if row == next(r for r in rows if r[0] == row[0])]
    with style.applied():
        figure, axes = plt.subplots(
            1, len(columns), figsize=style.size(2.6), sharey=True, squeeze=False
        )
        for panel, column in zip(axes[0], columns, strict=True):
            _column(panel, column, rows)
        axes[0, 0].set_yticks(range(len(rows)), [row_label(*row) for row in rows])
        axes[0, 0].invert_yaxis()
        axes[0, 0].margins(y=0.12)
        figure.supxlabel(
            r"left side $/\,\Vert\nabla f(x_0)\Vert^2$   [%]", fontsize=plt.rcParams["font.size"]
        )
        _legend(figure, interval, style)
    return figure


def row_label(method: str, rho: float) -> str:
    """Return a row's name."""
    return LOOKS[method][0] + (rf", $\rho={rho:g}$" if rho else "")


def _column(axes: Axes, column: Column, rows: Sequence[tuple[str, float]]) -> None:
    axes.set_xscale("log")
    shown = [dot for dot in column.dots if (dot.method, dot.rho) in rows]
    for dot in shown:
        _, colour, _, marker = LOOKS[dot.method]
        at = rows.index((dot.method, dot.rho))
        if dot.leads:
            axes.plot(
                dot.mean, at, "o", color=COLOURS["black"], markersize=8, fillstyle="none",
                markeredgewidth=0.7,
            )  # fmt: skip
        axes.errorbar(
            dot.mean, at, xerr=[[dot.mean - dot.low], [dot.high - dot.mean]], color=colour,
            marker=marker, fillstyle=FILLS[dot.beta1], capsize=2, elinewidth=0.8, markersize=5,
            markeredgewidth=0.8,
        )  # fmt: skip
    low, high = min(dot.low for dot in shown), max(dot.high for dot in shown)
    axes.set_xlim(low / 1.5, high * 1.5)
    ticks = [min(dot.mean for dot in shown), max(dot.mean for dot in shown)]
    axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=COLOURS["grey"], alpha=0.25, linewidth=0.5)
    axes.set_title(column.title)


def _legend(figure: Figure, interval: str, style: Style) -> None:
    axes = figure.axes[0]
    nothing = np.array([])
    for beta1, fill in FILLS.items():
        points(
            axes, nothing, nothing, nothing, nothing, colour=COLOURS["grey"], marker="s",
            label=rf"$\beta_1={beta1:g}$" + ("" if style.is_brief else f", {interval}"),
            fill=fill,
        )  # fmt: skip
    axes.plot(
        [], [], "o", color=COLOURS["black"], markersize=8, fillstyle="none", markeredgewidth=0.7,
        label="best, as far as runs tell",
    )  # fmt: skip
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
