"""A folder holds one reproduction: never a part over a whole, never data of two runs."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest

import verify.reproduction.job
from simulators import spec as specs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.errors import InputError
from verify import cli, drawing
from verify.claims import CLAIMS
from verify.claims.claim import Claim
from verify.drawing import Picture
from verify.evidence.comparison import comparison
from verify.reproduction.folder import LIST, default_folder
from verify.reproduction.job import reproduce
from verify.reproduction.redraw import redraw
from verify.studies.archive import read_evidence
from verify.studies.study import Study


def tiny_specs(preset, seed):
    """One cell whose label tells its seed, as the labels of later looks tell their runs."""
    problem = ProblemSpec(profile="huber", L=1.0, sigma=0.5, G=1.0, d=1, start=0.3)
    run = RunSpec(
        gamma=0.01, rho=0.0, beta1=0.0, beta2=0.9, eps=1.0, b=1.0, T=8 + seed, runs=2, seed=seed
    )
    return {f"cell{seed}": Spec(problem=problem, run=run)}


def tiny_evidence(results):
    ((label, (spec, runs)),) = results.items()
    mean = float(runs.lhs(0).mean())
    (cell,) = specs.cells(spec, spec.problem.make())
    row = {"lhs": mean, "lhs_low": mean, "lhs_high": mean, "rhs": 1.0, "trivial": 1.0, "n": 2,
           "vacuous": False, "interval": "finite-sample", "name": label, "confidence": 0.5,
           "spec": specs.to_json(specs.single(spec, cell))}  # fmt: skip
    return {"instances": [row]}


def claim(claim_id, evidence, **more):
    return Claim(
        id=claim_id, source="Here", statement="So it is", method="symbolic", expected="holds",
        evidence=evidence, **more,
    )  # fmt: skip


def agree(results):
    return {"comparisons": [comparison("sides", 1, 1)]}


def figure(results, evidence, style):
    return {"svg": b"<svg/>"}


@pytest.fixture(autouse=True)
def few(monkeypatch, tmp_path):
    """Let there be three claims, one with runs, and a figure of each kind."""
    monkeypatch.chdir(tmp_path)
    study = Study("tiny", tiny_specs)
    claims = [
        claim("runs.tiny", tiny_evidence, study=study, figure="drawn"),
        claim("words.one", agree), claim("words.two", agree),
    ]  # fmt: skip
    for name in reversed(list(CLAIMS)):  # undone in reverse: their order stays
        monkeypatch.delitem(CLAIMS, name)
    for item in claims:
        monkeypatch.setitem(CLAIMS, item.id, item)
    for name in reversed(list(drawing.FIGURES)):  # undone in reverse: their order stays
        monkeypatch.delitem(drawing.FIGURES, name)
    monkeypatch.setitem(drawing.FIGURES, "drawn", Picture(figure, "A figure.", study))


def adasam(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def content(folder: Path) -> dict[str, bytes]:
    """Every file's bytes; of claims.json without the seconds."""
    return {
        path.relative_to(folder).as_posix(): re.sub(
            rb'"seconds": [\d.]+', b'"seconds": 0', path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def never(*_, **__):
    raise AssertionError("simulated all the same")


@pytest.mark.parametrize("seed", ["0", "5"])
def test_a_part_is_not_written_over_a_whole(monkeypatch, capsys, seed):
    assert adasam(monkeypatch, "reproduce", "--out", "whole") == 0
    before = content(Path("whole"))
    monkeypatch.setattr(verify.reproduction.job, "simulate_all", never)
    arguments = ["reproduce", "--only", "words", "--seed", seed, "--out", "whole"]
    capsys.readouterr()
    assert adasam(monkeypatch, *arguments) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "whole holds verdicts on 3 claims, of which --only would leave 2" in said
    assert f"choose another --out, such as {Path('results/only/words')}" in said
    assert content(Path("whole")) == before
    # Nor over another part, but over the same.
    assert adasam(monkeypatch, "reproduce", "--only", "words", "--out", "part") == 0
    assert adasam(monkeypatch, "reproduce", "--only", "words.two", "--out", "part") == 2
    assert adasam(monkeypatch, "reproduce", "--only", "words", "--out", "part") == 0


def test_only_has_a_folder_of_its_own(monkeypatch, capsys):
    assert adasam(monkeypatch, "reproduce") == 0
    before = content(Path("results"))
    assert len(json.loads(before["claims.json"])["claims"]) == 3
    for only in ("words", "runs.tiny"):
        assert adasam(monkeypatch, "reproduce", "--only", only) == 0
        assert str(Path("results/only") / only / "report.html") in capsys.readouterr().out
    assert adasam(monkeypatch, "reproduce", "--only", "words.one", "--only", "runs") == 0
    both = json.loads((default_folder(["words.one", "runs"]) / "claims.json").read_text())
    assert [item["id"] for item in both["claims"]] == ["runs.tiny", "words.one"]
    after = content(Path("results"))
    assert {name: after[name] for name in before} == before
    # A whole one leaves the parts, and is not in their way.
    assert adasam(monkeypatch, "reproduce", "--seed", "1") == 0
    again = content(Path("results"))
    parts = {name for name in after if name.startswith("only/")}
    assert len(parts) > 9
    assert all(again[name] == after[name] for name in parts)


def test_the_reports_commands_work_as_printed(monkeypatch):
    assert adasam(monkeypatch, "reproduce", "--seed", "3") == 0
    page = Path("results/report.html").read_text()
    commands = re.findall(r"<code>adasam (reproduce --only [^<]*)</code>", page)
    assert len(commands) == 3
    first = json.loads(Path("results/claims.json").read_text())
    for command in commands:
        assert adasam(monkeypatch, *command.split()) == 0
        again = json.loads((default_folder([command.split()[2]]) / "claims.json").read_text())
        (item,) = again["claims"]
        assert item == next(each for each in first["claims"] if each["id"] == item["id"])
    assert json.loads(Path("results/claims.json").read_text()) == first


def test_another_run_replaces_the_whole_of_the_one_before():
    out, fresh = Path("results"), Path("fresh")
    reproduce(out=out, seed=0)
    assert (out / "data/tiny/cell0.npz").is_file()
    assert [path.name for path in (out / "specs").iterdir()] == ["cell0-b1-T8.json"]
    redraw(out, style_name="slides")
    assert (out / "slides/drawn.svg").is_file()
    reproduce(out=out, seed=2)
    reproduce(out=fresh, seed=2)
    assert content(out) == content(fresh)
    assert "data/tiny/cell2.npz" in content(out)
    assert not (out / "slides").exists()


OTHERS = (
    "calibration.json", "classroom.html", "bench/bench.json", "falsify/trail.npz", "notes.txt",
    "figures/mine.svg", "figures/engine_speed.svg", "specs/mine.json", "data/tiny/mine.npz",
    "data/mine/cell0.npz",
)  # fmt: skip


@pytest.mark.parametrize("listed", [True, False])
def test_files_that_are_not_a_reproductions_stay(listed):
    out, fresh = Path("results"), Path("fresh")
    reproduce(out=out, seed=0)
    for name in OTHERS:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    if not listed:  # as versions before the list left it
        (out / LIST).unlink()
    said = []
    reproduce(out=out, seed=2, stage=said.append)
    reproduce(out=fresh, seed=2)
    assert content(out) == content(fresh) | dict.fromkeys(OTHERS, b"mine")
    assert [line for line in said if "calibration.json" in line]


def test_a_list_reaches_no_file_outside_what_a_reproduction_writes():
    out = Path("results")
    reproduce(out=out)
    outside = [Path("mine"), out / "mine", out / "bench" / "mine", Path("figures/mine")]
    for path in outside:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    names = ["../mine", "mine", "bench/mine", "figures/../mine", "figures/../../figures/mine",
             str(Path("mine").resolve())]  # fmt: skip
    (out / LIST).write_text(json.dumps({"schema": 1, "files": names}))
    reproduce(out=out)
    assert all(path.read_text() == "mine" for path in outside)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_run_that_ends_early_leaves_the_one_before(monkeypatch, stop):
    out = Path("results")
    reproduce(out=out, seed=0)
    before = content(out)

    def broken(*_):
        raise stop

    monkeypatch.setattr(
        verify.reproduction.job, "markdown", broken
    )  # data, figures and specs are there
    with pytest.raises((KeyboardInterrupt, OSError)):
        reproduce(out=out, seed=2)
    assert content(out) == before
    assert not list(out.glob(".*"))


def test_a_run_that_is_killed_while_it_takes_its_place_is_no_mixture(monkeypatch):
    out, fresh = Path("results"), Path("fresh")
    reproduce(out=out, seed=0)

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(verify.reproduction.job.folder, "finish", killed)
        with pytest.raises(Killed):
            reproduce(out=out, seed=2)
    assert not (out / "claims.json").exists()
    with pytest.raises(InputError, match=r"claims\.json cannot be read"):
        redraw(out)
    reproduce(out=out, seed=4)
    reproduce(out=fresh, seed=4)
    assert content(out) == content(fresh)


@pytest.mark.parametrize("name", ["claims.json", LIST])
@pytest.mark.parametrize("text", ["", "[]", '{"mine": 1}', '{"claims": [{"id": 1}]}'])
def test_a_foreign_file_of_the_same_name_is_not_overwritten(monkeypatch, capsys, name, text):
    out = Path("results")
    out.mkdir()
    (out / name).write_text(text)
    monkeypatch.setattr(verify.reproduction.job, "simulate_all", never)
    assert adasam(monkeypatch, "reproduce") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert str(out / name) in said
    assert "choose another --out" in said
    assert content(out) == {name: text.encode()}


def test_a_claim_whose_evidence_fails_is_named_and_the_rest_is_written(monkeypatch, capsys):
    def broken(results):
        return 1 / 0

    other = dataclasses.replace(CLAIMS["words.one"], evidence=broken)
    monkeypatch.setitem(CLAIMS, "words.one", other)
    assert adasam(monkeypatch, "reproduce") == 1
    out = capsys.readouterr().out
    assert "not as expected: words.one" in out
    found = {c["id"]: c for c in json.loads(Path("results/claims.json").read_text())["claims"]}
    assert {name: item["verdict"] for name, item in found.items()} == {
        "runs.tiny": "holds", "words.one": "inconclusive", "words.two": "holds",
    }  # fmt: skip
    failed = found["words.one"]["evidence"]["failed"]
    assert failed["reason"] == "ZeroDivisionError: division by zero"
    assert re.fullmatch(r"tests/verify/test_folder.py, line \d+", failed["where"])
    for text in (Path("results/report.html"), Path("results/verdicts.md")):
        assert "ZeroDivisionError: division by zero" in text.read_text()
    assert "ZeroDivisionError: division by zero" in " ".join(out.split())


@pytest.mark.parametrize(
    "evidence",
    [
        {"unheard": [1]},  # of no kind
        {"comparisons": [{"name": "a", "equal": True}]},  # without the sides that the report shows
        {"comparisons": [{"name": "a", "left": object, "right": 1, "equal": True}]},  # not JSON
        {"instances": [{"lhs": 0.0, "lhs_low": 0.0, "lhs_high": 0.0, "rhs": 1.0}]},  # no spec
    ],
)
def test_a_claim_that_cannot_be_shown_is_named_and_the_rest_is_written(monkeypatch, evidence):
    other = dataclasses.replace(CLAIMS["words.one"], evidence=lambda results: evidence)
    monkeypatch.setitem(CLAIMS, "words.one", other)
    judged = {item.claim.id: item for item in reproduce(out=Path("results"))}
    assert not judged["words.one"].as_expected
    assert "failed" in judged["words.one"].evidence
    assert [judged[name].verdict for name in ("runs.tiny", "words.two")] == ["holds", "holds"]
    assert "words.two" in Path("results/report.html").read_text()


def test_a_figure_that_fails_is_named_and_the_rest_is_written(monkeypatch, capsys):
    def broken(results, evidence, style):
        raise ValueError("no limits")

    picture = Picture(broken, "A figure.", drawing.FIGURES["drawn"].study)
    monkeypatch.setitem(drawing.FIGURES, "drawn", picture)
    assert adasam(monkeypatch, "reproduce") == 1
    assert "figure left out: drawn (ValueError: no limits)" in capsys.readouterr().out
    assert "drawn (ValueError: no limits)" in Path("results/report.html").read_text()
    found = json.loads(Path("results/claims.json").read_text())["claims"]
    assert [item["verdict"] for item in found] == ["holds"] * 3
    assert found[0]["figure"] is None


def test_numbers_that_json_has_not_come_back_from_claims_json(monkeypatch):
    nothing = {"ranges": [{"name": "of nothing", "value": float("nan"), "low": float("-inf"),
                           "high": float("inf"), "least": 0.0}]}  # fmt: skip
    other = dataclasses.replace(CLAIMS["words.one"], evidence=lambda _: nothing)
    monkeypatch.setitem(CLAIMS, "words.one", other)
    reproduce(out=Path("results"))
    text = Path("results/claims.json").read_text()
    found = {c["id"]: c for c in json.loads(text, parse_constant=never)["claims"]}
    (row,) = found["words.one"]["evidence"]["ranges"]
    assert (row["value"], row["low"], row["high"]) == ("NaN", "-Infinity", "Infinity")
    assert found["words.one"]["verdict"] == "inconclusive"
    (read,) = read_evidence(Path("results"))["words.one"]["ranges"]
    assert str(read) == str(nothing["ranges"][0])
