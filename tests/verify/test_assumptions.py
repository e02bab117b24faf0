"""A search for violations: it finds what is there, and a wrong certificate does not survive it."""

import dataclasses
import json

import numpy as np
import pytest

from simulators import NOISES, PROFILES, SeparableProblem
from verify.claims.adasam import assumptions
from verify.evidence.judge import summary, verdict
from verify.oracles import search

LOOKS = {
    "L": assumptions.lipschitz,
    "sigma": assumptions.noise,
    "G": assumptions.coordinate,
}


def make(profile="cosine", noise="shift", **changes):
    constants = {"L": 2.0, "sigma": 0.5, "G": 1.0, "d": 2, "start": 0.5}
    shape = {"condition": 10.0, "rotation": 1}
    return SeparableProblem(profile, noise, **constants | shape | changes)


def planted(problem, constant, factor, standing="exact"):
    """The same problem with one certified constant off by a factor."""
    right = getattr(problem.certificate, constant)
    wrong = dataclasses.replace(right, value=right.value * factor, standing=standing)
    certificate = dataclasses.replace(problem.certificate, **{constant: wrong})
    problem.__dict__["certificate"] = certificate
    return problem


SEARCH_ANEW = search.largest_coordinate


@pytest.fixture(autouse=True, scope="module")
def each_search_once():
    """A search sees gradients alone: a certificate changed in one number is searched no more."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("lipschitz_ratio", "noise_variance", "bias", "largest_coordinate"):
            patch.setattr(search, name, _once(getattr(search, name)))
        yield


def _once(look):
    known = {}

    def found(problem, seed=0):
        key = type(problem), json.dumps(problem.spec), seed
        if key not in known:
            known[key] = look(problem, seed)
        return known[key]

    return found


def judged(problem, constant):
    evidence = {"searches": list(LOOKS[constant](problem))}
    return verdict(evidence), summary(evidence)


def test_every_profile_and_noise_is_searched():
    searched = {(p.profile.name, p.noise) for p in assumptions.problems()}
    assert searched == {(profile, noise) for profile in PROFILES for noise in NOISES}


@pytest.mark.parametrize(
    ("profile", "noise"),
    [("huber", "additive"), ("cosine", "shift"), ("log_rational", "shift"),
     ("two_basin", "additive")],
)  # fmt: skip
@pytest.mark.parametrize("constant", LOOKS)
def test_a_certificate_wrong_by_one_percent_is_caught(profile, noise, constant):
    too_small = planted(make(profile, noise), constant, 0.99)
    outcome, text = judged(too_small, constant)
    assert outcome == "refuted"
    assert f"{constant} of {profile}, {noise} noise" in text
    # Too large is no violation, but an exact constant is attained.
    assert judged(planted(make(profile, noise), constant, 1.01), constant)[0] == "inconclusive"
    loose = planted(make(profile, noise), constant, 1.01, "upper_bound")
    assert judged(loose, constant)[0] == "holds"
    assert judged(make(profile, noise), constant)[0] == "holds"


def test_biased_samples_are_caught():
    class Biased(SeparableProblem):
        def noise_from_heads(self, heads, b):
            return super().noise_from_heads(heads, b) + 0.01

    problem = Biased("huber", "additive", L=2.0, sigma=0.5, G=1.0, d=2, start=0)
    assert search.bias(problem).value == pytest.approx(0.01)
    assert judged(problem, "sigma")[0] == "refuted"


@pytest.mark.parametrize("noise", NOISES)
def test_what_a_search_reports_is_measured_where_it_says(noise):
    problem = make("rational", noise)
    found = search.lipschitz_ratio(problem)
    x, y = (np.array([place]) for place in found.at)
    apart = np.linalg.norm(search._samples(problem, x) - search._samples(problem, y), axis=2).max()
    assert found.value == pytest.approx(apart / np.linalg.norm(x - y), rel=1e-12)
    found = search.noise_variance(problem)
    samples = search._samples(problem, np.array(found.at))
    assert samples.shape == (4, 1, 2)
    assert found.value == pytest.approx(samples.var(0).sum(), rel=1e-12)
    assert found.evaluations > 100


def test_a_search_follows_from_its_seed():
    first, second, other = (SEARCH_ANEW(make(), seed) for seed in (0, 0, 1))
    assert first == second
    assert first.at != other.at
