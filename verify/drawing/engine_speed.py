"""From a benchmark's content to the data of its figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from figures.engine_speed import LOOKS, Line, Speed
from verify.files import read_json

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Row(msgspec.Struct):
    """A rate in bench.json."""

    case: str
    engine: str
    d: Positive
    b: Positive
    rate: Positive
    low: Positive
    high: Positive


class Ratio(msgspec.Struct):
    """A ratio of rates in bench.json; other ratios have no d."""

    case: str
    engine: str | None = None
    d: Positive | None = None
    value: Positive | None = None

    def __post_init__(self) -> None:
        """Refuse a ratio over d that lacks what its bar shows."""
        if self.case == "d" and None in (self.engine, self.d, self.value):
            raise ValueError("a ratio of the case d lacks engine, d or value")


class Machine(msgspec.Struct):
    """The machine in bench.json."""

    processor: str


class Benchmark(msgspec.Struct):
    """What the figure needs of bench.json."""

    schema: Literal[1]
    machine: Machine
    rows: list[Row]
    ratios: list[Ratio]


def read(path: Path) -> dict[str, Any]:
    """Return what a bench.json holds.

    Raises
    ------
    InputError
        If it cannot be read, or is not a benchmark's.
    """
    cure = f"`adasam bench --out {path.parent}` makes it anew"
    _, content = read_json(path, Benchmark, "a benchmark", cure)
    return content


SHOWN = (10, 100)
"""The d whose ratios are drawn as bars, where they were measured."""


def speed(content: Mapping[str, Any]) -> Speed:
    """Return what the figure shows of a benchmark."""
    bars: dict[int, dict[str, float]] = {}
    for ratio in content["ratios"]:
        if ratio["case"] == "d" and ratio["d"] in SHOWN:
            bars.setdefault(ratio["d"], {})[ratio["engine"]] = ratio["value"]
    machine = content["machine"]
    return Speed(
        bars=bars,
        over_d=_lines(content, "d"),
        over_b=_lines(content, "b"),
        machine=f"{machine['processor']}, one thread, float32 (reference: float64)",
    )


def _lines(content: Mapping[str, Any], axis: str) -> list[Line]:
    lines = []
    for engine in LOOKS:
        mine = [row for row in content["rows"] if row["case"] == axis and row["engine"] == engine]
        if mine:
            columns = (np.array([row[name] for row in mine]) for name in (axis, "rate", "low",
                                                                          "high"))  # fmt: skip
            lines.append(Line(engine, *columns))
    return lines
