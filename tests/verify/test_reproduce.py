"""The main job: verdicts from evidence, controls that must flip them, replays, same bytes."""

import dataclasses
import json
import re
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

import verify.reproduction.job
from simulators.engines import choice
from theory.bound import Bound
from theory.theorem1 import CORRECTED, PRINTED, VARIANTS
from verify import cli
from verify.claims import CLAIMS
from verify.claims.adasam import theorem1
from verify.pages.html import POLICY
from verify.studies.study import PRESETS, Study, simulate_all

# Enough of theorem1's instances to tell a right noise term from the printed one, on small data.
FEW = ("counterexample", "huber_edge", "cosine_third")

pytestmark = pytest.mark.xdist_group("reproduce")


def few_specs(preset, seed):
    every = theorem1.study_specs(preset, seed)
    return {name: every[name] for name in FEW}


@pytest.fixture(scope="module")
def results():
    """Simulate the few instances once."""
    specs = few_specs(PRESETS["quick"], 0)
    runs = simulate_all(specs)
    return {name: (specs[name], runs[name]) for name in specs}


def shrink(monkeypatch, results):
    """Let `reproduce` judge theorem1 on the few instances, and not simulate them again."""
    study = Study("theorem1", few_specs)
    for name in VARIANTS:
        claim = CLAIMS[f"theorem1.{name}"]
        monkeypatch.setitem(CLAIMS, claim.id, dataclasses.replace(claim, study=study, figure=None))

    def simulated(jobs, **options):
        done = {f"theorem1/{name}": runs for name, (_, runs) in results.items()}
        new = {name: spec for name, spec in jobs.items() if name not in done}
        return done | simulate_all(new) if new else done

    monkeypatch.setattr(verify.reproduction.job, "simulate_all", simulated)


@pytest.fixture
def small(monkeypatch, results):
    """Let one test `reproduce` theorem1 on the few instances."""
    shrink(monkeypatch, results)


@pytest.fixture(scope="module")
def reproduced(results, tmp_path_factory):
    """Reproduce theorem1 on the few instances, once for all that read it: folder, exit code."""
    out = tmp_path_factory.mktemp("reproduced")
    with pytest.MonkeyPatch.context() as monkeypatch:
        shrink(monkeypatch, results)
        return out, adasam(monkeypatch, "reproduce", "--only", "theorem1", "--out", str(out))


def adasam(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["adasam", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def with_noise_of(bound: Bound, other: Bound) -> Bound:
    """Return a bound with another's noise term."""
    summands = tuple(
        other.terms["gradient_noise"] if term.name == "gradient_noise" else term
        for term in bound.summands
    )
    return dataclasses.replace(bound, summands=summands)


def claim_in(out: Path, name: str) -> dict[str, Any]:
    content = json.loads((out / "claims.json").read_text())
    (claim,) = (claim for claim in content["claims"] if claim["id"] == name)
    return claim


def verdicts(out: Path) -> dict[str, str]:
    content = json.loads((out / "claims.json").read_text())
    return {claim["id"]: claim["verdict"] for claim in content["claims"]}


def test_every_verdict_is_the_expected_one(reproduced):
    out, code = reproduced
    assert code == 0
    assert verdicts(out) == {
        "theorem1.printed": "refuted",
        "theorem1.appendix": "holds",
        "theorem1.corrected": "holds",
        "theorem1.tight_simple": "holds",
        "theorem1.tight": "holds",
        "theorem1.tight_simple_cap": "refuted",
        "theorem1.small_G": "refuted",
    }


def test_exchanged_noise_terms_flip_both_verdicts(monkeypatch, small, tmp_path):
    monkeypatch.setitem(VARIANTS, "printed", with_noise_of(PRINTED, CORRECTED))
    monkeypatch.setitem(VARIANTS, "corrected", with_noise_of(CORRECTED, PRINTED))
    only = ["--only", "theorem1.printed", "--only", "theorem1.corrected", "--only",
            "theorem1.appendix"]  # fmt: skip
    code = adasam(monkeypatch, "reproduce", *only, "--out", str(tmp_path))
    found = verdicts(tmp_path)
    assert code == 1
    assert found["theorem1.printed"] == "holds"
    assert found["theorem1.corrected"] == "refuted"
    assert found["theorem1.appendix"] == "holds"


@pytest.mark.parametrize("name", FEW)
def test_corrected_scaled_to_nine_tenths_of_the_measured_value_is_refuted(
    monkeypatch, reproduced, small, tmp_path, name
):
    claim = claim_in(reproduced[0], "theorem1.corrected")
    worst = max(
        (i for i in claim["evidence"]["instances"] if i["name"] == name),
        key=lambda instance: instance["lhs"] / instance["rhs"],
    )
    factor = 0.9 * worst["lhs"] / worst["rhs"]
    scaled = tuple(
        dataclasses.replace(term, expr=factor * term.expr) for term in CORRECTED.summands
    )
    monkeypatch.setitem(VARIANTS, "corrected", dataclasses.replace(CORRECTED, summands=scaled))
    only = ["--only", "theorem1.corrected"]
    code = adasam(monkeypatch, "reproduce", *only, "--out", str(tmp_path))
    assert code == 1
    assert verdicts(tmp_path)["theorem1.corrected"] == "refuted"


def test_every_instance_replays_to_its_left_side(monkeypatch, capsys, reproduced, tmp_path):
    claim = claim_in(reproduced[0], "theorem1.corrected")
    instances = verify.reproduction.job.measurements(claim["evidence"])
    assert len(instances) == 7
    for number, instance in enumerate(instances):
        spec = tmp_path / f"{number}.json"
        spec.write_text(json.dumps(instance["spec"]))
        assert adasam(monkeypatch, "simulate", str(spec), "--json") == 0
        (cell,) = json.loads(capsys.readouterr().out)["cells"]
        assert cell["lhs"] == instance["lhs"]


def test_the_spec_files_are_the_evidences_specs(reproduced):
    out, _ = reproduced
    content = json.loads((out / "claims.json").read_text())
    wanted = {
        str(item["spec"])
        for claim in content["claims"]
        for item in verify.reproduction.job.measurements(claim["evidence"])
    }
    written = [json.loads(path.read_text()) for path in (out / "specs").iterdir()]
    assert sorted(map(str, written)) == sorted(wanted)


def test_claims_json_has_the_documented_shape(reproduced):
    content = json.loads((reproduced[0] / "claims.json").read_text())
    assert list(content) == [
        "schema", "preset", "seed", "device", "versions", "seconds", "claims",
    ]  # fmt: skip
    claim = claim_in(reproduced[0], "theorem1.printed")
    assert list(claim) == [
        "id", "source", "statement", "method", "verdict", "expected", "evidence", "figure", "data",
    ]  # fmt: skip
    exact, *simulated = claim["evidence"]["instances"]
    assert (exact["interval"], exact["lhs_fraction"]) == ("exact", "1/2147483648")
    assert exact["lhs"] == 2.0**-22 / 512
    needed = {"spec", "lhs", "lhs_low", "lhs_high", "rhs", "confidence", "n", "interval"}
    for instance in simulated:
        assert needed <= set(instance)
        exact = instance["name"] == "counterexample"
        assert instance["interval"] == ("exact" if exact else "finite-sample")
        assert instance["spec"]["run"]["seed"] == 0
    assert claim["evidence"]["closed_form"]["equal"] is True


def test_the_closed_form_lies_in_the_measured_interval(small, results):
    evidence = CLAIMS["theorem1.printed"].evidence(results)
    (instance,) = (i for i in evidence["instances"] if i["name"] == "counterexample")
    assert instance["lhs_low"] == instance["lhs_high"] == pytest.approx(7.810468e-06, rel=1e-6)
    assert instance["sample_low"] < instance["lhs_low"] < instance["sample_high"]
    assert instance["normal_low"] < instance["lhs_low"] < instance["normal_high"]


def test_a_second_run_writes_the_same_bytes(monkeypatch, tmp_path):
    # The real job, cut down in length only: two simulations at once, figures and report.
    monkeypatch.setitem(
        CLAIMS,
        "theorem1.printed",
        dataclasses.replace(
            CLAIMS["theorem1.printed"],
            study=Study("theorem1", lambda preset, seed: {
                "counterexample": theorem1.study_specs(preset, seed)["counterexample"]
            }),
        ),
    )  # fmt: skip

    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        only = ["--only", "theorem1.printed", "--only", "units.printed"]
        assert adasam(monkeypatch, "reproduce", *only, "--out", str(out)) == 0
    names = [
        sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
        for out in outs
    ]
    assert names[0] == names[1]
    assert {"claims.json", "report.html", "figures/printed_scaling.pdf"} <= set(names[0])
    for name in names[0]:
        one, two = ((out / name).read_bytes() for out in outs)
        if name == "claims.json":
            one, two = (re.sub(rb'"seconds": [\d.]+', b"", text) for text in (one, two))
        assert one == two, name

    # From the archive come the figures that the reproduction drew, and slides.
    again, slides = tmp_path / "again", tmp_path / "slides"
    assert adasam(monkeypatch, "figures", "--results", str(outs[0]), "--out", str(again)) == 0
    drawn = sorted(path.name for path in (outs[0] / "figures").iterdir())
    assert sorted(path.name for path in again.iterdir()) == drawn
    for name in drawn:
        assert (again / name).read_bytes() == (outs[0] / "figures" / name).read_bytes(), name
    arguments = ["--style", "slides", "--out", str(slides), "--only", "printed_scaling"]
    assert adasam(monkeypatch, "figures", "--results", str(outs[0]), *arguments) == 0
    png = (slides / "printed_scaling.png").read_bytes()
    assert struct.unpack(">II", png[16:24]) == (1920, 1080)


def test_results_do_not_depend_on_how_many_threads_there_are(monkeypatch, results):
    specs = few_specs(PRESETS["quick"], 0)
    specs = {name: specs[name] for name in ("counterexample",)}
    monkeypatch.setattr(choice, "cores", lambda: 3)
    alone = simulate_all(specs)["counterexample"]
    beside = results["counterexample"][1]
    for name, array in alone.arrays().items():
        assert array.tobytes() == beside.arrays()[name].tobytes(), name


def test_the_report_is_one_file_without_outside_requests(reproduced):
    out, _ = reproduced
    page = (out / "report.html").read_text()
    assert page.index("<table") < page.index("How to read a verdict")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    assert page.index(policy) < page.index("<style>")
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert "@import" not in page
    for target in re.findall(r'href="([^"#]+)"', page):
        assert (out / target).is_file()
    for anchor in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{anchor}"' in page
