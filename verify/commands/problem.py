"""`adasam problem`."""

from typing import Annotated, Any

import typer

from verify.commands.options import (
    Dimension,
    GradientBound,
    Json,
    NoiseSize,
    Smoothness,
    number_option,
    whole,
)
from verify.commands.terminal import print_json, show


def problem(
    profile: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE",
            help="huber, pseudo_huber, log_cosh, cosine, rational, log_rational or two_basin; or a "
            "spec (.toml or .json), whose problem it is, without the options below.",
        ),
    ],
    L: Smoothness | None = None,
    sigma: NoiseSize | None = None,
    G: GradientBound | None = None,
    d: Dimension | None = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="x_0: a number, d of them with commas, plateau or minimiser; minimiser, X."
        ),
    ] = None,
    noise: Annotated[str | None, typer.Option(help="additive or shift; additive.")] = None,
    condition: Annotated[float | None, number_option("L over the least curvature; 1.")] = None,
    rotation: Annotated[
        int | None, typer.Option(parser=whole, metavar="SEED", help="Rotate x by this seed.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a problem's certificate and what limits sigma, G and d."""
    from simulators import spec as specs
    from simulators.problems import SeparableProblem
    from theory.errors import InputError
    from verify.answers.evaluation import certified
    from verify.commands import tables

    given: dict[str, Any] = {"L": L, "sigma": sigma, "G": G, "d": d}
    if profile.endswith((".toml", ".json")):
        shape = {"start": start, "noise": noise, "condition": condition, "rotation": rotation}
        beside = [name for name, value in {**given, **shape}.items() if value is not None]
        if beside:
            raise InputError(f"--{beside[0]} is given beside a spec, which has its own: drop it.")
        content = certified(specs.read(profile).problem.make())
    else:
        missing = [name for name, value in given.items() if value is None]
        if missing:
            raise InputError(f"--{missing[0]} is missing: a profile needs L, sigma, G and d.")
        content = certified(
            SeparableProblem(
                profile,
                "additive" if noise is None else noise,
                start=_start("minimiser" if start is None else start),
                condition=condition,
                rotation=rotation,
                **given,
            )
        )
    if json:
        print_json(content)
    else:
        show(*tables.certificate(content))


def _start(text: str) -> float | list[float] | str:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return text
    return numbers if len(numbers) > 1 else numbers[0]
