"""One step of Algorithm 1, line for line: the readable reference.

What Algorithm 1 leaves open is filled so: v_{-1} = 0 unless asked otherwise, m_{-1} = 0,
v_hat_{-1} = eps^2, delta_t = 0 where s_t = 0, the same mini-batch for s_t and g_t, no bias
correction, output x_T. Of n workers each draws a mini-batch of its own; the server averages their
gradients and keeps one m, v and v_hat (Remark 3).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.problems import Problem


@dataclass(frozen=True)
class Method:
    """A setting of Algorithm 1.

    Attributes
    ----------
    name : str
    perturbs : bool
        Whether g_t is taken at x_t + delta_t; otherwise rho counts as 0.
    adapts : bool
        Whether v_hat follows the gradients; otherwise eta = 1/eps for ever.
    keeps_max : bool
        Whether line 8 keeps the running maximum; otherwise v_hat_t = max(eps^2, v_t).
    is_local : bool
        Whether each worker perturbs along its own gradient; otherwise all along the mean of theirs.
    meaning : str
    """

    name: str
    perturbs: bool
    adapts: bool
    keeps_max: bool
    is_local: bool
    meaning: str


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("adasam", True, True, True, False, "Algorithm 1"),
        Method("amsgrad", False, True, True, False, "Algorithm 1 with rho = 0"),
        Method(
            "sam", True, False, True, False, "SAM with momentum and the constant step gamma/eps"
        ),
        Method(
            "sgd", False, False, True, False, "SGD with momentum and the constant step gamma/eps"
        ),
        Method("adam_sam", True, True, False, False, "Algorithm 1 without line 8's max (Remark 1)"),
        Method("local_sam", True, True, True, True, "Algorithm 1, each worker's own perturbation"),
    )
}
"""The methods by name."""


class State(NamedTuple):
    """What a step carries over: each (R, d). ``eta`` is 1/sqrt(v_hat), unit X/F."""

    x: np.ndarray
    m: np.ndarray
    v: np.ndarray
    v_hat: np.ndarray
    eta: np.ndarray


class Parameters(NamedTuple):
    """Each run's hyper-parameters: each (R, 1), float64. ``v_init`` is v_{-1}, unit F^2/X^2."""

    gamma: np.ndarray
    rho: np.ndarray
    beta1: np.ndarray
    beta2: np.ndarray
    eps: np.ndarray
    v_init: np.ndarray


class Info(NamedTuple):
    """What a step saw: each (R, d), unit F/X.

    ``s`` is the mini-batch gradient at x_t, ``g`` the one at x_t + delta_t, both the mean of the
    workers'.
    """

    s: np.ndarray
    g: np.ndarray


def start(problem: Problem, parameters: Parameters) -> State:
    """Return the state before step 0, one row a run."""
    shape = (len(parameters.eps), problem.d)
    return State(
        x=np.broadcast_to(problem.x0, shape),
        m=np.zeros(shape),
        v=np.broadcast_to(parameters.v_init, shape),
        v_hat=np.broadcast_to(parameters.eps**2, shape),
        eta=np.broadcast_to(1 / parameters.eps, shape),
    )


def step(
    problem: Problem,
    method: Method,
    parameters: Parameters,
    state: State,
    batches: np.ndarray,
) -> tuple[State, Info]:
    """Do one step of Algorithm 1 on every run.

    Parameters
    ----------
    problem : Problem
    method : Method
    parameters : Parameters
    state : State
        (x_t, m_{t-1}, v_{t-1}, v_hat_{t-1}, eta_{t-1}).
    batches : (n, R, ...)
        Each worker's mini-batch, as the problem's ``batch_gradient`` takes it: its noise from
        `SeparableProblem.noise_from_heads`, (d,) a run; its samples of a `FiniteSum`, (b,) a run.

    Returns
    -------
    state : State
        (x_{t+1}, m_t, v_t, v_hat_t, eta_t).
    info : Info
    """
    gamma, rho, beta1, beta2, eps, _ = parameters
    x, m, v, v_hat, eta = state

    s = np.stack([problem.batch_gradient(x, batch, np) for batch in batches])  # line 3
    along = s if method.is_local else np.broadcast_to(s.mean(0), s.shape)
    delta = rho * direction(along) if method.perturbs else np.zeros_like(s)  # line 4
    g = np.mean(
        [
            problem.batch_gradient(x + own, batch, np)
            for own, batch in zip(delta, batches, strict=True)
        ],
        axis=0,
    )  # line 5
    m = beta1 * m + (1 - beta1) * g  # line 6
    if method.adapts:
        v = beta2 * v + (1 - beta2) * g**2  # line 7
        v_hat = np.maximum(v_hat if method.keeps_max else eps**2, v)  # line 8
        eta = 1 / np.sqrt(v_hat)  # line 9
    x = x - gamma * m * eta  # line 10
    return State(x, m, v, v_hat, eta), Info(s.mean(0), g)


def direction(s: np.ndarray) -> np.ndarray:
    """Return s/||s|| for each row of s, (..., d), and 0 where s = 0."""
    norm = np.sqrt(np.sum(s**2, axis=-1, keepdims=True))
    return np.divide(s, norm, out=np.zeros_like(s), where=norm > 0)
