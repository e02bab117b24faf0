"""Where the derivations end, beside the bounds that `theory.theorem1` states."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sympy

from theory import tight
from theory.proof import paper, sharp
from theory.proof.letters import DEFINITIONS, U
from theory.proof.parts import resolve
from theory.proof.rules import vanishes
from theory.symbols import G, Gb, L, beta1, eps, gamma, rho, tau
from theory.theorem1 import APPENDIX, CORRECTED, PRINTED, SIMPLE_STEP, TIGHT, TIGHT_SIMPLE


@dataclass(frozen=True)
class End:
    """Two expressions that should be the same.

    Attributes
    ----------
    derivation : str
        The derivation it belongs to.
    name : str
        What is compared.
    left, right : sympy.Expr
        What is derived, and what is stated.
    """

    derivation: str
    name: str
    left: sympy.Expr
    right: sympy.Expr

    @cached_property
    def equal(self) -> bool:
        """Whether computer algebra says so."""
        return vanishes(resolve(self.left - self.right, DEFINITIONS))


def paper_ends() -> Iterator[End]:
    """Compare the paper's derivation with CORRECTED, term by term."""
    for name, expr in paper.terms().items():
        yield End("paper", f"corrected.{name}", expr, CORRECTED.terms[name].expr)


def printed_ends() -> Iterator[End]:
    """Compare the derivation with Lemma 10 as printed, where eps <= G, with (47) as printed; and
    (47) with (5)-(6).
    """
    for name, expr in paper.terms(L * rho**2).items():
        yield End("paper", f"appendix.{name}", expr.subs(Gb, G), APPENDIX.terms[name].expr)


def differences() -> dict[str, sympy.Expr]:
    """Return each term of (5)-(6) over (47)'s, where they differ."""
    ratios = {
        name: sympy.simplify(term.expr / APPENDIX.terms[name].expr)
        for name, term in PRINTED.terms.items()
    }
    return {name: ratio for name, ratio in ratios.items() if ratio != 1}


def sharp_ends() -> Iterator[End]:
    """Compare the sharp derivation with TIGHT_SIMPLE and TIGHT, and check what the root needs."""
    for name, expr in sharp.SIMPLE_TERMS.items():
        yield End("sharp", f"tight_simple.{name}", expr, TIGHT_SIMPLE.terms[name].expr)
    yield End(
        "sharp", "tight_simple's condition at its largest step",
        sharp.CONDITION.subs(gamma, SIMPLE_STEP.right), sympy.Integer(0),
    )  # fmt: skip
    total = sum(term.expr for term in TIGHT.summands) / Gb - tau
    uncapped, cap = tight.W.args if tight.W.args[0].has(tau) else tight.W.args[::-1]
    ends = {"below the cap": (sharp.TIGHT_W, uncapped), "at the cap": (sharp.TIGHT_C, cap)}
    for where, (chain, value) in ends.items():
        stated = signed(sympy.sympify(total.subs(tight.W, value)))
        yield End("sharp", f"tight, {where}", signed(chain.large.subs(U, tau)), stated)
    left = sharp.N - sharp.q * U
    yield End("sharp", "N - q U is affine in U", sympy.diff(left, U, 2), sympy.Integer(0))
    capped = sharp.TIGHT_C.large.subs(U, tau)
    slope = sympy.limit(sympy.expand(capped / tau), tau, sympy.oo)
    yield End("sharp", "F(tau)/tau as tau grows, at the cap", slope, sympy.Integer(-1))


def signed(expr: Any) -> Any:
    """Take out the absolute values of what is known to be positive: max(G, eps) - eps, 1 - beta1.

    Where max(G, eps) = eps both sides have the same limit.
    """
    excess, ratio = sympy.symbols("excess ratio", positive=True)
    put = resolve(expr, DEFINITIONS).subs([(Gb, eps + excess), (beta1, ratio / (1 + ratio))])
    for part in put.atoms(sympy.Abs):
        inner: Any = sympy.factor(part.args[0])
        if inner.is_negative:
            inner = -inner
        if not inner.is_positive:
            raise ValueError(f"the sign of {inner} is not known")
        put = put.subs(part, inner)
    return put


def quadratic_ratio() -> tuple[sympy.Expr, sympy.Expr]:
    """Return S25's ratio of the left side to TIGHT_SIMPLE twice: solved for, and in closed form.

    On a deterministic quadratic, eps = G, sigma = rho = 0, T -> oo, y = gamma L/eps: the sum of
    the squared gradients solves a 2 x 2 Lyapunov equation for (L x_t, m_{t-1}).
    """
    y, beta = sympy.symbols("y beta", positive=True)
    step = sympy.Matrix([[1 - y * (1 - beta), -y * beta], [1 - beta, beta]])
    p, q, r = sympy.symbols("p q r")
    value = sympy.Matrix([[p, q], [q, r]])
    equation = step.T * value * step - value + sympy.Matrix([[1, 0], [0, 0]])
    (solution,) = sympy.solve(list(equation), [p, q, r], dict=True)
    kappa = beta / (1 - beta)
    closed = (2 * kappa**2 * y + 2 * kappa * y + 2 * kappa + 1) / (4 * kappa + 2 - y)
    return sympy.simplify(y * solution[p]), sympy.simplify(closed)


@cache
def ends() -> tuple[End, ...]:
    """Return all comparisons."""
    ratio, closed = quadratic_ratio()
    return (
        *paper_ends(), *printed_ends(), *sharp_ends(),
        End("sharp", "S25, LHS/TIGHT_SIMPLE on a quadratic", ratio, closed),
    )  # fmt: skip
