"""What every problem offers."""

from typing import Any, Protocol

import numpy as np

from simulators.problems.certificate import Certificate


class Problem(Protocol):
    """A certified problem: what Algorithm 1, its engines and the bounds ask of it.

    Attributes
    ----------
    d : int
    x0 : (d,) float64, unit X
    L, G : float
        The certificate's.
    largest_grad_norm2 : float, unit F^2/X^2
        Bound on ||grad f||^2.
    spec : dict
        What makes this problem, canonical: the noise key comes from it.
    certificate : Certificate
    """

    d: int
    x0: np.ndarray

    @property
    def L(self) -> float: ...  # noqa: D102

    @property
    def G(self) -> float: ...  # noqa: D102

    @property
    def largest_grad_norm2(self) -> float: ...  # noqa: D102

    @property
    def spec(self) -> dict[str, Any]: ...  # noqa: D102

    @property
    def certificate(self) -> Certificate: ...  # noqa: D102

    def objective(self, x: Any, xp: Any, /) -> Any:
        """Return f of each row of x."""
        ...

    def gradient(self, x: Any, xp: Any, /) -> Any:
        """Return grad f of each row of x."""
        ...

    def batch_gradient(self, x: Any, batch: Any, xp: Any, /) -> Any:
        """Return each row's mini-batch gradient; what a batch is, the problem says."""
        ...
