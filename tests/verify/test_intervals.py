"""Intervals cover what they say they cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from verify.evidence.statistics import finite_sample_mean, log_slope, normal_mean, paired_log_slope

REPEATS = 1000
ERROR = 0.1


def most_misses(error: float) -> int:
    """The number of misses among the repeats that chance exceeds once in 10^7 times."""
    return int(stats.binom.isf(1e-7, REPEATS, error))


@pytest.mark.parametrize(("p", "n"), [(0.02, 400), (0.9, 1000)])
def test_the_finite_sample_interval_covers_two_point_means(p, n):
    """Two-point laws are the hardest: all the variance that a range allows. At small n, where all
    samples can be summed over, test_statistics.py has them exactly.
    """
    rng = np.random.default_rng(1)
    misses = 0
    counts, times = np.unique(rng.binomial(n, p, REPEATS), return_counts=True)
    for heads, many in zip(counts, times, strict=True):
        x = np.repeat([0.0, 3.0], [n - heads, heads])
        interval = finite_sample_mean(x, 3.0, 1 - ERROR)
        misses += int(many) * (not interval.low <= 3.0 * p <= interval.high)
    assert misses <= most_misses(ERROR), (misses, n, p)


def test_the_normal_interval_has_its_coverage_on_normal_values():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(REPEATS):
        interval = normal_mean(rng.normal(2.0, 5.0, 8), 1 - ERROR)
        hits += interval.low <= 2.0 <= interval.high
    low, high = stats.binom.ppf(1e-7, REPEATS, 0.9), stats.binom.isf(1e-7, REPEATS, 0.9)
    assert low <= hits <= high, hits


def log_normal(rng: np.random.Generator, shape, scale: float) -> np.ndarray:
    """Positive values of mean 1."""
    return np.exp(rng.normal(-(scale**2) / 2, scale, shape))


def test_the_slopes_interval_has_its_coverage():
    rng = np.random.default_rng(4)
    at, hits = np.array([1.0, 4.0, 16.0, 64.0]), 0
    for _ in range(REPEATS):
        noise = zip(at, (0.1, 0.4, 0.2, 0.3), strict=True)
        samples = [7 * x**-0.5 * log_normal(rng, 200, s) for x, s in noise]
        slope = log_slope(list(at), samples, 1 - ERROR)
        hits += slope.low <= -0.5 <= slope.high
    low, high = stats.binom.ppf(1e-7, REPEATS, 0.9), stats.binom.isf(1e-7, REPEATS, 0.9)
    assert low <= hits <= high, hits


def test_the_paired_slopes_interval_has_its_coverage_and_gains_from_pairing():
    rng = np.random.default_rng(5)
    at, hits = np.array([1.0, 4.0, 16.0, 64.0]), 0
    for _ in range(REPEATS):
        shared = log_normal(rng, (200, 1), 0.5)
        samples = 7 * at**-0.5 * shared * log_normal(rng, (200, 4), 0.1)
        slope = paired_log_slope(list(at), samples, 1 - ERROR)
        hits += slope.low <= -0.5 <= slope.high
    unpaired = log_slope(list(at), list(samples.T), 1 - ERROR)
    assert slope.high - slope.low < 0.5 * (unpaired.high - unpaired.low)
    low, high = stats.binom.ppf(1e-7, REPEATS, 0.9), stats.binom.isf(1e-7, REPEATS, 0.9)
    assert low <= hits <= high, hits


def test_local_slopes_show_a_bend_that_one_slope_hides():
    at = [1.0, 4.0, 16.0]
    rng = np.random.default_rng(6)
    samples = [value * log_normal(rng, 100, 0.01) for value in (1.0, 1.0, 0.25)]
    slope = log_slope(at, samples, 0.95)
    assert [round(local[0], 1) for local in slope.local] == [0.0, -1.0]


values = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=2, max_size=30)


@given(values)
def test_the_interval_contains_the_sample_mean_and_stays_in_range(x):
    interval = finite_sample_mean(x, 1.0, 0.95)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1


@given(values)
def test_more_confidence_widens_the_interval(x):
    narrow, wide = finite_sample_mean(x, 1.0, 0.9), finite_sample_mean(x, 1.0, 0.999)
    assert wide.low <= narrow.low * (1 + 1e-9)
    assert narrow.high <= wide.high * (1 + 1e-9)


@given(values, st.sampled_from([2.0**-30, 8.0]))
def test_the_interval_scales_with_the_values(x, factor):
    one = finite_sample_mean(x, 1.0, 0.95)
    scaled = finite_sample_mean(factor * np.array(x), factor, 0.95)
    assert (scaled.low, scaled.high) == (factor * one.low, factor * one.high)


@given(values)
def test_the_interval_mirrors_with_the_values(x):
    one, mirrored = (finite_sample_mean(y, 1.0, 0.95) for y in (x, 1 - np.array(x)))
    assert mirrored.low == pytest.approx(1 - one.high, abs=1e-9)
    assert mirrored.high == pytest.approx(1 - one.low, abs=1e-9)


@given(values)
def test_the_order_of_the_runs_does_not_matter(x):
    one, other = finite_sample_mean(x, 1.0, 0.95), finite_sample_mean(x[::-1], 1.0, 0.95)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-9)


def test_zeros_alone_leave_an_upper_limit():
    interval = finite_sample_mean(np.zeros(1000), 1.0, 0.95)
    assert interval.low == 0
    # No test can do better than (1 - m)^n = 1/40.
    assert 1 - (1 / 40) ** (1 / 1000) < interval.high < 0.01


@pytest.mark.parametrize("bad", [-0.1, 1.1])
def test_a_value_out_of_range_is_refused(bad):
    with pytest.raises(ValueError, match="leave"):
        finite_sample_mean([0.5, bad], 1.0, 0.95)


def test_the_slopes_interval_covers_with_few_runs_too():
    """Student's quantile: at n = 3 the normal one would miss more than twice as often as said."""
    rng = np.random.default_rng(8)
    misses = 0
    for _ in range(REPEATS):
        samples = np.stack([x**-0.5 * log_normal(rng, 3, 0.1) for x in (1.0, 4.0)], axis=1)
        slope = paired_log_slope([1.0, 4.0], samples, 1 - ERROR)
        misses += not slope.low <= -0.5 <= slope.high
    assert misses <= most_misses(ERROR), misses
