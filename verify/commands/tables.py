"""Tables for the terminal, from results."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from verify.pages.terminal import STYLES, TWO, long_table, number, plain, table, verdict, yes_or_no


def verdicts(judged: Sequence[Any]) -> Table:
    """Return the verdict table of a reproduction (`verify.reproduction.job.Judged` items)."""
    return table(
        "Verdicts",
        {"claim": "left", "verdict": "left", "which says": "left", "evidence": "left"},
        (
            (
                item.claim.id,
                Text(
                    item.verdict
                    + ("" if item.as_expected else f" (expected: {item.claim.expected})"),
                    style=STYLES[item.verdict],
                ),
                item.meaning,
                Text(item.summary),
            )
            for item in judged
        ),
    )


def certificate(content: Mapping[str, Any]) -> tuple[Table, ...]:
    """Return a problem's certificate and what limits sigma, G and d; of a finite sum, where its
    constants come from.
    """
    problem = content["problem"]
    if "psi" not in content:
        shape = ", ".join(f"{name} = {value}" for name, value in problem.items() if name != "kind")
        columns = ("name", "value", "standing", "meaning", "method")
        constants = table(
            f"finite sum: logistic loss + alpha sum x^2/(1 + x^2), {shape}",
            {"constant": "left", "value": "right", "standing": "left", "meaning": "left",
             "method": "left"},
            (
                [number(item[name]) if name == "value" else item[name] for name in columns]
                for item in content["constants"]
            ),
        )  # fmt: skip
        return (_data(content["data"]), constants) if "data" in content else (constants,)
    shape = ", ".join(
        f"{name} {problem[name]:g}" for name in ("condition", "rotation") if name in problem
    )
    kind = "convex" if content["convex"] else "non-convex"
    title = (
        f"{problem['profile']}: psi(u) = {content['psi']} ({kind}), "
        f"{problem['noise']} noise, d = {problem['d']}{', ' + shape if shape else ''}"
    )
    constants = table(
        title,
        {"constant": "left", "value": "right", "standing": "left", "meaning": "left"},
        (
            (item["name"], number(item["value"]), item["standing"], item["meaning"])
            for item in content["constants"]
        ),
    )
    limits = table(
        "Room",
        {"constant": "left", "value": "right", "allowed range, other constants fixed": "left"},
        (
            (item["name"], number(item["value"]), f"{item['relation']} {number(item['limit'])}")
            for item in content["limits"]
        ),
    )
    return constants, limits


def _data(found: Mapping[str, Any]) -> Table:
    """Return what a data file was read as."""
    N, positive = found["N"], found["positive"]
    low, high = map(number, found["features"])
    return facts(
        [
            ("samples", f"N = {N}"),
            ("features", f"d = {found['d']}, from {low} to {high}"),
            ("label", f"{found['label']}: {positive} times 1, {N - positive} times -1"),
        ],
        f"Data, {found['file']}",
    )


def claims(items: Iterable[Any]) -> Table:
    """Return the list of claims."""
    return table(
        "Claims",
        {"claim": "left", "source": "left", "statement": "left", "method": "left",
         "expected": "left"},
        ((c.id, c.source, c.statement, c.method, c.expected) for c in items),
    )  # fmt: skip


def bounds(values: Sequence[Mapping[str, Any]]) -> Table:
    """Return variants side by side: terms, Phi, total, and what they are worth."""
    names = list(dict.fromkeys(name for item in values for name in item["terms"]))
    columns = {"term": "left"} | {item["variant"]: "right" for item in values}
    rows: list[list[str]] = [
        [name, *(number(item["terms"].get(name)) for item in values)] for name in names
    ]
    rows += [["Phi (all but the first two)", *(number(item["phi"]) for item in values)]]
    rows += [["total", *(number(item["total"]) for item in values)]]
    rows += [["trivial bound d G^2", *(number(item["trivial"]) for item in values)]]
    rows += [["largest term", *(item["dominant"] for item in values)]]
    rows += [["applies", *(yes_or_no(item["applies"]) for item in values)]]
    rows += [["vacuous (total >= d G^2)", *(yes_or_no(item["vacuous"]) for item in values)]]
    return table("Bound on (1/T) sum E||grad f(x_t)||^2, in F^2/X^2", columns, rows)


def preconditions(values: Sequence[Mapping[str, Any]]) -> Table:
    """Return every variant's preconditions with their margins."""
    return table(
        "Preconditions",
        {"variant": "left", "condition": "left", "value": "right", "limit": "right",
         "margin": "right", "holds": "left"},
        (
            (item["variant"], check["name"], number(check["value"]), number(check["limit"]),
             _percent(check["margin"]), yes_or_no(check["holds"]))
            for item in values
            for check in item["preconditions"]
        ),
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{share:+.1%}" if abs(share) < 100 else f"{100 * share:+.3g}%"


def thresholds(content: Mapping[str, Any]) -> Table:
    """Return what `verify.answers.thresholds.examine` found."""
    budget = content["N"]
    columns = {"term": "left", "rate": "left", "below K/sqrt(bT) from T =": "left",
               f"at b = {content['b']}": "right"}  # fmt: skip
    rows = [
        [item["name"], item["rate"], item["T_formula"], number(item["T"])]
        for item in content["terms"]
    ]
    rows.append(["all", "", "", number(content["T"])])
    if budget is not None:
        columns |= {"up to b =": "left", f"at bT = {budget}": "right"}
        for row, item in zip(rows, content["terms"], strict=False):
            limit = item["largest_b"]
            row += [item["b_formula"], "any" if limit is None else number(limit)]
        rows[-1] += ["", number(content["largest_useful_b"])]
    title = (
        f"{content['variant']}, gamma = c_gamma sqrt(b/T), rho = c_rho/sqrt(bT): leading terms "
        f"K/sqrt(bT),\nK = {content['K_formula']} = {number(content['K'])}, "
        f"c_gamma = {number(content['c_gamma'])}, c_rho = {number(content['c_rho'])}; "
        "kappa = beta1/(1 - beta1), Gb = max(G, eps)"
    )
    return table(title, columns, rows)


def cells(rows: Sequence[Mapping[str, Any]], idle: Collection[str] = ()) -> Table:
    """Return a simulation's cells: settings, measured left side, bound and what it is worth.

    A dash stands for an ``idle`` letter, which the method does not use, and for an interval of a
    single run.
    """
    names = ["gamma", "rho", "beta1", "beta2", "eps", "b", "T"]
    usual = {"workers": 1, "v_init": 0}
    names += [name for name, value in usual.items() if any(row[name] != value for row in rows)]
    unused = {*idle, *(["rho"] if "c_rho" in idle else [])}
    headers = (*names, "runs", "measured", "95 % interval", "corrected bound", "d G^2", "applies",
               "vacuous")  # fmt: skip

    def line(row: Mapping[str, Any]) -> Sequence[Any]:
        setting = ("–" if name in unused else number(row[name]) for name in names)
        single = row["low"] is None
        interval = "–" if single else f"[{number(row['low'])}, {number(row['high'])}]"
        measured = f"{row['diverged']} diverged" if row["diverged"] else number(row["lhs"])
        worth = (yes_or_no(row["applies"]), Text("yes", "bold") if row["vacuous"] else "no")
        bounds = (number(row["corrected"]), number(row["trivial"]))
        return (*setting, row["n"], measured, interval, *bounds, *worth)

    title = "(1/T) sum ||grad f(x_t)||^2, mean over runs, in F^2/X^2"
    return long_table(title, dict.fromkeys(headers, "right"), rows, line)


def slopes(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return fitted slopes with their intervals."""
    made = long_table(
        "Slopes of log (1/T) sum E||grad f(x_t)||^2; a linear speed-up has -1/2",
        {"along": "left", "at": "left", "slope": "right", "95 % interval": "right",
         "local slopes": "left", "share v_hat > eps^2": "right"},
        rows,
        lambda row: (
            row["along"], row["at"], f"{row['slope']:.4f}",
            f"[{row['low']:.4f}, {row['high']:.4f}]",
            ", ".join(f"{local[0]:.3f}" for local in row["local"]),
            f"{row['adaptive_share']:.3f}",
        ),
    )  # fmt: skip
    notes = dict.fromkeys(row["note"] for row in rows if row.get("note"))
    said = "\n".join([*([str(made.caption)] if made.caption else []), *notes])
    made.caption = Text(said) if said else None
    return made


def falsified(content: Mapping[str, Any]) -> tuple[Table, Table]:
    """Return what `verify.answers.falsify` found, and the instance."""
    instance = content["instance"]
    ends = ", ".join(content["edges"])
    tried = ", ".join(f"{name} {number(value)}" for name, value in content["searched"].items())
    first = content["first_false"]
    worth = ": the bound is no less and says nothing" if content["vacuous"] else ""
    rows: list[tuple[str, Any]] = [
        ("measured/bound", number(content["ratio"])),
        (
            "its interval",
            f"[{number(content['ratio_low'])}, {number(content['ratio_high'])}], "
            f"{instance['n']} fresh runs",
        ),
        ("the bound, on this instance", verdict(content["verdict"])),
        ("bound", f"{number(instance['rhs'])}, largest term {content['dominant']}"),
        ("d G^2", f"{number(content['trivial'])}{worth}"),
        ("the bound's conditions", "hold" if content["applies"] else "do not hold"),
        ("instances tried", content["evaluations"]),
        ("first instance with ratio > 1", "none" if first is None else f"number {first}"),
        ("best of runs that start", tried),
        ("axes at a limit of the box", ends or "nothing"),
    ]
    if content["stopped"]:
        rows.append(("stopped early", f"{content['stopped']}: another run may find another"))
    spec = instance["spec"]
    shown = {**spec["problem"], "Delta": content["Delta"], **spec["run"]}
    return (
        table(f"The {content['variant']} bound's tightest instance", TWO, rows),
        table("Instance", TWO, ((name, plain(value)) for name, value in shown.items())),
    )


def facts(rows: Sequence[tuple[str, str]], title: str = "Doctor") -> Table:
    """Return a two-column list."""
    return table(title, TWO, rows)


def benchmark(content: Mapping[str, Any]) -> tuple[Table, ...]:
    """Return what `verify.bench.bench` measured: rates, ratios, compilation and memory, machine."""
    varied = ("d", "b", "T", "R", "threads", "dtype")
    rates = table(
        "Rates, in millions of coordinate-steps (R d T) a second: median, slowest and fastest",
        {"varied": "left", "engine": "left"} | dict.fromkeys((*varied, "rate", "from", "to"),
                                                             "right"),
        (
            (_case(row), row["engine"], *(row[name] for name in varied),
             *(f"{row[name] / 1e6:.4g}" for name in ("rate", "low", "high")))
            for row in content["rows"]
        ),
    )  # fmt: skip
    ratios = table(
        "Ratios, of medians measured side by side",
        {"ratio": "left", "value": "right", "which is": "left"},
        ((item["name"], f"{item['value']:.4g}", item["meaning"]) for item in content["ratios"]),
    )
    compiled = table(
        "Compilation, in a process of its own, for what reproduce --preset quick simulates",
        {"cache": "left", "kernels": "right", "functions": "right", "compiling, s": "right",
         "imports, s": "right", "first small simulation, s": "right"},
        (
            (name, item["kernels"], item["functions"],
             *(f"{item[key]:.2f}" for key in ("compile_seconds", "import_seconds",
                                              "first_seconds")))
            for name, item in content["compile"].items()
        ),
    )  # fmt: skip
    weighed = table(
        "Peak memory, in a process of its own, in MB",
        {"engine": "left", "d": "right", "R": "right", "T": "right", "whole process": "right",
         "for the runs": "right"},
        (
            (*(row[name] for name in ("engine", "d", "R", "T")),
             *(f"{row[name] / 1e6:.1f}" for name in ("peak_bytes", "added_bytes")))
            for row in content["memory"]
        ),
    )  # fmt: skip
    found = [*content["machine"].items(), *content["versions"].items()]
    machine = facts([(name, "–" if value is None else str(value)) for name, value in found],
                    "Measured on")  # fmt: skip
    of_the_cpu = (compiled, weighed) if content["memory"] else ()
    return rates, ratios, *of_the_cpu, machine


def _case(row: Mapping[str, Any]) -> str:
    if row["case"] == "ragged":
        return "ragged T" if row.get("ragged") else "even T"
    return f"eta {row['eta']}" if "eta" in row else row["case"].replace("_", " ")
