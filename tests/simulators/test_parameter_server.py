"""A parameter server of two processes goes the simulator's way (Remark 3)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulators import SeparableProblem, simulate

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("parameter_server.py")
RUN = {"gamma": 0.03, "rho": 0.2, "beta1": 0.9, "beta2": 0.95, "eps": 0.25, "b": 4, "T": 60}


def serve(folder: Path, n: int, setting: dict) -> list[np.ndarray]:
    """Run n processes; return each one's path."""
    (folder / "setting.json").write_text(json.dumps(setting))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    crew = [
        subprocess.Popen(
            [sys.executable, WORKER, str(rank), str(n), folder],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(n)
    ]  # fmt: skip
    try:
        for process in crew:
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 0, said
    finally:
        for process in crew:
            process.kill()
    return [np.load(folder / f"path{rank}.npy") for rank in range(n)]


@pytest.mark.parametrize("noise", ["additive", "shift"])
def test_two_processes_around_a_server_go_the_simulators_path(tmp_path, noise):
    problem = SeparableProblem("log_cosh", noise, L=2, sigma=0.75, G=1.5, d=3, start=[0.4, -0.1, 2])
    common = {**RUN, "runs": 1, "seed": 3, "record": "trajectory", "dtype": "float64"}
    runs, single = (
        simulate(problem, method="local_sam", workers=n, **common, engine="reference")
        for n in (2, 1)
    )
    setting = {**RUN, "problem": problem.spec, "key": runs.inputs.key[0].tolist()}
    paths = serve(tmp_path, 2, setting)
    if sys.platform == "linux":  # nothing listens to the network
        for rank in range(2):
            addresses = json.loads((tmp_path / f"addresses{rank}.json").read_text())
            assert set(addresses) == {"127.0.0.1"}
    assert np.array_equal(paths[0], paths[1])
    np.testing.assert_allclose(paths[0], runs.x[0], rtol=0, atol=1e-12)
    fast = simulate(problem, method="local_sam", workers=2, **common, engine="numba")
    np.testing.assert_allclose(paths[0], fast.x[0], rtol=0, atol=1e-12)
    assert np.abs(runs.x[0] - single.x[0]).max() > 1e-3
