"""Intervals and slopes against exact oracles; tests/verify/test_intervals.py simulates them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from verify.statistics import (
    BETS,
    finite_sample_mean,
    log_crossing,
    log_ratio,
    log_slope,
    normal_mean,
    paired_log_slope,
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


def test_a_power_law_crosses_its_level_where_it_must():
    at = [100.0, 150.0, 225.0]
    samples = [3 * T**-0.5 * np.array([0.9, 1.0, 1.1]) for T in at]
    place, _ = log_crossing(at, samples, 3 * 180**-0.5)
    assert place == pytest.approx(np.log(180), rel=1e-12)
    # A log mean has the error 0.1/sqrt(3), the line's middle that over sqrt(3); its slope is -1/2.
    middle, error = log_crossing(at, samples, 3 * 150**-0.5)
    assert middle == pytest.approx(np.log(150), rel=1e-12)
    assert error == pytest.approx(2 * 0.1 / 3, rel=1e-9)


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
