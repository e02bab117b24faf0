"""Claims on Remark 1: what Algorithm 1 is at beta2 = 1, and what the max of line 8 is for."""

import itertools
from functools import cache
from typing import Any

import numpy as np
import sympy

from simulators import SeparableProblem
from simulators import spec as specs
from simulators.runs import Runs, checkpoints
from simulators.spec import EngineSpec, ProblemSpec, RunSpec, Spec
from theory.symbols import eps
from verify.claims.claim import Claim
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.comparison import comparison
from verify.evidence.kind import Evidence
from verify.evidence.measured import cell_point, mean_adaptive_share
from verify.evidence.ratio import ratio
from verify.evidence.statistics import Interval, finite_sample_mean, normal_mean, pointwise
from verify.oracles import rare_gradients
from verify.oracles.rare_gradients import RareGradients, running_means
from verify.studies.study import Preset, Results, Study

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


def step_size(beta2: Any, g: Any) -> sympy.Expr:
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
    assert isinstance(problem, SeparableProblem)
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
    apart = [float(np.abs(adasam.x - other).max()) for other in (sam.x, sam_path(spec, adasam))]
    same = f"path within {PATH_TOLERANCE:g} of "
    return {
        "comparisons": [
            comparison("eta_t from v_{t-1} <= eps^2", _step_size_of(spec), 1 / eps),
            comparison("share of steps with v_hat > eps^2", _most(adasam.adaptive_share), 0.0),
            comparison(same + "the simulator's SAM", apart[0] <= PATH_TOLERANCE, True),
            comparison(same + "SAM written out", apart[1] <= PATH_TOLERANCE, True),
        ],
        "largest_distance": max(apart),
        "points": _points("beta2-1", results["adasam"]) + _points("sam", results["sam"]),
    }


def diminishing_evidence(results: Results) -> Evidence:
    """Look for a step size that falls, in symbols and along runs."""
    spec, runs = results["adasam"]
    change = _step_size_of(spec) - 1 / eps
    return {
        "comparisons": [
            comparison("eta_t differs from eta_{t-1} for some g", change != 0, True),
            comparison("eta falls along some run", _most(runs.eta_variation_l1) > 0, True),
        ],
        "points": _points("beta2-1", results["adasam"]),
    }


def _step_size_of(spec: Spec) -> sympy.Expr:
    return step_size(sympy.nsimplify(spec.run.beta2), sympy.Symbol("g", real=True))


def _most(values: np.ndarray) -> float:
    return float(values.max())


def _points(name: str, result: tuple[Spec, Runs]) -> list[dict[str, Any]]:
    """Return a simulation's cells as points, each with its 95 % interval."""
    spec, runs = result
    out = []
    for number, cell in enumerate(specs.cells(spec, spec.problem.make())):
        interval = normal_mean(runs.lhs(number), 0.95)
        share = mean_adaptive_share(runs, number)
        out.append({"name": name, **cell_point(spec, cell, interval, share)})
    return out


RARE = {"runs": 2048, "seed": 0, "beta2": 0.9, "eps": 0.25, "c_gamma": 8.0, "c_rho": 0.8}
"""gamma = c_gamma/sqrt(T) is eps/(16 L) at the shorter T; rho = c_rho/sqrt(T)."""

RARE_T = (1024, 4096)
RARE_MOMENTA = (0.0, 0.9)

FALLS = 0.75
"""Four times the steps should halve what converges; fixed beforehand."""


@cache
def rare_runs() -> dict[tuple[str, float, int], tuple[np.ndarray, np.ndarray]]:
    """Return checkpoints up to T, (K,), and each run's running means there, (runs, K), by method,
    beta1 and T; the last is the left side.
    """
    at = np.union1d(checkpoints(max(RARE_T)), RARE_T)
    cells = list(itertools.product(RARE_MOMENTA, RARE_T))
    beta1, T = (np.repeat(column, RARE["runs"]) for column in zip(*cells, strict=True))
    out = {}
    for method in ("adasam", "adam_sam"):
        values = running_means(
            method, gamma=RARE["c_gamma"] / np.sqrt(T), rho=RARE["c_rho"] / np.sqrt(T),
            beta1=beta1, beta2=RARE["beta2"], eps=RARE["eps"], T=T, seed=int(RARE["seed"]),
            at=at.tolist(),
        )  # fmt: skip
        for cell, sample in zip(cells, np.split(values, len(cells)), strict=True):
            reached = at <= cell[1]
            out[method, *cell] = at[reached], sample[:, reached]
    return out


def no_max_evidence(results: Results) -> Evidence:
    """Set the left sides with and without line 8's max beside the first f'(x_0)^2, and beside
    those of a quarter of the steps.
    """
    problem, runs = RareGradients(), rare_runs()
    samples = {key: values[:, -1] for key, (_, values) in runs.items()}
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
            "G": float(certificate.G), "x_0": 0.0, "f'(x_0)^2": start, "b": 1, **RARE,
            "schedule": "gamma = c_gamma/sqrt(T), rho = c_rho/sqrt(T)",
        },
        "measured": [
            {
                "method": method, "beta1": beta1, "T": T, "lhs": mean.estimate, "low": mean.low,
                "high": mean.high, "n": mean.n,
            }
            for (method, beta1, T), mean in means.items()
        ],
        "curves": [
            {"method": method, "beta1": beta1, **_curve(*runs[method, beta1, long])}
            for method in ("adasam", "adam_sam")
            for beta1 in RARE_MOMENTA
        ],
    }  # fmt: skip


def _curve(at: np.ndarray, values: np.ndarray) -> dict[str, list]:
    """Return the running mean over runs with its pointwise 95 % interval."""
    mean, low, high = pointwise(values, 0.95)
    return {"t": at.tolist(), "lhs": mean.tolist(), "low": low.tolist(), "high": high.tolist()}


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
        figure="no_max",
        remark="The failure needs large gradients that come more rarely than v forgets, here once "
        "in 128 steps with a memory of 1/(1 - beta2) = 10: each is divided by its own size, and "
        "the many small ones, which point the wrong way, win. With a memory of 1000 steps it "
        "converges without the max too.",
    ),
)
