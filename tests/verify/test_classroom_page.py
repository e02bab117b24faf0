"""The classroom page in a browser: it shows the theory's numbers, and everybody can reach them."""

import math
import random
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


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("classroom") / "page.html"
    path.write_text(page(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def opened(browser, address) -> Iterator[Any]:
    """Return a function that opens the page in a window, with a list of what goes wrong in it."""
    contexts = []

    def open_at(viewport: dict[str, int] = PROJECTOR, **options: Any) -> tuple[Any, list[str]]:
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
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
    page.click("#reset")
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


@pytest.mark.parametrize("seed", range(8))
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
    try:
        limits = corollary1.threshold_values(
            bound, constants, **{k: settings[k] for k in ("c_gamma", "c_rho", "beta1", "eps", "b")}
        )
    except ValueError:
        assert "share no rate" in words
    else:
        limits.pop("step")
        enough = settings["T"] >= max(limits.values())
        assert ("T is large enough" in words) == enough


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


@pytest.mark.parametrize("seed", [None, 11, 12])
def test_nothing_is_cut_off_and_nothing_overlaps(tab, phone, seed):
    for window in (tab, phone):
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
        stop = tab.evaluate("document.activeElement?.dataset?.stop ?? null")
        reached.add(stop)
        if stop is not None:
            outline = tab.evaluate(
                """() => { const at = document.activeElement;
                     const seen = at.type === "radio" ? at.nextElementSibling : at;
                     return parseFloat(getComputedStyle(seen).outlineWidth); }"""
            )
            assert outline >= 2, stop
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


def test_who_prefers_less_motion_gets_none(opened):
    tab, faults = opened(reduced_motion="reduce")
    assert tab.eval_on_selector(".bar", "bar => getComputedStyle(bar).transitionDuration") == "0s"
    assert not tab.query_selector("#live path")
    tab.wait_for_selector("#live-end")
    assert tab.query_selector("#live path")
    assert faults == []
