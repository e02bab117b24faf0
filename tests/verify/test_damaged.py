"""Files that a disk damaged, or that are somebody else's, are refused by name and nothing else."""

import contextlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from simulators.runs import Runs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory.errors import InputError
from verify import drawing
from verify.answers.hunt import Trail, beginning
from verify.calibration.job import found
from verify.calibration.tally import share
from verify.calibration.writing import sections
from verify.drawing import Picture
from verify.drawing.engine_speed import read as read_benchmark
from verify.files import to_json
from verify.pages.terminal import table
from verify.reproduction import redraw
from verify.reproduction.folder import refuse_loss
from verify.reproduction.job import reproduce
from verify.studies import archive
from verify.studies.study import Study, simulate_all

SEED = 20231128
TIMES = 12
"""How often each kind of damage is done to each file."""


def small_curves(preset, seed):
    problem = ProblemSpec(profile="log_cosh", L=1.0, sigma=1.0, G=1.0, d=2, start=0.3)
    run = RunSpec(gamma=0.01, rho=0.005, beta1=0.0, beta2=0.999, eps=0.25, b=[1.0, 8.0, 64.0],
                  T=64, runs=4, seed=seed)  # fmt: skip
    return {"log_cosh": Spec(problem=problem, run=run)}


def benchmark():
    row = {"case": "d", "engine": "numba", "d": 10, "b": 16, "rate": 2.0, "low": 1.0, "high": 3.0}
    rows = [row, {**row, "d": 100}, {**row, "case": "b"}, {**row, "case": "b", "b": 64}]
    ratios = [{"case": "d", "engine": "numpy", "d": d, "value": 3.0} for d in (10, 100)]
    ratios += [{"case": "memory", "value": 1.0}]
    return {"schema": 1, "machine": {"processor": "One"}, "rows": rows, "ratios": ratios}


def calibration():
    at = {"confidence": 0.5, **share(3, 4), "above": 1, "below": 0, "standing": "as stated"}
    said = {name: share(1, 3) for name in ("holds", "inconclusive", "refuted")}
    excess = {"0.5": 0.1, "0.99": 0.2}
    judged = {"preset": "quick", "n": 5, "reproductions": 3}
    return {
        "schema": 1, "quick": True, "seed": 0, "confidences": [0.5], "certainty": 0.999,
        "coverage": [{"interval": "normal mean", "on": "a law", "n": 5, "at": [at]}],
        "looks": [{"interval": "normal mean", "on": "a law", "n": [5, 9], "at": [at]}],
        "bounds": [{"on": "a cell", **judged, "false_alarms": {"1": share(0, 3), "1.01":
                    share(0, 3)}, "refuted_from": excess, "holds_from": excess}],
        "slopes": [{"axis": "b", **judged, "at": [at], "claim": said, "half_width": 0.01,
                    "planted": [{"slope": -0.5, **said}]}],
        "seconds": 1.0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a folder with a file of each kind that is read again."""
    folder = tmp_path_factory.mktemp("whole")
    specs = small_curves(None, 0)
    runs = simulate_all(specs)
    archive.save(folder / "data", {"curves": {name: (specs[name], runs[name]) for name in specs}})
    (folder / "bench").mkdir()
    (folder / "bench" / "bench.json").write_text(to_json(benchmark()))
    (folder / "calibration.json").write_text(to_json(calibration()))
    (folder / "falsify").mkdir()
    point = beginning(0)
    size = len(point)
    trail = Trail(point, np.geomspace(0.1, 3, size), np.full(size, 64), np.arange(size) * 2 // size)
    trail.save(folder / "falsify" / "falsify_tight_seed3_trail.npz")
    items = [{"spec": {"run": {"b": 1.0}}, "lhs": 0.5}]
    claims = [{"id": "one", "evidence": {"instances": items}}]
    (folder / "claims.json").write_text(to_json({"schema": 1, "claims": claims}))
    listed = {"schema": 1, "files": ["claims.json", "data/curves/log_cosh.npz"]}
    (folder / "files.json").write_text(to_json(listed))
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    """Return a copy of the folder to damage."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


NPZ = {
    "data/curves/log_cosh.npz": Runs.load,
    "falsify/falsify_tight_seed3_trail.npz": Trail.load,
}
JSON = {
    "claims.json": lambda path: archive.read_evidence(path.parent),
    "bench/bench.json": read_benchmark,
    "calibration.json": lambda path: sections(found(path.parent) or pytest.fail("none is found")),
    "files.json": lambda path: refuse_loss(path.parent, (), ()),
}
READERS = NPZ | JSON


def cut(rng, content):
    return content[: rng.integers(len(content))]


def flipped(rng, content):
    out = bytearray(content)
    for at in rng.integers(len(out), size=rng.integers(1, 4)):
        out[at] ^= 1 << rng.integers(8)
    return bytes(out)


def shuffled(rng, content):
    out = bytearray(content)
    first, last = sorted(rng.integers(len(out), size=2))
    out[first:last] = rng.bytes(last - first)
    return bytes(out)


def arrays(save, **named):
    file = io.BytesIO()
    save(file, **named)
    return file.getvalue()


FOREIGN = [
    b"", b"\0", b"mine", b"[]", b"{}", b"null", b"1", b'"mine"', b'{"schema": 1}', b"NaN",
    b'{"schema": 2, "claims": []}', b"[" * 100_000, b"\x89PNG\r\n\x1a\n", b"PK\x03\x04",
    b"\xff\xfe",
    arrays(np.savez), arrays(np.savez, x=np.zeros(3)), arrays(np.save, arr=np.zeros(3)),
    arrays(np.savez, step=np.array([{}], dtype=object)),
    json.dumps({"claims": [{"id": "one"}]}).encode(),
    json.dumps({"schema": 1, "rows": [{}], "ratios": [{}], "machine": {}}).encode(),
]  # fmt: skip


def odd(rng, content):
    """Put something odd in one place of a JSON file, or leave the place out."""
    whole = json.loads(content)
    inner, name = whole, None
    while True:
        outer, name = (
            inner,
            rng.choice(list(inner) if isinstance(inner, dict) else range(len(inner))),
        )
        name = str(name) if isinstance(inner, dict) else int(name)
        inner = outer[name]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.2:
            break
    other = [None, "mine", -1, 0, 1e300, [], {}, [1], {"a": 1}, True, 2**70]
    choice = int(rng.integers(len(other) + 1))
    if choice == len(other):
        del outer[name]
    else:
        outer[name] = other[choice]
    return json.dumps(whole).encode()


def refused_by_name_or_read(read, path):
    """Read a file; return whether it was refused, which must be by its name."""
    refusal = None
    try:
        read(path)
    except InputError as error:
        refusal = str(error)
    if refusal is not None:
        assert str(path) in refusal
        assert "\n" not in refusal
    return refusal is not None


@pytest.mark.parametrize("name", READERS)
def test_a_whole_file_is_read(whole, name):
    assert not refused_by_name_or_read(READERS[name], whole / name)


@pytest.mark.parametrize("name", READERS)
def test_a_cut_file_is_refused_by_name(copy, name):
    path, rng = copy / name, np.random.default_rng(SEED)
    content = path.read_bytes()
    for _ in range(TIMES):
        path.write_bytes(cut(rng, content.rstrip()))
        assert refused_by_name_or_read(READERS[name], path)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("damage", [flipped, shuffled])
def test_a_damaged_file_is_refused_by_name_or_read(copy, name, damage):
    path, rng = copy / name, np.random.default_rng(SEED)
    content = path.read_bytes()
    count = 0
    for _ in range(TIMES):
        path.write_bytes(damage(rng, content))
        count += refused_by_name_or_read(READERS[name], path)
    assert count > 0


@pytest.mark.parametrize("name", READERS)
def test_a_foreign_file_is_refused_by_name(copy, name):
    path = copy / name
    for content in FOREIGN:
        path.write_bytes(content)
        assert refused_by_name_or_read(READERS[name], path), content[:40]
    path.unlink()
    path.mkdir()
    assert refused_by_name_or_read(READERS[name], path)


@pytest.mark.parametrize("name", JSON)
def test_a_file_with_something_odd_in_it_is_refused_by_name_or_read(copy, name):
    path, rng = copy / name, np.random.default_rng(SEED)
    content = path.read_bytes()
    for _ in range(5 * TIMES):
        path.write_bytes(odd(rng, content))
        refused_by_name_or_read(JSON[name], path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", 0), ("rate", -1), ("low", "fast"), ("high", None), ("b", 0), ("engine", 3)],
)
def test_a_benchmark_with_a_rate_that_cannot_be_drawn_is_refused(copy, name, value):
    content = benchmark()
    content["rows"][1][name] = value
    (copy / "bench" / "bench.json").write_text(to_json(content))
    with pytest.raises(InputError, match=rf"bench\.json is not a benchmark.*\.{name}"):
        read_benchmark(copy / "bench" / "bench.json")


@pytest.mark.parametrize("name", ["engine", "d", "value"])
def test_a_ratio_over_d_that_lacks_what_its_bar_shows_is_refused(copy, name):
    content = benchmark()
    del content["ratios"][0][name]
    (copy / "bench" / "bench.json").write_text(to_json(content))
    with pytest.raises(InputError, match="a ratio of the case d lacks"):
        read_benchmark(copy / "bench" / "bench.json")


def test_a_calibration_whose_rows_are_not_as_long_as_they_must_be_is_refused(copy):
    short, planted = calibration(), calibration()
    short["coverage"][0]["at"] = []
    other = json.loads(json.dumps(planted["slopes"][0]))
    other["planted"].append(other["planted"][0])
    planted["slopes"].append(other)
    for content in (short, planted):
        (copy / "calibration.json").write_text(to_json(content))
        with pytest.raises(InputError, match=r"calibration\.json is not a calibration"):
            found(copy)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("point", lambda array: array[:, 1:], "point of shape"),
        ("T", lambda array: array[1:], "T of shape"),
        ("T", lambda array: array - 64, "T that cannot be"),
        ("search", lambda array: array + 2, "a search or a T"),
        ("ratio", lambda array: array * np.nan, "not a number"),
        ("ratio", lambda array: array[:0], "of shape"),
        ("search", lambda array: array.astype(str), "search of type"),
        ("point", lambda array: array + 100, "outside the box"),
        ("axes", lambda array: array[::-1], "not those of this version"),
    ],
)
def test_a_trail_that_cannot_be_is_refused(copy, name, change, said):
    path = copy / "falsify/falsify_tight_seed3_trail.npz"
    with np.load(path) as archived:
        content = dict(archived)
    content[name] = change(content[name])
    np.savez(path, **content)
    with pytest.raises(InputError, match=f"does not hold a search's trail .*{said}"):
        Trail.load(path)


@pytest.fixture
def plain(monkeypatch):
    """Let there be two figures, each a small text, and both of other commands' unsaved."""
    for name in reversed(list(drawing.FIGURES)):  # undone in reverse: their order stays
        monkeypatch.delitem(drawing.FIGURES, name)

    def of_runs(results, evidence, style):
        spec, runs = results["log_cosh"]
        means = [runs.lhs(number).mean() for number, _ in enumerate(spec.run.b)]
        return {"svg": str(means).encode()}

    def of_evidence(results, evidence, style):
        return {"svg": str(evidence["one"]["instances"][0]["lhs"] / 2).encode()}

    study = Study("curves", small_curves)
    monkeypatch.setitem(drawing.FIGURES, "of_evidence", Picture(of_evidence, "Evidence."))
    monkeypatch.setitem(drawing.FIGURES, "of_runs", Picture(of_runs, "Runs.", study))
    monkeypatch.setattr(redraw, "shown", lambda ids: dict(drawing.FIGURES))
    for name in ("_kept", "falsifier_trails"):
        monkeypatch.setattr(redraw, name, lambda *_: [])
    monkeypatch.setattr(redraw.engine_speed, "draw", lambda *_: None)


def test_from_a_damaged_file_no_figure_is_drawn_and_none_changed(copy, plain):
    assert [path.name for path in redraw.redraw(copy)] == ["of_evidence.svg", "of_runs.svg"]
    drawn = copy / "figures" / "of_evidence.svg"
    drawn.write_text("old")
    before, rng = sorted(copy.rglob("*")), np.random.default_rng(SEED)
    # `found` is the report's affair: no figure shows a calibration.
    for name in {*READERS, "data/curves/log_cosh.json"} - {"calibration.json"}:
        target = copy / name
        content = target.read_bytes()
        for damaged in (b"", cut(rng, content.rstrip()), b"[1]"):
            target.write_bytes(damaged)
            with pytest.raises(InputError) as caught:
                redraw.redraw(copy)
            assert str(target) in str(caught.value)
            assert drawn.read_text() == "old"
            assert sorted(copy.rglob("*")) == before
        target.write_bytes(content)
    redraw.redraw(copy)
    assert drawn.read_text() != "old"


def test_figures_are_refused_by_name_or_drawn_whatever_odd_is_in_the_files(copy, plain):
    rng = np.random.default_rng(SEED)
    for name in ("claims.json", "bench/bench.json", "data/curves/log_cosh.json", "files.json"):
        content = (copy / name).read_bytes()
        for _ in range(2 * TIMES):
            (copy / name).write_bytes(odd(rng, content))
            with contextlib.suppress(InputError):
                redraw.redraw(copy)
        (copy / name).write_bytes(content)


def test_a_benchmark_that_cannot_be_drawn_is_refused_by_its_file(copy, plain, monkeypatch):
    def broken(*_):
        raise OverflowError("too fast")

    monkeypatch.setattr(redraw.engine_speed, "draw", broken)
    with pytest.raises(InputError, match=r"engine_speed cannot be drawn from what .*bench\.json"):
        redraw.redraw(copy)
    assert not list((copy / "figures").iterdir())


def test_runs_of_another_spec_are_refused_by_their_study(copy, plain):
    spec = copy / "data/curves/log_cosh.json"
    other = json.loads(spec.read_text())
    other["run"]["b"] = [1.0, 8.0, 16.0, 64.0]
    del other["problem"]["profile"]
    spec.write_text(json.dumps(other))
    with pytest.raises(InputError, match=r"log_cosh\.json"):
        redraw.redraw(copy, only=["of_runs"])


def test_evidence_that_a_figure_cannot_show_is_refused_by_its_file(copy, plain):
    claims = [{"id": "one", "evidence": {"instances": []}}]
    (copy / "claims.json").write_text(to_json({"claims": claims}))
    expected = r"of_evidence cannot be drawn from what .*claims\.json holds \(IndexError"
    with pytest.raises(InputError, match=expected):
        redraw.redraw(copy, only=["of_evidence"])
    assert not list((copy / "figures").iterdir())


@pytest.mark.parametrize("text", ['{"schema": 1}', "", "[1]", '{"schema": 0, "coverage": []}'])
def test_a_calibration_that_is_none_is_left_out_of_the_report_with_a_word(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    said = []
    judged = reproduce(out=tmp_path, only=["units.corrected"], stage=said.append)
    assert [item.verdict for item in judged] == ["holds"]
    assert len(said) == 1
    assert said[0].startswith(f"left out of the report: {path} is not a calibration")
    assert "How often the verdicts" not in (tmp_path / "report.html").read_text()
    assert path.read_text() == text


def test_the_calibration_of_the_tests_is_shown(whole):
    content = found(whole)
    assert content == calibration()
    assert len(sections(content)) == 6
    for section in sections(content):
        assert table(section.title, section.sides, section.rows).row_count
