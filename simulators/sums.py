"""Sums over the last axis in an order that depends on its length alone."""

from typing import Any


def row_sum(values: Any) -> Any:
    """Return the sums over the last axis, each in an order that no other row changes.

    NumPy's sums and torch's on a CPU are such. On a GPU torch chooses the order by the shape of
    the whole, and `by_halves` is used.
    """
    return by_halves(values) if varies(values) else values.sum(-1)


def varies(values: Any) -> bool:
    """Return whether the library's own sum of a row may depend on the other rows."""
    return getattr(values, "is_cuda", False)


def by_halves(values: Any) -> Any:
    """Return the sums over the last axis of a tensor, made of element-wise additions alone.

    The second half is added to the first until one number is left.
    """
    values, count = values.clone(), values.shape[-1]
    while count > 1:
        half = count // 2
        values[..., :half] += values[..., count - half : count]
        count -= half
    return values[..., 0]
