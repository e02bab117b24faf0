"""The counterexample to the printed bound, with f and eps scaled.

f -> c f and eps -> c eps leave gamma m/sqrt(v_hat), and so every path, as they are, since L, sigma
and G scale with f. The left side scales by c^2, as do all of (47)'s terms with Lemma 10 mended; the
printed noise term, of unit F^3/X^3, scales by c^3.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from matplotlib.figure import Figure

from figures import printed_scaling
from figures.style import Style
from simulators import spec as specs
from simulators.spec import Spec
from theory.setting import Constants, Hyperparameters
from theory.theorem1 import VARIANTS
from verify.claims.adasam import theorem1
from verify.evidence.kind import Evidence
from verify.evidence.statistics import normal_mean
from verify.studies.study import Preset, Results, Study

BAND = 0.95
POWERS = (-6, -4, -2, 0, 2, 4, 6)
"""c = 2^k: multiplying by it is exact."""

SHOWN = ("printed", "corrected", "tight")


def scaled(spec: Spec, c: float) -> Spec:
    """Return a spec with f and eps times c."""
    problem, run = spec.problem, spec.run
    assert isinstance(run.eps, float)
    sizes = {name: c * getattr(problem, name) for name in ("L", "sigma", "G")}
    return msgspec.structs.replace(
        spec,
        problem=msgspec.structs.replace(problem, **sizes),
        run=msgspec.structs.replace(run, eps=c * run.eps),
    )


def study_specs(preset: Preset, seed: int) -> dict[str, Spec]:
    """Return the counterexample at each scale."""
    base = theorem1.study_specs(preset, seed)["counterexample"]
    base = msgspec.structs.replace(
        base, run=msgspec.structs.replace(base.run, runs=preset.slope_runs)
    )
    return {f"c{k:+d}": scaled(base, 2.0**k) for k in POWERS}


STUDY = Study("scaling", study_specs)


def scaling(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Figure | None:
    """Draw the counterexample's left side and bounds over the scale."""
    judged = evidence.get("theorem1.printed")
    if judged is None:
        return None
    (instance,) = (i for i in judged["instances"] if i["name"] == "counterexample")
    base = msgspec.convert(instance["spec"], Spec)
    c = np.geomspace(2.0 ** POWERS[0], 2.0 ** POWERS[-1], 8 * (POWERS[-1] - POWERS[0]) + 1)
    settings = [_setting(scaled(base, x)) for x in c]
    intervals = [normal_mean(results[f"c{k:+d}"][1].lhs(0), BAND) for k in POWERS]
    return printed_scaling.draw(
        printed_scaling.Scaling(
            c=c,
            left=c**2 * instance["lhs_low"],
            bounds={
                name: np.array([float(VARIANTS[name].total(*each)) for each in settings])
                for name in SHOWN
            },
            at=2.0 ** np.array(POWERS),
            mean=np.array([interval.estimate for interval in intervals]),
            low=np.array([interval.low for interval in intervals]),
            high=np.array([interval.high for interval in intervals]),
            interval=f"{100 * BAND:.0f} %",
        ),
        style,
    )


def _setting(spec: Spec) -> tuple[Constants, Hyperparameters]:
    problem = spec.problem.make()
    (cell,) = specs.cells(spec, problem)
    return problem.certificate.constants, specs.hyperparameters(cell)
