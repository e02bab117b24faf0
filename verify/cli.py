"""The command line.

Commands import what they need when they run, so that `adasam --help` loads neither torch nor
matplotlib. Bad input ends in one message on stderr and exit code 2.
"""

import io
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

from verify.commands.bench import bench
from verify.commands.bound import bound
from verify.commands.calibrate import calibrate
from verify.commands.check import check
from verify.commands.claims import claims
from verify.commands.classroom import classroom
from verify.commands.doctor import doctor
from verify.commands.falsify import falsify
from verify.commands.figures import figures
from verify.commands.problem import problem
from verify.commands.proof import proof
from verify.commands.reproduce import reproduce
from verify.commands.simulate import simulate
from verify.commands.speedup import speedup
from verify.commands.terminal import console
from verify.commands.thresholds import thresholds

app = typer.Typer(
    name="adasam",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    reproduce,
    figures,
    bound,
    problem,
    thresholds,
    simulate,
    speedup,
    claims,
    bench,
    calibrate,
    proof,
    falsify,
    classroom,
    check,
    doctor,
):
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        from verify.pages.html import version

        print(f"adasam-verify {version()}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Check the convergence theory of AdaSAM: bounds, simulations, verdicts."""


def main() -> None:
    """Run the command line; exit 2 on bad input.

    Told to terminate, a command ends as after an error: its temporary files and processes go.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal does not have, or a file's odd name, is written as \\x...
            stream.reconfigure(errors="backslashreplace")
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminated)
    try:
        app()
    except MemoryError as error:
        _refuse(f"{str(error) or 'memory ran out'}: lower runs, d or the number of cells.")
    except OverflowError as error:
        _refuse(
            f"a number leaves float64 ({error.args[-1] if error.args else 'overflow'}): choose "
            "units of f and x in which the numbers given are nearer 1."
        )
    except OSError as error:
        cause = error.strerror or str(error) or type(error).__name__
        _refuse(f"{error.filename or 'a file'} cannot be used ({cause}).")
    except ValueError as error:
        from theory.errors import InputError

        if not isinstance(error, InputError):
            raise
        _refuse(str(error))


def _terminated(number: int, _: Any) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _refuse(message: str) -> NoReturn:
    console(stderr=True).print(f"error: {message}", style="red")
    sys.exit(2)
