"""Reading .npz files that users give, or that a disk has damaged."""

import warnings
from pathlib import Path

import numpy as np

from theory.errors import InputError


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name.

    Raises
    ------
    InputError
        If the file cannot be read or is not a whole .npz file of plain arrays.
    """
    try:
        with Path(path).open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy parses a header, however damaged, as Python
            content = np.load(file, allow_pickle=False)
            arrays = {} if isinstance(content, np.ndarray) else dict(content)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    # zipfile, zlib and NumPy meet damaged bytes with a dozen kinds of exceptions.
    except Exception as error:
        raise InputError(
            f"{path} is not a .npz file of plain arrays, or is damaged "
            f"({error or type(error).__name__}): write it anew."
        ) from None
    if isinstance(content, np.ndarray):
        raise InputError(
            f"{path} holds one array, as numpy.save writes it: write a .npz file with numpy.savez."
        )
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InputError(
                f"{path} holds {name!r}, which is not an array: write a .npz file with numpy.savez."
            )
    return arrays
