"""Where conditions fail: the exact left sides, and the runs that agree with them."""

import numpy as np
import pytest

from simulators import SeparableProblem, simulate
from simulators import spec as specs
from verify.claims.adasam.conditions import CLAIMS, STUDY, quadratic_sum
from verify.evidence.judge import verdict
from verify.studies.study import PRESETS


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.95, 0.99])
def test_the_lyapunov_sum_has_its_closed_form(beta1):
    """With k = kappa: y sum_t x_t^2/x_0^2 = (2 k^2 y + 2 k y + 2 k + 1)/(4 k + 2 - y)."""
    y, kappa = 1 / 16, beta1 / (1 - beta1)
    closed = (2 * kappa**2 * y + 2 * kappa * y + 2 * kappa + 1) / (4 * kappa + 2 - y)
    assert y * quadratic_sum(1.0, y, beta1, 1.0) == pytest.approx(closed, rel=1e-9)


@pytest.mark.parametrize(("beta1", "ratio"), [(0.95, 1.110), (0.99, 3.61)])
def test_a_run_sums_to_it(beta1, ratio):
    problem = SeparableProblem("huber", "additive", L=1, sigma=0, G=1, d=1, start=0.125)
    runs = simulate(
        problem, gamma=1 / 16, rho=0, beta1=beta1, beta2=0.999, eps=1, b=1, T=8192, runs=1, seed=0,
        dtype="float64",
    )  # fmt: skip
    exact = quadratic_sum(1.0, 1 / 16, beta1, 0.125)
    assert float(runs.lhs(0)[0]) * 8192 == pytest.approx(exact, rel=1e-9)
    # 2 G Delta/(gamma T) is all of TIGHT_SIMPLE here.
    simple = 2 * 0.5 * 0.125**2 * 16
    assert exact / simple == pytest.approx(ratio, rel=1e-3)
    assert np.abs(runs.max_abs_gradient).max() < 1


@pytest.fixture(scope="module")
def results():
    jobs = STUDY.specs(PRESETS["quick"], 0)
    return {name: (job, specs.run(job, allow_outside=True)) for name, job in jobs.items()}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_exact_left_side_is_the_runs_and_decides(claim, results):
    evidence = claim.evidence(results)
    assert verdict(evidence) == claim.expected == "refuted"
    for instance in evidence["instances"]:
        assert instance["lhs"] == pytest.approx(instance["lhs_low"], rel=1e-9, abs=0)
    evidence["instances"][0]["lhs_low"] *= 1 + 1e-6
    evidence["instances"][0]["lhs_low"] += 1e-30
    assert verdict(evidence) == "inconclusive"  # exact and measured contradict


def test_a_v_init_within_its_limit_leaves_the_bound_standing(results):
    # The same quadratic from v_{-1} = max(G, eps)^2: (47) holds, and the spec is inside.
    job, _ = results["large_v_init"]
    job = specs.Spec(problem=job.problem, run=job.run, engine=job.engine)
    cell = specs.cells(job, job.problem.make())[0] | {"v_init": 1.0}
    runs = specs.run(specs.single(job, cell))
    bound = 2 * 0.5 * 0.75**2 * 16 / 512
    assert float(runs.lhs(0)[0]) < bound
