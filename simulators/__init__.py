"""Certified problems and a batched simulator of Algorithm 1."""

from simulators.methods import METHODS as METHODS
from simulators.methods import Method as Method
from simulators.problems import NOISES as NOISES
from simulators.problems import PROFILES as PROFILES
from simulators.problems import Certificate as Certificate
from simulators.problems import Constant as Constant
from simulators.problems import Custom as Custom
from simulators.problems import FiniteSum as FiniteSum
from simulators.problems import Problem as Problem
from simulators.problems import SeparableProblem as SeparableProblem
from simulators.problems import custom as custom
from simulators.runs import Inputs as Inputs
from simulators.runs import Runs as Runs
from simulators.simulation import simulate as simulate
