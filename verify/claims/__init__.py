"""Every claim that is judged, in the order of the report."""

from verify.claims.adasam import (
    assumptions,
    conditions,
    corollary1,
    lemmas,
    proof,
    regimes,
    remark1,
    remark3,
    sharpness,
    speedup_limits,
    theorem1,
    units,
)
from verify.claims.claim import by_id

CLAIMS = by_id(
    (
        *assumptions.CLAIMS,
        *theorem1.CLAIMS,
        *conditions.CLAIMS,
        *units.CLAIMS,
        *proof.CLAIMS,
        *lemmas.CLAIMS,
        *corollary1.CLAIMS,
        *speedup_limits.CLAIMS,
        *regimes.CLAIMS,
        *remark1.CLAIMS,
        *remark3.CLAIMS,
        *sharpness.CLAIMS,
    )
)
"""The claims by id."""
