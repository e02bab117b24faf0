"""Theorem 1 in its variants, side by side.

With kappa = beta1/(1 - beta1), the bound on (1/T) sum_t E||grad f(x_t)||^2 is::

    term               PRINTED (5)-(6)         APPENDIX (47)             CORRECTED
    initial_gap        2 G Delta/(gamma T)     same                      same
    gradient_noise     8 G gamma L sigma^2/eps 8 G gamma L sigma^2/      as APPENDIX
                                               (b eps^2)
    perturbation       45 G L^2 rho^2/eps      same                      same
    eta_variation_l1   2 G^3 d (1/eps - 1/G)/((1 - beta1) T)             same
    momentum           6 gamma^2 L^2 kappa^2 d G^3/eps^3                 same
    eta_variation_l2   2 (4 + kappa^2) gamma L G^3 d (eps^-2 - G^-2)/T   same
    perturbed_noise    8 G gamma L^2 rho^2/eps 8 G gamma L^2 rho^2/eps^2 8 G gamma L^3 rho^2/eps^2

and every G of CORRECTED reads max(G, eps). "Printed" means as printed in our text of the paper,
a machine-read copy: the loss of b and of one eps in (5)-(6) may be the copy's, since the
appendix's (47), where the proof ends, has both.

CORRECTED mends one step of the proof: from (101) to (102) of Lemma 10 the squared gradient
difference is bounded by L rho^2, where L-smoothness gives L^2 rho^2.

TIGHT_SIMPLE is our sharpening with the same proof skeleton. Four changes make it:
one residual g_t - s_t, of norm at most L rho, in place of Lemmas 7 and 8; the noise is
uncorrelated with the past, so it costs a factor 1 and not 3; eta_t <= eta_{t-1} (the max of
Algorithm 1) in place of splitting g_t eta_t; and sum |m_{t-1} eta_{t-1}|^2 <=
sum |g_t eta_{t-1}|^2 in place of the worst case d G^2/eps^2. It has its own step condition;
outside it, it can be false.

TIGHT takes the same four changes to their end: the Young parameters are not chosen by hand but
optimised, which `theory.tight` reduces to one scalar root. It has no condition on the step.
"""

import sympy

from theory import tight
from theory.bound import Bound, Term
from theory.setting import Precondition
from theory.symbols import Delta, G, Gb, L, T, b, beta1, d, eps, gamma, rho, sigma

kappa = beta1 / (1 - beta1)

_MEANINGS = {
    "initial_gap": "the distance to go, shared among T steps of size gamma",
    "gradient_noise": "the floor that a fixed step gamma keeps up under gradient noise",
    "perturbation": "the bias of taking the gradient at x + delta",
    "eta_variation_l1": "the adaptive step's total change, in the 1-norm",
    "momentum": "the lag between the iterate and the momentum's auxiliary sequence z",
    "eta_variation_l2": "the adaptive step's total change, in the squared 2-norm",
    "perturbed_noise": "the perturbation inside the squared step",
    "step": "the squared step: gradient, noise, perturbation and the change of eta together",
}

STEP = Precondition("gamma <= eps/(16 L)", gamma, eps / (16 * L), "Theorem 1")
G_ABOVE_EPS = Precondition("eps <= G", eps, G, "(18): eta >= 1/G")
SIMPLE_STEP = Precondition(
    "gamma <= 3 eps/(2 L (4 + sqrt(16 + 45 kappa^2)))",
    gamma,
    3 * eps / (2 * L * (4 + sympy.sqrt(16 + 45 * kappa**2))),
    "TIGHT_SIMPLE: 5 (kappa gamma L/eps)^2 + (4/3) gamma L/eps <= 1/4",
)


def _terms(equations: dict[str, str], **expressions: sympy.Expr) -> tuple[Term, ...]:
    return tuple(
        Term(name, expr, equations.get(name, equations[""]), _MEANINGS[name])
        for name, expr in expressions.items()
    )


def _common(G: sympy.Symbol) -> dict[str, sympy.Expr]:
    """The five terms on which the paper's two statements agree."""
    return {
        "initial_gap": 2 * G * Delta / (gamma * T),
        "perturbation": 45 * G * L**2 * rho**2 / eps,
        "eta_variation_l1": 2 * G**3 * d * (1 / eps - 1 / G) / ((1 - beta1) * T),
        "momentum": 6 * gamma**2 * L**2 * kappa**2 * d * G**3 / eps**3,
        "eta_variation_l2": 2 * (4 + kappa**2) * gamma * L * G**3 * d * (eps**-2 - G**-2) / T,
    }


def _paper_terms(
    equations: dict[str, str],
    G: sympy.Symbol,
    gradient_noise: sympy.Expr,
    perturbed_noise: sympy.Expr,
) -> tuple[Term, ...]:
    common = _common(G)
    return _terms(
        equations,
        initial_gap=common.pop("initial_gap"),
        gradient_noise=gradient_noise,
        **common,
        perturbed_noise=perturbed_noise,
    )


PRINTED = Bound(
    name="printed",
    source="Theorem 1, (5)-(6), as printed in our text of the paper",
    summands=_paper_terms(
        {"": "(6)", "initial_gap": "(5)", "gradient_noise": "(5)"},
        G,
        gradient_noise=8 * G * gamma * L * sigma**2 / eps,
        perturbed_noise=8 * G * gamma * L**2 * rho**2 / eps,
    ),
    requirements=(STEP, G_ABOVE_EPS),
)

APPENDIX = Bound(
    name="appendix",
    source="(47), where the appendix's proof ends",
    summands=_paper_terms(
        {"": "(47)"},
        G,
        gradient_noise=8 * G * gamma * L * sigma**2 / (b * eps**2),
        perturbed_noise=8 * G * gamma * L**2 * rho**2 / eps**2,
    ),
    requirements=(STEP, G_ABOVE_EPS),
)

CORRECTED = Bound(
    name="corrected",
    source="(47) with L^2 rho^2 in Lemma 10 and max(G, eps) for G",
    summands=_paper_terms(
        {"": "(47)", "perturbed_noise": "(47), from (102) with L^2 rho^2"},
        Gb,
        gradient_noise=8 * Gb * gamma * L * sigma**2 / (b * eps**2),
        perturbed_noise=8 * Gb * gamma * L**3 * rho**2 / eps**2,
    ),
    requirements=(STEP,),
)

TIGHT_SIMPLE = Bound(
    name="tight_simple",
    source="our sharpening of (47), closed form",
    summands=_terms(
        {"": "sharpens (47)"},
        initial_gap=2 * Gb * Delta / (gamma * T),
        gradient_noise=sympy.Rational(8, 3) * Gb * gamma * L * sigma**2 / (b * eps**2),
        perturbation=sympy.Rational(11, 2) * Gb * L**2 * rho**2 / eps,
        eta_variation_l1=2 * Gb**3 * d * (1 / eps - 1 / Gb) / ((1 - beta1) * T),
        momentum=10 * Gb * kappa**2 * gamma**2 * L**2 * sigma**2 / (b * eps**3),
        eta_variation_l2=4 * kappa**2 * gamma * L * Gb**3 * d * (1 / eps - 1 / Gb) ** 2 / T,
    ),
    requirements=(SIMPLE_STEP,),
    nan_outside=True,
)

TIGHT = Bound(
    name="tight",
    source="the sharp theorem: min(Gb tau, d G^2), tau the root of theory/tight.py",
    summands=_terms({"": "sharpens (47)"}, **tight.TERMS),
    requirements=(),
    root=tight.root,
    capped=True,
    leading=("initial_gap", "step"),
)

VARIANTS: dict[str, Bound] = {
    bound.name: bound for bound in (PRINTED, APPENDIX, CORRECTED, TIGHT_SIMPLE, TIGHT)
}
"""The variants by name, from the paper's statement to the sharpest."""
