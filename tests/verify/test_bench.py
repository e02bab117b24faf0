"""`adasam bench`: turn by turn, medians, ratios; no test looks at how fast anything is."""

import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from figures.style import FORMATS
from simulators.engines import choice
from simulators.engines.triton_gpu import separable as gpu_triton
from verify import bench, cli
from verify.bench import children, contenders, job, measure
from verify.bench import device as on_device
from verify.bench.cases import cases
from verify.bench.contenders import CONTENDERS, Contender
from verify.bench.device import DeviceSizes
from verify.bench.measure import Entry, held_to, rates
from verify.bench.ratios import ratios
from verify.bench.setting import Setting
from verify.drawing.engine_speed import speed

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="only Linux holds a process to some cores"
)

TINY = bench.Sizes(
    runs=4, d=(10,), b=(1,), T=(4, 8), R=(2, 1024), ragged=(4, 8), rounds=2, seconds=1e-4,
    fewest=1e-3,
)  # fmt: skip

COMPILED = {
    name: {"kernels": 1, "functions": 2, "compile_seconds": 3.0, "import_seconds": 4.0,
           "first_seconds": 5.0}
    for name in ("cold", "warm")
}  # fmt: skip


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(measure.time, "perf_counter", clock.perf_counter)
    return clock


def silent(*_):
    """Report no progress."""


def test_entries_take_turns_and_the_median_of_the_rounds_counts_without_the_warm_up(clock):
    calls = []
    # The warm-up's call and the one that sees how long it takes are as slow as can be.
    pace = {"a": iter([99, 5, 1, 4, 2, 3, 5]), "b": iter([99, 5, 10, 20, 40, 50, 30])}

    def make(name):
        def run(T, seed):
            calls.append((name, T, seed))
            clock.now += next(pace[name])

        return lambda: run

    entries = [Entry({"engine": name}, 1, make(name), per_step=7.0, T=6) for name in "ab"]
    first, second = rates(entries, rounds=5, seconds=1.0, label="x", progress=silent)
    order = [name for name, _, _ in calls]
    assert order == ["a", "a", "b", "b"] + ["a", "b"] * 5
    assert (first["rate"], first["low"], first["high"]) == (42 / 3, 42 / 5, 42 / 1)
    assert (second["rate"], second["low"], second["high"]) == (42 / 30, 42 / 50, 42 / 10)
    assert (first["T"], first["threads"], first["rounds"]) == (6, 1, 5)
    seeds = [seed for name, _, seed in calls if name == "a"]
    assert len(set(seeds)) == len(seeds)


def test_as_many_steps_are_timed_as_take_the_time_asked_for(clock):
    def run(T, seed):
        clock.now += 1e-3 * T

    entry = Entry({}, 1, lambda: run, per_step=5.0)
    (row,) = rates([entry], rounds=3, seconds=2.0, label="x", progress=silent)
    assert row["T"] == 2000
    assert row["rate"] == pytest.approx(5.0 / 1e-3)
    (row,) = rates(
        [Entry({}, 1, lambda: run, per_step=5.0, fewest=4096)], rounds=3, seconds=2.0, label="x",
        progress=silent,
    )  # fmt: skip
    assert row["T"] == 4096


def test_a_T_that_is_given_is_timed_as_often_as_takes_the_time_asked_for(clock):
    calls = []

    def run(T, seed):
        calls.append(T)
        clock.now += 1e-3 * T

    entry = Entry({}, 1, lambda: run, per_step=5.0, T=10)
    (row,) = rates([entry], rounds=3, seconds=0.05, label="x", progress=silent)
    assert calls == [10] * (2 + 3 * 5)
    assert row["rate"] == pytest.approx(5.0 / 1e-3)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_held_within_and_as_before_after_even_an_interruption(threads):
    cores, before = os.sched_getaffinity(0), torch.get_num_threads()
    seen = []

    def stop():
        with held_to(threads):
            seen.append((len(os.sched_getaffinity(0)), torch.get_num_threads()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert seen == [(min(threads, len(cores)), threads)]
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == (cores, before)


def row(case, engine="numba", rate=1.0, **more):
    fields = {"d": 10, "b": 16, "T": 4000, "R": 1024, "dtype": "float32", "threads": 1}
    return {"case": case, "engine": engine, "rate": rate} | fields | more


def test_ratios_are_those_of_the_rows_that_they_name():
    rows = [
        row("d", rate=60.0), row("d", "numpy", 5.0), row("d", rate=80.0, d=100),
        row("d", "numpy", 8.0, d=100), row("b", rate=30.0, b=1), row("b", rate=20.0),
        row("b", rate=10.0, b=65536), row("b", "numpy", 1.0, b=1), row("T", rate=50.0),
        row("T", rate=45.0, T=64000), row("R", rate=8.0, R=64), row("R", rate=16.0),
        row("threads", rate=7.0), row("threads", rate=14.0, threads=2),
        row("ragged", rate=9.0, ragged=True), row("ragged", rate=10.0),
        row("dtype", rate=6.0, dtype="float64"), row("dtype", rate=8.0),
        row("eta", rate=4.0, eta="rests"), row("eta", rate=3.0, eta="changes every step"),
        row("finite_sum", "torch_gather_bmm", 2.0),
        row("finite_sum", rate=7.0, gradient_share=1e-9),
        row("finite_sum", rate=4.0, gradient_share=1 / 64),
    ]  # fmt: skip
    memory = [{"T": 4000, "peak_bytes": 100}, {"T": 64000, "peak_bytes": 101}]
    found = {item["name"]: item["value"] for item in ratios(rows, memory)}
    assert found == {
        "numba/numpy, d = 10": 12.0,
        "numba/numpy, d = 100": 10.0,
        "b = 1 / b = 16": 1.5,
        "b = 65536 / b = 16": 0.5,
        "T = 64000 / T = 4000": 0.9,
        "R = 64 / R = 1024": 0.5,
        "threads = 2": 2.0,
        "ragged T": 0.9,
        "numba, float64": 0.75,
        "eta changes every step": 0.75,
        "finite sum, numba/torch_gather_bmm": 3.5,
        "finite sum, numba, statistics/torch_gather_bmm": 2.0,
        "peak memory, T = 64000 / T = 4000": 1.01,
    }


def test_what_was_not_measured_has_no_ratio():
    assert ratios([]) == []
    assert ratios([row("threads"), row("d"), row("b")]) == []


def test_every_contender_is_timed_at_every_d_and_the_sizes_are_those_asked_for():
    made = {name: entries() for name, entries in cases(bench.FULL, 2).items()}
    present = {name for name, contender in CONTENDERS.items() if not contender.missing}
    for d in (1, 10, 100, 1000):
        assert {e.row["engine"] for e in made["d"] if e.row["d"] == d} == present
    numba = [
        e for name, entries in made.items() if name != "finite_sum"
        for e in entries if e.row["engine"] == "numba"
    ]  # fmt: skip
    assert {e.row["b"] for e in numba} == {1, 4, 16, 64, 256, 65536}
    assert {e.row["R"] for e in made["R"]} == {64, 256, 1024, 4096, 16384}
    assert {e.T for e in made["T"]} == {4000, 16000, 64000}
    assert [e.threads for e in made["threads"]] == [1, 2]
    assert [e.threads for e in cases(bench.FULL, 1)["threads"]()] == [1]
    ragged, even = made["ragged"]
    # As much work in both, but for rounding.
    assert even.T is not None
    assert ragged.T is not None
    assert ragged.per_step * ragged.T == pytest.approx(even.per_step * even.T, rel=1e-3)


def test_a_contender_that_is_not_installed_is_left_out_and_named(monkeypatch):
    absent = Contender("absent", "", lambda *_: lambda *_: np.zeros(1), needs=("no_such_package",))
    monkeypatch.setitem(CONTENDERS, "absent", absent)
    entries = cases(TINY, 1)["d"]()
    assert "absent" not in {entry.row["engine"] for entry in entries}
    assert absent.missing == ["no_such_package"]


def test_compilations_are_counted_with_and_without_what_they_call():
    from numba import njit
    from numba.core.event import RecordingListener, install_listener

    inner = njit(lambda x: x + 1)
    outer = njit(lambda x: inner(x) * 2)
    with install_listener("numba:compile", RecordingListener()) as listener:
        assert outer(1) == 4
    both = children.counted(listener.buffer)
    assert (both["kernels"], both["functions"]) == (1, 2)
    assert both["compile_seconds"] > 0
    with install_listener("numba:compile", RecordingListener()) as listener:
        assert outer(2) == 6
    again = children.counted(listener.buffer)
    assert again == {"kernels": 0, "functions": 0, "compile_seconds": 0.0}


def test_the_quick_presets_simulations_are_all_there_and_short():
    from verify.claims import CLAIMS

    specs = children.quick_specs()
    assert len(specs) >= len({claim.study.name for claim in CLAIMS.values() if claim.study})
    assert all(spec.run.runs == 1 and max(spec.run.T) < 100 for spec in specs)
    assert {spec.engine.dtype for spec in specs} == {"float32", "float64"}


def test_memory_is_that_of_processes_of_their_own(monkeypatch):
    (item,) = children.memory((8,), 4, silent)
    assert (item["T"], item["R"]) == (8, 4)
    # An interpreter with numba loaded holds more than this, and far less than that.
    assert 2e7 < item["peak_bytes"] < 4e9
    assert item["added_bytes"] <= item["peak_bytes"]
    # Another length has another process, which is not started here.
    asked = []
    monkeypatch.setattr(children, "_in_a_child", lambda *asks: asked.append(asks) or len(asked))
    assert children.memory((4, 8), 4, silent) == [1, 2]
    assert asked == [(children._memory, 4, 4), (children._memory, 8, 4)]


@pytest.fixture
def tiny(monkeypatch):
    """The command with sizes that take no time, and without its child processes."""
    monkeypatch.setattr(job, "QUICK", TINY)
    monkeypatch.setattr(job, "quick_specs", list)
    monkeypatch.setattr(job, "compilation", lambda specs, progress: COMPILED)
    monkeypatch.setattr(
        job, "memory",
        lambda lengths, runs, progress: [
            {"engine": "numba", "d": 10, "R": runs, "T": T, "peak_bytes": 10, "added_bytes": 1}
            for T in lengths
        ],
    )  # fmt: skip


def adasam(capsys, monkeypatch, *arguments):
    """Run the command line in this process; return the exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


def test_json_alone_is_printed_and_tables_say_the_same(capsys, monkeypatch, tmp_path, tiny):
    folder = tmp_path / "bench"
    code, out, _ = adasam(capsys, monkeypatch, "bench", "--quick", "--json", "--out", str(folder))
    content = json.loads(out)
    assert code == 0
    assert json.loads((folder / "bench.json").read_text()) == content
    figures = {f"engine_speed.{kind}" for kind in FORMATS}
    assert {path.name for path in folder.iterdir()} == {"bench.json", *figures}
    assert content["quick"] is True
    assert content["machine"]["cores"] == len(os.sched_getaffinity(0))
    for item in content["rows"]:
        assert {"case", "engine", "d", "b", "dtype", "threads", "rate", "R", "T", "device"} <= {
            *item
        }
        assert 0 < item["low"] <= item["rate"] <= item["high"]
        assert item["rounds"] == TINY.rounds
    present = {name for name, contender in CONTENDERS.items() if not contender.missing}
    assert {item["engine"] for item in content["rows"] if item["case"] == "d"} == present
    assert set(content["missing"]) == set(CONTENDERS) - present
    # Every ratio can be had from the rows again.
    assert ratios(content["rows"], content["memory"]) == content["ratios"]
    drawn = speed(content)
    assert set(drawn.bars) == {10}
    assert {line.engine for line in drawn.over_d} == present
    monkeypatch.setattr(bench, "bench", lambda **_: content)
    code, out, _ = adasam(capsys, monkeypatch, "bench", "--quick")
    assert code == 0
    for words in (
        "Rates", "torch_optim_loop", "ragged T", "Ratios", "numba/numpy, d = 10",
        "Compilation", "cold", "warm", "Peak memory", "Measured on", "processor", "llvmlite",
    ):  # fmt: skip
        assert words in out, words


TINY_DEVICE = DeviceSizes(
    d=(2, 3), b=(1, 16), R=(4, 8), T=(4, 8), fills=6, dtypes=("float32", "float64"), runs=2,
    rounds=2, seconds=1e-4, steps=4,
)  # fmt: skip


def test_on_a_gpu_its_engines_are_timed_beside_numba_on_all_cores(capsys, monkeypatch, tmp_path):
    # A processor stands in for the card: what is timed, and how it is told, is the same.
    monkeypatch.setattr(choice, "resolve_device", lambda name: name)
    monkeypatch.setattr(job, "resolve_device", lambda name: name)
    monkeypatch.setattr(job, "machine", lambda device: {"gpu": f"the card {device}"})
    monkeypatch.setattr(on_device, "QUICK", TINY_DEVICE)
    monkeypatch.setattr(on_device, "bounds", lambda sizes, rows, device: [])
    timed = []

    def fake(setting, runs, dtype, name, T, seed, device="cpu"):
        timed.append((name, device, setting.d, setting.b, runs, dtype, int(T)))

    monkeypatch.setattr(contenders, "simulated", fake)
    monkeypatch.setattr(on_device, "simulated", fake)
    monkeypatch.setattr(on_device, "ENGINES", ("numba", "torch", "torch_eager", "triton"))
    arguments = ["bench", "--quick", "--device", "cuda:0", "--json", "--out", str(tmp_path)]
    code, out, _ = adasam(capsys, monkeypatch, *arguments)
    assert code == 0
    content = json.loads(out)
    assert content == json.loads((tmp_path / "bench.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]
    assert content["machine"] == {"gpu": "the card cuda:0"}
    assert content["memory"] == []
    rows = content["rows"]
    cores = len(os.sched_getaffinity(0))
    assert {(row["engine"], row["device"], row["threads"]) for row in rows} >= {
        ("numba", "cpu", cores), ("torch", "cuda:0", 1), ("torch_eager", "cuda:0", 1),
    }  # fmt: skip
    named = {
        case: {(row["d"], row["b"], row["R"], row["dtype"], row["T"]) for row in rows
               if row["case"] == f"device_{case}" and row["engine"] == engine}
        for case, engine in (("d", "torch"), ("b", "torch"), ("R", "torch"), ("T", "triton"))
    }  # fmt: skip
    both = ("float32", "float64")
    assert named["d"] == {(d, 16, 6 // d, dtype, 4) for d in (2, 3) for dtype in both}
    assert named["b"] == {(10, b, 2, dtype, 4) for b in (1, 16) for dtype in both}
    assert named["R"] == {(10, 16, R, "float32", 4) for R in (4, 8)}
    assert named["T"] == {(10, 16, 2, "float32", T) for T in (4, 8)} or gpu_triton.unusable_triton()
    # What a row says is what was run.
    run = {(d, b, runs, dtype, T) for name, _, d, b, runs, dtype, T in timed if name == "torch"}
    assert run == set().union(*(named[case] for case in ("d", "b", "R")))
    found = {ratio["name"]: ratio["value"] for ratio in content["ratios"]}
    rates = {(row["engine"], row["R"]): row["rate"] for row in rows if row["case"] == "device_R"}
    for R in (4, 8):
        expected = rates["torch", R] / rates["numba", R]
        assert found[f"torch/numba, d = 10, R = {R}, b = 16, float32"] == expected
    if not gpu_triton.unusable_triton():
        assert found["triton, R = 8 / R = 4"] == rates["triton", 8] / rates["triton", 4]
    _, text, _ = adasam(capsys, monkeypatch, *arguments[:-3])
    assert "the card cuda:0" in text
    assert "Compilation" not in text


def test_without_a_graph_every_operation_is_launched_and_the_setting_comes_back(monkeypatch):
    from simulators.engines.torch_any import separable as torch_batched

    seen, usual = [], torch_batched.WORTH_A_GRAPH
    monkeypatch.setattr(on_device, "simulated", lambda *_: seen.append(torch_batched.WORTH_A_GRAPH))
    on_device._maker("torch_eager", "cpu")(Setting(), 2, "float32")(70, 0)
    assert seen == [71]  # no run has so many steps left
    assert usual == torch_batched.WORTH_A_GRAPH


def test_the_issue_bound_stands_beside_the_fastest_row_of_its_kernel(monkeypatch):
    monkeypatch.setattr(gpu_triton, "unusable_triton", lambda: None)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(
        on_device.issue, "bound",
        lambda setting, dtype, card: {"d": setting.d, "dtype": dtype, "rate": 100.0 * setting.d},
    )  # fmt: skip
    same = {"engine": "triton", "d": 2, "b": 16, "dtype": "float32"}
    rows = [
        same | {"R": 4, "rate": 20.0}, same | {"R": 8, "rate": 50.0},
        same | {"R": 16, "rate": 90.0, "b": 1}, same | {"R": 32, "rate": 95.0, "engine": "torch"},
    ]  # fmt: skip
    sizes = replace(TINY_DEVICE, dtypes=("float32",))
    two, three = on_device.bounds(sizes, rows, "cpu")
    assert (two["R"], two["measured"], two["share"]) == (8, 50.0, 0.25)
    assert (three["R"], three["measured"], three["share"]) == (None, None, None)


def test_a_device_that_is_not_there_is_refused_before_anything_is_timed(capsys, monkeypatch):
    code, _, error = adasam(capsys, monkeypatch, "bench", "--device", "nowhere")
    assert code == 2
    assert "device = 'nowhere' cannot be used" in error


def test_an_interruption_leaves_no_file(capsys, monkeypatch, tmp_path, tiny):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "rates", stop)
    code, out, _ = adasam(
        capsys, monkeypatch, "bench", "--quick", "--json", "--out", str(tmp_path / "bench")
    )
    assert code == 130
    assert out == ""
    assert list((tmp_path / "bench").iterdir()) == []


def test_an_out_that_cannot_be_written_to_is_refused_before_anything_is_timed(
    capsys, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "bench")
    code, out, err = adasam(capsys, monkeypatch, "bench", "--out", place)
    assert (code, out) == (2, "")
    assert "--out" in err


def test_a_system_that_cannot_hold_cores_is_refused(capsys, monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity")
    code, out, err = adasam(capsys, monkeypatch, "bench", "--quick", "--json")
    assert (code, out) == (2, "")
    assert "Linux" in err
