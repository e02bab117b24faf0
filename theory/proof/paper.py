"""The paper's derivation, Lemmas 5-10 and (21)-(47), with Lemma 10 mended.

`derivation` takes the bound on ||grad f_i(x + delta) - grad f_i(x)||^2 that step (101)-(102) puts
in: L^2 rho^2, which Assumption 1 gives, or L rho^2, which our text of the paper prints.
"""

import sympy

from theory.proof import named
from theory.proof.letters import (
    DEFINITIONS,
    V1,
    V2,
    D,
    H,
    U,
    V,
    W,
    X,
    X_i,
    Y,
    Z,
    a,
    a_i,
    alpha2,
    beta,
    c,
    c_i,
    dz,
    e_i,
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
    lag,
    lam,
    lam1,
    lam2,
    lam3,
    lhs,
    m,
    m_next,
    mu2,
    n,
    nu,
    p,
    r_i,
    s,
    u,
    w,
    x,
    x_last,
    x_next,
)  # fmt: skip
from theory.proof.parts import Chain, Derivation, Fact, Step, Use
from theory.symbols import ONE, Delta, G, Gb, L, T, b, beta1, d, eps, gamma, rho, sigma

R = L**2 * rho**2 / eps
WEIGHT = {k: ONE, h: eta, H: 1 / eps}

CHOICE = {
    mu2: sympy.Integer(8), alpha2: sympy.Integer(8), beta: sympy.Integer(3),
    lam1: sympy.Rational(1, 4), lam2: ONE, lam3: ONE,
}  # fmt: skip
"""The paper's parameters, after (41)."""

FACTS = (
    *named.FACTS,
    Fact(G - g, "Assumption 3", "|g_t| <= G in every coordinate: a mean over the batch"),
    Fact(G + g, "Assumption 3", "likewise"),
    Fact(eps / (16 * L) - gamma, "Theorem 1", "gamma <= eps/(16 L)"),
)  # fmt: skip

STEP = named.Inequality(
    "step size", "Theorem 1", "gamma <= eps/(16 L), in a weight",
    gamma * X**2 * h, eps / (16 * L) * X**2 * h,
    certificate=((eps / (16 * L) - gamma) * X**2 * h,), given=(eps / (16 * L) - gamma, h),
)  # fmt: skip

INEQUALITIES = (
    named.YOUNG, named.BOUNDED, named.HOLDER, named.RANGE, named.LOWER, named.SPLIT, named.THREE,
    named.JENSEN, named.DESCENT, named.SMOOTH_LAG, named.SMOOTH_A, named.SMOOTH_C, named.SMOOTH_R,
    named.UNIT, named.TWO_UNITS, named.VARIANCE, named.WORST_MOMENTUM, named.ETA_L1, named.ETA_L2,
    named.DROP, named.GAP, named.CAP, STEP,
)  # fmt: skip


def chain(name: str, title: str, words: str, level: str, start: sympy.Expr, *rows: tuple) -> Chain:
    """Make a chain from its first side and rows (id, rule, right, words, options)."""
    steps, left = [], start
    for number, rule, right, why, *options in rows:
        steps.append(Step(number, why, left, right, rule, **(options[0] if options else {})))
        left = right
    return Chain(name, title, words, level, tuple(steps))  # type: ignore[arg-type]


def uses(*items: Use, **options: object) -> dict[str, object]:
    """Return the options of a row that uses these inequalities."""
    return {"uses": items, **options}


AUXILIARY = chain(
    "auxiliary sequence", "The auxiliary sequence z", "With kappa = beta1/(1 - beta1), "
    "z_t = x_t + kappa (x_t - x_{t-1}) moves as if there were no momentum, but for the change of "
    "eta. x_{-1} must be x_0, so that z_0 = x_0 (our text of the paper has x_{-1} = 0).", "path",
    x_next + kappa * (x_next - x) - x - kappa * (x - x_last),
    ("(22)", "identity", (x_next - x) / (1 - beta1) - kappa * (x - x_last),
     "1 + kappa = 1/(1 - beta1)"),
    ("(23)", "identity", -gamma * m_next * (eta - D) / (1 - beta1) + kappa * gamma * m * eta,
     "line 10 of Algorithm 1, at t and at t - 1",
     {"printed": "a stray factor (x_t - x_{t-1}) in the second term, of unit X^2"}),
    ("(24)", "identity",
     -gamma * (beta1 * m + (1 - beta1) * g) * (eta - D) / (1 - beta1) + kappa * gamma * m * eta,
     "line 6: m_t = beta1 m_{t-1} + (1 - beta1) g_t", {"printed": "the same stray factor"}),
    ("(25)", "identity", kappa * gamma * m * D - gamma * g * (eta - D),
     "the terms in m_{t-1} eta_{t-1} are left with eta_{t-1} - eta_t"),
)  # fmt: skip

LEMMA5 = chain(
    "Lemma 5", "Lemma 5: the gradient times the change of eta",
    "g_t and eta_t depend on one batch: the bound is pathwise.", "path",
    gamma * (u + w) * g * D,
    ("(58)", "inequality", gamma * G**2 * D, "every coordinate of both gradients is at most G",
     uses(Use("Hölder", gamma, {X: u + w, Y: g, V: G, W: G, h: D}),
          printed="a bracket misplaced in (52)-(53)")),
)  # fmt: skip

LEMMA6 = chain(
    "Lemma 6", "Lemma 6: the momentum times the change of eta", "Likewise, with m_{t-1}.", "path",
    kappa * gamma * (u + w) * m * D,
    ("(64)", "inequality", kappa * gamma * G**2 * D, "|grad f(z_t)| <= G and |m_{t-1}| <= G",
     uses(Use("Hölder", kappa * gamma, {X: u + w, Y: m, V: G, W: G, h: D}),
          printed="(62) loses the factor G that (61) and (63) have")),
)  # fmt: skip

LEMMA7 = chain(
    "Lemma 7", "Lemma 7: from the batch's direction to the true one",
    "c = g - p is what changes when the perturbation turns from grad f to the batch's gradient. "
    "(The sharp proof does without it: g - s is at most L rho however the perturbation points.)",
    "path", gamma * u * (p - g) * eta,
    ("(66)", "identity", -gamma * u * c * eta, "c = g - p"),
    ("(67)", "inequality", gamma / (2 * mu2) * u**2 * eta + mu2 * gamma / 2 * c**2 * eta,
     "Young's inequality with mu^2",
     uses(Use("Young", gamma, {X: -c, Y: u, h: eta, lam: mu2}))),
    ("(68)", "inequality", gamma / (2 * mu2) * u**2 * eta + mu2 * gamma / 2 * c_i**2 * eta,
     "c is the batch's mean of c_i",
     uses(Use("Jensen", mu2 * gamma / 2, {X: c, X_i: c_i, h: eta}))),
    ("(69)", "inequality", gamma / (2 * mu2) * u**2 * eta + mu2 * gamma / (2 * eps) * c_i**2,
     "eta_{t-1} <= 1/eps",
     uses(Use("eta's range", mu2 * gamma / 2, WEIGHT | {X: c_i}))),
    ("(70)", "inequality", gamma / (2 * mu2) * u**2 * eta + mu2 * gamma / 2 * R * e_i,
     "smoothness of each f_i",
     uses(Use("smoothness between directions", mu2 * gamma / (2 * eps)))),
    ("(71)", "inequality", gamma / (2 * mu2) * u**2 * eta + 2 * mu2 * gamma * R,
     "two unit vectors differ by at most 2",
     uses(Use("two unit vectors", mu2 * gamma / 2 * R))),
)  # fmt: skip

LEMMA8 = chain(
    "Lemma 8", "Lemma 8: the main term",
    "p, the gradient along the true direction, is grad f(x_t) but for noise and a shift a.", "mean",
    -gamma * u * p * eta,
    ("(73)", "identity", -gamma * u**2 * eta + gamma * u * (u - p) * eta,
     "add and subtract grad f(x_t)"),
    ("(74)", "expectation", -gamma * u**2 * eta - gamma * u * a * eta,
     "u - p = -n - a; u and eta_{t-1} are known before the batch, so the noise has mean 0"),
    ("(75)", "inequality",
     -gamma * u**2 * eta + gamma / (2 * alpha2) * u**2 * eta + gamma * alpha2 / 2 * a**2 * eta,
     "Young's inequality with alpha^2",
     uses(Use("Young", gamma, {X: -a, Y: u, h: eta, lam: alpha2}))),
    ("(76)", "inequality",
     -gamma * u**2 * eta + gamma / (2 * alpha2) * u**2 * eta + gamma * alpha2 / (2 * eps) * a**2,
     "eta_{t-1} <= 1/eps", uses(Use("eta's range", gamma * alpha2 / 2, WEIGHT | {X: a}))),
    ("(77)", "inequality",
     -gamma * u**2 * eta + gamma / (2 * alpha2) * u**2 * eta
     + gamma * alpha2 / (2 * eps) * a_i**2,
     "a is the batch's mean of a_i",
     uses(Use("Jensen", gamma * alpha2 / (2 * eps), {X: a, X_i: a_i, h: ONE}))),
    ("(78)", "inequality",
     -gamma * u**2 * eta + gamma / (2 * alpha2) * u**2 * eta + gamma * alpha2 / 2 * R * nu,
     "smoothness of each f_i",
     uses(Use("smoothness along grad f", gamma * alpha2 / (2 * eps)))),
    ("(79)", "inequality",
     -gamma * u**2 * eta + gamma / (2 * alpha2) * u**2 * eta + gamma * alpha2 / 2 * R,
     "grad f over its norm is a unit vector, or 0",
     uses(Use("unit vector", gamma * alpha2 / 2 * R))),
)  # fmt: skip

_inverses = 1 / lam1 + 1 / lam2 + 1 / lam3
_main = gamma * lam1 / 2 * u**2 * eta
_gauge = gamma * L**2 * rho**2 / (2 * eps) * (lam2 + 4 * lam3)

LEMMA9 = chain(
    "Lemma 9", "Lemma 9: the lag of x behind z",
    "w = grad f(z_t) - grad f(x_t) is known before the batch; the three parts of g each meet it "
    "with a Young parameter of their own.", "mean",
    -gamma * w * g * eta,
    ("(83)", "expectation",
     -gamma * w * u * eta - gamma * w * a * eta - gamma * w * c * eta,
     "g = u + n + a + c, and w n eta has mean 0",
     {"printed": "(82)-(83) have sum ||.|| for ||sum|| in the perturbation"}),
    ("(84)", "inequality",
     gamma / 2 * _inverses * w**2 * eta + _main + gamma * lam2 / 2 * a**2 * eta
     + gamma * lam3 / 2 * c**2 * eta,
     "Young's inequality three times, with lambda_1^2, lambda_2^2, lambda_3^2",
     uses(Use("Young", gamma, {X: u, Y: -w, h: eta, lam: lam1}),
          Use("Young", gamma, {X: a, Y: -w, h: eta, lam: lam2}),
          Use("Young", gamma, {X: c, Y: -w, h: eta, lam: lam3}),
          printed="sqrt(eta) is lost in the first norm")),
    ("(84a)", "inequality",
     gamma / 2 * _inverses * w**2 * eta + _main + gamma * lam2 / (2 * eps) * a_i**2
     + gamma * lam3 / (2 * eps) * c_i**2,
     "eta_{t-1} <= 1/eps, and means over the batch, as in (68)-(69) and (76)-(77)",
     uses(Use("eta's range", gamma * lam2 / 2, WEIGHT | {X: a}),
          Use("Jensen", gamma * lam2 / (2 * eps), {X: a, X_i: a_i, h: ONE}),
          Use("eta's range", gamma * lam3 / 2, WEIGHT | {X: c}),
          Use("Jensen", gamma * lam3 / (2 * eps), {X: c, X_i: c_i, h: ONE}))),
    ("(85)", "inequality", gamma / 2 * _inverses * w**2 * eta + _main + _gauge,
     "smoothness: a is at most L rho, c at most 2 L rho",
     uses(Use("smoothness along grad f", gamma * lam2 / (2 * eps)),
          Use("unit vector", gamma * lam2 / 2 * R),
          Use("smoothness between directions", gamma * lam3 / (2 * eps)),
          Use("two unit vectors", gamma * lam3 / 2 * R))),
    ("(86)", "inequality", gamma * L**2 / (2 * eps) * _inverses * lag**2 + _main + _gauge,
     "eta_{t-1} <= 1/eps, and smoothness of f from x_t to z_t",
     uses(Use("eta's range", gamma / 2 * _inverses, WEIGHT | {X: w}),
          Use("smoothness along the lag", gamma / (2 * eps) * _inverses))),
    ("(87)", "identity",
     gamma**3 * L**2 * kappa**2 / (2 * eps) * _inverses * m**2 * eta**2 + _main + _gauge,
     "z_t - x_t = -kappa gamma m_{t-1} eta_{t-1}",
     {"printed": 'eta_{t-1} reads "eta_t - 1"'}),
    ("(88)", "inequality",
     gamma**3 * L**2 * kappa**2 / (2 * eps) * _inverses * d * G**2 / eps**2 + _main + _gauge,
     "|m_{t-1}| <= G and eta_{t-1} <= 1/eps in each of d coordinates",
     uses(Use("worst momentum", gamma**3 * L**2 * kappa**2 / (2 * eps) * _inverses))),
)  # fmt: skip


def lemma10(perturbed: sympy.Expr) -> Chain:
    """Lemma 10, with ``perturbed`` as the bound on ||grad f_i(x + delta) - grad f_i(x)||^2."""
    momentum = L * G**2 * gamma**2 * kappa**2 * D**2
    eta_part = (1 + beta) * G**2 * D**2
    three = 3 * (1 + beta) / (beta * eps)
    return chain(
        "Lemma 10", "Lemma 10: the squared step", "The only place where the noise counts.", "mean",
        L / 2 * dz**2,
        ("(90)", "identity", L / 2 * (kappa * gamma * m * D - gamma * g * (eta - D)) ** 2, "(25)",
         {"printed": "the sign of eta_t - eta_{t-1} is turned; (91) does not feel it"}),
        ("(91)", "inequality",
         L * gamma**2 * kappa**2 * m**2 * D**2 + L * gamma**2 * g**2 * (eta - D) ** 2,
         "(x + y)^2 <= 2 x^2 + 2 y^2",
         uses(Use("split square", L / 2,
                  {X: kappa * gamma * m * D, Y: -gamma * g * (eta - D), h: ONE, lam: ONE}))),
        ("(92)", "inequality", momentum + L * gamma**2 * g**2 * (eta - D) ** 2,
         "|m_{t-1}| <= G",
         uses(Use("bounded factor", L * gamma**2 * kappa**2, {X: D, Y: m, V: G}))),
        ("(93)", "identity", momentum + gamma**2 * L * (g * eta - g * D) ** 2,
         "eta_t = eta_{t-1} - D"),
        ("(94)", "inequality",
         momentum
         + gamma**2 * L * ((1 + 1 / beta) * g**2 * eta**2 + (1 + beta) * g**2 * D**2),
         "(x + y)^2 <= (1 + 1/beta) x^2 + (1 + beta) y^2",
         uses(Use("split square", gamma**2 * L,
                  {X: g * eta, Y: -g * D, h: ONE, lam: 1 / beta}))),
        ("(95)", "inequality",
         momentum + gamma**2 * L * ((1 + 1 / beta) * g**2 * eta**2 + eta_part), "|g_t| <= G",
         uses(Use("bounded factor", gamma**2 * L * (1 + beta), {X: D, Y: g, V: G}))),
        ("(97)", "inequality",
         momentum + gamma**2 * L * ((1 + beta) / (beta * eps) * g**2 * eta + eta_part),
         "one of the two eta_{t-1} is at most 1/eps",
         uses(Use("eta's range", gamma**2 * L * (1 + 1 / beta), WEIGHT | {X: g, k: eta}),
              printed="a bracket misplaced in (96)")),
        ("(98)", "inequality",
         momentum + gamma**2 * L * (three * (u**2 + n**2 + (a + c) ** 2) * eta + eta_part),
         "g = u + n + (a + c), three squares",
         uses(Use("three squares", gamma**2 * L * (1 + beta) / (beta * eps),
                  {X: u, Y: n, Z: a + c, h: eta}))),
        ("(99)", "inequality",
         momentum + gamma**2 * L
         * (three * (u**2 * eta + (a + c) ** 2 * eta + sigma**2 / (b * eps)) + eta_part),
         "eta_{t-1} <= 1/eps, and the batch's variance",
         uses(Use("eta's range", gamma**2 * L * three, WEIGHT | {X: n}),
              Use("variance", gamma**2 * L * three / eps))),
        ("(100)", "inequality",
         momentum + gamma**2 * L
         * (three * (u**2 * eta + (a + c) ** 2 / eps + sigma**2 / (b * eps)) + eta_part),
         "eta_{t-1} <= 1/eps",
         uses(Use("eta's range", gamma**2 * L * three, WEIGHT | {X: a + c}))),
        ("(101)", "inequality",
         momentum + gamma**2 * L
         * (three * (u**2 * eta + r_i**2 / eps + sigma**2 / (b * eps)) + eta_part),
         "a + c = g - s is the batch's mean of r_i",
         uses(Use("Jensen", gamma**2 * L * three / eps, {X: a + c, X_i: r_i, h: ONE}))),
        ("(102)", "inequality",
         momentum + gamma**2 * L
         * (three * (u**2 * eta + perturbed / eps + sigma**2 / (b * eps)) + eta_part),
         "smoothness of each f_i: the squared difference is at most L^2 rho^2",
         uses(Use("smoothness along delta", gamma**2 * L * three / eps),
              printed="L rho^2, of another unit, and too small for L > 6 (1 + 1/beta)")),
    )  # fmt: skip


def _collected(perturbed: sympy.Expr) -> sympy.Expr:
    """(41): everything collected by its letter."""
    q = 1 - 1 / (2 * mu2) - 1 / (2 * alpha2) - 3 * gamma * L * (1 + beta) / (beta * eps) - lam1 / 2
    return (
        -gamma * q * u**2 * eta
        + 2 * mu2 * gamma * R
        + gamma / (1 - beta1) * G**2 * D
        + gamma * alpha2 / 2 * R
        + 3 * gamma**2 * L * (1 + beta) / (beta * eps)
        * (perturbed / eps + sigma**2 / (b * eps))
        + gamma**2 * L * G**2 * (kappa**2 + 1 + beta) * D**2
        + gamma**3 * L**2 * kappa**2 / (2 * eps) * _inverses * d * G**2 / eps**2
        + _gauge
    )  # fmt: skip


def _descent(perturbed: sympy.Expr) -> Chain:
    square, along = L / 2 * dz**2, gamma * (u + w) * g * D
    momentum = kappa * gamma * (u + w) * m * D
    after = (
        -gamma * u * p * eta + square + gamma / (2 * mu2) * u**2 * eta + 2 * mu2 * gamma * R
        + gamma / (1 - beta1) * G**2 * D - gamma * w * g * eta
    )  # fmt: skip
    rest = (
        5 * gamma * R / 2 + 3 * gamma**3 * L**2 * kappa**2 * d * G**2 / eps**3
        + gamma / (1 - beta1) * G**2 * D + (4 + kappa**2) * gamma**2 * L * G**2 * D**2
        + 4 * gamma**2 * L / eps * (perturbed / eps + sigma**2 / (b * eps))
    )  # fmt: skip
    return chain(
        "one step", "One step of descent, at z",
        "The smooth f falls along z; Lemmas 5-10 take what stands beside the main term.", "mean",
        f_next - f_now,
        ("(27)", "inequality", (u + w) * dz + square, "f is L-smooth",
         uses(Use("smoothness of f"))),
        ("(28)", "identity", momentum - gamma * (u + w) * g * (eta - D) + square, "(25)"),
        ("(29)", "identity", momentum + square + along - gamma * (u + w) * g * eta,
         "eta_t = eta_{t-1} - D: the delay"),
        ("(30)", "identity", momentum + square + along - gamma * w * g * eta - gamma * u * g * eta,
         "grad f(z_t) = w + u"),
        ("(31)", "identity",
         momentum + square + along - gamma * w * g * eta + gamma * u * (p - g) * eta
         - gamma * u * p * eta,
         "from the batch's direction to the true one"),
        ("(36)", "inequality", after, "Lemmas 5, 6 and 7; kappa + 1 = 1/(1 - beta1)",
         uses(Use("Lemma 5"), Use("Lemma 6"), Use("Lemma 7"))),
        ("(40)", "inequality",
         after + gamma * u * p * eta - square + gamma * w * g * eta
         + LEMMA8.large + lemma10(perturbed).large + LEMMA9.large,
         "Lemmas 8, 10 and 9, in expectation",
         uses(Use("Lemma 8"), Use("Lemma 10"), Use("Lemma 9"))),
        ("(41)", "identity", _collected(perturbed), "collect the terms"),
        ("(42a)", "choice",
         -gamma * (sympy.Rational(3, 4) - 4 * gamma * L / eps) * u**2 * eta + 20 * gamma * R + rest,
         "mu^2 = alpha^2 = 8, beta = 3, lambda_1^2 = 1/4, lambda_2^2 = lambda_3^2 = 1",
         {"values": CHOICE}),
        ("(42)", "inequality", -gamma / 2 * u**2 * eta + 20 * gamma * R + rest,
         "gamma <= eps/(16 L) makes 3/4 - 4 gamma L/eps at least 1/2",
         uses(Use("step size", 4 * gamma * L / eps, {X: u, h: eta}),
              printed="f(x) stands for f(z), without a word; z_0 = x_0 and f(z_T) >= f* cure it")),
    )  # fmt: skip


TERMS: dict[str, sympy.Expr] = {
    "initial_gap": 2 * Gb * Delta / (gamma * T),
    "gradient_noise": 8 * Gb * gamma * L * sigma**2 / (b * eps**2),
    "perturbation": 45 * Gb * L**2 * rho**2 / eps,
    "eta_variation_l1": 2 * Gb**3 * d * (1 / eps - 1 / Gb) / ((1 - beta1) * T),
    "momentum": 6 * Gb**3 * gamma**2 * L**2 * kappa**2 * d / eps**3,
    "eta_variation_l2": 2 * (4 + kappa**2) * Gb**3 * gamma * L * d * (eps**-2 - Gb**-2) / T,
}
"""Where the derivation ends, but for the last term."""


def _bound(perturbed: sympy.Expr) -> Chain:
    last = 8 * Gb * gamma * L * perturbed / eps**2
    known = (
        45 * Gb * R + 6 * Gb * G**2 * gamma**2 * L**2 * kappa**2 * d / eps**3
        + 8 * Gb * gamma * L / eps * (perturbed / eps + sigma**2 / (b * eps))
    )  # fmt: skip
    l1, l2 = d * (1 / eps - 1 / Gb) / T, d * (eps**-2 - Gb**-2) / T
    once, twice = 2 * Gb / (1 - beta1), 2 * Gb * (4 + kappa**2) * gamma * L
    return chain(
        "Theorem 1", "The sum over t",
        "Averaged over t < T, f(z_{t+1}) - f(z_t) telescopes to f(z_T) - f(x_0), over T.",
        "average", lhs,
        ("(43)", "inequality", Gb * U, "eta_{t-1} >= 1/max(G, eps)",
         uses(Use("eta's lower bound", ONE, {X: u, h: eta, V: Gb}),
              printed="1/G, which needs eps <= G")),
        ("(45)", "inequality",
         2 * Gb * (f_start - f_end) / (gamma * T) + known + once * G**2 * V1 + twice * G**2 * V2,
         "the step above, times 2 max(G, eps)/gamma, averaged over t",
         uses(Use("one step", 2 * Gb / gamma), printed="f(x_{T-1}) stands for f(z_T)")),
        ("(46)", "inequality",
         2 * Gb * (f_start - f_star) / (gamma * T) + known + once * G**2 * l1 + twice * G**2 * l2,
         "f(z_T) >= f*, Lemma 4, and its twin for squares",
         uses(Use("lower bound of f", 2 * Gb / (gamma * T)), Use("sum of D", once * G**2),
              Use("sum of D^2", twice * G**2))),
        ("(47)", "inequality", sum(TERMS.values(), last), "G <= max(G, eps)",
         uses(Use("G <= max(G, eps)", once * l1), Use("G <= max(G, eps)", twice * l2),
              Use("G <= max(G, eps)", 6 * Gb * gamma**2 * L**2 * kappa**2 * d / eps**3))),
    )  # fmt: skip


def derivation(perturbed: sympy.Expr = L**2 * rho**2) -> Derivation:
    """Return the paper's proof, with this bound on ||grad f_i(x + delta) - grad f_i(x)||^2."""
    definitions = DEFINITIONS | {g: s + a + c, Delta: f_start - f_star}
    return Derivation(
        "paper", "Theorem 1, as the paper proves it",
        "From Lemmas 5-10 to (47), with L^2 rho^2 in Lemma 10 and max(G, eps) for 1/eta.",
        definitions, {a_i: a, c_i: c, r_i: a + c}, FACTS, INEQUALITIES, named.INDUCTIONS,
        (AUXILIARY, LEMMA5, LEMMA6, LEMMA7, LEMMA8, LEMMA9, lemma10(perturbed),
         _descent(perturbed), _bound(perturbed)),
    )  # fmt: skip


def terms(perturbed: sympy.Expr = L**2 * rho**2) -> dict[str, sympy.Expr]:
    """Return the summands of the derivation's last side by the names Theorem 1 gives them."""
    named_terms = TERMS | {"perturbed_noise": 8 * Gb * gamma * L * perturbed / eps**2}
    total = derivation(perturbed).chains[-1].large
    assert total == sum(named_terms.values())
    return {name: expr.subs(kappa, DEFINITIONS[kappa]) for name, expr in named_terms.items()}


PAPER = derivation()
