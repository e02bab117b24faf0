"""One run as an animation: the path on the landscape, the step sizes, the mean under its bound."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import NullLocator
from PIL import Image

from figures.bound_vs_measured import LOOKS
from figures.style import COLOURS, PAPER, Style

DPI = 120
COLOURS_KEPT = 96
PAUSE, LAST_PAUSE = 90, 3000
"""Milliseconds of a frame, and of the last one."""


@dataclass(frozen=True)
class Movie:
    """A run in two dimensions, T steps, and the running mean of many like it.

    Attributes
    ----------
    x : (T, 2), unit X
        The path.
    delta : (T, 2), unit X
        The perturbation at each step.
    eta : (T, 2), unit X/F
        The step sizes that follow it.
    eps : float, unit F/X
    side : (M,), unit X
        Places along each axis of the landscape.
    landscape : (M, M), unit F
        f, the second coordinate first.
    t : (K,)
        Checkpoints, from 1 to T; a frame each.
    mean, low, high : (K,), unit F^2/X^2
        The running mean of the squared gradient over runs, with a band.
    bounds : mapping of str to (K,)
        Each variant's value, by its name.
    trivial : float
        d G^2.
    band : str
        What the band is.
    """

    x: np.ndarray
    delta: np.ndarray
    eta: np.ndarray
    eps: float
    side: np.ndarray
    landscape: np.ndarray
    t: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    bounds: Mapping[str, np.ndarray]
    trivial: float
    band: str


def animate(movie: Movie, style: Style = PAPER) -> bytes:
    """Return the animation as a GIF file, the same bytes every time."""
    with style.applied():
        figure, moving = _stage(movie, style)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        still = canvas.copy_from_bbox(figure.bbox)
        shots = []
        for t in movie.t:
            canvas.restore_region(still)
            _set(moving, movie, int(t))
            for artist in moving.values():
                artist.axes.draw_artist(artist)
            shots.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
        plt.close(figure)
    palette = _palette(shots[-1])
    frames = [shot.quantize(palette=palette, dither=Image.Dither.NONE) for shot in shots]
    file = io.BytesIO()
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], loop=0, optimize=False,
        duration=[PAUSE] * (len(frames) - 1) + [LAST_PAUSE],
    )  # fmt: skip
    return file.getvalue()


def _palette(shot: Image.Image) -> Image.Image:
    """Return a frame's commonest colours, ours among them however little they fill."""
    sample = shot.copy()
    for k, colour in enumerate((*COLOURS.values(), "#FFFFFF")):
        sample.paste(colour, (20 * k, 0, 20 * (k + 1), 40))
    return sample.quantize(COLOURS_KEPT)


def draw(movie: Movie, style: Style = PAPER) -> Figure:
    """Draw the last frame."""
    with style.applied():
        figure, moving = _stage(movie, style)
        _set(moving, movie, int(movie.t[-1]))
        for artist in moving.values():
            artist.set_animated(False)
    return figure


def _stage(movie: Movie, style: Style) -> tuple[Figure, dict]:
    """Draw what stands still; return the figure and what moves, by name."""
    figure = plt.figure(figsize=style.size(3.6), dpi=DPI)
    places = figure.subplot_mosaic(
        [["land", "above"], ["land", "below"]], width_ratios=(1, 1.05), height_ratios=(1, 1.5)
    )
    land, above, below = (places[name] for name in ("land", "above", "below"))
    above.sharex(below)
    above.tick_params(labelbottom=False)
    _land(land, movie)
    _steps(above, movie)
    _means(below, movie)
    moving = {
        "path": _line(land, COLOURS["blue"], linewidth=1),
        "ball": land.add_patch(
            Circle((0, 0), float(np.linalg.norm(movie.delta, axis=1).max()), fill=False,
                   edgecolor=COLOURS["vermilion"], linewidth=0.8, animated=True)
        ),
        "perturbation": _line(land, COLOURS["vermilion"], marker=".", markevery=[1]),
        "iterate": _line(land, COLOURS["black"], marker="o", markersize=3),
        "first": _line(above, COLOURS["blue"]),
        "second": _line(above, COLOURS["orange"], linestyle=(0, (4, 1.2))),
        "mean": _line(below, COLOURS["black"], marker="o", markevery=[-1]),
    }  # fmt: skip
    moving["time"] = land.text(
        0.03, 0.97, "", transform=land.transAxes, va="top", animated=True,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )  # fmt: skip
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure, moving


def _line(axes: Axes, colour: str, **look: object) -> Line2D:
    (line,) = axes.plot([], [], color=colour, animated=True, **look)  # type: ignore[arg-type]
    return line


def _land(axes: Axes, movie: Movie) -> None:
    axes.contourf(movie.side, movie.side, movie.landscape, levels=14, cmap="Greys", alpha=0.45)
    axes.set_aspect("equal")
    axes.set_xlabel("$x_1$   [$X$]")
    axes.set_ylabel("$x_2$   [$X$]")
    axes.set_title(r"$x_t$ and $\delta_t$ on the landscape")


def _steps(axes: Axes, movie: Movie) -> None:
    axes.set_ylim(0, 1.08)
    axes.axhline(1, color=COLOURS["grey"], linewidth=0.8)
    axes.set_ylabel(r"$\epsilon\,\eta_t$")
    axes.set_title("step sizes, a line a coordinate")


def _means(axes: Axes, movie: Movie) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1, 1.2 * movie.t[-1])
    axes.axhline(movie.trivial, color=COLOURS["grey"], linewidth=0.8)
    axes.annotate(
        "$dG^2$", (0.02, movie.trivial), xycoords=("axes fraction", "data"), xytext=(0, 2),
        textcoords="offset points", fontsize="small", color=COLOURS["grey"],
    )  # fmt: skip
    for name, values in movie.bounds.items():
        label, colour, dashes, _ = LOOKS[name]
        axes.plot(movie.t, values, color=colour, linestyle=dashes, label=f"bound: {label}")
    axes.fill_between(movie.t, movie.low, movie.high, color="#000000", alpha=0.15, linewidth=0)
    axes.set_ylim(0.5 * movie.low.min(), 4 * movie.trivial)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("steps $t$")
    axes.set_ylabel(r"mean of $\Vert\nabla f\Vert^2$   [$F^2/X^2$]")
    axes.legend(loc="lower left")


def _set(moving: dict, movie: Movie, t: int) -> None:
    """Show the run after t steps, as step t - 1 sees it."""
    at, ahead = movie.x[t - 1], movie.x[t - 1] + movie.delta[t - 1]
    moving["path"].set_data(*movie.x[:t].T)
    moving["iterate"].set_data([at[0]], [at[1]])
    moving["perturbation"].set_data([at[0], ahead[0]], [at[1], ahead[1]])
    moving["ball"].center = tuple(at)
    along = np.arange(1, t + 1)
    for k, name in enumerate(("first", "second")):
        moving[name].set_data(along, movie.eps * movie.eta[:t, k])
    seen = movie.t <= t
    moving["mean"].set_data(movie.t[seen], movie.mean[seen])
    moving["time"].set_text(f"$t={t}$")
