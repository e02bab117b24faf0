"""Evidence, what judges it, and the statistics that it needs; a file for each kind of evidence.

The order below is that of `verify.evidence.kind.KINDS`.
"""

# isort: off
from verify.evidence import failed as failed
from verify.evidence import bound as bound
from verify.evidence import slope as slope
from verify.evidence import collapse as collapse
from verify.evidence import ratio as ratio
from verify.evidence import parts as parts
from verify.evidence import necessity as necessity
from verify.evidence import lemma as lemma
from verify.evidence import comparison as comparison
from verify.evidence import search as search
