"""The falsifier's trail: how a search came upon its largest ratio, and where it went for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.style import COLOURS, PAPER, Style

KINDS: dict[tuple[bool, str], tuple[str, Any, str]] = {
    (True, "additive"): ("o", "full", "convex, additive noise"),
    (True, "shift"): ("s", "full", "convex, shift noise"),
    (False, "additive"): ("o", "none", "non-convex, additive noise"),
    (False, "shift"): ("s", "none", "non-convex, shift noise"),
}
"""Kind of problem, by (convex, noise): marker, how it is filled, label."""

LOOKS: tuple[tuple[str, Any], ...] = (
    ("blue", "-"),
    ("vermilion", "--"),
    ("green", "-."),
    ("purple", ":"),
)
"""Each trail's colour and dashes."""

_LEAST_STEP = 1.5
"""A record is marked where it beats the last marked one by this factor."""


@dataclass(frozen=True)
class Trail:
    """What one search tried, in order; N instances.

    Attributes
    ----------
    label : str
    ratio : (N,) float
        Measured/bound.
    eps_over_G, scale : (N,) float
        Where in the box; scale is that of f.
    convex : (N,) bool
    noise : (N,) str
        ``"additive"`` or ``"shift"``.
    second : int or None
        Number of the instance with which a second search begins, from 0.
    """

    label: str
    ratio: np.ndarray
    eps_over_G: np.ndarray
    scale: np.ndarray
    convex: np.ndarray
    noise: np.ndarray
    second: int | None

    @property
    def records(self) -> np.ndarray:
        """Numbers of the instances that set a new record."""
        before = np.concatenate([[0.0], np.maximum.accumulate(self.ratio)[:-1]])
        return np.flatnonzero(self.ratio > before)


def draw(trails: Sequence[Trail], style: Style = PAPER) -> Figure:
    """Draw the best ratio so far, and the records' places in (eps/G, scale of f).

    Parameters
    ----------
    trails : up to four Trail
        Of one bound, told apart by colour and dashes.
    """
    if len(trails) > len(LOOKS):
        raise ValueError(f"{len(trails)} trails: at most {len(LOOKS)} can be told apart")
    with style.applied():
        figure, (progress, place) = plt.subplots(
            1, 2, figsize=style.size(2.9), gridspec_kw={"width_ratios": [1.15, 1]}
        )
        _progress(progress, trails)
        _place(place, trails)
        looks = [
            Line2D([], [], color=COLOURS[colour], linestyle=dashes, label=trail.label)
            for trail, (colour, dashes) in zip(trails, LOOKS, strict=False)
        ]
        kinds = [
            Line2D(
                [], [], color=COLOURS["grey"], marker=marker, fillstyle=fill, linestyle="",
                label=label,
            )
            for marker, fill, label in KINDS.values()
        ]  # fmt: skip
        progress.legend(handles=looks, loc="upper left")
        figure.legend(handles=kinds, loc="outside lower center", ncols=2 if style.is_brief else 4)
    return figure


def _progress(axes: Axes, trails: Sequence[Trail]) -> None:
    axes.set_yscale("log")
    most = max(float(trail.ratio.max()) for trail in trails)
    least = min(float(trail.ratio[0]) for trail in trails)
    top, bottom = 4 * max(most, 1.0), 0.3 * max(least, 1e-6)
    axes.axhspan(1, top, color=COLOURS["vermilion"], alpha=0.07, linewidth=0)
    axes.axhline(1, color=COLOURS["black"], linewidth=0.8)
    axes.annotate(
        "the bound is false here", (0.02, 1), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", fontsize="x-small", color=COLOURS["vermilion"],
    )  # fmt: skip
    for trail, (colour, dashes) in zip(trails, LOOKS, strict=False):
        best = np.maximum.accumulate(trail.ratio)
        axes.step(
            np.arange(1, len(best) + 1), best, where="post", color=COLOURS[colour],
            linestyle=dashes,
        )  # fmt: skip
        _mark(axes, trail, 1.0 + np.arange(len(best)), trail.ratio, colour)
    if trails[0].second is not None:
        axes.axvline(trails[0].second, color=COLOURS["grey"], linewidth=0.8, linestyle=":")
        axes.annotate(
            "runs start at\nthe minimiser", (trails[0].second, 0.98), va="top",
            xycoords=("data", "axes fraction"), xytext=(3, 0), textcoords="offset points",
            fontsize="x-small", color=COLOURS["grey"],
        )  # fmt: skip
    axes.set_xlim(1, max(len(trail.ratio) for trail in trails))
    axes.set_ylim(bottom, top)
    axes.set_xlabel("instances tried")
    axes.set_ylabel("largest measured/bound so far")


def _place(axes: Axes, trails: Sequence[Trail]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for trail, (colour, dashes) in zip(trails, LOOKS, strict=False):
        axes.plot(
            trail.eps_over_G, trail.scale, ".", color=COLOURS["grey"], alpha=0.12, markersize=2,
            markeredgewidth=0, rasterized=True, zorder=1,
        )  # fmt: skip
        records = trail.records
        axes.plot(
            trail.eps_over_G[records], trail.scale[records], color=COLOURS[colour],
            linestyle=dashes, linewidth=0.8,
        )  # fmt: skip
        _mark(axes, trail, trail.eps_over_G, trail.scale, colour)
        last = records[-1:]  # none where no ratio is above 0
        axes.plot(
            trail.eps_over_G[last], trail.scale[last], "*", color=COLOURS[colour], markersize=11,
            markeredgecolor=COLOURS["black"], markeredgewidth=0.5, zorder=4, clip_on=False,
        )  # fmt: skip
    axes.plot(
        trails[0].eps_over_G[0], trails[0].scale[0], "D", color=COLOURS["black"], zorder=5,
        clip_on=False,
    )  # fmt: skip
    axes.annotate(
        "start", (trails[0].eps_over_G[0], trails[0].scale[0]), xytext=(-8, 14), ha="right",
        textcoords="offset points", fontsize="small",
    )  # fmt: skip
    axes.annotate(
        "lines: records; star: the largest", (0.02, 0.02), xycoords="axes fraction",
        fontsize="x-small", color=COLOURS["grey"],
    )  # fmt: skip
    axes.set_xlabel(r"$\varepsilon/G$")
    axes.set_ylabel(r"scale of $f$  (there $G = L$)")


def _mark(axes: Axes, trail: Trail, x: np.ndarray, y: np.ndarray, colour: str) -> None:
    """Mark the records worth it by their kind of problem."""
    shown, last = [], 0.0
    for number in trail.records:
        if trail.ratio[number] >= _LEAST_STEP * last:
            shown.append(int(number))
            last = trail.ratio[number]
    for number in shown:
        marker, fill, _ = KINDS[bool(trail.convex[number]), str(trail.noise[number])]
        axes.plot(
            x[number], y[number], marker, fillstyle=fill, color=COLOURS[colour], markersize=4,
            zorder=3, clip_on=False,
        )  # fmt: skip
