"""Claims on regimes: where eps is above the noise, where below, and what the speed-up is there.

In a basin of curvature L and one dimension, with the effective step a = gamma/sqrt(v_hat), the
left side settles at a L sigma^2/(b (2 - a L)). Where eps >> sigma/sqrt(b), v_hat = eps^2 and the
floor is about gamma L sigma^2/(2 eps b); where eps << sigma/sqrt(b), v_hat is about sigma^2/b and
the floor gamma L sigma/(2 sqrt(b)). Under gamma = c sqrt(b/T) these fall as (bT)^(-1/2) and as
T^(-1/2); under gamma = c/sqrt(T) the second falls as (bT)^(-1/2) again.
"""

from typing import Any

import numpy as np

from simulators import spec as specs
from simulators.problems import Problem
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory import basin
from verify.claims.claim import Claim
from verify.evidence.budget import budget_at_one_look
from verify.evidence.kind import Evidence
from verify.evidence.measured import MARGIN, slope_json
from verify.evidence.statistics import log_slope, normal_mean
from verify.studies.study import Preset, Results, Study

SIGMA, G = 1.0, 2.5
PROBLEM = ProblemSpec(profile="huber", L=1.0, sigma=SIGMA, G=G, d=1, start="minimiser")
"""A Huber basin, G_f = 1.5, from its minimiser: what is measured is the floor."""

ABOVE, BELOW = G, 2.0**-10
"""eps: sigma/sqrt(b) is between 1 and 1/8."""

ALONG = {
    "b": [(b, 65536) for b in (1, 4, 16, 64)],
    "T": [(16, T) for T in (16384, 32768, 65536, 131072)],
}
"""By axis, the (b, T) of the cells."""

ALONG_T_B = ALONG["T"][0][0]
V_INIT = {"b": 0.0, "T": SIGMA**2 / ALONG_T_B}
"""v_{-1} by axis. From 0 the first 1/(1 - beta2) steps are longer than the others; what that leaves
behind is the same for every b, and falls as 1/T, which would bend a slope in T. From sigma^2/b,
where v settles, it is not there."""

BETA2 = 0.999

SCHEDULED, FIXED = "gamma = c sqrt(b/T)", "gamma = c/sqrt(T)"

LAWS = {
    "above": ("eps above the noise, " + SCHEDULED, ABOVE, SCHEDULED, 5.0, {"b": -0.5, "T": -0.5}),
    "below": ("eps below the noise, " + SCHEDULED, BELOW, SCHEDULED, 0.1, {"b": 0.0, "T": -0.5}),
    "fixed": ("eps below the noise, " + FIXED, BELOW, FIXED, 0.6, {"b": -0.5, "T": -0.5}),
}
"""By name: in words; eps; the schedule; its c, with which gamma L T/sqrt(v_hat) is at least 25, so
that the floor is reached; the floor's slopes."""

MAP_C, MAP_CONFIDENCE = 0.2, 0.95
MAP_B = (4, 16)
MAP_T = (1024, 4096, 16384, 65536)
MAP_LEVELS = tuple(2.0 ** (k / 2) for k in range(-12, 5))
"""eps sqrt(b)/sigma at b = 8, between the two of `MAP_B`."""


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return a spec for each law, axis and T, and the map's."""

    def make(schedule: str, eps: float | list[float], c: float, T: list[float], **run: Any) -> Spec:
        gamma: dict[str, Any] = (
            {"schedule": "corollary1", "c_gamma": c, "c_rho": 0.0}
            if schedule == SCHEDULED
            else {"gamma": c / T[0] ** 0.5, "rho": 0.0}
        )
        run = {"beta1": 0.0, "beta2": BETA2, "eps": eps, "seed": seed, "T": T, **gamma, **run}
        return Spec(problem=PROBLEM, run=RunSpec(**run))

    out = {}
    for law, (_, eps, schedule, c, _) in LAWS.items():
        for axis, along in ALONG.items():
            for T in sorted({T for _, T in along}):
                out[_key(law, axis, T)] = make(
                    schedule, eps, c, [float(T)], v_init=V_INIT[axis],
                    b=[float(b) for b, at in along if at == T], runs=preset.slope_runs // 2,
                )  # fmt: skip
    out["map"] = make(
        SCHEDULED, [level * SIGMA / middle() ** 0.5 for level in MAP_LEVELS], MAP_C,
        [float(T) for T in MAP_T], b=[float(b) for b in MAP_B],
        runs=preset.slope_runs // 8,
    )  # fmt: skip
    return out


KNOWN = {
    "above": "known exactly over these b and T",
    "below": "with v_hat = sigma^2/b for ever it would be",
}
"""What the slope beside a measured one is."""

STUDY = Study("regimes", study_specs)


def _key(law: str, axis: str, T: int) -> str:
    return f"{law}_{axis}_T{T}"


def middle() -> float:
    """Return the batch size between the map's two."""
    return (MAP_B[0] * MAP_B[1]) ** 0.5


def measured_slope(law: str, axis: str, confidence: float, results: Results) -> dict[str, Any]:
    """Return a slope's measurement, with what a constant step predicts: exactly where eps >= G."""
    problem = PROBLEM.make()
    points, samples, predicted = [], [], []
    for b, T in ALONG[axis]:
        spec, runs = results[_key(law, axis, T)]
        number, cell = next(
            (number, cell)
            for number, cell in enumerate(specs.cells(spec, problem))
            if cell["b"] == b
        )
        values = runs.lhs(number)
        predicted.append(constant_step(problem, cell))
        interval = normal_mean(values, 0.95)
        points.append(
            {
                "name": f"regime-{law}-{axis}",
                "spec": specs.to_json(specs.single(spec, cell)),
                "b": b,
                "T": T,
                "lhs": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "n": interval.n,
                "adaptive_share": float(runs.adaptive_share[runs.rows(number)].mean()),
                "predicted": predicted[-1],
            }
        )
        samples.append(values)
    at = [b if axis == "b" else T for b, T in ALONG[axis]]
    exact = [
        values * (mean / values.mean()) for values, mean in zip(samples, predicted, strict=True)
    ]
    return {
        "axis": axis,
        "points": points,
        **slope_json(log_slope(at, samples, confidence)),
        "predicted": log_slope(at, exact, confidence).slope,
        "known": KNOWN["above" if law == "above" else "below"],
        "adaptive_share": max(point["adaptive_share"] for point in points),
    }


def floors_evidence(results: Results) -> Evidence:
    """Fit each law's slopes; where the step is constant the exact slope must be met too."""
    parts = []
    for law, (meaning, *_, targets) in LAWS.items():
        for axis, target in targets.items():
            slope = measured_slope(law, axis, 1 - budget_at_one_look(results) / 6, results)
            part = {"name": f"{meaning}, in {axis}", **slope, "target": target, "margin": MARGIN}
            if law == "above":
                control = {name: slope[name] for name in ("low", "high", "predicted")}
                part["control"] = control
            parts.append(part)
    return {"parts": parts}


def adaptive_evidence(results: Results) -> Evidence:
    """Fit the slope in b with eps far below the noise; the control has eps = G."""
    slope, control = (
        measured_slope(law, "b", 1 - budget_at_one_look(results) / 2, results)
        for law in ("below", "above")
    )
    control = {"label": "control, eps = G", **control}
    return {**slope, "target": -0.5, "margin": MARGIN, "control": control}


def map_slopes(results: Results) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the local slope in b at each of `MAP_T` and `MAP_LEVELS`, the half-width of its
    interval, and what a constant v_hat predicts at the largest T.
    """
    spec, runs = results["map"]
    problem = PROBLEM.make()
    cells = {
        (cell["eps"], int(cell["T"]), int(cell["b"])): (cell, runs.lhs(number))
        for number, cell in enumerate(specs.cells(spec, problem))
    }
    levels = sorted({eps for eps, _, _ in cells})
    fits = [
        [log_slope(MAP_B, [cells[eps, T, b][1] for b in MAP_B], MAP_CONFIDENCE) for eps in levels]
        for T in MAP_T
    ]
    slope, high = (
        np.array([[getattr(fit, name) for fit in row] for row in fits])
        for name in ("slope", "high")
    )
    predicted = []
    for eps in levels:
        first, last = (constant_step(problem, cells[eps, MAP_T[-1], b][0]) for b in MAP_B)
        predicted.append(np.log(last / first) / np.log(MAP_B[1] / MAP_B[0]))
    return slope, high - slope, np.array(predicted)


def constant_step(problem: Problem, cell: dict[str, float]) -> float:
    """Return the left side if v_hat is max(eps^2, sigma^2/b) for ever: exact where eps >= G."""
    b = int(cell["b"])
    root = max(cell["eps"], problem.sigma / b**0.5)
    return basin.mean_grad_norm2(
        problem.L, problem.sigma, root, cell["gamma"], b, int(cell["T"]), 0.0
    )


CLAIMS = (
    Claim(
        id="regime.floors",
        source="Corollary 1's schedule, with eps above and below the noise sigma/sqrt(b)",
        statement="The floor of the average squared gradient has the slopes (-1/2, -1/2) in "
        "(b, T) where eps is above the noise, (0, -1/2) where it is below, and there (-1/2, -1/2) "
        "again under gamma = c/sqrt(T).",
        method="simulation",
        expected="holds",
        evidence=floors_evidence,
        study=STUDY,
        remark="gamma L sigma^2/(2 eps b) above the noise, gamma L sigma/(2 sqrt(b)) below it, "
        "where v_hat is about sigma^2/b. Predicted slopes take v_hat for constant: "
        "max(eps^2, sigma^2/b).",
    ),
    Claim(
        id="regime.adaptive",
        source="Corollary 1, (7), with eps far below the noise",
        statement="With eps far below the noise (beta2 = 0.999) the schedule gamma = c sqrt(b/T) "
        "still speeds up linearly.",
        method="simulation",
        expected="refuted",
        evidence=adaptive_evidence,
        study=STUDY,
        figure="regime_map",
        remark="sqrt(v_hat) falls as 1/sqrt(b) by itself, so that gamma = c sqrt(b/T) raises the "
        "step as b and the floor does not depend on b. Take gamma = c/sqrt(T): the floor falls as "
        "(bT)^(-1/2). Theorem 1 is not contradicted: its bound has 1/eps^2 and is far above.",
    ),
)
