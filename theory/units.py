"""Dimensional analysis: the unit of an expression, or the place where it has none."""

from collections.abc import Mapping

import sympy

from theory.symbols import ONE, QUANTITIES

_UNITS = {quantity.symbol: quantity.unit for quantity in QUANTITIES.values()}


class InhomogeneousError(ValueError):
    """A sum or a comparison whose parts have different units."""


def unit_of(expr: sympy.Basic, units: Mapping[sympy.Symbol, sympy.Expr] = _UNITS) -> sympy.Expr:
    """Return the unit of ``expr`` as a monomial in F and X.

    ``units`` has each symbol's unit; by default it is the table of the paper's symbols.

    Raises
    ------
    InhomogeneousError
        If quantities of different units are added or compared, or an exponent has a unit.
    """
    if isinstance(expr, sympy.Expr) and expr.is_number:
        return ONE
    if isinstance(expr, sympy.Symbol):
        return units[expr]
    if isinstance(expr, sympy.Mul):
        return sympy.Mul(*(unit_of(factor, units) for factor in expr.args))
    if isinstance(expr, sympy.Pow):
        base, exponent = expr.args
        if unit_of(exponent, units) != ONE:
            raise InhomogeneousError(f"the exponent of {expr} has unit {unit_of(exponent, units)}")
        base_unit = unit_of(base, units)
        return ONE if base_unit == ONE else base_unit**exponent
    if isinstance(expr, sympy.Abs):
        return unit_of(expr.args[0], units)
    if isinstance(expr, sympy.Add | sympy.Max | sympy.Min):
        first, *others = expr.args
        unit = unit_of(first, units)
        for other in others:
            if unit_of(other, units) != unit:
                raise InhomogeneousError(
                    f"{first} has unit {unit}, but {other}, beside it, has unit "
                    f"{unit_of(other, units)}"
                )
        return unit
    raise TypeError(f"units of {type(expr).__name__} are not known: {expr}")
