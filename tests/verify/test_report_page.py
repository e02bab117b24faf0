"""The report in a browser: it opens from disk, alone, and its lines open to all they promise."""

from collections.abc import Iterator
from typing import Any

import pytest

from verify.reproduce import reproduce

# One browser serves all tests of pages.
pytestmark = pytest.mark.xdist_group("browser")

CLAIMS = ("units", "lemma10", "algorithm1")


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("report")
    reproduce(out=folder, only=CLAIMS)
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
    assert tab.locator("details").count() == 5 + 2 + 1
    assert tab.locator("details[open]").count() == 0
    assert tab.locator("summary .verdict.refuted").count() == 4


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
