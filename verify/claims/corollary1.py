"""Claims on Corollary 1: the rates of the terms, and the measured slopes in b and in T."""

from functools import partial
from typing import Any

from simulators import spec as specs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory import basin
from theory.corollary1 import PRINTED_RATES, optimal_c_gamma, rates
from theory.theorem1 import APPENDIX
from verify.claim import ERROR_BUDGET, Claim, Preset, Results, Study, comparison
from verify.statistics import Slope, log_slope, normal_mean
from verify.verdict import Evidence

TARGET, MARGIN = -0.5, 0.05
"""The slope of a linear speed-up, and how far a measured one may be from it; fixed beforehand."""

BATCHES = (1, 4, 16, 64)
SHORT, LONG = 16384, (16384, 32768, 65536, 131072, 262144)
FIXED_B = 16

BASIN = ProblemSpec(profile="huber", L=1.0, sigma=1.0, G=2.0, d=4, start=0.1 * 2**0.5)
"""A Huber basin, G_f = 1.5, with L Delta/sigma^2 = 0.04: so T >= 6400 b L Delta/sigma^2 from
b = 64, T = 16384 on, which keeps gamma two orders below the theorem's limit."""

C_RHO = 0.5


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return the specs: along b and along T, each with Corollary 1's rho and with rho = 0."""

    def make(b: list[float], T: list[float]) -> Spec:
        return Spec(
            problem=BASIN,
            run=RunSpec(
                beta1=0.0, beta2=0.999, eps=2.0, b=b, T=T, runs=preset.slope_runs, seed=seed,
                schedule="corollary1", c_gamma="corrected", c_rho=[0.0, C_RHO],
            ),
        )  # fmt: skip

    return {
        "along_b": make([float(b) for b in BATCHES], [SHORT]),
        "along_T": make([float(FIXED_B)], [float(T) for T in LONG]),
    }


STUDY = Study("speedup", study_specs)


def slope_evidence(axis: str, results: Results) -> Evidence:
    """Fit the slope of log LHS along b or T, and of a control whose slope is known exactly.

    The control is the same with rho = 0: there the left side has a closed form, and with it the
    slope over these very b and T.
    """
    spec, runs = results[f"along_{axis}"]
    problem = spec.problem.make()
    constants = problem.certificate.constants
    points: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    samples: dict[bool, list[Any]] = {True: [], False: []}
    shares = []
    for number, cell in enumerate(specs.cells(spec, problem)):
        perturbed = cell["rho"] > 0
        values = runs.lhs(number)
        interval = normal_mean(values, 1 - ERROR_BUDGET)
        point = {
            "spec": specs.to_json(specs.single(spec, cell)),
            "b": int(cell["b"]),
            "T": int(cell["T"]),
            "lhs": interval.estimate,
            "low": interval.low,
            "high": interval.high,
            "n": interval.n,
        }
        if not perturbed:
            start = float((problem.gradient(problem.x0, _numpy()) ** 2).sum())
            point["lhs_exact"] = basin.mean_grad_norm2(
                problem.L, problem.sigma, cell["eps"], cell["gamma"], cell["b"], int(cell["T"]),
                start,
            )  # fmt: skip
        points[perturbed].append(point)
        samples[perturbed].append(values)
        shares.append(float(runs.adaptive_share[runs.rows(number)].mean()))
    at = [point[axis] for point in points[True]]
    fitted = {kind: log_slope(at, samples[kind], 1 - ERROR_BUDGET) for kind in (True, False)}
    predicted = _predicted_slope(at, points[False], samples[False])
    limit = 6400 * max(p["b"] / p["T"] for p in points[True]) * problem.L * float(constants.Delta)
    return {
        "axis": axis,
        "points": points[True],
        **_slope_json(fitted[True]),
        "target": TARGET,
        "margin": MARGIN,
        "predicted": predicted,
        "adaptive_share": max(shares),
        "regime": {"6400 b L Delta/(sigma^2 T)": limit / problem.sigma**2},
        "control": {
            "points": points[False],
            **_slope_json(fitted[False]),
            "predicted": predicted,
        },
    }


def _numpy() -> Any:
    import numpy as np

    return np


def _slope_json(slope: Slope) -> dict[str, Any]:
    return {
        "slope": slope.slope,
        "low": slope.low,
        "high": slope.high,
        "confidence": slope.confidence,
        "local": [list(triple) for triple in slope.local],
    }


def _predicted_slope(at: list[int], points: list[dict[str, Any]], samples: list[Any]) -> float:
    """The slope that the same fit, with the same weights, gives to the exact left sides."""
    exact = [
        values * (point["lhs_exact"] / values.mean())
        for point, values in zip(points, samples, strict=True)
    ]
    return log_slope(at, exact, 1 - ERROR_BUDGET).slope


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


CLAIMS = (
    Claim(
        id="corollary1.terms",
        source="Corollary 1",
        statement="Under gamma = c_gamma sqrt(b/T) and rho = c_rho/sqrt(bT) the terms of (47) "
        "have the six rates that Corollary 1 prints.",
        method="symbolic",
        expected="holds",
        evidence=terms_evidence,
    ),
    *(
        Claim(
            id=f"corollary1.rate_{axis}",
            source="Corollary 1, (7)",
            statement=f"The average squared gradient falls as {axis}^(-1/2) where eps is not "
            "below the noise.",
            method="simulation",
            expected="holds",
            evidence=partial(slope_evidence, axis),
            study=STUDY,
            figure="linear_speedup",
        )
        for axis in ("b", "T")
    ),
)
