"""Remark 3: n workers of b samples each, beside one of nb and the bound with nb."""

from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from figures.style import COLOURS, LEFT_SIDE, PAPER, Style, points


@dataclass(frozen=True)
class Crews:
    """Crews at one rho; C of them.

    Attributes
    ----------
    rho : float, unit X
    n, b : (C,)
        Workers, and each one's mini-batch.
    mean, low, high : (C,), unit F^2/X^2
        The left side with its interval.
    together : (K,)
        Values of nb.
    bound : (K,)
        The sharp bound with nb for b.
    floor : (K,) or None
        The left side, where it is known exactly.
    """

    rho: float
    n: np.ndarray
    b: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    together: np.ndarray
    bound: np.ndarray
    floor: np.ndarray | None


LOOKS = {1: ("blue", "o"), 4: ("green", "s"), 16: ("vermilion", "^")}
"""Colour and marker by n."""


def draw(plain: Crews, perturbed: Crews, interval: str, style: Style = PAPER) -> Figure:
    """Draw a panel without perturbation and one with each worker's own.

    Parameters
    ----------
    plain, perturbed : Crews
    interval : str
        What the points' intervals are.
    """
    with style.applied():
        figure, row = plt.subplots(1, 2, figsize=style.size(2.9), sharey=True)
        for axes, crews in zip(row, (plain, perturbed), strict=True):
            _panel(axes, crews)
        row[0].set_title(r"no perturbation: one floor, $\propto 1/(nb)$")
        row[1].set_title(rf"each worker its own, $\rho={perturbed.rho:g}$")
        row[0].set_ylabel(LEFT_SIDE)
        handles, labels = row[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=3,
            title=None if style.is_brief else f"measured with {interval}",
        )  # fmt: skip
    return figure


def _panel(axes: Axes, crews: Crews) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.plot(
        crews.together, crews.bound, color=COLOURS["purple"], linestyle=(0, (4, 1.2)),
        label=r"tight, with $nb$ for $b$",
    )  # fmt: skip
    if crews.floor is not None:
        axes.plot(crews.together, crews.floor, color=COLOURS["grey"], linewidth=0.9, label="exact")
    total = crews.n * crews.b
    for n, (colour, marker) in LOOKS.items():
        mine = crews.n == n
        # Side by side, so that equal values do not cover each other.
        alike = [np.sort(crews.n[total == t]) for t in total[mine]]
        place = np.array([list(ns).index(n) - (len(ns) - 1) / 2 for ns in alike])
        beside = total[mine] * 2.0 ** (0.2 * place)
        points(
            axes, beside, crews.mean[mine], crews.low[mine], crews.high[mine],
            colour=COLOURS[colour], marker=marker, label=f"$n={n}$",
        )  # fmt: skip
    axes.set_xticks(np.unique(total), np.unique(total).astype(str))
    axes.set_xlim(0.7, 1.4 * total.max())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("samples a step $nb$")
