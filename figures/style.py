"""The look of every figure, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("agg")

SHEET = Path(__file__).parent / "paper.mplstyle"

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

FORMATS = ("svg", "pdf", "png")


@contextmanager
def paper() -> Iterator[None]:
    """Draw in the paper style within this context."""
    with plt.style.context(str(SHEET)):
        yield


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as SVG, PDF and PNG, the same bytes every time; return the paths."""
    paths = [folder / f"{name}.{kind}" for kind in FORMATS]
    metadata = {
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    with paper():
        for path in paths:
            figure.savefig(path, metadata=metadata[path.suffix[1:]])
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
