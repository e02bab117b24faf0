"""Verdicts follow from evidence alone."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest

from verify.evidence.judge import meaning, summary, undecided, verdict
from verify.evidence.kind import of


def instance(low: float, high: float, rhs: float) -> dict:
    return {"lhs": (low + high) / 2, "lhs_low": low, "lhs_high": high, "rhs": rhs}


def slope(low: float, high: float, **more) -> dict:
    return {
        "slope": (low + high) / 2,
        "low": low,
        "high": high,
        "target": -0.5,
        "margin": 0.05,
    } | more


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        ([(1, 2, 3)], "holds"),
        ([(1, 3, 3)], "holds"),
        ([(1, 4, 3)], "inconclusive"),
        ([(3, 4, 3)], "inconclusive"),
        ([(3.1, 4, 3)], "refuted"),
        ([(1, 2, 3), (1, 4, 3)], "inconclusive"),
        ([(1, 2, 3), (1, 4, 3), (5, 6, 4)], "refuted"),
        ([(0, 0, -1)], "refuted"),
        ([(1, 2, float("nan"))], "inconclusive"),
    ],
)
def test_a_bound_holds_everywhere_or_fails_somewhere(instances, expected):
    assert verdict({"instances": [instance(*item) for item in instances]}) == expected


def test_an_exact_left_side_that_its_runs_contradict_voids_the_verdict():
    exact = instance(2, 2, 1)
    assert verdict({"instances": [exact | {"sample_low": 1.9, "sample_high": 2.1}]}) == "refuted"
    contradicted = exact | {"sample_low": 2.1, "sample_high": 2.3}
    assert verdict({"instances": [contradicted]}) == "inconclusive"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.52, -0.48, "holds"),
        (-0.55, -0.45, "holds"),
        (-0.56, -0.48, "inconclusive"),
        (-0.7, -0.3, "inconclusive"),
        (-0.44, -0.40, "refuted"),
        (-0.7, -0.56, "refuted"),
    ],
)
def test_a_slope_holds_if_its_whole_interval_is_within_the_margin(low, high, expected):
    assert verdict(slope(low, high)) == expected


def test_a_control_that_misses_its_known_slope_voids_the_verdict():
    good = {"low": -0.51, "high": -0.49, "predicted": -0.5}
    bad = good | {"predicted": -0.52}
    assert verdict(slope(-0.52, -0.48, control=good)) == "holds"
    assert verdict(slope(-0.52, -0.48, control=bad)) == "inconclusive"
    assert verdict(slope(-0.44, -0.40, control=bad)) == "inconclusive"


def pair(low: float, high: float, **more) -> dict:
    return {"log_ratio": (low + high) / 2, "low": low, "high": high, "target": 0.0,
            "margin": 0.1} | more  # fmt: skip


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(-0.02, 0.03)], "holds"),
        ([(-0.02, 0.03), (-0.1, 0.1)], "holds"),
        ([(-0.02, 0.03), (-0.02, 0.11)], "inconclusive"),
        ([(-0.02, 0.03), (0.11, 0.2)], "refuted"),
        ([(-0.02, 0.11), (-0.3, -0.11)], "refuted"),
    ],
)
def test_curves_collapse_on_every_pair_or_fail_on_one(pairs, expected):
    assert verdict({"pairs": [pair(*item) for item in pairs]}) == expected


def test_a_control_missed_by_one_pair_voids_all():
    missed = {"low": -0.01, "high": 0.01, "predicted": 0.02}
    for other in (pair(-0.02, 0.03), pair(0.11, 0.2)):
        evidence = {"pairs": [pair(-0.02, 0.03, control=missed), other]}
        assert verdict(evidence) == "inconclusive"


@pytest.mark.parametrize(
    ("slopes", "fails", "expected"),
    [
        ([(-0.52, -0.48)], True, "refuted"),
        ([(-0.52, -0.48), (-0.55, -0.45)], True, "refuted"),
        ([(-0.52, -0.48), (-0.56, -0.48)], True, "inconclusive"),
        ([(-0.52, -0.48), (0.2, 0.3)], True, "inconclusive"),
        ([(-0.52, -0.48)], False, "inconclusive"),
    ],
)
def test_a_condition_is_not_necessary_if_it_fails_and_every_slope_holds(slopes, fails, expected):
    necessity = {"condition": "T >= b^3", "fails": fails}
    evidence = {"necessity": necessity, "slopes": [slope(*item, axis="b") for item in slopes]}
    assert verdict(evidence) == expected
    assert ("does not fail" in summary(evidence)) is not fails


def test_a_missed_control_saves_a_condition():
    missed = {"low": -0.51, "high": -0.49, "predicted": -0.52}
    evidence = {"necessity": {"condition": "T >= b^3", "fails": True},
                "slopes": [slope(-0.52, -0.48, control=missed)]}  # fmt: skip
    assert verdict(evidence) == "inconclusive"


def test_a_summary_names_the_widest_pair_and_every_slope():
    assert summary({"pairs": [pair(-0.02, 0.03), pair(-0.05, 0.01)]}) == (
        "2 pairs of equal bT, each within 5.1 % with its interval"
    )
    slopes = [slope(-0.52, -0.48, axis="b"), slope(-0.51, -0.49, axis="T")]
    assert summary({"necessity": {"condition": "A", "fails": True}, "slopes": slopes}) == (
        "slope −0.500 [−0.520, −0.480] in b and slope −0.500 [−0.510, −0.490] in T, where A fails"
    )


def ranged(low: float, high: float, **more) -> dict:
    return {"name": "a/b", "value": (low + high) / 2, "low": low, "high": high} | more


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (ranged(0.9, 1.1, least=0.9), "holds"),
        (ranged(0.9, 1.1, least=1.0), "inconclusive"),
        (ranged(0.9, 0.99, least=1.0), "refuted"),
        (ranged(0.9, 1.1, most=1.1), "holds"),
        (ranged(1.2, 1.3, most=1.1), "refuted"),
        (ranged(0.9, 1.1, least=0.5, most=2.0), "holds"),
        (ranged(1.0, 1.0, least=0.5, sample_low=0.9, sample_high=1.1), "holds"),
        (ranged(1.0, 1.0, least=0.5, sample_low=1.1, sample_high=1.2), "inconclusive"),
        (ranged(1.0, 1.0, least=1.5, sample_low=0.9, sample_high=1.1), "refuted"),
    ],
)
def test_a_ratio_holds_if_its_whole_interval_is_in_range(item, expected):
    assert verdict({"ranges": [item]}) == expected
    assert verdict({"ranges": [ranged(1, 1, least=1), item]}) == expected
    assert ("not in range" in summary({"ranges": [item]})) is (
        not (item["low"] >= item.get("least", 0) and item["high"] <= item.get("most", 9))
    )


def test_a_ratio_without_a_range_is_an_error():
    with pytest.raises(ValueError, match="neither"):
        verdict({"ranges": [ranged(0.9, 1.1)]})


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"instances": [instance(1, 2, 3)]}, "holds"),
        ({"instances": [instance(1, 4, 3)]}, "inconclusive"),
        ({"instances": [instance(4, 5, 3)]}, "refuted"),
    ],
)
def test_parts_hold_together(second, expected):
    first = {"name": "first", **slope(-0.52, -0.48)}
    evidence = {"parts": [first, second]}
    assert verdict(evidence) == expected
    assert summary(evidence).startswith("first: slope −0.500")


def test_expressions_hold_if_all_are_equal():
    comparisons = [{"name": "a", "equal": True}, {"name": "b", "equal": False}]
    assert verdict({"comparisons": comparisons[:1]}) == "holds"
    assert verdict({"comparisons": comparisons}) == "refuted"
    assert summary({"comparisons": comparisons}) == "1 of 2 differ: b"


def lemma(**changes) -> dict:
    return {"excess": -0.1, "rounding": 1e-9, "states": 5, "steps": ["(1)"], "faults": [],
            "ratio": 0.9} | changes  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "holds"),
        ({"excess": 1e-9}, "holds"),
        ({"excess": 1.1e-9}, "refuted"),
        ({"states": 0}, "inconclusive"),
        ({"steps": []}, "inconclusive"),
        ({"faults": ["(1): wrong"]}, "inconclusive"),
        ({"excess": 1.0, "faults": ["(1): wrong"]}, "refuted"),
        ({"excess": 1.0, "states": 1, "steps": []}, "refuted"),
    ],
)
def test_a_lemma_holds_at_every_state_of_some_and_with_its_derivation(changes, expected):
    assert verdict({"lemma": lemma(**changes)}) == expected


def search(found: float, **changes) -> dict:
    return {"found": found, "limit": 1.001, "certified": 1.0, "standing": "exact"} | changes


@pytest.mark.parametrize(
    ("searches", "expected"),
    [
        ([search(1.0)], "holds"),
        ([search(1.001)], "holds"),
        ([search(1.0011)], "refuted"),
        ([search(0.999)], "holds"),
        ([search(0.9989)], "inconclusive"),
        ([search(0.2, standing="upper_bound")], "holds"),
        ([search(0.2, standing="claimed")], "holds"),
        ([search(1.1, standing="claimed")], "refuted"),
        ([search(1.0), search(0.5)], "inconclusive"),
        ([search(0.5), search(1.1)], "refuted"),
        ([search(-2.0, certified=-3.0, limit=-2.9, standing="claimed")], "refuted"),
    ],
)
def test_a_certificate_holds_if_no_search_exceeds_it_and_all_attain_it(searches, expected):
    assert verdict({"searches": searches}) == expected


KINDS = {
    "bound": {"instances": [instance(1, 2, 3), instance(1, 2, 4)]},
    "known bound": {"instances": [instance(2, 2, 3) | {"sample_low": 1.0, "sample_high": 3.0}]},
    "slope": slope(-0.52, -0.48, control={"low": -0.51, "high": -0.49, "predicted": -0.5}),
    "pairs": {"pairs": [pair(-0.02, 0.03, control={"low": -1, "high": 1, "predicted": 0})] * 2},
    "ranges": {"ranges": [ranged(0.9, 1.1, least=0.5, most=2.0)] * 2},
    "known range": {"ranges": [ranged(1, 1, least=0.5, sample_low=0.9, sample_high=1.1)]},
    "lemma": {"lemma": lemma()},
    "searches": {"searches": [search(1.0), search(1.0)]},
    "parts": {"parts": [{"name": "a", **slope(-0.52, -0.48)}, {"searches": [search(1.0)]},
                        {"lemma": lemma()}, {"comparisons": [{"name": "a", "equal": True}]}]},
    "necessity": {"necessity": {"condition": "A", "fails": True},
                  "slopes": [slope(-0.52, -0.48, axis="b")] * 2},
}  # fmt: skip
"""Evidence of every kind with numbers: all hold, but a necessity, which is refuted."""

SHOWN = {"lhs", "slope", "log_ratio", "value", "ratio", "name", "axis", "condition"}
"""What no verdict depends on."""


def numbers(evidence: Any, path: tuple = ()) -> Iterator[tuple]:
    """The places of every number that a verdict depends on."""
    if isinstance(evidence, dict | list):
        items = evidence.items() if isinstance(evidence, dict) else enumerate(evidence)
        for key, value in items:
            if key not in SHOWN:
                yield from numbers(value, (*path, key))
    elif isinstance(evidence, int | float) and not isinstance(evidence, bool):
        yield path


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind, evidence in KINDS.items() for path in
                       numbers(evidence) if path[-1] != "states"]
)  # fmt: skip
def test_where_any_number_is_nan_nothing_is_concluded(kind, path):
    evidence = copy.deepcopy(KINDS[kind])
    assert verdict(evidence) == ("refuted" if kind == "necessity" else "holds")
    place = evidence
    for key in path[:-1]:
        place = place[key]
    if kind == "searches" and path[-1] == "certified":
        assert place["standing"] == "exact"
    place[path[-1]] = math.nan
    assert verdict(evidence) == "inconclusive"


def test_a_condition_that_does_not_fail_is_not_refuted_by_slopes_that_hold():
    evidence = copy.deepcopy(KINDS["necessity"])
    evidence["necessity"]["fails"] = False
    assert verdict(evidence) == "inconclusive"
    assert undecided(evidence) == []


def test_every_part_counts_and_parts_of_parts():
    holds, refuted, open_one = (
        {"name": "a", **slope(*ends)} for ends in ((-0.52, -0.48), (-0.4, -0.3), (-0.6, -0.4))
    )
    assert verdict({"parts": [holds, {"parts": [holds, refuted]}]}) == "refuted"
    assert verdict({"parts": [open_one, {"parts": [holds, refuted]}]}) == "refuted"
    assert verdict({"parts": [{"parts": [open_one]}, holds]}) == "inconclusive"
    assert [item for item, *_ in of({"parts": [holds, {"parts": [open_one]}]}).limited()] == [
        holds, open_one,
    ]  # fmt: skip


def test_limits_are_those_of_each_kind():
    assert of({"instances": [instance(1, 2, 3)]}).limited()[0][1:] == (-math.inf, 3)
    assert of(slope(-0.52, -0.48)).limited()[0][1:] == pytest.approx((-0.55, -0.45))
    assert of({"pairs": [pair(0, 0.1)]}).limited()[0][1:] == pytest.approx((-0.1, 0.1))
    assert of({"ranges": [ranged(1, 2, least=0.5)]}).limited()[0][1:] == (0.5, math.inf)
    assert of({"ranges": [ranged(1, 2, most=3)]}).limited()[0][1:] == (-math.inf, 3)


def test_what_is_expected_does_not_sway_it():
    evidence = {"instances": [instance(3.1, 4, 3)]}
    for lie in ("holds", "refuted", "inconclusive"):
        assert verdict(evidence | {"expected": lie, "verdict": lie}) == "refuted"


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"instances": []},
        {"comparisons": []},
        {"pairs": []},
        {"ranges": []},
        {"parts": []},
        {"necessity": {"condition": "A", "fails": True}, "slopes": []},
        {"searches": []},
        {"figure": 1},
    ],
)
def test_no_evidence_has_no_verdict(evidence):
    with pytest.raises(ValueError, match="no verdict"):
        verdict(evidence)


def test_only_symbolic_and_exact_claims_say_proved():
    assert meaning("symbolic", "holds") == meaning("exact", "holds") == "proved"
    assert meaning("simulation", "holds") == "no violation found"
    assert meaning("simulation", "inconclusive") == "more runs needed"
    assert meaning("search", "inconclusive") == "search too weak"
    assert meaning("simulation", "refuted") == "counterexample, measured"
    assert meaning("exact", "refuted") == "counterexample, exact"
    assert meaning("symbolic", "refuted") == "disproved"
    assert meaning("search", "holds") == meaning("simulation", "holds")
    assert meaning("search", "refuted") == "violation found"
