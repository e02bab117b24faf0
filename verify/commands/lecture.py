"""The proofs as a lecture: in the terminal, as a LaTeX body, as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from theory.errors import unknown
from theory.proof import (
    DERIVATIONS,
    Chain,
    Derivation,
    End,
    Fault,
    Inequality,
    Step,
    Use,
    check,
    differences,
    ends,
)
from theory.proof.letters import LETTERS
from theory.proof.writing import latex, latex_lines, latex_words, text, words

_RULES = {
    "identity": "computer algebra: the two sides' difference is 0",
    "expectation": "the dropped monomials are n times what is known before the batch",
    "choice": "computer algebra, with the values put in",
}
_LEVELS = {
    "path": "on every path", "mean": "in expectation, given the past",
    "average": "averaged over t < T, in expectation",
}  # fmt: skip


def chosen(part: str) -> list[Derivation]:
    """Return the derivations that ``part`` names: one of them, or all.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if part == "all":
        return list(DERIVATIONS.values())
    if part not in DERIVATIONS:
        raise unknown("part", part, (*DERIVATIONS, "all"))
    return [DERIVATIONS[part]]


def _checked_by(step: Step) -> str:
    if step.rule in _RULES:
        return _RULES[step.rule]
    used = " + ".join(_use(use) for use in step.uses)
    if step.rule == "optimum":
        values = ", ".join(f"{text(name)} = {text(value)}" for name, value in step.values.items())
        return f"{used}; equality at {values}"
    return f"{used}: the slacks add up exactly"


def _use(use: Use) -> str:
    name = words(use.name)
    times = f"({text(use.times)})" if use.times.is_Add else text(use.times)
    return name if use.times == 1 else f"{times} × {name}"


@dataclass(frozen=True)
class Checked:
    """Derivations with the faults of each, by its name, and where all of them end."""

    derivations: Sequence[Derivation]
    faults: Mapping[str, Sequence[Fault]]
    ends: Sequence[End]

    @property
    def is_right(self) -> bool:
        """Whether every step checks and every proof ends in the stated bound."""
        return not any(self.faults.values()) and all(end.equal for end in self.ends)


def checked(derivations: Sequence[Derivation]) -> Checked:
    """Check each derivation, which takes seconds, once for all that is said of it."""
    return Checked(derivations, {item.name: check(item) for item in derivations}, ends())


def rendered(proofs: Checked) -> Iterator[RenderableType]:
    """Yield the lecture's screens: the setting, the named inequalities, a section a chain, and
    where it ends.
    """
    for derivation in proofs.derivations:
        faults = proofs.faults[derivation.name]
        yield Rule(Text(derivation.title, style="bold"), characters="═")
        yield Padding(words(derivation.words), (0, 0, 1, 0))
        yield _setting(derivation)
        yield _inequalities(derivation.inequalities)
        yield Padding(_inductions(derivation), (0, 0, 1, 0))
        for number, chain in enumerate(derivation.chains, start=1):
            yield _section(number, chain, faults)
        yield from _endings(
            derivation, faults, [e for e in proofs.ends if e.derivation == derivation.name]
        )


def _grid(*widths: int | None) -> Table:
    table = Table.grid(padding=(0, 1))
    for width in widths:
        table.add_column(width=width, no_wrap=width is not None, overflow="fold")
    return table


def _setting(derivation: Derivation) -> Group:
    letters = _grid(7, 6, None)
    used = _letters(derivation)
    for item in LETTERS.values():
        if item.symbol in used:
            letters.add_row(
                Text(item.text, style="bold"), text(item.unit), Text(words(item.meaning))
            )
    facts = Table.grid(padding=(0, 2))
    for fact in derivation.facts:
        if not fact.certificate:
            facts.add_row(
                Text(f"{text(fact.expr)} ≥ 0", style="bold"),
                Text(f"{words(fact.words)} ({words(fact.source)})"),
            )
    return Group(
        Text("The letters", style="bold underline"),
        Text("A product of letters of vectors is summed over the d coordinates: u² η is the "
             "squared norm of ∇f(x_t), weighted by η_{t−1}. Ḡ is max(G, ε)."),
        letters, Text(""), Text("What is taken as given", style="bold underline"), facts, Text(""),
    )  # fmt: skip


def _letters(derivation: Derivation) -> set[Any]:
    symbols: set[Any] = set()
    for step in derivation.steps.values():
        symbols |= step.left.free_symbols | step.right.free_symbols
    return symbols


def _inequalities(items: Sequence[Inequality]) -> Group:
    rows: list[RenderableType] = [Text("The inequalities, by name", style="bold underline")]
    for item in items:
        rows.append(
            Text.assemble(
                (words(item.name), "bold cyan"), f"  [{words(item.source)}]  ", words(item.words)
            )
        )
        right = f"d {text(item.large)}" if item.scope == "counted" else text(item.large)
        rows.append(Padding(Text(f"{text(item.small)} ≤ {right}"), (0, 0, 0, 4)))
        proof = " + ".join(text(part) for part in item.certificate) or "by the assumption itself"
        rows.append(Padding(Text(f"right − left = {proof}" if item.certificate else proof,
                                 style="dim"), (0, 0, 0, 4)))  # fmt: skip
    return Group(*rows)


def _inductions(derivation: Derivation) -> Group:
    return Group(
        *(
            Text.assemble(
                (item.name, "bold cyan"), words(f"  [{item.source}]  {item.words} "),
                (f"(by induction: {text(item.closed)})", "dim"),
            )
            for item in derivation.inductions
        )
    )  # fmt: skip


def _section(number: int, chain: Chain, faults: Sequence[Fault]) -> Group:
    steps = _grid(8, 3, None)
    steps.add_row("", "", Text(text(chain.small), style="bold"))
    wrong = {fault.where for fault in faults}
    for step in chain.steps:
        relation = {"<=": "≤"}.get(step.relation, step.relation)
        steps.add_row(Text(step.id, style="cyan"), relation, Text(text(step.right), style="bold"))
        notes = Text(words(step.words))
        notes.append(f"\n{'FAILS' if step.id in wrong else 'checked'}: {_checked_by(step)}",
                     style="red" if step.id in wrong else "dim")  # fmt: skip
        if step.printed:
            notes.append(f"\nour text of the paper: {words(step.printed)}", style="yellow")
        steps.add_row("", "", notes)
    head = Text(words(f"{number}. {chain.title}"), style="bold")
    what = Text(words(f"{chain.words} ({_LEVELS[chain.level]})"), style="italic")
    return Group(Rule(head, align="left"), what, Text(""), steps, Text(""))


def _endings(
    derivation: Derivation, faults: Sequence[Fault], results: Sequence[Any]
) -> Iterator[RenderableType]:
    yield Rule(Text("Where it ends", style="bold"), align="left")
    for end in results:
        state = "the same" if end.equal else "NOT the same"
        yield Text(f"{end.name}: {state}", style="" if end.equal else "red")
    if derivation.name == "paper":
        yield Text(words(f"\n{_difference_words()}"))
    count = len(derivation.steps)
    yield Text(
        f"\n{count} steps in {len(derivation.chains)} chains, "
        f"{len(derivation.inequalities)} named inequalities: "
        + ("all check." if not faults else f"{len(faults)} faults."),
        style="bold green" if not faults else "bold red",
    )
    for fault in faults:
        yield Text(f"{fault.where}: {fault.why}", style="red")
    yield Text("")


def _difference_words() -> str:
    ratios = "; ".join(
        f"{name} by the factor {text(ratio)}" for name, ratio in differences().items()
    )
    return (
        "The compared terms named appendix are those of the same derivation with L rho^2 in step "
        "(102), as our text of the paper prints Lemma 10, where eps <= G: that step fails, and the "
        f"end is (47) as printed. (5)-(6), as printed, differ from (47) in two terms: {ratios}."
    )


def as_json(proofs: Checked) -> dict[str, Any]:
    """Return the lecture as JSON."""
    return {
        "derivations": [
            _derivation_json(item, proofs.faults[item.name]) for item in proofs.derivations
        ],
        "ends": [
            {"derivation": end.derivation, "name": end.name, "derived": text(end.left),
             "stated": text(end.right), "equal": end.equal}
            for end in proofs.ends if end.derivation in proofs.faults
        ],
        "printed_over_appendix": {name: text(ratio) for name, ratio in differences().items()},
    }  # fmt: skip


def _derivation_json(derivation: Derivation, faults: Sequence[Fault]) -> dict[str, Any]:
    wrong: dict[str, list[str]] = {}
    for fault in faults:
        wrong.setdefault(fault.where, []).append(fault.why)
    return {
        "name": derivation.name,
        "title": derivation.title,
        "facts": [
            {"expression": text(fact.expr), "source": fact.source, "words": fact.words}
            for fact in derivation.facts
        ],
        "inequalities": [
            {"name": item.name, "source": item.source, "words": item.words,
             "small": text(item.small), "large": text(item.large),
             "certificate": [text(part) for part in item.certificate], "scope": item.scope,
             "level": item.level}
            for item in derivation.inequalities
        ],
        "chains": [
            {"name": chain.name, "title": chain.title, "words": chain.words, "level": chain.level,
             "steps": [_step_json(step, wrong) for step in chain.steps]}
            for chain in derivation.chains
        ],
        "faults": [{"where": fault.where, "why": fault.why} for fault in faults],
    }  # fmt: skip


def _step_json(step: Step, wrong: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "id": step.id, "rule": step.rule, "relation": step.relation, "left": text(step.left),
        "right": text(step.right), "latex": latex(step.right), "words": step.words,
        "uses": [{"name": use.name, "times": text(use.times)} for use in step.uses],
        "values": {text(name): text(value) for name, value in step.values.items()},
        "printed": step.printed, "faults": wrong.get(step.id, []),
    }  # fmt: skip


def as_latex(derivations: Sequence[Derivation]) -> str:
    """Return the lecture as the body of a LaTeX article; it needs amsmath alone."""
    lines = []
    for derivation in derivations:
        lines += [
            rf"\section{{{latex_words(derivation.title)}}}",
            latex_words(derivation.words),
            "",
        ]
        lines += [r"\subsection*{The letters}", r"\begin{description}"]
        used = _letters(derivation)
        lines += [
            rf"\item[${item.latex}$] {latex_words(item.meaning)}"
            for item in LETTERS.values()
            if item.symbol in used
        ]
        lines += [r"\end{description}", r"\subsection*{The inequalities, by name}"]
        for item in derivation.inequalities:
            lines.append(rf"\paragraph{{{latex_words(item.name)}}} ({latex_words(item.source)}) "
                         rf"{latex_words(item.words)}.")  # fmt: skip
            right = f"d {latex(item.large)}" if item.scope == "counted" else latex(item.large)
            lines.append(rf"\[ {latex(item.small)} \le {right} \]")
        for chain in derivation.chains:
            lines += _chain_latex(chain)
    return "\n".join(lines)


def _chain_latex(chain: Chain) -> Iterator[str]:
    yield rf"\subsection{{{latex_words(chain.title)}}}"
    yield f"{latex_words(chain.words)} ({_LEVELS[chain.level]})"
    yield rf"\[ {latex(chain.small)} \]"
    for step in chain.steps:
        relation = {"<=": r"\le", "inf": r"\inf ="}.get(step.relation, "=")
        body = " \\\\\n&\\quad ".join(latex_lines(step.right))
        note = f" Our text of the paper: {latex_words(step.printed)}." if step.printed else ""
        yield rf"\noindent\textbf{{{latex_words(step.id)}}} {latex_words(step.words)}.{note}"
        yield f"\\begin{{align*}}\n{relation} {{}} & {body}\n\\end{{align*}}"
