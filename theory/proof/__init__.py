"""The proofs as data, every step checked.

`PAPER` goes from Lemmas 5-10 to (47), with Lemma 10 mended; `SHARP` to the free-parameter form,
TIGHT_SIMPLE and TIGHT. `check` says what fails in one; `ends` compares where they end with
`theory.theorem1`.
"""

from theory.proof.ends import End as End
from theory.proof.ends import differences as differences
from theory.proof.ends import ends as ends
from theory.proof.paper import PAPER as PAPER
from theory.proof.rules import Chain as Chain
from theory.proof.rules import Derivation as Derivation
from theory.proof.rules import Fact as Fact
from theory.proof.rules import Fault as Fault
from theory.proof.rules import Induction as Induction
from theory.proof.rules import Inequality as Inequality
from theory.proof.rules import Step as Step
from theory.proof.rules import Use as Use
from theory.proof.rules import check as check
from theory.proof.sharp import SHARP as SHARP

DERIVATIONS = {derivation.name: derivation for derivation in (PAPER, SHARP)}
"""The derivations by name."""
