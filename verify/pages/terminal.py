"""Tables for the terminal, whatever stands in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

SHOWN = 50
"""Most rows of a long table that are shown."""

ENDS = 10
"""How many rows of a longer one are shown of its beginning and of its end."""

TWO = {"what": "left", "found": "left"}

STYLES = {"holds": "green", "refuted": "red", "inconclusive": "yellow"}


def table(title: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> Table:
    """Make a table; ``columns`` maps each header to ``left`` or ``right``."""
    made = Table(
        title=Text(title, "bold"), title_justify="left", title_style="", header_style="bold"
    )
    for header, side in columns.items():
        made.add_column(Text(header), justify=side)  # type: ignore[arg-type]
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made


def long_table(
    title: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    line: Callable[[Mapping[str, Any]], Sequence[Any]],
) -> Table:
    """Make a table of the rows, or of the first and the last of many; ``line`` writes one."""
    if len(rows) <= SHOWN:
        return table(title, columns, map(line, rows))
    ends = (*map(line, rows[:ENDS]), ("...",), *map(line, rows[-ENDS:]))
    made = table(title, columns, ends)
    made.caption = Text(f"{len(rows) - 2 * ENDS} of {len(rows)} rows left out: --json has all")
    made.caption_justify, made.caption_style = "left", ""
    return made


def number(value: float | None) -> str:
    """Write a number in six digits; a dash for none."""
    return "–" if value is None else f"{value:.6g}"


def plain(value: Any) -> str:
    """Write a number in six digits, anything else as it is."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def verdict(name: str) -> Text:
    """Write a verdict in its colour."""
    return Text(name, style=STYLES[name])


def yes_or_no(value: bool) -> Text:
    """Write yes, or no in bold."""
    return Text("yes" if value else "no", style="" if value else "bold")
