"""Robust regression: a line through data with outliers, log cosh for the square of least squares.

    adasam check examples/robust_regression.py
"""

import torch

from simulators import custom

# Data: 400 points on a plane, some noise, and every tenth answer 3 too high.
draw = torch.Generator().manual_seed(0)
A = torch.randn(400, 5, generator=draw)
y = A.sum(1) + 0.1 * torch.randn(400, generator=draw)
y[::10] += 3


def loss(x, a, target):
    """log cosh of one sample's error: a square near 0, a straight line far out."""
    error = (a @ x - target).abs()
    return error + torch.nn.functional.softplus(-2 * error) - torch.log(torch.tensor(2.0))


# A sample's gradient is tanh(error) a, its Hessian (1 - tanh(error)^2) a a^T, so that
# - no Hessian is above ||a||^2, and no gradient's coordinate above |a_j|: |tanh| <= 1;
# - the variance is at most E||gradient||^2, so at most the mean of ||a||^2;
# - no sample costs less than 0.
problem = custom(
    loss,
    data=(A, y),
    x0=torch.zeros(5),
    L=(A**2).sum(1).max(),
    G=A.abs().max(),
    sigma=(A**2).sum(1).mean().sqrt(),
    f_star=0.0,
    name="robust regression",
)
