"""Plants errors in expressions: a wrong coefficient, sign or power, one at a time, everywhere."""

from collections.abc import Iterator

import sympy


def mutants(expr: sympy.Expr) -> Iterator[tuple[str, sympy.Expr]]:
    """Yield each expression that differs from this one by a single planted error.

    Every summand, anywhere inside, is doubled and negated; every explicit number is raised by 1
    (a power's too); every power is raised by 1; every bare symbol is squared.
    """
    yield "coefficient", 2 * expr
    yield "sign", -expr
    yield from _inside(expr)


def _inside(expr: sympy.Basic) -> Iterator[tuple[str, sympy.Expr]]:
    if isinstance(expr, sympy.Symbol):
        yield "power", expr**2
    elif isinstance(expr, sympy.Rational) and expr != -1:
        yield "coefficient", expr + 1
    elif isinstance(expr, sympy.Pow):
        yield "power", expr.base ** (expr.exp + 1)
        if not isinstance(expr.base, sympy.Symbol):
            for kind, base in _inside(expr.base):
                yield kind, base**expr.exp
    elif isinstance(expr, sympy.Add | sympy.Mul):
        for number, part in enumerate(expr.args):
            rest = [other for place, other in enumerate(expr.args) if place != number]
            if isinstance(expr, sympy.Add):
                yield "coefficient", expr.func(*rest, 2 * part)
                yield "sign", expr.func(*rest, -part)
            for kind, changed in _inside(part):
                yield kind, expr.func(*rest, changed)
