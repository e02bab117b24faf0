"""A command that is terminated leaves no process and no temporary file behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BENCH = """
import sys
from simulators.spec import ProblemSpec, RunSpec, Spec
from verify import bench, cli
from verify.bench.children import compilation

def endless(**options):
    problem = ProblemSpec(profile="huber", L=1.0, sigma=0.5, G=1.0, d=1, start=0.3)
    run = RunSpec(gamma=0.01, rho=0.0, beta1=0.0, beta2=0.9, eps=1.0, b=1.0, T=1e9, runs=9, seed=0)
    print("ready", flush=True)
    return compilation([Spec(problem=problem, run=run)], lambda *_: None)

bench.bench = endless
sys.argv = ["adasam", "bench"]
cli.main()
"""


def of(folder: Path) -> list[int]:
    """Return the processes whose temporary files go to a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def until(met) -> bool:
    """Wait for something; the limit is for a machine that is very busy."""
    for _ in range(1200):
        if met():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
def test_a_benchmark_that_is_terminated_leaves_no_process_and_no_folder(tmp_path):
    command = subprocess.Popen(
        [sys.executable, "-c", BENCH],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert command.stdout
        assert command.stdout.readline() == "ready\n"
        # The child, and multiprocessing's own helper, are there.
        assert until(lambda: len(of(tmp_path)) > 2)
        assert list(tmp_path.glob("adasam-bench-*"))
        command.send_signal(signal.SIGTERM)
        assert command.wait(timeout=120) == 128 + signal.SIGTERM
        assert list(tmp_path.iterdir()) == []
        assert until(lambda: of(tmp_path) == [])
    finally:
        for process in of(tmp_path):
            os.kill(process, signal.SIGKILL)
        command.communicate()
