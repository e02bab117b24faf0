"""Compiled kernels on disk: loaded if they are whole, else set aside and compiled anew.

numba's own cache trusts its files: a cut one ends in a traceback, and a single flipped bit may
abort the process within LLVM. Here each file begins with a checksum of the rest. A kernel has one
file for each signature and processor, which names what it was made from; so it needs no index, and
two processes that write at once leave the one's file or the other's.

Without a place to write, kernels are compiled in each process. What goes wrong with a file is said
once, in a line, to the log, and never stops a simulation.
"""

import hashlib
import logging
import os
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import njit
from numba.core import config
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

from simulators.engines.numba_cpu.vectors import FROM_PYTHON
from simulators.files import whole
from theory.errors import InputError

LOG = logging.getLogger(__name__)

SUFFIX, DAMAGED = ".kernel", ".damaged"
"""Of a kernel's file, and of one that was set aside."""

ENABLED = not config.DISABLE_JIT  # pyright: ignore[reportAttributeAccessIssue]
"""Whether numba compiles."""

NO_JIT = (
    "NUMBA_DISABLE_JIT is set, and engine numba is nothing but compiled code: unset it, or use "
    "engine torch or reference."
)
NOWHERE = (
    "compiled kernels cannot be kept, since no folder for them can be written to; each process "
    "compiles its own. Set NUMBA_CACHE_DIR to a folder that can be written to."
)

_DIGEST = hashlib.sha256().digest_size


def kernel(function: Callable[..., None]) -> Any:
    """Compile a function that Python calls and keep its code on disk.

    Raises
    ------
    InputError
        If numba is told not to compile.
    """
    if not ENABLED:
        raise InputError(NO_JIT)
    made: Any = njit(nogil=True, **FROM_PYTHON)(function)
    try:
        made._cache = _Cache(function)
    except RuntimeError:  # numba found no place to write
        _say_nowhere()
    return made


def is_kept(made: Any) -> bool:
    """Return whether a kernel's code outlasts the process."""
    return isinstance(made._cache, _Cache) and made._cache.is_enabled


def examine() -> tuple[Path | None, list[Path]]:
    """Return where kernels are kept, None for nowhere, and which files there are damaged."""
    try:
        place = Path(_Cache(examine).cache_path)
    except RuntimeError:
        return None, []
    return place, [path for path in sorted(place.glob(f"*{SUFFIX}")) if _content(path) is None]


class _Cache(FunctionCache):
    """numba's cache of a function, with files of our own, and which no failure stops."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _Files(
            Path(self.cache_path),
            self._impl.filename_base,
            (self._impl.locator.get_source_stamp(), numba.__version__, llvmlite.__version__),
        )

    @property
    def is_enabled(self) -> bool:
        return self._enabled

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code, if the disk allows."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            self.disable()
            LOG.warning(
                "compiled kernels are not kept, so that each process compiles its own: %s. Set "
                "NUMBA_CACHE_DIR to a folder with room.",
                error,
            )


class _Files:
    """The files of one function.

    Each is a checksum, then a pickle of (name of what it was made from, code): of the source, the
    libraries, the signature and the processor.
    """

    def __init__(self, folder: Path, base: str, made_from: tuple[Any, ...]) -> None:
        self.folder, self.base, self.made_from = folder, base, made_from

    def load(self, key: Any) -> Any:
        """Return what was saved under ``key``; None if nothing, or nothing that is whole."""
        path = self._path(key)
        if not path.exists():
            return None
        content = _content(path)
        if content is None:
            _set_aside(path)
            return None
        name, data = pickle.loads(content)
        return pickle.loads(data) if name == self._name(key) else None

    def save(self, key: Any, data: Any) -> None:
        """Write ``data`` under ``key``, over what was made from older sources."""
        content = pickle.dumps((self._name(key), dumps(data)))
        with whole(self._path(key)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def flush(self) -> None:
        """Remove all that was saved."""
        for path in self.folder.glob(f"{self.base}.*{SUFFIX}"):
            path.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        signature, processor, _ = key
        return self.folder / f"{self.base}.{_short((signature, processor))}{SUFFIX}"

    def _name(self, key: Any) -> str:
        return _short((self.made_from, key))


def _short(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:32]


def _content(path: Path) -> bytes | None:
    """Return a file's content behind its checksum; None if it cannot be read or is not whole."""
    try:
        read = path.read_bytes()
    except OSError:
        return None
    digest, content = read[:_DIGEST], read[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None


def _set_aside(path: Path) -> None:
    aside = path.with_suffix(DAMAGED)
    try:
        os.replace(path, aside)
        where = f"set aside as {aside.name}"
    except OSError as error:
        where = f"left there ({error.strerror})"
    LOG.warning("%s is damaged: %s; the kernel is compiled anew.", path, where)


@cache
def _say_nowhere() -> None:
    """Say so, once a process."""
    LOG.warning(NOWHERE)
