"""The calibration: its truths are true, its counts are those of the intervals, it can go on."""

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from theory import InputError
from theory.theorem1 import VARIANTS
from verify import cli
from verify.calibration import calibrate, coverage, plan, verdicts
from verify.calibration.job import PARTS, found
from verify.calibration.laws import LAWS
from verify.calibration.plan import Case
from verify.calibration.pools import cut, pools, replicates
from verify.calibration.tally import CONFIDENCES, merged, share
from verify.calibration.writing import markdown, sections
from verify.claims import CLAIMS
from verify.claims.adasam.corollary1 import study_specs
from verify.evidence.budget import ERROR_BUDGET
from verify.evidence.statistics import finite_sample_mean, log_wealth, normal_mean
from verify.studies.study import PRESETS, Preset

RARELY = 1e-7
POOLS = pools(0)


def most(misses: float, of: int) -> int:
    """The number of misses that chance exceeds once in 10^7 times."""
    return int(stats.binom.isf(RARELY, of, misses))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_laws_mean_is_what_it_says(law):
    x = law.draw(np.random.default_rng(0), (200, 1000))
    assert x.min() >= 0
    assert x.max() <= 1
    # Bernstein, as a rare value may not come up at all.
    reach = 6 * np.sqrt(x.var() / x.size) + 20 / x.size
    assert abs(x.mean() - law.mean) <= reach, (x.mean(), law.mean, reach, x.size)


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_the_engines_runs_have_the_left_side_that_is_known(pool):
    (values,) = pool.samples(4096, 0, 1)
    error = values.std(ddof=1) / 64
    assert abs(values.mean() - pool.truth) <= 6 * error, (values.mean(), pool.truth, error)
    assert values.max() <= pool.upper * (1 + 1e-6)


def test_reproductions_are_other_runs_each_time():
    pool = POOLS["four steps, enumerated"]
    first, second = (np.concatenate(list(pool.samples(5, part, 3))) for part in range(2))
    whole = replicates(pool.spec, 0, 30).lhs(0)
    assert np.array_equal(np.concatenate([first, second]), whole)


def test_runs_are_cut_into_reproductions_cell_by_cell():
    spec = study_specs(PRESETS["quick"], 0)["along_b"]
    spec.run.T = 256.0
    runs = replicates(spec, 8, 20)
    parts = cut(runs, 4)
    assert len(parts) == 3
    for cell in range(runs.cells):
        whole = np.concatenate([part.lhs(cell) for part in parts])
        assert np.array_equal(whole, runs.lhs(cell))


@pytest.mark.parametrize("law", LAWS[1:7:2], ids=lambda law: law.name)
def test_the_wealth_at_the_mean_says_whether_the_interval_misses(law):
    rng = np.random.default_rng(1)
    tally = coverage.finite_sample(law, 12, 60)(np.random.default_rng(2))
    x = law.draw(np.random.default_rng(2), (60, 12))
    for confidence in CONFIDENCES[:3]:
        intervals = [finite_sample_mean(row, 1.0, confidence) for row in x]
        assert tally["above"][str(confidence)] == sum(law.mean < i.low for i in intervals)
        assert tally["below"][str(confidence)] == sum(law.mean > i.high for i in intervals)
    # And at any other mean, where intervals do miss.
    for row, m in zip(x, rng.uniform(0.05, 0.95, 60), strict=True):
        interval = finite_sample_mean(row, 1.0, 0.9)
        beyond = log_wealth(row, m) > np.log(20), log_wealth(1 - row, 1 - m) > np.log(20)
        assert beyond == (m < interval.low, m > interval.high)


def test_one_interval_has_the_misses_of_all_confidences():
    law, n, repeats = LAWS[6], 9, 200
    tally = coverage.normal(law, n, repeats)(np.random.default_rng(3))
    rng = np.random.default_rng(3)
    x = [law.draw(rng, (n,)) for _ in range(repeats)]
    for confidence in CONFIDENCES:
        intervals = [normal_mean(row, confidence) for row in x]
        assert tally["above"][str(confidence)] == sum(law.mean < i.low for i in intervals)
        assert tally["below"][str(confidence)] == sum(law.mean > i.high for i in intervals)
    assert sum(tally["below"].values()) > 50


@pytest.mark.parametrize("name", ["counterexample", "huber_edge, b = 1", "four steps, enumerated"])
def test_the_finite_sample_interval_covers_the_engines_means(name):
    tally = verdicts.means(POOLS[name], 20, 500, "finite-sample")(0)
    for confidence in CONFIDENCES:
        for side in ("above", "below"):
            missed = tally[side][str(confidence)]
            assert missed <= most((1 - confidence) / 2, 500), (missed, confidence, side)


def test_the_normal_interval_falls_short_on_a_rare_large_value_and_the_finite_sample_does_not():
    rare, n, repeats = LAWS[4], 50, 400
    rng = np.random.default_rng(4)
    short = coverage.normal(rare, n, repeats)(rng)
    missed = short["above"]["0.95"] + short["below"]["0.95"]
    assert missed > most(0.05, repeats)
    kept = coverage.finite_sample(rare, n, repeats)(rng)
    assert kept["above"]["0.95"] + kept["below"]["0.95"] <= most(0.05, repeats)


def test_bounds_at_the_truth_and_one_percent_above_raise_no_false_alarm():
    # At the verdicts' own confidence: ten reproductions have one in 2.6e6 chances to.
    pool = POOLS["four steps, enumerated"]
    said = verdicts.judged_bounds(verdicts.bounds(pool, 400, 10)(0))
    for at in ("1", "1.01"):
        assert said["false_alarms"][at]["count"] == 0
    assert 0 < said["refuted_from"]["0.5"] <= said["refuted_from"]["0.99"] < 1
    assert 0 < said["holds_from"]["0.5"] <= said["holds_from"]["0.99"]


def test_what_bounds_need_is_read_off_the_intervals():
    said = verdicts.judged_bounds({"repeats": 4, "low": [0.5, 0.8, 1.005, 1.02],
                                   "high": [1.5, 1.1, 1.2, 1.3]})  # fmt: skip
    assert [said["false_alarms"][at]["count"] for at in ("1", "1.01")] == [2, 1]
    # A bound of 1/(1 + v) is refuted where it is below the interval.
    assert said["refuted_from"] == pytest.approx({"0.5": 1 / 0.8 - 1, "0.99": 1 / 0.5 - 1})
    assert said["holds_from"] == pytest.approx({"0.5": 0.3, "0.99": 0.5})


def test_bounds_are_judged_at_the_share_of_the_budget_that_the_claims_take(monkeypatch):
    """As many instances as a claim on Theorem 1 simulates, and each has an equal share."""
    counts = set()
    for variant in VARIANTS:
        claim, few = CLAIMS[f"theorem1.{variant}"], Preset("few", 4, 4, most=16)
        assert claim.study
        results = {
            name: (spec, SimpleNamespace(lhs=lambda number, n=spec.run.runs: np.full(n, 1e-8)))
            for name, spec in claim.study.specs(few, 0).items()
        }
        confidences = {
            item["confidence"]
            for item in claim.evidence(results)["instances"]  # type: ignore[arg-type]
            if item["confidence"] < 1
        }
        counts |= {round(ERROR_BUDGET / (1 - confidence)) for confidence in confidences}
    assert max(counts) == verdicts.INSTANCES
    asked = []
    pool = POOLS["four steps, enumerated"]

    def spied(values, upper, confidence):
        asked.append(confidence)
        return finite_sample_mean(values, upper, confidence)

    monkeypatch.setattr(verdicts, "finite_sample_mean", spied)
    verdicts.bounds(pool, 8, 2)(0)
    assert asked == [pytest.approx(1 - ERROR_BUDGET / max(counts), abs=1e-15)] * 2


NO_MISS = {side: dict.fromkeys(map(str, CONFIDENCES), 0) for side in ("above", "below")}


def test_planted_slopes_move_the_intervals_along():
    said = verdicts.judged_slopes(
        {"repeats": 2, "verdicts": {"holds": 2, "refuted": 0, "inconclusive": 0}, **NO_MISS,
         "low": [-0.004, -0.002], "high": [0.004, 0.006]}
    )  # fmt: skip
    counts = {
        row["slope"]: tuple(row[name]["count"] for name in ("holds", "inconclusive", "refuted"))
        for row in said["planted"]
    }
    assert counts[-0.5] == (2, 0, 0)
    assert counts[-0.455] == (1, 1, 0)
    assert counts[-0.45] == (0, 2, 0)
    assert counts[-0.447] == (0, 1, 1)
    assert counts[-0.44] == counts[-0.3] == (0, 0, 2)
    assert said["half_width"] == pytest.approx(0.004)


def test_the_slope_claim_is_judged_again_on_fresh_runs():
    spec = study_specs(PRESETS["quick"], 0)["along_b"]
    spec.run.T = 16384 / 64
    tally = verdicts.slopes("b", spec, 24, 2)(0)
    assert sum(tally["verdicts"].values()) == tally["repeats"] == 2
    # At the claims' own confidence the control's interval contains its slope.
    assert all(low < 0 < high for low, high in zip(tally["low"], tally["high"], strict=True))
    other = verdicts.slopes("b", spec, 24, 2)(1)
    assert merged(tally, other)["repeats"] == 4
    assert merged(tally, other)["low"] == tally["low"] + other["low"]
    assert not set(tally["low"]) & set(other["low"])


@pytest.mark.parametrize(("count", "of"), [(0, 20), (20, 20), (3, 40)])
def test_a_counted_share_has_its_clopper_pearson_interval(count, of):
    got = share(count, of)
    tail = 0.0005
    if count:
        assert stats.binom.sf(count - 1, of, got["low"]) == pytest.approx(tail)
    if count < of:
        assert stats.binom.cdf(count, of, got["high"]) == pytest.approx(tail)


def few(seed: int = 0) -> list[Case]:
    """Cases of every group, small."""
    spec = study_specs(PRESETS["quick"], seed)["along_b"]
    spec.run.T = 256.0
    pool = pools(seed)["four steps, enumerated"]
    fair, edges = LAWS[0], LAWS[5]
    counted = (
        ("coverage", coverage.finite_sample(fair, 10, 50), fair, 10),
        ("coverage", coverage.normal(edges, 10, 50), edges, 10),
        ("looks", coverage.looked_at(fair, plan.LOOKS, 5), fair, plan.LOOKS),
    )
    return [
        *(
            plan.drawn(group, measure, 2, seed, interval=f"mean {k}", on=law.name, n=n)
            for k, (group, measure, law, n) in enumerate(counted)
        ),
        Case("bounds", {"on": pool.name, "preset": "quick", "n": 50}, 3,
             verdicts.bounds(pool, 50, 4)),
        Case("slopes", {"axis": "b", "preset": "quick", "n": 16}, 2,
             verdicts.slopes("b", spec, 16, 2)),
    ]  # fmt: skip


def untimed(content):
    return {name: value for name, value in content.items() if name != "seconds"}


def broken(cases, at):
    """The cases, where the one at this place is interrupted in its second part."""

    def measure(part):
        if part:
            raise KeyboardInterrupt
        return cases[at].measure(part)

    out = list(cases)
    out[at] = Case(out[at].group, out[at].labels, out[at].parts, measure)
    return out


def test_an_interrupted_calibration_goes_on_to_the_same_result(tmp_path):
    whole = calibrate(out=tmp_path / "whole", cases=few())
    assert not (tmp_path / "whole" / PARTS).exists()
    cut_short = tmp_path / "short"
    with pytest.raises(KeyboardInterrupt):
        calibrate(out=cut_short, cases=broken(few(), 3))
    assert not (cut_short / "calibration.json").exists()
    left = json.loads((cut_short / PARTS).read_text())["done"]
    assert [len(tallies) for tallies in left.values()] == [2, 2, 2, 1]
    said = []
    resumed = calibrate(
        out=cut_short, cases=few(), resume=True, progress=lambda *step: said.append(step)
    )
    assert untimed(resumed) == untimed(whole)
    assert (cut_short / "calibration.md").read_text() == markdown(whole)
    assert untimed(found(cut_short)) == untimed(json.loads(json.dumps(whole)))
    # Nothing was counted twice.
    assert [done for name, done, _ in said if name.startswith("bounds")] == [1, 2, 3]


def test_what_cannot_be_resumed_is_refused(tmp_path):
    with pytest.raises(InputError, match="without --resume"):
        calibrate(out=tmp_path, cases=few(), resume=True)
    with pytest.raises(InputError, match="give --out"):
        calibrate(cases=few(), resume=True)
    with pytest.raises(KeyboardInterrupt):
        calibrate(out=tmp_path, cases=broken(few(), 0))
    with pytest.raises(InputError, match="another calibration"):
        calibrate(out=tmp_path, cases=few(), seed=3, resume=True)
    (tmp_path / PARTS).write_text("{")
    with pytest.raises(InputError, match="is not an interrupted calibration, or is damaged"):
        calibrate(out=tmp_path, cases=few(), resume=True)
    with pytest.raises(InputError, match="negative"):
        calibrate(cases=few(), seed=-1)


def adasam(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def test_the_command_stops_goes_on_and_fills_the_report(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(plan, "plan", lambda size, seed: broken(few(seed), 1))
    assert adasam(monkeypatch, "calibrate", "--quick", "--out", str(tmp_path)) == 130
    assert "--resume" in capsys.readouterr().err
    monkeypatch.setattr(plan, "plan", lambda size, seed: few(seed))
    arguments = ["calibrate", "--quick", "--resume", "--out", str(tmp_path)]
    assert adasam(monkeypatch, *arguments) == 0
    printed = capsys.readouterr().out
    for title in ("In short", "Coverage", "Looks", "Bounds", "Slope claims", "Planted slopes"):
        assert title in printed
    before = tmp_path / "none"
    for out in (before, tmp_path):
        assert adasam(monkeypatch, "reproduce", "--only", "units", "--out", str(out)) == 0
    heading = "How often the verdicts themselves are right"
    assert heading not in (before / "report.html").read_text()
    page = (tmp_path / "report.html").read_text()
    assert heading in page
    assert "four steps, enumerated" in page[page.index(heading) :]


def test_every_row_of_a_table_has_its_columns():
    content = calibrate(cases=few())
    made = sections(content)
    assert len(made) == 6
    for section in made:
        assert {len(row) for row in section.rows} == {len(section.columns)}
    lines = markdown(content).splitlines()
    assert len([line for line in lines if line.startswith("|")]) == sum(
        len(section.rows) + 2 for section in made
    )


def test_the_plans_cases_have_names_of_their_own():
    for size in (plan.QUICK, plan.FULL):
        cases = plan.plan(size, 0)
        assert len({case.name for case in cases}) == len(cases)
        assert {case.group for case in cases} == {"coverage", "looks", "bounds", "slopes"}
        intervals = {re.split(r",", case.labels["interval"])[0] for case in cases if
                     "interval" in case.labels}  # fmt: skip
        assert intervals == {
            "finite-sample mean", "normal mean", "slope", "replicate-wise slope", "log ratio",
            "slope of T(delta)", "finite-sample ratio",
        }  # fmt: skip
