"""Who is timed: this package's engines and their peers, all called the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, util

import numpy as np

from simulators import FiniteSum, simulate
from verify.bench.setting import FiniteSumSetting, Setting

Run = Callable[[int, int], np.ndarray]
"""``run(T, seed)``: do T steps of every run; return each run's (1/T) sum ||grad f(x_t)||^2."""


@dataclass(frozen=True)
class Contender:
    """An engine or a peer.

    Attributes
    ----------
    name, meaning : str
    make : callable
        ``make(setting, runs, dtype)`` returns a `Run`.
    most : int or None
        How many numbers of a state [R, d] it is given at most, and so how many runs: its rate
        does not depend on more, since it takes runs one at a time or in chunks.
    fewest : int
        Steps of a run that must be timed at least: an engine that records curves at 64
        checkpoints would else do little but that.
    dtypes : tuple of str
    largest_b : int
        Up to which batch size it can be used.
    needs : tuple of str
        Packages that not every installation has.
    """

    name: str
    meaning: str
    make: Callable[[Setting, int, str], Run]
    most: int | None = None
    fewest: int = 4
    dtypes: tuple[str, ...] = ("float32", "float64")
    largest_b: int = 2**20
    needs: tuple[str, ...] = ()

    def runs(self, wanted: int, d: int) -> int:
        """Return how many runs it is given."""
        return wanted if self.most is None else max(1, min(wanted, self.most // d))

    @property
    def missing(self) -> list[str]:
        """The packages it needs that are not installed."""
        return [name for name in self.needs if util.find_spec(name) is None]


def engine(name: str, device: str = "cpu") -> Callable[[Setting, int, str], Run]:
    """Return the maker of runs on an engine of this package."""

    def make(setting: Setting, runs: int, dtype: str) -> Run:
        def run(T: int, seed: int) -> np.ndarray:
            return simulated(setting, runs, dtype, name, np.array(T), seed, device)

        return run

    return make


def simulated(
    setting: Setting,
    runs: int,
    dtype: str,
    name: str,
    T: np.ndarray,
    seed: int,
    device: str = "cpu",
) -> np.ndarray:
    """Return each run's (1/T) sum ||grad f(x_t)||^2 from `simulators.simulate`, cell by cell."""
    return simulate(
        setting.problem, gamma=setting.gamma, rho=setting.rho, beta1=setting.beta1,
        beta2=setting.beta2, eps=setting.eps, b=setting.b, T=T, runs=runs, seed=seed,
        method=setting.method, engine=name, device=device, dtype=dtype,
    ).mean_grad_norm2[:, -1]  # fmt: skip


def peer(module: str, function: str = "make") -> Callable[[Setting, int, str], Run]:
    """Return a peer's maker of runs; its module is imported when it is called."""

    def make(setting: Setting, runs: int, dtype: str) -> Run:
        return getattr(import_module(f"verify.bench.peers.{module}"), function)(
            setting, runs, dtype
        )

    return make


def peer_on_finite_sum(setting: FiniteSumSetting, runs: int, dtype: str) -> Run:
    """Return torch's runs on a finite sum; they return x_T, since the true gradient costs many
    steps.
    """
    from verify.bench.peers import torch_gather_bmm

    return torch_gather_bmm.make(
        *setting.data(), runs, dtype, alpha=setting.alpha, b=setting.b, gamma=setting.gamma,
        rho=setting.rho, beta1=setting.beta1, beta2=setting.beta2, eps=setting.eps,
    )  # fmt: skip


def numba_on_finite_sum(setting: FiniteSumSetting, runs: int, share: float) -> Run:
    """Return the numba engine's runs on a finite sum, with the true gradient at this share of the
    steps, and at 64 checkpoints.
    """
    rows, labels = setting.data()
    problem = FiniteSum(rows, labels, alpha=setting.alpha)

    def run(T: int, seed: int) -> np.ndarray:
        return simulate(
            problem, gamma=setting.gamma, rho=setting.rho, beta1=setting.beta1,
            beta2=setting.beta2, eps=setting.eps, b=setting.b, T=T, runs=runs, seed=seed,
            engine="numba", device="cpu", gradient_share=share,
        ).x  # fmt: skip

    return run


CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender("numba", "this package's engine for CPUs", engine("numba"), fewest=4096),
        Contender(
            "torch",
            "this package's engine for any device",
            engine("torch"),
            most=2**15,
            fewest=1024,
        ),
        Contender(
            "reference",
            "this package's oracle, NumPy float64",
            engine("reference"),
            most=2**15,
            fewest=256,
            dtypes=("float64",),
        ),
        Contender("numpy", "NumPy, all runs as one array", peer("numpy_batched")),
        Contender(
            "torch_optim_loop",
            "SAM around torch.optim.Adam(amsgrad), one run at a time",
            peer("torch_optim_loop"),
            most=1,
        ),
        Contender(
            "jax",
            "JAX and optax, jit(vmap(scan))",
            peer("jax_scan"),
            largest_b=64,
            needs=("jax", "optax"),
        ),
        Contender(
            "jax_runs_last",
            "JAX and optax, jit(scan) on arrays [d, R]",
            peer("jax_scan", "make_runs_last"),
            largest_b=64,
            needs=("jax", "optax"),
        ),
    )
}
"""The contenders by name."""
