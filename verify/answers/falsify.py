"""Look for the instance that a bound comes nearest to failing on, and judge it on fresh runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from figures import style
from simulators import spec as specs
from simulators.spec import Spec
from theory.bound import Bound
from theory.errors import InputError, unknown
from theory.setting import Constants
from theory.theorem1 import VARIANTS
from verify.answers.evaluation import evaluate
from verify.answers.hunt import POPULATION, SEARCHES, Progress, Search, Trail
from verify.answers.instances import edges, spec_at
from verify.drawing.trails import falsifier_trails
from verify.evidence.bound import quotient
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.judge import verdict
from verify.evidence.kind import Verdict
from verify.evidence.statistics import Interval, finite_sample_mean
from verify.files import to_json, write

FIRST_LOOK, LOOK_FACTOR = 1024, 4
"""Fresh runs of the first look at the winner, and how many times as many each next one takes."""

PRECISION = 0.01
"""Length of the interval, relative to the mean, at which the winner is looked at enough."""

DEFAULT_BUDGET, DEFAULT_CAP = 2400, 65536


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    bound : Bound
    seed, budget : int
    trail : Trail
    stopped : str
        Why the search ended before its budget; empty if it did not.
    spec : Spec
        The best instance, with the seed and the number of its fresh runs.
    measured : Interval
        Of the left side, from the fresh runs, unit F^2/X^2.
    """

    bound: Bound
    seed: int
    budget: int
    trail: Trail
    stopped: str
    spec: Spec
    measured: Interval

    @property
    def instance(self) -> dict[str, Any]:
        """The instance as evidence of a bound claim."""
        constants, cell = _setting(self.spec)
        interval = self.measured
        return {
            "spec": specs.to_json(self.spec),
            "lhs": interval.estimate,
            "lhs_low": interval.low,
            "lhs_high": interval.high,
            "rhs": float(self.bound.total(constants, specs.hyperparameters(cell))),
            "confidence": interval.confidence,
            "n": interval.n,
            "interval": interval.kind,
        }

    @property
    def verdict(self) -> Verdict:
        """What the instance says of the bound."""
        return verdict({"instances": [self.instance]})

    def as_json(self) -> dict[str, Any]:
        """Return everything but the trail's points."""
        instance = self.instance
        constants, cell = _setting(self.spec)
        value = evaluate(self.bound, constants, specs.hyperparameters(cell))
        rhs, trail = instance["rhs"], self.trail
        return {
            "variant": self.bound.name,
            "seed": self.seed,
            "budget": self.budget,
            "evaluations": len(self.trail.ratio),
            "stopped": self.stopped or None,
            "first_false": self.trail.first_false,
            "ratio": quotient(instance["lhs"], rhs),
            "ratio_low": quotient(instance["lhs_low"], rhs),
            "ratio_high": quotient(instance["lhs_high"], rhs),
            "verdict": self.verdict,
            "searched": {
                name: float(trail.ratio[trail.search == number].max())
                for number, name in enumerate(SEARCHES)
                if (trail.search == number).any()
            },
            "dominant": value["dominant"],
            "terms": value["terms"],
            "applies": value["applies"],
            "trivial": value["trivial"],
            "vacuous": value["vacuous"],
            "Delta": float(constants.Delta),
            "edges": edges(self.trail.point[self.trail.best]),
            "instance": instance,
        }


def falsify(
    variant: str,
    *,
    seed: int = 0,
    budget: int = DEFAULT_BUDGET,
    seconds: float | None = None,
    cap: int = DEFAULT_CAP,
    progress: Progress = lambda stage, done, every: None,
) -> Found:
    """Search for the instance that comes nearest to violating a bound, or violates it most.

    Parameters
    ----------
    variant : str
        A name of `theory.theorem1.VARIANTS`.
    seed : int
        Of the search and, plus 1, of the fresh runs.
    budget : int
        Instances to try, at least `POPULATION`.
    seconds : float, optional
        Stop the search after so long: what it finds then depends on the machine.
    cap : int
        Fresh runs at most.
    progress : callable, optional

    Returns
    -------
    Found
        The same for a seed, budget and cap, unless ``stopped`` says that the search was cut short.

    Raises
    ------
    InputError
        If an argument is malformed.
    """
    if variant not in VARIANTS:
        raise unknown("variant", variant, VARIANTS)
    for name, value, least in (
        ("seed", seed, 0), ("budget", budget, POPULATION), ("cap", cap, FIRST_LOOK)
    ):  # fmt: skip
        if value < least:
            raise InputError(f"{name} = {value} is below {least}, the least possible: raise it.")
    if cap >= 2**32:
        raise InputError(f"cap = {cap} exceeds 2^32 - 1, the runs a cell can have: lower it.")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds = {seconds:g}: give a positive number.")
    bound = VARIANTS[variant]
    search = Search(bound, seed, budget, seconds, progress)
    stopped = search.run()
    trail = search.trail
    spec, measured = _judge(bound, trail, seed, cap, progress)
    return Found(bound, seed, budget, trail, stopped, spec, measured)


def _judge(
    bound: Bound, trail: Trail, seed: int, cap: int, progress: Progress
) -> tuple[Spec, Interval]:
    """Run the best instance afresh, as often as its interval needs; return its spec and interval.

    Each look takes its share of the error budget, whether it comes to pass or not, so that the
    last one's interval holds at the whole budget.
    """
    sizes = [FIRST_LOOK]
    while sizes[-1] < cap:
        sizes.append(min(cap, sizes[-1] * LOOK_FACTOR))
    confidence = 1 - ERROR_BUDGET / len(sizes)
    for n in sizes[:-1]:
        spec, interval = _look(bound, trail, seed, n, confidence, progress)
        constants, cell = _setting(spec)
        rhs = float(bound.total(constants, specs.hyperparameters(cell)))
        precise = interval.high - interval.low <= PRECISION * interval.estimate
        if precise and not interval.low <= rhs <= interval.high:
            return spec, interval
    return _look(bound, trail, seed, sizes[-1], confidence, progress)


def _look(
    bound: Bound, trail: Trail, seed: int, n: int, confidence: float, progress: Progress
) -> tuple[Spec, Interval]:
    """Run the best instance n times on noise of its own."""
    best = trail.best
    spec = spec_at(trail.point[best], bound, T=int(trail.T[best]), runs=n, seed=seed + 1)
    runs = specs.run(
        spec, allow_outside=True, progress=lambda done, every: progress("judge", done, every)
    )
    upper = spec.problem.make().largest_grad_norm2
    return spec, finite_sample_mean(runs.lhs(0), upper, confidence)


def _setting(spec: Spec) -> tuple[Constants, dict[str, float]]:
    problem = spec.problem.make()
    (cell,) = specs.cells(spec, problem)
    return problem.certificate.constants, cell


def save(found: Found, folder: Path) -> list[Path]:
    """Write the result, the spec that replays it, the trail and its figure; return the paths."""
    stem = f"falsify_{found.bound.name}_seed{found.seed}"
    result, spec = folder / f"{stem}.json", folder / f"{stem}_spec.json"
    trail = folder / f"{stem}_trail.npz"
    write(result, to_json(found.as_json()))
    write(spec, to_json(specs.to_json(found.spec)))
    found.trail.save(trail)
    label = f"{found.bound.name}, seed {found.seed}"
    figure = falsifier_trails({label: found.trail})
    pictures = style.save(figure, folder, stem)
    plt.close(figure)
    return [result, spec, trail, *pictures]
