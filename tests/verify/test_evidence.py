"""Every kind of evidence, in every verdict, with nan and inf in it, is judged, shown and kept."""

import copy
import dataclasses
import json
import math

import pytest

from verify.claims.claim import Claim
from verify.commands import tables
from verify.evidence import judge
from verify.evidence.judge import counterexample, verdict
from verify.evidence.kind import KINDS, Counterexample, Kind, of
from verify.files import to_json
from verify.reproduction.job import Judged, _specs, markdown
from verify.reproduction.report import render
from verify.studies.archive import through_json

SPEC = {
    "problem": {"profile": "huber", "noise": "additive", "L": 1.0, "sigma": 0.5, "G": 1.0, "d": 2,
                "start": 0.5},
    "run": {"gamma": 0.1, "rho": 0.0, "beta1": 0.0, "beta2": 0.9, "eps": 1.0, "b": 1.0, "T": 8.0,
            "runs": 4, "seed": 0},
}  # fmt: skip
INTERVALS = {"holds": (-0.51, -0.49), "refuted": (-0.3, -0.2), "inconclusive": (-0.6, -0.49)}
"""Of a slope whose target is -1/2 and margin 0.05."""


def instances(said):
    low, high = {"holds": (0.5, 0.9), "refuted": (1.5, 1.9), "inconclusive": (0.5, 1.9)}[said]
    row = {"name": "one_cell", "spec": SPEC, "lhs": (low + high) / 2, "lhs_low": low,
           "lhs_high": high, "rhs": 1.0, "trivial": 2.0, "vacuous": False, "confidence": 0.99,
           "n": 4, "interval": "finite-sample", "normal_low": low, "normal_high": high}  # fmt: skip
    return {"instances": [row]}


def slope(said):
    low, high = INTERVALS[said]
    point = {"spec": SPEC, "b": 1, "T": 8, "lhs": 0.2, "low": 0.1, "high": 0.3, "n": 4,
             "adaptive_share": 0.0}  # fmt: skip
    fit = {"points": [point, {**point, "b": 4}], "slope": (low + high) / 2, "low": low,
           "high": high, "local": [[-0.5, -0.6, -0.4]], "predicted": -0.5}  # fmt: skip
    control = {**fit, "slope": -0.5, "low": -0.6, "high": -0.4}
    return {**fit, "axis": "b", "target": -0.5, "margin": 0.05, "adaptive_share": 0.0,
            "control": control}  # fmt: skip


def pairs(said):
    (low, high), point = INTERVALS[said], slope(said)["points"][0]
    control = {"log_ratio": 0.0, "low": -0.1, "high": 0.1, "predicted": 0.0}
    pair = {"b": [1, 4], "T": [16, 4], "log_ratio": (low + high) / 2 + 0.5, "low": low + 0.5,
            "high": high + 0.5, "target": 0.0, "margin": 0.05, "control": control}  # fmt: skip
    return {"pairs": [pair], "points": [point], "control": {"points": [point]}}


def ranges(said):
    low, high = {"holds": (1.1, 1.2), "refuted": (2.1, 2.2), "inconclusive": (1.1, 2.2)}[said]
    item = {"name": "one over other", "value": 1.9, "low": low, "high": high, "least": 1.0,
            "most": 2.0}  # fmt: skip
    return {"ranges": [item], "setting": {"L": 1.0, "problem": "a x"}}


def parts(said):
    return {"parts": [{"name": "first", **comparisons("holds")}, {"name": "then", **ranges(said)}]}


def slopes(said):
    necessity = {"condition": "T >= b^3", "fails": said == "refuted"}
    return {"necessity": necessity, "slopes": [slope("holds")]}


def lemma(said):
    where = {"problem": 3, "L": 0.5}
    faults = ["(2)"] if said == "inconclusive" else []
    content = {"states": 9, "excess": 0.1 if said == "refuted" else -0.1, "rounding": 1e-9,
               "ratio": 0.9, "worst": {"left": 0.9, "right": 1.0, "where": where},
               "steps": ["(1)", "(2)"], "faults": faults}  # fmt: skip
    return {"lemma": content}


def comparisons(said):
    row = {"name": "both_sides", "left": "F", "right": "F**2", "equal": said == "holds"}
    return {"comparisons": [row]}


def searches(said):
    found = {"holds": 1.0, "refuted": 1.1, "inconclusive": 0.5}[said]
    row = {"problem": SPEC["problem"], "constant": "L", "standing": "exact", "certified": 1.0,
           "limit": 1.0 + 1e-9, "found": found, "at": [[0.1]], "evaluations": 9}  # fmt: skip
    return {"searches": [row]}


def failed(said):
    return {"failed": {"reason": "ValueError: no", "where": "verify/claims/x.py, line 1"}}


SAMPLES = {
    "failed": (failed, ("inconclusive",)),
    "instances": (instances, ("holds", "refuted", "inconclusive")),
    "slope": (slope, ("holds", "refuted", "inconclusive")),
    "pairs": (pairs, ("holds", "refuted", "inconclusive")),
    "ranges": (ranges, ("holds", "refuted", "inconclusive")),
    "parts": (parts, ("holds", "refuted", "inconclusive")),
    "slopes": (slopes, ("refuted", "inconclusive")),
    "lemma": (lemma, ("holds", "refuted", "inconclusive")),
    "comparisons": (comparisons, ("holds", "refuted")),
    "searches": (searches, ("holds", "refuted", "inconclusive")),
}
"""How evidence of each kind looks, and the verdicts that it can have."""

CASES = {
    f"{name}-{said}": (make(said), said)
    for name, (make, verdicts) in SAMPLES.items()
    for said in verdicts
}
NUMBERS = (math.nan, math.inf, -math.inf)


def places(content, path=()):
    """Yield the path to each number that was measured or found: what a spec says is no such."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name not in ("spec", "b", "T", "n", "evaluations", "states", "problem"):
                yield from places(value, (*path, name))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from places(value, (*path, number))
    elif isinstance(content, float):
        yield path


def with_numbers(evidence, number, *paths):
    out = copy.deepcopy(evidence)
    for path in paths:
        inner = out
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = number
    return out


def varied(evidence):
    """Yield the evidence, and with each kind of number in each place and in all at once."""
    every = list(places(evidence))
    yield evidence
    for number in NUMBERS:
        for path in every:
            yield with_numbers(evidence, number, path)
        yield with_numbers(evidence, number, *every)


def judged(number, evidence):
    claim = Claim(
        id=f"units.{number}", source="Here", statement="So it is", method="simulation",
        expected="holds", evidence=lambda _: evidence,
    )  # fmt: skip
    return Judged(claim, evidence, verdict(evidence))


def test_every_kind_has_a_sample_a_figure_and_if_it_can_refute_a_counterexample():
    assert list(SAMPLES) == list(KINDS)
    shown = {name for name, kind in KINDS.items() if kind.counterexample is not Kind.counterexample}
    assert shown == {name for name, (_, said) in SAMPLES.items() if "refuted" in said}


@pytest.mark.parametrize("case", CASES)
def test_evidence_is_judged_by_its_kind_and_a_refuted_claim_has_a_counterexample(case):
    evidence, said = CASES[case]
    assert of(evidence).key == case.split("-")[0]
    assert verdict(evidence) == said
    assert verdict(through_json(evidence)) == said
    assert (counterexample(evidence) is not None) == (said == "refuted")


@pytest.mark.parametrize("case", CASES)
def test_nothing_holds_on_what_is_not_a_number(case):
    evidence, _ = CASES[case]
    for path in places(evidence):
        assert verdict(with_numbers(evidence, math.nan, path)) != "holds", path
    if "refuted" in case:  # what a counterexample turns on must be numbers, too
        every = list(places(evidence))
        assert (
            not every
            or verdict(with_numbers(evidence, math.nan, *every)) != "refuted"
            or (case in ("comparisons-refuted", "slopes-refuted"))
        )


@pytest.mark.parametrize("case", CASES)
def test_evidence_with_any_numbers_has_its_line_its_counterexample_and_its_json(case):
    evidence, _ = CASES[case]
    for each in varied(evidence):
        assert judge.summary(each)
        shown = counterexample(each)
        assert shown is None or isinstance(shown, Counterexample)
        text = to_json(each)
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert str(through_json(each)) == str(json.loads(json.dumps(each)))


def test_evidence_with_any_numbers_is_shown_in_the_table_and_in_the_report():
    every = [each for evidence, _ in CASES.values() for each in varied(evidence)]
    rows = [judged(number, each) for number, each in enumerate(every)]
    assert len(rows) > 300
    provenance = {"preset": "quick", "seed": 0, "device": "cpu", "versions": {}}
    page = render(rows, provenance, {}, _specs(rows)[1])
    assert page.count("<details id=") == len(rows)
    assert len(markdown(rows).splitlines()) == len(rows) + 2
    table = tables.verdicts(rows)
    assert table.row_count == len(rows)
    for row in rows:
        assert (row.verdict == "refuted") == (counterexample(row.evidence) is not None)


def test_the_report_shows_the_counterexample_of_parts_that_only_ranges_refute():
    rows = [judged(0, parts("refuted"))]
    provenance = {"preset": "quick", "seed": 0, "device": "cpu", "versions": {}}
    page = render(rows, provenance, {}, {})
    counter = page[page.index('<div class="counter">') :]
    counter = " ".join(counter[: counter.index("</div>")].split())
    assert "<b>Counterexample.</b> of one over other." in counter
    assert "Ratio: <b>1.9</b> [2.1, 2.2]; at most: <b>2</b>." in counter


@pytest.mark.parametrize(
    ("evidence", "setting", "left", "right", "interval"),
    [
        (ranges("refuted"), {"of": "one over other"}, ("ratio", 1.9), ("at most", 2.0), (2.1, 2.2)),
        (
            {"ranges": [{"name": "r", "value": 0.7, "low": 0.5, "high": 0.5, "least": 1.0}]},
            {"of": "r"}, ("ratio", 0.5), ("at least", 1.0), None,
        ),
        (
            pairs("refuted"), {"b": "1, 4", "T": "16, 4"}, ("log ratio", pytest.approx(0.25)),
            ("claimed", 0.0), (0.2, 0.3),
        ),
        (
            lemma("refuted"), {"problem": 3, "L": 0.5}, ("left side", 0.9), ("right side", 1.0),
            None,
        ),
        (
            searches("refuted"),
            {"profile": "huber", "noise": "additive", "L": 1.0, "sigma": 0.5, "G": 1.0, "d": 2,
             "x_0": 0.5, "constant": "L"},
            ("found", 1.1), ("certified", 1.0), None,
        ),
    ],
)  # fmt: skip
def test_a_counterexample_has_the_numbers_that_refute(evidence, setting, left, right, interval):
    found = counterexample(evidence)
    assert found is not None
    assert dict(found.setting) == setting
    assert (found.left, found.right) == (left, right)
    assert found.interval == (interval if interval is None else pytest.approx(interval))


def test_the_item_that_refutes_is_shown_not_one_beside_it():
    first, second = ranges("holds")["ranges"][0], ranges("refuted")["ranges"][0]
    both = {"ranges": [{**first, "name": "first"}, {**second, "name": "second"}]}
    found = counterexample(both)
    assert found is not None
    assert found.setting == (("of", "second"),)
    beside = counterexample({"parts": [ranges("inconclusive"), both]})
    assert beside == found


def test_a_claim_that_failed_is_never_as_expected():
    row = judged(0, failed("inconclusive"))
    claim = dataclasses.replace(row.claim, expected="inconclusive")
    assert not dataclasses.replace(row, claim=claim).as_expected
    assert row.meaning == "an error, not judged"
    assert row.summary == "not judged: ValueError: no (verify/claims/x.py, line 1)"


def test_numbers_that_json_has_not_are_strings_there():
    text = to_json({"a": [math.nan, math.inf], "b": (-math.inf, 1.5), "c": True, "d": "text"})
    assert json.loads(text) == {"a": ["NaN", "Infinity"], "b": ["-Infinity", 1.5], "c": True,
                                "d": "text"}  # fmt: skip


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [(0.5, 0.0, "violated on 1 of 1, up to inf times the bound"),
     (0.0, 0.0, "largest measured/bound = nan of 1 instances"),
     (0.0, 2.0, "largest measured/bound = 0 of 1 instances")],
)  # fmt: skip
def test_a_bound_or_a_left_side_of_0_has_its_line(left, right, said):
    (row,) = instances("holds")["instances"]
    evidence = {"instances": [row | {"lhs": left, "lhs_low": left, "lhs_high": left, "rhs": right}]}
    assert judge.summary(evidence) == said
