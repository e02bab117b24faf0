"""A custom problem's gradients in torch: many points and many samples at once.

The functions of a user take one point and one sample. `torch.func` differentiates and batches
them; what it does is then traced once for each shape (`make_fx`) and replayed, which spares
small problems most of the time: `torch.func` interprets every operation anew.

How a traced product rounds may depend on where a row stands (`rows_alike` is False); the engine
takes care of it.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.func import grad, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from simulators import noise
from simulators.problems.blame import blamed

if TYPE_CHECKING:
    from simulators.problems.custom import Custom

PIECE = 2**20
"""Numbers of the data that a full gradient takes at once."""


class Autograd:
    """A `Custom` problem on one device and in one dtype, as `engines.torch_samples` asks for it.

    Parameters
    ----------
    problem : Custom
    patience : int
        From which call of the same shapes on functions are traced: a trace costs some sixty calls.
    """

    rows_alike = False

    def __init__(self, problem: "Custom", patience: int = 1) -> None:
        self.problem, self.patience = problem, patience
        self.d, self.N, self.uniforms, self.x0 = (
            problem.d, problem.N, problem.uniforms, problem.x0,
        )  # fmt: skip
        self.given = given = problem.given
        one_point = (0, *[None] * (1 if problem.uniforms else len(problem.data)))
        at_points = vmap(self._sample_gradient, one_point)
        self._batched = {
            "mini-batch": vmap(self._mean_gradient),
            "samples": vmap(at_points, tuple(None if axis == 0 else 0 for axis in one_point)),
            "own": vmap(at_points),
            "gradients": vmap(self._sum_of_gradients, one_point),
            "values": vmap(self._sum_of_values, one_point),
            "gradient": given["gradient"] and vmap(given["gradient"]),
            "value": given["value"] and vmap(given["value"]),
            "slope": given["value"] and vmap(grad(given["value"])),
        }
        self._graphs: dict[Any, Callable[..., torch.Tensor]] = {}
        self._calls: Counter[Any] = Counter()

    def prepare(self, dtype: torch.dtype, device: torch.device) -> None:
        """Copy the data there; whole numbers stay whole."""
        self.dtype, self.device = dtype, device
        self.data = tuple(
            array.to(device, dtype if array.is_floating_point() else array.dtype)
            for array in self.problem.data
        )
        self._graphs.clear()

    def rows(self, samples: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return what the user's functions take of samples (..., b) or (..., b k) int64."""
        if self.uniforms:
            return (samples.unflatten(-1, (-1, self.uniforms)).to(self.dtype) * noise.UNIFORM,)
        flat = samples.flatten()
        return tuple(
            array.index_select(0, flat).view(*samples.shape, *array.shape[1:])
            for array in self.data
        )

    def batch_gradient(self, x: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return the mini-batches' gradients, (C, d), at x, (C, d)."""
        return self._replay("mini-batch", x, *self.rows(samples))

    def sample_gradients(self, x: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return each sample's gradient, (n, P, d), at x, (P, d); samples (n,) or (n k,)."""
        return self._replay("samples", x, *self.rows(samples))

    def own_gradients(self, x: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return sample n's gradient at point n, (n, P, d); x (n, P, d), samples (n,) or (n k,)."""
        return self._replay("own", x, *self.rows(samples))

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        """Return grad f, (P, d), at x, (P, d)."""
        if self.given["gradient"] is not None:
            return self._replay("gradient", x)
        if self.given["value"] is not None:
            return self._replay("slope", x)
        return self._over_data("gradients", x)

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        """Return f, (P,) float64, at x, (P, d); nan where only gradients are given."""
        if self.given["value"] is not None:
            values = self._replay("value", x)
        elif self.given["sample_value"] is not None and not self.uniforms:
            values = self._over_data("values", x)
        else:
            values = torch.full((len(x),), torch.nan, device=x.device)
        return values.to(torch.float64)

    def _sample_gradient(self, x: torch.Tensor, *sample: torch.Tensor) -> torch.Tensor:
        given = self.given["sample_gradient"]
        return grad(self.given["sample_value"])(x, *sample) if given is None else given(x, *sample)

    def _mean_gradient(self, x: torch.Tensor, *rows: torch.Tensor) -> torch.Tensor:
        return self._sum_of_gradients(x, *rows) / len(rows[0])

    def _sum_of_gradients(self, x: torch.Tensor, *rows: torch.Tensor) -> torch.Tensor:
        given = self.given["sample_gradient"]
        if given is None:
            return grad(self._sum_of_values)(x, *rows)
        return vmap(given, (None, *[0] * len(rows)))(x, *rows).sum(0)

    def _sum_of_values(self, x: torch.Tensor, *rows: torch.Tensor) -> torch.Tensor:
        return vmap(self.given["sample_value"], (None, *[0] * len(rows)))(x, *rows).sum(0)

    def _over_data(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Return the mean over all data of what a function of points and rows sums over rows."""
        width = len(x) * (sum(array[0].numel() for array in self.data) + self.d)
        pieces = zip(*(array.split(max(1, PIECE // width)) for array in self.data), strict=True)
        sums = [self._replay(name, x, *piece) for piece in pieces]
        return sum(sums[1:], sums[0]) / self.N

    def _replay(self, name: str, *arguments: torch.Tensor) -> torch.Tensor:
        """Return a function of the arguments by the trace of an earlier call of these shapes."""
        dense = [argument.contiguous() for argument in arguments]  # a trace's views hold for these
        key = (name, *(argument.shape for argument in dense))
        if key not in self._graphs:
            with (
                torch.inference_mode(False),
                torch.no_grad(),
                blamed(self.problem.name, self.dtype, " for many points at once"),
            ):
                plain = [argument.clone() for argument in dense]
                self._calls[key] += 1
                if self._calls[key] < self.patience:
                    return self._batched[name](*plain)
                self._graphs[key] = make_fx(self._batched[name])(*plain).forward
        return self._graphs[key](*dense)
