"""Figures: data in, a figure out; nothing simulated, nothing written but by `save`."""

import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from figures import (
    batches,
    bound_vs_measured,
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
from figures.style import FORMATS, PAPER, SLIDES, STYLES, save


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def panel(title: str) -> bound_vs_measured.Panel:
    T = np.array([1, 10, 100, 1000])
    mean = 1.0 / np.sqrt(T)
    bounds = dict.fromkeys(bound_vs_measured.LOOKS, 10.0 / T + 0.1)
    return bound_vs_measured.Panel(title, T, mean, 0.9 * mean, 1.1 * mean, bounds, 4.0, mean)


def series(label: str, b, T) -> linear_speedup.Series:
    b, T = np.broadcast_arrays(b, T)
    mean = 1 / np.sqrt(b * T)
    slope = (-0.5, -0.51, -0.49)
    return linear_speedup.Series(label, b, T, mean, 0.9 * mean, 1.1 * mean, slope, mean)


def sweep() -> terms.Sweep:
    T = np.geomspace(1, 1e6, 25)
    parts = {name: 10.0**-k / T for k, name in enumerate(terms.LOOKS)}
    limits = {"perturbation": 1e2}
    return terms.Sweep("at b = 1", "steps T", T, 0.1 / np.sqrt(T), parts, 4.0, limits, 10.0, True)


def plane() -> schedules.Plane:
    b, T = np.geomspace(1, 1e3, 13), np.geomspace(1, 1e5, 17)
    gamma, rho = np.sqrt(b / T[:, None]), 1 / np.sqrt(b * T[:, None])
    cells = np.array([[1.0, 1e3], [10.0, 1e4]])
    return schedules.Plane(b, T, gamma, rho, gamma <= 1 / 16, 256 * b, "T = 256 b", cells)


def rung(label: str, tight: float) -> tightness.Rung:
    bounds = {"printed": 0.5, "appendix": 4 * tight, "corrected": 4 * tight, "tight": tight}
    return tightness.Rung(label, 0.9, 1.2, bounds, 50.0)


def regimes() -> regime_map.Map:
    level, T = 2.0 ** np.arange(-4, 3), 2 ** np.array([10, 12, 14, 16])
    slope = np.tile(np.where(level > 1, -0.5, -0.001), (4, 1))
    return regime_map.Map(level, T, slope, 0.02 + 0 * slope, slope[0], (4, 16), "95 %")


def trail(label: str, factor: float) -> falsifier_trail.Trail:
    ratio = factor * np.array([0.1, 0.05, 0.3, 2.0, 1.0, 40.0])
    share = np.array([1.0, 0.01, 0.3, 0.5, 0.9, 1.0])
    scale = np.array([1.0, 10.0, 1e-2, 1e-3, 1e3, 1e-5])
    convex = np.array([True, False, True, False, True, True])
    noise = np.array(["additive", "shift"] * 3)
    return falsifier_trail.Trail(label, ratio, share, scale, convex, noise, 3)


def speed() -> engine_speed.Speed:
    bars = {10: {"numpy": 7.0, "torch_optim_loop": 12345.0}, 100: {"numpy": 6.0}}
    lines = []
    for k, name in enumerate(engine_speed.LOOKS):
        at = np.array([1, 4, 16] if name == "jax" else [1, 4, 16, 65536])
        rate = np.full(len(at), 1e9 / 1.1**k)
        lines.append(engine_speed.Line(name, at, rate, 0.9 * rate, 1.1 * rate))
    return engine_speed.Speed(bars, lines, lines, "a machine")


def scaling() -> printed_scaling.Scaling:
    c = 2.0 ** np.arange(-6, 7)
    bounds = {"printed": c**3 / 2, "corrected": 15 * c**2, "tight": 1.01 * c**2}
    at = c[::2]
    return printed_scaling.Scaling(c, c**2, bounds, at, at**2, 0.9 * at**2, 1.1 * at**2, "95 %")


def branch(method: str, beta1: float) -> no_max.Branch:
    t = 2 ** np.arange(13)
    mean = 1 + t / t[-1] if method == "adam_sam" else 1 / (1 + t / t[-1])
    T = np.array([1024, 4096])
    final = np.interp(T, t, mean)
    band = (mean, 0.9 * mean, 1.1 * mean)
    return no_max.Branch(method, beta1, t, *band, T, final, 0.9 * final, 1.1 * final)


def steps_over(at: np.ndarray, power: int) -> steps.Steps:
    T = 1000 * (at / at[0]) ** power
    return steps.Steps(at, T, 0.98 * T, 1.02 * T, T, (power, power - 0.02, power + 0.02), "$b=4$")


def crews(rho: float) -> workers.Crews:
    n, b = np.array([(1, 1), (4, 1), (1, 4), (16, 1), (4, 4), (1, 16)]).T
    mean = (0.03 + rho / 10) / (n * b)
    together = np.array([1, 4, 16])
    floor = None if rho else 0.03 / together
    bound = 0.035 / together + rho**2
    return workers.Crews(rho, n, b, mean, 0.95 * mean, 1.05 * mean, together, bound, floor)


def floor() -> rho_floor.Floor:
    rho = 2.0 ** np.arange(-6, 1)
    left = {"$t=2^{-4}$": 0.77 * rho**2, "$t=2^{-10}$": 0.996 * rho**2}
    return rho_floor.Floor(rho, left, {"corrected": 45 * rho**2, "tight": rho**2}, rho**2)


def band(mean: np.ndarray) -> methods.Band:
    return methods.Band(mean, 0.95 * mean, 1.05 * mean)


def contest(title: str) -> methods.Task:
    t = np.arange(1, 65)
    curves = [
        methods.Curve(name, t, band(0.5 + 1 / (t + k)), band(1 / (t + k)))
        for k, name in enumerate(methods.LOOKS)
    ]
    return methods.Task(title, curves)


def column(title: str) -> methods_table.Column:
    dots = [
        methods_table.Dot(name, rho, beta1, 2.0 + beta1, 1.9 + beta1, 2.1 + beta1, name == "sgd")
        for beta1 in methods_table.FILLS
        for name, rhos in {"sgd": (0.0,), "adasam": (0.01, 0.001)}.items()
        for rho in rhos
    ]
    return methods_table.Column(title, dots)


def batch_task(title: str) -> batches.Task:
    b, t = np.array([4.0, 8.0, 16.0, 32.0]), np.arange(1, 65)
    curves = [band(1 / (1 + t * k / 32)) for k in b]
    return batches.Task(title, b, t, curves, 0.5, band(32 / b))


def film() -> movie.Movie:
    T = 64
    angle = np.arange(T) / 8
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) / (1 + angle)[:, None]
    side = np.linspace(-1.5, 1.5, 11)
    t = np.array([1, 4, 16, 64])
    mean = 1.0 / t
    eta = np.stack([4 / (1 + angle), 4 - angle / 8], axis=1)
    return movie.Movie(
        x, 0.2 * x, eta, 0.25, side, side**2 + side[:, None] ** 2, t, mean, 0.9 * mean, 1.1 * mean,
        {"corrected": 4 + 8 / t, "tight": 2 / t}, 2.0, "95 % band",
    )  # fmt: skip


DRAW = {
    "bound_vs_measured": lambda **style: bound_vs_measured.draw(
        [panel("b = 1"), panel("b = 8")], "band", **style
    ),
    "linear_speedup": lambda **style: linear_speedup.draw(
        series("T = 16384", np.array([1, 4, 16]), 16384),
        series("b = 16", 16, 2 ** np.array([14, 15, 16])),
        "95 % interval",
        **style,
    ),
    "terms": lambda **style: terms.draw([sweep(), sweep()], **style),
    "schedules": lambda **style: schedules.draw(plane(), **style),
    "regime_map": lambda **style: regime_map.draw(regimes(), **style),
    "falsifier_trail": lambda **style: falsifier_trail.draw(
        [trail("seed 0", 1.0), trail("seed 1", 3.0)], **style
    ),
    "engine_speed": lambda **style: engine_speed.draw(speed(), **style),
    "tightness": lambda **style: tightness.draw(
        [rung("loose", 3.0), rung("sharp", 1.1)], "interval", **style
    ),
    "printed_scaling": lambda **style: printed_scaling.draw(scaling(), **style),
    "no_max": lambda **style: no_max.draw(
        [branch(method, beta1) for method in no_max.LOOKS for beta1 in (0.0, 0.9)],
        "interval for every n",
        **style,
    ),
    "steps": lambda **style: steps.draw(
        steps_over(np.array([1.0, 2, 4, 8]), -1),
        steps_over(np.array([1e-3, 2e-3, 4e-3]), -2),
        "95 %",
        "99.99997 % interval",
        **style,
    ),
    "workers": lambda **style: workers.draw(crews(0.0), crews(0.2), "intervals", **style),
    "rho_floor": lambda **style: rho_floor.draw(floor(), **style),
    "methods": lambda **style: methods.draw(
        [contest(name) for name in ("finite sum", "log cosh", "cosine", "log rational")],
        "95 % bands",
        **style,
    ),
    "methods_table": lambda **style: methods_table.draw(
        [column(name) for name in ("finite sum", "log cosh", "pseudo-Huber", "cosine")],
        "95 % intervals",
        **style,
    ),
    "batches": lambda **style: batches.draw(
        [batch_task(name) for name in ("finite sum", "log cosh", "cosine")], "95 % bands", **style
    ),
    "movie": lambda **style: movie.draw(film(), **style),
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("name", DRAW)
def test_a_figure_can_be_read_in_both_styles(name, style, faults):
    figure = DRAW[name](style=style)
    with style.applied():  # fonts are looked up when drawing
        assert faults(figure) == []
    if style.height:
        assert tuple(figure.get_size_inches()) == (style.width, style.height)


def test_what_cannot_be_read_is_found(faults):
    figure, axes = plt.subplots()
    assert faults(figure) == []
    axes.annotate("one", (0.5, 0.5))
    axes.annotate("two", (0.5, 0.5), rotation=30)
    figure.text(0.98, 0.2, "three")
    assert faults(figure) == ["'one' and 'two' overlap", "'three' is cut at the figure's edge"]


@pytest.mark.parametrize(("name", "style"), [("linear_speedup", PAPER), ("regime_map", SLIDES)])
def test_a_figure_is_saved_in_three_formats_with_the_same_bytes_twice(tmp_path, name, style):
    drawn = [DRAW[name](style=style) for _ in range(2)]
    first = [path.read_bytes() for path in save(drawn[0], tmp_path, name, style)]
    second = [path.read_bytes() for path in save(drawn[1], tmp_path, name, style)]
    assert first == second
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{name}.{kind}" for kind in FORMATS
    )


def test_a_panel_shows_measurement_variants_reference_and_the_trivial_bound():
    figure = bound_vs_measured.draw([panel("b = 1")], "95 % band")
    (axes,) = figure.axes
    labels = [line.get_label() for line in axes.lines]
    for label, *_ in bound_vs_measured.LOOKS.values():
        assert label in labels
    assert "measured, 95 % band" in labels
    (trivial,) = (line for line in axes.lines if np.all(np.asarray(line.get_ydata()) == 4.0))
    assert trivial is not None
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_speed_up_shows_slopes_with_their_intervals():
    titles = [axes.get_title() for axes in DRAW["linear_speedup"]().axes]
    assert "−0.500  [−0.510, −0.490]" in titles[0]
    assert "−0.500  [−0.510, −0.490]" in titles[1]


def test_collapsed_points_are_all_points_of_both_series():
    collapsed = DRAW["linear_speedup"]().axes[2]
    points = np.concatenate([c[0].get_xdata() for c in collapsed.containers])
    assert sorted(points) == sorted([2**14, 2**16, 2**18, 2**18, 2**19, 2**20])


def test_the_ladder_has_the_tightest_first_and_says_what_it_gains():
    (axes,) = DRAW["tightness"]().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sharp", "loose"]
    assert [text.get_text() for text in axes.texts].count("×4") == 2
    (tight,) = (line for line in axes.lines if line.get_label() == "tight")
    assert sorted(tight.get_xdata()) == [1.1, 3.0]


def test_the_ladder_leaves_out_a_variant_that_does_not_apply():
    (axes,) = DRAW["tightness"]().axes
    (closed,) = (line for line in axes.lines if line.get_label() == "tight, closed form")
    assert len(closed.get_xdata()) == 0


def test_the_strip_names_the_largest_term_where_it_is():
    axes = DRAW["terms"]().axes[0]
    places = {
        text.get_text(): float(text.xy[0]) for text in axes.texts if text.get_color() == "white"
    }
    assert places.keys() == {"leading terms", r"perturbation $\rho^2$"}
    assert places[r"perturbation $\rho^2$"] < 1e2 < places["leading terms"]


def test_the_schedules_hatch_where_the_theorem_says_nothing_and_mark_the_cells():
    for axes in DRAW["schedules"]().axes:
        assert any(hatch for c in axes.collections for hatch in getattr(c, "hatches", []) if hatch)
        (cells,) = (line for line in axes.lines if line.get_label() == "cells of the slope claims")
        assert cells.get_xydata().tolist() == [[1.0, 1e3], [10.0, 1e4]]


def test_the_map_shows_every_slope_once_in_its_cell_and_as_a_point():
    left, right, _ = DRAW["regime_map"]().axes
    (mesh,) = (c for c in left.collections if c.get_array() is not None)
    assert np.array_equal(mesh.get_array(), regimes().slope)
    shown = {text.get_text() for text in left.texts}
    assert shown == {"0.00", "−0.50"}
    heights = [np.asarray(c[0].get_ydata()) for c in right.containers]
    assert np.array_equal(heights, regimes().slope)


def test_the_trail_shows_the_best_so_far_and_ends_in_a_star_at_its_largest():
    progress, place = falsifier_trail.draw([trail("seed 0", 1.0)]).axes
    best = [0.1, 0.1, 0.3, 2.0, 2.0, 40.0]
    assert any(list(line.get_ydata()) == best for line in progress.lines)
    (star,) = (line for line in place.lines if line.get_marker() == "*")
    assert star.get_xydata().tolist() == [[1.0, 1e-5]]
    assert progress.get_yscale() == place.get_xscale() == place.get_yscale() == "log"


def test_more_trails_than_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="5 trails"):
        falsifier_trail.draw([trail("seed", 1.0)] * 5)


def test_the_speed_bars_say_their_ratio_and_the_largest_is_at_the_bottom():
    axes = DRAW["engine_speed"]().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["NumPy", "torch.optim loop"]
    assert axes.yaxis_inverted()
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["×7.0   d = 10", "×12 300", "×6.0   d = 100"]
    assert sorted(bar.get_width() for bar in axes.patches) == [6.0, 7.0, 12345.0]


def test_the_names_of_lines_stand_beside_their_ends_and_clear_of_each_other():
    figure = DRAW["engine_speed"]()
    axes = figure.axes[1]
    names = {text.get_text(): text for text in axes.texts}
    assert len(names) == len(engine_speed.LOOKS)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
    assert 16 < names["JAX"].xy[0] < 65536 < names["numba"].xy[0]


def test_the_printed_bound_is_false_where_its_ratio_is_above_one():
    left, right = DRAW["printed_scaling"]().axes
    c = scaling().c
    for name, values in scaling().bounds.items():
        label, *_ = bound_vs_measured.LOOKS[name]
        for axes, wanted in ((left, values), (right, c**2 / values)):
            assert any(np.array_equal(line.get_ydata(), wanted) for line in axes.lines), label
    shaded = right.patches[0].get_extents().transformed(right.transData.inverted())
    assert shaded.y0 == pytest.approx(1)


def test_without_the_max_has_a_line_a_band_and_its_left_sides():
    for axes, beta1 in zip(DRAW["no_max"]().axes, (0.0, 0.9), strict=True):
        assert axes.get_title() == rf"$\beta_1={beta1:g}$"
        for method in no_max.LOOKS:
            mine = branch(method, beta1)
            assert any(np.array_equal(line.get_ydata(), mine.mean) for line in axes.lines)
            heights = [np.asarray(c[0].get_ydata()) for c in axes.containers]
            assert any(np.array_equal(found, mine.final) for found in heights)


def test_the_steps_stand_beside_what_is_exact_and_say_their_slope():
    left, right = DRAW["steps"]().axes
    assert "−1.000  [−1.020, −0.980]" in left.get_title()
    assert "−2.000  [−2.020, −1.980]" in right.get_title()
    for axes, power in ((left, -1), (right, -2)):
        (exact,) = (line for line in axes.lines if line.get_label() == r"exact, $\rho=0$")
        x, y = exact.get_xydata().T
        assert y[-1] / y[0] == pytest.approx((x[-1] / x[0]) ** power)


def test_crews_of_equal_nb_stand_side_by_side_at_their_own_height():
    for axes, rho in zip(DRAW["workers"]().axes, (0.0, 0.2), strict=True):
        shown = {
            (round(float(x), 3), float(y))
            for container in axes.containers
            for x, y in container[0].get_xydata()
        }
        assert len(shown) == 6
        assert sorted(y for _, y in shown) == sorted(crews(rho).mean)
        for x, _ in shown:
            assert min(abs(np.log2(x) - np.log2(nb)) for nb in (1, 4, 16)) <= 0.21


def test_the_floor_names_each_bounds_coefficient():
    (axes,) = DRAW["rho_floor"]().axes
    texts = {text.get_text() for text in axes.texts}
    assert texts == {
        r"corrected: $45\,GL^2\rho^2/\epsilon$", r"tight: $\,GL^2\rho^2/\epsilon$"
    }  # fmt: skip


def test_the_table_of_dots_rings_the_leaders_and_brief_keeps_one_rho():
    full, brief = (DRAW["methods_table"](style=style) for style in (PAPER, SLIDES))
    rows = [label.get_text() for label in full.axes[0].get_yticklabels()]
    assert rows == ["SGD", r"AdaSAM, $\rho=0.01$", r"AdaSAM, $\rho=0.001$"]
    assert [label.get_text() for label in brief.axes[0].get_yticklabels()] == rows[:2]
    rings = [line for line in full.axes[1].lines if line.get_markersize() == 8]
    assert sorted(float(np.asarray(ring.get_xdata())[0]) for ring in rings) == [2.0, 2.9]


def test_methods_show_their_objective_above_their_running_mean():
    figure = DRAW["methods"]()
    above, below = figure.axes[0], figure.axes[4]
    for curve in contest("").curves:
        label = methods.LOOKS[curve.method][0]
        for axes, part in ((above, curve.objective), (below, curve.running)):
            (line,) = (line for line in axes.lines if line.get_label() == label)
            assert np.array_equal(line.get_ydata(), part.mean)


def test_the_steps_to_the_level_are_drawn_for_every_b():
    figure = DRAW["batches"]()
    steps_axes = figure.axes[3]
    found = [tuple(map(float, c[0].get_xydata()[0])) for c in steps_axes.containers]
    assert found == [(4.0, 8.0), (8.0, 4.0), (16.0, 2.0), (32.0, 1.0)]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_animation_has_a_frame_a_checkpoint_and_the_same_bytes_twice(style):
    content = movie.animate(film(), style)
    assert content == movie.animate(film(), style)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.n_frames == len(film().t)
        assert picture.info["loop"] == 0
        first = np.asarray(picture.convert("RGB"))
        picture.seek(3)
        assert not np.array_equal(first, np.asarray(picture.convert("RGB")))
