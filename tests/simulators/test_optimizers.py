"""What OPTIMIZERS.md says of torch's and optax's AMSGrad, against the libraries themselves."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import simulators
from simulators.methods import METHODS, Oracle, Parameters

GAMMA, BETA1, BETA2, EPS, T = 0.1, 0.8, 0.95, 0.3, 40
GRADIENTS = np.random.default_rng(0).normal(size=(T, 3)) * np.geomspace(1, 0.01, T)[:, None]
"""They shrink, so that the max counts, and so does its order with the bias correction."""


def moments(beta: float, powers: np.ndarray) -> np.ndarray:
    rows = [np.zeros(3)]
    for item in powers:
        rows.append(beta * rows[-1] + (1 - beta) * item)
    return np.array(rows[1:])


M, V = moments(BETA1, GRADIENTS), moments(BETA2, GRADIENTS**2)
FADE1, FADE2 = (1 - beta ** np.arange(1, T + 1)[:, None] for beta in (BETA1, BETA2))


def path(moves: np.ndarray) -> np.ndarray:
    """Return x_1, ..., x_T from x_0 = 0."""
    return -np.cumsum(moves, axis=0)


def by_torch(prepare=lambda state: None, **options) -> np.ndarray:
    """Return the path that torch takes along the gradients."""
    x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam(
        [x], lr=GAMMA, betas=(BETA1, BETA2), amsgrad=True, **{"eps": EPS, **options}
    )
    rows = []
    for gradient in GRADIENTS:
        if not rows:
            prepare(optimizer.state[x])
        x.grad = torch.tensor(gradient)
        optimizer.step()
        rows.append(x.detach().numpy().copy())
    return np.array(rows)


def by_algorithm_1() -> np.ndarray:
    """Return the reference engine's path along the gradients: each a batch's noise on a plain."""
    flat: Any = SimpleNamespace(d=3, x0=np.zeros(3), batch_gradient=lambda x, batch, xp: batch)
    columns = np.array([[GAMMA, 0.0, BETA1, BETA2, EPS, 0.0]]).T[:, :, None]
    parameters = Parameters(*columns)
    adasam = METHODS["adasam"]
    state, rows = adasam.start(flat, parameters), []
    for gradient in GRADIENTS:
        state, _ = adasam.rule(Oracle(flat, gradient[None, None]), parameters, state, np)
        rows.append(state.x[0])
    return np.array(rows)


def test_algorithm_1_starts_the_max_at_eps_squared_and_corrects_no_bias():
    v_hat = np.maximum(np.maximum.accumulate(V), EPS**2)
    np.testing.assert_allclose(by_algorithm_1(), path(GAMMA * M / np.sqrt(v_hat)), rtol=1e-12)


def test_torch_adds_eps_outside_the_root_and_takes_the_max_before_the_correction():
    largest = np.maximum.accumulate(V)
    denominator = np.sqrt(largest / FADE2) + EPS
    np.testing.assert_allclose(by_torch(), path(GAMMA * M / FADE1 / denominator), rtol=1e-12)
    other_order = np.sqrt(np.maximum.accumulate(V / FADE2)) + EPS
    assert np.abs(other_order / denominator - 1).max() > 0.1


def faded(start_of_v_hat: float = 0.0):
    """Return what prepares torch's state: both corrections faded, v_hat from a start."""

    def prepare(state: dict) -> None:
        zeros = torch.zeros(3, dtype=torch.float64)
        state |= {
            "step": torch.tensor(1e6), "exp_avg": zeros.clone(), "exp_avg_sq": zeros.clone(),
            "max_exp_avg_sq": zeros + start_of_v_hat,
        }  # fmt: skip

    return prepare


def test_torch_prepared_as_the_page_says_is_algorithm_1():
    prepared = by_torch(faded(EPS**2), eps=0.0)
    np.testing.assert_allclose(prepared, by_algorithm_1(), rtol=1e-12)


def test_torch_once_faded_takes_between_half_of_algorithm_1s_step_and_the_whole():
    ratios = np.diff(by_torch(faded()), axis=0) / np.diff(by_algorithm_1(), axis=0)
    assert ratios.min() > 0.5
    assert ratios.max() < 1
    assert ratios.min() < 0.6


def test_torchs_first_step_is_near_lr_whatever_the_gradient():
    first = by_torch(eps=1e-8)[0]
    np.testing.assert_allclose(first, -GAMMA * np.sign(GRADIENTS[0]), rtol=1e-6)


def test_optax_adds_eps_outside_the_root_and_takes_the_max_after_the_correction():
    optax = pytest.importorskip("optax", reason="optax is not installed")
    method = optax.amsgrad(GAMMA, b1=BETA1, b2=BETA2, eps=EPS, eps_root=0.01)
    state, moves = method.init(np.zeros(3, np.float32)), []
    for gradient in GRADIENTS.astype(np.float32):
        move, state = method.update(gradient, state)
        moves.append(-np.asarray(move, np.float64))
    denominator = np.sqrt(np.maximum.accumulate(V / FADE2) + 0.01) + EPS
    # In float32, 40 steps of some 10 roundings each: 40 * 10 * 2^-24, with room for cancellation.
    np.testing.assert_allclose(moves, GAMMA * M / FADE1 / denominator, rtol=1e-3, atol=1e-6)


def test_the_page_says_what_is_tested_here():
    text = Path(simulators.__file__).with_name("OPTIMIZERS.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1:] for row in re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", text,
                                                  flags=re.MULTILINE)}  # fmt: skip
    assert rows["start of v̂"] == ("v̂_{−1} = ε²", "v̂_{−1} = 0", "v̂_{−1} = 0")
    assert rows["bias correction"][1:] == ("of m; of v after the max", "of m; of v before the max")
    assert rows["ε"][1:] == ("added, outside the root",) * 2
    assert rows["v̂"][1] == "v̂_t = max(v̂_{t−1}, v_t)"
    assert rows["denominator"][1] == "D_t = √(v̂_t/(1 − β₂^(t+1))) + `eps`"
