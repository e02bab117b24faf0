"""Algorithm 1 in NumPy: all runs as one array [R, d], every operation into a buffer made once.

Binomial counts are the ones among b random bits where b <= 64, some ten times faster than
`Generator.binomial`; SFC64 is NumPy's fastest generator.
"""

from collections.abc import Callable

import numpy as np

from verify.bench.setting import Setting


def make(setting: Setting, runs: int, dtype: str) -> Callable[[int, int], np.ndarray]:
    """Return ``run(T, seed)``: (1/T) sum ||grad f(x_t)||^2 of each run, (R,) float64."""
    real, shape = np.dtype(dtype).type, (runs, setting.d)
    L, limit, gamma, rho, beta1, fresh1, beta2, fresh2 = (
        real(number)
        for number in (
            setting.L, setting.limit, setting.gamma, setting.rho, setting.beta1,
            1 - setting.beta1, setting.beta2, 1 - setting.beta2,
        )
    )  # fmt: skip

    def run(T: int, seed: int) -> np.ndarray:
        rng = np.random.Generator(np.random.SFC64(seed))
        x = np.full(shape, setting.start, dtype=dtype)
        m, v = np.zeros(shape, dtype=dtype), np.zeros(shape, dtype=dtype)
        v_hat = np.full(shape, setting.eps**2, dtype=dtype)
        u, s, g, noise = (np.empty(shape, dtype=dtype) for _ in range(4))
        total = np.zeros(runs)
        for _ in range(T):
            draw(rng, setting, noise)
            np.multiply(x, L, out=u)
            np.clip(u, -limit, limit, out=u)
            total += np.einsum("ij,ij->i", u, u)
            np.add(u, noise, out=s)
            norm = np.sqrt(np.einsum("ij,ij->i", s, s))
            norm[norm == 0] = np.inf
            s *= (rho / norm)[:, None]
            s += x
            s *= L
            np.clip(s, -limit, limit, out=g)
            g += noise
            m *= beta1
            np.multiply(g, fresh1, out=s)
            m += s
            g *= g
            g *= fresh2
            v *= beta2
            v += g
            np.maximum(v_hat, v, out=v_hat)
            np.sqrt(v_hat, out=s)
            np.divide(m, s, out=s)
            s *= gamma
            x -= s
        return total / T

    return run


def draw(rng: np.random.Generator, setting: Setting, out: np.ndarray) -> None:
    """Put a mini-batch's noise, (2h - b) (sigma/sqrt(d))/b with h ~ Binomial(b, 1/2), into out."""
    b, real = setting.b, out.dtype.type
    if b <= 64:
        width = max(8, 1 << (b - 1).bit_length())
        words = rng.integers(0, 2**64, size=-(-out.size * width // 64), dtype=np.uint64)
        bits = words.view(f"u{width // 8}")[: out.size].reshape(out.shape)
        heads = np.bitwise_count(bits if b == width else bits & bits.dtype.type((1 << b) - 1))
    else:
        heads = rng.binomial(b, 0.5, size=out.shape)
    np.multiply(heads, real(2 * setting.noise_size / b), out=out, casting="unsafe")
    out -= real(setting.noise_size)
