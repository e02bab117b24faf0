"""Figures can be read in both styles, and are saved with the same bytes every time."""

import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from figures import falsifier_trail, movie
from figures.style import FORMATS, PAPER, SLIDES, STYLES, save

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
