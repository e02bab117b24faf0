"""Six questions that lead a class through Theorem 1, each with settings and an answer.

The numbers in an answer are computed from the theory when the page is made, and tests hold what
its words claim against the theory at the same settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from figures.classroom.sliders import SLIDERS
from theory import basin, corollary1
from theory.bound import Bound, trivial
from theory.setting import Constants, Hyperparameters
from theory.symbols import CONSTANT_NAMES
from theory.theorem1 import VARIANTS
from verify.pages.html import number

BETA2 = 0.999
"""No bound knows beta2; the page's runs have this one."""

START = {slider.name: slider.start for slider in SLIDERS}
"""The settings with which the page opens."""


def setting(settings: Mapping[str, float], **other: float) -> tuple[Constants, Hyperparameters]:
    """Return what bounds take of the page's settings, gamma and rho by Corollary 1's schedules."""
    at = {**settings, **other}
    gamma, rho = corollary1.schedule(at["c_gamma"], at["c_rho"], at["b"], at["T"])
    hyper = Hyperparameters(
        gamma=gamma, rho=rho, beta1=at["beta1"], beta2=BETA2, eps=at["eps"], b=at["b"], T=at["T"]
    )
    return Constants(**{name: at[name] for name in CONSTANT_NAMES}), hyper


@dataclass(frozen=True)
class Question:
    """A question of the page.

    Attributes
    ----------
    id : str
    ask : str
        The question, in one line.
    think : str
        What to try before opening the answer.
    answer : str
        With fields in braces for `facts`.
    facts : callable
        From the question to the numbers that its answer states, by field.
    variant : str
        The variant of Theorem 1 that it is about.
    changes : mapping
        The settings that differ from `START`.
    """

    id: str
    ask: str
    think: str
    answer: str
    facts: Callable[["Question"], Mapping[str, float]]
    variant: str = "corrected"
    changes: Mapping[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, float]:
        """Every setting, by slider."""
        return {**START, **self.changes}

    @property
    def bound(self) -> Bound:
        """The variant itself."""
        return VARIANTS[self.variant]

    @property
    def answered(self) -> str:
        """The answer with its numbers."""
        return self.answer.format(
            **{name: number(value) for name, value in self.facts(self).items()}
        )

    def total(self, **other: float) -> float:
        """Return the bound at the question's settings, some of them changed; unit F^2/X^2."""
        return float(self.bound.total(*setting(self.settings, **other)))

    def share(self, term: str) -> float:
        """Return a term's share of the bound in per cent, to three digits."""
        value = float(self.bound.evaluate(*setting(self.settings))[term])
        return float(f"{100 * value / self.total():.3g}")

    def thresholds(self) -> dict[str, float]:
        """Return from which T on each term is below the leading two, and the step allowed."""
        at = self.settings
        chosen = {name: at[name] for name in ("c_gamma", "c_rho", "beta1", "eps", "b")}
        return corollary1.threshold_values(self.bound, setting(at)[0], **chosen)

    def speaks_from(self) -> int:
        """Return the first T at which the bound is below d G^2; it falls in T throughout."""

        def speaks(T: int) -> bool:
            return not self.bound.vacuous(*setting(self.settings, T=T))

        high = 1
        while not speaks(high):
            high *= 2
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if speaks(middle) else (middle, high)
        return high


def _batch(question: Question) -> dict[str, float]:
    return {
        "share": question.share("momentum"),
        "ratio": question.total(b=2 * question.settings["b"]) / question.total(),
        "threshold": question.thresholds()["momentum"],
    }


def _printed(question: Question) -> dict[str, float]:
    constants, hyper = setting(question.settings)
    return {
        "printed": question.total(),
        "measured": exact_left_side(question),
        "appendix": float(VARIANTS["appendix"].total(constants, hyper)),
    }


def exact_left_side(question: Question, **other: float) -> float:
    """Return the left side on a Huber basin at the question's settings, exactly.

    Of `theory.basin`, whose conditions the settings must meet. In the basin ||grad f||^2 is
    2 L (f - f*), at the start 2 L Delta.
    """
    at = {**question.settings, **other}
    gamma = float(setting(at)[1].gamma)
    return basin.mean_grad_norm2_with_momentum(
        L=at["L"], sigma=at["sigma"], eps=at["eps"], gamma=gamma, beta1=at["beta1"],
        b=int(at["b"]), T=int(at["T"]), start=2 * at["L"] * at["Delta"],
    )  # fmt: skip


def _momentum(question: Question) -> dict[str, float]:
    return {
        "bound": question.total(),
        "bound_without": question.total(beta1=0.0),
        "factor": question.total() / question.total(beta1=0.0),
        "measured": exact_left_side(question),
        "measured_without": exact_left_side(question, beta1=0.0),
    }


def _steps(question: Question) -> dict[str, float]:
    limits = question.thresholds()
    step = limits.pop("step")
    return {"step": step, "speaks": question.speaks_from(), "leads": max(limits.values())}


def _eps(question: Question) -> dict[str, float]:
    constants, hyper = setting(question.settings)
    return {
        "excess": question.total() / float(trivial(constants)),
        "speaks": question.speaks_from(),
        "gamma": float(hyper.gamma),
    }


def _rho(question: Question) -> dict[str, float]:
    return {
        "share": question.share("perturbation"),
        "threshold": question.thresholds()["perturbation"],
    }


QUESTIONS = (
    Question(
        id="batch",
        ask="Why does doubling b stop helping here?",
        think="Move b up and down. Which bars shrink, and which one grows?",
        answer="Momentum’s term grows as b/T, while the two leading terms fall as 1/√(bT). Here "
        "it is {share} % of the bound, so that doubling b multiplies the bound by {ratio}. The "
        "leading terms win only from T = {threshold} on, and that grows as b³. Runs do speed up "
        "all the same: the b³ comes from the proof, not from the algorithm.",
        facts=_batch,
        changes={"b": 64.0, "T": 5e4},
    ),
    Question(
        id="printed",
        ask="When is the printed bound false?",
        think="Compare the live run with the bound. Then choose “appendix”.",
        answer="When ε is small in these units. The printed noise term 8GγLσ²/ε lacks a factor "
        "1/(bε), which the proof’s end, (47), has. Here the printed bound is {printed}, but the "
        "left side on this problem is exactly {measured}. The appendix’s bound is {appendix}: it "
        "holds. (The loss may be our copy’s of the paper, not the authors’.)",
        facts=_printed,
        variant="printed",
        changes={
            "sigma": 0.01, "G": 0.02, "d": 1.0, "Delta": 1e-5, "eps": 0.02, "beta1": 0.0,
            "b": 1.0, "T": 1e5, "c_gamma": 0.2, "c_rho": 0.0,
        },
    ),
    Question(
        id="momentum",
        ask="What does momentum cost?",
        think="Move β₁ to 0 and back. Watch the bound, then the live run.",
        answer="In the bound a factor {factor}: {bound_without} without, {bound} with β₁ = 0.9. "
        "On the problem of the live run hardly anything: the left side is exactly "
        "{measured_without} without and {measured} with momentum. What it costs is room in the "
        "proof, which bounds the lag of the momentum by its worst case.",
        facts=_momentum,
        changes={"eps": 1.0, "c_gamma": 0.5, "c_rho": 0.0, "b": 4.0, "T": 5e4},
    ),
    Question(
        id="steps",
        ask="How large must T be?",
        think="Move T up. What changes first: the step, the vacuity, or who dominates?",
        answer="Three times in turn. The step condition holds from T = {step} on. The bound falls "
        "below d G² from T = {speaks} on; before, it says nothing. And the two leading terms, "
        "which alone have the rate 1/√(bT), exceed each other term only from T = {leads} on. "
        "“T sufficiently large” in Corollary 1 means the last.",
        facts=_steps,
        changes={"T": 500.0},
    ),
    Question(
        id="eps",
        ask="What if ε is tiny, as by default in practice?",
        think="Move ε up until the bound says something.",
        answer="The proof puts η ≤ 1/ε everywhere, so that ε enters as 1/ε up to 1/ε³. Here the "
        "bound is {excess} times d G², and it would speak only from T = {speaks} on. With this "
        "c_γ, the best one for the leading terms, γ = {gamma}, and the run barely moves. In "
        "practice v̂ is far above ε² and η far below 1/ε; the bound does not see that.",
        facts=_eps,
        changes={"eps": 1e-8, "c_gamma": 5e-9},
    ),
    Question(
        id="rho",
        ask="How big may ρ be?",
        think="Move c_ρ. From where on does it matter, and how does T change that?",
        answer="With ρ = c_ρ/√(bT) its term falls as 1/(bT), faster than the leading two: any c_ρ "
        "will do for a T large enough, here from {threshold} on. Now it is {share} % of the "
        "bound. Even ρ falling as (bT)^(-1/4) keeps the rate 1/√(bT); a ρ that stays leaves the "
        "floor 45 G L²ρ²/ε.",
        facts=_rho,
        changes={"c_rho": 100.0},
    ),
)  # fmt: skip
"""The questions, in the page's order."""
