"""A method is one rule: what the reference engine runs, and what the others refuse."""

from typing import NamedTuple

import numpy as np
import pytest

from simulators import METHODS, Method, SeparableProblem, simulate
from simulators.methods import Info
from simulators.methods.adasam import State
from theory import InputError

CELL = {"gamma": 0.05, "rho": 0, "beta1": 0, "beta2": 0.9, "eps": 2.0, "b": [1, 4], "T": 12}


class Point(NamedTuple):
    """Of a method that carries nothing but its iterate."""

    x: np.ndarray


def begin(problem, letters):
    return Point(np.broadcast_to(problem.x0, (len(letters.gamma), problem.d)))


def plain(oracle, letters, state, xp):
    g = oracle(state.x)
    return Point(state.x - letters.gamma * g), Info(g, g)


@pytest.fixture
def own(monkeypatch):
    method = Method("plain", "SGD with the step gamma", ("gamma",), begin, plain)
    monkeypatch.setitem(METHODS, "plain", method)


def problem():
    return SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=3, start=0.5)


def go(method, **changes):
    settings = CELL | {"runs": 5, "seed": 1, "common_noise": True, "record": "trajectory"} | changes
    return simulate(problem(), method=method, **settings)


def test_a_rule_of_three_lines_is_sgd_with_the_step_gamma_over_eps(own):
    # Algorithm 1's relative sgd has the step gamma/eps: 0.1/2.
    mine, known = go("plain"), go("sgd", gamma=0.1, engine="reference")
    np.testing.assert_allclose(mine.x, known.x, rtol=1e-13)
    np.testing.assert_allclose(mine.mean_grad_norm2, known.mean_grad_norm2, rtol=1e-12)
    np.testing.assert_array_equal(mine.max_abs_gradient, known.max_abs_gradient)
    # What such a state does not have is not a number, not a zero.
    for name in ("mean_weighted_grad_norm2", "eta_variation_l1", "adaptive_share"):
        assert np.isnan(getattr(mine, name)).all(), name


def test_only_the_reference_runs_a_rule_and_the_others_say_so(own):
    told = []
    go("plain", say=told.append)
    assert told == ["engine reference on cpu: only it runs method 'plain'; it computes in float64"]
    for engine in ("numba", "torch", "triton"):
        with pytest.raises(InputError, match=f"engine = '{engine}' cannot run method 'plain'"):
            go("plain", engine=engine)
    with pytest.raises(InputError, match="runs on the reference engine alone"):
        go("plain", device="cuda")


def test_a_replaced_rule_of_the_family_is_not_run_by_what_is_written_by_hand(monkeypatch):
    # A rule without switches is its own method: no engine runs Algorithm 1's step in its place.
    family = METHODS["adasam"]

    def slower(oracle, letters, state, xp):
        after, info = family.rule(oracle, letters, state, xp)
        half = State(*((old + new) / 2 for old, new in zip(state, after, strict=True)))
        return half, info

    method = Method("slower", "half of each step", family.letters, family.start, slower)
    monkeypatch.setitem(METHODS, "slower", method)
    assert not np.allclose(go("slower").x[:, -1], go("adasam", engine="reference").x[:, -1])
    with pytest.raises(InputError, match="cannot run method 'slower'"):
        go("slower", engine="numba")


@pytest.mark.parametrize("name", METHODS)
def test_a_letter_that_a_method_does_not_name_changes_no_path(name):
    method = METHODS[name]
    base = CELL | {"rho": 0.2, "beta1": 0.5, "eps": 0.1, "v_init": 0.02, "T": 8}
    other = {"gamma": 0.1, "rho": 0.4, "beta1": 0.2, "beta2": 0.5, "eps": 0.3, "v_init": 9.0}
    path = go(name, **base).x
    for letter, value in other.items():
        same = np.array_equal(go(name, **base | {letter: value}).x, path)
        assert same == (letter not in method.letters), letter
