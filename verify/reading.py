"""Reading the JSON files that commands leave for each other: checked, or refused by name."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from theory.errors import InputError

T = TypeVar("T")


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
