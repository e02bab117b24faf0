"""Corollary 1's schedules over the (b, T) plane, and where Theorem 1 speaks of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from figures.style import COLOURS, PAPER, Style


@dataclass(frozen=True)
class Plane:
    """The schedules on a grid.

    Attributes
    ----------
    b : (M,)
    T : (N,)
        Both from 1.
    gamma, rho : (N, M), unit X
    speaks : (N, M) bool
        Where gamma <= eps/(16 L).
    boundary : (M,)
        The T from which on it does, for each b.
    formula : str
        The boundary's, in mathtext.
    cells : (C, 2)
        The (b, T) of runs to mark.
    """

    b: np.ndarray
    T: np.ndarray
    gamma: np.ndarray
    rho: np.ndarray
    speaks: np.ndarray
    boundary: np.ndarray
    formula: str
    cells: np.ndarray


def draw(plane: Plane, style: Style = PAPER) -> Figure:
    """Draw gamma and rho as contour maps side by side."""
    with style.applied():
        figure, (left, right) = plt.subplots(
            1, 2, figsize=style.size(3.1), sharex=True, sharey=True
        )
        # Labels where the contours cross one line: b T = 10^9, or T = 10 b.
        c_gamma, c_rho = plane.gamma[0, 0], plane.rho[0, 0]
        _map(
            left, plane, plane.gamma, r"$\gamma=c_\gamma\sqrt{b/T}$   [$X$]", "Blues",
            lambda level: (1e9**0.5 * level / c_gamma, 1e9**0.5 * c_gamma / level),
        )  # fmt: skip
        _map(
            right, plane, plane.rho, r"$\rho=c_\rho/\sqrt{bT}$   [$X$]", "Greens",
            lambda level: (c_rho / level / 10**0.5, c_rho / level * 10**0.5),
        )  # fmt: skip
        left.set_ylabel(r"steps $T$")
        middle = len(plane.b) * 2 // 5
        left.annotate(
            plane.formula, (plane.b[middle], plane.boundary[middle]), xytext=(6, -8),
            textcoords="offset points", va="top", fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
        )  # fmt: skip
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center")
    return figure


def _map(
    axes: Axes,
    plane: Plane,
    values: np.ndarray,
    title: str,
    colours: str,
    place: Callable[[float], tuple[float, float]],
) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.pcolormesh(
        plane.b[::10], plane.T[::10], values[::10, ::10], norm=LogNorm(), cmap=_pale(colours),
        rasterized=True, shading="gouraud",
    )  # fmt: skip
    lines = axes.contour(
        plane.b, plane.T, values, locator=LogLocator(), colors=COLOURS["black"], linewidths=0.6
    )
    places = [place(level) for level in lines.levels]
    inside = [(b, T) for b, T in places if 3 < b < plane.b[-1] / 3 and 3 < T < plane.T[-1] / 3]
    axes.clabel(lines, fmt=_power, fontsize=7, inline_spacing=2, manual=inside)
    axes.contourf(
        plane.b, plane.T, np.where(plane.speaks, 0.0, 1.0), levels=[0.5, 1.5], colors="none",
        hatches=["////"],
    )  # fmt: skip
    axes.plot(plane.b, plane.boundary, color=COLOURS["vermilion"], linewidth=1.6)
    axes.annotate(
        "Theorem 1 says nothing", (0.97, 0.05), xycoords="axes fraction", ha="right",
        fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1.5},
    )  # fmt: skip
    axes.plot(
        *plane.cells.T, "o", color=COLOURS["black"], markersize=3.5, markeredgecolor="white",
        clip_on=False, label="cells of the slope claims",
    )  # fmt: skip
    axes.set_xlim(plane.b[0], plane.b[-1])
    axes.set_ylim(plane.T[0], plane.T[-1])
    axes.set_title(title)
    axes.set_xlabel(r"batch size $b$")


def _pale(name: str) -> ListedColormap:
    """Return a colour map mixed with white: opaque, or the mesh would show."""
    return ListedColormap(0.25 + 0.75 * colormaps[name](np.linspace(0, 1, 256))[:, :3])


def _power(level: float) -> str:
    return rf"$10^{{{round(np.log10(level))}}}$"
