"""The classroom page in a browser: it shows the theory's numbers, and everybody can reach them."""

import math
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from figures.classroom.sliders import SLIDERS
from simulators import SeparableProblem, simulate
from theory import corollary1
from theory.bound import trivial
from verify.classroom import grid
from verify.classroom.page import CLOSED, LIVE, OPENING, page
from verify.classroom.questions import QUESTIONS, START, setting

# All in one process, so that one browser serves them.
pytestmark = pytest.mark.xdist_group("browser")

PROJECTOR = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
EXACT = {"rel": 1e-9, "abs": 0.0}
RAISED, PLAIN = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory) -> dict[str, str]:
    """Return where the page is, and the same page whose live runs end after 1000 steps: these go
    on beside whatever a test looks at.
    """
    folder, whole = tmp_path_factory.mktemp("classroom"), page()
    budget = f'"budget":{LIVE["budget"]}'
    assert whole.count(budget) == 1
    pages = {"whole": whole, "brief": whole.replace(budget, '"budget":1')}
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in pages}


@pytest.fixture(scope="module")
def opened(browser, addresses) -> Iterator[Any]:
    """Return a function that opens the page in a window, with a list of what goes wrong in it."""
    contexts = []

    def open_at(
        viewport: dict[str, int] = PROJECTOR, name: str = "brief", watch: str = "", **options: Any
    ) -> tuple[Any, list[str]]:
        address = addresses[name]
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        context.add_init_script(watch)
        tab, faults = context.new_page(), []
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("request", lambda asked: asked.url == address or faults.append(asked.url))
        tab.goto(address)
        return tab, faults

    yield open_at
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def projected(opened) -> tuple[Any, list[str]]:
    return opened()


@pytest.fixture(scope="module")
def held(opened) -> tuple[Any, list[str]]:
    return opened(PHONE)


@pytest.fixture
def tab(projected) -> Iterator[Any]:
    """Return the page as it opens, on a projector; nothing may go wrong in it, ever."""
    yield from _fresh(*projected)


@pytest.fixture
def phone(held) -> Iterator[Any]:
    yield from _fresh(*held)


def _fresh(page: Any, faults: list[str]) -> Iterator[Any]:
    page.evaluate("document.getElementById('reset').click()")
    yield page
    assert faults == []


def move(tab: Any, settings: dict[str, float]) -> None:
    """Move sliders as a hand does: the input's value, then its event."""
    places = {
        f"slider-{slider.name}": slider.values.index(settings[slider.name])
        for slider in SLIDERS
        if slider.name in settings
    }
    tab.evaluate(
        """places => { for (const [id, at] of Object.entries(places)) {
             const input = document.getElementById(id);
             input.value = at;
             input.dispatchEvent(new Event("input")); } }""",
        places,
    )


def choose(tab: Any, variant: str) -> None:
    tab.check(f'input[name="variant"][value="{variant}"]', force=True)


def shown(tab: Any, selector: str) -> float:
    return float(tab.eval_on_selector(selector, "element => element.value"))


def shown_terms(tab: Any) -> dict[str, float]:
    rows = tab.eval_on_selector_all(
        ".term", "rows => rows.map(row => [row.dataset.term, row.querySelector('data').value])"
    )
    return {name: float(value) for name, value in rows}


def random_settings(seed: int) -> dict[str, float]:
    """Return settings of all sliders at random, of a problem that exists."""
    draw = random.Random(seed)
    while True:
        settings = {slider.name: draw.choice(slider.values) for slider in SLIDERS}
        if settings["sigma"] <= math.sqrt(settings["d"]) * settings["G"]:
            return settings


@pytest.mark.parametrize("seed", range(3))
def test_moved_sliders_show_the_theorys_numbers(tab, seed):
    settings = random_settings(seed)
    move(tab, settings)
    constants, hyper = setting(settings)
    for name in ("gamma", "rho"):
        assert shown(tab, f"#{name}") == pytest.approx(float(getattr(hyper, name)), **EXACT)
    assert shown(tab, "#trivial") == pytest.approx(float(trivial(constants)), **EXACT)
    for name, bound in CLOSED.items():
        choose(tab, name)
        terms = {term: float(value) for term, value in bound.evaluate(constants, hyper).items()}
        assert shown_terms(tab) == pytest.approx(terms, **EXACT)
        phi = float(bound.phi(constants, hyper))
        assert shown(tab, "#phi") == pytest.approx(phi, **EXACT)
        leading = sum(terms[term] for term in bound.leading)
        assert shown(tab, "#leading") == pytest.approx(leading, **EXACT)
        total = float(bound.total(constants, hyper))
        assert shown(tab, "#total") == pytest.approx(total, nan_ok=True, **EXACT)
        assert_the_words_are_true(tab, bound, constants, hyper, settings)


def assert_the_words_are_true(tab, bound, constants, hyper, settings) -> None:
    words = tab.inner_text("#words")
    sides = tab.eval_on_selector_all("#words data", "all => all.map(element => +element.value)")
    checks = bound.preconditions(constants, hyper)
    expected = [float(side) for check in checks for side in (check.value, check.limit)]
    assert sides == [pytest.approx(side, **EXACT) for side in expected]
    assert words.count("The condition holds") == sum(bool(check.holds) for check in checks)
    assert words.count("The condition fails") == sum(not check.holds for check in checks)
    vacuous, applies = (bool(f(constants, hyper)) for f in (bound.vacuous, bound.applies))
    total = float(bound.total(constants, hyper))
    assert ("is vacuous" in words) == vacuous
    assert ("says something" in words) == (applies and not vacuous)
    assert ("but promises nothing" in words) == (not applies and 0 < total < trivial(constants))
    terms = shown_terms(tab)
    (row,) = tab.eval_on_selector_all(".term.dominant", "all => all.map(row => row.dataset.term)")
    assert terms[row] == max(terms.values())
    before, after = (
        float(bound.total(*setting(settings, b=b))) for b in (settings["b"], 2 * settings["b"])
    )
    if (
        min(before, after) > 0
        and not math.isnan(before + after)
        and abs(after / before - 1) > 0.005
    ):
        assert ("would raise the bound" in words) == (after > before)
        assert ("would lower the bound" in words) == (after < before)
        change = after / before - 1
        if abs(change) < 0.99 and 100 * abs(change) > 1:  # "under 1 %", "over 99 %" beyond
            verb = "raise" if change > 0 else "lower"
            (percent,) = re.findall(rf"would {verb} the bound by (\d+)\s%", words)
            assert int(percent) == pytest.approx(100 * abs(change), abs=0.5 + 1e-6)
    try:
        limits = corollary1.threshold_values(
            bound, constants, **{k: settings[k] for k in ("c_gamma", "c_rho", "beta1", "eps", "b")}
        )
    except ValueError:
        assert "share no rate" in words
    else:
        step, leads = limits.pop("step"), max(limits.values())
        enough = settings["T"] >= leads
        assert ("T is large enough" in words) == enough
        assert_the_first_T_is_said(r"It (?:does|will) from T = (\S+) on", words, step)
        if not enough:
            assert_the_first_T_is_said(r"lead only from T = (\S+) on", words, leads)
    if vacuous and total > 0:
        (times,) = re.findall(r"is vacuous: (\S+) times", words)
        assert said(times) == pytest.approx(total / float(trivial(constants)), rel=0.06)


def said(text: str) -> float:
    """Return the number that a text shows, as the page's script writes it."""
    if text[-1] not in RAISED:
        return float(text.replace("−", "-"))
    ((mantissa, power),) = re.findall(rf"^(?:(.*)·)?10([{RAISED}]+)$", text)
    return float(mantissa or 1) * 10.0 ** int(power.translate(str.maketrans(RAISED, PLAIN)))


def assert_the_first_T_is_said(pattern: str, words: str, limit: float) -> None:
    (first,) = re.findall(pattern, words)
    assert said(first) == pytest.approx(max(1, math.ceil(limit * (1 - 1e-12))), rel=1e-3)


def test_a_printed_bound_below_zero_is_called_false(tab):
    settings = START | {"eps": 2.0, "T": 500.0, "Delta": 1e-6, "sigma": 1e-4, "beta1": 0.0}
    move(tab, settings)
    choose(tab, "appendix")
    assert float(CLOSED["appendix"].total(*setting(settings))) < 0
    words = tab.inner_text("#words")
    assert "Negative, as ε exceeds G: change of η, ℓ₁; change of η, ℓ₂." in words
    assert "is not even positive" in words
    assert "The condition fails: ε = 2 > G = 1." in words


def test_noise_that_no_bounded_gradient_has_is_refused_in_words(tab):
    move(tab, {"sigma": 4.0, "G": 1.0, "d": 10.0})
    assert "No such problem: σ = 4 exceeds √d G = 3.162" in tab.inner_text("#words")
    assert "no run" in tab.inner_text("#running")


@pytest.mark.parametrize(
    "changes",
    [
        {"T": 500.0},
        {"T": 1000.0, "b": 64.0, "d": 7.0, "c_rho": 5.0, "beta1": 0.5},
        {"T": 800.0, "b": 512.0, "d": 3.0, "eps": 0.02, "Delta": 10.0, "L": 2.0, "G": 2.0},
        {"T": 355.0, "b": 1.0, "d": 1.0, "sigma": 0.5, "c_gamma": 2.0, "beta1": 0.0},
    ],
    ids=["start", "b=64", "table", "b=1"],
)
def test_the_live_runs_are_the_reference_engines(tab, changes):
    settings = START | changes
    move(tab, settings)
    tab.wait_for_selector("#live-end")
    d, noise = settings["d"], settings["sigma"] / math.sqrt(settings["d"])
    H = settings["G"] - noise
    start = grid.start(
        settings["L"] * settings["Delta"] / (d * settings["G"] ** 2), noise / settings["G"]
    )
    problem = SeparableProblem(
        "huber", "additive", start=start * H / settings["L"],
        **{name: settings[name] for name in ("L", "sigma", "G", "d")},
    )  # fmt: skip
    assert float(problem.certificate.constants.Delta) == pytest.approx(settings["Delta"])
    hyper = setting(settings)[1]
    runs = simulate(
        problem, gamma=hyper.gamma, rho=hyper.rho, beta1=hyper.beta1, beta2=hyper.beta2,
        eps=hyper.eps, b=hyper.b, T=hyper.T, runs=int(LIVE["runs"]), seed=0, common_noise=True,
        engine="reference",
    )  # fmt: skip
    assert shown(tab, "#live-end") == pytest.approx(float(runs.lhs(0).mean()), rel=1e-9)


def test_other_noise_gives_another_run(tab):
    move(tab, {"T": 500.0})
    tab.wait_for_selector("#live-end")
    first = shown(tab, "#live-end")
    tab.click("#again")
    tab.wait_for_selector("#running:has-text('noise 1; mean')")
    assert shown(tab, "#live-end") != first


def test_archived_runs_say_where_they_are_from(tab):
    assert "at your very setting" in tab.inner_text("#provenance")
    stored, row = grid.load(), 0
    near = {"noise": 10**-0.5, "gap": 0.1, "eps": 0.5, "beta1": 0.9, "b": 16, "step": 0.5,
            "rho": 0.1, "T": 65536}  # fmt: skip
    for name, values in stored["axes"].items():
        row = row * len(values) + int(np.argmin(np.abs(np.log((1e-9 + np.array(values))
                                                              / (1e-9 + near[name])))))  # fmt: skip
    label = tab.get_attribute("#plot", "aria-label")
    said = float(label.split("Archived runs measured ")[1].split(" ")[0])
    assert said == pytest.approx(10 * stored["mean"][row], rel=2e-3)
    move(tab, {"b": 1024.0, "eps": 0.4, "d": 5.0})
    text = tab.inner_text("#provenance")
    assert "off by a factor 16 at most: far" in text
    assert "b = 64 (yours 1024)" in text
    assert "ε/G = 0.5 (yours 0.4)" in text
    assert "d = 10, scaled (yours 5)" in text


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_a_question_sets_the_page_and_its_answer_opens(tab, number):
    question = QUESTIONS[number]
    tab.click(f"#questions > li:nth-child({number + 1}) button")
    for name, value in question.settings.items():
        assert shown(tab, f"#value-{name}") == value
    assert tab.is_checked(f'input[value="{question.variant}"]')
    assert shown(tab, "#total") == pytest.approx(question.total(), **EXACT)
    answer = f"#question-{question.id} details p"
    assert not tab.is_visible(answer)
    tab.click(f"#question-{question.id} summary")
    assert tab.is_visible(answer)
    assert_everything_is_seen(tab)


def assert_everything_is_seen(tab: Any) -> None:
    """Check that a projector shows all five parts at once, and no text leaves its box."""
    bottoms = tab.eval_on_selector_all(
        ".settings, .curves, .terms, .said, .asked",
        "all => all.map(part => part.getBoundingClientRect().bottom)",
    )
    assert len(bottoms) == 5
    assert max(bottoms) <= PROJECTOR["height"]
    assert cut_off(tab) == []


def cut_off(tab: Any) -> list[str]:
    """Return what is wider than its box or the window, but for what scrolls on purpose."""
    return tab.evaluate(
        """() => [...document.querySelectorAll("body *:not(svg *)")].filter(element => {
             const style = getComputedStyle(element);
             if (element.closest(".scroll, .hidden, .skip, legend, button > span, .scale"))
               return false;
             if (style.display === "inline" || style.display === "none") return false;
             return element.scrollWidth > element.clientWidth + 1
               || element.getBoundingClientRect().right > innerWidth + 0.5;
           }).map(element => element.outerHTML.slice(0, 80))"""
    )


@pytest.mark.parametrize("seed", [None, 11])
def test_nothing_is_cut_off_and_nothing_overlaps(tab, phone, seed):
    for window in (tab, phone):
        window.click("#reset")
        if seed is not None:
            move(window, random_settings(seed))
        for variant in CLOSED:
            choose(window, variant)
            assert cut_off(window) == []
            assert overlapping(window) == []


def overlapping(tab: Any) -> list[list[str]]:
    """Return the pairs of texts in the plot and on the bars' scale that lie on each other."""
    return tab.evaluate(
        """() => [...document.querySelectorAll("#plot")].concat(
             [...document.querySelectorAll(".scale")]).flatMap(root => {
             const texts = [...root.querySelectorAll("text, span")].map(element =>
               [element.textContent, element.getBoundingClientRect()]);
             return texts.flatMap(([one, a], k) => texts.slice(k + 1).filter(([, b]) =>
               a.left < b.right && b.left < a.right && a.top < b.bottom - 2 && b.top < a.bottom - 2)
               .map(([other]) => [one, other]));
           })"""
    )


INTERACTIVE = "input[type=range], button, summary, .scroll, a, input[type=radio]:checked"


def test_the_keyboard_alone_reaches_everything(tab):
    tab.click("#questions > li:nth-child(1) button")
    tab.evaluate(
        """selector => { document.activeElement.blur();
             let k = 0;
             for (const item of document.querySelectorAll(selector)) item.dataset.stop = k++; }""",
        INTERACTIVE,
    )
    stops = set(
        tab.eval_on_selector_all(
            INTERACTIVE,
            "all => all.filter(item => item.checkVisibility()).map(i => i.dataset.stop)",
        )
    )
    reached = set()
    for _ in range(2 * len(stops)):
        tab.keyboard.press("Tab")
        stop, outline = tab.evaluate(
            """() => { const at = document.activeElement;
                 const seen = at?.type === "radio" ? at.nextElementSibling : at;
                 return [at?.dataset?.stop ?? null,
                   seen && parseFloat(getComputedStyle(seen).outlineWidth)]; }"""
        )
        reached.add(stop)
        assert stop is None or outline >= 2, stop
        if stops <= reached:
            break
    assert stops <= reached


@pytest.mark.parametrize("slider", SLIDERS, ids=lambda slider: slider.name)
def test_arrow_keys_move_a_slider_and_it_says_so(tab, slider):
    tab.focus(f"#slider-{slider.name}")
    after = slider.values[slider.values.index(slider.start) + 1]
    tab.keyboard.press("ArrowRight")
    assert shown(tab, f"#value-{slider.name}") == after
    spoken = tab.get_attribute(f"#slider-{slider.name}", "aria-valuetext")
    assert spoken.startswith(tab.inner_text(f"#value-{slider.name}"))
    assert tab.locator(f"#slider-{slider.name}").evaluate("s => s.labels[0].innerText.length") > 3
    total = float(CLOSED[OPENING].total(*setting(START, **{slider.name: after})))
    assert shown(tab, "#total") == pytest.approx(total, **EXACT)


def test_keys_choose_a_bound_a_term_a_question_and_an_answer(tab):
    tab.focus(f'input[value="{OPENING}"]')
    tab.keyboard.press("ArrowLeft")
    assert tab.is_checked('input[value="appendix"]')
    tab.focus('[data-term="perturbation"] button')
    tab.keyboard.press("Enter")
    assert "perturbation" in tab.inner_text("#formula")
    tab.focus("#questions > li:nth-child(5) button")
    tab.keyboard.press("Space")
    assert shown(tab, "#value-eps") == 1e-8
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.is_visible("#question-eps details p")


def test_the_words_are_announced_once_the_sliders_rest(tab):
    move(tab, {"T": 500.0})
    tab.wait_for_selector("#announced:has-text('is vacuous')", state="attached")
    assert tab.get_attribute("#announced", "aria-live") == "polite"


def test_text_has_enough_contrast(tab):
    """WCAG AA: 4.5 to 1."""
    tab.click("#questions > li:nth-child(4) button")
    ratios = tab.evaluate(
        """() => {
          const light = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number)
            .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const behind = element => { for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!colour.endsWith(", 0)")) return colour; } return "rgb(255, 255, 255)"; };
          return [...document.querySelectorAll("body *")].filter(e => e.checkVisibility()
              && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
              && !e.closest("script, style")).map(e => {
            const style = getComputedStyle(e);
            const ink = light(e.closest("svg") ? style.fill : style.color);
            const ground = light(e.closest("svg") ? "rgb(239, 239, 236)" : behind(e));
            return [(Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05),
                    e.textContent.slice(0, 30)]; });
        }"""
    )
    assert len(ratios) > 100
    assert min(ratios)[0] >= 4.5, min(ratios)


WATCH = """
  addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
    const [moving, done] = ["#live path", "#live-end"].map(at => document.querySelector(at));
    if (moving && !done) window.moved = true;
  }).observe(document, { childList: true, subtree: true }));
"""
"""Sees each time the live run is drawn before it is done."""


def test_who_prefers_less_motion_gets_none(opened):
    tab, faults = opened(name="whole", watch=WATCH, reduced_motion="no-preference")
    for motion in ("no-preference", "reduce"):
        if motion == "reduce":
            tab.emulate_media(reduced_motion=motion)
            tab.evaluate("window.moved = false")
            tab.click("#again")
        still = motion == "reduce"
        duration = tab.eval_on_selector(".bar", "bar => getComputedStyle(bar).transitionDuration")
        assert (duration == "0s") == still
        tab.wait_for_selector("#live-end")
        assert tab.query_selector("#live path")
        assert tab.evaluate("window.moved === true") == (not still)
    assert faults == []


DRAWN = """() => {
  const svg = document.getElementById("plot");
  const all = (selector, read) => [...svg.querySelectorAll(selector)].map(read);
  const at = (element, ...names) => names.map(name => Number(element.getAttribute(name)));
  const points = element => [...element.getAttribute("d").matchAll(/[ML](\\S+?) ([^LZ]+)/g)]
    .map(([, x, y]) => [Number(x), Number(y)]);
  return {
    ticks: all(".tick", e => [e.textContent, ...at(e, "x", "y"), e.getAttribute("text-anchor")]),
    grid: all("line.grid", e => at(e, "x1", "x2", "y1", "y2")),
    paths: all("path", e => [e.getAttribute("class"), points(e)]),
    means: all("circle.measured", e => at(e, "cx", "cy")),
    bands: all("line.measured", e => at(e, "x1", "x2", "y1", "y2")),
    here: all("circle.here", e => at(e, "cx", "cy")),
    now: all("line.now", e => at(e, "x1", "x2")),
    trivial: all("line.trivial", e => at(e, "y1", "y2")),
    vacuous: all("rect.vacuous", e => at(e, "y", "height")),
    far: all("g.far", e => 1).length,
    top: Math.min(...all("line.grid", e => Number(e.getAttribute("y1")))),
  };
}"""
"""What the plot holds, in its own coordinates."""

PIXEL = 0.07
"""Paths have their places to a tenth; the archive's values in thousandths of a decade."""

WHOLE_T = 10.0 * 1e9 ** (np.arange(129) / 128)
"""Where the bound is drawn."""


class Plot:
    """The plot's content, with the scales that its tick labels say."""

    def __init__(self, tab: Any) -> None:
        self.drawn = tab.evaluate(DRAWN)
        exponents, xs, ys, anchors = [], [], [], []
        for text, x, y, anchor in self.drawn["ticks"]:
            raised = text.removeprefix("T = ").removeprefix("10")
            plain = raised.translate(str.maketrans(RAISED, PLAIN))
            for column, item in zip(
                (exponents, xs, ys, anchors), (int(plain), x, y, anchor), strict=True
            ):
                column.append(item)
        levels = sorted(y1 for x1, x2, y1, y2 in self.drawn["grid"] if y1 == y2)
        below = {k: xs[i] for i, k in enumerate(exponents) if anchors[i] == "middle"}
        beside = {k: ys[i] for i, k in enumerate(exponents) if anchors[i] == "end"}
        # A label stands beside its line: the one that is nearest.
        lines = {k: min(levels, key=lambda level: abs(level - y)) for k, y in beside.items()}
        assert len(set(lines.values())) == len(lines) == len(levels) > 1
        assert len(below) > 1
        self.along, self.up = self._fit(below), self._fit(lines)

    @staticmethod
    def _fit(places: dict[int, float]) -> tuple[float, float]:
        slope, offset = np.polyfit(list(places), list(places.values()), 1)
        for exponent, place in places.items():
            assert slope * exponent + offset == pytest.approx(place, abs=1e-6)
        return float(slope), float(offset)

    def x(self, T: Any) -> Any:
        return self.along[0] * np.log10(T) + self.along[1]

    def y(self, value: Any) -> Any:
        return self.up[0] * np.log10(value) + self.up[1]

    def path(self, name: str) -> np.ndarray:
        """Return the places of the one path of this class, (n, 2)."""
        (places,) = [points for kind, points in self.drawn["paths"] if kind == name]
        return np.array(places, dtype=float).reshape(-1, 2)


DRAWN_SETTINGS = {
    "corrected": START,
    "printed": START | {"b": 64.0, "T": 1e5, "c_rho": 5.0},
    "appendix": START | {"b": 4.0, "eps": 0.1, "G": 2.0, "d": 5.0, "T": 2e4},
    "tight_simple": START | {"beta1": 0.5, "b": 256.0, "T": 1e7, "sigma": 0.25},
}


@pytest.mark.parametrize("name", DRAWN_SETTINGS)
def test_what_is_drawn_is_the_bound_its_place_and_its_limits(tab, name):
    bound, settings = CLOSED[name], DRAWN_SETTINGS[name]
    choose(tab, name)
    move(tab, settings)
    plot = Plot(tab)
    assert plot.along[0] > 0 > plot.up[0]  # more steps to the right, larger values up
    constants, hyper = setting(settings)

    outside, inside = plot.path("bound outside"), plot.path("bound")
    T = np.rint(WHOLE_T[WHOLE_T >= 1000])
    at = [setting(settings, T=number) for number in T]
    applies = np.array([bool(bound.applies(*where)) for where in at])
    shown = np.concatenate([outside[:-1], inside])
    first = int(np.argmax(applies))
    assert first > 0 or applies[0]
    np.testing.assert_allclose(inside[0, 0], plot.x(WHOLE_T[WHOLE_T >= 1000][first]), atol=PIXEL)
    drawn = shown[shown[:, 0] >= plot.x(1000) - PIXEL]
    if bound.nan_outside:
        T, at = T[applies], [where for where, fine in zip(at, applies, strict=True) if fine]
    np.testing.assert_allclose(drawn[:, 0], plot.x(T), atol=2 * PIXEL)
    totals = [float(bound.total(*where)) for where in at]
    np.testing.assert_allclose(drawn[:, 1], plot.y(totals), atol=PIXEL)

    total, limit = float(bound.total(constants, hyper)), float(trivial(constants))
    assert plot.drawn["here"] == [
        pytest.approx([plot.x(settings["T"]), plot.y(total)], abs=1e-6)
    ]  # fmt: skip
    assert plot.drawn["now"] == [pytest.approx([plot.x(settings["T"])] * 2, abs=1e-6)]
    assert plot.drawn["trivial"] == [pytest.approx([plot.y(limit)] * 2, abs=1e-6)]
    ((upper, height),) = plot.drawn["vacuous"]
    assert (upper, upper + height) == pytest.approx((plot.drawn["top"], plot.y(limit)), abs=1e-6)


@pytest.mark.parametrize("name", DRAWN_SETTINGS)
def test_the_reference_is_c_over_root_bT_of_the_leading_terms(tab, name):
    """Of printed, whose noise does not fall with b, c is that of b = 1."""
    bound, settings = CLOSED[name], DRAWN_SETTINGS[name]
    choose(tab, name)
    move(tab, settings)
    plot, b = Plot(tab), settings["b"]
    alone = bound.evaluate(*setting(settings, b=1 if name == "printed" else b))
    now = sum(float(alone[term]) for term in bound.leading)
    if name == "printed":
        now /= math.sqrt(b)
    expected = [[plot.x(T), plot.y(now * math.sqrt(settings["T"] / T))] for T in LIVE["axis"]]
    np.testing.assert_allclose(plot.path("rate"), expected, atol=PIXEL)


@pytest.mark.parametrize(
    ("changes", "point"),
    [
        ({}, {"beta1": 0.9, "b": 16}),
        (
            {"G": 2.0, "sigma": 2.0, "Delta": 4.0, "eps": 1.0, "beta1": 0.0, "b": 4.0,
             "c_gamma": 0.5, "c_rho": 0.2},
            {"beta1": 0.0, "b": 4},
        ),
    ],
    ids=["start", "other units"],
)  # fmt: skip
def test_archived_means_and_their_bands_are_drawn_where_they_were_measured(tab, changes, point):
    settings = START | changes
    move(tab, settings)
    assert "at your very setting" in tab.inner_text("#provenance")
    plot, stored = Plot(tab), grid.load()
    unit = settings["d"] * settings["G"] ** 2
    near = {"noise": 10**-0.5, "gap": 0.1, "eps": 0.5, "step": 0.5, "rho": 0.1} | point
    row = 0
    for axis, values in list(stored["axes"].items())[:-1]:
        row = row * len(values) + values.index(pytest.approx(near[axis]))
    steps = stored["axes"]["T"]
    rows = slice(row * len(steps), (row + 1) * len(steps))
    mean, half = np.array(stored["mean"][rows]), np.array(stored["half"][rows])
    x = plot.x(steps)
    places = np.column_stack([x, plot.y(unit * mean)])
    np.testing.assert_allclose(plot.drawn["means"], places, atol=PIXEL)
    np.testing.assert_allclose(plot.path("measured"), places, atol=2 * PIXEL)
    ends = np.column_stack([x, x, plot.y(unit * (mean - half)), plot.y(unit * (mean + half))])
    np.testing.assert_allclose(plot.drawn["bands"], ends, atol=PIXEL)
    assert plot.drawn["far"] == 0
    move(tab, {"eps": 0.005})
    assert Plot(tab).drawn["far"] == 1


def test_the_live_lines_end_at_the_means_and_the_thick_one_is_their_average(tab):
    steps = 355.0
    move(tab, {"T": steps, "b": 1.0, "d": 1.0, "sigma": 0.5, "c_gamma": 2.0, "beta1": 0.0})
    tab.wait_for_selector("#live-end")
    plot = Plot(tab)
    (x, y), (right, _), _ = plot.path("live end")
    end = plot.x(steps), plot.y(shown(tab, "#live-end"))
    assert (x, y + right - x) == pytest.approx(end, abs=1e-6)
    assert plot.path("live")[-1] == pytest.approx(end, abs=PIXEL)
    thin = [np.array(points) for kind, points in plot.drawn["paths"] if kind == "live thin"]
    assert len(thin) == LIVE["runs"]
    pixels = np.array([line[-1, 1] for line in thin])
    assert np.ptp(pixels) > 10 * PIXEL
    means = 10 ** ((pixels - plot.up[1]) / plot.up[0])
    assert plot.y(means.mean()) == pytest.approx(end[1], abs=PIXEL)


@pytest.mark.parametrize("name", DRAWN_SETTINGS)
def test_a_bars_length_is_its_terms_place_on_the_scale_below(tab, name):
    choose(tab, name)
    move(tab, DRAWN_SETTINGS[name])
    rows, ticks, whole, mark, apart = tab.evaluate(
        """() => { const root = document.getElementById("bars");
          const all = (selector, read) => [...root.querySelectorAll(selector)].map(read);
          const box = selector => root.querySelector(selector).getBoundingClientRect();
          const [track, scale] = [box(".track"), box(".scale")];
          return [
            all(".term", row => [row.dataset.term, row.querySelector(".bar").style.width]),
            all(".scale span", tick => [tick.textContent, tick.style.left]),
            all(".whole span", part => [part.className, Number(part.style.flexGrow)]),
            root.style.getPropertyValue("--trivial"),
            [track.left - scale.left, track.right - scale.right]]; }"""
    )
    assert apart == pytest.approx([0, 0], abs=0.6)  # the scale is that of the bars
    exponents = [
        int(text.removeprefix("10").translate(str.maketrans(RAISED, PLAIN))) for text, _ in ticks
    ]
    slope, offset = np.polyfit(exponents, [float(left[:-1]) for _, left in ticks], 1)
    assert slope > 0
    constants, hyper = setting(DRAWN_SETTINGS[name])
    terms = CLOSED[name].evaluate(constants, hyper)
    assert [term for term, _ in rows] == [
        *CLOSED[name].leading, *(term for term in terms if term not in CLOSED[name].leading)
    ]  # fmt: skip
    for term, width in rows:
        value = float(terms[term])
        place = slope * math.log10(value) + offset if value > 0 else 0.0
        assert float(width.rstrip("%")) == pytest.approx(min(max(place, 0), 100), abs=0.02), term
    limit = slope * math.log10(float(trivial(constants))) + offset
    assert float(mark.rstrip("%")) == pytest.approx(limit, abs=0.02)
    total = sum(map(float, terms.values()))
    large = {term: float(value) / total for term, value in terms.items() if value > 0.002 * total}
    kinds = ["leading" if term in CLOSED[name].leading else "phi" for term in large]
    assert whole == [[kind, pytest.approx(share, abs=6e-5)]
                     for kind, share in zip(kinds, large.values(), strict=True)]  # fmt: skip
