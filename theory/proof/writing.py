"""Formulas of a proof as text that a terminal shows, and as LaTeX."""

import re
from fractions import Fraction
from functools import cache
from typing import Any

import sympy

from theory.proof.letters import LETTERS, VECTORS
from theory.symbols import QUANTITIES

_GREEK = {
    "gamma": "γ", "rho": "ρ", "sigma": "σ", "eps": "ε", "beta1": "β₁", "beta2": "β₂",
    "Delta": "Δ", "Gb": "Ḡ", "tau": "τ", "eta": "η", "delta": "δ", "v_hat": "v̂",
}  # fmt: skip
_NAMES: dict[sympy.Symbol, tuple[str, str]] = {
    item.symbol: (_GREEK.get(name, name), sympy.latex(item.symbol))
    for name, item in QUANTITIES.items()
} | {item.symbol: (item.text, item.latex) for item in LETTERS.values()}
"""How each symbol is written, in text and in LaTeX."""
_OTHERS = {"lam": ("λ", r"\lambda"), "X_i": ("Xᵢ", "X_i")}
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
_PLACES = {symbol: place for symbol, place in _ORDER.items() if symbol in VECTORS}
"""In which order the terms of a sum are written, by their vectors."""
_SQUARES = {item.text for item in LETTERS.values() if item.text.endswith("²")}


@cache
def text(expr: sympy.Expr) -> str:
    """Write an expression in Greek letters, with raised powers and one slash per fraction."""
    if isinstance(expr, sympy.Add):
        parts = [text(part) for part in _terms(expr)]
        return parts[0] + "".join(
            f" − {part[1:]}" if part.startswith("−") else f" + {part}" for part in parts[1:]
        )
    sign, above, below = _fraction(expr)
    numerator = " ".join(_power(*factor) for factor in above) or "1"
    denominator = " ".join(_power(*factor) for factor in below)
    if len(below) > 1:
        denominator = f"({denominator})"
    return f"{sign}{numerator}/{denominator}" if below else f"{sign}{numerator}"


@cache
def latex(expr: sympy.Expr) -> str:
    """Write an expression as LaTeX."""
    if isinstance(expr, sympy.Add):
        parts = [latex(part) for part in _terms(expr)]
        return parts[0] + "".join(
            f" {part}" if part.startswith("-") else f" + {part}" for part in parts[1:]
        )
    sign, above, below = _fraction(expr)
    numerator = " ".join(_latex_power(*factor) for factor in above) or "1"
    if below:
        alone = len(below) == 1 and below[0][1] == 1
        denominator = (
            latex(below[0][0]) if alone else " ".join(_latex_power(*factor) for factor in below)
        )
        numerator = rf"\frac{{{numerator}}}{{{denominator}}}"
    return f"{'- ' if sign else ''}{numerator}"


def latex_lines(expr: sympy.Expr, each: int = 3) -> list[str]:
    """Write a sum as LaTeX, ``each`` summands a line."""
    if not isinstance(expr, sympy.Add):
        return [latex(expr)]
    parts = [latex(part) for part in _terms(expr)]
    signed = [parts[0]] + [part if part.startswith("-") else f"+ {part}" for part in parts[1:]]
    return [" ".join(signed[at : at + each]) for at in range(0, len(signed), each)]


_Factor = tuple[Any, sympy.Expr]


def _fraction(expr: sympy.Expr) -> tuple[str, list[_Factor], list[_Factor]]:
    """Return a product's sign and the bases and powers above and below its line."""
    number, rest = expr.as_coeff_Mul()
    coefficient = Fraction(str(number))
    above, below = [], []
    if abs(coefficient.numerator) != 1:
        above.append((sympy.Integer(abs(coefficient.numerator)), sympy.Integer(1)))
    if coefficient.denominator != 1:
        below.append((sympy.Integer(coefficient.denominator), sympy.Integer(1)))
    for factor in sorted(sympy.Mul.make_args(rest), key=_place):
        base, power = factor.as_base_exp()
        if factor == 1:
            continue
        (below if power.is_negative else above).append((base, abs(power)))
    return "−" if coefficient < 0 else "", above, below


def _place(factor: sympy.Expr) -> tuple[int, str]:
    base, _ = factor.as_base_exp()
    return _ORDER.get(base, 500 if base.is_Symbol else 1000), str(factor)


def _terms(expr: sympy.Expr) -> list[Any]:
    """Return a sum's terms in the order they are written: vectors' first, then numbers."""
    last = len(_ORDER)
    terms: list[Any] = sorted(
        expr.as_ordered_terms(),
        key=lambda term: min((_PLACES.get(symbol, last) for symbol in term.free_symbols),
                             default=last),
    )  # fmt: skip
    if len(terms) == 2 and terms[0].could_extract_minus_sign():
        terms.reverse()
    return terms


def _power(base: Any, power: sympy.Expr) -> str:
    if power == sympy.Rational(1, 2):
        inner = text(base)
        return f"√{inner}" if len(inner) == 1 else f"√({inner})"
    shown = _name(base, 0) or f"({text(base)})"
    if power == 1:
        return shown
    if shown in _SQUARES:  # λ² stands for one symbol: its square is λ⁴
        return f"{shown[:-1]}{str(2 * power).translate(_RAISED)}"
    return f"{shown}{str(power).translate(_RAISED) if power.is_Rational else f'^{power}'}"


def _latex_power(base: Any, power: sympy.Expr) -> str:
    if power == sympy.Rational(1, 2):
        return rf"\sqrt{{{latex(base)}}}"
    shown = _name(base, 1) or rf"\left({latex(base)}\right)"
    if power == 1:
        return shown
    if shown.endswith("^2"):
        return f"{shown[:-2]}^{{{2 * power}}}"
    return f"{shown}^{{{sympy.latex(power)}}}"


def _name(base: Any, dialect: int) -> str | None:
    """Return a symbol's or a number's name, in text (0) or LaTeX (1); None for a sum."""
    if base in _NAMES:
        return _NAMES[base][dialect]
    if base.is_Symbol or base.is_Function:
        return _OTHERS.get(str(base), (str(base), str(base)))[dialect]
    return str(base) if base.is_Integer else None


_WORDS = (
    (r"\bsqrt\(", "√("), (r"\bgrad f", "∇f"), (r"\bmax\(G, eps\)", "Ḡ"),
    (r"\blambda_1\^2", "λ₁²"), (r"\blambda_2\^2", "λ₂²"), (r"\blambda_3\^2", "λ₃²"),
    (r"\blambda_a\b", "λₐ"), (r"\b(?:lambda|lam)\b", "λ"), (r"\blambda_b\b", "λ_b"),
    (r"\bgamma\b", "γ"), (r"\brho\b", "ρ"), (r"\bsigma\b", "σ"), (r"\beps\b", "ε"),
    (r"\bbeta1\b", "β₁"), (r"\bbeta\b", "β"), (r"\bkappa\b", "κ"), (r"\btheta\b", "θ"),
    (r"\bmu\b", "μ"), (r"\balpha\b", "α"), (r"\btau\b", "τ"), (r"\bDelta\b", "Δ"),
    (r"\beta(?=\b|_)", "η"), (r"\bdelta_t\b", "δ_t"), (r"\bv_hat\b", "v̂"), (r"\bdz\b", "Δz"),
    (r"\bsum_t\b", "Σ_t"), (r"\boo\b", "∞"), ("<=", "≤"), (">=", "≥"), ("->", "→"),
    (r"\|\|", "‖"), (r"\^2", "²"), (r"\^-2", "⁻²"),
    (r"(?<=[{\s(=])-(?=[\s\w])|(?<=[tT])-(?=1)", "−"),
)  # fmt: skip


def words(plain: str) -> str:
    """Write the mathematics in a sentence as `text` writes formulas; max(G, eps) is Ḡ."""
    for pattern, written in _WORDS:
        plain = re.sub(pattern, written, plain)
    return plain


_IN_LATEX = {
    "√(": r"\surd(", "∇": r"\nabla ", "Ḡ": r"\bar{G}", "₁": "_1", "₂": "_2", "₃": "_3", "ₐ": "_a",
    "γ": r"\gamma ", "ρ": r"\rho ", "σ": r"\sigma ", "ε": r"\epsilon ", "β": r"\beta ",
    "κ": r"\kappa ", "θ": r"\theta ", "μ": r"\mu ", "α": r"\alpha ",
    "τ": r"\tau ", "λ": r"\lambda ",
    "Δ": r"\Delta ", "η": r"\eta ", "δ": r"\delta ", "v̂": r"\hat{v}",
    "Σ": r"\sum ", "∞": r"\infty ",
    "≤": r"\le ", "≥": r"\ge ", "→": r"\to ", "‖": r"\|", "⁻²": "^{-2}", "²": "^2", "−": "-",
}  # fmt: skip
_SPECIAL = {"_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "$": r"\$", "^": r"\^{}"}


def latex_words(plain: str) -> str:
    """Write a sentence for LaTeX: each word that holds mathematics in dollars."""
    return " ".join(_latex_word(word) for word in words(plain).split())


def _latex_word(word: str) -> str:
    if word.endswith("'s"):
        return f"{_latex_word(word[:-2])}'s"
    if not re.search(r"[_^<>|]", word) and not any(sign in word for sign in _IN_LATEX):
        return "".join(_SPECIAL.get(character, character) for character in word)
    for sign, written in _IN_LATEX.items():
        word = word.replace(sign, written)
    return f"${word}$"
