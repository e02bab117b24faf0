"""`adasam doctor`."""

import typer

from verify.commands.terminal import show


def doctor() -> None:
    """Say what is installed, on which device runs will go, and what may be in the way."""
    from verify.answers.doctor import examine
    from verify.commands import tables

    facts, problems = examine()
    show(tables.facts(facts))
    for problem in problems:
        print(f"problem: {problem}")
    if problems:
        raise typer.Exit(1)
