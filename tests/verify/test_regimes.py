"""The claims on regimes: planted left sides that must flip their verdicts."""

import numpy as np
import pytest

from verify.claims.adasam import regimes
from verify.evidence.judge import verdict
from verify.studies.study import PRESETS


def constant(problem, cell):
    return regimes.constant_step(problem, cell)


def below(law):
    """What is planted where eps is below the noise; above, what is known."""
    return lambda problem, cell: (
        law(cell["b"], cell["T"]) if cell["eps"] == regimes.BELOW else constant(problem, cell)
    )


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (lambda b, T: T**-0.5, "refuted"),
        (lambda b, T: (b * T) ** -0.5, "holds"),
        (lambda b, T: b**-0.45 * T**-0.5, "inconclusive"),
        (lambda b, T: b**-0.3 * T**-0.5, "refuted"),
    ],
)
def test_below_the_noise_the_slope_in_b_decides(planted, law, expected):
    assert verdict(planted("regime.adaptive", below(law))) == expected


def test_the_floors_of_a_constant_v_hat_have_the_six_slopes(planted):
    assert verdict(planted("regime.floors", constant)) == "holds"


@pytest.mark.parametrize(
    "law", [lambda b, T: (b * T) ** -0.5, lambda b, T: T**-0.5, lambda b, T: b**-0.5]
)
def test_one_law_for_both_schedules_refutes_the_floors(planted, law):
    assert verdict(planted("regime.floors", below(law))) == "refuted"


@pytest.mark.parametrize("name", ["adaptive", "floors"])
def test_a_control_off_its_exact_slope_voids_them(planted, name):
    def law(problem, cell):
        tilt = cell["b"] ** 0.03 if cell["eps"] == regimes.ABOVE else 1.0
        return tilt * constant(problem, cell)

    assert verdict(planted(f"regime.{name}", law)) == "inconclusive"


def test_every_cell_is_measured_once():
    """Along T, b is the same for all: two schedules with one gamma there would be one run."""
    jobs = regimes.study_specs(PRESETS["quick"], 0)
    cells = [
        tuple(round(float(cell[name]), 12) for name in ("gamma", "eps", "b", "T", "v_init"))
        for job in jobs.values()
        for cell in regimes.specs.cells(job, job.problem.make())
    ]
    assert len(set(cells)) == len(cells)


def test_the_map_spans_the_noise_at_its_middle_batch():
    assert regimes.middle() == 8
    job = regimes.study_specs(PRESETS["quick"], 0)["map"]
    levels = np.array(job.run.eps) * 8**0.5 / regimes.SIGMA
    np.testing.assert_allclose(levels, regimes.MAP_LEVELS)
    assert levels[0] < 2**-5
    assert levels[-1] == 4
