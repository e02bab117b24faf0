"""The one exception a caller's bad input raises, and the words for a name that is not known."""

import difflib
from collections.abc import Iterable
from typing import Any


class InputError(ValueError):
    """A value the toolkit cannot work with; the message states the value, the limit and the cure.

    The command line turns it into one line on stderr and exit code 2.
    """


def unknown(name: str, value: Any, known: Iterable[str]) -> InputError:
    """Return the error of a value that is none of ``known``, with the nearest of them."""
    known = list(known)
    near = nearest(value, known)
    cure = f"did you mean {near!r}? Use" if near else "use"
    return InputError(f"{name} = {value!r} is not known: {cure} {', '.join(known)}.")


def nearest(value: Any, known: Iterable[str]) -> str | None:
    """Return the known name that a value is most like, whatever the case; None if none is."""
    by_small = {name.lower(): name for name in known}
    found = difflib.get_close_matches(str(value).lower(), by_small, n=1)
    return by_small[found[0]] if found else None
