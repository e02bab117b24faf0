"""Methods side by side: objective and average squared gradient over steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.style import COLOURS, PAPER, Style


class Band(NamedTuple):
    """A mean over runs with its pointwise interval, each (K,)."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Curve:
    """One method on one task.

    Attributes
    ----------
    method : str
    t : (K,)
    objective : Band, unit F
        f(x_t).
    running : Band
        The running mean of ||grad f||^2 over ||grad f(x_0)||^2.
    """

    method: str
    t: np.ndarray
    objective: Band
    running: Band


@dataclass(frozen=True)
class Task:
    """A problem and each method's curve on it."""

    title: str
    curves: Sequence[Curve]


LOOKS = {
    "sgd": ("SGD", COLOURS["orange"], "-", "X"),
    "sam": ("SAM", COLOURS["black"], (0, (1, 1)), "^"),
    "adasam": ("AdaSAM", COLOURS["vermilion"], "-", "o"),
    "amsgrad": ("AMSGrad", COLOURS["blue"], (0, (4, 1.2)), "s"),
}
"""Label, colour, dashes and marker of each method."""

WIDE = ("sgd", "adasam")
"""Drawn wide and pale, since SAM lies on SGD and AMSGrad on AdaSAM."""

RUNNING = r"$t^{-1}\sum_{s<t}\mathrm{E}\Vert\nabla f(x_s)\Vert^2/\Vert\nabla f(x_0)\Vert^2$"


def draw(tasks: Sequence[Task], band: str, style: Style = PAPER) -> Figure:
    """Draw a column a task, the objective above the average squared gradient; if brief, the first
    task, side by side.

    Parameters
    ----------
    tasks : sequence of Task
    band : str
        What the bands are, such as ``"95 % bands"``.
    style : Style
    """
    return columns(tasks, _column, RUNNING, band, style, label_size="small")


def columns(
    tasks: Sequence[Any],
    fill: Callable[[Axes, Axes, Any], None],
    label: str,
    band: str,
    style: Style,
    label_size: str | None = None,
) -> Figure:
    """Draw a column a task: the objective, and something else below it.

    Parameters
    ----------
    tasks : sequence
        Each with a ``title``; in a brief style the first alone, its two panels side by side.
    fill : callable
        ``fill(above, below, task)`` draws a task's panels; the legend is that of the first.
    label : str
        Of the lower panels' y axis.
    band : str
        What the bands are.
    style : Style
    label_size : str, optional
        Of that label, where the style is not brief.
    """
    tasks = tasks[:1] if style.is_brief else tasks
    with style.applied():
        shape = (1, 2) if style.is_brief else (2, len(tasks))
        figure, grid = plt.subplots(*shape, figsize=style.size(3.9), squeeze=False)
        axes = grid.T if style.is_brief else grid
        for task, (above, below) in zip(tasks, axes.T, strict=True):
            fill(above, below, task)
            if not style.is_brief:
                above.set_title(task.title)
        axes[0, 0].set_ylabel("objective $f(x_t)$   [$F$]")
        axes[1, 0].set_ylabel(label, fontsize=None if style.is_brief else label_size)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=len(labels),
            title=None if style.is_brief else f"means with {band}",
        )  # fmt: skip
        if style.is_brief:
            figure.suptitle(tasks[0].title)
    return figure


def _column(above: Axes, below: Axes, task: Task) -> None:
    for curve in task.curves:
        label, colour, dashes, marker = LOOKS[curve.method]
        for axes, part in ((above, curve.objective), (below, curve.running)):
            axes.fill_between(curve.t, part.low, part.high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(
                curve.t, part.mean, color=colour, linestyle=dashes, marker=marker, label=label,
                markevery=(3 * list(LOOKS).index(curve.method), 12),
                linewidth=3.2 if curve.method in WIDE else 1.2,
                alpha=0.5 if curve.method in WIDE else 1.0,
                markersize=5 if curve.method in WIDE else 3,
            )  # fmt: skip
    below.set_yscale("log")
    for axes in (above, below):
        axes.set_xscale("log")
        axes.set_xlim(1, task.curves[0].t[-1])
        axes.set_xlabel("steps $t$")
