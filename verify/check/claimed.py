"""Search a custom problem for points that violate its claimed constants.

As in `verify.oracles.search`, everything is measured through gradients and values alone. What
claims say is but one of the lengths that searches start from (`places`); points are scattered at
distances of all orders of magnitude, the best of them evolve, and then

- of L, pairs of points are halved, each time to the steeper half (`climbing.zoom`): that finds
  what is steep in a thin slab, and where a gradient jumps the quotient doubles without end;
- of all others, values at distances that double tell a constant that grows with the distance.

What is found is a measured violation, whatever led to it.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.problems import Custom
from verify.check.climbing import WITHOUT_END, Far, evolve, ray
from verify.check.descents import descend
from verify.check.measures import Measures
from verify.check.pairs import Pairs, Steepest, measured
from verify.check.places import survey
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.statistics import normal_mean

EXCESS = 1e-9
"""Relative excess over a claimed constant that rounding explains, beside that of the gradients."""

PAIRS = 48
"""Pairs of points that are halved."""

ROUNDS_OF_NEIGHBOURS = 4
"""Of the search for the worst uniform numbers of a sample, at the worst point."""

MEMORY = 2**25
"""Numbers of gradients at the scattered points."""

STEPS = 24
"""Distances, from the least to the most, at which pairs lie around each centre."""

SHARE = 1e-3
"""Of a point's distance from x_0: the distance of the pair that measures its L on a ray."""

CERTAIN = 1 - ERROR_BUDGET
"""Confidence of what is measured from draws."""


@dataclass(frozen=True)
class Effort:
    """How much a search does.

    Attributes
    ----------
    name : str
        By which `power` knows what it finds.
    points : int
        Scattered around the centres.
    members, generations : int
        Of an evolution.
    samples : int
        Samples that it looks at.
    draws : int
        Fresh draws that judge a mean, where samples are made of uniform numbers.
    starts : int
        Descents to low values of f.
    """

    name: str = "full"
    points: int = 512
    members: int = 48
    generations: int = 20
    samples: int = 192
    draws: int = 2**14
    starts: int = 8


FULL = Effort()
QUICK = Effort("quick", 256, 24, 10, 96, 2**12, 4)


def search(problem: Custom, effort: Effort, seed: int) -> list[dict[str, Any]]:
    """Look for a violation of every claim that can be measured.

    Returns
    -------
    list of dict
        Searches as `verify.evidence.judge` takes them, each with the ``constant``, the
        ``claimed`` value, the ``value`` found ``at`` a point (or two) and, where there is one, the
        ``sample``. Where no constant exists there is ``without_end``: what grew, from value to
        value. Where gradients
        are no finite numbers from a distance on, it is the ``defined`` of the row.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        look = _Look(problem, effort, seed)
        rows = [look.lipschitz(), look.variance(), look.coordinate()]
        if problem.uniforms or problem.given["value"] or problem.given["gradient"]:
            rows.append(look.bias())
        rows.append(look.least_value())
    if np.isfinite(look.measures.defined):
        rows = [each | {"defined": look.measures.defined} for each in rows]
    return rows


def row(
    constant: str, claimed: float, value: float, *, scale: float = 0.0, room: float = 0.0,
    **rest: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return a search for more than an upper, or for f_star less than a lower, limit."""
    found, certified = (-value, -claimed) if constant == "f_star" else (value, claimed)
    room += EXCESS * max(abs(certified), scale)
    return {
        "constant": constant, "standing": "claimed", "claimed": claimed, "value": value,
        "certified": certified, "found": found, "limit": certified + room, **rest,
    }  # fmt: skip


class _Look:
    def __init__(self, problem: Custom, effort: Effort, seed: int) -> None:
        self.problem, self.effort = problem, effort
        self.measures = measures = Measures(problem, seed)
        self.rng = measures.rng
        x0 = problem.x0[None, :]
        starts, _ = survey(measures, x0).scatter(measures, effort.starts, seed)
        self.descents = descend(measures, starts)
        centres = np.concatenate([x0, self.descents.ends])
        self.places = places = survey(measures, centres)
        near = np.full(len(centres), 10 * places.least)
        self.samples = measures.telling(centres, near, effort.samples)
        fits = MEMORY // (len(self.samples) * problem.d)
        self.x, self.radius = places.scatter(measures, max(32, min(effort.points, fits)), seed)
        near_by = self.x[self.radius <= np.median(self.radius)]
        measures.scale = float(measures.sizes(near_by, self.samples).max())
        self.tried = 0

    def lipschitz(self) -> dict[str, Any]:
        """Halve the best pairs of every width; evolve what is best, far and near."""
        measures, places = self.measures, self.places
        low = np.log(places.least)
        high = np.log(np.maximum(4 * self.radius, 2 * places.least))
        ladder = np.geomspace(places.least, places.most, STEPS)
        x = np.concatenate([self.x, places.centres.repeat(STEPS, 0)])
        t = np.concatenate([np.exp(low + self.rng.random(len(self.x)) * (high - low)),
                            np.tile(ladder, len(places.centres))])  # fmt: skip
        pairs = self._pairs(x, t)
        best = Steepest(measures)
        best.take(pairs, _chosen(pairs))
        order = np.argsort(-pairs.rate, kind="stable")[: self.effort.members - 1]
        for near in (False, True):
            middle, half = best.middle, best.half
            unit, most = (half, 1e3 * half) if near else (places.least, places.most)
            if near:
                spread = self.rng.standard_normal((self.effort.members - 1, self.problem.d))
                start = middle + half * np.sinh(spread), half * np.exp(spread[:, 0])
            else:
                start = x[order], t[order]
            best.take(self._pairs(*self._evolve(
                lambda x, t: self._pairs(x, t).rate, middle, unit, most,
                np.concatenate([middle[None, :], start[0]]), np.append(half, start[1]),
            )))  # fmt: skip
        best.take(self._pairs(best.middle[None, :], np.array([best.half]), measures.everyone))
        if self.problem.uniforms:
            for _ in range(ROUNDS_OF_NEIGHBOURS):
                others = measures.neighbours(best.sample, self.effort.samples)
                best.take(self._pairs(best.middle[None, :], np.array([best.half]), others))
        without_end = {"halvings": best.endless} if best.endless >= WITHOUT_END else None
        if without_end is None:
            far = self._far(self._steepness, [best.middle])
            beyond = far.beyond(self.problem.L)
            at = far.at if beyond is None else beyond[0]
            if beyond is not None:
                without_end, best.rate = beyond[1], -1.0
            if at is not None:
                best.take(self._pairs(at, SHARE * self._distance(at), measures.everyone))
        return row(
            "L", self.problem.L, best.rate, at=best.ends.tolist(),
            sample=measures.named(best.sample), evaluations=self.tried, **_where(without_end),
        )  # fmt: skip

    def coordinate(self) -> dict[str, Any]:
        measures = self.measures
        x, without_end = self._climb(
            lambda x: measures.sizes(x, self.samples).max(0), self.problem.G
        )
        everyone = measures.everyone
        sizes = measures.sizes(x, everyone)[:, 0]
        sample, value = everyone[sizes.argmax()], float(sizes.max())
        if self.problem.uniforms:
            for _ in range(ROUNDS_OF_NEIGHBOURS):
                others = measures.neighbours(sample, self.effort.samples)
                sizes = measures.sizes(x, others)[:, 0]
                if sizes.max() > value:
                    sample, value = others[sizes.argmax()], float(sizes.max())
        return row(
            "G", self.problem.G, value, at=x.tolist(), sample=measures.named(sample),
            room=measures.rounding(x, value, self.problem.L), evaluations=self.tried,
            **_where(without_end),
        )  # fmt: skip

    def variance(self) -> dict[str, Any]:
        measures, sigma = self.measures, self.problem.sigma
        some = measures.some(2 * self.effort.samples)
        x, without_end = self._climb(lambda x: measures.variance(x, some), sigma**2)
        if without_end is not None:
            without_end["values"] = np.sqrt(without_end["values"]).tolist()
        slopes = measures.law(x, self.effort.draws)
        value, of = self._mean(((slopes - slopes.mean(0)) ** 2).sum(1))
        room = measures.rounding(x, float(np.abs(slopes).max()), self.problem.L)
        return row(
            "sigma", sigma, float(np.sqrt(value)), at=x.tolist(), of=of,
            room=np.sqrt(self.problem.d) * room, evaluations=self.tried, **_where(without_end),
        )  # fmt: skip

    def bias(self) -> dict[str, Any]:
        """Compare the mean of the samples' gradients with grad f at a few points.

        The row's ``finds`` is a bias that these draws could not have missed at such a point.
        """
        points = self.x[: max(self.effort.starts, len(self.places.centres))]
        worst: dict[str, Any] = {"value": -1.0}
        finds = 0.0
        for x in points:
            here = x[None, :]
            gap = self.measures.law(here, self.effort.draws) - self.problem.gradient(here)
            if not np.isfinite(gap).all():
                continue
            error = np.abs(gap.mean(0))
            if self.problem.uniforms:
                confidence = 1 - ERROR_BUDGET / (len(points) * self.problem.d)
                sure = [normal_mean(column, confidence) for column in gap.T]
                error = np.array([max(each.low, -each.high, 0.0) for each in sure])
                finds = max(finds, *(each.high - each.low for each in sure))
            if error.max() > worst["value"]:
                worst = {"value": float(error.max()), "at": here.tolist()}
        value = worst.pop("value")
        made = row("bias", 0.0, value, scale=self.problem.G, **worst, evaluations=len(points))
        return made | {"finds": max(finds, made["limit"])}

    def least_value(self) -> dict[str, Any]:
        """Judge by the lowest point that a descent came upon."""
        found, problem = self.descents, self.problem
        scale = max(abs(problem.at_x0), abs(found.least))
        limit = problem.certificate.Delta.value
        far = self._far(lambda x: np.maximum(found.drop(x), 1e-300), list(found.ends[:1]))
        beyond = far.beyond(limit)
        at = found.at[None, :] if beyond is None else beyond[0]
        rest: dict[str, Any] = {"at": at.tolist(), "evaluations": found.evaluations}
        value = float(found.drop(at)[0])
        if "f_star" not in problem.claims:
            rest |= _where(beyond and beyond[1])
            return row("Delta", problem.claims["Delta"], value, room=found.error, **rest)
        if beyond is not None:
            falls = beyond[1]
            values = [problem.at_x0 - drop for drop in falls["values"]]
            rest |= _where(falls | {"values": values})
        rest |= {"start": problem.at_x0, "scale": scale}
        return row("f_star", problem.claims["f_star"], problem.at_x0 - value, **rest)

    def _climb(
        self, value: Callable[[np.ndarray], np.ndarray], limit: float
    ) -> tuple[np.ndarray, dict[str, Any] | None]:
        """Return the point, (1, d), where evolution far and near found a value largest.

        Where the value grows without end, a point at which it is beyond the limit, and how it grew.
        """
        values = value(self.x)
        order = np.argsort(-values, kind="stable")
        best = self.x[order[0]]
        for near in (False, True):
            if near:
                apart = np.linalg.norm(self.places.centres - best, axis=1).min()
                unit = max(0.1 * apart, self.places.least)
                spread = self.rng.standard_normal((self.effort.members - 1, self.problem.d))
                start, most = best + unit * spread, 100 * unit
            else:
                start = self.x[order[: self.effort.members - 1]]
                unit, most = self.places.least, self.places.most
            found, _ = self._evolve(
                lambda x, t: value(x), best, unit, most, np.concatenate([best[None, :], start])
            )
            best = found[0]
        outer = np.where(self.radius > np.median(self.radius), values, -1.0)
        far = self._far(value, [best, self.x[outer.argmax()]])
        beyond = far.beyond(limit)
        if beyond is not None:
            return beyond
        if far.at is not None and far.value > float(value(best[None, :])[0]):
            return far.at, None
        return best[None, :], None

    def _evolve(
        self, value: Callable[[np.ndarray, np.ndarray], np.ndarray], centre: np.ndarray,
        unit: float, most: float, x: np.ndarray, t: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Maximise over x, up to ``most`` from a centre, from ``unit`` on, and over widths t."""
        reach = float(np.arcsinh(most / unit))
        d = self.problem.d
        widths = np.zeros((len(x), 0)) if t is None else np.log(t)[:, None]

        def place(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            at = self.measures.inside(centre + unit * np.sinh(z[:, :d]))
            return at, np.exp(z[:, d:].sum(1))

        ends = np.array([[-reach, reach]] * d)
        if t is not None:
            low = np.log(max(min(self.places.least, unit / 100), 1e-300))
            ends = np.concatenate([ends, [[low, max(np.log(self.places.most), low + 1)]]])
        start = np.concatenate([np.arcsinh((x - centre) / unit), widths], axis=1)
        z, tried = evolve(
            lambda z: value(*place(z)), start, ends, self.effort.generations, self.rng
        )
        self.tried += tried
        return place(z[None, :])

    def _pairs(self, x: np.ndarray, t: np.ndarray, samples: np.ndarray | None = None) -> Pairs:
        """Measure pairs around each point, (P,), or of every sample around one."""
        return measured(self.measures, x, t, self.samples if samples is None else samples)

    def _far(self, value: Callable[[np.ndarray], np.ndarray], through: list[np.ndarray]) -> Far:
        """Follow rays from x_0 outwards, in search of larger values."""
        found = Far()
        if self.measures.region is None:
            for end in through:
                if self._distance(end[None, :])[0] > 0:
                    found.follow(*ray(value, self.problem.x0, end), self.problem.x0)
        return found

    def _steepness(self, x: np.ndarray) -> np.ndarray:
        return self._pairs(x, SHARE * self._distance(x)).rate

    def _distance(self, x: np.ndarray) -> np.ndarray:
        return np.linalg.norm(x - self.problem.x0, axis=1)

    def _mean(self, values: np.ndarray) -> tuple[float, str]:
        """Return a mean over the law: exact for data, else one that it surely is not below."""
        if not self.problem.uniforms:
            return float(values.mean()), f"all {self.problem.N} samples"
        return max(normal_mean(values, CERTAIN).low, 0.0), f"{len(values)} draws, lower limit"


def _where(without_end: dict[str, Any] | None) -> dict[str, Any]:
    return {} if without_end is None else {"without_end": without_end}


def _chosen(pairs: Pairs) -> np.ndarray:
    """Return which pairs to halve: the steepest of each width, then the steepest of all."""
    order = np.argsort(-pairs.rate, kind="stable")
    apart = np.linalg.norm(pairs.ends[0] - pairs.ends[1], axis=1)
    width = np.floor(np.log(np.maximum(apart, 1e-300)))
    first = order[np.sort(np.unique(width[order], return_index=True)[1])]
    return np.array(list(dict.fromkeys([*first.tolist(), *order.tolist()]))[:PAIRS])
