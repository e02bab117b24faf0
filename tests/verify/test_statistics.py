"""Intervals and slopes against exact oracles; tests/verify/test_intervals.py simulates them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from verify.evidence.statistics import (
    BETS,
    finite_sample_mean,
    line_slope,
    log_crossing,
    log_ratio,
    log_slope,
    normal_mean,
    paired_log_slope,
    pointwise,
    standard_error,
)

LAWS = [
    ((0.0, 1.0), [(1 - p, p) for p in (1e-3, 0.01, 0.03, 0.1, 0.3, 0.5, 0.9, 0.99)]),
    ((0.0, 0.2), [(1 - p, p) for p in (0.01, 0.1, 0.5, 0.97)]),
    ((0.7, 1.0), [(1 - p, p) for p in (0.005, 0.2, 0.95)]),
    ((0.0, 0.05, 1.0), [(0.5, 0.49, 0.01), (0.1, 0.8, 0.1), (0.05, 0.05, 0.9)]),
]
"""Values of a sample and their probabilities, of mean far from and near to the range's ends."""


@pytest.mark.parametrize("confidence", [0.8, 0.99])
@pytest.mark.parametrize(("places", "laws"), LAWS, ids=lambda value: None)
def test_summed_over_all_samples_each_limit_misses_with_at_most_its_half(places, laws, confidence):
    # A sample of a law on few values is its counts: the miss rate is a finite sum, no estimate.
    n = 60 if len(places) == 2 else 14
    misses = np.zeros((len(laws), 2))
    total = np.zeros(len(laws))
    for counts in itertools.product(range(n + 1), repeat=len(places) - 1):
        if sum(counts) > n:
            continue
        counts = (n - sum(counts), *counts)
        interval = finite_sample_mean(np.repeat(places, counts), 1.0, confidence)
        for number, law in enumerate(laws):
            chance = stats.multinomial.pmf(counts, n, law)
            mean = float(np.dot(places, law))
            misses[number] += chance * np.array([mean < interval.low, mean > interval.high])
            total[number] += chance
    assert total == pytest.approx(1)
    assert (misses <= (1 - confidence) / 2).all(), (places, misses)
    # An interval that never misses anything would be no test.
    if places == (0.0, 1.0) and confidence == 0.8:
        assert misses.max() > 1e-3


@pytest.mark.parametrize("n", [1, 5, 40])
@pytest.mark.parametrize("confidence", [0.9, 1 - 1e-6])
def test_a_limit_is_where_the_averaged_wealth_reaches_its_threshold(n, confidence):
    x = np.random.default_rng(n).beta(0.4, 2, n)
    interval = finite_sample_mean(2.5 * x, 2.5, confidence)

    def wealth(values, m):
        return float(np.mean([np.prod(1 + f * (values - m) / m) for f in BETS]))

    for values, limit in ((x, interval.low / 2.5), (1 - x, 1 - interval.high / 2.5)):
        assert 0 < limit < values.mean()
        assert wealth(values, limit) * (1 - confidence) / 2 == pytest.approx(1, rel=1e-6)


def test_every_bet_risks_a_share_of_the_stake_and_one_is_for_each_size_of_sample():
    """All of it may not be risked: one value at 0 would end the game with the mean at any place."""
    assert len(BETS) == len(set(BETS))
    assert all(0 < share < 1 for share in BETS)
    # The best bet on n values of spread s against a mean off by s/sqrt(n) is about 1/sqrt(n).
    for n in (1, 10, 100, 10_000, 1_000_000):
        assert any(0.5 / math.sqrt(n) <= share <= 2 / math.sqrt(n) for share in BETS), n


@pytest.mark.parametrize("n", [400, 5120])
@pytest.mark.parametrize("p", [0.03, 0.5])
def test_the_finite_sample_interval_is_not_much_wider_than_the_normal_one(p, n):
    """What it costs to be right for every law and n: less than twice, at a verdict's confidence."""
    x = np.repeat([0.0, 1.0], [n - round(n * p), round(n * p)])
    sure, normal = finite_sample_mean(x, 1.0, 1 - 1e-6), normal_mean(x, 1 - 1e-6)
    assert 1 < (sure.high - sure.low) / (normal.high - normal.low) < 2


def test_no_sample_of_one_value_can_refute_a_mean_at_strict_confidence():
    # One bet multiplies the stake by at most 1/m: 1e-6 takes a mean below about 1e-6.
    interval = finite_sample_mean([1.0], 1.0, 1 - 1e-6)
    assert 0 < interval.low < 1e-6
    assert interval.high == 1


def test_the_largest_value_itself_is_in_range_even_an_ulp_above():
    interval = finite_sample_mean(np.full(50, 3.0 * (1 + 1e-9)), 3.0, 0.95)
    assert 2.0 < interval.low <= interval.high <= 3.0 * (1 + 1e-9)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 1 - 1e-9])
@pytest.mark.parametrize("n", [2, 7, 300])
def test_the_normal_interval_is_students(n, confidence):
    x = np.random.default_rng(n).normal(3, 2, n)
    interval = normal_mean(x, confidence)
    reach = stats.t.isf((1 - confidence) / 2, n - 1) * stats.sem(x)
    assert (interval.low, interval.high) == pytest.approx(
        (x.mean() - reach, x.mean() + reach), rel=1e-9
    )
    assert (interval.estimate, interval.n) == (x.mean(), n)


@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=9),
    st.floats(0.01, 0.98),
    st.sampled_from([2.0**-20, 4.0]),
)
def test_the_normal_interval_scales_and_widens_with_confidence(x, confidence, factor):
    x = np.array(x) / 7
    one, scaled = normal_mean(x, confidence), normal_mean(factor * x, confidence)
    assert (scaled.low, scaled.high) == (factor * one.low, factor * one.high)
    wider = normal_mean(x, confidence + 0.01)
    assert wider.low <= one.low <= one.high <= wider.high


AT = [1.0, 4.0, 16.0, 64.0]


def samples(slope, spreads, seed, n=50):
    rng = np.random.default_rng(seed)
    return [
        3.0 * at**slope * (1 + spread * rng.uniform(-1, 1, n))
        for at, spread in zip(AT, spreads, strict=True)
    ]


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_points_on_a_line_give_its_slope_with_no_error(slope, height):
    exact = [np.full(5, height * at**slope) for at in AT]
    for fit in (log_slope(AT, exact, 0.99), paired_log_slope(AT, np.stack(exact, 1), 0.99)):
        assert (fit.slope, fit.low, fit.high) == pytest.approx([slope] * 3, abs=1e-9)
        assert np.array(fit.local) == pytest.approx(np.full((3, 3), slope), abs=1e-9)


def test_independent_points_are_fitted_as_numpy_fits_them_with_weights():
    data = samples(-0.5, (0.1, 0.4, 0.2, 0.9), seed=1)
    fit = log_slope(AT, data, 0.99)
    mean = np.array([sample.mean() for sample in data])
    error = np.array([stats.sem(sample) for sample in data]) / mean
    (slope, _), covariance = np.polyfit(np.log(AT), np.log(mean), 1, w=1 / error, cov="unscaled")
    reach = stats.t.ppf(0.995, 49) * math.sqrt(covariance[0, 0])
    assert fit.slope == pytest.approx(slope, rel=1e-10)
    assert (fit.low, fit.high) == pytest.approx((slope - reach, slope + reach), rel=1e-9)


def test_a_local_slope_has_the_errors_of_both_its_ends():
    """Two points have one slope: the whole's interval and the local one are the same."""
    for spreads in ((0.1, 0.6, 0.2, 0.9), (0.6, 0.1, 0.9, 0.2)):
        data = samples(-0.5, spreads, seed=1)
        whole = log_slope(AT, data, 0.99)
        for i in range(3):
            alone = log_slope(AT[i : i + 2], data[i : i + 2], 0.99)
            assert whole.local[i] == pytest.approx((alone.slope, alone.low, alone.high), rel=1e-9)
            errors = [stats.sem(sample) / sample.mean() for sample in data[i : i + 2]]
            reach = stats.t.ppf(0.995, 49) * math.hypot(*errors) / math.log(4)
            assert whole.local[i][2] - whole.local[i][0] == pytest.approx(reach, rel=1e-9)


@pytest.mark.parametrize("sizes", [(4, 60), (60, 4), (9, 9)])
def test_samples_of_unequal_size_have_the_smaller_ones_degrees_of_freedom(sizes):
    rng = np.random.default_rng(6)
    one, other = (rng.uniform(1, 2, n) for n in sizes)
    errors = [stats.sem(sample) / sample.mean() for sample in (one, other)]
    reach = stats.t.ppf(0.995, min(sizes) - 1) * math.hypot(*errors)
    ratio, low, high = log_ratio(one, other, 0.99)
    assert (high - ratio, ratio - low) == pytest.approx((reach, reach), rel=1e-9)
    fit = log_slope([1.0, math.e], [one, other], 0.99)
    assert fit.high - fit.slope == pytest.approx(reach, rel=1e-9)


def test_a_log_ratio_is_the_slope_between_two_points_a_factor_e_apart():
    one, other = samples(-0.5, (0.1, 0.4, 0.2, 0.9), seed=4)[:2]
    fit = log_slope([1.0, math.e], [one, other], 0.99)
    assert log_ratio(other, one, 0.99) == pytest.approx((fit.slope, fit.low, fit.high), rel=1e-12)
    ratio, low, high = log_ratio(one, other, 0.99)
    assert (ratio, low, high) == pytest.approx((-fit.slope, -fit.high, -fit.low), rel=1e-12)


def test_paired_points_are_fitted_as_numpy_fits_them_without():
    data = np.stack(samples(-0.5, (0.1, 0.4, 0.2, 0.9), seed=2), axis=1)
    fit = paired_log_slope(AT, data, 0.99)
    slope, _ = np.polyfit(np.log(AT), np.log(data.mean(0)), 1)
    assert fit.slope == pytest.approx(slope, rel=1e-10)
    # The delta method's error is what the jackknife finds, to the order 1/n.
    drop = [
        np.polyfit(np.log(AT), np.log(np.delete(data, row, 0).mean(0)), 1)[0] for row in range(50)
    ]
    jackknife = math.sqrt(49 * np.var(drop))
    assert (fit.high - fit.low) / 2 == pytest.approx(stats.t.ppf(0.995, 49) * jackknife, rel=0.02)


def test_a_factor_that_replicates_share_cancels_from_a_paired_slope_alone():
    shared = np.random.default_rng(3).lognormal(0, 1, (40, 1))
    data = shared * np.array(AT) ** -0.5
    paired, unpaired = paired_log_slope(AT, data, 0.95), log_slope(AT, list(data.T), 0.95)
    assert (paired.low, paired.high) == pytest.approx((-0.5, -0.5), abs=1e-12)
    assert unpaired.high - unpaired.low > 0.1


@pytest.mark.parametrize("paired", [True, False])
def test_a_slope_does_not_depend_on_units_and_widens_with_confidence(paired):
    data = samples(0.3, (0.2, 0.2, 0.5, 0.1), seed=4)

    def fit(at, factor, confidence):
        scaled = [factor * sample for sample in data]
        if paired:
            return paired_log_slope(at, np.stack(scaled, 1), confidence)
        return log_slope(at, scaled, confidence)

    one, moved = fit(AT, 1.0, 0.95), fit([7 * at for at in AT], 1e-5, 0.95)
    assert (moved.slope, moved.low, moved.high) == pytest.approx(
        (one.slope, one.low, one.high), rel=1e-10
    )
    wider = fit(AT, 1.0, 0.999)
    assert wider.low < one.low < one.slope < one.high < wider.high
    for inner, outer in zip(one.local, wider.local, strict=True):
        assert outer[1] < inner[1] < inner[0] < inner[2] < outer[2]


def test_an_exactly_known_point_does_not_decide_a_slope_alone():
    data = samples(-0.5, (0.3, 0.3, 0.3, 0.0), seed=5)
    fit = log_slope(AT, data, 0.99)
    assert fit.low < -0.5 < fit.high
    assert np.isfinite([fit.low, fit.high]).all()
    assert fit.high - fit.low > 1e-3


def test_an_exactly_known_point_weighs_as_one_a_thousand_times_as_sure_as_the_least():
    """The floor of the weights: with errors 1, 0 and 1 the middle has the error 1/1000."""
    x, y, error = np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 1.0]), np.array([0.3, 0.0, 0.3])
    fit = line_slope(x, y, error, 10**6, 0.95)
    floored = np.array([0.3, 0.3e-3, 0.3])
    expected, _ = np.polyfit(x, y, 1, w=1 / floored)
    assert fit.slope == pytest.approx(expected, rel=1e-9)
    other, _ = np.polyfit(x, y, 1, w=1 / np.array([0.3, 1.5e-3, 0.3]))
    assert abs(other - expected) > 1e-6  # another floor is told apart
    # Each point's own error, not its floor, makes the line's.
    weight = floored**-2
    centred = x - np.average(x, weights=weight)
    parts = weight * centred * error / (weight * centred**2).sum()
    reach = stats.norm.ppf(0.975) * math.sqrt((parts**2).sum())
    assert fit.high - fit.slope == pytest.approx(reach, rel=1e-5)


def test_a_standard_error_divides_by_one_value_less():
    assert standard_error(np.array([1.0, 3.0])) == 1.0
    x = np.random.default_rng(0).normal(size=9)
    assert standard_error(x) == pytest.approx(stats.sem(x), rel=1e-12)


def test_columns_have_their_own_intervals():
    values = np.random.default_rng(1).normal([0.0, 5.0], [1.0, 3.0], (20, 2))
    mean, low, high = pointwise(values, 0.9)
    for column in range(2):
        alone = normal_mean(values[:, column], 0.9)
        assert (mean[column], low[column], high[column]) == (alone.estimate, alone.low, alone.high)


def test_a_power_law_crosses_its_level_where_it_must():
    at = [100.0, 150.0, 225.0]
    samples = [3 * T**-0.5 * np.array([0.9, 1.0, 1.1]) for T in at]
    place, _ = log_crossing(at, samples, 3 * 180**-0.5)
    assert place == pytest.approx(np.log(180), rel=1e-12)
    # A log mean has the error 0.1/sqrt(3), the line's middle that over sqrt(3); its slope is -1/2.
    middle, error = log_crossing(at, samples, 3 * 150**-0.5)
    assert middle == pytest.approx(np.log(150), rel=1e-12)
    assert error == pytest.approx(2 * 0.1 / 3, rel=1e-9)


def test_far_from_its_points_a_crossing_is_less_sure():
    """Of a line with slope -1/2 through three points of one error: the textbook's formula."""
    at, error = [100.0, 150.0, 225.0], 0.1 / math.sqrt(3)
    samples = [3 * T**-0.5 * np.array([0.9, 1.0, 1.1]) for T in at]
    x = np.log(at) - math.log(150)
    for T in (150.0, 300.0, 50.0):
        _, found = log_crossing(at, samples, 3 * T**-0.5)
        away = math.log(T / 150)
        assert found == pytest.approx(2 * error * math.sqrt(1 / 3 + away**2 / (x @ x)), rel=1e-9)


def test_a_crossings_error_is_its_spread():
    rng, at, level = np.random.default_rng(5), [100.0, 140.0, 200.0, 280.0], 0.25
    found = []
    for _ in range(2000):
        samples = [3 * T**-0.5 * rng.gamma(25, 1 / 25, 64) for T in at]
        found.append(log_crossing(at, samples, level))
    place, error = np.array(found).T
    z = (place - np.log(144)) / error
    # 2000 standard normal values: mean within 5/sqrt(2000), spread within 5/sqrt(4000).
    assert abs(z.mean()) < 5 / 2000**0.5 + 0.05  # log means are biased by half their variance
    assert z.std() == pytest.approx(1, abs=5 / 4000**0.5)


def test_between_points_known_exactly_a_line_is_known_exactly():
    # The third point's error weighs 1e-6 as much as theirs would if they were as unsure as the
    # floor that keeps their weights finite.
    x, y, error = np.array([0.0, 1.0, 2.0]), np.array([0.0, -0.5, -1.2]), np.array([0.0, 0.0, 0.1])
    fit = line_slope(x, y, error, 10**6, 0.95)
    weight = np.array([1e8, 1e8, 100.0])
    centred = x - np.average(x, weights=weight)
    reach = stats.t.ppf(0.975, 10**6 - 1) * weight[2] * centred[2] * 0.1 / (weight @ centred**2)
    assert fit.high - fit.slope == pytest.approx(reach, rel=1e-9)
    assert fit.slope == pytest.approx(-0.5, abs=1e-5)
    assert fit.high - fit.low < 1e-5
