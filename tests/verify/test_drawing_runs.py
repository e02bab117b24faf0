"""What the figures of runs show is what the runs have, each cell under its name."""

from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from figures.bound_vs_measured import LOOKS
from figures.style import COLOURS, PAPER
from simulators import spec as specs
from theory.setting import Hyperparameters
from theory.theorem1 import VARIANTS
from verify import drawing
from verify.claims import CLAIMS
from verify.claims.adasam import regimes, theorem1
from verify.drawing import bounds, scaling
from verify.studies.study import PRESETS

BLACK = COLOURS["black"]
RUNS = 8


def student(values, confidence=0.95):
    """Return the mean of each column and the ends of its interval."""
    mean = values.mean(0)
    reach = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values, axis=0)
    return mean.tolist(), (mean - reach).tolist(), (mean + reach).tolist()


def draw(name, results, evidence=None) -> Any:
    """Draw a figure of runs."""
    return drawing.FIGURES[name].draw(results, evidence or {}, PAPER)


def paths(cells, t):
    """Return runs that fall along t, from another height in every cell; the last checkpoint of a
    shorter run is repeated, as an archive's is.
    """
    rng, height = np.random.default_rng(0), 1 + np.arange(cells)
    values = rng.uniform(0.01, 0.02, (cells, RUNS, 1)) / np.sqrt(t) * height[:, None, None]
    values[..., -1] = values[..., -2]
    return SimpleNamespace(
        step=np.tile(t, (cells * RUNS, 1)),
        mean_grad_norm2=values.reshape(cells * RUNS, len(t)),
        rows=lambda number: np.arange(RUNS) + RUNS * number,
    )


def test_a_panels_runs_and_bounds_are_those_of_its_own_batch_size(read):
    spec = bounds.CURVES.specs(PRESETS["quick"], 0)["log_cosh"]
    t = np.array([1, 100, 16384, 16384])
    runs = paths(3, t)
    figure = draw("bound_vs_measured", {"log_cosh": (spec, runs)})
    constants = spec.problem.make().certificate.constants
    T = [1, 100, 16384]
    held = {"gamma": 1 / 128, "rho": 0.005, "beta1": 0.0, "beta2": 0.999, "eps": 0.25}
    for number, (one, b) in enumerate(zip(figure.axes, (1, 8, 64), strict=True)):
        assert one.get_title() == f"batch size $b = {b}$"
        lines = read.lines(one)
        values = runs.mean_grad_norm2[RUNS * number : RUNS * (number + 1), :3]
        mean, low, high = student(values)
        assert lines.pop("measured, 95 % band") == (T, pytest.approx(mean))
        x, *band = read.bands(one)[BLACK]
        assert (x, band) == (T, [pytest.approx(low), pytest.approx(high)])
        for name, bound in VARIANTS.items():
            wanted = [float(bound.total(constants, Hyperparameters(b=b, T=at, **held))) for at in T]
            assert lines.pop(LOOKS[name][0]) == (T, pytest.approx(wanted))
        guide = lines.pop(r"$\propto 1/\sqrt{bT}$")
        assert guide == (T, pytest.approx([mean[-1] * (16384 / at) ** 0.5 for at in T]))
        assert lines == {}
        assert read.spans(one)[0][1] == 10


def test_the_map_has_each_slope_at_its_own_T_and_eps(planted_results, read):
    eps = sorted({level / 8**0.5 for level in regimes.MAP_LEVELS})

    def power(cell):
        if cell["eps"] not in eps:
            return 0.0
        return -0.6 + 0.03 * eps.index(cell["eps"]) + 0.02 * np.log2(cell["T"] / 1024)

    results = planted_results(
        CLAIMS["regime.adaptive"], lambda problem, cell: cell["b"] ** power(cell)
    )
    spec, runs = results["map"]
    left, right, _ = draw("regime_map", results).axes
    found = read.points(right)
    cells = specs.cells(spec, spec.problem.make())
    (mesh,) = (c for c in left.collections if c.get_array() is not None)
    for row, T in enumerate((2**10, 2**12, 2**14, 2**16)):
        points = found[f"$T=2^{{{10 + 2 * row}}}$"]
        wanted = [power({"eps": level, "T": T}) for level in eps]
        assert points["y"] == pytest.approx(wanted)
        assert mesh.get_array()[row].tolist() == pytest.approx(wanted)
        pairs = [
            [runs.lhs(n) for n, cell in enumerate(cells) if (cell["eps"], cell["T"]) == (level, T)]
            for level in eps
        ]
        errors = [np.hypot(*(stats.sem(x) / x.mean() for x in pair)) for pair in pairs]
        reach = stats.t.ppf(0.975, len(pairs[0][0]) - 1) * np.array(errors) / np.log(4)
        assert np.array(points["high"]) - points["y"] == pytest.approx(reach, rel=1e-6)
        assert points["y"] - np.array(points["low"]) == pytest.approx(reach, rel=1e-6)
    x, predicted = read.lines(right)[r"$\hat{v}=\max(\epsilon^2,\sigma^2/b)$"]
    assert x == pytest.approx([level * 8**0.5 for level in eps])
    # From no speed-up where eps is far below the noise to a linear one where it is above.
    assert np.diff(predicted).max() < 0.01
    assert predicted[0] == pytest.approx(0, abs=0.02)
    assert predicted[-1] == pytest.approx(-0.5, abs=0.02)
    assert right.get_xlabel().endswith("at $b=8$")


@pytest.fixture(scope="module")
def scaled():
    """Return the counterexample's evidence, and runs at each scale of known means."""
    spec = theorem1.study_specs(PRESETS["quick"], 0)["counterexample"]
    cell = specs.cells(spec, spec.problem.make())[0]
    item = {"name": "counterexample", "spec": specs.to_json(specs.single(spec, cell))}
    other = {**item, "name": "another", "lhs_low": 1.0}
    evidence = {"instances": [other, {**item, "lhs_low": 0.01}]}
    rng, results = np.random.default_rng(1), {}
    for k in scaling.POWERS:
        left = rng.uniform(1, 2, 9) * 4.0**k / 200
        results[f"c{k:+d}"] = None, SimpleNamespace(lhs=lambda _, left=left: left)
    return spec, cell, evidence, results


def test_the_scaled_counterexample_is_drawn_at_its_own_scales(scaled, read):
    spec, cell, evidence, results = scaled
    figure = draw("printed_scaling", results, {"theorem1.printed": evidence})
    left = figure.axes[0]
    lines, points = read.lines(left, "colour"), read.points(left, "colour")[BLACK]
    c = np.array(lines[BLACK][0])
    assert (c[0], c[-1]) == (2**-6, 2**6)
    assert lines[BLACK][1] == pytest.approx((0.01 * c**2).tolist())
    assert points["x"] == [2.0**k for k in scaling.POWERS]
    for place, k in enumerate(scaling.POWERS):
        mean, low, high = student(results[f"c{k:+d}"][1].lhs(0)[:, None])
        assert points["y"][place] == pytest.approx(mean[0])
        assert points["low"][place] == pytest.approx(low[0])
        assert points["high"][place] == pytest.approx(high[0])
    constants = spec.problem.make().certificate.constants
    hyper = specs.hyperparameters(cell)
    for name in ("corrected", "tight"):  # of unit F^2/X^2
        wanted = c**2 * VARIANTS[name].total(constants, hyper)
        assert lines[LOOKS[name][1]][1] == pytest.approx(wanted.tolist())
    # (5)-(6) as printed: the noise term, of unit F^3/X^3, is all but the whole in the end.
    printed = np.array(lines[LOOKS["printed"][1]][1])
    unscaled = VARIANTS["printed"].evaluate(constants, hyper)
    noise = unscaled.pop("gradient_noise")
    assert printed == pytest.approx((noise * c**3 + sum(unscaled.values()) * c**2).tolist())


def test_scaling_f_and_eps_leaves_the_path_and_scales_the_left_side_by_c_squared():
    """By powers of two every operation is exact: bit for bit."""
    jobs = scaling.study_specs(PRESETS["quick"], 0)
    assert jobs.keys() == {f"c{k:+d}" for k in scaling.POWERS}
    found = {}
    for name, spec in jobs.items():
        run = msgspec.structs.replace(
            spec.run, common_noise=True, T=64, runs=8, record="trajectory"
        )
        runs = specs.run(msgspec.structs.replace(spec, run=run), allow_outside=True)
        found[name] = runs.lhs(0), runs.x
    left, path = found["c+0"]
    for k in scaling.POWERS:
        assert np.array_equal(found[f"c{k:+d}"][0], 4.0**k * left)
        assert np.array_equal(found[f"c{k:+d}"][1], path)
