"""A problem of your own, given in torch: what a sample costs, and what you claim of it.

f(x) = E f_xi(x), where xi is a row of your data, drawn with replacement, or k uniform numbers,
drawn anew. The constants are yours, so that their standing is ``claimed``: `adasam check` looks for
a point where one is violated, and sets Theorem 1's bounds beside runs.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators.problems import reading
from simulators.problems.certificate import Certificate, Constant
from simulators.problems.geometry import numbers
from simulators.problems.probing import check_shape, probe
from simulators.problems.reading import tensor
from simulators.problems.region import Region
from theory.errors import InputError
from theory.setting import Constants

if TYPE_CHECKING:
    import torch

    from simulators.problems.autograd import Autograd


def custom(
    sample_value: Callable[..., Any] | None = None,
    *,
    x0: Any,
    L: float,
    sigma: float,
    G: float,
    f_star: float | None = None,
    Delta: float | None = None,
    data: Any = None,
    noise: int | None = None,
    sample_gradient: Callable[..., Any] | None = None,
    value: Callable[..., Any] | None = None,
    gradient: Callable[..., Any] | None = None,
    ball: float | None = None,
    box: Any = None,
    name: str = "custom",
) -> "Custom":
    """Make a problem f(x) = E f_xi(x) out of your own functions and claims.

    Functions are written for one point x, (d,), and one sample, in torch operations; they are
    differentiated and batched by `torch.func`. Both gradients of a step see the same samples.

    Parameters
    ----------
    sample_value : callable
        ``sample_value(x, *sample)``: f_xi(x), a scalar. The sample is a row of each array of
        ``data``, or the one vector u, (k,), of ``noise`` = k.
    x0 : (d,) array, unit X
        Where the runs start.
    L : float, unit F/X^2
        Claimed: no sample's gradient changes faster than this (Assumption 1).
    sigma : float, unit F/X
        Claimed: E||grad f_xi(x) - grad f(x)||^2 <= sigma^2 at every x (Assumption 2).
    G : float, unit F/X
        Claimed: no coordinate of a sample's gradient exceeds it (Assumption 3).
    f_star : float, unit F
        Claimed: f is nowhere below it.
    Delta : float, unit F
        f(x_0) - f*, claimed, where f itself is not given, in place of f_star.
    data : array or sequence of arrays, (N, ...)
        Samples are its rows, drawn with replacement.
    noise : int
        Instead of data: k, how many numbers, uniform on (0, 1), a sample is made of.
    sample_gradient : callable
        ``sample_gradient(x, *sample)``, (d,): instead of sample_value.
    value : callable
        ``value(x)``: f(x). With data it is the mean of sample_value if not given.
    gradient : callable
        ``gradient(x)``: grad f(x), (d,), where value is not given. With data it is the mean of the
        samples' gradients if neither is.
    ball : float, unit X
        The claims are about the points at most so far from x_0, not about all. `adasam check`
        searches there only, and sees whether the runs stay there.
    box : float or (d,) array, unit X
        Likewise: about the points whose coordinates differ from x_0's by at most this.
    name : str
        What reports call the problem; the noise depends on it, on x_0 and on the data.

    Raises
    ------
    InputError
        If an argument is malformed, or a function fails, at x_0 and the first samples.
    """
    given = {
        "sample_value": sample_value, "sample_gradient": sample_gradient,
        "value": value, "gradient": gradient,
    }  # fmt: skip
    for label, function in given.items():
        if function is not None and not callable(function):
            raise InputError(f"{label} = {function!r} is no function: give one of x.")
    _exactly_one({"sample_value": sample_value, "sample_gradient": sample_gradient})
    _exactly_one({"data": data, "noise": noise})
    if value is not None and gradient is not None:
        raise InputError("value and gradient are both given: drop gradient, it comes from value.")
    if noise is not None and value is None and gradient is None:
        raise InputError("noise needs value or gradient: f is no mean over data that can be taken.")
    known = value is not None or (sample_value is not None and data is not None)
    if known and (f_star is None or Delta is not None):
        raise InputError("f_star is missing, or Delta given: f(x_0) is known here. Claim f_star.")
    if not known and (Delta is None or f_star is not None):
        raise InputError(
            "Delta is missing, or f_star given: without value, f(x_0) is not known. Claim Delta, "
            "or give value."
        )
    claims = {"L": L, "sigma": sigma, "G": G, "f_star": f_star, "Delta": Delta}
    return Custom(given, claims, x0=x0, data=data, noise=noise, ball=ball, box=box, name=name)


def _exactly_one(choice: dict[str, Any]) -> None:
    if sum(value is not None for value in choice.values()) != 1:
        raise InputError(f"give exactly one of {' and '.join(choice)}.")


class Custom:
    """A problem given in torch; `custom` makes it.

    Attributes
    ----------
    d : int
    N : int
        How many samples there are; 0 where a sample is made of uniform numbers.
    uniforms : int
        How many of these; 0 where there are data.
    x0 : (d,) float64, read-only
    data : tuple of CPU tensors, (N, ...)
    at_x0 : float, unit F
        f(x_0); nan if f is not given.
    given : dict of callable or None
        The user's functions.
    claims : dict of float
        L, sigma, G, and f_star or Delta.
    region : Region or None
        Where the claims are made; everywhere if None.
    certificate : Certificate
        Every constant ``claimed``.
    """

    def __init__(
        self,
        given: dict[str, Any],
        claims: dict[str, float | None],
        *,
        x0: Any,
        data: Any,
        noise: int | None,
        ball: float | None,
        box: Any,
        name: str,
    ) -> None:
        self.given, self.name = given, str(name)
        self.x0 = reading.point(x0)
        self.d = len(self.x0)
        self.uniforms = reading.uniforms(noise)
        self.data: tuple[torch.Tensor, ...] = () if data is None else reading.tensors(data)
        self.N = len(self.data[0]) if self.data else 0
        self.claims = {
            label: float(numbers(label, claim, 0))
            for label, claim in claims.items()
            if claim is not None
        }
        Constants(**{key: self.claims[key] for key in ("L", "sigma", "G")}, d=self.d, Delta=0.0)
        if ball is not None and box is not None:
            raise InputError("ball and box are both given: drop one of them.")
        self.region: Region | None = None
        if ball is not None or box is not None:
            kind, size = ("box", box) if ball is None else ("ball", ball)
            self.region = Region(self.x0, kind, size)
        self.at_x0 = probe(self)

    def __repr__(self) -> str:
        return f"Custom({self.spec})"

    @property
    def spec(self) -> dict[str, Any]:
        """What the noise key comes from: name, x_0 and data, not the functions or the claims."""
        drawn = {"noise": self.uniforms} if self.uniforms else {"N": self.N}
        return {
            "kind": "custom", "name": self.name, "d": self.d, **drawn, "sha256": self._digest,
        }  # fmt: skip

    @cached_property
    def _digest(self) -> str:
        """The SHA-256 of x_0 and of the data, as little-endian doubles."""
        hashed = hashlib.sha256(self.x0.astype("<f8").tobytes())
        for array in self.data:
            hashed.update(repr(tuple(array.shape)).encode())
            hashed.update(np.ascontiguousarray(array.numpy().astype("<f8")).tobytes())
        return hashed.hexdigest()

    @property
    def L(self) -> float:
        """Claimed Lipschitz constant of every sample's gradient, unit F/X^2."""
        return self.claims["L"]

    @property
    def sigma(self) -> float:
        """Claimed root of the largest variance of a sample's gradient, unit F/X."""
        return self.claims["sigma"]

    @property
    def G(self) -> float:
        """Claimed bound on the coordinates of the samples' gradients, unit F/X."""
        return self.claims["G"]

    @property
    def largest_grad_norm2(self) -> float:
        """A bound on ||grad f||^2, d G^2, unit F^2/X^2."""
        return self.d * self.G**2

    @cached_property
    def certificate(self) -> Certificate:
        """The claims."""

        def claimed(label: str, method: str = "") -> Constant:
            return Constant(self.claims[label], "claimed", method)

        if "f_star" in self.claims:
            f_star = claimed("f_star")
            gap = max(self.at_x0 - f_star.value, 0.0)
            Delta = Constant(gap, "claimed", f"f(x_0) = {self.at_x0:.6g} less the claimed f*")
        else:
            f_star, Delta = Constant(float("nan"), "claimed", "f is not given"), claimed("Delta")
        return Certificate(
            L=claimed("L"),
            sigma=claimed("sigma"),
            G=claimed("G"),
            G_f=claimed("G", "a mean of samples' gradients"),
            d=self.d,
            f_star=f_star,
            Delta=Delta,
        )

    def torch(self) -> "Autograd":
        """Return the problem as the torch engine takes it."""
        from simulators.problems.autograd import Autograd

        return Autograd(self)

    @cached_property
    def exact(self) -> "Autograd":
        """The same in float64 on the CPU."""
        import torch

        from simulators.problems.autograd import Autograd

        prepared = Autograd(self, patience=64)
        prepared.prepare(torch.float64, torch.device("cpu"))
        return prepared

    def objective(self, x: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return f(x), unit F, of the rows of x, (R, d); nan if f is not given."""
        return self.exact.objective(tensor(x)).numpy()

    def gradient(self, x: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return grad f(x), unit F/X, of the rows of x, (R, d)."""
        return self.exact.gradient(tensor(x)).numpy() if len(x) else np.zeros_like(x)

    def batch_gradient(self, x: np.ndarray, batch: np.ndarray, xp: Any = np) -> np.ndarray:
        """Return the mini-batch gradient at x, (R, d), unit F/X, from samples (R, b) or (R, b k).

        One point and one sample at a time, by plain automatic differentiation: what the engine's
        batched gradients must agree with.
        """
        rows = self.exact.rows(tensor(batch))
        return np.stack(
            [
                np.mean([self._alone(point, sample) for sample in zip(*own, strict=True)], axis=0)
                for point, *own in zip(tensor(x), *rows, strict=True)
            ]
        )

    def _alone(self, x: "torch.Tensor", sample: Sequence["torch.Tensor"]) -> np.ndarray:
        import torch

        from simulators.problems.blame import blamed

        sample_value, sample_gradient = self.given["sample_value"], self.given["sample_gradient"]
        with blamed(self.name, x.dtype):
            if sample_gradient is not None:
                out = sample_gradient(x, *sample)
                check_shape("sample_gradient", out, (self.d,))
                return out.detach().numpy()
            leaf = x.clone().requires_grad_()
            out = sample_value(leaf, *sample)
            check_shape("sample_value", out, ())
            (slope,) = (
                torch.autograd.grad(out, leaf, allow_unused=True, materialize_grads=True)
                if out.requires_grad
                else (torch.zeros_like(x),)
            )
            return slope.numpy()
