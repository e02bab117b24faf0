"""Writing files whole or not at all."""

import os
import tempfile
from pathlib import Path

from theory.errors import InputError


def write(path: Path, content: str) -> None:
    """Write a text file; an interruption leaves the old one, or none."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def writable_folder(path: Path) -> Path:
    """Make a folder if need be, and see that it can be written to.

    Raises
    ------
    InputError
        If it cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise InputError(
            f"{path} cannot be written to ({error.strerror}): choose another --out."
        ) from None
