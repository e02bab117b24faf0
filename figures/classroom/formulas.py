"""Bounds as JavaScript and as MathML, printed by sympy from the theory's own expressions."""

from collections.abc import Iterable, Iterator
from typing import Any

import sympy
from sympy.printing.jscode import jscode
from sympy.printing.mathml import MathMLPresentationPrinter

from theory import corollary1
from theory.bound import TRIVIAL, Bound, stable
from theory.symbols import QUANTITIES, G, Gb, gamma, rho

_PLAIN = {
    quantity.symbol: sympy.Symbol(name, positive=True) for name, quantity in QUANTITIES.items()
}
"""Symbols by the names the code has for them: ``beta_1`` is no name that a reader expects."""


def javascript(expr: sympy.Expr) -> str:
    """Return an arrow function, from an object with every symbol's value to the expression's."""
    plain = stable(expr).xreplace(_PLAIN)
    names = ", ".join(sorted(map(str, plain.free_symbols)))
    return f"({{ {names} }}) => {jscode(plain)}"


def module(bounds: Iterable[Bound]) -> str:
    """Return a JavaScript module that exports ``THEORY``: schedules, d G^2 and the closed bounds.

    Of each bound it has the terms, both sides of each precondition, from which T on the schedule's
    gamma meets the step condition, and the thresholds of `theory.corollary1` where they exist.
    """
    schedules = (
        f"  {name}: {javascript(corollary1.SCHEDULES[letter])},"
        for name, letter in (("gamma", gamma), ("rho", rho))
    )
    lines = [
        "export const THEORY = {",
        *schedules,
        f"  trivial: {javascript(TRIVIAL)},",
        "  bounds: {",
        *(line for bound in bounds for line in _bound(bound)),
        "  },",
        "};",
    ]
    return "\n".join(lines) + "\n"


def _bound(bound: Bound) -> Iterator[str]:
    yield f"    {bound.name}: {{"
    yield from _table("terms", {name: term.expr for name, term in bound.terms.items()})
    yield "      conditions: ["
    for item in bound.requirements:
        yield f"        [{javascript(item.left)}, {javascript(item.right)}],"
    yield "      ],"
    yield f"      step: {javascript(corollary1.step_threshold(bound))},"
    yield from _table("thresholds", thresholds(bound))
    yield "    },"


def _table(name: str, expressions: dict[str, sympy.Expr]) -> Iterator[str]:
    yield f"      {name}: {{"
    for key, expr in expressions.items():
        yield f"        {key}: {javascript(expr)},"
    yield "      },"


def thresholds(bound: Bound) -> dict[str, sympy.Expr]:
    """Return `theory.corollary1.thresholds`; nothing where the leading terms share no rate."""
    try:
        return corollary1.thresholds(bound)
    except ValueError:
        return {}


class _Printer(MathMLPresentationPrinter):
    """Sympy's printer of MathML, with a bar over the G that is max(G, eps)."""

    def _print_Symbol(self, sym: sympy.Symbol, style: str = "plain") -> Any:
        if sym != Gb:
            return super()._print_Symbol(sym, style=style)
        over = self.dom.createElement("mover")
        over.appendChild(super()._print_Symbol(G, style=style))
        bar = self.dom.createElement("mo")
        bar.setAttribute("stretchy", "false")
        bar.appendChild(self.dom.createTextNode("¯"))
        over.appendChild(bar)
        return over


def mathml(expr: sympy.Expr) -> str:
    """Return an expression as a ``<math>`` element."""
    return f"<math>{_Printer().doprint(expr)}</math>".replace("<mo>-</mo>", "<mo>−</mo>")
