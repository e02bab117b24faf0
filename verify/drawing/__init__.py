"""From evidence and runs to the data of figures: a room for each kind, and the list of all.

`corollary1` bounds and runs together under Corollary 1's schedule.
`bounds`     the bounds beside what runs measure.
`schedules`  the terms and the theorem's reach under Corollary 1's schedules.
`scaling`    the counterexample to the printed bound, with f scaled.
`remarks`    claims on the remarks and on sharpness.
`rates`      how fast the left side falls in b and T.
`methods`    the paper's Figures 1 to 3 on certified problems, and its tables as dots.
`methods_tables`  the tables in Markdown and LaTeX.
`movie`      one run, still and moving.
`trails`     where a search for violations went.
`picture`    what a figure is, and how all are drawn.
"""

from collections.abc import Iterable

from verify.claims import CLAIMS
from verify.claims.adasam import regimes
from verify.drawing import (
    bounds,
    corollary1,
    methods,
    methods_tables,
    movie,
    rates,
    remarks,
    scaling,
    schedules,
)
from verify.drawing.picture import Picture as Picture
from verify.drawing.picture import draw_all as draw_all
from verify.studies import contest

FIGURES: dict[str, Picture] = {
    "corollary1": Picture(
        corollary1.corollary1,
        "Corollary 1's schedule, gamma = c_gamma sqrt(b/T) and rho = 0.5/sqrt(bT), in a Huber "
        "basin (L = sigma = 1, G = eps = 2, d = 4, beta1 = 0), with the slope of each line. Black: "
        "runs, with a 95 % band narrower than their line; ± gives the interval that the verdict on "
        "the slope rests on. The bound printed as (5)-(6) rises with b; the corrected one falls "
        "as the runs do, and the tight one lies just above them. A bound in the grey area, above "
        "d G^2, says nothing.",
    ),
    "bound_vs_measured": Picture(
        bounds.bounds,
        "Theorem 1 over T at a fixed step, log cosh problem, d = 10, eps = G/4, no momentum: the "
        "measured running mean, the variants of the bound, and the trivial bound d G^2, above "
        "which a bound says nothing.",
        bounds.CURVES,
    ),
    "printed_scaling": Picture(
        scaling.scaling,
        "The counterexample to (5)-(6) as printed, scaled: f -> c f and eps -> c eps leave every "
        "path as it is. The left side scales as c^2, and so does a bound of unit F^2/X^2; the "
        "printed noise term scales as c^3, so that a small enough c makes the bound false. Lines: "
        "exact; points: runs.",
        scaling.STUDY,
    ),
    "tightness": Picture(
        bounds.ladder,
        "Each variant of Theorem 1 as a multiple of the measured left side, on every simulated "
        "instance: 1 is sharp, below 1 is false. The grey line is what the sharp theorem gains on "
        "CORRECTED.",
    ),
    "terms": Picture(
        schedules.terms_figure,
        "The terms of CORRECTED under Corollary 1's schedules, with momentum (L = sigma = Delta = "
        "eps = 1, G = 2, d = 10, beta1 = 0.9, c_rho = 3). A dot marks where a term meets the two "
        "leading ones, its threshold; the strip names the largest. The momentum term, b/T, "
        "dominates until T is of the order of b^3, and ends what a larger b gains.",
    ),
    "schedules": Picture(
        schedules.schedules_figure,
        "Corollary 1's schedules over (b, T) on the problem of the slopes, c_rho = 0.5. Hatched: "
        "gamma > eps/(16 L), where Theorem 1 says nothing.",
    ),
    "linear_speedup": Picture(
        rates.speedup,
        "Corollary 1's schedule on a Huber basin, eps = G: the measured left side falls as "
        "b^(-1/2) and T^(-1/2), and all points lie on one curve in bT.",
    ),
    "regime_map": Picture(
        rates.regimes_figure,
        "The slope in b of the floor under gamma = c sqrt(b/T), beta2 = 0.999, taken between b = 4 "
        "and 16 in a Huber basin with d = 1: -1/2 where eps is above the noise sigma/sqrt(b), 0 "
        "where it is below. At T = 2^10, about 1/(1 - beta2), v has not yet risen from 0 to the "
        "noise, so that eps counts for longer.",
        regimes.STUDY,
    ),
    "no_max": Picture(
        remarks.without_max,
        "Remark 1: the running mean of f'(x_t)^2 over that at the start, with and without line 8's "
        "max, where a large gradient comes once in 128 steps (beta2 = 0.9). Lines: along runs of "
        "T = 4096 steps, gamma = c/sqrt(T), with 95 % bands; points: the left side at T.",
    ),
    "steps": Picture(
        remarks.steps_to,
        "Remark 3: the steps until the left side is delta, in a Huber basin with eps = G under "
        "Corollary 1's schedule; grey: known exactly without perturbation.",
    ),
    "workers": Picture(
        remarks.crews,
        "Remark 3: n workers of b samples each. Without perturbation only nb counts; with each "
        "worker's own the paths differ, and the sharp bound with nb for b holds for all.",
    ),
    "rho_floor": Picture(
        remarks.rho_floors,
        "Where SAM settles although |f'| is nearly L rho: runs of Algorithm 1 that start beside "
        "the point, beta1 = 0.9, and the bounds for gamma -> 0, T -> oo, eps = G = 4. The left "
        "side is (1 - 2t)^2 L^2 rho^2: rho must fall with T, and the coefficient 1 is sharp.",
    ),
    "methods": Picture(
        methods.with_momentum,
        "The counterpart of the paper's Fig. 1, beta1 = 0.9, on synthetic problems with certified "
        "constants, not GLUE: objective and running mean of the squared gradient. Every method has "
        "the best step of one grid, SAM and AdaSAM the best of three rho too, chosen on other "
        "runs; b = 16, eps = 0.01. It is stationarity that is shown, not generalization.",
        contest.STUDY,
    ),
    "methods_no_momentum": Picture(
        methods.without_momentum,
        "The counterpart of the paper's Fig. 3: the same with beta1 = 0.",
        contest.STUDY,
    ),
    "batch_sizes": Picture(
        methods.batch_sizes,
        "The counterpart of the paper's Fig. 2: AdaSAM at four batch sizes, gamma scaled by "
        "sqrt(b), beta1 = 0.9, eps = 0.01, below the noise; and the steps until the objective has "
        "done 80 % of its fall at b = 32. What speeds up here is the transient, not the floor.",
        methods.BATCH_STUDY,
    ),
    "methods_table": Picture(
        methods.table,
        "The counterpart of the paper's Tables I and II: the average squared gradient over 1024 "
        "steps, in per cent of the first one; less is better. A ring marks the least of its "
        "beta1, and what paired runs do not tell from it. The numbers are in methods_tables.md "
        "and .tex.",
        contest.STUDY,
    ),
    "methods_tables": Picture(
        methods_tables.tables,
        "Tables I and II's counterpart in numbers.",
        contest.STUDY,
    ),
    "one_run": Picture(
        movie.still,
        "One run on the cosine problem, d = 2, rho = 0.2, eps = 0.3, no momentum: the path with "
        "its last perturbation, the step sizes, and the running mean of many runs under its "
        "bounds. one_run_moving.gif shows it move.",
        movie.STUDY,
    ),
    "one_run_moving": Picture(
        movie.animation,
        "The same, a frame a checkpoint.",
        movie.STUDY,
    ),
}
"""Everything that a reproduction draws, by name; the first opens the report."""


def shown(claim_ids: Iterable[str]) -> dict[str, Picture]:
    """Return the pictures of these claims and, where they are all, those that no claim has."""
    ids = set(claim_ids)
    wanted = {claim.figure for claim in CLAIMS.values() if claim.id in ids}
    owned = {claim.figure for claim in CLAIMS.values()}
    return {
        name: picture
        for name, picture in FIGURES.items()
        if name in wanted or (name not in owned and ids >= CLAIMS.keys())
    }
