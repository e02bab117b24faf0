"""The counterexample that the report shows of a refuted claim."""

from verify.claims import CLAIMS
from verify.evidence.judge import counterexample
from verify.pages.html import said
from verify.reproduction.report import FAMILIES


def spec(d=1, b=1, T=2, **run):
    return {
        "problem": {"profile": "huber", "L": 1.0, "d": d, "start": 0.0},
        "run": {"gamma": 0.5, "b": b, "T": T, **run},
    }


def instance(low, rhs, **size):
    return {"spec": spec(**size), "lhs": low + 1, "lhs_low": low, "lhs_high": low + 2, "rhs": rhs,
            "interval": "finite-sample"}  # fmt: skip


def test_of_a_bounds_violations_the_smallest_in_d_b_T_is_shown():
    found = counterexample({
        "instances": [
            instance(5.0, 4.0, T=1000), instance(3.0, 2.0, d=2, b=3, T=4), instance(1.0, 9.0),
        ]
    })  # fmt: skip
    assert found is not None
    assert dict(found.setting) == {
        "profile": "huber", "L": 1.0, "d": 2, "x_0": 0.0, "gamma": 0.5, "b": 3, "T": 4,
    }  # fmt: skip
    assert (found.left, found.right) == (("left side", 4.0), ("bound", 2.0))
    assert found.interval == (3.0, 5.0)
    assert found.spec == spec(d=2, b=3, T=4)


def test_an_exact_left_side_is_a_fraction_without_an_interval():
    exact = instance(1.0, 0.5) | {"interval": "exact", "lhs_fraction": "1/1"}
    found = counterexample({"instances": [exact]})
    assert found is not None
    assert (found.left, found.interval) == (("left side", "1/1"), None)


def test_what_refutes_nothing_has_no_counterexample():
    assert counterexample({"instances": [instance(1.0, 9.0)]}) is None
    assert counterexample({"comparisons": [{"name": "a", "equal": True}]}) is None


def test_expressions_slopes_conditions_and_lemmas_show_both_sides():
    unequal = {"name": "the_noise", "left": "F", "right": "F**2", "equal": False}
    found = counterexample({"comparisons": [unequal]})
    assert found is not None
    assert (found.setting, found.left[1], found.right[1]) == ((("of", "the noise"),), "F", "F**2")

    point = {"b": 1, "T": 8, "spec": spec()}
    slope = {"axis": "b", "points": [point, point | {"b": 4}], "slope": 0.0, "low": -0.01,
             "high": 0.01, "target": -0.5, "margin": 0.05}  # fmt: skip
    found = counterexample(slope)
    assert found is not None
    assert dict(found.setting) == {"b": "1, 4", "T": 8}
    assert (found.left, found.interval) == (("slope in b", 0.0), (-0.01, 0.01))
    assert counterexample({"parts": [slope]}) == found

    met = slope | {"slope": -0.5, "low": -0.51, "high": -0.49}
    unneeded = {"necessity": {"condition": "T >= b^3", "fails": True}, "slopes": [met]}
    found = counterexample(unneeded)
    assert found is not None
    assert found.setting == (("fails", "T >= b^3"),)

    case = {"instance": "L = 9", "beta": "3", "left": "2", "right": "1"}
    lemma = {"excess": 1.0, "rounding": 0.0, "states": 1, "faults": [], "cases": [case]}
    found = counterexample({"lemma": lemma})
    assert found is not None
    assert (found.left[1], found.right[1]) == ("2", "1")


def test_powers_of_two_and_fractions_are_said_as_they_are():
    assert said(2.0**-10) == "2<sup>−10</sup>"
    assert said("1/4096") == "1/4096 = 0.0002441"
    assert said(0.25) == "0.25"
    assert said(65536.0) == "65536"
    assert said("T >= b^3") == "T &gt;= b<sup>3</sup>"


def test_every_claim_has_a_family():
    words = [word for family in FAMILIES.values() for word in family]
    assert len(words) == len(set(words))
    assert {claim.split(".")[0] for claim in CLAIMS} == set(words)
