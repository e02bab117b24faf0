"""Runs with planted left sides, for controls that must flip a claim's verdict; a browser."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from simulators import spec as specs
from verify.claims import CLAIMS
from verify.claims.claim import Claim
from verify.evidence.kind import Evidence
from verify.studies.study import PRESETS, Preset


class Planted:
    """Runs of a spec whose cells have the mean left sides that ``law(problem, cell)`` gives."""

    adaptive_share = np.zeros(1)

    def __init__(self, spec: specs.Spec, law: Callable, spread: float) -> None:
        problem, rng = spec.problem.make(), np.random.default_rng(1)
        self.values = []
        for cell in specs.cells(spec, problem):
            kicks = rng.uniform(-1, 1, spec.run.runs)
            self.values.append(law(problem, cell) * (1 + spread * (kicks - kicks.mean())))

    def lhs(self, number: int) -> np.ndarray:
        return self.values[number]

    def rows(self, number: int) -> np.ndarray:
        return np.array([0])


def planted_results(
    claim: Claim, law: Callable, spread: float = 0.03, preset: Preset = PRESETS["quick"]
) -> dict[str, Any]:
    """Return a study's results where left sides follow a law."""
    assert claim.study
    jobs = claim.study.specs(preset, 0)
    return {name: (spec, Planted(spec, law, spread)) for name, spec in jobs.items()}


def planted_evidence(claim_id: str, law: Callable, spread: float = 0.03) -> Evidence:
    """Return a claim's evidence where its study's left sides follow a law."""
    return CLAIMS[claim_id].evidence(planted_results(CLAIMS[claim_id], law, spread))


@pytest.fixture
def planted() -> Callable:
    """Return a claim's evidence where its study's left sides follow a law."""
    return planted_evidence


@pytest.fixture(scope="session")
def planted_once() -> Callable:
    """Return `planted` for fixtures that several tests share."""
    return planted_evidence


@pytest.fixture(name="planted_results")
def results_that_are_planted() -> Callable:
    """Return a study's results where left sides follow a law."""
    return planted_results


QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Yield a headless Chromium; tests that share it are one xdist group."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("neither chromium nor google-chrome is installed")
    with playwright.sync_playwright() as engine:
        running = engine.chromium.launch(executable_path=chromium, args=QUIET)
        yield running
        running.close()
