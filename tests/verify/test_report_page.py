"""The report in a browser: it opens from disk, alone, and its lines open to all they promise."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from verify import cli
from verify.reproduction.job import measurements, reproduce

# One browser serves all tests of pages.
pytestmark = pytest.mark.xdist_group("browser")

CLAIMS = ("units", "theorem1.small_G", "theorem1.tight_simple_cap", "algorithm1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("report")
    reproduce(out=out, only=CLAIMS)
    return out


@pytest.fixture(scope="module")
def address(folder) -> str:
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def opened(browser, address) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    yield context.new_page()
    context.close()


@pytest.fixture
def tab(opened, address) -> Iterator[Any]:
    """Return the report as it opens; nothing may go wrong in it, and nothing be asked for."""
    faults = []
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda asked: asked.url == address or faults.append(asked.url))
    opened.goto("about:blank")
    faults.clear()
    opened.set_viewport_size({"width": 1280, "height": 720})
    opened.goto(address)
    yield opened
    assert faults == []


def test_it_opens_with_every_line_closed_and_every_claim_there(tab):
    assert tab.locator("details").count() == 5 + 1 + 1 + 1
    assert tab.locator("details[open]").count() == 0
    assert tab.locator("summary .verdict.refuted").count() == 2 + 3


def test_a_line_opens_and_closes_by_keyboard(tab):
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    claim = tab.evaluate("document.activeElement.parentElement.id")
    tab.keyboard.press("Enter")
    assert tab.locator(f"[id='{claim}'][open]").count() == 1
    assert tab.locator(f"[id='{claim}'] .body").is_visible()
    tab.keyboard.press("Enter")
    assert tab.locator("details[open]").count() == 0


def test_all_open_and_close_at_once(tab):
    tab.get_by_role("button", name="Open all").click()
    assert tab.locator("details:not([open])").count() == 0
    tab.get_by_role("button", name="Close all").click()
    assert tab.locator("details[open]").count() == 0


def test_an_address_with_a_claim_opens_it(tab, address):
    tab.goto(f"{address}#algorithm1.v_init")
    assert tab.locator("details[open]").count() == 1
    assert tab.locator("[id='algorithm1.v_init'] .counter").is_visible()


def test_every_refuted_claim_shows_a_counterexample_and_how_to_judge_it_again(tab):
    tab.get_by_role("button", name="Open all").click()
    for line in tab.locator("details").all():
        text = line.inner_text()
        assert f"adasam reproduce --only {line.get_attribute('id')}" in text
        is_refuted = line.locator("summary .verdict.refuted").count() == 1
        assert (line.locator(".counter").count() == 1) == is_refuted
    bound = tab.locator("[id='algorithm1.v_init'] .counter").inner_text()
    assert "Left side" in bound
    assert "adasam simulate specs/" in bound


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    tab.get_by_role("button", name="Open all").click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def evidence(folder: Path, claim_id: str) -> dict[str, Any]:
    content = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    (claim,) = (claim for claim in content["claims"] if claim["id"] == claim_id)
    return claim["evidence"]


MEASURED = ("theorem1.small_G", "theorem1.tight_simple_cap", "algorithm1.v_init")


def test_every_link_opens_the_spec_of_its_row(tab, folder):
    for claim_id in MEASURED:
        links = tab.eval_on_selector_all(
            f"[id='{claim_id}'] table a", "links => links.map(link => link.href)"
        )
        wanted = [item["spec"] for item in measurements(evidence(folder, claim_id))]
        opened = [Path(unquote(urlsplit(link).path)) for link in links]
        assert [json.loads(path.read_text(encoding="utf-8")) for path in opened] == wanted
        assert len({*opened}) == len(wanted)


def adasam(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def commands(tab: Any, claim_id: str) -> list[list[str]]:
    """Return the commands that a claim's line shows, word by word."""
    shown = tab.eval_on_selector_all(
        f"[id='{claim_id}'] code", "all => all.map(code => code.textContent)"
    )
    return [line.split()[1:] for line in shown if line.startswith("adasam") and "…" not in line]


@pytest.mark.parametrize("claim_id", MEASURED)
def test_the_replay_that_is_shown_runs_and_gives_the_counterexamples_left_side(
    tab, folder, claim_id, monkeypatch, capsys, tmp_path
):
    replay, again = commands(tab, claim_id)
    monkeypatch.chdir(folder)
    replay[replay.index("runs.npz")] = str(tmp_path / "runs.npz")
    assert adasam(monkeypatch, *replay, "--json") == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    spec = json.loads((folder / replay[1]).read_text(encoding="utf-8"))
    (row,) = (item for item in measurements(evidence(folder, claim_id)) if item["spec"] == spec)
    assert cell["lhs"] == row["lhs"]
    assert row["lhs_low"] > row["rhs"]
    assert again[:3] == ["reproduce", "--only", claim_id]


def test_judging_again_as_shown_gives_the_same_evidence(tab, folder, monkeypatch, tmp_path):
    _, again = commands(tab, "algorithm1.v_init")
    assert adasam(monkeypatch, *again, "--out", str(tmp_path)) == 0
    assert evidence(tmp_path, "algorithm1.v_init") == evidence(folder, "algorithm1.v_init")
