"""Claims on the proofs: the derivations' steps check, and they end in the stated bounds."""

from functools import cache, partial
from typing import Any

from theory.proof import DERIVATIONS, Fault, check, ends
from theory.proof.writing import text
from verify.claims.claim import Claim
from verify.evidence.kind import Evidence
from verify.studies.study import Results


@cache
def faults(derivation: str) -> tuple[Fault, ...]:
    """Check a derivation once."""
    return tuple(check(DERIVATIONS[derivation]))


def evidence(derivation: str, compared: str, results: Results) -> Evidence:
    """Compare a derivation's ends with the bounds of ``compared``, and count its faults."""
    data = DERIVATIONS[derivation]
    found = faults(derivation)
    checked: dict[str, Any] = {
        "name": f"faults in {len(data.steps)} steps and {len(data.inequalities)} inequalities",
        "left": "; ".join(f"{fault.where}: {fault.why}" for fault in found) or "none",
        "right": "none",
        "equal": not found,
    }
    rows = [
        {"name": end.name, "left": text(end.left), "right": text(end.right), "equal": end.equal}
        for end in ends()
        if end.derivation == derivation and end.name.startswith(tuple(compared.split()))
    ]
    return {"comparisons": [checked, *rows]}


CLAIMS = (
    Claim(
        id="proof.coefficients",
        source="(21)-(47), with Lemmas 5-10",
        statement="The paper's derivation, with L^2 rho^2 in Lemma 10 and max(G, eps) for 1/eta, "
        "gives the coefficients of (47).",
        method="symbolic",
        expected="holds",
        evidence=partial(evidence, "paper", "corrected"),
        remark="With L rho^2 in step (101)-(102), as printed in our text of the paper, that step "
        "fails and the derivation ends in (47) as printed. (5)-(6), as printed, differ from (47) "
        "by the factor b eps in the noise term and by eps in the last. `adasam proof` prints "
        "every step.",
    ),
    Claim(
        id="proof.sharp",
        source="the sharp theorem, S5-S22",
        statement="The sharp derivation gives TIGHT_SIMPLE, its step condition, and TIGHT's "
        "function F, below its cap and at it.",
        method="symbolic",
        expected="holds",
        evidence=partial(evidence, "sharp", "tight N F(tau) S25"),
        remark="The same derivation shows why (47) is true although its last step is not: under "
        "gamma <= eps/(16 L) it gives 5 in place of 45 and nothing like the last term.",
    ),
)
