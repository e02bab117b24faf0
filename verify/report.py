"""The report: one self-contained HTML file, the verdict table first."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import jinja2
from markupsafe import Markup, escape

from verify.calibration.writing import sections
from verify.claim import ERROR_BUDGET
from verify.counterexample import counterexample
from verify.drawing import FIGURES
from verify.summary import measurements


def render(
    judged: Sequence[Any],
    provenance: Mapping[str, Any],
    figures: Mapping[str, str],
    specs: Mapping[str, str],
    calibration: Mapping[str, Any] | None = None,
) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    judged : sequence of verify.reproduce.Judged
    provenance : mapping
        Preset, seed, device, versions.
    figures : mapping of str to str
        SVG files by figure name.
    specs : mapping of str to str
        The file, below the report's folder, that replays a spec, by the spec's JSON.
    calibration : mapping, optional
        What calibration.json holds.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("verify"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["pretty"] = pretty
    environment.filters["said"] = said
    environment.filters["replay"] = lambda spec: specs[json.dumps(spec)]
    environment.filters["replayable"] = lambda evidence: bool(measurements(evidence))
    template = environment.get_template("report.html.j2")
    owners: dict[str, str] = {}
    for item in judged:
        if item.claim.figure in figures:
            owners.setdefault(item.claim.figure, item.claim.id)
    return template.render(
        judged=judged,
        families=families(judged),
        counts=Counter(item.verdict for item in judged),
        words={"holds": "hold", "refuted": "refuted", "inconclusive": "inconclusive"},
        unexpected=[item.claim.id for item in judged if not item.as_expected],
        counterexamples={item.claim.id: counterexample(item.evidence) for item in judged},
        owners=owners,
        provenance=provenance,
        figures={
            name: inline(svg, name, f"f{number}")
            for number, (name, svg) in enumerate(figures.items())
        },
        calibration=calibration,
        sections=sections(calibration) if calibration else [],
        captions={name: picture.caption for name, picture in FIGURES.items()},
        budget=f"{ERROR_BUDGET:.0e}".replace("e-0", "e-"),
    )


FAMILIES = {
    "Certificates of the problems": ("assumption1", "assumption2", "assumption3"),
    "Theorem 1": ("theorem1", "algorithm1"),
    "Units": ("units",),
    "The proofs": ("proof", *(f"lemma{number}" for number in range(3, 11))),
    "Corollary 1": ("corollary1", "regime"),
    "The remarks": ("remark1", "remark3"),
    "Sharpness": ("sharp",),
}
"""The claims' families, by the first word of their ids."""


def families(judged: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    """Return the claims, family by family; those of none come last."""
    parts: dict[str, list[Any]] = {name: [] for name in (*FAMILIES, "Others")}
    for item in judged:
        word = item.claim.id.split(".")[0]
        parts[next((name for name, words in FAMILIES.items() if word in words), "Others")].append(
            item
        )
    return [(name, members) for name, members in parts.items() if members]


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
    if value == int(value) and abs(value) < 1e7:
        return Markup(str(int(value)).replace("-", "−"))
    mantissa, exponent = math.frexp(value)
    if mantissa == 0.5 and exponent < -3:
        return pretty(f"2^{exponent - 1}")
    return Markup(number(value))


_LETTERS = {
    "gamma": "γ", "rho": "ρ", "sigma": "σ", "eps": "ε", "beta1": "β₁", "beta2": "β₂",
    "kappa": "κ", "Delta": "Δ", "v_hat": "v̂", "c_gamma": "c_γ", "c_rho": "c_ρ",
    "tau": "τ", "Gb": "Ḡ",
}  # fmt: skip


def pretty(text: str) -> Markup:
    """Write plain-text mathematics with Greek letters, raised powers and indices, as HTML."""
    words = "|".join(sorted(_LETTERS, key=len, reverse=True))
    html = re.sub(rf"\b({words})\b", lambda found: _LETTERS[found[1]], str(escape(text))).replace(
        "&lt;=", "≤"
    )
    power = r"(?:\^|\*\*)(?:\((-?\d+/\d+)\)|(-?\d+))"
    raised = re.sub(
        power, lambda found: f"<sup>{(found[1] or found[2]).replace('-', '−')}</sup>", html
    )
    return Markup(re.sub(r"(?<=[cvx])_(?:\{([^}]*)\}|([γρ\d]))", _lowered, raised))


def _lowered(found: re.Match) -> str:
    return f"<sub>{(found[1] or found[2]).replace('-', '−')}</sub>"
