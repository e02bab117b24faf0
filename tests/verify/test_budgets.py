"""What the intervals of a verdict may miss with: no claim, check or search spends more than its
error budget, all looks together.

Of each claim the ends of intervals are found that decide it: taken away, one at a time, they change
what is compared. So it does not matter what a claim calls them, nor which it only shows.
"""

import inspect
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from simulators import custom
from simulators import spec as specs
from theory.theorem1 import CORRECTED
from verify import claims as package
from verify.answers import falsify
from verify.check import claimed, job
from verify.claims import CLAIMS
from verify.claims.adasam import remark1, speedup_limits
from verify.evidence import measured, statistics
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.kind import of, span
from verify.evidence.statistics import Interval
from verify.studies.study import PRESETS, LaterResults, Preset

FEW = Preset("few", 32, 32, most=16)
LOOKS = 1 + round(math.log2(max(preset.most for preset in PRESETS.values())))
"""How often a claim is looked at, at most: each look has at least twice the runs."""

ALWAYS = "finite_sample_mean"
"""Right at every number of runs at once: it spends its share once, not at each look."""

SPENDERS = (ALWAYS, "normal_mean", "log_slope", "paired_log_slope", "log_ratio", "line_slope")
"""Every function of `evidence.statistics` that takes a confidence and returns an interval."""


class Ledger:
    """The intervals that were asked for, in their order, and which ends to take away from which."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, modules: list[ModuleType]) -> None:
        self.asked: list[tuple[str, float]] = []
        self.gone: tuple[set[int], tuple[str, ...]] = set(), ()
        for module, name in itertools.product(modules, SPENDERS):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, self._spied(getattr(statistics, name), name))

    def _spied(self, true: Callable, name: str) -> Callable:
        signature, compute = inspect.signature(true), _remembered(true) if name == ALWAYS else true

        def spied(*given: Any) -> Any:
            self.asked.append((name, signature.bind(*given).arguments["confidence"]))
            calls, ends = self.gone
            found = compute(*given)
            return _without(found, ends) if len(self.asked) - 1 in calls else found

        return spied

    def spent(self, compared: Callable[[], Any]) -> dict[str, float]:
        """Return what decides ``compared()``, by function: the sum of the errors of each side."""

        def changes(calls: set[int], *ends: str) -> bool:
            self.asked, self.gone = [], (calls, ends)
            return compared() != whole

        self.asked, self.gone = [], (set(), ())
        whole, asked = compared(), self.asked
        assert whole
        total: dict[str, float] = {}
        for kind in sorted(set(asked)):
            alike = {number for number, other in enumerate(asked) if other == kind}
            ends = [end for end in ("low", "high") if changes(alike, end)]
            deciding = sum(changes({number}, *ends) for number in alike) if ends else 0
            if deciding:
                name, confidence = kind
                sides = deciding * len(ends) * (1 - confidence) / 2
                total[name] = total.get(name, 0.0) + sides
        return total


def _remembered(true: Callable) -> Callable:
    """Compute an interval once for all that is taken away from what is compared."""
    known: dict[tuple, Interval] = {}

    def computed(values: Any, *rest: float) -> Interval:
        key = np.asarray(values).tobytes(), *rest
        if key not in known:
            known[key] = true(values, *rest)
        return known[key]

    return computed


def _without(found: Any, ends: tuple[str, ...]) -> Any:
    if isinstance(found, tuple):
        named = dict(zip(("estimate", "low", "high"), found, strict=True))
        return tuple((named | dict.fromkeys(ends, math.nan)).values())
    return replace(found, **dict.fromkeys(ends, math.nan))


def compared(evidence: Any) -> list[float]:
    """What a verdict compares: intervals' ends, of items and controls, and what is known."""
    out = []
    for item, *_ in of(evidence).limited():
        control = item.get("control") or {}
        out += [*span(item), item.get("sample_low", 0.0), item.get("sample_high", 0.0)]
        out += [control.get(name, 0.0) for name in ("low", "high", "predicted")]
    return out


def test_every_function_that_returns_an_interval_keeps_the_ledger():
    made = {
        name
        for name, function in inspect.getmembers(statistics, inspect.isfunction)
        if "confidence" in inspect.signature(function).parameters
        and function.__module__ == statistics.__name__
    }
    assert made - {"student_quantile", "pointwise"} == set(SPENDERS)


MODULES = [measured, *(module for _, module in inspect.getmembers(package, inspect.ismodule))]


def made_once(cells: Callable) -> Callable:
    """Return what lists the cells of each spec's own problem once, fresh copies each time."""
    made: dict[int, tuple[specs.Spec, list[dict[str, float]]]] = {}  # no spec is lost, nor its id

    def listed(spec: specs.Spec, problem: Any) -> list[dict[str, float]]:
        if id(spec) not in made:
            made[id(spec)] = spec, cells(spec, problem)
        return [dict(cell) for cell in made[id(spec)][1]]

    return listed


@pytest.fixture
def ledger(monkeypatch):
    # What takes time and is the same each time.
    monkeypatch.setattr(speedup_limits, "_bound_slopes", lambda axis, cells: {})
    monkeypatch.setattr(specs, "cells", made_once(specs.cells))
    return Ledger(monkeypatch, MODULES)


def small(problem, cell):
    """Left sides that no bound's range refuses, and that fall with b and T."""
    return 0.01 * problem.largest_grad_norm2 * (cell["b"] * cell["T"] / 1e3) ** -0.5


MEASURED = [claim for claim in CLAIMS.values() if claim.study and claim.method != "symbolic"]
"""Claims on left sides of runs; the symbolic ones compare paths."""

KNOWN = {"theorem1.tight_simple_cap", "theorem1.small_G", "algorithm1.v_init"}
"""Claims of them whose runs have no noise: they need no interval."""


@pytest.mark.parametrize("claim", MEASURED, ids=lambda claim: claim.id)
def test_a_claims_intervals_spend_its_budget_and_no_more(ledger, planted_results, claim):
    results = planted_results(claim, small, preset=FEW)
    if claim.id.startswith("theorem1.") or claim.id == "sharp.leading":
        results = dict(list(results.items())[:2])  # the share is that of how many there are

    def at(look: int) -> list[float]:
        return compared(claim.evidence(LaterResults(results, look)))

    spent = ledger.spent(lambda: at(1))
    total = spent.pop(ALWAYS, 0.0) + sum(spent.values())
    if spent and claim.method == "simulation":
        errors = []
        for look in (1, 2, 3):
            ledger.asked, ledger.gone = [], (set(), ())
            at(look)
            errors.append([1 - c for name, c in ledger.asked if name in spent and c > 0.999])
        assert errors[1] == pytest.approx(np.array(errors[0]) / 2, rel=1e-6)
        assert errors[2] == pytest.approx(np.array(errors[0]) / 4, rel=1e-6)
        total += sum(spent.values()) * (1 - 2.0 ** (1 - LOOKS))  # 1/2 + 1/4 + ... at later looks
    assert total <= ERROR_BUDGET * (1 + 1e-6)
    # Neither is there more to have: what is not spent makes intervals wider than they need be.
    assert total >= (0 if claim.id in KNOWN else 0.45 * ERROR_BUDGET)


def test_the_claim_on_rare_gradients_spends_its_budget_and_no_more(ledger, monkeypatch):
    rng = np.random.default_rng(0)
    keys = itertools.product(("adasam", "adam_sam"), remark1.RARE_MOMENTA, remark1.RARE_T)
    runs = {key: (np.array([key[2]]), rng.uniform(0, 1e-3, (32, 1))) for key in keys}
    monkeypatch.setattr(remark1, "rare_runs", lambda: runs)
    spent = ledger.spent(lambda: compared(CLAIMS["remark1.no_max"].evidence({})))
    assert spent == {ALWAYS: pytest.approx(ERROR_BUDGET)}


@pytest.mark.parametrize("cap", [falsify.FIRST_LOOK, 5000, falsify.DEFAULT_CAP])
def test_the_falsifiers_looks_spend_its_budget_and_no_more(monkeypatch, cap):
    """A winner that no look decides: each look has its share, and there is no other."""
    errors = []

    def look(bound, trail, seed, n, confidence, progress):
        errors.append(1 - confidence)
        return None, Interval(1.0, 0.0, 2.0, confidence, "finite-sample", n)

    monkeypatch.setattr(falsify, "_look", look)
    monkeypatch.setattr(falsify, "_setting", lambda spec: (None, None))
    monkeypatch.setattr(falsify.specs, "hyperparameters", lambda cell: None)

    class Certain:
        @staticmethod
        def total(constants, hyper):
            return 1.0

    falsify._judge(Certain, None, 0, cap, lambda *step: None)
    assert sum(errors) == pytest.approx(ERROR_BUDGET)


def well():
    """A cosine well, moved by uniform noise that is added to its gradient too."""

    def loss(x, u):
        return (1 - torch.cos(x - (2 * u[:2] - 1))).sum() + (x * (u[2:] - 0.5)).sum()

    def value(x):
        return (1 - torch.cos(x) * np.sin(1)).sum()

    right = {"L": 1.0, "G": 1.5, "sigma": 1.2, "f_star": 0.3}
    return custom(loss, noise=4, x0=np.full(2, 0.5), value=value, **right)


def test_what_check_says_of_one_bound_spends_the_budget_and_no_more(monkeypatch):
    """A violation rests on one interval's lower end, none seen on another's upper end."""
    ledger, problem = Ledger(monkeypatch, [job]), well()
    grid = job.Grid(b=(1, 4), T=(64, 256), runs=8)
    cells = job._cells(problem, grid, 0.1, {"beta1": 0.0, "beta2": 0.999, "eps": 2.0})
    rng = np.random.default_rng(0)
    values = rng.uniform(0.5, 1, (len(cells), 8))

    class Drawn:
        @staticmethod
        def lhs(number):
            return values[number]

    def evidence():
        return compared(job._bound(problem, CORRECTED, cells, Drawn))  # type: ignore[arg-type]

    spent = ledger.spent(evidence)
    assert len(cells) > 2
    assert sum(spent.values()) == pytest.approx(ERROR_BUDGET)
    assert set(spent) == {ALWAYS, "normal_mean"}


def test_what_check_says_of_a_mean_of_draws_spends_the_budget_and_no_more(monkeypatch):
    """sigma rests on one interval; that gradients are unbiased, on one a point and coordinate."""
    ledger = Ledger(monkeypatch, [claimed])
    effort = claimed.Effort(members=8, generations=1, samples=16, draws=64, starts=4)
    claimed.search(well(), effort, 0)
    confidences = [confidence for _, confidence in ledger.asked]
    counts = sorted((confidences.count(one), 1 - one) for one in set(confidences))
    assert [count for count, _ in counts] == [1, 4 * 2]
    for count, error in counts:
        assert count * error == pytest.approx(ERROR_BUDGET)
