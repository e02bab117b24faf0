"""Every margin and range that a claim fixes beforehand: just inside it holds, just beyond it not.

Left sides are planted; where a claim knows them exactly, that is moved along.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from theory import basin
from theory.theorem1 import VARIANTS
from verify.claims import CLAIMS
from verify.claims.adasam import assumptions, lemmas, regimes, remark1, remark3, sharpness
from verify.evidence.judge import verdict
from verify.evidence.statistics import finite_sample_mean
from verify.oracles import search
from verify.oracles.lemmas import Tally
from verify.studies.study import Preset

FEW = Preset("few", 64, 64, most=16)
JUST = 1e-4
"""Share of a margin by which a planted value is inside it or beyond."""
QUIET = 1e-7
"""How far planted runs spread: their intervals are far below JUST of a margin."""


def exact(problem: Any, cell: dict[str, float]) -> float:
    start = float((problem.gradient(problem.x0, np) ** 2).sum())
    given = problem.L, problem.sigma, cell["eps"], cell["gamma"], cell["beta1"]
    together = int(cell["b"] * cell["workers"])
    return basin.mean_grad_norm2_with_momentum(*given, together, int(cell["T"]), start)


def measured(law: Callable[[float, float], float]) -> Callable:
    """What is planted where there is a perturbation; where there is none, what is known."""
    return lambda problem, cell: law(cell["b"], cell["T"]) if cell["rho"] else exact(problem, cell)


@dataclass(frozen=True)
class Margin:
    """A slope's margin: ``law(off)`` plants what is off its target by so much."""

    claim: str
    margin: float
    law: Callable[[float], Callable]
    inside: str = "holds"
    beyond: str = "refuted"


def floors(law: str, axis: str) -> Callable:
    """One of the six floors' slopes tilted, in the law that has it."""
    of = {"above": None, "below": regimes.SCHEDULED, "fixed": regimes.FIXED}

    def tilted(off: float) -> Callable:
        def planted(problem: Any, cell: dict[str, float]) -> float:
            name = "above" if cell["eps"] == regimes.ABOVE else _law(cell)
            p, q = {"above": (-0.5, -0.5), "below": (0.0, -0.5), "fixed": (-0.5, -0.5)}[name]
            if name == "above":  # its exact slopes are known, and so it has a control
                return regimes.constant_step(problem, cell)
            along = "T" if cell["v_init"] else "b"
            if (name, along) == (law, axis):
                p, q = (p + off, q) if axis == "b" else (p, q + off)
            return 0.1 * cell["b"] ** p * cell["T"] ** q

        return planted

    assert law in of
    return tilted


def _law(cell: dict[str, float]) -> str:
    scheduled = math.isclose(cell["gamma"], 0.1 * math.sqrt(cell["b"] / cell["T"]))
    return "below" if scheduled else "fixed"


def adaptive(off: float) -> Callable:
    return lambda problem, cell: (
        cell["b"] ** (-0.5 + off)
        if cell["eps"] == regimes.BELOW
        else regimes.constant_step(problem, cell)
    )


def steps(along: str) -> Callable:
    """T(delta) = c b^-1 delta^-2, one of the powers off: delta as a function of b and T."""

    def tilted(off: float) -> Callable:
        p, q = (-1 + off, -2.0) if along == "b" else (-1.0, -2 + off)

        def planted(problem: Any, cell: dict[str, float]) -> float:
            b, T = cell["b"], cell["T"]
            return (T / (0.08 * b**p)) ** (1 / q) if cell["rho"] else straight(b, T)

        return planted

    return tilted


def straight(b: float, T: float) -> float:
    """A power law through the place where the exact left side is the tolerance, near this T."""
    middles = [middle for row in remark3.STEPS_ALONG.values() for n, middle in row if n == b]
    delta = remark3.tolerance(int(b), min(middles, key=lambda middle: abs(math.log(T / middle))))
    return delta * (T / remark3.exact_steps(int(b), delta)) ** -0.5


SLOPES = [
    Margin("corollary1.rate_b", 0.05, lambda off: measured(lambda b, T: b ** (-0.5 + off))),
    Margin("corollary1.rate_T", 0.05, lambda off: measured(lambda b, T: T ** (-0.5 + off))),
    # The widest pair of equal bT has b = 4 and 64.
    Margin("corollary1.collapse", math.log(1.1) / math.log(16),
           lambda off: measured(lambda b, T: (b * T) ** -0.5 * b**off)),
    Margin("corollary1.b_cubed", 0.05, lambda off: measured(lambda b, T: b ** (-0.5 + off)),
           "refuted", "inconclusive"),
    Margin("corollary1.rho_rate", 0.05,
           lambda off: measured(lambda b, T: b ** (-0.5 + off) * T**-0.5),
           "refuted", "inconclusive"),
    Margin("corollary1.rho_rate", 0.05,
           lambda off: measured(lambda b, T: b**-0.5 * T ** (-0.5 + off)),
           "refuted", "inconclusive"),
    Margin("regime.adaptive", 0.05, adaptive),
    *(Margin("regime.floors", 0.05, floors(law, axis))
      for law in ("below", "fixed") for axis in ("b", "T")),
    Margin("remark3.steps", 0.1, steps("b")),
    Margin("remark3.steps", 0.2, steps("delta")),
]  # fmt: skip


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("case", SLOPES, ids=lambda case: case.claim)
def test_a_slope_just_inside_its_margin_holds_and_just_beyond_it_does_not(
    planted_results, case, side
):
    claim = CLAIMS[case.claim]
    for share, expected in ((1 - JUST, case.inside), (1 + JUST, case.beyond)):
        law = case.law(side * share * case.margin)
        evidence = claim.evidence(planted_results(claim, law, QUIET, FEW))
        assert verdict(evidence) == expected, (share, side)


def range_of(least: float, most: float = math.inf) -> list[tuple[float, str]]:
    """Places just inside a range and just beyond its ends, and what they are to give."""
    out = []
    for end, inwards in ((least, 1), (most, -1)):
        if math.isfinite(end):
            out += [(end * (1 + inwards * 1e-6), "holds"), (end * (1 - inwards * 1e-6), "refuted")]
    return out


@pytest.mark.parametrize(("share", "expected"), range_of(0.95, 1.0))
def test_tights_leading_terms_are_attained_from_19_twentieths_on(
    planted_results, monkeypatch, share, expected
):
    """Every left side that is known is this share of TIGHT."""
    monkeypatch.setattr(
        sharpness, "_exact", lambda problem, cell: share * sharpness_tight(problem, cell)
    )
    claim = CLAIMS["sharp.leading"]
    results = planted_results(claim, sharpness._exact, 0.03, FEW)
    assert verdict(claim.evidence(results)) == expected


def sharpness_tight(problem: Any, cell: dict[str, float]) -> float:
    constants = problem.certificate.constants
    return float(sharpness.TIGHT.total(constants, sharpness.specs.hyperparameters(cell)))


@pytest.mark.parametrize(("ratio", "expected"), range_of(0.95, 1.05))
def test_momentum_leaves_the_floor_within_five_per_cent(
    planted_results, monkeypatch, ratio, expected
):
    plain = {1.0: 0.01, 16.0: 0.001}
    monkeypatch.setattr(
        sharpness, "_exact", lambda problem, cell: plain[cell["b"]] * ratio ** bool(cell["beta1"])
    )
    claim = CLAIMS["sharp.momentum"]
    results = planted_results(claim, sharpness._exact, 0.03, FEW)
    assert verdict(claim.evidence(results)) == expected


@pytest.mark.parametrize(("times", "expected"), range_of(10.0))
def test_momentums_term_alone_must_exceed_the_left_side_tenfold(
    planted_results, monkeypatch, times, expected
):
    claim = CLAIMS["sharp.momentum"]
    problem = sharpness.FLOOR.make()
    ((spec, _),) = planted_results(claim, exact, 0.03, FEW).values()
    cell = next(c for c in sharpness.specs.cells(spec, problem) if c["beta1"] == 0.9)
    terms = sharpness.CORRECTED.evaluate(
        problem.certificate.constants, sharpness.specs.hyperparameters(cell)
    )  # fmt: skip
    monkeypatch.setattr(sharpness, "_exact", lambda *given: float(terms["momentum"]) / times)
    results = planted_results(claim, sharpness._exact, 0.03, FEW)
    assert verdict(claim.evidence(results)) == expected


COEFFICIENTS = [
    (name, limit * (1 + inwards * off), expected)
    for name, least, most in (("left", 0.75, 1.001), ("tight", 1.0, 1.001),
                              ("corrected", 45.0, 45.045))
    for limit, inwards in ((least, 1), (most, -1))
    for off, expected in ((1e-9, "holds"), (-1e-9, "refuted"))
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), COEFFICIENTS)
def test_the_coefficients_of_the_perturbation_are_pinned(monkeypatch, name, value, expected):
    """At t = 1/16: the left side from 1 - 4 t on, TIGHT's 1, CORRECTED's 45, all to 1/1000."""
    found = {"left": 0.8, "tight": 1.0, "corrected": 45.0} | {name: value}
    monkeypatch.setattr(sharpness, "_limit", lambda bound, problem: found[bound.name])
    items = sharpness._coefficients(sharpness.stairs(4), Fraction(found["left"]), "t = 2^-4")
    assert verdict({"ranges": items}) == expected


@pytest.mark.parametrize(("kept", "expected"), [(0.999e-3, "holds"), (1.001e-3, "refuted")])
def test_a_path_is_back_if_it_has_lost_all_but_a_thousandth(monkeypatch, kept, expected):
    def settle(problem):
        return {(beta1, start): start * np.array([1.0, kept]) for beta1 in sharpness.STAIR_MOMENTA
                for start in sharpness.STAIR_STARTS}  # fmt: skip

    monkeypatch.setattr(sharpness, "settle", settle)
    monkeypatch.setattr(sharpness, "_floor", lambda k, rho: {})
    assert verdict(sharpness.rho_evidence({})) == expected


@pytest.mark.parametrize(("ratio", "expected"), range_of(0.999, 1.001))
def test_floors_of_workers_are_those_of_one_to_a_thousandth(
    planted_results, monkeypatch, ratio, expected
):
    """The floor of one worker of 16 is off that of 16 workers of 1, and of others like it."""

    def law(problem, cell):
        alone = 0.05 / (cell["b"] * cell["workers"])
        return alone * (ratio if cell["b"] == 16 else 1.0)

    claim = CLAIMS["remark3.workers"]
    results = planted_results(claim, law, 0.03, FEW)
    monkeypatch.setattr(remark3, "basin", SimpleNamespace(mean_grad_norm2=None))
    values = iter([law(None, cell) for spec, _ in results.values()
                   for cell in remark3.specs.cells(spec, remark3.WORKERS.make())
                   if not cell["rho"]])  # fmt: skip
    monkeypatch.setattr(remark3.basin, "mean_grad_norm2", lambda *given: next(values))
    (floors_part,) = [part for part in claim.evidence(results)["parts"] if part["name"] == "floors"]
    assert verdict(floors_part) == expected


START = float(remark1.RareGradients().gradient(np.zeros(1))[0]) ** 2
LONG = remark1.RARE_T[1]


def reached(limit: float, value: Callable[[float], float], low: float, high: float) -> float:
    """The constant left side at which an end of its interval is at the limit."""
    return float(brentq(lambda level: value(level) - limit, low, high, xtol=1e-16, rtol=1e-14))


@pytest.mark.parametrize("off", [-1e-6, 1e-6])
@pytest.mark.parametrize(
    ("method", "T", "limit", "least"),
    [
        ("adam_sam", None, START, True),
        ("adasam", LONG, START, False),
        ("adam_sam", "fall", 0.75, True),
        ("adasam", "fall", 0.75, False),
    ],
)
def test_what_fails_without_the_max_and_what_falls_with_it(
    monkeypatch, method, T, limit, least, off
):
    """Above the start's, below it, and three quarters in four times the steps."""
    upper = float(remark1.RareGradients().certificate.G_f.value) ** 2
    confidence, n = 1 - 1e-6 / 8, 512

    def interval(level: float) -> Any:
        return finite_sample_mean(np.full(n, level), upper, confidence)

    levels = {("adasam", T): 2 * START * (0.1 if T == LONG else 0.9) for T in remark1.RARE_T}
    levels |= {("adam_sam", T): 4 * START for T in remark1.RARE_T}
    levels["adasam", remark1.RARE_T[0]] = START if T == "fall" else 3 * START
    if T == "fall":
        short = interval(levels[method, remark1.RARE_T[0]])
        value = (lambda x: interval(x).low / short.high) if least else (
            lambda x: interval(x).high / short.low)  # fmt: skip
        places = [LONG]
    else:
        value = (lambda x: interval(x).low) if least else (lambda x: interval(x).high)
        places = [LONG] if T else list(remark1.RARE_T)
    level = reached(limit, value, 1e-9, 0.99 * upper) * (1 + off)
    levels |= {(method, T): level for T in places}
    runs = {
        (kind, beta1, T): (np.array([T]), np.full((n, 1), levels[kind, T]))
        for kind, T in levels
        for beta1 in remark1.RARE_MOMENTA
    }
    monkeypatch.setattr(remark1, "rare_runs", lambda: runs)
    evidence = CLAIMS["remark1.no_max"].evidence({})
    assert verdict(evidence) == ("holds" if (off > 0) == least else "inconclusive")


ROUNDED = [name for name in CLAIMS if name.startswith("lemma") and name != "lemma10.printed"]


@pytest.mark.parametrize("name", ROUNDED)
@pytest.mark.parametrize(("excess", "expected"), [(0.999e-9, "holds"), (1.001e-9, "refuted")])
def test_a_lemma_may_be_exceeded_by_rounding_and_no_more(monkeypatch, name, excess, expected):
    """By either of its tallies: of enumerated sums, and of simulated paths where there are any."""
    whole = {"left": 1.0, "right": 1.0}
    fine, off = Tally(5, -0.1, 0.9, dict(whole)), Tally(5, excess, 0.8, dict(whole))
    paths = [name] if name in ("lemma3", "lemma4") else []
    for enumerated, simulated in ((off, fine), (fine, off)) if paths else ((off, fine),):
        monkeypatch.setattr(lemmas.lemmas, "enumerate_lemmas", lambda t=enumerated: {name: t})
        monkeypatch.setattr(
            lemmas.lemmas, "simulated_paths", lambda t=simulated: dict.fromkeys(paths, t)
        )
        evidence = CLAIMS[name].evidence({})
        assert verdict(evidence) == expected
        assert evidence["lemma"]["states"] == 5 * (1 + len(paths))


def test_lemma_10_as_printed_has_no_room_for_rounding():
    lemma = CLAIMS["lemma10.printed"].evidence({})["lemma"]
    assert verdict({"lemma": lemma | {"excess": 1e-15}}) == "refuted"
    assert verdict({"lemma": lemma | {"excess": 0.0}}) == "holds"


LIMITS = {
    "assumption1": [("lipschitz_ratio", lambda p: 2.0, True)],
    "assumption2": [("noise_variance", lambda p: 0.25, True), ("bias", lambda p: 1.0, False)],
    "assumption3": [("largest_coordinate", lambda p: 1.0, True)],
}
"""By claim: what is searched, the certified value (the bias's unit is G), and if it is attained."""


@pytest.mark.parametrize("name", LIMITS)
def test_a_certificate_is_exceeded_beyond_rounding_and_attained_to_a_thousandth(monkeypatch, name):
    problem = assumptions.problems()[0]
    monkeypatch.setattr(assumptions, "problems", lambda: (problem,))
    assert (problem.L, problem.sigma, problem.G) == (2.0, 0.5, 1.0)

    def outcome(**found: float) -> str:
        for other, value, attained in LIMITS[name]:
            at = found.get(other, value(problem) if attained else 0.0)
            monkeypatch.setattr(search, other, lambda p, at=at: search.Found(at, [[0.0]], 1))
        return verdict(CLAIMS[name].evidence({}))

    for what, value, attained in LIMITS[name]:
        limit = value(problem) * (1.0 if attained else 0.0)
        assert outcome(**{what: limit + 0.999e-9 * value(problem)}) == "holds"
        assert outcome(**{what: limit + 1.001e-9 * value(problem)}) == "refuted"
        if attained:
            assert outcome(**{what: 0.99901 * limit}) == "holds"
            assert outcome(**{what: 0.99899 * limit}) == "inconclusive"


@pytest.mark.parametrize(("apart", "expected"), [(0.9e-12, "holds"), (1.1e-12, "refuted")])
@pytest.mark.parametrize("other", ["sam", "written out"])
def test_paths_are_one_to_a_millionth_of_a_millionth(monkeypatch, apart, expected, other):
    (spec, _), *_ = [(job, None) for job in remark1.path_specs(FEW, 0).values()]
    zero, moved = np.zeros((8, 3, 4)), np.zeros((8, 3, 4))
    moved[3, 2, 1] = apart
    still = SimpleNamespace(x=zero, adaptive_share=np.zeros(8))
    sam = SimpleNamespace(x=moved if other == "sam" else zero, adaptive_share=np.zeros(8))
    written = moved if other == "written out" else zero
    monkeypatch.setattr(remark1, "sam_path", lambda spec, runs: written)
    monkeypatch.setattr(remark1, "_points", lambda name, result: [])
    evidence = remark1.sam_evidence({"adasam": (spec, still), "sam": (spec, sam)})  # type: ignore[dict-item]
    assert verdict(evidence) == expected


@pytest.mark.parametrize("name", ["theorem1.tight_simple_cap", "algorithm1.v_init"])
@pytest.mark.parametrize(("off", "expected"), [(0.9e-9, "refuted"), (1.1e-9, "inconclusive")])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_run_without_noise_has_its_exact_sum_to_rounding(
    planted_results, name, off, expected, side
):
    claim = CLAIMS[name]
    found = claim.evidence(planted_results(claim, lambda *given: 1.0, 0.0, FEW))
    sums = {item["spec"]["run"]["beta1"]: item["lhs_low"] for item in found["instances"]}
    law = lambda problem, cell: sums.get(cell["beta1"], 0.0) * (1 + side * off)  # noqa: E731
    assert verdict(claim.evidence(planted_results(claim, law, 0.0, FEW))) == expected


@pytest.mark.parametrize("name", [f"theorem1.{name}" for name in VARIANTS])
@pytest.mark.parametrize("off", [-1e-6, 1e-6])
def test_a_bound_holds_while_the_whole_interval_is_below_it(planted_results, name, off):
    """Of one instance the interval's upper end is moved across the bound."""
    claim, label, few = CLAIMS[name], "huber_edge", Preset("few", 1280, 64, most=16)

    def judged(level: float) -> dict[str, Any]:
        law = lambda problem, cell: level if cell["b"] == 1 else 1e-3  # noqa: E731
        results = planted_results(claim, law, 0.0, few)
        instances = claim.evidence({label: results[label]})["instances"]
        return {"instances": [item for item in instances if item["name"] == label]}

    item = judged(1e-3)["instances"][0]
    upper = 4 * 0.75**2  # d G_f^2
    level = reached(
        item["rhs"],
        lambda x: finite_sample_mean(np.full(item["n"], x), upper, item["confidence"]).high,
        1e-9, 0.99 * upper,
    )  # fmt: skip
    assert verdict(judged(level * (1 + off))) == ("holds" if off < 0 else "inconclusive")


COMPARED = [
    name
    for name, claim in CLAIMS.items()
    if claim.method == "symbolic"
    and claim.expected == "holds"
    and not claim.study
    and not name.startswith("proof")
]


@pytest.mark.parametrize("name", COMPARED)
def test_one_expression_that_differs_refutes_a_symbolic_claim(name):
    evidence = CLAIMS[name].evidence({})
    assert verdict(evidence) == "holds"
    for number in range(len(evidence["comparisons"])):
        rows = [dict(row) for row in evidence["comparisons"]]
        rows[number]["equal"] = False
        assert verdict({**evidence, "comparisons": rows}) == "refuted"


PINNED = {case.claim for case in SLOPES} | set(ROUNDED) | set(LIMITS) | set(COMPARED) | {
    *(f"theorem1.{name}" for name in VARIANTS), "theorem1.tight_simple_cap", "algorithm1.v_init",
    "lemma10.printed", "remark1.no_max", "remark1.sam", "remark3.workers", "sharp.leading",
    "sharp.momentum", "sharp.rho",
}  # fmt: skip
UNLIMITED = {
    "proof.coefficients": "a step of a derivation checks or not",
    "proof.sharp": "a step of a derivation checks or not",
    "theorem1.small_G": "both sides are exactly 0 or not",
    "units.printed": "its units differ",
    "units.appendix": "its units differ",
    "remark1.diminishing": "a step that falls at all",
}
"""Claims that fix no margin and no range, and why."""


def test_every_claim_has_its_margins_pinned_here():
    assert PINNED | set(UNLIMITED) == set(CLAIMS)
