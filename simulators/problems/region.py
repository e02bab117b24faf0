"""A ball or a box around x_0, where claims may be made that hold nowhere near everywhere."""

from typing import Any

import numpy as np

from simulators.problems.reading import tensor
from theory.errors import InputError


class Region:
    """The points with ||x - x_0|| <= radius, or with |x_j - x_0j| <= half_j for every j.

    Attributes
    ----------
    centre : (d,), unit X
    kind : str
        ``"ball"`` or ``"box"``.
    size : float, or (d,) of a box, unit X
        The radius, or half the box's widths.
    """

    def __init__(self, centre: np.ndarray, kind: str, size: Any) -> None:
        self.centre, self.kind = centre, kind
        wanted = "a radius" if kind == "ball" else f"half its width, or {len(centre)} of them"
        shapes = [()] if kind == "ball" else [(), centre.shape]
        try:
            self.size = tensor(size).numpy().astype(np.float64)
        except (TypeError, ValueError, RuntimeError):
            self.size = np.array(np.nan)
        if self.size.shape not in shapes or not (self.size > 0).all() or np.isinf(self.size).any():
            raise InputError(f"{kind} = {size!r}: give {wanted}, positive and finite, unit X.")

    def __str__(self) -> str:
        size = ", ".join(f"{value:.6g}" for value in np.atleast_1d(self.size)[:6])
        more = ", ..." if self.size.size > 6 else ""
        if self.kind == "ball":
            return f"the ball of radius {size} around x_0"
        return f"the box of half-width {size}{more} around x_0"

    @property
    def spec(self) -> dict[str, Any]:
        """The argument of `custom` that makes it."""
        return {self.kind: self.size.tolist()}

    @property
    def reach(self) -> float:
        """The distance of its farthest point from x_0."""
        corner = np.broadcast_to(self.size, self.centre.shape)
        return float(self.size if self.kind == "ball" else np.linalg.norm(corner))

    def share(self, x: np.ndarray) -> np.ndarray:
        """Return how far out the points x, (..., d), are: at most 1 inside, 2 at twice the size."""
        apart = np.abs(x - self.centre) / self.size
        return np.linalg.norm(apart, axis=-1) if self.kind == "ball" else apart.max(-1)

    def inside(self, x: np.ndarray) -> np.ndarray:
        """Return the points x, (..., d), those outside moved to its surface."""
        if self.kind == "box":
            return np.clip(x, self.centre - self.size, self.centre + self.size)
        share = self.share(x)[..., None]
        return np.where(share > 1, self.centre + (x - self.centre) / np.maximum(share, 1), x)
