"""Methods: a rule for one step each, with a file for each family."""

from simulators.methods import adasam as adasam
from simulators.methods.method import Info as Info
from simulators.methods.method import Method as Method
from simulators.methods.method import Oracle as Oracle
from simulators.methods.method import Parameters as Parameters
from simulators.methods.method import State as State
from simulators.methods.method import Stochastic as Stochastic
from simulators.methods.method import Switches as Switches

METHODS: dict[str, Method] = {method.name: method for method in adasam.FAMILY}
"""The methods by name; enter one of your own here to run it by its name."""
