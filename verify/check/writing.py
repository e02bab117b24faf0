"""What a check of a user's problem came to: tables, sentences, and a page."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from verify.check import judging
from verify.check.judging import FINE, OUTCOMES, UNCHECKED, VIOLATED, share
from verify.pages.html import environment, inline
from verify.pages.terminal import STYLES, number, table


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
    states, latest = content["states"], {row["constant"]: row for row in content["searches"]}
    wrong = [name for name, state in states.items() if OUTCOMES[state] == "refuted"]
    region = content["region"]
    out = [sentence(_worst(content, name), region) for name in wrong]
    out += _undefined(content["searches"][0], region)
    if wrong:
        return [*out, "The bounds rest on these claims: they were not judged."]
    unchecked = [name for name, state in states.items() if state == UNCHECKED]
    out += [_unchecked(_worst(content, name)) for name in unchecked]
    checked = [name for name in latest if name not in unchecked]
    if checked:
        out.append(f"No violation found of {', '.join(checked)}. They remain claims, not proved.")
    out += _power(content)
    if region:
        share = f"{100 * region['farthest']:.3g} %"
        if region["farthest"] > 1:
            return [*out, f"A run leaves {region['words']}, where the claims are made: it reaches "
                    f"{share} of the way to its surface. The bounds were not judged. Claim on a "
                    "larger one."]  # fmt: skip
        out.append(f"The runs stay in {region['words']}: at most {share} of the way out.")
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


def _worst(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the search that says most of a constant: the largest violation, a limit missing."""
    rows = [row for row in content["searches"] if row["constant"] == name]
    return max(rows, key=lambda row: ("without_end" in row, row["found"]))


def _undefined(row: Mapping[str, Any], region: Any) -> list[str]:
    if "defined" not in row:
        return []
    where = "a smaller one" if region else "a ball or box around x_0, custom(..., ball=radius)"
    return [
        f"From a distance of {row['defined']:.3g} of x_0 on some gradients are not finite numbers: "
        f"there nothing was searched. Claim on {where}, or mend the function."
    ]


def _unchecked(row: Mapping[str, Any]) -> str:
    name, percent = row["constant"], f"{100 * share(row):.2g} %"
    if name == "f_star":
        return (
            f"f_star = {row['claimed']:.6g} is not checked: descents from f(x_0) = "
            f"{row['start']:.6g} come to {row['value']:.6g}, {percent} of the claimed gap. Claim "
            "f_star nearer to that, or start higher."
        )
    return (
        f"{name} = {row['claimed']:.6g} is not checked: the search found at most {percent} of the "
        f"claim, {row['value']:.6g}. Either the claim is that much too large, or the search missed "
        f"where {name} is attained: claim less, or set x0 nearer to there."
    )


def _power(content: Mapping[str, Any]) -> list[str]:
    """Say what the column of what would have been found means, and what would not have been."""
    finds = content["finds"]
    blind: dict[str, list[str]] = {}
    for name, item in finds.items():
        for law in item["blind"]:
            blind.setdefault(law, []).append(name)
    known = any(item["from"] is not None for name, item in finds.items() if name != "bias")
    if not known:
        return ["How large a violation such a search finds is not known for this dimension: the "
                "laws on which it was measured are smaller."]  # fmt: skip
    said = (
        "Would find: how much too low a claim must be for the search to find it on every test law "
        "of this kind"
    )
    listed = "; ".join(f"{', '.join(names)} of {law}" for law, names in blind.items())
    return [f"{said}{f'. It was blind to {listed}' if blind else ''}."]


MEANINGS = {
    "L": "how fast a sample's gradient changes",
    "sigma": "root of the variance of a sample's gradient",
    "G": "largest coordinate of a sample's gradient",
    "bias": "mean of the samples' gradients less grad f",
    "f_star": "least value of f",
    "Delta": "f(x_0) less the least value of f",
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
            claims=claims(content),
            finds=finds,
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


def claims(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each search as a row of the claims' table."""
    rows = []
    for row in content["searches"]:
        name, finds = row["constant"], content["finds"].get(row["constant"], {"from": None})
        state = judging.state([row])
        if state == UNCHECKED and content["states"][name] == FINE:
            state = FINE  # another search came upon more
        upper = (name != "bias" and row["claimed"] > 0) or name == "f_star"
        level = finds["from"]
        searched = "along" not in row and state in (FINE, VIOLATED)
        rows.append(
            {
                "constant": name,
                "claimed": row["claimed"],
                "value": row["value"],
                "endless": "without_end" in row,
                "share": share(row) if upper else None,
                "looked": row.get("along", "search"),
                "finds": None if level is None or not searched else level,
                "percent": name != "bias",
                "state": state,
                "outcome": OUTCOMES[state],
                "meaning": MEANINGS[name],
            }
        )
    return rows


def finds(row: Mapping[str, Any]) -> str:
    """Return from which violation on a search would have found one."""
    if row["finds"] is None:
        return "–"
    return f"from {100 * row['finds']:.2g} %" if row["percent"] else f"from {row['finds']:.2g}"


def _claims(content: Mapping[str, Any]) -> Table:
    region = content["region"]
    where = f", in {region['words']}" if region else ""
    return table(
        f"{content['problem']['name']}: claimed, and the most that searches found{where}",
        {"constant": "left", "claimed": "right", "found": "right", "found/claimed": "right",
         "looked": "left", "would find": "right", "verdict": "left", "which is": "left"},
        (
            (row["constant"], number(row["claimed"]),
             "no limit" if row["endless"] else number(row["value"]),
             "–" if row["share"] is None or row["endless"] else f"{row['share']:.3f}",
             row["looked"], finds(row), Text(row["state"], style=STYLES[row["outcome"]]),
             row["meaning"])
            for row in claims(content)
        ),
    )  # fmt: skip


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


def sentence(found: Mapping[str, Any], region: Any = None) -> str:
    """Return what a violated claim comes to: the constant, both values, the point, the cure."""
    name, claimed, value = found["constant"], f"{found['claimed']:.6g}", f"{found['value']:.6g}"
    where = f"at {_point(found['at'][0])}"
    if "along" in found:
        where = f"on a run that ends {where}"
    if "without_end" in found:
        return _no_limit(found, where, region)
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
    if name == "Delta":
        return (
            f"Delta = {claimed} is violated: f is lower by {value} {where} than at x_0. Claim "
            f"Delta of at least {value}, or mend the gradient."
        )
    return (
        f"the samples' gradients are biased: their mean is {value} off grad f {where}. Make value "
        "or gradient the mean of what a sample gives."
    )


def _no_limit(found: Mapping[str, Any], where: str, region: Any) -> str:
    name, grown = found["constant"], found["without_end"]
    start = f"{name} = {found['claimed']:.6g} is violated"
    if "halvings" in grown:
        return (
            f"{start}, and so is every other: no L exists. A sample's gradient jumps {where}: "
            f"{grown['halvings']} times, each time two points there came half as near, it changed "
            "by up to twice as much per unit. Make the function smooth."
        )
    way = "falls" if name == "f_star" else "grows"
    values = ", ".join(
        f"{value:.4g} at a distance of {distance:.3g}"
        for value, distance in zip(grown["values"], grown["distances"], strict=True)
    )
    size = grown["distances"][0]
    return (
        f"{start}: {MEANINGS[name]} {way} with the distance from x_0, {values}, and on. No claim "
        f"holds everywhere: claim on a ball or box around x_0 that runs stay in, such as "
        f"custom(..., ball={size:.2g})."
    )


def _point(x: Any) -> str:
    if not isinstance(x, list):
        return str(x)
    shown = ", ".join(f"{value:.4g}" for value in x[:6])
    return f"[{shown}{', ...' if len(x) > 6 else ''}]"
