"""Whether runs stay where a problem's claims are made."""

import copy
from typing import Any

import torch

from simulators.problems import Custom
from simulators.problems.autograd import Autograd


class Watched(Autograd):
    """A problem's gradients, which remember how far out they were asked for.

    Attributes
    ----------
    farthest : float
        The largest `Region.share` of the points at which a mini-batch's gradient was taken, the
        perturbed ones among them: above 1 a run left the region.
    """

    def __init__(self, problem: Custom) -> None:
        super().__init__(problem)
        self.farthest = 0.0

    def batch_gradient(self, x: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return the mini-batches' gradients."""
        region = self.problem.region
        if region is not None:
            self.farthest = max(self.farthest, float(region.share(x.double().cpu().numpy()).max()))
        return super().batch_gradient(x, samples)


def watched(problem: Custom) -> tuple[Any, Watched]:
    """Return the problem to simulate, and what watches its runs."""
    watcher, seen = Watched(problem), copy.copy(problem)
    seen.torch = lambda: watcher
    return seen, watcher
