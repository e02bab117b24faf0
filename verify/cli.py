"""The command line.

Commands import what they need when they run, so that `adasam --help` loads neither torch nor
matplotlib. Bad input ends in one message on stderr and exit code 2.
"""

import io
import signal
import sys
from typing import Any, NoReturn

import typer

from verify.commands.bench import bench
from verify.commands.bound import bound
from verify.commands.calibrate import calibrate
from verify.commands.check import check
from verify.commands.claims import claims
from verify.commands.classroom import classroom
from verify.commands.doctor import doctor
from verify.commands.falsify import falsify
from verify.commands.figures import figures
from verify.commands.problem import problem
from verify.commands.proof import proof
from verify.commands.reproduce import reproduce
from verify.commands.simulate import simulate
from verify.commands.speedup import speedup
from verify.commands.terminal import console
from verify.commands.thresholds import thresholds

app = typer.Typer(
    name="adasam",
    help="Check the convergence theory of AdaSAM: bounds, simulations, verdicts.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    reproduce,
    figures,
    bound,
    problem,
    thresholds,
    simulate,
    speedup,
    claims,
    bench,
    calibrate,
    proof,
    falsify,
    classroom,
    check,
    doctor,
):
    app.command()(command)


def main() -> None:
    """Run the command line; exit 2 on bad input.

    Told to terminate, a command ends as after an error: its temporary files and processes go.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal does not have, or a file's odd name, is written as \\x...
            stream.reconfigure(errors="backslashreplace")
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminated)
    try:
        app()
    except MemoryError as error:
        _refuse(f"{str(error) or 'memory ran out'}: lower runs, d or the number of cells.")
    except OverflowError as error:
        _refuse(
            f"a number leaves float64 ({error.args[-1] if error.args else 'overflow'}): choose "
            "units of f and x in which the numbers given are nearer 1."
        )
    except OSError as error:
        cause = error.strerror or str(error) or type(error).__name__
        _refuse(f"{error.filename or 'a file'} cannot be used ({cause}).")
    except ValueError as error:
        from theory.errors import InputError

        if not isinstance(error, InputError):
            raise
        _refuse(str(error))


def _terminated(number: int, _: Any) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _refuse(message: str) -> NoReturn:
    console(stderr=True).print(f"error: {message}", style="red")
    sys.exit(2)


def _exclude(*given: tuple[str, bool]) -> None:
    """Refuse options of which each would leave the other unused."""
    from theory.errors import InputError

    names = [name for name, there in given if there]
    if len(names) > 1:
        raise InputError(f"{names[1]} is given beside {names[0]}: drop one of them.")


def _show(*tables: Any, width: int = 200) -> None:
    # A terminal's width if there is one; a table's own width in a file or a pipe.
    console = _console(width=None if sys.stdout.isatty() else width)
    for table in tables:
        console.print(table)


def _print_json(content: Any) -> None:
    import json

    from theory.errors import InputError

    try:
        print(json.dumps(content, indent=1, allow_nan=False))
    except ValueError:
        raise InputError("a result is not finite: rescale the setting's units.") from None


def _note(line: str) -> None:
    """Print a line that is no result, on stderr."""
    _console(stderr=True).print(line, style="dim")


@contextmanager
def _progress() -> Iterator[Any]:
    """Show a progress bar for each simulation, on stderr; yield the callback."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars: dict[str, Any] = {}
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=_console(stderr=True),
        transient=True,
    ) as progress:

        def report(name: str, done: int, every: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name)
            progress.update(bars[name], completed=done, total=every, visible=done < every)

        yield report


@app.command()
def reproduce(
    preset: Annotated[str, typer.Option(help="quick or paper.")] = "quick",
    out: Annotated[
        Path | None,
        _folder(
            "Folder for the report and all data: results by default, results/only/ID with --only. "
            "What an earlier reproduction left there is replaced."
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    only: Annotated[
        list[str] | None, typer.Option(help="A claim's id or family; may be repeated.")
    ] = None,
) -> None:
    """Judge every claim: print the verdicts, write report.html, claims.json, figures and data.

    Exit code 0 if every verdict is the expected one, 1 if one differs or something could not be
    judged or drawn, 2 for bad input.
    """
    import time

    from verify.commands import tables
    from verify.reproduction.folder import default_folder
    from verify.reproduction.job import reproduce as run

    started = time.monotonic()
    folder, faults = out or default_folder(only or ()), []
    with _progress() as report:
        judged = run(
            preset=preset,
            out=folder,
            seed=seed,
            device=device,
            only=only or (),
            progress=report,
            stage=_note,
            fault=faults.append,
        )
    _show(tables.verdicts(judged))
    differing = [item.claim.id for item in judged if not item.as_expected]
    print(f"{folder / 'report.html'}, {folder / 'claims.json'}; {time.monotonic() - started:.0f} s")
    if differing:
        print(f"not as expected: {', '.join(differing)}")
    print("\n".join(faults), end="\n" if faults else "")
    if differing or faults:
        raise typer.Exit(1)


@app.command()
def figures(
    results: Annotated[
        Path,
        _folder("Folder that `adasam reproduce` wrote."),
    ] = Path("results"),
    style: Annotated[str, typer.Option(help="paper or slides.")] = "paper",
    out: Annotated[
        Path | None,
        _folder("Folder for them; figures or slides among the results by default."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A figure; may be repeated.")
    ] = None,
) -> None:
    """Draw all figures anew from a reproduction's data, without simulating.

    In the style paper they are those of the reproduction, byte for byte; in the style slides they
    are 16:9 in large type. The figures of `bench` and `falsify` are drawn too, from results/bench
    and results/falsify.
    """
    from verify.reproduction.redraw import redraw

    files = redraw(results, style_name=style, out=out, only=only or (), say=_note)
    for path in files:
        print(path)


@app.command()
def bound(
    L: Smoothness,
    sigma: NoiseSize,
    G: GradientBound,
    d: Dimension,
    Delta: Gap,
    gamma: Annotated[
        float, typer.Option(parser=_number, metavar="NUMBER", help="Base learning rate, X.")
    ],
    eps: Eps,
    b: BatchSize,
    T: Annotated[float, typer.Option("--T", parser=_number, metavar="NUMBER", help="Steps.")],
    rho: Annotated[
        float, typer.Option(parser=_number, metavar="NUMBER", help="Perturbation radius, X.")
    ] = 0.0,
    beta1: Annotated[float, typer.Option(parser=_number, metavar="NUMBER", help="Momentum.")] = 0.9,
    beta2: Annotated[
        float | None,
        typer.Option(parser=_number, metavar="NUMBER", help="Checked, but no bound has it."),
    ] = None,
    variant: Annotated[
        str, typer.Option(help="printed, appendix, corrected, tight_simple, tight or all.")
    ] = "all",
    json: Json = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the bound as LaTeX instead, and its value here.")
    ] = False,
) -> None:
    """Evaluate Theorem 1's bound, term by term, with its preconditions."""
    from theory.errors import unknown
    from theory.setting import Constants, Hyperparameters
    from theory.theorem1 import VARIANTS
    from verify.answers.evaluation import evaluate
    from verify.commands import tables

    _exclude(("--json", json), ("--latex", latex))
    if variant != "all" and variant not in VARIANTS:
        raise unknown("variant", variant, (*VARIANTS, "all"))
    chosen = list(VARIANTS.values()) if variant == "all" else [VARIANTS[variant]]
    constants = Constants(L=L, sigma=sigma, G=G, d=d, Delta=Delta)
    hyper = Hyperparameters(
        gamma=gamma, rho=rho, beta1=beta1, beta2=beta2 or 0.0, eps=eps, b=b, T=T
    )
    values = [evaluate(item, constants, hyper) for item in chosen]
    if beta2 is not None:
        _note("beta2 enters no bound: given, but not counted")
    if latex:
        for item, value in zip(chosen, values, strict=True):
            total = "none: its condition fails" if value["total"] is None else value["total"]
            print(f"{item.latex()}\n% {item.name}, at this setting: {total}\n")
    elif json:
        _print_json(values[0] if variant != "all" else values)
    else:
        _show(tables.bounds(values), tables.preconditions(values))


@app.command()
def problem(
    profile: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE",
            help="huber, pseudo_huber, log_cosh, cosine, rational, log_rational or two_basin; or a "
            "spec (.toml or .json), whose problem it is, without the options below.",
        ),
    ],
    L: Smoothness | None = None,
    sigma: NoiseSize | None = None,
    G: GradientBound | None = None,
    d: Dimension | None = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="x_0: a number, d of them with commas, plateau or minimiser; minimiser, X."
        ),
    ] = None,
    noise: Annotated[str | None, typer.Option(help="additive or shift; additive.")] = None,
    condition: Annotated[
        float | None,
        typer.Option(parser=_number, metavar="NUMBER", help="L over the least curvature; 1."),
    ] = None,
    rotation: Annotated[
        int | None, typer.Option(parser=_whole, metavar="SEED", help="Rotate x by this seed.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a problem's certificate and what limits sigma, G and d."""
    from simulators import spec as specs
    from simulators.problems import SeparableProblem
    from theory.errors import InputError
    from verify.answers.evaluation import certified
    from verify.commands import tables

    given: dict[str, Any] = {"L": L, "sigma": sigma, "G": G, "d": d}
    if profile.endswith((".toml", ".json")):
        shape = {"start": start, "noise": noise, "condition": condition, "rotation": rotation}
        beside = [name for name, value in {**given, **shape}.items() if value is not None]
        if beside:
            raise InputError(f"--{beside[0]} is given beside a spec, which has its own: drop it.")
        content = certified(specs.read(profile).problem.make())
    else:
        missing = [name for name, value in given.items() if value is None]
        if missing:
            raise InputError(f"--{missing[0]} is missing: a profile needs L, sigma, G and d.")
        content = certified(
            SeparableProblem(
                profile,
                "additive" if noise is None else noise,
                start=_start("minimiser" if start is None else start),
                condition=condition,
                rotation=rotation,
                **given,
            )
        )
    if json:
        _print_json(content)
    else:
        _show(*tables.certificate(content))


def _start(text: str) -> float | list[float] | str:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return text
    return numbers if len(numbers) > 1 else numbers[0]


@app.command()
def thresholds(
    L: Smoothness,
    sigma: NoiseSize,
    G: GradientBound,
    d: Dimension,
    Delta: Gap,
    eps: Eps,
    b: BatchSize,
    beta1: Annotated[float, typer.Option(parser=_number, metavar="NUMBER", help="Momentum.")] = 0.9,
    c_gamma: Annotated[
        str,
        typer.Option(
            metavar="NUMBER",
            help="gamma = c_gamma sqrt(b/T): a number, or the best for corrected or tight.",
        ),
    ] = "corrected",
    c_rho: Annotated[
        float, typer.Option(parser=_number, metavar="NUMBER", help="rho = c_rho/sqrt(bT).")
    ] = 0.0,
    N: Annotated[
        float | None,
        typer.Option(
            "--N", parser=_number, metavar="NUMBER", help="Sample budget bT: ask for the best b."
        ),
    ] = None,
    variant: Annotated[
        str, typer.Option(help="appendix, corrected or tight_simple.")
    ] = "corrected",
    json: Json = False,
) -> None:
    """Say which T is sufficiently large in Corollary 1, and up to which b more of it helps.

    Under the corollary's schedules the bound's two leading terms sum to K/sqrt(bT). Each other
    term is below them from its own T on or, with a budget N = bT, up to its own b.
    """
    from theory.setting import Constants
    from verify.answers.thresholds import examine
    from verify.commands import tables

    content = examine(
        variant,
        Constants(L=L, sigma=sigma, G=G, d=d, Delta=Delta),
        c_gamma=c_gamma,
        c_rho=c_rho,
        beta1=beta1,
        eps=eps,
        b=b,
        N=N,
    )
    if json:
        _print_json(content)
    else:
        _show(tables.thresholds(content))


@app.command()
def simulate(
    spec: Annotated[
        Path, typer.Argument(parser=_path, metavar="SPEC", help="A .toml or .json file; see below.")
    ],
    out: Annotated[
        Path | None,
        _file("Write the runs to this .npz file."),
    ] = None,
    allow_outside: Outside = False,
    json: Json = False,
) -> None:
    """Simulate what a spec says.

    A spec has the tables [problem] with profile, noise, L, sigma, G, d, start and, optional,
    condition, curvatures, rotation; [run] with method, gamma, rho, beta1, beta2, eps, b, T,
    workers, v_init, runs, seed, record, common_noise, or schedule = "corollary1" with c_gamma and
    c_rho in place of gamma and rho; and [engine] with name, device, dtype. Hyper-parameters are
    numbers or lists; lists make a grid.

    The logistic loss with the non-convex regulariser alpha sum x^2/(1+x^2) is a [problem] with
    kind = "finite_sum", alpha and, optional, start: of drawn data with N, d, seed and, optional,
    condition, scale, flip; of your own with data = "file.npz" (arrays A, y), "file.csv" (the label
    last) or "file.libsvm" (label index:value ...), its path from the spec's folder. [run] may then
    have gradient_share, the share of the steps whose true gradient is evaluated.

    Exit code 1 if a run leaves the finite numbers, 2 for bad input.
    """
    from simulators import spec as specs
    from theory.errors import InputError
    from verify.answers.evaluation import measured_cells
    from verify.commands import tables
    from verify.files import writable_folder

    job = specs.read(spec)
    if out is not None:
        if out.suffix != ".npz":
            raise InputError(f"--out {out} is no .npz file: name it {out.with_suffix('.npz')}.")
        if out.is_dir():
            raise InputError(f"--out {out} is a folder: name a file.")
        writable_folder(out.parent)
    if job.run.record == "trajectory" and out is None:
        _note('record = "trajectory": the iterates are kept only in a file, with --out runs.npz')
    runs, unused = _simulated(job, spec.name, allow_outside)
    if out is not None:
        runs.save(out)
    rows = measured_cells(job, runs)
    if json:
        _print_json({"cells": rows, "unused": unused})
    else:
        _show(tables.cells(rows, unused))
    _say_diverged(runs)


def _simulated(job: "Spec", name: str, allow_outside: bool) -> "tuple[Runs, list[str]]":
    """Run a spec; say where it runs. Return the runs and the letters that do not count."""
    from simulators import spec as specs
    from verify.answers.evaluation import idle

    unused = idle(job)
    if unused:
        _note(f"method {job.run.method} does not use {', '.join(unused)}: given, but not counted")
    with _progress() as report:
        runs = specs.run(
            job,
            allow_outside=allow_outside,
            progress=lambda done, every: report(name, done, every),
            say=_note,
        )
    return runs, unused


def _say_diverged(runs: "Runs") -> None:
    """End in exit code 1, and say why, if a run left the finite numbers."""
    import numpy as np

    from verify.answers.evaluation import left_finite

    diverged = left_finite(runs)
    if diverged.any():
        cells = len(np.unique(runs.inputs.cell[diverged]))
        _console(stderr=True).print(
            f"diverged: {diverged.sum()} of {len(diverged)} runs, in {cells} of {runs.cells} "
            "cells, left the finite numbers, so that these have no mean: lower gamma or raise eps.",
            style="red",
        )
        raise typer.Exit(1)


@app.command()
def speedup(
    spec: Annotated[
        Path | None,
        typer.Argument(
            parser=_path,
            metavar="SPEC",
            help="A spec whose grid runs over b, T or both; by default a Huber basin.",
        ),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(parser=_whole, metavar="N", help="Replicates, without a spec; 64."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=_whole, callback=_from_zero, metavar="N", help="Seed, without a spec; 0."
        ),
    ] = None,
    allow_outside: Outside = False,
    json: Json = False,
) -> None:
    """Fit the slopes in b and in T that a linear speed-up has at -1/2.

    Exit code 1 if a run leaves the finite numbers, 2 for bad input.
    """
    from simulators import spec as specs
    from theory.errors import InputError
    from verify.answers.speedup import default_spec, slopes
    from verify.commands import tables

    if spec is None:
        job = default_spec(64 if runs is None else runs, 0 if seed is None else seed)
    else:
        for name, value in (("runs", runs), ("seed", seed)):
            if value is not None:
                raise InputError(f"--{name} is given beside a spec, which has its own: drop it.")
        job = specs.read(spec)
    outcome, _ = _simulated(job, "speedup", allow_outside)
    _say_diverged(outcome)
    rows = slopes(job, outcome)
    if json:
        _print_json({"slopes": rows})
    else:
        _show(tables.slopes(rows))


@app.command()
def claims(json: Json = False) -> None:
    """List the claims that `reproduce` judges."""
    from verify.claims import CLAIMS
    from verify.commands import tables

    if json:
        fields = ("id", "source", "statement", "method", "expected")
        rows = [{name: getattr(claim, name) for name in fields} for claim in CLAIMS.values()]
        _print_json({"claims": rows})
    else:
        _show(tables.claims(CLAIMS.values()))


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer sizes, shorter timings.")] = False,
    device: Annotated[
        str,
        typer.Option(
            callback=_usable,
            help="cpu, or cuda: its engines beside numba on all cores.",
        ),
    ] = "cpu",
    out: Annotated[
        Path | None,
        _folder("Folder for bench.json and the figure engine_speed."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure how fast the engines are, beside NumPy, torch.optim and JAX.

    Everything is timed in one run, turn by turn, so that ratios mean something where absolute
    rates drift. JAX is timed where the extra `peers` is installed. Nothing else should be running.
    """
    from verify.bench import bench as run
    from verify.commands import tables

    with _progress() as report:
        content = run(quick=quick, device=device, out=out, progress=report)
    if json:
        _print_json(content)
        return
    _show(*tables.benchmark(content))
    if out is not None:
        print(f"in {out}: bench.json and, for a CPU, engine_speed; {content['seconds']:.0f} s")


@app.command()
def calibrate(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer reproductions, of the quick preset only.")
    ] = False,
    out: Annotated[
        Path,
        _folder("Folder for calibration.json and calibration.md."),
    ] = Path("results"),
    seed: Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from where Ctrl-C ended the last one.")
    ] = False,
    json: Json = False,
) -> None:
    """Count how often intervals hold what they should and verdicts are right.

    Every kind of interval on laws whose means are known, and on the engine's runs whose left sides
    are; bounds and slopes near the truth, judged on many reproductions. `reproduce` puts
    calibration.json, where its folder has one, into the report. Ctrl-C leaves what is counted.
    """
    from simulators.engines.choice import choose
    from verify.calibration import calibrate as run
    from verify.calibration.writing import sections
    from verify.commands import tables

    _note(str(choose("auto", "auto")))
    try:
        with _progress() as report:
            content = run(quick=quick, out=out, seed=seed, resume=resume, progress=report)
    except KeyboardInterrupt:
        _note(f"stopped: --resume goes on from {out}")
        raise typer.Exit(130) from None
    if json:
        _print_json(content)
        return
    for found in sections(content):
        _show(tables.table(found.title.rstrip("."), found.sides, found.rows))
        print(f"{found.note}\n")
    print(f"{out / 'calibration.json'}, {out / 'calibration.md'}; {content['seconds']:.0f} s")


@app.command()
def proof(
    part: Annotated[str, typer.Option(help="paper, sharp or all.")] = "all",
    latex: Annotated[
        bool, typer.Option(help="Print the body of a LaTeX article instead; it needs amsmath.")
    ] = False,
    json: Json = False,
) -> None:
    """Read the proofs, step by step, each with what checks it.

    Exit code 0 if every step checks and the proofs end in the stated bounds, else 1.
    """
    from verify.commands import lecture

    _exclude(("--json", json), ("--latex", latex))
    proofs = lecture.checked(lecture.chosen(part))
    if json:
        _print_json(lecture.as_json(proofs))
    elif latex:
        print(lecture.as_latex(proofs.derivations))
    else:
        _show(*lecture.rendered(proofs), width=100)
    if not proofs.is_right:
        raise typer.Exit(1)


@app.command()
def falsify(
    variant: Annotated[
        str, typer.Option(help="printed, appendix, corrected, tight_simple, tight.")
    ],
    seed: Seed = 0,
    budget: Annotated[
        int, typer.Option(parser=_whole, metavar="N", help="Instances to try.")
    ] = 2400,
    seconds: Annotated[
        float | None,
        typer.Option(
            parser=_number, metavar="S", help="End the search after so long; then less is tried."
        ),
    ] = None,
    cap: Annotated[
        int, typer.Option(parser=_whole, metavar="N", help="Fresh runs of the winner at most.")
    ] = 65536,
    out: Annotated[
        Path | None,
        _folder("Folder for the result, its spec, the trail and its figure."),
    ] = None,
    json: Json = False,
) -> None:
    """Search problems and hyper-parameters for the largest measured/bound ratio.

    Certified problems inside the bound's own conditions, eps/G from 1e-3 to 1, f at any scale from
    1e-6 to 1e6. The best instance is judged on fresh runs. Ctrl-C ends the search and judges the
    best so far. The same seed, budget and cap give the same result. Exit code 0 whatever is found.
    """
    from simulators.engines.choice import choose
    from verify.answers.falsify import falsify as run
    from verify.answers.falsify import save
    from verify.commands import tables
    from verify.files import writable_folder

    if out is not None:
        writable_folder(out)
    _note(str(choose("auto", "auto")))
    with _progress() as report:
        found = run(variant, seed=seed, budget=budget, seconds=seconds, cap=cap, progress=report)
    content = found.as_json()
    if found.stopped:
        _note(f"{found.stopped} after {content['evaluations']} of {budget} instances")
    if out is not None:
        for path in save(found, out):
            _note(str(path))
    if json:
        _print_json(content)
    else:
        _show(*tables.falsified(content), width=120)


@app.command()
def classroom(
    out: Annotated[
        Path | None, _file("Where the page goes, an .html file; results/classroom.html.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    measure: Annotated[
        Path | None,
        _file("Measure the archived runs anew into this .json.gz file; no page."),
    ] = None,
) -> None:
    """Make one page to play with in class: sliders, the bound's terms, runs, six questions.

    It needs no network and no server: it opens from the disk in any browser of today.
    """
    from theory.errors import InputError
    from verify.classroom import grid
    from verify.files import writable_folder, write

    _exclude(("--measure", measure is not None), ("--open", show))
    _exclude(("--measure", measure is not None), ("--out", out is not None))
    if measure is not None:
        if not measure.name.endswith(".json.gz"):
            raise InputError(f"--measure {measure} is no .json.gz file: name it so.")
        writable_folder(measure.parent)
        with _progress() as report:
            grid.save(grid.measure(report), measure)
        print(measure)
        return
    from verify.classroom.page import page

    out = out or Path("results/classroom.html")
    if out.suffix != ".html":
        raise InputError(f"--out {out} is no .html file: name it {out.with_suffix('.html')}.")
    writable_folder(out.parent)
    write(out, page())
    print(out)
    if show:
        import webbrowser

        webbrowser.open(out.resolve().as_uri())


@app.command()
def check(
    file: Annotated[
        Path,
        typer.Argument(
            parser=_path, metavar="PROBLEM.py", help="A file that sets problem = custom(...)."
        ),
    ],
    runs: Annotated[
        int | None, typer.Option(parser=_whole, metavar="N", help="Replicates of each cell.")
    ] = None,
    seed: Seed = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter searches and runs.")] = False,
    eps: Annotated[
        float | None,
        typer.Option(parser=_number, metavar="NUMBER", help="Root of v_hat's start; G/2, F/X."),
    ] = None,
    beta1: Annotated[float, typer.Option(parser=_number, metavar="NUMBER", help="Momentum.")] = 0.0,
    beta2: Annotated[
        float, typer.Option(parser=_number, metavar="NUMBER", help="Second-moment parameter.")
    ] = 0.999,
    c_rho: Annotated[
        float | None,
        typer.Option(parser=_number, metavar="NUMBER", help="rho = c_rho/sqrt(bT); G/(10 L), X."),
    ] = None,
    device: Device = "auto",
    threads: Annotated[
        int, typer.Option(parser=_whole, metavar="N", help="Of torch: on small problems 1 is best.")
    ] = 1,
    out: Annotated[
        Path,
        _folder("Folder for the result as JSON and its figures."),
    ] = Path("results/check"),
    json: Json = False,
) -> None:
    """Check a problem of your own: its claimed constants, the bounds on its runs, the speed-up.

    The file is run like any Python file; in it, problem = custom(...), or a function problem().
    Searches first try to violate the claimed L, sigma, G and f_star; then Algorithm 1 runs on a
    grid of b and T. Exit code 1 if a claim or a bound is violated, if a claim is not checked since
    the search found less than half of it, or if more runs are needed to tell; 2 for bad input,
    including an error in the file.
    """
    from verify.check.job import check as run
    from verify.check.job import save, settings
    from verify.check.user_file import load, running
    from verify.check.writing import lines, tables
    from verify.files import writable_folder

    grid, effort = settings(quick, runs)
    writable_folder(out)
    with running(file, threads), _progress() as report:
        checked = run(
            load(file), grid=grid, effort=effort, seed=seed, beta1=beta1, beta2=beta2, eps=eps,
            c_rho=c_rho, device=device, progress=report,
        )  # fmt: skip
    paths = save(checked, out, file.stem)
    if json:
        _print_json(checked.content)
    else:
        _show(*tables(checked.content), width=120)
        print("\n".join(lines(checked.content)))
        print(f"{paths[0]}, {paths[1]}")
    if not checked.fine:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Say what is installed, on which device runs will go, and what may be in the way."""
    from verify.answers.doctor import examine
    from verify.commands import tables

    facts, problems = examine()
    _show(tables.facts(facts))
    for problem in problems:
        print(f"problem: {problem}")
    if problems:
        raise typer.Exit(1)
