"""Corollary 1: the schedules gamma = c_gamma sqrt(b/T), rho = c_rho/sqrt(bT) and what they give.

Nothing here is typed in: each term's powers of b and T, the best c_gamma and the leading
constant are derived from a Bound's expressions by sympy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import sympy

from theory.bound import Bound
from theory.setting import Constants
from theory.symbols import (
    CONSTANT_NAMES,
    N,
    T,
    b,
    beta1,
    c_gamma,
    c_rho,
    gamma,
    rho,
    symbol,
    tau,
)

SCHEDULES = {gamma: c_gamma * sympy.sqrt(b / T), rho: c_rho / sympy.sqrt(b * T)}
"""gamma and rho of Corollary 1 as functions of b and T."""

PRINTED_RATES = {
    (sympy.Rational(-1, 2), sympy.Rational(-1, 2)),
    (sympy.Integer(-1), sympy.Integer(-1)),
    (sympy.Integer(0), sympy.Integer(-1)),
    (sympy.Rational(-1, 2), sympy.Rational(-3, 2)),
    (sympy.Rational(1, 2), sympy.Rational(-3, 2)),
    (sympy.Integer(1), sympy.Integer(-1)),
}
"""The six rates Corollary 1 prints, each as (power of b, power of T)."""


@dataclass(frozen=True)
class Rate:
    """A term under the schedules: coefficient * b^power_b * T^power_T.

    Attributes
    ----------
    power_b, power_T : sympy.Expr
        The powers, rational numbers.
    coefficient : sympy.Expr
        What is left, free of b and T; unit F^2/X^2.
    """

    power_b: sympy.Expr
    power_T: sympy.Expr
    coefficient: sympy.Expr


def _substituted(expr: sympy.Expr, values: Mapping[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    out = expr.subs(list(values.items()))
    assert isinstance(out, sympy.Expr)
    return out


def _power(expr: sympy.Expr, variable: sympy.Symbol) -> sympy.Expr:
    power = sympy.simplify(variable * sympy.diff(expr, variable) / expr)
    if power.free_symbols:
        raise ValueError(f"{expr} is no power of {variable}")
    return power


@cache
def rate(expr: sympy.Expr) -> Rate:
    """Derive the powers of b and T in a monomial ``expr``.

    Raises
    ------
    ValueError
        If ``expr`` is not of the form coefficient * b^p * T^q.
    """
    power_b, power_T = _power(expr, b), _power(expr, T)
    coefficient = sympy.simplify(expr / (b**power_b * T**power_T))
    return Rate(power_b, power_T, coefficient)


@cache
def rates(bound: Bound) -> Mapping[str, Rate]:
    """Derive each term's rate under Corollary 1's schedules.

    Raises
    ------
    ValueError
        If a term is no monomial in b and T: TIGHT's are not.
    """
    return {term.name: rate(_substituted(term.expr, SCHEDULES)) for term in bound.summands}


def _leading(bound: Bound) -> dict[str, sympy.Expr]:
    """Return the two leading terms as T grows without momentum: tau and rho go to 0.

    A closed variant's leading terms contain neither; of TIGHT's step term that leaves the noise.
    """
    vanishing = {tau: sympy.Integer(0), rho: sympy.Integer(0), beta1: sympy.Integer(0)}
    return {
        name: _substituted(_uncapped(bound.terms[name].expr), vanishing) for name in bound.leading
    }


def _uncapped(expr: sympy.Expr) -> sympy.Expr:
    """Replace each minimum by its argument that holds tau: for small tau the cap is far."""
    out = expr.replace(
        lambda part: isinstance(part, sympy.Min),
        lambda part: next(argument for argument in part.args if argument.has(tau)),
    )
    assert isinstance(out, sympy.Expr)
    return out


@cache
def best_step(bound: Bound) -> tuple[sympy.Expr, sympy.Expr]:
    """Minimise the two leading terms over gamma.

    Returns
    -------
    gamma, value : sympy.Expr
        The minimiser, unit X, and the two terms' sum there, unit F^2/X^2.
    """
    leading = sum(_leading(bound).values(), sympy.Integer(0))
    (stationary,) = sympy.solve(sympy.diff(leading, gamma), gamma)
    return sympy.simplify(stationary), sympy.simplify(_substituted(leading, {gamma: stationary}))


@cache
def optimal_c_gamma(bound: Bound) -> sympy.Expr:
    """Derive the c_gamma that minimises the bound's two leading terms, unit X.

    Raises
    ------
    ValueError
        If the leading terms do not share a rate in b and T under the schedule: then no constant
        is best for every b and T, as for the printed variant.
    """
    first, second = (rate(_substituted(expr, SCHEDULES)) for expr in _leading(bound).values())
    if (first.power_b, first.power_T) != (second.power_b, second.power_T):
        raise ValueError(
            f"the leading terms of {bound.name} scale as b^({first.power_b}) T^({first.power_T}) "
            f"and b^({second.power_b}) T^({second.power_T}): no c_gamma balances them for all b, T"
        )
    minimiser, _ = best_step(bound)
    return sympy.simplify(minimiser / sympy.sqrt(b / T))


def leading_constant(bound: Bound) -> sympy.Expr:
    """Derive K in: leading terms = K/sqrt(bT) at the optimal c_gamma, unit F^2/X^2."""
    optimal_c_gamma(bound)
    _, value = best_step(bound)
    return sympy.simplify(value * sympy.sqrt(b * T))


def speedup_power(bound: Bound) -> sympy.Expr:
    """Derive the power of b in the leading terms at their best step.

    -1/2 is a linear speed-up, 0 is none.
    """
    _, value = best_step(bound)
    return _power(value, b)


def leading_sum(bound: Bound) -> sympy.Expr:
    """Derive K in: leading terms = K/sqrt(bT) at any c_gamma, unit F^2/X^2.

    Raises
    ------
    ValueError
        If the leading terms share no rate (PRINTED) or one is no monomial in b and T (TIGHT).
    """
    optimal_c_gamma(bound)
    return sum((rates(bound)[name].coefficient for name in bound.leading), sympy.Integer(0))


def _others(bound: Bound) -> tuple[dict[str, Rate], sympy.Expr]:
    """Return the rates of all terms but the two leading ones, and K: those sum to K/sqrt(bT).

    Raises
    ------
    ValueError
        If the leading terms share no rate (PRINTED), a term is no monomial in b and T (TIGHT), or
        one falls no faster than the leading two.
    """
    K, derived = leading_sum(bound), rates(bound)
    others = {name: term for name, term in derived.items() if name not in bound.leading}
    for name, term in others.items():
        if not -term.power_T > sympy.Rational(1, 2):
            raise ValueError(f"{name} of {bound.name} falls as T^({term.power_T}): no T is enough")
    return others, K


def thresholds(bound: Bound) -> dict[str, sympy.Expr]:
    """Derive from which T on each other term is at most the two leading ones together.

    Under the schedules the leading terms are K/sqrt(bT), with K a function of c_gamma, and a term
    c b^p T^q with q < -1/2 is at most that from T = (c/K)^(1/r) b^((p + 1/2)/r) on, r = -q - 1/2.

    Returns
    -------
    dict
        Term name -> T, of unit 1, in b, c_gamma, c_rho and the constants.

    Raises
    ------
    ValueError
        If the leading terms share no rate (PRINTED), a term is no monomial in b and T (TIGHT), or
        one falls no faster than the leading two.
    """
    others, K = _others(bound)
    half = sympy.Rational(1, 2)
    out = {}
    for name, term in others.items():
        r = -term.power_T - half
        out[name] = (term.coefficient / K) ** (1 / r) * b ** ((term.power_b + half) / r)
    return out


def largest_useful_b(bound: Bound) -> dict[str, sympy.Expr]:
    """Derive up to which b each other term is at most the two leading ones, where bT = N is given.

    At T = N/b a term c b^p T^q is at most K/sqrt(bT) = K/sqrt(N) up to
    b = (K/c)^(1/(p - q)) N^(r/(p - q)), r = -q - 1/2: more b then needs more samples. A term with
    p = q depends on N alone: it is at most that for every b, or for none.

    Returns
    -------
    dict
        Term name -> b, of unit 1, in N, c_gamma, c_rho and the constants; infinite, or 0, for a
        term of the second kind.

    Raises
    ------
    ValueError
        As `thresholds` does, or if a term grows where b falls at fixed bT.
    """
    others, K = _others(bound)
    out = {}
    for name, term in others.items():
        excess, r = term.power_b - term.power_T, -term.power_T - sympy.Rational(1, 2)
        if excess < 0:
            raise ValueError(f"{name} of {bound.name} asks for a large b, not for a small one")
        enough = (term.coefficient / K) ** (1 / r)
        if excess == 0:
            out[name] = sympy.Piecewise((sympy.oo, enough <= N), (0, True))
        else:
            out[name] = (N / enough) ** (r / excess)
    return out


def _steps(bound: Bound) -> list[sympy.Expr]:
    """Return what the bound's step conditions allow gamma to be at most, unit X."""
    return [item.right for item in bound.requirements if item.left == gamma]


def largest_allowed_b(bound: Bound) -> sympy.Expr:
    """Derive up to which b the schedule's gamma meets the bound's step condition, where bT = N.

    At T = N/b gamma is c_gamma b/sqrt(N). Infinite where there is no condition.
    """
    return sympy.Min(*(step * sympy.sqrt(N) / c_gamma for step in _steps(bound)))


def step_threshold(bound: Bound) -> sympy.Expr:
    """Derive from which T on the schedule's gamma meets the bound's step condition, unit 1."""
    return sympy.Max(*(b * (c_gamma / step) ** 2 for step in _steps(bound)))


def threshold_values(
    bound: Bound, constants: Constants, *, c_gamma: float, c_rho: float, beta1: float,
    eps: float, b: float,
) -> dict[str, float]:  # fmt: skip
    """Evaluate `thresholds` and, under the name ``"step"``, `step_threshold`.

    Parameters
    ----------
    bound : Bound
    constants : Constants
        Single numbers.
    c_gamma, c_rho, beta1, eps, b : float
        The schedules' constants, unit X, and hyper-parameters.
    """
    numbers = {"c_gamma": c_gamma, "c_rho": c_rho, "beta1": beta1, "eps": eps, "b": b}
    return _evaluated({**thresholds(bound), "step": step_threshold(bound)}, constants, numbers)


def largest_useful_b_values(
    bound: Bound, constants: Constants, *, c_gamma: float, c_rho: float, beta1: float,
    eps: float, N: float,
) -> dict[str, float]:  # fmt: skip
    """Evaluate `largest_useful_b` and, under the name ``"step"``, `largest_allowed_b`.

    The largest useful b is the smallest of them. One is infinite where it sets no limit.

    Parameters
    ----------
    bound : Bound
    constants : Constants
        Single numbers.
    c_gamma, c_rho, beta1, eps : float
        The schedules' constants, unit X, and hyper-parameters.
    N : float
        The sample budget b T.
    """
    numbers = {"c_gamma": c_gamma, "c_rho": c_rho, "beta1": beta1, "eps": eps, "N": N}
    limits = {**largest_useful_b(bound), "step": largest_allowed_b(bound)}
    return _evaluated(limits, constants, numbers)


def _evaluated(
    expressions: Mapping[str, sympy.Expr], constants: Constants, numbers: Mapping[str, float]
) -> dict[str, float]:
    given = {name: getattr(constants, name) for name in CONSTANT_NAMES} | dict(numbers)
    arrays = {name: np.float64(value) for name, value in given.items()}
    arrays["Gb"] = np.maximum(arrays["G"], arrays["eps"])
    arguments = [symbol(name) for name in arrays]
    function = sympy.lambdify(arguments, list(expressions.values()), modules="numpy")
    with np.errstate(all="ignore"):
        results = function(*arrays.values())
    return dict(zip(expressions, map(float, results), strict=True))


def c_gamma_value(bound: Bound, constants: Constants, eps: npt.ArrayLike) -> np.ndarray:
    """Evaluate `optimal_c_gamma` at given constants, unit X.

    It is 0 where Delta = 0, infinite where sigma = 0 and nan where both are: there the leading
    terms have no minimiser.
    """
    eps = np.asarray(eps, dtype=np.float64)
    given = [np.asarray(getattr(constants, name), dtype=np.float64) for name in CONSTANT_NAMES]
    with np.errstate(all="ignore"):
        value = _c_gamma_function(bound)(*given, eps, np.maximum(constants.G, eps))
    return np.asarray(value)


@cache
def _c_gamma_function(bound: Bound) -> Callable[..., np.ndarray]:
    arguments = [symbol(name) for name in (*CONSTANT_NAMES, "eps", "Gb")]
    return sympy.lambdify(arguments, optimal_c_gamma(bound), modules="numpy", cse=True)


def schedule(
    c_gamma: npt.ArrayLike, c_rho: npt.ArrayLike, b: npt.ArrayLike, T: npt.ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Return gamma = c_gamma sqrt(b/T) and rho = c_rho/sqrt(bT), unit X."""
    b, T = np.asarray(b, dtype=np.float64), np.asarray(T, dtype=np.float64)
    with np.errstate(over="ignore"):  # an infinite gamma is refused where it is used
        return np.asarray(c_gamma) * np.sqrt(b / T), np.asarray(c_rho) / np.sqrt(b * T)
