"""What a method is: a rule for one step, and what it may ask.

A rule is pure and works row by row, in the array operations of ``xp``, so that it reads like the
algorithm's lines. The reference engine runs any rule. The other engines have Algorithm 1's step as
hand-written code, for methods with `Switches`; any other method they refuse by name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np


class Stochastic(Protocol):
    """What a step needs of a problem: the least that runs."""

    @property
    def d(self) -> int:
        """The dimension."""
        ...

    @property
    def x0(self) -> Any:
        """The start, (d,), unit X."""
        ...

    def batch_gradient(self, x: Any, batch: Any, xp: Any, /) -> Any:
        """Return the mini-batch gradient at each row of x, (R, d), unit F/X."""
        ...


class Oracle:
    """What a method may ask in one step: gradients on this step's mini-batches, as often as it
    likes.

    Parameters
    ----------
    problem : Stochastic
    batches : (n, R, ...)
        Each worker's mini-batch, as the problem's ``batch_gradient`` takes it: its noise from
        `SeparableProblem.noise_from_heads`, (d,) per run; its samples of a `FiniteSum`, (b,) per
        run.
    """

    def __init__(self, problem: Stochastic, batches: np.ndarray) -> None:
        self._problem, self._batches = problem, batches

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the mean of the workers' mini-batch gradients at x: (R, d), unit F/X."""
        return self.each(x).mean(0)

    def each(self, x: np.ndarray) -> np.ndarray:
        """Return every worker's mini-batch gradient, (n, R, d), at x: (R, d), or (n, R, d)."""
        points = np.broadcast_to(x, (len(self._batches), *x.shape[-2:]))
        pairs = zip(points, self._batches, strict=True)
        return np.stack([self._problem.batch_gradient(point, batch, np) for point, batch in pairs])


class Parameters(NamedTuple):
    """Each run's hyper-parameters: each (R, 1), float64. ``v_init`` is v_{-1}, unit F^2/X^2."""

    gamma: np.ndarray
    rho: np.ndarray
    beta1: np.ndarray
    beta2: np.ndarray
    eps: np.ndarray
    v_init: np.ndarray


class State(Protocol):
    """What a step carries over: a NamedTuple of arrays with one row per run, among them x.

    Where there is ``eta``, the step's size by coordinate, (R, d), unit X/F, the statistics that
    weigh with it are taken; where there is ``v_hat``, so is the share of steps with v_hat > eps^2.
    """

    @property
    def x(self) -> np.ndarray:
        """The iterate, (R, d)."""
        ...


class Info(NamedTuple):
    """What a step saw: each (R, d), unit F/X.

    ``s`` is the mini-batch gradient at x_t, ``g`` the one at x_t + delta_t, both the mean of the
    workers'.
    """

    s: np.ndarray
    g: np.ndarray


Rule = Callable[[Oracle, Parameters, Any, ModuleType], tuple[Any, Info]]
"""``rule(oracle, letters, state, xp)``: one step on every run; the next state and what was seen."""

Start = Callable[[Stochastic, Parameters], Any]
"""``start(problem, letters)``: the state before step 0, one row per run."""


@dataclass(frozen=True)
class Switches:
    """Which of Algorithm 1's lines a method of its family has.

    Attributes
    ----------
    perturbs : bool
        Whether g_t is taken at x_t + delta_t; otherwise rho counts as 0.
    adapts : bool
        Whether v_hat follows the gradients; otherwise eta = 1/eps throughout.
    keeps_max : bool
        Whether line 8 keeps the running maximum; otherwise v_hat_t = max(eps^2, v_t).
    is_local : bool
        Whether each worker perturbs along its own gradient; otherwise all along the mean of theirs.
    """

    perturbs: bool
    adapts: bool
    keeps_max: bool
    is_local: bool


@dataclass(frozen=True)
class Method:
    """A method.

    Attributes
    ----------
    name : str
        Part of the key of its runs' noise.
    meaning : str
    letters : tuple of str
        The hyper-parameters that its rule uses, of those in `Parameters`.
    start : Start
    rule : Rule
    switches : Switches or None
        What the engines with a step written by hand read; None if they cannot run it.
    """

    name: str
    meaning: str
    letters: tuple[str, ...]
    start: Start
    rule: Rule
    switches: Switches | None = None
