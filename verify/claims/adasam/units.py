"""Claims on units: every term of a bound has the unit of its left side."""

from functools import partial

from theory.bound import UNIT, Bound
from theory.theorem1 import VARIANTS
from verify.claims.claim import Claim
from verify.evidence.comparison import comparison
from verify.evidence.kind import Evidence
from verify.studies.study import Results


def evidence(variant: str, results: Results) -> Evidence:
    """Compare each term's unit with F^2/X^2."""
    bound: Bound = VARIANTS[variant]
    return {"comparisons": [comparison(name, unit, UNIT) for name, unit in bound.units.items()]}


_REMARKS = {
    "printed": "With b and eps^2 in the noise term and L^3 in the last, as CORRECTED has them, "
    "every unit is right.",
    "appendix": "The last term lacks one L: Lemma 10's L rho^2 must read L^2 rho^2.",
}

CLAIMS = tuple(
    Claim(
        id=f"units.{name}",
        source=bound.source,
        statement=f"Every term of the {name.replace('_', ' ')} bound has the unit F^2/X^2 "
        "of its left side.",
        method="symbolic",
        expected="refuted" if name in _REMARKS else "holds",
        evidence=partial(evidence, name),
        remark=_REMARKS.get(name, ""),
    )
    for name, bound in VARIANTS.items()
)
