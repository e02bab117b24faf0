"""A SAM loop around torch.optim.Adam(amsgrad=True) with autograd: one run at a time.

This is how SAM is run with PyTorch's optimisers, two backward passes a step. Its algorithm is
not Algorithm 1 to the letter: torch corrects the moments' bias and adds eps outside the root,
where Algorithm 1 starts v_hat at eps^2. ``fused`` is torch's fastest Adam for few numbers.
"""

from collections.abc import Callable

import numpy as np
import torch

from verify.bench.setting import Setting


def make(setting: Setting, runs: int, dtype: str) -> Callable[[int, int], np.ndarray]:
    """Return ``run(T, seed)``: (1/T) sum ||grad f(x_t)||^2 of each run, (R,) float64."""
    real = getattr(torch, dtype)
    zero = torch.zeros(setting.d, dtype=real)

    def loss(x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        huber = torch.nn.functional.huber_loss(
            x, zero, reduction="sum", delta=setting.limit / setting.L
        )
        return setting.L * huber + noise @ x

    def one(T: int, generator: torch.Generator) -> float:
        x = torch.full((setting.d,), setting.start, dtype=real, requires_grad=True)
        optimiser = torch.optim.Adam(
            [x], lr=setting.gamma, betas=(setting.beta1, setting.beta2), eps=setting.eps,
            amsgrad=True, fused=True,
        )  # fmt: skip
        total = torch.zeros((), dtype=torch.float64)
        for _ in range(T):
            noise = draw(generator, setting, real)
            optimiser.zero_grad()
            loss(x, noise).backward()
            s = x.grad
            assert s is not None
            with torch.no_grad():
                u = s - noise
                total += u @ u
                norm = s.norm()
                delta = s * (setting.rho / norm.masked_fill_(norm == 0, torch.inf))
                x += delta
            optimiser.zero_grad()
            loss(x, noise).backward()
            with torch.no_grad():
                x -= delta
            optimiser.step()
        return float(total) / T

    def run(T: int, seed: int) -> np.ndarray:
        generator = torch.Generator().manual_seed(seed)
        return np.array([one(T, generator) for _ in range(runs)])

    return run


def draw(generator: torch.Generator, setting: Setting, real: torch.dtype) -> torch.Tensor:
    """Return a mini-batch's noise, (d,): (2h - b) (sigma/sqrt(d))/b with h ~ Binomial(b, 1/2)."""
    b, size = setting.b, setting.noise_size
    count = torch.full((setting.d,), float(b), dtype=real)
    heads = torch.binomial(count, torch.full_like(count, 0.5), generator=generator)
    return heads.mul_(2 * size / b).sub_(size)
