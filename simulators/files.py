"""Writing files whole or not at all."""

import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_MACHINE = re.sub(r"\W", "_", platform.node())
_PREFIX = f".adasam-{_MACHINE}-{os.getpid()}-"
_SUFFIX = ".part"
_TEMPORARY = re.compile(rf"\.adasam-{_MACHINE}-(?P<process>\d+)-\w+\{_SUFFIX}")
_STARTED = time.time()


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write; it takes its place only when the block ends without an error.

    An interruption leaves the old file, or none. A process that is killed leaves a temporary file,
    which `sweep` removes.

    Raises
    ------
    OSError
        If it cannot be written; it names the file.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX, suffix=_SUFFIX)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        # A failed write names no file, and what else fails names the temporary one.
        if error.filename is None or Path(error.filename).name.startswith(_PREFIX):
            said = error.strerror or str(error)
            raise OSError(error.errno, said, str(path)) from error
        raise


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Make a folder to write in; its files move to ``folder`` when the block ends without an error.

    An error or an interruption leaves ``folder`` as it was.
    """
    place = Path(tempfile.mkdtemp(dir=folder, prefix=_PREFIX, suffix=_SUFFIX))
    try:
        yield place
        for path in sorted(place.rglob("*")):
            target = folder / path.relative_to(place)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                os.replace(path, target)
    except OSError as error:
        if error.filename and Path(error.filename).is_relative_to(place):
            error.filename = str(folder / Path(error.filename).relative_to(place))
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what `whole` and `staged` left in a folder when their process was killed."""
    for path in folder.glob(f".adasam-*{_SUFFIX}"):
        found = _TEMPORARY.fullmatch(path.name)
        if found and not _may_be_in_use(path, int(found["process"])):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _may_be_in_use(path: Path, process: int) -> bool:
    if process == os.getpid():  # a container may give every run the same number
        return path.stat().st_mtime > _STARTED - 1
    if os.name != "posix":  # a signal to ask with would end the process there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
