"""Custom problems: what users write in torch runs as Algorithm 1 says, on both engines."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
import torch

from simulators import FiniteSum, custom, noise, simulate
from simulators.engines.choice import choose
from simulators.engines.torch_any import samples as torch_samples
from simulators.methods.adasam import direction
from simulators.problems import autograd
from theory import InputError

pytestmark = pytest.mark.xdist_group("custom")  # for what is traced once
CELL = {"gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": 3, "T": 12}
CLAIMS = {"L": 4.0, "sigma": 2.0, "G": 2.0}
MIXED = {
    "workers": [1, 2, 1], "b": [1, 3, 3], "T": [5, 12, 9], "rho": [0, 0.1, 0.2],
    "beta1": [0.9, 0, 0.5], "gamma": [0.05, 0.01, 0.02],
}  # fmt: skip
STATISTICS = (
    "mean_grad_norm2", "mean_weighted_grad_norm2", "objective", "eta_variation_l1",
    "eta_variation_l2", "adaptive_share", "max_abs_gradient",
)  # fmt: skip


def table(N=20, p=3):
    draw = torch.Generator().manual_seed(1)
    A = torch.randn(N, p, generator=draw, dtype=torch.float64)
    return A, torch.tanh(A.sum(1)) + 0.3


def network(**changes):
    """Two tanh neurons, two rows of weights: matrix products and sigmoids, whatever their bits."""

    def loss(x, a, y):
        hidden = torch.tanh(x.view(2, 3) @ a)
        return (hidden.sum() - y) ** 2 / 2 + 0.1 * torch.sigmoid(hidden @ hidden)

    given = {"x0": np.linspace(-0.5, 0.7, 6), "f_star": 0.0, "data": table(), **CLAIMS}
    return custom(loss, **given | changes)


def moving(k=6, **changes):
    """A cosine well that uniform noise moves; its mean is known."""

    def loss(x, u):
        return (1 - torch.cos(x - (2 * u[: len(x)] - 1))).sum() + 0.1 * (x * u[len(x) :]).sum()

    def value(x):
        return (1 - torch.cos(x) * math.sin(1)).sum() + 0.05 * x.sum()

    given = {"x0": np.full(3, 0.9), "f_star": -1.0, "noise": k, "value": value, **CLAIMS}
    return custom(loss, **given | changes)


def slopes(**changes):
    """Gradients alone."""

    def slope(x, a, y):
        return torch.tanh(a @ x - y) * a

    given = {"x0": np.zeros(3), "Delta": 1.0, "data": table(), **CLAIMS}
    return custom(sample_gradient=slope, **given | changes)


KINDS = {"data": network, "noise": moving, "gradients": slopes}
each_kind = pytest.mark.parametrize("kind", KINDS)


@cache
def of_kind(kind):
    """The problem of a kind; torch traces its functions, which takes long, once for all tests."""
    return KINDS[kind]()


def go(problem, **changes):
    return simulate(problem, **CELL | {"runs": 2, "seed": 1, "record": "trajectory"} | changes)


def assert_follows(measured, expected, tolerance=1e-12):
    assert np.array_equal(measured.samples, expected.samples)
    assert np.array_equal(measured.step, expected.step)
    np.testing.assert_allclose(measured.x, expected.x, rtol=0, atol=tolerance, equal_nan=True)
    for name in STATISTICS:
        found, right = getattr(measured, name), getattr(expected, name)
        limit = tolerance * max(1, np.nanmax(np.abs(right), initial=0))
        np.testing.assert_allclose(found, right, rtol=0, atol=limit, err_msg=name)


def assert_same_bytes(one, other, rows):
    for name, array in other.arrays().items():
        if name != "cell":
            assert one.arrays()[name][rows].tobytes() == array.tobytes(), name


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("data", "adasam"),
        ("noise", "local_sam"),
        ("gradients", "adasam"),
        ("gradients", "local_sam"),
    ],
)
def test_torch_follows_the_reference_along_whole_paths(kind, method):
    problem = of_kind(kind)
    runs = [go(problem, engine=e, dtype="float64", method=method, **MIXED)
            for e in ("torch", "reference")]  # fmt: skip
    assert_follows(*runs)
    assert np.isfinite(runs[0].mean_grad_norm2).all()


@pytest.mark.parametrize("engine", ["torch", "reference"])
def test_a_finite_sum_written_by_hand_in_torch_has_the_finite_sums_paths(engine):
    # Its gradients are derived by hand, its own engine is another, the draws are the same.
    given = FiniteSum.synthetic(50, 5, alpha=0.1, seed=2, start=0.7)

    def loss(x, c):
        return torch.log1p(torch.exp(-(c @ x))) + 0.1 * (x**2 / (1 + x**2)).sum()

    mine = custom(loss, data=given.C, x0=given.x0, L=1, sigma=1, G=1, f_star=0)
    settings = {"common_noise": True, **MIXED}
    assert_follows(
        go(mine, engine=engine, dtype="float64", **settings),
        go(given, engine="reference", **settings),
    )
    assert mine.certificate.Delta.value == pytest.approx(given.objective(given.x0[None])[0])


@pytest.mark.parametrize("kind", ["data", "noise"])
def test_float32_follows_too(kind):
    problem = of_kind(kind)
    right = go(problem, engine="reference")
    np.testing.assert_allclose(go(problem, dtype="float32").x, right.x, rtol=0, atol=1e-5)


def test_auto_is_torch_and_what_cannot_run_it_says_why():
    problem = of_kind("gradients")
    assert str(choose("auto", "cpu", in_torch=True)).startswith("engine torch on cpu")
    assert np.array_equal(go(problem, T=2).x, go(problem, T=2, engine="torch").x)
    for engine in ("numba", "triton"):
        with pytest.raises(InputError, match=f"'{engine}' cannot run a problem given in torch"):
            go(problem, engine=engine)


@pytest.mark.parametrize("kind", ["data", "noise"])
def test_a_cells_runs_are_the_same_bytes_alone_and_in_any_grid(kind):
    problem = of_kind(kind)
    settings = {"runs": 3, "record": "statistics"}
    grid = go(problem, **settings, **MIXED)
    for cell in (1, 2) if kind == "noise" else (1,):
        own = {name: values[cell] for name, values in MIXED.items()}
        assert_same_bytes(grid, go(problem, **settings, **own), grid.rows(cell))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_is_the_same_bytes_however_many_are_beside_it(dtype):
    # 75 replicates in three chunks of 32, filled up, against the first 7 of them in one.
    problem = of_kind("data")
    settings = {"record": "statistics", "dtype": dtype, "T": 3}
    many, few = (go(problem, runs=runs, **settings) for runs in (75, 7))
    assert_same_bytes(many, few, np.arange(7))


def test_steps_drawn_ahead_are_the_same_samples(monkeypatch):
    problem = moving()
    runs = [go(problem)]
    monkeypatch.setattr(torch_samples, "AHEAD", 1)
    runs.append(go(problem))
    assert_same_bytes(*runs, slice(None))


@each_kind
def test_both_gradients_of_a_step_see_the_same_draw(kind):
    problem = of_kind(kind)
    runs = go(problem, engine="torch", dtype="float64", beta1=0, eps=100.0, b=4, T=1, rho=0.5)
    for row in range(2):
        batch = runs.samples[row, 0][None, :].astype(np.int64)
        x = problem.x0[None, :]
        s = problem.batch_gradient(x, batch)
        g = problem.batch_gradient(x + 0.5 * direction(s), batch)
        # eps is so large that eta is 1/eps: the step shows g.
        np.testing.assert_allclose(runs.x[row, 1], (x - 0.02 * g / 100)[0], rtol=0, atol=1e-15)


@pytest.mark.parametrize("make", [network, slopes])
def test_the_mean_over_all_mini_batches_is_the_true_gradient(make):
    problem = make(data=table(3))
    x = np.linspace(-1, 1, problem.d)[None, :]
    batches = np.array(list(itertools.product(range(3), repeat=2)))
    mean = np.mean([problem.batch_gradient(x, batch[None, :]) for batch in batches], axis=0)
    np.testing.assert_allclose(mean, problem.gradient(x), rtol=0, atol=1e-15)


def test_a_value_given_and_the_mean_of_the_data_have_one_gradient():
    problem = of_kind("data")
    A, y = problem.data

    def value(x):
        hidden = torch.tanh(A @ x.view(2, 3).T)
        own = torch.sigmoid((hidden * hidden).sum(1))
        return ((hidden.sum(1) - y) ** 2 / 2 + 0.1 * own).mean()

    same = network(value=value)
    x = np.random.default_rng(0).standard_normal((5, 6))
    np.testing.assert_allclose(problem.gradient(x), same.gradient(x), rtol=0, atol=1e-14)
    np.testing.assert_allclose(problem.objective(x), same.objective(x), rtol=0, atol=1e-14)


def test_data_taken_in_pieces_give_the_same_means(monkeypatch):
    x = np.random.default_rng(0).standard_normal((4, 6))
    whole = of_kind("data")
    monkeypatch.setattr(autograd, "PIECE", 4 * 10 * 7)  # seven rows of twenty
    pieces = network()
    np.testing.assert_allclose(pieces.gradient(x), whole.gradient(x), rtol=0, atol=1e-15)
    np.testing.assert_allclose(pieces.objective(x), whole.objective(x), rtol=0, atol=1e-15)


def uniforms(k, b, t=0, replicates=1, worker=0):
    replicate = np.arange(replicates)[:, None]
    key = (np.array([[11]]), np.array([[12]]))
    parts = noise.batch_uniforms(k, t, replicate, key, worker, np.arange(b)[None, :])
    return np.stack(parts, axis=2)


def test_uniform_numbers_are_words_of_the_contract_and_the_same_in_both_dtypes():
    found = uniforms(6, 5, t=3, replicates=2, worker=1)
    for r, i, j in itertools.product(range(2), range(5), range(6)):
        counter = (3, i * 2 + j // 4, r, 4 * 2**16 + 1)
        words = noise.philox(
            tuple(np.array([c]) for c in counter), (np.array([11]), np.array([12]))
        )
        assert found[r, i, j] == 2 * (words[j % 4][0] >> 9) + 1
    assert np.array_equal(found.astype(np.float32) * np.float32(noise.UNIFORM),
                          found * noise.UNIFORM)  # fmt: skip
    steps = np.arange(3)[:, None, None]
    many = noise.batch_uniforms(
        6, steps, np.zeros((1, 1), dtype=int), (np.array([[11]]), np.array([[12]])), 0,
        np.arange(5)[None, :],
    )  # fmt: skip
    assert np.array_equal(np.stack(many, axis=3)[2], uniforms(6, 5, t=2))


def test_uniform_numbers_are_uniform():
    u = (uniforms(4, 4096, replicates=16) * noise.UNIFORM).ravel()
    assert 0 < u.min() < 1e-3
    assert 1 - 1e-3 < u.max() < 1
    n = len(u)  # five standard errors: a false alarm in 2e6
    for power in (1, 2, 3):
        error = math.sqrt((1 / (2 * power + 1) - 1 / (power + 1) ** 2) / n)
        assert abs((u**power).mean() - 1 / (power + 1)) < 5 * error
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 5 / math.sqrt(n)


def test_the_noise_follows_from_name_data_and_start_and_not_from_claims():
    spec = of_kind("data").spec  # what the noise key is made from, beside the cell
    assert network(L=9.0, f_star=-1.0).spec == spec
    for other in (network(name="other"), network(x0=np.zeros(6)), network(data=table(21))):
        assert other.spec != spec


def test_every_constant_is_claimed():
    certificate = of_kind("data").certificate
    for name in ("L", "sigma", "G", "G_f", "f_star", "Delta"):
        assert getattr(certificate, name).standing == "claimed"
    assert certificate.constants.L == 4
    assert certificate.Delta.value == of_kind("data").at_x0
    assert math.isnan(of_kind("gradients").certificate.f_star.value)


A, Y = table()


def good(x, a, y):
    return (a @ x - y) ** 2


WRONG = [
    ({"L": 0}, "L = 0 is outside L > 0"),
    ({"sigma": -1}, "sigma = -1"),
    ({"G": float("nan")}, "G"),
    ({"sigma": 50.0}, "exceeds sqrt(d) G"),
    ({"x0": np.zeros((2, 3))}, "x0 has the shape (2, 3)"),
    ({"x0": "here"}, "x0 = 'here'"),
    ({"data": None}, "exactly one of data and noise"),
    ({"noise": 3}, "exactly one of data and noise"),
    ({"data": None, "noise": 3}, "noise needs value or gradient"),
    ({"data": None, "noise": 0, "value": torch.sum}, "noise = 0"),
    ({"data": (A, Y[:5])}, "[5, 20] rows"),
    ({"data": ([[1.0, float("nan")]],)}, "finite"),
    ({"data": "rows.csv"}, "data[0]"),
    ({"value": torch.sum, "gradient": torch.cos}, "drop gradient"),
    ({"f_star": None}, "Claim f_star"),
    ({"Delta": 1.0}, "Claim f_star"),
    ({"sample_gradient": good}, "exactly one of sample_value and sample_gradient"),
    ({"sample_value": None, "sample_gradient": good}, "Claim Delta"),
    ({"sample_value": 3}, "sample_value = 3 is no function"),
    ({"sample_value": lambda x, a, y: (a @ x - y) * a}, "sample_value returns the shape (3,)"),
    ({"sample_value": lambda x, a, y: 1.0}, "return a torch tensor"),
    ({"sample_value": lambda x, a: a @ x}, "TypeError"),
    ({"sample_value": lambda x, a, y: a.float() @ x}, "t.to(x)"),
    ({"sample_value": lambda x, a, y: x.sum() if a @ x > y else y * x.sum()}, "torch.where"),
    ({"sample_value": lambda x, a, y: (torch.rand(3) * x).sum()}, "take all noise from the sample"),
    ({"sample_value": lambda x, a, y: torch.log((x * x).sum())}, "not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_what_is_malformed_is_refused_with_a_cure(changes, said):
    given = {"sample_value": good, "x0": np.zeros(3), "f_star": 0.0, "data": (A, Y), **CLAIMS}
    with pytest.raises(InputError) as caught:
        custom(**given | changes)
    assert said in str(caught.value)


def test_claims_and_starts_may_be_tensors():
    problem = network(L=torch.tensor(4.0), x0=torch.zeros(6, requires_grad=True))
    assert problem.L == 4
    assert problem.x0.tolist() == [0] * 6
