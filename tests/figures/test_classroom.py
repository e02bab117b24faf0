"""What the classroom page is made of: formulas, sliders, modules."""

import numpy as np
import pytest

from figures.classroom import joined
from figures.classroom.formulas import javascript, mathml, module
from figures.classroom.sliders import SLIDERS
from theory.symbols import Gb, beta1, eps
from theory.theorem1 import CORRECTED, VARIANTS

CLOSED = [bound for bound in VARIANTS.values() if bound.root is None]


def test_a_formula_is_a_function_of_the_codes_names():
    assert javascript(CORRECTED.terms["initial_gap"].expr) == (
        "({ Delta, Gb, T, gamma }) => 2*Delta*Gb/(T*gamma)"
    )


def test_a_difference_of_reciprocals_is_one_fraction():
    """As the theory's own floats have it: 1/eps - 1/G loses digits where eps is near G."""
    assert javascript(1 / eps - 1 / Gb) == "({ Gb, eps }) => (Gb - eps)/(Gb*eps)"


def test_every_term_of_every_closed_variant_is_in_the_script():
    script = module(CLOSED)
    for bound in CLOSED:
        for term in bound.summands:
            assert f"{term.name}: {javascript(term.expr)}," in script
        for item in bound.requirements:
            assert f"[{javascript(item.left)}, {javascript(item.right)}]," in script


def test_formulas_are_shown_with_their_letters():
    shown = mathml(Gb**2 / (1 - beta1))
    assert shown.startswith("<math>")
    assert "<mover><mi>G</mi>" in shown
    assert "<msub><mi>&#946;</mi><mi>1</mi></msub>" in shown


def test_modules_are_joined_without_their_imports():
    modules = [
        "export const a = 1;\n",
        'import {\n  a,\n} from "./a.js";\nexport function f() {}\n',
        'import { f } from "./f.js";\n\nf(a);\n',
    ]
    assert joined(modules) == "const a = 1;\n\nfunction f() {}\n\n\nf(a);\n"


@pytest.mark.parametrize("slider", SLIDERS, ids=lambda slider: slider.name)
def test_a_slider_moves_in_even_steps(slider):
    assert slider.start in slider.values
    values = np.array([value for value in slider.values if value > 0])
    if slider.name == "beta1":
        values = (1 - values)[::-1]
    steps = values[1:] / values[:-1]
    assert (steps > 1).all()
    assert steps.max() < 2.01
