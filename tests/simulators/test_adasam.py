"""One step of Algorithm 1, against a second writing of it and against exact relations."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import METHODS, NOISES, PROFILES, SeparableProblem, simulate
from simulators.methods import Oracle, Parameters
from simulators.methods.adasam import SWITCHES, direction, start
from verify.oracles.enumeration import RationalHuber

CELL = {"gamma": 0.05, "rho": 0.2, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": 3, "T": 60}
CONSTANTS = {"L": 2.0, "sigma": 0.75, "G": 1.5, "d": 3, "start": 0.4}

every_method = pytest.mark.parametrize("method", METHODS)


def make(profile="huber", noise="additive", **changes):
    return SeparableProblem(profile, noise, **CONSTANTS | changes)


def go(problem, method="adasam", *, engine="reference", runs=4, seed=3, dtype="float64", **changes):
    """A few paths; all settings share their noise."""
    return simulate(
        problem, method=method, engine=engine, runs=runs, seed=seed, dtype=dtype,
        record="trajectory", common_noise=True, **CELL | changes,
    )  # fmt: skip


def same(one, other, names=None):
    """Every measured array is the same, bit for bit."""
    names = names or [name for name in one.arrays() if name not in vars(one.inputs)]
    for name in names:
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def parameters(runs):
    return Parameters(*(getattr(runs.inputs, name)[:, None] for name in Parameters._fields))


def replay(problem, method, runs):
    """The states and what each step saw, from the heads that were recorded, step by step."""
    given = parameters(runs)
    state = start(problem, given)
    for t in range(runs.heads.shape[1]):
        noise = problem.noise_from_heads(runs.heads[:, t].astype(float), runs.inputs.b[:, None])
        after, info = METHODS[method].rule(Oracle(problem, noise[None]), given, state, np)
        yield state, after, info
        state = after


PSI_SLOPES = {
    "huber": lambda u: max(-1.0, min(1.0, u)),
    "pseudo_huber": lambda u: u / math.sqrt(1 + u * u),
    "log_cosh": math.tanh,
    "cosine": math.sin,
    "rational": lambda u: u / (1 + 27 * u * u / 256) ** 2,
    "log_rational": lambda u: u / (1 + u * u / 4),
    "two_basin": lambda u: np.interp(u, [-8, 4, 5.25, 7], [-1, 0.5, -0.75, 1]),
}


def second_gradient(problem, x, counts, b):
    """A worker's mini-batch gradient as the mean of its samples' own; None for the true one."""
    d, psi = problem.d, PSI_SLOPES[problem.profile.name]
    L_j = [problem.L] * d if problem.curvatures is None else list(problem.curvatures)
    Q = np.eye(d) if problem.Q is None else problem.Q
    H = problem.G - problem.sigma / math.sqrt(d) * (problem.noise == "additive")
    H /= max(sum(abs(Q[j, i]) for j in range(d)) for i in range(d))
    u = [sum(Q[j, i] * x[i] for i in range(d)) * L_j[j] / H for j in range(d)]
    share = [0.5] * d if counts is None else [int(h) / b for h in counts]
    if problem.noise == "additive":
        inner = [H * psi(u_j) for u_j in u]
        added = [problem.sigma / math.sqrt(d) * (2 * p - 1) for p in share]
    else:
        s = problem.shift
        inner = [
            H * (p * psi(u_j - s) + (1 - p) * psi(u_j + s)) for p, u_j in zip(share, u, strict=True)
        ]
        added = [0.0] * d
    return [sum(Q[j, i] * inner[j] for j in range(d)) + added[i] for i in range(d)]


def second_writing(problem, method, cell, heads):
    """Algorithm 1 for one run, coordinate by coordinate, in Python's floats."""
    d, b = problem.d, cell["b"]

    def moved(x, s):
        norm = math.sqrt(sum(s_j * s_j for s_j in s))
        radius = 0.0 if method in ("amsgrad", "sgd") or norm == 0 else cell["rho"] / norm
        return [x_j + radius * s_j for x_j, s_j in zip(x, s, strict=True)]

    def mean(gradients):
        return [sum(column) / len(gradients) for column in zip(*gradients, strict=True)]

    x, m, v = [float(x_j) for x_j in problem.x0], [0.0] * d, [cell.get("v_init", 0.0)] * d
    v_hat = [cell["eps"] ** 2] * d
    path = [list(x)]
    for counts in heads:
        each = [second_gradient(problem, x, own, b) for own in counts]
        along = each if method == "local_sam" else [mean(each)] * len(each)
        g = mean(
            [
                second_gradient(problem, moved(x, s), own, b)
                for s, own in zip(along, counts, strict=True)
            ]
        )
        for j in range(d):
            m[j] = cell["beta1"] * m[j] + (1 - cell["beta1"]) * g[j]
            if method not in ("sam", "sgd"):
                v[j] = cell["beta2"] * v[j] + (1 - cell["beta2"]) * g[j] ** 2
                before = cell["eps"] ** 2 if method == "adam_sam" else v_hat[j]
                v_hat[j] = max(before, v[j])
            x[j] -= cell["gamma"] * m[j] / math.sqrt(v_hat[j])
        path.append(list(x))
    return path


SHAPES = {
    "plain": {},
    "spectrum": {"condition": 50.0},
    "rotated": {"rotation": 3, "curvatures": [2.0, 0.5, 1.0]},
}
"""Problems that differ in more than their profile."""


# A method looks at gradients alone: each profile, noise and shape on one of them, so that each
# profile meets every method, and so does each noise and shape.
@pytest.mark.parametrize(
    ("profile", "method", "noise", "shape"),
    [
        (profile, method, noise, shape)
        for place, (noise, shape) in enumerate(itertools.product(NOISES, SHAPES))
        for number, profile in enumerate(PROFILES)
        for method in [list(METHODS)[(number + place) % len(METHODS)]]
    ],
)
def test_a_path_is_that_of_algorithm_1_written_a_second_time(profile, method, noise, shape):
    problem = make(profile, noise=noise, start=[0.4, -0.1, 2.0], **SHAPES[shape])
    cell = CELL | {"T": 16, "v_init": 0.03}
    for workers in (1, 3):
        runs = go(problem, method, T=16, runs=2, workers=workers, v_init=0.03)
        for row in range(2):
            heads = runs.heads[row].reshape(16, workers, problem.d)
            path = second_writing(problem, method, cell, heads)
            np.testing.assert_allclose(runs.x[row], path, rtol=0, atol=1e-13)


@every_method
def test_recorded_heads_replayed_by_hand_give_the_path_and_every_statistic(method):
    problem = make(start=[0.4, -0.1, 2.0])
    runs = go(problem, method, b=[1, 4])
    square, weighted, adaptive = [], [], []
    l1, l2, largest = np.zeros(8), np.zeros(8), np.zeros(8)
    for t, (before, after, info) in enumerate(replay(problem, method, runs)):
        assert np.array_equal(before.x, runs.x[:, t])
        assert np.array_equal(after.x, runs.x[:, t + 1])
        square.append((problem.gradient(before.x, np) ** 2).sum(1))
        weighted.append((problem.gradient(before.x, np) ** 2 / np.sqrt(before.v_hat)).sum(1))
        adaptive.append((after.v_hat > CELL["eps"] ** 2).mean(1))
        change = 1 / np.sqrt(before.v_hat) - 1 / np.sqrt(after.v_hat)
        l1, l2 = l1 + np.abs(change).sum(1), l2 + (change**2).sum(1)
        largest = np.maximum(largest, np.abs(np.hstack([info.s, info.g])).max(1))
    for k in range(runs.step.shape[1]):
        t = runs.step[0, k]
        for name, values in (
            ("mean_grad_norm2", np.mean(square[:t], axis=0)),
            ("mean_weighted_grad_norm2", np.mean(weighted[:t], axis=0)),
            ("objective", problem.objective(runs.x[:, t], np)),
        ):
            np.testing.assert_allclose(getattr(runs, name)[:, k], values, rtol=1e-13)
    np.testing.assert_allclose(runs.eta_variation_l1, l1, rtol=1e-12)
    np.testing.assert_allclose(runs.eta_variation_l2, l2, rtol=1e-12)
    np.testing.assert_allclose(runs.adaptive_share, np.mean(adaptive, axis=0), rtol=1e-14)
    assert np.array_equal(runs.max_abs_gradient, largest)


ENGINES = [("reference", "float64")] + [
    (engine, dtype) for engine in ("numba", "torch") for dtype in ("float64", "float32")
]
each_engine = pytest.mark.parametrize(("engine", "dtype"), ENGINES)
FEW = 34
"""Steps that pass the end of torch's history of 32, for what holds of every step."""


UNITS = [(2.0**5, 1.0), (1.0, 2.0**-4), (2.0**-3, 2.0**7)]


# Each engine, and each method, in all units; each engine runs each method.
@pytest.mark.parametrize(
    ("engine", "dtype", "method", "f", "x"),
    [
        (*engine, method, *UNITS[(number + place) % 3])
        for number, engine in enumerate(ENGINES)
        for place, method in enumerate(METHODS)
    ],
)
def test_powers_of_two_in_the_units_of_f_and_x_change_no_bit_of_a_path(method, engine, dtype, f, x):
    # f -> f f and x -> x x: gradients scale by f/x, the second moments by its square.
    base, g = make("cosine"), f / x
    scaled = make("cosine", L=2 * f / x**2, sigma=0.75 * g, G=1.5 * g, start=0.4 * x)
    one = go(base, method, engine=engine, dtype=dtype, T=FEW)
    other = go(
        scaled, method, engine=engine, dtype=dtype, T=FEW,
        gamma=CELL["gamma"] * x, rho=CELL["rho"] * x, eps=CELL["eps"] * g,
    )  # fmt: skip
    for name, factor in {
        "x": x, "heads": 1, "mean_grad_norm2": g**2, "mean_weighted_grad_norm2": g,
        "objective": f, "eta_variation_l1": 1 / g, "eta_variation_l2": 1 / g**2,
        "adaptive_share": 1, "max_abs_gradient": g,
    }.items():  # fmt: skip
        assert np.array_equal(getattr(other, name), getattr(one, name) * factor), name


@every_method
def test_any_other_units_change_a_path_by_rounding_alone(method):
    one = go(make("log_cosh"), method)
    c, k = 3.7, 0.013
    scaled = make("log_cosh", L=2 * c / k**2, sigma=0.75 * c / k, G=1.5 * c / k, start=0.4 * k)
    other = go(
        scaled, method, gamma=CELL["gamma"] * k, rho=CELL["rho"] * k, eps=CELL["eps"] * c / k
    )
    np.testing.assert_allclose(other.x, one.x * k, rtol=0, atol=1e-11 * k)


@each_engine
@pytest.mark.parametrize("eps", [0.25, 1 / 3])
def test_with_beta2_of_one_adasam_is_sam_with_step_gamma_over_eps(engine, dtype, eps):
    adasam, sam = (
        go(make(), method, engine=engine, dtype=dtype, beta2=1, eps=eps, T=FEW)
        for method in ("adasam", "sam")
    )
    same(adasam, sam, ["x", "eta_variation_l1", "adaptive_share", "max_abs_gradient"])
    assert (adasam.adaptive_share == 0).all()


@each_engine
@pytest.mark.parametrize(("perturbing", "plain"), [("adasam", "amsgrad"), ("sam", "sgd")])
def test_without_a_perturbation_two_names_mean_one_method(engine, dtype, perturbing, plain):
    problem = make("pseudo_huber")
    # A plain method takes no notice of rho.
    other = go(problem, plain, engine=engine, dtype=dtype, rho=0.7, T=FEW)
    same(go(problem, perturbing, engine=engine, dtype=dtype, rho=0, T=FEW), other)


@each_engine
def test_while_nothing_adapts_the_running_maximum_makes_no_difference(engine, dtype):
    # With eps >= G, v_hat = eps^2 with or without the max, as in SAM.
    runs = [
        go(make(), m, engine=engine, dtype=dtype, eps=1.5, T=FEW) for m in ("adasam", "adam_sam")
    ]
    same(*runs)
    assert (runs[0].adaptive_share == 0).all()
    assert (runs[0].eta_variation_l1 == 0).all()


@each_engine
@every_method
def test_without_noise_all_replicates_and_seeds_are_one_path(method, engine, dtype):
    problem = make("cosine", sigma=0)
    runs = go(problem, method, engine=engine, dtype=dtype, b=[2, 7], T=FEW)
    assert (runs.x == runs.x[:1]).all()
    assert (runs.mean_grad_norm2 == runs.mean_grad_norm2[:1]).all()
    other = go(problem, method, engine=engine, dtype=dtype, seed=4, runs=1, T=FEW)
    assert np.array_equal(other.x[0], runs.x[0])


@each_engine
@every_method
def test_a_stationary_start_without_noise_is_never_left(method, engine, dtype):
    # s_t = 0: delta_t = 0, and not 0/0.
    runs = go(make("cosine", sigma=0, start=0), method, engine=engine, dtype=dtype, T=FEW)
    assert (runs.x == 0).all()
    assert (runs.max_abs_gradient == 0).all()


@each_engine
def test_a_vanishing_batch_gradient_perturbs_nothing(engine, dtype):
    # b = 2 at the minimiser: one head makes s = 0 exactly, so that the iterate stays.
    runs = go(make(d=1, start=0), engine=engine, dtype=dtype, b=2, T=1, runs=64)
    even = runs.heads[:, 0, 0] == 1
    assert 0 < even.sum() < 64
    assert np.array_equal(runs.x[:, 1, 0] == 0, even)


def test_a_perturbation_has_length_rho_along_s_in_every_run():
    problem = make("huber")
    runs = go(problem, rho=[0.1, 0.3])
    for before, _, info in replay(problem, "adasam", runs):
        moved = problem.gradient(
            before.x + runs.inputs.rho[:, None] * info.s / np.linalg.norm(info.s, axis=1)[:, None],
            np,
        )
        still = problem.gradient(before.x, np)
        np.testing.assert_allclose(info.g - info.s, moved - still, atol=1e-13)
        # The residual g - s is at most L rho: what the proofs use.
        assert (np.linalg.norm(info.g - info.s, axis=1) <= 2 * runs.inputs.rho * (1 + 1e-12)).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_a_direction_is_a_unit_vector_or_zero(values):
    s = np.array([values, [0.0] * len(values)])
    out = direction(s)
    assert (out[1] == 0).all()
    if np.linalg.norm(s[0]) > 1e-150:
        assert np.linalg.norm(out[0]) == pytest.approx(1, rel=1e-12)
        assert (out[0] * s[0] >= 0).all()


@pytest.mark.parametrize(
    "method", [name for name, switches in SWITCHES.items() if switches.keeps_max]
)
def test_with_the_running_maximum_the_adaptive_step_only_falls(method):
    problem = make("cosine")
    runs = go(problem, method)
    for before, after, _ in replay(problem, method, runs):
        assert (after.eta <= before.eta).all()
    # Monotone: the total change telescopes, and stays below Lemma 4's limit.
    fall = (1 / CELL["eps"] - after.eta).sum(1)
    np.testing.assert_allclose(runs.eta_variation_l1, fall, rtol=1e-12, atol=1e-12)
    most = 1 / CELL["eps"] - 1 / problem.G
    assert (runs.eta_variation_l1 <= problem.d * most).all()
    assert (runs.eta_variation_l2 <= problem.d * most**2).all()


def test_without_the_running_maximum_it_rises_again():
    problem = make("cosine")
    runs = go(problem, "adam_sam")
    steps = list(replay(problem, "adam_sam", runs))
    assert any((after.eta > before.eta).any() for before, after, _ in steps)
    fall = (1 / CELL["eps"] - steps[-1][1].eta).sum(1)
    assert (runs.eta_variation_l1 > fall * (1 + 1e-9)).all()


def test_the_second_moments_floor_is_eps_squared_in_every_method():
    problem = make()
    for method in METHODS:
        for _, after, _ in replay(problem, method, go(problem, method, eps=1.2)):
            assert (after.v_hat >= 1.2**2).all()


@pytest.mark.parametrize("beta1", [Fraction(0), Fraction(3, 4)])
@pytest.mark.parametrize("x0", [Fraction(0), Fraction(1, 4), Fraction(2)])
def test_over_all_noise_paths_the_mean_is_the_enumerated_expectation(beta1, x0):
    # Every sign path of T steps is a run; all numbers are dyadic, so that little is rounded.
    T, L, sigma, G, eps = 8, Fraction(2), Fraction(1, 2), Fraction(5, 4), Fraction(3, 2)
    exact = RationalHuber(L, sigma, G, eps, Fraction(1, 8), beta1, Fraction(1, 2), x0)
    problem = SeparableProblem("huber", "additive", L=2.0, sigma=0.5, G=1.25, d=1, start=float(x0))
    heads = np.array(list(itertools.product((0, 1), repeat=T)), dtype=float)
    column = np.ones((len(heads), 1))
    given_values = Parameters(
        0.125 * column, 0 * column, float(beta1) * column, 0.5 * column, 1.5 * column, 0 * column
    )
    state, total = start(problem, given_values), np.zeros(len(heads))
    for t in range(T):
        noise = problem.noise_from_heads(heads[:, t : t + 1], column)
        total += (problem.gradient(state.x, np) ** 2).sum(1)
        state, _ = METHODS["adasam"].rule(Oracle(problem, noise[None]), given_values, state, np)
    assert total.mean() / T == pytest.approx(float(exact.mean_grad_norm2(T)), rel=1e-13)
