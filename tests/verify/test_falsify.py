"""The falsifier: it finds what is false, and never refutes what is true."""

import inspect
import json
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures import style
from simulators import simulate
from simulators import spec as specs
from theory.theorem1 import PRINTED, TIGHT, VARIANTS
from verify import cli
from verify.answers import falsify as falsifier
from verify.answers import hunt
from verify.answers.falsify import falsify, save
from verify.answers.hunt import Trail, beginning, ratio
from verify.answers.instances import AXES, PROFILE_NAMES, SCALE, START, spec_at

BUDGET, CAP = 300, 4096
SEEDS = (0, 1)
pytestmark = pytest.mark.xdist_group("falsify")
TRUE = [name for name in VARIANTS if name != "printed"]


def setting(spec):
    problem = spec.problem.make()
    (cell,) = specs.cells(spec, problem)
    return problem.certificate.constants, cell


def at(**changes: float) -> np.ndarray:
    """Return the start with some coordinates changed."""
    return np.array([changes.get(axis.name, axis.start) for axis in AXES])


@cache
def searched(variant, seed=0, budget=120):
    """Search once for all tests."""
    return falsify(variant, seed=seed, budget=budget, cap=CAP)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_seeds_find_the_printed_bound_false(seed):
    content = searched("printed", seed, BUDGET).as_json()
    assert content["verdict"] == "refuted"
    assert content["ratio_low"] > 1
    assert content["applies"]
    assert content["first_false"] > hunt.POPULATION
    assert content["evaluations"] == BUDGET


def test_the_start_is_eps_equal_G_and_does_not_contain_the_answer():
    spec = spec_at(at(), PRINTED, T=100, runs=1, seed=0)
    constants, cell = setting(spec)
    assert (constants.G, constants.L, cell["eps"]) == (1, 1, 1)
    for seed in SEEDS:
        points, trail = beginning(seed), searched("printed", seed, BUDGET).trail
        assert points[0].tolist() == at().tolist()
        assert trail.point[: len(points)] == pytest.approx(points, rel=1e-12, abs=1e-12)
        assert trail.ratio[: len(points)].max() < 0.6


def test_the_written_spec_replays_the_mean_to_the_last_bit(tmp_path, capsys, monkeypatch):
    refutation = searched("printed", 0, BUDGET)
    monkeypatch.setattr(style, "save", lambda *_: [])  # drawn in another test
    _, spec, trail = save(refutation, tmp_path)
    monkeypatch.setattr(sys, "argv", ["adasam", "simulate", str(spec), "--json"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert not caught.value.code
    assert cell["lhs"] == refutation.measured.estimate
    assert cell["n"] == refutation.measured.n
    loaded = Trail.load(trail)
    assert loaded.ratio.tolist() == refutation.trail.ratio.tolist()


@pytest.mark.parametrize("variant", TRUE)
def test_the_tightest_instance_of_a_true_bound_does_not_refute_it(variant):
    found = searched(variant)
    content = found.as_json()
    first = found.trail.ratio[: hunt.POPULATION].max()
    assert content["verdict"] != "refuted"
    assert content["ratio_low"] <= 1
    assert content["applies"]
    assert max(content["searched"].values()) > first


@given(st.sampled_from(list(VARIANTS)), st.lists(st.floats(0, 1), min_size=13, max_size=13))
def test_every_point_of_the_box_is_certified_and_inside_the_bounds_conditions(variant, share):
    low, high = np.array([(axis.low, axis.high) for axis in AXES]).T
    point = low + np.array(share) * (high - low)
    spec = spec_at(point, VARIANTS[variant], T=64, runs=1, seed=0)
    constants, cell = setting(spec)
    assert VARIANTS[variant].applies(constants, specs.hyperparameters(cell))
    assert 1e-3 * (1 - 1e-12) <= cell["eps"] / constants.G <= 1
    if variant in ("printed", "appendix"):
        assert specs.outside([cell], spec.problem.make(), "adasam") is None


def test_the_scale_put_in_afterwards_is_that_of_runs_at_that_scale():
    # A power of two scales every float exactly: the same path, bit for bit.
    point = at(scale=np.log10(2.0**-10), eps=-0.5, start=0.1)
    value, T = ratio(point, PRINTED, 0)
    spec = spec_at(point, PRINTED, T=hunt.LONGEST, runs=hunt.RUNS, seed=0, common_noise=True)
    constants, cell = setting(spec)
    runs = simulate(spec.problem.make(), **cell, runs=hunt.RUNS, seed=0, common_noise=True)
    column = runs.mean_grad_norm2[:, np.flatnonzero(runs.step[0] == T)[0]]
    lower = column.mean() - hunt.ERRORS * column.std(ddof=1) / np.sqrt(hunt.RUNS)
    rhs = float(PRINTED.total(constants, specs.hyperparameters({**cell, "T": T})))
    assert value == pytest.approx(lower / rhs, rel=1e-9)


def test_a_bound_that_says_nothing_is_no_tight_instance():
    # On the straight part of Huber's function the left side is G_f^2 d all along, next to the
    # cap d G^2 at which the bound stands; its terms sum to many times that.
    point = at(profile=PROFILE_NAMES.index("huber"), sigma=0.05, start=1.2, gamma=-3.0)
    value, T = ratio(point, TIGHT, 0)
    spec = spec_at(point, TIGHT, T=T, runs=8, seed=0)
    constants, cell = setting(spec)
    hyper = specs.hyperparameters(cell)
    measured = specs.run(spec, allow_outside=True).lhs(0).mean()
    assert TIGHT.vacuous(constants, hyper)
    assert measured / TIGHT.total(constants, hyper) > 0.9
    summed = sum(float(term) for term in TIGHT.evaluate(constants, hyper).values())
    assert value == pytest.approx(measured / summed, rel=1e-3)
    assert summed > 5 * constants.d * constants.G**2


def test_a_seed_gives_the_same_search_and_another_another():
    first, second = searched("tight"), falsify("tight", seed=0, budget=120, cap=CAP)
    assert first.as_json() == second.as_json()
    assert np.array_equal(first.trail.point, second.trail.point)
    one, other = (searched("printed", seed, BUDGET).trail.point for seed in SEEDS)
    assert not np.array_equal(one[:20], other[:20])


def test_the_second_search_starts_at_the_minimiser_and_only_unit_errors_need_the_scale():
    homogeneous, printed = searched("tight"), searched("printed", 0, BUDGET)
    assert np.all(homogeneous.trail.point[:, SCALE] == 0)
    assert np.ptp(printed.trail.point[:, SCALE]) > 1
    for trail, half in ((homogeneous.trail, 60), (printed.trail, BUDGET // 2)):
        assert trail.second == half
        assert np.all(trail.point[trail.search == 1, START] == 0)


def test_time_spent_ends_the_search_and_is_said():
    found = falsify("printed", seconds=1e-9, budget=100, cap=1024)
    assert (len(found.trail.ratio), found.stopped) == (1, "out of time")
    assert found.as_json()["stopped"] == "out of time"


def test_an_interruption_ends_the_search_and_judges_the_best_so_far():
    def progress(stage: str, done: int, every: int) -> None:
        if (stage, done) == ("search", 50):
            raise KeyboardInterrupt

    found = falsify("corrected", budget=100, cap=1024, progress=progress)
    assert (len(found.trail.ratio), found.stopped) == (50, "interrupted")
    assert found.measured.n == 1024


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--variant", "best"], "best"), ([], "--variant"),
        (["--variant", "printed", "--seed", "-1"], "seed = -1"),
        (["--variant", "printed", "--budget", "39"], "budget = 39"),
        (["--variant", "printed", "--budget", "many"], "many"),
        (["--variant", "printed", "--cap", "1023"], "cap = 1023"),
        (["--variant", "printed", "--cap", "4294967296"], "cap = 4294967296"),
        (["--variant", "printed", "--seconds", "0"], "seconds = 0"),
        (["--variant", "printed", "--seconds", "nan"], "seconds = nan"),
        (["--variant", "printed", "--out", "file/below"], "cannot be written to"),
    ],
)  # fmt: skip
def test_falsify_refuses_what_is_malformed(capsys, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(sys, "argv", ["adasam", "falsify", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    captured = capsys.readouterr()
    assert (caught.value.code, captured.out) == (2, "")
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_falsify_prints_what_it_found_and_writes_it(capsys, monkeypatch, tmp_path):
    arguments = ["--variant", "corrected", "--budget", "40", "--cap", "1024"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(falsifier, "falsify", cache(falsify))  # the same search for both
    texts = []
    for more in (["--out", "found"], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["adasam", "falsify", *arguments, *more])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert not caught.value.code
        texts.append(capsys.readouterr().out)
    stem = "falsify_corrected_seed0"
    written = json.loads((tmp_path / "found" / f"{stem}.json").read_text())
    assert json.loads(texts[1]) == written
    instance = written["instance"]
    for name in ("ratio", "ratio_low", "ratio_high"):
        assert written[name] == instance[name.replace("ratio", "lhs")] / instance["rhs"]
    assert written["trivial"] == pytest.approx(
        instance["spec"]["problem"]["d"] * instance["spec"]["problem"]["G"] ** 2
    )
    for said in ("corrected", "largest term", f"{written['ratio']:.6g}", "at the minimiser"):
        assert said in texts[0], said
    assert {path.name for path in (tmp_path / "found").iterdir()} == {
        f"{stem}{end}" for end in (".json", "_spec.json", "_trail.npz", ".svg", ".pdf", ".png")
    }


def test_the_commands_defaults_are_the_functions():
    command, function = (inspect.signature(f).parameters for f in (cli.falsify, falsify))
    for name in ("seed", "budget", "seconds", "cap"):
        assert command[name].default == function[name].default
