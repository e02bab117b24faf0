"""A calibration as tables, for the terminal, the report and the README."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Section:
    """A table with a line above it."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    @property
    def sides(self) -> dict[str, str]:
        """On which side each column stands: words left, numbers right."""
        words = ("interval", "of", "cell", "claim", "preset")
        return {name: "left" if name in words else "right" for name in self.columns}


def sections(content: Mapping[str, Any]) -> list[Section]:
    """Return the tables of a calibration; those without rows are left out."""
    every = (
        _in_short(content),
        _coverage(content),
        _looks(content),
        _bounds(content),
        _claims(content),
        _planted(content),
    )
    return [section for section in every if section.rows]


def markdown(content: Mapping[str, Any]) -> str:
    """Return the tables in Markdown."""
    out = []
    for section in sections(content):
        out += [f"**{section.title}** {section.note}", ""]
        rows = [section.columns, tuple("---" for _ in section.columns), *section.rows]
        out += ["| " + " | ".join(row) + " |" for row in rows] + [""]
    return "\n".join(out)


def _covered_rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows on coverage; a slope claim's control is one."""
    controls = [
        {**row, "interval": "slope", "on": f"runs: control of rate_{row['axis']}"}
        for row in content["slopes"]
    ]
    return [*content["coverage"], *controls]


def _in_short(content: Mapping[str, Any]) -> Section:
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _covered_rows(content):
        of = "the engine's runs" if row["on"].startswith("runs: ") else "draws"
        kinds.setdefault((row["interval"], of), []).append(row)
    return Section(
        "In short.",
        "The least coverage of each interval, in per cent, over all cases below. "
        f"{_marks(content['certainty'])}",
        ("interval", "of", "cases", *(f"{100 * c:g} %" for c in content["confidences"])),
        [
            (
                *kind, str(len(rows)),
                *(
                    _covered(min((row["at"][k] for row in rows), key=lambda at: at["share"]))
                    for k in range(len(content["confidences"]))
                ),
            )
            for kind, rows in kinds.items()
        ],
    )  # fmt: skip


def _coverage(content: Mapping[str, Any]) -> Section:
    return Section(
        "Coverage.",
        "Per cent of samples whose interval holds the known mean, slope or ratio. "
        f"{_marks(content['certainty'])}",
        ("interval", "of", "n", *(f"{100 * c:g} %" for c in content["confidences"])),
        [
            (row["interval"], row["on"], str(row["n"]), *map(_covered, row["at"]))
            for row in _covered_rows(content)
        ],
    )


def _looks(content: Mapping[str, Any]) -> Section:
    rows = content["looks"]
    return Section(
        "Looks.",
        "Per cent of samples whose intervals all hold it, looked at with "
        f"{', '.join(map(str, rows[0]['n'])) if rows else ''} values. "
        f"{_marks(content['certainty'])}",
        ("interval", "of", *(f"{100 * c:g} %" for c in content["confidences"])),
        [(row["interval"], row["on"], *map(_covered, row["at"])) for row in rows],
    )


def _bounds(content: Mapping[str, Any]) -> Section:
    return Section(
        "Bounds.",
        "Of a left side known exactly, at the verdicts' own confidence. False alarms: a bound "
        "equal to the left side, or 1 % above it, is refuted.",
        (
            "cell", "preset", "runs", "reproductions", "false alarms at 1", "at 1.01",
            "refuted if violated by (half, 99 % of them)", "holds if slack by (half, 99 %)",
        ),
        [
            (
                row["on"], row["preset"], str(row["n"]), str(row["reproductions"]),
                *(_seldom(row["false_alarms"][at]) for at in ("1", "1.01")),
                *(
                    ", ".join(_percent(row[name][q]) for q in ("0.5", "0.99"))
                    for name in ("refuted_from", "holds_from")
                ),
            )
            for row in content["bounds"]
        ],
    )  # fmt: skip


def _claims(content: Mapping[str, Any]) -> Section:
    return Section(
        "Slope claims.",
        "The claims corollary1.rate_b and rate_T themselves, slope and control, judged again and "
        "again, each time on runs of their own.",
        ("claim", "preset", "runs", "reproductions", "holds", "inconclusive", "refuted",
         "half-width of the control's interval"),
        [
            (
                f"rate_{row['axis']}", row["preset"], str(row["n"]), str(row["reproductions"]),
                *(_seldom(row["claim"][name]) for name in ("holds", "inconclusive", "refuted")),
                f"± {row['half_width']:.4f}",
            )
            for row in content["slopes"]
        ],
    )  # fmt: skip


def _planted(content: Mapping[str, Any]) -> Section:
    return Section(
        "Planted slopes.",
        "The control's runs of the same reproductions, tilted to a known slope: how often −1/2 ± "
        "0.05 is said to hold / is left open / is refuted.",
        ("slope", *(f"in {row['axis']}, {row['preset']}" for row in content["slopes"])),
        [
            (
                f"{rows[0]['slope']:g}".replace("-", "−"),
                *(
                    " / ".join(
                        f"{100 * row[name]['share']:.3g} %"
                        for name in ("holds", "inconclusive", "refuted")
                    )
                    for row in rows
                ),
            )
            for rows in zip(*(row["planted"] for row in content["slopes"]), strict=True)
        ],
    )


def _marks(certainty: float) -> str:
    return (
        f"(−): certainly less often than stated, (+): certainly more often ({100 * certainty:g} % "
        "Clopper-Pearson interval of the count)."
    )


def _covered(row: Mapping[str, Any]) -> str:
    mark = {"short": " (−)", "ample": " (+)", "as stated": ""}[row["standing"]]
    per_cent = math.floor(1e4 * row["share"] + 1e-6) / 100  # 100 only where none is missed
    return f"{per_cent:.4g}{mark}"


def _seldom(found: Mapping[str, Any]) -> str:
    """Write a count with the limits that the Clopper-Pearson interval sets to its share."""
    low, high = (100 * found[name] for name in ("low", "high"))
    limits = f"≤ {high:.2g} %" if found["count"] == 0 else f"≥ {low:.3g} %"
    if 0 < found["count"] < found["of"]:
        limits = f"{low:.2g}–{high:.2g} %"
    return f"{found['count']} ({limits})"


def _percent(value: float) -> str:
    return f"{100 * value:.2g} %"
