"""What the figures of claims show is what their evidence says, under the right name."""

from typing import Any

import numpy as np
import pytest

from figures.bound_vs_measured import LOOKS
from figures.style import COLOURS, PAPER
from theory import basin, corollary1
from theory.setting import Hyperparameters
from theory.theorem1 import CORRECTED, VARIANTS
from verify import drawing
from verify.answers.hunt import Trail, beginning
from verify.answers.instances import AXES
from verify.claims import CLAIMS
from verify.claims.adasam import remark1, remark3, sharpness
from verify.claims.adasam.corollary1 import BASIN
from verify.drawing import bounds, schedules, trails
from verify.drawing import corollary1 as together
from verify.reproduction.job import Judged
from verify.reproduction.report import render
from verify.studies import archive

BLACK, GREY = COLOURS["black"], COLOURS["grey"]


def test_every_claims_figure_is_one_that_is_drawn():
    assert {claim.figure for claim in CLAIMS.values() if claim.figure} <= drawing.FIGURES.keys()


def test_all_claims_show_all_figures_and_one_shows_its_own():
    assert drawing.shown(CLAIMS) == drawing.FIGURES
    assert list(drawing.shown(["remark3.steps"])) == ["steps"]


def test_the_first_figure_is_that_of_bounds_and_runs_together():
    assert next(iter(drawing.FIGURES)) == "corollary1"


def test_the_first_figure_opens_the_report_and_is_there_once():
    judged = [
        Judged(claim, evidence, "refuted")
        for claim in (CLAIMS["units.printed"],)
        for evidence in (claim.evidence({}),)
    ]
    provenance = {"preset": "quick", "seed": 0, "device": "cpu", "versions": {}}
    pictures = {name: f"<svg><title>{name}</title></svg>" for name in ("corollary1", "terms")}
    page = render(judged, provenance, pictures, {})
    places = [page.index(f'<figure id="figure-{name}">') for name in pictures]
    assert places[0] < page.index("<section") < places[1]
    assert page.count('<figure id="figure-') == 2
    without = render(judged, provenance, {"terms": pictures["terms"]}, {})
    assert without.count('<figure id="figure-') == 1


def draw(name, evidence) -> Any:
    """Draw a figure of evidence alone, as `adasam figures` does."""
    found = {claim: archive.through_json(item) for claim, item in evidence.items()}
    return drawing.FIGURES[name].draw({}, found, PAPER)


def ends(points, rows, low, high, scale=1.0):
    """Whether error bars are those of the evidence's rows."""
    assert points["low"] == pytest.approx([row[low] / scale for row in rows])
    assert points["high"] == pytest.approx([row[high] / scale for row in rows])


# The schedules, of which the theory knows all.

EPS, C_RHO = 1.0, 3.0
OVER_T, OVER_B = schedules.term_sweeps()


def schedule(b, T) -> Hyperparameters:
    c_gamma = corollary1.c_gamma_value(CORRECTED, schedules.TEACHING, EPS)
    gamma, rho = corollary1.schedule(c_gamma, C_RHO, b, T)
    return Hyperparameters(gamma=gamma, rho=rho, beta1=0.9, beta2=0.999, eps=EPS, b=b, T=T)


@pytest.mark.parametrize(
    ("sweep", "hyper"),
    [(OVER_T, schedule(16, OVER_T.at)), (OVER_B, schedule(OVER_B.at, 10**8))],
    ids=["T", "b"],
)
def test_each_drawn_term_is_the_theorems_and_they_sum_to_the_bound(sweep, hyper):
    terms = CORRECTED.evaluate(schedules.TEACHING, hyper)
    np.testing.assert_array_equal(sweep.leading, terms["initial_gap"] + terms["gradient_noise"])
    for name, values in sweep.parts.items():
        np.testing.assert_array_equal(values, terms[name])
    drawn = sweep.leading + np.sum(list(sweep.parts.values()), axis=0)
    np.testing.assert_allclose(drawn, CORRECTED.total(schedules.TEACHING, hyper), rtol=1e-13)
    assert sweep.trivial == 10 * 2.0**2


def thresholds(b: float) -> dict[str, float]:
    c_gamma = corollary1.c_gamma_value(CORRECTED, schedules.TEACHING, EPS)
    return corollary1.threshold_values(
        CORRECTED, schedules.TEACHING, c_gamma=c_gamma, c_rho=C_RHO, beta1=0.9, eps=EPS, b=b
    )


def test_the_dots_are_the_thresholds_of_corollary_1():
    low, high = OVER_T.at[[0, -1]]
    shown = {name: T for name, T in thresholds(16).items() if low <= T <= high}
    # Terms are power laws, on which interpolation is exact to rounding.
    assert {**OVER_T.limits, "step": OVER_T.step_limit} == pytest.approx(shown, rel=1e-9)
    assert OVER_T.speaks_above


def test_the_dot_over_b_is_the_b_whose_threshold_is_the_T_held():
    assert OVER_B.limits.keys() == {"momentum"}
    assert thresholds(OVER_B.limits["momentum"])["momentum"] == pytest.approx(1e8, rel=1e-9)
    assert OVER_B.step_limit is None  # from every b of the axis the theorem speaks
    assert not OVER_B.speaks_above


def test_the_line_over_the_plane_is_where_the_theorem_starts_to_speak():
    plane, constants = schedules.plane(), BASIN.make().certificate.constants
    above = plane.T[:, None] >= plane.boundary
    assert np.array_equal(plane.speaks, above)
    assert above.any()
    assert not above.all()
    c_gamma = float(corollary1.c_gamma_value(CORRECTED, constants, 2.0))
    for b, T in zip(plane.b[::50], plane.boundary[::50], strict=True):
        limits = corollary1.threshold_values(
            CORRECTED, constants, c_gamma=c_gamma, c_rho=0.5, beta1=0.0, eps=2.0, b=float(b)
        )
        assert limits["step"] == pytest.approx(T, rel=1e-12)


def test_the_plane_marks_the_cells_of_the_slope_claims_and_has_their_gamma_and_rho():
    plane = schedules.plane()
    along_b = {(b, 2**14) for b in (1, 4, 16, 64)}
    along_T = {(16, 2**k) for k in range(14, 19)}
    short = {(b, T) for b in (4, 16, 64) for T in (2**10, 2**12)}
    assert set(map(tuple, plane.cells.tolist())) == along_b | along_T | short
    # At b = T = 1 they are the schedules' constants: the claims have gamma = 2^-6/10 at b = 1,
    # T = 2^14, and rho = 2^-8 there.
    assert plane.gamma[0, 0] == pytest.approx(0.0015625 * 2**7)
    assert plane.rho[0, 0] == pytest.approx(2**-8 * 2**7)
    np.testing.assert_allclose(
        plane.gamma, plane.gamma[0, 0] * np.sqrt(plane.b / plane.T[:, None]), rtol=1e-12
    )
    np.testing.assert_allclose(
        plane.rho, plane.rho[0, 0] / np.sqrt(plane.b * plane.T[:, None]), rtol=1e-12
    )


# The rates.


@pytest.fixture(scope="module")
def rates(planted_once):
    """Return the slopes' evidence where the left side is what it is without perturbation."""

    def law(problem, cell):
        start = float((problem.gradient(problem.x0, np) ** 2).sum())
        rest = cell["gamma"], int(cell["b"]), int(cell["T"]), start
        mean = basin.mean_grad_norm2(problem.L, problem.sigma, cell["eps"], *rest)
        return mean * (1.001 if cell["rho"] else 1.0)

    return {claim: planted_once(claim, law) for claim in ("corollary1.rate_b", "corollary1.rate_T")}


def test_the_speed_up_shows_b_beside_b_and_T_beside_T(rates, read):
    axes = draw("linear_speedup", rates).axes
    held = ("T = 16384", "b = 16")
    for one, axis, label in zip(axes, "bT", held, strict=False):
        evidence = rates[f"corollary1.rate_{axis}"]
        points = evidence["points"]
        found = read.points(one)["measured, 95 %"]
        assert found["x"] == [point[axis] for point in points]
        assert found["y"] == [point["lhs"] for point in points]
        ends(found, points, "low", "high")
        x, exact = read.lines(one)["closed form, ρ = 0"]
        assert x == found["x"]
        assert exact == [point["lhs_exact"] for point in evidence["control"]["points"]]
        # Planted 0.1 % above them.
        assert found["y"] == pytest.approx([1.001 * value for value in exact])
        numbers = (f"{evidence[key]:.3f}".replace("-", "−") for key in ("slope", "low", "high"))
        slope, low, high = numbers
        title = f"slope in ${axis}$ at ${label}$\n{slope}  [{low}, {high}]\n99.999975 % interval"
        assert one.get_title() == title
        assert read.points(axes[2])[f"${label}$"]["x"] == [p["b"] * p["T"] for p in points]


def test_bounds_and_runs_share_their_cells_under_corollary_1(rates, read):
    constants = BASIN.make().certificate.constants
    axes = draw("corollary1", rates).axes
    for one, axis, label in zip(axes, "bT", ("T = 16384", "b = 16"), strict=False):
        points = rates[f"corollary1.rate_{axis}"]["points"]
        assert one.get_title() == f"along ${axis}$, at ${label}$"
        lines = read.lines(one)
        x = [point[axis] for point in points]
        assert lines.pop("runs") == (x, [point["lhs"] for point in points])
        assert read.bands(one) == {
            BLACK: (x, [point["low"] for point in points], [point["high"] for point in points])
        }
        b, T = (np.array([point[name] for point in points]) for name in "bT")
        # c_gamma = 0.2 X and c_rho = 0.5 X are this setting's.
        hyper = Hyperparameters(
            gamma=0.2 * np.sqrt(b / T), rho=0.5 / np.sqrt(b * T), beta1=0.0, beta2=0.999, eps=2.0,
            b=b, T=T,
        )  # fmt: skip
        for name in ("printed", "corrected", "tight"):
            wanted = VARIANTS[name].total(constants, hyper)
            assert lines.pop(name) == (x, pytest.approx(wanted.tolist(), rel=1e-9))
        guide = lines.pop(r"$1/\sqrt{bT}$")
        assert guide == (x, pytest.approx((guide[1][0] * np.sqrt(x[0] / np.array(x))).tolist()))
        assert guide[1][0] < points[0]["lhs"]
        assert lines == {}
        assert read.spans(one)[0][1] == 4 * 2.0**2


def slopes(axes, read) -> dict[str, str]:
    """Return the slopes written beside a panel's lines, by their names."""
    written = (text.split("  ") for text in read.texts(axes) if "  " in text)
    return {name: slope.replace("−", "-") for name, slope in written}


def test_each_line_has_its_own_slope_beside_it(rates, read):
    axes = draw("corollary1", rates).axes
    for one, axis in zip(axes, "bT", strict=False):
        found, lines = slopes(one, read), read.lines(one)
        for name in ("printed", "corrected", "tight"):
            x, y = np.log(lines[name])
            local = np.diff(y) / np.diff(x)
            assert local.min() - 5e-4 <= float(found[name]) <= local.max() + 5e-4
            # Least squares leave no trend behind.
            assert np.polyfit(x, y - float(found[name]) * x, 1)[0] == pytest.approx(0, abs=6e-4)
        evidence = rates[f"corollary1.rate_{axis}"]
        slope, reach = map(float, found["runs"].split(" ± "))
        assert slope == pytest.approx(evidence["slope"], abs=5e-4)
        assert reach == pytest.approx((evidence["high"] - evidence["low"]) / 2, abs=5e-4)
        assert found[r"$1/\sqrt{bT}$"] == "-½"


def test_against_bT_stand_all_points_and_what_is_no_curve_has_two_slopes(rates, read):
    *both, third = draw("corollary1", rates).axes
    parts = [rates[f"corollary1.rate_{axis}"]["points"] for axis in "bT"]
    for label in ("printed", "corrected", "tight", "runs"):
        lines = [line.get_xydata() for line in third.lines if line.get_label() == label]
        for line, points, panel in zip(lines, parts, both, strict=True):
            assert line[:, 0].tolist() == [point["b"] * point["T"] for point in points]
            assert line[:, 1].tolist() == read.lines(panel)[label][1]
    found, (along_b, along_T) = slopes(third, read), (slopes(panel, read) for panel in both)
    assert found["printed in $b$"] == along_b["printed"]
    assert found["printed in $T$"] == along_T["printed"]
    for name in ("corrected", "tight", "runs"):
        joint, *apart = (float(part[name].split(" ")[0]) for part in (found, along_b, along_T))
        assert min(apart) - 2e-3 <= joint <= max(apart) + 2e-3
    assert [tick.get_text() for tick in third.get_xticklabels()] == [
        f"$2^{{{k}}}$" for k in range(14, 23, 2)
    ]


def test_the_headlines_caption_says_what_is_drawn(rates, read):
    caption = drawing.FIGURES["corollary1"].caption
    assert "L = sigma = 1, G = eps = 2, d = 4, beta1 = 0" in caption
    assert (BASIN.L, BASIN.sigma, BASIN.G, BASIN.d) == (1, 1, 2, 4)
    for axis in "bT":
        for point in rates[f"corollary1.rate_{axis}"]["points"]:
            run = point["spec"]["run"]
            assert (run["eps"], run["beta1"]) == (2, 0)
            assert run["rho"] == pytest.approx(0.5 / np.sqrt(point["b"] * point["T"]))
    for one in draw("corollary1", rates).axes[:2]:
        runs, tight, corrected, printed = (
            np.array(read.lines(one)[name][1]) for name in ("runs", "tight", "corrected", "printed")
        )
        assert (runs < tight).all()
        assert (tight < 1.1 * runs).all()  # "just above them"
        assert (3 * tight < corrected).all()
        assert (corrected < printed).all()
        low, high = (np.asarray(end) for end in read.bands(one)[BLACK][1:])
        assert (high / low < 1.05).all()  # "narrower than their line", of 6 decades
    along_b = slopes(draw("corollary1", rates).axes[0], read)
    assert float(along_b["printed"]) > 0.3  # "rises with b"
    assert float(along_b["corrected"]) == pytest.approx(-0.5, abs=0.02)


def test_the_headline_says_its_setting_on_a_slide(rates):
    (point, *_) = rates["corollary1.rate_b"]["points"]
    said = together._setting(point["spec"])
    assert said == (
        r"huber, $L=1$, $\sigma=1$, $G=2$, $d=4$, $\epsilon=2$, $\beta_1=0$, "
        r"$\gamma\propto\sqrt{b/T}$, $\rho=0.5/\sqrt{bT}$"
    )


@pytest.mark.parametrize("name", ["corollary1", "linear_speedup"])
def test_a_figure_of_two_slopes_is_not_drawn_of_one(rates, name):
    assert draw(name, {"corollary1.rate_b": rates["corollary1.rate_b"]}) is None
    assert draw(name, {}) is None


# The remarks.


def test_the_drawn_steps_are_the_evidences(planted, read):
    def law(problem, cell):
        return remark3.exact_mean(int(cell["b"]), cell["T"])

    evidence = planted("remark3.steps", law)
    panels = draw("steps", {"remark3.steps": evidence}).axes
    held = (rf"$b$ at $\delta={remark3.tolerance(1, 16384):.2g}$", r"$\delta$ at $b=4$")
    guides = ("$\\propto b^{-1}$", "$\\propto\\delta^{-2}$")
    for part, one, words, guide in zip(evidence["parts"], panels, held, guides, strict=True):
        rows, lines = part["steps"], read.lines(one)
        at = [row[part["axis"]] for row in rows]
        found = read.points(one)["measured, 95 %"]
        assert (found["x"], found["y"]) == (at, [row["T"] for row in rows])
        ends(found, rows, "low", "high")
        assert lines[r"exact, $\rho=0$"] == (at, [row["exact"] for row in rows])
        assert guide in lines
        slope, low, high = (
            f"{part[key]:.3f}".replace("-", "−") for key in ("slope", "low", "high")
        )
        assert one.get_title().startswith(
            f"slope in {words}\n{slope}  [{low}, {high}], 99.999988 %"
        )
        for row in rows:
            assert row["low"] < row["T"] < row["high"]
            assert row["T"] == pytest.approx(row["exact"], rel=0.02)


def test_the_drawn_crews_are_the_evidences(planted, read):
    evidence = planted(
        "remark3.workers", lambda problem, cell: (0.01 + cell["rho"] / 50) / cell["workers"]
    )
    (part,) = (part for part in evidence["parts"] if "instances" in part)
    panels = draw("workers", {"remark3.workers": evidence}).axes
    for one, rho in zip(panels, (0.0, 0.2), strict=True):
        mine = [i for i in part["instances"] if i["spec"]["run"]["rho"] == rho]
        points, lines = read.points(one), read.lines(one)
        keys = ("sample_low", "sample_high") if rho == 0 else ("lhs_low", "lhs_high")
        for n in (1, 4, 16):
            rows = [i for i in mine if i["spec"]["run"].get("workers", 1) == n]
            found = points[f"$n={n}$"]
            assert found["y"] == [i["lhs"] for i in rows]
            ends(found, rows, *keys)
            nb = [n * i["spec"]["run"]["b"] for i in rows]
            assert np.log2(found["x"]) == pytest.approx(np.log2(nb), abs=0.21)
        by_nb = {i["spec"]["run"].get("workers", 1) * i["spec"]["run"]["b"]: i for i in mine}
        together = sorted(by_nb)
        bound = [by_nb[nb]["rhs"] for nb in together]
        assert lines.pop(r"tight, with $nb$ for $b$") == (together, bound)
        exact = {"exact": (together, [by_nb[nb]["lhs_low"] for nb in together])}
        assert lines == (exact if rho == 0 else {})


def test_the_drawn_means_without_the_max_are_the_evidences(monkeypatch, read):
    at = np.array([1, 1024, 4096])
    rng = np.random.default_rng(0)
    runs = {
        (method, beta1, T): (at[at <= T], rng.uniform(0.001, 0.03, (64, (at <= T).sum())))
        for method in ("adasam", "adam_sam")
        for beta1 in remark1.RARE_MOMENTA
        for T in remark1.RARE_T
    }
    monkeypatch.setattr(remark1, "rare_runs", lambda: runs)
    evidence = remark1.no_max_evidence({})
    start = evidence["setting"]["f'(x_0)^2"]
    figure = draw("no_max", {"remark1.no_max": evidence})
    for one, beta1 in zip(figure.axes, remark1.RARE_MOMENTA, strict=True):
        lines, bands, points = (
            read.lines(one, "colour"), read.bands(one), read.points(one, "colour"),
        )  # fmt: skip
        for method, name in (("adasam", "blue"), ("adam_sam", "vermilion")):
            colour = COLOURS[name]
            values = runs[method, beta1, 4096][1] / start
            assert lines[colour] == (at.tolist(), pytest.approx(values.mean(0).tolist()))
            t, low, high = bands[colour]
            assert t == at.tolist()
            # Student's quantile for 64 runs at 95 %, from a table.
            reach = 1.99834 * values.std(0, ddof=1) / 8
            assert low == pytest.approx((values.mean(0) - reach).tolist(), rel=1e-4)
            assert high == pytest.approx((values.mean(0) + reach).tolist(), rel=1e-4)
            finals = [
                row for row in evidence["measured"]
                if (row["method"], row["beta1"]) == (method, beta1)
            ]  # fmt: skip
            found = points[colour]
            assert found["x"] == list(remark1.RARE_T)
            assert found["y"] == pytest.approx(
                [runs[method, beta1, T][1][:, -1].mean() / start for T in remark1.RARE_T]
            )
            ends(found, finals, "low", "high", start)


def test_the_drawn_floors_are_those_of_runs_and_the_law_is_attained(read):
    evidence = {
        "floors": [sharpness._floor(k, rho) for k in (4, 10) for rho in sharpness.FLOOR_RHO[::3]]
    }
    rho = list(sharpness.FLOOR_RHO[::3])
    for row in evidence["floors"]:
        settling = 0.1 * row["t"] + 1e-3
        assert row["left"] == pytest.approx((1 - 2 * row["t"]) ** 2 * row["law"], rel=settling)
        assert row["left"] < row["tight"] < 1.001 * row["law"]
        assert row["corrected"] == pytest.approx(45 * row["law"], rel=1e-3)
    (one,) = draw("rho_floor", {"sharp.rho": evidence}).axes
    lines, labelled = read.lines(one, "colour"), read.lines(one)
    for name in ("tight", "corrected"):
        wanted = [row[name] for row in evidence["floors"][:3]]
        assert lines[LOOKS[name][1]] == (rho, wanted)
    for k in (4, 10):
        left = [row["left"] for row in evidence["floors"] if row["t"] == 2.0**-k]
        assert labelled[f"runs of Algorithm 1, $t=2^{{-{k}}}$"] == (rho, left)


@pytest.mark.parametrize("name", ["steps", "workers", "no_max", "rho_floor", "printed_scaling"])
def test_a_claims_figure_is_not_drawn_without_its_evidence(name):
    assert draw(name, {}) is None


# The ladder.


def instance(name, b, lhs, rhs):
    run = {"b": float(b)}
    return {
        "name": name, "spec": {"run": run}, "lhs": lhs, "lhs_low": 0.9 * lhs, "lhs_high": 1.3 * lhs,
        "rhs": rhs, "trivial": 100 * lhs,
    }  # fmt: skip


def test_the_ladder_shows_each_setting_at_its_smallest_b_over_what_was_measured(read):
    factors = {"printed": 0.5, "appendix": 8, "corrected": 9, "tight_simple": 4, "tight": 2}
    evidence = {
        f"theorem1.{name}": {
            "instances": [
                instance("enumeration", 2, 0.1, 0.1),
                instance("sharp_one", 1, 0.25, 0.25 * factor),
                instance("sharp_one", 8, 0.125, 0.125 * factor * 3),
                *[instance("loose_one", b, 0.5 / b, 0.5 / b * factor * (b - 1)) for b in (16, 4)],
            ]
        }
        for name, factor in factors.items()
    }
    for item in evidence["theorem1.tight"]["instances"]:
        item |= {"lhs_low": 0.8 * item["lhs"], "lhs_high": 1.4 * item["lhs"]}
    del evidence["theorem1.tight_simple"]["instances"][1]  # it does not apply there
    del evidence["theorem1.tight_simple"]["instances"][1]
    (one,) = draw("tightness", evidence).axes
    labels = [label.get_text() for label in one.get_yticklabels()]
    assert labels == ["sharp one, $b=1$", "loose one, $b=4$"]
    rows = one.get_yticks()
    lines = read.lines(one)
    for name, factor in factors.items():
        x, y = lines[LOOKS[name][0]]
        wanted = {rows[0]: factor, rows[1]: 3 * factor}
        if name == "tight_simple":
            del wanted[rows[0]]
        assert dict(zip(y, x, strict=True)) == pytest.approx(wanted)
    assert lines["$dG^2$"][0] == pytest.approx([100, 100])
    bars = [line for line in one.lines if line.get_linewidth() == 5]
    for bar in bars:
        assert list(bar.get_xdata()) == pytest.approx([0.8, 1.4])  # TIGHT's
    assert draw("tightness", {**evidence, "theorem1.tight": None}) is None


def test_the_ladder_needs_every_variant():
    assert bounds.ladder({}, {}, PAPER) is None


# The searches' trails.


def test_a_trail_shows_its_ratios_at_its_own_points(read):
    points = beginning(0)[:8]
    names = [axis.name for axis in AXES]
    ratio, search = np.geomspace(0.1, 3, 8), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    searches = {
        "one": Trail(points, ratio, np.full(8, 64), search),
        "two": Trail(points[::-1], 2 * ratio, np.full(8, 64), search),
    }
    progress, place = trails.falsifier_trails(searches).axes
    legend = progress.get_legend()
    assert legend
    for colour, (label, trail) in zip(("blue", "vermilion"), searches.items(), strict=True):
        x, best = read.lines(progress, "colour")[COLOURS[colour]]
        assert (x, best) == (list(range(1, 9)), trail.ratio.tolist())
        eps = 10 ** trail.point[:, names.index("eps")]
        shown = read.lines(place, "colour")[COLOURS[colour]]
        assert shown[0] == pytest.approx(eps.tolist())
        assert label in [text.get_text() for text in legend.get_texts()]
    (second,) = (line for line in progress.lines if list(line.get_xdata()) == [4, 4])
    assert second.get_color() == GREY
