"""Algorithm 1 in JAX, as an optax transformation, compiled whole, T steps a scan.

`make` is what JAX's guides suggest: one run, a scan over its steps, vmapped over the runs.
`make_runs_last` writes the step for arrays [d, R] at once, for which a sum over a few coordinates
vectorises; vmap puts the runs first. Binomial counts are the ones among b random bits, as many
steps' from one call as 32 bits hold, up to four; jax.random.binomial would cost a hundred times
more. JAX takes its threads when it starts and keeps them.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax  # pyright: ignore[reportMissingImports]
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np
import optax  # pyright: ignore[reportMissingImports]

from verify.bench.setting import Setting

LARGEST_B = 64
"""Beyond it random bits are no longer counted, and this peer has no fast sampler."""


def make(
    setting: Setting, runs: int, dtype: str, device: str = "cpu"
) -> Callable[[int, int], np.ndarray]:
    """Return ``run(T, seed)``: (1/T) sum ||grad f(x_t)||^2 of each run, (R,) float64.

    T is rounded up to a multiple of `steps_per_draw`. JAX runs on ``device``, ``cpu`` or ``cuda``,
    whichever it would take by itself.
    """
    per_draw = steps_per_draw(setting.b)

    @cache
    def compiled(draws: int) -> Any:
        return jax.jit(jax.vmap(lambda key: _scan(key, setting, (setting.d,), dtype, draws)))

    def run(T: int, seed: int) -> np.ndarray:
        draws = -(-T // per_draw)
        with jax.default_device(place):
            keys = jax.random.split(jax.random.key(seed), runs)
            return np.asarray(compiled(draws)(keys)) / (draws * per_draw)

    place = jax.devices(device)[0]
    jax.config.update("jax_enable_x64", True)
    return run


def make_runs_last(setting: Setting, runs: int, dtype: str) -> Callable[[int, int], np.ndarray]:
    """Return the same as `make`, with the runs along the last axis of every array."""
    per_draw, shape = steps_per_draw(setting.b), (setting.d, runs)

    @cache
    def compiled(draws: int) -> Any:
        return jax.jit(lambda key: _scan(key, setting, shape, dtype, draws))

    def run(T: int, seed: int) -> np.ndarray:
        draws = -(-T // per_draw)
        with jax.default_device(jax.devices("cpu")[0]):
            return np.asarray(compiled(draws)(jax.random.key(seed))) / (draws * per_draw)

    jax.config.update("jax_enable_x64", True)
    return run


def _scan(key: Any, setting: Setting, shape: tuple[int, ...], dtype: str, draws: int) -> Any:
    """Return sum_t ||grad f(x_t)||^2, float64, of one run, (d,), or of all at once, (d, R)."""
    optimiser = adasam(setting.gamma, setting.beta1, setting.beta2, setting.eps)

    def gradient(x: Any) -> Any:
        return jnp.clip(setting.L * x, -setting.limit, setting.limit)

    def step(state: Any, noise: Any) -> Any:
        x, inner, total = state
        u = gradient(x)
        s = u + noise
        norm = jnp.sqrt(jnp.sum(s * s, axis=0))
        delta = s * jnp.where(norm > 0, setting.rho / norm, 0).astype(dtype)
        change, inner = optimiser.update(gradient(x + delta) + noise, inner)
        return optax.apply_updates(x, change), inner, total + jnp.sum(u * u, axis=0)

    def body(state: Any, t: Any) -> Any:
        for noise in draw(jax.random.fold_in(key, t), setting, shape, dtype):
            state = step(state, noise)
        return state, None

    x = jnp.full(shape, setting.start, dtype=dtype)
    start = x, optimiser.init(x), jnp.zeros(shape[1:], dtype=jnp.float64)
    return jax.lax.scan(body, start, jnp.arange(draws))[0][-1]


def adasam(gamma: float, beta1: float, beta2: float, eps: float) -> optax.GradientTransformation:
    """Lines 6 to 10 of Algorithm 1: optax.amsgrad but for its bias correction and its eps."""

    def init(params: Any) -> Any:
        zero = jnp.zeros_like(params)
        return zero, zero, jnp.full_like(params, eps**2)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        g, (m, v, v_hat) = updates, state
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        v_hat = jnp.maximum(v_hat, v)
        return -gamma * m / jnp.sqrt(v_hat), (m, v, v_hat)

    return optax.GradientTransformation(init, update)


def steps_per_draw(b: int) -> int:
    """Return how many steps' noise `draw` returns at once."""
    return min(4, max(1, 32 >> (b - 1).bit_length()))


def draw(key: Any, setting: Setting, shape: tuple[int, ...], dtype: str) -> list[Any]:
    """Return the noise of `steps_per_draw` steps: each (2h - b) (sigma/sqrt(d))/b, of this shape,
    with h ~ Binomial(b, 1/2).
    """
    b, size = setting.b, setting.noise_size
    wide = b > 32
    words = jax.random.bits(key, (2, *shape) if wide else shape, jnp.uint32)
    if wide:
        low = jnp.uint32((1 << (b - 32)) - 1)
        counts = [jax.lax.population_count(words[0]) + jax.lax.population_count(words[1] & low)]
    else:
        fields = [words >> jnp.uint32(i * b) for i in range(steps_per_draw(b))]
        counts = [jax.lax.population_count(word & jnp.uint32((1 << b) - 1)) for word in fields]
    return [heads.astype(dtype) * (2 * size / b) - size for heads in counts]
