"""The data of a finite sum: drawn by the noise contract, or read from a file."""

import hashlib
import warnings
import zipfile
from pathlib import Path
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


def read(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read A, (N, d), and y, (N,) of -1 and 1, from a file.

    A .npz file has the arrays ``A`` and ``y``; a .csv file has a sample a line, its label last,
    and may begin with a line of names. Labels are -1 and 1, or 0 and 1.

    Raises
    ------
    InputError
        If the file cannot be read or does not hold this.
    """
    path = Path(path)
    if path.suffix not in (".npz", ".csv"):
        raise InputError(f"data = {path} is no .npz or .csv file: convert it to one of them.")
    try:
        A, y = _from_npz(path) if path.suffix == ".npz" else _from_csv(path)
    except OSError as error:
        raise InputError(f"data = {path} cannot be read: {error.strerror or error}.") from None
    return checked(A, y, f"data = {path}")


def _from_npz(path: Path) -> tuple[Any, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in ("A", "y") if name not in archive]
            if missing:
                raise InputError(
                    f"data = {path} lacks the array {missing[0]}: save A, (N, d), and y, (N,)."
                )
            return archive["A"], archive["y"]
    except (zipfile.BadZipFile, EOFError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"data = {path} is no .npz file of numbers: save it anew.") from None


def _from_csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        text = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"data = {path} is no text: save it as UTF-8.") from None
    try:
        list(map(float, text[0].split(","))) if text else None
    except ValueError:
        text = text[1:]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file is refused below
            table = np.loadtxt(text, delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise InputError(
            f"data = {path} is no table of numbers ({error}): give a sample a line, with commas, "
            "its label last."
        ) from None
    if table.size == 0 or table.shape[1] < 2:
        raise InputError(
            f"data = {path} has the shape {table.shape}: give at least one sample a line, with "
            "commas, its label last."
        )
    return table[:, :-1], table[:, -1]


def checked(A: Any, y: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return A, (N, d), and y, (N,) of -1 and 1, in float64 and C order."""
    try:
        if not np.isrealobj(A) or not np.isrealobj(y):
            raise TypeError
        A = np.ascontiguousarray(A, dtype=np.float64)
        y = np.ascontiguousarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: A and y must be arrays of numbers.") from None
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
            f"{name}: feature {column} of sample {row} is {A[row, column]}; give finite numbers "
            f"up to {LARGEST_FEATURE:g}."
        )
    if not A.any():
        raise InputError(f"{name}: every feature is 0; there is nothing to fit.")
    if np.isin(y, (0.0, 1.0)).all() and (y == 0).any():
        y = 2 * y - 1
    wrong = ~np.isin(y, (-1.0, 1.0))
    if wrong.any():
        raise InputError(
            f"{name}: the label of sample {np.argmax(wrong)} is {y[wrong][0]:g}; give -1 and 1, or "
            "0 and 1."
        )
    return A + 0.0, y + 0.0


def _check_N(N: int) -> None:
    if N > noise.LARGEST_N:
        raise InputError(f"N = {N} exceeds 2^31, the samples the noise can draw from: lower N.")


def digest(A: np.ndarray, y: np.ndarray) -> str:
    """Return the SHA-256 of the data: of N and d, then A and y as little-endian doubles."""
    hashed = hashlib.sha256(np.array(A.shape, dtype="<i8").tobytes())
    for array in (A, y):
        hashed.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return hashed.hexdigest()
