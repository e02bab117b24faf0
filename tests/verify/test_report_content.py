"""What the report says, read back: numbers in their columns, each row's own spec, its prose."""

import dataclasses
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest

from verify.claims import CLAIMS
from verify.claims.claim import Claim
from verify.drawing import FIGURES
from verify.evidence.judge import verdict
from verify.pages.html import pretty
from verify.reproduction.job import Judged
from verify.reproduction.report import render

VOID = {"meta", "br", "link", "img", "input", "use", "path", "circle", "line", "rect"}


@dataclass
class Node:
    """An element with its children in order, texts among them."""

    tag: str
    attributes: dict[str, str]
    children: list["Node | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, each run of white space one space."""
        parts = (item if isinstance(item, str) else item.text for item in self.children)
        return " ".join("".join(parts).split())

    def all(self, tag: str) -> list["Node"]:
        """Return every element of this kind in it, in order."""
        inner = [item for item in self.children if isinstance(item, Node)]
        return [node for item in inner for node in ([item] * (item.tag == tag) + item.all(tag))]

    def links(self) -> list[str]:
        """Return where its links lead."""
        return [link.attributes["href"] for link in self.all("a")]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            closed = self.open.pop()
            assert closed.tag == tag, f"{closed.tag} is closed by {tag}"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Node:
    """Return a page as a tree.

    Raises
    ------
    AssertionError
        If its elements do not nest.
    """
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert len(builder.open) == 1, f"{builder.open[-1].tag} is never closed"
    return builder.open[0]


def columns(table: Node) -> dict[str, list[Node]]:
    """Return a table's cells by their column's heading."""
    headings = [cell.text for cell in table.all("th")]
    rows = [row.all("td") for row in table.all("tr")[1:]]
    assert len(set(headings)) == len(headings)
    assert all(len(row) == len(headings) for row in rows)
    return {name: [row[k] for row in rows] for k, name in enumerate(headings)}


def value(text: str) -> float:
    """Return the number that a text shows, as `verify.pages.html.number` writes it."""
    plain = text.translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")).replace("·10", "e")
    return float(plain)


def interval(text: str) -> tuple[float, float]:
    """Return an interval's two ends."""
    low, high = text.strip("[]").split(", ")
    return value(low), value(high)


NAMES = ("first", "second", "third", "fourth")
FOUR = tuple(range(4))


def spec(k: int) -> dict[str, Any]:
    """Return the k-th spec, unlike every other in every number."""
    problem = {"profile": "huber", "noise": "additive", "L": 1.5, "sigma": 0.5, "G": 2.0,
               "d": 4 - k, "start": 0.25}  # fmt: skip
    run = {"gamma": 0.01 * 3.0**k, "rho": 0.125, "beta1": 0.5, "beta2": 0.999, "eps": 0.75,
           "b": 8.0 / 2**k, "T": 1000.0 + 7 * k, "runs": 11 + k, "seed": 0}  # fmt: skip
    return {"problem": problem, "run": run, "engine": {"name": "auto"}}


def instance(k: int, rhs: float, **more: Any) -> dict[str, Any]:
    lhs = 0.3 * 1.1**k
    return {
        "name": f"{NAMES[k]}_one", "spec": spec(k), "lhs": lhs, "lhs_low": lhs - 0.02,
        "lhs_high": lhs + 0.05, "normal_low": lhs - 0.01, "normal_high": lhs + 0.015,
        "confidence": 0.99, "n": 21 + k, "interval": "any n", "rhs": rhs, "trivial": 12.0 + k,
        "vacuous": False,
    } | more  # fmt: skip


def points(first: int = 0) -> list[dict[str, Any]]:
    return [
        {"name": NAMES[k], "spec": spec(k + first), "b": 2 + k, "T": 500 + 3 * k + first,
         "lhs": 0.2 / (k + 1.5), "low": 0.15 / (k + 1.5), "high": 0.26 / (k + 1.5),
         "confidence": 0.95, "n": 31 + k, "adaptive_share": 0.125 * (k + 1)}
        for k in range(2)
    ]  # fmt: skip


def slope(axis: str = "b", target: float = -0.5, **more: Any) -> dict[str, Any]:
    return {
        "axis": axis, "points": points(), "slope": -0.493, "low": -0.521, "high": -0.472,
        "local": [[-0.48, -0.55, -0.41]], "target": target, "margin": 0.0625, "predicted": -0.497,
        "bounds": {"corrected": -0.37, "tight": -0.44},
        "control": {"points": points(2), "slope": -0.4962, "low": -0.511, "high": -0.482,
                    "local": [[-0.495, -0.57, -0.42]], "predicted": -0.4985},
    } | more  # fmt: skip


LOOKS = [
    {"look": 1, "verdict": "inconclusive",
     "items": [{"name": "half", "runs": 41, "low": 0.1, "high": 0.7, "least": 0.2, "most": 0.9}]},
    {"look": 2, "verdict": "holds",
     "items": [{"name": "half", "runs": 82, "low": 0.3, "high": 0.6, "most": 0.9}]},
]  # fmt: skip

EVIDENCE: dict[str, dict[str, Any]] = {
    "theorem1.corrected": {"instances": [instance(0, 0.9), instance(1, 13.5, vacuous=True)]},
    "theorem1.tight_simple_cap": {
        "instances": [
            instance(0, 0.1), instance(1, 0.01), instance(2, 0.7),
            instance(3, -0.25, lhs_fraction="1/3", interval="exact"),
        ]
    },
    "corollary1.rate_b": slope(),
    "corollary1.rate_T": slope("T", 0.25),
    "corollary1.b_cubed": {
        "necessity": {"condition": "T >= b^3", "fails": True}, "slopes": [slope("T")]
    },
    "corollary1.collapse": {
        "pairs": [
            {"b": [2, 8], "T": [400, 100], "log_ratio": 0.011, "low": -0.017, "high": 0.029,
             "target": 0.0, "margin": 0.0953, "confidence": 0.99,
             "control": {"log_ratio": 0.002, "low": -0.013, "high": 0.019, "predicted": 0.0041}}
        ],
        "points": points(), "control": {"points": points(2)},
    },
    "sharp.momentum": {
        "ranges": [
            {"name": "half", "value": 0.51, "low": 0.44, "high": 0.57, "least": 0.4, "most": 0.6},
            {"name": "known", "value": 0.81, "low": 0.8, "high": 0.8, "sample_low": 0.77,
             "sample_high": 0.85, "least": 0.7},
        ],
        "points": points(),
    },
    "remark3.workers": {
        "parts": [
            {"name": "eps part", "comparisons": [
                {"name": "one", "left": "2", "right": "2", "equal": True},
                {"name": "two", "left": "sigma", "right": "rho", "equal": False}]},
            {"name": "measured", "ranges": [
                {"name": "tenth", "value": 0.1, "low": 0.08, "high": 0.13, "most": 0.2}]},
        ]
    },
    "assumption1": {
        "searches": [
            {"problem": {"profile": "log_cosh", "noise": "shift"}, "constant": "L",
             "standing": "exact", "certified": 2.0, "limit": 2.1, "found": 1.999,
             "evaluations": 77, "at": []},
        ]
    },
    "lemma5": {
        "lemma": {"states": 321, "excess": -0.1, "rounding": 1e-9, "ratio": 0.625,
                  "worst": {"left": 0.25, "right": 0.4, "where": {"step": 3, "L": 0.7}},
                  "steps": ["(31)", "(32)"], "faults": []}
    },
    "lemma10.printed": {
        "lemma": {"states": 4, "excess": 0.8, "rounding": 0.0, "ratio": 2.5, "cases": [
            {"instance": "Huber, L = 9", "beta": "1/2", "left": "5/8", "right": "1/4",
             "ratio": 2.5, "mended": "9/8", "mended_ratio": 0.5556}]}
    },
    "sharp.leading": {
        "ranges": [
            {"name": "half", "value": 0.5, "low": 0.3, "high": 0.6, "most": 0.9, "least": 0.2}
        ],
        "looks": LOOKS,
    },
}  # fmt: skip

PROVENANCE = {"preset": "paper", "seed": 17, "device": "cpu", "versions": {"python": "3.11.9"}}
UNEXPECTED = "theorem1.corrected"


def judge(claim: Claim, evidence: dict[str, Any]) -> Judged:
    return Judged(claim, evidence, verdict(evidence))


def judged() -> list[Judged]:
    """Judge the evidence; what is found is what is expected, but for one claim."""
    items = []
    for name, evidence in EVIDENCE.items():
        found = verdict(evidence)
        expected = "refuted" if name == UNEXPECTED else found
        items.append(judge(dataclasses.replace(CLAIMS[name], expected=expected), evidence))
    return items


FILES = {json.dumps(spec(k)): f"specs/number-{k}.json" for k in FOUR}
DRAWN = {"linear_speedup": "one", "bound_vs_measured": "two", "proof_of_nothing": "three"}


def picture(word: str) -> str:
    return f'<?xml version="1.0"?><svg width="7pt" height="3pt"><text>{word}</text></svg>'


def rendered(items: list[Judged], figures: dict[str, str] | None = None) -> Node:
    return read(render(items, PROVENANCE, figures or {}, FILES))


@pytest.fixture(scope="module")
def report() -> Node:
    figures = {name: picture(DRAWN[name]) for name in ("linear_speedup", "bound_vs_measured")}
    return rendered(judged(), figures)


@pytest.fixture
def line(report):
    """Return a function from a claim's id to its line in the report."""
    return lambda claim_id: {item.attributes["id"]: item for item in report.all("details")}[
        claim_id
    ]


def test_every_instances_numbers_stand_in_their_columns(line):
    (table,) = line("theorem1.tight_simple_cap").all("table")
    rows, cells = EVIDENCE["theorem1.tight_simple_cap"]["instances"], columns(table)
    shown = {name: [cell.text for cell in column] for name, column in cells.items()}
    assert shown["Instance"] == ["first one", "second one", "third one", "fourth one (1/3)"]
    assert shown["b"] == ["8", "4", "2", "1"]
    assert shown["T"] == ["1000", "1007", "1014", "1021"]
    four = {"rel": 5e-4}
    assert [*map(value, shown["measured"])] == pytest.approx([row["lhs"] for row in rows], **four)
    assert [*map(value, shown["bound"])] == pytest.approx([row["rhs"] for row in rows], **four)
    assert [*map(value, shown["d G²"])] == [12, 13, 14, 15]
    assert shown["runs"] == ["21", "22", "23", "all"]
    for row, any_n, normal in zip(rows[:3], shown["interval, any n"], shown["interval, normal"],
                                  strict=False):  # fmt: skip
        assert interval(any_n) == pytest.approx((row["lhs_low"], row["lhs_high"]), **four)
        assert interval(normal) == pytest.approx((row["normal_low"], row["normal_high"]), **four)
    assert shown["interval, any n"][3] == f"exactly {rows[3]['lhs_low']:.4g}"


def test_the_ratio_is_measured_over_bound_and_bold_where_it_refutes(line):
    (table,) = line("theorem1.tight_simple_cap").all("table")
    cells = columns(table)["measured/bound"]
    ratios = [3, 33, 0.3 * 1.21 / 0.7]
    assert [value(cell.text) for cell in cells[:3]] == pytest.approx(ratios, rel=1e-3)
    assert [bool(cell.all("b")) for cell in cells] == [True, True, False, True]
    assert cells[3].text == "bound not positive"


def test_a_bound_above_the_trivial_one_is_called_vacuous(line):
    (table,) = line("theorem1.corrected").all("table")
    assert [cell.text for cell in columns(table)["bound"]] == ["0.9", "13.5 (vacuous)"]


@pytest.mark.parametrize("claim_id", ["theorem1.tight_simple_cap", "theorem1.corrected"])
def test_every_instance_links_its_own_spec(line, claim_id):
    (table,) = line(claim_id).all("table")
    rows = EVIDENCE[claim_id]["instances"]
    for cell, row in zip(columns(table)["Instance"], rows, strict=True):
        assert cell.links() == [FILES[json.dumps(row["spec"])]]


def test_every_point_and_every_controls_point_links_its_own_spec_beside_its_numbers(line):
    tables = line("corollary1.rate_b").all("table")
    evidence = EVIDENCE["corollary1.rate_b"]
    assert len(tables) == 2
    for table, rows in zip(
        tables, (evidence["points"], evidence["control"]["points"]), strict=True
    ):
        cells = columns(table)
        for k, row in enumerate(rows):
            shown = {name: column[k] for name, column in cells.items()}
            assert shown["b"].links() == [FILES[json.dumps(row["spec"])]]
            assert [shown[name].text for name in ("b", "T", "runs")] == [
                str(row["b"]), str(row["T"]), str(row["n"])
            ]  # fmt: skip
            assert value(shown["measured"].text) == pytest.approx(row["lhs"], rel=5e-4)
            ends = interval(shown["95 % interval"].text)
            assert ends == pytest.approx((row["low"], row["high"]), rel=5e-4)
            share = value(shown["share of steps with v̂ > ε²"].text)
            assert share == row["adaptive_share"]


def test_a_slope_is_said_with_its_interval_what_is_known_and_its_control(line):
    text = line("corollary1.rate_b").text
    assert (
        "Slope in b, measured under Corollary 1’s schedule: −0.493 [−0.521, −0.472]; known exactly "
        "over these b and T (ρ = 0): −0.497. Between neighbours: −0.48 [−0.55, −0.41]."
    ) in text
    assert "Slope in b, control, ρ = 0: −0.4962 [−0.511, −0.482]" in text
    assert "Target −0.5, margin 0.0625. Over the same cells the bounds have the slopes" in text
    assert "−0.37 (corrected), −0.44 (tight)." in text


def test_a_pairs_numbers_stand_in_their_columns(line):
    table, cells, control = line("corollary1.collapse").all("table")
    assert {name: column[0].text for name, column in columns(table).items()} == {
        "bT": "800", "b": "2, 8", "T": "400, 100", "log ratio": "0.011",
        "interval": "[−0.017, 0.029]", "control, ρ = 0": "[−0.013, 0.019]",
        "known exactly": "0.0041",
    }  # fmt: skip
    assert [cell.text for cell in columns(cells)["T"]] == ["500", "503"]
    assert [cell.text for cell in columns(control)["T"]] == ["502", "505"]


def test_a_ratios_limits_stand_on_their_sides(line):
    table, _ = line("sharp.momentum").all("table")
    shown = {name: [cell.text for cell in column] for name, column in columns(table).items()}
    assert shown == {
        "Ratio": ["half", "known"], "measured": ["0.51", "0.81"],
        "interval": ["[0.44, 0.57]", "exactly 0.8; runs [0.77, 0.85]"],
        "least": ["0.4", "0.7"], "most": ["0.6", "–"],
    }  # fmt: skip


def test_every_part_is_shown_with_its_name_and_what_differs(line):
    part = line("remark3.workers")
    compared, measured = part.all("table")
    shown = {name: [cell.text for cell in column] for name, column in columns(compared).items()}
    assert shown == {"Compared": ["one", "two"], "found": ["2", "σ"], "needed": ["2", "ρ"],
                     "equal": ["yes", "no"]}  # fmt: skip
    assert columns(measured)["most"][0].text == "0.2"
    assert [bold.text for bold in part.all("b")][-2:] == ["ε part", "measured"]


def test_searches_and_lemmas_show_their_numbers(line):
    (table,) = line("assumption1").all("table")
    assert [column[0].text for column in columns(table).values()] == [
        "log cosh", "shift", "L", "2", "1.999", "0.9995", "77"
    ]  # fmt: skip
    text = line("lemma5").text
    assert "321 states of runs" in text
    assert "largest left/right is 0.625, namely 0.25 against 0.4, at step = 3, L = 0.7" in text
    assert "(31), (32); all check" in text
    (table,) = line("lemma10.printed").all("table")
    assert {name: column[0].text for name, column in columns(table).items()} == {
        "Instance": "Huber, L = 9", "β": "1/2", "left side": "5/8",
        "right side, printed": "1/4", "left/right": "2.5",
        "right side, mended": "9/8", "left/right, mended": "0.5556",
    }  # fmt: skip


def test_every_look_is_shown_with_its_runs_and_interval(line):
    text, (_, table) = line("sharp.leading").text, line("sharp.leading").all("table")
    assert "Looked at 2 times, with more runs each time, until decided" in text
    shown = {name: [cell.text for cell in column] for name, column in columns(table).items()}
    assert shown["Look"] == ["1", "2"]
    assert shown["runs"] == ["41", "82"]
    assert shown["interval"] == ["[0.1, 0.7]", "[0.3, 0.6]"]
    assert shown["least"] == ["0.2", "–"]
    assert shown["most"] == ["0.9", "0.9"]


def test_the_smallest_counterexample_is_shown_with_its_own_replay(line):
    counter = line("theorem1.tight_simple_cap").all("div")[1]
    assert counter.attributes["class"] == "counter"
    rows = EVIDENCE["theorem1.tight_simple_cap"]["instances"]
    assert "profile = huber" in counter.text
    assert "b = 1, T = 1021" in counter.text
    assert "Left side: 1/3 = 0.3333; bound: −0.25." in counter.text
    replay = f"adasam simulate {FILES[json.dumps(rows[3]['spec'])]} --allow-outside --out runs.npz"
    assert replay in counter.text


def test_a_slope_in_T_is_not_called_one_in_t(line):
    assert "Slope in T: −0.493 [−0.521, −0.472]; claimed: 0.25." in line("corollary1.rate_T").text
    assert "Slope in T: −0.493" in line("corollary1.b_cubed").text


def test_only_what_refutes_has_a_counterexample_and_a_cure(report):
    for item in judged():
        (shown,) = [d for d in report.all("details") if d.attributes["id"] == item.claim.id]
        counters = [div for div in shown.all("div") if div.attributes.get("class") == "counter"]
        assert bool(counters) == (item.verdict == "refuted"), item.claim.id
        assert ("Cure." in shown.text) == (item.verdict == "refuted" and bool(item.claim.remark))


def test_an_unexpected_verdict_is_said_first_and_in_its_open_line(report, line):
    assert f"Not as expected: {UNEXPECTED}." in report.text
    assert "Every verdict is the expected one" not in report.text
    assert "expected: refuted" in line(UNEXPECTED).text
    assert "open" in line(UNEXPECTED).attributes
    for item in report.all("details"):
        if item.attributes["id"] != UNEXPECTED:
            assert "open" not in item.attributes
            assert "; expected:" not in item.all("summary")[0].text
    calm = rendered([item for item in judged() if item.as_expected])
    assert "Every verdict is the expected one." in calm.text
    assert "Not as expected" not in calm.text


def test_the_verdicts_are_counted_and_each_stands_in_its_line(report):
    items = judged()
    for word, name in (("hold", "holds"), ("refuted", "refuted")):
        count = sum(item.verdict == name for item in items)
        assert count > 1
        assert f"{count} {word}" in report.text
    assert f"{len(items)} claims:" in report.text
    for item in items:
        (shown,) = [d for d in report.all("details") if d.attributes["id"] == item.claim.id]
        heading = shown.all("summary")[0]
        assert [node.text for node in heading.all("h3")] == [item.claim.id]
        assert heading.all("span")[0].attributes["class"] == f"verdict {item.verdict}"
        assert heading.all("span")[0].text == item.verdict
        assert item.meaning in heading.text
        assert heading.all("span")[2].text == read(str(pretty(item.summary))).text
        assert f"method: {item.claim.method}" in shown.text


def test_what_judges_a_claim_again_has_the_jobs_preset_and_seed(line):
    for claim_id in EVIDENCE:
        again = f"adasam reproduce --only {claim_id} --preset paper --seed 17"
        assert again in [code.text for code in line(claim_id).all("code")]


def test_only_claims_with_measured_rows_promise_a_spec(line):
    replayable = {name for name in EVIDENCE if "adasam simulate specs/….json" in line(name).text}
    with_specs = {name for name, evidence in EVIDENCE.items() if '"spec"' in json.dumps(evidence)}
    assert replayable == with_specs


def test_each_figure_is_drawn_once_with_its_own_caption_and_named_by_the_others(report, line):
    figures = report.all("figure")
    assert [figure.attributes["id"] for figure in figures] == [
        "figure-bound_vs_measured", "figure-linear_speedup"
    ]  # fmt: skip
    for figure, name in zip(figures, ("bound_vs_measured", "linear_speedup"), strict=True):
        (drawn,) = figure.all("svg")
        (caption,) = figure.all("figcaption")
        assert drawn.text == DRAWN[name]
        assert caption.text == read(str(pretty(FIGURES[name].caption))).text
        assert drawn.attributes["aria-labelledby"] == caption.attributes["id"]
    assert line("corollary1.rate_T").links()[-1] == "#corollary1.rate_b"
    assert line("corollary1.rate_b").all("figure")


def test_a_figure_of_no_claim_shown_comes_after_the_verdicts():
    claim = next(item for item in judged() if item.claim.id == "lemma5")
    page = rendered([claim], {"terms": picture("alone")})
    assert "More figures" in page.text
    (figure,) = page.all("figure")
    assert figure.all("svg")[0].text == "alone"


def test_ids_in_prose_stay_code_and_lead_to_their_line():
    about = dataclasses.replace(
        CLAIMS["lemma5"], remark="It needs v_{-1} <= 1 (algorithm1.v_init); `adasam proof` and "
        "theorem1.corrected say more of x_0.",
    )  # fmt: skip
    items = [judge(about, EVIDENCE["lemma5"])]
    items.append(judge(CLAIMS["theorem1.corrected"], EVIDENCE["theorem1.corrected"]))
    (shown,) = [d for d in rendered(items).all("details") if d.attributes["id"] == "lemma5"]
    (note,) = [p for p in shown.all("p") if p.attributes.get("class") == "note"]
    assert [code.text for code in note.all("code")] == [
        "algorithm1.v_init", "adasam proof", "theorem1.corrected"
    ]  # fmt: skip
    assert note.links() == ["#theorem1.corrected"]
    assert [sub.text for sub in note.all("sub")] == ["−1", "0"]
    assert not note.all("code")[0].all("sub")


HOSTILE = '<script>alert("1")</script>'


def hostile(value: Any) -> Any:
    """Put markup into every text of evidence that is no key of a table."""
    if isinstance(value, dict):
        kept = ("spec", "interval", "verdict", "axis", "standing", "constant")
        return {k: v if k in kept else hostile(v) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return value + HOSTILE if isinstance(value, str) and "/" not in value else value


def test_markup_in_a_claim_is_shown_and_not_run():
    items = [
        judge(
            dataclasses.replace(
                CLAIMS[claim_id], id=claim_id + HOSTILE, source=HOSTILE, statement=HOSTILE,
                remark=HOSTILE, method=HOSTILE, figure=None, expected=HOSTILE,
            ),
            hostile(evidence),
        )
        for claim_id, evidence in EVIDENCE.items()
    ]  # fmt: skip
    page = rendered(items)
    assert len(page.all("script")) == 1
    for claim_id, shown in zip(EVIDENCE, sorted_by(page, items), strict=True):
        assert shown.attributes["id"] == claim_id + HOSTILE
        assert shown.text.count(HOSTILE) >= 6


def sorted_by(page: Node, items: list[Judged]) -> list[Node]:
    """Return the report's lines in the order of the claims."""
    lines = {item.attributes["id"]: item for item in page.all("details")}
    return [lines[item.claim.id] for item in items]
