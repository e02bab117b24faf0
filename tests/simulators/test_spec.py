"""Specs: from a file to cells to runs, and the refusals on the way."""

import json
import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from simulators import METHODS, FiniteSum
from simulators import spec as specs
from theory import CORRECTED, TIGHT, TIGHT_SIMPLE, InputError, corollary1
from theory.theorem import variants_on

TOML = """
[problem]
profile = "huber"
L = 2.0
sigma = 0.75
G = 1.5
d = 3
start = [0.4, 0.1, -0.2]

[run]
gamma = [0.005, 0.0025]
rho = 0.1
beta1 = [0.0, 0.9]
beta2 = 0.9
eps = 0.25
b = [1, 4]
T = 12
runs = 2
seed = 7

[engine]
name = "reference"
dtype = "float64"
"""


def write(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def spec(tmp_path):
    return specs.read(write(tmp_path / "spec.toml", TOML))


def changed(spec, **run):
    return msgspec.structs.replace(spec, run=msgspec.structs.replace(spec.run, **run))


def scheduled(spec, **run):
    given = {"gamma": None, "rho": None, "schedule": "corollary1", "c_gamma": 0.1, "c_rho": 0.2}
    return changed(spec, **given | run)


def test_a_toml_file_says_what_it_says(spec):
    assert spec.problem.noise == "additive"
    assert spec.problem.start == [0.4, 0.1, -0.2]
    assert spec.run.method == "adasam"
    assert spec.run.gamma == [0.005, 0.0025]
    assert spec.engine.name == "reference"
    assert spec.engine.device == "auto"


def test_a_spec_goes_through_json_and_back(tmp_path, spec):
    for one in (spec, scheduled(spec, c_gamma="corrected"), changed(spec, common_noise=True)):
        path = write(tmp_path / "spec.json", json.dumps(specs.to_json(one)))
        assert specs.read(path) == one


def test_json_and_toml_give_the_same_runs(tmp_path, spec):
    path = write(tmp_path / "spec.json", json.dumps(specs.to_json(spec)))
    one, other = specs.run(spec), specs.run(specs.read(path))
    assert one.mean_grad_norm2.tobytes() == other.mean_grad_norm2.tobytes()
    assert np.array_equal(one.inputs.key, other.inputs.key)


def test_lists_span_a_grid_with_the_last_name_fastest(spec):
    cells = specs.cells(spec, spec.problem.make())
    assert [(c["gamma"], c["beta1"], c["b"]) for c in cells] == [
        (gamma, beta1, b) for gamma in (0.005, 0.0025) for beta1 in (0, 0.9) for b in (1, 4)
    ]
    assert all(c["rho"] == 0.1 and c["eps"] == 0.25 and c["T"] == 12 for c in cells)


def test_runs_follow_the_cells_in_order(spec):
    cells, runs = specs.cells(spec, spec.problem.make()), specs.run(spec)
    assert runs.cells == len(cells) == 8
    for number, cell in enumerate(cells):
        rows = runs.rows(number)
        assert len(rows) == 2
        for name in specs.CELL:
            assert (getattr(runs.inputs, name)[rows] == cell[name]).all(), name


@pytest.mark.parametrize("engine", ["reference", "numba", "torch"])
def test_one_cell_of_a_grid_run_alone_gives_the_same_bytes(tmp_path, spec, engine):
    for grid in (spec, scheduled(spec, c_gamma=0.003, c_rho=[0.1, 0.2])):
        grid = msgspec.structs.replace(
            grid, engine=specs.EngineSpec(name=engine, dtype="float32", device="cpu")
        )
        runs = specs.run(grid, allow_outside=True)
        for number, cell in enumerate(specs.cells(grid, grid.problem.make())):
            # Through JSON too, as the reports keep it.
            path = write(tmp_path / "one.json", json.dumps(specs.to_json(specs.single(grid, cell))))
            alone = specs.run(specs.read(path), allow_outside=True)
            for name, array in alone.arrays().items():
                if name != "cell":
                    rows = runs.arrays()[name][runs.rows(number)]
                    assert rows.tobytes() == array.tobytes(), name


def test_the_schedule_is_corollary_1s_in_every_cell(spec):
    grid = scheduled(spec, c_rho=[0.2, 0.3], T=[100, 400], beta1=0.9)
    cells = specs.cells(grid, grid.problem.make())
    assert [(c["b"], c["T"]) for c in cells] == [(1, 100), (1, 400), (4, 100), (4, 400)] * 2
    for number, cell in enumerate(cells):
        b, T, c_rho = cell["b"], cell["T"], (0.2, 0.3)[number // 4]
        assert cell["gamma"] == pytest.approx(0.1 * math.sqrt(b / T), rel=1e-15)
        assert cell["rho"] == pytest.approx(c_rho / math.sqrt(b * T), rel=1e-15)
        assert set(cell) == set(specs.CELL)


def test_a_named_c_gamma_minimises_that_bounds_leading_terms(spec):
    grid = scheduled(spec, c_gamma="corrected", eps=[0.25, 0.5], b=4, T=100, beta1=0)
    problem = grid.problem.make()
    constants = problem.certificate.constants
    for cell in specs.cells(grid, problem):
        # c* = eps/(2 sigma) sqrt(Delta/L)
        best = cell["eps"] / 1.5 * math.sqrt(constants.Delta / 2)
        assert cell["gamma"] == pytest.approx(best * math.sqrt(4 / 100), rel=1e-14)
        value = corollary1.c_gamma_value(CORRECTED, constants, cell["eps"])
        assert cell["gamma"] == pytest.approx(float(value) / 5)


@pytest.mark.parametrize("change", [{"sigma": 0.0}, {"start": 0.0}, {"sigma": 0.0, "start": 0.0}])
def test_a_named_c_gamma_needs_noise_and_a_gap(spec, change):
    problem = msgspec.structs.replace(spec.problem, **change).make()
    with pytest.raises(InputError, match="no value where sigma = 0 or Delta = 0: give a number"):
        specs.cells(scheduled(spec, c_gamma="corrected"), problem)
    assert specs.cells(scheduled(spec, c_gamma=0.1), problem)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"gamma": None}, "gamma is missing"),
        ({"rho": None}, "rho is missing"),
        ({"c_gamma": 0.1}, "c_gamma needs a schedule"),
        ({"c_rho": 0.1}, "c_rho needs a schedule"),
        ({"b": []}, "empty list"),
        ({"gamma": []}, "empty list"),
        ({"schedule": "corollary2"}, "schedule = 'corollary2' is not known"),
        ({"schedule": "corollary1"}, "gamma is given beside a schedule"),
    ],
)
def test_gamma_and_rho_come_from_exactly_one_place(spec, run, message):
    with pytest.raises(InputError, match=message):
        specs.cells(changed(spec, **run), spec.problem.make())


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"c_gamma": None}, "c_gamma is missing"),
        ({"c_rho": None}, "c_rho is missing"),
        ({"rho": 0.1}, "rho is given beside a schedule"),
        ({"c_gamma": "best"}, "c_gamma = 'best': give a number or one of corrected"),
        ({"T": [100, 0]}, "T = 0 is outside"),
        ({"c_rho": []}, "empty list"),
    ],
)
def test_a_schedule_needs_its_constants_and_nothing_beside(spec, run, message):
    with pytest.raises(InputError, match=message):
        specs.cells(scheduled(spec, **run), spec.problem.make())


def test_n_workers_of_b_are_scheduled_as_one_of_n_b(spec):
    problem = spec.problem.make()
    many = specs.cells(scheduled(spec, b=2, workers=[1, 8]), problem)
    one = specs.cells(scheduled(spec, b=[2, 16]), problem)
    for together, alone in zip(many, one, strict=True):
        assert (together["gamma"], together["rho"]) == (alone["gamma"], alone["rho"])
        assert together["b"] == 2
        assert specs.hyperparameters(together).b == alone["b"]


def test_workers_and_v_init_make_a_grid_and_reach_the_runs(spec):
    runs = specs.run(
        changed(spec, workers=[1, 3], v_init=[0.0, 0.5], gamma=0.005, b=2, beta1=0, runs=1, T=4)
    )
    assert runs.inputs.workers.tolist() == [1, 1, 3, 3]
    assert runs.inputs.v_init.tolist() == [0, 0.5, 0, 0.5]
    assert len({tuple(key) for key in runs.inputs.key.tolist()}) == 4


def test_a_problems_shape_is_written_only_where_it_has_one(spec):
    assert "rotation" not in specs.to_json(spec)["problem"]
    table = {"condition": 10.0, "rotation": 3, "noise": "shift", "start": "plateau"}
    shaped = msgspec.structs.replace(spec, problem=msgspec.structs.replace(spec.problem, **table))
    written = specs.to_json(shaped)["problem"]
    assert {name: written[name] for name in table} == table
    again = msgspec.convert(specs.to_json(shaped), type(spec))
    assert again.problem.make().spec == shaped.problem.make().spec


FINITE = """
[problem]
kind = "finite_sum"
alpha = 0.1
start = 0.5
{data}

[run]
gamma = 0.0005
rho = 0.1
beta1 = 0.9
beta2 = 0.9
eps = 0.25
b = [1, 4]
T = 12
runs = 2
seed = 7
gradient_share = 0.5
"""


def finite(folder, data):
    return specs.read(write(folder / "finite.toml", FINITE.replace("{data}", data)))


def test_a_finite_sum_of_drawn_data_is_read_and_runs(tmp_path):
    spec = finite(tmp_path, "N = 30\nd = 2\nseed = 4\ncondition = 3")
    expected = FiniteSum.synthetic(30, 2, alpha=0.1, seed=4, condition=3, start=0.5)
    assert spec.problem.make().spec == expected.spec
    assert msgspec.convert(expected.spec, type(spec.problem)).make().spec == expected.spec
    runs = specs.run(spec)
    assert runs.cells == 2
    again = specs.read(write(tmp_path / "spec.json", json.dumps(specs.to_json(spec))))
    assert again == spec
    assert specs.run(again).mean_grad_norm2.tobytes() == runs.mean_grad_norm2.tobytes()


def test_the_share_of_full_gradients_reaches_the_runs_and_no_key(tmp_path):
    spec = changed(finite(tmp_path, "N = 30\nd = 2\nseed = 4"), T=200)
    some, all_ = specs.run(spec), specs.run(changed(spec, gradient_share=1.0))
    assert np.array_equal(some.inputs.key, all_.inputs.key)
    assert np.array_equal(some.x, all_.x)
    assert not np.array_equal(some.mean_grad_norm2, all_.mean_grad_norm2)
    assert "gradient_share" not in specs.to_json(changed(spec, gradient_share=None))["run"]


def test_data_are_found_beside_the_spec_and_known_by_their_numbers(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "data.csv").write_text("1,2,1\n0.5,-1,0\n3,1,0\n")
    spec = finite(tmp_path, 'data = "inner/data.csv"')
    problem = spec.problem.make()
    sha256 = problem.spec["sha256"]
    assert "data.csv" not in json.dumps(problem.spec)
    # From JSON in another folder too: the path is kept in full.
    moved = write(tmp_path / "inner" / "spec.json", json.dumps(specs.to_json(spec)))
    assert specs.read(moved).problem.make().spec == problem.spec
    same = finite(tmp_path, f'data = "inner/data.csv"\nsha256 = "{sha256}"')
    assert same.problem.make().spec == problem.spec
    (tmp_path / "inner" / "data.csv").write_text("1,2,1\n0.5,-1,0\n3,2,0\n")
    with pytest.raises(InputError, match="these are other data"):
        same.problem.make()
    with pytest.raises(InputError, match=r"nowhere\.npz cannot be read"):
        finite(tmp_path, 'data = "nowhere.npz"').problem.make()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("d = 2\nseed = 1", "lacks `N`: a finite_sum problem needs it"),
        ("N = 3\nd = 2", "lacks `seed`"),
        ("N = 3\nd = 2\nseed = 1\nL = 2.0", "has `L`, which a finite_sum problem does not know"),
        ('N = 3\nd = 2\nseed = 1\nnoise = "shift"', "has `noise`"),
        ('data = "a.npz"\nN = 3', "has `N`, which a finite_sum problem with data does not know"),
        ("N = 3\nd = 2\nseed = 1\nsha256 = 'a'", "has `sha256`"),
        ("N = 3\nd = 2\nseed = 1.5", "seed"),
    ],
)
def test_a_finite_sums_table_has_what_it_needs_and_nothing_beside(tmp_path, data, message):
    with pytest.raises(InputError, match=rf"finite\.toml is no TOML spec: .*{message}"):
        finite(tmp_path, data)


def test_a_separable_problem_knows_nothing_of_data(spec):
    for change in ({"N": 3.0}, {"alpha": 0.1}, {"data": "a.csv"}):
        with pytest.raises(InputError, match=r"which a separable problem .*does not know: drop it"):
            msgspec.structs.replace(spec.problem, **change)
    with pytest.raises(InputError, match="kind = 'finite' is not known"):
        msgspec.structs.replace(spec.problem, kind="finite")
    assert "kind" not in specs.to_json(spec)["problem"]


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"workers": 0}, "workers = 0: give whole numbers from 1"),
        ({"workers": 1.5}, r"workers = 1\.5: give whole numbers"),
        ({"workers": 2**17}, "give whole numbers from 1 to 65536"),
        ({"v_init": -1.0}, r"v_init = .*finite numbers from 0"),
        ({"method": "adam"}, "method = 'adam' is not known"),
        ({"runs": 0}, "runs = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"record": "all"}, "record = 'all'"),
        ({"T": 2.5}, r"T = 2\.5 is outside"),
        ({"gamma": -1.0}, "gamma = -1 is outside"),
    ],
)
def test_a_malformed_run_is_an_input_error(spec, run, message):
    with pytest.raises(InputError, match=message):
        specs.run(changed(spec, **run), allow_outside=True)


@pytest.mark.parametrize(
    ("run", "method", "message"),
    [
        ({"v_init": [0.0, 2.5]}, "adasam", r"v_init = 2\.5 exceeds max\(G, eps\)\^2 = 2\.25"),
        ({}, "adam_sam", "drops the running maximum"),
    ],
)
def test_where_no_bound_applies_a_run_is_refused_with_value_and_limit(spec, run, method, message):
    one = changed(spec, **run, method=method)
    problem = one.problem.make()
    reason = specs.outside(specs.cells(one, problem), problem, method)
    assert reason is not None
    with pytest.raises(InputError, match=f"{message}.*Pass --allow-outside"):
        specs.run(one)
    assert specs.run(one, allow_outside=True).cells


def test_inside_every_bounds_conditions_there_is_nothing_to_say(spec):
    # Theorem 1's largest step; without momentum it meets tight_simple's condition too.
    one = changed(spec, eps=1.5, gamma=1.5 / 32, beta1=0.0)
    problem = one.problem.make()
    cells = specs.cells(one, problem)
    for method in ("adasam", "sam"):
        assert specs.outside(cells, problem, method) is None
        assert specs.silent(cells, problem, method) is None


@pytest.mark.parametrize(
    ("run", "method", "said"),
    [
        (
            {"gamma": [0.005, 0.02], "beta1": 0.0}, "adasam",
            "printed, appendix, corrected (gamma = 0.02 exceeds eps/(16 L) = 0.0078125)",
        ),
        ({"eps": 1.75}, "amsgrad", "printed, appendix (eps = 1.75 exceeds G = 1.5)"),
    ],
)  # fmt: skip
def test_where_some_bounds_apply_the_others_are_named_with_value_and_limit(spec, run, method, said):
    one, told = changed(spec, **run, method=method), []
    problem = one.problem.make()
    assert specs.outside(specs.cells(one, problem), problem, method) is None
    assert specs.run(one, say=told.append).cells
    (note,) = [line for line in told if "do not apply" in line]
    failing, applying = note.split("; these do: ")
    assert failing == f"these bounds do not apply: {said}"
    # What is said to apply does, in every cell, and what is not does not in one.
    constants, cells = problem.certificate.constants, specs.cells(one, problem)
    for bound in variants_on(method):
        holds = [bound.applies(constants, specs.hyperparameters(cell)).all() for cell in cells]
        assert all(holds) == (bound.name in applying.split(", ")), bound.name


def test_with_a_large_step_sgd_runs_since_the_sharp_bound_speaks_of_it():
    problem = {"profile": "huber", "L": 1.0, "sigma": 0.1, "G": 2.0, "d": 1, "start": 0.1}
    run = {"method": "sgd", "gamma": 0.5, "rho": 0.0, "beta1": 0.0, "beta2": 0.9, "eps": 1.0,
           "b": 16, "T": 1000, "runs": 20, "seed": 0}  # fmt: skip
    one, told = msgspec.convert({"problem": problem, "run": run}, specs.Spec), []
    runs = specs.run(one, say=told.append)
    assert any("printed, appendix, corrected" in line and line.endswith("tight") for line in told)
    (cell,) = specs.cells(one, one.problem.make())
    constants = one.problem.make().certificate.constants
    bound = float(TIGHT.total(constants, specs.hyperparameters(cell)))
    assert runs.lhs(0).mean() < bound < 0.02
    assert np.isnan(TIGHT_SIMPLE.total(constants, specs.hyperparameters(cell)))


def test_a_method_that_no_theorem_is_about_needs_allow_outside(spec, monkeypatch):
    monkeypatch.setitem(METHODS, "other", replace(METHODS["sgd"], name="other"))
    one = changed(spec, method="other")
    with pytest.raises(InputError, match="method = 'other': no theorem here is about it"):
        specs.run(one)
    assert specs.run(one, allow_outside=True).cells


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("runs = 2", "runs = 2\nlr = 0.1", "lr"),
        ("d = 3", "d = 3\ncolour = 1", "colour"),
        ("[engine]", "[engine]\ngpu = 1", "gpu"),
        ("[engine]", "[extra]", "extra"),
        ("runs = 2", "", "runs"),
        ("beta1 = [0.0, 0.9]", "", "beta1"),
        ("G = 1.5", "", "G"),
        ("runs = 2", "runs = 2.5", "runs"),
        ("b = [1, 4]", 'b = ["one"]', "b"),
        ("[problem]", "[problem", "TOML"),
    ],
)
def test_a_file_with_a_wrong_key_or_type_is_an_input_error(tmp_path, old, new, message):
    assert TOML.count(old) == 1
    path = write(tmp_path / "spec.toml", TOML.replace(old, new))
    with pytest.raises(InputError, match=rf"spec\.toml is no (?s:.)*{message}"):
        specs.read(path)


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"missing\.toml cannot be read: No such file"):
        specs.read(tmp_path / "missing.toml")
    with pytest.raises(InputError, match="cannot be read"):
        specs.read(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no "):
        specs.read(tmp_path / "bytes.toml")
    with pytest.raises(InputError, match="is no "):
        specs.read(write(tmp_path / "half.json", '{"problem": '))
