"""Captions say what is drawn: their numbers are those of the specs."""

from typing import Any

import pytest

from verify import drawing
from verify.claims.adasam import regimes, remark1, sharpness
from verify.drawing import bounds, methods, movie, schedules
from verify.studies import contest
from verify.studies.study import PRESETS

CURVES: Any = bounds.CURVES.specs(PRESETS["quick"], 0)["log_cosh"]
MOVIE: Any = movie.STUDY.specs(PRESETS["quick"], 0)["path"]
CONTEST: Any = contest.STUDY.specs(PRESETS["quick"], 0)["cosine-adasam"]
BATCHES: Any = methods.BATCH_STUDY.specs(PRESETS["quick"], 0)["cosine"]
TEACHING = schedules.TEACHING

SAID = {
    "bound_vs_measured": [
        (f"{CURVES.problem.profile.replace('_', ' ')} problem", True),
        (f"d = {CURVES.problem.d:.0f}", True),
        (f"eps = G/{CURVES.problem.G / CURVES.run.eps:.0f}", True),
        ("no momentum", CURVES.run.beta1 == 0),
    ],
    "terms": [
        ("L = sigma = Delta = eps = 1", TEACHING.L == TEACHING.sigma == TEACHING.Delta == 1),
        (f"G = {TEACHING.G:g}, d = {TEACHING.d}", True),
    ],
    "regime_map": [
        (f"between b = {regimes.MAP_B[0]} and {regimes.MAP_B[1]}", True),
        (f"beta2 = {regimes.BETA2:g}", True),
        (f"d = {regimes.PROBLEM.d}", True),
        ("At T = 2^10", regimes.MAP_T[0] == 2**10),
    ],
    "no_max": [
        (f"beta2 = {remark1.RARE['beta2']:g}", True),
        (f"T = {remark1.RARE_T[-1]} steps", True),
    ],
    "rho_floor": [
        (f"beta1 = {sharpness.STAIR_MOMENTA[-1]:g}", True),
        (f"eps = G = {sharpness.STAIR_G:g}", True),
    ],
    "methods": [
        (f"b = {CONTEST.run.b:.0f}, eps = {CONTEST.run.eps:g}", True),
        ("beta1 = 0.9", contest.MOMENTA[0] == 0.9),
        ("three rho", len(CONTEST.run.rho) == 3),
    ],
    "batch_sizes": [
        ("four batch sizes", len(BATCHES.run.b) == 4),
        (f"{100 * methods.FALL:.0f} % of its fall at b = {BATCHES.run.b[-1]:.0f}", True),
        (f"beta1 = {BATCHES.run.beta1:g}, eps = {BATCHES.run.eps:g}", True),
    ],
    "methods_table": [(f"over {contest.T:.0f} steps", True)],
    "one_run": [
        (f"{MOVIE.problem.profile} problem, d = {MOVIE.problem.d:.0f}", True),
        (f"rho = {MOVIE.run.rho:g}, eps = {MOVIE.run.eps:g}", True),
        ("no momentum", MOVIE.run.beta1 == 0),
    ],
}


@pytest.mark.parametrize("name", SAID)
def test_a_captions_numbers_are_those_that_are_drawn(name):
    caption = drawing.FIGURES[name].caption
    for words, is_so in SAID[name]:
        assert words in caption
        assert is_so, words
