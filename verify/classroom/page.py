"""The classroom page's data: from the theory, the questions and the archived runs to one file."""

from typing import Any

from markupsafe import Markup

from figures.classroom import render
from figures.classroom.formulas import mathml
from figures.classroom.sliders import GROUPS, SLIDERS, Slider
from simulators import noise
from theory import corollary1
from theory.bound import Bound, Term
from theory.setting import ROUNDING
from theory.symbols import QUANTITIES, Gb, gamma, rho
from theory.theorem1 import VARIANTS
from verify.classroom import grid
from verify.classroom.questions import BETA2, QUESTIONS, START
from verify.pages.html import pretty, version

CLOSED = {name: bound for name, bound in VARIANTS.items() if bound.root is None}
"""The variants in closed form: a page can evaluate them."""

OPENING = "corrected"
"""The variant with which the page opens."""

SEEDS = 32
"""How many streams of noise the live run can have; seed k's is that of `common_noise`."""

LIVE = {
    "runs": 4,
    "budget": 2**21,  # coordinate steps of all runs together: a few tenths of a second
    "checkpoints": 120,
    "axis": [10.0, 1e10],  # of the plot, in T
    "far": 3.0,  # beyond this factor the archived runs are only a hint
}

WORDS = {
    "L": "smoothness", "sigma": "gradient noise", "G": "gradient bound", "d": "dimension",
    "Delta": "initial gap", "eps": "floor of √v̂", "beta1": "momentum", "b": "batch size",
    "T": "steps", "c_gamma": "step size", "c_rho": "SAM radius",
}  # fmt: skip
"""A word or two for each slider."""

LABELS = {
    "initial_gap": "initial gap",
    "gradient_noise": "gradient noise",
    "perturbation": "perturbation",
    "eta_variation_l1": "change of η, ℓ₁",
    "momentum": "momentum",
    "eta_variation_l2": "change of η, ℓ₂",
    "perturbed_noise": "perturbed noise",
}
"""A term's name on the page."""


def page() -> str:
    """Return the page, the same text every time."""
    shown = grid.brief(grid.load()) | {"d": grid.D, "runs": grid.RUNS}
    variants = {name: _variant(bound) for name, bound in CLOSED.items()}
    sliders = [_slider(item) for item in SLIDERS]
    questions = [{"variant": item.variant, "settings": item.settings} for item in QUESTIONS]
    content = {
        "variants": variants,
        "groups": GROUPS,
        "sliders": sliders,
        "questions": [
            {
                "id": item.id,
                "ask": item.ask,
                "think": pretty(item.think),
                "answer": pretty(item.answered),
            }
            for item in QUESTIONS
        ],
        "schedules": {
            letter.name: Markup(f"{mathml(letter)} = {mathml(corollary1.SCHEDULES[letter])}")
            for letter in (gamma, rho)
        },
        "formulas": _formulas(),
        "gb": Markup(mathml(Gb)),
        "archive": shown,
        "beta2": BETA2,
        "version": version(),
    }
    data = {
        "variant": OPENING,
        "variants": variants,
        "sliders": sliders,
        "questions": questions,
        "noise": {
            "keys": [noise.cell_key(seed, None) for seed in range(SEEDS)],
            "tables": {int(b): noise.magnitude_table(int(b)).tolist() for b in _large_batches()},
        },
        "archive": shown,
        "live": LIVE,
        "rounding": ROUNDING,
        "beta2": BETA2,
    }
    return render(content, data, CLOSED.values())


def _large_batches() -> list[float]:
    """Return the batch sizes whose heads come from a table: twice the largest asks for none."""
    (values,) = (item.values for item in SLIDERS if item.name == "b")
    return [b for b in values if b > 64]


def _slider(item: Slider) -> dict[str, Any]:
    quantity = QUANTITIES[item.name]
    unit = "" if quantity.unit == 1 else str(quantity.unit).replace("**2", "²")
    return {
        "name": item.name,
        "group": item.group,
        "symbol": pretty(item.name),
        "word": WORDS[item.name],
        "meaning": quantity.meaning,
        "unit": unit,
        "values": item.values,
        "start": START[item.name],
    }


def _variant(bound: Bound) -> dict[str, Any]:
    return {
        "label": bound.name.replace("_", " "),
        "source": pretty(bound.source),
        "nan_outside": bound.nan_outside,
        "terms": [_term(bound, term) for term in bound.summands],
        "conditions": [
            {
                "sides": [_radical(side) for side in item.name.split(" <= ")],
                "step": item.left == gamma,
            }
            for item in bound.requirements
        ],
    }


def _radical(text: str) -> str:
    return pretty(text).replace("sqrt", "√")


def _term(bound: Bound, term: Term) -> dict[str, Any]:
    rate = corollary1.rates(bound)[term.name]
    return {
        "name": term.name,
        "label": LABELS[term.name],
        "leading": term.name in bound.leading,
        "meaning": pretty(term.meaning),
        "equation": term.equation,
        "mathml": mathml(term.expr),
        "rate": [str(rate.power_b), str(rate.power_T)],
    }


def _formulas() -> list[dict[str, Any]]:
    """Return the terms as rows, each with its formula in every variant; none where it has none."""
    return [
        {
            "label": label,
            "formulas": [
                Markup(mathml(bound.terms[name].expr)) if name in bound.terms else "none"
                for bound in CLOSED.values()
            ],
        }
        for name, label in LABELS.items()
    ]
