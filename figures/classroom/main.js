// The page's state, and what happens when it changes.

import { measured } from "./archive.js";
import { buildBars, updateBars, writeNumber } from "./bars.js";
import { number } from "./format.js";
import { evaluate } from "./model.js";
import { PAGE } from "./page.js";
import { described, liveMarks, plot } from "./plot.js";
import { basin, simulate, stepsShown } from "./simulation.js";
import { provenance, running, sentences } from "./words.js";

const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const QUIET = { announce: 700, simulate: 250 }; // ms without a change before each of these
const SLICE = 12; // ms of simulation between two frames

const state = {
  variant: PAGE.variant,
  settings: Object.fromEntries(PAGE.sliders.map((slider) => [slider.name, slider.start])),
  chosen: null, // the term whose formula is shown; the dominant one if null
  live: { steps: null, means: [], average: [], runs: PAGE.live.runs, seed: 0, done: false },
};
let drawn = null; // the plot's scales
let shown = null; // the bound as last drawn
let size = null; // the plot's, in CSS pixels

const lastHtml = new Map();

// What has not changed is not laid out anew.
function fill(id, html) {
  if (lastHtml.get(id) === html) return;
  lastHtml.set(id, html);
  byId(id).innerHTML = html;
}

function draw() {
  const { variant, settings, chosen, live } = state;
  shown = evaluate(variant, settings);
  const archive = measured(settings);
  const term = shown.terms.find(({ name }) => name === chosen) ?? shown.dominant;
  updateBars(byId("bars"), shown, term.name);
  writeNumber(byId("total"), shown.total);
  writeNumber(byId("trivial"), shown.trivial);
  writeNumber(byId("gamma"), shown.at.gamma);
  writeNumber(byId("rho"), shown.at.rho);
  const source = term.equation.startsWith("(") ? ` ${term.equation}` : `, ${term.equation}`;
  fill("formula", `<p><b>${term.label}</b>${source}: ${term.meaning}</p> ${term.mathml}`);
  fill("words", sentences(variant, settings, shown).map((line) => `<li>${line}</li>`).join(""));
  fill("provenance", provenance(archive, settings));
  const seen = { variant, settings, result: shown, archive, live };
  const { content, scale } = plot(seen, size);
  const figure = byId("plot");
  figure.innerHTML = content;
  figure.setAttribute("aria-label", described(seen));
  drawn = scale;
  drawLive();
}

function drawLive() {
  const { live, settings } = state;
  fill("running", running(live, settings, stepsShown(settings, live.runs)));
  byId("live").innerHTML = liveMarks(live, drawn, size.rem);
}

let pending = 0;
let task = 0;

// Run anew once nothing has moved for a while; in slices, so that the page answers meanwhile.
function rerun() {
  clearTimeout(pending);
  cancelAnimationFrame(task);
  const { live, settings } = state;
  Object.assign(live, { steps: null, means: [], average: [], done: false });
  if (!basin(settings)) return;
  live.steps = [];
  pending = setTimeout(() => {
    const { gamma, rho } = shown.at;
    advance(simulate({ ...settings, gamma, rho }, live.seed, live.runs));
  }, QUIET.simulate);
}

function advance(job) {
  const until = performance.now() + SLICE;
  let turn;
  do turn = job.next();
  while (!turn.done && performance.now() < until);
  const { live } = state;
  const { steps, means } = turn.value;
  const average = means[0].map((_, k) => means.reduce((total, mean) => total + mean[k], 0) / means.length);
  Object.assign(live, { steps, means, average, done: turn.done });
  if (turn.done) draw();
  else {
    if (!calm.matches) drawLive();
    task = requestAnimationFrame(() => advance(job));
  }
}

let speaking = 0;

// Screen readers hear the words once, when nothing has moved for a while.
function announce() {
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    byId("announced").textContent = [...byId("words").children].map((line) => line.textContent).join(" ");
  }, QUIET.announce);
}

function changed({ runs = true } = {}) {
  if (runs) rerun();
  draw();
  announce();
}

function moveSlider({ name, values, unit }) {
  const value = state.settings[name];
  const input = byId(`slider-${name}`);
  input.value = values.indexOf(value);
  const text = number(value);
  input.setAttribute("aria-valuetext", unit ? `${text} ${unit}` : text);
  writeNumber(byId(`value-${name}`), value);
}

function chooseVariant(variant) {
  state.variant = variant;
  state.chosen = null;
  document.querySelector(`input[name="variant"][value="${variant}"]`).checked = true;
  byId("source").innerHTML = PAGE.variants[variant].source;
  buildBars(byId("bars"), PAGE.variants[variant].terms, (term) => {
    state.chosen = state.chosen === term ? null : term;
    draw();
  });
}

function set(variant, settings) {
  Object.assign(state.settings, settings);
  PAGE.sliders.forEach(moveSlider);
  chooseVariant(variant);
  changed();
}

for (const slider of PAGE.sliders) {
  byId(`slider-${slider.name}`).addEventListener("input", ({ target }) => {
    state.settings[slider.name] = slider.values[Number(target.value)];
    moveSlider(slider);
    changed();
  });
}

for (const input of document.querySelectorAll('input[name="variant"]')) {
  input.addEventListener("change", () => {
    chooseVariant(input.value);
    changed({ runs: false });
  });
}

const questions = [...document.querySelectorAll("#questions > li")];

// Open one question, or none; the closed ones then shrink to their numbers.
function open(item) {
  byId("questions").classList.toggle("opened", item !== null);
  for (const other of questions) {
    const isOpen = other === item;
    other.querySelector("button").setAttribute("aria-expanded", String(isOpen));
    other.querySelector(".body").hidden = !isOpen;
    other.querySelector("details").open = false;
  }
}

PAGE.questions.forEach(({ variant, settings }, k) => {
  questions[k].querySelector("button").addEventListener("click", () => {
    const closing = questions[k].querySelector("button").getAttribute("aria-expanded") === "true";
    open(closing ? null : questions[k]);
    if (!closing) set(variant, settings);
  });
});

byId("reset").addEventListener("click", () => {
  open(null);
  state.live.seed = 0;
  set(PAGE.variant, Object.fromEntries(PAGE.sliders.map((slider) => [slider.name, slider.start])));
});

byId("again").addEventListener("click", () => {
  state.live.seed = (state.live.seed + 1) % PAGE.noise.keys.length;
  changed();
});

// The plot is drawn at its size, so that its letters are as large as the page's.
function measureCanvas() {
  const { clientWidth: width, clientHeight: height } = byId("plot").parentElement;
  size = { width, height, rem: parseFloat(getComputedStyle(document.documentElement).fontSize) };
  byId("plot").setAttribute("viewBox", `0 0 ${width} ${height}`);
}

new ResizeObserver(() => {
  measureCanvas();
  draw();
}).observe(byId("plot").parentElement);
measureCanvas();
set(state.variant, state.settings);
