"""Measured cells and bounds as the command line shows them, and what has no number."""

import dataclasses

import msgspec
import numpy as np
import pytest
from scipy import stats

from simulators import METHODS
from simulators import spec as specs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.bound import Bound, Term
from theory.errors import InputError
from theory.setting import Constants, Hyperparameters
from theory.symbols import L
from theory.theorem1 import CORRECTED, TIGHT_SIMPLE, VARIANTS
from verify.answers.evaluation import evaluate, idle, measured_cells

SPEC = Spec(
    problem=ProblemSpec(profile="huber", L=1.0, sigma=0.5, G=1.0, d=4, start=0.5),
    run=RunSpec(
        gamma=[0.01, 0.02], rho=0.3, beta1=0.5, beta2=0.9, eps=0.5, b=[1.0, 16.0], T=[20.0, 5000.0],
        workers=[1.0, 2.0], runs=4, seed=7,
    ),
)  # fmt: skip


def changed(**run) -> Spec:
    return msgspec.structs.replace(SPEC, run=msgspec.structs.replace(SPEC.run, **run))


@pytest.fixture(scope="module")
def measured():
    small = changed(T=[20.0, 500.0])
    return small, specs.run(small, allow_outside=True)


def test_a_cell_has_its_own_runs_interval_and_bound(measured):
    spec, runs = measured
    problem = spec.problem.make()
    rows = measured_cells(spec, runs)
    cells = specs.cells(spec, problem)
    assert len(rows) == len(cells) == 16
    for number, (row, cell) in enumerate(zip(rows, cells, strict=True)):
        values = runs.mean_grad_norm2[runs.inputs.cell == number, -1]
        share = runs.adaptive_share[runs.inputs.cell == number]
        assert {name: row[name] for name in cell} == cell
        assert (row["n"], row["diverged"], row["lhs"]) == (4, 0, values.mean())
        low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
        assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
        assert row["adaptive_share"] == share.mean()
        hyper = specs.hyperparameters(cell)
        assert hyper.b == cell["b"] * cell["workers"]
        total = float(CORRECTED.total(problem.certificate.constants, hyper))
        assert row["corrected"] == pytest.approx(total, rel=1e-14)
        assert row["trivial"] == 4 * 1.0**2
        assert row["vacuous"] == (total >= 4)
        assert row["applies"] == (cell["gamma"] <= 0.5 / 16)


@pytest.mark.parametrize(
    ("change", "applies"),
    [({}, True), ({"gamma": 0.04}, False), ({"method": "adam_sam"}, False),
     ({"v_init": 1.0}, True), ({"v_init": 1.1}, False), ({"method": "amsgrad"}, True),
     ({"method": "sgd", "v_init": 1.1}, True), ({"method": "local_sam"}, True)],
)  # fmt: skip
def test_whether_the_bound_applies_is_said_of_step_start_and_method(change, applies):
    spec = changed(**{"gamma": 0.01, "b": 1.0, "T": 5.0, "workers": 1.0, **change})
    (row,) = measured_cells(spec, specs.run(spec, allow_outside=True))
    assert row["applies"] is applies


def test_a_long_run_in_small_steps_has_a_bound_that_says_something():
    spec = changed(gamma=1e-3, rho=0.0, beta1=0.0, eps=1.0, b=1.0, T=20000.0, workers=1.0)
    (row,) = measured_cells(spec, specs.run(spec))
    assert row["corrected"] < row["trivial"] == 4
    assert (row["vacuous"], row["applies"]) == (False, True)


USED = {
    "adasam": set(), "amsgrad": {"rho"}, "sam": {"beta2", "v_init"},
    "sgd": {"rho", "beta2", "v_init"}, "adam_sam": set(), "local_sam": set(),
}  # fmt: skip


@pytest.mark.parametrize("method", list(METHODS))
def test_what_a_method_does_not_use_moves_no_run_and_is_named(method):
    base = changed(method=method, gamma=0.01, b=1.0, T=20.0, workers=1.0, v_init=0.01)
    common = msgspec.structs.replace(base.run, common_noise=True)
    others = {"rho": 0.1, "beta2": 0.5, "v_init": 0.02, "beta1": 0.2, "eps": 0.6, "gamma": 0.02}

    def path(**change) -> np.ndarray:
        run = msgspec.structs.replace(common, **change)
        return specs.run(msgspec.structs.replace(base, run=run), allow_outside=True).x

    unused = {
        name for name, value in others.items() if np.array_equal(path(**{name: value}), path())
    }
    assert unused == set(idle(base)) == USED[method]


def test_the_bound_of_a_method_without_a_perturbation_has_none():
    spec = changed(method="amsgrad", gamma=0.01, b=1.0, T=20.0, workers=1.0)
    (row,) = measured_cells(spec, specs.run(spec))
    constants = spec.problem.make().certificate.constants
    hyper = Hyperparameters(gamma=0.01, rho=0, beta1=0.5, beta2=0.9, eps=0.5, b=1, T=20)
    assert row["corrected"] == pytest.approx(float(CORRECTED.total(constants, hyper)), rel=1e-14)


@pytest.mark.parametrize(
    ("method", "name"), [("sgd", "rho"), ("amsgrad", "rho"), ("sam", "beta2"), ("sgd", "v_init")]
)
def test_a_grid_over_what_the_method_does_not_use_is_refused(method, name):
    with pytest.raises(InputError, match=f"does not use {name}"):
        idle(changed(method=method, **{name: [0.1, 0.2]}))
    assert name in idle(changed(method=method, **{name: [0.1]}))
    assert name not in idle(changed(method=method, **{name: 0.0}))


def test_a_schedules_c_rho_is_not_used_either():
    run = {"schedule": "corollary1", "gamma": None, "rho": None, "c_gamma": 1.0}
    assert idle(changed(method="sgd", beta2=0.0, **run, c_rho=0.5)) == ["c_rho"]
    assert idle(changed(method="adasam", **run, c_rho=0.5)) == []
    with pytest.raises(InputError, match="does not use c_rho"):
        idle(changed(method="sgd", **run, c_rho=[0.0, 0.5]))


def test_a_cell_with_a_run_that_diverged_has_no_mean_and_the_others_keep_theirs(measured):
    spec, runs = measured
    left = runs.mean_grad_norm2.copy()
    left[[1, 2], -1] = np.nan, np.inf
    objective = runs.objective.copy()
    objective[4, -1] = np.nan  # the second cell's first run: its gradient's clipping hides it
    rows = measured_cells(
        spec, dataclasses.replace(runs, mean_grad_norm2=left, objective=objective)
    )
    assert [row["diverged"] for row in rows] == [2, 1] + [0] * 14
    for row in rows[:2]:
        assert (row["lhs"], row["low"], row["high"], row["n"]) == (None, None, None, 4)
    assert rows[2] == measured_cells(spec, runs)[2]


def test_a_single_run_has_no_interval():
    spec = changed(runs=1, gamma=0.01, b=1.0, T=20.0, workers=1.0)
    (row,) = measured_cells(spec, specs.run(spec))
    assert (row["low"], row["high"], row["diverged"]) == (None, None, 0)
    assert row["lhs"] > 0


NEAR_ONE = {"L": 1.0, "sigma": 1.0, "G": 2.0, "d": 10, "Delta": 1.0}
STEP = {"gamma": 0.01, "rho": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 0.5, "b": 16, "T": 1000}
EXTREMES = [
    {"G": 1e200}, {"Delta": 1e308}, {"eps": 1e-200}, {"L": 1e300}, {"gamma": 1e-308},
    {"gamma": 1e308}, {"rho": 1e300}, {"L": 1e-320}, {"sigma": 1e160, "G": 1e160}, {"eps": 1e300},
    {"G": 1e155, "eps": 1e155},
]  # fmt: skip


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("name", list(VARIANTS))
def test_at_the_ends_of_float64_a_bound_is_finite_or_refused_in_words_and_never_warns(
    name, extreme
):
    # Warnings are errors here.
    setting = {**NEAR_ONE, **STEP, **extreme}
    constants = Constants(**{key: setting[key] for key in NEAR_ONE})
    hyper = Hyperparameters(**{key: setting[key] for key in STEP})
    refused, content = "", {}
    try:
        content = evaluate(VARIANTS[name], constants, hyper)
    except InputError as error:
        refused = str(error)
    if refused:
        assert "in float64: rescale the setting's units" in refused
        return
    margins = [item["margin"] for item in content["preconditions"]]
    numbers = [*content["terms"].values(), content["phi"], content["trivial"], *margins]
    assert np.isfinite(numbers).all()
    assert content["total"] is None or np.isfinite(content["total"])


def test_a_bound_that_is_false_outside_its_condition_has_no_total_and_is_not_refused():
    content = evaluate(
        TIGHT_SIMPLE, Constants(**NEAR_ONE), Hyperparameters(**{**STEP, "gamma": 0.03})
    )
    assert content["total"] is None
    assert not content["applies"]
    assert all(np.isfinite(value) for value in content["terms"].values())


def test_a_sum_beyond_float64_is_refused_though_its_terms_are_not():
    one = {"equation": "", "meaning": ""}
    bound = Bound("toy", "", (Term("first", L, **one), Term("second", L, **one)), ())
    constants, hyper = Constants(**(NEAR_ONE | {"L": 1e308})), Hyperparameters(**STEP)
    with pytest.raises(InputError, match="total of the bound toy is not finite"):
        evaluate(bound, constants, hyper)
