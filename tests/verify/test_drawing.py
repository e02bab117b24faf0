"""What the figures of the theory show is what the theory says."""

import numpy as np
import pytest

from figures.style import PAPER
from simulators import spec as specs
from theory import corollary1
from theory.setting import Hyperparameters
from theory.theorem1 import CORRECTED
from verify import drawing
from verify.claim import PRESETS
from verify.claims import CLAIMS
from verify.claims import corollary1 as slopes
from verify.drawing import bounds, schedules

EPS, C_RHO = 1.0, 3.0
OVER_T, OVER_B = schedules.term_sweeps()


def schedule(b, T) -> Hyperparameters:
    c_gamma = corollary1.c_gamma_value(CORRECTED, schedules.TEACHING, EPS)
    gamma, rho = corollary1.schedule(c_gamma, C_RHO, b, T)
    return Hyperparameters(gamma=gamma, rho=rho, beta1=0.9, beta2=0.999, eps=EPS, b=b, T=T)


@pytest.mark.parametrize(
    ("sweep", "hyper"),
    [(OVER_T, schedule(16, OVER_T.at)), (OVER_B, schedule(OVER_B.at, 10**8))],
    ids=["T", "b"],
)
def test_the_drawn_terms_sum_to_the_bound(sweep, hyper):
    drawn = sweep.leading + np.sum(list(sweep.parts.values()), axis=0)
    np.testing.assert_allclose(drawn, CORRECTED.total(schedules.TEACHING, hyper), rtol=1e-13)


def thresholds(b: float) -> dict[str, float]:
    c_gamma = corollary1.c_gamma_value(CORRECTED, schedules.TEACHING, EPS)
    return corollary1.threshold_values(
        CORRECTED, schedules.TEACHING, c_gamma=c_gamma, c_rho=C_RHO, beta1=0.9, eps=EPS, b=b
    )


def test_the_dots_are_the_thresholds_of_corollary_1():
    low, high = OVER_T.at[[0, -1]]
    shown = {name: T for name, T in thresholds(16).items() if low <= T <= high}
    # Terms are power laws, on which interpolation is exact to rounding.
    assert {**OVER_T.limits, "step": OVER_T.step_limit} == pytest.approx(shown, rel=1e-9)


def test_the_dot_over_b_is_the_b_whose_threshold_is_the_T_held():
    assert OVER_B.limits.keys() == {"momentum"}
    assert thresholds(OVER_B.limits["momentum"])["momentum"] == pytest.approx(1e8, rel=1e-9)


def test_the_line_over_the_plane_is_where_the_theorem_starts_to_speak():
    plane = schedules.plane()
    above = plane.T[:, None] >= plane.boundary
    assert np.array_equal(plane.speaks, above)
    assert above.any()
    assert not above.all()


def test_the_plane_marks_every_cell_of_the_slope_claims():
    problem = slopes.BASIN.make()
    study = slopes.STUDY.specs(PRESETS["quick"], 0)
    wanted = {
        (cell["b"], cell["T"]) for spec in study.values() for cell in specs.cells(spec, problem)
    }
    assert set(map(tuple, schedules.plane().cells.tolist())) == wanted


def test_every_claims_figure_is_one_that_is_drawn():
    assert {claim.figure for claim in CLAIMS.values() if claim.figure} <= drawing.FIGURES.keys()


def test_all_claims_show_all_figures_and_one_shows_its_own():
    assert drawing.shown(CLAIMS) == drawing.FIGURES
    assert list(drawing.shown(["remark3.steps"])) == ["steps"]


def test_the_ladder_needs_every_variant():
    assert bounds.ladder({}, {}, PAPER) is None
