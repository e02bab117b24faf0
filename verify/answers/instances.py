"""Certified instances of Theorem 1 as points of a box, for searches.

Every point of the box is a valid problem with hyper-parameters inside a given bound's own
preconditions, so that a search needs no constraints. Units of x are fixed by G/L = 1 X. The scale
of f, by which L, sigma, G and eps are multiplied while the path of x stays the same, is an axis of
its own: a bound of inhomogeneous units depends on it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.problems.profiles import PROFILES
from simulators.problems.separable import NOISES
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.bound import Bound
from theory.setting import Constants, Hyperparameters
from theory.symbols import gamma

PROFILE_NAMES = tuple(PROFILES)


@dataclass(frozen=True)
class Axis:
    """One coordinate of the box.

    Attributes
    ----------
    name : str
    low, high : float
    start : float
        Where a search begins.
    whole : bool
        Whether it takes whole numbers only.
    meaning : str
        What a coordinate z stands for.
    """

    name: str
    low: float
    high: float
    start: float
    whole: bool
    meaning: str


AXES = (
    Axis("profile", 0, len(PROFILE_NAMES) - 1, 1, True, "number z of the profiles"),
    Axis("noise", 0, len(NOISES) - 1, 0, True, "number z of the noises"),
    Axis("d", 0, 3, 2, True, "d = 2^z"),
    Axis("b", 0, 10, 4, True, "b = 2^z"),
    Axis("sigma", 0.05, 0.98, 0.5, False, "sigma is the share z of the largest possible"),
    Axis("start", 0.0, 1.2, 0.3, False, "x_0 = (10^z - 1) G/L in every coordinate"),
    Axis("condition", 0.0, 2.0, 0.5, False, "L/L_min = 10^z"),
    Axis("gamma", -3.0, 0.0, -1.0, False, "gamma = 10^z times the largest, or eps/L if any may be"),
    Axis("rho", -4.0, 0.0, -2.0, False, "rho = (10^z - 10^-4) G/L"),
    Axis("beta1", 0.0, 2.0, 1.0, False, "beta1 = 1 - 10^-z"),
    Axis("beta2", 0.0, 4.0, 3.0, False, "beta2 = 1 - 10^-z"),
    Axis("eps", -3.0, 0.0, 0.0, False, "eps = 10^z G"),
    Axis("scale", -6.0, 6.0, 0.0, False, "f is 10^z times one with G = L = 1"),
)
"""The box, and an ordinary point of it: eps = G = L = 1, b = 16, beta1 = .9, beta2 = .999."""

NAMES = tuple(axis.name for axis in AXES)
_AT = {name: number for number, name in enumerate(NAMES)}
START, SCALE = _AT["start"], _AT["scale"]
"""Numbers of two axes. At the first one's low end x_0 is the minimiser, and Delta = 0."""


def spec_at(
    point: np.ndarray, bound: Bound, *, T: int, runs: int, seed: int, common_noise: bool = False
) -> Spec:
    """Return the spec of a point.

    Parameters
    ----------
    point : (n,)
        Coordinates in the order of `AXES`; those of whole axes are rounded.
    bound : Bound
        Whose preconditions gamma keeps to.
    """
    z = {name: float(value) for name, value in zip(NAMES, point, strict=True)}
    profile, noise = PROFILE_NAMES[round(z["profile"])], NOISES[round(z["noise"])]
    d, scale = 2 ** round(z["d"]), 10.0 ** z["scale"]
    reach = 1.0 if noise == "additive" else PROFILES[profile].spread.largest
    problem = ProblemSpec(
        profile=profile,
        noise=noise,
        L=scale,
        sigma=z["sigma"] * reach * d**0.5 * scale,
        G=scale,
        d=d,
        start=10.0 ** z["start"] - 1.0,
        condition=10.0 ** z["condition"] if d > 1 else None,
    )
    cell: dict[str, Any] = {
        "rho": 10.0 ** z["rho"] - 10.0 ** AXES[_AT["rho"]].low,
        "beta1": 1.0 - 10.0 ** -z["beta1"],
        "beta2": 1.0 - 10.0 ** -z["beta2"],
        "eps": 10.0 ** z["eps"] * scale,
        "b": 2 ** round(z["b"]),
        "T": T,
    }
    at_scale = Constants(L=scale, sigma=0.0, G=scale, d=d, Delta=0.0)
    largest = _largest_gamma(bound, at_scale, cell)
    run = RunSpec(
        gamma=10.0 ** z["gamma"] * largest,
        runs=runs,
        seed=seed,
        common_noise=common_noise,
        **cell,
    )
    return Spec(problem=problem, run=run)


def _largest_gamma(bound: Bound, constants: Constants, cell: dict[str, Any]) -> float:
    """Return the largest step that a bound's preconditions allow, unit X; eps/L if they allow any.

    A step beyond eps/L leaves a quadratic basin on the other side.
    """
    free = float(cell["eps"] / constants.L)
    checks = bound.preconditions(constants, Hyperparameters(gamma=free, **cell))
    limits = [
        float(check.limit)
        for item, check in zip(bound.requirements, checks, strict=True)
        if item.left == gamma
    ]
    return min(limits, default=free)


def unscaled(point: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the point with f at scale 1, and its scale.

    Scaling f by c scales the gradients and eps alike: the path stays, ||grad f||^2 grows by c^2.
    """
    out = np.array(point, dtype=np.float64)
    out[SCALE] = 0.0
    return out, 10.0 ** float(point[SCALE])


def edges(point: np.ndarray) -> list[str]:
    """Return at which ends of the box's measured axes a point lies, as ``"scale at its least"``."""
    out = []
    for axis, value in zip(AXES, point, strict=True):
        near = 1e-3 * (axis.high - axis.low)
        if axis.name not in ("profile", "noise"):
            if value <= axis.low + near:
                out.append(f"{axis.name} at its least")
            elif value >= axis.high - near:
                out.append(f"{axis.name} at its largest")
    return out


def kinds(points: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a figure tells points, (N, n), apart by: eps/G, the scale, convexity, noise."""
    profiles = np.rint(points[:, _AT["profile"]]).astype(int)
    noises = np.rint(points[:, _AT["noise"]]).astype(int)
    return {
        "eps_over_G": 10.0 ** points[:, _AT["eps"]],
        "scale": 10.0 ** points[:, SCALE],
        "convex": np.array([PROFILES[name].convex for name in PROFILE_NAMES])[profiles],
        "noise": np.array(NOISES)[noises],
    }
