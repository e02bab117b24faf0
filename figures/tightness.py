"""The tightness ladder: every variant of the bound as a multiple of what runs measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from figures.bound_vs_measured import BRIEF, LOOKS
from figures.style import COLOURS, PAPER, Style

MARKERS = {"printed": "X", "appendix": "s", "corrected": "D", "tight_simple": "^", "tight": "o"}


@dataclass(frozen=True)
class Rung:
    """One setting.

    Attributes
    ----------
    label : str
    low, high : float
        The measured left side's interval, over the measured value.
    bounds : mapping of str to float
        Each variant's value over the measured one; a variant that does not apply is absent.
    trivial : float
        d G^2 over the measured value.
    """

    label: str
    low: float
    high: float
    bounds: Mapping[str, float]
    trivial: float


def draw(rungs: Sequence[Rung], interval: str, style: Style = PAPER) -> Figure:
    """Draw one row a setting, the tightest first; if brief, at most nine.

    Parameters
    ----------
    rungs : sequence of Rung
    interval : str
        What the measured value's interval is, such as ``"interval of all n"``.
    """
    rungs = sorted(rungs, key=lambda rung: rung.bounds["tight"])
    if style.is_brief:
        rungs = rungs[:: 1 + len(rungs) // 9]
    names = BRIEF if style.is_brief else tuple(LOOKS)
    with style.applied():
        figure, axes = plt.subplots(figsize=style.size(0.9 + 0.24 * len(rungs)))
        axes.set_xscale("log")
        places = np.arange(len(rungs))[::-1]
        least = 0.6 * min(min(min(rung.bounds.values()), rung.low) for rung in rungs)
        most = 3 * max(max(rung.bounds.values()) for rung in rungs)
        axes.axvspan(least, 1, color=COLOURS["vermilion"], alpha=0.07, linewidth=0)
        axes.axvline(1, color=COLOURS["black"], linewidth=0.8)
        for place, rung in zip(places, rungs, strict=True):
            axes.plot(
                [rung.low, rung.high], [place, place], color=COLOURS["black"], alpha=0.3,
                linewidth=5, solid_capstyle="butt",
                label=f"measured, {interval}" if place == places[0] else None,
            )  # fmt: skip
            bounds = [rung.bounds["tight"], rung.bounds["corrected"]]
            axes.plot(bounds, [place, place], color=COLOURS["grey"], linewidth=0.6, zorder=1)
            axes.annotate(
                f"×{bounds[1] / bounds[0]:.3g}", (1, place), xycoords=("axes fraction", "data"),
                xytext=(6, 0), textcoords="offset points", va="center", annotation_clip=False,
            )  # fmt: skip
        axes.annotate(
            "corrected/tight", (1, len(rungs) - 0.3), xycoords=("axes fraction", "data"),
            xytext=(6, 0), textcoords="offset points", fontsize="x-small", annotation_clip=False,
        )  # fmt: skip
        axes.plot(
            [rung.trivial for rung in rungs], places, "|", color=COLOURS["black"], markersize=9,
            label="$dG^2$",
        )  # fmt: skip
        for name in names:
            label, colour, _, _ = LOOKS[name]
            shown = [(y, r) for y, r in zip(places, rungs, strict=True) if name in r.bounds]
            wide = name == "appendix"  # CORRECTED lies on it
            axes.plot(
                [rung.bounds[name] for _, rung in shown],
                [place for place, _ in shown],
                MARKERS[name],
                color=colour,
                markersize=7 if wide else 4,
                fillstyle="none" if wide else "full",
                label=label,
                zorder=3,
            )
        axes.set_yticks(places, [rung.label for rung in rungs])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(least, most)
        axes.set_ylim(-0.7, len(rungs) - 0.1)
        axes.annotate(
            "false here", (least, len(rungs) - 0.3), xytext=(3, 0), textcoords="offset points",
            fontsize="x-small", color=COLOURS["vermilion"],
        )  # fmt: skip
        axes.set_xlabel("bound / measured left side")
        figure.legend(loc="outside lower center", ncols=3 if style.is_brief else 4)
    return figure
