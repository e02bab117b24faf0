"""The page's sliders: what each can be set to.

Most values are preferred numbers (ISO 3), ten or twenty to a decade, so that a slider moves evenly
in the logarithm and yet shows round numbers; b has the powers of two, d and beta1 what is usual.
The page and the tests read the same lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

R20 = (
    100, 112, 125, 140, 160, 180, 200, 224, 250, 280,
    315, 355, 400, 450, 500, 560, 630, 710, 800, 900,
)  # fmt: skip
"""Twenty preferred numbers to a decade; every other one is R10."""

BETA1 = (*(k / 10 for k in range(9)), *(k / 100 for k in range(90, 100)))


@dataclass(frozen=True)
class Slider:
    """A setting of the page.

    Attributes
    ----------
    name : str
        The code's name of the quantity (`theory.symbols.QUANTITIES`).
    group : str
        Which of `GROUPS` it belongs to.
    values : tuple of float
        What it can be set to, ascending.
    start : float
        Where it stands when the page opens.
    """

    name: str
    group: str
    values: tuple[float, ...]
    start: float


def preferred(low: int, high: int, step: int = 1) -> tuple[float, ...]:
    """Return the preferred numbers from 10^low to 10^high, every ``step``-th of the twenty."""
    inside = [float(f"{m}e{k - 2}") for k in range(low, high) for m in R20[::step]]
    return (*inside, float(f"1e{high}"))


def _whole(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(value for value in values if value == int(value))


GROUPS = {
    "problem": "The problem",
    "method": "The method",
    "schedule": "The schedules of Corollary 1",
}
"""Headings of the groups of sliders."""

SLIDERS = (
    Slider("L", "problem", preferred(-2, 2), 1.0),
    Slider("sigma", "problem", preferred(-4, 2), 1.0),
    Slider("G", "problem", preferred(-2, 2), 1.0),
    Slider("d", "problem", (1, 2, 3, 4, 5, 6, 7, 8, 9, *_whole(preferred(1, 3))), 10.0),
    Slider("Delta", "problem", preferred(-6, 2), 1.0),
    Slider("eps", "method", preferred(-8, 1), 0.5),
    Slider("beta1", "method", BETA1, 0.9),
    Slider("b", "schedule", tuple(2.0**k for k in range(13)), 16.0),
    Slider("T", "schedule", preferred(2, 10), 1e6),
    Slider("c_gamma", "schedule", preferred(-9, 3, 2), 0.25),
    Slider("c_rho", "schedule", (0.0, *preferred(-2, 3, 2)), 0.1),
)  # fmt: skip
"""The eleven sliders, in the page's order."""
