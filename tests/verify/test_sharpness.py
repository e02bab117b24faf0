"""The claims on sharpness: exact values, and what must flip them."""

import numpy as np
import pytest

from theory import basin
from theory.symbols import Delta, L, T, b, c_gamma, eps, sigma
from verify.claims import CLAIMS
from verify.claims.adasam import sharpness
from verify.evidence.judge import verdict
from verify.oracles.stairs import Stairs
from verify.studies.study import PRESETS


def exact(problem, cell):
    return sharpness._exact(problem, cell)


def scaled(share):
    return lambda problem, cell: share * exact(problem, cell)


@pytest.mark.parametrize("name", ["leading", "momentum"])
@pytest.mark.parametrize(("share", "expected"), [(1.0, "holds"), (0.9, "inconclusive")])
def test_runs_that_contradict_the_exact_value_void_it(planted, name, share, expected):
    law = scaled(share) if name == "leading" else (
        lambda problem, cell: exact(problem, cell) * (share if cell["beta1"] else 1.0)
    )  # fmt: skip
    assert verdict(planted(f"sharp.{name}", law)) == expected


def test_a_left_side_below_tights_share_refutes_its_sharpness(planted, monkeypatch):
    true = sharpness._exact
    monkeypatch.setattr(sharpness, "_exact", lambda *given: 0.9 * true(*given))
    assert verdict(planted("sharp.leading", exact)) == "refuted"


def test_momentum_that_raised_the_floor_would_refute_the_artefact(planted, monkeypatch):
    true = sharpness._exact
    monkeypatch.setattr(
        sharpness, "_exact", lambda problem, cell: true(problem, cell) * (1 + cell["beta1"])
    )
    assert verdict(planted("sharp.momentum", exact)) == "refuted"


def test_the_limit_in_symbols_is_that_of_numbers():
    numbers = {
        c_gamma: 0.7,
        L: 2.0,
        sigma: 0.5,
        eps: 1.5,
        Delta: 0.3,
    }
    left = float(sharpness.leading_limits()["left"].subs(numbers))

    steps, batch = 10**10, 4
    gamma = 0.7 * (batch / steps) ** 0.5
    mean = basin.mean_grad_norm2(2.0, 0.5, 1.5, gamma, batch, steps, 2 * 2.0 * 0.3)
    assert mean * (batch * steps) ** 0.5 == pytest.approx(left, rel=1e-4)
    assert {T, b}.isdisjoint(sharpness.leading_limits()["left"].free_symbols)


def test_sam_settles_and_the_claim_holds():
    evidence = CLAIMS["sharp.rho"].evidence({})
    assert verdict(evidence) == "holds"
    left = [item for item in evidence["parts"][1]["ranges"] if item["name"].startswith("left")]
    assert [item["value"] for item in left] == [(1 - 2.0 ** (1 - k)) ** 2 for k in (4, 7, 10)]


def test_a_radius_that_misses_the_place_moves_on(monkeypatch):
    true = sharpness.settle
    monkeypatch.setattr(
        sharpness,
        "settle",
        lambda problem: true(Moved(problem.L, problem.rho, problem.t, problem.G)),
    )
    monkeypatch.setattr(sharpness, "_floor", lambda k, rho: {})
    assert verdict(CLAIMS["sharp.rho"].evidence({})) == "refuted"


class Moved(Stairs):
    """The function from a place beside the one where SAM stays."""

    @property
    def x0(self):
        return super().x0 + 0.25 * self.t


@pytest.mark.parametrize("k", [3, 6])
def test_the_stairs_certificate_is_that_of_its_slope(k):
    problem = Stairs(L=2.0, rho=0.5, t=2.0**-k, G=3.0)
    x = np.linspace(-3, 3, 60001)
    slope = problem.gradient(x)
    f = np.concatenate([[0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(x))])
    at_start = np.interp(problem.x0[0], x, f)
    assert np.abs(slope).max() == problem.certificate.G.value
    assert np.abs(np.diff(slope) / np.diff(x)).max() == pytest.approx(problem.L, rel=1e-6)
    assert at_start - f.min() == pytest.approx(problem.certificate.Delta.value, rel=1e-6)
    assert problem.gradient(problem.x0)[0] == problem.h == (1 - 2.0 ** (1 - k)) * 2.0 * 0.5


STILL = [claim for claim in CLAIMS.values()
         if claim.id.split(".")[0] in ("corollary1", "remark3", "sharp") and (
             claim.study or claim.method != "symbolic")]  # fmt: skip


@pytest.mark.parametrize("claim", STILL, ids=lambda claim: claim.id)
def test_what_is_run_with_eps_at_G_says_that_v_hat_never_moves(claim):
    """A constant step: what is measured is SAM's, not that of an adaptive method."""
    for spec in claim.study.specs(PRESETS["quick"], 0).values() if claim.study else ():
        assert spec.run.eps == spec.problem.G
    assert "eps = G" in claim.statement
    assert "v_hat never moves" in claim.statement
