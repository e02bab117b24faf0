"""A name that is not known is refused with the one that may be meant."""

import json

import msgspec
import pytest

from simulators import SeparableProblem, simulate
from simulators import spec as specs
from theory import InputError
from theory.errors import nearest

TABLES = {
    "problem": {"profile": "huber", "L": 2.0, "sigma": 0.75, "G": 1.5, "d": 3, "start": 0.4},
    "run": {
        "gamma": 0.01, "rho": 0.1, "beta1": 0.0, "beta2": 0.9, "eps": 0.25, "b": 2, "T": 3,
        "runs": 1, "seed": 7,
    },
    "engine": {"name": "reference"},
}  # fmt: skip


def text(tables, name):
    if name.lower().endswith("json"):
        return json.dumps(tables)
    return "".join(
        f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in content.items())
        for table, content in tables.items()
    )


def read(folder, tables, name="spec.json"):
    path = folder / name
    path.write_text(text(tables, name))
    return specs.read(path)


KEYS = [
    (table, field.name)
    for table, kind in {
        "problem": specs.ProblemSpec, "run": specs.RunSpec, "engine": specs.EngineSpec
    }.items()
    for field in msgspec.structs.fields(kind)
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "typed", "meant"),
    [
        ("run", "gama", "gamma"), ("run", "beta_1", "beta1"), ("run", "t", "T"),
        ("run", "Seeds", "seed"), ("run", "schedul", "schedule"), ("problem", "profil", "profile"),
        ("problem", "l", "L"), ("problem", "SIGMA", "sigma"), ("problem", "rotate", "rotation"),
        ("engine", "devise", "device"), ("engine", "d_type", "dtype"),
    ],
)  # fmt: skip
def test_a_key_of_any_table_is_put_right(tmp_path, table, typed, meant):
    tables = {key: dict(content) for key, content in TABLES.items()}
    tables[table][typed] = 1
    said = rf"is no TOML spec: `{typed}` in \[{table}\] is not known: `{meant}` may be meant\. See"
    with pytest.raises(InputError, match=said):
        read(tmp_path, tables, "spec.toml")


def test_a_key_of_another_table_is_sent_there(tmp_path):
    tried = 0
    for home, key in KEYS:
        for table in {"problem", "run", "engine"} - {home}:
            if (table, key) not in KEYS:
                tables = TABLES | {table: TABLES[table] | {key: 1}}
                homes = [one for one, other in KEYS if other == key]
                said = rf"`{key}` in \[{table}\] is not known: it belongs in \[{homes[0]}\]"
                with pytest.raises(InputError, match=said):
                    read(tmp_path, tables)
                tried += 1
    assert tried > 60


def test_a_table_that_is_not_known_is_put_right_and_a_key_outside_tables_sent_home(tmp_path):
    for typed, said in {
        "runs": "`runs` is not known: `run` may be meant",
        "Problem": "`Problem` is not known: `problem` may be meant",
        "colour": "`colour` is not known: known are problem, run, engine",
    }.items():
        with pytest.raises(InputError, match=said):
            read(tmp_path, TABLES | {typed: {"gamma": 1}})
    with pytest.raises(InputError, match=r"`gamma` is not known: it belongs in \[run\]"):
        read(tmp_path, {"gamma": 1, **TABLES})


def test_a_key_like_no_other_is_refused_with_all_that_are_known(tmp_path):
    tables = TABLES | {"engine": {"colour": 1}}
    with pytest.raises(
        InputError, match=r"`colour` in .* not known: known are name, device, dtype"
    ):
        read(tmp_path, tables)


@pytest.mark.parametrize(
    ("table", "key", "typed", "meant"),
    [
        ("problem", "profile", "Pseudo-Huber", "pseudo_huber"),
        ("problem", "profile", "cosin", "cosine"),
        ("problem", "noise", "additiv", "additive"),
        ("problem", "kind", "finite-sum", "finite_sum"),
        ("problem", "start", "minimizer", "minimiser"),
        ("run", "method", "AdaSam", "adasam"),
        ("run", "method", "localsam", "local_sam"),
        ("run", "record", "trajectories", "trajectory"),
        ("engine", "name", "nunba", "numba"),
        ("engine", "dtype", "float_32", "float32"),
    ],
)
def test_a_name_in_a_spec_is_put_right(tmp_path, table, key, typed, meant):
    tables = TABLES | {table: TABLES[table] | {key: typed}}
    shown = "engine" if key == "name" else key
    with pytest.raises(InputError, match=f"{shown} = {typed!r} .*did you mean {meant!r}"):
        specs.run(read(tmp_path, tables), allow_outside=True)


@pytest.mark.parametrize(
    ("change", "meant"),
    [({"schedule": "corollary_1"}, "corollary1"), ({"c_gamma": "correct"}, "corrected")],
)
def test_a_schedule_and_its_constant_are_put_right(tmp_path, change, meant):
    run = {name: value for name, value in TABLES["run"].items() if name not in ("gamma", "rho")}
    run |= {"schedule": "corollary1", "c_gamma": "tight", "c_rho": 0.1} | change
    with pytest.raises(InputError, match=f"did you mean {meant!r}"):
        specs.run(read(tmp_path, TABLES | {"run": run}))


def test_the_nearest_name_is_found_whatever_the_case_and_none_where_none_is_near():
    assert nearest("HUBER", ["huber", "pseudo_huber"]) == "huber"
    assert nearest("t", ["b", "T"]) == "T"
    assert nearest("quartic", ["huber", "cosine"]) is None
    assert nearest(3, ["huber"]) is None
    with pytest.raises(InputError, match="method = 'zzz' is not known: use adasam"):
        simulate(
            SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=1, start=0.5),
            gamma=0.1, rho=0, beta1=0, beta2=0, eps=1, b=1, T=1, runs=1, seed=0, method="zzz",
        )  # fmt: skip


def test_a_byte_order_mark_and_a_suffix_in_capitals_change_nothing(tmp_path):
    plain = read(tmp_path, TABLES, "spec.toml")
    for name in ("marked.toml", "marked.json", "capitals.TOML", "capitals.JSON"):
        path, mark = tmp_path / name, "\ufeff" * name.startswith("marked")
        path.write_text(mark + text(TABLES, name), encoding="utf-8")
        assert specs.read(path) == plain


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("deep.toml", "a = " + "[" * 3000 + "]" * 3000, "TOML spec: nested too deeply"),
        ("deep.json", "[" * 9000 + "]" * 9000, "JSON spec: nested too deeply"),
        ("long.toml", "a = " + "1" * 5000, "TOML spec: Exceeds the limit"),
        ("list.json", "[1]", "JSON spec: Expected `object`"),
        ("null.toml", '[problem]\nkind = "finite_sum"\nalpha = 1\ndata = "\\u0000"\n[run]\nb = 1\n'
         "beta1 = 0\nbeta2 = 0\neps = 1\nT = 1\nruns = 1\nseed = 1\n", "null byte|null character"),
    ],
)  # fmt: skip
def test_a_file_beyond_pythons_own_limits_is_an_input_error(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=rf"{name} is no .*{said}"):
        specs.read(path)
