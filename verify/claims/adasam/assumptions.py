"""Claims on Assumptions 1-3: the built-in problems' certificates survive a search for a violation.

Each problem is searched rotated and ill-conditioned, in two dimensions, so that profile, noise,
spectrum and rotation are all in play; the search sees gradients alone (`verify.oracles.search`).
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from simulators.problems import NOISES, PROFILES, SeparableProblem
from verify.claims.claim import Claim
from verify.evidence.kind import Evidence
from verify.oracles import search

ROUNDING = 1e-9
"""Relative excess over a certified constant that rounding explains."""


@cache
def problems() -> tuple[SeparableProblem, ...]:
    """Return one problem of every profile and noise."""
    return tuple(
        SeparableProblem(
            profile, noise, L=2.0, sigma=0.5, G=1.0, d=2, start=0.5, condition=10.0, rotation=1
        )
        for profile in PROFILES
        for noise in NOISES
    )


def searched(
    problem: SeparableProblem, constant: str, certified: float, found: search.Found, room: float
) -> dict[str, Any]:
    """Return what a search for more than a certified value came to.

    ``room`` is what rounding may add to it.
    """
    certificate = getattr(problem.certificate, constant)
    return {
        "problem": problem.spec,
        "constant": constant,
        "standing": certificate.standing,
        "certified": certified,
        "limit": certified + room,
        "found": found.value,
        "at": found.at,
        "evaluations": found.evaluations,
    }


def lipschitz(problem: SeparableProblem) -> Iterator[dict[str, Any]]:
    """Search for two points whose gradients differ by more than L times their distance."""
    L = problem.certificate.L.value
    yield searched(problem, "L", L, search.lipschitz_ratio(problem), ROUNDING * L)


def noise(problem: SeparableProblem) -> Iterator[dict[str, Any]]:
    """Search for a point where a sample's gradient varies by more than sigma^2, or is biased."""
    variance = problem.certificate.sigma.value**2
    yield searched(problem, "sigma", variance, search.noise_variance(problem), ROUNDING * variance)
    room = ROUNDING * problem.certificate.G.value
    yield searched(problem, "sigma", 0.0, search.bias(problem), room) | {"standing": "upper_bound"}


def coordinate(problem: SeparableProblem) -> Iterator[dict[str, Any]]:
    """Search for a sample's gradient with a coordinate above G."""
    G = problem.certificate.G.value
    yield searched(problem, "G", G, search.largest_coordinate(problem), ROUNDING * G)


def evidence(look: Callable[[SeparableProblem], Iterator[dict[str, Any]]]) -> Evidence:
    """Search every built-in problem."""
    return {"searches": [row for problem in problems() for row in look(problem)]}


_ASSUMPTIONS: tuple[tuple[str, str, Callable[..., Iterator[dict[str, Any]]]], ...] = (
    ("Assumption 1", "no two points' gradients differ by more than L times their distance",
     lipschitz),
    ("Assumption 2", "a sample's gradient is unbiased and varies by no more than sigma^2", noise),
    ("Assumption 3", "no coordinate of a sample's gradient exceeds G", coordinate),
)  # fmt: skip

CLAIMS = tuple(
    Claim(
        id=f"assumption{number}",
        source=source,
        statement=f"On every built-in problem {statement}, and the certified constant is attained.",
        method="search",
        expected="holds",
        evidence=lambda results, look=look: evidence(look),
    )
    for number, (source, statement, look) in enumerate(_ASSUMPTIONS, start=1)
)
