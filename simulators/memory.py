"""How much memory there is, and refusing what cannot fit in it."""

import os
from pathlib import Path

from theory.errors import InputError

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says how much a container may have."""


def available() -> int | None:
    """Return the bytes of memory that can be had without swapping, None if the system is silent."""
    free = [_meminfo(), *map(_limit, LIMITS)]
    known = [count for count in free if count is not None]
    return min(known) if known else None


def _meminfo() -> int | None:
    try:
        found = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return _physical()


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _limit(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None


def check_room(needed: int, what: str, cure: str) -> None:
    """Refuse what needs more bytes than are free.

    Raises
    ------
    InputError
        If it does; the message states both, and the cure.
    """
    free = available()
    if free is not None and needed > free:
        raise InputError(
            f"{what} needs about {size(needed)} of memory, and {size(free)} are free: {cure}."
        )


def size(count: float) -> str:
    """Return a number of bytes as a reader writes it."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} PB"
