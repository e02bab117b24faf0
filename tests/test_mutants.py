"""The list of planted errors stays true: `make mutants` can plant every one."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "mutants"
SPEC = importlib.util.spec_from_file_location("mutants_run", HERE / "run.py")
assert SPEC
assert SPEC.loader
run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run)


@pytest.mark.parametrize("area", sorted(path.stem for path in HERE.glob("*.toml")))
def test_every_planted_error_of_an_area_has_its_place_and_its_tests(area):
    for mutant in run.listed():
        if mutant.area == area:
            assert mutant.planted() != (run.ROOT / mutant.file).read_text(encoding="utf-8")
            for test in mutant.tests:
                assert (run.ROOT / test.split("::")[0]).exists(), test


def test_no_error_is_listed_twice():
    keys = [(mutant.file, mutant.old, mutant.new) for mutant in run.listed()]
    assert len(set(keys)) == len(keys)
