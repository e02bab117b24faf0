"""Searches for violations: what is wrong is found at every scale, what is right is left alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from simulators import custom
from verify.check import claimed, judging, power, writing
from verify.check.climbing import grows
from verify.check.judging import FINE, NO_LIMIT, UNCHECKED, VIOLATED
from verify.check.measures import Measures
from verify.check.pairs import zoom

SMALL = claimed.Effort("small", 64, 12, 6, 32, 2**11, 2)
ONE_DESCENT = replace(SMALL, starts=1)


def searched(problem, effort=SMALL):
    rows = claimed.search(problem, effort, 0)
    return {row["constant"]: row for row in rows}, judging.states(rows)


def surely(row):
    """What was found less what rounding explains: the right claim must allow it."""
    return row["found"] - (row["limit"] - row["certified"])


def table(around=0.0, N=40):
    draw = torch.Generator().manual_seed(0)
    A = around + 2 * torch.rand(N, 3, generator=draw, dtype=torch.float64) - 1
    return A, A.sum(1) + torch.randn(N, generator=draw, dtype=torch.float64)


def log_cosh(x, a, y):
    e = a @ x - y
    return torch.logaddexp(e, -e)


def square(x, a, y):
    return (a @ x - y) ** 2 / 2


def regression(loss=log_cosh, around=0.0, **claims):
    A, y = table(around)
    right = {
        "L": float((A**2).sum(1).max()), "G": float(A.abs().max()), "sigma": 1.0,
        "f_star": math.log(2),
    }  # fmt: skip
    return custom(loss, data=(A, y), x0=np.zeros(3), **right | claims)


@pytest.mark.parametrize("L", [2.0, 1e6])
def test_where_a_gradient_jumps_no_L_exists_however_large_the_claim(L):
    rows, states = searched(regression(lambda x, a, y: (a @ x - y).abs(), L=L, f_star=0.0))
    assert states["L"] == NO_LIMIT
    assert states["G"] == FINE
    assert rows["L"]["without_end"]["halvings"] >= 10
    said = writing.sentence(rows["L"])
    assert "no L exists" in said
    # The kink is where it is said to be: the sample's a.x - y changes its sign between the points.
    A, y = (array.numpy() for array in table())
    sample = rows["L"]["sample"]
    ends = [A[sample] @ at - y[sample] for at in rows["L"]["at"]]
    assert min(ends) <= 0 <= max(ends)


def test_a_generous_G_does_not_hide_a_wrong_L():
    def loss(x, a):
        return torch.sqrt(1 + (x * x).sum()) - 1 + 0 * a[0]

    rows, states = searched(
        custom(loss, data=torch.zeros(1, 1), x0=np.full(3, 3.0), L=0.5, sigma=0.1, G=1e4, f_star=0)
    )
    assert states["L"] == VIOLATED
    assert rows["L"]["value"] == pytest.approx(1, rel=1e-6)
    assert states["G"] == UNCHECKED
    assert rows["G"]["value"] == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("times", "state"), [(0.5, VIOLATED), (1.0, FINE), (3.0, UNCHECKED)])
def test_features_far_from_zero_hide_no_L_in_their_thin_slabs(times, state):
    truth = regression(around=100.0).L
    rows, states = searched(regression(around=100.0, L=times * truth))
    assert states["L"] == state
    assert rows["L"]["value"] == pytest.approx(truth, rel=1e-6)


def test_what_is_claimed_far_above_what_is_found_is_not_checked():
    rows, states = searched(regression(L=12.0, G=9.0, sigma=9.0, f_star=-50.0))
    assert set(states.values()) == {UNCHECKED}
    assert judging.outcome(states) == "inconclusive"
    L = rows["L"]
    assert judging.share(L) == L["value"] / 12
    start = regression().at_x0
    f_star = rows["f_star"]
    assert judging.share(f_star) == pytest.approx((start - f_star["value"]) / (start + 50))


def test_what_grows_with_the_distance_is_said_to_and_a_ball_cures_it():
    wide = regression(square, sigma=3.0, G=100.0, f_star=0.0)
    rows, states = searched(wide, ONE_DESCENT)
    assert (states["G"], states["sigma"], states["L"]) == (NO_LIMIT, NO_LIMIT, FINE)
    grown = rows["G"]["without_end"]
    near, far = grown["distances"][0], grown["distances"][-1]
    assert np.allclose(np.diff(np.log2(grown["distances"])), 1)
    assert grown["values"][-1] > 2 * grown["values"][-3] > 0
    assert rows["G"]["value"] > 100
    said = writing.sentence(rows["G"])
    for part in (f"{near:.3g}", f"{far:.3g}", "ball="):
        assert part in said
    # On |x| <= 2 a coordinate of (a.x - y) a is at most |a_j| (2 ||a|| + |y|): it is attained.
    A, y = (array.numpy() for array in table())
    largest = float((np.abs(A) * (2 * np.linalg.norm(A, axis=1) + np.abs(y))[:, None]).max())
    for kind, size in (("ball", 2.0), ("box", 2.0)):
        problem = regression(square, sigma=4.0, G=1.01 * largest, f_star=0.0, **{kind: size})
        rows, states = searched(problem, ONE_DESCENT)
        if kind == "ball":
            assert NO_LIMIT not in states.values()
            assert VIOLATED not in states.values()
            # A search ends near the largest value, never above it.
            assert 0.99 * largest <= rows["G"]["value"] <= largest * (1 + 1e-9)
        assert problem.region
        for row in rows.values():
            for at in row["at"]:
                assert problem.region.share(np.array(at)) <= 1 + 1e-9


def test_a_function_without_a_least_value_is_told():
    endless = regression(lambda x, a, y: a @ x, L=1.0, f_star=-1e3)
    rows, states = searched(endless, ONE_DESCENT)
    assert states["f_star"] == NO_LIMIT
    assert rows["f_star"]["value"] < -1e3
    assert "falls with the distance" in writing.sentence(rows["f_star"])


def test_rounding_is_no_violation():
    # Centred at 1e9, an ulp is 1.2e-7; and near 0 a gradient is the difference of two of size 1.
    far = custom(
        lambda x, a: log_cosh(x - 1e9, a, 0 * a[0]), data=torch.ones(2, 1),
        x0=np.array([1e9 + 3.0]), L=1, sigma=0.1, G=1, f_star=math.log(2),
    )  # fmt: skip
    near = custom(
        lambda x, a: torch.logaddexp(x, -x).sum() + 0 * a[0], data=torch.ones(2, 1),
        x0=np.full(3, 3.0), L=1, sigma=0.1, G=1, f_star=3 * math.log(2),
    )  # fmt: skip
    for problem, reached in ((far, 1e-3), (near, 1e-6)):
        rows, states = searched(problem, ONE_DESCENT)
        assert (states["L"], states["G"], states["f_star"]) == (FINE, FINE, FINE)
        assert 1 - reached < rows["L"]["value"] <= 1


def test_gradients_that_overflow_far_out_are_said_and_warn_of_nothing(recwarn):
    naive = regression(lambda x, a, y: torch.log(torch.cosh(a @ x - y)), f_star=0.0)
    rows, states = searched(naive)
    assert states["L"] == FINE
    A, _ = table()
    assert 700 < rows["L"]["defined"] * float(A.norm(dim=1).max()) < 1e6
    assert not recwarn.list


def test_the_worst_uniform_numbers_of_a_sample_are_found():
    def loss(x, u):
        return (-torch.log(u) * torch.logaddexp(x, -x)).sum()

    def value(x):
        return torch.logaddexp(x, -x).sum()

    largest = 24 * math.log(2)  # -log of the least number, 2^-24: a random sample has 16, not 1
    rows, states = searched(custom(
        loss, noise=2, value=value, x0=np.ones(2), L=0.98 * largest, G=0.98 * largest,
        sigma=1.5, f_star=2 * math.log(2),
    ))  # fmt: skip
    for name in ("L", "G"):
        assert states[name] == VIOLATED
        assert surely(rows[name]) <= largest
    assert rows["G"]["sample"][int(np.argmin(rows["G"]["sample"]))] == 2.0**-24
    assert rows["bias"]["finds"] < 0.5


def test_a_Delta_claimed_without_f_is_measured_along_the_gradient():
    def slope(x, a, y):
        return torch.tanh(a @ x - y) * a

    A, y = table()
    right = regression()
    lowest = minimize(lambda x: float(right.objective(x[None, :])[0]), right.x0, tol=1e-12)
    truth = right.at_x0 - lowest.fun
    for times, state in ((0.9, VIOLATED), (5.0, UNCHECKED)):
        claims = {name: regression().claims[name] for name in ("L", "sigma", "G")}
        problem = custom(sample_gradient=slope, data=(A, y), x0=np.zeros(3),
                         Delta=times * truth, **claims)  # fmt: skip
        rows, states = searched(problem, ONE_DESCENT)
        assert states["Delta"] == state
        assert rows["Delta"]["value"] == pytest.approx(truth, rel=1e-3)
        assert surely(rows["Delta"]) <= truth


def test_a_pair_is_halved_to_the_steepest_place_between_its_ends():
    problem = custom(
        lambda x, a: log_cosh(100 * x, a, 0 * a[0]) / 100, data=torch.ones(1, 1),
        x0=np.array([1.0]), L=100, sigma=1, G=1, f_star=0,
    )  # fmt: skip
    ends = np.array([[[5.0]], [[-3.0]]])
    measures = Measures(problem, 0)
    measures.scale = 1.0
    found = zoom(measures, ends, np.array([0]))
    assert found.rate[0] == pytest.approx(100, rel=1e-3)
    assert abs(found.ends).max() < 1e-2
    assert found.endless[0] == 0


def test_growth_is_told_from_its_last_doublings():
    x = 2.0 ** np.arange(20)
    assert grows(x)
    assert grows(x**0.2)
    assert not grows(x**0.1)
    assert not grows(np.tanh(x / 1e3))
    assert not grows(x[:5])


def row(constant="L", claimed_value=2.0, value=1.0, **rest):
    return claimed.row(constant, claimed_value, value, **rest)


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([row()], FINE),  # half of the claim
        ([row(value=0.98)], UNCHECKED),
        ([row(value=0.1), row(value=1.5, along="the runs")], FINE),
        ([row(value=2.01)], VIOLATED),
        ([row(value=2 + 1e-10)], FINE),
        ([row(value=2.01, room=0.1)], FINE),
        ([row(value=2.01), row(value=1.0, along="the runs")], VIOLATED),
        ([row(value=1.0, without_end={"halvings": 12})], NO_LIMIT),
        ([row("bias", 0.0, 0.0)], FINE),
        ([row("bias", 0.0, 0.1)], VIOLATED),
        ([row("sigma", 0.0, 0.0)], FINE),
        ([row("f_star", 0.0, 1.0, start=2.0)], FINE),
        ([row("f_star", 0.0, 1.5, start=2.0)], UNCHECKED),
        ([row("f_star", 0.0, -0.1, start=2.0)], VIOLATED),
        ([row("f_star", 0.0, 0.0, start=0.0)], FINE),  # a start at the minimum leaves no gap
    ],
)
def test_what_searches_found_of_a_claim_is_its_state(rows, state):
    assert judging.states(rows) == {rows[0]["constant"]: state}


def test_one_claim_violated_refutes_and_one_unchecked_leaves_open():
    assert judging.outcome({"L": FINE, "G": FINE}) == "holds"
    assert judging.outcome({"L": FINE, "G": UNCHECKED}) == "inconclusive"
    assert judging.outcome({"L": UNCHECKED, "G": VIOLATED}) == "refuted"
    assert judging.outcome({"L": NO_LIMIT, "G": UNCHECKED}) == "refuted"


def test_what_is_said_to_be_found_is_what_was_measured():
    table = power.table()
    assert set(table) == {"quick", "full"}
    assert all(set(found) == {law.name for law in power.LAWS} for found in table.values())
    data = power.LAWS[0].make(power.LAWS[0].truth())
    rows = [row(name) for name in ("L", "sigma", "G")] + [row("f_star", 0.0, 1.0, start=2.0)]
    rows.append(row("bias", 0.0, 0.0, finds=0.25))
    shown = power.finds(data, "quick", rows)
    ours = [found for law, found in table["quick"].items() if " data" in law]
    assert shown["L"]["from"] == 1 / min(found["L"] for found in ours) - 1 > 0
    assert shown["bias"]["from"] == 0.25
    noisy = power.LAWS[-1]
    shown = power.finds(noisy.make(noisy.truth()), "quick", rows)
    assert noisy.name in shown["sigma"]["blind"]
    ours = [found["sigma"] for law, found in table["quick"].items() if " noise" in law]
    worst = min(share for share in ours if share >= power.BLIND)
    assert worst < max(ours)
    assert shown["sigma"]["from"] == 1 / worst - 1
    assert power.finds(data, "other", rows)["L"]["from"] is None


@pytest.mark.parametrize("number", [5, 10])
def test_a_violation_larger_than_that_is_found(number):
    law = power.LAWS[number]
    truth, found = law.truth(), power.table()["quick"][law.name]
    claims = {name: truth[name] * found[name] * 0.999 for name in ("L", "sigma", "G")}
    rows, states = searched(law.make(claims | {"f_star": 0.0}), claimed.QUICK)
    assert [states.pop(name) for name in claims] == [VIOLATED] * 3
    assert VIOLATED not in states.values()
    for name in claims:
        assert surely(rows[name]) <= truth[name]


@pytest.mark.long
@pytest.mark.parametrize("name", ["quick", "full"])
def test_the_shares_on_file_are_those_of_today(name):
    effort = {"quick": claimed.QUICK, "full": claimed.FULL}[name]
    for law, found in power.measure(effort).items():
        for constant, value in found.items():
            assert value == pytest.approx(power.table()[name][law][constant], abs=0.02)
