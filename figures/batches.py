"""The objective over steps for several batch sizes, the step scaled by sqrt(b)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from figures.methods import Band, columns
from figures.style import COLOURS, PAPER, Style, points


@dataclass(frozen=True)
class Task:
    """A problem at M batch sizes.

    Attributes
    ----------
    title : str
    b : (M,)
    t : (K,)
    objective : sequence of M Band
        f(x_t), unit F.
    level : float, unit F
        A height that all pass.
    steps : Band
        Steps until f(x_t) is there, by b.
    """

    title: str
    b: np.ndarray
    t: np.ndarray
    objective: Sequence[Band]
    level: float
    steps: Band


LOOKS = (
    ("orange", (0, (1, 1)), "X"),
    ("green", (0, (6, 1.5, 1, 1.5)), "^"),
    ("blue", (0, (4, 1.2)), "s"),
    ("vermilion", "-", "o"),
)
"""Colour, dashes and marker of each batch size."""


def draw(tasks: Sequence[Task], band: str, style: Style = PAPER) -> Figure:
    """Draw a column a task: the objective, and below it the steps to a level; if brief, the first
    task, side by side.

    Parameters
    ----------
    tasks : sequence of Task
    band : str
        What the bands are.
    style : Style
    """
    return columns(tasks, _column, "steps to the level", band, style)


def _column(above: Axes, below: Axes, task: Task) -> None:
    _curves(above, task)
    _steps(below, task)


def _curves(axes: Axes, task: Task) -> None:
    axes.set_xscale("log")
    for b, band, (colour, dashes, marker) in zip(task.b, task.objective, LOOKS, strict=True):
        axes.fill_between(
            task.t, band.low, band.high, color=COLOURS[colour], alpha=0.2, linewidth=0
        )
        axes.plot(
            task.t, band.mean, color=COLOURS[colour], linestyle=dashes, marker=marker,
            markersize=3, markevery=9, label=f"$b={b:.0f}$",
        )  # fmt: skip
    axes.axhline(
        task.level, color=COLOURS["grey"], linewidth=0.8, linestyle=(0, (2, 2)), label="the level"
    )
    axes.set_xlim(1, task.t[-1])
    axes.set_xlabel("steps $t$")


def _steps(axes: Axes, task: Task) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for power, name in ((-0.5, r"$\propto b^{-1/2}$"), (-1.0, r"$\propto b^{-1}$")):
        line = task.steps.mean[0] * (task.b / task.b[0]) ** power
        axes.plot(task.b, line, color=COLOURS["grey"], linewidth=0.8, linestyle=(0, (2, 2)))
        axes.annotate(
            name, (task.b[-1], line[-1]), xytext=(3, 0), textcoords="offset points", va="center",
            fontsize="small", color=COLOURS["grey"], annotation_clip=False,
        )  # fmt: skip
    for k, (colour, _, marker) in enumerate(LOOKS):
        one = slice(k, k + 1)
        points(
            axes, task.b[one], *(part[one] for part in task.steps), colour=COLOURS[colour],
            marker=marker,
        )  # fmt: skip
    axes.set_xticks(task.b, [f"{b:.0f}" for b in task.b])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size $b$")
