"""The script for a GPU machine, without one: limits, marks, summary. CI runs `make gpu-day` dry."""

import importlib.util
import json
import sys
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "gpu_day"


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"gpu_day_{name}", HERE / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


run, summary = loaded("run"), loaded("summary")

LOG = """
[gw0] [  5%] PASSED tests/simulators/test_gpu_device.py::test_noise[triton]
[gw1] [ 10%] FAILED tests/simulators/test_gpu_device.py::test_noise[torch]
tests/simulators/test_gpu_device.py::test_bits[3-float64]
tests/simulators/test_gpu_device.py::test_bits[3-float32] SKIPPED (dry)  [ 60%]
tests/simulators/test_gpu_device.py::test_bits[3-float64] PASSED   [ 60%]
SKIPPED [4] tests/simulators/test_gpu_device.py:153: dry
1.20s call     tests/simulators/test_gpu_device.py::test_bits[3-float64]
FAILED tests/simulators/test_gpu_device.py::test_noise[torch] - AssertionError
"""


def test_a_cut_log_says_what_had_ended(tmp_path):
    (tmp_path / "log").write_text(LOG)
    ended, failed = summary.parity(tmp_path / "log")
    assert ended["test_bits"] == {"passed": 1, "skipped": 1}
    assert ended["test_noise"]["passed"] == 1
    assert failed == ["test_noise[torch]"]


def steps_named(monkeypatch, **sources):
    """Put steps in place of the real ones: Python code under a limit of a second."""
    monkeypatch.setattr(run, "STEPS", tuple(run.Step(name, name, 1.0) for name in sources))
    monkeypatch.setattr(
        run, "command", lambda step, out, dry: [sys.executable, "-c", sources[step.name]]
    )


def go(monkeypatch, out, *arguments):
    monkeypatch.setattr(sys, "argv", ["run.py", "--out", str(out), *arguments])
    code = run.main()
    return code, json.loads((out / "steps.json").read_text())


def test_a_step_that_hangs_or_fails_costs_only_itself(monkeypatch, tmp_path):
    hang = "import time; print('begun', flush=True); time.sleep(60)"
    steps_named(monkeypatch, hangs=hang, fails="raise SystemExit(3)", ends="print('done')")
    code, found = go(monkeypatch, tmp_path)
    assert code == 1
    assert {name: one["ended"] for name, one in found["steps"].items()} == {
        "hangs": "out of time", "fails": "with exit code 3", "ends": "well",
    }  # fmt: skip
    assert 1.0 <= found["steps"]["hangs"]["seconds"] < 20
    assert (tmp_path / "logs" / "hangs.log").read_text() == "begun\n"
    text = (tmp_path / "summary.txt").read_text()
    assert "hangs: ended out of time" in text
    assert len(text.splitlines()) <= 30


def test_a_step_run_again_keeps_what_the_others_found(monkeypatch, tmp_path):
    steps_named(monkeypatch, one="raise SystemExit(1)", two="")
    assert go(monkeypatch, tmp_path)[0] == 1
    steps_named(monkeypatch, one="", two="raise SystemExit(9)")
    code, found = go(monkeypatch, tmp_path, "--only", "one")
    assert code == 0
    assert [one["ended"] for one in found["steps"].values()] == ["well", "well"]


def test_a_real_run_does_not_keep_what_a_dry_one_wrote(monkeypatch, tmp_path):
    steps_named(monkeypatch, one="", two="")
    _, dry = go(monkeypatch, tmp_path, "--dry")
    assert dry["measured_on_gpu"] is False
    _, real = go(monkeypatch, tmp_path, "--only", "one")
    assert real["measured_on_gpu"] is True
    assert list(real["steps"]) == ["one"]


@pytest.mark.parametrize("real", [True, False])
def test_every_number_of_a_dry_run_is_marked(tmp_path, monkeypatch, real):
    row = {"case": "device_d", "engine": "triton", "d": 10, "b": 16, "R": 8, "T": 4,
           "dtype": "float32", "rate": 5e9}  # fmt: skip
    bound = {"d": 10, "dtype": "float32", "rate": 2e10, "instructions": 133.0, "registers": 185,
             "share": 0.25}  # fmt: skip
    content = {
        "steps.json": {"measured_on_gpu": real, "steps": {}},
        "bench_d.json": {"rows": [row], "bounds": [bound]},
        "reproduce.json": {"claims": [
            {"claim": "a", "gpu": "holds", "cpu": "holds", "largest_relative_difference": 0.5},
            {"claim": "b", "gpu": "holds", "cpu": "refuted", "largest_relative_difference": 0.1},
        ]},
        "machine.json": {"card": "a card", "python": "3.12", "versions": {}},
    }  # fmt: skip
    for name, part in content.items():
        (tmp_path / name).write_text(json.dumps(part))
    monkeypatch.setattr(sys, "argv", ["summary.py", str(tmp_path)])
    summary.main()
    said = {name: (tmp_path / name).read_text() for name in ("summary.txt", "readme.md")}
    numbers = [
        line
        for line in (said["summary.txt"] + said["readme.md"]).splitlines()
        if any(word in line for word in ("5e9", "20e9", "1 of 2", "| 5"))
    ]
    assert len(numbers) == 4
    assert all((summary.NOT_MEASURED in line) != real for line in numbers)
    assert "reached 25%" in said["summary.txt"]
    assert "differs: b" in said["summary.txt"]
    assert "differ by at most 0.5" in said["summary.txt"]


def test_a_missing_package_is_taken_from_a_wheel_of_this_python(monkeypatch, tmp_path):
    mine = f"cp{sys.version_info.major}{sys.version_info.minor}"
    for tag in (mine, "cp30"):
        with zipfile.ZipFile(tmp_path / f"nowhere-1-{tag}-{tag}-any.whl", "w") as wheel:
            wheel.writestr("nowhere/__init__.py", f"TAG = {tag!r}")
    monkeypatch.setattr(run, "NEEDED", ("nowhere",))
    monkeypatch.setattr(run, "WHEELS", tmp_path)
    (site,) = run.unpacked(tmp_path / "out")
    assert mine in Path(site, "nowhere", "__init__.py").read_text()
    monkeypatch.setattr(run, "WHEELS", tmp_path / "empty")
    with pytest.raises(SystemExit, match="no wheel of it for this Python"):
        run.unpacked(tmp_path / "other")


def test_every_step_has_a_limit_and_all_fit_a_lease():
    assert all(step.limit > 0 for step in run.STEPS)
    assert sum(step.limit for step in run.STEPS) <= 12 * 60
