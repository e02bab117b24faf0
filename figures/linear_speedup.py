"""The linear speed-up: measured against b, against T, and collapsed on bT."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullLocator

from figures.style import COLOURS, LEFT_SIDE, PAPER, Style, count, slope_triangle


@dataclass(frozen=True)
class Series:
    """Measurements along one axis.

    Attributes
    ----------
    label : str
        What is held fixed, such as ``"T = 16384"``.
    b, T : (K,)
    mean, low, high : (K,), unit F^2/X^2
        The measured left side with its interval.
    slope : (float, float, float)
        The fitted slope and its interval.
    exact : (K,) or None
        Its closed form without perturbation, where one is known.
    """

    label: str
    b: np.ndarray
    T: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    slope: tuple[float, float, float]
    exact: np.ndarray | None = None


def draw(
    along_b: Series,
    along_T: Series,
    interval: str,
    style: Style = PAPER,
    collapse: str = "both against $bT$:\none curve",
) -> Figure:
    """Draw the three panels.

    Parameters
    ----------
    along_b, along_T : Series
    interval : str
        What the slopes' intervals are, such as ``"99.9999 % interval"``.
    collapse : str
        Title of the third panel.
    """
    with style.applied():
        figure, row = plt.subplots(1, 3, figsize=style.size(2.6), sharey=True)
        _against(row[0], along_b, along_b.b, "batch size $b$", COLOURS["blue"], "o", 2)
        row[0].legend(loc="lower left")
        _against(row[1], along_T, along_T.T, "steps $T$", COLOURS["vermilion"], "s", 2)
        if not style.is_brief:
            row[1].legend(loc="lower left")
        row[0].set_ylabel(LEFT_SIDE)
        _collapse(row[2], (along_b, along_T))
        row[0].set_title(f"slope in $b$ at ${along_b.label}$\n{_slope(along_b, interval)}")
        row[1].set_title(f"slope in $T$ at ${along_T.label}$\n{_slope(along_T, interval)}")
        row[2].set_title(f"{collapse}\n")
        row[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        row[0].yaxis.set_major_formatter(
            LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=(9, 9))
        )
        row[0].yaxis.set_minor_locator(NullLocator())
    return figure


def _slope(series: Series, interval: str) -> str:
    slope, low, high = (f"{value:.3f}".replace("-", "−") for value in series.slope)
    return f"{slope}  [{low}, {high}]\n{interval}"


def _against(
    axes: Axes, series: Series, x: np.ndarray, label: str, colour: str, marker: str, base: int
) -> None:
    axes.set_xscale("log", base=base)
    axes.set_yscale("log")
    if series.exact is not None:
        axes.plot(x, series.exact, color=COLOURS["grey"], linewidth=0.9, label="closed form, ρ = 0")
    _measured(axes, x, series, colour, marker, "measured, 95 %")
    span = float(x[-1] / x[0])
    corner = (float(x[0]) * span**0.45, 1.12 * float(series.mean[0]) * span**-0.225)
    slope_triangle(axes, corner, span**0.3, -0.5, r"$-\frac{1}{2}$")
    axes.set_xticks(x, [count(value) for value in x])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(label)


def _collapse(axes: Axes, both: Sequence[Series]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    looks = ((COLOURS["blue"], "o"), (COLOURS["vermilion"], "s"))
    for series, (colour, marker) in zip(both, looks, strict=True):
        _measured(axes, series.b * series.T, series, colour, marker, f"${series.label}$")
    x = np.sort(np.concatenate([series.b * series.T for series in both]))
    first = both[0]
    scale = float(first.mean[0]) * float(np.sqrt(first.b[0] * first.T[0]))
    axes.plot(x, scale / np.sqrt(x), color=COLOURS["grey"], linewidth=0.9, linestyle=(0, (2, 2)),
              label=r"$\propto 1/\sqrt{bT}$", zorder=1)  # fmt: skip
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("samples $bT$")
    axes.legend(loc="lower left")


def _measured(
    axes: Axes, x: np.ndarray, series: Series, colour: str, marker: str, label: str
) -> None:
    axes.errorbar(
        x,
        series.mean,
        yerr=(series.mean - series.low, series.high - series.mean),
        color=colour,
        marker=marker,
        linestyle="none",
        capsize=2,
        elinewidth=0.8,
        label=label,
        zorder=3,
    )
