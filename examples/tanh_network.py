"""A small network of tanh neurons, not convex: its inner weights learn from a teacher's answers.

    adasam check examples/tanh_network.py
"""

import torch

from simulators import custom

# Data: 200 inputs, and the answers of a network with the weights below.
draw = torch.Generator().manual_seed(0)
inputs = torch.rand(200, 2, generator=draw) * 2 - 1
outer = torch.tensor([0.5, -0.5])  # the outer weights are fixed: gradients stay bounded
teacher = torch.tensor([[1.0, 0.5], [-0.5, 1.0]])
answers = torch.tanh(inputs @ teacher.T) @ outer


def loss(x, a, target):
    """Half the squared error on one sample; x holds the inner weights, row by row."""
    return (outer @ torch.tanh(x.view(2, 2) @ a) - target) ** 2 / 2


# The error is at most R = 0.5 + 0.5 + max|target| in size; 0 <= tanh' <= 1, |tanh''| <= 0.77. So
# - a gradient's coordinate, error * outer_k * tanh' * a_j, is at most R * 0.5 * max|a_j|;
# - a Hessian, p p^T + error * (outer_k tanh'' a a^T, block by block) with p the output's gradient,
#   is at most ||a||^2 (||outer||^2 + R * 0.5 * 0.77) in norm;
# - the variance is at most E||gradient||^2, so at most R^2 ||outer||^2 times the mean of ||a||^2;
# - the teacher's weights cost 0.
R, longest = 1 + answers.abs().max(), (inputs**2).sum(1).max()
problem = custom(
    loss,
    data=(inputs, answers),
    x0=torch.zeros(4) + 0.1,
    L=longest * (0.5 + R * 0.5 * 0.77),
    G=R * 0.5 * inputs.abs().max(),
    sigma=R * (0.5 * (inputs**2).sum(1).mean()).sqrt(),
    f_star=0.0,
    name="tanh network",
)
