"""The classroom's six questions: what each answer claims is true at its settings."""

import math
import re

import pytest
import sympy

from figures.classroom.sliders import SLIDERS
from simulators import SeparableProblem
from theory import corollary1
from theory.symbols import G, Gb, L, T, b, c_rho, eps, gamma, rho
from theory.theorem1 import VARIANTS
from verify.classroom import grid
from verify.classroom.questions import BETA2, QUESTIONS, Question, exact_left_side, setting

ASKED = {question.id: question for question in QUESTIONS}


def at(question: Question, **other: float) -> dict[str, float]:
    terms = question.bound.evaluate(*setting(question.settings, **other))
    return {name: float(value) for name, value in terms.items()}


def leading(question: Question, **other: float) -> float:
    return sum(at(question, **other)[name] for name in question.bound.leading)


def dominant(question: Question) -> str:
    return str(question.bound.dominant(*setting(question.settings)))


def powers(name: str) -> tuple[sympy.Expr, sympy.Expr]:
    rate = corollary1.rates(VARIANTS["corrected"])[name]
    return rate.power_b, rate.power_T


@pytest.mark.parametrize("question", QUESTIONS, ids=ASKED)
def test_a_question_can_be_set_with_the_sliders(question):
    for slider in SLIDERS:
        assert question.settings[slider.name] in slider.values


@pytest.mark.parametrize("question", QUESTIONS, ids=ASKED)
def test_an_answer_states_all_its_facts(question):
    fields = set(re.findall(r"\{(\w+)\}", question.answer))
    assert fields == set(question.facts(question))
    assert "{" not in question.answered


def test_a_larger_batch_no_longer_helps_since_momentum_grows():
    question = ASKED["batch"]
    facts = question.facts(question)
    assert question.bound.applies(*setting(question.settings))
    assert not question.bound.vacuous(*setting(question.settings))
    assert dominant(question) == "momentum"
    assert facts["share"] == pytest.approx(
        100 * at(question)["momentum"] / question.total(), rel=5e-3
    )
    doubled_b = float(question.bound.total(*setting(question.settings, b=128)))
    assert facts["ratio"] == pytest.approx(doubled_b / question.total())
    assert facts["ratio"] > 1
    assert powers("momentum") == (1, -1)
    assert {powers(name) for name in question.bound.leading} == {(-sympy.Rational(1, 2),) * 2}
    threshold = facts["threshold"]
    assert at(question, T=round(threshold * 1.01))["momentum"] < leading(
        question, T=round(threshold * 1.01)
    )
    assert at(question, T=round(threshold * 0.99))["momentum"] > leading(
        question, T=round(threshold * 0.99)
    )
    doubled = corollary1.threshold_values(
        question.bound, setting(question.settings)[0], c_gamma=0.25, c_rho=0.1, beta1=0.9, eps=0.5,
        b=128,
    )  # fmt: skip
    assert doubled["momentum"] == pytest.approx(8 * threshold)
    for claimed in ("grows as b/T", "leading terms fall as 1/√(bT)", "that grows as b³"):
        assert claimed in question.answer


def archived(**point: float) -> float:
    """Return the archive's mean at a point of its grid."""
    stored, row = grid.load(), 0
    for name, values in stored["axes"].items():
        row = row * len(values) + values.index(pytest.approx(point[name]))
    return stored["mean"][row]


def test_runs_speed_up_where_the_bound_does_not():
    point = {"noise": 10**-0.5, "gap": 0.1, "eps": 0.5, "beta1": 0.9, "step": 0.5, "rho": 0.1}
    for T_ in (16384, 65536):
        few, many = (archived(**point, b=b_, T=T_) for b_ in (16, 64))
        assert many < 0.6 * few  # a linear speed-up gives 1/2


def assert_in_the_basin(question: Question, beta1: float) -> None:
    """Check the conditions of `theory.basin`, under which the left side is known exactly."""
    now = question.settings
    hyper = setting(now)[1]
    sides = grid.start(
        now["L"] * now["Delta"] / (now["d"] * now["G"] ** 2),
        now["sigma"] / (math.sqrt(now["d"]) * now["G"]),
    )
    assert now["eps"] >= now["G"]
    assert now["c_rho"] == 0
    assert sides <= 1
    assert now["G"] >= 2 * now["sigma"] / math.sqrt(now["d"])
    step = float(hyper.gamma) * now["L"] / now["eps"]
    assert step <= (1 - math.sqrt(beta1)) / (1 + math.sqrt(beta1))


def test_the_printed_bound_is_below_the_exact_left_side():
    question = ASKED["printed"]
    facts = question.facts(question)
    assert_in_the_basin(question, 0.0)
    assert question.bound.name == "printed"
    assert question.bound.applies(*setting(question.settings))
    assert facts["printed"] == question.total() < facts["measured"] < facts["appendix"]
    ratio = VARIANTS["appendix"].terms["gradient_noise"].expr / (
        question.bound.terms["gradient_noise"].expr
    )
    assert sympy.simplify(ratio - 1 / (b * eps)) == 0
    assert "8GγLσ²/ε lacks a factor 1/(bε)" in question.answer


def test_momentum_costs_the_bound_much_and_the_run_little():
    question = ASKED["momentum"]
    facts = question.facts(question)
    for beta1 in (0.0, question.settings["beta1"]):
        assert_in_the_basin(question, beta1)
    assert facts["bound"] / facts["bound_without"] == pytest.approx(facts["factor"])
    assert facts["factor"] > 4
    assert 1 <= facts["measured"] / facts["measured_without"] < 1.05
    assert facts["measured"] == exact_left_side(question)


def test_three_things_happen_in_turn_as_T_grows():
    question = ASKED["steps"]
    facts = question.facts(question)
    step, speaks, leads = facts["step"], facts["speaks"], facts["leads"]
    assert question.settings["T"] < step < speaks < leads
    applies, vacuous = question.bound.applies, question.bound.vacuous
    assert applies(*setting(question.settings, T=math.ceil(step)))
    assert not applies(*setting(question.settings, T=math.ceil(step) - 1))
    assert not vacuous(*setting(question.settings, T=speaks))
    assert vacuous(*setting(question.settings, T=speaks - 1))
    for T_, large_enough in ((math.ceil(leads), True), (math.floor(leads) - 1, False)):
        others = at(question, T=T_)
        first = sum(others.pop(name) for name in question.bound.leading)
        assert (max(others.values()) <= first) is large_enough


def test_a_tiny_eps_makes_the_bound_vacuous_and_the_step_tiny():
    question = ASKED["eps"]
    facts = question.facts(question)
    constants, hyper = setting(question.settings)
    now = question.settings
    assert question.bound.vacuous(constants, hyper)
    assert facts["excess"] == pytest.approx(question.total() / (now["d"] * now["G"] ** 2))
    assert corollary1.c_gamma_value(question.bound, constants, now["eps"]) == now["c_gamma"]
    degrees = {
        sympy.degree(sympy.expand(term.expr.subs(eps, 1 / eps)), eps)
        for term in question.bound.summands
    }
    assert max(degrees) == 3
    # |m| <= r sqrt(v) by Cauchy and Schwarz, so that T steps move a coordinate by r gamma T.
    r = (1 - now["beta1"]) / math.sqrt((1 - BETA2) * (1 - now["beta1"] ** 2 / BETA2))
    problem = SeparableProblem("huber", "additive", L=1, sigma=1, G=1, d=10, start=0.0)
    start = grid.start(0.1, 10**-0.5) * problem.H
    assert r * float(hyper.gamma) * now["T"] < 1e-3 * start


def test_any_c_rho_will_do_for_a_large_T_and_rho_may_fall_slowly():
    question = ASKED["rho"]
    facts = question.facts(question)
    assert dominant(question) == "perturbation"
    assert facts["share"] == pytest.approx(
        100 * at(question)["perturbation"] / question.total(), rel=5e-3
    )
    assert powers("perturbation") == (-1, -1)
    threshold = facts["threshold"]
    for factor, below in ((1.01, True), (0.99, False)):
        terms = at(question, T=round(factor * threshold))
        first = leading(question, T=round(factor * threshold))
        assert (terms["perturbation"] < first) is below
    (slowest,) = re.findall(r"Even ρ falling as \(bT\)\^\((-\d+/\d+)\) keeps", question.answer)
    slow = {rho: c_rho * (b * T) ** sympy.Rational(slowest), gamma: corollary1.SCHEDULES[gamma]}
    half = -sympy.Rational(1, 2)
    rate = corollary1.rate(question.bound.terms["perturbation"].expr.subs(slow))
    assert (rate.power_b, rate.power_T) == (half, half)
    second = corollary1.rate(question.bound.terms["perturbed_noise"].expr.subs(slow))
    assert second.power_b <= half or second.power_T < half
    floor = question.bound.terms["perturbation"].expr.subs(Gb, G)
    assert sympy.simplify(floor - 45 * G * L**2 * rho**2 / eps) == 0
    assert "leaves the floor 45 G L²ρ²/ε" in question.answer
    assert "its term falls as 1/(bT)" in question.answer
