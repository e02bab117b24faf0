"""The figures of schedules, regimes and remarks show their numbers, each under its name."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from figures import no_max, regime_map, terms, workers
from figures.style import COLOURS, SLIDES
from figures.terms import LEADING, LOOKS

BLUE, VERMILION = COLOURS["blue"], COLOURS["vermilion"]


def ends(found, data) -> None:
    """Whether points and their bars are those of the data."""
    mean, low, high = data
    assert found["y"] == list(mean)
    assert found["low"] == pytest.approx(list(low))
    assert found["high"] == pytest.approx(list(high))


# terms


def test_every_term_is_drawn_under_its_name_with_their_sum_apart(drawn, examples, read):
    (sweeps,) = examples["terms"]
    for axes, sweep in zip(drawn("terms").axes, sweeps, strict=True):
        assert (axes.get_title(), axes.get_xlabel()) == (sweep.title, sweep.label)
        assert axes.get_xscale() == axes.get_yscale() == "log"
        lines = read.lines(axes)
        at = sweep.at.tolist()
        assert lines.pop(LEADING[0]) == (at, sweep.leading.tolist())
        phi = lines.pop(r"$\Phi$, the other terms together")
        assert phi == (at, pytest.approx(sum(sweep.parts.values()).tolist()))
        for name, values in sweep.parts.items():
            assert lines.pop(LOOKS[name][0]) == (at, values.tolist())
        assert lines == {}


def test_a_dot_marks_where_a_term_meets_the_leading_two(drawn, examples):
    (sweeps,) = examples["terms"]
    for axes, sweep in zip(drawn("terms").axes, sweeps, strict=True):
        (dot,) = (line for line in axes.lines if line.get_marker() == "o")
        ((x, y),) = dot.get_xydata()
        assert x == sweep.limits["perturbation"]
        assert y == pytest.approx(0.1 / np.sqrt(x))
        assert dot.get_color() == LOOKS["perturbation"][1]


def test_the_grey_area_begins_at_the_trivial_bound_and_hatches_lie_where_nothing_is_said(
    drawn, examples, read
):
    (sweeps,) = examples["terms"]
    for axes, sweep in zip(drawn("terms").axes, sweeps, strict=True):
        grey = next(patch for patch in axes.patches if patch.get_y() == sweep.trivial)
        assert grey.get_y() + grey.get_height() == pytest.approx(axes.get_ylim()[1])
        (hatched,) = (patch for patch in axes.patches if patch.get_hatch())
        span = hatched.get_x(), hatched.get_x() + hatched.get_width()
        left, right = axes.get_xlim()
        wanted = (left, sweep.step_limit) if sweep.speaks_above else (sweep.step_limit, right)
        assert span == pytest.approx(wanted)
        assert span[0] < read.texts(axes)[r"$\gamma>\epsilon/(16L)$"][0] < span[1]
        assert read.texts(axes)["above $dG^2$ the bound says nothing"][1] == sweep.trivial


def test_the_strip_names_the_largest_term_where_it_is(drawn, examples):
    (sweeps,) = examples["terms"]
    for axes, sweep in zip(drawn("terms").axes, sweeps, strict=True):
        limit = sweep.limits["perturbation"]
        places = {
            text.get_text(): float(text.xy[0]) for text in axes.texts if text.get_color() == "white"
        }
        assert places.keys() == {"leading terms", r"perturbation $\rho^2$"}
        assert places[r"perturbation $\rho^2$"] < limit < places["leading terms"]
        strip = {
            patch.get_facecolor(): (patch.get_x(), patch.get_x() + patch.get_width())
            for patch in axes.patches
            if patch.get_height() == 0.06
        }
        first, last = strip.values()
        assert first[0] == sweep.at[0]
        assert last[1] == sweep.at[-1]
        assert first[1] == last[0] == pytest.approx(limit, rel=0.8)  # a point of the grid


def test_in_brief_the_first_sweep_alone_is_shown(drawn, examples):
    (axes,) = drawn("terms", SLIDES).axes
    assert axes.get_title() == examples["terms"][0][0].title
    assert terms.LEADING[0] in [line.get_label() for line in axes.lines]


# schedules


def hatched(axes, b: float, T: float) -> bool:
    (area,) = (c for c in axes.collections if any(getattr(c, "hatches", None) or ()))
    return any(path.contains_point((b, T)) for path in area.get_paths())


def test_the_schedules_hatch_where_the_theorem_says_nothing(drawn, examples):
    (plane,) = examples["schedules"]
    for axes in drawn("schedules").axes:
        for b in (2.0, 20.0, 200.0):
            assert hatched(axes, b, 128 * b)
            assert hatched(axes, b, 2 * b)
            assert not hatched(axes, b, 512 * b)
        boundary = next(line for line in axes.lines if line.get_color() == VERMILION)
        assert boundary.get_xydata().tolist() == np.stack([plane.b, plane.boundary], 1).tolist()
        assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_schedules_show_gamma_left_rho_right_and_mark_the_cells(drawn, examples):
    (plane,) = examples["schedules"]
    for axes, values, letter in zip(
        drawn("schedules").axes, (plane.gamma, plane.rho), (r"\gamma", r"\rho"), strict=True
    ):
        assert axes.get_title().startswith(f"${letter}=")
        (mesh,) = (c for c in axes.collections if hasattr(c, "_coordinates"))
        assert np.array_equal(np.reshape(mesh.get_array(), (5, 4)), values[::10, ::10])
        assert np.array_equal(np.unique(mesh._coordinates[..., 0]), plane.b[::10])
        assert np.array_equal(np.unique(mesh._coordinates[..., 1]), plane.T[::10])
        (cells,) = (line for line in axes.lines if line.get_label() == "cells of the slope claims")
        assert cells.get_xydata().tolist() == plane.cells.tolist()
        assert axes.get_xlabel() == r"batch size $b$"
    assert drawn("schedules").axes[0].get_ylabel() == r"steps $T$"


def test_a_contours_label_stands_on_its_contour(redrawn, examples):
    """Where gamma or rho has the value written."""
    (plane,) = examples["schedules"]
    c_gamma, c_rho = plane.gamma[0, 0], plane.rho[0, 0]
    figure = redrawn("schedules")
    figure.draw_without_rendering()
    for axes, law in zip(
        figure.axes,
        (lambda b, T: c_gamma * np.sqrt(b / T), lambda b, T: c_rho / np.sqrt(b * T)),
        strict=True,
    ):
        labels = [text for text in axes.texts if text.get_text().startswith("$10^")]
        assert len(labels) >= 2
        for text in labels:
            power = float(text.get_text().removeprefix("$10^{").removesuffix("}$"))
            assert np.log10(law(*text.get_position())) == pytest.approx(power, abs=0.05)


# regime_map


def test_the_map_shows_every_slope_in_its_cell(drawn, examples):
    (data,) = examples["regime_map"]
    left = drawn("regime_map").axes[0]
    (mesh,) = (c for c in left.collections if isinstance(c, QuadMesh))
    assert np.array_equal(mesh.get_array(), data.slope)
    corners = np.asarray(mesh.get_coordinates())
    for row, T in enumerate(data.T):
        for place, level in enumerate(data.level):
            assert corners[row, place, 0] < level < corners[row, place + 1, 0]
            assert corners[row, place, 1] < T < corners[row + 1, place, 1]
    shown = {text.xy: text.get_text() for text in left.texts}
    assert shown == {
        (data.level[place], T): f"{data.slope[row, place]:.2f}".replace("-", "−")
        for row, T in enumerate(data.T)
        for place in (2, 6)
    }
    assert [tick.get_text() for tick in left.get_yticklabels()] == [
        "$2^{10}$", "$2^{12}$", "$2^{14}$", "$2^{16}$"
    ]  # fmt: skip


@pytest.mark.parametrize("brief", [False, True])
def test_the_maps_rows_are_its_curves(drawn, examples, read, brief):
    (data,) = examples["regime_map"]
    figure = drawn("regime_map", SLIDES) if brief else drawn("regime_map")
    axes = figure.axes[0 if brief else 1]
    found = read.points(axes)
    rows = (0, 3) if brief else range(4)
    assert list(found) == [f"$T=2^{{{10 + 2 * row}}}$" for row in rows]
    for row, points in zip(rows, found.values(), strict=True):
        slope, reach = data.slope[row], data.reach[row]
        ends(points, (slope, slope - reach, slope + reach))
        aside = np.log2(np.array(points["x"]) / data.level)
        assert np.abs(aside).max() < 0.5
        assert np.ptp(aside) == pytest.approx(0, abs=1e-12)
    line = read.lines(axes)[r"$\hat{v}=\max(\epsilon^2,\sigma^2/b)$"]
    assert line == (data.level.tolist(), data.predicted.tolist())
    assert axes.get_xlabel() == r"$\epsilon\sqrt{b}/\sigma$ at $b=8$"
    heights = {
        line.get_ydata()[0]
        for line in axes.lines
        if len(set(line.get_ydata())) == 1 and line.get_color() == COLOURS["grey"]
    }
    assert heights == {-0.5, 0}
    texts = read.texts(axes)
    assert (texts["no speed-up"][1], texts["linear speed-up"][1]) == (0, -0.5)
    assert axes.get_ylim() == regime_map.LIMITS
    (one,) = (line for line in axes.lines if list(line.get_xdata()) == [1, 1])
    assert one.get_color() == COLOURS["black"]


# no_max


def test_without_the_max_has_a_line_a_band_and_its_left_sides(drawn, examples, read):
    branches, _ = examples["no_max"]
    panels = dict(zip((0.0, 0.9), drawn("no_max").axes, strict=True))
    panels[-1] = drawn("no_max", SLIDES).axes[0]
    for beta1, axes in panels.items():
        beta1 = 0.9 if beta1 < 0 else beta1  # brief: the largest
        assert axes.get_title() == rf"$\beta_1={beta1:g}$"
        lines, points = read.lines(axes, "colour"), read.points(axes, "colour")
        bands = read.bands(axes)
        texts = read.texts(axes)
        for branch in (item for item in branches if item.beta1 == beta1):
            label, colour, *_ = no_max.LOOKS[branch.method]
            t = branch.t.tolist()
            assert lines[colour] == (t, branch.mean.tolist())
            assert bands[colour] == (t, branch.low.tolist(), branch.high.tolist())
            assert points[colour]["x"] == branch.T.tolist()
            ends(points[colour], (branch.final, branch.final_low, branch.final_high))
            x, y = texts[label]
            assert y == branch.mean[branch.t.tolist().index(x)]
        assert axes.get_xscale() == axes.get_yscale() == "log"
        assert lines[COLOURS["grey"]][1] == [1, 1]
        assert texts["the start"][1] == 1


# steps


def test_the_steps_stand_beside_what_is_exact_and_say_their_slope(drawn, examples, read):
    both = examples["steps"][:2]
    axes = drawn("steps").axes
    titles = (
        "slope in $b$ at $held=1$\n−1.001  [−1.020, −0.970], 99.99997 % interval",
        "slope in $\\delta$ at $held=2$\n−2.001  [−2.020, −1.970], 99.99997 % interval",
    )
    laws = ((r"$\propto b^{-1}$", -1), (r"$\propto\delta^{-2}$", -2))
    for one, steps, title, (law, power) in zip(axes, both, titles, laws, strict=True):
        assert one.get_title() == title
        assert one.get_xscale() == one.get_yscale() == "log"
        lines, at = read.lines(one), steps.at.tolist()
        assert lines.pop(r"exact, $\rho=0$") == (at, steps.exact.tolist())
        guide = lines.pop(law)
        assert guide == (at, pytest.approx((steps.T[0] * (steps.at / at[0]) ** power).tolist()))
        assert lines == {}
        found = read.points(one)["measured, 95 %"]
        assert found["x"] == at
        ends(found, (steps.T, steps.low, steps.high))
        assert one.get_xticks().tolist() == at
    assert [one.get_xlabel() for one in axes] == [
        "batch size $b$",
        r"tolerance $\delta$   [$F^2/X^2$]",
    ]
    assert [tick.get_text() for tick in axes[0].get_xticklabels()] == ["1", "2", "4", "8"]
    assert axes[1].get_xticklabels()[1].get_text() == r"2$\cdot 10^{-3}$"


# workers


def test_crews_of_equal_nb_stand_side_by_side_at_their_own_height(drawn, examples, read):
    for axes, crews in zip(drawn("workers").axes, examples["workers"][:2], strict=True):
        found, lines = read.points(axes), read.lines(axes)
        places = []
        for n in workers.LOOKS:
            mine = crews.n == n
            points = found.pop(f"$n={n}$")
            ends(points, (part[mine] for part in (crews.mean, crews.low, crews.high)))
            aside = np.log2(points["x"] / (crews.n * crews.b)[mine])
            assert np.abs(aside).max() < 0.25
            places += points["x"]
        assert found == {}
        assert len(set(places)) == len(crews.n)
        together = crews.together.tolist()
        assert lines.pop(r"tight, with $nb$ for $b$") == (together, crews.bound.tolist())
        assert ("exact" in lines) == (crews.rho == 0)
        if crews.floor is not None:
            assert lines["exact"] == (together, crews.floor.tolist())
        assert axes.get_xscale() == axes.get_yscale() == "log"
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "4", "16"]
    plain, perturbed = drawn("workers").axes
    assert plain.get_title().startswith("no perturbation")
    assert perturbed.get_title() == r"each worker its own, $\rho=0.2$"
