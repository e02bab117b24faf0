"""From a search's trail to its figure."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from figures import falsifier_trail
from figures.style import PAPER, Style
from verify.answers.hunt import Trail
from verify.answers.instances import kinds


def falsifier_trails(trails: Mapping[str, Trail], style: Style = PAPER) -> Figure:
    """Draw the trails of searches for one bound's largest ratio, by their labels."""
    return falsifier_trail.draw(
        [
            falsifier_trail.Trail(
                label=label, ratio=trail.ratio, second=trail.second, **kinds(trail.point)
            )
            for label, trail in trails.items()
        ],
        style,
    )
