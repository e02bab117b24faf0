"""The printed bound under scaling: f -> c f, eps -> c eps leaves the path as it is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.bound_vs_measured import LOOKS
from figures.style import COLOURS, LEFT_SIDE, PAPER, Style, false_above_one, label_ends, points


@dataclass(frozen=True)
class Scaling:
    """One setting, with f and eps scaled.

    Attributes
    ----------
    c : (K,)
        By how much.
    left : (K,), unit F^2/X^2
        The left side, exact.
    bounds : mapping of str to (K,)
        Each variant's value, by its name.
    at : (M,)
        The c of the runs.
    mean, low, high : (M,)
        Their left side with its interval.
    interval : str
        What the interval is, such as ``"95 %"``.
    """

    c: np.ndarray
    left: np.ndarray
    bounds: Mapping[str, np.ndarray]
    at: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    interval: str


def draw(scaling: Scaling, style: Style = PAPER) -> Figure:
    """Draw the left side and the bounds over c, and their ratios; the ratios alone if brief."""
    with style.applied():
        if style.is_brief:
            figure, right = plt.subplots(figsize=style.size(3.0))
        else:
            figure, (left, right) = plt.subplots(1, 2, figsize=style.size(2.9))
            _values(left, scaling)
        _ratios(right, scaling)
    return figure


def _axes(axes: Axes, scaling: Scaling) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel(r"scale $c$ of $f$ and $\epsilon$")
    axes.set_xlim(scaling.c[0] / 1.2, scaling.c[-1] * 1.2)


def _values(axes: Axes, scaling: Scaling) -> None:
    _axes(axes, scaling)
    ends = [(scaling.left[-1], r"measured $\propto c^2$", COLOURS["black"])]
    for name, values in scaling.bounds.items():
        label, colour, dashes, _ = LOOKS[name]
        power = r"$\propto c^3$" if name == "printed" else r"$\propto c^2$"
        axes.plot(scaling.c, values, color=colour, linestyle=dashes)
        ends.append((values[-1], f"{label} {power}", colour))
    axes.plot(scaling.c, scaling.left, color=COLOURS["black"])
    points(
        axes, scaling.at, scaling.mean, scaling.low, scaling.high, colour=COLOURS["black"],
        marker="o",
    )  # fmt: skip
    label_ends(axes, 1.4 * scaling.c[-1], ends)
    axes.set_ylabel(LEFT_SIDE)


def _ratios(axes: Axes, scaling: Scaling) -> None:
    _axes(axes, scaling)
    ends = []
    for name, values in scaling.bounds.items():
        label, colour, dashes, _ = LOOKS[name]
        ratio = scaling.left / values
        axes.plot(scaling.c, ratio, color=colour, linestyle=dashes)
        there = np.interp(np.log(scaling.at), np.log(scaling.c), np.log(values))
        measured = (part / np.exp(there) for part in (scaling.mean, scaling.low, scaling.high))
        points(axes, scaling.at, *measured, colour=colour, marker=MARKERS[name])
        ends.append((ratio[-1], label, colour))
    label_ends(axes, 1.4 * scaling.c[-1], ends)
    axes.set_ylabel("left side / bound")
    false_above_one(axes, "the bound is false here")
    axes.plot([], [], "o", color=COLOURS["black"], label=f"measured, {scaling.interval} intervals")
    axes.legend(loc="lower left")


MARKERS = {"printed": "X", "corrected": "D", "tight": "o"}
