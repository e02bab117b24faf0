"""Files are written whole or not at all, and what a killed process leaves is cleaned up."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from simulators import files
from simulators.files import staged, sweep, whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_until_it_is_whole_a_file_is_the_old_one(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with whole(path) as file:
        file.write(b"half")
        file.flush()
        assert path.read_bytes() == b"old"
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_or_an_interruption_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted():
        with whole(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_anybody_may_read_what_was_written(tmp_path):
    with whole(tmp_path / "file") as file:
        file.write(b"whole")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.fixture
def full():
    """No file of this process may exceed 1000 bytes."""
    resource = pytest.importorskip("resource", reason="limits of files are POSIX's")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def plainly(path):
    with whole(path) as file:
        file.write(bytes(2000))


def as_arrays(path):
    with whole(path) as file:
        np.savez(file, x=np.zeros(1000))


def in_a_stage(path):
    with staged(path.parent) as place:
        plainly(place / path.name)


@pytest.mark.parametrize("write", [plainly, as_arrays, in_a_stage])
def test_a_write_that_fails_names_its_file_and_leaves_nothing(tmp_path, full, write):
    path = tmp_path / "file"
    with pytest.raises(OSError, match="File too large") as caught:
        write(path)
    assert caught.value.filename == str(path)
    assert names(tmp_path) == []


def test_a_folder_that_is_not_there_is_named_by_the_file(tmp_path):
    path = tmp_path / "none" / "file"
    with pytest.raises(OSError, match="file") as caught, whole(path):
        pass
    assert caught.value.filename == str(path)


def test_an_error_on_another_file_keeps_its_name(tmp_path):
    with pytest.raises(OSError, match="other") as caught, whole(tmp_path / "file"):
        (tmp_path / "other").open()
    assert caught.value.filename == str(tmp_path / "other")


def test_staged_files_come_at_the_end_and_together(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one").write_text("old")
    (tmp_path / "deep" / "mine").write_text("mine")
    with staged(tmp_path) as place:
        (place / "deep").mkdir()
        (place / "deep" / "one").write_text("new")
        (place / "two").write_text("new")
        assert not (tmp_path / "two").exists()
        assert (tmp_path / "deep" / "one").read_text() == "old"
    assert names(tmp_path) == ["deep", "mine", "one", "two"]
    assert (tmp_path / "deep" / "one").read_text() == "new"


def test_a_stage_that_is_interrupted_leaves_the_folder_as_it_was(tmp_path):
    (tmp_path / "two").write_text("new")

    def interrupted():
        with staged(tmp_path) as place:
            (place / "two").write_text("newer")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "two").read_text() == "new"
    assert names(tmp_path) == ["two"]


HELD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])  # the module alone: the package takes seconds
from files import staged, whole
folder = Path(sys.argv[1])
with whole(folder / "file") as file, staged(folder) as place:
    (place / "inner").write_text("half")
    print("ready", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HELD, str(tmp_path), str(Path(files.__file__).parent)],
            stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        for process in running:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        (tmp_path / "tmpabcd1234.part").write_text("not ours")
        (tmp_path / ".adasam-elsewhere-1-abcdefgh.part").write_text("another machine's")
        before = set(tmp_path.iterdir())
        sweep(tmp_path)
        assert set(tmp_path.iterdir()) == before
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()
        sweep(tmp_path)
        gone = before - set(tmp_path.iterdir())
        assert len(gone) == 2
        assert all(f"-{running[0].pid}-" in path.name for path in gone)
    finally:
        for process in running:
            process.kill()
            process.communicate()


def test_leftovers_of_an_earlier_process_of_the_same_number_go_too(tmp_path):
    # In a container every run may be process 1.
    with whole(tmp_path / "file"):
        (mine,) = tmp_path.iterdir()
        sweep(tmp_path)
        assert mine.exists()
        stale = mine.with_name(mine.name.replace(".part", "x.part"))
        stale.write_text("stale")
        yesterday = time.time() - 86400
        os.utime(stale, (yesterday, yesterday))
        sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [mine.name]
