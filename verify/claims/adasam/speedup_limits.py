"""Claims on how far Corollary 1's speed-up reaches: the collapse on bT, and two conditions that
its proof asks for and its conclusion does not need.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.bound import Bound
from theory.corollary1 import thresholds
from theory.setting import Constants, Hyperparameters, values
from theory.symbols import HYPERPARAMETER_NAMES, symbol
from theory.theorem1 import CORRECTED, TIGHT
from verify.claims.adasam import corollary1
from verify.claims.claim import Claim
from verify.evidence.budget import budget_at_one_look
from verify.evidence.kind import Evidence
from verify.evidence.measured import Measured, fitted, measured
from verify.evidence.statistics import log_ratio
from verify.studies.study import Preset, Results, Study

COLLAPSE_MARGIN = math.log(1.1)
"""How far apart two curves may be at one bT, fixed beforehand: ten per cent. Within a group of
equal bT b differs up to 16-fold, so that a law b^p T^q with |p - q| > 0.035 leaves it."""

CUBED_T, CUBED_BATCHES = 8192, (32, 64, 128, 256, 512)
CUBED = ProblemSpec(
    profile="huber", L=1.0, sigma=1.0, G=2.0, d=4, start=(50 / (32 * CUBED_T)) ** 0.5
)
"""A Huber basin with b T L Delta/sigma^2 = 100 at b = 32, so that with the schedule's c_gamma
gamma L T/eps >= 5, the start is forgotten, and at b = 512 kappa gamma L/eps = 0.022: the lag of
kappa = 9 steps is short beside the basin's own time."""

FLATTER_C_RHO = 0.3
"""c in rho = c (bT)^(-1/4), unit X: L rho is then about as large as the gradient itself."""

FLATTER = ProblemSpec(profile="huber", L=1.0, sigma=1.0, G=2.0, d=4, start=0.05)
"""A Huber basin with L Delta/sigma^2 = 0.005: T = 256 b is 51200 b L Delta/sigma^2, a hundred
times the least T at which gamma <= eps/(16 L) with TIGHT's c_gamma. At that constant
the left side does not change to first order in the step, which the perturbation lengthens."""

FLATTER_ALONG = {
    "b": [(b, 4096) for b in (1, 2, 4, 8, 16)],
    "T": [(4, T) for T in (1024, 2048, 4096, 8192, 16384)],
}
"""By axis, the (b, T) of the cells."""


def cubed_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return the spec with momentum and T < b^3: Corollary 1's rho and, as a control, rho = 0."""
    run = RunSpec(
        beta1=0.9, beta2=0.999, eps=2.0, b=[float(b) for b in CUBED_BATCHES], T=float(CUBED_T),
        runs=4 * preset.slope_runs, seed=seed, schedule="corollary1", c_gamma="corrected",
        c_rho=[corollary1.C_RHO, 0.0],
    )  # fmt: skip
    return {"along_b": Spec(problem=CUBED, run=run)}


def flatter_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return a spec for each b and T: rho = c (bT)^(-1/4) and, as a control, rho = 0."""

    def make(b: int, T: int) -> Spec:
        run = RunSpec(
            beta1=0.0, beta2=0.999, eps=2.0, b=float(b), T=float(T), runs=8 * preset.slope_runs,
            seed=seed, schedule="corollary1", c_gamma="tight",
            c_rho=[FLATTER_C_RHO * (b * T) ** 0.25, 0.0],
        )  # fmt: skip
        return Spec(problem=FLATTER, run=run)

    cells = dict.fromkeys(itertools.chain(*FLATTER_ALONG.values()))
    return {_label(b, T): make(b, T) for b, T in cells}


def _label(b: int, T: int) -> str:
    return f"b{b}_T{T}"


def collapse_evidence(results: Results) -> Evidence:
    """Set cells of equal bT and unequal b side by side, and controls known exactly."""
    cells, controls = (
        {
            (point["b"], point["T"]): (point, sample)
            for spec, runs in results.values()
            for point, sample in measured(spec, runs, perturbed=perturbed)
        }
        for perturbed in (True, False)
    )
    matched = [
        (one, other)
        for one, other in itertools.combinations(sorted(cells), 2)
        if math.prod(one) == math.prod(other)
    ]
    confidence = 1 - budget_at_one_look(results) / (2 * len(matched))
    pairs = []
    for one, other in matched:
        exact = [controls[cell][0]["lhs_exact"] for cell in (one, other)]
        pairs.append(
            {
                "b": [one[0], other[0]],
                "T": [one[1], other[1]],
                **_ratio_json(cells[one], cells[other], confidence),
                "target": 0.0,
                "margin": COLLAPSE_MARGIN,
                "control": {
                    **_ratio_json(controls[one], controls[other], confidence),
                    "predicted": math.log(exact[0] / exact[1]),
                },
            }
        )
    used = sorted(set(itertools.chain(*matched)))
    return {
        "pairs": pairs,
        "points": [cells[cell][0] for cell in used],
        "control": {"points": [controls[cell][0] for cell in used]},
    }


def _ratio_json(
    one: tuple[dict[str, Any], np.ndarray],
    other: tuple[dict[str, Any], np.ndarray],
    confidence: float,
) -> dict[str, float]:
    ratio, low, high = log_ratio(one[1], other[1], confidence)
    return {"log_ratio": ratio, "low": low, "high": high, "confidence": confidence}


def cubed_evidence(results: Results) -> Evidence:
    """Fit the slope in b where T < b^3 and T is below the bound's own threshold for momentum."""
    cells, controls = (
        measured(*results["along_b"], perturbed=perturbed, name=name)
        for perturbed, name in ((True, "momentum"), (False, "momentum-control"))
    )
    slope = fitted("b", cells, controls, 1 - budget_at_one_look(results) / 2)
    cubes = [point["T"] / point["b"] ** 3 for point, _ in cells]
    limits = [point["T"] / _momentum_threshold(point["spec"]) for point, _ in cells]
    return {
        "necessity": {
            "condition": "T >= b^3",
            "fails": max(cubes) < 1 and max(limits) < 1,
            "largest_T_over_b_cubed": max(cubes),
            "largest_T_over_momentum_threshold": max(limits),
        },
        "slopes": [{**slope, "bounds": _bound_slopes("b", cells)}],
    }


def _setting(spec: dict[str, Any]) -> tuple[Constants, Hyperparameters]:
    constants = ProblemSpec(**spec["problem"]).make().certificate.constants
    return constants, Hyperparameters(**{name: spec["run"][name] for name in HYPERPARAMETER_NAMES})


def _momentum_threshold(spec: dict[str, Any]) -> float:
    """Return from which T on the corrected bound's momentum term is below the leading two."""
    constants, hyper = _setting(spec)
    numbers = {name: float(value) for name, value in values(constants, hyper).items()}
    numbers["c_gamma"] = numbers["gamma"] * math.sqrt(numbers["T"] / numbers["b"])
    limit = thresholds(CORRECTED)["momentum"]
    return float(limit.subs([(symbol(name), value) for name, value in numbers.items()]))


def _bound_slopes(axis: str, cells: Measured) -> dict[str, float]:
    """Return the slope that bounds have over these cells: what a reader of them would predict."""
    points = [point for point, _ in cells]
    return {bound.name: _bound_slope(bound, axis, points) for bound in (CORRECTED, TIGHT)}


def _bound_slope(bound: Bound, axis: str, points: Sequence[dict[str, Any]]) -> float:
    totals = [float(bound.total(*_setting(point["spec"]))) for point in points]
    slope, _ = np.polyfit(np.log([point[axis] for point in points]), np.log(totals), 1)
    return float(slope)


def flatter_evidence(results: Results) -> Evidence:
    """Fit the slopes in b and in T under rho = c (bT)^(-1/4)."""
    slopes, growing = [], True
    for axis, along in FLATTER_ALONG.items():
        cells, controls = (
            [
                cell
                for b, T in along
                for cell in measured(*results[_label(b, T)], perturbed=perturbed, name=name)
            ]
            for perturbed, name in ((True, "flatter-rho"), (False, "flatter-rho-control"))
        )
        slope = fitted(
            axis, cells, controls, 1 - budget_at_one_look(results) / (2 * len(FLATTER_ALONG))
        )
        scaled = [
            point["spec"]["run"]["rho"] * math.sqrt(point["b"] * point["T"]) for point, _ in cells
        ]
        growing &= all(later > sooner for sooner, later in itertools.pairwise(scaled))
        slopes.append({**slope, "bounds": _bound_slopes(axis, cells), "rho_times_root_bT": scaled})
    return {
        "necessity": {"condition": "rho = O(1/sqrt(bT))", "fails": growing},
        "slopes": slopes,
    }


CLAIMS = (
    Claim(
        id="corollary1.collapse",
        source="Corollary 1, (7)",
        statement="Where eps is not below the noise, the average squared gradient depends on b "
        "and T through bT alone: at equal bT it agrees within ten per cent (run with eps = G, "
        "where v_hat never moves, without momentum, in a Huber basin).",
        method="simulation",
        expected="holds",
        evidence=collapse_evidence,
        study=corollary1.STUDY,
        figure="linear_speedup",
    ),
    Claim(
        id="corollary1.b_cubed",
        source='Corollary 1, "T sufficiently large", with the momentum term of (47)',
        statement="With momentum, T >= b^3 is necessary for the linear speed-up (run with eps = G, "
        "where v_hat never moves, in a Huber basin).",
        method="simulation",
        expected="refuted",
        evidence=cubed_evidence,
        study=Study("momentum", cubed_specs),
        remark="At T < b^3 the corrected bound grows with b, and what is measured falls as "
        "b^(-1/2): the cube comes from a momentum term that takes d G^2 for the squared gradient, "
        "where TIGHT takes sigma^2/b and the gradient itself. T of the order of b is enough.",
    ),
    Claim(
        id="corollary1.rho_rate",
        source="Corollary 1, rho = O(1/sqrt(bT))",
        statement="rho = O(1/sqrt(bT)) is necessary for the rate O(1/sqrt(bT)) (run with eps = G, "
        "where v_hat never moves, without momentum, in a Huber basin).",
        method="simulation",
        expected="refuted",
        evidence=flatter_evidence,
        study=Study("flatter_rho", flatter_specs),
        remark="rho = c (bT)^(-1/4) is enough: the perturbation enters the bounds squared, as "
        "G L^2 rho^2/eps, and that then falls as (bT)^(-1/2), like the leading terms.",
    ),
)
