"""The claims as symbols: Theorem 1 in its variants, Corollary 1, units and preconditions.

Names follow the paper; every bound is on (1/T) sum_{t<T} E||grad f(x_t)||^2, unit F^2/X^2.
"""

from theory import corollary1 as corollary1
from theory.bound import Bound as Bound
from theory.bound import Term as Term
from theory.bound import trivial as trivial
from theory.errors import InputError as InputError
from theory.setting import Check as Check
from theory.setting import Constants as Constants
from theory.setting import Hyperparameters as Hyperparameters
from theory.setting import Precondition as Precondition
from theory.theorem1 import APPENDIX as APPENDIX
from theory.theorem1 import CORRECTED as CORRECTED
from theory.theorem1 import PRINTED as PRINTED
from theory.theorem1 import TIGHT as TIGHT
from theory.theorem1 import TIGHT_SIMPLE as TIGHT_SIMPLE
from theory.theorem1 import VARIANTS as VARIANTS
from theory.units import InhomogeneousError as InhomogeneousError
from theory.units import unit_of as unit_of
