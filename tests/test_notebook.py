"""The marimo notebook runs, and shows what its settings give."""

import importlib.util
from pathlib import Path

import pytest

from simulators import spec as specs
from theory import CORRECTED

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


def test_at_its_first_setting_the_speed_up_is_to_be_seen(notebook):
    _, found = notebook
    # The claim's own margin, corollary1.rate_b.
    assert found["slope"]["low"] <= -0.45
    assert found["slope"]["high"] >= -0.55


def test_it_shows_a_figure_and_a_table(notebook):
    outputs, _ = notebook
    assert any(type(output).__name__ == "Figure" for output in outputs)
