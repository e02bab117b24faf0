"""The data of a finite sum: drawn by the noise contract, checked, and known by their digest."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulators import noise
from theory.errors import InputError

LARGEST_FEATURE = 1e100
"""Largest |a_ij|: squares and sums of them must stay finite."""

MOST_ENTRIES = 2**30
"""Most entries N d of synthetic data: 8 GiB in float64."""

_FEATURES, _TEACHER, _LABELS = 1, 2, 3  # where other streams have a worker
_UNIFORMS = 2**32 - 1  # a word's largest value


def synthetic(
    N: int, d: int, seed: int, condition: float, scale: float, flip: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw data whose bits are the same on every machine, but for ``condition``'s powers.

    A feature is the sum of the four words of a Philox block, centred: bell-shaped, within
    2 sqrt(3) standard deviations. Its column's standard deviation is ``scale``
    condition^(-j/(2(d-1))). A label is the sign of the sum of the unscaled features, each with its
    own random sign, computed in integers, and turned round with probability ``flip``.

    Returns
    -------
    A : (N, d) float64
    y : (N,) float64, -1 or 1
    """
    if N * d > MOST_ENTRIES:
        raise InputError(f"N d = {N * d} exceeds {MOST_ENTRIES}, the most entries: lower N or d.")
    low, high = noise.cell_key(seed, None)
    key = (np.int64(low), np.int64(high))
    zero = np.zeros((1, 1), dtype=np.int64)
    column = np.arange(d, dtype=np.int64)[None, :]
    teacher = noise.philox((zero, column, zero, zero + noise.stream("problem", _TEACHER)), key)[0]
    sign = 1 - 2 * (teacher[0] >> 31)
    sums = np.empty((N, d), dtype=np.int64)
    for first in range(0, N, 2**14):
        row = np.arange(first, min(first + 2**14, N), dtype=np.int64)[:, None]
        counter = (row, column, zero, zero + noise.stream("problem", _FEATURES))
        sums[first : first + 2**14] = sum(noise.philox(counter, key)) - 2 * _UNIFORMS
    row = np.arange(N, dtype=np.int64)[:, None]
    word = noise.philox((row, zero, zero, zero + noise.stream("problem", _LABELS)), key)[0][:, 0]
    y = np.where((sums * sign).sum(1) >= 0, 1.0, -1.0)
    y[word < flip * 2**32] *= -1
    spread = np.full(d, scale * 3**0.5 / 2**32)  # four uniforms have the variance 1/3
    if condition != 1:
        spread *= condition ** (-np.arange(d) / (2 * (d - 1)))
    return sums * spread, y


def checked(
    A: Any, y: Any, name: str, lines: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return A, (N, d), and y, (N,) of -1 and 1, in float64 and C order.

    ``name`` says in errors what they are, and ``lines``, (N,), in which line each sample stands.
    """

    def where(row: Any) -> str:
        return f"sample {row}" if lines is None else f"line {lines[row]}"

    A, y = _doubles(A, name), _doubles(y, name)
    if A.ndim != 2 or A.size == 0:
        raise InputError(f"{name}: A has the shape {A.shape}; give (N, d), N and d at least 1.")
    if y.shape not in ((len(A),), (len(A), 1)):
        raise InputError(f"{name}: y has the shape {y.shape}; give a label a row, ({len(A)},).")
    y = y.reshape(-1)
    _check_N(len(A))
    fine = np.abs(A) <= LARGEST_FEATURE
    if not fine.all():
        row, column = np.argwhere(~fine)[0]
        raise InputError(
            f"{name}: feature {column} of {where(row)} is {A[row, column]:g}; give finite numbers "
            f"up to {LARGEST_FEATURE:g}."
        )
    if not A.any():
        raise InputError(f"{name}: every feature is 0; there is nothing to fit.")
    if np.isin(y, (0.0, 1.0)).all() and (y == 0).any():
        y = 2 * y - 1
    wrong = ~np.isin(y, (-1.0, 1.0))
    if wrong.any():
        raise InputError(
            f"{name}: the label of {where(np.argmax(wrong))} is {y[wrong][0]:g}; give -1 and 1, or "
            "0 and 1."
        )
    return A + 0.0, y + 0.0


def _doubles(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
        if array.dtype.kind in "cmMV":  # complex numbers, times, records
            raise TypeError
        with np.errstate(over="ignore"):  # an infinity is refused by its place
            return np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: A and y must be arrays of numbers.") from None


def _check_N(N: int) -> None:
    if N > noise.LARGEST_N:
        raise InputError(f"N = {N} exceeds 2^31, the samples the noise can draw from: lower N.")


def digest(A: np.ndarray, y: np.ndarray) -> str:
    """Return the SHA-256 of the data: of N and d, then A and y as little-endian doubles."""
    hashed = hashlib.sha256(np.array(A.shape, dtype="<i8").tobytes())
    for array in (A, y):
        hashed.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return hashed.hexdigest()
