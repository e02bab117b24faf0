"""Examples of every figure, no two numbers alike; and whether a figure's texts can be read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from figures import (
    batches,
    bound_vs_measured,
    corollary1,
    engine_speed,
    falsifier_trail,
    linear_speedup,
    methods,
    methods_table,
    movie,
    no_max,
    printed_scaling,
    regime_map,
    rho_floor,
    schedules,
    steps,
    terms,
    tightness,
    workers,
)
from figures.style import PAPER, Style


def around(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values with a band that reaches further up than down."""
    return mean, 0.95 * mean, 1.1 * mean


def panel(k: int) -> bound_vs_measured.Panel:
    T = np.array([1, 10, 100, 1000])
    mean = (1 + 0.1 * k) / np.sqrt(T)
    bounds = {
        name: (10 + k) / T + 0.1 * (1 + place)
        for place, name in enumerate(bound_vs_measured.LOOKS)
    }  # fmt: skip
    return bound_vs_measured.Panel(
        f"panel {k}", T, *around(mean), bounds, 4.0 + k, 0.3 * mean
    )  # fmt: skip


def curves(k: int, x: np.ndarray, along: str) -> list[corollary1.Curve]:
    height = {"printed": 0.3, "corrected": 0.1, "tight": 0.03}
    slopes = {"printed": 0.25 - k, "corrected": -0.51 - k / 10, "tight": -0.52 - k / 10}
    bounds = [
        corollary1.Curve(name, x, height[name] * (x / x[0]) ** slope, slope, along=along)
        for name, slope in slopes.items()
    ]
    guide = corollary1.Curve("guide", x, 0.01 * (x / x[0]) ** -0.5, -0.5)
    mean, low, high = around(0.02 * (x / x[0]) ** -0.49)
    runs = corollary1.Curve("runs", x, mean, -0.49 - k / 10, 0.004 + k / 1000, low, high, along)
    return [*bounds, guide, runs]


def against() -> list[corollary1.Panel]:
    b, T = np.array([1.0, 4, 16]), 2.0 ** np.array([14, 15, 16])
    bT = 2.0 ** np.array([14, 16, 18])
    printed = [
        corollary1.Curve(
            "printed", bT, 0.2 * (bT / bT[0]) ** slope, slope, along=axis, is_apart=True
        )
        for axis, slope in (("b", 0.3), ("T", -0.4))
    ]
    together = [*printed, *curves(2, bT, "b")[1:]]
    return [
        corollary1.Panel("along b", "batch size", b, curves(0, b, "b")),
        corollary1.Panel("along T", "steps", T, curves(1, T, "T")),
        corollary1.Panel("both", "samples", bT, together),
    ]


def series(label: str, b, T, slope: float) -> linear_speedup.Series:
    b, T = np.broadcast_arrays(b, T)
    mean = 1 / np.sqrt(b * T)
    fitted = (slope, slope - 0.01, slope + 0.02)
    return linear_speedup.Series(label, b, T, *around(mean), fitted, 1.01 * mean)


def sweep(k: int, above: bool) -> terms.Sweep:
    at = np.geomspace(1, 1e6, 25)
    parts = {name: (1 + k) * 10.0**-place / at for place, name in enumerate(terms.LOOKS)}
    leading = 0.1 / np.sqrt(at)
    limit = (10.0 * (1 + k)) ** 2  # where the perturbation's part meets them
    limits = {"perturbation": limit}
    title, label = f"sweep {k}", f"axis {k}"
    step = 10.0 if above else 1e5
    return terms.Sweep(title, label, at, leading, parts, 4.0, limits, step, above)


def plane() -> schedules.Plane:
    b, T = np.geomspace(1, 1e5, 31), np.geomspace(1, 1e7, 41)
    gamma, rho = np.sqrt(b / T[:, None]), 1 / np.sqrt(b * T[:, None])
    cells = np.array([[1.0, 1e3], [10.0, 1e4]])
    return schedules.Plane(b, T, gamma, rho, gamma <= 1 / 16, 256 * b, "T = 256 b", cells)


def rung(label: str, tight: float, corrected: float) -> tightness.Rung:
    bounds = {"printed": 0.5 * tight, "appendix": 1.1 * corrected, "corrected": corrected,
              "tight": tight}  # fmt: skip
    return tightness.Rung(label, 1 - 0.1 / tight, 1 + 0.2 / tight, bounds, 50.0 * tight)


def regimes() -> regime_map.Map:
    level, T = 2.0 ** np.arange(-4, 3), 2 ** np.array([10, 12, 14, 16])
    slope = -0.01 - 0.09 * np.arange(7.0) - 0.005 * np.arange(4.0)[:, None]
    reach = 0.01 + 0.001 * np.arange(28.0).reshape(4, 7)
    return regime_map.Map(level, T, slope, reach, slope[0] + 0.003, (4, 16), "95 %")


def trail(label: str, factor: float) -> falsifier_trail.Trail:
    ratio = factor * np.array([0.1, 0.05, 0.3, 2.0, 1.0, 40.0])
    share = np.array([1.0, 0.01, 0.3, 0.5, 0.9, 1.0]) / factor
    scale = np.array([1.0, 10.0, 1e-2, 1e-3, 1e3, 1e-5]) * factor
    convex = np.array([True, False, True, False, True, True])
    noise = np.array(["additive", "shift"] * 3)
    return falsifier_trail.Trail(label, ratio, share, scale, convex, noise, 3)


def speed() -> engine_speed.Speed:
    bars = {10: {"numpy": 7.0, "torch_optim_loop": 12345.0}, 100: {"numpy": 6.0}}

    def lines(factor: float) -> list[engine_speed.Line]:
        out = []
        for k, name in enumerate(engine_speed.LOOKS):
            at = np.array([1, 4, 16] if name == "jax" else [1, 4, 16, 65536])
            out.append(engine_speed.Line(name, at, *around(factor * 1e9 / 1.1**k * at**0.01)))
        return out

    return engine_speed.Speed(bars, lines(1.0), lines(0.9), "a machine")


def scaling() -> printed_scaling.Scaling:
    c = 2.0 ** np.arange(-6, 7)
    bounds = {"printed": c**3 / 2, "corrected": 15 * c**2, "tight": 1.01 * c**2}
    at = c[::2]
    return printed_scaling.Scaling(c, c**2, bounds, at, *around(1.02 * at**2), "95 %")


def branch(method: str, beta1: float) -> no_max.Branch:
    t = 2 ** np.arange(13)
    mean = 1 + t / t[-1] if method == "adam_sam" else 1 / (1 + t / t[-1])
    mean = mean * (1 + beta1 / 10)
    T = np.array([1024, 4096])
    final = 1.01 * np.interp(T, t, mean)
    return no_max.Branch(method, beta1, t, *around(mean), T, *around(final))


def steps_over(at: np.ndarray, power: int) -> steps.Steps:
    T = 1000 * (at / at[0]) ** power
    slope = (power - 0.001, power - 0.02, power + 0.03)
    return steps.Steps(at, *around(T), 1.03 * T, slope, f"$held={-power}$")


def crews(rho: float) -> workers.Crews:
    n, b = np.array([(1, 1), (4, 1), (1, 4), (16, 1), (4, 4), (1, 16)]).T
    mean = (0.03 + rho / 10 + 0.001 * np.log2(n)) / (n * b)
    together = np.array([1, 4, 16])
    floor = None if rho else 0.029 / together
    bound = 0.035 / together + rho**2
    return workers.Crews(rho, n, b, *around(mean), together, bound, floor)


def floor() -> rho_floor.Floor:
    rho = 2.0 ** np.arange(-6, 1)
    left = {"$t=2^{-4}$": 0.77 * rho**2, "$t=2^{-10}$": 0.996 * rho**2}
    return rho_floor.Floor(rho, left, {"corrected": 45 * rho**2, "tight": 1.001 * rho**2}, rho**2)


def band(mean: np.ndarray) -> methods.Band:
    return methods.Band(*around(mean))


def contest(title: str, k: int) -> methods.Task:
    t = np.arange(1, 65)
    shown = [
        methods.Curve(name, t, band(0.5 + k / 10 + 1 / (t + j)), band(1 / (t + j + k / 10)))
        for j, name in enumerate(methods.LOOKS)
    ]
    return methods.Task(title, shown)


def column(title: str, k: int) -> methods_table.Column:
    rows = [("sgd", 0.0), ("adasam", 0.01), ("adasam", 0.001)]
    dots = [
        methods_table.Dot(name, rho, beta1, mean, 0.95 * mean, 1.1 * mean, place == k % 3)
        for beta1 in methods_table.FILLS
        for place, (name, rho) in enumerate(rows)
        for mean in [2.0 + beta1 + place / 7 + k]
    ]
    return methods_table.Column(title, dots)


def batch_task(title: str, k: int) -> batches.Task:
    b, t = np.array([4.0, 8.0, 16.0, 32.0]), np.arange(1, 65)
    shown = [band(1 / (1 + (1 + k) * t * size / 32)) for size in b]
    return batches.Task(title, b, t, shown, 0.5 - k / 10, band((40 + k) / b**0.9))


def film() -> movie.Movie:
    T = 64
    angle = np.arange(T) / 8
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) / (1 + angle)[:, None]
    side = np.linspace(-1.5, 1.5, 11)
    t = np.array([1, 4, 16, 64])
    mean = 1.0 / t
    eta = np.stack([4 / (1 + angle), 4 - angle / 8], axis=1)
    return movie.Movie(
        x, 0.2 * x[:, ::-1], eta, 0.25, side, side**2 + side[:, None] ** 2, t, *around(mean),
        {"corrected": 4 + 8 / t, "tight": 2 / t}, 2.0, "95 % band",
    )  # fmt: skip


EXAMPLES: dict[str, tuple[Callable[..., Figure], tuple[Any, ...]]] = {
    "corollary1": (corollary1.draw, (against(), 16.0, "a setting")),
    "bound_vs_measured": (bound_vs_measured.draw, ([panel(0), panel(1), panel(2)], "band")),
    "linear_speedup": (
        linear_speedup.draw,
        (
            series("T = 16384", np.array([1, 4, 16]), 16384, -0.47),
            series("b = 16", 16, 2 ** np.array([14, 15, 16]), -0.53),
            "95 % interval",
        ),
    ),
    "terms": (terms.draw, ([sweep(0, True), sweep(1, False)],)),
    "schedules": (schedules.draw, (plane(),)),
    "regime_map": (regime_map.draw, (regimes(),)),
    "falsifier_trail": (falsifier_trail.draw, ([trail("seed 0", 1.0), trail("seed 1", 3.0)],)),
    "engine_speed": (engine_speed.draw, (speed(),)),
    "tightness": (
        tightness.draw, ([rung("loose", 3.0, 15.0), rung("sharp", 1.1, 7.7)], "interval")
    ),
    "printed_scaling": (printed_scaling.draw, (scaling(),)),
    "no_max": (
        no_max.draw,
        (
            [branch(method, beta1) for method in no_max.LOOKS for beta1 in (0.0, 0.9)],
            "interval for every n",
        ),
    ),
    "steps": (
        steps.draw,
        (
            steps_over(np.array([1.0, 2, 4, 8]), -1),
            steps_over(np.array([1e-3, 2e-3, 4e-3]), -2),
            "95 %",
            "99.99997 % interval",
        ),
    ),
    "workers": (workers.draw, (crews(0.0), crews(0.2), "intervals")),
    "rho_floor": (rho_floor.draw, (floor(),)),
    "methods": (
        methods.draw,
        (
            [
                contest(name, k)
                for k, name in enumerate(("finite sum", "log cosh", "cosine", "log rational"))
            ],
            "95 % bands",
        ),
    ),
    "methods_table": (
        methods_table.draw,
        (
            [
                column(name, k)
                for k, name in enumerate(("finite sum", "log cosh", "pseudo-Huber", "cosine"))
            ],
            "95 % intervals",
        ),
    ),
    "batches": (
        batches.draw,
        (
            [batch_task(name, k) for k, name in enumerate(("finite sum", "log cosh", "cosine"))],
            "95 % bands",
        ),
    ),
    "movie": (movie.draw, (film(),)),
}  # fmt: skip
"""What draws each figure, and of what."""


def fresh(name: str, style: Style = PAPER) -> Figure:
    """Draw an example."""
    draw, data = EXAMPLES[name]
    figure = draw(*data, style=style)
    plt.close(figure)  # pyplot forgets it, it stays as it is
    return figure


@pytest.fixture(scope="session")
def examples() -> dict[str, tuple[Any, ...]]:
    """Return what each figure's example is drawn of."""
    return {name: data for name, (_, data) in EXAMPLES.items()}


@pytest.fixture(scope="session")
def redrawn() -> Callable[..., Figure]:
    """Return the function that draws an example anew."""
    return fresh


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Figure]:
    """Return the function that draws an example once for all tests, which only read it."""
    return cache(fresh)


SLACK = 1.0
"""Pixels by which boxes may touch: a box has a margin that its letters do not fill."""


@pytest.fixture
def faults() -> Callable[[Figure], list[str]]:
    """Return the function that says what of a figure cannot be read."""
    return _faults


def _faults(figure: Figure) -> list[str]:
    """Return what cannot be read, in words; nothing where all is well."""
    shown = _drawn(figure)
    outlines = [_outline(text) for text in shown]
    width, height = figure.canvas.get_width_height()
    found = []
    for number, (text, outline) in enumerate(zip(shown, outlines, strict=True)):
        low, high = outline.min(0), outline.max(0)
        if (low < -SLACK).any() or (high > np.array([width, height]) + SLACK).any():
            found.append(f"{text.get_text()!r} is cut at the figure's edge")
        for other, another in zip(shown[number + 1 :], outlines[number + 1 :], strict=True):
            if _meet(outline, another):
                found.append(f"{text.get_text()!r} and {other.get_text()!r} overlap")
    return found


def _drawn(figure: Figure) -> list[Text]:
    """Return the texts that drawing the figure really draws."""
    seen: dict[int, Text] = {}
    with _watched(seen), _few_ticks():
        figure.draw_without_rendering()  # settles the layout, and with it the ticks, first
    return list(seen.values())


@contextmanager
def _watched(seen: dict[int, Text]) -> Iterator[None]:
    draw = Text.draw

    def noted(self, renderer, *rest):
        if self.get_visible() and self.get_text().strip():
            seen[id(self)] = self
        return draw(self, renderer, *rest)

    Text.draw = noted
    try:
        yield
    finally:
        Text.draw = draw


@contextmanager
def _few_ticks() -> Iterator[None]:
    """Make no minor ticks without a label, and place ticks anew only where something has moved.

    Texts stand where they stand without this, and it halves the time of drawing.
    """
    update: Any = getattr(Axis, "_update_ticks", None)
    minor, known = Axis.get_minorticklocs, {}

    def labelled(self):
        places = minor(self)
        return places if any(self.minor.formatter.format_ticks(places)) else places[:0]

    def updated(self):
        place = *self.axes.bbox.extents, *self.get_view_interval(), *self.get_data_interval()
        before, ticks = known.get(self, (None, None))
        if before != place:
            ticks = update(self)
            known[self] = place, ticks
        return ticks

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Axis, "get_minorticklocs", labelled)
        if update:  # it is private: another version may have none
            monkeypatch.setattr(Axis, "_update_ticks", updated)
        yield


def _outline(text: Text) -> np.ndarray:
    """Return the corners of a text's box, (4, 2), in pixels."""
    box = text.get_window_extent()
    centre = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    angle = text.get_rotation()
    text.set_rotation(0)
    flat = text.get_window_extent()
    text.set_rotation(angle)
    half = np.array([flat.width, flat.height]) / 2
    corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return centre + corners @ np.array([[cos, sin], [-sin, cos]])


def _meet(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes overlap by more than the slack: no line along a side parts them."""
    for corners in (one, other):
        for side in (corners[1] - corners[0], corners[2] - corners[1]):
            along = side / max(float(np.linalg.norm(side)), 1e-9)
            first, second = one @ along, other @ along
            if min(first.max(), second.max()) - max(first.min(), second.min()) <= SLACK:
                return False
    return True
