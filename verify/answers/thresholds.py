"""Corollary 1's "T sufficiently large", in numbers: from which T, and up to which b."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import sympy

from simulators.spec import OPTIMAL
from theory import corollary1
from theory.bound import Bound
from theory.errors import InputError
from theory.setting import ROUNDING, Constants, Hyperparameters
from theory.symbols import QUANTITIES, G, Gb, beta1, eps, gamma
from theory.theorem1 import APPENDIX, CORRECTED, TIGHT_SIMPLE

BOUNDS = {bound.name: bound for bound in (APPENDIX, CORRECTED, TIGHT_SIMPLE)}
"""The bounds whose leading terms share a rate, and whose terms are monomials in b and T."""

STEP = "step"
K_SYMBOL = sympy.Symbol("K", positive=True)


def examine(
    variant: str,
    constants: Constants,
    *,
    c_gamma: str,
    c_rho: float,
    beta1: float,
    eps: float,
    b: float,
    N: float | None = None,
) -> dict[str, Any]:
    """Return each non-leading term's rate, its threshold in T and, under a budget, in b.

    Parameters
    ----------
    variant : str
        A name of `BOUNDS`.
    constants : Constants
        Single numbers.
    c_gamma : str
        A number, or a name of `simulators.spec.OPTIMAL`.
    c_rho, beta1, eps : float
    b : int
        Where the thresholds in T are evaluated.
    N : int, optional
        The sample budget b T.

    Raises
    ------
    InputError
        If an argument is malformed or a result is not finite.
    """
    if variant not in BOUNDS:
        raise InputError(
            f"variant = {variant!r} has no thresholds: its terms are not K/sqrt(bT) and powers of "
            f"b and T. Use {', '.join(BOUNDS)}."
        )
    bound = BOUNDS[variant]
    checked = Hyperparameters(gamma=1, rho=0, beta1=beta1, beta2=0, eps=eps, b=b, T=1)
    _require("c_rho", c_rho, 0 <= c_rho < math.inf, "zero or a positive number")
    if N is not None:
        whole = 1 <= N < 2.0**53 and float(N).is_integer()
        _require("N", N, whole, "a whole number of at least 1")
    given = {
        "c_gamma": _c_gamma(c_gamma, constants, eps), "c_rho": c_rho, "beta1": beta1, "eps": eps,
    }  # fmt: skip
    K = _leading_sum(bound, constants, given)
    _require_conditions(bound, constants, given)
    T = corollary1.threshold_values(bound, constants, **given, b=b)
    if not all(map(math.isfinite, (K, *T.values()))) or K == 0:
        raise InputError("a threshold is not finite: sigma = Delta = 0, or the units are extreme.")
    terms = _terms(bound)
    for item in terms:
        item["T"] = T[item["name"]]
    content = {
        "variant": variant,
        "c_gamma": given["c_gamma"],
        "c_rho": c_rho,
        "b": int(checked.b),
        "N": None if N is None else int(N),
        "K": K,
        "K_formula": readable(corollary1.leading_sum(bound)),
        "terms": terms,
        "T": max(T.values()),
    }
    if N is not None:
        largest = corollary1.largest_useful_b_values(bound, constants, **given, N=N)
        for item in terms:
            limit = largest[item["name"]]
            item["largest_b"] = limit if math.isfinite(limit) else None
        content["largest_useful_b"] = math.floor(min(N, *largest.values()) * (1 + ROUNDING))
    return content


def _terms(bound: Bound) -> list[dict[str, Any]]:
    """Return the non-leading terms, and the step condition, with their formulas in K."""
    K, derived = corollary1.leading_sum(bound), corollary1.rates(bound)
    T = {**corollary1.thresholds(bound), STEP: corollary1.step_threshold(bound)}
    useful = {**corollary1.largest_useful_b(bound), STEP: corollary1.largest_allowed_b(bound)}
    (condition,) = (item.name for item in bound.requirements if item.left == gamma)
    out = []
    for name, limit in T.items():
        rate = derived.get(name)
        out.append(
            {
                "name": name,
                "rate": f"b^({rate.power_b}) T^({rate.power_T})" if rate else condition,
                "T_formula": readable(limit.subs(K, K_SYMBOL)),
                "b_formula": readable(useful[name].subs(K, K_SYMBOL)),
            }
        )
    return out


@cache
def readable(expr: sympy.Expr) -> str:
    """Write an expression with the names that the command line uses, and kappa for beta1.

    Said to be positive, kappa and the excess of G over eps leave no absolute values.
    """
    kappa, excess = sympy.symbols("kappa excess", positive=True)
    height = Gb if expr.has(Gb) else G
    expr = sympy.simplify(expr.subs([(beta1, kappa / (1 + kappa)), (height, eps + excess)]))
    if isinstance(expr, sympy.Piecewise):
        enough = expr.args[0].args[1]
        return f"any, where {_plain(enough.subs(excess, height - eps))}"
    return _plain(sympy.factor(expr).subs(excess, height - eps))


def _plain(expr: sympy.Basic) -> str:
    names = [(item.symbol, sympy.Symbol(name)) for name, item in QUANTITIES.items()]
    return str(expr.subs(names)).replace("**", "^").replace("*", " ")


def _at_one(given: Mapping[str, float]) -> Hyperparameters:
    """Return the setting b = T = 1 and rho = 0: there the schedule's gamma is c_gamma."""
    return Hyperparameters(
        gamma=given["c_gamma"], rho=0, beta1=given["beta1"], beta2=0, eps=given["eps"], b=1, T=1
    )


def _leading_sum(bound: Bound, constants: Constants, given: Mapping[str, float]) -> float:
    """Return K: what the leading terms sum to at b = T = 1."""
    terms = bound.evaluate(constants, _at_one(given))
    return float(sum(terms[name] for name in bound.leading))


def _require_conditions(bound: Bound, constants: Constants, given: Mapping[str, float]) -> None:
    """Refuse what fails a condition of the bound that is not on the step: no T cures it."""
    checks = bound.preconditions(constants, _at_one(given))
    for item, check in zip(bound.requirements, checks, strict=True):
        if item.left != gamma and not check.holds:
            left, right = check.name.split(" <= ")
            raise InputError(
                f"{left} = {float(check.value):.6g} exceeds {right} = {float(check.limit):.6g} "
                f"({item.source}): {bound.name} says nothing here. Use --variant corrected."
            )


def _c_gamma(text: str, constants: Constants, eps: float) -> float:
    if text in OPTIMAL:
        value = float(corollary1.c_gamma_value(OPTIMAL[text], constants, eps))
        if not (math.isfinite(value) and value > 0):
            raise InputError(
                f"c_gamma = {text!r} has no value where sigma = 0 or Delta = 0: give a number."
            )
        return value
    try:
        value = float(text)
    except ValueError:
        raise InputError(
            f"c_gamma = {text!r}: give a number or one of {', '.join(OPTIMAL)}."
        ) from None
    _require("c_gamma", value, 0 < value < math.inf, "a positive number")
    return value


def _require(name: str, value: float, fine: bool, rule: str) -> None:
    if not fine:
        raise InputError(f"{name} = {value:.12g}: give {rule}.")
