"""The proofs as data: every step checks, every planted error is found, the ends are the bounds."""

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import sympy
from matplotlib.mathtext import MathTextParser

from theory import proof, tight
from theory.bound import UNIT
from theory.proof import (
    DERIVATIONS,
    PAPER,
    SHARP,
    Fault,
    Inequality,
    Step,
    Use,
    named,
    paper,
    sharp,
)
from theory.proof.letters import (
    DEFINITIONS,
    UNITS,
    D,
    H,
    X,
    be,
    cc,
    eta,
    g,
    h,
    k,
    la,
    lb,
    n,
    theta,
    u,
)
from theory.proof.letters import S as SECOND
from theory.proof.letters import U as WEIGHTED
from theory.proof.parts import Chain, Derivation, resolve
from theory.proof.rules import check, check_chain, check_sides, check_step, vanishes, weigh
from theory.proof.writing import latex, latex_lines, latex_words, text, words
from theory.symbols import G, Gb, L, eps, gamma, rho, symbol
from theory.theorem1 import APPENDIX, CORRECTED, TIGHT_SIMPLE
from theory.units import unit_of


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


# In one process with the command's tests of the proofs: each is checked once.
PROOFS = pytest.mark.xdist_group("proofs")
BOTH = pytest.mark.parametrize("derivation", DERIVATIONS.values(), ids=DERIVATIONS)


def situations(derivation: Derivation) -> Iterator[tuple[Chain, dict[str, Chain], Step]]:
    """Each step with its chain and the chains before it."""
    for number, chain in enumerate(derivation.chains):
        earlier = {item.name: item for item in derivation.chains[:number]}
        for step in chain.steps:
            yield chain, earlier, step


@PROOFS
@BOTH
def test_every_fact_inequality_and_step_checks(derivation, proof_faults):
    assert proof_faults(derivation) == []


@PROOFS
def test_every_end_is_the_stated_bound(proof_ends):
    ends = proof_ends()
    assert [end.name for end in ends if not end.equal] == []
    names = {end.name for end in ends}
    for bound in (CORRECTED, APPENDIX, TIGHT_SIMPLE):
        assert {f"{bound.name}.{name}" for name in bound.terms} <= names


@PROOFS
def test_lemma_10_as_printed_fails_at_its_last_step_and_ends_in_the_printed_47(proof_faults):
    faults = proof_faults(paper.derivation(L * rho**2))
    assert "the sides do not differ by the slacks of what is used" in [
        fault.why for fault in faults if fault.where == "(102)"
    ]
    # Beyond it, the unit alone betrays the slip: every sum it stands in is inhomogeneous.
    assert all("unit" in fault.why for fault in faults if fault.where != "(102)")


def test_the_printed_theorem_differs_from_47_by_b_eps_in_the_noise_and_eps_in_the_last_term():
    assert proof.differences() == {
        "gradient_noise": symbol("b") * eps,
        "perturbed_noise": eps,
    }


@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.long)])
@BOTH
def test_every_planted_error_is_caught_by_the_steps_own_rule_or_by_the_chain(
    derivation, every, capsys
):
    planted: Counter[str] = Counter()
    equivalent, uncaught, number = 0, [], itertools.count()
    for chain, earlier, step in situations(derivation):
        weighed = weigh(derivation, chain, step, earlier)
        for side in ("left", "right"):
            right = getattr(step, side)
            for kind, wrong in mutants(right):
                if next(number) % every:
                    continue
                changed = dataclasses.replace(step, **{side: wrong})
                caught = next(check_sides(derivation, chain, changed, weighed), None)
                if caught is None and vanishes(resolve(wrong - right, derivation.definitions)):
                    equivalent += 1
                    continue
                planted[kind] += 1
                # A left side may be wrong where the choice of parameters, or the mean, forgets
                # it: then it is not where the step before ended.
                if caught is None and step.id not in wheres(derivation, chain, changed, earlier):
                    uncaught.append((step.id, side, wrong))
                assert caught or side == "left", step.id
    with capsys.disabled():
        print(f"\n{derivation.name}: {planted.total()} errors planted {dict(planted)}, "
              f"{equivalent} equivalent")  # fmt: skip
    assert uncaught == []
    assert planted.total() > 3000 / every


def wheres(
    derivation: Derivation, chain: Chain, changed: Step, earlier: dict[str, Chain]
) -> list[str]:
    """Where a chain fails once one of its steps is changed."""
    steps = tuple(changed if step.id == changed.id else step for step in chain.steps)
    wrong = dataclasses.replace(chain, steps=steps)
    return [fault.where for fault in check_chain(derivation, wrong, earlier)]


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
@BOTH
def test_every_wrong_multiplier_is_caught(derivation, every):
    count = 0
    for chain, earlier, step in situations(derivation):
        for place, use in enumerate(step.uses):
            wrong_ones = 2 * use.times, -use.times, use.times * gamma
            for times in wrong_ones[count % every :: every]:  # of a sample: each use has one
                changed = dataclasses.replace(use, times=times)
                uses = (*step.uses[:place], changed, *step.uses[place + 1 :])
                wrong = dataclasses.replace(step, uses=uses)
                assert next(check_step(derivation, chain, wrong, earlier), None), (step.id, times)
                count += 1
    assert count > 150 / every


@BOTH
def test_a_step_without_one_of_its_inequalities_fails(derivation):
    for chain, earlier, step in situations(derivation):
        for place in range(len(step.uses)):
            uses = (*step.uses[:place], *step.uses[place + 1 :])
            wrong = dataclasses.replace(step, uses=uses)
            assert next(check_step(derivation, chain, wrong, earlier), None), step.id


@BOTH
def test_every_wrong_inequality_is_caught_by_its_own_check_or_by_a_step_that_uses_it(derivation):
    count = 0
    for place, item in enumerate(derivation.inequalities):
        users = [
            (chain, earlier, step)
            for chain, earlier, step in situations(derivation)
            if item.name in {use.name for use in step.uses}
        ]
        for side in ("small", "large"):
            for _, wrong in mutants(getattr(item, side)):
                if vanishes(wrong - getattr(item, side)):
                    continue
                count += 1
                changed = dataclasses.replace(item, **{side: wrong})
                items = list(derivation.inequalities)
                items[place] = changed
                other = dataclasses.replace(derivation, inequalities=tuple(items))
                assert faulty(changed) or any(
                    next(check_step(other, *situation(users_one)), None) for users_one in users
                ), (item.name, wrong)
    assert count > 200


def situation(item: tuple[Chain, dict[str, Chain], Step]) -> tuple[Chain, Step, dict[str, Chain]]:
    chain, earlier, step = item
    return chain, step, earlier


def faulty(item: Inequality) -> bool:
    """Whether an inequality fails by itself."""
    alone = dataclasses.replace(
        PAPER, facts=(), inequalities=(item,), inductions=(), chains=()
    )  # fmt: skip
    return bool(check(alone))


def test_a_wrong_closed_form_of_a_sum_is_caught():
    for item in named.INDUCTIONS:
        for _, wrong in mutants(item.closed):
            changed = dataclasses.replace(item, closed=wrong)
            assert check(dataclasses.replace(PAPER, chains=(), inductions=(changed,))), wrong


def one_step(step: Step, level: str = "mean") -> list[Fault]:
    """Check a step by itself, among the sharp proof's facts and inequalities."""
    chain = Chain("probe", "", "", level, (step,))
    return check(dataclasses.replace(SHARP, chains=(chain,)))


def test_the_noise_averages_out_against_what_is_known_and_against_nothing_else():
    zero = sympy.Integer(0)
    assert one_step(Step("known", "", u * n * eta, zero, "expectation")) == []
    assert one_step(Step("eta_t", "", u * n * (eta - D), zero, "expectation"))
    assert one_step(Step("square", "", u * n**2 * eta, zero, "expectation"))
    assert one_step(Step("pathwise", "", u * n * eta, zero, "expectation"), level="path")


def test_an_inequality_needs_its_conditions():
    at = {X: u, k: sympy.Integer(1), h: eta, H: 1 / eps}
    good = Step("good", "", u**2 * eta, u**2 / eps, "inequality", (Use("eta's range", at=at),))
    assert one_step(good) == []
    too_small = at | {H: 1 / (2 * eps)}
    wrong = Step(
        "bad", "", u**2 * eta, u**2 / (2 * eps), "inequality", (Use("eta's range", at=too_small),)
    )
    assert "needs" in one_step(wrong)[0].why


def test_an_inequality_in_expectation_proves_nothing_on_a_path():
    step = Step("square", "", n**2, symbol("sigma") ** 2 / symbol("b"), "inequality",
                (Use("variance"),))  # fmt: skip
    assert one_step(step) == []
    assert "holds in the mean alone" in one_step(step, level="path")[0].why


def test_a_number_is_not_added_to_every_coordinate():
    step = Step("added", "", g**2 * eta**2, G**2 / eps**2, "inequality", (Use("worst gradient"),))
    faults = one_step(step)  # summed over the coordinates, it counts d times
    assert faults
    times_d = dataclasses.replace(step, right=symbol("d") * G**2 / eps**2)
    assert one_step(times_d) == []


def test_both_sides_of_what_is_proved_have_one_unit():
    for derivation in DERIVATIONS.values():
        last = derivation.chains[-1]
        assert unit_of(last.large, UNITS) == UNIT


def test_the_minimisers_are_those_that_tight_evaluates():
    """`tight.free` has them as numbers; the proof's optima state them as formulas."""
    numbers = {
        "L": 1.3, "sigma": 0.4, "G": 1.7, "d": 5.0, "Delta": 0.8, "gamma": 0.02, "rho": 0.05,
        "beta1": 0.6, "eps": 0.7, "b": 4.0, "T": 300.0, "Gb": 1.7,
    }  # fmt: skip
    arrays = {name: np.asarray(value) for name, value in numbers.items()}
    tau = tight.root(arrays)
    free = tight.free(arrays, tau)
    values = {symbol(name): value for name, value in numbers.items()}
    W = (np.sqrt(0.16 / 4 / 0.49 + tau / 0.7) + 1.3 * 0.05 / 0.7) ** 2
    values |= {WEIGHTED: float(tau), SECOND: float(W)}
    stated = {
        parameter: resolve(value, SHARP.definitions).subs(values)
        for step in SHARP.steps.values()
        if step.rule == "optimum"
        for parameter, value in step.values.items()
    }
    for parameter, name in {theta: "theta", cc: "c", la: "la", lb: "lb", be: "be"}.items():
        assert float(stated[parameter]) == pytest.approx(float(free[name]), rel=1e-12), name


def test_the_papers_parameters_leave_exactly_one_half_at_the_largest_step():
    polynomial = sympy.Poly(paper.PAPER.steps["(42a)"].right, u, eta)
    at_most = polynomial.coeff_monomial(u**2 * eta).subs(gamma, eps / (16 * L))
    assert vanishes(at_most + eps / (16 * L) / 2)


def test_why_47_is_true_its_proof_ends_below_it_term_by_term():
    numbers = {
        symbol(name): value
        for name, value in {
            "L": 1.3, "sigma": 0.4, "G": 1.7, "d": 5, "Delta": 0.8, "gamma": 0.02, "rho": 0.05,
            "beta1": 0.6, "eps": 0.7, "b": 4, "T": 300, "Gb": 1.7,
        }.items()
    }  # fmt: skip
    for name, expr in sharp.MENDED_TERMS.items():
        ours = resolve(expr, DEFINITIONS).subs(numbers)
        assert ours <= CORRECTED.terms[name].expr.subs(numbers) * (1 + 1e-12), name


def test_formulas_read_as_text():
    assert text(gamma * L**2 * rho**2 / (2 * eps)) == "γ L² ρ²/(2 ε)"
    assert text(eta - D) == "η − D"
    assert text(sympy.sqrt(gamma / eps) * Gb**3) == "Ḡ³ √γ/√ε"
    assert text(D**2 - eta) == "D² − η"
    assert words("eta_{t-1} <= 1/eps, ||grad f(x_t)||^2") == "η_{t−1} ≤ 1/ε, ‖∇f(x_t)‖²"
    assert words("Lemmas 5-10") == "Lemmas 5-10"


WITHIN = r"((?:(?!\\left|\\right)[^{}])*)"
INNERMOST = re.compile(rf"\{{{WITHIN}\}}|\\left\({WITHIN}\\right\)")


def parts_of(line: str) -> set[str]:
    """Return a formula's summands, and those in its braces and brackets; what stood in these is
    x. The formula is LaTeX if they all are, and a part of many formulas is parsed once.
    """
    sums = set()
    while inner := INNERMOST.search(line):
        braces, brackets = inner.groups()
        sums.add(brackets if braces is None else braces)
        kept = "<x>" if brackets is None else "[x]"
        line = line[: inner.start()] + kept + line[inner.end() :]
    shut = {"<": "{", ">": "}", "[": r"\left(", "]": r"\right)"}
    parts = {part for whole in (*sums, line) for part in re.split(r" (?=[+-] )", whole)}
    return {"".join(shut.get(letter, letter) for letter in part) for part in parts}


def test_every_formula_is_latex_that_a_parser_takes():
    parser = MathTextParser("agg")
    lines = [
        line
        for derivation in DERIVATIONS.values()
        for step in derivation.steps.values()
        for line in latex_lines(step.right)
    ]
    lines += [latex(item.large) for item in (*PAPER.inequalities, *SHARP.inequalities)]
    for part in set().union(*map(parts_of, lines)):
        parser.parse(f"${part}$")


def test_every_sentence_has_its_mathematics_in_dollars():
    for derivation in DERIVATIONS.values():
        for step in derivation.steps.values():
            for sentence in (step.words, step.printed):
                outside = latex_words(sentence).split("$")[::2]
                assert all(part.isascii() for part in outside), sentence
                assert not any(set("^_<>|") & set(part) for part in outside), sentence
