"""Search a problem for points that violate its certificate.

Everything is measured through the problem's gradients alone: no formula of the certificate is
used. A sample is a mini-batch of one. Of a separable problem it is given by which coordinates come
up heads; all 2^d of them are tried at every point, so d should be small. Of a finite sum all N are.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import differential_evolution

from simulators.problems import FiniteSum, SeparableProblem

Problem = SeparableProblem | FiniteSum
"""What is searched here; `verify.check.claimed` searches problems of users."""

REACHES = (6.0, 14.0)
"""A search near by and one far out: points have coordinates up to sinh(reach) G/L, 2e2 and 6e5."""

NEAREST = 1e-3
"""Least distance of two points, in G/L: nearer, rounding would show in their gradients."""


POPULATION = 40
"""Members of the evolution per variable."""


class Found(NamedTuple):
    """The largest value that a search came upon, and where: x, or x and y, unit X."""

    value: float
    at: list[list[float]]
    evaluations: int


def lipschitz_ratio(problem: Problem, seed: int = 0) -> Found:
    """Look for the largest ||g_xi(x) - g_xi(y)||/||x - y|| over x, y and samples xi, unit F/X^2."""
    d = problem.d

    def points(z: np.ndarray) -> list[np.ndarray]:
        x = np.sinh(z[:, :d])
        direction = z[:, d + 1 :]
        norm = np.linalg.norm(direction, axis=1, keepdims=True)
        direction = np.where(norm > 0, direction / np.where(norm > 0, norm, 1), np.eye(d)[0])
        return [x, x + np.exp(z[:, d : d + 1]) * direction]

    def ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        change = np.linalg.norm(_samples(problem, x) - _samples(problem, y), axis=2).max(0)
        return change / np.linalg.norm(x - y, axis=1)

    apart = [(np.log(NEAREST), np.log(100.0)), *([(-1.0, 1.0)] * d)]
    return _largest(problem, ratio, points, apart, seed)


def noise_variance(problem: Problem, seed: int = 0) -> Found:
    """Look for the largest E||g_xi(x) - grad f(x)||^2, unit F^2/X^2."""

    def variance(x: np.ndarray) -> np.ndarray:
        noise = _samples(problem, x) - problem.gradient(x, np)
        return (noise**2).sum(2).mean(0)

    return _at_one_point(problem, variance, seed)


def bias(problem: Problem, seed: int = 0) -> Found:
    """Look for the largest coordinate of E g_xi(x) - grad f(x), unit F/X."""

    def mean(x: np.ndarray) -> np.ndarray:
        return np.abs(_samples(problem, x).mean(0) - problem.gradient(x, np)).max(1)

    return _at_one_point(problem, mean, seed)


def largest_coordinate(problem: Problem, seed: int = 0) -> Found:
    """Look for the largest |coordinate| of a sample's gradient, unit F/X."""
    return _at_one_point(problem, lambda x: np.abs(_samples(problem, x)).max((0, 2)), seed)


def _at_one_point(problem: Problem, value: Callable[[np.ndarray], np.ndarray], seed: int) -> Found:
    return _largest(problem, value, lambda z: [np.sinh(z)], [], seed)


def _largest(
    problem: Problem,
    value: Callable[..., np.ndarray],
    points: Callable[[np.ndarray], list[np.ndarray]],
    more: list[tuple[float, float]],
    seed: int,
) -> Found:
    """Maximise ``value`` over points with d coordinates and the ranges ``more``."""
    unit = problem.G / problem.L
    ranges = [[(-reach, reach)] * problem.d + more for reach in REACHES]
    return largest(value, lambda z: [unit * place for place in points(z)], ranges, seed)


def largest(
    value: Callable[..., np.ndarray],
    points: Callable[[np.ndarray], list[np.ndarray]],
    ranges: Sequence[list[tuple[float, float]]],
    seed: int,
) -> Found:
    """Maximise a function by differential evolution.

    Parameters
    ----------
    value : callable
        From points, (P, d) each, to P values.
    points : callable
        From P rows of variables to these points.
    ranges : sequence of lists of pairs
        Each variable's range, for each search.
    seed : int
    """

    def negative(columns: np.ndarray) -> np.ndarray:
        return -value(*points(columns.T))

    found: list[Any] = [
        differential_evolution(
            negative, box, vectorized=True, updating="deferred",
            init="sobol", popsize=POPULATION,
            maxiter=60, tol=1e-10, atol=0, polish=False,
            rng=np.random.default_rng([seed, number]),
        )
        for number, box in enumerate(ranges)
    ]  # fmt: skip
    best = min(found, key=lambda result: result.fun)
    at = [place[0].tolist() for place in points(best.x[None, :])]
    size = POPULATION * len(best.x)
    return Found(float(-best.fun), at, size * sum(int(result.nfev) for result in found))


def _samples(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Return every sample's gradient at each of P points x, (2^d or N, P, d)."""
    if isinstance(problem, FiniteSum):
        each = np.repeat(np.arange(problem.N), len(x))[:, None]
        gradients = problem.batch_gradient(np.tile(x, (problem.N, 1)), each)
        return gradients.reshape(problem.N, *x.shape)
    patterns = np.array(list(itertools.product((0.0, 1.0), repeat=problem.d)))
    noise = problem.noise_from_heads(patterns, np.ones((1, 1)))
    return problem.batch_gradient(x, noise[:, None, :], np)
