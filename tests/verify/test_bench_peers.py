"""The peers that engines are timed beside do what they are said to do."""

import importlib.util
import math

import numpy as np
import pytest
import torch

from simulators import METHODS, simulate
from simulators.methods import Oracle, Parameters
from simulators.methods.adasam import State
from theory import basin
from verify.bench.contenders import CONTENDERS, peer_on_finite_sum
from verify.bench.peers import numpy_batched, torch_gather_bmm, torch_optim_loop
from verify.bench.setting import FiniteSumSetting, Setting

needs_jax = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("jax", "optax")),
    reason="jax and optax are not installed: they come with the extra `peers`",
)
EXACT = [
    "numpy",
    pytest.param("jax", marks=needs_jax),
    pytest.param("jax_runs_last", marks=needs_jax),
]
"""The peers that run Algorithm 1 to the letter."""


def make(peer, setting, runs=2, dtype="float64"):
    return CONTENDERS[peer].make(setting, runs, dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-4)])
@pytest.mark.parametrize("peer", EXACT)
def test_without_noise_an_exact_peer_follows_the_reference(peer, dtype, tolerance):
    # eps far below the gradient, from the flat part into the basin: every line of a step counts.
    setting = Setting(d=3, sigma=0.0, G=1.0, start=1.3, eps=0.05, rho=0.2, beta2=0.99)
    expected = simulate(
        setting.problem, gamma=setting.gamma, rho=0.2, beta1=0.9, beta2=0.99, eps=0.05, b=16,
        T=200, runs=1, seed=0, engine="reference",
    ).mean_grad_norm2[0, -1]  # fmt: skip
    measured = make(peer, setting, dtype=dtype)(200, 0)
    assert measured.shape == (2,)
    assert measured.dtype == np.float64
    np.testing.assert_allclose(measured, expected, rtol=tolerance)
    assert expected < 0.9 * 3  # it did leave the flat part


@pytest.mark.parametrize("b", [1, 3, 16, 40, 64])
@pytest.mark.parametrize("peer", EXACT)
def test_the_mean_over_an_exact_peers_runs_is_the_closed_form(peer, b):
    # eps = G and rho = 0 in the quadratic basin, with momentum: see theory.basin.
    setting = Setting(
        d=2, b=b, sigma=0.7, G=1.0, start=0.4, gamma=0.02, rho=0.0, beta1=0.5, eps=1.0
    )
    n, T = 4000, 48
    sample = make(peer, setting, runs=n)(T, 17)
    expected = basin.mean_grad_norm2_with_momentum(1.0, 0.7, 1.0, 0.02, 0.5, b, T, 2 * 0.4**2)
    estimate, error = sample.mean(), sample.std(ddof=1) / math.sqrt(n)
    assert abs(estimate - expected) < 6 * error, (estimate, expected, error, n)
    assert error < 0.01 * expected


def noise(peer, setting, n):
    """n draws of every coordinate's noise, (n, d)."""
    if peer == "numpy":
        out = np.empty((n, setting.d))
        numpy_batched.draw(np.random.Generator(np.random.SFC64(3)), setting, out)
        return out
    if peer == "torch_optim_loop":
        generator = torch.Generator().manual_seed(3)
        draws = [torch_optim_loop.draw(generator, setting, torch.float64) for _ in range(n)]
        return torch.stack(draws).numpy()
    import jax  # pyright: ignore[reportMissingImports]

    from verify.bench.peers import jax_scan

    jax.config.update("jax_enable_x64", True)
    steps = jax_scan.steps_per_draw(setting.b)
    shape = (n // steps, setting.d)
    return np.concatenate(jax_scan.draw(jax.random.key(3), setting, shape, "float64"))


@pytest.mark.parametrize("b", [1, 5, 16, 33, 64, 256])
@pytest.mark.parametrize(
    "peer", ["numpy", "torch_optim_loop", pytest.param("jax", marks=needs_jax)]
)
def test_a_peers_noise_is_the_binomial_law(peer, b):
    if b > CONTENDERS[peer].largest_b:
        pytest.skip(f"{peer} draws batches of up to {CONTENDERS[peer].largest_b} only")
    setting = Setting(d=5, b=b, sigma=0.7)
    values = noise(peer, setting, 4000)
    size = 0.7 / math.sqrt(5)
    heads = (values / size * b + b) / 2
    assert np.abs(heads - np.rint(heads)).max() < 1e-9 * b
    heads = np.rint(heads)
    assert heads.min() >= 0
    assert heads.max() <= b
    n = heads.size
    assert abs(heads.mean() - b / 2) < 6 * math.sqrt(b / 4 / n)
    # Var of the sample variance: (mu_4 - sigma^4)/n, mu_4 = 3 b^2/16 - b/8 for Binomial(b, 1/2).
    spread = np.mean((heads - b / 2) ** 2)
    error = math.sqrt((3 * b**2 / 16 - b / 8 - b**2 / 16) / n)
    assert abs(spread - b / 4) <= 6 * error + 1e-12
    # Coordinates are independent of each other and of the draw before.
    centred = (heads - b / 2) / math.sqrt(b / 4)
    for left, right in ((centred[:, 0], centred[:, 1]), (centred[:-1, 0], centred[1:, 0])):
        assert abs(np.mean(left * right)) < 6 / math.sqrt(len(left))


def test_without_noise_the_torch_loop_is_sam_around_its_own_amsgrad():
    # torch's AMSGrad: both moments' bias corrected, the maximum taken before, eps outside the root.
    setting = Setting(d=3, sigma=0.0, G=1.0, start=1.3, eps=0.05, rho=0.2, beta2=0.99)
    x, m, v, largest = np.full(3, 1.3), np.zeros(3), np.zeros(3), np.zeros(3)
    total = 0.0
    for t in range(1, 101):
        s = np.clip(x, -1, 1)
        total += s @ s
        g = np.clip(x + 0.2 * s / np.linalg.norm(s), -1, 1)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
        largest = np.maximum(largest, v)
        x = x - 0.01 / (1 - 0.9**t) * m / (np.sqrt(largest / (1 - 0.99**t)) + 0.05)
    measured = make("torch_optim_loop", setting, runs=1)(100, 0)
    np.testing.assert_allclose(measured, total / 100, rtol=1e-12)


def test_the_torch_loops_second_step_depends_on_the_first_ones_noise_as_enumerated():
    # d = b = 1, T = 2: two outcomes. Both backward passes see the same sign of the noise.
    setting = Setting(d=1, b=1, sigma=0.5, G=2.0, start=0.4, eps=0.3, rho=0.1)
    outcomes = []
    for sign in (-1, 1):
        s = 0.4 + sign * 0.5
        g = 0.4 + 0.1 * np.sign(s) + sign * 0.5
        u = 0.4 - 0.01 * g / (abs(g) + 0.3)
        outcomes.append((0.4**2 + u**2) / 2)
    measured = make("torch_optim_loop", setting, runs=400)(2, 5)
    low = np.isclose(measured, outcomes[0], rtol=1e-12)
    high = np.isclose(measured, outcomes[1], rtol=1e-12)
    assert np.all(low ^ high)
    assert abs(low.mean() - 0.5) < 6 * 0.5 / math.sqrt(400)


def gradient_of_samples(x, rows, labels, alpha):
    weight = -labels / (1 + np.exp(labels * (rows @ x)))
    return weight[:, None] * rows + 2 * alpha * x / (1 + x**2) ** 2


def test_the_finite_sum_peers_batch_gradient_is_the_mean_of_its_samples():
    rng = np.random.default_rng(0)
    rows, labels, x = rng.normal(size=(4, 3)), np.array([1, -1, -1, 1]), rng.normal(size=(2, 3))
    drawn = np.array([[0, 2, 2], [3, 1, 0]])
    batch = torch.tensor((rows * labels[:, None])[drawn])
    measured = torch_gather_bmm.batch_gradient(torch.tensor(x), batch, 0.3).numpy()
    for run in range(2):
        mine = drawn[run]
        expected = gradient_of_samples(x[run], rows[mine], labels[mine], 0.3).mean(0)
        np.testing.assert_allclose(measured[run], expected, rtol=1e-12)


class OneSample:
    """A finite sum of one sample: no noise."""

    rows, label, alpha = np.array([[0.5, -1.0, 2.0]]), np.array([-1.0]), 0.1

    def gradient(self, x, xp):
        return np.stack([gradient_of_samples(r, self.rows, self.label, self.alpha)[0] for r in x])

    def batch_gradient(self, x, noise, xp):
        return self.gradient(x, xp)


def test_the_finite_sum_peer_follows_the_reference_step_where_there_is_no_noise():
    problem, R, T = OneSample(), 5, 60
    numbers = {"gamma": 0.01, "rho": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.05}
    parameters = Parameters(
        **{name: np.array([[number]]) for name, number in numbers.items()}, v_init=np.zeros((1, 1))
    )
    zero = np.zeros((1, 3))
    state = State(zero, zero, zero, zero + 0.05**2, zero + 1 / 0.05)
    for _ in range(T):
        state, _ = METHODS["adasam"].rule(Oracle(problem, zero[None]), parameters, state, np)
    run = torch_gather_bmm.make(
        problem.rows, problem.label, R, "float64", alpha=0.1, b=7, **numbers
    )
    x = run(T, 0)
    np.testing.assert_allclose(x, np.broadcast_to(state.x, (R, 3)), rtol=1e-12)
    assert np.abs(state.x).max() > 0.1


def test_the_finite_sum_peers_runs_are_drawn_apart_and_again(monkeypatch):
    setting = FiniteSumSetting(N=50, d=4, b=3)
    whole = peer_on_finite_sum(setting, 6, "float64")(5, 0)
    assert len(np.unique(whole, axis=0)) == 6
    monkeypatch.setattr(torch_gather_bmm, "CHUNK", 2 * 3 * 4)
    chunked = peer_on_finite_sum(setting, 6, "float64")(5, 0)
    assert chunked.shape == whole.shape
    assert len(np.unique(chunked, axis=0)) == 6


@pytest.mark.parametrize("engine", ["torch", "reference"])
def test_an_engine_is_called_with_the_setting(engine):
    setting = Setting(d=2, b=3, start=0.5, eps=0.05)
    measured = make(engine, setting, runs=3)(7, 4)
    runs = simulate(
        setting.problem, gamma=0.01, rho=0.01, beta1=0.9, beta2=0.999, eps=0.05, b=3, T=7, runs=3,
        seed=4, engine=engine, dtype="float64",
    )  # fmt: skip
    assert np.array_equal(measured, runs.lhs(0))
