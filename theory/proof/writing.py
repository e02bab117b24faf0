"""Formulas of a proof as text that a terminal shows, and as LaTeX."""

import re
from fractions import Fraction
from typing import Any

import sympy

from theory.proof.letters import LETTERS, VECTORS
from theory.symbols import QUANTITIES

_GREEK = {
    "gamma": "γ", "rho": "ρ", "sigma": "σ", "eps": "ε", "beta1": "β₁", "beta2": "β₂",
    "Delta": "Δ", "Gb": "Ḡ", "tau": "τ", "eta": "η", "delta": "δ", "v_hat": "v̂",
}  # fmt: skip
_NAMES: dict[sympy.Symbol, str] = {
    item.symbol: _GREEK.get(name, name) for name, item in QUANTITIES.items()
} | {item.symbol: item.text for item in LETTERS.values()}
_OTHERS = {"lam": "λ", "X_i": "Xᵢ"}
_LATEX: dict[sympy.Symbol, str] = {item.symbol: item.latex for item in LETTERS.values()}
_RAISED = str.maketrans("-0123456789/", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹ᐟ")
_ORDER: dict[sympy.Basic, int] = {
    symbol: place
    for place, symbol in enumerate(
        (
            *(QUANTITIES[name].symbol for name in ("Gb", "G", "gamma")),
            *(item.symbol for item in LETTERS.values() if not item.vector),
            *(QUANTITIES[name].symbol for name in ("L", "rho", "sigma", "d", "Delta", "tau")),
            *(item.symbol for item in LETTERS.values() if item.vector and item.text not in "ηD"),
            *(item.symbol for item in LETTERS.values() if item.text in "ηD"),
        )
    )
}
"""In which order the factors of a product are written; sums come last."""
_SQUARES = {item.text for item in LETTERS.values() if item.text.endswith("²")}


def text(expr: sympy.Expr) -> str:
    """Write an expression in Greek letters, with raised powers and one slash per fraction."""
    if isinstance(expr, sympy.Add):
        parts = [text(part) for part in _terms(expr)]
        return parts[0] + "".join(
            f" − {part[1:]}" if part.startswith("−") else f" + {part}" for part in parts[1:]
        )
    if isinstance(expr, sympy.Rational):
        return str(Fraction(int(expr.p), int(expr.q))).replace("-", "−")
    number, rest = expr.as_coeff_Mul()
    coefficient = Fraction(str(number))
    if coefficient < 0:
        return "−" + text(-expr)
    above, below = [], []
    if coefficient != 1:
        above += [str(coefficient.numerator)] if coefficient.numerator != 1 else []
        below += [str(coefficient.denominator)] if coefficient.denominator != 1 else []
    for factor in sorted(sympy.Mul.make_args(rest), key=_place):
        base, power = factor.as_base_exp()
        if power.is_negative:
            below.append(_power(base, -power))
        else:
            above.append(_power(base, power))
    numerator = " ".join(above) or "1"
    if not below:
        return numerator
    denominator = " ".join(below)
    return f"{numerator}/{f'({denominator})' if len(below) > 1 else denominator}"


def _place(factor: sympy.Expr) -> tuple[int, str]:
    base, _ = factor.as_base_exp()
    return _ORDER.get(base, 500 if base.is_Symbol else 1000), str(factor)


def _terms(expr: sympy.Expr) -> list[Any]:
    """Return a sum's terms in the order they are written: vectors' first, then numbers."""
    vectors = {symbol: place for symbol, place in _ORDER.items() if symbol in VECTORS}
    last = len(_ORDER)
    terms: list[Any] = sorted(
        expr.as_ordered_terms(),
        key=lambda term: min((vectors.get(symbol, last) for symbol in term.free_symbols),
                             default=last),
    )  # fmt: skip
    if len(terms) == 2 and terms[0].could_extract_minus_sign():
        terms.reverse()
    return terms


def _power(base: Any, power: sympy.Expr) -> str:
    if power == sympy.Rational(1, 2):
        inner = text(base)
        return f"√{inner}" if len(inner) == 1 else f"√({inner})"
    name = _NAMES.get(base) or (
        _OTHERS.get(str(base), str(base)) if base.is_Symbol or base.is_Integer else None
    )
    shown = name or f"({text(base)})"
    if power == 1:
        return shown
    if name in _SQUARES:  # λ² stands for one symbol: its square is λ⁴
        return f"{name[:-1]}{str(2 * power).translate(_RAISED)}"
    return f"{shown}{str(power).translate(_RAISED) if power.is_Rational else f'^{power}'}"


_WORDS = (
    (r"\bsqrt\(", "√("), (r"\bgrad f", "∇f"), (r"\bmax\(G, eps\)", "Ḡ"),
    (r"\blambda_1\^2", "λ₁²"), (r"\blambda_2\^2", "λ₂²"), (r"\blambda_3\^2", "λ₃²"),
    (r"\blambda_a\b", "λₐ"), (r"\b(?:lambda|lam)\b", "λ"), (r"\blambda_b\b", "λ_b"),
    (r"\bgamma\b", "γ"), (r"\brho\b", "ρ"), (r"\bsigma\b", "σ"), (r"\beps\b", "ε"),
    (r"\bbeta1\b", "β₁"), (r"\bbeta\b", "β"), (r"\bkappa\b", "κ"), (r"\btheta\b", "θ"),
    (r"\bmu\b", "μ"), (r"\balpha\b", "α"), (r"\btau\b", "τ"), (r"\bDelta\b", "Δ"),
    (r"\beta(?=\b|_)", "η"), (r"\bdelta_t\b", "δ_t"), (r"\bv_hat\b", "v̂"), (r"\bdz\b", "Δz"),
    (r"\bsum_t\b", "Σ_t"), (r"\boo\b", "∞"), ("<=", "≤"), (">=", "≥"), ("->", "→"),
    (r"\|\|", "‖"), (r"\^2", "²"), (r"\^-2", "⁻²"), (r"(?<=[{\s(=])-(?=[\w])|(?<=\w)-(?=\d)", "−"),
)  # fmt: skip


def words(plain: str) -> str:
    """Write the mathematics in a sentence as `text` writes formulas; max(G, eps) is Ḡ."""
    for pattern, written in _WORDS:
        plain = re.sub(pattern, written, plain)
    return plain


def latex(expr: sympy.Expr) -> str:
    """Write an expression as LaTeX."""
    return sympy.latex(expr, symbol_names=_LATEX)


def latex_lines(expr: sympy.Expr, each: int = 3) -> list[str]:
    """Write a sum as LaTeX, ``each`` summands a line."""
    if not isinstance(expr, sympy.Add):
        return [latex(expr)]
    parts = [latex(part) for part in _terms(expr)]
    signed = [parts[0]] + [part if part.startswith("-") else f"+ {part}" for part in parts[1:]]
    return [" ".join(signed[at : at + each]) for at in range(0, len(signed), each)]
