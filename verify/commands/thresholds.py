"""`adasam thresholds`."""

from typing import Annotated

import typer

from verify.commands.options import (
    BatchSize,
    Dimension,
    Eps,
    Gap,
    GradientBound,
    Json,
    NoiseSize,
    Smoothness,
    number_option,
)
from verify.commands.terminal import print_json, show


def thresholds(
    L: Smoothness,
    sigma: NoiseSize,
    G: GradientBound,
    d: Dimension,
    Delta: Gap,
    eps: Eps,
    b: BatchSize,
    beta1: Annotated[float, number_option("Momentum.")] = 0.9,
    c_gamma: Annotated[
        str,
        typer.Option(
            metavar="NUMBER",
            help="gamma = c_gamma sqrt(b/T): a number, or the best for corrected or tight.",
        ),
    ] = "corrected",
    c_rho: Annotated[float, number_option("rho = c_rho/sqrt(bT).")] = 0.0,
    N: Annotated[
        float | None, number_option("Sample budget bT: ask for the best b.", "--N")
    ] = None,
    variant: Annotated[
        str, typer.Option(help="appendix, corrected or tight_simple.")
    ] = "corrected",
    json: Json = False,
) -> None:
    """Compute how large T must be in Corollary 1, and the largest batch size that still helps.

    Under the corollary's schedules the bound's two leading terms sum to K/sqrt(bT). Each other
    term is below them from its own T on or, with a budget N = bT, up to its own b.
    """
    from theory.setting import Constants
    from verify.answers.thresholds import examine
    from verify.commands import tables

    content = examine(
        variant,
        Constants(L=L, sigma=sigma, G=G, d=d, Delta=Delta),
        c_gamma=c_gamma,
        c_rho=c_rho,
        beta1=beta1,
        eps=eps,
        b=b,
        N=N,
    )
    if json:
        print_json(content)
    else:
        show(tables.thresholds(content))
