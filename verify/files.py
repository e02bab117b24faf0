"""Text files and folders for results."""

import tempfile
from pathlib import Path

from simulators.files import whole
from theory.errors import InputError


def write(path: Path, content: str) -> None:
    """Write a text file, whole or not at all."""
    with whole(path) as file:
        file.write(content.encode())


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
