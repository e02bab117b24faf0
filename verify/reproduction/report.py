"""The report: one self-contained HTML file, the verdict table first."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from verify.calibration.writing import sections
from verify.claims import CLAIMS
from verify.drawing import FIGURES
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.judge import counterexample, measurements
from verify.evidence.kind import of
from verify.pages.html import environment, inline, pretty


def render(
    judged: Sequence[Any],
    provenance: Mapping[str, Any],
    figures: Mapping[str, str],
    specs: Mapping[str, str],
    calibration: Mapping[str, Any] | None = None,
    left_out: Sequence[str] = (),
) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    judged : sequence of verify.reproduction.job.Judged
    provenance : mapping
        Preset, seed, device, versions.
    figures : mapping of str to str
        SVG files by figure name.
    specs : mapping of str to str
        The file, below the report's folder, that replays a spec, by the spec's JSON.
    calibration : mapping, optional
        What calibration.json holds.
    left_out : sequence of str
        Figures that could not be drawn, with the reason.
    """
    made = environment()
    made.filters["replay"] = lambda spec: specs[json.dumps(spec)]
    made.filters["told"] = teller({item.claim.id for item in judged})
    made.filters["template"] = lambda evidence: of(evidence).template or "any.html.j2"
    made.filters["replayable"] = lambda evidence: bool(measurements(evidence))
    template = made.get_template("report.html.j2")
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
        lead=next(iter(FIGURES)),
        provenance=provenance,
        figures={
            name: inline(svg, name, f"f{place}")
            for place, (name, svg) in enumerate(figures.items())
        },
        left_out=left_out,
        calibration=calibration,
        sections=sections(calibration) if calibration else [],
        captions={name: picture.caption for name, picture in FIGURES.items()},
        budget=f"{ERROR_BUDGET:.0e}".replace("e-0", "e-"),
    )


def teller(shown: Collection[str]) -> Callable[[str], Markup]:
    """Return `pretty` for prose: a claim's id stays code, and leads there where it is shown."""
    ids = "|".join(map(re.escape, sorted({*CLAIMS, *shown}, key=len, reverse=True)))
    code = re.compile(rf"`([^`]+)`|\b({ids})\b")

    def told(text: str) -> Markup:
        out, end = Markup(), 0
        for found in code.finditer(text):
            word = Markup("<code>{}</code>").format(found[1] or found[2])
            if found[2] in shown:
                word = Markup('<a href="#{}">{}</a>').format(found[2], word)
            out, end = out + pretty(text[end : found.start()]) + word, found.end()
        return out + pretty(text[end:])

    return told


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
