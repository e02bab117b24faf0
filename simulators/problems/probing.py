"""See that a user's functions work: at x_0 and near it, alone, and in every batched form."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simulators.problems.blame import blamed
from simulators.problems.reading import tensor
from theory.errors import InputError

if TYPE_CHECKING:
    from simulators.problems.custom import Custom

AGREEMENT = 1e-9
"""Relative difference of a gradient taken alone from the same taken among others: rounding."""

SAMPLES = 4
"""How many samples are tried."""


def probe(problem: "Custom") -> float:
    """Call every function alone, and in every form in which engines and searches call it.

    Returns
    -------
    float
        f(x_0), unit F; nan if f is not given.

    Raises
    ------
    InputError
        If a function fails, returns no finite number, or not the same when it is called again or
        among others.
    """
    import torch

    x = torch.tensor(problem.x0)
    for label, shape in (("value", ()), ("gradient", (problem.d,))):
        function = problem.given[label]
        if function is not None:
            with blamed(problem.name, x.dtype):
                check_shape(label, function(x), shape)
    samples, here = _samples(problem), problem.x0[None, :]
    alone, again = (
        np.concatenate([problem.batch_gradient(here, row[None, :]) for row in samples])
        for _ in range(2)
    )
    if not np.array_equal(alone, again, equal_nan=True):
        raise InputError(
            f"{problem.name} has two gradients of one sample at one point: take all noise from "
            "the sample, as noise=k gives it."
        )
    _check_finite(f"a sample's gradient of {problem.name}", alone)
    exact, place = problem.exact, tensor(here)
    at_x0 = float(exact.objective(place))
    _check_finite(f"the gradient of {problem.name}", exact.gradient(place).numpy())
    if "f_star" in problem.claims:
        _check_finite(f"the value of {problem.name}", np.array([at_x0]))
    flat = tensor(samples.ravel())
    places = place.expand(len(samples), -1)
    forms = (
        exact.batch_gradient(places, tensor(samples)),
        exact.sample_gradients(place, flat)[:, 0],
        exact.own_gradients(places[:, None, :], flat)[:, 0],
    )
    for form in forms:
        apart = float(np.abs(form.numpy() - alone).max())
        if apart > AGREEMENT * max(float(np.abs(alone).max()), problem.G):
            raise InputError(
                f"{problem.name}: a sample's gradient among others differs by {apart:.3g} from "
                "the same alone: keep no state between calls."
            )
    return at_x0


def _samples(problem: "Custom") -> np.ndarray:
    """Return some samples as runs draw them, (n, 1) or (n, k): uniforms are the
    least, the largest, and numbers between.
    """
    if problem.uniforms:
        shares = np.linspace(0, 1, SAMPLES * problem.uniforms)
        return 2 * np.rint(shares * (2**23 - 1)).astype(np.int64).reshape(SAMPLES, -1) + 1
    return (np.arange(SAMPLES) % problem.N)[:, None]


def check_shape(label: str, out: Any, shape: tuple[int, ...]) -> None:
    """Refuse what a function returned if it is not a tensor of this shape."""
    import torch

    if not isinstance(out, torch.Tensor):
        raise InputError(f"{label} returns a {type(out).__name__}: return a torch tensor.")
    if tuple(out.shape) != shape:
        wanted = "a scalar, such as a sum" if shape == () else f"the shape {shape}"
        raise InputError(f"{label} returns the shape {tuple(out.shape)}: return {wanted}.")


def _check_finite(what: str, values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise InputError(f"{what} at x_0 is not finite: move x_0 or mend the function.")
