"""Corollary 1 in one figure: bounds and runs under its schedule, along b, along T, against bT."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from figures.bound_vs_measured import LOOKS
from figures.style import COLOURS, LEFT_SIDE, PAPER, Style, count, label_ends


@dataclass(frozen=True)
class Curve:
    """A bound, the runs or the guide along one axis.

    Attributes
    ----------
    name : str
        A variant of the bound, ``"runs"`` or ``"guide"``.
    x : (K,)
    y : (K,), unit F^2/X^2
    slope : float or None
        Of log y against log x, to be written beside it.
    reach : float or None
        Half the length of the slope's interval.
    low, high : (K,) or None
        The band of y.
    along : str
        ``"b"`` or ``"T"``: which of them changes from point to point; empty for the guide.
    is_apart : bool
        Whether a line of the same name beside it has another slope.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    slope: float | None = None
    reach: float | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    along: str = ""
    is_apart: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves over one axis.

    Attributes
    ----------
    title, label : str
        What is held, and the axis, in mathtext.
    ticks : (J,)
    curves : sequence of Curve
    """

    title: str
    label: str
    ticks: np.ndarray
    curves: Sequence[Curve]


FACES = {
    "printed": ("printed", *LOOKS["printed"][1:3], 1.6, "X"),
    "corrected": ("corrected", *LOOKS["corrected"][1:3], 1.2, "D"),
    "tight": ("tight", *LOOKS["tight"][1:3], 3, ""),
    "guide": (r"$1/\sqrt{bT}$", COLOURS["grey"], (0, (2, 2)), 0.9, ""),
    "runs": ("runs", COLOURS["black"], "-", 0.9, "o"),
}
"""Label, colour, dashes, width and marker; TIGHT is wide, since the runs lie on it."""

SQUARE = "s"
"""Marker of runs along T."""


def draw(panels: Sequence[Panel], trivial: float, setting: str, style: Style = PAPER) -> Figure:
    """Draw the panels side by side, each line's name and slope beside its end.

    Parameters
    ----------
    panels : sequence of Panel
    trivial : float, unit F^2/X^2
        d G^2.
    setting : str
        Written below a brief figure, which is shown without its caption.
    style : Style
    """
    with style.applied():
        figure, row = plt.subplots(1, len(panels), figsize=style.size(3.1), sharey=True)
        least = min(float(curve.y.min()) for panel in panels for curve in panel.curves)
        for axes, panel in zip(row, panels, strict=True):
            axes.set_yscale("log")
            axes.set_ylim(0.5 * least, 15 * trivial)
            _panel(axes, panel, trivial, style)
            axes.yaxis.set_minor_locator(NullLocator())
        row[0].set_ylabel(LEFT_SIDE)
        if style.is_brief:
            figure.supxlabel(setting, fontsize="x-small", color=COLOURS["grey"])
    return figure


def _panel(axes: Axes, panel: Panel, trivial: float, style: Style) -> None:
    axes.set_xscale("log", base=2)
    axes.axhspan(trivial, axes.get_ylim()[1], color=COLOURS["black"], alpha=0.09, linewidth=0)
    axes.axhline(trivial, color=COLOURS["grey"], linewidth=0.8)
    for text, drop, side in (("$dG^2$", -3, "top"), ("a bound here\nsays nothing", 2, "bottom")):
        axes.annotate(
            text, (0.03, trivial), xycoords=("axes fraction", "data"), xytext=(0, drop),
            textcoords="offset points", va=side, fontsize="small", linespacing=1.0,
            color=COLOURS["grey"],
        )  # fmt: skip
    ends = []
    for curve in panel.curves:
        name, colour, dashes, width, marker = FACES[curve.name]
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.3, linewidth=0)
        axes.plot(
            curve.x, curve.y, color=colour, linestyle=dashes, linewidth=width,
            marker=SQUARE if (curve.name, curve.along) == ("runs", "T") else marker,
            markersize=3.5, label=name, zorder=3 if curve.name == "runs" else 2,
        )  # fmt: skip
        if curve.slope is not None:
            ends.append((float(curve.y[-1]), _beside(curve, style), colour))
    axes.set_xticks(panel.ticks, [count(value) for value in panel.ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(panel.label)
    axes.set_title(panel.title)
    left, right = axes.get_xlim()
    label_ends(axes, right * (right / left) ** 0.02, ends, "small")


def _beside(curve: Curve, style: Style) -> str:
    """Return a line's name and slope."""
    assert curve.slope is not None
    name = FACES[curve.name][0]
    if curve.is_apart and not style.is_brief:
        name += f" in ${curve.along}$"
    if curve.name == "guide":
        return f"{name}  −½"
    slope = f"{curve.slope:+.{2 if style.is_brief else 3}f}".replace("-", "−")
    reach = "" if style.is_brief or curve.reach is None else f" ± {curve.reach:.3f}"
    return f"{name}  {slope}{reach}"
