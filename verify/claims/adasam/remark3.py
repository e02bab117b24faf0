"""Claims on Remark 3: steps to a tolerance, and workers around a parameter server."""

import itertools
from fractions import Fraction
from functools import cache
from math import comb
from typing import Any

import numpy as np
from scipy import special
from scipy.optimize import root_scalar

from simulators import spec as specs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory import basin
from theory.bound import trivial
from theory.corollary1 import c_gamma_value, schedule
from theory.theorem1 import TIGHT
from verify.claims.adasam import corollary1
from verify.claims.claim import Claim
from verify.evidence.budget import ERROR_BUDGET, budget_at_one_look
from verify.evidence.comparison import comparison
from verify.evidence.kind import Evidence
from verify.evidence.measured import measured, slope_json
from verify.evidence.ratio import ratio
from verify.evidence.statistics import (
    Interval,
    finite_sample_mean,
    line_slope,
    log_crossing,
    normal_mean,
)
from verify.studies.study import Preset, Results, Study

C_RHO = corollary1.C_RHO
STEPS_ALONG = {
    "b": [(b, 16384 / b) for b in (1, 2, 4, 8)],
    "delta": [(4, 1024.0), (4, 4096.0), (4, 16384.0), (4, 65536.0)],
}
"""By axis, b and about how many steps the tolerance takes: delta is the exact left side there,
rho = 0. All have T >= 256 b = 6400 b L Delta/sigma^2."""

STEPS_BAND = 0.95
"""Confidence of the interval beside each T(delta), normal in log T."""

AROUND = (0.7, 0.85, 1.0, 1.2, 1.4)
"""The T that are run, over that T."""

STEPS_MARGIN = 0.1
"""Half a linear speed-up's: T falls as the left side's square."""


def exact_mean(b: int, T: float) -> float:
    """Return the exact left side under TIGHT's schedule at rho = 0; T may be any number."""
    problem, c_gamma, start = _basin()
    gamma, _ = schedule(c_gamma, 0.0, b, T)
    rest: Any = (problem.G, float(gamma), b, T, start)
    return float(basin.mean_grad_norm2(problem.L, problem.sigma, *rest))


@cache
def _basin() -> tuple[Any, np.ndarray, float]:
    """Return the problem, TIGHT's c_gamma and the squared gradient at its start."""
    problem = corollary1.BASIN.make()
    c_gamma = c_gamma_value(TIGHT, problem.certificate.constants, problem.G)
    return problem, c_gamma, float((problem.gradient(problem.x0, np) ** 2).sum())


def tolerance(b: int, T: float) -> float:
    """Return delta: the same along b, where bT is."""
    return exact_mean(STEPS_ALONG["b"][0][0], b * T)


@cache
def exact_steps(b: int, delta: float) -> float:
    """Return the T at which the exact left side is delta."""
    found = root_scalar(
        lambda T: exact_mean(b, T) - delta, bracket=(16.0, 1e9), method="brentq", xtol=1e-9
    )
    return float(found.root)


def steps_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return a spec for each b and tolerance: five T, with Corollary 1's rho and rho = 0."""
    out = {}
    for b, middle in dict.fromkeys(itertools.chain(*STEPS_ALONG.values())):
        run = RunSpec(
            beta1=0.0, beta2=0.999, eps=2.0, b=float(b),
            T=[float(round(share * middle)) for share in AROUND], runs=preset.slope_runs // 2,
            seed=seed, schedule="corollary1", c_gamma="tight", c_rho=[C_RHO, 0.0],
        )  # fmt: skip
        out[_key(b, middle)] = Spec(problem=corollary1.BASIN, run=run)
    return out


def steps_evidence(results: Results) -> Evidence:
    """Fit the slopes of the steps to a tolerance, in b and in delta, and of exact controls."""
    return {"parts": [_steps_part(axis, results) for axis in STEPS_ALONG]}


def _steps_part(axis: str, results: Results) -> dict[str, Any]:
    rows = [
        {"b": b, "delta": tolerance(b, middle), "key": _key(b, middle)}
        for b, middle in STEPS_ALONG[axis]
    ]
    rows.sort(key=lambda row: row[axis])
    at = np.log([row[axis] for row in rows])
    confidence = 1 - budget_at_one_look(results) / (2 * len(STEPS_ALONG))
    found, points = _crossings(rows, results, perturbed=True)
    known, control_points = _crossings(rows, results, perturbed=False)
    n = min(point["n"] for point in points + control_points)
    exact = np.log([exact_steps(row["b"], row["delta"]) for row in rows])
    predicted = line_slope(at, exact, known[1], n, confidence).slope
    target = -1.0 if axis == "b" else -2.0
    reach = -float(special.ndtri((1 - STEPS_BAND) / 2))
    return {
        "name": f"T(delta), in {axis}",
        "axis": axis,
        "of": "log T(delta)",
        "points": points,
        **slope_json(line_slope(at, found[0], found[1], n, confidence)),
        "target": target,
        "margin": STEPS_MARGIN * -target,
        "predicted": predicted,
        "adaptive_share": max(point["adaptive_share"] for point in points),
        "steps": [
            {
                "b": row["b"],
                "delta": row["delta"],
                "T": float(np.exp(log_T)),
                "low": float(np.exp(log_T - reach * error)),
                "high": float(np.exp(log_T + reach * error)),
                "exact": float(T),
            }
            for row, (log_T, error), T in zip(rows, found.T, np.exp(exact), strict=True)
        ],
        "control": {
            "points": control_points,
            **slope_json(line_slope(at, known[0], known[1], n, confidence)),
            "predicted": predicted,
        },
    }


def _crossings(
    rows: list[dict[str, Any]], results: Results, *, perturbed: bool
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Return log T to each row's tolerance and its standard error, (2, rows), and the points."""
    found, points = [], []
    for row in rows:
        cells = measured(
            *results[row["key"]], perturbed=perturbed,
            name="steps" if perturbed else "steps-control",
        )  # fmt: skip
        T, samples = [point["T"] for point, _ in cells], [sample for _, sample in cells]
        found.append(log_crossing(T, samples, row["delta"]))
        points += [point for point, _ in cells]
    return np.array(found).T, points


def _key(b: int, middle: float) -> str:
    return f"b{b}_T{middle:.0f}"


CREWS = ((1, 1), (4, 1), (1, 4), (16, 1), (4, 4), (1, 16))
"""(n, b): so many workers, a mini-batch of so many each."""

WORKERS = ProblemSpec(profile="huber", L=1.0, sigma=1.0, G=1.0, d=4, start="minimiser")


def workers_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return each crew on a Huber basin, each worker with its own perturbation, and none."""
    return {
        f"n{n}_b{b}": Spec(
            problem=WORKERS,
            run=RunSpec(
                method="local_sam", gamma=1 / 16, rho=[0.0, 0.2], beta1=0.0, beta2=0.999, eps=1.0,
                b=float(b), T=64, workers=float(n), runs=4 * preset.bound_runs, seed=seed,
            ),
        )
        for n, b in CREWS
    }  # fmt: skip


def server_variance(n: int, b: int) -> Fraction:
    """Return the variance of the server's mean of n workers' means of b fair signs, enumerated."""
    law = [(Fraction(2 * h - b, b), Fraction(comb(b, h), 2**b)) for h in range(b + 1)]
    total = Fraction(0)
    for drawn in itertools.product(law, repeat=n):
        mean = sum((value for value, _ in drawn), Fraction(0)) / n
        chance = Fraction(1)
        for _, p in drawn:
            chance *= p
        total += chance * mean**2
    return total


def workers_evidence(results: Results) -> Evidence:
    """Compare variances by enumeration; set n workers beside TIGHT with n b for b; compare the
    floors of n workers of b, without perturbation, with those of one worker.
    """
    problem = WORKERS.make()
    constants = problem.certificate.constants
    cells = {
        (int(cell["workers"]), int(cell["b"]), cell["rho"] > 0): (spec, cell, runs.lhs(number))
        for spec, runs in results.values()
        for number, cell in enumerate(specs.cells(spec, problem))
    }
    matched = [
        (one, other)
        for one, other in itertools.combinations(CREWS, 2)
        if one[0] * one[1] == other[0] * other[1] or other[1] == one[1] == 1
    ]
    confidence = 1 - ERROR_BUDGET / len(cells)
    instances, means = [], {}
    for (n, b, perturbed), (spec, cell, values) in cells.items():
        interval = finite_sample_mean(values, problem.largest_grad_norm2, confidence)
        hyper = specs.hyperparameters(cell)
        rhs = float(TIGHT.total(constants, hyper))
        normal = normal_mean(values, confidence)
        instance = {
            "name": f"workers-{n}" + ("" if perturbed else "-rho0"),
            "spec": specs.to_json(specs.single(spec, cell)),
            "lhs": interval.estimate,
            "lhs_low": interval.low,
            "lhs_high": interval.high,
            "normal_low": normal.low,
            "normal_high": normal.high,
            "rhs": rhs,
            "trivial": float(trivial(constants)),
            "vacuous": bool(TIGHT.vacuous(constants, hyper)),
            "confidence": confidence,
            "n": interval.n,
            "interval": interval.kind,
        }
        if not perturbed:
            exact = float(
                basin.mean_grad_norm2(
                    problem.L, problem.sigma, cell["eps"], cell["gamma"], n * b, int(cell["T"]), 0
                )
            )
            means[n, b] = interval, exact
            instance |= {
                "lhs_low": exact, "lhs_high": exact, "sample_low": interval.low,
                "sample_high": interval.high, "interval": "exact",
            }  # fmt: skip
        instances.append(instance)
    ranges = []
    for one, other in matched:
        (first, exact), (second, exact_second) = means[other], means[one]
        share = one[0] * one[1] / (other[0] * other[1])
        name = f"{_crew(*other)} over {_crew(*one)}, rho = 0, times {1 / share:g}"
        scaled = Interval(
            first.estimate / share, first.low / share, first.high / share, first.confidence,
            first.kind, first.n,
        )  # fmt: skip
        ranges.append(
            ratio(name, scaled, second, exact / share / exact_second, least=0.999, most=1.001)
        )
    comparisons = [
        comparison(f"n b/sigma^2 times the variance, n = {n}, b = {b}", n * b * value, 1)
        for n, b in ((1, 1), (2, 1), (2, 3), (3, 2), (4, 2), (5, 1))
        for value in [server_variance(n, b)]
    ]
    return {
        "parts": [
            {"name": "variance", "comparisons": comparisons},
            {"name": "TIGHT with nb", "instances": instances},
            {"name": "floors", "ranges": ranges},
        ]
    }


def _crew(n: int, b: int) -> str:
    return f"{n} worker{'' if n == 1 else 's'} of b = {b}"


CLAIMS = (
    Claim(
        id="remark3.steps",
        source="Remark 3, T = O(1/(b delta^2))",
        statement="The steps until the average squared gradient is delta scale as 1/(b delta^2) "
        "(run with eps = G, where v_hat never moves, without momentum, in a Huber basin).",
        method="simulation",
        expected="holds",
        evidence=steps_evidence,
        study=Study("steps", steps_specs),
        figure="steps",
        remark="delta bounds E||grad f||^2: for E||grad f|| <= delta it takes 1/(b delta^4). The "
        "samples, b T, do not depend on b: the speed-up is one of steps.",
    ),
    Claim(
        id="remark3.workers",
        source="Remark 3, the parameter server",
        statement="With n workers of b samples each, every worker perturbing along its own "
        "gradient, the sharp bound holds with sigma^2/(n b) for sigma^2/b, and floors without "
        "perturbation are those of one worker with n b (run with eps = G, where v_hat never moves, "
        "in a Huber basin).",
        method="simulation",
        expected="holds",
        evidence=workers_evidence,
        study=Study("workers", workers_specs),
        figure="workers",
        remark="The workers are synchronous and the server keeps one m, v and v_hat. The noise is "
        "split off at the unperturbed point, so that whose perturbation it is does not matter to "
        "the bound; the paths differ.",
    ),
)
