"""Theorems: the variants of a bound, and the methods whose left side they bound."""

from dataclasses import dataclass

from theory.bound import Bound
from theory.theorem1 import VARIANTS


@dataclass(frozen=True)
class Theorem:
    """A convergence theorem.

    Attributes
    ----------
    id : str
    source : str
    url : str
    methods : tuple of str
        The methods, by name, on whose runs it bounds (1/T) sum_t E||grad f(x_t)||^2.
    variants : tuple of Bound
        The paper's statement first, the sharpest last.
    """

    id: str
    source: str
    url: str
    methods: tuple[str, ...]
    variants: tuple[Bound, ...]


ADASAM = Theorem(
    id="adasam",
    source="Theorem 1 of AdaSAM, with its corrections and our sharpened forms",
    url="https://arxiv.org/abs/2303.00565",
    methods=("adasam", "amsgrad", "sam", "sgd", "local_sam"),
    variants=tuple(VARIANTS.values()),
)
"""It also covers Algorithm 1 with rho = 0 or a constant v_hat, and n workers (Remark 3), but not
``adam_sam``, which lacks the running maximum that the proof needs."""

THEOREMS: dict[str, Theorem] = {theorem.id: theorem for theorem in (ADASAM,)}
"""The theorems by id."""


def variants_on(method: str) -> list[Bound]:
    """Return the bounds that any theorem states on a method's runs."""
    found = (theorem for theorem in THEOREMS.values() if method in theorem.methods)
    return [bound for theorem in found for bound in theorem.variants]
