"""Problems whose constants are certified."""

from simulators.problems.certificate import Certificate as Certificate
from simulators.problems.certificate import Constant as Constant
from simulators.problems.custom import Custom as Custom
from simulators.problems.custom import custom as custom
from simulators.problems.finite_sum import FiniteSum as FiniteSum
from simulators.problems.geometry import LARGEST_ROTATED as LARGEST_ROTATED
from simulators.problems.geometry import STARTS as STARTS
from simulators.problems.profiles import PROFILES as PROFILES
from simulators.problems.separable import NOISES as NOISES
from simulators.problems.separable import SeparableProblem as SeparableProblem

SampledProblem = FiniteSum | Custom
"""Problems that draw samples, and whose true gradient is costly."""

Problem = SeparableProblem | SampledProblem
"""Any of them: what Algorithm 1 and the bounds take."""
