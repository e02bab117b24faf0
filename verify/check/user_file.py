"""A user's Python file: run it, take its problem, and say where it fails."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulators.problems import Custom, Problem
from theory.errors import InputError

MOST_THREADS = 256
"""More are a slip: no machine gains by them."""


@contextlib.contextmanager
def running(path: Path, threads: int = 1) -> Iterator[None]:
    """Run a user's code within this block.

    Its folder is where it imports from, float64 is torch's default, torch has so many threads
    (on small problems more of them only wait), what it prints goes to stderr, and the working
    folder it changes to is left again. An error that passed through the file becomes an
    `InputError` that names its line.
    """
    import torch

    if not 1 <= threads <= MOST_THREADS:
        raise InputError(f"threads = {threads}: give a whole number from 1 to {MOST_THREADS}.")
    usual, many = torch.get_default_dtype(), torch.get_num_threads()
    home, folder = Path.cwd(), str(path.resolve().parent)
    torch.set_num_threads(threads)
    sys.path.insert(0, folder)
    torch.set_default_dtype(torch.float64)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        where = _line(error, path)
        if where is None:
            raise
        said = str(error) if isinstance(error, InputError) else _said(error)
        raise InputError(f"{path}, line {where}: {said}") from error
    finally:
        torch.set_default_dtype(usual)
        torch.set_num_threads(many)
        os.chdir(home)
        with contextlib.suppress(ValueError):  # the file may have taken it out
            sys.path.remove(folder)


def load(path: Path) -> Custom:
    """Run a file and return its ``problem``, or what its function ``problem`` returns.

    To be called within `running`.

    Raises
    ------
    InputError
        If the file cannot be read, or defines no problem made by `simulators.custom`.
    """
    if path.suffix.lower() in (".toml", ".json"):
        raise InputError(
            f"{path} is a spec, and `adasam check` takes a Python file with problem = custom(...) "
            f"in it: `adasam simulate {path}` runs a spec, `adasam problem {path}` prints what its "
            "problem certifies."
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    names: dict[str, Any] = {"__name__": "adasam_problem", "__file__": str(path)}
    try:
        code = compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InputError(f"{path}{line}: {_said(error)}") from None
    exec(code, names)
    problem = names.get("problem")
    if callable(problem):
        problem = problem()
    if isinstance(problem, Custom):
        return problem
    if isinstance(problem, Problem):
        raise InputError(
            f"{path}: problem is a {type(problem).__name__}, whose constants are certified: "
            "`adasam check` is for those made by custom(...)."
        )
    found = "no problem" if problem is None else f"problem as a {type(problem).__name__}"
    raise InputError(f"{path} defines {found}: write problem = custom(...) in it.")


def _line(error: BaseException | None, path: Path) -> int | None:
    """Return the file's line that an error passed through last, its cause's before its own."""
    if error is None:
        return None
    inner = _line(error.__cause__, path)
    if inner is not None:
        return inner
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else None


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "the file ends the program: leave out exit() when it is read."
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{type(error).__name__}: {text or 'no message'}."
