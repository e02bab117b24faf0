"""The two styles of every figure: for a paper, and for slides."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.typing import FillStyleType

from simulators.files import whole

matplotlib.use("agg")

COLOURS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#767676",
}
"""Okabe and Ito's palette: told apart by the colour-blind."""

LEFT_SIDE = r"$T^{-1}\,\sum_{t<T}\,\mathrm{E}\,\Vert\nabla f(x_t)\Vert^2$   [$F^2/X^2$]"
"""Axis label of what Theorem 1 bounds."""

FORMATS = {"svg": FigureCanvasSVG, "pdf": FigureCanvasPdf, "png": FigureCanvasAgg}
"""Formats of a saved figure, and what writes them."""


@dataclass(frozen=True)
class Style:
    """How figures look.

    Attributes
    ----------
    name : str
    sheets : tuple of str
        Matplotlib style files beside this one, each over those before.
    width : float, inches
    height : float or None, inches
        The same for every figure; None: each figure's own.
    is_brief : bool
        Whether a figure shows its few main lines only.
    """

    name: str
    sheets: tuple[str, ...]
    width: float
    height: float | None
    is_brief: bool

    def size(self, height: float) -> tuple[float, float]:
        """Return a figure's size in inches; ``height`` is its own."""
        return self.width, self.height or height

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Draw in this style within the context, whatever the user's settings are."""
        folder = Path(__file__).parent
        with plt.style.context(["default", *(str(folder / sheet) for sheet in self.sheets)]):
            yield


PAPER = Style("paper", ("paper.mplstyle",), 7.0, None, False)
"""The width of a page's text, 8 pt."""

SLIDES = Style("slides", ("paper.mplstyle", "slides.mplstyle"), 6.4, 3.6, True)
"""16:9. On a slide 13.3 inches wide its 10 pt are 21 pt."""

STYLES = {style.name: style for style in (PAPER, SLIDES)}
"""The styles by name."""


def save(figure: Figure, folder: Path, name: str, style: Style = PAPER) -> list[Path]:
    """Write a figure as SVG, PDF and PNG, the same bytes every time; return the paths."""
    paths = [folder / f"{name}.{kind}" for kind in FORMATS]
    metadata = {
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    with style.applied():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        # Laid out once for all formats, where Figure.savefig would do it for each.
        for (kind, canvas), path in zip(FORMATS.items(), paths, strict=True):
            figure.set_dpi(plt.rcParams["savefig.dpi"])  # the others leave their own behind
            with whole(path) as file:
                getattr(canvas(figure), f"print_{kind}")(file, metadata=metadata[kind])
    return paths


def slope_triangle(
    axes: Axes, corner: tuple[float, float], factor: float, power: float, label: str
) -> None:
    """Draw a right triangle whose hypotenuse falls as x^power on log-log axes.

    Parameters
    ----------
    axes : Axes
    corner : (x, y)
        The upper left end of the hypotenuse.
    factor : float
        How far it runs in x.
    power : float
        Slope, negative.
    label : str
        Written beside it.
    """
    x, y = corner
    xs, ys = [x, x * factor, x * factor, x], [y, y, y * factor**power, y]
    axes.plot(xs, ys, color=COLOURS["grey"], linewidth=0.8, zorder=1)
    axes.annotate(
        label,
        (x * factor, y * factor ** (power / 2)),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize="small",
        color=COLOURS["grey"],
    )


def count(value: float) -> str:
    """Write a whole number: from 1024 on a power of 2 as one, others in digits."""
    power = np.log2(value)
    if value >= 1024 and power == round(power):
        return f"$2^{{{power:.0f}}}$"
    return f"{value:,.0f}".replace(",", " ")


def label_ends(
    axes: Axes, x: float, ends: Sequence[tuple[float, str, str]], size: str | None = None
) -> None:
    """Name lines to the right of where they end on log-log axes, the names clear of each other.

    Parameters
    ----------
    axes : Axes
        With its limits set.
    x : float
        Where the names begin.
    ends : sequence of (y, name, colour)
    size : str, optional
        Of the names' font; by default smaller where there are more than four.
    """
    bottom, top = np.log10(axes.get_ylim())
    ends = sorted(ends)
    heights = _apart(np.log10([y for y, _, _ in ends]), 0.055 * (top - bottom))
    for (y, name, colour), height in zip(ends, heights, strict=True):
        axes.annotate(
            name, (x, y), xytext=(x, 10**height), textcoords="data", va="center",
            fontsize=size or ("x-small" if len(ends) > 4 else "small"), color=colour,
            annotation_clip=False,
        )  # fmt: skip


def _apart(heights: np.ndarray, least: float) -> np.ndarray:
    """Move ascending heights as little as puts each ``least`` above the one below."""
    steps = least * np.arange(len(heights))
    free = [[value] for value in heights - steps]
    # Isotonic regression: neighbours out of order are pooled at their mean.
    while (order := [float(np.mean(pool)) for pool in free]) != sorted(order):
        at = next(k for k in range(len(order) - 1) if order[k] > order[k + 1])
        free[at : at + 2] = [free[at] + free[at + 1]]
    return np.concatenate([np.full(len(pool), np.mean(pool)) for pool in free]) + steps


def false_above_one(axes: Axes, text: str) -> None:
    """Shade where a ratio above 1 breaks a bound; call once the limits are set."""
    bottom, top = axes.get_ylim()
    axes.axhspan(1, top, color=COLOURS["vermilion"], alpha=0.07, linewidth=0)
    axes.axhline(1, color=COLOURS["black"], linewidth=0.8, zorder=1)
    axes.annotate(
        text, (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize="small",
        color=COLOURS["vermilion"],
    )  # fmt: skip
    axes.set_ylim(bottom, top)


def points(
    axes: Axes,
    x: np.ndarray,
    mean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    colour: str,
    marker: str,
    label: str | None = None,
    fill: FillStyleType = "full",
) -> None:
    """Draw measured values with their intervals."""
    axes.errorbar(
        x, mean, yerr=(mean - low, high - mean), color=colour, marker=marker, linestyle="none",
        fillstyle=fill, capsize=2, elinewidth=0.8, label=label, zorder=3,
    )  # fmt: skip
