"""The comparison of methods: chosen on some runs, judged on others, drawn as it was found."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from figures import methods as methods_figure
from figures.style import COLOURS, PAPER
from simulators import spec as specs
from verify import drawing
from verify.drawing import methods
from verify.studies import contest
from verify.studies.study import PRESETS

N = 12
GRID = len(contest.GAMMA)


class Planted:
    """Runs of a spec whose left sides are ``law(cell, number of the run)`` after four steps; half
    way there the objective and the running mean are others still.
    """

    def __init__(self, spec, law):
        cells = specs.cells(spec, spec.problem.make())
        left = [[law(cell, k) for k in range(N)] for cell in cells]
        final = np.array(left).ravel()
        self.step = np.tile([1, 2, 4], (len(final), 1))
        self.mean_grad_norm2 = 4 * np.stack([np.ones(len(final)), final**0.5, final], axis=1)
        self.objective = np.stack([np.full(len(final), 3.0), 2 + final, 1 + final / 3], axis=1)

    def rows(self, number):
        return np.arange(N) + N * number


@pytest.fixture(scope="module")
def cells():
    """Return the specs of all jobs, made once."""
    return contest.study_specs(PRESETS["quick"], 0)


def planted(jobs, law):
    return {
        name: (spec, Planted(spec, lambda cell, k, name=name: law(name, cell, k)))
        for name, spec in jobs.items()
    }


def draw(name, results) -> Any:
    """Draw a figure of runs."""
    return drawing.FIGURES[name].draw(results, {}, PAPER)


def bowl(cell, best):
    return 1 + (np.log2(cell["gamma"]) - best) ** 2


def test_the_step_is_the_best_of_the_first_runs_and_judged_on_the_others(cells):
    # The first four runs like 2^-9, all others 2^-6: who chose on those he is judged by took that.
    results = planted(cells, lambda name, cell, k: bowl(cell, -9 if k < 4 else -6))
    found = contest.entries(results)
    assert len(found) == len(contest.TASKS) * 2 * (1 + 3 + 1 + 3)
    for entry in found:
        assert entry.gamma == 2.0**-9
        assert not entry.at_edge
        assert entry.tuned == 1
        assert entry.left.tolist() == [10.0] * 8
        assert entry.t.tolist() == [1, 2, 4]
        assert entry.objective.tolist() == [[3.0, 12.0, 1 + 10 / 3]] * 8
        assert entry.running.tolist() == [[1.0, 10**0.5, 10.0]] * 8


@pytest.mark.parametrize("best", [3, -20])
def test_a_best_step_at_the_grids_end_is_said(cells, best):
    results = planted(cells, lambda name, cell, k: bowl(cell, best))
    assert all(entry.at_edge for entry in contest.entries(results))


def test_rho_is_chosen_by_the_first_runs_too(cells):
    def law(name, cell, k):
        return bowl(cell, -9) + (cell["rho"] if k < 4 else -cell["rho"])

    kept = contest.at_best_rho(contest.entries(planted(cells, law)))
    assert len(kept) == len(contest.TASKS) * 2 * 4
    assert {entry.rho for entry in kept if entry.method == "sam"} == {0.001}


METHOD = {"sgd": 3.0, "sam": 1.01, "amsgrad": 1.0, "adasam": 1.0005}


def left_side(task, method, beta1, rho, k):
    """Let AMSGrad be the best, AdaSAM as good on average but not always, SAM worse in every run,
    and no two tasks, momenta or rho leave the same.
    """
    wobble = 0.01 * (-1) ** k if method == "adasam" else 0.0
    shift = 1 + 0.1 * list(contest.TASKS).index(task) + beta1 / 4
    return (METHOD[method] + wobble + rho / 1000) * shift * (1 + 0.1 * (k % 3)) / 10


@pytest.fixture(scope="module")
def results(cells):
    """Return results of that law at the step 2^-9; others are worse."""

    def law(name, cell, k):
        task, method = name.rsplit("-", 1)
        return left_side(task, method, cell["beta1"], cell["rho"], k) * bowl(cell, -9)

    return planted(cells, law)


@pytest.fixture(scope="module")
def found(results):
    """Return the entries."""
    return contest.entries(results)


def judged(task, method, beta1, rho):
    """Return the left sides of the runs that a method is judged by."""
    return np.array([left_side(task, method, beta1, rho, k) for k in range(4, N)])


def interval(values):
    """Return a mean and the ends of its 95 % interval."""
    reach = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return values.mean(0), values.mean(0) - reach, values.mean(0) + reach


def test_every_entry_is_its_own_task_methods_and_momentums(found):
    for entry in found:
        wanted = judged(entry.task, entry.method, entry.beta1, entry.rho)
        np.testing.assert_allclose(entry.left, wanted)
        assert dataclasses.astuple(entry.interval)[:3] == pytest.approx(interval(wanted))


def test_the_leaders_are_the_least_and_what_pairs_do_not_tell_from_it(found):
    rivals = [e for e in found if e.task == "cosine" and e.beta1 == 0]
    leads = dict(zip([(e.method, e.rho) for e in rivals], contest.leaders(rivals), strict=True))
    assert [key for key, leading in leads.items() if leading] == [
        ("amsgrad", 0.0), *[("adasam", rho) for rho in contest.RHO]
    ]  # fmt: skip


ROWS = [
    ("SGD", "sgd", 0.0),
    *[(f"SAM (rho = {rho:g})", "sam", rho) for rho in contest.RHO],
    ("AMSGrad", "amsgrad", 0.0),
    *[(f"AdaSAM (rho = {rho:g})", "adasam", rho) for rho in contest.RHO],
]


def is_mean(text, task, method, beta1, rho):
    """Whether a table's cell says a mean in per cent and half its interval, rounded."""
    mean, low, high = interval(judged(task, method, beta1, rho))
    shown, reach = text.split(" ± ")
    digits = len(reach.partition(".")[2])
    assert float(shown) == pytest.approx(100 * mean, abs=0.51 * 10**-digits)
    assert float(reach) == pytest.approx(50 * (high - low), abs=0.51 * 10**-digits)
    assert float(reach) >= 10**-digits


def is_leader(method):
    return method in ("amsgrad", "adasam")


@pytest.fixture(scope="module")
def tables(results):
    """Return both tables as written."""
    files = draw("methods_tables", results)
    return {suffix: content.decode() for suffix, content in files.items()}


def test_the_markdown_says_every_mean_in_its_own_row_and_column_leaders_in_bold(tables):
    assert "not GLUE" in tables["md"]
    lines = [line for line in tables["md"].splitlines() if line.startswith("| ")]
    titles = [title for title, _ in contest.TASKS.values()]
    for beta1, part in ((0.9, lines[:9]), (0.0, lines[9:])):
        head, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in part)
        assert head == [f"beta1 = {beta1:g}", *titles, "geometric mean"]
        for (name, method, rho), (label, *values, mean) in zip(ROWS, rows, strict=True):
            assert label == name
            for task, text in zip(contest.TASKS, values, strict=True):
                assert text.startswith("**") == is_leader(method)
                is_mean(text.strip("*"), task, method, beta1, rho)
            each = [judged(task, method, beta1, rho).mean() for task in contest.TASKS]
            wanted = 100 * stats.gmean(each)
            assert float(mean.strip("*")) == pytest.approx(wanted, rel=5e-3)
            assert mean.startswith("**") == (method == "amsgrad")


def test_the_latex_says_what_the_markdown_says(tables):
    plain = tables["tex"].replace(r"$\rho =$", "rho =").replace(r"$\beta_1 = ", "beta1 = ")
    plain = re.sub(r"\\boldmath \$(.*?)\$", r"**\1**", plain).replace("$", "")
    plain = plain.replace(r"\pm", "±").replace(r" \\", "")
    body = [line for line in plain.splitlines() if "&" in line]
    wanted = [line for line in tables["md"].splitlines() if line.startswith("| ")]
    assert [[cell.strip() for cell in line.split("&")] for line in body] == [
        [cell.strip() for cell in line.strip("|").split("|")] for line in wanted
    ]


def test_the_dots_are_the_entries_and_the_rings_the_leaders(results):
    axes = draw("methods_table", results).axes
    labels = [label.get_text() for label in axes[0].get_yticklabels()]
    assert labels == [
        name.replace(" (rho = ", r", $\rho=").replace(")", "$") for name, _, _ in ROWS
    ]
    fills = {0.9: "full", 0.0: "none"}
    for one, (task, (title, _)) in zip(axes, contest.TASKS.items(), strict=True):
        assert one.get_title() == title
        shown = {}
        for container in one.containers:
            line, _, (bar,) = container.lines
            if len(line.get_xdata()):
                ((x, y),) = line.get_xydata()
                (segment,) = bar.get_segments()
                shown[y, line.get_fillstyle()] = [x, *np.asarray(segment)[:, 0]]
        rings = {tuple(line.get_xydata()[0]) for line in one.lines
                 if line.get_markersize() == 8 and len(line.get_xdata())}  # fmt: skip
        for place, (_, method, rho) in enumerate(ROWS):
            for beta1, fill in fills.items():
                wanted = [100 * value for value in interval(judged(task, method, beta1, rho))]
                assert shown[place, fill] == pytest.approx(wanted)
                ringed = any(ring == (shown[place, fill][0], place) for ring in rings)
                assert ringed == is_leader(method)


@pytest.mark.parametrize(("name", "beta1"), [("methods", 0.9), ("methods_no_momentum", 0.0)])
def test_the_curves_are_the_entries_at_their_best_rho(results, read, name, beta1):
    axes = draw(name, results).axes
    for above, below, task in zip(axes[:4], axes[4:], methods.SHOWN, strict=True):
        assert above.get_title() == contest.TASKS[task][0]
        for method, (label, colour, *_) in methods_figure.LOOKS.items():
            rho = 0.001 if method in contest.PERTURBED else 0.0
            left = judged(task, method, beta1, rho)
            for one, values in (
                (above, np.stack([3 + 0 * left, 2 + left, 1 + left / 3], axis=1)),
                (below, np.stack([1 + 0 * left, left**0.5, left], axis=1)),
            ):
                mean, low, high = interval(values)
                assert read.lines(one)[label] == ([1, 2, 4], pytest.approx(mean.tolist()))
                t, bottom, top = read.bands(one)[colour]
                assert t == [1, 2, 4]
                assert bottom == pytest.approx(low.tolist())
                assert top == pytest.approx(high.tolist())


def test_the_first_step_below_a_level_lies_between_checkpoints_in_log_t():
    t = np.array([1, 4, 16])
    objective = np.array([[8.0, 4.0, 2.0], [8.0, 6.0, 5.0], [1.0, 0.0, 0.0]])
    found = methods._first_below(objective, t, 3.0)
    assert found == pytest.approx([8.0, 16.0, 1.0])


class Falling:
    """Runs whose objective falls from f(x_0) by 1 - t^(-b/16), to one height at each b."""

    def __init__(self, spec):
        problem = spec.problem.make()
        cells = specs.cells(spec, problem)
        start = float(problem.objective(problem.x0[None, :], np)[0])
        t = np.array([1, 4, 16, 64, 256])
        kicks = 1 + 0.01 * np.arange(N)
        self.step = np.tile(t, (N * len(cells), 1))
        self.objective = np.concatenate(
            [start - start * np.outer(kicks, 1 - t ** (-cell["b"] / 16)) for cell in cells]
        )

    def rows(self, number):
        return np.arange(N) + N * number


def test_the_batch_sizes_and_their_steps_to_the_level_are_the_runs(read):
    results = {
        name: (spec, Falling(spec))
        for name, spec in methods.batch_specs(PRESETS["quick"], 0).items()
    }
    axes = draw("batch_sizes", results).axes
    for above, below, (name, (spec, runs)) in zip(axes[:3], axes[3:], results.items(), strict=True):
        assert above.get_title() == contest.TASKS[name][0]
        problem = spec.problem.make()
        start = float(problem.objective(problem.x0[None, :], np)[0])
        lines, bands = read.lines(above), read.bands(above)
        level = start - 0.8 * (start - runs.objective[runs.rows(3), -1].mean())
        assert lines["the level"][1] == pytest.approx([level] * 2)
        points = read.points(below, by="colour")
        for number, (b, colour) in enumerate(
            zip((4, 8, 16, 32), ("orange", "green", "blue", "vermilion"), strict=True)
        ):
            values = runs.objective[runs.rows(number)]
            mean, low, high = interval(values)
            t = [1, 4, 16, 64, 256]
            assert lines[f"$b={b}$"] == (t, pytest.approx(mean.tolist()))
            _, bottom, top = bands[COLOURS[colour]]
            assert bottom == pytest.approx(low.tolist())
            assert top == pytest.approx(high.tolist())
            # A line in log t between the checkpoints on either side of the level.
            passed = []
            for run in values:
                k = int(np.flatnonzero(run <= level)[0]) if (run <= level).any() else None
                if k is None:
                    passed.append(256.0)
                else:
                    passed.append(
                        2 ** np.interp(-level, -run[k - 1 : k + 1], np.log2(t[k - 1 : k + 1]))
                    )
            found = points[COLOURS[colour]]
            assert found["x"] == [b]
            middle, least, most = interval(np.array(passed))
            assert found["y"] == pytest.approx([middle])
            assert found["low"] == pytest.approx([least])
            assert found["high"] == pytest.approx([most])


def test_the_batch_sizes_follow_corollary_1s_schedules():
    for spec in methods.batch_specs(PRESETS["quick"], 0).values():
        cells = specs.cells(spec, spec.problem.make())
        assert [cell["b"] for cell in cells] == [4, 8, 16, 32]
        for cell in cells:
            assert cell["gamma"] == pytest.approx(2**-11 * (cell["b"] / 4) ** 0.5)
            assert cell["rho"] == pytest.approx(0.01 / (cell["b"] / 4) ** 0.5)


def test_every_task_is_certified_and_the_grid_is_the_same_for_all(cells):
    assert {tuple(spec.run.gamma) for spec in cells.values()} == {contest.GAMMA}
    assert all(spec.run.common_noise for spec in cells.values())
    for _, problem in contest.TASKS.values():
        constants = problem.make().certificate.constants
        assert all(float(np.min(value)) > 0 for value in dataclasses.astuple(constants))
