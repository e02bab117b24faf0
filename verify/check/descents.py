"""Descents to low values of f, from several starts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from verify.check.measures import Measures

MOST_STEPS = 200
"""Of one descent."""

NODES = (32, 64)
"""Of the rules by which a fall of f is integrated where only its gradient is given."""

ENDS = 3
"""How many of the ends searches take as centres, the lowest first."""


@dataclass(frozen=True)
class Descents:
    """Where descents ended.

    Attributes
    ----------
    known : bool
        Whether f is given, and not only its gradient.
    drop : callable
        From points (P, d) to f(x_0) - f, (P,), unit F; 0 where that is not finite.
    ends : (E, d), unit X
        The lowest.
    at : (d,), unit X
        The lowest of all, x_0 among them.
    least : float, unit F
        f there; nan if f is not known.
    error : float, unit F
        Of the drop there, where it is integrated.
    evaluations : int
    """

    known: bool
    drop: Callable[[np.ndarray], np.ndarray]
    ends: np.ndarray
    at: np.ndarray
    least: float
    error: float
    evaluations: int


def descend(measures: Measures, starts: np.ndarray) -> Descents:
    """Descend from each start, (S, d): by L-BFGS, or without f by its gradient's direction."""
    problem = measures.problem
    known = bool(np.isfinite(problem.at_x0))

    def drop(x: np.ndarray) -> np.ndarray:
        if known:
            return np.nan_to_num(problem.at_x0 - problem.objective(x), nan=0.0)
        return np.array([_fall(problem.gradient, problem.x0, point, NODES[1]) for point in x])

    if known:
        ended = [_minimise(measures, start) for start in starts]
        ends = np.stack([x for x, _ in ended])
        evaluations = sum(count for _, count in ended)
    else:
        ends, evaluations = _follow(measures, starts), MOST_STEPS * len(starts)
    ends = np.unique(ends[np.isfinite(ends).all(1)], axis=0).reshape(-1, problem.d)
    falls = drop(ends)
    order = np.argsort(-falls, kind="stable")
    at, least, error = problem.x0, problem.at_x0, 0.0
    if len(order) and falls[order[0]] > 0:
        at = ends[order[0]]
        least = problem.at_x0 - float(falls[order[0]])
        if not known:
            coarse, fine = (_fall(problem.gradient, problem.x0, at, n) for n in NODES)
            error = abs(coarse - fine)
    return Descents(known, drop, ends[order][:ENDS], at, least, error, evaluations)


def _minimise(measures: Measures, start: np.ndarray) -> tuple[np.ndarray, int]:
    """Return where L-BFGS ends, within the claims' region, and how often it asked."""
    problem, region = measures.problem, measures.region
    bounds = None
    there = back = lambda z: z

    def pulled(g: np.ndarray, z: np.ndarray) -> np.ndarray:
        return g

    if region is not None and region.kind == "box":
        bounds = np.stack([region.centre - region.size, region.centre + region.size], axis=1)
    elif region is not None:  # z goes to x_0 + r z/sqrt(1 + |z|^2), and never leaves the ball
        r, x0 = float(region.size), region.centre

        def there(z: np.ndarray) -> np.ndarray:
            return x0 + r * z / np.sqrt(1 + z @ z)

        def back(z: np.ndarray) -> np.ndarray:
            share = 0.999 * (z - x0) / r
            return share / np.sqrt(1 - share @ share)

        def pulled(g: np.ndarray, z: np.ndarray) -> np.ndarray:
            s = np.sqrt(1 + z @ z)
            return r * (g / s - z * (z @ g) / s**3)

    def both(z: np.ndarray) -> tuple[float, np.ndarray]:
        x = there(z)[None, :]
        value, slope = float(problem.objective(x)[0]), problem.gradient(x)[0]
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e300, np.zeros_like(z)
        return value, pulled(slope, z)

    ended = minimize(both, back(start), jac=True, method="L-BFGS-B", bounds=bounds,
                     options={"maxiter": MOST_STEPS})  # fmt: skip
    return measures.inside(there(ended.x)), int(ended.nfev)


def _follow(measures: Measures, x: np.ndarray) -> np.ndarray:
    """Return where steps against the gradient end, whose lengths shrink from far to near."""
    problem = measures.problem
    first = max(1.0, problem.G / problem.L, float(np.abs(problem.x0).max()))
    for step in np.geomspace(first, 1e-6 * first, MOST_STEPS):
        g = problem.gradient(x)
        norm = np.linalg.norm(g, axis=1, keepdims=True)
        way = np.where(np.isfinite(norm) & (norm > 0), g / np.where(norm > 0, norm, 1), 0.0)
        x = measures.inside(x - step * way)
    return x


def _fall(
    gradient: Callable[[np.ndarray], np.ndarray], x0: np.ndarray, x: np.ndarray, nodes: int
) -> float:
    """Return f(x_0) - f(x), integrated along the segment by Gauss and Legendre."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    points = x0 + ((places + 1) / 2)[:, None] * (x - x0)
    found = -float(weights @ (gradient(points) @ (x - x0))) / 2
    return found if np.isfinite(found) else 0.0
