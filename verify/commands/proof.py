"""`adasam proof`."""

from typing import Annotated

import typer

from verify.commands.options import Json
from verify.commands.terminal import exclude, print_json, show


def proof(
    part: Annotated[str, typer.Option(help="paper, sharp or all.")] = "all",
    latex: Annotated[
        bool, typer.Option(help="Print the body of a LaTeX article instead; it needs amsmath.")
    ] = False,
    json: Json = False,
) -> None:
    """Read the proofs, step by step, each with what checks it.

    Exit code 0 if every step checks and the proofs end in the stated bounds, else 1.
    """
    from verify.commands import lecture

    exclude(("--json", json), ("--latex", latex))
    proofs = lecture.checked(lecture.chosen(part))
    if json:
        print_json(lecture.as_json(proofs))
    elif latex:
        print(lecture.as_latex(proofs.derivations))
    else:
        show(*lecture.rendered(proofs), width=100)
    if not proofs.is_right:
        raise typer.Exit(1)
