"""What a user's function may not do is refused when the problem is made, and each cure works."""

import numpy as np
import pytest
import torch

from simulators import custom
from simulators.problems.blame import CURES
from theory import InputError

I = torch.arange(10) % 3  # noqa: E741
Y = torch.linspace(0, 1, 10, dtype=torch.float64)
A = torch.sin(torch.arange(60, dtype=torch.float64)).view(10, 6)
TABLE = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
ONES = torch.ones(6, dtype=torch.float32)


def make(loss, **data):
    return custom(loss, x0=np.linspace(0.1, 0.6, 6), L=9, sigma=9, G=9, f_star=-99.0, **data)


def first_in_place(x, a):
    z = torch.zeros(6, dtype=x.dtype)
    z[0] = x[0]
    return (z * a).sum()


def rows(data):
    return {"data": data}


ITEM, SHAPE = "calling .item()", "dynamic shape"
CASES = {
    # what fails: its word in the message, the function, and each cure that is offered, done
    "index": (ITEM, lambda x, i, y: (x.view(3, 2)[i].sum() - y) ** 2, rows((I, Y)), [
        lambda x, i, y: (torch.index_select(x.view(3, 2), 0, i.view(1))[0].sum() - y) ** 2,
        lambda x, i, y: (torch.nn.functional.embedding(i, x.view(3, 2)).sum() - y) ** 2]),
    "element": (ITEM, lambda x, i, y: (x[int(i)] - y) ** 2, rows((I, Y)), [
        lambda x, i, y: (torch.gather(x, 0, i.view(1))[0] - y) ** 2]),
    "table": (ITEM, lambda x, i, y: x.sum() * TABLE[i] * y, rows((I, Y)), [
        lambda x, i, y: x.sum() * torch.index_select(TABLE, 0, i.view(1))[0] * y]),
    "item": (ITEM, lambda x, a: x.sum() * a.sum().item(), rows(A), [
        lambda x, a: x.sum() * a.sum()]),
    "if": ("data-dependent", lambda x, a: x.sum() if a @ x > 0 else a @ x, rows(A), [
        lambda x, a: torch.where(a @ x > 0, x.sum(), a @ x)]),
    "mask": (SHAPE, lambda x, a: x[a > 0].sum(), rows(A), [
        lambda x, a: torch.where(a > 0, x, 0).sum()]),
    "numpy": ("data pointer", lambda x, a: x.sum() * float(np.sum(a.numpy())), rows(A), [
        lambda x, a: x.sum() * torch.sum(a)]),
    "in place": ("inplace", first_in_place, rows(A), [
        lambda x, a: (torch.stack([x[0], *[0 * x[0]] * 5]) * a).sum()]),
    "autograd": ("does not require grad",
                 lambda x, a: torch.autograd.grad((a @ x) ** 2, x)[0].sum(), rows(A), [
        lambda x, a: torch.func.grad(lambda z: (a @ z) ** 2)(x).sum()]),
    "dtype": ("dtype", lambda x, a: (ONES @ x) * a.sum(), rows(A), [
        lambda x, a: (ONES.to(x) @ x) * a.sum()]),
    "whole numbers": ("dtype", lambda x, i: i @ x, rows(torch.ones(10, 6, dtype=torch.int64)), [
        lambda x, i: i.to(x) @ x]),
    "device": ("expected device", lambda x, a: (torch.ones(6, device="meta") @ x) * a[0], rows(A), [
        lambda x, a: (torch.ones(6).to(x) @ x) * a[0]]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_error_is_named_with_its_cause_and_its_cure_works(case):
    word, wrong, data, cured = CASES[case]
    with pytest.raises(InputError) as caught:
        make(wrong, **data)
    said, cure = str(caught.value), dict(CURES)[word]
    assert f"Cure: {cure}." in said
    assert "map-like" not in said
    for right in cured:
        problem = make(right, **data)
        x = np.stack([problem.x0, 2 * problem.x0])
        assert np.isfinite(problem.gradient(x)).all()


def test_randomness_of_its_own_is_refused_and_noise_cures_it():
    with pytest.raises(InputError, match="take all noise from the sample"):
        make(lambda x, a: (torch.rand(6) * x).sum(), data=A)
    assert make(lambda x, u: (u * x).sum(), noise=6, value=lambda x: x.sum() / 2).uniforms == 6


def test_every_cure_is_tried():
    # "same device" is CUDA's word, where none is at hand; "randomness" is vmap's for torch.rand.
    assert {case[0] for case in CASES.values()} | {"same device", "randomness"} == {
        word for word, _ in CURES
    }


UNBOUNDED = {
    "inverse of the normal law": lambda u: torch.special.ndtri(u),
    "exponential": lambda u: -torch.log(u),
    "exponential, the other end": lambda u: -torch.log1p(-u),
    "Box and Muller": lambda u: torch.sqrt(-2 * torch.log(u)) * torch.cos(6.283185307179586 * u),
    "logistic": lambda u: torch.log(u / (1 - u)),
    "Pareto": lambda u: u**-0.25,
}


@pytest.mark.parametrize("law", UNBOUNDED)
def test_noise_that_is_infinite_at_0_or_1_is_taken_since_runs_draw_neither(law):
    of = UNBOUNDED[law]
    problem = make(
        lambda x, u: (torch.cos(x) + x * of(u)).sum(), noise=6, value=lambda x: torch.cos(x).sum()
    )
    ends = np.array([[1] * 6, [2**24 - 1] * 6])  # the least and the largest that are drawn
    found = problem.batch_gradient(np.stack([problem.x0] * 2), ends)
    assert np.isfinite(found).all()
    expected = of(torch.tensor(ends * 2.0**-24)).numpy() - np.sin(problem.x0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_noise_that_is_infinite_at_a_number_that_runs_draw_is_refused():
    with pytest.raises(InputError, match="not finite"):
        make(lambda x, u: (x * torch.log(u - 2.0**-24)).sum(), noise=6, value=torch.sum)


def test_a_claim_on_a_ball_or_a_box_is_refused_where_it_is_none():
    for wrong, said in (
        ({"ball": 0.0}, "ball = 0"), ({"ball": -1}, "ball = -1"), ({"ball": "big"}, "ball = 'big'"),
        ({"ball": float("inf")}, "ball = inf"), ({"ball": [1.0, 2.0]}, "give a radius"),
        ({"box": [1.0, 2.0]}, "or 6 of them"), ({"box": np.zeros(6)}, "positive"),
        ({"ball": 1.0, "box": 1.0}, "drop one of them"),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            make(lambda x, a: a @ x, data=A, **wrong)
        assert said in str(caught.value)


def test_a_region_has_its_points_shares_and_nearest_points():
    ball = make(lambda x, a: a @ x, data=A, ball=2.0)
    region, x0 = ball.region, ball.x0
    assert region
    way = np.array([3.0, 4.0, 0, 0, 0, 0]) / 5
    points = x0 + np.multiply.outer([0.0, 1.0, 2.0, 3.0, 6.0], way)
    np.testing.assert_allclose(region.share(points), [0, 0.5, 1, 1.5, 3])
    np.testing.assert_allclose(
        region.inside(points), [*points[:3], points[2], points[2]], rtol=1e-12
    )
    assert (region.reach, str(region)) == (2.0, "the ball of radius 2 around x_0")
    assert region.spec == {"ball": 2.0}
    half = np.array([1.0, 2, 3, 4, 5, 6])
    box = make(lambda x, a: a @ x, data=A, box=half).region
    assert box
    moved = x0 + np.array([[1.0, 0, 0, 0, 0, 0], [-2, 1, 0, 0, 0, 12]])
    np.testing.assert_allclose(box.share(moved), [1, 2])
    np.testing.assert_allclose(box.inside(moved)[1] - x0, [-1, 1, 0, 0, 0, 6])
    assert box.reach == pytest.approx(np.linalg.norm(half))
    assert ball.spec == make(lambda x, a: a @ x, data=A).spec  # a claim does not move the noise
