"""Options that several commands share, and what reads their values."""

from pathlib import Path
from typing import Annotated, Any

import typer


def number(text: str) -> float:
    """Read a number."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number.") from None


def whole(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number.") from None


def path(text: str | Path) -> Path:
    """Read a path, which may not be empty."""
    if text == "":
        raise typer.BadParameter("the path is empty: name a file or a folder.")
    return Path(text)


def folder_option(meaning: str) -> Any:
    """Return an option that names a folder."""
    return typer.Option(parser=path, metavar="FOLDER", help=meaning)


def file_option(meaning: str) -> Any:
    """Return an option that names a file."""
    return typer.Option(parser=path, metavar="FILE", help=meaning)


def usable(device: str) -> str:
    """Refuse a device that cannot be used, whether or not the command comes to run on it."""
    if device != "auto":
        from simulators.engines.choice import resolve_device

        resolve_device(device)
    return device


def from_zero(seed: int | None) -> int | None:
    """Refuse a negative seed."""
    if seed is not None and seed < 0:
        from theory.errors import InputError

        raise InputError(f"seed = {seed} is negative: give a whole number from 0.")
    return seed


def number_option(meaning: str, *names: str) -> Any:
    """Return an option that is a number."""
    return typer.Option(*names, parser=number, metavar="NUMBER", help=meaning)


def count_option(meaning: str, *names: str) -> Any:
    """Return an option that is a whole number."""
    return typer.Option(*names, parser=whole, metavar="N", help=meaning)


Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
Seed = Annotated[
    int, typer.Option(parser=whole, callback=from_zero, metavar="N", help="Seed of all noise.")
]
Device = Annotated[str, typer.Option(callback=usable, help="auto, cpu or cuda.")]
Smoothness = Annotated[float, number_option("Smoothness, F/X^2.", "--L")]
NoiseSize = Annotated[float, number_option("Noise, F/X.")]
GradientBound = Annotated[float, number_option("Gradient bound, F/X.", "--G")]
Dimension = Annotated[float, number_option("Dimension.", "--d")]
Gap = Annotated[float, number_option("f(x_0) - f*, F.", "--Delta")]
Eps = Annotated[float, number_option("Root of v_hat's start, F/X.")]
BatchSize = Annotated[float, number_option("Batch size.", "--b")]
Outside = Annotated[
    bool, typer.Option("--allow-outside", help="Run also where no bound says anything.")
]
