"""Robust regression: a plane through data with outliers, log cosh in place of the square.

adasam check examples/robust_regression.py
"""

import math

import torch

from simulators import custom

# 400 points with features of length 1, a little noise, and every tenth answer 3 too high.
draw = torch.Generator().manual_seed(0)
features = torch.nn.functional.normalize(torch.randn(400, 3, generator=draw))
answers = features.sum(1) + 0.1 * torch.randn(400, generator=draw)
answers[::10] += 3


def loss(x, feature, answer):
    """What one sample costs at the weights x: a square near 0, a straight line far out."""
    error = feature @ x - answer
    return torch.logaddexp(error, -error) - math.log(2)  # log cosh


# With a for feature and e for error, a sample's gradient is tanh(e) a and its Hessian is
# (1 - tanh(e)^2) a a^T, where |tanh| <= 1 and ||a|| = 1. So no Hessian exceeds 1, no coordinate
# of a gradient exceeds 1, and the variance, at most E||gradient||^2, is at most 1. No cost is < 0.
problem = custom(
    loss,
    data=(features, answers),  # loss gets a row of each
    x0=torch.zeros(3),
    L=1.0,
    sigma=1.0,
    G=1.0,
    f_star=0.0,
    name="robust regression",
)
