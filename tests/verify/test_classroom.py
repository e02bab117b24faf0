"""The classroom page as a file, and the command that makes it."""

import re
import sys

import pytest

from verify import cli
from verify.classroom.page import CLOSED, page
from verify.classroom.questions import QUESTIONS
from verify.pages.html import pretty


@pytest.fixture(scope="module")
def text() -> str:
    return page()


def test_one_small_file_that_asks_for_nothing(text):
    assert len(text.encode()) < 500_000
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\((?!#)|src=|<link", text)
    assert "default-src 'none'" in text


def test_the_page_has_every_variant_and_question(text):
    assert all(f'value="{name}"' in text for name in CLOSED)
    assert all(str(pretty(question.answered)) in text for question in QUESTIONS)


def command(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["adasam", "classroom", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def test_the_command_writes_the_page_the_same_every_time(monkeypatch, capsys, tmp_path, text):
    out = tmp_path / "lesson" / "page.html"
    assert command(monkeypatch, "--out", str(out)) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("option", "name", "cure"),
    [("--out", "page.pdf", "page.html"), ("--measure", "archive.json", ".json.gz")],
)
def test_a_file_of_another_kind_is_refused(monkeypatch, capsys, tmp_path, option, name, cure):
    assert command(monkeypatch, option, str(tmp_path / name)) == 2
    assert cure in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
