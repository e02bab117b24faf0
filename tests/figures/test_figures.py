"""Figures: data in, a figure out; nothing simulated, nothing written but by `save`."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from figures import (
    bound_vs_measured,
    engine_speed,
    falsifier_trail,
    linear_speedup,
    regime_map,
    schedules,
    terms,
    tightness,
)
from figures.style import FORMATS, save


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


DRAW = {
    "bound_vs_measured": lambda: bound_vs_measured.draw([panel("b = 1"), panel("b = 8")], "band"),
    "linear_speedup": lambda: linear_speedup.draw(
        series("T = 16384", np.array([1, 4, 16]), 16384),
        series("b = 16", 16, 2 ** np.array([14, 15, 16])),
        "95 % interval",
    ),
    "terms": lambda: terms.draw([sweep(), sweep()]),
    "schedules": lambda: schedules.draw(plane()),
    "regime_map": lambda: regime_map.draw(regimes()),
    "falsifier_trail": lambda: falsifier_trail.draw([trail("seed 0", 1.0), trail("seed 1", 3.0)]),
    "engine_speed": lambda: engine_speed.draw(speed()),
    "tightness": lambda: tightness.draw([rung("loose", 3.0), rung("sharp", 1.1)], "interval"),
}


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_is_saved_in_three_formats_with_the_same_bytes_twice(tmp_path, name):
    first = [path.read_bytes() for path in save(DRAW[name](), tmp_path, name)]
    second = [path.read_bytes() for path in save(DRAW[name](), tmp_path, name)]
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
    assert names["JAX"].xy[0] == 16
    assert names["numba"].xy[0] == 65536
