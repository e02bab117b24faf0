"""How fast the engines are: ratios as bars, rates over d and over b as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from figures.style import COLOURS, PAPER, Style, label_ends


@dataclass(frozen=True)
class Line:
    """An engine's rates along one axis.

    Attributes
    ----------
    engine : str
    at : (K,)
        d or b.
    rate, low, high : (K,), unit coordinate-steps/s
        The median of several timings, the slowest and the fastest.
    """

    engine: str
    at: np.ndarray
    rate: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Speed:
    """A benchmark.

    Attributes
    ----------
    bars : mapping of int to mapping of str to float
        For some d: the numba engine's rate over each other's.
    over_d, over_b : sequence of Line
    machine : str
        On what it ran.
    """

    bars: Mapping[int, Mapping[str, float]]
    over_d: Sequence[Line]
    over_b: Sequence[Line]
    machine: str


LOOKS = {
    "numba": ("numba", COLOURS["blue"], "o", "-"),
    "jax_runs_last": ("JAX, runs last", COLOURS["purple"], "v", (0, (1, 1))),
    "jax": ("JAX", COLOURS["purple"], "^", (0, (4, 1.2))),
    "numpy": ("NumPy", COLOURS["green"], "s", (0, (6, 1.5, 1, 1.5))),
    "torch": ("torch", COLOURS["vermilion"], "D", (0, (2, 2))),
    "reference": ("reference", COLOURS["black"], "x", (0, (3, 1, 1, 1, 1, 1))),
    "torch_optim_loop": ("torch.optim loop", COLOURS["orange"], "P", (0, (5, 2))),
}
"""Label, colour, marker and dashes of each engine and peer."""

SHADES = (1.0, 0.45)
"""Opacity of the bars of the first d and of the second."""


def draw(speed: Speed, style: Style = PAPER) -> Figure:
    """Draw the three panels; if brief, not the one over batch size."""
    widths = (1.15, 1) if style.is_brief else (1.15, 1, 1)
    with style.applied():
        figure, row = plt.subplots(1, len(widths), figsize=style.size(2.9), width_ratios=widths)
        _bars(row[0], speed.bars)
        _lines(row[1], speed.over_d, 10)
        row[0].set_title("numba's rate over the others'")
        row[1].set_title("rate over dimension")
        row[1].set_ylabel("coordinate-steps a second   [1/s]")
        row[1].set_xlabel("dimension $d$")
        if not style.is_brief:
            _lines(row[2], speed.over_b, 2)
            row[2].set_title("rate over batch size")
            row[2].set_xlabel("batch size $b$")
        figure.supxlabel(speed.machine, fontsize="x-small", color=COLOURS["grey"])
    return figure


def _bars(axes: Axes, bars: Mapping[int, Mapping[str, float]]) -> None:
    """Draw a group of bars for each engine, one bar a d, the largest ratio at the bottom."""
    present = {name for ratios in bars.values() for name in ratios}
    first = next(iter(bars.values()), {})
    names = sorted(present, key=lambda name: first.get(name, 0.0))
    thick = 0.8 / max(1, len(bars))
    axes.set_xscale("log")
    for number, ((d, ratios), shade) in enumerate(zip(bars.items(), SHADES, strict=False)):
        for place, name in enumerate(names):
            if name not in ratios:
                continue
            y = place + (number - (len(bars) - 1) / 2) * thick
            axes.barh(y, ratios[name], thick * 0.92, color=LOOKS[name][1], alpha=shade)
            axes.annotate(
                f"×{_short(ratios[name])}" + (f"   d = {d}" if place == 0 else ""),
                (ratios[name], y), xytext=(2, 0), textcoords="offset points", va="center",
                fontsize="x-small",
            )  # fmt: skip
    axes.set_yticks(range(len(names)), [LOOKS[name][0] for name in names])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    largest = max((max(ratios.values()) for ratios in bars.values() if ratios), default=1.0)
    axes.set_xlim(0.5, 8 * largest)
    axes.axvline(1, color=COLOURS["grey"], linewidth=0.8, zorder=0)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("ratio")


def _short(value: float) -> str:
    """Write a ratio in two or three digits, thousands apart."""
    if value < 10:
        return f"{value:.1f}"
    return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")


def _lines(axes: Axes, lines: Sequence[Line], base: int) -> None:
    axes.set_xscale("log", base=base)
    axes.set_yscale("log")
    for line in lines:
        _, colour, marker, dashes = LOOKS[line.engine]
        axes.fill_between(line.at, line.low, line.high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(
            line.at, line.rate, color=colour, marker=marker, linestyle=dashes, markersize=3,
            label=line.engine,
        )  # fmt: skip
    axes.xaxis.set_major_locator(LogLocator(base=10 if base == 10 else 16, numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(*_room(axes))
    if lines:
        _name(axes, lines)


def _room(axes: Axes) -> tuple[float, float]:
    """Return limits of at least two decades, so that flat lines look flat."""
    low, high = axes.get_ylim()
    missing = max(0.0, 2 - np.log10(high / low)) / 2
    return low * 10**-missing, high * 10**missing


def _name(axes: Axes, lines: Sequence[Line]) -> None:
    """Write each engine's name to the right of its line, clear of those that end there too."""
    left = min(line.at.min() for line in lines)
    right = max(line.at.max() for line in lines)
    span = max(right / left, 2.0)
    axes.set_xlim(left / span**0.05, right * span**0.75)
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= right])
    for end in {line.at[-1] for line in lines}:
        together = [line for line in lines if line.at[-1] == end]
        label_ends(
            axes, end * span**0.07, [(line.rate[-1], *LOOKS[line.engine][:2]) for line in together]
        )
