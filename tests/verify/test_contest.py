"""The comparison of methods: chosen on some runs, judged on others, drawn as it was found."""

import dataclasses

import numpy as np
import pytest

from figures.style import PAPER
from simulators import spec as specs
from verify import contest
from verify.claim import PRESETS
from verify.drawing import methods, methods_tables

N = 12
GRID = len(contest.GAMMA)


class Planted:
    """Runs of a spec whose left sides are ``law(cell, number of the run)`` after two steps."""

    def __init__(self, spec, law):
        cells = specs.cells(spec, spec.problem.make())
        left = [[law(cell, k) for k in range(N)] for cell in cells]
        final = np.array(left).ravel()
        self.step = np.tile([1, 2], (len(final), 1))
        self.mean_grad_norm2 = np.stack([np.full(len(final), 4.0), 4.0 * final], axis=1)
        self.objective = np.stack([np.full(len(final), 3.0), final], axis=1)

    def rows(self, number):
        return np.arange(N) + N * number


def planted(law):
    jobs = contest.study_specs(PRESETS["quick"], 0)
    return {
        name: (spec, Planted(spec, lambda cell, k, spec=spec: law(spec.run.method, cell, k)))
        for name, spec in jobs.items()
    }


def bowl(cell, best):
    return 1 + (np.log2(cell["gamma"]) - best) ** 2


def test_the_step_is_the_best_of_the_first_runs_and_judged_on_the_others():
    # The first four runs like 2^-9, all others 2^-6: who chose on those he is judged by took that.
    results = planted(lambda method, cell, k: bowl(cell, -9 if k < 4 else -6))
    found = contest.entries(results)
    assert len(found) == len(contest.TASKS) * 2 * (1 + 3 + 1 + 3)
    for entry in found:
        assert entry.gamma == 2.0**-9
        assert not entry.at_edge
        assert entry.tuned == 1
        assert entry.left.tolist() == [10.0] * 8
        assert entry.objective[:, 0].tolist() == [3.0] * 8
        assert entry.running.tolist() == [[1.0, 10.0]] * 8


def test_a_best_step_at_the_grids_end_is_said():
    results = planted(lambda method, cell, k: bowl(cell, 3))
    assert all(entry.at_edge for entry in contest.entries(results))


def test_rho_is_chosen_by_the_first_runs_too():
    def law(method, cell, k):
        return bowl(cell, -9) + (cell["rho"] if k < 4 else -cell["rho"])

    kept = contest.at_best_rho(contest.entries(planted(law)))
    assert len(kept) == len(contest.TASKS) * 2 * 4
    assert {entry.rho for entry in kept if entry.method == "sam"} == {0.001}


@pytest.fixture(scope="module")
def results():
    """Let AMSGrad be the best, AdaSAM as good on average but not always, SAM worse in every run."""

    def law(method, cell, k):
        base = {"sgd": 3.0, "sam": 1.01, "amsgrad": 1.0, "adasam": 1.0005}[method]
        wobble = 0.01 * (-1) ** k if method == "adasam" else 0.0
        return (base + wobble) * bowl(cell, -9) * (1 + 0.1 * (k % 3))

    return planted(law)


def test_the_leaders_are_the_least_and_what_pairs_do_not_tell_from_it(results):
    rivals = [e for e in contest.entries(results) if e.task == "cosine" and e.beta1 == 0]
    leads = dict(zip([(e.method, e.rho) for e in rivals], contest.leaders(rivals), strict=True))
    assert [key for key, leading in leads.items() if leading] == [
        ("amsgrad", 0.0), *[("adasam", rho) for rho in contest.RHO]
    ]  # fmt: skip


def test_the_tables_say_the_means_and_set_the_leaders_in_bold(results):
    files = methods_tables.tables(results, {}, PAPER)
    rows = [line for line in files["md"].decode().splitlines() if line.startswith("| SGD")]
    entry = next(e for e in contest.entries(results) if e.method == "sgd")
    reach = (entry.interval.high - entry.interval.low) / 2
    wanted = f"{100 * entry.left.mean():.0f} ± {100 * reach:.0f}"
    assert [row.split("|")[2].strip() for row in rows] == [wanted, wanted]
    text = files["md"].decode()
    assert text.count("**") == 2 * 2 * (4 * len(contest.TASKS) + 1)
    assert "not GLUE" in text
    assert files["tex"].decode().count(r"\boldmath") == text.count("**") // 2


def test_the_dots_and_the_curves_are_the_entries(results):
    figure = methods.table(results, {}, PAPER)
    entries = [e for e in contest.entries(results) if e.task == "finite_sum"]
    at = [np.asarray(c[0].get_xdata()) for c in figure.axes[0].containers]
    shown = sorted(float(x[0]) for x in at if len(x))
    assert shown == pytest.approx(sorted(100 * e.left.mean() for e in entries))
    figure = methods.with_momentum(results, {}, PAPER)
    for line in figure.axes[0].lines:
        assert np.asarray(line.get_ydata())[0] == 3.0


def test_the_first_step_below_a_level_lies_between_checkpoints_in_log_t():
    t = np.array([1, 4, 16])
    objective = np.array([[8.0, 4.0, 2.0], [8.0, 6.0, 5.0], [1.0, 0.0, 0.0]])
    found = methods._first_below(objective, t, 3.0)
    assert found == pytest.approx([8.0, 16.0, 1.0])


def test_every_task_is_certified_and_the_grid_is_the_same_for_all():
    jobs = contest.study_specs(PRESETS["quick"], 0)
    assert {tuple(spec.run.gamma) for spec in jobs.values()} == {contest.GAMMA}
    assert all(spec.run.common_noise for spec in jobs.values())
    for _, problem in contest.TASKS.values():
        assert dataclasses.astuple(problem.make().certificate.constants)[0] > 0
