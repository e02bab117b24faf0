"""Draw a reproduction's figures again from what it archived, without simulating."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from figures import engine_speed, style
from figures.falsifier_trail import LOOKS
from figures.style import STYLES, Style
from simulators.files import staged
from theory.errors import InputError, unknown
from theory.theorem1 import VARIANTS
from verify.answers.hunt import Trail
from verify.drawing import FIGURES, draw_all, shown
from verify.drawing.engine_speed import read, speed
from verify.drawing.trails import falsifier_trails
from verify.files import writable_folder
from verify.reproduction.folder import add, held
from verify.studies.archive import CURE, Studies, read_evidence

FOLDERS = {"paper": "figures", "slides": "slides"}
"""Where a style's figures go, in the folder of the results."""


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
        If a name is not known, or what a figure needs is not there or is damaged; no figure is
        written then.
    """
    if style_name not in STYLES:
        raise unknown("style", style_name, STYLES)
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
    listed = held(results) if out is None else set()
    beside = {
        name: find(results, _left_out if name in only else say)
        for name, find in BESIDE.items()
        if not only or name in only
    }
    folder = writable_folder(out or results / FOLDERS[style_name])
    with staged(folder) as place:
        drawn = draw_all(pictures, Studies(results), evidence, place, look, _refuse(results))
        files = [path for paths in drawn.values() for path in paths]
        for name, makers in beside.items():
            for suffix, make in makers.items():
                try:
                    files += _kept(make(look), place, name + suffix, look)
                except (ArithmeticError, IndexError, KeyError, TypeError, ValueError) as error:
                    raise _undrawable(name + suffix, results / PLACES[name], error) from error
    for name in FIGURES:
        if name not in drawn and (not only or name in only):
            say(f"{name} left out: {results} has not what it shows; {CURE}")
    if out is None:
        add(results, listed, [folder / path.name for paths in drawn.values() for path in paths])
    return [folder / path.name for path in files]


def _left_out(line: str) -> None:
    """Refuse a figure that was asked for by name and would be left out."""
    raise InputError(f"{line}.")


def _refuse(results: Path) -> Callable[[str, Exception], None]:
    """Return what refuses a figure that cannot be drawn from what the files hold."""

    def refuse(name: str, error: Exception) -> None:
        if isinstance(error, InputError):
            raise error
        study = FIGURES[name].study
        source = results / "data" / study.name if study else results / "claims.json"
        raise _undrawable(name, source, error) from error

    return refuse


def _undrawable(name: str, source: Path, error: Exception) -> InputError:
    reason = f"{type(error).__name__}: {error}"
    return InputError(f"{name} cannot be drawn from what {source} holds ({reason}): make it anew.")


Makers = dict[str, Callable[[Style], Figure]]
"""What draws a figure, by what its name ends with."""


def _speed(results: Path, say: Callable[[str], None]) -> Makers:
    path = results / PLACES["engine_speed"]
    if not path.is_file():
        say(f"engine_speed left out: no {path}; `adasam bench --out {path.parent}` makes it")
        return {}
    content = read(path)
    return {"": lambda look: engine_speed.draw(speed(content), look)}


def _trails(results: Path, say: Callable[[str], None]) -> Makers:
    """Return a figure for each variant that was searched, of as many seeds as it can show."""
    place, makers = results / PLACES["falsifier_trail"], {}
    for variant in VARIANTS:
        found = sorted(place.glob(f"falsify_{variant}_seed*_trail.npz"))[: len(LOOKS)]
        trails = {_label(path): Trail.load(path) for path in found}
        if trails:
            makers[f"_{variant}"] = partial(falsifier_trails, trails)
    if not makers:
        say(
            f"falsifier_trail left out: no trail in {place}; "
            f"`adasam falsify --variant printed --out {place}` makes one"
        )
    return makers


BESIDE = {"engine_speed": _speed, "falsifier_trail": _trails}
"""Figures of other commands' results, drawn where these are there."""

PLACES = {"engine_speed": Path("bench", "bench.json"), "falsifier_trail": Path("falsify")}
"""Where these results are, below a reproduction's folder."""


def _label(path: Path) -> str:
    variant, _, seed = path.stem.removeprefix("falsify_").removesuffix("_trail").rpartition("_seed")
    return f"{variant}, seed {seed}"


def _kept(figure: Figure, folder: Path, name: str, look: Style) -> list[Path]:
    paths = style.save(figure, folder, name, look)
    plt.close(figure)
    return paths
