"""The house: layers import one way, and what the README shows works."""

import ast
import re
from pathlib import Path

import pytest

from simulators import spec as specs

ROOT = Path(__file__).parents[1]
LAYERS = ("theory", "simulators", "figures", "verify")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("layer", LAYERS)
def test_no_layer_imports_one_to_its_right(layer):
    forbidden = set(LAYERS[LAYERS.index(layer) + 1 :])
    for path in (ROOT / layer).rglob("*.py"):
        assert not imported(path) & forbidden, path


def test_every_package_is_typed():
    assert all((ROOT / layer / "py.typed").is_file() for layer in LAYERS)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert found
    return found[1]


def test_the_readmes_spec_runs_inside_the_theorem(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(block("toml").replace("T = [4096, 16384]", "T = [4096, 8192]"))
    spec = specs.read(path)
    spec.run.runs = 2
    assert specs.run(spec).cells == 6


def test_the_readmes_python_runs_and_the_bound_bounds():
    namespace: dict[str, object] = {}
    *statements, measured, bound = block("python").strip().splitlines()
    exec("\n".join(statements), namespace)
    assert eval(measured, namespace) < eval(bound, namespace)  # type: ignore[operator]


def test_the_readmes_table_lists_every_claim():
    from verify.claims import CLAIMS

    table = README.split("<!-- verdicts -->")[1].split("<!-- end of verdicts -->")[0]
    listed = re.findall(r"^\| `([\w.]+)` \| (\w+)", table, flags=re.MULTILINE)
    claims = [(claim.id, claim.expected) for claim in CLAIMS.values()]
    assert listed == claims
