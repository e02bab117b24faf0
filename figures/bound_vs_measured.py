"""The bound beside what runs measure, over T, for several batch sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.style import COLOURS, LEFT_SIDE, PAPER, Style


@dataclass(frozen=True)
class Panel:
    """One batch size.

    Attributes
    ----------
    title : str
    T : (K,)
        Horizons.
    mean, low, high : (K,), unit F^2/X^2
        The measured left side (1/T) sum_{t<T} E||grad f(x_t)||^2 with a pointwise band.
    bounds : mapping of str to (K,)
        Each variant's value at these horizons, by the variant's name.
    trivial : float
        d G^2.
    reference : (K,)
        A line that falls as 1/sqrt(bT).
    """

    title: str
    T: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    bounds: Mapping[str, np.ndarray]
    trivial: float
    reference: np.ndarray


LOOKS = {
    "printed": ("printed (5)–(6)", COLOURS["vermilion"], (0, (1, 1)), 1.4),
    "appendix": ("appendix (47)", COLOURS["orange"], "-", 3.2),
    "corrected": ("corrected", COLOURS["blue"], "-", 1.0),
    "tight_simple": ("tight, closed form", COLOURS["green"], (0, (6, 1.5, 1, 1.5)), 1.2),
    "tight": ("tight", COLOURS["purple"], (0, (4, 1.2)), 1.4),
}
"""Label, colour, dashes and width of each variant, the same in every figure: (47) is wide, since
CORRECTED lies on it."""

BRIEF = ("printed", "corrected", "tight")
"""The variants that a brief figure shows."""


def draw(panels: Sequence[Panel], band: str, style: Style = PAPER) -> Figure:
    """Draw one panel a batch size, side by side on shared axes; if brief, the first and the last.

    Parameters
    ----------
    panels : sequence of Panel
    band : str
        What the band is, such as ``"95 % band"``.
    style : Style
    """
    if style.is_brief and len(panels) > 2:
        panels = [panels[0], panels[-1]]
    with style.applied():
        figure, row = plt.subplots(
            1, len(panels), figsize=style.size(2.9), sharex=True, sharey=True, squeeze=False
        )
        for axes, panel in zip(row[0], panels, strict=True):
            _panel(axes, panel, band, style)
        row[0][0].set_ylabel(LEFT_SIDE)
        handles, labels = row[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3 if style.is_brief else 4)
    return figure


def _panel(axes: Axes, panel: Panel, band: str, style: Style) -> None:
    axes.axhspan(panel.trivial, 1e3 * panel.trivial, color="#000000", alpha=0.06, linewidth=0)
    axes.axhline(panel.trivial, color=COLOURS["grey"], linewidth=0.8)
    axes.annotate(
        "$dG^2$",
        (0, panel.trivial),
        xycoords=("axes fraction", "data"),
        xytext=(3, -3),
        textcoords="offset points",
        va="top",
        color=COLOURS["grey"],
    )
    axes.annotate(
        "above $dG^2$ a bound says nothing",
        (1, 1),
        xycoords="axes fraction",
        xytext=(-3, -3),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize="x-small",
        color=COLOURS["grey"],
    )
    shown = BRIEF if style.is_brief else tuple(panel.bounds)
    for name, values in panel.bounds.items():
        if name not in shown:
            continue
        label, colour, dashes, width = LOOKS[name]
        width = None if style.is_brief else width
        axes.plot(panel.T, values, color=colour, linestyle=dashes, linewidth=width, label=label)
    axes.plot(
        panel.T,
        panel.reference,
        color=COLOURS["grey"],
        linewidth=0.8,
        linestyle=(0, (2, 2)),
        label=r"$\propto 1/\sqrt{bT}$",
    )
    axes.fill_between(
        panel.T, panel.low, panel.high, color=COLOURS["black"], alpha=0.25, linewidth=0
    )
    axes.plot(
        panel.T,
        panel.mean,
        color=COLOURS["black"],
        marker="o",
        markevery=0.12,
        markersize=3,
        label=f"measured, {band}",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(panel.title)
    axes.set_xlabel(r"steps $T$")
    everything = np.concatenate([panel.low, *panel.bounds.values()])
    axes.set_xlim(panel.T[0], panel.T[-1])
    axes.set_ylim(0.5 * everything[everything > 0].min(), 30 * panel.trivial)
