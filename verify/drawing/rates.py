"""How fast the left side falls, in b and in T."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import linear_speedup, regime_map
from figures.style import Style
from verify.claims.adasam import regimes
from verify.evidence.kind import Evidence
from verify.studies.study import Results


def speedup(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw the measured slopes; nothing where only one of them was measured."""
    both = [evidence.get(f"corollary1.rate_{axis}") for axis in ("b", "T")]
    if not all(both):
        return None
    along_b, along_T = (series(item) for item in both if item)
    confidence = 100 * evidence["corollary1.rate_b"]["confidence"]
    return linear_speedup.draw(along_b, along_T, f"{confidence:.8g} % interval", style)


def series(evidence: Evidence) -> linear_speedup.Series:
    """Return a slope's points and fit; with the closed form of its control, if it has one."""
    points = evidence["points"]
    columns: dict[str, Any] = {
        name: np.array([point[name] for point in points])
        for name in ("b", "T", "lhs", "low", "high")
    }
    control = evidence.get("control")
    exact = np.array([point["lhs_exact"] for point in control["points"]]) if control else None
    fixed = "T" if evidence["axis"] == "b" else "b"
    return linear_speedup.Series(
        label=f"{fixed} = {points[0][fixed]}",
        b=columns["b"],
        T=columns["T"],
        mean=columns["lhs"],
        low=columns["low"],
        high=columns["high"],
        exact=exact,
        slope=(evidence["slope"], evidence["low"], evidence["high"]),
    )


def regimes_figure(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure:
    """Draw the map of the slope in b."""
    slope, reach, predicted = regimes.map_slopes(results)
    return regime_map.draw(
        regime_map.Map(
            level=np.array(regimes.MAP_LEVELS),
            T=np.array(regimes.MAP_T),
            slope=slope,
            reach=reach,
            predicted=predicted,
            b=regimes.MAP_B,
            interval=f"{100 * regimes.MAP_CONFIDENCE:.0f} %",
        ),
        style,
    )
