"""How the report writes numbers, formulas and figures."""

import pytest

from verify.pages.html import inline, number, pretty


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("8 G gamma L sigma^2/(b eps^2)", "8 G γ L σ<sup>2</sup>/(b ε<sup>2</sup>)"),
        ("b^(-1/2) and T^(-1/2)", "b<sup>−1/2</sup> and T<sup>−1/2</sup>"),
        ("F**2/X**2", "F<sup>2</sup>/X<sup>2</sup>"),
        ("eps^-2 - G^-2", "ε<sup>−2</sup> - G<sup>−2</sup>"),
        ("gradient_noise, c_gamma", "gradient_noise, c<sub>γ</sub>"),
        ("v_{-1} and v_hat", "v<sub>−1</sub> and v̂"),
        ("v_init = 16, x_0 falls", "v_init = 16, x<sub>0</sub> falls"),
        ("gamma <= eps/(16 L)", "γ ≤ ε/(16 L)"),
        ("a < b & c", "a &lt; b &amp; c"),
    ],
)
def test_formulas_become_greek_and_raised(text, html):
    assert str(pretty(text)) == html


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0.25"), (-0.49842, "−0.4984"), (4.6566e-10, "4.657·10⁻¹⁰"), (1e-06, "1·10⁻⁶")],
)
def test_numbers_have_four_digits_and_true_minus_signs(value, text):
    assert number(value) == text


def test_an_inlined_figure_keeps_its_references_and_shares_no_id():
    svg = (
        '<?xml version="1.0"?><svg width="7pt" height="3pt" viewBox="0 0 7 3">'
        '<g id="a"/><use xlink:href="#a"/><path clip-path="url(#p)"/></svg>'
    )
    page = str(inline(svg, "first", "one")) + str(inline(svg, "second", "two"))
    assert "<?xml" not in page
    for name in ("one", "two"):
        assert page.count(f'id="{name}-a"') == 1
        assert f'href="#{name}-a"' in page
        assert f"url(#{name}-p)" in page


def test_an_inlined_figures_places_are_rounded_and_its_scales_are_not():
    svg = (
        '<svg width="7pt" height="3pt"><g transform="scale(0.015625)"><path d="M 0.123456 -7.5\n'
        'L 10 2.999999"/></g>  <use x="1.23456" y="-0.001"/></svg>'
    )
    page = str(inline(svg, "one", "f0"))
    assert "scale(0.015625)" in page
    assert 'd="M 0.12 -7.5 L 10 3"' in page
    assert 'x="1.23" y="-0"' in page
    assert "  <use" not in page


def test_norms_gradients_and_indices_are_written_as_in_the_paper():
    assert pretty("||grad f_i(x)||, z_{t+1}") == "‖∇f<sub>i</sub>(x)‖, z<sub>t+1</sub>"
    assert pretty("beta = 3, eta_variation") == "β = 3, eta_variation"
