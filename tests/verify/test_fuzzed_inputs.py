"""Mutated specs, data files and numbers: success or an input error, and nothing else."""

import json
import random
import sys

import numpy as np
import pytest

from simulators import spec as specs
from simulators.problems import datafile
from theory import Constants, Hyperparameters, InputError
from theory.theorem1 import VARIANTS
from verify import cli
from verify.answers.evaluation import certified, measured_cells

SEPARABLE = {
    "problem": {
        "profile": "huber", "noise": "additive", "L": 1.0, "sigma": 0.5, "G": 1.0, "d": 3,
        "start": 0.5,
    },
    "run": {
        "gamma": 0.01, "rho": 0.01, "beta1": 0.9, "beta2": 0.9, "eps": 0.5, "b": 2, "T": 2,
        "runs": 2, "seed": 1,
    },
    "engine": {"name": "reference"},
}  # fmt: skip
SHIFTED = SEPARABLE | {"problem": SEPARABLE["problem"] | {"profile": "rational", "noise": "shift"}}
FINITE = SEPARABLE | {"problem": {"kind": "finite_sum", "N": 5, "d": 2, "alpha": 0.1, "seed": 1}}
SCHEDULED = SEPARABLE | {
    "run": {
        name: value for name, value in SEPARABLE["run"].items() if name not in ("gamma", "rho")
    } | {"schedule": "corollary1", "c_gamma": "corrected", "c_rho": 0.1}
}  # fmt: skip

MORE = {
    "problem": ["condition", "curvatures", "rotation", "kind", "scale", "flip", "data", "colour"],
    "run": ["method", "workers", "v_init", "record", "common_noise", "gradient_share", "schedule",
            "c_gamma", "c_rho", "lr"],
    "engine": ["device", "dtype"],
}  # fmt: skip

ODD = [
    0, -1, 1, 2.5, 10**400, 2**63, True, None, "", "huber", "shift", "plateau", "tight",
    "trajectory", "float32", "cpu", [], [[1]], [1, 2], [True], ["a"], {"a": 1}, "\0",
]  # fmt: skip
SIZES = [-308, -200, -160, -100, -30, -10, 0, 1, 10, 30, 100, 160, 200, 308]


def number(rng):
    return rng.choice([1, 1.5, -1, 1]) * 10.0 ** rng.choice(SIZES)


def mutated(seed):
    """Return a spec's tables with one to three values changed, added or dropped."""
    rng = random.Random(seed)
    base = rng.choice([SEPARABLE, SHIFTED, FINITE, SCHEDULED])
    tables = {name: dict(content) for name, content in base.items()}
    for _ in range(rng.randint(1, 3)):
        table = rng.choice(["problem", "problem", "run", "run", "engine"])
        if rng.random() < 0.5:
            numeric = [k for k, value in tables[table].items() if not isinstance(value, str)]
            tables[table][rng.choice(numeric or ["dtype"])] = number(rng)
        else:
            key = rng.choice([*tables[table], *MORE[table]])
            tables[table][key] = rng.choice(ODD)
            if rng.random() < 0.1:
                del tables[table][key]
    return tables


def use(path):
    """Do with a spec what the command line does."""
    spec = specs.read(path)
    problem = spec.problem.make()
    certified(problem)
    specs.expected(spec, problem).check()
    if max(specs.grid(spec)["T"]) <= 10 and spec.run.runs <= 10:
        measured_cells(spec, specs.run(spec, allow_outside=True))


def test_a_mutated_spec_is_used_or_refused(tmp_path):
    path, outcomes = tmp_path / "spec.json", {True: 0, False: 0}
    for seed in range(160):
        path.write_text(json.dumps(mutated(seed)))
        try:
            use(path)
        except InputError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
    # Both happen: the mutations are neither harmless nor hopeless.
    assert min(outcomes.values()) > 10, outcomes


TOML = """[problem]
kind = "finite_sum"
alpha = 0.1
data = "rows.csv"

[run]
gamma = 0.01
eps = 0.5
"""


def broken(content, rng):
    """Return bytes cut, with one replaced, or with a piece doubled."""
    place = rng.randrange(len(content))
    kind = rng.randrange(3)
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :]
    return content[:place] + content[rng.randrange(len(content)) :] + content[place:]


@pytest.mark.parametrize("name", ["rows.csv", "rows.svm", "rows.npz", "spec.toml"])
def test_a_broken_file_is_read_or_refused_by_name(tmp_path, name):
    rng, path = random.Random(5), tmp_path / name
    A, y = np.array([[1.5, -2.0], [0.25, 3e5], [4.0, 1e-9]]), np.array([1, 0, 1])
    if name == "rows.csv":
        path.write_text(
            "u,v,y\n" + "".join(f"{a},{b},{c}\n" for (a, b), c in zip(A, y, strict=True))
        )
    elif name == "rows.svm":
        path.write_text("".join(f"{c} 1:{a} 2:{b}\n" for (a, b), c in zip(A, y, strict=True)))
    elif name == "rows.npz":
        np.savez(path, A=A, y=y)
    else:
        path.write_text(TOML)
    content = path.read_bytes()
    for _ in range(100):
        path.write_bytes(broken(content, rng))
        try:
            specs.read(path) if name == "spec.toml" else datafile.read(path)
        except InputError as error:
            named = name in str(error)
            assert named, str(error)  # noqa: PT017


def test_numbers_of_any_size_make_a_bound_or_an_input_error():
    usual = {"L": 1.0, "sigma": 1.0, "G": 2.0, "d": 10, "Delta": 1.0}
    free = {"gamma": 0.01, "rho": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 0.5, "b": 16, "T": 100}
    finite = 0
    for seed in range(120):
        rng = random.Random(seed)
        changed = {rng.choice([*usual, *free]): abs(number(rng)) for _ in range(rng.randint(1, 2))}
        bound = rng.choice(list(VARIANTS.values()))
        try:
            constants = Constants(
                **{name: changed.get(name, value) for name, value in usual.items()}
            )
            hyper = Hyperparameters(
                **{name: changed.get(name, value) for name, value in free.items()}
            )
            total, margins = (
                bound.total(constants, hyper),
                [check.margin for check in bound.preconditions(constants, hyper)],
            )
        except InputError:
            continue
        assert np.isfinite([total, *margins]).all() or bound.nan_outside
        finite += 1
    assert 20 < finite < 100


SETTING = ["--L", "1", "--sigma", "1", "--d", "10", "--eps", "0.5"]
RUN = ["--Delta", "1", "--gamma", "0.01", "--b", "16", "--T", "100"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bound", *SETTING, *RUN, "--G", "1e200"], "is not finite in float64: rescale"),
        (["bound", *SETTING, *RUN, "--G", "1e200", "--json"], "is not finite in float64"),
        (
            ["thresholds", *SETTING, "--Delta", "1", "--b", "16", "--G", "1e200"],
            "is not finite in float64",
        ),
        (["problem", "huber", *SETTING[:-2], "--G", "1e200"], "make d G^2 leave float64: rescale"),
        (["problem", "cosine", "--noise", "shift", *SETTING[:-2], "--G", "1e200"], "leave float64"),
        (["problem", "huber", *SETTING[:-2], "--G", "2", "--d", "1e12"], "of memory, and"),
        (["simulate", "alpha.toml"], "alpha = 1e+200 is beyond 1e+100"),
        (["problem", "alpha.toml"], "alpha = 1e+200 is beyond 1e+100"),
    ],
)
def test_the_command_line_refuses_what_overflows_in_one_line(
    capsys, monkeypatch, tmp_path, arguments, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alpha.toml").write_text(
        '[problem]\nkind = "finite_sum"\nN = 5\nd = 2\nalpha = 1e200\nseed = 1\n\n[run]\n'
        + "".join(f"{name} = {value}\n" for name, value in SEPARABLE["run"].items())
    )
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    captured = capsys.readouterr()
    assert caught.value.code == 2
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err


def adasam(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code, capsys.readouterr().out


def test_problem_says_how_a_data_file_was_read(capsys, monkeypatch, tmp_path):
    (tmp_path / "rows.csv").write_text("u,v,grade\n-1,2,1\n3,47,0\n5,6,0\n")
    table = {"kind": "finite_sum", "alpha": 0.1, "data": "rows.csv"}
    (tmp_path / "spec.json").write_text(json.dumps(SEPARABLE | {"problem": table}))
    code, text = adasam(capsys, monkeypatch, "problem", str(tmp_path / "spec.json"))
    assert not code
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    said = {row[0]: row[1] for row in rows if len(row) == 2}
    assert said == {
        "samples": "N = 3", "features": "d = 2, from -1 to 47",
        "label": "column 3, 'grade': 1 times 1, 2 times -1",
    }  # fmt: skip
    code, text = adasam(capsys, monkeypatch, "problem", str(tmp_path / "spec.json"), "--json")
    assert json.loads(text)["data"] == {
        "file": str((tmp_path / "rows.csv").resolve()), "N": 3, "d": 2, "positive": 1,
        "label": "column 3, 'grade'", "features": [-1.0, 47.0],
    }  # fmt: skip


def test_a_long_job_says_so_on_stderr(capsys, monkeypatch, tmp_path):
    from simulators import estimate

    monkeypatch.setattr(estimate, "LONG", 1e-12)
    path = tmp_path / "spec.json"
    for command, run in (("simulate", SEPARABLE["run"]),
                         ("speedup", SEPARABLE["run"] | {"b": [1, 2, 4], "T": 20})):  # fmt: skip
        path.write_text(json.dumps(SEPARABLE | {"run": run}))
        monkeypatch.setattr(sys, "argv", ["adasam", command, str(path), "--allow-outside"])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert not caught.value.code
        assert "coordinate-steps, some" in capsys.readouterr().err
