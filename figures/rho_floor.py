"""What a fixed rho leaves: a floor of L^2 rho^2, and what the bounds say of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from figures.bound_vs_measured import LOOKS
from figures.style import COLOURS, LEFT_SIDE, PAPER, Style, label_ends


@dataclass(frozen=True)
class Floor:
    """Left sides where SAM settles away from every stationary point.

    Attributes
    ----------
    rho : (K,), unit X
    left : mapping of str to (K,), unit F^2/X^2
        By what the runs are, in mathtext: their left side.
    bounds : mapping of str to (K,)
        Each variant's value for gamma -> 0 and T -> oo, by its name.
    law : (K,)
        L^2 rho^2.
    """

    rho: np.ndarray
    left: Mapping[str, np.ndarray]
    bounds: Mapping[str, np.ndarray]
    law: np.ndarray


MARKERS = ("o", "s", "^", "D")


def draw(floor: Floor, style: Style = PAPER) -> Figure:
    """Draw left sides, law and bounds over rho."""
    with style.applied():
        figure, axes = plt.subplots(figsize=style.size(3.0))
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        ends = []
        for name, values in floor.bounds.items():
            label, colour, dashes, _ = LOOKS[name]
            axes.plot(floor.rho, values, color=colour, linestyle=dashes)
            factor = f"{values[-1] / floor.law[-1]:.0f}".removeprefix("1")
            text = rf"{label}: ${factor}\,GL^2\rho^2/\epsilon$"
            ends.append((values[-1], text, colour))
        for (label, values), marker in zip(floor.left.items(), MARKERS, strict=False):
            axes.plot(
                floor.rho, values, marker, color=COLOURS["black"], fillstyle="none",
                label=f"runs of Algorithm 1, {label}",
            )  # fmt: skip
        label_ends(axes, 1.15 * floor.rho[-1], ends)
        axes.set_xlabel(r"perturbation radius $\rho$   [$X$]")
        axes.set_ylabel(LEFT_SIDE)
        axes.legend(loc="upper left")
    return figure
