"""Reading what users give of a custom problem: a point, data, how much noise."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simulators.noise import LARGEST_N
from theory.errors import InputError

if TYPE_CHECKING:
    import torch

LARGEST_NOISE = 512
"""Most uniform numbers of a sample: the noise contract counts a mini-batch's blocks in one word."""


def point(x0: Any) -> np.ndarray:
    """Return a start, (d,) float64, read-only."""
    try:
        out = tensor(x0).numpy().astype(np.float64) + 0.0
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"x0 = {x0!r} is no vector of numbers: give d of them.") from None
    if out.ndim != 1 or out.size == 0 or not np.isfinite(out).all():
        raise InputError(f"x0 has the shape {out.shape}: give d finite numbers, (d,).")
    out.setflags(write=False)
    return out


def uniforms(noise: int | None) -> int:
    """Return how many uniform numbers a sample is made of; 0 for none."""
    if noise is None:
        return 0
    whole = isinstance(noise, int) and not isinstance(noise, bool)
    if not whole or not 1 <= noise <= LARGEST_NOISE:
        raise InputError(f"noise = {noise!r}: give a whole number from 1 to {LARGEST_NOISE}.")
    return noise


def tensors(data: Any) -> tuple["torch.Tensor", ...]:
    """Return data as CPU tensors of one length: a tuple or list of arrays, or one array."""
    import torch

    several = isinstance(data, tuple) or (
        isinstance(data, list) and all(hasattr(item, "shape") for item in data)
    )
    arrays = []
    for number, item in enumerate(data if several else (data,)):
        try:
            array = tensor(item)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(f"data[{number}] is no array of numbers: give (N, ...).") from None
        if array.ndim == 0 or array.is_complex():
            raise InputError(f"data[{number}] is not (N, ...) real numbers.")
        wrong = ~torch.isfinite(array)
        if wrong.any():
            value, row = array[wrong][0].item(), int(wrong.nonzero()[0, 0])
            raise InputError(
                f"data[{number}] has {value:g} in row {row}: give finite numbers, or drop the row."
            )
        arrays.append(array)
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1 or not 1 <= min(lengths) <= LARGEST_N:
        raise InputError(
            f"data have {sorted(lengths) or 'no'} rows: give each array one row a sample."
        )
    return tuple(arrays)


def tensor(values: Any) -> "torch.Tensor":
    """Return numbers as a CPU tensor that no gradient belongs to."""
    import torch

    if isinstance(values, torch.Tensor):
        return values.detach().cpu()
    return torch.tensor(np.asarray(values))
