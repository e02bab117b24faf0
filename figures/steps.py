"""Remark 3: steps to a tolerance, over the batch size and over the tolerance."""

from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from figures.style import COLOURS, PAPER, Style, points


@dataclass(frozen=True)
class Steps:
    """Steps to a tolerance along one axis.

    Attributes
    ----------
    at : (K,)
        b, or delta in F^2/X^2.
    T, low, high : (K,)
        Measured, with an interval.
    exact : (K,)
        Known exactly, without perturbation.
    slope : (float, float, float)
        Of log T, with its interval.
    held : str
        What the other is, in mathtext.
    """

    at: np.ndarray
    T: np.ndarray
    low: np.ndarray
    high: np.ndarray
    exact: np.ndarray
    slope: tuple[float, float, float]
    held: str


def draw(
    over_b: Steps, over_delta: Steps, band: str, interval: str, style: Style = PAPER
) -> Figure:
    """Draw the two panels.

    Parameters
    ----------
    over_b, over_delta : Steps
    band : str
        What the points' intervals are, such as ``"95 %"``.
    interval : str
        What the slopes' intervals are.
    """
    with style.applied():
        figure, (left, right) = plt.subplots(1, 2, figsize=style.size(2.7))
        _panel(left, over_b, COLOURS["blue"], "o", -1, band)
        _panel(right, over_delta, COLOURS["vermilion"], "s", -2, band)
        for axes, steps, name in ((left, over_b, "$b$"), (right, over_delta, r"$\delta$")):
            slope, low, high = (f"{value:.3f}".replace("-", "−") for value in steps.slope)
            title = f"slope in {name} at {steps.held}\n{slope}  [{low}, {high}]"
            axes.set_title(title if style.is_brief else f"{title}, {interval}")
        left.set_xlabel("batch size $b$")
        right.set_xlabel(r"tolerance $\delta$   [$F^2/X^2$]")
        left.set_xticks(over_b.at, [f"{b:.0f}" for b in over_b.at])
        right.set_xticks(
            over_delta.at, [f"{1000 * delta:.2g}" + r"$\cdot 10^{-3}$" for delta in over_delta.at]
        )
        for axes in (left, right):
            axes.xaxis.set_minor_locator(NullLocator())
        left.set_ylabel(r"steps $T(\delta)$ to a left side of $\delta$")
    return figure


def _panel(axes: Axes, steps: Steps, colour: str, marker: str, power: int, band: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot(steps.at, steps.exact, color=COLOURS["grey"], linewidth=0.9, label=r"exact, $\rho=0$")
    law = steps.T[0] * (steps.at / steps.at[0]) ** power
    axes.plot(
        steps.at, law, color=colour, linewidth=0.9, linestyle=(0, (2, 2)),
        label=r"$\propto b^{-1}$" if power == -1 else r"$\propto\delta^{-2}$",
    )  # fmt: skip
    points(
        axes, steps.at, steps.T, steps.low, steps.high, colour=colour, marker=marker,
        label=f"measured, {band}",
    )  # fmt: skip
    axes.legend(loc="lower left")
