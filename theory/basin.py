"""The left side of Theorem 1 in closed form, for Algorithm 1 in a quadratic basin.

Where eps >= G, v_hat never leaves eps^2 and the step is gamma/eps for ever. With rho = 0 and
beta1 = 0, additive noise and all iterates in the region where f is quadratic with curvature L,
the gradient obeys u_{t+1} = (1 - a L) u_t - a L n_t with a = gamma/eps, so that

    E||u_{t+1}||^2 = q E||u_t||^2 + a^2 L^2 sigma^2/b,    q = (1 - a L)^2.

The Huber profile keeps its iterates there if x_0 starts there, G_f >= sigma/sqrt(d) and
a L <= 1: then |u_{t+1}| <= (1 - a L) G_f + a L sigma/sqrt(d) <= G_f in every coordinate.

With momentum, m_t = beta1 m_{t-1} + (1 - beta1) (u_t + n_t) and u_{t+1} = u_t - a L m_t. This is
linear still, and the iterates stay in the basin if a L <= (1 - sqrt(beta1))/(1 + sqrt(beta1)):
then both roots of the recursion are real, and u_t is a weighted mean of u_0 and of the -n_s.
"""

from typing import Any

import numpy as np

Number = Any
"""int, float, Fraction, an array or a sympy expression: the arithmetic is generic."""


def mean_grad_norm2(
    L: Number, sigma: Number, eps: Number, gamma: Number, b: Number, T: int, start: Number
) -> Number:
    """Return (1/T) sum_{t<T} E||grad f(x_t)||^2 exactly.

    Parameters
    ----------
    L, sigma, eps, gamma, b
        As in Theorem 1, with 0 < gamma L/eps < 2.
    T : int or array of int
        Number of steps.
    start
        ||grad f(x_0)||^2, unit F^2/X^2.
    """
    step = gamma * L / eps
    q = (1 - step) ** 2
    floor = step**2 * sigma**2 / (b * (1 - q))
    return floor + (start - floor) * (1 - q**T) / ((1 - q) * T)


def mean_grad_norm2_with_momentum(
    L: float,
    sigma: float,
    eps: float,
    gamma: float,
    beta1: float,
    b: int,
    T: int,
    start: float,
) -> float:
    """Return (1/T) sum_{t<T} E||grad f(x_t)||^2 with momentum, in float64.

    The three moments c_t = (E||u_t||^2, E<u_t, m_{t-1}>, E||m_{t-1}||^2), of unit F^2/X^2, obey
    c_{t+1} = K c_t + k, so that with c* = (I - K)^{-1} k

        sum_{t<T} c_t = T c* + (I - K)^{-1} (I - K^T) (c_0 - c*),    c_0 = (start, 0, 0).

    Parameters
    ----------
    L, sigma, eps, gamma, beta1, b
        As in Theorem 1, with 0 < gamma L/eps < 2 (1 + beta1)/(1 - beta1).
    T : int
        Number of steps.
    start : float
        ||grad f(x_0)||^2, unit F^2/X^2.
    """
    step, fresh = gamma * L / eps, 1 - beta1
    # u_{t+1} = p u_t + q m_{t-1} - step fresh n_t,    m_t = fresh (u_t + n_t) + beta1 m_{t-1}.
    p, q = 1 - step * fresh, -step * beta1
    K = np.array(
        [
            [p**2, 2 * p * q, q**2],
            [p * fresh, p * beta1 + q * fresh, q * beta1],
            [fresh**2, 2 * fresh * beta1, beta1**2],
        ]
    )
    k = np.array([step**2, -step, 1.0]) * fresh**2 * sigma**2 / b
    left = np.eye(3) - K
    stationary = np.linalg.solve(left, k)
    excess = np.array([start, 0.0, 0.0]) - stationary
    passed = excess - np.linalg.matrix_power(K, T) @ excess
    return float(stationary[0] + np.linalg.solve(left, passed)[0] / T)
