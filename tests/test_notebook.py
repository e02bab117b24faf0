"""The marimo notebook runs, and shows what its settings give."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from simulators import spec as specs
from theory import CORRECTED
from verify.evidence.measured import MARGIN, TARGET
from verify.evidence.statistics import log_slope

pytest.importorskip("marimo", reason="marimo comes with the extra `classroom`")
NOTEBOOK = Path(__file__).parents[1] / "examples" / "classroom.py"


@pytest.fixture(scope="module")
def notebook():
    found = importlib.util.spec_from_file_location("classroom_notebook", NOTEBOOK)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.app.run()


def test_its_table_has_the_runs_means_and_the_bounds_terms(notebook):
    _, found = notebook
    spec, runs, rows = found["spec"], found["runs"], found["rows"]
    problem = spec.problem.make()
    cells = specs.cells(spec, problem)
    assert [row["b"] for row in rows] == [cell["b"] for cell in cells]
    for number, (row, cell) in enumerate(zip(rows, cells, strict=True)):
        terms = CORRECTED.evaluate(problem.certificate.constants, specs.hyperparameters(cell))
        assert row["measured"] == runs.lhs(number).mean()
        assert row["bound"] == pytest.approx(sum(map(float, terms.values())), rel=1e-12)
        assert row["largest term"] == max(terms, key=lambda name: float(terms[name]))


def test_the_slope_it_says_is_that_of_its_runs_and_near_the_promise(notebook):
    outputs, found = notebook
    spec, runs, slope = found["spec"], found["runs"], found["slope"]
    fit = log_slope(spec.run.b, [runs.lhs(number) for number in range(3)], 0.95)
    assert (slope["slope"], slope["low"], slope["high"]) == (fit.slope, fit.low, fit.high)
    # The claim's own target and margin, corollary1.rate_b.
    assert TARGET - MARGIN <= fit.low < fit.high <= TARGET + MARGIN
    said = f"{fit.slope:.3f} [{fit.low:.3f}, {fit.high:.3f}]".replace("-", "−")
    texts = [output.text for output in outputs if output is not None]
    assert any(said in text for text in texts if isinstance(text, str))


def test_its_remarks_say_where_the_bound_says_nothing(notebook):
    _, found = notebook
    vacuous = [row["b"] for row in found["rows"] if row["bound"] >= row["d G²"]]
    said = [f"b = {b}: the bound is above d G² and says nothing." for b in vacuous]
    assert [line for line in found["remarks"] if "says nothing" in line] == said
    assert {row["d G²"] for row in found["rows"]} == {4.0}


def test_its_figure_shows_the_running_means_of_its_runs_beside_the_bounds(notebook):
    outputs, found = notebook
    (figure,) = (output for output in outputs if type(output).__name__ == "Figure")
    runs, spec = found["runs"], found["spec"]
    problem = spec.problem.make()
    cells = {cell["b"]: (k, cell) for k, cell in enumerate(specs.cells(spec, problem))}
    shown = []
    for axes in figure.axes:
        b = float(axes.get_title().split("=")[1].strip(" $"))
        number, cell = cells[b]
        lines = {line.get_label(): line for line in axes.get_lines()}
        steps, first = np.unique(runs.step[0], return_index=True)
        mean = runs.mean_grad_norm2[runs.rows(number)].mean(0)[first]
        hyper = specs.hyperparameters(cell | {"T": steps})
        bound = CORRECTED.total(problem.certificate.constants, hyper)
        for label, expected in (("measured, 95 % band", mean), ("corrected", bound)):
            assert lines[label].get_xdata() == pytest.approx(steps)
            assert lines[label].get_ydata() == pytest.approx(expected)
        shown.append(b)
    assert shown == [1.0, 16.0]
