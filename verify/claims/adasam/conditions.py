"""Claims on the conditions of Theorem 1: what happens where they fail."""

import math
from typing import Any

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from simulators import spec as specs
from simulators.spec import EngineSpec, ProblemSpec, RunSpec, Spec
from theory.bound import Bound, trivial
from theory.theorem1 import APPENDIX, TIGHT_SIMPLE
from verify.claims.claim import Claim
from verify.evidence.kind import Evidence
from verify.studies.study import Preset, Results, Study

ROUNDING = 1e-9
"""Relative room for rounding between a run's sum and the exact one."""

MOMENTA = (0.95, 0.99)
LARGE_V = 1e4
"""v_{-1}, where max(G, eps)^2 = 1."""


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return deterministic runs: a quadratic at the paper's largest step, one with a large v_{-1},
    and a minimiser.
    """

    def make(G: float, start: float, beta1: list[float], T: int, v_init: float = 0.0) -> Spec:
        return Spec(
            problem=ProblemSpec(profile="huber", L=1.0, sigma=0.0, G=G, d=1, start=start),
            run=RunSpec(
                gamma=1 / 16, rho=0.0, beta1=beta1, beta2=0.999, eps=1.0, b=1, T=T, v_init=v_init,
                runs=2, seed=seed,
            ),
            engine=EngineSpec(dtype="float64"),
        )  # fmt: skip

    return {
        "quadratic": make(1.0, 0.125, list(MOMENTA), 8192),
        "minimiser": make(0.5, 0.0, [0.0], 10),
        "large_v_init": make(1.0, 0.75, [0.0], 512, v_init=LARGE_V),
    }


STUDY = Study("conditions", study_specs)


def quadratic_sum(L: float, step: float, beta1: float, x0: float) -> float:
    """Return sum_{t>=0} f'(x_t)^2 of m_t = beta1 m_{t-1} + (1 - beta1) L x_t,
    x_{t+1} = x_t - step m_t, from (x_0, 0): the solution of a 2 x 2 Lyapunov equation.
    """
    weight = (1 - beta1) * L
    matrix = np.array([[1 - step * weight, -step * beta1], [weight, beta1]])
    value = solve_discrete_lyapunov(matrix.T, np.diag([L**2, 0.0]))
    return float(value[0, 0]) * x0**2


def cap_evidence(results: Results) -> Evidence:
    """Set a deterministic quadratic's left side beside TIGHT_SIMPLE's expression.

    At gamma = eps/(16 L), eps = G, sigma = rho = 0. The tail beyond T is below rounding.
    """
    instances = []
    for instance, cell, problem in _instances("quadratic", TIGHT_SIMPLE, results):
        total = quadratic_sum(
            problem.L, cell["gamma"] / cell["eps"], cell["beta1"], float(problem.x0[0])
        )
        exact = total / cell["T"]
        instances.append(instance | {"lhs_low": exact, "lhs_high": exact})
    return {"instances": instances}


def small_G_evidence(results: Results) -> Evidence:
    """Set a run that starts at the minimiser, and stays, beside (47) where G < eps."""
    return {
        "instances": [
            instance | {"lhs_low": 0.0, "lhs_high": 0.0}
            for instance, _, _ in _instances("minimiser", APPENDIX, results)
        ]
    }


def v_init_evidence(results: Results) -> Evidence:
    """Set a quadratic's left side beside (47) where v_{-1} is far above max(G, eps)^2.

    v_t only falls, so that v_hat = v_0 for ever and x_{t+1} = (1 - gamma L/sqrt(v_0)) x_t.
    """
    instances = []
    for instance, cell, problem in _instances("large_v_init", APPENDIX, results):
        first = (problem.L * float(problem.x0[0])) ** 2
        v_0 = cell["beta2"] * cell["v_init"] + (1 - cell["beta2"]) * first
        q = (1 - cell["gamma"] * problem.L / math.sqrt(v_0)) ** 2
        exact = first * (1 - q ** cell["T"]) / (1 - q) / cell["T"]
        instances.append(instance | {"lhs_low": exact, "lhs_high": exact})
    return {"instances": instances}


def _instances(name: str, bound: Bound, results: Results) -> list[tuple[dict[str, Any], Any, Any]]:
    """Return each cell's instance, with the bound's expression whether or not it applies."""
    spec, runs = results[name]
    problem = spec.problem.make()
    constants = problem.certificate.constants
    out = []
    for number, cell in enumerate(specs.cells(spec, problem)):
        terms = bound.evaluate(constants, specs.hyperparameters(cell))
        rhs = float(sum(float(term) for term in terms.values()))
        lhs = float(runs.lhs(number).mean())
        instance = {
            "name": name,
            "spec": specs.to_json(specs.single(spec, cell)),
            "lhs": lhs,
            "sample_low": lhs * (1 - ROUNDING),
            "sample_high": lhs * (1 + ROUNDING),
            "rhs": rhs,
            "trivial": float(trivial(constants)),
            "vacuous": rhs >= float(trivial(constants)),
            "confidence": 1.0,
            "n": 1,
            "interval": "exact",
        }
        out.append((instance, cell, problem))
    return out


CLAIMS = (
    Claim(
        id="theorem1.tight_simple_cap",
        source="gamma <= eps/(16 L), Theorem 1",
        statement="TIGHT_SIMPLE holds under the paper's gamma <= eps/(16 L) alone.",
        method="exact",
        expected="refuted",
        evidence=cap_evidence,
        study=STUDY,
        remark="With momentum the closed form needs its own step condition, "
        "5 (kappa gamma L/eps)^2 + (4/3) gamma L/eps <= 1/4; beyond it, use CORRECTED or TIGHT.",
    ),
    Claim(
        id="theorem1.small_G",
        source="(47), where the appendix's proof ends",
        statement="(47) holds as printed when G < eps.",
        method="exact",
        expected="refuted",
        evidence=small_G_evidence,
        study=STUDY,
        remark="(18) needs eta >= 1/G, hence eps <= G: with max(G, eps) for G the bound holds.",
    ),
    Claim(
        id="algorithm1.v_init",
        source="Algorithm 1, which leaves v_{-1} open",
        statement="(47) holds whatever v_{-1} is.",
        method="exact",
        expected="refuted",
        evidence=v_init_evidence,
        study=STUDY,
        remark="Lemma 3's eta >= 1/G needs v_{-1} <= max(G, eps)^2; 0, the usual choice, will do.",
    ),
)
