"""The claims on Remark 3: planted left sides that must flip their verdicts."""

import math

import numpy as np
import pytest

from theory import basin
from verify.claims.adasam import remark3
from verify.claims.adasam.corollary1 import BASIN
from verify.evidence.judge import verdict


def exact(problem, cell):
    start = float((problem.gradient(problem.x0, np) ** 2).sum())
    given = problem.L, problem.sigma, cell["eps"], cell["gamma"]
    together = int(cell["b"] * cell["workers"])
    return basin.mean_grad_norm2(*given, together, int(cell["T"]), start)


def steps(law, control=exact):
    return lambda problem, cell: (
        law(cell["b"], cell["T"]) if cell["rho"] else control(problem, cell)
    )


@pytest.mark.parametrize(
    ("law", "control", "expected"),
    [
        (lambda b, T: 0.28 / math.sqrt(b * T), exact, "holds"),
        (lambda b, T: 0.28 / math.sqrt(b * T) * b**0.01, exact, "holds"),
        (lambda b, T: 0.14 / math.sqrt(T), exact, "refuted"),
        (lambda b, T: 0.7 * (b * T) ** -0.6, exact, "refuted"),
        (lambda b, T: 0.28 / math.sqrt(b * T) * b**0.05, exact, "inconclusive"),
        (
            lambda b, T: 0.28 / math.sqrt(b * T),
            lambda problem, cell: exact(problem, cell) * cell["b"] ** 0.05,
            "inconclusive",
        ),
    ],
)
def test_steps_follow_the_law_that_is_planted(planted, law, control, expected):
    assert verdict(planted("remark3.steps", steps(law, control), 0.1)) == expected


def test_the_tolerance_is_met_exactly_where_it_says():
    for b, T in remark3.STEPS_ALONG["b"]:
        delta = remark3.tolerance(b, T)
        assert remark3.exact_mean(b, remark3.exact_steps(b, delta)) == pytest.approx(delta, 1e-9)
        assert remark3.exact_steps(b, delta) == pytest.approx(T, rel=0.02)
    constants = BASIN.make().certificate.constants
    ratio = float(constants.L) * float(constants.Delta) / float(constants.sigma) ** 2
    for along in remark3.STEPS_ALONG.values():
        assert all(6400 * b * ratio * (1 - 1e-12) <= T for b, T in along)


def crew(perturbed, control=exact):
    return lambda problem, cell: perturbed(cell) if cell["rho"] else control(problem, cell)


def as_one_worker_of(b):
    return lambda problem, cell: exact(problem, cell | {"workers": 1, "b": b(cell)})


@pytest.mark.parametrize(
    ("perturbed", "control", "expected"),
    [
        (lambda cell: 0.03 / (cell["b"] * cell["workers"]), exact, "holds"),
        # sigma^2/b in place of sigma^2/(nb)
        (lambda cell: 0.003, as_one_worker_of(lambda cell: cell["b"]), "inconclusive"),
        (lambda cell: 0.003, lambda problem, cell: 1.5 * exact(problem, cell), "inconclusive"),
        (lambda cell: 0.2, exact, "refuted"),
    ],
)
def test_workers_share_the_noise_or_the_claim_fails(planted, perturbed, control, expected):
    assert verdict(planted("remark3.workers", crew(perturbed, control))) == expected


def test_the_bound_with_b_alone_would_miss_what_workers_gain(planted):
    """What runs measure at n = 16 is a tenth of what TIGHT says with sigma^2/b: it can tell."""
    parts = planted("remark3.workers", crew(lambda cell: 0.001))["parts"]
    rhs = {item["name"] + f"-b{item['spec']['run']['b']:.0f}": item["rhs"]
           for item in parts[1]["instances"]}  # fmt: skip
    lhs = {item["name"]: item["lhs"] for item in parts[1]["instances"]}
    assert lhs["workers-16-rho0"] < rhs["workers-1-rho0-b1"] / 10
    assert lhs["workers-16-rho0"] > 0.8 * rhs["workers-16-rho0-b1"]


@pytest.mark.parametrize(("n", "b"), [(1, 1), (2, 2), (3, 1)])
def test_the_servers_variance_is_one_over_nb(n, b):
    assert remark3.server_variance(n, b) * n * b == 1


def test_a_worker_too_few_refutes_it(monkeypatch, planted):
    true = remark3.server_variance
    monkeypatch.setattr(remark3, "server_variance", lambda n, b: true(max(1, n - 1), b))
    assert verdict(planted("remark3.workers", crew(lambda cell: 0.001))) == "refuted"
