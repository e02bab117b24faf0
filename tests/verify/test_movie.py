"""The animation's run is Algorithm 1's, beside the mean of all runs and the bounds at each T."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from figures.style import COLOURS, PAPER
from simulators import METHODS
from simulators import spec as specs
from simulators.methods import Oracle, Parameters
from simulators.methods.adasam import direction, start
from theory.setting import Hyperparameters
from theory.theorem1 import VARIANTS
from verify import drawing
from verify.drawing import movie
from verify.studies.study import PRESETS


@pytest.fixture(scope="module")
def short():
    """Run the animation's spec, shortened, in double precision."""
    spec = movie.study_specs(PRESETS["quick"], 0)["path"]
    spec.run.T, spec.run.runs, spec.engine.name, spec.run.beta1 = 64, 3, "reference", 0.9
    return spec, specs.run(spec, allow_outside=True)


def test_what_is_seen_of_a_run_is_what_the_reference_does_step_by_step(short):
    spec, runs = short
    problem, inputs = spec.problem.make(), runs.inputs.take(np.array([1]))
    x, delta, eta = movie.seen(spec, runs, 1)
    columns = (getattr(inputs, name)[:, None] for name in Parameters._fields)
    parameters = Parameters(*columns)
    state = start(problem, parameters)
    for t, heads in enumerate(runs.heads[1]):
        noise = problem.noise_from_heads(heads[None].astype(float), inputs.b[:, None])
        np.testing.assert_allclose(x[t], state.x[0], rtol=0, atol=1e-13)
        state, info = METHODS["adasam"].rule(Oracle(problem, noise[None]), parameters, state, np)
        wanted = spec.run.rho * direction(info.s)[0]
        np.testing.assert_allclose(delta[t], wanted, rtol=0, atol=1e-12)
        np.testing.assert_allclose(eta[t], state.eta[0], rtol=1e-12)
    assert eta.min() < 1 / spec.run.eps


def test_the_film_shows_the_mean_of_all_runs_with_its_band(short):
    film, runs = movie.data({"path": short}), short[1]
    t, first = np.unique(runs.step[0], return_index=True)
    assert film.t.tolist() == t.tolist()
    assert (t[0], t[-1]) == (1, 64)
    values = runs.mean_grad_norm2[:, first]
    reach = stats.t.ppf(0.975, 2) * stats.sem(values, axis=0)
    np.testing.assert_allclose(film.mean, values.mean(0), rtol=1e-13)
    np.testing.assert_allclose(film.low, values.mean(0) - reach, rtol=1e-9)
    np.testing.assert_allclose(film.high, values.mean(0) + reach, rtol=1e-9)
    assert film.band == "95 % band"
    assert film.mean[-1] == pytest.approx(runs.lhs(0).mean(), rel=1e-15)


def test_the_films_bounds_are_those_of_as_many_steps_as_have_been_seen(short):
    film = movie.data({"path": short})
    constants = short[0].problem.make().certificate.constants
    assert film.bounds.keys() == {"corrected", "tight"}
    for name, values in film.bounds.items():
        for T, value in zip(film.t, values, strict=True):
            hyper = Hyperparameters(
                gamma=1 / 64, rho=0.2, beta1=0.9, beta2=0.9, eps=0.3, b=4, T=int(T)
            )
            assert value == pytest.approx(float(VARIANTS[name].total(constants, hyper)), rel=1e-13)
    assert film.trivial == 2 * 1.0**2
    assert (film.high < film.bounds["tight"]).all()


def test_the_films_path_is_the_first_runs_on_the_problems_own_landscape(short):
    film, (spec, runs) = movie.data({"path": short}), short
    np.testing.assert_array_equal(film.x, runs.x[0, :-1])
    assert film.eps == 0.3
    problem = spec.problem.make()
    assert problem.L == 1.0
    for row, column in ((0, 0), (20, 100), (120, 60)):
        place = np.array([[film.side[column], film.side[row]]])  # the second coordinate first
        assert film.landscape[row, column] == problem.objective(place, np)[0]
    assert not np.allclose(film.landscape, film.landscape.T)
    assert film.side[-1] > np.abs(film.x).max()


def test_the_still_is_the_films_last_frame(short, read):
    film = movie.data({"path": short})
    figure: Any = drawing.FIGURES["one_run"].draw({"path": short}, {}, PAPER)
    land, above, below = figure.axes
    assert np.array_equal(land.lines[0].get_xydata(), film.x)
    assert np.array_equal(above.lines[1].get_ydata(), 0.3 * film.eta[:, 0])
    lines = read.lines(below)
    for name in ("corrected", "tight"):
        assert lines[f"bound: {name}"] == (film.t.tolist(), film.bounds[name].tolist())
    band = (film.t.tolist(), film.low.tolist(), film.high.tolist())
    assert read.bands(below)[COLOURS["black"]] == band


def test_the_animation_is_of_the_same_film(short, monkeypatch):
    seen = []
    monkeypatch.setattr(
        drawing.movie.movie, "animate", lambda film, style: seen.append(film) or b""
    )
    assert drawing.FIGURES["one_run_moving"].draw({"path": short}, {}, PAPER) == {"gif": b""}
    (film,) = seen
    np.testing.assert_array_equal(film.mean, movie.data({"path": short}).mean)
