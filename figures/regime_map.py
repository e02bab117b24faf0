"""Where the batch size speeds up: the slope in b over (eps sqrt(b)/sigma, T)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.style import COLOURS, PAPER, Style


@dataclass(frozen=True)
class Map:
    """Local slopes in b of the average squared gradient.

    Attributes
    ----------
    level : (M,)
        eps sqrt(b)/sigma, evenly spaced in its logarithm.
    T : (N,)
    slope, reach : (N, M)
        Each slope and its interval's half-width.
    predicted : (M,)
        What a constant v_hat = max(eps^2, sigma^2/b) gives at the largest T.
    b : (int, int)
        The two batch sizes between which slopes are taken.
    interval : str
        What the intervals are, such as ``"95 %"``.
    """

    level: np.ndarray
    T: np.ndarray
    slope: np.ndarray
    reach: np.ndarray
    predicted: np.ndarray
    b: tuple[int, int]
    interval: str


LINES = ("blue", "o"), ("green", "s"), ("orange", "^"), ("vermilion", "D")

LIMITS = (-0.65, 0.1)


def draw(data: Map, style: Style = PAPER) -> Figure:
    """Draw the map, and its rows as curves; if brief, the first and the last row alone."""
    with style.applied():
        if style.is_brief:
            figure, right = plt.subplots(figsize=style.size(3.0))
            _curves(right, data, (0, len(data.T) - 1))
            right.set_ylabel("slope in $b$")
            both = (right,)
        else:
            figure, both = plt.subplots(1, 2, figsize=style.size(3.0), width_ratios=(1.15, 1))
            _map(figure, both[0], data)
            _curves(both[1], data, range(len(data.T)))
        low, high = _edges(data.level)[[0, -1]]
        for axes in both:
            axes.set_xscale("log", base=2)
            axes.axvline(1, color=COLOURS["black"], linewidth=0.9, linestyle=(0, (4, 2)))
            axes.set_xlabel(
                rf"$\epsilon\sqrt{{b}}/\sigma$ at $b={np.sqrt(data.b[0] * data.b[1]):.0f}$"
            )
            axes.set_xlim(low, high)
    return figure


def _edges(at: np.ndarray) -> np.ndarray:
    """Return the limits of cells around values that are evenly spaced in their logarithm."""
    root = np.sqrt(at[1] / at[0])
    return np.concatenate([at / root, at[-1:] * root])


def _map(figure: Figure, axes: Axes, data: Map) -> None:
    axes.set_yscale("log", base=2)
    mesh = axes.pcolormesh(
        _edges(data.level), _edges(data.T), data.slope, cmap="cividis", vmin=LIMITS[0],
        vmax=LIMITS[1], rasterized=True,
    )  # fmt: skip
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("slope in $b$")
    bar.outline.set_visible(False)  # type: ignore[operator]
    for row, T in enumerate(data.T):
        for column in range(2, len(data.level), 4):
            value = data.slope[row, column]
            label = f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
            axes.annotate(
                label, (data.level[column], T), ha="center", va="center", fontsize="x-small",
                color="white" if value < -0.25 else "black",
            )  # fmt: skip
    axes.set_yticks(data.T, [f"$2^{{{round(np.log2(T))}}}$" for T in data.T])
    axes.minorticks_off()
    axes.set_ylabel("steps $T$")
    axes.set_title("slope in $b$ under $\\gamma=c\\,\\sqrt{b/T}$")


def _curves(axes: Axes, data: Map, rows: Sequence[int]) -> None:
    axes.axhline(-0.5, color=COLOURS["grey"], linewidth=0.6)
    axes.axhline(0, color=COLOURS["grey"], linewidth=0.6)
    axes.plot(
        data.level, data.predicted, color=COLOURS["black"], linewidth=0.9,
        label=r"$\hat{v}=\max(\epsilon^2,\sigma^2/b)$",
    )  # fmt: skip
    for place, row in enumerate(rows):
        T, (colour, marker) = data.T[row], LINES[row]
        # Side by side within their column, so that the intervals do not cover each other.
        aside = 0.16 * (place - (len(rows) - 1) / 2)
        beside = data.level * (data.level[1] / data.level[0]) ** aside
        axes.errorbar(
            beside, data.slope[row], yerr=data.reach[row], color=COLOURS[colour], marker=marker,
            markersize=3, elinewidth=0.6, linestyle="none", label=f"$T=2^{{{round(np.log2(T))}}}$",
        )  # fmt: skip
    for level, label, drop in ((0, "no speed-up", -24), (-0.5, "linear speed-up", 4)):
        axes.annotate(
            label, (0.03, level), xycoords=("axes fraction", "data"), xytext=(0, drop),
            textcoords="offset points", fontsize="small",
        )  # fmt: skip
    axes.set_ylim(*LIMITS)
    axes.set_title(f"under $\\gamma=c\\,\\sqrt{{b/T}}$, {data.interval} intervals")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.7))
