"""Errors of a user's functions: their cause in words, and a cure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from theory.errors import InputError

_INDEX = (
    "in place of x[i] with i from the sample, write torch.index_select(x, 0, i.view(1))[0], "
    "torch.gather(x, 0, i.view(1))[0] or torch.nn.functional.embedding(i, x); in place of "
    "t.item(), int(t), float(t) or `if t`, keep t a tensor and use torch.where"
)
_OTHER = "write t.to(x) for a tensor t that is elsewhere than x, or of another dtype"

CURES = (
    ("same device", _OTHER),
    ("expected device", _OTHER),
    ("dtype", _OTHER),
    ("calling .item()", _INDEX),
    ("data-dependent", "write torch.where for an `if` on numbers: many points go at once"),
    ("dynamic shape", "write torch.where(mask, t, 0) for t[mask]: shapes must not vary"),
    ("data pointer", "stay in torch: .numpy() and .tolist() take the numbers out of it"),
    ("inplace", "make a new tensor by torch.stack or torch.cat in place of z[0] = ..."),
    ("does not require grad", "write torch.func.grad(f)(x) for torch.autograd.grad(f(x), x)"),
    ("randomness", "take all noise from the sample: noise=k gives k uniform numbers"),
)  # fmt: skip
"""What to do about an error, by a word in its message; the first that fits counts."""

FALLBACK = "call it on x0 and the first sample, and see"


@contextmanager
def blamed(name: str, dtype: Any, how: str = "") -> Iterator[None]:
    """Turn an error of the user's functions into an `InputError` that has it as its cause.

    ``how`` says in what way they were called, where that is not plain.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        text = " ".join(str(error).split()) or "no message"
        cure = next((cure for word, cure in CURES if word in text), FALLBACK)
        short = text if len(text) < 200 else text[:200] + "..."
        raise InputError(
            f"a function of {name} fails in {str(dtype).removeprefix('torch.')}{how}: "
            f"{type(error).__name__}: {short} Cure: {cure}."
        ) from error
