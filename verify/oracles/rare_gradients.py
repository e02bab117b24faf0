"""A finite sum on which a gradient is rarely large, against the others: Remark 1's instance.

f_i(x) = a_i x + H(x) for i < N, with Huber's H of slope L on |x| <= w, a_0 = `LARGE` and
a_i = -`SMALL` for all other i. One gradient in N is large and points left, all others are small
and point right; the mean points left. Algorithm 1 applies as it stands: f is convex and smooth,
and no projection is needed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulators import METHODS, noise
from simulators.methods import Oracle, Parameters
from simulators.problems.certificate import Certificate, Constant

N = 128
LARGE, SMALL = 16.0, 1 / 16
L, WIDTH = 1 / 16, 2.0
"""Curvature, unit F/X^2, and how far from 0 it reaches, unit X."""


class RareGradients:
    """The problem, with the methods that `simulators.methods.Oracle` needs."""

    d = 1
    x0 = np.zeros(1)
    mean_slope = (LARGE - (N - 1) * SMALL) / N
    """f'(0), unit F/X."""

    @property
    def certificate(self) -> Certificate:
        """The constants, exact.

        x* = -mean_slope/L lies in the quadratic region. The deviations are
        (LARGE + SMALL) (1 - 1/N) with probability 1/N and -(LARGE + SMALL)/N otherwise.
        """
        gap = self.mean_slope**2 / (2 * L)
        sigma = (LARGE + SMALL) * ((N - 1) / N**2) ** 0.5
        return Certificate(
            L=Constant(L, "exact"),
            sigma=Constant(sigma, "exact"),
            G=Constant(LARGE + L * WIDTH, "exact"),
            G_f=Constant(self.mean_slope + L * WIDTH, "exact"),
            d=1,
            f_star=Constant(-gap, "exact"),
            Delta=Constant(gap, "exact"),
        )

    def gradient(self, x: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return f'(x), of the shape of x, unit F/X."""
        return self.mean_slope + L * np.clip(x, -WIDTH, WIDTH)

    def batch_gradient(self, x: np.ndarray, share: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return the mini-batch gradient at x; ``share`` of the batch is f_0."""
        return share * (LARGE + SMALL) - SMALL + L * np.clip(x, -WIDTH, WIDTH)


def mean_squares(method: str, *, T: np.ndarray, **setting: Any) -> np.ndarray:
    """Return each run's (1/T) sum_{t<T} f'(x_t)^2, (R,); see `running_means`."""
    return running_means(method, T=T, at=[int(T.max())], **setting)[:, 0]


def running_means(
    method: str,
    *,
    gamma: np.ndarray,
    rho: np.ndarray,
    beta1: np.ndarray,
    beta2: float,
    eps: float,
    T: np.ndarray,
    seed: int,
    at: Sequence[int],
) -> np.ndarray:
    """Run Algorithm 1, or one of its relatives, with b = 1.

    Parameters
    ----------
    method : str
        A name of `simulators.METHODS`.
    gamma, rho, beta1 : (R,)
    beta2, eps : float
    T : (R,) int
    seed : int
        Row r's index at step t is the last seven bits of word t mod 4 of Philox block t div 4,
        on the stream of sample indices, for replicate r.
    at : K ints
        Ascending, up to the largest T.

    Returns
    -------
    (R, K)
        (1/t) sum_{s<t} f'(x_s)^2 for each t of ``at``, or for T where t is beyond it.
    """
    problem, R = RareGradients(), len(T)
    columns = (gamma, rho, beta1, np.full(R, beta2), np.full(R, eps), np.zeros(R))
    parameters = Parameters(*(column[:, None] for column in columns))
    rule = METHODS[method].rule
    state = METHODS[method].start(problem, parameters)
    total, words, means = np.zeros(R), _words(0, R, seed), []
    for t in range(int(T.max())):
        if t % 4 == 0:
            words = _words(t // 4, R, seed)
        share = (words[t % 4] % N == 0)[None, :, None].astype(np.float64)
        total += np.where(t < T, problem.gradient(state.x, np)[:, 0] ** 2, 0.0)
        state, _ = rule(Oracle(problem, share), parameters, state, np)
        if t + 1 in at:
            means.append(total / np.minimum(t + 1, T))
    return np.stack(means, axis=1)


def _words(block: int, R: int, seed: int) -> tuple[np.ndarray, ...]:
    counter = (
        np.array([block]), np.array([0]), np.arange(R, dtype=np.int64),
        np.array([noise.stream("samples")]),
    )  # fmt: skip
    low, high = noise.cell_key(seed, None)
    return noise.philox(counter, (np.array([low]), np.array([high])))
