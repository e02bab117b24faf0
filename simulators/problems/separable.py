"""Separable problems f(x) = sum_j A_j psi(u_j), u = Qx/B, with exactly known constants.

Q is orthogonal, the identity if nothing is said. With H the supremum of |df/d(Qx)_j|,
A_j = H^2/L_j and B_j = H/L_j, the gradient in the coordinates Qx is H psi'(u_j) and the Hessian
there is diagonal with entries L_j psi''(u_j), so that max_j L_j = L is its supremum. Turned back,
a coordinate of grad f is a sum of H psi'(u_j) Q_ji, whose supremum is H max_i sum_j |Q_ji|, since
the u_j vary freely.

Noise ``additive``: a sample adds +-sigma/sqrt(d) to every coordinate of the gradient, each sign
with probability 1/2 and independent. E||n||^2 = sigma^2 at every x, every sample's L is that of f,
and G = G_f + sigma/sqrt(d).

Noise ``shift``: a sample moves every profile by +s or -s, in units of u, independently:
f_xi(x) = sum_j A_j psi(u_j - xi_j s). The objective is the mean, of profile
psi_s(u) = (psi(u - s) + psi(u + s))/2; G and L are those of every sample; and sigma^2, the largest
E||n||^2, is d H^2 D(s)^2 (`simulators.problems.spread`).
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from simulators.memory import check_room
from simulators.problems.certificate import Certificate, Constant
from simulators.problems.geometry import curvatures as spectrum
from simulators.problems.geometry import rotation_matrix, start_point
from simulators.problems.profiles import PROFILES, Profile
from simulators.sums import row_sum
from theory.errors import InputError, unknown
from theory.setting import ROUNDING, Constants

NOISES = ("additive", "shift")

LARGE = 10**6
"""From this d on memory is asked for before it is taken."""

ARRAYS = 8
"""How many arrays of d numbers a problem and its certificate need at once."""

LARGEST_U = 1e100
"""Largest |x_0|/B: squares of u must stay finite."""

SMALLEST = float(np.finfo(np.float64).tiny)


class Numbers(NamedTuple):
    """A problem's numbers as an array library's own, for its arithmetic.

    ``width`` is B, () or (d,); ``height`` is H and ``half`` H/2; ``shift`` is s; ``Q`` and its
    transpose ``QT`` are (d, d), or None where nothing is rotated.
    """

    width: Any
    height: Any
    half: Any
    shift: Any
    Q: Any
    QT: Any


class SeparableProblem:
    """A certified problem.

    Parameters
    ----------
    profile : str
        A name of `PROFILES`.
    noise : str
        ``"additive"`` or ``"shift"``.
    L : float, unit F/X^2
    sigma : float, unit F/X
    G : float, unit F/X
    d : int
        The constants of Assumptions 1-3, met exactly.
    start : float, sequence of d floats, or str; unit X
        x_0; a number stands for every coordinate. ``"minimiser"`` is 0; ``"plateau"`` is the
        profile's place away from it that the slope tells little of.
    condition : float, optional
        L/L_min: the coordinates' curvatures L_j are spaced evenly in their logarithms.
    curvatures : sequence of d floats, optional, unit F/X^2
        All L_j; the largest must be L.
    rotation : int, optional
        Seed of a uniformly distributed rotation Q, for d up to `LARGEST_ROTATED`.

    Raises
    ------
    InputError
        If an argument is malformed, or sigma leaves no room below G: the message names the
        largest possible sigma.
    """

    profile: Profile
    x0: np.ndarray

    def __init__(
        self,
        profile: str,
        noise: str,
        *,
        L: float,
        sigma: float,
        G: float,
        d: float,
        start: float | Sequence[float] | str,
        condition: float | None = None,
        curvatures: Sequence[float] | None = None,
        rotation: int | None = None,
    ) -> None:
        for name, value in (("L", L), ("sigma", sigma), ("G", G), ("d", d)):
            if np.ndim(value) != 0:
                raise InputError(f"{name} = {value!r}: a problem takes a single number.")
        if not isinstance(profile, str) or profile not in PROFILES:
            raise unknown("profile", profile, PROFILES)
        if noise not in NOISES:
            raise unknown("noise", noise, NOISES)
        given = Constants(L=L, sigma=sigma, G=G, d=d, Delta=0.0)
        self.profile, self.noise = PROFILES[profile], noise
        self.L, self.sigma, self.G = float(given.L), float(given.sigma), float(given.G)
        self.d = int(given.d)
        if self.d > LARGE:
            check_room(8 * ARRAYS * self.d, f"d = {self.d}", "lower d")
        self.condition, self.rotation = condition, rotation
        self.curvatures = spectrum(self.L, self.d, condition, curvatures)
        self.Q = None if rotation is None else rotation_matrix(rotation, self.d)
        # How much larger a coordinate of grad f can be than one in the coordinates Qx.
        self.stretch = 1.0 if self.Q is None else float(np.abs(self.Q).sum(0).max())
        self.noise_size = self.sigma / math.sqrt(self.d)
        self._check_room()
        self.shift = 0.0
        if noise == "additive":
            self.H = (self.G - self.noise_size) / self.stretch
        else:
            self.H = self.G / self.stretch
            spread = self.profile.spread
            self.shift = spread.shift(min(self.noise_size / self.H, spread.largest))
        L_j: Any = self.L if self.curvatures is None else self.curvatures
        self._check_sizes(np.min(L_j))
        self.A, self.B = self.H**2 / L_j, self.H / L_j
        plateau = np.broadcast_to(self.profile.plateau * self.B, (self.d,))
        self.x0 = start_point(start, self.d, plateau if self.Q is None else turn(plateau, self.Q.T))
        farthest, limit = float(np.abs(self.x0).max()), LARGEST_U * float(np.min(self.B))
        if farthest > limit:
            raise InputError(
                f"start = {farthest:.6g} is beyond {limit:.6g}, from where squares leave float64: "
                "lower it."
            )

    def __repr__(self) -> str:
        return f"SeparableProblem({self.spec})"

    def _check_sizes(self, least: float) -> None:
        """Refuse constants whose squares and quotients leave float64, as `least` L_j may make."""
        with np.errstate(all="ignore"):
            sizes = {
                "d G^2": self.d * np.square(self.G),
                "G^2/L": np.square(self.H) / np.array([self.L, least]),
                "G/L": self.H / np.array([self.L, least]),
            }
        for name, size in sizes.items():
            if not (np.isfinite(size) & (size >= SMALLEST)).all():
                raise InputError(
                    f"L = {self.L:.6g} and G = {self.G:.6g} make {name} leave float64: rescale the "
                    "units, so that they are nearer to 1."
                )

    def _check_room(self) -> None:
        limit, attained = self.largest_sigma
        if self.sigma < limit or (attained and self.sigma <= limit * (1 + ROUNDING)):
            return
        if self.noise == "additive":
            raise InputError(
                f"sigma = {self.sigma:.6g} leaves no room below G = {self.G:.6g}: additive noise "
                "adds sigma/sqrt(d) to each coordinate, so sigma must stay below sqrt(d) G = "
                f"{limit:.6g}. Lower sigma, or raise G or d."
            )
        turned = "" if self.Q is None else f", rotated by {self.rotation},"
        raise InputError(
            f"sigma = {self.sigma:.6g} is out of reach of shift noise: {self.profile.name}{turned} "
            f"with G = {self.G:.6g} and d = {self.d} allows sigma "
            f"{'up to' if attained else 'below'} {limit:.6g}. Lower sigma, raise G or d"
            f"{'' if self.Q is None else ', drop the rotation'} or take additive noise."
        )

    @property
    def largest_sigma(self) -> tuple[float, bool]:
        """The largest sigma that G, d and the rest leave room for, unit F/X, and whether it is
        itself possible.
        """
        reach = math.sqrt(self.d) * self.G
        if self.noise == "additive":
            return reach, False
        spread = self.profile.spread
        return reach * spread.largest / self.stretch, spread.attained

    @property
    def smallest_G(self) -> tuple[float, bool]:
        """The smallest G that sigma, d and the rest allow, unit F/X, and whether it is possible."""
        limit, attained = self.largest_sigma
        return self.G * self.sigma / limit, attained and self.sigma > 0

    @property
    def smallest_d(self) -> int | None:
        """The smallest d that sigma and G allow; None where a rotation depends on d."""
        if self.Q is not None:
            return None
        limit, attained = self.largest_sigma
        least = self.d * (self.sigma / limit) ** 2
        whole = max(1, math.ceil(least * (1 - ROUNDING)))
        return whole + 1 if whole <= least and not attained else whole

    @property
    def spec(self) -> dict[str, Any]:
        """The ``[problem]`` table that makes this problem, canonical: floats, x_0 shortened."""
        same = bool(np.all(self.x0 == self.x0[0]))
        table: dict[str, Any] = {
            "profile": self.profile.name,
            "noise": self.noise,
            "L": self.L,
            "sigma": self.sigma,
            "G": self.G,
            "d": self.d,
            "start": float(self.x0[0]) if same else [float(x) for x in self.x0],
        }
        if self.curvatures is not None:
            if self.condition is not None:
                table["condition"] = float(self.condition)
            else:
                table["curvatures"] = [float(value) for value in self.curvatures]
        if self.rotation is not None:
            table["rotation"] = int(self.rotation)
        return table

    @cached_property
    def certificate(self) -> Certificate:
        """The problem's constants with their standing, all exact."""
        least = self._mean_profile(np.zeros(self.d), np)
        gap = self._mean_profile(self._places(self.x0, np, self.numbers), np) - least
        return Certificate(
            L=Constant(self.L, "exact"),
            sigma=Constant(self.sigma, "exact"),
            G=Constant(self.G, "exact"),
            G_f=Constant(self.G_f, "exact"),
            d=self.d,
            f_star=Constant(float((self.A * least).sum()), "exact"),
            Delta=Constant(float((self.A * gap).sum()), "exact"),
        )

    @cached_property
    def G_f(self) -> float:
        """Supremum of the true gradient's coordinates, unit F/X."""
        if self.noise == "additive":
            return self.G - self.noise_size
        return self.G * self.profile.spread.steepest(self.shift)

    @cached_property
    def largest_grad_norm2(self) -> float:
        """Supremum of ||grad f||^2, unit F^2/X^2: at most d G_f^2, less where Q turns."""
        return self.d * (self.G_f / self.stretch) ** 2

    @cached_property
    def numbers(self) -> Numbers:
        """The problem's numbers for NumPy."""
        return self.numbers_for(lambda number: number)

    def numbers_for(self, convert: Callable[[Any], Any]) -> Numbers:
        """Return the problem's numbers, each passed through ``convert``: float or array to the
        array library's own.
        """
        Q = None if self.Q is None else convert(self.Q)
        QT = None if self.Q is None else convert(np.ascontiguousarray(self.Q.T))
        return Numbers(
            convert(self.B), convert(self.H), convert(self.H / 2), convert(self.shift), Q, QT
        )

    def objective(self, x: Any, xp: Any) -> Any:
        """Return f(x), unit F, of shape x.shape[:-1]; x and the result are float64."""
        numbers, height = self.numbers, self.A
        if xp is not np:
            numbers = self.numbers_for(
                lambda number: xp.asarray(number, dtype=x.dtype, device=x.device)
            )
            height = xp.asarray(height, dtype=x.dtype, device=x.device)
        return row_sum(height * self._mean_profile(self._places(x, xp, numbers), xp))

    def _places(self, x: Any, xp: Any, numbers: Numbers, out: Any = None) -> Any:
        """Return u = Qx/B, of the shape of x."""
        if numbers.Q is not None:
            x = turn(x, numbers.Q)
        return xp.divide(x, numbers.width, out=out)

    def _mean_profile(self, u: Any, xp: Any) -> Any:
        """Return psi(u), or psi_s(u) under shift noise, of the shape of u."""
        value = self.profile.value
        if self.noise == "additive":
            return value(u, xp)
        return 0.5 * (value(u - self.shift, xp) + value(u + self.shift, xp))

    def gradient(
        self, x: Any, xp: Any, out: Any = None, scratch: Any = None, numbers: Numbers | None = None
    ) -> Any:
        """Return grad f(x), unit F/X, of the shape of x.

        ``out`` and ``scratch`` are optional arrays of that shape to work in, distinct from each
        other and from ``x``; ``numbers`` comes from `numbers_for`.
        """
        numbers = numbers or self.numbers
        u = self._places(x, xp, numbers, scratch)
        if self.noise == "additive":
            gradient = self.profile.slope(u, xp, out=out)
            gradient *= numbers.height
        else:
            right, left = self._moved(u, xp, numbers)
            gradient = xp.multiply(right + left, numbers.half, out=out)
        return gradient if numbers.QT is None else _into(out, turn(gradient, numbers.QT))

    def noise_from_heads(self, heads: Any, b: Any) -> Any:
        """Return a mini-batch's noise from its number of heads per coordinate.

        Parameters
        ----------
        heads : (R, d) float array or tensor
            h ~ Binomial(b, 1/2).
        b : (R, 1) float array or tensor
            Batch size.

        Returns
        -------
        (R, d)
            Of additive noise (2 h - b) (sigma/sqrt(d)) / b, unit F/X, of mean 0 and variance
            sigma^2/(d b). Of shift noise the share of samples to the right less that to the left,
            (2 h - b)/b.
        """
        if self.noise == "additive":
            return (2.0 * heads - b) * (self.noise_size / b)
        return (2.0 * heads - b) / b

    def batch_gradient(
        self,
        x: Any,
        noise: Any,
        xp: Any,
        out: Any = None,
        scratch: Any = None,
        numbers: Numbers | None = None,
    ) -> Any:
        """Return the mini-batch gradient at x, unit F/X, of the shape of x.

        ``noise`` comes from `noise_from_heads`; the rest is as for `gradient`.
        """
        return self.both_gradients(x, noise, xp, out, out, scratch, numbers)[1]

    def both_gradients(
        self,
        x: Any,
        noise: Any,
        xp: Any,
        out: Any = None,
        batch_out: Any = None,
        scratch: Any = None,
        numbers: Numbers | None = None,
    ) -> tuple[Any, Any]:
        """Return `gradient` and `batch_gradient` at x; if ``out`` is ``batch_out``, it ends up
        with the latter.
        """
        if self.noise == "additive":
            gradient = self.gradient(x, xp, out, scratch, numbers)
            return gradient, xp.add(gradient, noise, out=batch_out)
        numbers = numbers or self.numbers
        right, left = self._moved(self._places(x, xp, numbers, scratch), xp, numbers)
        gradient = xp.multiply(right + left, numbers.half, out=out)
        if numbers.QT is not None:
            gradient = _into(out, turn(gradient, numbers.QT))
        tilt = (right - left) * noise
        tilt *= numbers.half
        if numbers.QT is not None:
            tilt = turn(tilt, numbers.QT)
        return gradient, xp.add(gradient, tilt, out=batch_out)

    def _moved(self, u: Any, xp: Any, numbers: Numbers) -> tuple[Any, Any]:
        """Return the slopes of the profile moved to the right and to the left."""
        slope = self.profile.slope
        return slope(u - numbers.shift, xp), slope(u + numbers.shift, xp)


def turn(x: Any, Q: Any) -> Any:
    """Return Qx for each row x, in an order of sums that no other row changes."""
    return row_sum(x[..., None, :] * Q)


def _into(out: Any, result: Any) -> Any:
    if out is None:
        return result
    out[...] = result
    return out
