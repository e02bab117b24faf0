"""The figures of methods, searches, speed and one run show their numbers, each under its name."""

import numpy as np
import pytest

from figures import batches, engine_speed, falsifier_trail, methods, methods_table, movie
from figures.style import COLOURS, PAPER, SLIDES

# methods


@pytest.mark.parametrize("brief", [False, True])
def test_methods_show_their_objective_above_their_running_mean(drawn, examples, read, brief):
    tasks, _ = examples["methods"]
    if brief:
        figure, columns = drawn("methods", SLIDES), [drawn("methods", SLIDES).axes]
        assert figure.get_suptitle() == tasks[0].title
    else:
        axes = drawn("methods").axes
        columns = list(zip(axes[:4], axes[4:], strict=True))
        assert [above.get_title() for above, _ in columns] == [task.title for task in tasks]
    for (above, below), task in zip(columns, tasks, strict=False):
        for curve in task.curves:
            label, colour, *_ = methods.LOOKS[curve.method]
            for one, part in ((above, curve.objective), (below, curve.running)):
                t = curve.t.tolist()
                assert read.lines(one)[label] == (t, part.mean.tolist())
                assert read.bands(one)[colour] == (t, part.low.tolist(), part.high.tolist())
        assert (above.get_yscale(), below.get_yscale()) == ("linear", "log")
        assert above.get_xscale() == below.get_xscale() == "log"
    assert columns[0][0].get_ylabel() == "objective $f(x_t)$   [$F$]"
    assert columns[0][1].get_ylabel() == methods.RUNNING


# methods_table


def test_the_dots_lie_in_their_rows_with_their_intervals_and_leaders_are_ringed(drawn, examples):
    columns, _ = examples["methods_table"]
    axes = drawn("methods_table").axes
    labels = ["SGD", r"AdaSAM, $\rho=0.01$", r"AdaSAM, $\rho=0.001$"]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == labels
    assert axes[0].yaxis_inverted()
    for one, column in zip(axes, columns, strict=True):
        assert one.get_title() == column.title
        found = {}
        for container in one.containers:
            line, _, (bar,) = container.lines
            if len(line.get_xdata()):
                ((x, y),) = line.get_xydata()
                (segment,) = bar.get_segments()
                found[line.get_color(), line.get_fillstyle(), y] = (x, *segment[:, 0])
        wanted = {
            (
                methods.LOOKS[dot.method][1],
                "full" if dot.beta1 == 0.9 else "none",
                labels.index(methods_table.row_label(dot.method, dot.rho)),
            ): pytest.approx((dot.mean, dot.low, dot.high))
            for dot in column.dots
        }
        assert found == wanted
        rings = {tuple(line.get_xydata()[0]) for line in one.lines
                 if line.get_markersize() == 8 and len(line.get_xdata())}  # fmt: skip
        assert rings == {
            (dot.mean, labels.index(methods_table.row_label(dot.method, dot.rho)))
            for dot in column.dots
            if dot.leads
        }
        means = [dot.mean for dot in column.dots]
        assert one.get_xticks().tolist() == [min(means), max(means)]
        assert one.get_xscale() == "log"


def test_a_brief_table_has_three_tasks_and_one_rho_a_method(drawn, examples):
    axes = drawn("methods_table", SLIDES).axes
    assert [one.get_title() for one in axes] == [c.title for c in examples["methods_table"][0][:3]]
    rows = [label.get_text() for label in axes[0].get_yticklabels()]
    assert rows == ["SGD", r"AdaSAM, $\rho=0.01$"]


# batches


def test_the_objective_and_the_steps_to_the_level_are_drawn_for_every_b(drawn, examples, read):
    tasks, _ = examples["batches"]
    axes = drawn("batches").axes
    for above, below, task in zip(axes[:3], axes[3:], tasks, strict=True):
        lines, bands = read.lines(above), read.bands(above)
        points = read.points(below, by="colour")
        for k, b in enumerate(task.b):
            colour = COLOURS[batches.LOOKS[k][0]]
            t, band = task.t.tolist(), task.objective[k]
            assert lines[f"$b={b:.0f}$"] == (t, band.mean.tolist())
            assert bands[colour] == (t, band.low.tolist(), band.high.tolist())
            found = points[colour]
            assert (found["x"], found["y"]) == ([b], [task.steps.mean[k]])
            assert found["low"] == pytest.approx([task.steps.low[k]])
            assert found["high"] == pytest.approx([task.steps.high[k]])
        assert lines["the level"][1] == [task.level] * 2
        guides = [line.get_xydata() for line in below.lines if line.get_color() == COLOURS["grey"]]
        texts = read.texts(below)
        for guide, power, name in zip(guides, (-0.5, -1), ("-1/2", "-1"), strict=True):
            assert guide[:, 1] == pytest.approx(task.steps.mean[0] * (guide[:, 0] / 4) ** power)
            assert texts[rf"$\propto b^{{{name}}}$"] == tuple(guide[-1])
        assert below.get_xscale() == below.get_yscale() == above.get_xscale() == "log"


# falsifier_trail


def test_the_trail_shows_the_best_so_far_and_where_each_record_was(drawn, examples, read):
    (trails,) = examples["falsifier_trail"]
    progress, place = drawn("falsifier_trail").axes
    for trail, (name, _) in zip(trails, falsifier_trail.LOOKS, strict=False):
        colour = COLOURS[name]
        best = [max(trail.ratio[: k + 1]) for k in range(6)]
        assert read.lines(progress, "colour")[colour] == ([1, 2, 3, 4, 5, 6], best)
        records = [0, 2, 3, 5]
        assert list(trail.records) == records
        wanted = trail.eps_over_G[records].tolist(), trail.scale[records].tolist()
        assert read.lines(place, "colour")[colour] == wanted
        (star,) = (line for line in place.lines
                   if line.get_marker() == "*" and line.get_color() == colour)  # fmt: skip
        assert star.get_xydata().tolist() == [[trail.eps_over_G[5], trail.scale[5]]]
        for axes, x, y in (
            (progress, np.arange(1.0, 7), trail.ratio), (place, trail.eps_over_G, trail.scale),
        ):  # fmt: skip
            marks = {
                tuple(line.get_xydata()[0]): (line.get_marker(), line.get_fillstyle())
                for line in axes.lines
                if len(line.get_xdata()) == 1 and line.get_color() == colour
                and line.get_marker() != "*"
            }  # fmt: skip
            assert marks == {
                (x[k], y[k]): falsifier_trail.KINDS[bool(trail.convex[k]), str(trail.noise[k])][:2]
                for k in records
            }
        legend = {text.get_text(): line.get_color() for text, line in zip(
            progress.get_legend().get_texts(), progress.get_legend().get_lines(), strict=True
        )}  # fmt: skip
        assert legend[trail.label] == colour
    start = next(line for line in place.lines if line.get_marker() == "D")
    assert start.get_xydata().tolist() == [[1.0, 1.0]]
    second = next(line for line in progress.lines if list(line.get_xdata()) == [3, 3])
    assert second.get_linestyle() == ":"
    assert progress.get_yscale() == place.get_xscale() == place.get_yscale() == "log"
    assert progress.get_xscale() == "linear"
    ((_, bottom, _, top),) = read.spans(progress)
    assert (bottom, top) == (1, pytest.approx(progress.get_ylim()[1]))


# engine_speed


def test_the_speed_bars_say_their_ratio_and_the_largest_is_at_the_bottom(drawn):
    axes = drawn("engine_speed").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["NumPy", "torch.optim loop"]
    assert axes.yaxis_inverted()
    bars = {bar.get_width(): bar.get_y() + bar.get_height() / 2 for bar in axes.patches}
    texts = {text.get_text(): text.xy for text in axes.texts}
    assert texts == {
        "×7.0   d = 10": (7.0, pytest.approx(bars[7.0])),
        "×12 300": (12345.0, pytest.approx(bars[12345.0])),
        "×6.0   d = 100": (6.0, pytest.approx(bars[6.0])),
    }
    assert bars[7.0] < bars[6.0] < 0.5 < bars[12345.0]
    colours = {bar.get_width(): bar.get_facecolor() for bar in axes.patches}
    assert colours[7.0][:3] == colours[6.0][:3]
    assert colours[7.0][3] > colours[6.0][3]
    assert axes.get_xscale() == "log"


def test_rates_are_drawn_over_d_and_over_b_with_their_bands(drawn, examples, read):
    (data,) = examples["engine_speed"]
    figure = drawn("engine_speed")
    for axes, lines, label in (
        (figure.axes[1], data.over_d, "dimension $d$"),
        (figure.axes[2], data.over_b, "batch size $b$"),
    ):
        assert axes.get_xlabel() == label
        assert axes.get_xscale() == axes.get_yscale() == "log"
        shown = read.lines(axes)
        for line in lines:
            assert shown.pop(line.engine) == (line.at.tolist(), line.rate.tolist())
        assert shown == {}
        bands = [collection.get_paths()[0].vertices for collection in axes.collections]
        for band, line in zip(bands, lines, strict=True):
            assert (band[:, 1].min(), band[:, 1].max()) == (line.low.min(), line.high.max())
    assert figure.get_supxlabel() == "a machine"
    assert len(drawn("engine_speed", SLIDES).axes) == 2


def test_the_names_of_lines_stand_beside_their_ends_and_clear_of_each_other(redrawn):
    figure = redrawn("engine_speed")
    axes = figure.axes[1]
    names = {text.get_text(): text for text in axes.texts}
    assert len(names) == len(engine_speed.LOOKS)
    with PAPER.applied():
        figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
    for name, text in names.items():
        (key,) = (key for key, look in engine_speed.LOOKS.items() if look[0] == name)
        (line,) = (line for line in axes.lines if line.get_label() == key)
        assert text.xy[1] == line.get_ydata()[-1]
        assert text.xy[0] > line.get_xdata()[-1]
    assert names["JAX"].xy[0] < 65536 < names["numba"].xy[0]


# movie


def test_the_last_frame_shows_the_path_the_steps_and_the_mean_under_its_bounds(
    drawn, examples, read
):
    (film,) = examples["movie"]
    land, above, below = drawn("movie").axes
    path, ahead, iterate = (line.get_xydata() for line in land.lines)
    assert np.array_equal(path, film.x)
    assert np.array_equal(ahead, [film.x[-1], film.x[-1] + film.delta[-1]])
    assert np.array_equal(iterate, film.x[-1:])
    (ball,) = land.patches
    assert ball.center == tuple(film.x[-1])
    assert ball.radius == np.linalg.norm(film.delta, axis=1).max()
    assert land.get_aspect() == 1
    one, first, second = (line.get_xydata() for line in above.lines)
    assert (one[:, 1] == 1).all()
    t = np.arange(1, 65)
    assert np.array_equal(first, np.stack([t, 0.25 * film.eta[:, 0]], 1))
    assert np.array_equal(second, np.stack([t, 0.25 * film.eta[:, 1]], 1))
    lines = read.lines(below)
    assert lines.pop("bound: corrected") == (film.t.tolist(), film.bounds["corrected"].tolist())
    assert lines.pop("bound: tight") == (film.t.tolist(), film.bounds["tight"].tolist())
    assert lines == {}
    mean = below.lines[-1]
    assert mean.get_xydata().tolist() == np.stack([film.t, film.mean], 1).tolist()
    black = COLOURS["black"]
    assert read.bands(below)[black] == (film.t.tolist(), film.low.tolist(), film.high.tolist())
    assert list(below.lines[0].get_ydata()) == [film.trivial] * 2
    assert below.get_xscale() == below.get_yscale() == "log"
    assert {text.get_text() for text in land.texts} == {"$t=64$"}


def test_a_frame_shows_the_run_up_to_its_own_step(examples):
    (film,) = examples["movie"]
    with PAPER.applied():
        _, moving = movie._stage(film, PAPER)
        movie._set(moving, film, 16)
    assert np.array_equal(moving["path"].get_xydata(), film.x[:16])
    assert np.array_equal(moving["iterate"].get_xydata(), film.x[15:16])
    assert np.array_equal(moving["perturbation"].get_xydata()[1], film.x[15] + film.delta[15])
    assert moving["ball"].center == tuple(film.x[15])
    assert len(moving["first"].get_xdata()) == len(moving["second"].get_xdata()) == 16
    assert moving["mean"].get_xydata().tolist() == [
        [1, film.mean[0]], [4, film.mean[1]], [16, film.mean[2]]
    ]  # fmt: skip
    assert moving["time"].get_text() == "$t=16$"
