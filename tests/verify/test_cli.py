"""The command line: what it prints, and how it refuses."""

import io
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import sympy
from rich.cells import cell_len
from scipy import stats

from simulators import FiniteSum, SeparableProblem
from simulators import spec as specs
from simulators.engines import choice
from simulators.runs import Runs
from theory import proof as proofs
from theory.corollary1 import SCHEDULES
from theory.symbols import symbol
from theory.theorem1 import CORRECTED, VARIANTS
from verify import cli
from verify.claims import CLAIMS
from verify.commands import lecture

SETTING = {
    "L": "1", "sigma": "1", "G": "2", "d": "10", "Delta": "1", "gamma": "0.01", "rho": "0.01",
    "beta1": "0.9", "beta2": "0.999", "eps": "0.5", "b": "16", "T": "10000",
}  # fmt: skip

SPEC = """
[problem]
profile = "huber"
noise = "additive"
L = 1.0
sigma = 0.5
G = 1.0
d = 4
start = 0.5

[run]
gamma = 0.01
rho = 0.01
beta1 = 0.0
beta2 = 0.999
eps = 0.5
b = [1, 16]
T = 20
runs = 3
seed = 7
"""


def adasam(capsys, monkeypatch, *arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process; return the exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    captured = capsys.readouterr()
    code = caught.value.code
    return 0 if code is None else int(code), captured.out, captured.err


def printed(out: str) -> list[dict[str, str]]:
    """Read the first table in a text back: each row's cells by their headings."""
    table = out[out.index("┏") : out.index("└")]
    lines = [line.strip() for line in table.splitlines() if line.strip()[:1] in ("┃", "│")]
    cells = [[cell.strip() for cell in line[1:-1].split(line[0])] for line in lines]
    headings, *rows = cells
    return [dict(zip(headings, row, strict=True)) for row in rows]


def bound(**changes: str) -> list[str]:
    setting = SETTING | changes
    return ["bound", *(word for name, value in setting.items() for word in (f"--{name}", value))]


def test_bound_prints_the_seven_terms_as_json(capsys, monkeypatch):
    arguments = [*bound(), "--variant", "corrected", "--json"]
    code, out, _ = adasam(capsys, monkeypatch, *arguments)
    content = json.loads(out)
    by_hand = {
        "initial_gap": 2 * 2 * 1 / (0.01 * 10000),
        "gradient_noise": 8 * 2 * 0.01 * 1 * 1 / (16 * 0.25),
        "perturbation": 45 * 2 * 1e-4 / 0.5,
        "eta_variation_l1": 2 * 8 * 10 * (2 - 0.5) / (0.1 * 10000),
        "momentum": 6 * 1e-4 * 81 * 10 * 8 / 0.125,
        "eta_variation_l2": 2 * (4 + 81) * 0.01 * 8 * 10 * (4 - 0.25) / 10000,
        "perturbed_noise": 8 * 2 * 0.01 * 1e-4 / 0.25,
    }
    assert code == 0
    assert content["variant"] == "corrected"
    assert content["terms"] == pytest.approx(by_hand, rel=1e-12)
    assert content["total"] == pytest.approx(sum(by_hand.values()), rel=1e-12)
    assert content["phi"] == pytest.approx(sum(list(by_hand.values())[2:]), rel=1e-12)
    assert (content["trivial"], content["vacuous"], content["applies"]) == (40, False, True)
    (check,) = content["preconditions"]
    assert check["name"] == "gamma <= eps/(16 L)"
    assert (check["holds"], check["value"], check["limit"]) == (True, 0.01, 0.03125)


def test_bound_lays_all_variants_side_by_side_with_the_numbers_of_its_json(capsys, monkeypatch):
    code, out, _ = adasam(capsys, monkeypatch, *bound(), "--variant", "all")
    content = json.loads(adasam(capsys, monkeypatch, *bound(), "--json")[1])
    rows = {row["term"]: row for row in printed(out)}
    assert code == 0
    assert [item["variant"] for item in content] == list(VARIANTS)
    for item in content:
        totals = {"Phi (all but the first two)": item["phi"], "total": item["total"]}
        for name, value in {**item["terms"], **totals}.items():
            assert float(rows[name][item["variant"]]) == pytest.approx(value, rel=1e-5), name
        assert rows["applies"][item["variant"]] == ("yes" if item["applies"] else "no")
    conditions = printed(out[out.index("Preconditions") :])
    assert {row["variant"] for row in conditions} == {"printed", "appendix", "corrected",
                                                      "tight_simple"}  # fmt: skip


def test_bound_prints_latex(capsys, monkeypatch):
    code, out, _ = adasam(capsys, monkeypatch, *bound(), "--variant", "printed", "--latex")
    assert code == 0
    assert out.startswith(r"\frac{1}{T} \sum")
    assert r"\frac{8 G L \gamma \sigma^{2}}{\epsilon}" in out


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"gamma": "0.05"}, "gamma <= eps/(16 L)"), ({"eps": "3"}, "eps <= G")],
)
def test_outside_the_theorem_bound_says_so_and_exits_0(capsys, monkeypatch, changes, name):
    arguments = [*bound(**changes), "--variant", "printed", "--json"]
    code, out, _ = adasam(capsys, monkeypatch, *arguments)
    content = json.loads(out)
    failed = [check["name"] for check in content["preconditions"] if not check["holds"]]
    assert (code, content["applies"], failed) == (0, False, [name])


def test_a_bound_that_is_false_outside_its_condition_has_no_total_there(capsys, monkeypatch):
    arguments = [*bound(gamma="0.03"), "--variant", "tight_simple", "--json"]
    code, out, _ = adasam(capsys, monkeypatch, *arguments)
    content = json.loads(out)
    assert (code, content["total"], content["applies"]) == (0, None, False)


MALFORMED_BOUNDS = [
    ("L", "0"), ("L", "-1"), ("L", "nan"), ("L", "inf"), ("L", "text"),
    ("sigma", "-0.1"), ("sigma", "nan"), ("sigma", "7"), ("G", "0"), ("G", "inf"),
    ("d", "0"), ("d", "2.5"), ("d", "-3"), ("Delta", "-1"), ("Delta", "nan"),
    ("gamma", "0"), ("gamma", "-0.01"), ("gamma", "inf"), ("rho", "-1"), ("rho", "nan"),
    ("beta1", "1"), ("beta1", "-0.1"), ("beta1", "nan"), ("beta2", "1.1"), ("beta2", "-1"),
    ("eps", "0"), ("eps", "-1"), ("b", "0"), ("b", "1.5"), ("b", "-4"), ("b", "inf"),
    ("T", "0"), ("T", "0.5"), ("T", "nan"), ("T", ""), ("variant", "best"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), MALFORMED_BOUNDS)
def test_bound_refuses_what_is_malformed(capsys, monkeypatch, name, value):
    code, out, err = adasam(capsys, monkeypatch, *bound(**{name: value}))
    assert (code, out) == (2, "")
    assert name in err
    assert value in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["L", "sigma", "G", "d", "Delta", "gamma", "eps", "b", "T"])
def test_bound_names_what_is_missing(capsys, monkeypatch, name):
    setting = {key: value for key, value in SETTING.items() if key != name}
    words = [word for key, value in setting.items() for word in (f"--{key}", value)]
    code, out, err = adasam(capsys, monkeypatch, "bound", *words)
    assert (code, out) == (2, "")
    assert f"--{name}" in err


THRESHOLDS = {
    "L": "1", "sigma": "1", "G": "2", "d": "10", "Delta": "1", "beta1": "0.9", "eps": "0.5",
    "b": "16", "c-gamma": "corrected", "c-rho": "0.1", "N": "10000000",
}  # fmt: skip


def thresholds(**changes: str) -> list[str]:
    setting = THRESHOLDS | {name.replace("_", "-"): value for name, value in changes.items()}
    return [
        "thresholds",
        *(word for name, value in setting.items() for word in (f"--{name}", value)),
    ]


def test_thresholds_prints_T_and_the_largest_useful_b_as_json(capsys, monkeypatch):
    code, out, _ = adasam(capsys, monkeypatch, *thresholds(), "--json")
    content = json.loads(out)
    terms = {item["name"]: item for item in content["terms"]}
    assert code == 0
    # By hand: c_gamma = eps/(2 sigma) sqrt(Delta/L), K = 8 G sigma sqrt(L Delta)/eps.
    assert (content["c_gamma"], content["K"]) == (0.25, 32)
    assert terms["momentum"]["rate"] == "b^(1) T^(-1)"
    assert terms["momentum"]["T"] == pytest.approx(16**3 * 9 * 16 * 9**4 * 100 / 256)
    assert terms["step"]["T"] == pytest.approx(64 * 16)
    assert content["T"] == terms["momentum"]["T"]
    assert terms["momentum"]["largest_b"] == pytest.approx(
        (1e7 / (9 * 16 * 9**4 * 100 / 256)) ** 0.25
    )
    assert terms["perturbation"]["largest_b"] is None
    assert content["largest_useful_b"] == 2


UNLIKE = {"L": 1.5, "sigma": 0.7, "G": 2.0, "d": 10, "Delta": 3.0, "c_gamma": 0.2, "c_rho": 0.3,
          "beta1": 0.8, "eps": 0.5, "b": 8, "N": 10**7}  # fmt: skip


def test_at_every_threshold_a_term_is_as_large_as_the_leading_two(capsys, monkeypatch):
    # An oracle that no option may be missing from: the terms themselves, under the schedules.
    words = thresholds(**{name: str(value) for name, value in UNLIKE.items()})
    content = json.loads(adasam(capsys, monkeypatch, *words, "--json")[1])
    letters = {symbol(name): value for name, value in UNLIKE.items()} | {symbol("Gb"): 2}
    terms = {t.name: t.expr.subs(list(SCHEDULES.items())) for t in CORRECTED.summands}
    leading = sum(terms[name] for name in CORRECTED.leading)

    def at(expr: sympy.Expr, b: float, T: float) -> float:
        return float(expr.subs({**letters, symbol("b"): b, symbol("T"): T}))

    def step(b: float, T: float) -> float:
        return 0.2 * (b / T) ** 0.5

    assert content["K"] == pytest.approx(at(leading, 1, 1))
    assert {item["name"] for item in content["terms"]} == {"step", *terms} - {*CORRECTED.leading}
    for item in content["terms"]:
        T, b = item["T"], item["largest_b"]
        if item["name"] == "step":
            assert step(8, T) == pytest.approx(0.5 / (16 * 1.5))
            assert step(b, 1e7 / b) == pytest.approx(0.5 / (16 * 1.5))
            continue
        term = terms[item["name"]]
        assert at(term, 8, T) == pytest.approx(at(leading, 8, T)), item["name"]
        if b is not None:
            assert at(term, b, 1e7 / b) == pytest.approx(at(leading, b, 1e7 / b)), item["name"]
    assert content["T"] == max(item["T"] for item in content["terms"])
    useful = min(item["largest_b"] for item in content["terms"] if item["largest_b"] is not None)
    assert content["largest_useful_b"] == int(useful)
    assert (content["b"], content["N"], content["c_rho"]) == (8, 10**7, 0.3)


def test_thresholds_prints_a_table_with_formulas_and_the_numbers_of_its_json(capsys, monkeypatch):
    code, out, _ = adasam(capsys, monkeypatch, *thresholds())
    content = json.loads(adasam(capsys, monkeypatch, *thresholds(), "--json")[1])
    rows = {row["term"]: row for row in printed(out)}
    assert code == 0
    for item in content["terms"]:
        row = rows[item["name"]]
        assert float(row["at b = 16"]) == pytest.approx(item["T"], rel=1e-5)
        limit, said = item["largest_b"], row["at bT = 10000000"]
        assert said == "any" if limit is None else float(said) == pytest.approx(limit, rel=1e-5)
    assert rows["momentum"]["below K/sqrt(bT) from T ="] == (
        "36 Gb^6 L^4 b^3 c_gamma^4 d^2 kappa^4/(K^2 eps^6)"
    )
    assert (rows["all"]["at b = 16"], rows["all"]["at bT = 10000000"]) == ("1.51165e+09", "2")


def test_without_a_budget_there_is_no_largest_b(capsys, monkeypatch):
    words = thresholds()
    at = words.index("--N")
    code, out, _ = adasam(capsys, monkeypatch, *words[:at], *words[at + 2 :], "--json")
    content = json.loads(out)
    assert (code, content["N"]) == (0, None)
    assert "largest_useful_b" not in content
    assert "largest_b" not in content["terms"][0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"variant": "printed"}, "printed"), ({"variant": "tight"}, "tight"),
        ({"c_gamma": "fast"}, "fast"), ({"c_gamma": "0"}, "c_gamma = 0"),
        ({"c_gamma": "inf"}, "c_gamma = inf"), ({"c_rho": "-1"}, "c_rho = -1"),
        ({"c_rho": "nan"}, "c_rho = nan"), ({"N": "0"}, "N = 0"), ({"N": "1.5"}, "N = 1.5"),
        ({"N": "inf"}, "N = inf"), ({"N": "nan"}, "N = nan"), ({"b": "0"}, "b = 0"),
        ({"beta1": "1"}, "beta1 = 1"), ({"sigma": "0"}, "give a number"),
        ({"Delta": "0"}, "give a number"), ({"eps": "0"}, "eps = 0"), ({"L": "text"}, "text"),
        ({"sigma": "0", "Delta": "0", "c_gamma": "1"}, "not finite"),
        ({"variant": "appendix", "eps": "3"}, "eps = 3 exceeds G = 2"),
    ],
)  # fmt: skip
def test_thresholds_refuses_what_is_malformed(capsys, monkeypatch, changes, said):
    code, out, err = adasam(capsys, monkeypatch, *thresholds(**changes))
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


def test_simulate_writes_the_runs_and_prints_the_cells(capsys, monkeypatch, spec, tmp_path):
    out = tmp_path / "runs.npz"
    code, text, _ = adasam(capsys, monkeypatch, "simulate", str(spec), "--out", str(out), "--json")
    runs, cells = Runs.load(out), json.loads(text)["cells"]
    assert code == 0
    assert [cell["b"] for cell in cells] == [1, 16]
    assert [cell["lhs"] for cell in cells] == [float(runs.lhs(k).mean()) for k in (0, 1)]
    assert runs.mean_grad_norm2.dtype == np.float64


def test_simulates_table_has_the_numbers_of_its_json_and_d_G2_beside_the_bound(
    capsys, monkeypatch, spec
):
    code, out, _ = adasam(capsys, monkeypatch, "simulate", str(spec))
    cells = json.loads(adasam(capsys, monkeypatch, "simulate", str(spec), "--json")[1])["cells"]
    assert code == 0
    for row, cell in zip(printed(out), cells, strict=True):
        for name in ("gamma", "rho", "beta1", "beta2", "eps", "b", "T"):
            assert float(row[name]) == cell[name]
        shown = {"measured": "lhs", "corrected bound": "corrected", "d G^2": "trivial", "runs": "n"}
        for heading, name in shown.items():
            assert float(row[heading]) == pytest.approx(cell[name], rel=1e-5)
        assert json.loads(row["95 % interval"]) == pytest.approx([cell["low"], cell["high"]], 1e-5)
        assert (row["d G^2"], row["applies"], row["vacuous"]) == ("4", "yes", "yes")


def test_simulate_names_what_its_method_does_not_use_and_refuses_a_grid_over_it(
    capsys, monkeypatch, spec
):
    spec.write_text(SPEC.replace("seed = 7", 'seed = 7\nmethod = "sgd"'))
    code, out, err = adasam(capsys, monkeypatch, "simulate", str(spec))
    assert code == 0
    assert "method sgd does not use rho, beta2: given, but not counted" in err
    assert [(row["rho"], row["beta2"], row["beta1"]) for row in printed(out)] == [
        ("–", "–", "0")
    ] * 2
    _, out, _ = adasam(capsys, monkeypatch, "simulate", str(spec), "--json")
    assert json.loads(out)["unused"] == ["rho", "beta2"]
    spec.write_text(spec.read_text().replace("rho = 0.01", "rho = [0.01, 0.1]"))
    for command in ("simulate", "speedup"):
        code, out, err = adasam(capsys, monkeypatch, command, str(spec))
        assert (code, out) == (2, "")
        assert "rho = [0.01, 0.1]: method 'sgd' does not use rho" in err


def test_simulate_names_its_engine_and_what_a_setting_does_not_do(capsys, monkeypatch, spec):
    # The note says what runs, not what would run on another problem.
    told = {
        "": "engine numba on cpu, 2 threads: the fastest on a CPU",
        'name = "torch"': "engine torch on cpu: as asked",
        'name = "reference"\ndtype = "float32"': (
            "engine reference on cpu: as asked; it computes in float64"
        ),
    }
    monkeypatch.setattr(choice, "cores", lambda: 2)
    for engine, expected in told.items():
        spec.write_text(f'{SPEC}\n[engine]\ndevice = "cpu"\n{engine}\n')
        code, _, err = adasam(capsys, monkeypatch, "simulate", str(spec))
        assert (code, err.splitlines()[0].strip()) == (0, expected)
    spec.write_text(SPEC.replace("seed = 7", 'seed = 7\nrecord = "trajectory"'))
    kept = 'record = "trajectory": the iterates are kept only in a file'
    assert kept in adasam(capsys, monkeypatch, "simulate", str(spec))[2]
    written = ("--out", str(spec.with_suffix(".npz")))
    assert kept not in adasam(capsys, monkeypatch, "simulate", str(spec), *written)[2]


DIVERGING = (
    SPEC.replace("gamma = 0.01", "gamma = 1e18")
    .replace("rho = 0.01", 'rho = 0.0\nmethod = "sgd"')
    .replace("eps = 0.5", "eps = 1e-19")
    .replace("G = 1.0", "G = 1000.0")
    .replace("beta2 = 0.999", "beta2 = 0.0")
    .replace('profile = "huber"', 'profile = "cosine"')
)
"""A step of 1e37 times the gradient leaves float32, though the bound is finite."""


def test_a_run_that_diverges_is_said_in_words_and_ends_in_exit_code_1(capsys, monkeypatch, spec):
    spec.write_text(DIVERGING)
    out = spec.with_name("runs.npz")
    words = ["simulate", str(spec), "--allow-outside"]
    code, text, err = adasam(capsys, monkeypatch, *words, "--out", str(out))
    assert code == 1
    assert not np.isfinite(Runs.load(out).x).any(axis=1).any()
    assert "diverged: 6 of 6 runs, in 2 of 2 cells, left the finite numbers" in err
    rows = printed(text)
    assert [(row["measured"], row["95 % interval"]) for row in rows] == [("3 diverged", "–")] * 2
    assert [(row["corrected bound"], row["applies"]) for row in rows] == [("1.6e+65", "no")] * 2
    assert "nan" not in text
    code, text, _ = adasam(capsys, monkeypatch, *words, "--json")
    assert code == 1
    assert [cell["lhs"] for cell in json.loads(text)["cells"]] == [None, None]
    code, text, err = adasam(capsys, monkeypatch, "speedup", str(spec), "--allow-outside")
    assert (code, text) == (1, "")
    assert "diverged" in err


def test_of_many_cells_the_ends_are_printed_and_json_has_all(capsys, monkeypatch, spec):
    spec.write_text(SPEC.replace("T = 20", f"T = {[float(T) for T in range(1, 61)]}"))
    code, text, _ = adasam(capsys, monkeypatch, "simulate", str(spec))
    rows = printed(text)
    assert code == 0
    assert [row["T"] for row in rows[:3] + rows[-1:]] == ["1", "2", "3", "60"]
    assert len(rows) == 21
    assert "100 of 120 rows left out: --json has all" in text
    _, text, _ = adasam(capsys, monkeypatch, "simulate", str(spec), "--json")
    assert len(json.loads(text)["cells"]) == 120


MALFORMED_SPECS = [
    ("b = [1, 16]", "b = 1.5", "b = 1.5"),
    ("b = [1, 16]", "b = 0", "b = 0"),
    ("b = [1, 16]", "b = []", "empty list"),
    ("b = [1, 16]", "b = 2000000", "1048576"),
    ("b = [1, 16]", "b = [4, 4, 16]", "repeats a value"),
    ("T = 20", "T = 0", "T = 0"),
    ("T = 20", "T = 1000000000000", "exceeds 2^32"),
    ("runs = 3", "runs = 4000000000", "runs"),
    ("T = 20", 'T = "long"', "T"),
    ("T = 20", "", "T"),
    ("gamma = 0.01", "gamma = -0.01", "gamma = -0.01"),
    ("gamma = 0.01", "gamma = nan", "gamma = nan"),
    ("gamma = 0.01", "", "gamma is missing"),
    ("gamma = 0.01", "gamma = 0.01\nlr = 0.1", "lr"),
    ("gamma = 0.01", "gamma = 0.01\nc_gamma = 1.0", "c_gamma needs a schedule"),
    ("gamma = 0.01", 'gamma = 0.01\nschedule = "corollary1"', "beside a schedule"),
    ("rho = 0.01", "rho = inf", "rho = inf"),
    ("beta1 = 0.0", "beta1 = 1", "beta1 = 1"),
    ("beta2 = 0.999", "beta2 = 2", "beta2 = 2"),
    ("eps = 0.5", "eps = 0", "eps = 0"),
    ("eps = 0.5", "eps = true", "eps"),
    ("sigma = 0.5", "sigma = 3", "sqrt(d) G = 2"),
    ("sigma = 0.5", "sigma = 2", "sqrt(d) G = 2"),
    ("d = 4", "d = 2.5", "d = 2.5"),
    ("start = 0.5", "start = [0.1, 0.2]", "d = 4"),
    ('profile = "huber"', 'profile = "quartic"', "quartic"),
    ('noise = "additive"', 'noise = "gaussian"', "gaussian"),
    ("runs = 3", "runs = 0", "runs = 0"),
    ("runs = 3", "runs = 1.5", "runs"),
    ("seed = 7", "seed = -7", "seed = -7"),
    ("seed = 7", 'seed = 7\nmethod = "adam"', "adam"),
    ("seed = 7", 'seed = 7\nrecord = "all"', "all"),
    ("seed = 7", "seed = 7\nworkers = 0", "workers = 0"),
    ("seed = 7", 'seed = 7\n[engine]\nname = "fast"', "fast"),
    ("seed = 7", 'seed = 7\n[engine]\ndtype = "int8"', "int8"),
    ("seed = 7", 'seed = 7\n[engine]\ndevice = "abacus"', "abacus"),
    ("[run]", "[runs]", "runs"),
    (SPEC, "", "problem"),
    (SPEC, "this is no TOML", "TOML"),
]


@pytest.mark.parametrize(("old", "new", "said"), MALFORMED_SPECS)
def test_simulate_refuses_what_is_malformed(capsys, monkeypatch, spec, tmp_path, old, new, said):
    assert old in SPEC
    spec.write_text(SPEC.replace(old, new))
    out = tmp_path / "runs.npz"
    code, text, err = adasam(capsys, monkeypatch, "simulate", str(spec), "--out", str(out))
    assert (code, text) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.toml"]


def test_float32_refuses_an_eps_whose_square_it_cannot_hold(capsys, monkeypatch, spec):
    small = SPEC.replace("eps = 0.5", "eps = 1e-25").replace("gamma = 0.01", "gamma = 1e-27")
    spec.write_text(small)
    code, _, err = adasam(capsys, monkeypatch, "simulate", str(spec))
    assert code == 2
    assert "eps = 1e-25" in err
    assert "float64" in err


def test_simulate_where_no_bound_applies_needs_allow_outside(capsys, monkeypatch, spec):
    spec.write_text(SPEC.replace("seed = 7", 'seed = 7\nmethod = "adam_sam"'))
    code, _, err = adasam(capsys, monkeypatch, "simulate", str(spec))
    assert code == 2
    assert "running maximum" in err
    assert "--allow-outside" in err
    code, text, _ = adasam(capsys, monkeypatch, "simulate", str(spec), "--allow-outside")
    assert code == 0
    assert [row["applies"] for row in printed(text)] == ["no"] * 2


@pytest.mark.parametrize(
    ("old", "new", "said", "applies"),
    [
        ("gamma = 0.01", "gamma = 0.04", "(gamma = 0.04 exceeds eps/(16 L) = 0.03125)", "no"),
        # The corrected bound does not need eps <= G.
        ("eps = 0.5", "eps = 1.5", "printed, appendix (eps = 1.5 exceeds G = 1)", "yes"),
    ],
)
def test_simulate_names_the_bounds_that_do_not_apply_and_runs(
    capsys, monkeypatch, spec, old, new, said, applies
):
    spec.write_text(SPEC.replace(old, new))
    code, text, err = adasam(capsys, monkeypatch, "simulate", str(spec))
    assert code == 0
    assert said in err
    assert [row["applies"] for row in printed(text)] == [applies] * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reproduce", "--preset", "huge"], "huge"),
        (["reproduce", "--seed", "-1"], "seed = -1"),
        (["reproduce", "--seed", "one"], "one"),
        (["reproduce", "--only", "theorem2"], "theorem2"),
        (["simulate", "missing.toml"], "missing.toml"),
        (["simulate"], "SPEC"),
        (["speedup", "missing.toml"], "missing.toml"),
        (["speedup", "--runs", "1"], "runs = 1"),
        (["prove"], "prove"),
    ],
)
def test_every_command_refuses_with_one_message(capsys, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = adasam(capsys, monkeypatch, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["reproduce", "--only", "units"], ["simulate"]])
def test_an_unwritable_out_is_refused_before_any_work(capsys, monkeypatch, spec, tmp_path, command):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "below.npz"
    source = [str(spec)] if command == ["simulate"] else []
    code, text, err = adasam(capsys, monkeypatch, *command, *source, "--out", str(out))
    assert (code, text) == (2, "")
    assert "cannot be written to" in err


def test_simulate_names_the_suffix_that_out_needs(capsys, monkeypatch, spec, tmp_path):
    out = tmp_path / "runs.csv"
    code, _, err = adasam(capsys, monkeypatch, "simulate", str(spec), "--out", str(out))
    assert code == 2
    assert "runs.npz" in err


def test_speedup_fits_every_slope_a_grid_allows(capsys, monkeypatch, spec):
    spec.write_text(SPEC.replace("T = 20", "T = [64, 256]"))
    code, out, _ = adasam(capsys, monkeypatch, "speedup", str(spec), "--json")
    rows = json.loads(out)["slopes"]
    assert code == 0
    assert [(row["along"], row["at"]) for row in rows] == [
        ("b", "T = 64"), ("b", "T = 256"), ("T", "b = 1"), ("T", "b = 16"),
    ]  # fmt: skip
    # Through two points the slope is the log ratio of their means; its interval has Student's
    # quantile of three runs.
    runs = specs.run(specs.read(spec))
    left = {
        (b, T): runs.lhs(2 * i + j) for i, b in enumerate((1, 16)) for j, T in enumerate((64, 256))
    }
    ends = [((1, 64), (16, 64)), ((1, 256), (16, 256)), ((1, 64), (1, 256)), ((16, 64), (16, 256))]
    for row, (low, high), factor in zip(rows, ends, (16, 16, 4, 4), strict=True):
        first, last = left[low], left[high]
        slope = np.log(last.mean() / first.mean()) / np.log(factor)
        error = np.hypot(*(stats.sem(values) / values.mean() for values in (first, last)))
        reach = stats.t.ppf(0.975, 2) * error / np.log(factor)
        assert row["slope"] == pytest.approx(slope)
        assert (row["low"], row["high"]) == pytest.approx((slope - reach, slope + reach))
        assert row["local"] == [pytest.approx([slope, slope - reach, slope + reach])]
    _, out, _ = adasam(capsys, monkeypatch, "speedup", str(spec))
    for row, shown in zip(rows, printed(out), strict=True):
        assert float(shown["slope"]) == pytest.approx(row["slope"], abs=5.1e-5)
        assert json.loads(shown["95 % interval"]) == pytest.approx(
            [row["low"], row["high"]], abs=5.1e-5
        )


def test_speedup_needs_something_to_fit(capsys, monkeypatch, spec):
    spec.write_text(SPEC.replace("b = [1, 16]", "b = 4"))
    code, _, err = adasam(capsys, monkeypatch, "speedup", str(spec))
    assert code == 2
    assert "one b and one T" in err


def test_claims_lists_ids_sources_and_expectations(capsys, monkeypatch):
    code, out, _ = adasam(capsys, monkeypatch, "claims", "--json")
    claims = {claim["id"]: claim for claim in json.loads(out)["claims"]}
    assert code == 0
    assert claims["theorem1.printed"]["expected"] == "refuted"
    assert claims["corollary1.rate_b"]["source"] == "Corollary 1, (7)"
    assert list(claims) == list(CLAIMS)
    _, out, _ = adasam(capsys, monkeypatch, "claims")
    shown = [row["claim"] for row in printed(out) if row["claim"]]
    assert shown == list(CLAIMS)


def test_doctor_names_versions_and_device(capsys, monkeypatch):
    code, out, _ = adasam(capsys, monkeypatch, "doctor")
    found = {row["what"]: row["found"] for row in printed(out)}
    assert code == 0
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    for name in ("numpy", "torch", "numba", "sympy"):
        assert found[name] == metadata.version(name)
    assert found["device"] == specs.EngineSpec().device.replace("auto", found["device"])
    assert found["runs go to"].startswith(f"engine numba on {found['device']}")


def test_help_loads_no_heavy_library():
    script = (
        "import sys; sys.argv = ['adasam', '--help']\n"
        "from verify.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([n for n in ('torch', 'numba', 'matplotlib', 'sympy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "reproduce" in done.stdout
    assert done.stdout.rstrip().endswith("[]")


def test_the_installed_command_refuses_without_a_traceback():
    command = [str(Path(sys.executable).with_name("adasam")), *bound(sigma="100")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: sigma = 100 exceeds sqrt(d) G = 6.32456")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["--json"], ["--latex"]])
@pytest.mark.parametrize("extreme", [{"eps": "1e-200"}, {"G": "1e200"}, {"Delta": "1e308"}])
def test_a_bound_beyond_float64_is_refused_without_a_warning(capsys, monkeypatch, words, extreme):
    code, out, err = adasam(capsys, monkeypatch, *bound(**extreme), *words)
    assert (code, out) == (2, "")
    assert "of the bound printed is not finite in float64: rescale" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "extreme", [{"G": "1e200"}, {"L": "1e-300", "G": "1e200", "eps": "1e-200"}]
)
def test_a_threshold_beyond_float64_is_refused_without_a_warning(capsys, monkeypatch, extreme):
    code, out, err = adasam(capsys, monkeypatch, *thresholds(**extreme))
    assert (code, out) == (2, "")
    assert "not finite" in err
    assert len(err.splitlines()) == 1


def test_a_certificate_beyond_float64_is_refused(capsys, monkeypatch):
    words = ["problem", "huber", "--L", "1", "--sigma", "1", "--G", "1e200", "--d", "10"]
    code, out, err = adasam(capsys, monkeypatch, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "error: memory ran out: lower runs"),
        (MemoryError("Unable to allocate 9 TiB"), "error: Unable to allocate 9 TiB: lower runs"),
        (OSError(), "error: a file cannot be used (OSError)"),
        (OSError(28, "No space left on device", "x.npz"), "error: x.npz cannot be used (No space"),
        (OverflowError(34, "Numerical result out of range"), "error: a number leaves float64 (Num"),
        (OverflowError(), "error: a number leaves float64 (overflow)"),
    ],
)
def test_no_error_comes_without_its_cause(capsys, monkeypatch, spec, error, said):
    def fails(path):
        raise error

    monkeypatch.setattr(specs, "read", fails)
    code, out, err = adasam(capsys, monkeypatch, "simulate", str(spec))
    assert (code, out) == (2, "")
    assert err.startswith(said)


def test_a_path_is_printed_as_it_is(capsys, monkeypatch, tmp_path):
    for name in ("no:x:.toml", "no[red]x[/].toml", "no\\[b].toml"):
        code, _, err = adasam(capsys, monkeypatch, "simulate", name)
        assert code == 2
        assert err == f"error: {name} cannot be read: No such file or directory.\n"


def test_a_letter_that_the_terminal_lacks_is_no_error(monkeypatch):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["adasam", "claims", "--json"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert not caught.value.code
    monkeypatch.setattr(sys, "argv", ["adasam", *bound()])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    sys.stdout.flush()
    assert not caught.value.code
    assert b"\\u2013" in out.getvalue()


@pytest.mark.parametrize("name", ["folder.npz", "a" * 300 + ".npz"])
def test_an_out_that_cannot_be_a_file_is_refused(capsys, monkeypatch, spec, tmp_path, name):
    (tmp_path / "folder.npz").mkdir()
    out = tmp_path / name
    code, _, err = adasam(capsys, monkeypatch, "simulate", str(spec), "--out", str(out))
    assert code == 2
    assert name[:50] in err
    assert "Traceback" not in err


CERTIFIED = ["--L", "1", "--sigma", "1", "--G", "2", "--d", "10"]


def test_problem_prints_a_certificate_and_the_room_there_is(capsys, monkeypatch):
    shape = ["--noise", "shift", "--condition", "10", "--rotation", "1", "--start", "plateau"]
    code, text, _ = adasam(capsys, monkeypatch, "problem", "two_basin", *CERTIFIED, *shape)
    problem = SeparableProblem("two_basin", "shift", L=1, sigma=1, G=2, d=10, start="plateau",
                               condition=10, rotation=1)  # fmt: skip
    assert code == 0
    assert "shift noise, d = 10, condition 10, rotation 1" in text
    for row in printed(text):
        entry = getattr(problem.certificate, row["constant"])
        assert float(row["value"]) == pytest.approx(entry.value, rel=1e-5, abs=1e-12)
        assert row["standing"] == entry.standing
    room = {row["constant"]: row for row in printed(text[text.index("Room") :])}
    assert room["sigma"]["allowed range, other constants fixed"] == "<= 1.97203"


@pytest.mark.parametrize("start", ["0.5", "minimiser", "plateau", "1,2,3,4,5,6,7,8,9,10"])
def test_problem_in_json_makes_the_problem_again(capsys, monkeypatch, start):
    code, text, _ = adasam(
        capsys, monkeypatch, "problem", "rational", *CERTIFIED, "--start", start, "--json"
    )
    assert code == 0
    content = json.loads(text)
    spec = dict(content["problem"])
    problem = SeparableProblem(spec.pop("profile"), spec.pop("noise"), **spec)
    values = {item["name"]: item["value"] for item in content["constants"]}
    assert values["Delta"] == problem.certificate.Delta.value
    assert values["G_f"] == problem.G_f
    room = {item["name"]: (item["relation"], item["limit"]) for item in content["limits"]}
    assert room["sigma"] == ("<", pytest.approx(2 * 10**0.5))
    assert room["G"] == (">", pytest.approx(0.1**0.5))
    assert room["d"] == (">=", 1)


FINITE = """
[problem]
kind = "finite_sum"
N = 30
d = 2
alpha = 0.1
seed = 4
start = 0.5

[run]
gamma = 0.0005
rho = 0.1
beta1 = 0.9
beta2 = 0.9
eps = 0.25
b = [1, 4]
T = 12
runs = 2
seed = 7
"""


def test_problem_takes_a_spec_and_says_where_a_finite_sums_constants_come_from(
    capsys, monkeypatch, tmp_path
):
    spec = tmp_path / "finite.toml"
    spec.write_text(FINITE)
    code, text, _ = adasam(capsys, monkeypatch, "problem", str(spec))
    assert code == 0
    for said in ("finite sum", "N = 30", "upper_bound", "lower_bound", "mean entropy"):
        assert said in text, said
    code, text, _ = adasam(capsys, monkeypatch, "problem", str(spec), "--json")
    constants = {item["name"]: item for item in json.loads(text)["constants"]}
    problem = FiniteSum.synthetic(30, 2, alpha=0.1, seed=4, start=0.5)
    assert constants["sigma"]["value"] == problem.sigma
    assert constants["L"]["method"] == problem.certificate.L.method
    code, _, err = adasam(capsys, monkeypatch, "problem", str(spec), "--sigma", "1")
    assert code == 2
    assert "--sigma is given beside a spec" in err
    code, _, err = adasam(capsys, monkeypatch, "problem", "huber", "--L", "1")
    assert code == 2
    assert "--sigma is missing" in err


def test_simulate_runs_a_finite_sum(capsys, monkeypatch, tmp_path):
    spec, out = tmp_path / "finite.toml", tmp_path / "runs.npz"
    spec.write_text(FINITE)
    code, text, _ = adasam(capsys, monkeypatch, "simulate", str(spec), "--json", "--out", str(out))
    assert code == 0
    assert [row["b"] for row in json.loads(text)["cells"]] == [1, 4]
    assert Runs.load(out).mean_grad_norm2.shape == (4, 64)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["two_basin", *CERTIFIED[:-4], "--G", "0.3", "--d", "10"], "exceeds sqrt(d) G"),
        (
            ["two_basin", *CERTIFIED, "--noise", "shift", "--sigma", "6"],
            "allows sigma up to 5.53399",
        ),
        (["quartic", *CERTIFIED], "quartic"),
        (["huber", *CERTIFIED, "--start", "here"], "minimiser, plateau"),
        (["huber", *CERTIFIED, "--start", "1,2"], "d = 10"),
        (["huber", *CERTIFIED, "--start", ""], "minimiser, plateau"),
        (["huber", *CERTIFIED, "--noise", ""], "noise = ''"),
        (["huber", *CERTIFIED, "--condition", "0.1"], "condition = 0.1"),
        (["huber", *CERTIFIED, "--rotation", "-1"], "rotation = -1"),
    ],
)
def test_problem_refuses_what_is_impossible(capsys, monkeypatch, arguments, said):
    code, text, err = adasam(capsys, monkeypatch, "problem", *arguments)
    assert (code, text) == (2, "")
    assert said in err
    assert "Traceback" not in err


PROOFS = pytest.mark.xdist_group("proofs")


@pytest.fixture
def checked_once(monkeypatch, proof_faults, proof_ends):
    """Let the command check each derivation once in all tests."""
    monkeypatch.setattr(lecture, "check", proof_faults)
    monkeypatch.setattr(lecture, "ends", proof_ends)


@PROOFS
def test_proof_reads_as_a_lecture(capsys, monkeypatch, checked_once):
    code, out, _ = adasam(capsys, monkeypatch, "proof", "--part", "paper")
    assert code == 0
    for said in ("Lemma 10: the squared step", "(102)", "γ × Young", "all check",
                 "our text of the paper: L ρ²", "gradient_noise by the factor b ε"):  # fmt: skip
        assert said in out, said
    assert max(map(cell_len, out.splitlines())) <= 100


@PROOFS
def test_proof_in_json_has_every_step_and_no_fault(capsys, monkeypatch, checked_once):
    code, out, _ = adasam(capsys, monkeypatch, "proof", "--json")
    content = json.loads(out)
    assert code == 0
    assert [item["name"] for item in content["derivations"]] == ["paper", "sharp"]
    assert all(item["faults"] == [] for item in content["derivations"])
    assert all(end["equal"] for end in content["ends"])
    steps = [
        step
        for item in content["derivations"]
        for chain in item["chains"]
        for step in chain["steps"]
    ]
    assert {"(71)", "(102)", "(47)", "S13b", "S19l"} <= {step["id"] for step in steps}
    assert all(step["uses"] for step in steps if step["rule"] == "inequality")


@PROOFS
def test_proof_in_latex_is_a_body_whose_environments_close(capsys, monkeypatch, checked_once):
    code, out, _ = adasam(capsys, monkeypatch, "proof", "--part", "sharp", "--latex")
    assert code == 0
    assert out.startswith(r"\section{The sharp theorem}")
    for name in ("align*", "description"):
        assert out.count(rf"\begin{{{name}}}") == out.count(rf"\end{{{name}}}") > 0
    assert out.count("{") == out.count("}")
    assert out.count("$") % 2 == 0


def test_proof_refuses_a_part_there_is_not(capsys, monkeypatch):
    code, out, err = adasam(capsys, monkeypatch, "proof", "--part", "lemma7")
    assert (code, out) == (2, "")
    assert "use paper, sharp, all" in err


@PROOFS
def test_a_fault_in_a_proof_is_said_and_ends_in_exit_code_1(capsys, monkeypatch, checked_once):
    from theory.proof.paper import derivation
    from theory.symbols import L, rho

    monkeypatch.setitem(proofs.DERIVATIONS, "paper", derivation(L * rho**2))
    code, out, _ = adasam(capsys, monkeypatch, "proof", "--part", "paper")
    assert code == 1
    assert "FAILS" in out
    assert "(102): the sides do not differ by the slacks" in out


def test_version_is_the_installed_ones(capsys, monkeypatch):
    code, out, err = adasam(capsys, monkeypatch, "--version")
    assert (code, out, err) == (0, f"adasam-verify {metadata.version('adasam-verify')}\n", "")


def test_a_checkout_that_is_not_installed_has_commands_but_no_version(
    capsys, monkeypatch, tmp_path
):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert adasam(capsys, monkeypatch, "--version")[:2] == (0, "adasam-verify not installed\n")
    out = tmp_path / "page.html"
    assert adasam(capsys, monkeypatch, "classroom", "--out", str(out))[0] == 0
    assert "not installed" in out.read_text()
