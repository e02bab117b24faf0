"""The finite sum of the paper's problem (2): logistic loss and a non-convex regulariser.

f(x) = (1/N) sum_i log(1 + exp(-y_i a_i.x)) + alpha sum_j x_j^2/(1 + x_j^2)

With c_i = y_i a_i and the factor w_i = 1/(1 + exp(c_i.x)), which lies in (0, 1), sample i's
gradient is -w_i c_i + alpha r'(x), r(x) = x^2/(1 + x^2), and the data enter by the c_i alone.

What is certified, from the data:

* L = max_i ||a_i||^2/4 + 2 alpha. A sample's Hessian is w_i (1 - w_i) c_i c_i^T + alpha diag(r''),
  w (1 - w) <= 1/4 and -1/2 <= r'' <= 2; at x = 0 both are attained.
* G = max |a_ij| + alpha sup |r'|, sup |r'| = 3 sqrt(3)/8 at x_j^2 = 1/3. Approached where row i
  has another entry that can send w_i to 1, x_j staying where it is.
* sigma^2: the noise is -w_i c_i less its mean. A variance is at most the mean squared distance to
  any point; to the point -q it is the mean of ||w_i c_i - q||^2, convex in w_i, so at most the mean
  of max(||q||^2, ||c_i - q||^2). We take q along the mean of the c_i, at the best place.
* G_f: -w_i c_ij averages to between minus the mean of the positive parts of c_ij and the mean of
  the negative ones.
* f*: log(1 + exp(-z)) >= H(p) - p z for p in [0, 1], H the entropy in nats. For p with
  sum_i p_i c_i = 0 the mean of H(p_i) is below every value of f.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import entr, expit

from simulators import noise
from simulators.problems import data as datasets
from simulators.problems.certificate import Certificate, Constant
from simulators.problems.datafile import read
from simulators.problems.geometry import numbers
from theory.errors import InputError
from theory.setting import ROUNDING

STEEPEST = 3 * math.sqrt(3) / 8
"""sup |r'|."""

LARGEST_START = 1e100
"""Largest |coordinate| of x_0."""

LARGEST_ALPHA = 1e100
"""Largest weight of the regulariser."""

PIECE = 2**16
"""Entries of C that a point meets at once."""


class FiniteSum:
    """A certified finite sum; see the module's text.

    Parameters
    ----------
    A : (N, d) array, unit 1/X
        Features.
    y : (N,) array
        Labels: -1 and 1, or 0 and 1.
    alpha : float, unit F
        Weight of the regulariser.
    start : float or sequence of d floats, unit X
        x_0; a number stands for every coordinate.

    Raises
    ------
    InputError
        If an argument is malformed.

    Attributes
    ----------
    C : (N, d) float64, read-only
        y_i a_i.
    read_from : dict or None
        Of data from a file: its ``file``, ``N``, ``d``, where the ``label`` stands, how many labels
        are ``positive``, and the least and the largest of the ``features``.
    """

    C: np.ndarray
    x0: np.ndarray
    read_from: dict[str, Any] | None = None
    uniforms = 0

    def __init__(
        self,
        A: Any,
        y: Any,
        *,
        alpha: float,
        start: float | Sequence[float] = 0.0,
        source: dict[str, Any] | None = None,
    ) -> None:
        A, y = datasets.checked(A, y, "data")
        self.alpha = float(numbers("alpha", alpha, 0)) + 0.0
        if self.alpha < 0:
            raise InputError(f"alpha = {self.alpha:g} is negative: give zero or a positive number.")
        if self.alpha > LARGEST_ALPHA:
            raise InputError(
                f"alpha = {self.alpha:g} is beyond {LARGEST_ALPHA:g}, where squares end: lower it."
            )
        self.N, self.d = A.shape
        if isinstance(start, str):
            raise InputError(f"start = {start!r}: give a number or a list of d = {self.d}.")
        self.x0 = np.broadcast_to(numbers("start", start, self.d) + 0.0, (self.d,)).copy()
        if np.abs(self.x0).max() > LARGEST_START:
            farthest = self.x0[np.abs(self.x0).argmax()]
            raise InputError(
                f"start = {farthest:g} is beyond {LARGEST_START:g}, where squares end: lower it."
            )
        self.C = A * y[:, None] + 0.0
        self.C.setflags(write=False)
        self.x0.setflags(write=False)
        self._source = source or {"sha256": datasets.digest(A, y)}

    @classmethod
    def synthetic(
        cls,
        N: int,
        d: int,
        *,
        alpha: float,
        seed: int,
        condition: float = 1.0,
        scale: float = 1.0,
        flip: float = 0.1,
        start: float | Sequence[float] = 0.0,
    ) -> "FiniteSum":
        """Return a problem with drawn data; see `simulators.problems.data.synthetic`.

        Parameters
        ----------
        N, d, seed : int
        condition : float
            Ratio of the features' largest to their least variance.
        scale : float, unit 1/X
            Largest standard deviation of the features.
        flip : float
            Probability that a label contradicts the linear rule behind it: above 0, many samples
            cannot be separated.
        alpha, start
            As for `FiniteSum`.
        """
        N, d = _whole("N", N, 1, noise.LARGEST_N), _whole("d", d, 1, 2**32 - 1)
        seed = _whole("seed", seed, 0, None)
        condition = float(numbers("condition", condition, 0))
        scale, flip = float(numbers("scale", scale, 0)), float(numbers("flip", flip, 0))
        if condition < 1:
            raise InputError(f"condition = {condition:g} is below 1, the least ratio: raise it.")
        if condition > 1 and d == 1:
            raise InputError(f"condition = {condition:g} needs at least d = 2 coordinates.")
        if not 0 < scale <= 1e50:
            raise InputError(f"scale = {scale:g} is outside 0 < scale <= 1e50: give one inside.")
        if not 0 <= flip <= 0.5:
            raise InputError(f"flip = {flip:g} is outside 0 <= flip <= 0.5: give one inside.")
        source = {"N": N, "d": d, "seed": seed}
        given = {"condition": (condition, 1.0), "scale": (scale, 1.0), "flip": (flip, 0.1)}
        source |= {name: value for name, (value, usual) in given.items() if value != usual}
        A, y = datasets.synthetic(N, d, seed, condition, scale, flip)
        return cls(A, y, alpha=alpha, start=start, source=source)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        alpha: float,
        start: float | Sequence[float] = 0.0,
        sha256: str | None = None,
    ) -> "FiniteSum":
        """Return a problem with the data of a file; see `simulators.problems.datafile.read`.

        ``sha256`` is what the data should have, where that is known.
        """
        table = read(path)
        problem = cls(table.A, table.y, alpha=alpha, start=start)
        problem.read_from = {
            "file": str(path),
            "N": problem.N,
            "d": problem.d,
            "label": table.label,
            "positive": int((table.y > 0).sum()),
            "features": [float(table.A.min()), float(table.A.max())],
        }
        found = problem._source["sha256"]
        if sha256 is not None and sha256 != found:
            raise InputError(
                f"data = {path} has sha256 = {found}, not {sha256}: these are other data. Give the "
                "right file, or drop sha256."
            )
        return problem

    def __repr__(self) -> str:
        return f"FiniteSum({self.spec})"

    @property
    def spec(self) -> dict[str, Any]:
        """What makes this problem, canonical; the noise key comes from it. Data from a file or an
        array stand as the SHA-256 of their numbers.
        """
        same = bool(np.all(self.x0 == self.x0[0]))
        start = float(self.x0[0]) if same else [float(x) for x in self.x0]
        return {"kind": "finite_sum", **self._source, "alpha": self.alpha, "start": start}

    @property
    def L(self) -> float:
        """Lipschitz constant of every sample's gradient, unit F/X^2."""
        return self.certificate.L.value

    @property
    def sigma(self) -> float:
        """Bound on the root of the samples' variance, unit F/X."""
        return self.certificate.sigma.value

    @property
    def G(self) -> float:
        """Bound on the coordinates of the samples' gradients, unit F/X."""
        return self.certificate.G.value

    @cached_property
    def certificate(self) -> Certificate:
        """The problem's constants with their standing and method."""
        size = np.abs(self.C)
        G = float(size.max()) + self.alpha * STEEPEST
        rows = np.unique(np.nonzero(size == size.max())[0])
        free = self.alpha == 0 or bool(((size[rows] > 0).sum(1) > 1).any())
        sigma, sigma_method = self._sigma()
        least, f_method = self._least_value()
        gap = max(float(self.objective(self.x0[None, :], np)[0]) - least, 0.0)
        return Certificate(
            L=Constant(
                float((self.C**2).sum(1).max()) / 4 + 2 * self.alpha,
                "exact",
                "max ||a_i||^2/4 + 2 alpha, a sample's curvature at 0",
            ),
            sigma=Constant(sigma, "upper_bound", sigma_method),
            G=Constant(
                G,
                "exact" if free else "upper_bound",
                "max |a_ij| + alpha 3 sqrt(3)/8: loss and regulariser at their steepest",
            ),
            G_f=Constant(
                float(self._slopes.max()),
                "upper_bound",
                "largest mean of y_i a_ij's positive or negative parts + alpha 3 sqrt(3)/8",
            ),
            d=self.d,
            f_star=Constant(least, "lower_bound", f_method),
            Delta=Constant(gap, "upper_bound", "f(x_0) less the lower bound on f*"),
        )

    @cached_property
    def _slopes(self) -> np.ndarray:
        """A bound on each coordinate of the true gradient, (d,)."""
        positive, negative = np.maximum(self.C, 0).mean(0), np.maximum(-self.C, 0).mean(0)
        return np.maximum(positive, negative) + self.alpha * STEEPEST

    @cached_property
    def largest_grad_norm2(self) -> float:
        """A bound on ||grad f||^2, unit F^2/X^2: at most d G_f^2."""
        return float((self._slopes**2).sum())

    def _sigma(self) -> tuple[float, str]:
        centre = self.C.mean(0)
        square, along, length2 = (self.C**2).sum(1), self.C @ centre, float(centre @ centre)

        def bound(share: float) -> float:
            at_0 = share**2 * length2
            return float(np.maximum(at_0, square - 2 * share * along + at_0).mean())

        found = minimize_scalar(bound, bounds=(0.0, 1.0), method="bounded")
        value = min(bound(0.0), bound(0.5), float(found.fun))
        return math.sqrt(value), "mean squared distance to the best centre along mean y_i a_i"

    def _least_value(self) -> tuple[float, str]:
        """A lower bound on f: the mean entropy of a feasible p, 0 where none is found."""

        def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
            z = self.C @ x
            return float(np.logaddexp(0, -z).mean()), -(expit(-z) @ self.C) / self.N

        found = minimize(
            loss, np.zeros(self.d), jac=True, method="L-BFGS-B",
            options={"maxiter": 1000, "gtol": 1e-10, "ftol": 1e-15},
        )  # fmt: skip
        p = expit(-(self.C @ found.x))
        # The nearest p with sum p_i c_i = 0; twice, so that what rounding left goes too.
        for _ in range(2):
            p = p - self.C @ np.linalg.lstsq(self.C.T @ self.C, p @ self.C, rcond=None)[0]
        balanced = np.abs(p @ self.C) <= ROUNDING * np.abs(self.C).sum(0)
        if not (balanced.all() and (p >= 0).all() and (p <= 1).all()):
            return 0.0, "every term is at least 0"
        value = float((entr(p) + entr(1 - p)).mean())
        return value, "mean entropy at a feasible point of the logistic part's dual, to rounding"

    def objective(self, x: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return f(x), unit F, of the rows of x, (R, d) float64; NumPy alone."""
        loss = np.zeros(len(x))
        for piece in self._pieces(self.N):
            loss += np.logaddexp(0, -_products(self.C[piece][None], x)).sum(1)
        return loss / self.N + self.alpha * (x**2 / (1 + x**2)).sum(-1)

    def gradient(self, x: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return grad f(x), unit F/X, of the rows of x, (R, d); NumPy alone."""
        total = np.zeros_like(x)
        for piece in self._pieces(self.N):
            total += _descent(self.C[piece][None], x)
        return self._pull(x) - total / self.N

    def batch_gradient(self, x: np.ndarray, batch: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return the mini-batch gradient at x; NumPy alone.

        Parameters
        ----------
        x : (R, d), unit X
        batch : (R, b) whole numbers in [0, N)
            Each row's samples.

        Returns
        -------
        (R, d), unit F/X
        """
        total = np.zeros_like(x)
        for piece in self._pieces(batch.shape[1]):
            total += _descent(self.C[batch[:, piece]], x)
        return self._pull(x) - total / batch.shape[1]

    def _pull(self, x: np.ndarray) -> np.ndarray:
        """Return the regulariser's gradient."""
        low = 1 + x**2
        return 2 * self.alpha * x / low / low

    def _pieces(self, samples: int) -> list[slice]:
        # Of one size whatever the number of points, so that no row's sums depend on the others.
        size = max(1, PIECE // self.d)
        return [slice(first, first + size) for first in range(0, samples, size)]


def _descent(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return sum_i w_i c_i, (R, d), of the c_i in ``rows``, (R or 1, n, d)."""
    w = expit(-_products(rows, x))
    return (w[..., None] * rows).sum(1)


def _products(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return each row's scalar product with its x, (R, n), of rows (R or 1, n, d)."""
    return (rows * x[:, None, :]).sum(-1)


def _whole(name: str, value: Any, least: int, most: int | None) -> int:
    fine = isinstance(value, int | float | np.integer) and not isinstance(value, bool)
    if not fine or value != value or value in (math.inf, -math.inf) or value != int(value):
        raise InputError(f"{name} = {value!r}: give a whole number of at least {least}.")
    if value < least:
        raise InputError(f"{name} = {value!r}: give a whole number of at least {least}.")
    if most is not None and value > most:
        raise InputError(f"{name} = {value!r} exceeds {most}, the largest {name}: lower it.")
    return int(value)
