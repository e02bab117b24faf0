"""The letters of the proofs: one coordinate of each vector at step t, and the averages over t.

A formula of a proof is a polynomial in these letters. **A monomial that holds a letter of a vector
is summed over the d coordinates**: u^2 eta is ||grad f(x_t)||^2 in the norm weighted by
eta_{t-1}, D is ||eta_{t-1} - eta_t||_1. The letters with an index i belong to one sample of the
batch, and their monomials are averaged over the batch as well. A monomial without such a letter
is a number.
"""

from dataclasses import dataclass

import sympy

from theory.symbols import ONE, QUANTITIES, F, beta1, gamma
from theory.symbols import X as LENGTH


@dataclass(frozen=True)
class Letter:
    """A letter with how it is written, its unit and its meaning.

    ``known`` says whether it is known before step t's batch is drawn; ``vector`` whether it
    stands for a coordinate of a vector.
    """

    symbol: sympy.Symbol
    text: str
    latex: str
    unit: sympy.Expr
    meaning: str
    known: bool = False
    vector: bool = True


_GRADIENT, _RATE = F / LENGTH, LENGTH / F

_VECTORS = {
    # name: (text, LaTeX, unit, known before the batch, meaning)
    "u": ("u", "u", _GRADIENT, True, "grad f(x_t)"),
    "w": ("w", "w", _GRADIENT, True, "grad f(z_t) - grad f(x_t)"),
    "m": ("m", "m", _GRADIENT, True, "m_{t-1}, the momentum"),
    "eta": ("η", r"\eta", _RATE, True, "eta_{t-1}, the adaptive step before step t"),
    "D": ("D", "D", _RATE, False, "eta_{t-1} - eta_t, so that eta_t = eta - D"),
    "s": ("s", "s", _GRADIENT, False, "s_t, the batch's gradient at x_t; s = u + n"),
    "g": ("g", "g", _GRADIENT, False, "g_t, the batch's gradient at x_t + rho s_t/||s_t||"),
    "p": ("p", "p", _GRADIENT, False, "the batch's gradient at x_t + rho grad f(x_t)/||...||"),
    "n": ("n", "n", _GRADIENT, False, "s_t - grad f(x_t), the noise: of mean 0 given the past"),
    "a": ("a", "a", _GRADIENT, False, "p - s, the shift along the true gradient"),
    "c": ("c", "c", _GRADIENT, False, "g - p, from the true direction to the batch's"),
    "r": ("r", "r", _GRADIENT, False, "g - s, the residual: what the perturbation adds"),
    "a_i": ("aᵢ", "a_i", _GRADIENT, False, "a of one sample: a is its mean over the batch"),
    "c_i": ("cᵢ", "c_i", _GRADIENT, False, "c of one sample"),
    "r_i": ("rᵢ", "r_i", _GRADIENT, False, "r of one sample"),
    "dz": ("Δz", r"\Delta z", LENGTH, False, "z_{t+1} - z_t"),
    "lag": ("ζ", r"\zeta", LENGTH, True, "z_t - x_t"),
    "x_next": ("x₊", "x_{t+1}", LENGTH, False, "x_{t+1}"),
    "x": ("x", "x_t", LENGTH, True, "x_t"),
    "x_last": ("x₋", "x_{t-1}", LENGTH, True, "x_{t-1}"),
    "m_next": ("m₊", "m_t", _GRADIENT, False, "m_t"),
}

_NUMBERS = {
    "f_next": ("f(z₊)", "f(z_{t+1})", F, "f(z_{t+1})"),
    "f_now": ("f(z)", "f(z_t)", F, "f(z_t)"),
    "f_end": ("f(z_T)", r"\mathbb{E} f(z_T)", F, "E f(z_T)"),
    "f_start": ("f(x₀)", "f(x_0)", F, "f(x_0) = f(z_0)"),
    "f_star": ("f*", "f^*", F, "inf f"),
    "A_next": ("A₊", "A_{t+1}", ONE, "||m_t eta_t||^2"),
    "A_now": ("A", "A_t", ONE, "||m_{t-1} eta_{t-1}||^2, 0 at t = 0"),
    "A_end": ("A_T", r"\mathbb{E} A_T", ONE, "E||m_{T-1} eta_{T-1}||^2"),
    "e_i": ("e²", "e^2", ONE, "||grad f/||grad f|| - s/||s||||^2, of two unit vectors"),
    "nu": ("ν²", r"\nu^2", ONE, "||grad f(x_t)/||grad f(x_t)||||^2: 1, or 0 where it vanishes"),
    "lhs": ("LHS", r"\mathrm{LHS}", _GRADIENT**2, "(1/T) sum_t E||grad f(x_t)||^2"),
    "U": ("U", "U", _GRADIENT, "(1/T) sum_t E of u^2 eta"),
    "M": ("M", "M", ONE, "(1/T) sum_t E of m^2 eta^2"),
    "S": ("S", "S", ONE, "(1/T) sum_t E of g^2 eta^2"),
    "V1": ("V₁", "V_1", _RATE, "(1/T) sum_t E of D"),
    "V2": ("V₂", "V_2", _RATE**2, "(1/T) sum_t E of D^2"),
    "last": ("η_T", r"\eta_{T-1}", _RATE, "the last eta, averaged over coordinates and paths"),
    "last2": ("η²_T", r"\eta_{T-1}^2", _RATE**2, "its square, averaged"),
    "products": ("η₊D", r"\eta_t D", _RATE**2, "eta_t D, averaged over t, summed, not negative"),
    "cross": ("DD′", r"D D'", _RATE**2, "D_t D_t' over t /= t', averaged, not negative"),
    "rest": ("ι", r"\iota", F, "the integral of <grad f(z + q dz) - grad f(z), dz> over q"),
    "q_along": ("q", "q", ONE, "where along the step from z_t to z_{t+1}"),
    "P2": ("p²", "p^2", ONE, "the squared norm of one unit vector"),
    "Q2": ("q²", "q^2", ONE, "that of another"),
    "PQ2": ("(p+q)²", "(p+q)^2", ONE, "that of their sum"),
    "kappa": ("κ", r"\kappa", ONE, "beta1/(1 - beta1)"),
}

_PARAMETERS = {
    "mu2": ("μ²", r"\mu^2"), "alpha2": ("α²", r"\alpha^2"), "beta": ("β", r"\beta"),
    "lam1": ("λ₁²", r"\lambda_1^2"), "lam2": ("λ₂²", r"\lambda_2^2"),
    "lam3": ("λ₃²", r"\lambda_3^2"), "theta": ("θ", r"\theta"), "la": ("λₐ", r"\lambda_a"),
    "lb": ("λ_b", r"\lambda_b"), "be": ("β", r"\beta"), "cc": ("c", "c"),
}  # fmt: skip

LETTERS: dict[str, Letter] = (
    {
        name: Letter(sympy.Symbol(name, real=True), text, latex, unit, meaning, known)
        for name, (text, latex, unit, known, meaning) in _VECTORS.items()
    }
    | {
        name: Letter(
            sympy.Symbol(name, real=True) if name.startswith(("f_", "rest")) else
            sympy.Symbol(name, nonnegative=True),
            text, latex, unit, meaning, vector=False,
        )
        for name, (text, latex, unit, meaning) in _NUMBERS.items()
    }
    | {
        name: Letter(
            sympy.Symbol(name, positive=True), text, latex, ONE, "a free parameter", vector=False
        )
        for name, (text, latex) in _PARAMETERS.items()
    }
)  # fmt: skip
"""Every letter by the name the code uses for it."""


def letter(name: str) -> sympy.Symbol:
    """Return the sympy symbol of a letter."""
    return LETTERS[name].symbol


u, w, m, eta, D, s, g, p, n, a, c, r = map(
    letter, ["u", "w", "m", "eta", "D", "s", "g", "p", "n", "a", "c", "r"]
)
a_i, c_i, r_i, dz, lag = map(letter, ["a_i", "c_i", "r_i", "dz", "lag"])
x_next, x, x_last, m_next = map(letter, ["x_next", "x", "x_last", "m_next"])
f_next, f_now, f_end, f_start, f_star = map(
    letter, ["f_next", "f_now", "f_end", "f_start", "f_star"]
)
A_next, A_now, A_end = map(letter, ["A_next", "A_now", "A_end"])
e_i, nu, lhs, U, M, S, V1, V2 = map(letter, ["e_i", "nu", "lhs", "U", "M", "S", "V1", "V2"])
kappa, rest, q_along = map(letter, ["kappa", "rest", "q_along"])
last, last2, products, cross, P2, Q2, PQ2 = map(
    letter, ["last", "last2", "products", "cross", "P2", "Q2", "PQ2"]
)
mu2, alpha2, beta, lam1, lam2, lam3 = map(letter, ["mu2", "alpha2", "beta", "lam1", "lam2", "lam3"])
theta, la, lb, be, cc = map(letter, ["theta", "la", "lb", "be", "cc"])

VECTORS = tuple(item.symbol for item in LETTERS.values() if item.vector)
KNOWN = frozenset(item.symbol for item in LETTERS.values() if item.known)

X, X_i, Y, Z, h, k, H, V, W = GENERIC = sympy.symbols("X X_i Y Z h k H V W", real=True)
lam = sympy.Symbol("lam", positive=True)
index = sympy.Symbol("k", integer=True, nonnegative=True)

UNITS: dict[sympy.Symbol, sympy.Expr] = {
    item.symbol: item.unit for item in (*QUANTITIES.values(), *LETTERS.values())
} | dict.fromkeys((*GENERIC, lam, index), ONE)
"""The unit of every symbol of a proof."""

AVERAGES: dict[sympy.Expr, sympy.Symbol] = {
    u**2: lhs, u**2 * eta: U, m**2 * eta**2: M, g**2 * eta**2: S, D: V1, D**2: V2,
}  # fmt: skip
"""What the average over t of each monomial's expectation is called."""

TELESCOPES: dict[tuple[sympy.Symbol, sympy.Symbol], sympy.Expr] = {
    (f_next, f_now): f_end - f_start, (A_next, A_now): A_end,
}  # fmt: skip
"""What the difference of these sums to over t < T."""

DEFINITIONS: dict[sympy.Symbol, sympy.Expr] = {
    m_next: beta1 * m + (1 - beta1) * g,
    x_next: x - gamma * m_next * (eta - D),
    x_last: x + gamma * m * eta,
    dz: kappa * gamma * m * D - gamma * g * (eta - D),
    lag: -kappa * gamma * m * eta,
    p: s + a,
    s: u + n,
    kappa: beta1 / (1 - beta1),
}
"""What both proofs' letters abbreviate; each adds what g is."""
