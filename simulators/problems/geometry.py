"""Where a problem's coordinates lie: starts, curvatures and rotations."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulators import noise
from theory.errors import InputError, nearest

LARGEST_ROTATED = 256
"""Largest d of a rotated problem: each gradient costs d^2."""

STARTS = ("minimiser", "plateau")
"""Starts that have a name."""


def start_point(start: Any, d: int, plateau: np.ndarray) -> np.ndarray:
    """Return x_0, (d,) and read-only, unit X.

    Parameters
    ----------
    start : float, sequence of d floats or str
        A number stands for every coordinate; ``"minimiser"`` is 0, ``"plateau"`` is ``plateau``.
    d : int
    plateau : (d,), unit X
    """
    if isinstance(start, str):
        if start not in STARTS:
            near = nearest(start, STARTS)
            raise InputError(
                f"start = {start!r} is not a number, a list of {d} numbers, or one of "
                f"{', '.join(STARTS)}" + (f": did you mean {near!r}?" if near else ".")
            )
        x0 = plateau if start == "plateau" else np.zeros(d)
    else:
        x0 = numbers("start", start, d) + 0.0  # -0.0 is 0
    x0 = np.broadcast_to(x0, (d,)).copy()
    x0.setflags(write=False)
    return x0


def curvatures(L: float, d: int, condition: Any, given: Any) -> np.ndarray | None:
    """Return each coordinate's largest curvature, (d,), unit F/X^2; None if all are L.

    Parameters
    ----------
    L : float, unit F/X^2
    d : int
    condition : float or None
        L over the least of them; the others are spaced evenly in their logarithms.
    given : sequence of d floats or None, unit F/X^2
        All of them; the largest must be L.
    """
    if condition is not None and given is not None:
        raise InputError("condition and curvatures are both given: drop one of them.")
    if given is not None:
        values = numbers("curvatures", given, d)
        if not ((values > 0).all() and values.max() == L):
            raise InputError(
                f"curvatures range from {values.min():.6g} to {values.max():.6g}: all must be "
                f"positive and the largest must be L = {L:.6g}."
            )
        return None if (values == L).all() else np.broadcast_to(values, (d,)).copy()
    if condition is None or condition == 1:
        return None
    value = float(numbers("condition", condition, 0))
    if value < 1:
        raise InputError(f"condition = {value:.6g} is below 1, the least L/L_min: raise it.")
    if d == 1:
        raise InputError(f"condition = {value:.6g} needs at least d = 2 coordinates.")
    return L * value ** -(np.arange(d) / (d - 1))


def rotation_matrix(seed: Any, d: int) -> np.ndarray:
    """Return an orthogonal matrix Q, (d, d), uniformly distributed (Haar), drawn from ``seed``.

    Normals come from the noise contract's Philox words of purpose "problem" by Box and Muller;
    Q is the orthogonal factor of their matrix, with the signs that make it unique.
    """
    if isinstance(seed, bool) or seed != int(seed) or seed < 0:
        raise InputError(f"rotation = {seed!r} is no seed: give a whole number from 0.")
    if d > LARGEST_ROTATED:
        raise InputError(
            f"d = {d} exceeds {LARGEST_ROTATED}, the most that is rotated: each gradient costs "
            "d^2. Lower d or drop rotation."
        )
    low, high = noise.cell_key(int(seed), None)
    block, column = np.arange((d + 3) // 4)[:, None], np.arange(d)[None, :]
    zero = np.zeros((1, 1), dtype=np.int64)
    counter = (block, column, zero, zero + noise.stream("problem"))
    words = noise.philox(counter, (zero + low, zero + high))
    size, turn = ((np.stack(words[i::2]) + 0.5) / 2**32 for i in (0, 1))
    radius, angle = np.sqrt(-2 * np.log(size)), 2 * np.pi * turn
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    Q, R = np.linalg.qr(normal.reshape(-1, d)[:d])
    return Q * np.sign(np.diag(R))


def numbers(name: str, value: float | Sequence[float], d: int) -> np.ndarray:
    """Return finite numbers, of shape () or (d,)."""
    many = f"one number or a list of d = {d}" if d else "one number"
    try:
        out = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} = {value!r} is not a number: give {many}.") from None
    if out.shape not in ((), (d,)):
        raise InputError(f"{name} has shape {out.shape}: give {many}.")
    if not np.isfinite(out).all():
        raise InputError(f"{name} = {out[~np.isfinite(out)].flat[0]} is not finite.")
    return out
