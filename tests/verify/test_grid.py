"""The archived runs of the classroom page: made anew to the last bit, and believable."""

import itertools
import math

import numpy as np
import pytest

from simulators import simulate
from theory import corollary1
from theory.setting import Hyperparameters
from theory.theorem1 import TIGHT
from verify.classroom import grid

STORED = grid.load()
PROBLEMS = list(itertools.product(*grid.PROBLEM_AXES.values()))
CELLS = list(itertools.product(*grid.RUN_AXES.values()))


def test_the_archive_covers_the_grid():
    assert {name: tuple(values) for name, values in STORED["axes"].items()} == grid.AXES
    count = math.prod(len(values) for values in grid.AXES.values())
    assert len(STORED["mean"]) == len(STORED["half"]) == count == len(PROBLEMS) * len(CELLS)


@pytest.mark.parametrize("problem", [0, 5])
def test_a_point_comes_out_the_same_to_the_last_bit(problem):
    cells = [number for number, cell in enumerate(CELLS) if cell[-1] == 256][3::61]
    again = grid.left_sides(*PROBLEMS[problem], [CELLS[number] for number in cells])
    rows = [problem * len(CELLS) + number for number in cells]
    assert [item["mean"] for item in again] == [STORED["mean"][row] for row in rows]
    assert [float(f"{item['half']:.3g}") for item in again] == [STORED["half"][row] for row in rows]


def test_no_archived_left_side_lies_above_the_sharp_bound():
    eps, beta1, b, step, rho, T = np.array(CELLS).T
    gamma, rho = corollary1.schedule(step * eps, rho, b, T)
    hyper = Hyperparameters(gamma=gamma, rho=rho, beta1=beta1, beta2=0.999, eps=eps, b=b, T=T)
    mean, half = (np.array(STORED[name]).reshape(len(PROBLEMS), -1) for name in ("mean", "half"))
    for row, (noise, gap) in enumerate(PROBLEMS):
        constants = grid.problem(noise, gap).certificate.constants
        assert float(constants.Delta) == pytest.approx(gap * grid.D)
        assert float(constants.sigma) == pytest.approx(noise * math.sqrt(grid.D))
        bound = TIGHT.total(constants, hyper) / grid.D
        # Half a 95 % interval of 16 runs is 2.13 standard errors.
        assert (mean[row] - 3 * half[row] <= bound).all()


def test_a_change_of_units_changes_the_left_side_by_G_squared():
    """So one archive at L = G = 1 serves every L and G."""
    L, G = 4.0, 0.5  # powers of two: exact
    noise, gap, eps, step = 0.1, 0.1, 0.5, 0.5
    d, b, T = grid.D, 4, 300
    common = {"beta1": 0.9, "beta2": 0.999, "b": b, "T": T, "runs": 2, "seed": 1}
    base = grid.problem(noise, gap)
    there = type(base)(
        "huber", "additive", L=L, sigma=base.sigma * G, G=G, d=d, start=float(base.x0[0]) * G / L
    )
    left = []
    for problem, unit_F, unit_X in ((base, 1.0, 1.0), (there, G, G / L)):
        gamma, rho = corollary1.schedule(step * eps * unit_X, 10.0 * unit_X, b, T)
        runs = simulate(
            problem, gamma=gamma, rho=rho, eps=eps * unit_F, engine="reference", common_noise=True,
            **common,
        )  # fmt: skip
        left.append(runs.lhs(0) / unit_F**2)
    np.testing.assert_allclose(left[0], left[1], rtol=1e-12)


def test_the_page_has_the_means_within_a_thousandth_of_a_decade():
    brief = grid.brief(STORED)
    apart = np.log10(STORED["mean"]) - np.array(brief["mean"]) / 1000
    assert np.abs(apart).max() <= 0.5e-3 + 1e-12
    assert brief["axes"] == STORED["axes"]
