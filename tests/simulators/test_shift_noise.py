"""Shift noise and the shapes of problems: each certified number against an independent search."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from simulators import PROFILES, SeparableProblem
from simulators.problems.geometry import rotation_matrix
from theory import InputError

every_profile = pytest.mark.parametrize("profile", PROFILES)
SHARES = (0.01, 0.3, 0.7, 0.99)
"""D as a share of the largest."""


def largest(function, low=-30.0, high=30.0):
    """The largest value of a function of one variable: a grid, then polished."""
    u = np.linspace(low, high, 60001)
    values = function(u)
    best = float(values.max())
    for index in np.argsort(values)[-5:]:
        found = minimize_scalar(
            lambda v: -float(function(np.array([v]))[0]),
            bounds=(u[max(index - 1, 0)], u[min(index + 1, len(u) - 1)]),
            method="bounded",
            options={"xatol": 1e-13},
        )
        best = max(best, -float(found.fun))
    return best


def moved(profile, s, kind="slope"):
    part = getattr(PROFILES[profile], kind)
    return lambda u: part(u - s, np), lambda u: part(u + s, np)


@every_profile
def test_no_slope_or_curvature_exceeds_one_and_each_comes_to_it(profile):
    slope, h = PROFILES[profile].slope, 1e-5
    low, high = (-30.0, 30.0) if profile != "pseudo_huber" else (0.0, 1e6)
    steepest = largest(lambda u: np.abs(slope(u, np)), low, high)
    assert steepest == pytest.approx(1, abs=1e-9)
    curved = largest(lambda u: np.abs(slope(u + h, np) - slope(u - h, np)) / (2 * h))
    assert curved == pytest.approx(1, abs=1e-9)


def test_a_rotated_coordinate_is_largest_where_all_slopes_conspire():
    Q = rotation_matrix(7, 4)
    over_all_signs = max(
        np.abs(Q.T @ np.array(s)).max() for s in itertools.product((-1, 1), repeat=4)
    )
    assert make(rotation=7).stretch == pytest.approx(over_all_signs, rel=1e-14)


@every_profile
@pytest.mark.parametrize("share", SHARES)
def test_the_noise_is_as_large_as_asked_and_the_mean_slope_as_certified(profile, share):
    spread = PROFILES[profile].spread
    D = share * spread.largest
    s = spread.shift(D)
    right, left = moved(profile, s)
    assert largest(lambda u: np.abs(right(u) - left(u)) / 2) == pytest.approx(D, abs=1e-9)
    # The slopes that tend to 1 far away are there to within 1e-3 at 30; others attain theirs.
    steepest = largest(lambda u: np.abs(right(u) + left(u)) / 2)
    distant = profile in ("pseudo_huber", "log_cosh")
    assert steepest == pytest.approx(spread.steepest(s), abs=2e-3 if distant else 1e-9)
    if distant:
        far = np.array([1e9])
        assert (right(far) + left(far))[0] / 2 == pytest.approx(1, abs=1e-9)


@every_profile
def test_the_shift_grows_with_the_noise_up_to_its_limit(profile):
    spread = PROFILES[profile].spread
    D = np.linspace(0, spread.largest, 200)[: None if spread.attained else -1]
    shifts = [spread.shift(float(value)) for value in D]
    assert shifts[0] == 0
    assert (np.diff(shifts) > 0).all()
    assert np.isfinite(shifts).all()


@every_profile
@pytest.mark.parametrize("share", [*SHARES, 1.0])
def test_zero_stays_the_least_point_of_the_mean_profile(profile, share):
    spread = PROFILES[profile].spread
    if share == 1 and not spread.attained:
        share = 1 - 1e-9
    s = spread.shift(share * spread.largest)
    right, left = moved(profile, s, "value")
    least = -largest(lambda u: -(right(u) + left(u)) / 2, -60, 60)
    at_zero = float((right(np.zeros(1)) + left(np.zeros(1)))[0] / 2)
    assert at_zero <= least + 1e-12 * max(1, at_zero)


@pytest.mark.parametrize(("profile", "limit"), [("log_rational", 2.0), ("rational", 16 / 9)])
def test_past_the_limit_of_the_shift_zero_is_no_longer_least(profile, limit):
    # So the range is not a matter of caution.
    right, left = moved(profile, 1.02 * limit, "value")
    u = np.linspace(-3, 3, 6001)
    values = (right(u) + left(u)) / 2
    assert values.min() < values[3000] - 1e-8


def make(profile="huber", noise="shift", **changes):
    return SeparableProblem(
        profile, noise, **{"L": 2.0, "sigma": 1.0, "G": 1.5, "d": 4, "start": 0.3} | changes
    )


@every_profile
def test_too_much_shift_noise_names_the_largest_sigma_which_is_then_taken(profile):
    limit, attained = make(profile).largest_sigma
    assert limit == pytest.approx(3 * PROFILES[profile].spread.largest)
    if not attained:
        with pytest.raises(
            InputError, match=rf"{profile} with .* allows sigma below {limit:.6g}\."
        ):
            make(profile, sigma=limit)
    elif limit < 3:
        with pytest.raises(InputError, match=rf"{profile} with .* up to {limit:.6g}\."):
            make(profile, sigma=limit * (1 + 1e-6))
    else:  # no gradient noise is larger
        with pytest.raises(InputError, match=r"sigma = 3.* exceeds sqrt\(d\) G = 3"):
            make(profile, sigma=limit * (1 + 1e-6))
    p = make(profile, sigma=limit if attained else limit * (1 - 1e-9))
    assert np.isfinite(p.certificate.Delta.value)


def test_rotation_leaves_less_room_for_shift_noise_and_says_how_much():
    plain, turned = make(), make(rotation=1)
    limit, _ = turned.largest_sigma
    assert limit == pytest.approx(plain.largest_sigma[0] / np.abs(turned.Q).sum(0).max())
    with pytest.raises(InputError, match=rf"huber, rotated by 1, .* up to {limit:.6g}\. .*drop"):
        make(rotation=1, sigma=1.01 * limit)
    assert make(rotation=1, sigma=limit).sigma == limit


@pytest.mark.parametrize("noise", ["additive", "shift"])
def test_the_smallest_G_is_where_sigma_is_the_largest(noise):
    p = make("two_basin", noise, rotation=2, sigma=0.4)
    G, attained = p.smallest_G
    assert attained == (noise == "shift")
    assert make("two_basin", noise, rotation=2, sigma=0.4, G=G * (1 + 1e-9)).sigma == 0.4
    with pytest.raises(InputError):
        make("two_basin", noise, rotation=2, sigma=0.4, G=G * (1 - 1e-9))


@pytest.mark.parametrize(
    ("noise", "sigma", "least"),
    [("additive", 3.0, 5), ("shift", 3.0, 4), ("additive", 2.9, 4), ("shift", 0.0, 1)],
)
def test_the_smallest_d_is_named_and_enough(noise, sigma, least):
    # (sigma/G)^2 = 4 at sigma = 3, G = 1.5: additive noise needs more, shift noise as much.
    p = make("huber", noise, sigma=sigma, d=9)
    assert p.smallest_d == least
    assert make("huber", noise, sigma=sigma, d=least).sigma == sigma
    if least > 1:
        with pytest.raises(InputError):
            make("huber", noise, sigma=sigma, d=least - 1)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 64])
def test_a_rotation_is_orthogonal_and_follows_from_its_seed(d):
    Q = rotation_matrix(4, d)
    np.testing.assert_allclose(Q @ Q.T, np.eye(d), rtol=0, atol=1e-14 * d)
    assert Q.tobytes() == rotation_matrix(4, d).tobytes()
    assert d == 1 or not np.allclose(Q, rotation_matrix(5, d))


def test_rotations_have_no_preferred_direction():
    # Of a uniform rotation E Q_ij = 0 and E Q_ij^2 = 1/d, with variance (2d - 2)/(d^2 (d + 2)).
    d, n = 3, 400
    sample = np.stack([rotation_matrix(seed, d) for seed in range(n)])
    mean_error = np.sqrt(1 / d / n)
    square_error = np.sqrt((2 * d - 2) / (d**2 * (d + 2)) / n)
    assert np.abs(sample.mean(0)).max() < 6 * mean_error
    assert np.abs((sample**2).mean(0) - 1 / d).max() < 6 * square_error


def test_condition_is_the_ratio_of_the_curvatures():
    p = make(noise="additive", condition=1000.0)
    assert list(p.curvatures) == pytest.approx([2.0, 0.2, 0.02, 0.002])
    hessian = p.gradient(1e-9 * np.eye(4), np) / 1e-9
    np.testing.assert_allclose(np.diag(hessian), p.curvatures, rtol=1e-12)
    assert make(condition=1).spec == make(curvatures=[2.0] * 4).spec == make().spec


@every_profile
@pytest.mark.parametrize("rotation", [None, 3])
def test_named_starts_are_the_minimiser_and_a_place_where_the_gradient_misleads(profile, rotation):
    lowest, plateau = (
        make(profile, "additive", rotation=rotation, condition=3.0, start=start)
        for start in ("minimiser", "plateau")
    )
    assert lowest.certificate.Delta.value == 0
    assert (lowest.gradient(lowest.x0[None, :], np) == 0).all()
    u = plateau._places(plateau.x0[None, :], np, plateau.numbers)
    np.testing.assert_allclose(u, PROFILES[profile].plateau, rtol=1e-13)
    assert plateau.certificate.Delta.value > 0


KINDS = {
    "huber": "straight", "pseudo_huber": "straight", "log_cosh": "straight", "cosine": "maximum",
    "rational": "tail", "log_rational": "tail", "two_basin": "basin",
}  # fmt: skip


@every_profile
def test_a_plateau_is_the_straight_part_the_flat_tail_the_maximum_or_the_other_basin(profile):
    psi, place, h = PROFILES[profile], PROFILES[profile].plateau, 1e-6
    low, here, high = psi.slope(place + np.array([-h, 0, h]), np)
    nearby = place + np.linspace(-0.5, 0.5, 101)
    values = psi.value(nearby, np) - psi.value(np.array([place]), np)
    if KINDS[profile] == "straight":  # the steepest there is, to a few per cent, all around
        assert (psi.slope(nearby, np) > 0.96).all()
    elif KINDS[profile] == "tail":  # past the inflection, where the slope was 1; and falling
        assert 0 < here < 0.5
        assert (np.diff(psi.slope(np.linspace(place, 50, 500), np)) < 0).all()
    else:
        assert here == pytest.approx(0, abs=1e-15)
        least = KINDS[profile] == "basin"
        assert (low < 0 < high) if least else (low > 0 > high)
        assert (values >= 0).all() if least else (values <= 0).all()


@every_profile
@pytest.mark.parametrize("shape", [{}, {"rotation": 3, "condition": 4.0}], ids=["plain", "rotated"])
def test_f_star_under_shift_noise_is_the_least_value_that_a_search_finds(profile, shape):
    # Above 0: the two profiles that are moved apart are nowhere 0 at once.
    d, share = (2, 0.8) if shape else (1, 0.8)
    sigma = share * make(profile, sigma=0, d=d, **shape).largest_sigma[0]
    p = make(profile, sigma=sigma, d=d, start=0.3, **shape)
    Q = np.eye(d) if p.Q is None else p.Q
    right, left = moved(profile, p.shift, "value")
    least = -largest(lambda u: -(right(u) + left(u)) / 2)
    assert least > 1e-3
    assert p.certificate.f_star.value == pytest.approx(np.sum(p.A * least), rel=1e-12)
    # As the objective of x itself says, along each turned coordinate.
    for axis in Q:
        line = -largest(lambda t, axis=axis: -p.objective(t[:, None] * axis, np), -3, 3)
        assert line == pytest.approx(p.certificate.f_star.value, rel=1e-12)
    gap = p.objective(p.x0[None, :], np)[0] - p.certificate.f_star.value
    assert p.certificate.Delta.value == pytest.approx(gap, rel=1e-9)


@every_profile
@pytest.mark.parametrize("noise", ["additive", "shift"])
def test_G_f_is_attained_by_the_true_gradient_and_not_exceeded(profile, noise):
    # The slopes that tend to 1 far away are there to within 2e-3 at 30; others attain theirs.
    distant = profile in ("pseudo_huber", "log_cosh")
    sigma = 0.6 * make(profile, noise, sigma=0, d=3, rotation=3).largest_sigma[0]
    p = make(profile, noise, sigma=sigma, d=3, rotation=3, condition=4.0)
    slopes = p.profile.slope
    steepest = largest(lambda u: np.abs(slopes(u - p.shift, np) + slopes(u + p.shift, np)) / 2)
    u = np.linspace(-30, 30, 60001)
    place = u[np.abs(slopes(u - p.shift, np) + slopes(u + p.shift, np)).argmax()]
    column = int(np.abs(p.Q).sum(0).argmax())
    signs = np.sign(p.Q[:, column])
    # All turned coordinates where the slope is steepest, with the signs of the worst column;
    # two_basin, which is not odd, is as steep on either side.
    turned = np.where(signs > 0, 20.0, -20.0) if profile == "two_basin" else signs * place
    found = np.abs(p.gradient((turned * p.B @ p.Q)[None, :], np)).max()
    assert found == pytest.approx(p.certificate.G_f.value, rel=2e-3 if distant else 1e-7)
    assert found <= p.certificate.G_f.value * (1 + 1e-12)
    assert p.certificate.G_f.value == pytest.approx(
        p.H * p.stretch * steepest, rel=2e-3 if distant else 1e-9
    )
    norm2 = (p.gradient((turned * p.B @ p.Q)[None, :], np) ** 2).sum()
    assert norm2 == pytest.approx(p.largest_grad_norm2, rel=4e-3 if distant else 1e-7)
