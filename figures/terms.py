"""The terms of a bound under Corollary 1's schedules: which one dominates, and from where on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.style import COLOURS, PAPER, Style


@dataclass(frozen=True)
class Sweep:
    """The terms along one axis, the other held.

    Attributes
    ----------
    title, label : str
        What is held; what runs along the axis.
    at : (K,)
        b or T.
    leading : (K,), unit F^2/X^2
        The two leading terms together.
    parts : mapping of str to (K,)
        Each part of Phi, by the term's name.
    trivial : float
        d G^2.
    limits : mapping of str to float
        Where on the axis a part equals the leading terms, for those that do.
    step_limit : float or None
        Where on the axis gamma = eps/(16 L), if it is.
    speaks_above : bool
        Whether the theorem speaks above ``step_limit`` (of T) or below it (of b).
    """

    title: str
    label: str
    at: np.ndarray
    leading: np.ndarray
    parts: Mapping[str, np.ndarray]
    trivial: float
    limits: Mapping[str, float]
    step_limit: float | None
    speaks_above: bool


LOOKS = {
    "perturbation": (r"perturbation $\rho^2$", COLOURS["green"], (0, (4, 1.2))),
    "eta_variation_l1": (r"$\eta$ varies, $\ell_1$", COLOURS["orange"], (0, (6, 1.5, 1, 1.5))),
    "momentum": ("momentum", COLOURS["purple"], (0, (1, 1))),
    "eta_variation_l2": (r"$\eta$ varies, $\ell_2$", COLOURS["sky"], (0, (2, 2))),
    "perturbed_noise": ("perturbed noise", COLOURS["grey"], (0, (1, 2.5))),
}
"""Label, colour and dashes of each part of Phi."""

BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}

LEADING = ("the two leading terms", COLOURS["blue"], "-")


def draw(sweeps: Sequence[Sweep], style: Style = PAPER) -> Figure:
    """Draw one panel a sweep, side by side; if brief, the first, with Phi as one line."""
    if style.is_brief:
        sweeps = sweeps[:1]
    largest = max(float(np.sum(list(sweep.parts.values()), axis=0).max()) for sweep in sweeps)
    least = min(float(sweep.leading.min()) for sweep in sweeps)
    with style.applied():
        figure, row = plt.subplots(
            1, len(sweeps), figsize=style.size(3.5), sharey=True, squeeze=False
        )
        row[0][0].set_ylim(1e-3 * least, 30 * max(largest, sweeps[0].trivial))
        for axes, sweep in zip(row[0], sweeps, strict=True):
            _panel(axes, sweep, style)
        row[0][0].set_ylabel(r"term of the bound   [$F^2/X^2$]")
        handles, labels = row[0][0].get_legend_handles_labels()
        place = "outside right center" if style.is_brief else "outside lower center"
        figure.legend(handles, labels, loc=place, ncols=1 if style.is_brief else 4)
    return figure


def _panel(axes: Axes, sweep: Sweep, style: Style) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(sweep.at[0], sweep.at[-1])
    axes.axhspan(sweep.trivial, axes.get_ylim()[1], color="#000000", alpha=0.06, linewidth=0)
    axes.annotate(
        "above $dG^2$ the bound says nothing", (1, sweep.trivial),
        xycoords=("axes fraction", "data"), xytext=(-2, 2), textcoords="offset points",
        ha="right", fontsize="x-small", color=COLOURS["grey"],
    )  # fmt: skip
    _beyond_the_theorem(axes, sweep)
    label, colour, dashes = LEADING
    axes.plot(sweep.at, sweep.leading, color=colour, linestyle=dashes, linewidth=2.2, label=label)
    phi = np.sum(list(sweep.parts.values()), axis=0)
    axes.plot(
        sweep.at, phi, color=COLOURS["vermilion"], linewidth=4, alpha=0.35, zorder=1,
        label=r"$\Phi$, the other terms together",
    )  # fmt: skip
    for name, values in sweep.parts.items():
        label, colour, dashes = LOOKS[name]
        axes.plot(sweep.at, values, color=colour, linestyle=dashes, linewidth=1.3, label=label)
        if name in sweep.limits:
            x = sweep.limits[name]
            y = float(np.exp(np.interp(np.log(x), np.log(sweep.at), np.log(sweep.leading))))
            axes.plot([x], [y], "o", color=colour, markersize=5, markeredgecolor="white", zorder=4)
    _strip(axes, sweep)
    axes.set_title(sweep.title)
    axes.set_xlabel(sweep.label)


def _beyond_the_theorem(axes: Axes, sweep: Sweep) -> None:
    """Hatch where gamma exceeds eps/(16 L)."""
    if sweep.step_limit is None:
        return
    left, right = axes.get_xlim()
    span = (left, sweep.step_limit) if sweep.speaks_above else (sweep.step_limit, right)
    axes.axvspan(
        *span, facecolor="none", edgecolor=COLOURS["grey"], alpha=0.35, hatch="////", linewidth=0
    )
    axes.annotate(
        r"$\gamma>\epsilon/(16L)$", (float(np.sqrt(span[0] * span[1])), 0.12),
        xycoords=("data", "axes fraction"), ha="center", va="bottom", rotation=90,
        fontsize="x-small", bbox=BOX,
    )  # fmt: skip


def _strip(axes: Axes, sweep: Sweep) -> None:
    """Name the largest along the axis: the leading two together or a part of Phi."""
    names = ["leading", *sweep.parts]
    largest = np.argmax(np.stack([sweep.leading, *sweep.parts.values()]), axis=0)
    edges = np.flatnonzero(np.diff(largest)) + 1
    whole = np.log(sweep.at[-1] / sweep.at[0])
    for first, last in zip([0, *edges], [*edges, len(largest) - 1], strict=True):
        label, colour, _ = {"leading": LEADING, **LOOKS}[names[largest[first]]]
        left, right = sweep.at[first], sweep.at[last]
        axes.axvspan(left, right, 0, 0.06, color=colour, linewidth=0, zorder=3)
        if np.log(right / left) > 0.14 * whole:
            axes.annotate(
                "leading terms" if names[largest[first]] == "leading" else label,
                (float(np.sqrt(left * right)), 0.028), xycoords=("data", "axes fraction"),
                ha="center", va="center", fontsize="x-small", color="white", zorder=4,
            )  # fmt: skip
