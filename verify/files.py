"""Files and folders of results: written whole, and read with a check."""

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from simulators.files import sweep, whole
from theory.errors import InputError

T = TypeVar("T")


def write(path: Path, content: str) -> None:
    """Write a text file, whole or not at all."""
    with whole(path) as file:
        file.write(content.encode())


SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""The strings that stand in a JSON file of ours for numbers that JSON has not."""


def to_json(content: Any) -> str:
    """Return content as JSON; a number that is not finite is one of the strings of `SPELLED`."""
    return json.dumps(_spelled(content), indent=1, allow_nan=False) + "\n"


def _spelled(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _spelled(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_spelled(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return "NaN" if math.isnan(content) else "Infinity" if content > 0 else "-Infinity"
    return content


def as_numbers(content: Any) -> Any:
    """Return what a JSON file of ours holds, with numbers for the strings of `SPELLED`."""
    if isinstance(content, dict):
        return {name: as_numbers(value) for name, value in content.items()}
    if isinstance(content, list):
        return [as_numbers(value) for value in content]
    return SPELLED.get(content, content) if isinstance(content, str) else content


def writable_folder(path: Path) -> Path:
    """Make a folder if need be, and see that it can be written to.

    Temporary files that a killed process left in it go.

    Raises
    ------
    InputError
        If it cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        sweep(path)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise InputError(
            f"{path} cannot be written to ({error.strerror}): choose another --out."
        ) from None


def read_json(path: Path, kind: type[T], what: str, cure: str) -> tuple[T, Any]:
    """Read a JSON file.

    Parameters
    ----------
    path : Path
    kind : type
        A msgspec Struct: what of the file is used. What it does not name may be there.
    what : str
        What the file should be, for the message: "a benchmark".
    cure : str
        What makes it anew.

    Returns
    -------
    checked : kind
    content : dict
        All that the file holds.

    Raises
    ------
    InputError
        If the file cannot be read, or does not hold what it should.
    """
    try:
        content = msgspec.json.decode(path.read_bytes())
        return msgspec.convert(content, kind), content
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {cure}.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not {what}, or is damaged ({error}): {cure}.") from None
