"""What a command writes to the terminal: tables and JSON to stdout, all else to stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints every text as it is: no markup and no emoji in it."""
    return Console(
        stderr=stderr, width=width, soft_wrap=stderr, markup=False, emoji=False, highlight=False
    )


def exclude(*given: tuple[str, bool]) -> None:
    """Refuse options of which each would leave the other unused."""
    from theory.errors import InputError

    names = [name for name, there in given if there]
    if len(names) > 1:
        raise InputError(f"{names[1]} is given beside {names[0]}: drop one of them.")


def show(*tables: Any, width: int = 200) -> None:
    """Print tables."""
    # A terminal's width if there is one; a table's own width in a file or a pipe.
    out = console(width=None if sys.stdout.isatty() else width)
    for table in tables:
        out.print(table)


def print_json(content: Any) -> None:
    """Print a result as JSON."""
    import json

    from theory.errors import InputError

    try:
        print(json.dumps(content, indent=1, allow_nan=False))
    except ValueError:
        raise InputError("a result is not finite: rescale the setting's units.") from None


def note(line: str) -> None:
    """Print a remark on stderr, so that stdout has results only."""
    console(stderr=True).print(line, style="dim")


@contextmanager
def progress() -> Iterator[Any]:
    """Show a progress bar for each simulation, on stderr; yield the callback."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars: dict[str, Any] = {}
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    ) as progress:

        def report(name: str, done: int, every: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name)
            progress.update(bars[name], completed=done, total=every, visible=done < every)

        yield report
