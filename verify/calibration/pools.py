"""Runs of the engine whose left sides are known exactly, cut into reproductions.

Replicates are independent, so that 4096 of them are ten reproductions of 384.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from simulators import spec as specs
from simulators.problems import Problem
from simulators.runs import Runs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory import basin
from verify.claims.adasam import theorem1
from verify.oracles.enumeration import RationalHuber
from verify.studies.study import PRESETS


@dataclass(frozen=True)
class Pool:
    """A setting of one cell whose left side is known.

    Attributes
    ----------
    name : str
    spec : Spec
    truth : float, unit F^2/X^2
        Its left side, exactly.
    """

    name: str
    spec: Spec
    truth: float

    @cached_property
    def upper(self) -> float:
        """What no run's left side exceeds."""
        return self.spec.problem.make().largest_grad_norm2

    def samples(self, n: int, part: int, count: int) -> Iterator[np.ndarray]:
        """Yield the left sides of a part's reproductions, ``count`` of n runs each."""
        runs = replicates(self.spec, part * count * n, (part + 1) * count * n)
        return iter(runs.lhs(0).reshape(count, n))


def replicates(spec: Spec, first: int, stop: int) -> Runs:
    """Run a spec's replicates from ``first`` up to ``stop``; keep the ends of their curves."""
    sized = msgspec.structs.replace(spec, run=msgspec.structs.replace(spec.run, runs=stop))
    return specs.run(sized, allow_outside=True, first=first).ends()


def cut(runs: Runs, n: int) -> list[Runs]:
    """Cut runs into reproductions of n replicates of each cell."""
    number = (runs.inputs.replicate - runs.inputs.replicate.min()) // n
    rows = [np.flatnonzero(number == k) for k in range(int(number.max()) + 1)]
    return [
        Runs.from_arrays({name: array[some] for name, array in runs.arrays().items()})
        for some in rows
    ]


def pools(seed: int) -> dict[str, Pool]:
    """Return the pools by name: cells of the claims on Theorem 1, and four steps, enumerated."""
    study = theorem1.study_specs(PRESETS["quick"], seed)
    out = [
        _of_study("counterexample", study["counterexample"], 0),
        *(
            _of_study(f"huber_edge, b = {b}", study["huber_edge"], number)
            for number, b in enumerate((1, 8, 64))
        ),
        _tiny(seed),
    ]
    return {pool.name: pool for pool in out}


def _of_study(name: str, spec: Spec, number: int) -> Pool:
    problem = spec.problem.make()
    cell = specs.cells(spec, problem)[number]
    return Pool(name, specs.single(spec, cell), closed_form(problem, cell))


def closed_form(problem: Problem, cell: dict[str, Any]) -> float:
    """Return the exact left side of a cell without momentum in a Huber basin."""
    start = float((problem.gradient(problem.x0, np) ** 2).sum())
    return float(
        basin.mean_grad_norm2(
            problem.L, problem.sigma, cell["eps"], cell["gamma"], int(cell["b"]), int(cell["T"]),
            start,
        )
    )  # fmt: skip


def _tiny(seed: int) -> Pool:
    """Four steps with momentum, all eight sign paths enumerated: a law of few values."""
    L, sigma, G, x0, eps, gamma, beta1, T = *map(Fraction, (1, "1/2", 1, "1/4", 1, "1/4", "1/2")), 4
    exact = RationalHuber(L=L, sigma=sigma, G=G, x0=x0, eps=eps, gamma=gamma, beta1=beta1)
    spec = Spec(
        problem=ProblemSpec(
            profile="huber", d=1, L=float(L), sigma=float(sigma), G=float(G), start=float(x0)
        ),
        run=RunSpec(
            gamma=float(gamma), rho=0.0, beta1=float(beta1), beta2=0.999, eps=float(eps), b=1, T=T,
            runs=1, seed=seed,
        ),
    )  # fmt: skip
    return Pool("four steps, enumerated", spec, float(exact.mean_grad_norm2(T)))
