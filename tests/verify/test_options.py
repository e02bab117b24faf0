"""Every option of every command arrives where it counts, and what would not count is refused."""

import contextlib
import importlib
import inspect
import io
import json
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from simulators.problems import Custom
from verify import cli
from verify.calibration import plan
from verify.check.job import QUICK, check, settings
from verify.check.user_file import running
from verify.studies.study import PRESETS

EXAMPLE = Path(__file__).parents[2] / "examples" / "tanh_network.py"

SPEC = """
[problem]
profile = "huber"
L = 1.0
sigma = 0.5
G = 1.0
d = 4
start = 0.5
[run]
gamma = 0.01
rho = 0.01
beta1 = 0.0
beta2 = 0.999
eps = 0.5
b = [1, 16]
T = 20
runs = 3
seed = 7
"""


class ArrivedError(Exception):
    """What a spied function was called with."""


def adasam(*arguments: str) -> tuple[int, str, str]:
    """Run the command line; return the exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["adasam", *arguments])
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as caught,
        ):
            cli.main()
    code = caught.value.code
    return 0 if code is None else int(code), out.getvalue(), err.getvalue()


def flat(arguments: dict) -> dict:
    """Return a call's arguments by name, with those of settings and specs among them."""
    found = dict(arguments)
    for value in arguments.values():
        inner = getattr(value, "run", value)
        for name in ("L", "sigma", "G", "d", "Delta", "gamma", "rho", "beta1", "beta2", "eps",
                     "b", "T", "runs", "seed"):  # fmt: skip
            if hasattr(inner, name) and not isinstance(inner, str | int | float):
                found.setdefault(name, getattr(inner, name))
    return found


def arrival(target: str, *arguments: str) -> dict:
    """Run a command whose job only says what it was called with; return that, by name."""
    module, _, name = target.rpartition(".")
    signature = inspect.signature(getattr(importlib.import_module(module), name))

    def spy(*given, **named):
        bound = signature.bind(*given, **named)
        bound.apply_defaults()
        raise ArrivedError(bound.arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, spy)
        patch.setattr(sys, "argv", ["adasam", *arguments])
        with contextlib.redirect_stderr(io.StringIO()), pytest.raises(ArrivedError) as caught:
            cli.main()
    return flat(caught.value.args[0])


BOUND = {"L": 1.5, "sigma": 0.5, "G": 2.0, "d": 10.0, "Delta": 3.0, "gamma": 0.01, "eps": 0.5,
         "b": 16.0, "T": 1000.0}  # fmt: skip
LAW = {name: BOUND[name] for name in ("L", "sigma", "G", "d")}
LARGE = {name: BOUND[name] for name in ("L", "sigma", "G", "d", "Delta", "eps", "b")}


def words_of(setting: dict) -> list[str]:
    """Write a setting as options."""
    return [word for name, value in setting.items() for word in (f"--{name}", str(value))]


JOBS = {
    "reproduce": ("verify.reproduction.job.reproduce", [], {
        "preset": "paper", "out": Path("x"), "seed": 11, "device": "cpu", "only": ["a", "b"]}),
    "figures": ("verify.reproduction.redraw.redraw", [], {
        "results": Path("r"), "style": "slides", "out": Path("x"), "only": ["a", "b"]}),
    "bound": ("verify.answers.evaluation.evaluate", ["--variant", "tight", *words_of(BOUND)], {
        "L": 2.5, "sigma": 0.25, "G": 3.0, "d": 7.0, "Delta": 0.125, "gamma": 0.02, "rho": 0.3,
        "beta1": 0.7, "beta2": 0.6, "eps": 0.75, "b": 8.0, "T": 77.0}),
    "problem": ("simulators.problems.SeparableProblem", ["huber", *words_of(LAW)], {
        "L": 2.5, "sigma": 0.25, "G": 3.0, "d": 7.0, "start": 0.125, "noise": "shift",
        "condition": 9.0, "rotation": 5}),
    "thresholds": ("verify.answers.thresholds.examine", words_of(LARGE), {
        "L": 2.5, "sigma": 0.25, "G": 3.0, "d": 7.0, "Delta": 0.125, "eps": 0.75, "b": 8.0,
        "beta1": 0.7, "c_gamma": "0.375", "c_rho": 0.25, "N": 5000.0, "variant": "appendix"}),
    "simulate": ("simulators.spec.run", ["SPEC"], {"allow_outside": True}),
    "speedup": ("simulators.spec.run", [], {"runs": 5, "seed": 11, "allow_outside": True}),
    "bench": ("verify.bench.bench", [], {"quick": True, "device": "auto", "out": Path("x")}),
    "calibrate": ("verify.calibration.calibrate", [], {
        "quick": True, "out": Path("x"), "seed": 11, "resume": True}),
    "proof": ("verify.commands.lecture.chosen", [], {"part": "sharp"}),
    "falsify": ("verify.answers.falsify.falsify", ["--variant", "tight"], {
        "variant": "printed", "seed": 11, "budget": 77, "seconds": 1.5, "cap": 2048}),
    "check": ("verify.check.job.check", [str(EXAMPLE), "--out", "x"], {
        "seed": 11, "beta1": 0.7, "beta2": 0.6, "eps": 0.75, "c_rho": 0.25, "device": "cpu"}),
    "classroom": ("verify.files.writable_folder", [], {}),
}  # fmt: skip
"""Of each command: its job, what it needs, and its options with values that no default has."""

NAMES = {"style": "style_name"}
"""Options that their job calls otherwise."""

ELSEWHERE = {
    "bound": {"variant", "json", "latex"}, "problem": {"profile", "json"}, "thresholds": {"json"},
    "simulate": {"spec", "out", "json"}, "speedup": {"spec", "json"}, "claims": {"json"},
    "bench": {"json"}, "calibrate": {"json"}, "proof": {"latex", "json"},
    "falsify": {"out", "json"}, "classroom": {"out", "show", "measure"},
    "check": {"file", "runs", "quick", "threads", "out", "json"},
}  # fmt: skip
"""What the tests of what a command prints and writes see, below or in the command's own file."""


@pytest.mark.parametrize(
    ("command", "option"), [(name, option) for name, (*_, more) in JOBS.items() for option in more]
)
def test_an_option_arrives_at_the_commands_job_and_no_default_looks_like_it(
    command, option, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("SPEC").write_text(SPEC)
    target, needed, options = JOBS[command]
    value, name = options[option], NAMES.get(option, option)
    word = f"--{option.replace('_', '-')}"
    if value is True:
        words = [word]
    else:
        several = value if isinstance(value, list) else [value]
        words = [part for one in several for part in (word, str(one))]
    without, arrived = arrival(target, command, *needed), arrival(target, command, *needed, *words)
    assert arrived[name] == value
    assert without[name] != value
    others = {"bound", "constants", "hyper", "spec", "progress", "stage", "say", "fault", "problem",
              name}  # fmt: skip
    if (command, option) == ("reproduce", "only"):
        others.add("out")  # a part goes to a folder of its own
    for other in arrived.keys() - others:
        same = arrived[other] == without[other]
        assert np.all(same), f"--{option} moves {other}"


def test_every_option_is_in_these_tables():
    for command in cli.app.registered_commands:
        function = command.callback
        assert function is not None
        name = function.__name__
        options = set(JOBS.get(name, (0, 0, {}))[2]) | ELSEWHERE.get(name, set())
        assert options == set(inspect.signature(function).parameters), name


@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_reproduce_simulates_the_presets_runs_on_the_seed_and_device_asked_for(
    monkeypatch, tmp_path, preset
):
    from verify.reproduction.job import reproduce

    def spy(specs, **_):
        raise ArrivedError(specs)

    monkeypatch.setattr("verify.reproduction.job.simulate_all", spy)
    with pytest.raises(ArrivedError) as caught:
        reproduce(preset=preset, out=tmp_path, seed=11, device="cpu", only=["corollary1.rate_b"])
    specs = caught.value.args[0]
    assert {spec.run.seed for spec in specs.values()} == {11}
    assert {spec.engine.device for spec in specs.values()} == {"cpu"}
    runs = PRESETS[preset].slope_runs
    assert {spec.run.runs for spec in specs.values()} == {runs, 8 * runs}
    assert PRESETS["quick"].slope_runs < PRESETS["paper"].slope_runs


def test_calibrate_plans_what_it_is_told_on_the_seed_it_is_told(monkeypatch):
    from verify.calibration import calibrate

    def spy(size, seed):
        raise ArrivedError(size, seed)

    for quick, size in ((True, plan.QUICK), (False, plan.FULL)):
        with monkeypatch.context() as patch:
            patch.setattr(plan, "plan", spy)
            with pytest.raises(ArrivedError) as caught:
                calibrate(quick=quick, seed=11)
        assert caught.value.args == (size, 11)
    assert plan.QUICK != plan.FULL


def test_every_part_of_a_calibration_draws_on_its_seed(monkeypatch):
    seeds: dict[str, set[int]] = defaultdict(set)
    pools = defaultdict(lambda: SimpleNamespace(name="a pool"))
    originals = {name: getattr(plan, name) for name in ("study_specs", "drawn")}

    def on(name, original):
        def spied(*given, **named):
            seeds[name].add(named["seed"] if "seed" in named else given[-1])
            return original(*given, **named)

        return spied

    monkeypatch.setattr(plan, "pools", on("pools", lambda seed: pools))
    for name, original in originals.items():
        monkeypatch.setattr(plan, name, on(name, original))
    plan.plan(plan.QUICK, 11)
    assert seeds == {"pools": {11}, "study_specs": {11}, "drawn": {11}}
    first, other, again = (
        [
            originals["drawn"]("coverage", lambda rng: rng.random(), 2, seed, of="x").measure(part)
            for part in (0, 1)
        ]
        for seed in (3, 4, 4)
    )
    assert other == again
    assert len({*first, *other}) == 4


@pytest.mark.parametrize(("quick", "sizes"), [(True, "QUICK"), (False, "FULL")])
def test_bench_times_the_sizes_of_its_option(monkeypatch, quick, sizes):
    from verify.bench import job

    def spy(size, cores):
        raise ArrivedError(size)

    monkeypatch.setattr(job, "cases", spy)
    with pytest.raises(ArrivedError) as caught:
        job.bench(quick=quick)
    assert caught.value.args == (getattr(job, sizes),)
    assert job.QUICK != job.FULL


def tanh() -> Custom:
    names: dict = {"__name__": "adasam_problem"}
    exec(compile(EXAMPLE.read_text(), str(EXAMPLE), "exec"), names)
    problem: Any = names["problem"]
    made: Any = problem() if callable(problem) else problem
    return made


def test_a_check_runs_on_the_hyperparameters_asked_for(monkeypatch):
    import verify.check.job as job

    seen = []

    def search(problem, effort, seed, *_, **__):
        seen.append(seed)
        return []

    def spy(problem, **named):
        raise ArrivedError(named)

    monkeypatch.setattr(job.claimed, "search", search)
    monkeypatch.setattr(job, "_judged", lambda content: {"verdict": "holds"})
    monkeypatch.setattr(job, "simulate", spy)
    with running(EXAMPLE):
        problem = tanh()
        asked = {"beta1": 0.7, "beta2": 0.6, "eps": 0.75, "c_rho": 0.25, "seed": 11}
        with pytest.raises(ArrivedError) as caught:
            check(problem, grid=QUICK, device="cpu", **asked)
        with pytest.raises(ArrivedError) as plain:
            check(problem, grid=QUICK, device="cpu")
    found, usual = caught.value.args[0], plain.value.args[0]
    for name in ("beta1", "beta2", "eps"):
        assert set(found[name]) == {asked[name]}
    assert found["rho"] == pytest.approx(0.25 / np.sqrt(np.multiply(found["b"], found["T"])))
    assert (found["seed"], seen[0], found["device"]) == (11, 11, "cpu")
    assert (set(usual["beta1"]), set(usual["beta2"]), usual["seed"]) == ({0.0}, {0.999}, 0)
    assert set(usual["eps"]) == {problem.G / 2}
    c_rho = problem.G / (10 * problem.L)
    assert usual["rho"] == pytest.approx(c_rho / np.sqrt(np.multiply(usual["b"], usual["T"])))


def test_checks_runs_and_quick_set_the_grid_and_threads_those_of_torch(monkeypatch, tmp_path):
    words = ["check", str(EXAMPLE), "--out", str(tmp_path)]
    arrived = arrival("verify.check.job.check", *words, "--quick", "--runs", "9")
    assert (arrived["grid"], arrived["effort"]) == settings(True, 9)
    assert arrived["grid"].runs == 9
    assert arrived["grid"].T == QUICK.T
    usual = arrival("verify.check.job.check", *words)
    assert (usual["grid"], usual["effort"]) == settings(False, None)
    assert usual["effort"] != arrived["effort"]
    before = torch.get_num_threads()
    with running(EXAMPLE, 2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
    assert arrival("verify.check.user_file.running", *words, "--threads", "2")["threads"] == 2


def test_every_letter_of_a_bound_but_beta2_moves_it():
    base = {**BOUND, "rho": 0.1, "beta1": 0.9, "beta2": 0.999}

    def totals(**changes: float) -> list[float]:
        _, out, _ = adasam("bound", *words_of(base | changes), "--json")
        return [item["total"] for item in json.loads(out)]

    usual = totals()
    for name in base:
        moved = totals(**{name: base[name] / 2})
        if name == "beta2":
            assert moved == usual
        elif name == "b":  # the printed bound does not fall with b
            assert moved[1] != usual[1]
        else:
            # TIGHT is capped at its own setting's d G^2, TIGHT_SIMPLE has a condition of its own.
            assert all(a != b for a, b in zip(moved[:3], usual[:3], strict=True)), name
    assert "beta2 enters no bound" in adasam("bound", *words_of(base))[2]


@pytest.mark.parametrize("variant", ["printed", "appendix", "corrected", "tight_simple", "tight"])
def test_latex_is_the_variants_with_its_value(variant):
    words = ["bound", *words_of(BOUND), "--variant", variant]
    value = json.loads(adasam(*words, "--json")[1])["total"]
    code, out, _ = adasam(*words, "--latex")
    formula, note = out.splitlines()[:2]
    assert code == 0
    assert formula.startswith(r"\frac{1}{T} \sum")
    said = "none: its condition fails" if value is None else value
    assert note == f"% {variant}, at this setting: {said}"


def test_another_profile_and_shape_is_another_certificate():
    def problem(*words: str) -> dict:
        return json.loads(adasam("problem", *words, *words_of(LAW), "--json")[1])

    usual = problem("rational")
    assert usual == problem("rational", "--start", "minimiser", "--noise", "additive")
    for words in (["--start", "0.5"], ["--noise", "shift"], ["--condition", "5"],
                  ["--rotation", "2"]):  # fmt: skip
        assert problem("rational", *words) != usual, words
    assert problem("cosine")["psi"] != usual["psi"]
    assert problem("rational", "--noise", "shift")["problem"]["noise"] == "shift"


BESIDE = [
    (["bound", *words_of(BOUND), "--json", "--latex"], "--latex is given beside --json"),
    (["proof", "--json", "--latex"], "--latex is given beside --json"),
    (["problem", "SPEC.toml", "--L", "1"], "--L is given beside a spec"),
    (["problem", "SPEC.toml", "--start", "0.3"], "--start is given beside a spec"),
    (["problem", "SPEC.toml", "--start", "minimiser"], "--start is given beside a spec"),
    (["problem", "SPEC.toml", "--noise", "additive"], "--noise is given beside a spec"),
    (["problem", "SPEC.toml", "--condition", "1"], "--condition is given beside a spec"),
    (["problem", "SPEC.toml", "--rotation", "0"], "--rotation is given beside a spec"),
    (["speedup", "SPEC.toml", "--runs", "64"], "--runs is given beside a spec"),
    (["speedup", "SPEC.toml", "--seed", "0"], "--seed is given beside a spec"),
    (["classroom", "--measure", "m.json.gz", "--open"], "--open is given beside --measure"),
    (["classroom", "--measure", "m.json.gz", "--out", "a.html"], "--out is given beside --measure"),
]


@pytest.mark.parametrize(("words", "said"), BESIDE)
def test_what_would_not_count_beside_another_option_is_refused(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("SPEC.toml").write_text(SPEC)
    code, out, err = adasam(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert [path.name for path in tmp_path.iterdir()] == ["SPEC.toml"]


EMPTY = [
    ["reproduce", "--out", ""], ["figures", "--out", ""], ["figures", "--results", ""],
    ["simulate", ""], ["simulate", "SPEC.toml", "--out", ""], ["speedup", ""],
    ["bench", "--out", ""], ["calibrate", "--out", ""], ["classroom", "--out", ""],
    ["classroom", "--measure", ""], ["falsify", "--variant", "tight", "--out", ""],
    ["check", ""], ["check", str(EXAMPLE), "--out", ""],
]  # fmt: skip


@pytest.mark.parametrize("words", EMPTY)
def test_an_empty_path_is_refused(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("SPEC.toml").write_text(SPEC)
    code, out, err = adasam(*words)
    assert (code, out) == (2, "")
    assert "the path is empty" in err
    assert [path.name for path in tmp_path.iterdir()] == ["SPEC.toml"]


@pytest.mark.parametrize("device", ["cuda:97", "abacus", ""])
@pytest.mark.parametrize(
    "words", [["reproduce", "--only", "units"], ["bench"], ["check", "missing.py"]]
)
def test_a_device_that_is_not_there_is_refused_though_nothing_would_run_on_it(
    words, device, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, out, err = adasam(*words, "--device", device)
    assert (code, out) == (2, "")
    assert f"device = {device!r} cannot be used" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [["reproduce", "--only", "units"], ["speedup"], ["calibrate"], ["check", str(EXAMPLE)],
     ["falsify", "--variant", "tight"]],
)  # fmt: skip
def test_a_negative_seed_is_refused_before_any_work(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = adasam(*words, "--seed", "-1")
    assert (code, out) == (2, "")
    assert err.strip() == "error: seed = -1 is negative: give a whole number from 0."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threads", [0, -1, 4294967295])
def test_a_number_of_threads_that_no_machine_has_is_refused(threads, tmp_path):
    code, _, err = adasam("check", str(EXAMPLE), "--threads", str(threads), "--out", str(tmp_path))
    assert code == 2
    assert f"threads = {threads}: give a whole number from 1 to " in err


def test_a_figure_asked_for_by_name_is_drawn_or_refused(tmp_path):
    (tmp_path / "claims.json").write_text('{"schema": 1, "claims": []}')
    for name, cure in (("engine_speed", "adasam bench"), ("falsifier_trail", "adasam falsify")):
        code, out, err = adasam("figures", "--results", str(tmp_path), "--only", name)
        assert (code, out) == (2, "")
        assert cure in err
    code, _, err = adasam("figures", "--results", str(tmp_path), "--only", "nothing")
    assert code == 2
    assert "no figure is called 'nothing'" in err


def test_classroom_opens_its_page_only_if_asked_and_measures_where_it_is_told(
    monkeypatch, tmp_path
):
    from verify.classroom import grid

    opened, kept = [], []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("verify.classroom.page.page", lambda: "<html>the page</html>")
    monkeypatch.setattr(grid, "measure", lambda report: "measured")
    monkeypatch.setattr(grid, "save", lambda *given: kept.append(given))
    out = tmp_path / "below" / "page.html"
    assert adasam("classroom", "--out", str(out))[:2] == (0, f"{out}\n")
    assert out.read_text() == "<html>the page</html>"
    assert opened == []
    assert adasam("classroom", "--out", str(out), "--open")[0] == 0
    assert opened == [out.as_uri()]
    measure = tmp_path / "m.json.gz"
    assert adasam("classroom", "--measure", str(measure))[:2] == (0, f"{measure}\n")
    assert kept == [("measured", measure)]
    monkeypatch.chdir(tmp_path)
    assert adasam("classroom")[1] == f"{Path('results/classroom.html')}\n"
