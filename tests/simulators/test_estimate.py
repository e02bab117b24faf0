"""What a grid will take is known, and refused where it cannot be had, before anything starts."""

import itertools

import msgspec
import numpy as np
import pytest

from simulators import FiniteSum, SeparableProblem, estimate, memory, simulate
from simulators import spec as specs
from theory import InputError

PROBLEM = SeparableProblem("huber", "additive", L=2.0, sigma=0.75, G=1.5, d=3, start=0.4)
RUN = specs.RunSpec(
    gamma=0.01, rho=0.1, beta1=0.9, beta2=0.9, eps=0.25, b=2, T=5, runs=7, seed=1
)  # fmt: skip
TABLE = {"profile": "huber", "L": 2.0, "sigma": 0.75, "G": 1.5, "d": 3, "start": 0.4}


def expected(problem=PROBLEM, first=0, **run):
    spec = specs.Spec(
        problem=specs.ProblemSpec(**TABLE), run=msgspec.structs.replace(RUN, **run),
        engine=specs.EngineSpec(name="reference"),
    )  # fmt: skip
    return specs.expected(spec, problem, first)


LISTS = {"gamma": [0.01, 0.02], "b": [1, 2, 8], "T": [5, 9], "workers": [1, 4]}


@pytest.mark.parametrize("share", [None, 0.25])
def test_coordinate_steps_are_those_of_the_grid_cell_by_cell(share):
    data = FiniteSum.synthetic(40, 3, alpha=0.1, seed=1)
    every = 1 / 64 if share is None else share
    by_hand = dict.fromkeys(("separable", "sum"), 0.0)
    for _, b, T, n in itertools.product(*LISTS.values()):
        by_hand["separable"] += 7 * T * n * 3
        by_hand["sum"] += 7 * T * (n * b + every * 40) * 3
    for problem, name in ((PROBLEM, "separable"), (data, "sum")):
        found = expected(problem, **LISTS, gradient_share=share)
        assert found.coordinate_steps == pytest.approx(by_hand[name], rel=1e-12)
        assert found.shape == "a grid of 24 cells (2 gamma x 3 b x 2 T x 2 workers) of 7 runs"


def test_replicates_that_are_there_are_not_counted_again():
    assert expected(first=5).coordinate_steps == pytest.approx(2 / 7 * expected().coordinate_steps)
    assert expected(runs=1).shape == "one cell of 1 run"


@pytest.mark.parametrize("record", ["statistics", "trajectory"])
@pytest.mark.parametrize("kind", ["separable", "sum"])
def test_the_memory_is_at_least_that_of_the_runs_and_not_much_more(kind, record):
    d = 30
    problem = {
        "separable": SeparableProblem("huber", "additive", L=2, sigma=0.7, G=1.5, d=d, start=0.4),
        "sum": FiniteSum.synthetic(20, d, alpha=0.1, seed=1),
    }[kind]
    lists = {"b": [1, 6], "T": [4, 20], "workers": [1, 3]}
    grid = np.meshgrid(*lists.values(), indexing="ij")
    runs = simulate(
        problem, gamma=0.001, rho=0.1, beta1=0.9, beta2=0.9, eps=0.25, runs=6, seed=1,
        engine="reference", record=record, **dict(zip(lists, grid, strict=True)),
    )  # fmt: skip
    found = expected(problem, **lists, runs=6, record=record)
    held = sum(array.nbytes for array in runs.arrays().values())
    assert held <= found.memory <= 1.2 * held


def test_a_grid_that_no_memory_holds_is_refused_before_it_is_made(monkeypatch):
    lists = {
        "gamma": [1e-6 * i for i in range(1, 1001)], "b": list(range(1, 1001)),
        "T": list(range(1, 1001)),
    }  # fmt: skip
    spec = specs.Spec(problem=specs.ProblemSpec(**TABLE), run=msgspec.structs.replace(RUN, **lists))
    said = (
        r"a grid of 1000000000 cells \(1000 gamma x 1000 b x 1000 T\) of 7 runs needs about "
        r"17 TB of memory, and .* are free: lower the number of cells, runs"
    )
    with pytest.raises(InputError, match=said):
        specs.run(spec)
    with pytest.raises(InputError, match=r"a grid of 1000000000 cells needs about 1.5 TB"):
        specs.cells(spec, PROBLEM)


@pytest.mark.parametrize("record", ["statistics", "trajectory"])
def test_runs_are_refused_from_the_first_byte_that_is_not_there(monkeypatch, record):
    settings = {
        "gamma": 0.01, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": [1, 2], "T": 50,
        "runs": 3, "seed": 1, "record": record, "engine": "reference",
    }  # fmt: skip
    needed = expected(b=[1, 2], T=50, runs=3, record=record).memory
    monkeypatch.setattr(memory, "available", lambda: needed - 1)
    with pytest.raises(InputError, match=r"2 cells of 3 runs needs about .* are free: lower"):
        simulate(PROBLEM, **settings)
    monkeypatch.setattr(memory, "available", lambda: needed)
    assert simulate(PROBLEM, **settings).cells == 2


def test_where_the_system_does_not_say_what_is_free_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.check_room(10**30, "this", "lower it")


def test_what_is_free_is_no_more_than_there_is_or_a_container_may_have(monkeypatch, tmp_path):
    free, physical = memory.available(), memory._physical()
    assert free is not None
    assert physical is not None
    assert 2**20 < free <= physical
    limit = tmp_path / "memory.max"
    limit.write_text("12345678\n")
    monkeypatch.setattr(memory, "LIMITS", (str(limit),))
    assert memory.available() == 12345678
    limit.write_text("max\n")
    assert memory.available() == pytest.approx(free, rel=0.5)
    monkeypatch.setattr(memory, "_meminfo", lambda: None)
    assert memory.available() is None


def test_what_would_take_ages_is_refused_with_how_long():
    def weightless(coordinate_steps):
        return estimate.Estimate("one cell", 0, coordinate_steps)

    at_limit = expected(T=2**32 - 1, runs=int(1e18 / (3 * (2**32 - 1))))
    assert at_limit.coordinate_steps == pytest.approx(1e18, rel=1e-6)
    with pytest.raises(InputError, match=r"1\.1e\+18 coordinate-steps, some 35 years at 1e\+09"):
        weightless(1.1e18).check()
    weightless(1e18).check()


def test_a_time_is_said_beforehand_only_where_it_is_long(monkeypatch):
    assert estimate.Estimate("one cell", 10, 5.9e10).note is None
    note = estimate.Estimate("one cell", 2_500_000, 9e12).note
    assert note == (
        "one cell: 9e+12 coordinate-steps, some 2.5 hours at 1e+09 a second, 2.5 MB of memory"
    )
    said = []
    spec = specs.Spec(
        problem=specs.ProblemSpec(**TABLE), run=RUN, engine=specs.EngineSpec(name="reference")
    )
    specs.run(spec, allow_outside=True, say=said.append)
    usual = list(said)
    assert usual[-1] == "engine reference on cpu: as asked; it computes in float64"
    assert not any("coordinate-steps" in line for line in usual)
    monkeypatch.setattr(estimate, "LONG", 1e-12)
    said.clear()
    specs.run(spec, allow_outside=True, say=said.append)
    assert said[0].startswith("one cell of 7 runs: 1e+02 coordinate-steps, some")
    assert said[1:] == usual


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(30, "30 seconds"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours"),
     (86400 * 3.5, "3.5 days"), (3.156e8, "10 years")],
)  # fmt: skip
def test_a_duration_is_in_the_largest_unit_of_which_there_are_two(seconds, said):
    assert estimate.duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e9, "2 GB"),
                        (3e15, "3 PB"), (4e19, "4e+04 PB")],
)  # fmt: skip
def test_a_size_is_in_powers_of_1000(count, said):
    assert memory.size(count) == said
