"""A spec: one file (TOML or JSON) that says what to simulate.

``[problem]`` profile, noise, L, sigma, G, d, start, condition, curvatures, rotation, or
``kind = "finite_sum"`` with alpha, start and either N, d, seed, condition, scale, flip or data (a
.npz or .csv file, beside the spec if its path is relative) and sha256; ``[run]`` method, gamma,
rho, beta1, beta2, eps, b, T, workers, v_init, runs, seed, record, common_noise, gradient_share, or
``schedule = "corollary1"`` with c_gamma and c_rho in place of gamma and rho; ``[engine]`` name,
device, dtype. Hyper-parameters are numbers or lists; lists make a grid.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from simulators.problems import FiniteSum, Problem, SeparableProblem
from simulators.runs import Runs
from simulators.simulation import simulate
from theory import corollary1
from theory.errors import InputError
from theory.setting import ROUNDING, Hyperparameters
from theory.theorem1 import CORRECTED, PRINTED, TIGHT

Numbers = float | list[float]


SEPARABLE = (
    ("profile", "L", "sigma", "G", "d", "start"),
    ("noise", "condition", "curvatures", "rotation"),
)
SYNTHETIC = (("N", "d", "alpha", "seed"), ("condition", "scale", "flip", "start"))
FROM_FILE = (("data", "alpha"), ("sha256", "start"))
"""What a ``[problem]`` table needs, and what else it may have."""

KINDS = ("separable", "finite_sum")


class ProblemSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The ``[problem]`` table."""

    kind: str = "separable"
    profile: str | None = None
    noise: str = "additive"
    L: float | None = None
    sigma: float | None = None
    G: float | None = None
    d: float | None = None
    start: float | list[float] | str | None = None
    condition: float | None = None
    curvatures: list[float] | None = None
    rotation: int | None = None
    N: float | None = None
    alpha: float | None = None
    seed: int | None = None
    scale: float | None = None
    flip: float | None = None
    data: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        """Refuse a table that lacks what its kind needs, or has what it does not know."""
        if self.kind not in KINDS:
            raise InputError(f"kind = {self.kind!r} is not known: use {' or '.join(KINDS)}")
        needed, optional = self._keys()
        for name in needed:
            if getattr(self, name) is None:
                raise InputError(f"[problem] lacks `{name}`: a {self.kind} problem needs it")
        for field in msgspec.structs.fields(self):
            known = ("kind", *needed, *optional)
            if field.name not in known and getattr(self, field.name) != field.default:
                with_data = " with data" if self.data is not None else ""
                raise InputError(
                    f"[problem] has `{field.name}`, which a {self.kind} problem{with_data} does "
                    "not know: drop it"
                )

    def _keys(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if self.kind == "separable":
            return SEPARABLE
        return SYNTHETIC if self.data is None else FROM_FILE

    def make(self) -> SeparableProblem | FiniteSum:
        """Return the problem."""
        needed, optional = self._keys()
        given: dict[str, Any] = {name: getattr(self, name) for name in (*needed, *optional)}
        given = {name: value for name, value in given.items() if value is not None}
        if self.kind == "separable":
            return SeparableProblem(given.pop("profile"), given.pop("noise"), **given)
        if self.data is None:
            return FiniteSum.synthetic(given.pop("N"), given.pop("d"), **given)
        return FiniteSum.from_file(given.pop("data"), **given)


class RunSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The ``[run]`` table."""

    method: str = "adasam"
    gamma: Numbers | None = None
    rho: Numbers | None = None
    beta1: Numbers
    beta2: Numbers
    eps: Numbers
    b: Numbers
    T: Numbers
    workers: Numbers = 1
    v_init: Numbers = 0.0
    runs: int
    seed: int
    record: str = "statistics"
    common_noise: bool = False
    gradient_share: float | None = None
    schedule: str | None = None
    c_gamma: float | str | None = None
    c_rho: Numbers | None = None


class EngineSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ``[engine]`` table."""

    name: str = "auto"
    device: str = "auto"
    dtype: str = "float32"


class Spec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to simulate."""

    problem: ProblemSpec
    run: RunSpec
    engine: EngineSpec = msgspec.field(default_factory=EngineSpec)


HYPER = ("gamma", "rho", "beta1", "beta2", "eps", "b", "T")
"""The hyper-parameters of Theorem 1."""

CELL = (*HYPER, "workers", "v_init")
"""What differs from cell to cell."""

OPTIMAL = {"corrected": CORRECTED, "tight": TIGHT}
"""The bounds whose leading terms a named c_gamma minimises."""


def read(path: str | Path) -> Spec:
    """Read a spec from a .toml or .json file.

    Raises
    ------
    InputError
        If the file cannot be read, is no TOML or JSON, or does not have the keys and types of a
        spec.

    A relative path to data is one from the spec's folder.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
        spec = decode(content, type=Spec)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise InputError(
            f"{path} is no {kind} spec: {error}. See `adasam simulate --help` for its keys."
        ) from None
    if spec.problem.data is not None:
        spec.problem.data = str((path.parent / spec.problem.data).resolve())
    return spec


def to_json(spec: Spec) -> dict[str, Any]:
    """Return the spec as a JSON object that `read` takes back."""
    return msgspec.to_builtins(spec)


def cells(spec: Spec, problem: Problem) -> list[dict[str, float]]:
    """Return every cell's hyper-parameters: the grid that the lists span, last name fastest.

    Raises
    ------
    InputError
        If gamma and rho, or the schedule and its constants, are missing or both given.
    """
    run = spec.run
    lists = {name: _listed(getattr(run, name)) for name in CELL[2:]}
    if not all(count >= 1 and count == int(count) for count in lists["workers"]):
        raise InputError(f"workers = {run.workers}: give whole numbers from 1.")
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
        return [
            dict(zip(lists, combination, strict=True))
            for combination in itertools.product(*lists.values())
        ]
    if run.schedule != "corollary1":
        raise InputError(f'schedule = {run.schedule!r} is not known: use "corollary1".')
    for name in ("gamma", "rho"):
        if getattr(run, name) is not None:
            raise InputError(f"{name} is given beside a schedule: drop one of them.")
    for name in ("c_gamma", "c_rho"):
        if getattr(run, name) is None:
            raise InputError(f'{name} is missing: schedule = "corollary1" needs it.')
    lists = {"c_rho": _listed(run.c_rho), **lists}
    out = []
    for combination in itertools.product(*lists.values()):
        cell = dict(zip(lists, combination, strict=True))
        together = hyperparameters(cell | {"gamma": 1.0, "rho": 0.0}).b
        gamma, rho = corollary1.schedule(
            _c_gamma(spec, problem, cell["eps"]), cell.pop("c_rho"), together, cell["T"]
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
        raise InputError(f"c_gamma = {given!r}: give a number or one of {', '.join(OPTIMAL)}.")
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
    """Return why Theorem 1 says nothing of these cells, or None if it applies to all."""
    if method == "adam_sam":
        return (
            "method = 'adam_sam' drops the running maximum that Theorem 1 rests on: the bound "
            "says nothing here."
        )
    columns = {name: np.array([cell[name] for cell in cell_list]) for name in CELL}
    for v_init, eps in zip(columns["v_init"], columns["eps"], strict=True):
        limit = max(problem.G, eps) ** 2
        if v_init > limit * (1 + ROUNDING):
            return (
                f"v_init = {v_init:.6g} exceeds max(G, eps)^2 = {limit:.6g}: Lemma 3 fails, and "
                "the bound says nothing here."
            )
    checks = PRINTED.preconditions(problem.certificate.constants, hyperparameters(columns))
    for check in checks:
        holds = np.broadcast_to(check.holds, len(cell_list))
        if not holds.all():
            index = int(np.argmin(holds))
            value = float(np.broadcast_to(check.value, len(cell_list))[index])
            limit = float(np.broadcast_to(check.limit, len(cell_list))[index])
            left, right = check.name.split(" <= ")
            return (
                f"{left} = {value:.6g} exceeds {right} = {limit:.6g} (Theorem 1): the bound says "
                "nothing here."
            )
    return None


def run(
    spec: Spec,
    *,
    allow_outside: bool = False,
    first: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Runs:
    """Simulate what a spec says, or what is missing of it: its replicates from ``first`` on.

    Raises
    ------
    InputError
        If the spec is malformed, or is outside Theorem 1 and ``allow_outside`` is not set.
    """
    problem = spec.problem.make()
    cell_list = cells(spec, problem)
    columns: dict[str, Any] = {name: [cell[name] for cell in cell_list] for name in CELL}
    Hyperparameters(**{name: columns[name] for name in HYPER})
    reason = outside(cell_list, problem, spec.run.method)
    if reason is not None and not allow_outside:
        raise InputError(f"{reason} Pass --allow-outside to simulate anyway.")
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
    )
