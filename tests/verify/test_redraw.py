"""`adasam figures` says what is missing, and draws what other commands left."""

import json
import sys

import numpy as np
import pytest

from figures.style import FORMATS
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.errors import InputError
from verify import cli
from verify.answers.hunt import Trail, beginning
from verify.reproduction.redraw import redraw
from verify.studies import archive
from verify.studies.study import simulate_all


def empty(folder, ids=()):
    """Write a reproduction's claims.json without evidence."""
    claims = [{"id": name, "evidence": {}} for name in ids]
    (folder / "claims.json").write_text(json.dumps({"claims": claims}))
    return folder


def test_a_missing_archive_is_said_with_its_cure(tmp_path):
    with pytest.raises(InputError, match=r"claims.json cannot be read .*`make reproduce` makes it"):
        redraw(tmp_path)
    (tmp_path / "claims.json").write_text("[]")
    with pytest.raises(InputError, match=r"claims.json is not a reproduction.s"):
        redraw(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["claims.json"]


def test_the_command_ends_in_one_message_and_exit_code_2(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["adasam", "figures", "--results", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("`make reproduce` makes it") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_runs_are_said_with_their_cure(tmp_path):
    empty(tmp_path, ["regime.adaptive"])
    with pytest.raises(InputError, match=r"data/regimes is not there: `make reproduce` makes it"):
        redraw(tmp_path, only=["regime_map"])
    (tmp_path / "data" / "regimes").mkdir(parents=True)
    with pytest.raises(InputError, match=r"map.json is not there"):
        redraw(tmp_path, only=["regime_map"])


def test_an_unknown_name_or_style_or_a_claim_not_judged_is_refused(tmp_path):
    empty(tmp_path)
    with pytest.raises(InputError, match="no figure is called 'nothing': there are corollary1"):
        redraw(tmp_path, only=["nothing"])
    with pytest.raises(InputError, match="style = 'poster' is not known: use paper, slides"):
        redraw(tmp_path, style_name="poster")
    with pytest.raises(InputError, match=r"has not what steps shows: `make reproduce` makes it"):
        redraw(tmp_path, only=["steps"])


def test_other_commands_figures_are_drawn_or_left_out_with_a_word(tmp_path, monkeypatch):
    empty(tmp_path)
    said = []
    with monkeypatch.context() as patch:
        patch.setattr("verify.reproduction.redraw.draw_all", lambda *given: {})
        assert redraw(tmp_path, say=said.append) == []
    names = [line.split(" left out")[0] for line in said]
    assert {"engine_speed", "falsifier_trail"} <= set(names)
    for name in ("engine_speed", "falsifier_trail"):
        with pytest.raises(InputError, match=f"{name} left out"):
            redraw(tmp_path, only=[name])
    (tmp_path / "falsify").mkdir()
    point = beginning(0)[:8]
    size = len(point)
    ratio, search = np.geomspace(0.1, 3, size), np.zeros(size, dtype=np.int64)
    trail = Trail(point, ratio, np.full(size, 64), search)
    trail.save(tmp_path / "falsify" / "falsify_tight_simple_seed3_trail.npz")
    files = redraw(tmp_path, only=["falsifier_trail"], style_name="slides", say=said.append)
    folder = tmp_path / "slides"
    assert files == [folder / f"falsifier_trail_tight_simple.{kind}" for kind in FORMATS]
    assert "<!-- tight_simple, seed 3 -->" in files[0].read_text()


def test_the_archive_gives_back_what_was_put_in(tmp_path):
    problem = ProblemSpec(profile="huber", L=1.0, sigma=0.5, G=1.0, d=2, start=0.3)
    run = RunSpec(
        gamma=0.01, rho=0.1, beta1=0.9, beta2=0.999, eps=1.0, b=[1.0, 2.0], T=8, runs=2, seed=0
    )
    spec = Spec(problem=problem, run=run)
    runs = simulate_all({"one": spec})["one"]
    archive.save(tmp_path / "data", {"study": {"one": (spec, runs)}})
    studies = archive.Studies(tmp_path)
    assert list(studies) == ["study"]
    assert list(studies["study"]) == ["one"]
    read_spec, read_runs = studies["study"]["one"]
    assert read_spec == spec
    for name, array in runs.arrays().items():
        assert np.array_equal(read_runs.arrays()[name], array), name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["figures", "--style", "slide"], "style = 'slide' is not known: did you mean 'slides'?"),
        (["reproduce", "--preset", "papper"], "did you mean 'paper'? Use quick, paper"),
        (["reproduce", "--only", "theorem1.tihgt"], "did you mean 'theorem1.tight'?"),
        (["reproduce", "--only", "unit"], "did you mean 'units'?"),
        (["proof", "--part", "sharpe"], "did you mean 'sharp'? Use paper, sharp, all"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_one_that_may_be_meant(
    capsys, monkeypatch, tmp_path, words, said
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["adasam", *words])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())
