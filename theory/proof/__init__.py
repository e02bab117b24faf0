"""The proofs as data, every step checked.

`PAPER` goes from Lemmas 5-10 to (47), with Lemma 10 mended; `SHARP` to the free-parameter form,
TIGHT_SIMPLE and TIGHT. `check` says what fails in one; `ends` compares where they end with
`theory.theorem1`.
"""

from theory.proof.ends import End as End
from theory.proof.ends import differences as differences
from theory.proof.ends import ends as ends
from theory.proof.paper import PAPER as PAPER
from theory.proof.parts import Chain as Chain
from theory.proof.parts import Derivation as Derivation
from theory.proof.parts import Fact as Fact
from theory.proof.parts import Fault as Fault
from theory.proof.parts import Induction as Induction
from theory.proof.parts import Inequality as Inequality
from theory.proof.parts import Step as Step
from theory.proof.parts import Use as Use
from theory.proof.rules import check as check
from theory.proof.sharp import SHARP as SHARP

DERIVATIONS = {derivation.name: derivation for derivation in (PAPER, SHARP)}
"""The derivations by name."""
