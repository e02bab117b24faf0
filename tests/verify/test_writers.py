"""Everything that writes a result writes it whole or not at all."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from figures import style
from simulators import SeparableProblem, simulate
from verify import files
from verify.answers.hunt import Trail, beginning
from verify.classroom import grid
from verify.classroom.page import page
from verify.drawing.picture import Picture, draw_all
from verify.pages.html import POLICY

ROOT = Path(__file__).parents[2]


def runs():
    problem = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=1, start=0.5)
    return simulate(problem, gamma=0.01, rho=0.01, beta1=0, beta2=0.9, eps=1, b=1, T=2, runs=1,
                    seed=0, engine="reference")  # fmt: skip


def trail():
    count = len(beginning(0))
    return Trail(beginning(0), np.ones(count), np.full(count, 4), np.zeros(count, dtype=int))


def pictured(path):
    picture = Picture(lambda *_: {path.suffix[1:]: b"new"}, "A figure.")
    draw_all({path.stem: picture}, {}, {}, path.parent, style.PAPER, lambda *_: None)


WRITERS = {
    "runs.npz": lambda path: runs().save(path),
    "trail.npz": lambda path: trail().save(path),
    "grid.json.gz": lambda path: grid.save({"axes": {}}, path),
    "text.json": lambda path: files.write(path, "new"),
    "figure.svg": lambda path: style.save(Figure(), path.parent, "figure"),
    "movie.gif": pictured,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_result_takes_its_place_when_it_is_whole(monkeypatch, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            WRITERS[name](path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == [name]
    WRITERS[name](path)
    assert path.read_bytes() != b"old"


def test_no_other_place_in_the_packages_opens_a_file_to_write():
    wrong = []
    for package in ("theory", "simulators", "figures", "verify"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found = re.findall(r"\.write_(?:text|bytes)\(|open\([^)]*[\"'][wax]b?[\"']", text)
            wrong += [f"{path.relative_to(ROOT)}: {each}" for each in found]
    # `whole` itself; a process that asks the system to forget its peak; a kernel for the
    # disassembler, in a temporary folder.
    assert sorted(wrong) == [
        'simulators/files.py: open(handle, "wb"', "verify/bench/children.py: .write_text(",
        "verify/bench/issue.py: .write_bytes(",
    ]  # fmt: skip


def test_a_folder_is_cleaned_when_a_command_is_about_to_write_in_it(monkeypatch, tmp_path):
    swept = []
    monkeypatch.setattr(files, "sweep", swept.append)
    files.writable_folder(tmp_path / "new")
    assert swept == [tmp_path / "new"]


def test_the_classrooms_page_loads_nothing_from_elsewhere():
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page())
    assert POLICY.startswith(policy)
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*", POLICY)
