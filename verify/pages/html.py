"""What the HTML pages of the verdicts and of a check are made with."""

import math
import re
from fractions import Fraction
from functools import cache
from importlib import metadata
from typing import Any

import jinja2
from markupsafe import Markup, escape

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""What a page may load: only what is written in it."""


def version() -> str:
    """Return this package's version; a checkout that is not installed has none."""
    try:
        return metadata.version("adasam-verify")
    except metadata.PackageNotFoundError:
        return "not installed"


@cache
def environment() -> jinja2.Environment:
    """Return Jinja's, for this package's templates: escaping, strict, with the filters below.

    There is one, so that a template is compiled once.
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("verify.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "pretty": pretty, "said": said}
    made.globals["policy"] = Markup(POLICY)
    return made


def inline(svg: str, name: str, prefix: str) -> Markup:
    """Make an SVG file part of a page: no prologue, ids that no other figure has, and places to a
    hundredth of a point, which no eye tells apart.
    """
    body = svg[svg.index("<svg") :]
    for pattern in (r'(\bid=")', r"(url\(#)", r'(xlink:href="#)'):
        body = re.sub(pattern, rf"\1{prefix}-", body)
    body = re.sub(r'(?<= d=")[^"]*', lambda path: _rounded(path[0]).replace("\n", " "), body)
    body = re.sub(r'(?<= [xy]=")[^"]*', lambda place: _rounded(place[0]), body)
    body = re.sub(r">\s+<", "><", body)
    body = re.sub(r'^<svg ([^>]*?)width="[^"]*" height="[^"]*"', r"<svg \1", body, count=1)
    body = re.sub(r"^<svg ", f'<svg role="img" aria-labelledby="{name}-caption" ', body)
    return Markup(body)


def _rounded(places: str) -> str:
    """Round the decimal numbers in a text to hundredths."""
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."),
                  places)  # fmt: skip


def number(value: float) -> str:
    """Write a number in four digits, with a true minus sign."""
    text = f"{value:.4g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = f"{mantissa}·10{raised}"
    return text.replace("-", "−")


def said(value: Any) -> Markup:
    """Write a value of a counterexample: a power of two and a fraction as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = pretty(str(value))
        if re.fullmatch(r"-?\d+/\d+", str(value)):
            return text + f" = {number(float(Fraction(value)))}"
        return text
    if abs(value) < 1e7 and value == int(value):
        return Markup(str(int(value)).replace("-", "−"))
    mantissa, exponent = math.frexp(value)  # inf and nan are their own mantissa
    if mantissa == 0.5 and exponent < -3:
        return pretty(f"2^{exponent - 1}")
    return Markup(number(value))


_LETTERS = {
    "gamma": "γ", "rho": "ρ", "sigma": "σ", "eps": "ε", "beta1": "β₁", "beta2": "β₂",
    "kappa": "κ", "Delta": "Δ", "v_hat": "v̂", "c_gamma": "c_γ", "c_rho": "c_ρ",
    "tau": "τ", "Gb": "Ḡ", "beta": "β", "delta": "δ", "eta": "η",
}  # fmt: skip


def pretty(text: str) -> Markup:
    """Write plain-text mathematics with Greek letters, raised powers and indices, as HTML."""
    words = "|".join(sorted(_LETTERS, key=len, reverse=True))
    html = re.sub(rf"\b({words})\b", lambda found: _LETTERS[found[1]], str(escape(text))).replace(
        "&lt;=", "≤"
    )
    html = re.sub(r"\bgrad (?=f)", "∇", html).replace("||", "‖")
    power = r"(?:\^|\*\*)(?:\((-?\d+/\d+)\)|(-?\d+))"
    raised = re.sub(
        power, lambda found: f"<sup>{(found[1] or found[2]).replace('-', '−')}</sup>", html
    )
    return Markup(re.sub(r"(?<=[cfvxz])_(?:\{([^}]*)\}|([γρ\di])(?!\w))", _lowered, raised))


def _lowered(found: re.Match) -> str:
    return f"<sub>{(found[1] or found[2]).replace('-', '−')}</sub>"
