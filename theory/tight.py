r"""TIGHT: the sharp theorem. Its bound is the largest root of one concave function.

Write kappa = beta1/(1 - beta1), Gb = max(G, eps), and tau for the average weighted gradient
(1/T) sum_t E||grad f(x_t)||^2_{eta_{t-1}}, so that the left side is at most Gb tau. With

    A = Delta/(gamma T) + Gb^2 d (1/eps - 1/Gb)/((1 - beta1) T),   R = L^2 rho^2/eps,
    n = sigma^2/(b eps^2),   r = L^2 rho^2/eps^2,   k = kappa^2 gamma^2 L^2/eps,   g = gamma L/2,
    e = g kappa^2 Gb^2 d (1/eps - 1/Gb)^2/T,   C = d G^2/eps^2,
    W(tau) = min((sqrt(n + tau/eps) + sqrt(r))^2, C),

the proof gives F(tau) >= 0 for

    F(tau) = A + sqrt(R tau) + sqrt(k W)(sqrt(tau) + sqrt(R)) + (sqrt(g W) + sqrt(e))^2 - tau.

F is concave with F(0) >= 0 and falls to -infinity, so that tau is at most its largest root, for
every gamma > 0: there is no condition on the step. Minimising the proof's free Young parameters
by hand gives the same number where they are feasible; the root needs no search.
"""

import numpy as np
import sympy

from theory.symbols import Delta, G, Gb, L, T, b, beta1, d, eps, gamma, rho, sigma, tau

kappa = beta1 / (1 - beta1)

gap = Delta / (gamma * T)
spread = Gb**2 * d * (1 / eps - 1 / Gb) / ((1 - beta1) * T)
R = L**2 * rho**2 / eps
n = sigma**2 / (b * eps**2)
r = L**2 * rho**2 / eps**2
k = kappa**2 * gamma**2 * L**2 / eps
g = gamma * L / 2
e = g * kappa**2 * Gb**2 * d * (1 / eps - 1 / Gb) ** 2 / T
C = d * G**2 / eps**2
W = sympy.Min((sympy.sqrt(n + tau / eps) + sympy.sqrt(r)) ** 2, C)

TERMS: dict[str, sympy.Expr] = {
    "initial_gap": Gb * gap,
    "step": Gb * (sympy.sqrt(g * W) + sympy.sqrt(e)) ** 2,
    "perturbation": Gb * sympy.sqrt(R * tau),
    "eta_variation_l1": Gb * spread,
    "momentum": Gb * sympy.sqrt(k * W) * (sympy.sqrt(tau) + sympy.sqrt(R)),
}
"""The summands; at the root they sum to Gb tau."""

_TOLERANCE = 1e-14
_MOST_STEPS = 200
_SMALLEST = 1e-290


def root(values: dict[str, np.ndarray]) -> np.ndarray:
    """Return F's largest root tau, unit F/X.

    Newton's method from the right: with W = C for every tau, F is a quadratic in sqrt(tau) whose
    root lies above. F being concave, every iterate stays at or above the root and they fall
    to it.

    Parameters
    ----------
    values : mapping
        Every symbol's value by name, float64 arrays that broadcast, as `theory.setting.values`
        gives them.
    """
    names = ("L", "sigma", "G", "d", "Delta", "gamma", "rho", "beta1", "eps", "b", "T", "Gb")
    arrays = np.broadcast_arrays(*(values[name] for name in names))
    shape = arrays[0].shape
    numbers = dict(zip(names, (array.ravel() for array in arrays), strict=True))
    inverse, kappa = 1 / numbers["eps"], numbers["beta1"] / (1 - numbers["beta1"])
    reach = inverse - 1 / numbers["Gb"]
    A = numbers["Delta"] / (numbers["gamma"] * numbers["T"]) + (
        numbers["Gb"] ** 2 * numbers["d"] * reach / ((1 - numbers["beta1"]) * numbers["T"])
    )
    root_r = numbers["L"] * numbers["rho"] * inverse
    root_R = root_r * np.sqrt(numbers["eps"])
    n = numbers["sigma"] ** 2 * inverse**2 / numbers["b"]
    root_k = kappa * numbers["gamma"] * numbers["L"] * np.sqrt(inverse)
    root_g = np.sqrt(numbers["gamma"] * numbers["L"] / 2)
    root_e = root_g * kappa * numbers["Gb"] * reach * np.sqrt(numbers["d"] / numbers["T"])
    root_C = np.sqrt(numbers["d"]) * numbers["G"] * inverse

    # The capped quadratic a + 2 c sqrt(tau) - tau.
    c = 0.5 * (root_R + root_k * root_C)
    a = A + root_k * root_C * root_R + (root_g * root_C + root_e) ** 2
    tau = (c + np.sqrt(c**2 + a)) ** 2
    open_ = np.arange(tau.size)
    for _ in range(_MOST_STEPS):
        t = tau[open_]
        part = [column[open_] for column in (A, root_R, n, inverse, root_r, root_k, root_g)]
        A_, R_, n_, inverse_, r_, k_, g_ = part
        e_, C_ = root_e[open_], root_C[open_]
        s = np.sqrt(t)
        inner = np.sqrt(n_ + t * inverse_)
        w = inner + r_
        capped = w >= C_
        w = np.where(capped, C_, w)
        w_slope = np.where(capped, 0.0, 0.5 * inverse_ / inner)
        F = A_ + R_ * s + k_ * w * (s + R_) + (g_ * w + e_) ** 2 - t
        half = 0.5 / s
        slope = R_ * half + k_ * (w_slope * (s + R_) + w * half)
        slope += 2 * g_ * w_slope * (g_ * w + e_) - 1
        # Rounding may leave an iterate left of the root, where a step leads right again; where F
        # still rises there, doubling does.
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.where(slope < 0, F / slope, -t)
        # F(A) and F(R) are not negative: the root is no smaller, however t - move cancels.
        tau[open_] = np.maximum(t - move, np.maximum(np.maximum(A_, R_**2), _SMALLEST))
        open_ = open_[(np.abs(move) > _TOLERANCE * t) & (t > _SMALLEST)]
        if not open_.size:
            break
    tau[tau <= _SMALLEST] = 0.0
    return tau.reshape(shape)


def free(values: dict[str, np.ndarray], tau: np.ndarray) -> dict[str, np.ndarray]:
    """Return the Young parameters that minimise the free-parameter form, each dimensionless.

    theta and la share out the main term, lb the perturbation, c the split of g_t into gradient,
    noise and residual, be the squared step. One is nan where it does not exist: where what it
    balances is zero, or W is capped.
    """
    L, eps, beta1 = values["L"], values["eps"], values["beta1"]
    kappa = beta1 / (1 - beta1)
    R, r = L**2 * values["rho"] ** 2 / eps, L**2 * values["rho"] ** 2 / eps**2
    n = values["sigma"] ** 2 / (values["b"] * eps**2)
    k, g = kappa**2 * values["gamma"] ** 2 * L**2 / eps, values["gamma"] * L / 2
    reach = 1 / eps - 1 / values["Gb"]
    e = g * kappa**2 * values["Gb"] ** 2 * values["d"] * reach**2 / values["T"]
    W = (np.sqrt(n + tau / eps) + np.sqrt(r)) ** 2
    C = values["d"] * values["G"] ** 2 / eps**2

    def balance(part: np.ndarray, other: np.ndarray) -> np.ndarray:
        part, other, fine = np.broadcast_arrays(part, other, W < C)
        fine = fine & (part > 0) & (other > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(fine, np.sqrt(part / other), np.nan)

    return {
        "theta": balance(R, tau),
        "c": balance(r, n + tau / eps),
        "la": balance(k * W, tau),
        "lb": balance(k * W, R),
        "be": balance(g * W, e),
    }
