"""The claims on how far the speed-up reaches: planted left sides that must flip their verdicts."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from simulators import spec as specs
from theory import basin
from verify.claims import CLAIMS
from verify.claims.adasam.speedup_limits import cubed_specs
from verify.evidence.judge import verdict
from verify.reproduction.job import _specs, measurements
from verify.studies.study import PRESETS

SPREAD = 0.03


class Planted:
    """Runs whose left sides have the means that ``law(b, T)`` gives; a control's are exact."""

    def __init__(self, spec, law, control):
        problem, rng = spec.problem.make(), np.random.default_rng(1)
        start = float((problem.gradient(problem.x0, np) ** 2).sum())
        self.values = []
        for cell in specs.cells(spec, problem):
            at = int(cell["b"]), int(cell["T"])
            mean = law(*at) if cell["rho"] else control(*at) * basin_value(problem, cell, start)
            kicks = rng.uniform(-1, 1, spec.run.runs)
            self.values.append(mean * (1 + SPREAD * (kicks - kicks.mean())))
        self.adaptive_share = np.zeros(1)

    def lhs(self, number):
        return self.values[number]

    def rows(self, number):
        return np.array([0])


def basin_value(problem, cell, start):
    given = problem.L, problem.sigma, cell["eps"], cell["gamma"], cell["beta1"]
    return basin.mean_grad_norm2_with_momentum(*given, int(cell["b"]), int(cell["T"]), start)


def as_known(b, T):
    return 1.0


def evidence(name, law, control=as_known):
    claim = CLAIMS[f"corollary1.{name}"]
    assert claim.study
    jobs = claim.study.specs(PRESETS["quick"], 0)
    return claim.evidence({key: (spec, Planted(spec, law, control)) for key, spec in jobs.items()})


def linear(b, T):
    return 0.5 / math.sqrt(b * T)


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (linear, "holds"),
        (lambda b, T: 2 / (b * T), "holds"),
        (lambda b, T: linear(b, T) * (1 + 1 / (b * T)), "holds"),
        (lambda b, T: linear(b, T) * b**0.02, "holds"),
        (lambda b, T: linear(b, T) * b**0.0345, "inconclusive"),
        (lambda b, T: linear(b, T) * b**0.05, "refuted"),
        (lambda b, T: 1 / math.sqrt(T), "refuted"),
        (lambda b, T: linear(b, T) * (1.2 if (b, T) == (64, 16384) else 1), "refuted"),
    ],
)
def test_curves_collapse_if_bT_alone_decides(law, expected):
    assert verdict(evidence("collapse", law)) == expected


def test_every_pair_of_equal_bT_is_compared():
    pairs = evidence("collapse", linear)["pairs"]
    assert len(pairs) == 8
    for pair in pairs:
        assert pair["b"][0] < pair["b"][1]
        assert pair["b"][0] * pair["T"][0] == pair["b"][1] * pair["T"][1]
        assert 1 - pair["confidence"] == pytest.approx(1e-6 / 32)


def one_cell_off(b, T):
    return 1.1 if b == 16 else 1.0


@pytest.mark.parametrize("law", [linear, lambda b, T: 1 / math.sqrt(T)])
def test_a_control_off_its_exact_value_voids_the_collapse(law):
    assert verdict(evidence("collapse", law, one_cell_off)) == "inconclusive"


@pytest.mark.parametrize("name", ["b_cubed", "rho_rate"])
@pytest.mark.parametrize(
    ("law", "control", "expected"),
    [
        (linear, as_known, "refuted"),
        (lambda b, T: b * T**-1.0, as_known, "inconclusive"),
        (lambda b, T: (b * T) ** -0.4, as_known, "inconclusive"),
        (lambda b, T: 0.01, as_known, "inconclusive"),
        (linear, lambda b, T: (b * T) ** 0.1, "inconclusive"),
    ],
)
def test_only_a_kept_slope_refutes_a_condition(name, law, control, expected):
    assert verdict(evidence(name, law, control)) == expected


def test_a_condition_that_is_kept_is_not_refuted_by_slopes_that_hold():
    """rho = c/sqrt(bT) itself; and T >= b^3 at one b of five."""
    for name, change in (("rho_rate", {"c_rho": [0.3, 0.0]}), ("b_cubed", {"T": 32.0**3})):
        claim = CLAIMS[f"corollary1.{name}"]
        assert claim.study
        jobs = claim.study.specs(PRESETS["quick"], 0)
        for spec in jobs.values():
            for key, value in change.items():
                setattr(spec.run, key, value)
        results = {key: (spec, Planted(spec, linear, as_known)) for key, spec in jobs.items()}
        found = claim.evidence(results)  # type: ignore[arg-type]
        assert found["necessity"]["fails"] is False
        assert verdict(found) == "inconclusive"


def test_both_slopes_must_be_kept_where_rho_falls_slower():
    assert verdict(evidence("rho_rate", lambda b, T: b**-0.5)) == "inconclusive"
    assert verdict(evidence("rho_rate", lambda b, T: T**-0.5)) == "inconclusive"


def test_below_b_cubed_the_corrected_bound_grows_with_b_and_tight_falls():
    found = evidence("b_cubed", linear)
    (slope,) = found["slopes"]
    assert found["necessity"]["largest_T_over_b_cubed"] == 0.25
    assert found["necessity"]["largest_T_over_momentum_threshold"] < 0.02
    assert slope["bounds"]["corrected"] > 0.9
    assert slope["bounds"]["tight"] == pytest.approx(-0.5, abs=0.05)


def test_the_momentum_runs_stay_in_the_basin_where_the_control_is_exact():
    for spec in cubed_specs(PRESETS["quick"], 0).values():
        problem = spec.problem.make()
        for cell in specs.cells(spec, problem):
            root = math.sqrt(cell["beta1"])
            assert cell["gamma"] * problem.L / cell["eps"] <= (1 - root) / (1 + root)
            assert problem.noise_size + problem.L * cell["rho"] <= problem.G_f
            assert problem.L * abs(problem.x0[0]) <= problem.G_f


def test_every_measured_cell_has_a_spec_file_of_its_own():
    names = ("collapse", "b_cubed", "rho_rate")
    found = [evidence(name, linear) for name in names]
    counts = [len(measurements(item)) for item in found]
    assert counts == [20, 10, 20]
    texts, files = _specs([SimpleNamespace(evidence=item) for item in found])
    # (b, T) = (4, 4096) lies on both of rho_rate's axes: one spec, perturbed or not.
    assert len(files) == len(set(files.values())) == sum(counts) - 2
    assert set(files.values()) == {f"specs/{name}" for name in texts}
