"""Both sides of Lemmas 3-10, with exact conditional expectations, along runs of Algorithm 1.

At every state of a run all batches are enumerated. Where a lemma holds for every value of a Young
parameter, its right side is taken at the value that makes it least, so that a violation at any
value is one here. sigma^2 is the variance at x_t, which the lemmas need and no more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from simulators import METHODS, SeparableProblem, simulate
from simulators.methods import Info, Oracle, Parameters
from simulators.methods.adasam import State, direction
from verify.oracles.small_sums import SmallSum, random_sum

ROUNDING = 1e-9
"""Relative excess of a left side that rounding explains."""

PROBLEMS, STEPS, SEED = 200, 6, 20230301


class Setting(NamedTuple):
    """Hyper-parameters of one run; gamma and rho in X, eps in F/X."""

    gamma: float
    rho: float
    beta1: float
    beta2: float
    eps: float
    b: int


class Sides(NamedTuple):
    """A lemma's two sides: arrays over batches where it is pathwise, numbers where not."""

    left: np.ndarray
    right: np.ndarray


@dataclass
class Tally:
    """What the sides of one lemma came to over many states.

    Attributes
    ----------
    states : int
    excess : float
        The largest (left - right)/(|left| + |right|); nan if a side ever was.
    ratio : float
        The largest left/right.
    worst : dict
        Where it was: both sides, the setting, which problem and step.
    """

    states: int = 0
    excess: float = -1.0
    ratio: float = 0.0
    worst: dict[str, Any] = field(default_factory=dict)

    def add(self, sides: Sides, where: Mapping[str, Any]) -> None:
        """Count one state."""
        left, right = (np.atleast_1d(side).astype(float) for side in sides)
        left, right = np.broadcast_arrays(left, right)
        self.states += 1
        size = np.abs(left) + np.abs(right)
        share = np.divide(left - right, size, out=np.zeros_like(size), where=size != 0)
        self.excess = float(np.maximum(self.excess, share.max()))
        if not np.any(right > 0):
            return
        ratios = np.where(right > 0, left / np.where(right > 0, right, 1), -np.inf)
        place = int(np.argmax(ratios))
        if ratios[place] > self.ratio or not self.worst:
            self.ratio = max(self.ratio, float(ratios[place]))
            sides_there = {"left": float(left[place]), "right": float(right[place])}
            self.worst = sides_there | dict(where)


def random_setting(rng: np.random.Generator, problem: SmallSum) -> Setting:
    """Draw hyper-parameters, steps on either side of eps/(16 L), eps on either side of G."""
    eps = problem.G * 10 ** rng.uniform(-1.5, 0.2)
    return Setting(
        gamma=eps / problem.L * 10 ** rng.uniform(-2, 0.5),
        rho=eps / problem.L * 10 ** rng.uniform(-2, 1),
        beta1=float(rng.choice([0.0, 0.5, 0.9])),
        beta2=float(rng.choice([0.0, 0.5, 0.9, 0.999])),
        eps=eps,
        b=int(rng.integers(1, 3)),
    )


def rows(setting: Setting, count: int) -> Parameters:
    """Return the setting for ``count`` rows, v_{-1} = 0."""
    values = (setting.gamma, setting.rho, setting.beta1, setting.beta2, setting.eps, 0.0)
    return Parameters(*(np.full((count, 1), value) for value in values))


def sides(
    problem: SmallSum, setting: Setting, before: State, x_last: np.ndarray
) -> tuple[dict[str, Sides], State]:
    """Return every lemma's sides at one state, and the states that its batches lead to.

    Parameters
    ----------
    problem : SmallSum
    setting : Setting
    before : State
        (x_t, m_{t-1}, v_{t-1}, v_hat_{t-1}, eta_{t-1}), one row.
    x_last : (1, d)
        x_{t-1}.
    """
    gamma, rho, beta1, _, eps, b = setting
    shares = problem.batches(b)
    count, kappa, L, G = len(shares), beta1 / (1 - beta1), problem.L, problem.G
    x, m, _, _, eta = state = State(*(np.repeat(part, count, axis=0) for part in before))
    oracle = Oracle(problem, shares[None])
    after, info = METHODS["adasam"].rule(oracle, rows(setting, count), state, np)
    g, u, D = info.g, problem.gradient(x), eta - after.eta
    z = x + kappa * (x - x_last)
    w = problem.gradient(z) - u
    p = problem.batch_gradient(x + rho * direction(u), shares)
    moved = after.x + kappa * (after.x - x) - z

    def inner(*factors: np.ndarray) -> np.ndarray:
        return np.prod(factors, axis=0).sum(1)

    U, V1, V2 = inner(u, u, eta)[0], np.abs(D).sum(1), (D**2).sum(1).mean()
    R, variance = L**2 * rho**2 / eps, problem.variance(before.x[0])
    lag = gamma**3 * L**2 * kappa**2 * problem.d * G**2 / (2 * eps**3)
    Gb = max(G, eps)

    def squared(perturbed: float) -> float:
        """Lemma 10's right side at its best beta."""
        three, split = 3 * (U + perturbed / eps + variance / (b * eps)) / eps, G**2 * V2
        rest = three + split + 2 * np.sqrt(three * split)
        return float(L * G**2 * gamma**2 * kappa**2 * V2 + gamma**2 * L * rest)

    square = np.asarray(L / 2 * (moved**2).sum(1).mean())
    found = {
        "lemma3": Sides(np.maximum(after.eta * eps, 1 / (after.eta * Gb)).ravel(), np.ones(1)),
        "lemma5": Sides(gamma * inner(u + w, g, D), gamma * G**2 * V1),
        "lemma6": Sides(kappa * gamma * inner(u + w, m, D), kappa * gamma * G**2 * V1),
        "lemma7": Sides(gamma * inner(u, p - g, eta), np.asarray(2 * gamma * np.sqrt(U * R))),
        "lemma8": Sides(
            np.asarray(gamma * U - gamma * inner(u, p, eta).mean()),
            np.asarray(gamma * np.sqrt(U * R)),
        ),
        "lemma9": Sides(
            np.asarray(-gamma * inner(w, g, eta).mean()),
            np.asarray(sum(2 * np.sqrt(lag * gamma / 2 * part) for part in (U, R, 4 * R))),
        ),
        "lemma10.corrected": Sides(square, np.asarray(squared(L**2 * rho**2))),
        "lemma10.printed": Sides(square, np.asarray(squared(L * rho**2))),
    }
    recursion = kappa * gamma * m * D - gamma * g * after.eta
    size = np.abs(moved).max() + np.abs(x).max()
    if np.abs(moved - recursion).max() > ROUNDING * size:
        raise ValueError("z_{t+1} - z_t is not kappa gamma m D - gamma g eta_t")
    return found, after


def walk(
    problem: SmallSum, setting: Setting, steps: int, rng: np.random.Generator
) -> Iterator[dict[str, Sides]]:
    """Run Algorithm 1 and yield every lemma's sides at each state, Lemma 4's at the end."""
    state = METHODS["adasam"].start(problem, rows(setting, 1))
    x_last, total = state.x, 0.0
    for _ in range(steps):
        found, after = sides(problem, setting, state, x_last)
        yield found
        row = [int(rng.integers(len(after.x)))]
        x_last, old = state.x, state.eta
        state = State(*(part[row] for part in after))
        total += float(np.abs(old - state.eta).sum())
    Gb = max(problem.G, setting.eps)
    yield {"lemma4": Sides(np.asarray(total), np.asarray(problem.d * (1 / setting.eps - 1 / Gb)))}


@cache
def enumerate_lemmas() -> dict[str, Tally]:
    """Check every lemma at the states of runs on random finite sums, all batches enumerated."""
    rng = np.random.default_rng(SEED)
    tallies: dict[str, Tally] = {}
    for number in range(PROBLEMS):
        problem = random_sum(rng)
        setting = random_setting(rng, problem)
        for step, found in enumerate(walk(problem, setting, STEPS, rng)):
            where = {"problem": number, "step": step, "N": problem.N, "d": problem.d}
            where |= {"L": problem.L, "G": problem.G} | setting._asdict()
            for name, both in found.items():
                tallies.setdefault(name, Tally()).add(both, where)
    return tallies


@cache
def simulated_paths() -> dict[str, Tally]:
    """Check Lemmas 3 and 4 along simulated runs, replayed from their record step by step."""
    tallies = {"lemma3": Tally(), "lemma4": Tally()}
    for profile, noise, beta1, share in (
        ("huber", "additive", 0.0, 0.05), ("cosine", "shift", 0.9, 0.2),
        ("log_rational", "additive", 0.9, 0.01),
    ):  # fmt: skip
        problem = SeparableProblem(
            profile, noise, L=1.0, sigma=0.5, G=1.0, d=3, start=0.8, condition=4.0, rotation=1
        )
        runs = simulate(
            problem, gamma=0.05 * share, rho=0.1, beta1=beta1, beta2=0.9, eps=share, b=4, T=100,
            runs=4, seed=0, engine="reference", dtype="float64", record="trajectory",
        )  # fmt: skip
        hyper = {"gamma": 0.05 * share, "rho": 0.1, "beta1": beta1, "beta2": 0.9, "eps": share}
        where = {"problem": profile, "noise": noise} | hyper
        total = np.zeros(4)
        for before, after, _ in replay(problem, runs):
            total += np.abs(before.eta - after.eta).sum(1)
            extreme = np.maximum(after.eta * share, 1 / after.eta).ravel()
            tallies["lemma3"].add(Sides(extreme, np.ones(1)), where)
        limit = problem.d * (1 / share - 1)
        tallies["lemma4"].add(Sides(total, np.asarray(limit)), where)
    return tallies


def replay(problem: SeparableProblem, runs: Any) -> Iterator[tuple[State, State, Info]]:
    """Yield the states before and after each step of recorded runs of one length.

    Raises
    ------
    ValueError
        If the record's iterates are not those that its draws lead to.
    """
    inputs = runs.inputs
    parameters = Parameters(*(getattr(inputs, name)[:, None] for name in Parameters._fields))
    state = METHODS["adasam"].start(problem, parameters)
    for t in range(int(inputs.T[0])):
        heads = runs.heads[:, t].astype(np.float64)
        noise = problem.noise_from_heads(heads, inputs.b[:, None])[None]
        after, info = METHODS["adasam"].rule(Oracle(problem, noise), parameters, state, np)
        if not np.array_equal(after.x, runs.x[:, t + 1]):
            raise ValueError(f"the record's x at t = {t + 1} is not what its draws lead to")
        yield state, after, info
        state = after


@dataclass(frozen=True)
class HuberStep:
    """Lemma 10's minimal counterexample: the first step on a Huber basin, in rationals.

    d = b = 1, sigma = beta1 = 0, eps = G = 1, rho = 1/(2L), gamma = eps/(16 L): from x_0 > 0 the
    perturbation leads to x_0 + rho, still inside the basin, and eta stays 1/eps.
    """

    L: Fraction
    x0: Fraction

    @property
    def left(self) -> Fraction:
        """(L/2) ||z_1 - z_0||^2 = (L/2) gamma^2 g_0^2.

        Raises
        ------
        ValueError
            If x_0 + rho lies outside the basin, or x_0 is not positive.
        """
        g = self.L * self.x0 + Fraction(1, 2)
        if self.x0 <= 0 or g > 1:
            raise ValueError(f"x_0 = {self.x0} does not stay inside the basin")
        return self.L / 2 * self.gamma**2 * g**2

    @property
    def gamma(self) -> Fraction:
        """The largest step that Theorem 1 allows."""
        return 1 / (16 * self.L)

    def right(self, power: int, beta: Fraction | None) -> Fraction:
        """Lemma 10's right side with L^power rho^2; beta = None is its infimum, beta -> oo."""
        split = Fraction(1) if beta is None else 1 + 1 / beta
        perturbed = self.L**power / (2 * self.L) ** 2
        return self.gamma**2 * self.L * 3 * split * ((self.L * self.x0) ** 2 + perturbed)
