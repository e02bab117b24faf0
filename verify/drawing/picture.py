"""What a figure of a reproduction is, and how all are drawn from its runs and evidence."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from figures.style import Style, save
from simulators.files import whole
from verify.evidence.kind import Evidence
from verify.studies.study import Results, Study

Files = dict[str, bytes]
"""Whole files by their suffix, for what is no Matplotlib figure."""

Draw = Callable[[Results, Mapping[str, Evidence], Style], Figure | Files | None]
"""From a study's results and the claims' evidence; None where the evidence is not there."""


@dataclass(frozen=True)
class Picture:
    """A figure, a table or an animation.

    Attributes
    ----------
    draw : Draw
    caption : str
    study : Study or None
        The runs it shows, if evidence does not have it all.
    """

    draw: Draw
    caption: str
    study: Study | None = None


def draw_all(
    pictures: Mapping[str, Picture],
    studies: Mapping[str, Results],
    evidence: Mapping[str, Evidence],
    folder: Path,
    style: Style,
    failed: Callable[[str, Exception], None],
) -> dict[str, list[Path]]:
    """Draw the pictures into a folder; return each one's files, of those that were drawn.

    Parameters
    ----------
    pictures : mapping of str to Picture
        By name.
    studies : mapping of str to Results
        By the study's name.
    evidence : mapping of str to Evidence
        By the claim's id.
    folder : Path
    style : Style
    failed : callable
        Called with the name of a picture that could not be drawn, and the error.
    """
    drawn = {}
    for name, picture in pictures.items():
        try:
            results = studies[picture.study.name] if picture.study else {}
            made = picture.draw(results, evidence, style)
            if made is not None:
                drawn[name] = list(_keep(made, folder, name, style))
        except OSError:  # nothing could be written after it
            raise
        except Exception as error:
            plt.close("all")
            failed(name, error)
    return drawn


def _keep(made: Figure | Files, folder: Path, name: str, style: Style) -> Iterable[Path]:
    if isinstance(made, Figure):
        yield from save(made, folder, name, style)
        plt.close(made)
        return
    for suffix, content in made.items():
        path = folder / f"{name}.{suffix}"
        with whole(path) as file:
            file.write(content)
        yield path
