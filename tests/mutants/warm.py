"""Run tests again and again in forks of a process that has loaded the libraries: half the time.

Reads a line of JSON for each run, ``{"tests": [...], "cache": folder or null}``, and answers with
pytest's exit code. None of this project's modules is loaded before a fork: each sees the tree anew.
"""

import json
import os
import sys

import matplotlib.figure  # noqa: F401
import msgspec  # noqa: F401
import numba.core.config
import numba.extending
import numpy  # noqa: F401
import pytest
import rich.table  # noqa: F401
import scipy.optimize
import scipy.special
import scipy.stats  # noqa: F401
import sympy  # noqa: F401
import typer  # noqa: F401


def main() -> None:
    """Serve until the input ends."""
    answers = os.dup(1)
    log = os.open("tests.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            if asked["cache"]:
                os.environ["NUMBA_CACHE_DIR"] = numba.core.config.CACHE_DIR = asked["cache"]
            os.setpgid(0, 0)
            code = pytest.main(["-x", "-q", "-n0", "-p", "no:cacheprovider", *asked["tests"]])
            os._exit(int(code))
        os.write(answers, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
