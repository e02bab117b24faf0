"""Every symbol of the paper once: its sympy symbol, its unit and its meaning.

Units are monomials in ``F`` (the unit of the objective f) and ``X`` (the unit of the
iterate x); a pure number has unit 1.
"""

from dataclasses import dataclass

import sympy

F, X = sympy.symbols("F X", positive=True)
ONE = sympy.Integer(1)


@dataclass(frozen=True)
class Quantity:
    """A symbol with its unit (a monomial in F and X) and its meaning."""

    symbol: sympy.Symbol
    unit: sympy.Expr
    meaning: str


_TABLE: dict[str, tuple[sympy.Expr, str, str]] = {
    # name: (unit, LaTeX name, meaning)
    "L": (F / X**2, "L", "Lipschitz constant of every sample's gradient (Assumption 1)"),
    "sigma": (F / X, "sigma", "root of the bound on the gradient noise (Assumption 2)"),
    "G": (F / X, "G", "bound on every coordinate of every sample's gradient (Assumption 3)"),
    "d": (ONE, "d", "dimension of x"),
    "Delta": (F, "Delta", "initial gap f(x_0) - f*"),
    "gamma": (X, "gamma", "base learning rate"),
    "rho": (X, "rho", "radius of the SAM perturbation"),
    "beta1": (ONE, "beta_1", "momentum parameter, 0 <= beta1 < 1"),
    "beta2": (ONE, "beta_2", "second-moment parameter, 0 <= beta2 <= 1"),
    "eps": (F / X, "epsilon", "root of the starting value of v_hat"),
    "b": (ONE, "b", "mini-batch size"),
    "T": (ONE, "T", "number of steps"),
    "N": (ONE, "N", "sample budget b T"),
    "c_gamma": (X, "c_gamma", "constant of the schedule gamma = c_gamma sqrt(b/T)"),
    "c_rho": (X, "c_rho", "constant of the schedule rho = c_rho / sqrt(bT)"),
    "Gb": (F / X, r"\bar{G}", "max(G, eps): what bounds 1/eta whatever eps is"),
    "tau": (F / X, "tau", "average of E||grad f(x_t)||^2 weighted by eta_{t-1}"),
    "s": (F / X, "s", "mini-batch gradient at x_t"),
    "g": (F / X, "g", "mini-batch gradient at x_t + delta_t"),
    "m": (F / X, "m", "momentum: running mean of g"),
    "v": (F**2 / X**2, "v", "second moment: running mean of g^2"),
    "v_hat": (F**2 / X**2, r"\hat{v}", "running maximum of v, from eps^2"),
    "eta": (X / F, "eta", "adaptive learning rate 1/sqrt(v_hat)"),
    "delta": (X, "delta", "SAM perturbation rho s/||s||"),
}

QUANTITIES: dict[str, Quantity] = {
    name: Quantity(sympy.Symbol(latex_name, positive=True), unit, meaning)
    for name, (unit, latex_name, meaning) in _TABLE.items()
}
"""Symbols by the name the code uses for them (``"Delta"``, ``"beta1"``, ...)."""


def symbol(name: str) -> sympy.Symbol:
    """Return the sympy symbol the paper's quantity ``name`` stands for."""
    return QUANTITIES[name].symbol


L, sigma, G, d, Delta = (symbol(name) for name in ("L", "sigma", "G", "d", "Delta"))
gamma, rho, beta1, eps, b, T = (symbol(n) for n in ("gamma", "rho", "beta1", "eps", "b", "T"))
c_gamma, c_rho, Gb, tau = (symbol(name) for name in ("c_gamma", "c_rho", "Gb", "tau"))
N = symbol("N")

CONSTANT_NAMES = ("L", "sigma", "G", "d", "Delta")
HYPERPARAMETER_NAMES = ("gamma", "rho", "beta1", "beta2", "eps", "b", "T")
