"""The named inequalities of both proofs, each with its own check.

Most hold for any numbers: X, Y, Z are real, h, k >= 0 are weights, lam > 0 is a free parameter
(the paper's lambda^2), V and W are bounds. Some are an assumption of the theorem in one formula.
"""

import sympy

from theory.proof.letters import (
    P2,
    PQ2,
    Q2,
    V1,
    V2,
    D,
    H,
    V,
    W,
    X,
    X_i,
    Y,
    Z,
    a_i,
    c_i,
    cross,
    dz,
    e_i,
    eta,
    f_end,
    f_next,
    f_now,
    f_star,
    g,
    h,
    index,
    k,
    lag,
    lam,
    last,
    last2,
    m,
    n,
    nu,
    products,
    q_along,
    r_i,
    rest,
    u,
    w,
)  # fmt: skip
from theory.proof.parts import Fact, Induction, Inequality
from theory.symbols import ONE, G, Gb, L, T, b, beta1, d, eps, rho, sigma

YOUNG = Inequality(
    "Young", "Lemma 1, (48)",
    "a b <= (lam/2) a^2 + b^2/(2 lam) for every lam > 0, in a weight h: the difference is a "
    "square. (The paper asks for lambda > 1, and uses smaller ones.)",
    X * Y * h, lam / 2 * X**2 * h + Y**2 * h / (2 * lam),
    certificate=(h * (lam * X - Y) ** 2 / (2 * lam),), given=(h,),
)  # fmt: skip
BOUNDED = Inequality(
    "bounded factor", "Lemma 2, (49)",
    "||x y||^2 <= ||x||^2 max|y|^2, coordinate by coordinate",
    X**2 * Y**2, V**2 * X**2,
    certificate=(X**2 * (V - Y) * (V + Y),), given=(V - Y, V + Y),
)  # fmt: skip
HOLDER = Inequality(
    "Hölder", "(53)-(58), (60)-(64)",
    "|x| <= V and |y| <= W give x y h <= V W h",
    X * Y * h, V * W * h,
    certificate=(h * (V - X) * (W + Y) / 2, h * (V + X) * (W - Y) / 2),
    given=(h, V - X, V + X, W - Y, W + Y),
)  # fmt: skip
RANGE = Inequality(
    "eta's range", "Lemma 3",
    "a weight is at most its bound: eta_{t-1} <= 1/eps",
    X**2 * k * h, X**2 * k * H,
    certificate=(X**2 * k * (H - h),), given=(k, H - h),
)  # fmt: skip
LOWER = Inequality(
    "eta's lower bound", "Lemma 3, with (18)",
    "eta_{t-1} >= 1/max(G, eps), so ||x||^2 <= max(G, eps) ||x||^2 weighted by eta",
    X**2, V * X**2 * h,
    certificate=(V * X**2 * (h - 1 / V),), given=(V, h - 1 / V),
)  # fmt: skip
MONOTONE = Inequality(
    "monotone eta", "line 8 of Algorithm 1",
    "0 < eta_t <= eta_{t-1}, so ||g eta_t|| <= ||g eta_{t-1}||: the max makes it so",
    X**2 * (h - k) ** 2, X**2 * h**2,
    certificate=(X**2 * k * h, X**2 * k * (h - k)), given=(k, h, h - k),
)  # fmt: skip
SPLIT = Inequality(
    "split square", "(91), (94)",
    "(x + y)^2 <= (1 + lam) x^2 + (1 + 1/lam) y^2 for every lam > 0, in a weight h",
    (X + Y) ** 2 * h, (1 + lam) * X**2 * h + (1 + 1 / lam) * Y**2 * h,
    certificate=(h * (lam * X - Y) ** 2 / lam,), given=(h,),
)  # fmt: skip
THREE = Inequality(
    "three squares", "(98)",
    "(x + y + z)^2 <= 3 x^2 + 3 y^2 + 3 z^2, in a weight h",
    (X + Y + Z) ** 2 * h, 3 * (X**2 + Y**2 + Z**2) * h,
    certificate=(h * (X - Y) ** 2, h * (Y - Z) ** 2, h * (X - Z) ** 2), given=(h,),
)  # fmt: skip
JENSEN = Inequality(
    "Jensen", "(68), (77), (101)",
    "the square of the batch's mean is at most the mean square: the difference is the mean of "
    "(x_i - x)^2",
    X**2 * h, X_i**2 * h, certificate=(h * (X_i - X) ** 2,), given=(h,), means={X_i: X},
)  # fmt: skip
DESCENT = Inequality(
    "smoothness of f", "Assumption 1, (26)",
    "f(z + dz) - f(z) - <grad f(z), dz> is the integral over q in [0, 1] of <grad f(z + q dz) - "
    "grad f(z), dz> <= L q ||dz||^2, which is (L/2) ||dz||^2",
    f_next, f_now + (u + w) * dz + L / 2 * dz**2,
    certificate=(sympy.integrate(L * q_along * dz**2, (q_along, 0, 1)) - rest,),
    given=(L / 2 * dz**2 - rest,), parts={f_next: f_now + (u + w) * dz + rest},
    scope="whole",
)  # fmt: skip
SMOOTH_LAG = Inequality(
    "smoothness along the lag", "Assumption 1",
    "||grad f(z_t) - grad f(x_t)|| <= L ||z_t - x_t||", w**2, L**2 * lag**2,
    scope="whole",
)  # fmt: skip
SMOOTH_A = Inequality(
    "smoothness along grad f", "Assumption 1",
    "each f_i's gradient moves by at most L times the step rho grad f/||grad f||",
    a_i**2, L**2 * rho**2 * nu,
    scope="whole",
)  # fmt: skip
SMOOTH_C = Inequality(
    "smoothness between directions", "Assumption 1",
    "each f_i's gradient moves by at most L times rho ||grad f/||grad f|| - s/||s||||",
    c_i**2, L**2 * rho**2 * e_i,
    scope="whole",
)  # fmt: skip
SMOOTH_R = Inequality(
    "smoothness along delta", "Assumption 1",
    "each f_i's gradient moves by at most L ||delta_t|| <= L rho", r_i**2, L**2 * rho**2,
    scope="whole",
)  # fmt: skip
UNIT = Inequality(
    "unit vector", "definition", "a vector over its norm has norm 1, or 0 where it vanishes",
    nu, ONE, certificate=(1 - nu,), given=(1 - nu,),
    scope="whole",
)  # fmt: skip
TWO_UNITS = Inequality(
    "two unit vectors", "(71)",
    "||p - q||^2 = 2 ||p||^2 + 2 ||q||^2 - ||p + q||^2 <= 4",
    e_i, sympy.Integer(4), parts={e_i: 2 * P2 + 2 * Q2 - PQ2},
    certificate=(2 * (1 - P2), 2 * (1 - Q2), PQ2), given=(1 - P2, 1 - Q2, PQ2),
    scope="whole",
)  # fmt: skip
VARIANCE = Inequality(
    "variance", "Assumption 2",
    "a mean of b independent draws has variance at most sigma^2/b", n**2, sigma**2 / b,
    level="mean",
    scope="whole",
)  # fmt: skip
WORST_MOMENTUM = Inequality(
    "worst momentum", "(88)", "|m| <= G and eta <= 1/eps in each of d coordinates",
    m**2 * eta**2, G**2 / eps**2,
    certificate=(G**2 * (1 / eps - eta) * (1 / eps + eta), eta**2 * (G - m) * (G + m)),
    given=(1 / eps - eta, 1 / eps + eta, G - m, G + m), scope="counted",
)  # fmt: skip
ETA_L1 = Inequality(
    "sum of D", "Lemma 4, (50)",
    "each coordinate's D_t sum to eta_{-1} - eta_{T-1} <= 1/eps - 1/max(G, eps)",
    V1, d * (1 / eps - 1 / Gb) / T, parts={V1: d * (1 / eps - last) / T},
    certificate=(d * (last - 1 / Gb) / T,), given=(last - 1 / Gb,), level="average",
    scope="whole",
)  # fmt: skip
ETA_L2 = Inequality(
    "sum of D^2", "(46), where it is used unstated",
    "D_t^2 = eta_{t-1}^2 - eta_t^2 - 2 eta_t D_t, which telescopes",
    V2, d * (eps**-2 - Gb**-2) / T, parts={V2: d * (eps**-2 - last2) / T - 2 * products},
    certificate=(d * (last2 - Gb**-2) / T, 2 * products), given=(last2 - Gb**-2, products),
    level="average",
    scope="whole",
)  # fmt: skip
GAP = Inequality(
    "lower bound of f", "f* = inf f", "f(z_T) >= f*", f_star, f_end,
    certificate=(f_end - f_star,), given=(f_end - f_star,),
    scope="whole",
)  # fmt: skip
CAP = Inequality(
    "G <= max(G, eps)", "definition", "what holds with G holds with max(G, eps)",
    G**2, Gb**2, certificate=((Gb - G) * (Gb + G),), given=(Gb - G,),
    scope="whole",
)  # fmt: skip

CONVEX = Inequality(
    "convexity", "line 6 of Algorithm 1",
    "(beta1 x + (1 - beta1) y)^2 <= beta1 x^2 + (1 - beta1) y^2, in a weight h",
    (beta1 * X + (1 - beta1) * Y) ** 2 * h, (beta1 * X**2 + (1 - beta1) * Y**2) * h,
    certificate=(beta1 * (1 - beta1) * (X - Y) ** 2 * h,), given=(1 - beta1, h),
)  # fmt: skip
WORST_GRADIENT = Inequality(
    "worst gradient", "Assumption 3", "|g| <= G and eta <= 1/eps in each of d coordinates",
    g**2 * eta**2, G**2 / eps**2,
    certificate=(G**2 * (1 / eps - eta) * (1 / eps + eta), eta**2 * (G - g) * (G + g)),
    given=(1 / eps - eta, 1 / eps + eta, G - g, G + g), scope="counted",
)  # fmt: skip
ETA_L2_SHARP = Inequality(
    "sum of D^2", "sharpens (46)",
    "the D_t of a coordinate are not negative, so their squares sum to at most the square of "
    "their sum, (eta_{-1} - eta_{T-1})^2 <= (1/eps - 1/max(G, eps))^2",
    V2, d * (1 / eps - 1 / Gb) ** 2 / T,
    parts={V2: d * ((1 / eps - last) ** 2 - cross) / T},
    certificate=(d * (last - 1 / Gb) * (1 / eps - 1 / Gb) / T,
                 d * (last - 1 / Gb) * (1 / eps - last) / T, d * cross / T),
    given=(last - 1 / Gb, 1 / eps - 1 / Gb, 1 / eps - last, cross),
    level="average", scope="whole",
)  # fmt: skip
AM_GM = Inequality(
    "arithmetic and geometric mean", "calculus",
    "2 p q <= p^2 z + q^2/z for every z > 0, with equality at z = q/p",
    2 * X * Y, X**2 * lam + Y**2 / lam, certificate=((X * lam - Y) ** 2 / lam,),
)  # fmt: skip
ROOTS = Inequality(
    "roots", "calculus", "p^2 <= q^2 gives p <= q, where p + q > 0",
    X, Y, certificate=((Y**2 - X**2) / (Y + X),), given=(Y**2 - X**2, Y + X),
)  # fmt: skip
DROPPED = Inequality(
    "nothing negative", "arithmetic", "what is not negative may be added", sympy.Integer(0), X,
    certificate=(X,), given=(X,),
)  # fmt: skip
DIFFERENCE = Inequality(
    "squared difference", "arithmetic", "(1/eps - 1/Gb)^2 <= eps^-2 - Gb^-2, as Gb >= eps",
    (1 / eps - 1 / Gb) ** 2, eps**-2 - Gb**-2,
    certificate=(2 * (1 / eps - 1 / Gb) / Gb,), given=(1 / eps - 1 / Gb,), scope="whole",
)  # fmt: skip

DROP = Inequality(
    "square of a drop", "(46)", "eta_{t-1}^2 - eta_t^2 - D^2 = 2 eta_t D >= 0",
    D**2, eta**2 - (eta - D) ** 2, certificate=(2 * (eta - D) * D,), given=(eta - D, D),
)  # fmt: skip

FACTS = (
    Fact(1 - beta1, "Algorithm 1", "0 <= beta1 < 1"),
    Fact(eta, "line 9", "eta_{t-1} > 0"),
    Fact(D, "line 8", "v_hat never falls, so eta never rises: D >= 0"),
    Fact(eta - D, "line 9", "eta_t > 0"),
    Fact(1 / eps - eta, "Lemma 3", "v_hat >= eps^2, its start"),
    Fact(1 / eps + eta, "Lemma 3", "a sum of two positive numbers", (1 / eps, eta)),
    Fact(eta - 1 / Gb, "Lemma 3", "v_t is a mean of v_{-1} and of squares g^2, so at most "
         "max(G, eps)^2 (v_{-1} must be, too)"),
    Fact(Gb - G, "definition", "max(G, eps) >= G"),
    Fact(Gb**2 - G**2, "definition", "likewise", ((Gb - G) * Gb, (Gb - G) * G)),
    Fact(1 / eps - 1 / Gb, "definition", "max(G, eps) >= eps"),
    Fact(eps**-2 - Gb**-2, "definition", "likewise",
         ((1 / eps - 1 / Gb) / eps, (1 / eps - 1 / Gb) / Gb)),
    Fact(last - 1 / Gb, "Lemma 3", "eta_{T-1} >= 1/max(G, eps)"),
    Fact(last2 - Gb**-2, "Lemma 3", "and its square"),
    Fact(1 / eps - last, "Lemma 3", "eta_{T-1} <= 1/eps"),
    Fact(G - u, "Assumption 3", "|grad f(x_t)| <= G in every coordinate"),
    Fact(G + u, "Assumption 3", "likewise"),
    Fact(G - u - w, "Assumption 3", "|grad f(z_t)| <= G"),
    Fact(G + u + w, "Assumption 3", "likewise"),
    Fact(G - m, "Assumption 3", "|m_{t-1}| <= G: a mean of 0 and past gradients"),
    Fact(G + m, "Assumption 3", "likewise"),
    Fact(1 - nu, "definition", "a vector over its norm has norm at most 1"),
    Fact(1 - P2, "definition", "likewise"),
    Fact(1 - Q2, "definition", "likewise"),
    Fact(L / 2 * dz**2 - rest, "Assumption 1", "the gradient's integral along the step"),
    Fact(f_end - f_star, "definition", "f* = inf f"),
)  # fmt: skip
"""What both proofs take as given; each adds |g| <= G in its own letters."""

_weight = (1 - beta1) * beta1**index
_e = sympy.Function("e")
INDUCTIONS = (
    Induction(
        "telescoping", "(45), (51)",
        "e(j) - e(j + 1) over j < k sum to e(0) - e(k): for eta, eta^2, f(z) and ||m eta||^2",
        index, _e(index) - _e(index + 1), _e(0) - _e(index),
    ),
    Induction(
        "variance of a mean", "Assumption 2",
        "b independent terms of variance sigma^2/b^2 each sum to sigma^2/b at k = b",
        index, sigma**2 / b**2, index * sigma**2 / b**2,
    ),
    Induction(
        "weights of the momentum", "line 6",
        "m_t has the weights (1 - beta1) beta1^j on past gradients; k of them sum to 1 - beta1^k "
        "<= 1: |m_t| <= G, and the same for v_t",
        index, _weight, 1 - beta1**index,
    ),
)  # fmt: skip
"""Sums in closed form."""
