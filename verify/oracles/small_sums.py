"""Small random finite sums with certified constants, whose batches can all be enumerated.

f_i(x) = sum_k c_ik psi_ik(a_ik . x + p_ik) with psi either sin or Huber's function, so that
|psi'| <= 1 and |psi''| <= 1. The directions a_ik share a part among the samples: the sums are
non-convex, non-separable, and their noise is correlated over coordinates and with the curvature.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SmallSum:
    """A finite sum of N functions in d dimensions, each of K waves.

    Attributes
    ----------
    c : (N, K), unit F
        Amplitudes.
    a : (N, K, d), unit 1/X
        Directions.
    p : (N, K)
        Phases.
    waves : (N, K) bool
        Whether psi is sin; Huber's function where not.
    x0 : (d,), unit X
    """

    c: np.ndarray
    a: np.ndarray
    p: np.ndarray
    waves: np.ndarray
    x0: np.ndarray

    @property
    def N(self) -> int:
        """How many functions there are."""
        return len(self.c)

    @property
    def d(self) -> int:
        """The dimension."""
        return self.a.shape[2]

    @cached_property
    def L(self) -> float:
        """An upper bound of every gradient's Lipschitz constant, unit F/X^2.

        |v . H v| <= sum_k |c_k| (a_k . v)^2 for the Hessian H of each f_i: the largest eigenvalue
        of sum_k |c_k| a_k a_k^T bounds its norm.
        """
        forms = np.einsum("nk,nki,nkj->nij", np.abs(self.c), self.a, self.a)
        return float(np.linalg.eigvalsh(forms).max())

    @cached_property
    def G(self) -> float:
        """An upper bound of every coordinate of every sample's gradient, unit F/X."""
        return float(np.einsum("nk,nkd->nd", np.abs(self.c), np.abs(self.a)).max())

    def gradients(self, x: np.ndarray) -> np.ndarray:
        """Return each sample's gradient at each row of x: (N, R, d), unit F/X."""
        u = np.einsum("nkd,rd->nkr", self.a, x) + self.p[:, :, None]
        slope = np.where(self.waves[:, :, None], np.cos(u), np.clip(u, -1, 1))
        return np.einsum("nkr,nkd->nrd", self.c[:, :, None] * slope, self.a)

    def gradient(self, x: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return grad f at each row of x, (R, d)."""
        return self.gradients(x).mean(0)

    def batch_gradient(self, x: np.ndarray, shares: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return the mini-batch gradient at each row of x, (R, d).

        ``shares`` is (R, N): how often each batch holds each sample, over b.
        """
        return np.einsum("rn,nrd->rd", shares, self.gradients(x))

    def variance(self, x: np.ndarray) -> float:
        """Return E||grad f_i - grad f||^2 at the point x, (d,), exactly; unit F^2/X^2."""
        each = self.gradients(x[None])[:, 0]
        return float(((each - each.mean(0)) ** 2).sum(1).mean())

    def batches(self, b: int) -> np.ndarray:
        """Return the shares of all N^b batches drawn with replacement, (N^b, N)."""
        drawn = np.array(list(itertools.product(range(self.N), repeat=b)))
        return (drawn[:, :, None] == np.arange(self.N)).mean(1)


def random_sum(rng: np.random.Generator) -> SmallSum:
    """Draw a finite sum: N in 2..4, d in 1..3, K in 1..3, scales over two decades."""
    N, d, K = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    own = rng.normal(size=(N, K, d))
    shared = rng.normal(size=(1, K, d))
    share = rng.uniform(0, 1, size=(1, K, 1))
    scale = 10 ** rng.uniform(-1, 1)
    return SmallSum(
        c=10 ** rng.uniform(-1, 1) * rng.normal(size=(N, K)),
        a=scale * (share * shared + (1 - share) * own),
        p=rng.uniform(-np.pi, np.pi, size=(N, K)),
        waves=rng.random(size=(N, K)) < 0.7,
        x0=rng.normal(size=d) / scale,
    )
