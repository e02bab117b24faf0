"""A bound on the left side of Theorem 1, held as a sum of named symbolic terms.

The left side is always LHS = (1/T) sum_{t<T} E||grad f(x_t)||^2, of unit F^2/X^2.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import sympy

from theory.errors import InputError
from theory.setting import ROUNDING, Check, Constants, Hyperparameters, Precondition, values
from theory.symbols import F, G, Gb, X, d, eps, symbol
from theory.units import InhomogeneousError, unit_of

UNIT = F**2 / X**2
"""The unit of the left side, and so the unit that every term must have."""

_ARGUMENTS = (
    "L", "sigma", "G", "d", "Delta", "gamma", "rho", "beta1", "beta2", "eps", "b", "T", "Gb", "tau",
)  # fmt: skip


def _numeric(expressions: Sequence[sympy.Expr]) -> Callable[..., list[np.ndarray]]:
    arguments = [symbol(name) for name in _ARGUMENTS]
    return sympy.lambdify(arguments, list(map(stable, expressions)), modules="numpy", cse=True)


def stable(expr: sympy.Expr) -> sympy.Expr:
    """Write each 1/eps - 1/G or the like in ``expr`` as one fraction, as floats need it."""
    out = expr.replace(_is_reciprocal_difference, sympy.factor)
    assert isinstance(out, sympy.Expr)
    return out


def _is_reciprocal_difference(part: sympy.Basic) -> bool:
    """Whether this is 1/eps - 1/G or the like: as one fraction it is exactly 0 where eps = G."""
    return isinstance(part, sympy.Add) and part.free_symbols in ({eps, G}, {eps, Gb})


def _ordered(arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [arrays[name] for name in _ARGUMENTS]


@dataclass(frozen=True)
class Term:
    """One summand of a bound.

    Attributes
    ----------
    name : str
        Its name, the same in every variant.
    expr : sympy.Expr
        The summand.
    equation : str
        Where the paper states it.
    meaning : str
        What it measures, in one line.
    """

    name: str
    expr: sympy.Expr
    equation: str
    meaning: str

    @property
    def unit(self) -> sympy.Expr | None:
        """The unit found by dimensional analysis; None where the term is inhomogeneous."""
        try:
            return sympy.simplify(unit_of(self.expr))
        except InhomogeneousError:
            return None


@dataclass(frozen=True)
class Bound:
    """A claimed upper bound on the left side of Theorem 1.

    Attributes
    ----------
    name : str
        The variant: ``"printed"``, ``"appendix"``, ``"corrected"``, ``"tight_simple"``,
        ``"tight"``.
    source : str
        The equation it is, or how it comes about.
    summands : tuple of Term
        Its terms, the leading two first.
    requirements : tuple of Precondition
        Under what it is claimed.
    nan_outside : bool
        Whether the total is nan where a requirement fails: for a bound known to be false there.
    root : callable or None
        For a bound whose terms contain tau: from every symbol's value by name to tau.
    capped : bool
        Whether the total is never more than d G^2.
    leading : tuple of two str
        The terms that lead as T grows; the others are Phi.
    """

    name: str
    source: str
    summands: tuple[Term, ...]
    requirements: tuple[Precondition, ...]
    nan_outside: bool = False
    root: Callable[[dict[str, np.ndarray]], np.ndarray] | None = None
    capped: bool = False
    leading: tuple[str, str] = ("initial_gap", "gradient_noise")

    @property
    def terms(self) -> dict[str, Term]:
        """The terms by name."""
        return {term.name: term for term in self.summands}

    @cached_property
    def _term_function(self) -> Callable[..., list[np.ndarray]]:
        return _numeric([term.expr for term in self.summands])

    @cached_property
    def _requirement_function(self) -> Callable[..., list[np.ndarray]]:
        sides = [side for item in self.requirements for side in (item.left, item.right)]
        return _numeric(sides)

    def _values(self, constants: Constants, hyper: Hyperparameters) -> dict[str, np.ndarray]:
        arrays = values(constants, hyper)
        with np.errstate(all="ignore"):  # what overflows is refused as it is
            arrays["tau"] = np.asarray(np.nan) if self.root is None else self.root(arrays)
        return arrays

    def evaluate(self, constants: Constants, hyper: Hyperparameters) -> dict[str, np.ndarray]:
        """Return every term's value, float64 of the broadcast shape, unit F^2/X^2.

        Raises
        ------
        InputError
            If one is not a finite float64.
        """
        arrays = self._values(constants, hyper)
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
        with np.errstate(all="ignore"):
            results = self._term_function(*_ordered(arrays))
        return {
            term.name: np.broadcast_to(self._finite(term.name, result), shape)
            for term, result in zip(self.summands, results, strict=True)
        }

    def _finite(self, name: str, value: npt.ArrayLike) -> np.ndarray:
        return _finite(f"{name} of the bound {self.name}", value)

    def total(self, constants: Constants, hyper: Hyperparameters) -> np.ndarray:
        """Return the bound itself, unit F^2/X^2.

        It is nan outside the theorem if `nan_outside`, and at most d G^2 if `capped`.
        """
        total = self._finite("total", _sum(self.evaluate(constants, hyper).values()))
        if self.capped:
            total = np.minimum(total, trivial(constants))
        if self.nan_outside:
            total = np.where(self.applies(constants, hyper), total, np.nan)
        return total

    def phi(self, constants: Constants, hyper: Hyperparameters) -> np.ndarray:
        """Return Phi: the bound without its two leading terms, unit F^2/X^2."""
        terms = self.evaluate(constants, hyper)
        parts = (value for name, value in terms.items() if name not in self.leading)
        return self._finite("Phi", _sum(parts))

    def dominant(self, constants: Constants, hyper: Hyperparameters) -> np.ndarray:
        """Return the name of the largest term, an array of str of the broadcast shape."""
        terms = self.evaluate(constants, hyper)
        largest = np.argmax(np.stack(list(terms.values())), axis=0)
        return np.array(list(terms))[largest]

    def preconditions(self, constants: Constants, hyper: Hyperparameters) -> list[Check]:
        """Return each requirement with its value, limit and margin at these settings.

        Raises
        ------
        InputError
            If one is not a finite float64.
        """
        arrays = self._values(constants, hyper)
        with np.errstate(all="ignore"):
            sides = iter(self._requirement_function(*_ordered(arrays)))
            checks = []
            for item in self.requirements:
                value, limit = np.asarray(next(sides)), np.asarray(next(sides))
                holds = np.asarray(value <= limit * (1 + ROUNDING))
                margin = self._finite(f"the margin of {item.name}", 1 - value / limit)
                checks.append(Check(item.name, holds, value, limit, margin))
        return checks

    def applies(self, constants: Constants, hyper: Hyperparameters) -> np.ndarray:
        """Return where every precondition holds."""
        holds = [check.holds for check in self.preconditions(constants, hyper)]
        return np.logical_and.reduce(np.broadcast_arrays(True, *holds))

    def vacuous(self, constants: Constants, hyper: Hyperparameters) -> np.ndarray:
        """Return where the bound says no more than Assumption 3 does: total >= d G^2."""
        return np.asarray(self.total(constants, hyper) >= trivial(constants))

    @property
    def units(self) -> dict[str, sympy.Expr | None]:
        """Each term's unit; None for a term that adds unlike quantities."""
        return {term.name: term.unit for term in self.summands}

    @property
    def inhomogeneous(self) -> list[str]:
        """The terms whose unit is not the left side's F^2/X^2."""
        return [name for name, unit in self.units.items() if unit != UNIT]

    def latex(self) -> str:
        """Return the whole inequality as LaTeX."""
        left = r"\frac{1}{T} \sum_{t=0}^{T-1} \mathbb{E} \|\nabla f(x_t)\|^2"
        right = " + ".join(sympy.latex(term.expr) for term in self.summands)
        if self.root is None:
            return rf"{left} \le {right}"
        return (
            rf"{left} \le \min\{{\bar{{G}} \tau,\, d G^2\}}, \quad "
            rf"\tau \text{{ the largest root of }} \bar{{G}} \tau = {right}"
        )


TRIVIAL = d * G**2
"""What Assumption 3 alone bounds the left side by."""


def trivial(constants: Constants) -> np.ndarray:
    """Return `TRIVIAL`, d G^2, which bounds the left side by Assumption 3 alone, unit F^2/X^2.

    Raises
    ------
    InputError
        If it is not a positive, finite float64.
    """
    with np.errstate(all="ignore"):
        value = np.asarray(constants.d) * np.asarray(constants.G) ** 2
    return _finite("d G^2", np.where(value > 0, value, np.nan), "finite and positive")


def _sum(parts: Iterable[np.ndarray]) -> np.ndarray:
    total = np.float64(0)
    with np.errstate(over="ignore"):
        for part in parts:
            total = total + part
    return np.asarray(total)


def _finite(name: str, value: npt.ArrayLike, rule: str = "finite") -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise InputError(
            f"{name} is not {rule} in float64: rescale the setting's units, so that the constants "
            "are nearer to 1."
        )
    return array
