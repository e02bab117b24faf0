"""Theorem 1 beside live runs, a marimo notebook: `marimo run examples/classroom.py`."""

import marimo

app = marimo.App(width="medium", app_title="AdaSAM: the bound and live runs")


@app.cell
def _():
    import marimo as mo

    from figures.style import SLIDES
    from simulators import spec as specs
    from simulators.spec import ProblemSpec, RunSpec, Spec
    from theory import CORRECTED, trivial
    from verify.answers.speedup import slopes
    from verify.drawing.bounds import bounds

    return CORRECTED, ProblemSpec, RunSpec, SLIDES, Spec, bounds, mo, slopes, specs, trivial


@app.cell
def _(mo):
    mo.md("""
    # The bound, and what runs do

    Corollary 1 takes γ = c_γ √(b/T) and ρ = c_ρ/√(bT), and promises that the mean squared gradient
    falls as 1/√(bT): with four times the batch, half of it is left. Choose a setting; the runs are
    made anew.
    """)
    return


@app.cell
def _(mo):
    profiles = ["log_cosh", "huber", "cosine", "rational", "two_basin"]
    controls = mo.ui.dictionary(
        {
            "profile": mo.ui.dropdown(profiles, value="log_cosh", label="problem"),
            "sigma": mo.ui.slider(0.1, 1.0, 0.05, value=0.8, label="noise σ/G", show_value=True),
            "eps": mo.ui.slider(0.1, 2.0, 0.1, value=1.0, label="ε/G", show_value=True),
            "beta1": mo.ui.slider(0.0, 0.95, 0.05, value=0.0, label="β₁", show_value=True),
            "c_rho": mo.ui.slider(0.0, 4.0, 0.1, value=0.5, label="c_ρ", show_value=True),
            "power": mo.ui.slider(11, 16, 1, value=14, label="log₂ T", show_value=True),
            "runs": mo.ui.slider(16, 256, 16, value=64, label="runs of each b", show_value=True),
        }
    )
    mo.hstack(list(controls.values()), wrap=True)
    return (controls,)


@app.cell
def _(ProblemSpec, RunSpec, Spec, controls, specs):
    chosen = controls.value
    spec = Spec(
        problem=ProblemSpec(
            profile=chosen["profile"], L=1.0, sigma=chosen["sigma"], G=1.0, d=4, start=0.3
        ),
        run=RunSpec(
            schedule="corollary1", c_gamma="corrected", c_rho=chosen["c_rho"],
            beta1=chosen["beta1"], beta2=0.999, eps=chosen["eps"], b=[1.0, 4.0, 16.0],
            T=2.0 ** chosen["power"], runs=chosen["runs"], seed=0,
        ),
    )  # fmt: skip
    runs = specs.run(spec, allow_outside=True)
    return runs, spec


@app.cell
def _(SLIDES, bounds, runs, spec):
    bounds({"log_cosh": (spec, runs)}, {}, SLIDES)
    return


@app.cell
def _(CORRECTED, runs, spec, specs, trivial):
    problem = spec.problem.make()
    constants = problem.certificate.constants
    rows, remarks = [], []
    for number, cell in enumerate(specs.cells(spec, problem)):
        hyper, b = specs.hyperparameters(cell), int(cell["b"])
        terms = CORRECTED.evaluate(constants, hyper)
        values = {name: float(value) for name, value in terms.items()}
        bound, most = sum(values.values()), float(trivial(constants))
        rows.append(
            {
                "b": b,
                "measured": float(runs.lhs(number).mean()),
                "bound": bound,
                "d G²": most,
                "largest term": max(values, key=values.__getitem__),
                **values,
            }
        )
        if bound >= most:
            remarks.append(f"b = {b}: the bound is above d G² and says nothing.")
        for check in CORRECTED.preconditions(constants, hyper):
            if not check.holds:
                remarks.append(f"b = {b}: {check.name} fails, and the theorem does not speak.")
    return remarks, rows


@app.cell
def _(mo, remarks, rows, runs, slopes, spec):
    slope = next(row for row in slopes(spec, runs) if row["along"] == "b")
    interval = f"{slope['slope']:.3f} [{slope['low']:.3f}, {slope['high']:.3f}]".replace("-", "−")
    said = [f"**Measured slope in b: {interval}** (95 %); the promise is −1/2.", *remarks]
    digits = {name: "{:.4g}" for name, value in rows[0].items() if isinstance(value, float)}
    table = mo.ui.table(rows, selection=None, pagination=False, format_mapping=digits)
    mo.vstack([mo.md("  \n".join(said)), table])
    return (slope,)


if __name__ == "__main__":
    app.run()
