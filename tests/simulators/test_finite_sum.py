"""The finite sum of problem (2): its data, its samples, its certificate."""

import itertools
import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from simulators import FiniteSum, SeparableProblem, noise, simulate
from simulators.problems import data as datasets
from theory import InputError
from verify.oracles import search


def made(N=40, d=3, **changes):
    return FiniteSum.synthetic(N, d, **{"alpha": 0.2, "seed": 5, "start": 0.5} | changes)


def points(count, d, size=2.0):
    return size * np.random.default_rng(11).normal(size=(count, d))


# The data.


def test_synthetic_data_are_the_same_bits_on_every_machine():
    A, y = datasets.synthetic(500, 7, 3, 1.0, 1.0, 0.1)
    assert datasets.digest(A, y) == (
        "24ffd7e33d10f7b7758ed3654a8dd80267b1c0a5754c1c20dce4b7094e809108"
    )


def test_a_feature_is_the_contracts_sum_of_four_words():
    A, _ = datasets.synthetic(30, 4, 3, 1.0, 2.5, 0.1)
    low, high = noise.cell_key(3, None)
    for i, j in ((0, 0), (17, 2), (29, 3)):
        words = noise.philox((i, j, 0, 3 * 2**16 + 1), (low, high))
        total = Fraction(sum(words) - 2 * (2**32 - 1), 2**32)
        assert A[i, j] == pytest.approx(2.5 * math.sqrt(3) * float(total), rel=1e-15)


def test_features_are_centred_independent_and_of_variance_one():
    A, _ = datasets.synthetic(4000, 8, 1, 1.0, 1.0, 0.1)
    n = A.size
    assert abs(A.mean()) < 5 / math.sqrt(n)
    # A sum of four uniforms has the fourth moment 3 - 6/(5 4) = 2.7 in units of its variance.
    assert abs((A**2).mean() - 1) < 5 * math.sqrt(1.7 / n)
    assert abs((A**4).mean() - 2.7) < 5 * math.sqrt((A**8).mean() / n)
    assert np.abs(A).max() <= 2 * math.sqrt(3)
    correlations = (A.T @ A / len(A))[np.triu_indices(8, 1)]
    assert np.abs(correlations).max() < 5 / math.sqrt(len(A))


def test_the_condition_is_the_ratio_of_the_features_variances():
    plain, shaped = (datasets.synthetic(50, 5, 1, c, 2.0, 0.1)[0] for c in (1.0, 100.0))
    ratio = shaped / plain
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-14)
    np.testing.assert_allclose(ratio[0] ** 2, [1, 100**-0.25, 0.1, 100**-0.75, 0.01], rtol=1e-14)


def test_labels_follow_a_linear_rule_but_for_the_flipped_share():
    A, straight = datasets.synthetic(4000, 6, 2, 1.0, 1.0, 0.0)
    _, flipped = datasets.synthetic(4000, 6, 2, 1.0, 1.0, 0.1)
    share = (straight != flipped).mean()
    assert abs(share - 0.1) < 5 * math.sqrt(0.09 / 4000)
    signs = np.array(list(itertools.product((-1, 1), repeat=6)))
    agreement = (np.sign(A @ signs.T) == straight[:, None]).mean(0)
    assert agreement.max() == 1


def test_the_seed_the_flips_and_the_scale_make_other_problems():
    specs = [made(**change).spec for change in ({}, {"seed": 6}, {"flip": 0.2}, {"scale": 2.0})]
    assert len({noise.canonical_json(spec) for spec in specs}) == 4
    assert made().spec == {
        "kind": "finite_sum", "N": 40, "d": 3, "seed": 5, "alpha": 0.2, "start": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"N": 0}, "N = 0: give a whole number of at least 1"),
        ({"N": 2.5}, "N = 2.5: give a whole number"),
        ({"N": 2**31 + 1}, "N = 2147483649 exceeds 2147483648"),
        ({"N": 2**29, "d": 3}, "N d = 1610612736 exceeds"),
        ({"d": 0}, "d = 0: give a whole number"),
        ({"seed": -1}, "seed = -1: give a whole number of at least 0"),
        ({"seed": math.nan}, "seed = nan: give a whole number"),
        ({"condition": 0.5}, "condition = 0.5 is below 1"),
        ({"condition": 2, "d": 1}, "needs at least d = 2"),
        ({"scale": 0}, "scale = 0 is outside"),
        ({"flip": 0.6}, "flip = 0.6 is outside"),
        ({"alpha": -1}, "alpha = -1 is negative"),
        ({"alpha": "a"}, "alpha = 'a' is not a number"),
        ({"alpha": math.inf}, "alpha = inf is not finite"),
        ({"start": "plateau"}, "start = 'plateau': give a number or a list of d = 3"),
        ({"start": [1.0, 2.0]}, "start has shape"),
        ({"start": -1e101}, "start = -1e[+]101 is beyond 1e[+]100"),
    ],
)
def test_a_malformed_synthetic_problem_is_an_input_error(change, message):
    with pytest.raises(InputError, match=message):
        made(**change)


# The samples.


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(1, 2**31))
def test_an_index_is_the_floor_of_u_N_over_2_to_the_64(low, high, N):
    exact = (low + 2**32 * high) * N // 2**64
    assert noise.below(N, low, high) == exact
    wide = noise.below(N, np.int64(low), np.int64(high))
    assert int(wide) == exact
    assert 0 <= exact < N


def test_the_largest_words_and_N_stay_in_64_bits():
    top = np.array([2**32 - 1], dtype=np.int64)
    assert noise.below(2**31, top, top)[0] == 2**31 - 1
    assert noise.below(2**31 - 1, top, 0 * top)[0] == 0


@pytest.mark.parametrize("engine", ["reference", "numba", "torch"])
def test_every_engine_draws_the_contracts_samples(engine):
    problem = made()
    runs = simulate(
        problem, gamma=0.01, rho=0.1, beta1=0, beta2=0.9, eps=0.5, b=[1, 6, 7], T=[3, 4, 5],
        workers=[1, 2, 3], runs=2, seed=9, engine=engine, record="trajectory",
    )  # fmt: skip
    assert runs.heads is None
    assert runs.samples is not None
    assert runs.samples.shape == (6, 5, 3, 7)
    assert runs.samples.dtype == np.int32
    inputs = runs.inputs
    for row in range(6):
        key = tuple(int(word) for word in inputs.key[row])
        for t, worker, i in np.ndindex(5, 3, 7):
            found = runs.samples[row, t, worker, i]
            if t >= inputs.T[row] or worker >= inputs.workers[row] or i >= inputs.b[row]:
                assert found == -1
                continue
            words = noise.philox((t, i // 2, int(inputs.replicate[row]), 2**16 + worker), key)
            low, high = words[2 * (i % 2) : 2 * (i % 2) + 2]
            assert found == (low + 2**32 * high) * 40 // 2**64
    assert runs.samples.max() < 40


def test_indices_are_uniform():
    runs = simulate(
        made(N=16), gamma=0.01, rho=0, beta1=0, beta2=0.9, eps=0.5, b=50, T=40, runs=40, seed=1,
        record="trajectory",
    )  # fmt: skip
    assert runs.samples is not None
    counts = np.bincount(runs.samples.ravel(), minlength=16)
    n = runs.samples.size
    # chi^2 of 15 degrees of freedom: 64 is exceeded with probability 5e-8.
    assert ((counts - n / 16) ** 2 / (n / 16)).sum() < 64


# The function.


def test_the_objective_is_problem_2_of_the_paper():
    A, y = datasets.synthetic(6, 2, 4, 1.0, 1.0, 0.2)
    problem = FiniteSum(A, y, alpha=0.3)
    for x in points(5, 2):
        z = [label * (a @ x) for a, label in zip(A, y, strict=True)]
        loss = sum(math.log(1 + math.exp(-each)) for each in z) / 6
        expected = loss + 0.3 * sum(t * t / (1 + t * t) for t in x)
        assert problem.objective(x[None])[0] == pytest.approx(expected, rel=1e-14)


def test_the_gradient_is_the_objectives():
    problem, h = made(d=4), 1e-6
    x = points(6, 4)
    for j in range(4):
        step = h * np.eye(4)[j]
        slope = (problem.objective(x + step) - problem.objective(x - step)) / (2 * h)
        np.testing.assert_allclose(problem.gradient(x)[:, j], slope, atol=1e-9)


def test_far_away_nothing_overflows():
    problem = made()
    x = np.array([[1e6, -1e6, 1e6], [-1e100, 1e100, 0]])
    assert np.isfinite(problem.gradient(x)).all()
    assert np.isfinite(problem.objective(x)).all()


def test_the_pieces_of_a_sum_and_the_other_points_change_no_bit():
    problem = made(N=500, d=300)  # several pieces
    x = points(5, 300, 0.1)
    samples = np.random.default_rng(0).integers(0, 500, (5, 450))
    for row in range(5):
        alone = slice(row, row + 1)
        assert np.array_equal(problem.gradient(x)[alone], problem.gradient(x[alone]))
        one, all_ = (problem.batch_gradient(x[r], samples[r]) for r in (alone, slice(None)))
        assert np.array_equal(all_[alone], one)


@pytest.mark.parametrize("b", [1, 2, 3])
def test_a_mini_batch_gradient_is_unbiased_and_its_variance_is_that_of_one_over_b(b):
    problem = made(N=7)
    batches = np.array(list(itertools.product(range(7), repeat=b)))
    each = np.arange(7)[:, None]
    for x in points(3, 3):
        at = np.broadcast_to(x, (len(batches), 3))
        true = problem.gradient(x[None])[0]
        drawn = problem.batch_gradient(at, batches)
        np.testing.assert_allclose(drawn.mean(0), true, atol=1e-15)
        single = problem.batch_gradient(at[:7], each)
        variance = ((single - true) ** 2).sum(1).mean()
        assert ((drawn - true) ** 2).sum(1).mean() == pytest.approx(variance / b, rel=1e-13)
        assert variance <= problem.certificate.sigma.value**2


# The certificate.


def test_the_certified_constants_are_written_by_hand_for_two_samples():
    problem = FiniteSum([[3.0, 1.0], [0.0, 2.0]], [1, -1], alpha=0.5, start=1.0)
    certificate = problem.certificate
    steepest = 3 * math.sqrt(3) / 8
    assert certificate.L.value == pytest.approx(10 / 4 + 1)
    assert certificate.G.value == pytest.approx(3 + 0.5 * steepest)
    assert certificate.G_f.value == pytest.approx(1.5 + 0.5 * steepest)
    # Second coordinate: c = (1, -2), of parts 1/2 and 1.
    expected = (1.5 + 0.5 * steepest) ** 2 + (1 + 0.5 * steepest) ** 2
    assert problem.largest_grad_norm2 == pytest.approx(expected)
    # c_1 = (3, 1) and c_2 = (0, -2) point no opposite ways: separable, so that f* may be 0.
    assert certificate.f_star.value == 0
    value = (math.log1p(math.exp(-4)) + math.log1p(math.exp(2))) / 2 + 0.5
    assert certificate.Delta.value == pytest.approx(value)
    assert all(
        getattr(certificate, name).method for name in ("L", "sigma", "G", "G_f", "f_star", "Delta")
    )


def test_L_is_the_curvature_of_some_sample_at_0():
    problem = made()
    curvature, h = 0.0, 1e-5
    for i in range(problem.N):
        sides = [
            problem.batch_gradient(sign * h * np.eye(3), np.full((3, 1), i)) for sign in (1, -1)
        ]
        curvature = max(curvature, np.linalg.norm((sides[0] - sides[1]) / (2 * h), 2))
    assert curvature == pytest.approx(problem.L, rel=1e-8)


SEARCHED = {
    "plain": made(N=5, d=2),
    "flat": made(N=5, d=2, alpha=0.0),
    "mostly regulariser": made(N=3, d=2, alpha=5.0, scale=0.1),
    "stretched": made(N=6, d=2, condition=50.0, scale=3.0),
}


@cache
def variance_found(name):
    return search.noise_variance(SEARCHED[name]).value


@pytest.mark.parametrize("name", SEARCHED)
def test_the_certificate_survives_a_search_for_a_violation(name):
    problem = SEARCHED[name]
    certificate = problem.certificate
    L = search.lipschitz_ratio(problem).value
    assert 0.999 * certificate.L.value < L <= certificate.L.value * (1 + 1e-9)
    G = search.largest_coordinate(problem).value
    assert certificate.G.value * (1 + 1e-9) >= G
    if certificate.G.standing == "exact":
        assert 0.999 * certificate.G.value < G
    variance = variance_found(name)
    assert 0 < variance <= certificate.sigma.value**2 * (1 + 1e-9)
    assert search.bias(problem).value <= 1e-9 * certificate.G.value


def test_a_lone_features_G_is_said_to_be_a_bound_only():
    # In one dimension x cannot send w to 1 and stay where the regulariser is steepest.
    problem = FiniteSum([[1.0], [2.0]], [1, -1], alpha=1.0)
    assert problem.certificate.G.standing == "upper_bound"
    assert search.largest_coordinate(problem).value < 0.95 * problem.G
    assert FiniteSum([[1.0], [2.0]], [1, -1], alpha=0.0).certificate.G.standing == "exact"


@pytest.mark.parametrize("seed", range(8))
def test_no_true_gradient_and_no_value_crosses_its_bound(seed):
    problem = made(N=30, d=4, seed=seed, alpha=0.1 * seed, scale=1.0 + seed)
    certificate = problem.certificate
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4000, 4)) * 10 ** rng.uniform(-3, 3, (4000, 1))
    gradient = problem.gradient(x)
    assert (np.abs(gradient) <= certificate.G_f.value).all()
    assert ((gradient**2).sum(1) <= problem.largest_grad_norm2).all()
    assert problem.largest_grad_norm2 <= 4 * certificate.G_f.value**2
    assert certificate.sigma.value <= math.sqrt(4) * certificate.G.value
    least = min(
        minimize(lambda z: problem.objective(z[None])[0], start, method="BFGS",
                 jac=lambda z: problem.gradient(z[None])[0]).fun
        for start in np.vstack([np.zeros(4), x[:5] / np.abs(x[:5]).max()])
    )  # fmt: skip
    assert certificate.f_star.value <= least + 1e-12
    assert certificate.Delta.value >= problem.objective(problem.x0[None])[0] - least - 1e-12


def test_without_the_regulariser_the_bound_on_the_minimum_is_the_minimum():
    problem = made(N=300, d=4, alpha=0.0)
    found = minimize(
        lambda x: problem.objective(x[None])[0], np.zeros(4), method="BFGS", tol=1e-10,
        jac=lambda x: problem.gradient(x[None])[0],
    )  # fmt: skip
    assert problem.certificate.f_star.value == pytest.approx(found.fun, rel=1e-10)
    p = expit(-(problem.C @ found.x))
    assert np.abs(p @ problem.C).max() < 1e-6 * problem.N


def test_separable_data_leave_nothing_but_zero_below_the_loss():
    problem = made(flip=0.0)
    assert problem.certificate.f_star.value == 0
    assert problem.certificate.f_star.standing == "lower_bound"


def test_the_bound_on_the_noise_is_within_a_factor_of_the_largest_there_is():
    # Between the largest variance found and twice it: a sign pattern of the w_i attains half.
    assert SEARCHED["plain"].certificate.sigma.value ** 2 < 4 * variance_found("plain")


# What simulate refuses.


RUN = {"gamma": 0.01, "rho": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.5, "b": 2, "T": 5,
       "runs": 1, "seed": 0}  # fmt: skip


@pytest.mark.parametrize("share", [0, -1, 1.5, math.nan, "all", True])
def test_a_share_is_a_number_up_to_1(share):
    with pytest.raises(InputError, match=r"gradient_share = .*give a number from 1e-9 to 1"):
        simulate(made(), **RUN, gradient_share=share)


def test_a_share_is_refused_where_the_true_gradient_is_free():
    problem = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=2, start=0.5)
    with pytest.raises(InputError, match="comes free at every step"):
        simulate(problem, **RUN, gradient_share=0.5)


def test_a_step_of_too_many_samples_is_refused():
    with pytest.raises(InputError, match="b times workers = 33554432 exceeds 16777216"):
        simulate(made(), **RUN | {"b": 2**19, "workers": 64})


def test_features_too_large_for_float32_are_refused():
    problem = made(scale=1e12)
    with pytest.raises(InputError, match=r"L = .*leave float32"):
        simulate(problem, **RUN)
