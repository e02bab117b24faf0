"""Slopes in b and in T of any simulated grid."""

from typing import Any

import numpy as np

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import RunSpec, Spec
from theory.errors import InputError
from verify.claims.corollary1 import BASIN, BATCHES, C_RHO
from verify.statistics import log_slope, paired_log_slope

CONFIDENCE = 0.95


def default_spec(runs: int, seed: int) -> Spec:
    """Return Corollary 1's schedule on the Huber basin of the claims, shorter."""
    return Spec(
        problem=BASIN,
        run=RunSpec(
            beta1=0.0, beta2=0.999, eps=2.0, b=[float(b) for b in BATCHES],
            T=[4096.0, 16384.0], runs=runs, seed=seed, schedule="corollary1",
            c_gamma="corrected", c_rho=C_RHO,
        ),
    )  # fmt: skip


def slopes(spec: Spec, runs: Runs) -> list[dict[str, Any]]:
    """Fit every slope that the grid allows: in b for each T, in T for each b.

    Cells that differ in anything but b, T and what a schedule makes of them are kept apart. Runs
    that share their noise are compared replicate by replicate.

    Raises
    ------
    InputError
        If the grid has no two values of b or of T, or a cell has a single run.
    """
    cells = specs.cells(spec, spec.problem.make())
    if spec.run.runs < 2:
        raise InputError(f"runs = {spec.run.runs}: a slope's interval needs at least 2.")
    held = ("beta1", "beta2", "eps") + (() if spec.run.schedule else ("gamma", "rho"))
    rows = []
    for axis, other in (("b", "T"), ("T", "b")):
        groups: dict[tuple[float, ...], list[int]] = {}
        for number, cell in enumerate(cells):
            apart = tuple(cell[name] for name in (other, *held))
            if spec.run.schedule:
                # The schedule's constants, whatever b and T are.
                apart += (float(f"{cell['rho'] * np.sqrt(cell['b'] * cell['T']):.9g}"),)
            groups.setdefault(apart, []).append(number)
        for members in groups.values():
            members = sorted(members, key=lambda number: cells[number][axis])
            at = [cells[number][axis] for number in members]
            if len(set(at)) < 2:
                continue
            samples = [runs.lhs(number) for number in members]
            if spec.run.common_noise:
                fit = paired_log_slope(at, np.stack(samples, axis=1), CONFIDENCE)
            else:
                fit = log_slope(at, samples, CONFIDENCE)
            share = [runs.adaptive_share[runs.rows(number)].mean() for number in members]
            rows.append(
                {
                    "along": axis,
                    "at": f"{other} = {cells[members[0]][other]:.0f}",
                    "slope": fit.slope,
                    "low": fit.low,
                    "high": fit.high,
                    "local": [list(local) for local in fit.local],
                    "adaptive_share": float(max(share)),
                }
            )
    if not rows:
        raise InputError("the grid has one b and one T: give a list of either to fit a slope.")
    return rows
