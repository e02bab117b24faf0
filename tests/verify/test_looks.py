"""More runs where a verdict is open: intervals that allow it, and looks that end."""

import dataclasses
import json
import sys
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy import special, stats

from simulators import spec as specs
from simulators.spec import ProblemSpec, RunSpec, Spec
from theory import basin
from verify import cli
from verify.claims import CLAIMS
from verify.claims.adasam.speedup_limits import FLATTER_ALONG
from verify.claims.claim import Claim
from verify.evidence.budget import ERROR_BUDGET, budget_at_one_look
from verify.evidence.judge import summary, undecided, verdict
from verify.evidence.kind import of
from verify.evidence.statistics import finite_sample_mean, log_slope
from verify.reproduction.looks import Repeated, _labels, _repeated, look
from verify.studies.study import PRESETS, LaterResults, Preset, Study, simulate_all

ALPHA = 0.2


def chance_of_ever_missing(p: float, N: int, misses) -> tuple[float, float]:
    """The chance that the interval from the first n values ever lies above, or below, the mean.

    Of values 1 with probability p and 0 otherwise, for some n <= N: summed over the walks of their
    counts, no estimate. ``misses(n, heads, p)`` says which ends miss.
    """
    out = []
    for end in range(2):
        alive, missed = {0: 1.0}, 0.0
        for n in range(1, N + 1):
            after: dict[int, float] = {}
            for heads, chance in alive.items():
                after[heads] = after.get(heads, 0.0) + chance * (1 - p)
                after[heads + 1] = after.get(heads + 1, 0.0) + chance * p
            ended = {heads for heads in after if misses(n, heads, p)[end]}
            missed += sum(after.pop(heads) for heads in ended)
            alive = after
        assert missed + sum(alive.values()) == pytest.approx(1)
        out.append(missed)
    return out[0], out[1]


@cache
def any_n(n: int, heads: int):
    return finite_sample_mean(np.repeat([0.0, 1.0], [n - heads, heads]), 1.0, 1 - ALPHA)


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.8])
def test_summed_over_all_walks_the_finite_sample_intervals_are_seldom_ever_wrong(p):
    def misses(n, heads, p):
        return p < any_n(n, heads).low, p > any_n(n, heads).high

    chances = chance_of_ever_missing(p, 40, misses)
    assert max(chances) <= ALPHA / 2  # Ville
    assert max(chances) > ALPHA / 50  # it is no empty promise


def test_an_interval_of_one_n_is_wrong_too_often_if_one_looks_at_every_n():
    # The exact (Clopper-Pearson) interval: right at each n, and no confidence sequence.
    def misses(n, heads, p):
        low = heads > 0 and special.betaincinv(heads, n - heads + 1, ALPHA / 2)
        high = heads == n or special.betaincinv(heads + 1, n - heads, 1 - ALPHA / 2)
        return p < low, p > high

    assert max(chance_of_ever_missing(0.5, 40, misses)) > ALPHA / 2


def test_all_looks_together_spend_the_budget_and_no_more():
    spent = [
        budget_at_one_look({}),
        *(budget_at_one_look(LaterResults({}, k)) for k in range(2, 9)),
    ]
    assert spent[0] == ERROR_BUDGET / 2
    assert sum(spent) == pytest.approx(ERROR_BUDGET * (1 - 2**-8))


def test_looks_that_share_the_budget_are_wrong_no_more_often_than_it_says():
    """Slopes of gamma values at 20, 40, 80, 160 runs: wrong at any look."""
    rng, repeats, alpha = np.random.default_rng(5), 600, 0.2
    shared, alone = 0, 0
    for _ in range(repeats):
        cells = [at**-0.5 * rng.gamma(4, 0.25, 160) for at in (1.0, 4.0, 16.0)]
        fits = {
            (n, share): log_slope([1, 4, 16], [cell[:n] for cell in cells], 1 - alpha * share)
            for k, n in enumerate((20, 40, 80, 160), start=1)
            for share in (2.0**-k, 1.0)
        }
        off = {key for key, fit in fits.items() if not fit.low <= -0.5 <= fit.high}
        shared += any(share < 1 for _, share in off)
        alone += any(share == 1 for _, share in off)
    assert shared <= stats.binom.isf(1e-7, repeats, alpha), shared
    assert alone > stats.binom.isf(1e-7, repeats, alpha), alone


L, SIGMA, G, START, T = 1.0, 0.5, 1.0, 0.3, 16
FEW = Preset("few", 200, 200, most=64)


def study_specs(preset, seed):
    problem = ProblemSpec(profile="huber", L=L, sigma=SIGMA, G=G, d=1, start=START)
    run = {"gamma": 1 / 16, "rho": 0.0, "beta1": 0.0, "beta2": 0.999, "eps": G, "b": 1.0, "T": T}
    other = {**run, "b": 4.0}
    return {
        name: Spec(problem=problem, run=RunSpec(runs=preset.bound_runs, seed=seed, **cell))
        for name, cell in (("one", run), ("other", other))
    }


TRUTH = basin.mean_grad_norm2(L, SIGMA, G, 1 / 16, 1, T, (L * START) ** 2)
"""Of the spec ``one``."""


def bounded_by(rhs: float) -> Claim:
    """A claim that ``rhs`` bounds the left side of the spec ``one``, and 1 the other."""

    def evidence(results):
        instances = []
        for name, (spec, runs) in results.items():
            values = runs.lhs(0)
            problem = spec.problem.make()
            found = finite_sample_mean(values, problem.largest_grad_norm2, 1 - ERROR_BUDGET / 2)
            (cell,) = specs.cells(spec, problem)
            instances.append(
                {"name": name, "spec": specs.to_json(specs.single(spec, cell)),
                 "rhs": rhs if name == "one" else 1.0,
                 "lhs": found.estimate, "lhs_low": found.low, "lhs_high": found.high,
                 "trivial": problem.largest_grad_norm2, "vacuous": False, "n": found.n,
                 "interval": found.kind}
            )  # fmt: skip
        return {"instances": instances}

    return Claim("test.bound", "a test", "rhs bounds the left side", "simulation", "holds",
                 evidence, study=Study("test", study_specs))  # fmt: skip


@pytest.fixture(scope="module")
def first():
    """Both specs with their runs, at the first look."""
    jobs = study_specs(FEW, 0)
    runs = simulate_all(jobs)
    return {name: (jobs[name], runs[name]) for name in jobs}


@pytest.fixture(scope="module")
def interval(first):
    """The first look's interval of ``one``."""
    return finite_sample_mean(first["one"][1].lhs(0), (G - SIGMA) ** 2, 1 - ERROR_BUDGET / 2)


@pytest.mark.parametrize(("end", "expected"), [("high", "holds"), ("low", "refuted")])
def test_a_bound_inside_the_first_interval_is_decided_by_more_runs(first, interval, end, expected):
    rhs = (TRUTH + getattr(interval, end)) / 2
    claim = bounded_by(rhs)
    assert verdict(claim.evidence(first)) == "inconclusive"
    evidence, seen = look(claim, first, FEW)
    assert verdict(evidence) == expected
    looks = evidence["looks"]
    assert [entry["verdict"] for entry in looks] == ["inconclusive"] * (len(looks) - 1) + [expected]
    assert [entry["look"] for entry in looks] == list(range(1, len(looks) + 1))
    for entry in looks:
        assert {item["name"] for item in entry["items"]} == {f"one, b = 1, T = {T}"}
    counts = [entry["items"][0]["runs"] for entry in looks]
    assert counts[0] == 200
    assert all(later % (2 * sooner) == 0 for sooner, later in pairwise(counts))
    # Each look's interval is that of so many runs, and its limit the bound.
    spec, runs = seen["one"]
    for entry, count in zip(looks, counts, strict=True):
        (item,) = entry["items"]
        of_those = finite_sample_mean(runs.lhs(0)[:count], (G - SIGMA) ** 2, 1 - ERROR_BUDGET / 2)
        assert (item["low"], item["high"]) == (of_those.low, of_those.high)
        assert (item.get("least"), item["most"]) == (None, rhs)
    assert evidence["most"] == FEW.most
    # The last interval is that of runs which extend the first; what was not open was left alone.
    assert spec.run.runs == len(runs.lhs(0)) == counts[-1]
    assert np.array_equal(runs.lhs(0)[:200], first["one"][1].lhs(0))
    again = specs.run(spec)
    assert again.lhs(0).tobytes() == runs.lhs(0).tobytes()
    assert seen["other"][1] is first["other"][1]
    assert f"{counts[-1]} runs" in summary(evidence)


def test_a_bound_at_the_truth_itself_stays_open_up_to_the_limit_and_says_so(first):
    evidence, seen = look(bounded_by(TRUTH), first, FEW)
    assert verdict(evidence) == "inconclusive"
    assert evidence["looks"][-1]["items"][0]["runs"] == seen["one"][0].run.runs == 64 * 200
    assert evidence["most"] == 64
    assert summary(evidence).endswith(f"open still with 12800 runs, after {len(evidence['looks'])} "
                                      "looks")  # fmt: skip


def test_a_claim_decided_at_first_is_not_looked_at_again(first):
    for rhs in (1.0, 0.0):
        evidence, seen = look(bounded_by(rhs), first, FEW)
        assert "looks" not in evidence
        assert seen is first


def test_how_many_runs_it_takes_is_read_off_those_there_are(first, interval):
    # The interval's reach falls about as n^(-1/2): an eighth of it needs 64 times the runs.
    near = look(
        bounded_by(interval.estimate + 0.8 * (interval.high - interval.estimate)), first, FEW
    )
    far = look(
        bounded_by(interval.estimate + 0.15 * (interval.high - interval.estimate)), first, FEW
    )
    second = [found["looks"][1]["items"][0]["runs"] for found, _ in (near, far)]
    assert second[0] == 400
    assert second[1] >= 16 * 200


def with_method(claim: Claim, method: str) -> Claim:
    return dataclasses.replace(claim, method=method)


def test_only_what_is_simulated_is_looked_at_again(first, interval):
    """An exact claim that is open has missed what it knows: more runs are no cure."""
    rhs = (TRUTH + interval.high) / 2
    for method in ("exact", "symbolic", "search"):
        evidence, seen = look(with_method(bounded_by(rhs), method), first, FEW)
        assert "looks" not in evidence
        assert seen is first


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_look_takes_more_runs_than_the_preset_allows(first, most):
    evidence, seen = look(bounded_by(TRUTH), first, dataclasses.replace(FEW, most=most))
    counts = [entry["items"][0]["runs"] for entry in evidence["looks"]]
    assert counts == {1: [200], 2: [200, 400], 5: [200, 400, 800]}[most]
    assert seen["one"][0].run.runs == counts[-1]
    assert verdict(evidence) == "inconclusive"


def test_a_guess_of_more_runs_is_those_there_are_several_times_over(first):
    runs = first["one"][1]
    guess = _repeated(runs, 3)
    assert np.array_equal(guess.lhs(0), np.tile(runs.lhs(0), 3))


def test_each_look_tells_the_claim_its_number(first, interval):
    """So that intervals that are right at one number of runs take their share."""
    claim, numbers, guesses = bounded_by(TRUTH), [], []

    def counted(results):
        guessed = any(isinstance(runs, Repeated) for _, runs in results.values())
        (guesses if guessed else numbers).append(budget_at_one_look(results))
        return claim.evidence(results)

    evidence, _ = look(dataclasses.replace(claim, evidence=counted), first, FEW)
    shares = [ERROR_BUDGET / 2**k for k in range(1, len(evidence["looks"]) + 1)]
    assert numbers == shares
    assert set(guesses) == set(shares[1:])  # a guess of the coming look has its share


def sloped(low, high, **more):
    return {"slope": (low + high) / 2, "low": low, "high": high, "target": -0.5, "margin": 0.05,
            "axis": "b"} | more  # fmt: skip


MISSED = {"low": -0.51, "high": -0.49, "predicted": -0.4}


@pytest.mark.parametrize(
    ("evidence", "open_ones"),
    [
        (sloped(-0.56, -0.48), [-0.56]),
        (sloped(-0.52, -0.48), []),
        (sloped(-0.6, -0.56), []),
        (sloped(-0.56, -0.48, control=MISSED), []),
        ({"parts": [sloped(-0.56, -0.48), sloped(-0.52, -0.48), sloped(-0.7, -0.3)]},
         [-0.56, -0.7]),
        ({"parts": [sloped(-0.56, -0.48), sloped(-0.52, -0.48, control=MISSED)]}, []),
        ({"necessity": {"fails": True}, "slopes": [sloped(-0.56, -0.48), sloped(-0.6, -0.3)]},
         [-0.56, -0.6]),
        ({"necessity": {"fails": True}, "slopes": [sloped(-0.56, -0.48), sloped(0.1, 0.2)]}, []),
        ({"necessity": {"fails": False}, "slopes": [sloped(-0.52, -0.48)]}, []),
        ({"ranges": [{"name": "a", "low": 0.9, "high": 1.1, "most": 1.0},
                     {"name": "b", "low": 0.8, "high": 1.0, "most": 1.0}]}, [0.9]),
        ({"ranges": [{"name": "a", "low": 1.0, "high": 1.0, "most": 1.5, "sample_low": 1.1,
                      "sample_high": 1.2}]}, []),
        ({"pairs": [{"low": -0.2, "high": 0.0, "target": 0.0, "margin": 0.1},
                    {"low": -0.05, "high": 0.0, "target": 0.0, "margin": 0.1}]}, [-0.2]),
        ({"comparisons": [{"equal": True}]}, []),
    ],
)  # fmt: skip
def test_only_an_interval_across_its_limit_asks_for_more_runs(evidence, open_ones):
    assert [item["low"] for item, *_ in undecided(evidence)] == open_ones


@pytest.mark.parametrize("wanted", ["rate_b", "rate_T", "collapse", "rho_rate"])
def test_every_claim_on_slopes_finds_the_specs_its_open_intervals_rest_on(planted, wanted):
    claim = CLAIMS[f"corollary1.{wanted}"]
    assert claim.study
    evidence = planted(claim.id, lambda problem, cell: (cell["b"] * cell["T"]) ** -0.5)
    results = {
        name: (spec, None)
        for name, spec in claim.study.specs(Preset("quick", 5120, 384, 16), 0).items()
    }
    found = _labels(of(evidence).limited(), evidence, results)
    expected = {"rate_b": ["along_b"], "rate_T": ["along_T"]}.get(wanted, list(results))
    assert found == expected


@pytest.mark.parametrize("axis", ["b", "T"])
def test_one_open_slope_asks_for_its_own_cells_and_their_controls(planted, axis):
    """Of the flatter rho's two slopes, each with five cells of one spec each."""
    claim = CLAIMS["corollary1.rho_rate"]
    assert claim.study
    evidence = planted(claim.id, lambda problem, cell: (cell["b"] * cell["T"]) ** -0.5)
    results = {name: (spec, None) for name, spec in claim.study.specs(PRESETS["quick"], 0).items()}
    (item,) = [item for item in of(evidence).limited() if item[0]["axis"] == axis]
    along = FLATTER_ALONG[axis]
    assert sorted(_labels([item], evidence, results)) == sorted(f"b{b}_T{T}" for b, T in along)


def test_the_job_looks_again_and_the_report_shows_it(monkeypatch, tmp_path, interval):
    claim = bounded_by((TRUTH + interval.high) / 2)
    monkeypatch.setattr("verify.reproduction.job.CLAIMS", {claim.id: claim})
    monkeypatch.setattr("verify.reproduction.job.PRESETS", {"quick": FEW})
    monkeypatch.setattr(sys, "argv", ["adasam", "reproduce", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert not caught.value.code
    (item,) = json.loads((tmp_path / "claims.json").read_text())["claims"]
    assert item["verdict"] == "holds"
    looks = item["evidence"]["looks"]
    count = looks[-1]["items"][0]["runs"]
    page = (tmp_path / "report.html").read_text()
    assert f"Looked at {len(looks)} times" in page
    assert (tmp_path / "data" / "test" / f"one_{count}_runs.npz").is_file()
    replayed = specs.read(tmp_path / "specs" / f"one-b1-T{T}.json")
    assert specs.run(replayed).lhs(0).mean() == item["evidence"]["instances"][0]["lhs"]
