"""The classroom page: one file that a class plays with, made from data.

It computes nothing that the theory does not say: its script gets every formula from
`figures.classroom.formulas`, printed from the theory's expressions.
"""

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from figures.classroom.formulas import module
from theory.bound import Bound

_MODULES = (
    "format", "model", "philox", "simulation", "archive", "plot", "bars", "words", "main",
)  # fmt: skip
"""The script's modules, each after those that it imports."""

_DATA = 'export const PAGE = JSON.parse(document.getElementById("page-data").textContent);\n'


def render(content: Mapping[str, Any], data: Mapping[str, Any], bounds: Iterable[Bound]) -> str:
    """Return the page.

    Parameters
    ----------
    content : mapping
        What the template shows.
    data : mapping
        What the script knows, as JSON.
    bounds : iterable of Bound
        Closed variants of Theorem 1, whose formulas the script evaluates.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("figures", "classroom"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    modules = [_DATA, module(bounds), *(_read(f"{name}.js") for name in _MODULES)]
    return environment.get_template("page.html.j2").render(
        **content,
        style=Markup(_read("style.css")),
        script=Markup(joined(modules)),
        data=Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")),
    )


def joined(modules: Iterable[str]) -> str:
    """Make one ES module of several: their imports name one another, so they go, and the exports.

    No two modules may share a name at the top level.
    """
    source = re.sub(r"^import [^;]*;\n", "", "\n".join(modules), flags=re.MULTILINE)
    return re.sub(r"^export ", "", source, flags=re.MULTILINE)


def _read(name: str) -> str:
    return resources.files("figures").joinpath("classroom", name).read_text(encoding="utf-8")
