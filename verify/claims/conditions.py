"""Claims on the conditions of Theorem 1: what happens where they fail."""

from typing import Any

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from simulators import spec as specs
from simulators.spec import EngineSpec, ProblemSpec, RunSpec, Spec
from theory.bound import Bound, trivial
from theory.theorem1 import APPENDIX, TIGHT_SIMPLE
from verify.claim import Claim, Preset, Results, Study
from verify.verdict import Evidence

MOMENTA = (0.95, 0.99)


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return two deterministic runs: a quadratic at the paper's largest step, and a minimiser."""

    def make(G: float, start: float, gamma: float, beta1: list[float], T: int) -> Spec:
        return Spec(
            problem=ProblemSpec(profile="huber", L=1.0, sigma=0.0, G=G, d=1, start=start),
            run=RunSpec(
                gamma=gamma, rho=0.0, beta1=beta1, beta2=0.999, eps=1.0, b=1, T=T, runs=2, seed=seed
            ),
            engine=EngineSpec(dtype="float64"),
        )

    return {
        "quadratic": make(1.0, 0.125, 1 / 16, list(MOMENTA), 8192),
        "minimiser": make(0.5, 0.0, 1 / 16, [0.0], 10),
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


def _instances(name: str, bound: Bound, results: Results) -> list[tuple[dict[str, Any], Any, Any]]:
    """Return each cell's instance, with the bound's expression whether or not it applies."""
    spec, runs = results[name]
    problem = spec.problem.make()
    constants = problem.certificate.constants
    out = []
    for number, cell in enumerate(specs.cells(spec, problem)):
        terms = bound.evaluate(constants, specs.hyperparameters(cell))
        rhs = float(sum(float(term) for term in terms.values()))
        instance = {
            "name": name,
            "spec": specs.to_json(specs.single(spec, cell)),
            "lhs": float(runs.lhs(number).mean()),
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
)
