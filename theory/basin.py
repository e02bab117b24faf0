"""The left side of Theorem 1 in closed form, for Algorithm 1 in a quadratic basin.

Where eps >= G, v_hat never leaves eps^2 and the step is gamma/eps for ever. With rho = 0 and
beta1 = 0, additive noise and all iterates in the region where f is quadratic with curvature L,
the gradient obeys u_{t+1} = (1 - a L) u_t - a L n_t with a = gamma/eps, so that

    E||u_{t+1}||^2 = q E||u_t||^2 + a^2 L^2 sigma^2/b,    q = (1 - a L)^2.

The Huber profile keeps its iterates there if x_0 starts there, G_f >= sigma/sqrt(d) and
a L <= 1: then |u_{t+1}| <= (1 - a L) G_f + a L sigma/sqrt(d) <= G_f in every coordinate.
"""

from typing import Any

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
