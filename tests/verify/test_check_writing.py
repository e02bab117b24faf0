"""What `adasam check` shows: every number on its tables, lines and page is the search's own."""

import re
from html import unescape

import pytest

from verify.check import claimed, judging, writing
from verify.check.judging import FINE, NO_LIMIT, UNCHECKED, VIOLATED

CELLS = [
    {"gamma": 0.1, "rho": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.25, "b": 4, "T": 100},
    {"gamma": 0.2, "rho": 0.025, "beta1": 0.5, "beta2": 0.9, "eps": 0.25, "b": 16, "T": 100},
]


def instances(times):
    return [
        {"b": 4, "T": 100, "lhs": 0.25, "lhs_low": 0.1, "lhs_high": 0.3, "rhs": 1.0 * times,
         "trivial": 12.0, "vacuous": False, "confidence": 0.95, "n": 8},
        {"b": 16, "T": 100, "lhs": 0.125, "lhs_low": 0.0625, "lhs_high": 0.2, "rhs": 0.5 * times,
         "trivial": 12.0, "vacuous": times > 2, "confidence": 0.95, "n": 8},
    ]  # fmt: skip


def slope(axis, verdict):
    return {"axis": axis, "held": 100 if axis == "b" else 16, "slope": -0.5125, "low": -0.625,
            "high": -0.375, "local": [[-0.25, -0.3, -0.2], [-0.75, -0.8, -0.7]],
            "adaptive_share": 0.125, "verdict": verdict}  # fmt: skip


def content(**rows):
    """A check's content; rows replace searches by constant."""
    searches = {
        "L": claimed.row("L", 4.0, 3.0, at=[[1.0, 2.0], [3.0, 4.0]], sample=7),
        "sigma": claimed.row("sigma", 2.0, 1.25, at=[[1.0, 2.0]]),
        "G": claimed.row("G", 2.0, 1.9, at=[[1.0, 2.0]], sample=3),
        "bias": claimed.row("bias", 0.0, 0.0, at=[[0.0, 0.0]], finds=0.015625),
        "f_star": claimed.row("f_star", -1.0, 0.5, at=[[5.0, 6.0]], start=2.0),
        "run": claimed.row("G", 2.0, 0.5, at=[[8.0, 9.0]], along="the runs"),
    } | rows
    found = list(searches.values())
    return {
        "problem": {"kind": "custom", "name": "a <b>problem</b>", "d": 3, "N": 40},
        "seed": 5, "runs": 8, "cells": CELLS, "searches": found, "region": None,
        "states": judging.states(found),
        "finds": {
            "L": {"from": 0.02, "blind": []}, "sigma": {"from": 0.25, "blind": ["rare noise"]},
            "G": {"from": None, "blind": []}, "bias": {"from": 0.015625, "blind": []},
            "f_star": {"from": 0.05, "blind": []},
        },
        "bounds": [
            {"name": "corrected", "instances": instances(4), "verdict": "holds"},
            {"name": "tight", "instances": instances(1), "verdict": "inconclusive"},
        ],
        "slopes": [slope("b", "holds"), slope("T", "refuted")],
    }  # fmt: skip


def cells(table):
    return [
        [str(cell) for cell in row] for row in zip(*(c._cells for c in table.columns), strict=True)
    ]


def headers(table):
    return [str(column.header) for column in table.columns]


def test_the_claims_table_has_each_searchs_own_numbers():
    table = writing.tables(content())[0]
    assert headers(table)[:7] == [
        "constant", "claimed", "found", "found/claimed", "looked", "would find", "verdict"
    ]  # fmt: skip
    assert [row[:7] for row in cells(table)] == [
        ["L", "4", "3", "0.750", "search", "from 2 %", FINE],
        ["sigma", "2", "1.25", "0.625", "search", "from 25 %", FINE],
        ["G", "2", "1.9", "0.950", "search", "–", FINE],
        ["bias", "0", "0", "–", "search", "from 0.016", FINE],
        ["f_star", "-1", "0.5", "0.500", "search", "from 5 %", FINE],
        ["G", "2", "0.5", "0.250", "the runs", "–", FINE],  # the search came upon more
    ]
    assert str(table.title).startswith("a <b>problem</b>")


def test_each_state_has_its_words_in_the_table_and_no_power_where_nothing_was_checked():
    made = content(
        L=claimed.row("L", 4.0, 5.0, at=[[1.0], [2.0]], sample=1),
        sigma=claimed.row("sigma", 2.0, 0.5, at=[[1.0]]),
        f_star=claimed.row("f_star", -1.0, -3.0, at=[[1.0]], start=2.0,
                           without_end={"distances": [1.0, 2.0, 4.0], "values": [0.0, -1.5, -3.0]}),
    )  # fmt: skip
    rows = {row[0]: row for row in cells(writing.tables(made)[0])[:5]}
    assert rows["L"][2:7] == ["5", "1.250", "search", "from 2 %", VIOLATED]
    assert rows["sigma"][2:7] == ["0.5", "0.250", "search", "–", UNCHECKED]
    assert rows["f_star"][2:7] == ["no limit", "–", "search", "–", NO_LIMIT]
    styles = {row["constant"]: row["outcome"] for row in writing.claims(made)}
    assert styles["L"] == styles["f_star"] == "refuted"
    assert styles["sigma"] == "inconclusive"


def test_the_bounds_table_has_each_cells_own_numbers():
    table = writing.tables(content())[1]
    assert headers(table) == [
        "b", "T", "measured", "interval", "corrected", "tight", "d G^2", "measured/tight"
    ]  # fmt: skip
    assert cells(table) == [
        ["4", "100", "0.25", "[0.1, 0.3]", "4", "1", "12", "0.25"],
        ["16", "100", "0.125", "[0.0625, 0.2]", "2", "0.5", "12", "0.25"],
    ]
    for part in ("eps = 0.25", "beta1 = 0.5", "beta2 = 0.9", "gamma = 0.5 sqrt(b/T)",
                 "rho = 1/sqrt(bT)", "8 runs"):  # fmt: skip
        assert part in str(table.title)


def test_the_slopes_table_has_each_slopes_own_numbers():
    assert cells(writing.tables(content())[2]) == [
        ["b", "T = 100", "-0.5125", "[-0.6250, -0.3750]", "-0.250, -0.750", "0.125", "holds"],
        ["T", "b = 16", "-0.5125", "[-0.6250, -0.3750]", "-0.250, -0.750", "0.125", "refuted"],
    ]


def test_the_lines_say_what_was_checked_what_would_have_been_found_and_each_verdict():
    text = "\n".join(writing.lines(content()))
    for part in (
        "No violation found of L, sigma, G, bias, f_star. They remain claims, not proved.",
        "It was blind to sigma of rare noise",
        "Theorem 1, corrected: no violation found; at 1 of 2 settings it says no more than d G^2.",
        "Theorem 1, tight: more runs are needed",
        "Slope in b: -0.512 [-0.625, -0.375], as a linear speed-up has it",
        "Slope in T: -0.512 [-0.625, -0.375], not the -1/2",
    ):
        assert part in text
    made = content()
    made["bounds"][1]["verdict"] = "refuted"
    assert "Theorem 1, tight: VIOLATED" in "\n".join(writing.lines(made))


def test_an_unchecked_claim_is_named_with_its_share_and_is_not_among_the_checked():
    made = content(
        L=claimed.row("L", 25.0, 3.0, at=[[1.0], [2.0]], sample=1),
        f_star=claimed.row("f_star", -8.0, 0.5, at=[[5.0]], start=2.0),
    )
    text = "\n".join(writing.lines(made))
    assert "L = 25 is not checked: the search found at most 12 % of the claim, 3." in text
    assert "f_star = -8 is not checked: descents from f(x_0) = 2 come to 0.5, 15 %" in text
    assert "No violation found of sigma, G, bias. " in text


def test_a_violated_claim_says_its_largest_violation_and_the_bounds_stay_unjudged():
    made = content(
        G=claimed.row("G", 2.0, 2.5, at=[[1.0, 2.0]], sample=3),
        run=claimed.row("G", 2.0, 3.5, at=[[8.0, 9.0]], along="the runs"),
    )
    lines = writing.lines(made)
    assert lines[0].startswith("G = 2 is violated")
    assert "3.5 on a run that ends at [8, 9]" in lines[0]
    assert lines[-1] == "The bounds rest on these claims: they were not judged."
    assert not any("Theorem" in line for line in lines)


def test_runs_that_leave_the_region_of_the_claims_are_said_to():
    for farthest, said in ((0.25, "at most 25 % of the way out"), (1.5, "reaches 150 %")):
        made = content()
        made["region"] = {
            "ball": 2.0,
            "words": "the ball of radius 2 around x_0",
            "farthest": farthest,
        }
        lines = writing.lines(made)
        assert any(said in line for line in lines)
        assert any("Theorem" in line for line in lines) == (farthest <= 1)
        assert "in the ball of radius 2" in str(writing.tables(made)[0].title)


def test_points_without_finite_gradients_are_said():
    made = content(L=claimed.row("L", 4.0, 3.0, at=[[1.0], [3.0]], sample=7, defined=350.0))
    assert "From a distance of 350 of x_0 on" in "\n".join(writing.lines(made))


def test_each_violation_has_its_sentence():
    for name, said in (
        ("L", "sample 7's gradient changes by 5 per unit at [1, 2]"),
        ("G", "sample 7's gradient has a coordinate of 5 at [1, 2]"),
        ("sigma", "a root variance of 5 at [1, 2]"),
        ("f_star", "f is 5 at [1, 2]. Claim f_star of at most 5"),
        ("Delta", "f is lower by 5 at [1, 2] than at x_0. Claim Delta of at least 5"),
        ("bias", "their mean is 5 off grad f at [1, 2]"),
    ):
        row = claimed.row(name, 1.0, 5.0, at=[[1.0, 2.0]], sample=7)
        assert said in writing.sentence(row)
    endless = {"distances": [2.0, 4.0, 8.0], "values": [10.0, 20.0, 40.0]}
    said = writing.sentence(claimed.row("G", 1.0, 40.0, at=[[8.0]], without_end=endless))
    assert "10 at a distance of 2, 20 at a distance of 4, 40 at a distance of 8" in said
    assert "ball=2)" in said


def test_the_page_has_the_same_numbers_and_escapes_the_users_words():
    made = content()
    html = writing.page(made, {})
    assert "<b>problem" not in html
    assert "&lt;b&gt;problem" in html
    assert "Content-Security-Policy" in html
    claims, bounds = re.findall(r"<tbody>(.*?)</tbody>", html, re.S)

    def rows(body):
        return [
            [unescape(re.sub(r"<[^>]*>", "", cell)).strip()
             for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
            for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)
        ]  # fmt: skip

    found = rows(claims)
    assert [row[2:] for row in found[:3]] == [
        ["4", "3", "0.75", "search", "from 2 %", FINE],
        ["2", "1.25", "0.625", "search", "from 25 %", FINE],
        ["2", "1.9", "0.95", "search", "–", FINE],
    ]
    assert found[0][1] == writing.MEANINGS["L"]
    assert rows(bounds) == [
        ["4", "100", "0.25", "[0.1, 0.3]", "4", "1", "12"],
        ["16", "100", "0.125", "[0.0625, 0.2]", "2", "0.5", "12"],
    ]
    for line in ("No violation found of L", "Theorem 1, corrected"):
        assert line in html
    violated = writing.page(content(L=claimed.row("L", 4.0, 5.0, at=[[1.0], [2.0]])), {})
    assert '<span class="refuted">violated</span>' in violated


@pytest.mark.parametrize("uniforms", [False, True])
def test_the_page_says_what_samples_are(uniforms):
    made = content()
    if uniforms:
        made["problem"] = {"kind": "custom", "name": "n", "d": 3, "noise": 6}
    html = writing.page(made, {})
    assert ("6 uniform numbers a sample" in html) == uniforms
    assert ("40 samples" in html) != uniforms
    assert "d = 3" in html
    assert "seed 5" in html
