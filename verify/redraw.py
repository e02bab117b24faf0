"""Draw a reproduction's figures again from what it archived, without simulating."""

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from figures import engine_speed, style
from figures.falsifier_trail import LOOKS
from figures.style import STYLES, Style
from theory.errors import InputError
from theory.theorem1 import VARIANTS
from verify.archive import CURE, Studies, read_evidence
from verify.bench.drawing import speed
from verify.drawing import FIGURES, draw_all, shown
from verify.drawing.trails import falsifier_trails
from verify.files import writable_folder
from verify.hunt import Trail

FOLDERS = {"paper": "figures", "slides": "slides"}
"""Where a style's figures go, in the folder of the results."""

BESIDE = ("engine_speed", "falsifier_trail")
"""Figures of other commands' results, drawn where these are there."""


def redraw(
    results: Path,
    *,
    style_name: str = "paper",
    out: Path | None = None,
    only: Collection[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Draw the figures of what `adasam reproduce` archived; return the files written.

    Parameters
    ----------
    results : Path
        Folder of a reproduction: claims.json, data/ and, of other commands, bench/bench.json and
        falsify/.
    style_name : str
        ``"paper"`` or ``"slides"``.
    out : Path, optional
        Folder for the figures; ``figures`` or ``slides`` among the results by default.
    only : collection of str
        Names of figures; all if empty.
    say : callable, optional
        Called with a line on each figure that is left out.

    Raises
    ------
    InputError
        If a name is not known, or what a figure needs is not there.
    """
    if style_name not in STYLES:
        raise InputError(f"style = {style_name!r} is not known: use {' or '.join(STYLES)}.")
    for name in only:
        if name not in (*FIGURES, *BESIDE):
            raise InputError(
                f"no figure is called {name!r}: there are {', '.join((*FIGURES, *BESIDE))}."
            )
    look = STYLES[style_name]
    evidence = read_evidence(results)
    there = shown(evidence)
    for name in only:
        if name in FIGURES and name not in there:
            raise InputError(f"{results} has not what {name} shows: {CURE}.")
    pictures = {name: there[name] for name in there if not only or name in only}
    studies = Studies(results)
    folder = writable_folder(out or results / FOLDERS[style_name])
    beside = []
    for name, draw in (("engine_speed", _speed), ("falsifier_trail", _trails)):
        if not only or name in only:
            beside += draw(results, folder, look, _left_out if name in only else say)
    drawn = draw_all(pictures, studies, evidence, folder, look)
    for name in FIGURES:
        if name not in drawn and (not only or name in only):
            say(f"{name} left out: {results} has not what it shows; {CURE}")
    return [path for paths in drawn.values() for path in paths] + beside


def _left_out(line: str) -> None:
    """Refuse a figure that was asked for by name and would be left out."""
    raise InputError(f"{line}.")


def _speed(results: Path, folder: Path, look: Style, say: Callable[[str], None]) -> Iterable[Path]:
    path = results / "bench" / "bench.json"
    if not path.is_file():
        say(f"engine_speed left out: no {path}; `adasam bench --out {path.parent}` makes it")
        return []
    content = json.loads(path.read_text(encoding="utf-8"))
    return _kept(engine_speed.draw(speed(content), look), folder, "engine_speed", look)


def _trails(results: Path, folder: Path, look: Style, say: Callable[[str], None]) -> Iterable[Path]:
    """Draw a figure for each variant that was searched, of as many seeds as it can show."""
    place, files = results / "falsify", []
    for variant in VARIANTS:
        found = sorted(place.glob(f"falsify_{variant}_seed*_trail.npz"))[: len(LOOKS)]
        trails = {_label(path): Trail.load(path) for path in found}
        if trails:
            name = f"falsifier_trail_{variant}"
            files += _kept(falsifier_trails(trails, look), folder, name, look)
    if not files:
        say(
            f"falsifier_trail left out: no trail in {place}; "
            f"`adasam falsify --variant printed --out {place}` makes one"
        )
    return files


def _label(path: Path) -> str:
    variant, _, seed = path.stem.removeprefix("falsify_").removesuffix("_trail").rpartition("_seed")
    return f"{variant}, seed {seed}"


def _kept(figure: Figure, folder: Path, name: str, look: Style) -> list[Path]:
    paths = style.save(figure, folder, name, look)
    plt.close(figure)
    return paths
