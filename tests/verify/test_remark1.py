"""The claims on Remark 1: SAM at beta2 = 1, and what the max is for."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from simulators import noise
from simulators import spec as specs
from verify.claims import CLAIMS
from verify.claims.adasam import remark1
from verify.evidence.judge import verdict
from verify.oracles import rare_gradients
from verify.oracles.rare_gradients import RareGradients, mean_squares
from verify.studies.study import PRESETS


@cache
def simulated(beta2=1.0):
    jobs = remark1.path_specs(PRESETS["quick"], 0)
    for job in jobs.values():
        job.run.beta2, job.run.runs = beta2, 3
        job.engine.name = "reference"
    return {name: (job, specs.run(job)) for name, job in jobs.items()}


def test_at_beta2_1_the_paths_are_those_of_sam_and_the_step_does_not_fall():
    results = simulated()
    evidence = CLAIMS["remark1.sam"].evidence(results)
    assert verdict(evidence) == "holds"
    assert evidence["largest_distance"] < 1e-15
    assert verdict(CLAIMS["remark1.diminishing"].evidence(results)) == "refuted"


def test_below_1_the_step_falls_and_the_paths_part():
    results = simulated(beta2=0.9)
    assert verdict(CLAIMS["remark1.sam"].evidence(results)) == "refuted"
    assert verdict(CLAIMS["remark1.diminishing"].evidence(results)) == "holds"


def test_a_path_that_is_not_sams_refutes_it():
    results = simulated()
    spec, runs = results["adasam"]
    moved = runs.x.copy()
    moved[0, -1, 0] += 1e-9
    evidence = CLAIMS["remark1.sam"].evidence({**results, "adasam": (spec, replace(runs, x=moved))})
    assert verdict(evidence) == "refuted"


def test_the_certificate_of_the_rare_gradients_is_that_of_all_128_functions():
    problem, certificate = RareGradients(), RareGradients().certificate
    slopes = np.full(rare_gradients.N, -rare_gradients.SMALL)
    slopes[0] = rare_gradients.LARGE
    x = np.linspace(-6, 6, 4801)
    H = rare_gradients.L * np.clip(x, -rare_gradients.WIDTH, rare_gradients.WIDTH)
    each = slopes[:, None] + H
    np.testing.assert_allclose(problem.gradient(x), each.mean(0), atol=1e-14)
    assert certificate.G.value == np.abs(each).max()
    assert certificate.G_f.value == np.abs(each.mean(0)).max()
    assert certificate.sigma.value**2 == pytest.approx(slopes.var(), rel=1e-13)
    assert certificate.L.value == pytest.approx(np.abs(np.diff(each[0]) / np.diff(x)).max())
    f = np.concatenate([[0], np.cumsum((each.mean(0)[1:] + each.mean(0)[:-1]) / 2 * np.diff(x))])
    at_0 = f[np.argmin(np.abs(x))]
    assert at_0 - f.min() == pytest.approx(certificate.Delta.value, rel=1e-4)
    for share, drawn in ((1.0, 0), (0.0, 5)):
        np.testing.assert_allclose(problem.batch_gradient(x, np.array(share)), each[drawn])


@pytest.mark.parametrize("method", ["adasam", "adam_sam"])
def test_its_runs_are_algorithm_1_written_out(method):
    gamma, rho, beta1, eps, T = 0.2, 0.05, 0.9, 0.25, 300
    found = mean_squares(
        method, gamma=np.full(3, gamma), rho=np.full(3, rho), beta1=np.full(3, beta1), beta2=0.9,
        eps=eps, T=np.full(3, T), seed=7,
    )  # fmt: skip
    low, high = noise.cell_key(7, None)
    for row in range(3):
        x = m = v = total = 0.0
        v_hat, seen = eps**2, 0
        for t in range(T):
            counter = (t // 4, 0, row, noise.stream("samples"))
            index = noise.philox(counter, (low, high))[t % 4] % 128
            a = 16.0 if index == 0 else -1 / 16
            seen += index == 0
            total += (16 / 128 - 127 / 16 / 128 + max(-2.0, min(2.0, x)) / 16) ** 2
            s = a + max(-2.0, min(2.0, x)) / 16
            ahead = x + rho * np.sign(s)
            g = a + max(-2.0, min(2.0, ahead)) / 16
            m, v = beta1 * m + (1 - beta1) * g, 0.9 * v + (1 - 0.9) * g**2
            v_hat = max(v_hat if method == "adasam" else eps**2, v)
            x -= gamma * m / v_hat**0.5
        assert seen > 0
        assert found[row] == pytest.approx(total / T, rel=1e-10)


def shortened(monkeypatch, law):
    rng = np.random.default_rng(3)
    runs = {
        (method, beta1, T): (
            np.array([T]),
            law(method, T) * (1 + 0.1 * rng.uniform(-1, 1, (2048, 1))),
        )
        for method in ("adasam", "adam_sam")
        for beta1 in remark1.RARE_MOMENTA
        for T in remark1.RARE_T
    }
    monkeypatch.setattr(remark1, "rare_runs", lambda: runs)
    return CLAIMS["remark1.no_max"].evidence({})


START = float(RareGradients().gradient(np.zeros(1))[0]) ** 2


@pytest.mark.parametrize(
    ("kept", "dropped", "expected"),
    [
        (lambda T: 35 * START / T**0.5, lambda T: 3 * START, "holds"),
        (lambda T: 3 * START, lambda T: 3 * START, "refuted"),
        (lambda T: 35 * START / T**0.5, lambda T: 35 * START / T**0.5, "refuted"),
        (lambda T: 35 * START / T**0.5, lambda T: 1.001 * START, "inconclusive"),
    ],
)
def test_both_must_part_for_no_max_to_hold(monkeypatch, kept, dropped, expected):
    laws = {"adasam": kept, "adam_sam": dropped}
    assert verdict(shortened(monkeypatch, lambda method, T: laws[method](T))) == expected


@pytest.mark.parametrize(("beta2", "falls"), [(0.9, False), (0.999, True)])
def test_a_memory_longer_than_the_wait_cures_it(beta2, falls):
    """The large gradient comes once in 128 steps: 1/(1 - beta2) = 1000 steps remember it."""
    T = np.repeat([1024, 4096], 64)
    setting = {"gamma": 8 / np.sqrt(T), "rho": 0.8 / np.sqrt(T), "beta1": np.zeros(128)}
    short, long = np.split(
        mean_squares("adam_sam", **setting, beta2=beta2, eps=0.25, T=T, seed=1), 2
    )
    ratio = long.mean() / short.mean()
    error = ratio * np.hypot(*(x.std(ddof=1) / 8 / x.mean() for x in (short, long)))
    assert (ratio + 5 * error < 0.8) if falls else (ratio - 5 * error > 0.9)
