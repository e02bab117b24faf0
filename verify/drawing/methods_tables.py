"""Tables I and II of the paper on the tasks of `verify.studies.contest`, in Markdown and LaTeX."""

from collections.abc import Mapping, Sequence

import numpy as np

from figures.style import Style
from verify.drawing.picture import Files
from verify.evidence.kind import Evidence
from verify.studies import contest
from verify.studies.contest import METHODS, MOMENTA, TASKS, Entry
from verify.studies.study import Results

NOTE = (
    "Synthetic problems with certified constants, not GLUE: the average squared gradient over "
    f"{contest.T:.0f} steps, in per cent of the first one, with half the length of its "
    f"{100 * contest.CONFIDENCE:.0f} % interval; less is better. It measures stationarity, not "
    f"generalization. b = {contest.B:.0f}, eps = {contest.EPS:g}, beta2 = {contest.BETA2:g}. Every "
    f"method has the best step of one grid, chosen on other runs. Bold: the least of its column, "
    "and what the paired runs do not tell from it."
)

Rows = Sequence[tuple[str, Sequence[tuple[str, bool]]]]
"""Each row's name and its cells: text, and whether it leads."""


def tables(results: Results, evidence: Mapping[str, Evidence], style: Style) -> Files:
    """Write both tables."""
    found = contest.entries(results)
    parts = [(beta1, _rows([e for e in found if e.beta1 == beta1])) for beta1 in MOMENTA]
    return {"md": _markdown(parts).encode(), "tex": _latex(parts).encode()}


def _rows(found: Sequence[Entry]) -> Rows:
    by_task = {task: [entry for entry in found if entry.task == task] for task in TASKS}
    leads = {task: contest.leaders(rivals) for task, rivals in by_task.items()}
    kinds = [(entry.method, entry.rho) for entry in by_task[next(iter(TASKS))]]
    means = {
        kind: np.exp(np.mean([np.log(rivals[k].left.mean()) for rivals in by_task.values()]))
        for k, kind in enumerate(kinds)
    }
    rows = []
    for k, (method, rho) in enumerate(kinds):
        cells = [(_cell(by_task[task][k]), leads[task][k]) for task in TASKS]
        cells.append((f"{100 * means[method, rho]:.3g}", means[method, rho] == min(means.values())))
        rows.append((METHODS[method] + (f" (rho = {rho:g})" if rho else ""), cells))
    return rows


def _cell(entry: Entry) -> str:
    interval = entry.interval
    reach = 50 * (interval.high - interval.low)
    digits = max(0, 1 - int(np.floor(np.log10(reach))))
    return f"{100 * interval.estimate:.{digits}f} ± {reach:.{digits}f}"


def _titles() -> list[str]:
    return [title for title, _ in TASKS.values()] + ["geometric mean"]


def _markdown(parts: Sequence[tuple[float, Rows]]) -> str:
    lines = [NOTE, ""]
    for beta1, rows in parts:
        head = [f"beta1 = {beta1:g}", *_titles()]
        lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for name, cells in rows:
            shown = [f"**{text}**" if leads else text for text, leads in cells]
            lines.append(f"| {' | '.join([name, *shown])} |")
        lines.append("")
    return "\n".join(lines)


def _latex(parts: Sequence[tuple[float, Rows]]) -> str:
    """Return two tabulars, which need booktabs."""
    lines = [f"% {NOTE}"]
    for beta1, rows in parts:
        head = " & ".join([rf"$\beta_1 = {beta1:g}$", *_titles()])
        lines += [
            rf"\begin{{tabular}}{{l{'r' * len(_titles())}}}", r"\toprule", head + r" \\",
            r"\midrule",
        ]  # fmt: skip
        for name, cells in rows:
            numbers = ((rf"${text.replace('±', chr(92) + 'pm')}$", leads) for text, leads in cells)
            shown = [rf"\boldmath {text}" if leads else text for text, leads in numbers]
            row = " & ".join([name.replace("rho =", r"$\rho =$"), *shown])
            lines.append(row + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}", ""]
    return "\n".join(lines)
