"""Slopes in b and in T of any simulated grid."""

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from simulators import spec as specs
from simulators.runs import Runs
from simulators.spec import RunSpec, Spec
from theory.errors import InputError
from verify.claims.adasam.corollary1 import BASIN, BATCHES, C_RHO
from verify.evidence.statistics import log_slope, paired_log_slope

CONFIDENCE = 0.95

FEW_PAIRED = 64
"""Replicates of one noise below which a slope's interval can be much too narrow: it takes log means
for normal, and where a factor that all cells share spreads as far as its mean, few replicates do
not show it."""

TOO_NARROW = (
    f"fewer than {FEW_PAIRED} runs under common noise: where runs spread as far as their mean, an "
    "interval of 95 % misses the slope in up to 15 % of cases"
)
"""Measured: 13 to 15 % at 3 to 8 runs, 6 to 9 % at 32 (gamma and log-normal factors of spread 1;
up to 31 % at spread 1.5)."""


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

    Cells that differ in any input but the axis, and what a schedule makes of it, are kept apart.
    Runs that share their noise are compared replicate by replicate; of few of them each row's
    ``note`` says that its interval is too narrow.

    Raises
    ------
    InputError
        If the grid has no two values of b or of T, a cell has a single run, or a left side has no
        logarithm.
    """
    if spec.run.runs < 2:
        raise InputError(f"runs = {spec.run.runs}: a slope's interval needs at least 2.")
    rows = []
    for axis, other in (("b", "T"), ("T", "b")):
        for apart, members in _groups(spec, axis):
            samples = [_positive(runs.lhs(number), axis, at) for at, number in members.items()]
            if spec.run.common_noise:
                fit = paired_log_slope(list(members), np.stack(samples, axis=1), CONFIDENCE)
            else:
                fit = log_slope(list(members), samples, CONFIDENCE)
            held = {other: getattr(spec.run, other), **apart}
            share = [runs.adaptive_share[runs.rows(number)].mean() for number in members.values()]
            few = spec.run.common_noise and spec.run.runs < FEW_PAIRED
            rows.append(
                {
                    "along": axis,
                    "at": ", ".join(f"{name} = {value:.12g}" for name, value in held.items()),
                    "held": held,
                    "slope": fit.slope,
                    "low": fit.low,
                    "high": fit.high,
                    "local": [list(local) for local in fit.local],
                    "adaptive_share": float(max(share)),
                    "note": TOO_NARROW if few else None,
                }
            )
    if not rows:
        raise InputError("the grid has one b and one T: give a list of either to fit a slope.")
    return rows


def _groups(spec: Spec, axis: str) -> Iterator[tuple[dict[str, Any], dict[float, int]]]:
    """Yield the cells that differ in the axis alone: what they hold of each list, their numbers."""
    lists = {name: value for name, value in msgspec.structs.asdict(spec.run).items()
             if isinstance(value, list)}  # fmt: skip
    if len(lists.pop(axis, [])) < 2:
        return
    problem = spec.problem.make()
    numbers = {_key(cell): number for number, cell in enumerate(specs.cells(spec, problem))}
    for values in itertools.product(*lists.values()):
        held = dict(zip(lists, values, strict=True))
        alone = msgspec.structs.replace(spec, run=msgspec.structs.replace(spec.run, **held))
        members = {cell[axis]: numbers[_key(cell)] for cell in specs.cells(alone, problem)}
        yield held, dict(sorted(members.items()))


def _key(cell: dict[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(cell.items()))


def _positive(values: np.ndarray, axis: str, at: float) -> np.ndarray:
    """Return left sides as they are if their mean has a logarithm."""
    mean = values.mean()
    if not 0 < mean < np.inf:
        raise InputError(
            f"the mean squared gradient is {mean:.6g} at {axis} = {at:.12g}: its logarithm has no "
            "slope. Give cells whose runs neither stay at a minimiser nor diverge."
        )
    return values
