"""Algorithm 1 on a finite sum in torch: rows gathered, then batched matrix products.

f(x) = (1/N) sum_i log(1 + exp(-y_i a_i.x)) + alpha sum_j x_j^2/(1 + x_j^2). A step draws b rows
with replacement for every run, gathers them once, and takes both gradients of SAM by two products
each. Runs go in chunks whose gathered rows stay in cache.
"""

from collections.abc import Callable

import numpy as np
import torch

CHUNK = 2**19
"""Numbers in the gathered rows of a chunk of runs."""


def make(
    rows: np.ndarray,
    labels: np.ndarray,
    runs: int,
    dtype: str,
    *,
    alpha: float,
    b: int,
    gamma: float,
    rho: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> Callable[[int, int], np.ndarray]:
    """Return ``run(T, seed)``: x_T of every run, (R, d), from x_0 = 0.

    Parameters
    ----------
    rows : (N, d)
        The a_i.
    labels : (N,)
        The y_i, each 1 or -1.
    runs : int
    dtype : str
    alpha, b, gamma, rho, beta1, beta2, eps : float
        One number each for all runs.
    """
    real = getattr(torch, dtype)
    # y_i enters by y_i a_i alone.
    signed = torch.as_tensor(rows * labels[:, None], dtype=real)
    N, d = signed.shape
    size = max(1, CHUNK // (b * d))

    def chunk(R: int, T: int, generator: torch.Generator) -> torch.Tensor:
        x, m, v = (torch.zeros(R, d, dtype=real) for _ in range(3))
        v_hat = torch.full((R, d), eps**2, dtype=real)
        for _ in range(T):
            drawn = torch.randint(N, (R * b,), generator=generator)
            batch = signed.index_select(0, drawn).view(R, b, d)
            s = batch_gradient(x, batch, alpha)
            norm = torch.linalg.vector_norm(s, dim=1, keepdim=True)
            g = batch_gradient(x + rho * s / norm.masked_fill_(norm == 0, torch.inf), batch, alpha)
            m.lerp_(g, 1 - beta1)
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            torch.maximum(v_hat, v, out=v_hat)
            x.addcdiv_(m, v_hat.sqrt(), value=-gamma)
        return x

    def run(T: int, seed: int) -> np.ndarray:
        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            parts = [chunk(min(size, runs - first), T, generator) for first in range(0, runs, size)]
            return torch.cat(parts).numpy()

    return run


def batch_gradient(x: torch.Tensor, batch: torch.Tensor, alpha: float) -> torch.Tensor:
    """Return each run's mini-batch gradient, (R, d), at x, (R, d), on its rows y a, (R, b, d)."""
    weight = torch.sigmoid(-torch.bmm(batch, x.unsqueeze(2)))
    loss = torch.bmm(weight.transpose(1, 2), batch).squeeze(1) / -batch.shape[1]
    return loss + 2 * alpha * x / (1 + x * x) ** 2
