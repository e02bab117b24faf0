"""Claims on a ball: runs are watched, and a check says whether they stay."""

import numpy as np
import pytest
import torch

from simulators import custom, simulate
from verify.check import claimed, judging, writing
from verify.check import job as check
from verify.check.watching import watched

TINY = claimed.Effort("tiny", 32, 8, 2, 16, 2**10, 2)
GRID = check.Grid(b=(1, 4), T=(16, 32), held=4, runs=4)


def least_squares(**changes):
    draw = torch.Generator().manual_seed(2)
    A = torch.randn(20, 2, generator=draw, dtype=torch.float64)
    y = A.sum(1) + 0.1 * torch.randn(20, generator=draw, dtype=torch.float64)
    # On the ball a coordinate is at most |a_j| (|y| + 5 ||a||), the claim; L is max ||a||^2.
    norms = A.norm(dim=1)
    G = float((A.abs() * (y.abs() + 5 * norms)[:, None]).max())
    given = {"x0": np.zeros(2), "L": float((norms**2).max()), "sigma": 0.9 * G, "G": G,
             "f_star": 0.0, "ball": 5.0}  # fmt: skip
    return custom(lambda x, a, y: (a @ x - y) ** 2 / 2, data=(A, y), **given | changes)


def test_what_watches_runs_sees_the_farthest_point_of_their_paths():
    problem = least_squares()
    seen, watcher = watched(problem)
    cell = {"gamma": 0.05, "rho": 1.5, "beta1": 0.0, "beta2": 0.9, "eps": 1.0, "b": 3, "T": 12}
    runs = simulate(seen, **cell, runs=3, seed=1, engine="torch", dtype="float64",
                    record="trajectory")  # fmt: skip
    plain = simulate(problem, **cell, runs=3, seed=1, engine="torch", dtype="float64",
                     record="trajectory")  # fmt: skip
    assert np.array_equal(runs.x, plain.x)
    paths = runs.x[:, :-1]
    assert problem.region
    points = []  # a gradient is taken at every x_t and rho away along the mini-batch's
    for path, samples in zip(paths, runs.samples, strict=True):
        for x, own in zip(path, samples, strict=True):
            s = problem.batch_gradient(x[None, :], own[None, :].astype(np.int64))[0]
            points += [x, x + 1.5 * s / np.linalg.norm(s)]
    farthest = problem.region.share(np.array(points)).max()
    assert watcher.farthest == pytest.approx(farthest, rel=1e-9)
    assert farthest > problem.region.share(paths).max()


def test_a_check_on_a_ball_says_that_runs_stay_there_and_judges_the_bounds():
    made = check.check(least_squares(), grid=GRID, effort=TINY)
    content = made.content
    assert 0 < content["region"]["farthest"] < 1
    assert judging.NO_LIMIT not in content["states"].values()
    assert [bound["name"] for bound in content["bounds"]] == ["corrected", "tight"]
    share = f"at most {100 * content['region']['farthest']:.3g} % of the way out"
    assert any(share in line for line in writing.lines(content))
    # What is drawn is what was judged: each batch size has a panel that ends at the measured mean.
    figure = made.figures["bound_vs_measured"]
    panels = [axes for axes in figure.axes if axes.get_xscale() == "log"]
    assert len(panels) == len(GRID.b)
    for axes, b in zip(panels, GRID.b, strict=True):
        one = next(
            item for item in content["bounds"][1]["instances"] if (item["b"], item["T"]) == (b, 32)
        )
        drawn = [np.asarray(line.get_ydata()) for line in axes.lines]
        ends = {float(y[-1]) for y in drawn if len(y) > 2}
        for value in (one["lhs"], one["rhs"]):
            assert any(end == pytest.approx(value, rel=1e-6) for end in ends)


def test_a_run_that_leaves_the_ball_leaves_the_bounds_unjudged():
    # The claims are still right on a ball within reach of one perturbation, rho = c_rho/sqrt(bT).
    made = check.check(least_squares(ball=0.01), grid=GRID, effort=TINY, c_rho=1.0)
    content = made.content
    assert content["region"]["farthest"] > 1
    assert content["verdict"] == "inconclusive"
    assert not made.fine
    assert "bounds" not in content
    assert any("A run leaves the ball" in line for line in writing.lines(content))


def test_the_options_reach_every_cell():
    problem = least_squares()
    cells = check._cells(problem, GRID, 0.5, {"beta1": 0.25, "beta2": 0.75, "eps": 2.0})
    assert [(cell["b"], cell["T"]) for cell in cells] == [(1, 32), (4, 32), (4, 16)]
    for cell in cells:
        assert (cell["beta1"], cell["beta2"], cell["eps"]) == (0.25, 0.75, 2.0)
        assert cell["rho"] == pytest.approx(0.5 / np.sqrt(cell["b"] * cell["T"]))
