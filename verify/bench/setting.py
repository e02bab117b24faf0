"""What is timed: Algorithm 1 on a Huber basin with additive noise, at one setting."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulators.problems import SeparableProblem


@dataclass(frozen=True)
class Setting:
    """A problem and hyper-parameters, by default those that `adasam bound` is shown with.

    With them v_hat stays at eps^2, as it does wherever eps is not below the gradients' size; an
    engine that saves work there should also be timed with ``method = "adam_sam"``, under which
    eta is computed anew at every step.

    Attributes
    ----------
    d, b : int
        Dimension; batch size.
    L, sigma, G : float, units F/X^2, F/X, F/X
    start : float, unit X
        Every coordinate of x_0.
    gamma, rho : float, unit X
    beta1, beta2 : float
    eps : float, unit F/X
    method : str
        A name of `simulators.METHODS`; only this package's engines know others than ``adasam``.
    """

    d: int = 10
    b: int = 16
    L: float = 1.0
    sigma: float = 1.0
    G: float = 2.0
    start: float = 1.0
    gamma: float = 0.01
    rho: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 0.5
    method: str = "adasam"

    @cached_property
    def problem(self) -> SeparableProblem:
        """The problem, with its certificate."""
        return SeparableProblem(
            "huber", "additive", L=self.L, sigma=self.sigma, G=self.G, d=self.d, start=self.start
        )

    @property
    def limit(self) -> float:
        """Supremum of the true gradient's coordinates: grad f(x) = clip(L x, -limit, limit)."""
        return self.problem.G_f

    @property
    def noise_size(self) -> float:
        """A sample's noise in a coordinate, sigma/sqrt(d), up to its sign."""
        return self.problem.noise_size


@dataclass(frozen=True)
class FiniteSumSetting:
    """Problem (2) on made data: N rows of standard normal numbers, labels by a hidden x and noise.

    Attributes
    ----------
    N, d, b : int
        Samples, dimension, batch size.
    alpha : float
        Weight of sum_j x_j^2/(1 + x_j^2).
    gamma, rho, beta1, beta2, eps : float
        As in `Setting`.
    """

    N: int = 10_000
    d: int = 100
    b: int = 32
    alpha: float = 0.1
    gamma: float = 0.01
    rho: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 0.5

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows, (N, d), and the labels, (N,), each 1 or -1."""
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(self.N, self.d))
        hidden, noise = rng.normal(size=self.d), rng.normal(size=self.N)
        return rows, np.where(rows @ hidden + noise > 0, 1.0, -1.0)
