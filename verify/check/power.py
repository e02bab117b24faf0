"""How large a violation a search finds: measured on problems whose constants are known.

    python -m verify.check.power [NAME ...]

searches each law below, with every claim a fifth too low, and writes the share of the true
constants that was found to power.json beside this file; NAME is an effort, quick or full. A search
that comes upon the share s of a constant finds every claim below s times the truth: violations from
1/s - 1 up. `adasam check` shows the worst of the laws beside each constant.

A law is f_xi(x) = sum_j c_j psi(k_j (x_j - m_j))/k_j, whose factors c > 0 are the noise: rows of
data, or functions of uniform numbers. With sup |psi'| = S, reached or approached in each
coordinate, and sup |psi''| = 1, L = max c_j k_j, G = S max c_j, sigma^2 = S^2 sum_j var c_j, and
f* = 0 at m.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simulators import custom, noise
from simulators.problems import Custom
from verify.files import write

TABLE = Path(__file__).with_name("power.json")

CONSTANTS = ("L", "sigma", "G", "f_star")

LOW = 1.25
"""By how much the claims are too low."""

BLIND = 0.5
"""Share below which a search is blind to a law: what it finds there has little to do with it."""


def _log_cosh(u: torch.Tensor) -> torch.Tensor:
    return torch.logaddexp(u, -u) - math.log(2)


def _huber(u: torch.Tensor) -> torch.Tensor:
    return torch.where(u.abs() <= 1, u**2 / 2, u.abs() - 0.5)


def _bump(u: torch.Tensor) -> torch.Tensor:
    return torch.log1p(u**2) / 2


PROFILES: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], float]] = {
    "smooth": (_log_cosh, 1.0), "kinked": (_huber, 1.0), "bump": (_bump, 0.5),
}  # fmt: skip
"""psi and sup |psi'|: approached far out, reached from 1 on, reached at 1 alone."""


@dataclass(frozen=True)
class Factor:
    """A law of c: from a uniform number, with its largest value, mean and variance."""

    of: Callable[[torch.Tensor], torch.Tensor]
    largest: float
    mean: float
    variance: float


_LEAST = noise.UNIFORM
RARE = 2.0**-16

FACTORS = {
    "light": Factor(lambda u: 1 + u, 2 - _LEAST, 1.5, 1 / 12),
    "skewed": Factor(lambda u: -torch.log(u), -math.log(_LEAST), 1.0, 1.0),
    "heavy": Factor(lambda u: u**-0.4, _LEAST**-0.4, 1 / 0.6, 1 / 0.2 - 1 / 0.36),
    "lattice": Factor(lambda u: torch.where(u < 0.5, 1.0, 2.0), 2.0, 1.5, 0.25),
    "rare": Factor(
        lambda u: torch.where(u < RARE, 1000.0, 1.0),
        1000.0, 1 + 999 * RARE, 999.0**2 * RARE * (1 - RARE),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Law:
    """One problem; see the module.

    Attributes
    ----------
    factor, profile : str
    source : {"data", "noise"}
    scales : tuple of float
        k.
    centre : float
        m, the same in all coordinates.
    """

    factor: str
    profile: str
    source: str
    scales: tuple[float, ...] = (1.0, 1.0, 1.0)
    centre: float = 0.0
    rows: int = 300

    @property
    def name(self) -> str:
        """What it is, in words."""
        words = [f"{self.factor} {self.source}", self.profile]
        words += ["badly scaled"] if len(set(self.scales)) > 1 else []
        words += ["uncentred"] if self.centre else []
        return ", ".join([*words, f"d = {len(self.scales)}"])

    @property
    def x0(self) -> np.ndarray:
        """A start some way from the minimiser on every scale: at 0 if that is far away."""
        return np.zeros(len(self.scales)) if self.centre else 3.0 / np.array(self.scales)

    def c(self) -> torch.Tensor:
        """Return the factors of the data, (N, d)."""
        u = np.random.default_rng(5).random((self.rows, len(self.scales)))
        return FACTORS[self.factor].of(torch.tensor(np.maximum(u, _LEAST)))

    def truth(self) -> dict[str, float]:
        """Return the constants."""
        factor, k = FACTORS[self.factor], np.array(self.scales)
        S = PROFILES[self.profile][1]
        if self.source == "noise":
            largest = np.full(len(k), factor.largest)
            variance = np.full(len(k), factor.variance)
        else:
            c = self.c().numpy()
            largest, variance = c.max(0), c.var(0)
        return {
            "L": float((largest * k).max()), "sigma": S * math.sqrt(variance.sum()),
            "G": S * float(largest.max()), "f_star": 0.0,
        }  # fmt: skip

    def make(self, claims: Mapping[str, float]) -> Custom:
        """Return the problem with these claims."""
        psi, _ = PROFILES[self.profile]
        k = torch.tensor(self.scales, dtype=torch.float64)
        factor = FACTORS[self.factor]

        def shape(x: torch.Tensor) -> torch.Tensor:
            return psi(k * (x - self.centre)) / k

        given: dict[str, Any] = {"x0": self.x0, "name": self.name, **claims}
        if self.source == "data":
            return custom(lambda x, c: (c * shape(x)).sum(), data=self.c(), **given)
        return custom(
            lambda x, u: (factor.of(u) * shape(x)).sum(),
            value=lambda x: factor.mean * shape(x).sum(), noise=len(k), **given,
        )  # fmt: skip


BAD = (1e-3, 1.0, 1e3)

LAWS = (
    Law("light", "smooth", "data"),
    Law("light", "smooth", "data", (1.0,) * 30),
    Law("skewed", "kinked", "data"),
    Law("heavy", "bump", "data"),
    Law("heavy", "smooth", "data", rows=20000),
    Law("lattice", "smooth", "data", BAD),
    Law("light", "kinked", "data", centre=1e4),
    Law("light", "smooth", "noise"),
    Law("skewed", "kinked", "noise"),
    Law("heavy", "bump", "noise"),
    Law("lattice", "smooth", "noise", BAD),
    Law("skewed", "bump", "noise", centre=100.0),
    Law("light", "smooth", "noise", (1.0,) * 30),
    Law("rare", "smooth", "noise"),
)


def shares(law: Law, effort: Any, seed: int) -> dict[str, float]:
    """Return which share of each true constant a search comes upon, its claims too low."""
    from verify.check import claimed

    truth = law.truth()
    problem = law.make({name: truth[name] / LOW for name in CONSTANTS})
    found = {row["constant"]: row["value"] for row in claimed.search(problem, effort, seed)}
    gap = problem.at_x0 - truth["f_star"]
    out = {name: found[name] / truth[name] for name in CONSTANTS if truth[name]}
    return out | {"f_star": (problem.at_x0 - found["f_star"]) / gap}


def measure(effort: Any, laws: Iterable[Law] = LAWS) -> dict[str, dict[str, float]]:
    """Return the shares by law, rounded down to digits that no rounding error changes."""
    out = {}
    for law in laws:
        found = shares(law, effort, seed=0)
        out[law.name] = {name: math.floor(found[name] * 1e3) / 1e3 for name in CONSTANTS}
    return out


@cache
def table() -> dict[str, dict[str, dict[str, float]]]:
    """Return what was measured: shares by effort, law and constant."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


def finds(problem: Custom, effort: str, searches: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return beside each constant how large a violation such a search has found.

    Returns
    -------
    dict
        By constant: ``from``, the excess over a claim (relative; of f_star and Delta of the gap
        f(x_0) - f*; of a bias in F/X) from which on it was found on every law, or None where none
        was measured; ``blind``, the laws on which it was not found at all.
    """
    source = "noise" if problem.uniforms else "data"
    laws = [law for law in LAWS if law.source == source]
    known = table().get(effort) if problem.d <= max(len(law.scales) for law in laws) else None
    out: dict[str, Any] = {}
    for row in searches:
        name = row["constant"]
        if name == "bias":
            out[name] = {"from": row["finds"], "blind": []}
            continue
        column = "f_star" if name == "Delta" else name
        by_law = {law.name: known[law.name][column] for law in laws} if known else {}
        seen = [value for value in by_law.values() if value >= BLIND]
        out[name] = {
            "from": 1 / min(seen) - 1 if seen else None,
            "blind": [law for law, value in by_law.items() if value < BLIND],
        }
    return out


def main(names: list[str]) -> None:
    """Measure the laws of these efforts, all by default, and write the table."""
    from verify.check import claimed

    torch.set_num_threads(1)
    efforts = {effort.name: effort for effort in (claimed.QUICK, claimed.FULL)}
    kept = table() if TABLE.exists() else {}
    for name in names or efforts:
        kept = kept | {name: measure(efforts[name])}
        for law, found in kept[name].items():
            print(f"{name:6}{law:45}", *(f"{key} {value:.3f}  " for key, value in found.items()))
    write(TABLE, json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
