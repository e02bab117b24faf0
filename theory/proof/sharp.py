"""The sharp theorem's derivation, S5-S22: the free-parameter form, TIGHT_SIMPLE and TIGHT.

Against the paper's: one residual r = g - s in place of Lemmas 7 and 8's two; the noise only where
it does not average out; eta_t <= eta_{t-1} in place of a split; the momentum bounded by past
gradients; and every Young parameter left free to the end.
"""

from dataclasses import replace

import sympy

from theory.proof import named
from theory.proof.letters import (
    DEFINITIONS,
    V1,
    V2,
    A_end,
    A_next,
    A_now,
    D,
    M,
    S,
    U,
    V,
    W,
    X,
    X_i,
    Y,
    be,
    cc,
    dz,
    eta,
    f_end,
    f_next,
    f_now,
    f_star,
    f_start,
    g,
    h,
    k,
    kappa,
    la,
    lag,
    lam,
    lb,
    lhs,
    m,
    m_next,
    n,
    r,
    r_i,
    s,
    theta,
    u,
    w,
)  # fmt: skip
from theory.proof.paper import AUXILIARY, STEP, WEIGHT, chain, uses
from theory.proof.parts import Chain, Derivation, Fact, Use
from theory.symbols import ONE, Delta, G, Gb, L, T, b, beta1, d, eps, gamma, rho, sigma

HALF = sympy.Rational(1, 2)
R = L**2 * rho**2 / eps
noise = sigma**2 / (b * eps**2)
residual = L**2 * rho**2 / eps**2
lagging = kappa**2 * gamma**2 * L**2 / eps
half_step = gamma * L / 2
y = gamma * L / eps
reach = 1 / eps - 1 / Gb
change = half_step * kappa**2 * G**2 * d * reach**2 / T
start = Delta / (gamma * T) + G**2 * d * reach / ((1 - beta1) * T)
worst = d * G**2 / eps**2

Mq = lagging / 2 * (1 / la + 1 / lb) + half_step * (1 + 1 / be)
q = 1 - theta / 2 - la / 2 - (1 + cc) * Mq / eps
N = (
    start + (1 / (2 * theta) + lb / 2) * R
    + Mq / eps**2 * ((1 + cc) * sigma**2 / b + (1 + 1 / cc) * L**2 * rho**2)
    + half_step * (1 + be) * kappa**2 * G**2 * d * reach**2 / T
)  # fmt: skip
SIMPLE = {theta: HALF / 2, la: HALF / 2, lb: ONE, cc: ONE, be: sympy.Integer(3)}
"""The parameters that give TIGHT_SIMPLE."""
PAPERS = {theta: HALF / 2, la: HALF / 2, lb: HALF, cc: sympy.Integer(2), be: ONE}
"""The parameters that give (47) without its last term."""
CONDITION = HALF / 2 - 5 * (kappa * y) ** 2 - sympy.Rational(4, 3) * y

FACTS = (
    *named.FACTS,
    Fact(G - g, "Assumption 3", "|g_t| <= G in every coordinate: a mean over the batch"),
    Fact(G + g, "Assumption 3", "likewise"),
    Fact((kappa + 1) * G - kappa * m - g, "Assumption 3", "the two together",
         (kappa * (G - m), G - g)),
    Fact((kappa + 1) * G + kappa * m + g, "Assumption 3", "likewise", (kappa * (G + m), G + g)),
    Fact(q, "the theorem's condition", "q > 0"),
    Fact(CONDITION, "TIGHT_SIMPLE's condition", "5 (kappa y)^2 + (4/3) y <= 1/4"),
    Fact(eps / (16 * L) - gamma, "Theorem 1", "gamma <= eps/(16 L), where (47) is compared"),
)  # fmt: skip

INEQUALITIES = (
    named.YOUNG, named.BOUNDED, named.HOLDER, named.RANGE, named.LOWER, named.MONOTONE,
    named.SPLIT, named.JENSEN, named.CONVEX, named.DESCENT, named.SMOOTH_LAG, named.SMOOTH_R,
    named.VARIANCE, named.WORST_MOMENTUM, named.WORST_GRADIENT, named.ETA_L1, named.ETA_L2_SHARP,
    named.GAP, named.CAP, named.AM_GM, named.ROOTS, named.DROPPED, named.DIFFERENCE, STEP,
)  # fmt: skip

S5 = replace(
    AUXILIARY, name="S5",
    steps=tuple(replace(step, id=f"S5{letter}", printed="")
                for letter, step in zip("abcd", AUXILIARY.steps, strict=True)),
)  # fmt: skip

S8 = chain(
    "S8", "What the change of eta costs",
    "Momentum and gradient together are at most (kappa + 1) G; the bound is pathwise, so that g_t "
    "and eta_t may depend on one batch.", "path",
    gamma * (u + w) * (kappa * m + g) * D,
    ("S8a", "inequality", gamma * (kappa + 1) * G**2 * D,
     "|grad f(z_t)| <= G and |kappa m_{t-1} + g_t| <= (kappa + 1) G",
     uses(Use("Hölder", gamma, {X: u + w, Y: kappa * m + g, V: G, W: (kappa + 1) * G, h: D}))),
    ("S8b", "identity", gamma * G**2 * D / (1 - beta1), "kappa + 1 = 1/(1 - beta1)"),
)  # fmt: skip


def _residual(times: sympy.Expr) -> tuple[Use, ...]:
    """What turns times x r^2 eta into times x R."""
    return (
        Use("eta's range", times, WEIGHT | {X: r}),
        Use("Jensen", times / eps, {X: r, X_i: r_i, h: ONE}),
        Use("smoothness along delta", times / eps),
    )


S10 = chain(
    "S10", "The main term",
    "g = u + n + r. The noise n has mean 0 against what is known; r = g - s is at most L rho, "
    "however the perturbation points, so Lemma 7's change of direction is not needed.", "mean",
    -gamma * u * g * eta,
    ("S10a", "expectation", -gamma * u**2 * eta - gamma * u * r * eta,
     "u and eta_{t-1} are known before the batch: this is what the delay buys"),
    ("S10b", "inequality",
     -gamma * (1 - theta / 2) * u**2 * eta + gamma / (2 * theta) * r**2 * eta,
     "Young's inequality with theta",
     uses(Use("Young", gamma, {X: u, Y: -r, h: eta, lam: theta}))),
    ("S10c", "inequality", -gamma * (1 - theta / 2) * u**2 * eta + gamma / (2 * theta) * R,
     "eta_{t-1} <= 1/eps; r is a mean over the batch; smoothness",
     uses(*_residual(gamma / (2 * theta)))),
)  # fmt: skip

_gauge = gamma * la / 2 * u**2 * eta + gamma * lb / 2 * R
_both = gamma / 2 * (1 / la + 1 / lb)

S11 = chain(
    "S11", "The lag of x behind z", "w is known before the batch, and 0 without momentum.", "mean",
    -gamma * w * g * eta,
    ("S11a", "expectation", -gamma * w * u * eta - gamma * w * r * eta, "w n eta has mean 0"),
    ("S11b", "inequality",
     gamma * la / 2 * u**2 * eta + gamma * lb / 2 * r**2 * eta + _both * w**2 * eta,
     "Young's inequality twice, with lambda_a and lambda_b",
     uses(Use("Young", gamma, {X: u, Y: -w, h: eta, lam: la}),
          Use("Young", gamma, {X: r, Y: -w, h: eta, lam: lb}))),
    ("S11c", "inequality", _gauge + _both * L**2 * lag**2 / eps,
     "eta_{t-1} <= 1/eps, smoothness for r and from x_t to z_t",
     uses(*_residual(gamma * lb / 2), Use("eta's range", _both, WEIGHT | {X: w}),
          Use("smoothness along the lag", _both / eps))),
    ("S11d", "identity", _gauge + _both * lagging * m**2 * eta**2,
     "z_t - x_t = -kappa gamma m_{t-1} eta_{t-1}"),
)  # fmt: skip

S12 = chain(
    "S12", "The squared step", "eta_t <= eta_{t-1} takes the place of a split of g_t eta_t.",
    "path", L / 2 * dz**2,
    ("S12a", "identity", L / 2 * (kappa * gamma * m * D - gamma * g * (eta - D)) ** 2, "S5"),
    ("S12b", "inequality",
     L / 2 * ((1 + be) * kappa**2 * gamma**2 * m**2 * D**2
              + (1 + 1 / be) * gamma**2 * g**2 * (eta - D) ** 2),
     "(x + y)^2 <= (1 + beta) x^2 + (1 + 1/beta) y^2",
     uses(Use("split square", L / 2,
              {X: kappa * gamma * m * D, Y: -gamma * g * (eta - D), h: ONE, lam: be}))),
    ("S12c", "inequality",
     L / 2 * ((1 + be) * kappa**2 * gamma**2 * G**2 * D**2
              + (1 + 1 / be) * gamma**2 * g**2 * eta**2),
     "|m_{t-1}| <= G; 0 < eta_t <= eta_{t-1}",
     uses(Use("bounded factor", L / 2 * (1 + be) * kappa**2 * gamma**2, {X: D, Y: m, V: G}),
          Use("monotone eta", L / 2 * (1 + 1 / be) * gamma**2, {X: g, h: eta, k: D}))),
)  # fmt: skip

ONE_STEP = chain(
    "S6-S12", "One step of descent, at z", "The pieces together.", "mean", f_next - f_now,
    ("S6", "inequality", (u + w) * dz + L / 2 * dz**2, "f is L-smooth",
     uses(Use("smoothness of f"))),
    ("S7", "identity",
     gamma * (u + w) * (kappa * m + g) * D - gamma * u * g * eta - gamma * w * g * eta
     + L / 2 * dz**2,
     "z_{t+1} - z_t = gamma (kappa m_{t-1} + g_t) D_t - gamma g_t eta_{t-1}; grad f(z_t) = u + w"),
    ("S7b", "inequality", S8.large + S10.large + S11.large + S12.large, "S8, S10, S11 and S12",
     uses(Use("S8"), Use("S10"), Use("S11"), Use("S12"))),
)  # fmt: skip

S13 = chain(
    "S13", "The momentum lemma",
    "m_t eta_t is a mean of m_{t-1} eta_{t-1} and g_t eta_{t-1} at most, since eta only falls.",
    "path", A_next - A_now,
    ("S13a", "identity", m_next**2 * (eta - D) ** 2 - m**2 * eta**2, "what they stand for"),
    ("S13b", "inequality", m_next**2 * eta**2 - m**2 * eta**2, "0 < eta_t <= eta_{t-1}",
     uses(Use("monotone eta", ONE, {X: m_next, h: eta, k: D}))),
    ("S13c", "inequality",
     (beta1 * m**2 + (1 - beta1) * g**2) * eta**2 - m**2 * eta**2, "a mean's square",
     uses(Use("convexity", ONE, {X: m, Y: g, h: eta**2}))),
    ("S13d", "identity", (1 - beta1) * (g**2 * eta**2 - m**2 * eta**2), "collect"),
)  # fmt: skip

S13_SUM = chain(
    "M <= S", "The momentum lemma, summed",
    "S13 telescopes from ||m_{-1} eta_{-1}||^2 = 0: momentum costs no more than the gradients.",
    "average", M,
    ("S13e", "inequality", S - A_end / ((1 - beta1) * T), "S13, over (1 - beta1)",
     uses(Use("S13", 1 / (1 - beta1)))),
    ("S13f", "inequality", S, "a squared norm is not negative",
     uses(Use("nothing negative", 1 / ((1 - beta1) * T), {X: A_end}))),
)  # fmt: skip

S14 = chain(
    "S14", "The second moment of the step",
    "The noise costs a factor 1 + c and no more: its product with u has mean 0.", "mean",
    g**2 * eta**2,
    ("S14a", "inequality", g**2 * eta / eps, "one of the two eta_{t-1} is at most 1/eps",
     uses(Use("eta's range", ONE, WEIGHT | {X: g, k: eta}))),
    ("S14b", "inequality", ((1 + cc) * (u + n) ** 2 + (1 + 1 / cc) * r**2) * eta / eps,
     "g = (u + n) + r, on every path",
     uses(Use("split square", 1 / eps, {X: u + n, Y: r, h: eta, lam: cc}))),
    ("S14c", "expectation",
     ((1 + cc) * (u**2 + n**2) + (1 + 1 / cc) * r**2) * eta / eps, "u n eta has mean 0"),
    ("S14d", "inequality",
     (1 + cc) * (u**2 * eta / eps + noise) + (1 + 1 / cc) * residual,
     "eta_{t-1} <= 1/eps, the batch's variance, and smoothness for r",
     uses(Use("eta's range", (1 + cc) / eps, WEIGHT | {X: n}),
          Use("variance", (1 + cc) / eps**2), *_residual((1 + 1 / cc) / eps))),
)  # fmt: skip

_shared = (1 / (2 * theta) + lb / 2) * R + (theta / 2 + la / 2) * U
_moments = lagging / 2 * (1 / la + 1 / lb) * M + half_step * (1 + 1 / be) * S
_eta2 = half_step * (1 + be) * kappa**2 * G**2

S15 = chain(
    "S15", "The sum over t", "Over gamma, averaged over t < T: f telescopes.", "average", U,
    ("S15a", "inequality",
     (f_start - f_end) / (gamma * T) + G**2 * V1 / (1 - beta1) + _shared + _moments + _eta2 * V2,
     "S6-S12, over gamma", uses(Use("S6-S12", 1 / gamma))),
    ("S15b", "inequality",
     start + _shared + _moments + _eta2 * d * reach**2 / T,
     "f(z_T) >= f*; the sums of D and of D^2",
     uses(Use("lower bound of f", 1 / (gamma * T)), Use("sum of D", G**2 / (1 - beta1)),
          Use("sum of D^2", _eta2))),
)  # fmt: skip

S16 = chain(
    "S16", "With both second moments", "M <= S, and S14: what is left is linear in U.", "average",
    U,
    ("S16a", "inequality", S15.large, "S15", uses(Use("S15"))),
    ("S16b", "inequality",
     start + _shared + Mq * S + _eta2 * d * reach**2 / T, "the momentum lemma",
     uses(Use("M <= S", lagging / 2 * (1 / la + 1 / lb)))),
    ("S16c", "inequality", N + (1 - q) * U, "S14", uses(Use("S14", Mq))),
)  # fmt: skip

S17 = chain(
    "free-parameter form", "The bound with free parameters",
    "For every theta, lambda_a, lambda_b, c, beta > 0 that leave q > 0.", "average", lhs,
    ("S17a", "inequality", Gb * U, "eta_{t-1} >= 1/max(G, eps)",
     uses(Use("eta's lower bound", ONE, {X: u, h: eta, V: Gb}))),
    ("S17b", "inequality", Gb * N / q, "S16 says q U <= N", uses(Use("S16", Gb / q))),
)  # fmt: skip

FEASIBLE = chain(
    "feasible", "When parameters exist",
    "q > 0 needs (gamma L/eps)(kappa + 1/2) < 1; below that, q comes as near to what is left as "
    "one likes: theta, c -> 0, lambda_b, beta -> oo, lambda_a at its minimiser.", "average", q,
    ("S19a", "inequality", 1 - la / 2 - lagging / (2 * la * eps) - half_step / eps,
     "leave out what is subtracted besides",
     uses(Use("nothing negative", HALF, {X: theta}),
          Use("nothing negative", 1 / eps, {X: cc * Mq}),
          Use("nothing negative", 1 / eps, {X: lagging / (2 * lb)}),
          Use("nothing negative", 1 / eps, {X: half_step / be}))),
    ("S19b", "inequality", 1 - y * (kappa + HALF), "least at lambda_a = kappa gamma L/eps",
     uses(Use("arithmetic and geometric mean", HALF, {X: ONE, Y: kappa * y, lam: la}))),
)  # fmt: skip

_y2 = noise + U / eps
_rootW = sympy.sqrt(_y2) + sympy.sqrt(residual)

SECOND = chain(
    "S <= W", "The second moment, its parameter optimised",
    "W(U) = (sqrt(n + U/eps) + sqrt(r))^2 with n = sigma^2/(b eps^2) and r = L^2 rho^2/eps^2.",
    "average", S,
    ("S19c", "inequality", (1 + cc) * _y2 + (1 + 1 / cc) * residual, "S14, averaged",
     uses(Use("S14"))),
    ("S19d", "optimum", _rootW**2, "least at c = sqrt(r/(n + U/eps))",
     uses(Use("arithmetic and geometric mean", ONE,
              {X: sympy.sqrt(_y2), Y: sympy.sqrt(residual), lam: cc}),
          values={cc: sympy.sqrt(residual) / sympy.sqrt(_y2)})),
)  # fmt: skip

CAPPED = chain(
    "S <= C", "The second moment at worst", "What Assumption 3 alone gives.", "average", S,
    ("S22a", "inequality", worst, "|g_t| <= G and eta_{t-1} <= 1/eps", uses(Use("worst gradient"))),
)  # fmt: skip

_rootS, _rootU, _rootR = sympy.sqrt(S), sympy.sqrt(U), sympy.sqrt(R)
_rootk, _rootg = kappa * gamma * L / sympy.sqrt(eps), sympy.sqrt(half_step)
_rate = _rootg * kappa * reach * sympy.sqrt(d / T)
_roote = _rate * G


def F(root: sympy.Expr, G: sympy.Symbol = G) -> sympy.Expr:
    """Return F at tau = U with ``root`` for sqrt(W), with this bound on the gradients."""
    started = Delta / (gamma * T) + G**2 * d * reach / ((1 - beta1) * T)
    return (
        started + _rootR * _rootU + _rootk * root * (_rootU + _rootR)
        + (_rootg * root + _rate * G) ** 2 - U
    )  # fmt: skip


_EACH = (
    start + R / (2 * theta) + theta * U / 2 + la * U / 2 + lagging * S / (2 * la) + lb * R / 2
    + lagging * S / (2 * lb) + half_step * S + half_step * S / be + change + change * be - U
)  # fmt: skip


def _optima() -> list[tuple]:
    """The four optima over theta, lambda_a, lambda_b and beta, one after another."""
    pairs = {
        theta: (_rootU, _rootR), la: (_rootU, _rootk * _rootS), lb: (_rootR, _rootk * _rootS),
        be: (sympy.sqrt(2) * _roote, sympy.sqrt(2) * _rootg * _rootS),
    }  # fmt: skip
    left = _EACH
    rows = []
    names = ("theta", "lambda_a", "lambda_b", "beta")
    for number, name, (parameter, (p, o)) in zip("efgh", names, pairs.items(), strict=True):
        right = left - p**2 * parameter / 2 - o**2 / parameter / 2 + p * o
        rows.append(
            (f"S19{number}", "optimum", right, f"{name} stands in p^2 {name} + q^2/{name} alone",
             uses(Use("arithmetic and geometric mean", HALF, {X: p, Y: o, lam: parameter}),
                  values={parameter: o / p}))
        )  # fmt: skip
        left = right
    return rows


OPTIMISED = chain(
    "0 <= F(U, S)", "Every parameter optimised",
    "S16 holds for all parameters at once, so for the best: each stands in p^2 z + q^2/z alone.",
    "average", sympy.Integer(0),
    ("S16d", "inequality",
     start + _shared + Mq * S + _eta2 * d * reach**2 / T - U, "S15 with M <= S",
     uses(Use("S15"), Use("M <= S", lagging / 2 * (1 / la + 1 / lb)))),
    ("S16e", "identity", _EACH, "each parameter by itself"),
    *_optima(),
    ("S19i", "identity", F(_rootS), "collect: F rises with S"),
)  # fmt: skip


def _ending(name: str, title: str, words: str, step: str, root: sympy.Expr, why: str) -> Chain:
    grown = _rootk * (_rootU + _rootR) + 2 * _rootg * _roote
    return chain(
        name, title, words, "average", sympy.Integer(0),
        (f"{step}j", "inequality", F(_rootS), "for the best parameters",
         uses(Use("0 <= F(U, S)"))),
        (f"{step}k", "inequality", F(root), why,
         uses(Use("roots", grown, {X: _rootS, Y: root}), Use(name.split(":")[1], half_step))),
        (f"{step}l", "inequality", F(root, Gb), "G <= max(G, eps), beside the sums of D alone",
         uses(Use("G <= max(G, eps)", d * reach / ((1 - beta1) * T) + _rate**2),
              Use("roots", 2 * _rootg * root * _rate, {X: G, Y: Gb}))),
    )  # fmt: skip


TIGHT_W = _ending(
    "TIGHT:S <= W", "TIGHT: F(U) >= 0",
    "An infimum of functions affine in U is concave, so U is at most F's largest root tau.",
    "S19", _rootW, "S <= W(U)",
)  # fmt: skip
TIGHT_C = _ending(
    "TIGHT:S <= C", "TIGHT: the cap", "Likewise with C = d G^2/eps^2: no condition on gamma.",
    "S22", sympy.sqrt(d) * G / eps, "S <= C",
)  # fmt: skip

_simple_q = 3 * HALF / 2 - 5 * (kappa * y) ** 2 - sympy.Rational(4, 3) * y
_simple_M = sympy.Rational(5, 2) * lagging + 2 * gamma * L / 3
_simple_N = (
    start + sympy.Rational(5, 2) * R + _simple_M * (2 * noise + 2 * residual) + 4 * change
)  # fmt: skip

SIMPLE_TERMS: dict[str, sympy.Expr] = {
    "initial_gap": 2 * Gb * Delta / (gamma * T),
    "gradient_noise": sympy.Rational(8, 3) * Gb * gamma * L * sigma**2 / (b * eps**2),
    "perturbation": sympy.Rational(11, 2) * Gb * L**2 * rho**2 / eps,
    "eta_variation_l1": 2 * Gb**3 * d * reach / ((1 - beta1) * T),
    "momentum": 10 * Gb * kappa**2 * gamma**2 * L**2 * sigma**2 / (b * eps**3),
    "eta_variation_l2": 4 * kappa**2 * gamma * L * Gb**3 * d * reach**2 / T,
}
"""Where the chain to TIGHT_SIMPLE ends."""


def _to_Gb(eta2: sympy.Expr) -> tuple[Use, ...]:
    return (
        Use("G <= max(G, eps)", 2 * Gb * d * reach / ((1 - beta1) * T)),
        Use("G <= max(G, eps)", eta2),
    )


THEOREM2 = chain(
    "TIGHT_SIMPLE", "TIGHT_SIMPLE: parameters by hand",
    "theta = lambda_a = 1/4, lambda_b = c = 1, beta = 3; its condition is q >= 1/2, and the same "
    "condition takes the residual's part of the squared step.", "average", lhs,
    ("S20a", "inequality", Gb * U, "eta_{t-1} >= 1/max(G, eps)",
     uses(Use("eta's lower bound", ONE, {X: u, h: eta, V: Gb}))),
    ("S20b", "inequality", Gb * U + 2 * Gb * (N - q * U), "S16, times 2 max(G, eps)",
     uses(Use("S16", 2 * Gb))),
    ("S20c", "choice", Gb * U + 2 * Gb * (_simple_N - _simple_q * U), "the parameters",
     {"values": SIMPLE}),
    ("S20d", "inequality", 2 * Gb * _simple_N, "q >= 1/2",
     uses(Use("nothing negative", 2 * Gb, {X: CONDITION * U}))),
    ("S21", "inequality",
     2 * Gb * (start + _simple_M * 2 * noise + 4 * change) + sympy.Rational(11, 2) * Gb * R,
     "4 M/eps <= 1/2, which is the same condition",
     uses(Use("nothing negative", 2 * Gb, {X: CONDITION * R}))),
    ("S20e", "inequality", sum(SIMPLE_TERMS.values()), "G <= max(G, eps)",
     uses(*_to_Gb(4 * Gb * gamma * L * kappa**2 * d * reach**2 / T))),
)  # fmt: skip

_paper_q = 3 * HALF / 2 - 3 * y
_paper_N = (
    start + 9 * R / 4 + 3 * lagging * worst + 3 * gamma * L * noise + 3 * gamma * L * residual / 2
    + 2 * change
)  # fmt: skip

MENDED_TERMS: dict[str, sympy.Expr] = {
    "initial_gap": 2 * Gb * Delta / (gamma * T),
    "gradient_noise": 6 * Gb * gamma * L * sigma**2 / (b * eps**2),
    "perturbation": 5 * Gb * L**2 * rho**2 / eps,
    "eta_variation_l1": 2 * Gb**3 * d * reach / ((1 - beta1) * T),
    "momentum": 6 * gamma**2 * L**2 * kappa**2 * d * Gb**3 / eps**3,
    "eta_variation_l2": 2 * kappa**2 * gamma * L * Gb**3 * d * (eps**-2 - Gb**-2) / T,
}
"""Below (47), term by term, and without its last one."""

WHY_47 = chain(
    "why (47) is true", "Why (47) is true although its last step is not",
    "Under gamma <= eps/(16 L), with the worst case for the momentum as in the paper: 5 in place "
    "of 45, and nothing like the last term.", "average", lhs,
    ("S22b", "inequality", Gb * U, "eta_{t-1} >= 1/max(G, eps)",
     uses(Use("eta's lower bound", ONE, {X: u, h: eta, V: Gb}))),
    ("S22c", "inequality", Gb * U + 2 * Gb * (S15.large - U), "S15, times 2 max(G, eps)",
     uses(Use("S15", 2 * Gb))),
    ("S22d", "inequality",
     Gb * U + 2 * Gb * (start + _shared + lagging / 2 * (1 / la + 1 / lb) * worst
                        + half_step * (1 + 1 / be) * ((1 + cc) * _y2 + (1 + 1 / cc) * residual)
                        + _eta2 * d * reach**2 / T - U),
     "the momentum at worst, and S14",
     uses(Use("worst momentum", Gb * lagging * (1 / la + 1 / lb)),
          Use("S14", 2 * Gb * half_step * (1 + 1 / be)))),
    ("S22e", "choice", Gb * U + 2 * Gb * (_paper_N - _paper_q * U),
     "theta = lambda_a = 1/4, lambda_b = 1/2, c = 2, beta = 1", {"values": PAPERS}),
    ("S22f", "inequality", 2 * Gb * (_paper_N - U / 16), "gamma <= eps/(16 L)",
     uses(Use("nothing negative", 6 * Gb * L / eps, {X: (eps / (16 * L) - gamma) * U}))),
    ("S22g", "inequality",
     2 * Gb * (start + 3 * lagging * worst + 3 * gamma * L * noise + 2 * change) + 5 * Gb * R,
     "9/2 + 3/16 <= 5, and what is subtracted may go",
     uses(Use("nothing negative", Gb / 8, {X: U}),
          Use("nothing negative", 3 * Gb * L / eps, {X: (eps / (16 * L) - gamma) * R}),
          Use("nothing negative", 5 * Gb / 16, {X: R}))),
    ("S22h", "inequality", sum(MENDED_TERMS.values()),
     "G <= max(G, eps), and (1/eps - 1/G)^2 <= eps^-2 - G^-2",
     uses(*_to_Gb(2 * Gb * gamma * L * kappa**2 * d * reach**2 / T),
          Use("G <= max(G, eps)", 6 * Gb * gamma**2 * L**2 * kappa**2 * d / eps**3),
          Use("squared difference", 2 * kappa**2 * gamma * L * Gb**3 * d / T))),
)  # fmt: skip

SHARP = Derivation(
    "sharp", "The sharp theorem",
    "The same skeleton with one residual, a monotone eta, a momentum lemma and free parameters.",
    DEFINITIONS | {
        g: s + r, Delta: f_start - f_star, A_next: m_next**2 * (eta - D) ** 2,
        A_now: m**2 * eta**2,
    },
    {r_i: r}, FACTS, INEQUALITIES, named.INDUCTIONS,
    (S5, S8, S10, S11, S12, ONE_STEP, S13, S13_SUM, S14, S15, S16, S17, FEASIBLE, SECOND, CAPPED,
     OPTIMISED, TIGHT_W, TIGHT_C, THEOREM2, WHY_47),
)  # fmt: skip
