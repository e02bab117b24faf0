"""What a proof is made of: facts, named inequalities, steps, chains, derivations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import sympy

from theory.symbols import ONE

Rule = Literal["identity", "inequality", "expectation", "choice", "optimum"]
Level = Literal["path", "mean", "average"]
LEVELS: tuple[Level, ...] = ("path", "mean", "average")
Values = Mapping[Any, sympy.Expr]


@dataclass(frozen=True)
class Fact:
    """An expression that is never negative, by an assumption or by the algorithm.

    A derived fact has a certificate: products of earlier facts and squares that sum to it.
    """

    expr: sympy.Expr
    source: str
    words: str
    certificate: tuple[sympy.Expr, ...] = ()


@dataclass(frozen=True)
class Inequality:
    """A named inequality small <= large in letters of its own, with what proves it.

    Attributes
    ----------
    name, source, words : str
    small, large : sympy.Expr
    certificate : tuple of sympy.Expr
        What large - small is the sum of; each is a product of squares, numbers that are not
        negative, and expressions of ``given``. Empty if an assumption says so itself.
    given : tuple of sympy.Expr
        What must not be negative.
    parts : mapping
        A letter written by others whose sign is known: v = V - (what V exceeds v by).
    means : mapping
        The batch mean of a sample's letter: the certificate is averaged over the batch.
    scope : str
        ``coordinate``: holds coordinate by coordinate. ``counted``: likewise, and large is a
        number, which summed counts d times. ``whole``: about whole vectors, or numbers.
    level : str
        ``path`` (holds on every path), ``mean`` (in expectation), ``average`` (over t too).
    """

    name: str
    source: str
    words: str
    small: sympy.Expr
    large: sympy.Expr
    certificate: tuple[sympy.Expr, ...] = ()
    given: tuple[sympy.Expr, ...] = ()
    parts: Values = field(default_factory=dict)
    means: Values = field(default_factory=dict)
    scope: Literal["coordinate", "counted", "whole"] = "coordinate"
    level: Level = "path"


@dataclass(frozen=True)
class Induction:
    """A closed form of a sum: closed(0) = 0 and closed(k + 1) - closed(k) = summand(k)."""

    name: str
    source: str
    words: str
    index: sympy.Symbol
    summand: sympy.Expr
    closed: sympy.Expr


@dataclass(frozen=True)
class Use:
    """A named inequality, or an earlier chain, at work: ``times`` it, ``at`` these letters."""

    name: str
    times: sympy.Expr = ONE
    at: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step of a chain.

    Attributes
    ----------
    id : str
        The paper's equation number, or the sharp proof's S-number with a letter.
    words : str
        Why it holds.
    left, right : sympy.Expr
    rule : str
    uses : tuple of Use
    values : mapping
        Of a choice, what is put in; of an optimum, the minimisers.
    printed : str
        How our text of the paper differs here, if it does.
    """

    id: str
    words: str
    left: sympy.Expr
    right: sympy.Expr
    rule: Rule
    uses: tuple[Use, ...] = ()
    values: Values = field(default_factory=dict)
    printed: str = ""

    @property
    def relation(self) -> str:
        """``=``, ``<=``, or ``inf``: the right side is the left one's infimum."""
        return {"identity": "=", "inequality": "<=", "expectation": "=",
                "choice": "=", "optimum": "inf"}[self.rule]  # fmt: skip


@dataclass(frozen=True)
class Chain:
    """Steps, each from where the one before ended: they prove small <= large."""

    name: str
    title: str
    words: str
    level: Level
    steps: tuple[Step, ...]

    @property
    def small(self) -> sympy.Expr:
        """The smaller side of what it proves."""
        return self.steps[0].left

    @property
    def large(self) -> sympy.Expr:
        """The larger side."""
        return self.steps[-1].right


@dataclass(frozen=True)
class Derivation:
    """A proof as data.

    Attributes
    ----------
    name, title, words : str
    definitions : mapping
        What each abbreviation stands for.
    means : mapping
        Each sample's letter and its mean over the batch.
    facts, inequalities, inductions, chains : tuple
    """

    name: str
    title: str
    words: str
    definitions: Values
    means: Values
    facts: tuple[Fact, ...]
    inequalities: tuple[Inequality, ...]
    inductions: tuple[Induction, ...]
    chains: tuple[Chain, ...]

    @cached_property
    def known(self) -> tuple[sympy.Expr, ...]:
        """The facts, written out: each is never negative."""
        return tuple(resolve(fact.expr, self.definitions) for fact in self.facts)

    @property
    def steps(self) -> dict[str, Step]:
        """All steps by id."""
        return {step.id: step for chain in self.chains for step in chain.steps}


@dataclass(frozen=True)
class Fault:
    """Where a derivation fails, and why."""

    where: str
    why: str


def resolve(expr: sympy.Expr, definitions: Values) -> sympy.Expr:
    """Write out every abbreviation."""
    while expr.free_symbols & definitions.keys():
        expr = replaced(expr, definitions)
    return expr


def replaced(expr: sympy.Expr, values: Values) -> sympy.Expr:
    """Put values in for symbols, all at once."""
    out = expr.xreplace(dict(values))
    assert isinstance(out, sympy.Expr)
    return out
