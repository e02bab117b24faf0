"""What a theorem is about: the problem's constants, the hyper-parameters, the preconditions.

Every field may be a number or an array; the fields broadcast against each other, so that one
object holds a whole grid of settings.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy

from theory.errors import InputError
from theory.symbols import HYPERPARAMETER_NAMES

ROUNDING = 1e-12
"""Relative room for rounding in comparisons with a limit: eps/(16 L) computed twice may differ
in the last bit."""


def _real(name: str, value: Any) -> np.ndarray:
    try:
        if isinstance(value, str | bytes | bool | np.bool_):
            raise TypeError
        array = np.asarray(value, dtype=np.float64) + 0.0  # -0.0 is 0
    except (TypeError, ValueError, OverflowError):
        shown = repr(value) if len(repr(value)) < 60 else "what is given"
        raise InputError(f"{name} = {shown} is not a number: give a finite number.") from None
    if array.size == 0:
        raise InputError(f"{name} is empty: give at least one number.")
    bad = ~np.isfinite(array)
    if bad.any():
        raise InputError(f"{name} = {array[bad].flat[0]} is not finite: give a finite number.")
    return array


def _require(name: str, array: np.ndarray, fine: np.ndarray, rule: str, cure: str) -> None:
    if not np.all(fine):
        worst = array[~fine].flat[0]
        raise InputError(f"{name} = {worst:.12g} is outside {rule}: {cure}")


def _whole(name: str, value: Any) -> np.ndarray:
    array = _real(name, value)
    whole = (array >= 1) & (array == np.floor(array)) & (array < 2.0**53)
    _require(name, array, whole, "the whole numbers from 1", "give a whole number of at least 1.")
    return array.astype(np.int64)


def _positive(name: str, value: Any) -> np.ndarray:
    array = _real(name, value)
    _require(name, array, array > 0, f"{name} > 0", "give a positive number.")
    return array


def _nonnegative(name: str, value: Any) -> np.ndarray:
    array = _real(name, value)
    _require(name, array, array >= 0, f"{name} >= 0", "give zero or a positive number.")
    return array


def _check_shapes(setting: Any) -> None:
    shapes = {field.name: np.shape(getattr(setting, field.name)) for field in fields(setting)}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise InputError(
            f"the shapes {listed} do not broadcast: give numbers or arrays of one shape."
        ) from None


@dataclass(frozen=True, init=False)
class Constants:
    """The constants of Assumptions 1-3 and the initial gap.

    Parameters
    ----------
    L : number or array, unit F/X^2
        Lipschitz constant of the gradients (Assumption 1), positive.
    sigma : number or array, unit F/X
        The gradient noise has E||n||^2 <= sigma^2 (Assumption 2); 0 <= sigma <= sqrt(d) G.
    G : number or array, unit F/X
        Bound on each coordinate of the stochastic gradient (Assumption 3), positive.
    d : integer or array
        Dimension.
    Delta : number or array, unit F
        f(x_0) - f*, not negative.

    Raises
    ------
    InputError
        If a value is not a finite number of the sign and type above, or sigma > sqrt(d) G.
    """

    L: np.ndarray
    sigma: np.ndarray
    G: np.ndarray
    d: np.ndarray
    Delta: np.ndarray

    def __init__(
        self,
        L: npt.ArrayLike,
        sigma: npt.ArrayLike,
        G: npt.ArrayLike,
        d: npt.ArrayLike,
        Delta: npt.ArrayLike,
    ) -> None:
        checked = {
            "L": _positive("L", L),
            "sigma": _nonnegative("sigma", sigma),
            "G": _positive("G", G),
            "d": _whole("d", d),
            "Delta": _nonnegative("Delta", Delta),
        }
        for name, array in checked.items():
            object.__setattr__(self, name, array)
        _check_shapes(self)
        with np.errstate(over="ignore"):
            noise, largest = np.broadcast_arrays(self.sigma, np.sqrt(self.d) * self.G)
        over = noise > largest * (1 + ROUNDING)
        if over.any():
            raise InputError(
                f"sigma = {noise[over].flat[0]:.6g} exceeds sqrt(d) G = {largest[over].flat[0]:.6g}"
                ": gradients bounded by G (Assumption 3) cannot be that noisy. "
                "Lower sigma, or raise G or d."
            )


@dataclass(frozen=True, init=False)
class Hyperparameters:
    """The hyper-parameters of Algorithm 1.

    Parameters
    ----------
    gamma : number or array, unit X
        Base learning rate, positive.
    rho : number or array, unit X
        Radius of the perturbation, not negative.
    beta1, beta2 : number or array
        0 <= beta1 < 1 and 0 <= beta2 <= 1. beta2 enters no bound; it is here for the runs.
    eps : number or array, unit F/X
        v_hat starts at eps^2; positive.
    b, T : integer or array
        Batch size and number of steps, at least 1.

    Raises
    ------
    InputError
        If a value is not a finite number of the sign, type and range above.
    """

    gamma: np.ndarray
    rho: np.ndarray
    beta1: np.ndarray
    beta2: np.ndarray
    eps: np.ndarray
    b: np.ndarray
    T: np.ndarray

    def __init__(
        self,
        gamma: npt.ArrayLike,
        rho: npt.ArrayLike,
        beta1: npt.ArrayLike,
        beta2: npt.ArrayLike,
        eps: npt.ArrayLike,
        b: npt.ArrayLike,
        T: npt.ArrayLike,
    ) -> None:
        beta1, beta2 = _real("beta1", beta1), _real("beta2", beta2)
        _require(
            "beta1", beta1, (beta1 >= 0) & (beta1 < 1), "0 <= beta1 < 1", "a usual value is 0.9."
        )
        _require("beta2", beta2, (beta2 >= 0) & (beta2 <= 1), "0 <= beta2 <= 1", "usual: 0.999.")
        checked = {
            "gamma": _positive("gamma", gamma),
            "rho": _nonnegative("rho", rho),
            "beta1": beta1,
            "beta2": beta2,
            "eps": _positive("eps", eps),
            "b": _whole("b", b),
            "T": _whole("T", T),
        }
        for name, array in checked.items():
            object.__setattr__(self, name, array)
        _check_shapes(self)


def values(constants: Constants, hyper: Hyperparameters) -> dict[str, np.ndarray]:
    """Return every symbol of a bound as a float64 array, ``Gb`` = max(G, eps) among them.

    Raises
    ------
    InputError
        If the shapes of the constants and the hyper-parameters do not broadcast.
    """
    arrays = {field.name: np.asarray(getattr(constants, field.name)) for field in fields(Constants)}
    arrays |= {name: np.asarray(getattr(hyper, name)) for name in HYPERPARAMETER_NAMES}
    try:
        np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        raise InputError(
            "the shapes of the constants and of the hyper-parameters do not broadcast: "
            "give numbers or arrays of one shape."
        ) from None
    floats = {name: array.astype(np.float64, copy=False) for name, array in arrays.items()}
    floats["Gb"] = np.maximum(floats["G"], floats["eps"])
    return floats


@dataclass(frozen=True)
class Precondition:
    """A condition ``left <= right`` under which a bound is claimed.

    Attributes
    ----------
    name : str
        The condition as a reader writes it, such as ``"gamma <= eps/(16 L)"``.
    left, right : sympy.Expr
        Its two sides, of one unit.
    source : str
        Where the theorem asks for it.
    """

    name: str
    left: sympy.Expr
    right: sympy.Expr
    source: str


@dataclass(frozen=True)
class Check:
    """A precondition at given values.

    Attributes
    ----------
    name : str
        The condition.
    holds : ndarray of bool
        value <= limit, with room for rounding.
    value, limit : ndarray
        The two sides.
    margin : ndarray
        (limit - value)/limit: the share of the limit that is left; negative where violated.
    """

    name: str
    holds: np.ndarray
    value: np.ndarray
    limit: np.ndarray
    margin: np.ndarray
