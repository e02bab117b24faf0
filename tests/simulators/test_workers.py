"""Several workers (Remark 3), and the start of v that Algorithm 1 leaves open."""

import itertools

import numpy as np
import pytest

from simulators import METHODS, SeparableProblem, simulate
from simulators.methods import Oracle, Parameters
from simulators.methods.adasam import start

CELL = {"gamma": 0.05, "rho": 0.2, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": 2, "T": 40}
STEP = {"gamma": 0.05, "rho": 0.3, "beta1": 0.5, "beta2": 0.9, "eps": 0.25, "v_init": 0.1}
ENGINES = pytest.mark.parametrize("engine", ["reference", "numba", "torch"])


def make(noise="additive", **changes):
    constants = {"L": 2.0, "sigma": 0.75, "G": 1.5, "d": 3, "start": [0.4, -0.1, 2.0]} | changes
    return SeparableProblem("log_cosh", noise, **constants)


def go(method="local_sam", engine="reference", **changes):
    settings = CELL | {"runs": 3, "seed": 5, "record": "trajectory"} | changes
    return simulate(
        make(), method=method, engine=engine, dtype="float64", common_noise=True, **settings
    )


@ENGINES
def test_one_local_worker_is_algorithm_1(engine):
    local, plain = (go(method, engine) for method in ("local_sam", "adasam"))
    assert local.x.tobytes() == plain.x.tobytes()
    assert local.max_abs_gradient.tobytes() == plain.max_abs_gradient.tobytes()


@ENGINES
def test_without_perturbation_it_does_not_matter_whose_it_is(engine):
    local, together = (go(method, engine, rho=0, workers=4) for method in ("local_sam", "adasam"))
    np.testing.assert_allclose(local.x, together.x, rtol=0, atol=1e-13)
    apart = go("local_sam", engine, workers=4).x - go("adasam", engine, workers=4).x
    assert np.abs(apart).max() > 1e-3


@ENGINES
def test_every_worker_draws_its_own_heads_and_the_first_those_of_a_single_one(engine):
    many, one = go(engine=engine, workers=3), go(engine=engine)
    assert many.heads is not None
    assert many.heads.shape == (3, 40, 3, 3)
    assert np.array_equal(many.heads[:, :, 0], one.heads)
    for i, j in itertools.combinations(range(3), 2):
        assert (many.heads[:, :, i] != many.heads[:, :, j]).mean() > 0.3
    mixed = go(engine=engine, workers=[1, 3])
    assert (mixed.heads[:3, :, 1:] == -1).all()
    assert np.array_equal(mixed.heads[3:], many.heads)


def one_step(method, noise, heads, b):
    """The states after one step from x_0, of every row of heads, (R, n, d)."""
    problem = make(noise, d=1, start=0.4)
    column = np.ones((len(heads), 1))
    given = Parameters(**{name: value * column for name, value in STEP.items()})
    batches = problem.noise_from_heads(heads.swapaxes(0, 1).astype(float), b * column)
    return METHODS[method].rule(Oracle(problem, batches), given, start(problem, given), np)


@pytest.mark.parametrize("noise", ["additive", "shift"])
def test_n_workers_of_one_sample_are_a_mini_batch_of_n(noise):
    # Over all sign patterns: the laws of x_1, m_0 and v_0 agree where the perturbation is shared.
    patterns = np.array(list(itertools.product((0, 1), repeat=3)))
    apart, _ = one_step("adasam", noise, patterns[:, :, None], 1)
    together, _ = one_step("adasam", noise, patterns.sum(1)[:, None, None], 3)
    for name in ("x", "m", "v"):
        np.testing.assert_allclose(getattr(apart, name), getattr(together, name), atol=1e-15)


@pytest.mark.parametrize("method", ["adasam", "local_sam"])
@pytest.mark.parametrize("noise", ["additive", "shift"])
def test_the_servers_gradient_is_unbiased_with_variance_at_most_sigma2_over_nb(noise, method):
    patterns = np.array(list(itertools.product((0, 1), repeat=4)))[:, :, None]
    _, info = one_step(method, noise, patterns, 1)
    problem = make(noise, d=1, start=0.4)
    gradient = problem.gradient(problem.x0, np)[0]
    assert info.s.mean() == pytest.approx(gradient, rel=1e-14)
    variance = ((info.s - gradient) ** 2).mean()
    limit = problem.sigma**2 / 4
    assert variance == pytest.approx(limit, rel=1e-13) if noise == "additive" else variance < limit
    assert (np.abs(info.g - info.s) <= problem.L * 0.3 * (1 + 1e-13)).all()


@ENGINES
def test_v_starts_where_it_is_told(engine):
    # beta2 = 1 keeps it there: the step is gamma/sqrt(v_init) above eps^2, gamma/eps below.
    slow, fast, plain = (go("adasam", engine, beta2=1.0, v_init=v) for v in (4.0, 0.01, 0.0))
    assert fast.x.tobytes() == plain.x.tobytes()
    assert (slow.adaptive_share == 1).all()
    assert (fast.adaptive_share == 0).all()
    ratio = np.abs(slow.x[:, 1] - slow.x[:, 0]) / np.abs(plain.x[:, 1] - plain.x[:, 0])
    np.testing.assert_allclose(ratio, 0.25 / 2, rtol=1e-12)
