"""Whether a figure's texts can be read: none lies over another, none is cut."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK = 1.0
"""Pixels by which boxes may touch: a box has a margin that its letters do not fill."""


@pytest.fixture
def faults() -> Callable[[Figure], list[str]]:
    """Return the function that says what of a figure cannot be read."""
    return _faults


def _faults(figure: Figure) -> list[str]:
    """Return what cannot be read, in words; nothing where all is well."""
    shown = _drawn(figure)
    outlines = [_outline(text) for text in shown]
    width, height = figure.canvas.get_width_height()
    found = []
    for number, (text, outline) in enumerate(zip(shown, outlines, strict=True)):
        low, high = outline.min(0), outline.max(0)
        if (low < -SLACK).any() or (high > np.array([width, height]) + SLACK).any():
            found.append(f"{text.get_text()!r} is cut at the figure's edge")
        for other, another in zip(shown[number + 1 :], outlines[number + 1 :], strict=True):
            if _meet(outline, another):
                found.append(f"{text.get_text()!r} and {other.get_text()!r} overlap")
    return found


def _drawn(figure: Figure) -> list[Text]:
    """Return the texts that drawing the figure really draws."""
    seen: dict[int, Text] = {}
    figure.draw_without_rendering()  # settles the layout, and with it the ticks
    figure.set_layout_engine("none")
    with _watched(seen):
        figure.canvas.draw()
    return list(seen.values())


@contextmanager
def _watched(seen: dict[int, Text]) -> Iterator[None]:
    draw = Text.draw

    def noted(self, renderer, *rest):
        if self.get_visible() and self.get_text().strip():
            seen[id(self)] = self
        return draw(self, renderer, *rest)

    Text.draw = noted
    try:
        yield
    finally:
        Text.draw = draw


def _outline(text: Text) -> np.ndarray:
    """Return the corners of a text's box, (4, 2), in pixels."""
    box = text.get_window_extent()
    centre = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    angle = text.get_rotation()
    text.set_rotation(0)
    flat = text.get_window_extent()
    text.set_rotation(angle)
    half = np.array([flat.width, flat.height]) / 2
    corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return centre + corners @ np.array([[cos, sin], [-sin, cos]])


def _meet(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes overlap by more than the slack: no line along a side parts them."""
    for corners in (one, other):
        for side in (corners[1] - corners[0], corners[2] - corners[1]):
            along = side / max(float(np.linalg.norm(side)), 1e-9)
            first, second = one @ along, other @ along
            if min(first.max(), second.max()) - max(first.min(), second.min()) <= SLACK:
                return False
    return True
