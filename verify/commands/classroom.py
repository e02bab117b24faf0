"""`adasam classroom`."""

from pathlib import Path
from typing import Annotated

import typer

from verify.commands.options import file_option
from verify.commands.terminal import exclude, progress


def classroom(
    out: Annotated[
        Path | None, file_option("Where the page goes, an .html file; results/classroom.html.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    measure: Annotated[
        Path | None, file_option("Measure the archived runs anew into this .json.gz file; no page.")
    ] = None,
) -> None:
    """Make one page to play with in class: sliders, the bound's terms, runs, six questions.

    It needs no network and no server: it opens from the disk in any browser of today.
    """
    from theory.errors import InputError
    from verify.classroom import grid
    from verify.files import writable_folder, write

    exclude(("--measure", measure is not None), ("--open", show))
    exclude(("--measure", measure is not None), ("--out", out is not None))
    if measure is not None:
        if not measure.name.endswith(".json.gz"):
            raise InputError(f"--measure {measure} is not a .json.gz file: name it so.")
        writable_folder(measure.parent)
        with progress() as report:
            grid.save(grid.measure(report), measure)
        print(measure)
        return
    from verify.classroom.page import page

    out = out or Path("results/classroom.html")
    if out.suffix != ".html":
        raise InputError(f"--out {out} is not a .html file: name it {out.with_suffix('.html')}.")
    writable_folder(out.parent)
    write(out, page())
    print(out)
    if show:
        import webbrowser

        webbrowser.open(out.resolve().as_uri())
