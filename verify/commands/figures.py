"""`adasam figures`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import folder_option
from verify.commands.terminal import note


def figures(
    results: Annotated[Path, folder_option("Folder that `adasam reproduce` wrote.")] = Path(
        "results"
    ),
    style: Annotated[str, typer.Option(help="paper or slides.")] = "paper",
    out: Annotated[
        Path | None,
        folder_option("Folder for them; figures or slides among the results by default."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A figure; may be repeated.")
    ] = None,
) -> None:
    """Draw all figures anew from a reproduction's data, without simulating.

    In the style paper they are those of the reproduction, byte for byte; in the style slides they
    are 16:9 in large type. The figures of `bench` and `falsify` are drawn too, from results/bench
    and results/falsify.
    """
    from verify.reproduction.redraw import redraw

    files = redraw(results, style_name=style, out=out, only=only or (), say=note)
    for path in files:
        print(path)
