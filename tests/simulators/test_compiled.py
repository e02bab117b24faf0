"""Kernels on disk: what is damaged is set aside, and no file or folder stops a simulation."""

import errno
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numba.core import config

from simulators.engines.numba_cpu import compiled, tasks
from verify.answers import doctor


def made(factor=2.0):
    """A kernel whose code holds a number from its surroundings, as the engine's do."""

    def scale(out):
        out[0] = factor * out[0]

    return compiled.kernel(scale)


def run(kernel):
    """Run it; how it was compiled."""
    out = np.ones(1)
    with tasks.compilations() as seen:
        kernel(out)
    return out[0], seen


@pytest.fixture
def files(monkeypatch, tmp_path):
    """A cache of our own, and a look at its files."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    compiled._say_nowhere.cache_clear()
    return lambda suffix=compiled.SUFFIX: sorted(tmp_path.rglob(f"*{suffix}"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The files that a cache holds once the kernel has run: name, content."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "CACHE_DIR", str(folder))
        run(made())
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.kernel")}


@pytest.fixture
def filled(files, kept, tmp_path):
    """Such a cache of our own."""
    for name, content in kept.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return files


def test_a_kernel_is_compiled_once_and_found_by_the_next(files):
    for kernels in (1, 0):
        value, seen = run(made())
        assert (value, seen.kernels) == (2.0, kernels)
        assert str(seen).endswith("s, kept for next time")
    assert len(files()) == 1


DAMAGES = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "cut by a byte": lambda whole: whole[:-1],
    "empty": lambda whole: b"",
    "longer": lambda whole: whole + b"\0",
    "no checksum": lambda whole: whole[32:],
    "foreign": lambda whole: pickle.dumps("0.68.1") * 9,
    **{
        f"flipped at {share}": lambda whole, share=share: (
            whole[: int(share * (len(whole) - 1))]
            + bytes([whole[int(share * (len(whole) - 1))] ^ 4])
            + whole[int(share * (len(whole) - 1)) + 1 :]
        )
        for share in (0, 0.002, 0.6, 1)
    },
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_set_aside_named_in_a_line_and_compiled_anew(filled, caplog, damage):
    (path,) = filled()
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    value, seen = run(made())
    assert (value, seen.kernels) == (2.0, 1)
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} is damaged: set aside as {path.stem}{compiled.DAMAGED}; the kernel is compiled "
        "anew."
    ]
    assert filled(compiled.DAMAGED)[0].read_bytes() == DAMAGES[damage](whole)
    assert run(made())[1].kernels == 0
    assert len(caplog.records) == 1


def test_a_damaged_file_that_cannot_be_moved_stops_nothing(filled, caplog, monkeypatch):
    (path,) = filled()
    path.write_bytes(b"")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert run(made())[0] == 2.0
    assert f"{path} is damaged: left there (Permission denied)" in caplog.text


def test_code_made_from_other_sources_is_not_taken_and_leaves_no_second_file(filled):
    assert run(made(2.0))[1].kernels == 0
    value, seen = run(made(3.0))
    assert (value, seen.kernels) == (3.0, 1)
    assert len(filled()) == 1
    assert run(made(3.0))[1].kernels == 0


@pytest.mark.parametrize("library", ["numba", "llvmlite"])
def test_code_of_another_version_of_a_library_is_not_taken(filled, monkeypatch, library):
    monkeypatch.setattr(getattr(compiled, library), "__version__", "0.0")
    assert run(made())[1].kernels == 1


def test_each_signature_has_a_file_of_its_own(files):
    kernel = made()
    for dtype in ("float32", "float64"):
        kernel(np.ones(1, dtype=dtype))
    assert len(files()) == 2
    again = made()
    with tasks.compilations() as seen:
        for dtype in ("float32", "float64"):
            out = np.ones(1, dtype=dtype)
            again(out)
            assert out[0] == 2
    assert seen.kernels == 0


def test_a_full_disk_is_told_in_a_line_and_stops_nothing(files, caplog, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(compiled, "whole", full)
    kernel = made()
    value, seen = run(kernel)
    assert value == 2.0
    assert not compiled.is_kept(kernel)
    assert str(seen).endswith(", not kept for next time")
    assert "No space left on device" in caplog.text
    assert "Set NUMBA_CACHE_DIR to a folder with room." in caplog.text
    kernel(np.ones(1, dtype=np.float32))
    assert len(caplog.records) == 1


def test_without_a_place_to_write_kernels_run_and_it_is_said_once(files, caplog, monkeypatch):
    monkeypatch.setattr(compiled._Cache._impl_class, "_locator_classes", [])
    for _ in range(2):
        kernel = made()
        value, seen = run(kernel)
        assert value == 2.0
        assert str(seen).endswith(", not kept for next time")
    assert [record.getMessage() for record in caplog.records] == [compiled.NOWHERE]
    assert doctor._kernels() == ("not kept", [compiled.NOWHERE])


def test_doctor_says_where_kernels_are_and_which_is_damaged(files, tmp_path):
    run(made())
    facts, problems = doctor.examine()
    place = dict(facts)["compiled kernels"].removeprefix("kept in ")
    assert place.startswith(str(tmp_path))
    assert not any("damaged" in problem for problem in problems)
    bad = os.path.join(place, f"lanes{compiled.SUFFIX}")
    with open(bad, "wb") as file:
        file.write(b"damaged")
    _, problems = doctor._kernels()
    assert problems == [
        f"{bad} is damaged: the next simulation sets it aside and compiles the kernel anew."
    ]


UNCOMPILED = """
import sys
from simulators import SeparableProblem, simulate
from simulators.problems import FiniteSum
from theory.errors import InputError
run = dict(gamma=.02, rho=.1, beta1=.9, beta2=.9, eps=.25, b=3, T=2, runs=1, seed=1)
problems = (
    SeparableProblem("huber", "additive", L=2, sigma=.75, G=1.5, d=3, start=.4),
    FiniteSum.synthetic(20, 3, alpha=.1, seed=1),
)
for problem in problems:
    try:
        simulate(problem, **run, engine="numba")
    except InputError as error:
        print(error)
    simulate(problem, **run, engine="reference")
"""


def test_numba_told_not_to_compile_is_refused_with_a_cure():
    done = subprocess.run(
        [sys.executable, "-c", UNCOMPILED], env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [compiled.NO_JIT] * 2, done.stderr


def test_doctor_says_that_numba_is_told_not_to_compile(files, monkeypatch):
    monkeypatch.setattr(compiled, "ENABLED", False)
    assert doctor._kernels()[1] == [compiled.NO_JIT]
