"""Figures can be read in both styles, and are saved with the same bytes every time."""

import dataclasses
import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from figures import falsifier_trail, linear_speedup, movie
from figures.style import FORMATS, PAPER, SLIDES, STYLES, count, save

NAMES = (
    "corollary1", "bound_vs_measured", "linear_speedup", "terms", "schedules", "regime_map",
    "falsifier_trail", "engine_speed", "tightness", "printed_scaling", "no_max", "steps", "workers",
    "rho_floor", "methods", "methods_table", "batches", "movie",
)  # fmt: skip


def test_every_figure_has_its_example(examples):
    assert tuple(examples) == NAMES


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_can_be_read_in_both_styles(name, style, redrawn, faults):
    figure = redrawn(name, style)
    with style.applied():  # fonts are looked up when drawing
        assert faults(figure) == []
    if style.height:
        assert tuple(figure.get_size_inches()) == (style.width, style.height)


def test_what_cannot_be_read_is_found(faults):
    figure, axes = plt.subplots()
    plt.close(figure)
    assert faults(figure) == []
    axes.annotate("one", (0.5, 0.5))
    axes.annotate("two", (0.5, 0.5), rotation=30)
    figure.text(0.98, 0.2, "three")
    assert faults(figure) == ["'one' and 'two' overlap", "'three' is cut at the figure's edge"]


def test_a_figure_is_saved_in_three_formats_with_the_same_bytes_twice(tmp_path, redrawn):
    name = "regime_map"
    first, second = (
        [path.read_bytes() for path in save(redrawn(name, SLIDES), tmp_path, name, SLIDES)]
        for _ in range(2)
    )
    assert first == second
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{name}.{kind}" for kind in FORMATS
    )


def test_a_search_that_found_no_ratio_above_0_is_drawn_without_a_star(examples):
    (trails,) = examples["falsifier_trail"]
    nothing = dataclasses.replace(trails[0], ratio=np.zeros(6))
    _, place = falsifier_trail.draw([nothing]).axes
    assert [len(line.get_xdata()) for line in place.lines if line.get_marker() == "*"] == [0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (512, "512"), (1000, "1 000"), (1024, "$2^{10}$"), (3000, "3 000"), (4097, "4 097")],
)
def test_only_a_power_of_2_is_written_as_one(value, text):
    assert count(value) == text


def test_an_axis_of_other_numbers_of_steps_says_them_as_they_are(examples):
    along_b, along_T, interval = examples["linear_speedup"]
    figure = linear_speedup.draw(
        along_b, dataclasses.replace(along_T, T=np.array([1000, 3000, 10000])), interval
    )
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels == ["1 000", "3 000", "10 000"]


def test_more_trails_than_can_be_told_apart_are_refused(examples):
    (trails,) = examples["falsifier_trail"]
    with pytest.raises(ValueError, match="6 trails"):
        falsifier_trail.draw(trails * 3)


def test_the_animation_has_a_frame_a_checkpoint_and_the_same_bytes_twice(examples):
    (film,) = examples["movie"]
    content = movie.animate(film, PAPER)
    assert content == movie.animate(film, PAPER)
    assert content != movie.animate(film, SLIDES)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.n_frames == len(film.t)
        assert picture.info["loop"] == 0
        frames, pauses = [], []
        for number in range(picture.n_frames):
            picture.seek(number)
            pauses.append(picture.info["duration"])
            frames.append(np.asarray(picture.convert("RGB")))
    assert pauses == [movie.PAUSE] * (len(film.t) - 1) + [movie.LAST_PAUSE]
    assert not any(np.array_equal(*pair) for pair in pairwise(frames))
