"""The animation's run is Algorithm 1's, and the scaled counterexample's paths are one path."""

import msgspec
import numpy as np
import pytest

from simulators import spec as specs
from simulators import update
from verify.claim import PRESETS
from verify.drawing import movie, scaling


@pytest.fixture(scope="module")
def short():
    """Run the animation's spec, shortened, in double precision."""
    spec = movie.study_specs(PRESETS["quick"], 0)["path"]
    spec.run.T, spec.run.runs, spec.engine.name, spec.run.beta1 = 64, 2, "reference", 0.9
    return spec, specs.run(spec, allow_outside=True)


def test_what_is_seen_of_a_run_is_what_the_reference_does_step_by_step(short):
    spec, runs = short
    problem, inputs = spec.problem.make(), runs.inputs.take(np.array([1]))
    x, delta, eta = movie.seen(spec, runs, 1)
    columns = (getattr(inputs, name)[:, None] for name in update.Parameters._fields)
    parameters = update.Parameters(*columns)
    state = update.start(problem, parameters)
    for t, heads in enumerate(runs.heads[1]):
        noise = problem.noise_from_heads(heads[None].astype(float), inputs.b[:, None])
        np.testing.assert_allclose(x[t], state.x[0], rtol=0, atol=1e-13)
        state, info = update.step(problem, update.METHODS["adasam"], parameters, state, noise[None])
        wanted = spec.run.rho * update.direction(info.s)[0]
        np.testing.assert_allclose(delta[t], wanted, rtol=0, atol=1e-12)
        np.testing.assert_allclose(eta[t], state.eta[0], rtol=1e-12)
    assert eta.min() < 1 / spec.run.eps


def test_the_film_shows_the_mean_of_all_runs_and_the_bounds_at_every_checkpoint(short):
    film = movie.data({"path": short})
    runs = short[1]
    assert film.t[0] == 1
    assert film.t[-1] == 64
    assert film.mean[-1] == pytest.approx(runs.lhs(0).mean(), rel=1e-15)
    assert np.all(film.bounds["tight"] <= film.trivial)
    assert np.all(film.high < film.bounds["tight"])


@pytest.mark.parametrize("k", scaling.POWERS)
def test_scaling_f_and_eps_leaves_the_path_and_scales_the_left_side_by_c_squared(k):
    """By powers of two every operation is exact: bit for bit."""
    jobs = scaling.study_specs(PRESETS["quick"], 0)
    left, path = {}, {}
    for name in ("c+0", f"c{k:+d}"):
        run = msgspec.structs.replace(
            jobs[name].run, common_noise=True, T=64, runs=8, record="trajectory"
        )
        runs = specs.run(msgspec.structs.replace(jobs[name], run=run), allow_outside=True)
        left[name], path[name] = runs.lhs(0), runs.x
    assert np.array_equal(left[f"c{k:+d}"], 4.0**k * left["c+0"])
    assert np.array_equal(path[f"c{k:+d}"], path["c+0"])
