"""The terminal's tables: every number under its heading, with its sign, unit and digits."""

from types import SimpleNamespace

import numpy as np
import pytest
from rich.table import Table
from rich.text import Text

from simulators import FiniteSum, SeparableProblem
from theory.setting import Constants, Hyperparameters
from theory.theorem1 import VARIANTS
from verify.answers.evaluation import certified, evaluate
from verify.commands import tables
from verify.pages.terminal import ENDS, SHOWN


def words(table: Table) -> list[dict[str, str]]:
    """Read a table back: each row's cells by their headings."""
    headings = [str(column.header) for column in table.columns]
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return [dict(zip(headings, row, strict=True)) for row in zip(*columns, strict=True)]


def column(table: Table, heading: str) -> list[str]:
    return [row[heading] for row in words(table)]


def pairs(table: Table) -> dict[str, str]:
    """Read a table of two columns back."""
    found = {}
    for row in words(table):
        left, right = row.values()
        found[left] = right
    return found


CONSTANTS = Constants(L=1.5, sigma=0.7, G=2, d=10, Delta=3)
HYPER = Hyperparameters(gamma=0.02, rho=0.3, beta1=0.8, beta2=0.99, eps=0.5, b=16, T=3000)


@pytest.fixture(scope="module")
def values():
    return [evaluate(bound, CONSTANTS, HYPER) for bound in VARIANTS.values()]


def test_the_bounds_stand_under_their_variants_term_by_term(values):
    rows = {row["term"]: row for row in words(tables.bounds(values))}
    for bound, item in zip(VARIANTS.values(), values, strict=True):
        terms = bound.evaluate(CONSTANTS, HYPER)
        for name, row in rows.items():
            if name in terms:
                assert float(row[bound.name]) == pytest.approx(float(terms[name]), rel=1e-5), name
            elif name in {n for other in VARIANTS.values() for n in other.terms}:
                assert row[bound.name] == "–"
        total = float(bound.total(CONSTANTS, HYPER))
        shown = rows["total"][bound.name]
        assert shown == "–" if np.isnan(total) else float(shown) == pytest.approx(total, rel=1e-5)
        phi = sum(float(value) for name, value in terms.items() if name not in bound.leading)
        shown = float(rows["Phi (all but the first two)"][bound.name])
        assert shown == pytest.approx(phi, rel=1e-5)
        assert float(rows["trivial bound d G^2"][bound.name]) == 10 * 2**2
        largest = max(terms, key=lambda name: float(terms[name]))
        assert rows["largest term"][bound.name] == largest == item["dominant"]
        applies = all(check.holds for check in bound.preconditions(CONSTANTS, HYPER))
        assert rows["applies"][bound.name] == ("yes" if applies else "no")
        vacuous = "yes" if total >= 40 else "no"
        assert rows["vacuous (total >= d G^2)"][bound.name] == vacuous
    assert len(rows) == len({n for b in VARIANTS.values() for n in b.terms}) + 6


def test_a_bound_that_exceeds_d_G2_is_called_vacuous_and_one_below_is_not():
    small = Hyperparameters(gamma=1e-3, rho=0, beta1=0, beta2=0, eps=2, b=64, T=10**7)
    said = [
        tables.bounds([evaluate(VARIANTS["corrected"], CONSTANTS, hyper)])
        for hyper in (HYPER, small)
    ]
    rows = [{row["term"]: row["corrected"] for row in words(table)} for table in said]
    assert [row["vacuous (total >= d G^2)"] for row in rows] == ["yes", "no"]
    assert float(rows[0]["total"]) > 40 > float(rows[1]["total"])


def test_a_precondition_shows_its_two_sides_and_the_share_of_the_limit_that_is_left(values):
    rows = words(tables.preconditions(values))
    step = next(
        r for r in rows if (r["variant"], r["condition"]) == ("printed", "gamma <= eps/(16 L)")
    )
    limit = 0.5 / (16 * 1.5)
    assert float(step["value"]) == 0.02
    assert float(step["limit"]) == pytest.approx(limit, rel=1e-5)
    assert step["margin"] == f"{100 * (1 - 0.02 / limit):+.1f}%" == "+4.0%"
    assert step["holds"] == "yes"
    height = next(r for r in rows if r["condition"] == "eps <= G")
    assert (height["value"], height["limit"], height["margin"]) == ("0.5", "2", "+75.0%")
    over = evaluate(VARIANTS["corrected"], CONSTANTS, Hyperparameters(
        gamma=0.05, rho=0.3, beta1=0.8, beta2=0.99, eps=0.5, b=16, T=3000
    ))  # fmt: skip
    (row,) = words(tables.preconditions([over]))
    assert (row["margin"], row["holds"]) == (f"{100 * (1 - 0.05 / limit):+.1f}%", "no")
    assert row["margin"].startswith("-")


THRESHOLDS = {
    "variant": "corrected", "c_gamma": 0.2, "c_rho": 0.3, "b": 8, "N": None, "K": 5.5,
    "K_formula": "the sum", "T": 70.25,
    "terms": [
        {"name": "momentum", "rate": "b^(1) T^(-1)", "T_formula": "b^3", "T": 70.25},
        {"name": "step", "rate": "gamma <= 1", "T_formula": "b", "T": 16.5},
    ],
}  # fmt: skip


def test_the_thresholds_stand_beside_their_terms():
    shown = tables.thresholds(THRESHOLDS)
    assert [list(row.values()) for row in words(shown)] == [
        ["momentum", "b^(1) T^(-1)", "b^3", "70.25"],
        ["step", "gamma <= 1", "b", "16.5"],
        ["all", "", "", "70.25"],
    ]
    headings = ["term", "rate", "below K/sqrt(bT) from T =", "at b = 8"]
    assert list(words(shown)[0]) == headings
    for said in ("corrected,", "K = the sum = 5.5,", "c_gamma = 0.2, c_rho = 0.3;"):
        assert said in str(shown.title)


def test_a_budget_adds_the_largest_b_of_each_term_and_of_all():
    limits = ({"b_formula": "N", "largest_b": 42.5}, {"b_formula": "any", "largest_b": None})
    terms = [term | limit for term, limit in zip(THRESHOLDS["terms"], limits, strict=True)]
    budget = {"N": 1000, "terms": terms, "largest_useful_b": 42}
    rows = words(tables.thresholds(THRESHOLDS | budget))
    assert [(row["up to b ="], row["at bT = 1000"]) for row in rows] == [
        ("N", "42.5"), ("any", "any"), ("", "42")
    ]  # fmt: skip
    assert [row["at b = 8"] for row in rows] == ["70.25", "16.5", "70.25"]


CELL = {
    "gamma": 0.011, "rho": 0.022, "beta1": 0.33, "beta2": 0.44, "eps": 0.55, "b": 66.0, "T": 77.0,
    "workers": 1, "v_init": 0.0, "n": 88, "diverged": 0, "lhs": 0.99, "low": 0.91, "high": 1.07,
    "corrected": 12.5, "trivial": 13.5, "vacuous": False, "applies": True, "adaptive_share": 0.25,
}  # fmt: skip


def test_a_cell_has_its_setting_its_interval_and_its_bound_under_their_headings():
    (row,) = words(tables.cells([CELL]))
    assert row == {
        "gamma": "0.011", "rho": "0.022", "beta1": "0.33", "beta2": "0.44", "eps": "0.55",
        "b": "66", "T": "77", "runs": "88", "measured": "0.99", "95 % interval": "[0.91, 1.07]",
        "corrected bound": "12.5", "d G^2": "13.5", "applies": "yes", "vacuous": "no",
    }  # fmt: skip
    assert "F^2/X^2" in str(tables.cells([CELL]).title)


def test_a_cell_says_what_its_bound_is_not_worth_and_what_is_missing():
    changes = {"applies": False, "vacuous": True, "corrected": 1.6e65, "diverged": 3, "lhs": None,
               "low": None, "high": None}  # fmt: skip
    (row,) = words(tables.cells([CELL | changes], ["c_rho", "beta2"]))
    assert (row["rho"], row["beta2"], row["beta1"]) == ("–", "–", "0.33")
    assert (row["measured"], row["95 % interval"]) == ("3 diverged", "–")
    assert (row["corrected bound"], row["applies"], row["vacuous"]) == ("1.6e+65", "no", "yes")


def test_workers_and_v_init_are_shown_where_they_are_set():
    rows = words(tables.cells([CELL, CELL | {"workers": 4, "v_init": 0.2}]))
    assert [row["workers"] for row in rows] == ["1", "4"]
    assert [row["v_init"] for row in rows] == ["0", "0.2"]


@pytest.mark.parametrize(("count", "out"), [(SHOWN, 0), (SHOWN + 1, 31), (100_000, 99_980)])
def test_of_many_cells_the_first_and_last_are_shown_and_how_many_are_left_out(count, out):
    table = tables.cells([CELL | {"T": float(number)} for number in range(count)])
    times = column(table, "T")
    if not out:
        assert times == [f"{number}" for number in range(count)]
        assert table.caption is None
        return
    ends = [*range(ENDS), *range(count - ENDS, count)]
    assert times[:ENDS] + times[ENDS + 1 :] == [f"{number:.6g}" for number in ends]
    assert len(times) == 2 * ENDS + 1
    assert str(table.caption) == f"{out} of {count} rows left out: --json has all"


SLOPE = {
    "along": "b", "at": "T = 64", "slope": -0.51239, "low": -0.61239, "high": -0.41239,
    "local": [[-0.7123, -0.8, -0.6], [0.3126, 0.2, 0.4]], "adaptive_share": 0.1236,
}  # fmt: skip


def test_a_slope_has_its_sign_its_interval_and_its_local_slopes():
    (row,) = words(tables.slopes([SLOPE]))
    assert row == {
        "along": "b", "at": "T = 64", "slope": "-0.5124", "95 % interval": "[-0.6124, -0.4124]",
        "local slopes": "-0.712, 0.313", "share v_hat > eps^2": "0.124",
    }  # fmt: skip
    assert tables.slopes([SLOPE]).caption is None


def test_many_slopes_say_what_is_left_out_and_what_is_to_be_known_of_them():
    many = tables.slopes([SLOPE] * 99 + [SLOPE | {"note": "too narrow"}])
    assert len(words(many)) == 2 * ENDS + 1
    assert str(many.caption).splitlines() == [
        "80 of 100 rows left out: --json has all",
        "too narrow",
    ]


def test_a_certificate_has_each_constant_and_the_room_that_the_others_leave():
    problem = SeparableProblem(
        "two_basin", "shift", L=3, sigma=0.5, G=2, d=5, start=0.4, condition=7, rotation=3
    )
    certificate = problem.certificate
    constants, limits = tables.certificate(certified(problem))
    rows = {row["constant"]: row for row in words(constants)}
    for name in ("L", "sigma", "G", "G_f", "f_star", "Delta"):
        entry = getattr(certificate, name)
        assert float(rows[name]["value"]) == pytest.approx(entry.value, rel=1e-5, abs=1e-12), name
        assert rows[name]["standing"] == entry.standing
    assert "two_basin" in str(constants.title)
    assert "(non-convex), shift noise, d = 5, condition 7, rotation 3" in str(constants.title)
    assert column(limits, "constant") == ["sigma", "G"]  # a rotation leaves d no single limit


@pytest.mark.parametrize(("noise", "signs"), [("shift", ("<=", ">=")), ("additive", ("<", ">"))])
def test_the_room_says_how_far_each_constant_goes_and_whether_it_gets_there(noise, signs):
    problem = SeparableProblem("two_basin", noise, L=3, sigma=0.5, G=2, d=5, start=0.4)
    room = {row["constant"]: row for row in words(tables.certificate(certified(problem))[1])}
    heading = "allowed range, other constants fixed"
    for name, value, limit, sign in (
        ("sigma", 0.5, problem.largest_sigma[0], signs[0]),
        ("G", 2, problem.smallest_G[0], signs[1]),
        ("d", 5, problem.smallest_d, ">="),
    ):  # fmt: skip
        relation, number = room[name][heading].split()
        assert relation == sign
        assert float(number) == pytest.approx(limit, rel=1e-5)
        assert float(room[name]["value"]) == value


def test_a_finite_sums_certificate_says_where_each_constant_comes_from():
    problem = FiniteSum.synthetic(30, 2, alpha=0.1, seed=4, start=0.5)
    (table,) = tables.certificate(certified(problem))[:1]
    for row in words(table):
        entry = getattr(problem.certificate, row["constant"])
        assert float(row["value"]) == pytest.approx(entry.value, rel=1e-5)
        assert (row["standing"], row["method"]) == (entry.standing, entry.method)


def judged(verdict: str, expected: str) -> SimpleNamespace:
    claim = SimpleNamespace(id=f"claim.{verdict}", expected=expected)
    return SimpleNamespace(
        claim=claim, verdict=verdict, as_expected=verdict == expected, meaning=f"means {verdict}",
        summary="ratio [0.5, 0.6]",
    )  # fmt: skip


def test_a_verdict_that_is_not_expected_says_what_was_and_each_has_its_colour():
    table = tables.verdicts(
        [judged("holds", "holds"), judged("refuted", "holds"), judged("inconclusive", "refuted")]
    )
    assert words(table)[0] == {
        "claim": "claim.holds", "verdict": "holds", "which says": "means holds",
        "evidence": "ratio [0.5, 0.6]",
    }  # fmt: skip
    assert column(table, "verdict")[1:] == [
        "refuted (expected: holds)", "inconclusive (expected: refuted)"
    ]  # fmt: skip
    styles = [cell.style for cell in table.columns[1].cells if isinstance(cell, Text)]
    assert styles == ["green", "red", "yellow"]


def test_the_claims_stand_with_their_sources():
    claim = SimpleNamespace(id="a", source="b", statement="c", method="d", expected="e")
    (row,) = words(tables.claims([claim]))
    assert list(row.items()) == [
        ("claim", "a"), ("source", "b"), ("statement", "c"), ("method", "d"), ("expected", "e"),
    ]  # fmt: skip


FALSIFIED = {
    "variant": "printed", "ratio": 2.5, "ratio_low": 2.25, "ratio_high": 2.75, "verdict": "refuted",
    "dominant": "momentum", "evaluations": 123, "first_false": 45, "stopped": "out of time",
    "searched": {"anywhere": 1.5, "at the minimiser": 0.75}, "edges": ["eps", "T"], "trivial": 8.5,
    "vacuous": False, "applies": True, "Delta": 0.125,
    "instance": {"n": 1024, "rhs": 0.0625, "spec": {
        "problem": {"profile": "huber", "L": 2.0}, "run": {"gamma": 0.0123456789, "T": 64.0}}},
}  # fmt: skip


def test_what_a_search_found_has_every_number_beside_its_name():
    found, instance = tables.falsified(FALSIFIED)
    assert pairs(found) == {
        "measured/bound": "2.5",
        "its interval": "[2.25, 2.75], 1024 fresh runs",
        "the bound, on this instance": "refuted",
        "bound": "0.0625, largest term momentum",
        "d G^2": "8.5",
        "the bound's conditions": "hold",
        "instances tried": "123",
        "first instance with ratio > 1": "number 45",
        "best of runs that start": "anywhere 1.5, at the minimiser 0.75",
        "axes at a limit of the box": "eps, T",
        "stopped early": "out of time: another run may find another",
    }
    assert "printed" in str(found.title)
    assert pairs(instance) == {
        "profile": "huber", "L": "2", "Delta": "0.125", "gamma": "0.0123457", "T": "64"
    }  # fmt: skip


def test_a_search_that_found_nothing_false_says_so():
    changes = {"first_false": None, "edges": [], "stopped": None, "vacuous": True, "applies": False}
    shown = pairs(tables.falsified(FALSIFIED | changes)[0])
    assert shown["first instance with ratio > 1"] == "none"
    assert shown["axes at a limit of the box"] == "nothing"
    assert shown["d G^2"] == "8.5: the bound is no less and says nothing"
    assert shown["the bound's conditions"] == "do not hold"
    assert "stopped early" not in shown


BENCH = {
    "rows": [
        {"case": "by_d", "engine": "numba", "d": 10, "b": 16, "T": 2048, "R": 512, "threads": 2,
         "dtype": "float32", "rate": 2.5e6, "low": 2e6, "high": 3e6},
        {"case": "ragged", "ragged": True, "engine": "torch", "d": 1, "b": 2, "T": 3, "R": 4,
         "threads": 5, "dtype": "float64", "rate": 7e6, "low": 6e6, "high": 8e6},
        {"case": "eta", "eta": "frozen", "engine": "jax", "d": 1, "b": 2, "T": 3, "R": 4,
         "threads": 5, "dtype": "float64", "rate": 7e6, "low": 6e6, "high": 8e6},
    ],
    "ratios": [{"name": "numba/torch", "value": 12.3456, "meaning": "times as fast"}],
    "compile": {"cold": {"kernels": 3, "functions": 11, "compile_seconds": 1.234,
                         "import_seconds": 5.678, "first_seconds": 9.101}},
    "memory": [{"engine": "numba", "d": 10, "R": 20, "T": 30, "peak_bytes": 2.5e8,
                "added_bytes": 1.26e7}],
    "machine": {"cpu": "Zen", "gpu": None}, "versions": {"numpy": "2.0"},
}  # fmt: skip


def test_a_benchmark_shows_rates_in_millions_and_memory_in_megabytes():
    rates, ratios, compiled, weighed, machine = tables.benchmark(BENCH)
    assert words(rates)[0] == {
        "varied": "by d", "engine": "numba", "d": "10", "b": "16", "T": "2048", "R": "512",
        "threads": "2", "dtype": "float32", "rate": "2.5", "from": "2", "to": "3",
    }  # fmt: skip
    assert column(rates, "varied")[1:] == ["ragged T", "eta frozen"]
    assert "millions of coordinate-steps" in str(rates.title)
    assert words(ratios) == [
        {"ratio": "numba/torch", "value": "12.35", "which is": "times as fast"}
    ]
    assert words(compiled) == [{
        "cache": "cold", "kernels": "3", "functions": "11", "compiling, s": "1.23",
        "imports, s": "5.68", "first small simulation, s": "9.10",
    }]  # fmt: skip
    assert words(weighed) == [{
        "engine": "numba", "d": "10", "R": "20", "T": "30", "whole process": "250.0",
        "for the runs": "12.6",
    }]  # fmt: skip
    assert "in MB" in str(weighed.title)
    assert pairs(machine) == {"cpu": "Zen", "gpu": "–", "numpy": "2.0"}
    assert len(tables.benchmark(BENCH | {"memory": []})) == 3


def test_no_text_of_a_table_is_taken_for_markup_or_an_emoji():
    table = tables.table("[red] :x:", {"[bold]": "left"}, [(":x: [/]",)])
    assert str(table.title) == "[red] :x:"
    assert words(table) == [{"[bold]": ":x: [/]"}]
    assert all(isinstance(cell, Text) for cell in table.columns[0].cells)
