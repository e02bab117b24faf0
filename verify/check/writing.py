"""What a check of a user's problem came to: tables, sentences, and a page."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from verify.pages import environment, inline
from verify.tables import STYLES, number, table


def tables(content: Mapping[str, Any]) -> list[Table]:
    """Return the claims, and where they stand the bounds and the slopes, as tables."""
    out = [_claims(content)]
    if "bounds" in content:
        out += [_bounds(content), _slopes(content["slopes"])]
    return out


def setting(content: Mapping[str, Any]) -> str:
    """Return the hyper-parameters that the cells share, and the schedule's constants."""
    cell = content["cells"][0]
    scale = math.sqrt(cell["b"] * cell["T"])
    c_gamma, c_rho = cell["gamma"] * scale / cell["b"], cell["rho"] * scale
    return (
        f"eps = {number(cell['eps'])}, beta1 = {number(cell['beta1'])}, "
        f"beta2 = {number(cell['beta2'])}, gamma = {number(c_gamma)} sqrt(b/T), "
        f"rho = {number(c_rho)}/sqrt(bT), {content['runs']} runs of each cell"
    )


def lines(content: Mapping[str, Any]) -> list[str]:
    """Return the verdict in sentences: what is violated, and the cure; or that nothing is."""
    violated = [row for row in content["searches"] if row["found"] > row["limit"]]
    if violated:
        worst = {row["constant"]: row for row in violated}  # a later look overrules
        return [sentence(row) for row in worst.values()] + [
            "The bounds rest on these claims: they were not judged."
        ]
    out = ["No violation of a claim found; the claims stay claims."]
    for bound in content["bounds"]:
        vacuous = sum(item["vacuous"] for item in bound["instances"])
        count = len(bound["instances"])
        said = {
            "holds": "no violation found",
            "refuted": "VIOLATED: a claim is wrong, or the theorem is",
            "inconclusive": "more runs are needed to tell; raise --runs",
        }[bound["verdict"]]
        empty = f"; at {vacuous} of {count} settings it says no more than d G^2" if vacuous else ""
        out.append(f"Theorem 1, {bound['name']}: {said}{empty}.")
    return out + [_speedup(slope) for slope in content["slopes"]]


MEANINGS = {
    "L": "how fast a sample's gradient changes",
    "sigma": "root of the variance of a sample's gradient",
    "G": "largest coordinate of a sample's gradient",
    "bias": "mean of the samples' gradients less grad f",
    "f_star": "least value of f",
}
"""What each search measures."""

CAPTIONS = {
    "bound_vs_measured": "Theorem 1 over T at each batch size's step gamma: the measured running "
    "mean, the bounds with the claimed constants, and the trivial bound d G^2.",
    "linear_speedup": "The measured left side under Corollary 1's schedule, in b, in T, and in bT. "
    "A linear speed-up falls as the triangles do.",
}
"""Captions by figure name."""


def page(content: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """Return a self-contained page; ``figures`` are SVG files by figure name."""
    return (
        environment()
        .get_template("check.html.j2")
        .render(
            content=content,
            lines=lines(content),
            setting=setting(content),
            meanings=MEANINGS,
            figures={name: inline(svg, name, name) for name, svg in figures.items()},
            captions=CAPTIONS,
        )
    )


def _speedup(slope: Mapping[str, Any]) -> str:
    said = {
        "holds": "as a linear speed-up has it, -1/2 within 0.05",
        "refuted": "not the -1/2 of a linear speed-up on this grid. The theorem bounds the left "
        "side, it does not promise its slope: T may be short, or eps below the noise",
        "inconclusive": "too uncertain to tell from -1/2 within 0.05; raise --runs",
    }[slope["verdict"]]
    return (
        f"Slope in {slope['axis']}: {slope['slope']:.3f} [{slope['low']:.3f}, "
        f"{slope['high']:.3f}], {said}."
    )


def _claims(content: Mapping[str, Any]) -> Table:
    def share(row: Mapping[str, Any]) -> str:
        upper = row["claimed"] > 0 and row["constant"] in ("L", "sigma", "G")
        return f"{row['value'] / row['claimed']:.3f}" if upper else "–"

    return table(
        f"{content['problem']['name']}: claimed, and the most that searches found",
        {"constant": "left", "claimed": "right", "found": "right", "found/claimed": "right",
         "looked": "left", "verdict": "left", "which is": "left"},
        (
            (row["constant"], number(row["claimed"]), number(row["value"]), share(row),
             row.get("along", "search"), _verdict(row), MEANINGS[row["constant"]])
            for row in content["searches"]
        ),
    )  # fmt: skip


def _verdict(row: Mapping[str, Any]) -> Text:
    if row["found"] > row["limit"]:
        return Text("violated", style=STYLES["refuted"])
    return Text("not violated", style=STYLES["holds"])


def _bounds(content: Mapping[str, Any]) -> Table:
    bounds = content["bounds"]
    by_cell: dict[tuple[int, int], dict[str, Any]] = {}
    for bound in bounds:
        for item in bound["instances"]:
            by_cell.setdefault((item["b"], item["T"]), {})[bound["name"]] = item
    names = [bound["name"] for bound in bounds]
    columns = ("b", "T", "measured", "interval", *names, "d G^2", "measured/tight")
    rows = []
    for (b, T), items in by_cell.items():
        one = next(iter(items.values()))
        rhs = [number(items[name]["rhs"]) if name in items else "–" for name in names]
        tight = items.get("tight")
        ratio = f"{tight['lhs'] / tight['rhs']:.3g}" if tight else "–"
        interval = f"[{one['lhs_low']:.4g}, {one['lhs_high']:.4g}]"
        rows.append((b, T, f"{one['lhs']:.4g}", interval, *rhs, number(one["trivial"]), ratio))
    sides: dict[str, str] = dict.fromkeys(columns, "right")
    title = (
        "(1/T) sum E||grad f(x_t)||^2 and its bounds, in F^2/X^2\n"
        f"{setting(content)}\n"
        "The interval's low end holds for any number of runs, its high end takes means for normal"
    )
    return table(title, sides, rows)


def _slopes(slopes: Sequence[Mapping[str, Any]]) -> Table:
    return table(
        "Slopes of log (1/T) sum E||grad f(x_t)||^2; a linear speed-up has -1/2",
        {"along": "left", "at": "left", "slope": "right", "95 % interval": "right",
         "local slopes": "left", "share v_hat > eps^2": "right", "verdict": "left"},
        (
            (row["axis"], f"{'T' if row['axis'] == 'b' else 'b'} = {row['held']}",
             f"{row['slope']:.4f}", f"[{row['low']:.4f}, {row['high']:.4f}]",
             ", ".join(f"{local[0]:.3f}" for local in row["local"]),
             f"{row['adaptive_share']:.3f}", Text(row["verdict"], style=STYLES[row["verdict"]]))
            for row in slopes
        ),
    )  # fmt: skip


def sentence(found: Mapping[str, Any]) -> str:
    """Return what a violated claim comes to: the constant, both values, the point, the cure."""
    name, claimed, value = found["constant"], f"{found['claimed']:.6g}", f"{found['value']:.6g}"
    where = f"at {_point(found['at'][0])}"
    if "along" in found:
        where = f"on a run that ends {where}"
    sample = found.get("sample")
    whose = "a sample's" if sample is None else f"sample {_point(sample)}'s"
    if name == "L":
        return (
            f"L = {claimed} is violated: {whose} gradient changes by {value} per unit {where}. "
            f"Claim L of at least {value}, or mend the gradient."
        )
    if name == "G":
        return (
            f"G = {claimed} is violated: {whose} gradient has a coordinate of {value} {where}. "
            f"Claim G of at least {value}, or mend the gradient."
        )
    if name == "sigma":
        return (
            f"sigma = {claimed} is violated: the samples' gradients have a root variance of "
            f"{value} {where}. Claim sigma of at least {value}, or mend the gradient."
        )
    if name == "f_star":
        return (
            f"f_star = {claimed} is violated: f is {value} {where}. Claim f_star of at most "
            f"{value}, or mend the value."
        )
    return (
        f"the samples' gradients are biased: their mean is {value} off grad f {where}. Make value "
        "or gradient the mean of what a sample gives."
    )


def _point(x: Any) -> str:
    if not isinstance(x, list):
        return str(x)
    shown = ", ".join(f"{value:.4g}" for value in x[:6])
    return f"[{shown}{', ...' if len(x) > 6 else ''}]"
