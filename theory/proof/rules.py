"""How each piece of a proof is checked.

A step goes from ``left`` to ``right`` by one of five rules:

identity
    right = left once what the letters abbreviate is written out.
inequality
    right - left = sum of multiplier x (large - small) over the named inequalities it uses,
    **exactly**: each multiplier not negative, each inequality's conditions among the facts. A
    coefficient that is wrong, even on the safe side, leaves a residual.
expectation
    right = left without monomials that are n times what is known before the batch: their mean
    is 0.
choice
    right = left with values put in for free parameters, of which the chain's first side has none.
optimum
    right is the least of left over its free parameters: left - right is a sum of named
    inequalities' slacks, and 0 at the stated minimisers. What holds for all of them holds there.

A chain of averages may use what holds at each step: its terms are then averaged over t < T, each
monomial by its name, and f(z_{t+1}) - f(z_t) telescopes.

Both sides of every step, and of every inequality, must have one unit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from math import nan, prod
from typing import Any

import sympy

from theory.proof.letters import AVERAGES, KNOWN, TELESCOPES, UNITS, VECTORS, n
from theory.proof.parts import (
    LEVELS,
    Chain,
    Derivation,
    Fault,
    Induction,
    Inequality,
    Step,
    Use,
    Values,
    replaced,
    resolve,
)
from theory.symbols import ONE, T, d
from theory.units import InhomogeneousError, unit_of


@dataclass(frozen=True)
class Weighed:
    """What the inequalities of a step come to: their slacks times multipliers, and what is wrong
    with using them.
    """

    slack: sympy.Expr
    complaints: tuple[str, ...]


@cache
def _number(symbol: sympy.Basic) -> float:
    """Return a number of its own for each symbol, between 1/2 and 2."""
    digest = int.from_bytes(sha256(sympy.srepr(symbol).encode()).digest()[:4])
    return 0.5 + 1.5 * digest / 2**32


def _value(expr: Any) -> tuple[float, float]:
    """Return an expression's value at those numbers, and the size of what was added up."""
    if isinstance(expr, sympy.Symbol):
        return _number(expr), _number(expr)
    if isinstance(expr, sympy.Add):
        parts = [_value(part) for part in expr.args]
        return sum(value for value, _ in parts), sum(size for _, size in parts)
    if isinstance(expr, sympy.Mul):
        parts = [_value(part) for part in expr.args]
        return prod(value for value, _ in parts), prod(size for _, size in parts)
    if isinstance(expr, sympy.Pow) and expr.exp.is_number:
        value, size = _value(expr.base)
        power = float(expr.exp)
        if value > 0 or (value and expr.exp.is_integer):
            return value**power, max(abs(value**power), size**power)
        return nan, nan
    value = float(expr) if expr.is_number else nan
    return value, abs(value)


def vanishes(expr: sympy.Expr) -> bool:
    """Whether an expression is 0.

    At one point in floating point where that settles that it is not; else exactly: it, or the
    numerator of it as one fraction, expands to 0.
    """
    if expr == 0:
        return True
    value, size = _value(expr)
    if abs(value) > 1e-6 * size:
        return False
    if sympy.expand(expr) == 0:
        return True
    numerator, _ = sympy.fraction(sympy.together(expr))
    return sympy.expand(numerator) == 0


def check(derivation: Derivation) -> list[Fault]:
    """Check every fact, inequality, induction and step; return what fails."""
    faults = [*_facts(derivation), *_inequalities(derivation)]
    for item in derivation.inductions:
        faults += [Fault(item.name, why) for why in _induction(item)]
    names = [item.name for item in (*derivation.inequalities, *derivation.chains)]
    names += [step.id for chain in derivation.chains for step in chain.steps]
    faults += [Fault(name, "two have this name") for name in {*names} if names.count(name) > 1]
    for number, chain in enumerate(derivation.chains):
        earlier = {item.name: item for item in derivation.chains[:number]}
        faults += check_chain(derivation, chain, earlier)
    return faults


def check_chain(
    derivation: Derivation, chain: Chain, earlier: Mapping[str, Chain]
) -> Iterator[Fault]:
    """Check each of a chain's steps, and that it starts where the one before ended."""
    before = None
    for step in chain.steps:
        if before is not None and before.right != step.left:
            yield Fault(step.id, f"starts from {step.left}, where {before.id} ends in another")
        yield from (Fault(step.id, why) for why in check_step(derivation, chain, step, earlier))
        before = step


def _units(*sides: sympy.Expr) -> Iterator[str]:
    try:
        units = {unit_of(side, UNITS) for side in sides if side != 0}
    except (InhomogeneousError, KeyError) as error:
        yield f"no unit: {error}"
    else:
        if len(units) > 1:
            yield f"its sides have the units {', '.join(map(str, units))}"


@lru_cache(1 << 14)
def _valued(expr: sympy.Expr) -> tuple[float, float]:
    """Return `_value`, of each fact once: every sign is compared with all of them."""
    return _value(expr)


def _equal(one: sympy.Expr, other: sympy.Expr) -> bool:
    """Whether two expressions are the same: `vanishes`, without a difference where it is clear."""
    (value, size), (another, more) = _valued(one), _valued(other)
    return not abs(value - another) > 1e-6 * (size + more) and vanishes(one - other)


def _nonnegative(expr: Any, facts: tuple[sympy.Expr, ...]) -> bool:
    """Whether an expression is never negative: by sympy, as a fact, or factor by factor."""
    if expr.is_nonnegative or any(_equal(expr, fact) for fact in facts):
        return True
    if expr.is_Mul or expr.is_Add:
        if all(_nonnegative(part, facts) for part in expr.args):
            return True
        content, rest = expr.as_content_primitive()
        return bool(content.is_positive) and rest != expr and _nonnegative(rest, facts)
    if isinstance(expr, sympy.Pow) and expr.exp.is_real:
        return bool(expr.exp.is_even and expr.base.is_real) or _nonnegative(expr.base, facts)
    return False


def _facts(derivation: Derivation) -> Iterator[Fault]:
    known: tuple[sympy.Expr, ...] = ()
    for fact in derivation.facts:
        expr = resolve(fact.expr, derivation.definitions)
        for why in _units(fact.expr):
            yield Fault(str(fact.expr), why)
        if fact.certificate:
            parts = [resolve(part, derivation.definitions) for part in fact.certificate]
            if not vanishes(expr - sum(parts)):
                yield Fault(str(fact.expr), "its certificate does not sum to it")
            if not all(_nonnegative(part, known) for part in parts):
                yield Fault(str(fact.expr), "its certificate may be negative")
        known += (expr,)


def _inequalities(derivation: Derivation) -> Iterator[Fault]:
    for item in derivation.inequalities:
        for why in (*_units(item.small, item.large), *_inequality(item)):
            yield Fault(item.name, why)


def _inequality(item: Inequality) -> Iterator[str]:
    if not item.certificate:
        return  # an assumption: the steps that use it have its exact sides
    excess = replaced(item.large - item.small, item.parts)
    total = sum(item.certificate)
    if item.means:
        total = _mean(sympy.expand(total), item.means)
    if not vanishes(excess - total):
        yield "its certificate does not sum to large - small"
    given = tuple(replaced(part, item.parts) for part in item.given)
    for part in item.certificate:
        if not _nonnegative(part, given):
            yield f"{part} may be negative"


def _mean(expr: sympy.Expr, means: Values) -> sympy.Expr:
    """Average a polynomial over the batch: a sample's letter, alone, becomes its mean."""
    for own, mean in means.items():
        expr = sympy.expand(expr.coeff(own, 0) + expr.coeff(own, 1) * mean
                            + expr.coeff(own, 2) * own**2)  # fmt: skip
    return expr


def _induction(item: Induction) -> Iterator[str]:
    if not vanishes(item.closed.subs(item.index, 0)):
        yield "the closed form does not start from 0"
    rise = item.closed.subs(item.index, item.index + 1) - item.closed - item.summand
    if not vanishes(sympy.powsimp(sympy.expand(rise))):
        yield "the closed form does not grow by the summand"


def check_step(
    derivation: Derivation, chain: Chain, step: Step, earlier: Mapping[str, Chain]
) -> Iterator[str]:
    """Check one step, given the chains before its own; say what is wrong."""
    yield from check_sides(derivation, chain, step, weigh(derivation, chain, step, earlier))


def check_sides(
    derivation: Derivation, chain: Chain, step: Step, weighed: Weighed
) -> Iterator[str]:
    """Check one step's sides against what `weigh` says of the inequalities it uses."""
    yield from weighed.complaints
    definitions = derivation.definitions
    change = resolve(step.right - step.left, definitions)
    if step.rule in ("inequality", "optimum") and not vanishes(
        (change if step.rule == "inequality" else -change) - weighed.slack
    ):
        yield "the sides do not differ by the slacks of what is used"
    if step.rule == "identity" and not vanishes(change):
        yield "the two sides differ"
    if step.rule == "expectation":
        if chain.level == "path":
            yield "no expectation is taken on a path"
        yield from _mean_zero(change)
    if step.rule in ("choice", "optimum"):
        if step.values.keys() & chain.small.free_symbols:
            yield "the chain's first side changes with what is chosen"
        if not all(_nonnegative(value, derivation.known) for value in step.values.values()):
            yield "a value that is chosen may be negative"
        put = step.left.subs(list(step.values.items())) - step.right
        if not vanishes(resolve(put, definitions)):
            yield "with its values put in, the left side is not the right one"
    yield from _units(step.left, step.right)


def _mean_zero(change: sympy.Expr) -> Iterator[str]:
    numerator, denominator = sympy.fraction(sympy.together(change))
    if denominator.free_symbols & set(VECTORS):
        yield "a vector's letter in a denominator"
        return
    for powers, coefficient in sympy.Poly(numerator, *VECTORS).terms():
        present = {symbol: power for symbol, power in zip(VECTORS, powers, strict=True) if power}
        if coefficient != 0 and (present.pop(n, 0) != 1 or not present.keys() <= KNOWN):
            yield f"a monomial in {sorted(map(str, [*present, n]))} has no mean of 0"


def weigh(
    derivation: Derivation, chain: Chain, step: Step, earlier: Mapping[str, Chain]
) -> Weighed:
    """Add up the slacks of what a step uses, each times its multiplier."""
    named = {item.name: item for item in derivation.inequalities} | dict(earlier)
    total: sympy.Expr = sympy.Integer(0)
    complaints: list[str] = []
    for use in step.uses:
        if use.name not in named:
            complaints.append(f"{use.name} is not proved before")
            continue
        source = named[use.name]
        if LEVELS.index(source.level) > LEVELS.index(chain.level):
            complaints.append(f"{use.name} holds in the {source.level} alone")
        slack = source.large - source.small
        if isinstance(source, Inequality):
            if source.scope == "counted":
                slack = d * source.large - source.small
            slack = slack.subs(list(use.at.items()), simultaneous=True)
            proved = tuple(
                resolve(item.large - item.small, derivation.definitions)
                for item in earlier.values()
                if item.level == chain.level
            )
            complaints += _conditions(derivation, source, use, derivation.known + proved, slack)
        if chain.level == "average" and source.level != "average":
            try:
                slack = averaged(slack)
            except KeyError as error:
                complaints.append(f"the average of {error} has no name")
        if use.times.free_symbols & set(VECTORS):
            complaints.append(f"the multiplier {use.times} is no number")
        if not _nonnegative(resolve(use.times, derivation.definitions), derivation.known):
            complaints.append(f"the multiplier {use.times} may be negative")
        total += use.times * slack
    return Weighed(resolve(total, derivation.definitions), tuple(complaints))


def _conditions(
    derivation: Derivation,
    source: Inequality,
    use: Use,
    facts: tuple[sympy.Expr, ...],
    slack: sympy.Expr,
) -> Iterator[str]:
    for condition in source.given:
        put = resolve(condition.subs(list(use.at.items()), simultaneous=True),
                      derivation.definitions)  # fmt: skip
        if not _nonnegative(put, facts):
            yield f"{source.name} needs {condition} >= 0 at {dict(use.at)}"
    for own, mean in source.means.items():
        sample = use.at.get(own, own)
        if sample not in derivation.means or not vanishes(
            resolve(derivation.means[sample] - use.at.get(mean, mean), derivation.definitions)
        ):
            yield f"{use.at} is no sample's letter with its mean"
    if source.scope == "whole" and use.at:
        yield f"{source.name} is about its own letters"
    if source.scope == "coordinate" and slack.free_symbols & set(VECTORS):
        # Summed over the coordinates, a number would count d times.
        zero = resolve(slack, derivation.definitions).subs(dict.fromkeys(VECTORS, 0))
        if not vanishes(zero):
            yield f"{source.name} adds a number to every coordinate"


def averaged(expr: sympy.Expr) -> sympy.Expr:
    """Average an expression over t < T: monomials by their names, differences telescoped.

    Raises
    ------
    KeyError
        If a monomial's average has no name, or two that telescope do not cancel.
    """
    ends = [symbol for pair in TELESCOPES for symbol in pair]
    polynomial = sympy.Poly(sympy.expand(expr), *ends, *VECTORS)
    out: sympy.Expr = sympy.Integer(0)
    for (later, now), whole in TELESCOPES.items():
        rise = polynomial.coeff_monomial(later)
        if polynomial.coeff_monomial(now) != -rise:
            raise KeyError(str(now))
        out += rise * whole / T
    for powers, coefficient in polynomial.terms():
        monomial = sympy.Mul(*(v**k for v, k in zip(polynomial.gens, powers, strict=True)))
        if monomial not in ends:
            out += coefficient * (AVERAGES[monomial] if monomial != 1 else ONE)
    return out
