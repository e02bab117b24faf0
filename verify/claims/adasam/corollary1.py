"""Claims on Corollary 1: the rates of the terms, and the measured slopes in b and in T."""

from collections.abc import Sequence
from functools import partial

import sympy

from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.corollary1 import PRINTED_RATES, optimal_c_gamma, rates, thresholds
from theory.symbols import Gb, b, beta1, eps
from theory.theorem1 import APPENDIX, CORRECTED
from verify.claims.claim import Claim
from verify.evidence.budget import budget_at_one_look
from verify.evidence.comparison import comparison
from verify.evidence.kind import Evidence
from verify.evidence.measured import fitted, measured
from verify.studies.study import Preset, Results, Study

BATCHES = (1, 4, 16, 64)
SHORT, LONG = 16384, (16384, 32768, 65536, 131072, 262144)
SHORTER = (1024, 4096)
FIXED_B = 16

BASIN = ProblemSpec(profile="huber", L=1.0, sigma=1.0, G=2.0, d=4, start=0.1 * 2**0.5)
"""A Huber basin, G_f = 1.5, with L Delta/sigma^2 = 0.04: so T >= 6400 b L Delta/sigma^2 from
b = 64, T = 16384 on, which keeps gamma two orders below the theorem's limit."""

C_RHO = 0.5


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return the specs along b and along T: with Corollary 1's rho and, as a control, rho = 0.

    And short ones, of which several have the bT of others.
    """

    def make(b: Sequence[int], T: Sequence[int], runs: int) -> Spec:
        return Spec(
            problem=BASIN,
            run=RunSpec(
                beta1=0.0, beta2=0.999, eps=2.0, b=[float(n) for n in b], T=[float(n) for n in T],
                runs=runs, seed=seed, schedule="corollary1", c_gamma="corrected",
                c_rho=[C_RHO, 0.0],
            ),
        )  # fmt: skip

    return {
        "along_b": make(BATCHES, [SHORT], preset.slope_runs),
        "along_T": make([FIXED_B], LONG, preset.slope_runs),
        "short": make(BATCHES[1:], SHORTER, 8 * preset.slope_runs),
    }


STUDY = Study("speedup", study_specs)


def slope_evidence(axis: str, results: Results) -> Evidence:
    """Fit the slope of log LHS along b or T, and of a control whose slope is known exactly."""
    cells, controls = (measured(*results[f"along_{axis}"], perturbed=p) for p in (True, False))
    constants = BASIN.make().certificate.constants
    ratio = float(constants.L) * float(constants.Delta) / float(constants.sigma) ** 2
    return {
        **fitted(axis, cells, controls, 1 - budget_at_one_look(results) / 2),
        "least_T_over_6400_b_L_Delta_over_sigma2": min(
            point["T"] / (6400 * point["b"] * ratio) for point, _ in cells
        ),
    }


def terms_evidence(results: Results) -> Evidence:
    """Derive each term's rate under the schedules and compare their set with the six printed."""
    derived = rates(APPENDIX)
    comparisons = [
        comparison(
            f"{name} is among the six rates",
            (rate.power_b, rate.power_T) in PRINTED_RATES,
            True,
        )
        for name, rate in derived.items()
    ]
    found = {(rate.power_b, rate.power_T) for rate in derived.values()}
    comparisons.append(
        comparison("the terms' rates and the six are one set", sorted(found), sorted(PRINTED_RATES))
    )
    return {
        "comparisons": comparisons,
        "rates": {name: f"b^({r.power_b}) T^({r.power_T})" for name, r in derived.items()},
        "optimal_c_gamma": str(optimal_c_gamma(APPENDIX)),
    }


def threshold_evidence(results: Results) -> Evidence:
    """At its threshold each term equals the two leading ones, and it falls faster in T.

    So past the threshold it is below them, for every b and all constants.
    """
    derived, comparisons = rates(CORRECTED), []
    # beta1 < 1 and eps < max(G, eps), said so that computer algebra sees it.
    kappa, excess = sympy.symbols("kappa excess", positive=True)
    ranges = [(beta1, kappa / (1 + kappa)), (Gb, eps + excess)]
    K = sum((derived[name].coefficient for name in CORRECTED.leading), sympy.Integer(0))
    limits = thresholds(CORRECTED)
    for name, limit in limits.items():
        term = derived[name]
        value = term.coefficient * b**term.power_b * limit**term.power_T
        ratio = sympy.simplify(sympy.sympify(value * sympy.sqrt(b * limit) / K).subs(ranges))
        comparisons.append(comparison(f"{name}/(leading terms) at its threshold", ratio, 1))
        faster = bool(term.power_T < sympy.Rational(-1, 2))
        comparisons.append(comparison(f"{name} falls faster than T^(-1/2)", faster, True))
    return {
        "comparisons": comparisons,
        "thresholds": {name: str(limit) for name, limit in limits.items()},
    }


CLAIMS = (
    Claim(
        id="corollary1.terms",
        source="Corollary 1",
        statement="Under gamma = c_gamma sqrt(b/T) and rho = c_rho/sqrt(bT) the terms of (47) "
        "have the six rates that Corollary 1 prints.",
        method="symbolic",
        expected="holds",
        evidence=terms_evidence,
        figure="schedules",
    ),
    Claim(
        id="corollary1.threshold",
        source='Corollary 1, "T sufficiently large"',
        statement="Past the T derived for each other term, the two leading terms of the corrected "
        "bound together exceed it.",
        method="symbolic",
        expected="holds",
        evidence=threshold_evidence,
        figure="terms",
        remark="With momentum the derived T grows as b^3: an artefact of the paper's momentum "
        "term, which the sharp theorem does not have.",
    ),
    *(
        Claim(
            id=f"corollary1.rate_{axis}",
            source="Corollary 1, (7)",
            statement=f"The average squared gradient falls as {axis}^(-1/2) where eps is not "
            "below the noise (run with eps = G, where v_hat never moves, without momentum, in a "
            "Huber basin).",
            method="simulation",
            expected="holds",
            evidence=partial(slope_evidence, axis),
            study=STUDY,
            figure="linear_speedup",
        )
        for axis in ("b", "T")
    ),
)
