"""The README's sentences with numbers, against what they are about."""

import re
from pathlib import Path

import numpy as np
import pytest
import sympy

from simulators.problems.profiles import PROFILES
from verify.claims.adasam.speedup_limits import COLLAPSE_MARGIN
from verify.classroom.questions import QUESTIONS
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.measured import MARGIN, TARGET
from verify.evidence.search import ATTAINED
from verify.studies.study import PRESETS

README = " ".join((Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").split())
PLACES = np.linspace(-16, 16, 320_001)


def test_zero_is_always_a_minimiser_and_not_always_the_only_one():
    assert "x = 0 is always a minimiser" in README
    for profile in PROFILES.values():
        assert profile.value(PLACES, np).min() >= profile.value(np.zeros(1), np)[0] == 0
    assert PROFILES["cosine"].value(np.array([2 * np.pi]), np)[0] == pytest.approx(0, abs=1e-30)
    assert "every minimiser" not in README


def test_the_profiles_are_scaled_as_said():
    assert "sup|ψ′| = sup|ψ″| = 1" in README
    for profile in PROFILES.values():
        slope = profile.slope(PLACES, np)
        bend = np.diff(slope) / np.diff(PLACES)
        far = profile.slope(np.array([1e4]), np)  # pseudo_huber's slope has no largest value
        assert max(np.abs(slope).max(), far[0]) == pytest.approx(1, abs=1e-6), profile.name
        assert np.abs(bend).max() == pytest.approx(1, abs=1e-6), profile.name


@pytest.mark.parametrize("name", ["pseudo_huber", "log_cosh", "cosine", "rational", "log_rational"])
def test_a_profiles_formula_is_what_it_computes(name):
    (formula,) = re.findall(rf"\| `{name}` \| (.*?) \|", README)
    for old, new in (
        ("√", "sqrt"), ("²", "**2"), ("−", "-"), ("27u", "27*u"), ("2 log", "2*log"),
        ("log cosh u", "log(cosh(u))"), ("cos u", "cos(u)"),
    ):  # fmt: skip
        formula = formula.replace(old, new)
    u = sympy.Symbol("u")
    written = sympy.lambdify(u, sympy.sympify(formula, {"u": u}), "numpy")(PLACES)
    np.testing.assert_allclose(PROFILES[name].value(PLACES, np), written, rtol=1e-9, atol=1e-12)


def test_two_basin_is_as_said():
    assert "a flat basin at 0, a sharp one at 6, of curvature 1/8 and 1, 9/16 higher" in README
    profile = PROFILES["two_basin"]
    assert profile.value(np.array([6.0]), np)[0] == pytest.approx(9 / 16)
    for at, curvature in ((0.0, 1 / 8), (6.0, 1.0)):
        left, middle, right = profile.slope(np.array([at - 0.01, at, at + 0.01]), np)
        assert middle == pytest.approx(0, abs=1e-12)
        assert right - left == pytest.approx(0.02 * curvature)


def test_the_rules_of_a_verdict_have_the_numbers_that_are_said():
    quick, paper = PRESETS["quick"].most, PRESETS["paper"].most
    assert f"up to {quick} times the runs ({paper} in the paper preset)" in README
    assert ERROR_BUDGET == 1e-6
    assert "share an error budget of 10⁻⁶" in README
    assert (TARGET, MARGIN) == (-0.5, 0.05)
    assert "(−1/2 ± 0.05 for Corollary 1)" in README
    assert np.exp(COLLAPSE_MARGIN) == pytest.approx(1.1)
    assert "every log ratio passes the same rule, within ten per cent" in README
    assert pytest.approx(0.001) == 1 - ATTAINED
    assert "attains, to within 0.1 %" in README
    assert len(QUESTIONS) == 6
    assert "six questions that set the sliders" in README
    (stretch, share) = re.findall(r"each stretch of (\d+) \(`gradient_share = ([\d.]+)`", README)[0]
    assert float(share) * int(stretch) == 1
