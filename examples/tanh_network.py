"""A network of two tanh neurons, trained on another's noisy answers: not convex.

adasam check examples/tanh_network.py
"""

import math

import torch

from simulators import custom

# 200 inputs of length 1, and the answers of a network with the weights (1.5, 0) and (0, 1.5).
draw = torch.Generator().manual_seed(0)
inputs = torch.nn.functional.normalize(torch.randn(200, 2, generator=draw))
one, two = torch.tanh(1.5 * inputs).T
answers = one - two + 0.3 * torch.randn(200, generator=draw)


def loss(x, a, answer):
    """What one sample costs; x holds the weights of both neurons, a is the input."""
    one, two = torch.tanh(x.view(2, 2) @ a)
    error = one - two - answer
    return torch.logaddexp(error, -error) - math.log(2)  # log cosh


# Let e be the error and p the output's gradient: a times tanh' of each neuron, with a minus for the
# second. As |tanh'| <= 1 and ||a|| = 1, ||p||^2 <= 2 and no |p_j| exceeds 1. A sample's gradient is
# tanh(e) p, and its Hessian (1 - tanh(e)^2) p p^T + tanh(e) diag(tanh'' a a^T, -tanh'' a a^T) is
# at most 2 + 0.77 in norm, since |tanh''| <= 4/(3 sqrt(3)) < 0.77. No cost is below 0.
problem = custom(
    loss,
    data=(inputs, answers),  # loss gets a row of each
    x0=torch.tensor([0.5, 0.0, 0.0, 0.5]),
    L=2.77,
    sigma=math.sqrt(2),
    G=1.0,
    f_star=0.0,
    name="tanh network",
)
