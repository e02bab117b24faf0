"""A parameter server of two processes goes the simulator's way (Remark 3)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from simulators import SeparableProblem, simulate

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("parameter_server.py")
RUN = {"gamma": 0.03, "rho": 0.2, "beta1": 0.9, "beta2": 0.95, "eps": 0.25, "b": 4, "T": 60}


def serve(folder: Path, n: int, settings: list[dict]) -> list[list[np.ndarray]]:
    """Run n workers, each through all settings; return each setting's paths, one a worker."""
    (folder / "settings.json").write_text(json.dumps(settings))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, WORKER, str(n), folder], env=environment, timeout=120, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return [
        [np.load(folder / f"path{number}-{rank}.npy") for rank in range(n)]
        for number in range(len(settings))
    ]


def test_two_processes_around_a_server_go_the_simulators_path(tmp_path):
    problems = [
        SeparableProblem("log_cosh", noise, L=2, sigma=0.75, G=1.5, d=3, start=[0.4, -0.1, 2])
        for noise in ("additive", "shift")
    ]
    common = {**RUN, "runs": 1, "seed": 3, "record": "trajectory", "dtype": "float64"}

    def go(problem, n, engine):
        return simulate(problem, method="local_sam", workers=n, **common, engine=engine)

    expected = [go(problem, 2, "reference") for problem in problems]
    served = serve(
        tmp_path,
        2,
        [
            {**RUN, "problem": problem.spec, "key": runs.inputs.key[0].tolist()}
            for problem, runs in zip(problems, expected, strict=True)
        ],
    )
    if sys.platform == "linux":  # nothing listens to the network
        for rank in range(2):
            addresses = json.loads((tmp_path / f"addresses{rank}.json").read_text())
            assert set(addresses) == {"127.0.0.1"}
    for problem, runs, paths in zip(problems, expected, served, strict=True):
        assert np.array_equal(paths[0], paths[1])
        for way in (runs, go(problem, 2, "numba")):
            np.testing.assert_allclose(paths[0], way.x[0], rtol=0, atol=1e-12)
        single = go(problem, 1, "reference")
        assert np.abs(runs.x[0] - single.x[0]).max() > 1e-3
