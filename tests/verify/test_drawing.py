"""What the figures of the theory show is what the theory says."""

import numpy as np
import pytest

from figures.style import PAPER
from simulators import spec as specs
from theory import corollary1
from theory.setting import Hyperparameters
from theory.theorem1 import CORRECTED
from verify import archive, drawing
from verify.claim import PRESETS
from verify.claims import CLAIMS, remark1, remark3, sharpness
from verify.claims import corollary1 as slopes
from verify.drawing import bounds, remarks, schedules

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


def drawn(draw, claim_id, evidence):
    figure = draw({}, {claim_id: archive.through_json(evidence)}, PAPER)
    return [[np.asarray(line.get_ydata()).tolist() for line in axes.lines] for axes in figure.axes]


def test_the_drawn_steps_are_the_evidences(planted):
    def law(problem, cell):
        return remark3.exact_mean(int(cell["b"]), cell["T"])

    evidence = planted("remark3.steps", law)
    panels = drawn(remarks.steps_to, "remark3.steps", evidence)
    for part, lines in zip(evidence["parts"], panels, strict=True):
        rows = part["steps"]
        assert [row["T"] for row in rows] in lines
        assert [row["exact"] for row in rows] in lines
        for row in rows:
            assert row["low"] < row["T"] < row["high"]
            assert row["T"] == pytest.approx(row["exact"], rel=0.02)


def test_the_drawn_crews_are_the_evidences(planted):
    evidence = planted("remark3.workers", lambda problem, cell: 0.01 / cell["workers"])
    (part,) = (part for part in evidence["parts"] if "instances" in part)
    for lines, rho in zip(
        drawn(remarks.crews, "remark3.workers", evidence), (0.0, 0.2), strict=True
    ):
        mine = [i for i in part["instances"] if i["spec"]["run"]["rho"] == rho]
        heights = [y for line in lines for y in line]
        for instance in mine:
            assert instance["lhs"] in heights
            assert instance["rhs"] in heights


def test_the_drawn_means_without_the_max_are_the_evidences(monkeypatch):
    at = np.array([1, 1024, 4096])
    rng = np.random.default_rng(0)
    runs = {
        (method, beta1, T): (at[at <= T], rng.uniform(0.001, 0.03, (64, (at <= T).sum())))
        for method in ("adasam", "adam_sam")
        for beta1 in remark1.RARE_MOMENTA
        for T in remark1.RARE_T
    }
    monkeypatch.setattr(remark1, "rare_runs", lambda: runs)
    evidence = remark1.no_max_evidence({})
    start = evidence["setting"]["f'(x_0)^2"]
    panels = drawn(remarks.without_max, "remark1.no_max", evidence)
    for lines, beta1 in zip(panels, remark1.RARE_MOMENTA, strict=True):
        for method in ("adasam", "adam_sam"):
            mean = runs[method, beta1, 4096][1].mean(0) / start
            assert any(line == pytest.approx(mean.tolist()) for line in lines)


def test_the_drawn_floors_are_those_of_runs_and_the_law_is_attained():
    evidence = {"floors": [sharpness._floor(10, rho) for rho in sharpness.FLOOR_RHO]}
    for row in evidence["floors"]:
        assert row["left"] == pytest.approx((1 - 2 * row["t"]) ** 2 * row["law"], rel=1e-3)
        assert row["left"] < row["tight"] < 1.001 * row["law"]
        assert row["corrected"] == pytest.approx(45 * row["law"], rel=1e-3)
    (lines,) = drawn(remarks.rho_floors, "sharp.rho", evidence)
    for name in ("left", "tight", "corrected"):
        assert [row[name] for row in evidence["floors"]] in lines


def test_the_ladder_needs_every_variant():
    assert bounds.ladder({}, {}, PAPER) is None
