"""Claims on Remark 1 (what Algorithm 1 turns into) and Remark 3 (steps and workers)."""

import itertools
from fractions import Fraction
from functools import cache
from math import comb
from typing import Any

import numpy as np
import sympy
from scipy.optimize import brentq

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import EngineSpec, ProblemSpec, RunSpec, Spec
from theory import basin
from theory.bound import trivial
from theory.corollary1 import c_gamma_value, schedule
from theory.symbols import eps
from theory.theorem1 import TIGHT
from verify import rare_gradients
from verify.claim import ERROR_BUDGET, Claim, Preset, Results, Study, comparison
from verify.claims import corollary1
from verify.rare_gradients import RareGradients, mean_squares
from verify.statistics import (
    Interval,
    finite_sample_mean,
    line_slope,
    log_crossing,
    normal_mean,
)
from verify.verdict import Evidence

# Remark 1, first bullet.

PATH_TOLERANCE = 1e-12
"""How far rounding may take two float64 paths of length `PATH_T` apart, unit X."""

PATH_T = 256


def path_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return Algorithm 1 with beta2 = 1, and SAM with the constant step gamma/eps, on one noise."""

    def make(method: str) -> Spec:
        return Spec(
            problem=ProblemSpec(profile="log_cosh", L=1.0, sigma=1.0, G=1.0, d=4, start=0.7),
            run=RunSpec(
                method=method, gamma=1 / 128, rho=0.05, beta1=[0.0, 0.9], beta2=1.0, eps=0.3, b=2,
                T=PATH_T, runs=8, seed=seed, record="trajectory", common_noise=True,
            ),
            engine=EngineSpec(dtype="float64"),
        )  # fmt: skip

    return {"adasam": make("adasam"), "sam": make("sam")}


PATHS = Study("remark1", path_specs)


def step_size(beta2: Any, g: Any) -> Any:
    """Return eta_t after lines 7-9 in symbols, from v_hat_{t-1} = eps^2 and any
    v_{t-1} = eps^2 - w, w >= 0.
    """
    w = sympy.Symbol("w", nonnegative=True)
    v = beta2 * (eps**2 - w) + (1 - beta2) * g**2
    return 1 / sympy.sqrt(sympy.Max(eps**2, sympy.expand(v)))


def sam_path(spec: Spec, runs: Runs) -> np.ndarray:
    """Return the paths of SAM with momentum, m_t = beta1 m_{t-1} + (1 - beta1) g_t and
    x_{t+1} = x_t - (gamma/eps) m_t, from the heads that ``runs`` drew: (R, T + 1, d).
    """
    problem, inputs = spec.problem.make(), runs.inputs
    gamma, rho, beta1, eps, b = (
        getattr(inputs, name)[:, None] for name in ("gamma", "rho", "beta1", "eps", "b")
    )
    assert runs.heads is not None
    path, m = [runs.x[:, 0]], np.zeros_like(runs.x[:, 0])
    for t in range(runs.heads.shape[1]):
        noise = problem.noise_from_heads(runs.heads[:, t].astype(np.float64), b)
        s = problem.batch_gradient(path[-1], noise, np)
        delta = rho * s / np.linalg.norm(s, axis=1, keepdims=True)
        m = beta1 * m + (1 - beta1) * problem.batch_gradient(path[-1] + delta, noise, np)
        path.append(path[-1] - gamma / eps * m)
    return np.stack(path, axis=1)


def sam_evidence(results: Results) -> Evidence:
    """Compare the step size in symbols, and paths with those of SAM."""
    (spec, adasam), (_, sam) = results["adasam"], results["sam"]
    after = step_size(1, sympy.Symbol("g", real=True))
    apart = [float(np.abs(adasam.x - other).max()) for other in (sam.x, sam_path(spec, adasam))]
    same = f"path within {PATH_TOLERANCE:g} of "
    return {
        "comparisons": [
            comparison("eta_t at beta2 = 1, v_{t-1} <= eps^2", after, 1 / eps),
            comparison("share of steps with v_hat > eps^2", _most(adasam.adaptive_share), 0.0),
            comparison(same + "the simulator's SAM", apart[0] <= PATH_TOLERANCE, True),
            comparison(same + "SAM written out", apart[1] <= PATH_TOLERANCE, True),
        ],
        "largest_distance": max(apart),
        "points": _points("beta2-1", results["adasam"]) + _points("sam", results["sam"]),
    }


def diminishing_evidence(results: Results) -> Evidence:
    """Look for a step size that falls, in symbols and along runs."""
    _, runs = results["adasam"]
    change = step_size(1, sympy.Symbol("g", real=True)) - 1 / eps
    return {
        "comparisons": [
            comparison("eta_t - eta_{t-1} at beta2 = 1 is negative", bool(change < 0), True),
            comparison("eta changes along some run", _most(runs.eta_variation_l1) > 0, True),
        ],
        "points": _points("beta2-1", results["adasam"]),
    }


def _most(values: np.ndarray) -> float:
    return float(values.max())


def _points(name: str, result: tuple[Spec, Runs]) -> list[dict[str, Any]]:
    """Return a simulation's cells as points, each with its 95 % interval."""
    spec, runs = result
    out = []
    for number, cell in enumerate(specs.cells(spec, spec.problem.make())):
        interval = normal_mean(runs.lhs(number), 0.95)
        out.append(
            {
                "name": name,
                "spec": specs.to_json(specs.single(spec, cell)),
                "b": int(cell["b"]),
                "T": int(cell["T"]),
                "lhs": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "n": interval.n,
                "adaptive_share": float(runs.adaptive_share[runs.rows(number)].mean()),
            }
        )
    return out


# Remark 1, second bullet.

RARE = {"runs": 2048, "seed": 0, "beta2": 0.9, "eps": 0.25, "c_gamma": 8.0, "c_rho": 0.8}
"""gamma = c_gamma/sqrt(T) is eps/(16 L) at the shorter T; rho = c_rho/sqrt(T)."""

RARE_T = (1024, 4096)
RARE_MOMENTA = (0.0, 0.9)

FALLS = 0.75
"""Four times the steps should halve what converges; fixed beforehand."""


@cache
def rare_runs() -> dict[tuple[str, float, int], np.ndarray]:
    """Return each run's left side, (runs,), by method, beta1 and T."""
    cells = list(itertools.product(RARE_MOMENTA, RARE_T))
    beta1, T = (np.repeat(column, RARE["runs"]) for column in zip(*cells, strict=True))
    out = {}
    for method in ("adasam", "adam_sam"):
        values = mean_squares(
            method, gamma=RARE["c_gamma"] / np.sqrt(T), rho=RARE["c_rho"] / np.sqrt(T),
            beta1=beta1, beta2=RARE["beta2"], eps=RARE["eps"], T=T, seed=int(RARE["seed"]),
        )  # fmt: skip
        for cell, sample in zip(cells, np.split(values, len(cells)), strict=True):
            out[method, *cell] = sample
    return out


def no_max_evidence(results: Results) -> Evidence:
    """Set the left sides with and without line 8's max beside the first f'(x_0)^2, and beside
    those of a quarter of the steps.
    """
    problem, samples = RareGradients(), rare_runs()
    upper = float(problem.certificate.G_f.value) ** 2
    confidence = 1 - ERROR_BUDGET / len(samples)
    means = {key: finite_sample_mean(x, upper, confidence) for key, x in samples.items()}
    start = float(problem.gradient(problem.x0)[0]) ** 2
    first = Interval(start, start, start, 1.0, "exact", 1)
    short, long = RARE_T
    ranges = []
    for beta1 in RARE_MOMENTA:
        kept, dropped = (
            {T: means[method, beta1, T] for T in RARE_T} for method in ("adasam", "adam_sam")
        )
        at, over = f"beta1 = {beta1:g}", f"T = {long} over T = {short}"
        for T, value in dropped.items():
            ranges.append(ratio(f"no max, {at}, T = {T} over f'(x_0)^2", value, first, least=1.0))
        ranges += [
            ratio(f"no max, {at}, {over}", dropped[long], dropped[short], least=FALLS),
            ratio(f"max kept, {at}, T = {long} over f'(x_0)^2", kept[long], first, most=1.0),
            ratio(f"max kept, {at}, {over}", kept[long], kept[short], most=FALLS),
        ]
    certificate = problem.certificate.constants
    return {
        "ranges": ranges,
        "setting": {
            "problem": f"f_i(x) = a_i x + Huber of slope {rare_gradients.L:g} up to "
            f"|x| = {rare_gradients.WIDTH:g}, i < {rare_gradients.N}, "
            f"a_0 = {rare_gradients.LARGE:g}, other a_i = {-rare_gradients.SMALL:g}",
            "L": float(certificate.L), "sigma": float(certificate.sigma),
            "G": float(certificate.G), "x_0": 0.0, "b": 1, **RARE,
            "schedule": "gamma = c_gamma/sqrt(T), rho = c_rho/sqrt(T)",
        },
        "measured": [
            {
                "method": method, "beta1": beta1, "T": T, "lhs": mean.estimate, "low": mean.low,
                "high": mean.high, "n": mean.n,
            }
            for (method, beta1, T), mean in means.items()
        ],
    }  # fmt: skip


def ratio(
    name: str, one: Interval, other: Interval, exact: float | None = None, **limits: float
) -> dict[str, Any]:
    """Return one range of evidence: a ratio of means between its intervals' far ends.

    Where the ratio is known exactly, that decides, and the intervals must agree.
    """
    low, high = one.low / other.high, one.high / max(other.low, 1e-300)
    item = {"name": name, "value": one.estimate / other.estimate, **limits}
    if exact is None:
        return item | {"low": low, "high": high}
    return item | {"low": exact, "high": exact, "sample_low": low, "sample_high": high}


# Remark 3: steps to a tolerance.

C_RHO = corollary1.C_RHO
STEPS_ALONG = {
    "b": [(b, 16384 / b) for b in (1, 2, 4, 8)],
    "delta": [(4, 1024.0), (4, 4096.0), (4, 16384.0), (4, 65536.0)],
}
"""By axis, b and about how many steps the tolerance takes: delta is the exact left side there,
rho = 0. All have T >= 256 b = 6400 b L Delta/sigma^2."""

AROUND = (0.7, 0.85, 1.0, 1.2, 1.4)
"""The T that are run, over that T."""

STEPS_MARGIN = 0.1
"""Half a linear speed-up's: T falls as the left side's square."""


def exact_mean(b: int, T: float) -> float:
    """Return the exact left side under TIGHT's schedule at rho = 0; T may be any number."""
    problem = corollary1.BASIN.make()
    constants = problem.certificate.constants
    gamma, _ = schedule(c_gamma_value(TIGHT, constants, problem.G), 0.0, b, T)
    start = float((problem.gradient(problem.x0, np) ** 2).sum())
    rest: Any = (problem.G, float(gamma), b, T, start)
    return float(basin.mean_grad_norm2(problem.L, problem.sigma, *rest))


def tolerance(b: int, T: float) -> float:
    """Return delta: the same along b, where bT is."""
    return exact_mean(STEPS_ALONG["b"][0][0], b * T)


def exact_steps(b: int, delta: float) -> float:
    """Return the T at which the exact left side is delta."""
    return float(brentq(lambda T: exact_mean(b, T) - delta, 16.0, 1e9, xtol=1e-9))


def steps_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return a spec for each b and tolerance: five T, with Corollary 1's rho and rho = 0."""
    out = {}
    for b, middle in dict.fromkeys(itertools.chain(*STEPS_ALONG.values())):
        run = RunSpec(
            beta1=0.0, beta2=0.999, eps=2.0, b=float(b),
            T=[float(round(share * middle)) for share in AROUND], runs=preset.slope_runs // 2,
            seed=seed, schedule="corollary1", c_gamma="tight", c_rho=[C_RHO, 0.0],
        )  # fmt: skip
        out[f"b{b}_T{middle:.0f}"] = Spec(problem=corollary1.BASIN, run=run)
    return out


def steps_evidence(results: Results) -> Evidence:
    """Fit the slopes of the steps to a tolerance, in b and in delta, and of exact controls."""
    parts = []
    for axis, along in STEPS_ALONG.items():
        rows = [(b, tolerance(b, middle), f"b{b}_T{middle:.0f}") for b, middle in along]
        at = np.log([b if axis == "b" else delta for b, delta, _ in rows])
        order = np.argsort(at)
        fits = {}
        for perturbed in (True, False):
            name = "steps" if perturbed else "steps-control"
            cells = [
                corollary1.measured(*results[key], perturbed=perturbed, name=name)
                for _, _, key in rows
            ]
            found = np.array(
                [
                    log_crossing([point["T"] for point, _ in group], [x for _, x in group], delta)
                    for group, (_, delta, _) in zip(cells, rows, strict=True)
                ]
            )
            points = [point for group in cells for point, _ in group]
            fits[perturbed] = found[order], points, min(point["n"] for point in points)
        (found, points, n), (control, control_points, m) = fits[True], fits[False]
        confidence = 1 - ERROR_BUDGET / (2 * len(STEPS_ALONG))
        exact = np.log([exact_steps(b, delta) for b, delta, _ in rows])[order]
        predicted = line_slope(at[order], exact, control[:, 1], m, confidence).slope
        steps = [
            {"b": rows[i][0], "delta": rows[i][1], "T": float(np.exp(found[k, 0])),
             "T_b_delta2": float(np.exp(found[k, 0])) * rows[i][0] * rows[i][1] ** 2}
            for k, i in enumerate(order)
        ]  # fmt: skip
        target = -1.0 if axis == "b" else -2.0
        parts.append(
            {
                "axis": axis,
                "of": "log T(delta)",
                "points": points,
                **corollary1.slope_json(line_slope(at[order], *found.T, n, confidence)),
                "target": target,
                "margin": STEPS_MARGIN * -target,
                "predicted": predicted,
                "adaptive_share": max(point["adaptive_share"] for point in points),
                "steps": steps,
                "control": {
                    "points": control_points,
                    **corollary1.slope_json(line_slope(at[order], *control.T, m, confidence)),
                    "predicted": predicted,
                },
            }
        )
    return {"parts": parts}


# Remark 3: workers.

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
        mean = sum(value for value, _ in drawn) / n
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
        id="remark1.sam",
        source="Remark 1, first bullet",
        statement="With beta2 = 1 Algorithm 1 is SAM with momentum and the step gamma/eps "
        "(v_{-1} <= eps^2).",
        method="symbolic",
        expected="holds",
        evidence=sam_evidence,
        study=PATHS,
        remark="beta1 = 0 gives SAM itself; else its momentum is an average, "
        "m_t = beta1 m_{t-1} + (1 - beta1) g_t.",
    ),
    Claim(
        id="remark1.diminishing",
        source="Remark 1, first bullet",
        statement="With beta2 = 1 the step size diminishes, as that of SGD.",
        method="symbolic",
        expected="refuted",
        evidence=diminishing_evidence,
        study=PATHS,
        remark="v_t = v_{-1} for ever, and so the step is the constant gamma/eps. It is gamma that "
        "must fall with T, as Corollary 1 has it.",
    ),
    Claim(
        id="remark1.no_max",
        source="Remark 1, second bullet",
        statement="Without line 8's max Algorithm 1 can fail to converge where AdaSAM converges: "
        "under gamma = c/sqrt(T) its average squared gradient stays above the start's.",
        method="simulation",
        expected="holds",
        evidence=no_max_evidence,
        remark="The failure needs gradients rarer than v's memory, 1/128 against 1 - beta2 = 0.1: "
        "then the large gradient is divided by its own size, and the many small ones win. A "
        "memory longer than the wait, or larger batches, hide it.",
    ),
    Claim(
        id="remark3.steps",
        source="Remark 3, T = O(1/(b delta^2))",
        statement="The steps until the average squared gradient is delta scale as 1/(b delta^2) "
        "(run without momentum, in a Huber basin with eps = G).",
        method="simulation",
        expected="holds",
        evidence=steps_evidence,
        study=Study("steps", steps_specs),
        remark="delta bounds E||grad f||^2: for E||grad f|| <= delta it takes 1/(b delta^4). The "
        "samples, b T, do not depend on b: the speed-up is one of steps.",
    ),
    Claim(
        id="remark3.workers",
        source="Remark 3, the parameter server",
        statement="With n workers of b samples each, every worker perturbing along its own "
        "gradient, the sharp bound holds with sigma^2/(n b) for sigma^2/b, and floors without "
        "perturbation are those of one worker with n b.",
        method="simulation",
        expected="holds",
        evidence=workers_evidence,
        study=Study("workers", workers_specs),
        remark="The workers are synchronous and the server keeps one m, v and v_hat. The noise is "
        "split off at the unperturbed point, so that whose perturbation it is does not matter to "
        "the bound; the paths differ.",
    ),
)
