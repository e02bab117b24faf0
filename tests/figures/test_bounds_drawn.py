"""The figures of bounds and rates show the numbers that they are given, each under its name."""

import numpy as np
import pytest

from figures import bound_vs_measured
from figures.bound_vs_measured import LOOKS
from figures.style import COLOURS, SLIDES

BLACK, BLUE, VERMILION = (COLOURS[name] for name in ("black", "blue", "vermilion"))


def logarithmic(*axes) -> None:
    for one in axes:
        assert one.get_xscale() == one.get_yscale() == "log"


def falls_as(line, power) -> None:
    """Whether a line is a power law."""
    x, y = (np.array(part) / part[0] for part in line)
    np.testing.assert_allclose(y, x**power, rtol=1e-9)
    assert x[-1] > 2


# bound_vs_measured


def test_a_panel_shows_measurement_band_variants_reference_and_the_trivial_bound(
    drawn, examples, read
):
    panels, _ = examples["bound_vs_measured"]
    axes = drawn("bound_vs_measured").axes
    logarithmic(*axes)
    for one, panel in zip(axes, panels, strict=True):
        lines = read.lines(one)
        assert one.get_title() == panel.title
        for name, values in panel.bounds.items():
            assert lines.pop(LOOKS[name][0]) == (panel.T.tolist(), values.tolist())
        assert lines.pop("measured, band") == (panel.T.tolist(), panel.mean.tolist())
        assert lines.pop(r"$\propto 1/\sqrt{bT}$")[1] == panel.reference.tolist()
        assert lines == {}
        assert read.bands(one) == {
            BLACK: (panel.T.tolist(), panel.low.tolist(), panel.high.tolist())
        }
        (trivial,) = (line for line in one.lines if line.get_label().startswith("_"))
        assert list(trivial.get_ydata()) == [panel.trivial] * 2
        ((_, bottom, _, top),) = read.spans(one)
        assert bottom == panel.trivial
        assert top > one.get_ylim()[1]
        assert read.texts(one)["$dG^2$"][1] == panel.trivial
        assert one.get_ylim()[0] < panel.low.min()


def test_in_brief_the_first_and_the_last_panel_show_the_main_variants(drawn, examples, read):
    panels, _ = examples["bound_vs_measured"]
    first, last = drawn("bound_vs_measured", SLIDES).axes
    for one, panel in ((first, panels[0]), (last, panels[-1])):
        lines = read.lines(one)
        assert one.get_title() == panel.title
        for name in bound_vs_measured.LOOKS:
            label = LOOKS[name][0]
            assert (label in lines) == (name in ("printed", "corrected", "tight"))
        assert lines["corrected"][1] == panel.bounds["corrected"].tolist()


# corollary1


def test_bounds_and_runs_stand_together_with_the_slope_of_each(drawn, examples, read):
    panels, trivial, _ = examples["corollary1"]
    axes = drawn("corollary1").axes
    logarithmic(*axes)
    for one, panel in zip(axes[:2], panels, strict=False):
        assert (one.get_title(), one.get_xlabel()) == (panel.title, panel.label)
        lines, texts = read.lines(one), read.texts(one)
        for curve in panel.curves:
            name = r"$1/\sqrt{bT}$" if curve.name == "guide" else curve.name
            assert lines.pop(name) == (curve.x.tolist(), curve.y.tolist())
            slope = "−½" if curve.name == "guide" else f"{curve.slope:+.3f}".replace("-", "−")
            reach = f" ± {curve.reach:.3f}" if curve.name == "runs" else ""
            assert texts[f"{name}  {slope}{reach}"][1] == curve.y[-1]
        assert lines == {}
        runs = panel.curves[-1]
        assert read.bands(one) == {BLACK: (runs.x.tolist(), runs.low.tolist(), runs.high.tolist())}
        assert [tick.get_text() for tick in one.get_xticklabels()] == [
            f"{x:.0f}" if x < 1000 else f"$2^{{{np.log2(x):.0f}}}$" for x in panel.ticks
        ]
    for one in axes:
        ((_, bottom, _, top),) = read.spans(one)
        assert bottom == trivial
        assert top == one.get_ylim()[1]
        assert read.texts(one)["a bound here\nsays nothing"][1] == trivial
        assert read.texts(one)["$dG^2$"][1] == trivial


def test_a_bound_that_is_no_function_of_bT_has_two_slopes(drawn, read):
    third = drawn("corollary1").axes[2]
    texts = read.texts(third)
    printed = [line for line in third.lines if line.get_label() == "printed"]
    for line, axis, slope in zip(printed, "bT", ("+0.300", "−0.400"), strict=True):
        assert texts[f"printed in ${axis}$  {slope}"][1] == list(line.get_ydata())[-1]


def test_runs_along_b_and_along_T_have_their_own_markers_and_bounds_lie_below_them(drawn):
    for one, marker in zip(drawn("corollary1").axes, "os", strict=False):
        (runs,) = (line for line in one.lines if line.get_label() == "runs")
        (tight,) = (line for line in one.lines if line.get_label() == "tight")
        assert runs.get_marker() == marker
        assert runs.get_zorder() > tight.get_zorder()
        assert tight.get_linewidth() > 2 * runs.get_linewidth()


def test_on_a_slide_slopes_are_short_and_the_setting_stands_below(drawn, read):
    figure = drawn("corollary1", SLIDES)
    assert figure.get_supxlabel() == "a setting"
    texts = read.texts(figure.axes[0])
    assert {"printed  +0.25", "corrected  −0.51", "tight  −0.52", "runs  −0.49"} < texts.keys()
    assert drawn("corollary1").get_supxlabel() == ""


# linear_speedup


def triangle(axes) -> np.ndarray:
    (found,) = (line for line in axes.lines if len(line.get_xdata()) == 4)
    return found.get_xydata()


def test_the_speed_up_shows_each_axis_with_its_slope_points_and_closed_form(drawn, examples, read):
    both = examples["linear_speedup"][:2]
    axes = drawn("linear_speedup").axes
    logarithmic(*axes)
    titles = (
        "slope in $b$ at $T = 16384$\n−0.470  [−0.480, −0.450]\n95 % interval",
        "slope in $T$ at $b = 16$\n−0.530  [−0.540, −0.510]\n95 % interval",
    )
    labels = ("batch size $b$", "steps $T$")
    for one, series, x, title, label in zip(
        axes, both, (both[0].b, both[1].T), titles, labels, strict=False
    ):
        assert (one.get_title(), one.get_xlabel()) == (title, label)
        found = read.points(one)["measured, 95 %"]
        assert found["x"] == x.tolist()
        assert found["y"] == series.mean.tolist()
        assert found["low"] == pytest.approx(series.low.tolist())
        assert found["high"] == pytest.approx(series.high.tolist())
        assert read.lines(one) == {"closed form, ρ = 0": (x.tolist(), series.exact.tolist())}
        assert one.get_xticks().tolist() == x.tolist()


def test_the_triangles_fall_by_half_a_decade_a_decade(drawn):
    for one in drawn("linear_speedup").axes[:2]:
        start, corner, end, _ = triangle(one)
        assert start[1] == corner[1]
        assert corner[0] == end[0] > start[0]
        assert np.log(end[1] / start[1]) / np.log(end[0] / start[0]) == pytest.approx(-0.5)
        assert r"$-\frac{1}{2}$" in [text.get_text() for text in one.texts]


def test_collapsed_points_are_those_of_both_series_over_bT(drawn, examples, read):
    both = examples["linear_speedup"][:2]
    third = drawn("linear_speedup").axes[2]
    found = read.points(third)
    assert third.get_xlabel() == "samples $bT$"
    for series in both:
        mine = found.pop(f"${series.label}$")
        assert mine["x"] == (series.b * series.T).tolist()
        assert mine["y"] == series.mean.tolist()
        assert mine["low"] == pytest.approx(series.low.tolist())
        assert mine["high"] == pytest.approx(series.high.tolist())
    assert found == {}
    guide = read.lines(third)[r"$\propto 1/\sqrt{bT}$"]
    falls_as(guide, -0.5)
    assert guide[1][0] == pytest.approx(both[0].mean[0])
    assert guide[0][0] == both[0].b[0] * both[0].T[0]


# tightness


def test_the_ladder_has_the_tightest_first_and_each_setting_in_its_row(drawn, examples, read):
    rungs = {rung.label: rung for rung in examples["tightness"][0]}
    (axes,) = drawn("tightness").axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    rows = dict(zip(labels, axes.get_yticks(), strict=True))
    assert labels == ["sharp", "loose"]
    assert rows["sharp"] > rows["loose"]
    lines = read.lines(axes)
    for name in LOOKS:
        x, y = lines[LOOKS[name][0]]
        assert dict(zip(y, x, strict=True)) == {
            rows[label]: rung.bounds[name] for label, rung in rungs.items() if name in rung.bounds
        }
    assert lines["tight, closed form"] == ([], [])  # it does not apply
    x, y = lines["$dG^2$"]
    assert dict(zip(y, x, strict=True)) == {rows[key]: rung.trivial for key, rung in rungs.items()}
    gains = {text.xy[1]: text.get_text() for text in axes.texts if "×" in text.get_text()}
    assert gains == {rows["sharp"]: "×7", rows["loose"]: "×5"}
    bars = {line.get_ydata()[0]: list(line.get_xdata()) for line in axes.lines
            if line.get_linewidth() == 5}  # fmt: skip
    assert bars == {rows[key]: [rung.low, rung.high] for key, rung in rungs.items()}
    assert axes.get_xscale() == "log"


def test_a_ratio_below_one_is_shaded_as_false(drawn, read):
    (axes,) = drawn("tightness").axes
    ((left, _, right, _),) = read.spans(axes)
    assert right == 1
    assert left <= axes.get_xlim()[0]
    assert read.texts(axes)["false here"][0] < 1


# printed_scaling


@pytest.mark.parametrize("brief", [False, True])
def test_the_printed_bound_is_false_where_its_ratio_is_above_one(drawn, examples, read, brief):
    (data,) = examples["printed_scaling"]
    panels = drawn("printed_scaling", SLIDES).axes if brief else drawn("printed_scaling").axes
    logarithmic(*panels)
    right = panels[-1]
    lines = read.lines(right, by="colour")
    points = read.points(right, by="colour")
    for name, values in data.bounds.items():
        colour = LOOKS[name][1]
        assert lines[colour] == (data.c.tolist(), (data.left / values).tolist())
        for part in ("mean", "low", "high"):
            found = points[colour]["y" if part == "mean" else part]
            assert found == pytest.approx((getattr(data, part) / values[::2]).tolist())
        assert points[colour]["x"] == data.at.tolist()
        assert read.texts(right)[LOOKS[name][0]][1] == pytest.approx(data.left[-1] / values[-1])
    ((_, bottom, _, top),) = read.spans(right)
    assert (bottom, top) == (1, pytest.approx(right.get_ylim()[1]))


def test_the_scaled_values_are_drawn_beside_their_powers(drawn, examples, read):
    (data,) = examples["printed_scaling"]
    left = drawn("printed_scaling").axes[0]
    lines = read.lines(left, by="colour")
    assert lines[BLACK] == (data.c.tolist(), data.left.tolist())
    for name, values in data.bounds.items():
        label, colour, *_ = LOOKS[name]
        assert lines[colour] == (data.c.tolist(), values.tolist())
        power = 3 if name == "printed" else 2
        falls_as(lines[colour], power)
        assert read.texts(left)[rf"{label} $\propto c^{power}$"][1] == values[-1]
    found = read.points(left, by="colour")[BLACK]
    assert found["x"] == data.at.tolist()
    for part in ("mean", "low", "high"):
        assert found["y" if part == "mean" else part] == pytest.approx(getattr(data, part).tolist())


# rho_floor


def test_the_floor_shows_left_sides_and_names_each_bounds_coefficient(drawn, examples, read):
    (data,) = examples["rho_floor"]
    (axes,) = drawn("rho_floor").axes
    logarithmic(axes)
    lines = read.lines(axes, by="colour")
    for name, values in data.bounds.items():
        assert lines[LOOKS[name][1]] == (data.rho.tolist(), values.tolist())
    labelled = read.lines(axes)
    for label, values in data.left.items():
        assert labelled[f"runs of Algorithm 1, {label}"] == (data.rho.tolist(), values.tolist())
    texts = read.texts(axes)
    assert texts[r"corrected: $45\,GL^2\rho^2/\epsilon$"][1] == data.bounds["corrected"][-1]
    assert texts[r"tight: $\,GL^2\rho^2/\epsilon$"][1] == data.bounds["tight"][-1]
