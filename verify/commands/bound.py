"""`adasam bound`."""

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
from verify.commands.terminal import exclude, note, print_json, show


def bound(
    L: Smoothness,
    sigma: NoiseSize,
    G: GradientBound,
    d: Dimension,
    Delta: Gap,
    gamma: Annotated[float, number_option("Base learning rate, X.")],
    eps: Eps,
    b: BatchSize,
    T: Annotated[float, number_option("Steps.", "--T")],
    rho: Annotated[float, number_option("Perturbation radius, X.")] = 0.0,
    beta1: Annotated[float, number_option("Momentum.")] = 0.9,
    beta2: Annotated[float | None, number_option("Checked, but no bound has it.")] = None,
    variant: Annotated[
        str, typer.Option(help="printed, appendix, corrected, tight_simple, tight or all.")
    ] = "all",
    json: Json = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the bound as LaTeX instead, and its value here.")
    ] = False,
) -> None:
    """Evaluate Theorem 1's bound, term by term, with its preconditions."""
    from theory.errors import unknown
    from theory.setting import Constants, Hyperparameters
    from theory.theorem1 import VARIANTS
    from verify.answers.evaluation import evaluate
    from verify.commands import tables

    exclude(("--json", json), ("--latex", latex))
    if variant != "all" and variant not in VARIANTS:
        raise unknown("variant", variant, (*VARIANTS, "all"))
    chosen = list(VARIANTS.values()) if variant == "all" else [VARIANTS[variant]]
    constants = Constants(L=L, sigma=sigma, G=G, d=d, Delta=Delta)
    hyper = Hyperparameters(
        gamma=gamma, rho=rho, beta1=beta1, beta2=beta2 or 0.0, eps=eps, b=b, T=T
    )
    values = [evaluate(item, constants, hyper) for item in chosen]
    if beta2 is not None:
        note("beta2 enters no bound: given, but not counted")
    if latex:
        for item, value in zip(chosen, values, strict=True):
            total = "none: its condition fails" if value["total"] is None else value["total"]
            print(f"{item.latex()}\n% {item.name}, at this setting: {total}\n")
    elif json:
        print_json(values[0] if variant != "all" else values)
    else:
        show(tables.bounds(values), tables.preconditions(values))
