"""Figures: data in, a figure out; nothing simulated, nothing written but by `save`."""

import numpy as np
import pytest

from figures import bound_vs_measured, linear_speedup
from figures.style import FORMATS, save


def panel(title: str) -> bound_vs_measured.Panel:
    T = np.array([1, 10, 100, 1000])
    mean = 1.0 / np.sqrt(T)
    bounds = dict.fromkeys(bound_vs_measured.LOOKS, 10.0 / T + 0.1)
    return bound_vs_measured.Panel(title, T, mean, 0.9 * mean, 1.1 * mean, bounds, 4.0, mean)


def series(label: str, b, T) -> linear_speedup.Series:
    b, T = np.broadcast_arrays(b, T)
    mean = 1 / np.sqrt(b * T)
    slope = (-0.5, -0.51, -0.49)
    return linear_speedup.Series(label, b, T, mean, 0.9 * mean, 1.1 * mean, mean, slope)


def figures():
    along_b = series("T = 16384", np.array([1, 4, 16]), 16384)
    along_T = series("b = 16", 16, 2 ** np.array([14, 15, 16]))
    return {
        "bound_vs_measured": bound_vs_measured.draw([panel("b = 1"), panel("b = 8")], "95 % band"),
        "linear_speedup": linear_speedup.draw(along_b, along_T, "95 % interval"),
    }


@pytest.mark.parametrize("name", ["bound_vs_measured", "linear_speedup"])
def test_a_figure_is_saved_in_three_formats_with_the_same_bytes_twice(tmp_path, name):
    first = [path.read_bytes() for path in save(figures()[name], tmp_path, name)]
    second = [path.read_bytes() for path in save(figures()[name], tmp_path, name)]
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
    titles = [axes.get_title() for axes in figures()["linear_speedup"].axes]
    assert "−0.500  [−0.510, −0.490]" in titles[0]
    assert "−0.500  [−0.510, −0.490]" in titles[1]


def test_collapsed_points_are_all_points_of_both_series():
    collapsed = figures()["linear_speedup"].axes[2]
    points = np.concatenate([c[0].get_xdata() for c in collapsed.containers])
    assert sorted(points) == sorted([2**14, 2**16, 2**18, 2**18, 2**19, 2**20])
