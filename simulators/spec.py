"""A spec: one file (TOML or JSON) that says what to simulate.

``[problem]`` profile, noise, L, sigma, G, d, start, condition, curvatures, rotation, or
``kind = "finite_sum"`` with alpha, start and either N, d, seed, condition, scale, flip or data (a
.npz, .csv or LIBSVM file, from the spec's folder if its path is relative) and sha256; ``[run]``
method, gamma, rho, beta1, beta2, eps, b, T, workers, v_init, runs, seed, record, common_noise,
gradient_share, or ``schedule = "corollary1"`` with c_gamma and c_rho in place of gamma and rho;
``[engine]`` name, device, dtype. Hyper-parameters are numbers or lists; lists make a grid.
"""

import codecs
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from simulators.estimate import PER_CELL, Estimate, estimate
from simulators.memory import check_room
from simulators.problems import Problem
from simulators.runs import Runs
from simulators.simulation import LARGEST_RUNS, simulate
from simulators.spec_tables import EngineSpec as EngineSpec
from simulators.spec_tables import ProblemSpec as ProblemSpec
from simulators.spec_tables import RunSpec as RunSpec
from simulators.spec_tables import Spec as Spec
from simulators.spec_tables import check_names
from theory import corollary1
from theory.bound import Bound
from theory.errors import InputError, nearest, unknown
from theory.setting import ROUNDING, Hyperparameters
from theory.theorem import variants_on
from theory.theorem1 import CORRECTED, TIGHT

HYPER = ("gamma", "rho", "beta1", "beta2", "eps", "b", "T")
"""The hyper-parameters of Theorem 1."""

CELL = (*HYPER, "workers", "v_init")
"""What differs from cell to cell."""

SCHEDULES = ("corollary1",)

OPTIMAL = {"corrected": CORRECTED, "tight": TIGHT}
"""The bounds whose leading terms a named c_gamma minimises."""


def read(path: str | Path) -> Spec:
    """Read a spec from a .toml or .json file.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML or JSON, or does not have the keys and types of a
        spec.

    A relative path to data is one from the spec's folder.
    """
    path = Path(path)
    kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        tables = (msgspec.json if kind == "JSON" else msgspec.toml).decode(content)
        check_names(tables)
        spec = msgspec.convert(tables, Spec)
        if spec.problem.data is not None:
            spec.problem.data = str((path.parent / spec.problem.data).resolve())
    # Python's own words where a number has 5000 digits, or tables are nested too deeply.
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError, OSError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error).rstrip(".")
        raise InputError(
            f"{path} is no {kind} spec: {said}. See `adasam simulate --help` for its keys."
        ) from None
    return spec


def to_json(spec: Spec) -> dict[str, Any]:
    """Return the spec as a JSON object that `read` takes back."""
    return msgspec.to_builtins(spec)


def grid(spec: Spec) -> dict[str, list[float]]:
    """Return the lists that span a spec's grid: of gamma and rho or, under a schedule, of c_rho,
    and of the other hyper-parameters.

    Raises
    ------
    InputError
        If gamma and rho, or the schedule and its constants, are missing or both given, or b, T or
        workers are no whole numbers.
    """
    run = spec.run
    lists = {name: _listed(getattr(run, name)) for name in CELL[2:]}
    if not all(1 <= count < math.inf and count == int(count) for count in lists["workers"]):
        raise InputError(f"workers = {run.workers}: give whole numbers from 1.")
    usual = {"gamma": 1, "rho": 0, "beta1": 0, "beta2": 0, "eps": 1, "b": 1, "T": 1}
    for name in HYPER[2:]:
        Hyperparameters(**{**usual, name: lists[name]})
    if run.schedule is None:
        for name in ("c_gamma", "c_rho"):
            if getattr(run, name) is not None:
                raise InputError(
                    f'{name} needs a schedule: add schedule = "corollary1", or drop it.'
                )
        for name in ("rho", "gamma"):
            if getattr(run, name) is None:
                raise InputError(
                    f'{name} is missing: give a number, or schedule = "corollary1" with '
                    "c_gamma and c_rho."
                )
            lists = {name: _listed(getattr(run, name)), **lists}
        return lists
    if run.schedule not in SCHEDULES:
        raise unknown("schedule", run.schedule, SCHEDULES)
    for name in ("gamma", "rho"):
        if getattr(run, name) is not None:
            raise InputError(f"{name} is given beside a schedule: drop one of them.")
    for name in ("c_gamma", "c_rho"):
        if getattr(run, name) is None:
            raise InputError(f'{name} is missing: schedule = "corollary1" needs it.')
    return {"c_rho": _listed(run.c_rho), **lists}


def expected(spec: Spec, problem: Problem, first: int = 0) -> Estimate:
    """Return what simulating a spec will take, its replicates from ``first`` on."""
    run = spec.run
    runs = min(max(1, run.runs - first), LARGEST_RUNS)  # `simulate` refuses what is beyond
    return estimate(problem, grid(spec), runs, run.record == "trajectory", run.gradient_share)


def cells(spec: Spec, problem: Problem) -> list[dict[str, float]]:
    """Return every cell's hyper-parameters: the grid that the lists span, last name fastest.

    Raises
    ------
    InputError
        As `grid`, or if there are more cells than the memory holds.
    """
    lists = grid(spec)
    count = math.prod(map(len, lists.values()))
    check_room(count * PER_CELL, f"a grid of {count} cells", "shorten its lists")
    combinations = itertools.product(*lists.values())
    if spec.run.schedule is None:
        return [dict(zip(lists, combination, strict=True)) for combination in combinations]
    out = []
    usual: dict[str, float] = {"gamma": 1, "rho": 0, "beta1": 0, "beta2": 0, "eps": 1, "T": 1}
    c_gamma = cache(lambda eps: _c_gamma(spec, problem, eps))
    together = cache(lambda b, workers: hyperparameters({**usual, "b": b, "workers": workers}).b)
    for combination in combinations:
        cell = dict(zip(lists, combination, strict=True))
        gamma, rho = corollary1.schedule(
            c_gamma(cell["eps"]), cell.pop("c_rho"), together(cell["b"], cell["workers"]), cell["T"]
        )
        out.append({"gamma": float(gamma), "rho": float(rho), **cell})
    return out


def hyperparameters(cell: Mapping[str, Any]) -> Hyperparameters:
    """Return what bounds take of a cell, or of columns of cells: n workers' b counts as n b
    (Remark 3).
    """
    hyper = {name: cell[name] for name in HYPER}
    return Hyperparameters(**{**hyper, "b": np.multiply(cell["b"], cell["workers"])})


def _listed(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise InputError("an empty list spans no grid: give at least one number.")
    if len(set(values)) < len(values):
        raise InputError(f"{values} repeats a value: equal cells are the same runs. Raise runs.")
    return values


def _c_gamma(spec: Spec, problem: Problem, eps: float) -> float:
    given = spec.run.c_gamma
    if not isinstance(given, str):
        assert given is not None
        return given
    if given not in OPTIMAL:
        near = nearest(given, OPTIMAL)
        raise InputError(
            f"c_gamma = {given!r}: give a number or one of {', '.join(OPTIMAL)}"
            + (f"; did you mean {near!r}?" if near else ".")
        )
    value = float(corollary1.c_gamma_value(OPTIMAL[given], problem.certificate.constants, eps))
    if not (np.isfinite(value) and value > 0):
        raise InputError(
            f"c_gamma = {given!r} has no value where sigma = 0 or Delta = 0: give a number."
        )
    return value


def single(spec: Spec, cell: dict[str, float]) -> Spec:
    """Return the spec of one cell alone: it gives the same runs, byte for byte."""
    run = msgspec.structs.replace(spec.run, **cell, schedule=None, c_gamma=None, c_rho=None)
    return msgspec.structs.replace(spec, run=run)


def outside(cell_list: Sequence[dict[str, float]], problem: Problem, method: str) -> str | None:
    """Return why no bound on this method says anything of some of these cells, or None."""
    if method == "adam_sam":
        return (
            "method = 'adam_sam' drops the running maximum that Theorem 1 rests on: the bound "
            "says nothing here."
        )
    bounds = variants_on(method)
    if not bounds:
        return f"method = {method!r}: no theorem here is about it, so no bound says anything."
    columns = {name: np.array([cell[name] for cell in cell_list]) for name in CELL}
    for v_init, eps in zip(columns["v_init"], columns["eps"], strict=True):
        limit = max(problem.G, eps) ** 2
        if v_init > limit * (1 + ROUNDING):
            return (
                f"v_init = {v_init:.6g} exceeds max(G, eps)^2 = {limit:.6g}: Lemma 3 fails, and "
                "the bound says nothing here."
            )
    failing = [_failing(bound, problem, columns) for bound in bounds]
    if None in failing:
        return None
    return f"{failing[-1]}: no bound says anything here."


def silent(cell_list: Sequence[dict[str, float]], problem: Problem, method: str) -> str | None:
    """Return a note that names the bounds whose conditions fail in a cell, and those that apply to
    all; None if all apply.
    """
    columns = {name: np.array([cell[name] for cell in cell_list]) for name in CELL}
    reasons = {bound.name: _failing(bound, problem, columns) for bound in variants_on(method)}
    applying = [name for name, reason in reasons.items() if reason is None]
    failing: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        if reason is not None:
            failing.setdefault(reason, []).append(name)
    if not failing:
        return None
    said = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in failing.items())
    return f"these bounds do not apply: {said}; these do: {', '.join(applying)}"


def _failing(bound: Bound, problem: Problem, columns: Mapping[str, np.ndarray]) -> str | None:
    """Return the first condition of a bound that a cell does not meet, with value and limit."""
    count = len(columns["T"])
    for check in bound.preconditions(problem.certificate.constants, hyperparameters(columns)):
        holds = np.broadcast_to(check.holds, count)
        if not holds.all():
            index = int(np.argmin(holds))
            value = float(np.broadcast_to(check.value, count)[index])
            limit = float(np.broadcast_to(check.limit, count)[index])
            left, right = check.name.split(" <= ")
            return f"{left} = {value:.6g} exceeds {right} = {limit:.6g}"
    return None


def run(
    spec: Spec,
    *,
    allow_outside: bool = False,
    first: int = 0,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Runs:
    """Simulate what a spec says, or what is missing of it: its replicates from ``first`` on.

    ``say`` is called beforehand: with what it will take, where that is long, and with the engine.

    Raises
    ------
    InputError
        If the spec is malformed, cannot fit in memory or end, or no bound on its method applies and
        ``allow_outside`` is not set.
    """
    problem = spec.problem.make()
    ahead = expected(spec, problem, first)
    ahead.check()
    if say is not None and ahead.note is not None:
        say(ahead.note)
    cell_list = cells(spec, problem)
    columns: dict[str, Any] = {name: [cell[name] for cell in cell_list] for name in CELL}
    # What is shown beside the runs must be finite: better known before them.
    CORRECTED.total(problem.certificate.constants, hyperparameters(columns))
    asked = say is not None or not allow_outside
    reason = outside(cell_list, problem, spec.run.method) if asked else None
    if reason is not None and not allow_outside:
        raise InputError(f"{reason} Pass --allow-outside to simulate anyway.")
    if say is not None and reason is None:
        note = silent(cell_list, problem, spec.run.method)
        if note is not None:
            say(note)
    return simulate(
        problem,
        **columns,
        runs=spec.run.runs - first,
        seed=spec.run.seed,
        first=first,
        method=spec.run.method,
        engine=spec.engine.name,
        device=spec.engine.device,
        dtype=spec.engine.dtype,
        record=spec.run.record,
        common_noise=spec.run.common_noise,
        gradient_share=spec.run.gradient_share,
        progress=progress,
        say=say,
    )
