"""Algorithm 1 and its relatives: one step, line for line, the readable reference.

What Algorithm 1 leaves open is filled so: v_{-1} = 0 unless asked otherwise, m_{-1} = 0,
v_hat_{-1} = eps^2, delta_t = 0 where s_t = 0, the same mini-batch for s_t and g_t, no bias
correction, output x_T. Of n workers each draws a mini-batch of its own; the server averages their
gradients and keeps one m, v and v_hat (Remark 3).
"""

from functools import partial
from types import ModuleType
from typing import NamedTuple

import numpy as np

from simulators.methods.method import Info, Method, Oracle, Parameters, Stochastic, Switches


class State(NamedTuple):
    """What a step carries over: each (R, d). ``eta`` is 1/sqrt(v_hat), unit X/F."""

    x: np.ndarray
    m: np.ndarray
    v: np.ndarray
    v_hat: np.ndarray
    eta: np.ndarray


def start(problem: Stochastic, parameters: Parameters) -> State:
    """Return the state before step 0, one row per run."""
    shape = (len(parameters.eps), problem.d)
    return State(
        x=np.broadcast_to(problem.x0, shape),
        m=np.zeros(shape),
        v=np.broadcast_to(parameters.v_init, shape),
        v_hat=np.broadcast_to(parameters.eps**2, shape),
        eta=np.broadcast_to(1 / parameters.eps, shape),
    )


def step(
    switches: Switches, oracle: Oracle, letters: Parameters, state: State, xp: ModuleType
) -> tuple[State, Info]:
    """Do one step of Algorithm 1 on every run.

    Parameters
    ----------
    switches : Switches
        Which of its lines apply.
    oracle : Oracle
    letters : Parameters
    state : State
        (x_t, m_{t-1}, v_{t-1}, v_hat_{t-1}, eta_{t-1}).
    xp : module
        The array operations.

    Returns
    -------
    state : State
        (x_{t+1}, m_t, v_t, v_hat_t, eta_t).
    info : Info
    """
    gamma, rho, beta1, beta2, eps, _ = letters
    x, m, v, v_hat, eta = state

    s = oracle.each(x)  # line 3
    along = s if switches.is_local else xp.broadcast_to(s.mean(0), s.shape)
    delta = rho * direction(along) if switches.perturbs else xp.zeros_like(s)  # line 4
    g = oracle(x + delta)  # line 5
    m = beta1 * m + (1 - beta1) * g  # line 6
    if switches.adapts:
        v = beta2 * v + (1 - beta2) * g**2  # line 7
        v_hat = xp.maximum(v_hat if switches.keeps_max else eps**2, v)  # line 8
        eta = 1 / xp.sqrt(v_hat)  # line 9
    x = x - gamma * m * eta  # line 10
    return State(x, m, v, v_hat, eta), Info(s.mean(0), g)


def direction(s: np.ndarray) -> np.ndarray:
    """Return s/||s|| for each row of s, (..., d), and 0 where s = 0."""
    norm = np.sqrt(np.sum(s**2, axis=-1, keepdims=True))
    return np.divide(s, norm, out=np.zeros_like(s), where=norm > 0)


def _relative(
    name: str,
    meaning: str,
    *,
    perturbs: bool,
    adapts: bool,
    keeps_max: bool = True,
    is_local: bool = False,
) -> Method:
    switches = Switches(perturbs, adapts, keeps_max, is_local)
    perturbing, adaptive = ("rho",) * perturbs, ("beta2", "v_init") * adapts
    letters = ("gamma", *perturbing, "beta1", *adaptive, "eps")
    return Method(name, meaning, letters, start, partial(step, switches), switches)


FAMILY = (
    _relative("adasam", "Algorithm 1", perturbs=True, adapts=True),
    _relative("amsgrad", "Algorithm 1 with rho = 0", perturbs=False, adapts=True),
    _relative(
        "sam", "SAM with momentum and the constant step gamma/eps", perturbs=True, adapts=False
    ),
    _relative(
        "sgd", "SGD with momentum and the constant step gamma/eps", perturbs=False, adapts=False
    ),
    _relative(
        "adam_sam", "Algorithm 1 without line 8's max (Remark 1)", perturbs=True, adapts=True,
        keeps_max=False,
    ),
    _relative(
        "local_sam", "Algorithm 1, each worker's own perturbation", perturbs=True, adapts=True,
        is_local=True,
    ),
)  # fmt: skip
"""Algorithm 1 and what its lines make when some are left out."""

SWITCHES = {method.name: method.switches for method in FAMILY if method.switches is not None}
"""The family's switches by the method's name: what a step written by hand reads."""
