"""The tables of a spec, and the names that they know."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from simulators.problems import FiniteSum, SeparableProblem
from theory.errors import InputError, nearest, unknown

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
            raise unknown("kind", self.kind, KINDS)
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


def check_names(tables: Any) -> None:
    """Refuse a table or a key that is not known, with what may be meant."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(Spec)}
    known = {
        name: [field.name for field in msgspec.structs.fields(kind)] for name, kind in kinds.items()
    }
    for table, content in tables.items() if isinstance(tables, dict) else ():
        if table not in known:
            among = () if isinstance(content, dict) else known.items()
            home = [name for name, keys in among if table in keys]
            raise InputError(_unknown(f"`{table}`", table, home, known))
        for key in content if isinstance(content, dict) else ():
            if key not in known[table]:
                home = [name for name, keys in known.items() if key in keys]
                raise InputError(_unknown(f"`{key}` in [{table}]", key, home, known[table]))


def _unknown(what: str, name: str, home: Sequence[str], known: Iterable[str]) -> str:
    near = nearest(name, known)
    if home:
        cure = f"it belongs in [{home[0]}]"
    elif near is not None:
        cure = f"`{near}` may be meant"
    else:
        cure = f"known are {', '.join(known)}"
    return f"{what} is not known: {cure}"
