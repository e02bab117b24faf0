"""Certified problems: every certificate against what can be computed without it."""

import itertools
import json
import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulators import NOISES, PROFILES, SeparableProblem
from theory import InputError

FORMULAS = {
    "huber": lambda u: u**2 / 2 if abs(u) <= 1 else abs(u) - mpmath.mpf(1) / 2,
    "pseudo_huber": lambda u: mpmath.sqrt(1 + u**2) - 1,
    "log_cosh": lambda u: mpmath.log(mpmath.cosh(u)),
    "cosine": lambda u: 1 - mpmath.cos(u),
    # The unnormalised phi(w) = w^2/(1 + w^2) and log(1 + w^2), with sup phi' = p, sup phi'' = 2:
    # psi(u) = (2/p^2) phi(p u/2).
    "rational": lambda u: 2 / P**2 * (P * u / 2) ** 2 / (1 + (P * u / 2) ** 2),
    "log_rational": lambda u: 2 * mpmath.log(1 + (u / 2) ** 2),
    "two_basin": lambda u: mpmath.fsum(  # what trapezoids add up to
        (right - left) * (_line(left) + _line(right)) / 2
        for left, right in itertools.pairwise(_pieces(u))
    ),
}
P = 3 * mpmath.sqrt(3) / 8
KNOTS = ((-8, -1), (4, 0.5), (5.25, -0.75), (7, 1))
"""two_basin's slope is the line through these, constant beyond."""


def _pieces(u):
    between = [k for k, _ in KNOTS if min(0, u) < k < max(0, u)]
    return [0, *(between if u > 0 else between[::-1]), u]


def _line(u):
    (u0, s0), *rest = KNOTS
    for u1, s1 in rest:
        if u0 < u <= u1:
            return s0 + (s1 - s0) * (u - u0) / mpmath.mpf(u1 - u0)
        u0, s0 = u1, s1
    return mpmath.mpf(-1 if u <= KNOTS[0][0] else 1)


SLOPES = {
    "huber": lambda u: max(mpmath.mpf(-1), min(mpmath.mpf(1), u)),
    "pseudo_huber": lambda u: u / mpmath.sqrt(1 + u**2),
    "log_cosh": mpmath.tanh,
    "cosine": mpmath.sin,
    "rational": lambda u: u / (1 + 27 * u**2 / 256) ** 2,
    "log_rational": lambda u: u / (1 + u**2 / 4),
    "two_basin": _line,
}
STEEPEST = {
    "huber": 1.0, "pseudo_huber": 1e6, "log_cosh": 30.0, "cosine": math.pi / 2,
    "rational": 16 / 9, "log_rational": 2.0, "two_basin": 7.0,
}  # fmt: skip
"""Where psi' is 1 to all digits."""
CURVED = dict.fromkeys(PROFILES, 0.0) | {"two_basin": 6.0}
"""Where psi'' is 1."""
KINKED = ("huber", "two_basin")

SHAPES = {
    "plain": {},
    "spectrum": {"condition": 30.0},
    "rotated": {"rotation": 5, "condition": 4.0},
}
PLACES = np.concatenate(
    [[0.0], *(sign * np.geomspace(1e-9, 50, 60) for sign in (-1, 1)), [-1.0, 1.0]]
)
ULP = np.finfo(np.float64).eps

every_profile = pytest.mark.parametrize("profile", PROFILES)
every_noise = pytest.mark.parametrize("noise", NOISES)
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def problem(profile="huber", noise="additive", **changes):
    constants = {"L": 3.0, "sigma": 0.5, "G": 1.5, "d": 4, "start": 0.7} | changes
    return SeparableProblem(profile, noise, **constants)


def inner(p, u):
    """The x whose every coordinate of Qx/B is u."""
    x = np.broadcast_to(u * p.B, (p.d,))
    return (x if p.Q is None else x @ p.Q)[None, :]


def batch(p, x, heads, b):
    heads = np.broadcast_to(np.asarray(heads, float), x.shape)
    return p.batch_gradient(x, p.noise_from_heads(heads, np.array([[float(b)]])), np)


def test_every_profile_is_checked_here():
    assert set(FORMULAS) == set(SLOPES) == set(STEEPEST) == set(PROFILES)


@every_profile
def test_values_and_slopes_have_the_digits_of_the_formula(profile):
    values, slopes = (
        part(PLACES, np) for part in (PROFILES[profile].value, PROFILES[profile].slope)
    )
    with mpmath.workdps(60):
        for u, value, slope in zip(PLACES.tolist(), values.tolist(), slopes.tolist(), strict=True):
            exact = FORMULAS[profile](mpmath.mpf(u))
            # log cosh u is found to the digits of u, not to its own; two_basin adds three parts.
            scale = abs(u) if profile in ("log_cosh", "two_basin") else exact
            assert abs(value - exact) <= 4 * ULP * scale, u
            exact = SLOPES[profile](mpmath.mpf(u))
            scale = max(abs(exact), 0.25) if profile == "two_basin" and u > 4 else abs(exact)
            assert abs(slope - exact) <= 4 * ULP * scale, u


@every_profile
def test_the_slope_is_the_values_derivative(profile):
    psi, h = PROFILES[profile], 1e-5
    quotient = (psi.value(PLACES + h, np) - psi.value(PLACES - h, np)) / (2 * h)
    # h^2 from the third derivative, h at Huber's kinks, ULP |psi|/h from rounding.
    assert np.abs(quotient - psi.slope(PLACES, np)).max() < (1e-5 if profile in KINKED else 2e-9)


@every_profile
def test_slopes_and_curvatures_reach_one_and_never_exceed_it(profile):
    psi, h = PROFILES[profile], 1e-5
    u = np.arange(-40, 40, 1e-3)
    slope = psi.slope(u, np)
    assert np.abs(slope).max() <= 1 + 4 * ULP
    assert psi.slope(np.array([STEEPEST[profile]]), np)[0] == pytest.approx(1, abs=1e-9)
    quotients = np.diff(slope) / np.diff(u)
    assert np.abs(quotients).max() <= 1 + 1e-10
    around = psi.slope(CURVED[profile] + np.array([0, h]), np)
    assert (around[1] - around[0]) / h == pytest.approx(1, abs=1e-9)


@every_profile
def test_zero_is_the_least_value(profile):
    psi = PROFILES[profile]
    assert psi.value(np.array([0.0]), np)[0] == 0
    assert (psi.value(PLACES[PLACES != 0], np) > 0).all()


@every_profile
def test_a_profile_is_convex_exactly_where_it_says_so(profile):
    falls = (np.diff(PROFILES[profile].slope(np.linspace(-10, 10, 4001), np)) < 0).any()
    assert PROFILES[profile].convex == (not falls)


@every_profile
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_torch_and_numpy_agree_on_a_profile_and_out_is_what_is_returned(profile, dtype):
    psi = PROFILES[profile]
    u = PLACES.astype(dtype)
    tolerance = 8 * np.finfo(dtype).eps
    t = torch.tensor(u)
    out = torch.empty_like(t)
    assert psi.slope(t, torch, out=out) is out
    np.testing.assert_allclose(out.numpy(), psi.slope(u, np), rtol=tolerance, atol=0)
    np.testing.assert_allclose(
        psi.value(t, torch).numpy(), psi.value(u, np), rtol=tolerance, atol=tolerance
    )
    assert np.array_equal(t.numpy(), u)


@every_shape
@every_noise
@every_profile
def test_the_gradient_is_the_objectives(profile, noise, shape):
    # By central differences, coordinate by coordinate, at places on both sides of Huber's kink.
    p = problem(profile, noise, **shape)
    x = np.array([[0.1, -0.3, 0.9, -2.0], [0.01, 0.6, -0.2, 5.0]])
    gradient, h = p.gradient(x, np), 1e-6
    for j in range(p.d):
        e = h * np.eye(p.d)[j]
        quotient = (p.objective(x + e, np) - p.objective(x - e, np)) / (2 * h)
        np.testing.assert_allclose(quotient, gradient[:, j], atol=2e-8)


@every_profile
def test_the_gradient_can_be_put_into_given_arrays(profile):
    p = problem(profile)
    x = np.linspace(-2, 2, 4)[None, :]
    out, scratch = np.empty_like(x), np.empty_like(x)
    assert p.gradient(x, np, out=out, scratch=scratch) is out
    assert np.array_equal(out, p.gradient(x, np))


settings = st.fixed_dictionaries(
    {
        "L": st.floats(0.01, 100),
        "G": st.floats(0.1, 10),
        "d": st.integers(1, 6),
        "share": st.floats(0, 0.99),
    }
)


@given(
    st.sampled_from(list(PROFILES)),
    st.sampled_from(NOISES),
    st.sampled_from(list(SHAPES)),
    settings,
    st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6),
    st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6),
    st.integers(1, 40),
    st.data(),
)
def test_no_point_violates_the_certificate(profile, noise, shape, constants, one, other, b, data):
    constants = dict(constants)
    share, d = constants.pop("share"), constants["d"]
    shape = SHAPES[shape] if d > 1 else {}
    free = problem(profile, noise, **constants, **shape, sigma=0)
    p = problem(profile, noise, **constants, **shape, sigma=share * free.largest_sigma[0], start=0)
    x, y = np.array([one[:d]]), np.array([other[:d]])
    signs = np.array([data.draw(st.lists(st.integers(0, 1), min_size=d, max_size=d))], float)
    apart = np.linalg.norm(batch(p, x, signs, 1) - batch(p, y, signs, 1))  # Assumption 1
    assert apart <= p.certificate.L.value * np.linalg.norm(x - y) * (1 + 1e-12) + 1e-12 * p.G
    # Assumption 3, of mini-batches and so of samples, and the true gradient's own bounds.
    heads = np.array([data.draw(st.lists(st.integers(0, b), min_size=d, max_size=d))], float)
    assert np.abs(batch(p, x, heads, b)).max() <= p.certificate.G.value * (1 + 1e-14)
    gradient = p.gradient(x, np)
    assert np.abs(gradient).max() <= p.certificate.G_f.value * (1 + 1e-14)
    assert (gradient**2).sum() <= p.largest_grad_norm2 * (1 + 1e-14)
    # f* is the infimum.
    room = 1e-12 * float(np.max(p.A)) * d
    assert p.objective(x, np)[0] >= p.certificate.f_star.value - room
    assert p.certificate.Delta.value == 0


@every_shape
@every_noise
@every_profile
def test_G_and_L_are_attained(profile, noise, shape):
    p = problem(profile, noise, **shape)
    assert {p.certificate.L.standing, p.certificate.G.standing} == {"exact"}
    # The coordinate of x that the rotation lets grow most, all samples alike.
    signs, column = np.ones(p.d), slice(None)
    if p.Q is not None:
        column = int(np.abs(p.Q).sum(0).argmax())
        signs = np.sign(p.Q[:, column])
    high, low = {"two_basin": (12.0, -20.0)}.get(profile, (STEEPEST[profile], -STEEPEST[profile]))
    for sign in (1, -1):
        up = sign * signs > 0
        # Each profile moved so that it is steepest where x is.
        u = np.where(up, high + p.shift, low - p.shift)
        heads = up if p.noise == "shift" else np.full(p.d, sign > 0)
        largest = np.abs(batch(p, inner(p, u), heads, 1))[:, column].max()
        assert largest == pytest.approx(1.5, rel=1e-9)
    # The sharpest coordinate, all samples to the right.
    sharpest = 0 if p.curvatures is None else int(np.argmax(p.curvatures))
    u = np.full(p.d, CURVED[profile] + p.shift)
    e = 1e-5 * np.eye(p.d)[sharpest]
    one, other = inner(p, u), inner(p, u + e)
    rise = np.linalg.norm(batch(p, other, p.d * [1], 1) - batch(p, one, p.d * [1], 1))
    assert rise / np.linalg.norm(other - one) == pytest.approx(3, rel=1e-9)


# One coordinate has no shape.
@pytest.mark.parametrize(
    ("shape", "b", "d"),
    [({}, 1, 1), ({}, 4, 1), ({}, 3, 2), (SHAPES["spectrum"], 2, 2), (SHAPES["rotated"], 3, 2)],
)
@every_noise
@every_profile
def test_over_all_batches_the_gradient_is_unbiased_with_variance_at_most_sigma2_over_b(
    profile, noise, shape, b, d
):
    p = problem(profile, noise, d=d, start=0.4, **shape)
    worst = {"two_basin": 6.125}.get(profile, 0.0)  # where shift noise is largest
    for x, attained in (
        (np.linspace(0.2, 0.9, d)[None, :], noise == "additive"),
        (inner(p, worst), True),
    ):
        gradient = p.gradient(x, np)
        batches = []
        for signs in itertools.product((0, 1), repeat=b * d):
            samples = np.array(signs, float).reshape(b, d)
            mini = batch(p, x, samples.sum(0), b)
            # The mini-batch gradient is the mean of the samples' own gradients.
            by_sample = np.mean([batch(p, x, sample, 1)[0] for sample in samples], axis=0)
            np.testing.assert_allclose(mini[0], by_sample, rtol=0, atol=2e-15)
            batches.append(mini[0])
        mean = np.mean(batches, axis=0)
        variance = np.mean(np.sum((np.array(batches) - gradient) ** 2, axis=1))
        np.testing.assert_allclose(mean, gradient[0], rtol=0, atol=1e-14)
        if attained:
            assert variance == pytest.approx(p.sigma**2 / b, rel=1e-13)
        else:
            assert variance <= p.sigma**2 / b


@pytest.mark.parametrize(
    ("profile", "start", "psi"),
    [
        ("huber", 3.0, 3.0 / 0.5 - 0.5),
        ("huber", 0.25, 0.125),
        ("pseudo_huber", 0.5, math.sqrt(2) - 1),
        ("log_cosh", 0.5, math.log(math.cosh(1))),
        ("cosine", 0.5 * math.pi, 2.0),
        ("rational", 8 / 9, 32 / 27),
        ("log_rational", 1.0, 2 * math.log(2)),
        ("two_basin", 3.0, 9 / 16),
        ("two_basin", 2.25, 9 / 8),
        ("two_basin", -5.0, 6.0),
    ],
)
def test_Delta_is_the_gap_worked_out_by_hand(profile, start, psi):
    # G_f = 1, L = 2: A = B = 1/2.
    p = problem(profile, L=2.0, sigma=1.0, G=1.5, d=4, start=start)
    assert p.certificate.Delta.value == pytest.approx(4 * 0.5 * psi, rel=1e-14)


def test_the_certificates_constants_are_those_asked_for():
    p = problem(L=3.0, sigma=0.5, G=1.5, d=4)
    constants = p.certificate.constants
    assert (constants.L, constants.sigma, constants.G, constants.d) == (3, 0.5, 1.5, 4)
    assert constants.Delta == p.certificate.Delta.value
    assert p.certificate.G_f.value == 1.5 - 0.25


@pytest.mark.parametrize("sigma", [3.0, 3.5])
def test_too_large_a_sigma_names_the_largest_possible(sigma):
    with pytest.raises(InputError, match=rf"sigma = {sigma:g} .*sqrt\(d\) G = 3[:.]"):
        problem(sigma=sigma)
    assert problem(sigma=2.999).G_f == pytest.approx(0.0005)


@pytest.mark.parametrize("start", [0.3, [0.3] * 4, np.float32(0.25), (0.1, 0.2, 0.3, 0.4)])
def test_a_start_is_one_number_or_d_of_them(start):
    x0 = problem(start=start).x0
    assert np.array_equal(x0, np.broadcast_to(np.asarray(start, dtype=np.float64), 4))
    with pytest.raises(ValueError, match="read-only"):
        x0[0] = 1


def test_changing_the_list_given_as_start_does_not_move_it():
    start = np.array([1.0, 2.0, 3.0, 4.0])
    p = problem(start=start)
    start[0] = 99
    assert p.x0[0] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": [1.0, 2.0]}, r"start has shape \(2,\): give one number or a list of d = 4"),
        ({"start": [[1.0] * 4]}, r"start has shape \(1, 4\)"),
        ({"start": "here"}, "start = 'here' is not a number, .* or one of minimiser, plateau"),
        ({"start": [1.0, "a", 0, 0]}, "is not a number: give one number or a list of d = 4"),
        ({"condition": 0.5}, "condition = 0.5 is below 1"),
        ({"condition": 2, "d": 1}, "condition = 2 needs at least d = 2"),
        ({"condition": 2, "curvatures": [3, 1, 1, 1]}, "are both given: drop one"),
        ({"curvatures": [3, 0, 1, 1]}, "range from 0 to 3: all must be positive"),
        ({"curvatures": [2, 1, 1, 1]}, "range from 1 to 2: .* the largest must be L = 3"),
        ({"curvatures": [3, 1]}, r"curvatures has shape \(2,\)"),
        ({"rotation": -1}, "rotation = -1 is no seed"),
        ({"rotation": 0.5}, "rotation = 0.5 is no seed"),
        ({"rotation": 1, "d": 300}, "d = 300 exceeds 256, the most that is rotated"),
        ({"start": [1.0, math.nan, 0, 0]}, "start = nan is not finite"),
        ({"L": 0}, "L = 0 is outside"),
        ({"sigma": -1}, "sigma = -1 is outside"),
        ({"G": math.inf}, "G = inf is not finite"),
        ({"d": 2.5}, r"d = 2\.5 is outside"),
    ],
)
def test_a_malformed_constant_is_an_input_error(changes, message):
    with pytest.raises(InputError, match=message):
        problem(**changes)


@pytest.mark.parametrize(
    ("profile", "kind", "message"),
    [
        (
            "hubert",
            "additive",
            "'hubert' is not known: did you mean 'huber'[?] Use huber",
        ),
        ("huber", "gaussian", "noise = 'gaussian' is not known: use additive, shift"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(profile, kind, message):
    with pytest.raises(InputError, match=message):
        SeparableProblem(profile, kind, L=1, sigma=0, G=1, d=1, start=0)


@every_noise
@pytest.mark.parametrize("shape", [*SHAPES.values(), {"curvatures": [1, 2.5, 3, 3]}])
@pytest.mark.parametrize(
    "start", [0.7, [0.7, 0.7, 0.7, 0.7], [0.1, 0.2, 0.3, 0.4], "minimiser", "plateau"]
)
def test_a_spec_makes_the_same_problem_again(start, shape, noise):
    p = problem("cosine", noise, start=start, **shape)
    spec = json.loads(json.dumps(p.spec))
    again = SeparableProblem(spec.pop("profile"), spec.pop("noise"), **spec)
    assert again.spec == p.spec
    assert again.x0.tobytes() == p.x0.tobytes()
    assert (again.G_f, again.shift) == (p.G_f, p.shift)
    x = np.array([[0.1, -0.3, 0.9, -2.0]])
    assert again.gradient(x, np).tobytes() == p.gradient(x, np).tobytes()


def test_equal_starts_have_one_spec_however_they_are_written():
    assert problem(start=0.7).spec == problem(start=[0.7] * 4).spec
    assert repr(problem()) == repr(problem(start=[0.7] * 4))
