"""From a benchmark's content to the data of its figure."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from figures.engine_speed import LOOKS, Line, Speed

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
