// The terms as bars on one logarithmic axis: the two leading ones, and Phi, the bracket of the others.

import { number, percent, raised } from "./format.js";

const DECADES = { least: 6, most: 14 };
const TICK = 3.2; // em between two ticks, at least

function axis(result) {
  const values = [result.trivial, ...result.terms.map((term) => term.value)];
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const least = Math.floor(Math.log10(Math.min(...values.filter((value) => value > 0)))) - 1;
  const decades = 2 * Math.ceil(Math.min(Math.max(high - least, DECADES.least), DECADES.most) / 2);
  const low = high - decades;
  const share = (value) => Math.min(1, Math.max(0, (Math.log10(value) - low) / decades));
  return { low, high, decades, share };
}

const width = (share) => `${(100 * share).toFixed(2)}%`;

// Make the rows of a variant's terms; pressing one shows its formula.
export function buildBars(root, terms, choose) {
  const row = (term) => `
    <div class="term" data-term="${term.name}">
      <button type="button" aria-pressed="false" aria-controls="formula">${term.label}</button>
      <span class="rate">${power("b", term.rate[0])}${power("T", term.rate[1])}</span>
      <span class="track" aria-hidden="true"><span class="bar"></span></span>
      <data value=""></data>
    </div>`;
  const group = (leading, id, name) => `
    <div class="group ${id}" role="group" aria-label="${name}">
      <p class="head"><span>${name}</span><span class="share"></span><data id="${id}" value=""></data></p>
      ${terms.filter((term) => term.leading === leading).map(row).join("")}
    </div>`;
  root.innerHTML =
    `<div class="whole" aria-hidden="true"></div>` +
    group(true, "leading", "The two leading terms") +
    group(false, "phi", "Φ, the bracket of the others") +
    `<div class="scale" aria-hidden="true"></div>`;
  for (const button of root.querySelectorAll("button")) {
    button.addEventListener("click", () => choose(button.parentElement.dataset.term));
  }
}

const power = (letter, exponent) => {
  if (exponent === "0") return "";
  const raisedTo = exponent === "1" ? "" : `<sup>${exponent.replace("-", "−")}</sup>`;
  return `<i>${letter}</i>${raisedTo}`;
};

export function updateBars(root, result, chosen) {
  const scale = root.querySelector(".scale");
  const apart = (TICK * parseFloat(getComputedStyle(scale).fontSize)) / scale.clientWidth;
  const { low, high, decades, share } = axis(result);
  for (const term of result.terms) {
    const row = root.querySelector(`[data-term="${term.name}"]`);
    row.classList.toggle("dominant", term.name === result.dominant.name);
    row.querySelector("button").setAttribute("aria-pressed", String(term.name === chosen));
    row.querySelector(".bar").style.width = term.value > 0 ? width(share(term.value)) : "0";
    writeNumber(row.querySelector("data"), term.value);
  }
  for (const id of ["leading", "phi"]) {
    const head = root.querySelector(`.group.${id} .head`);
    head.querySelector(".share").textContent = percent(Math.max(result[id], 0) / result.positive);
    writeNumber(head.querySelector("data"), result[id]);
  }
  root.style.setProperty("--trivial", width(share(result.trivial)));
  root.style.setProperty("--step", width(2 / decades));
  const whole = result.terms
    .filter((term) => term.value / result.positive > 0.002)
    .map((term) => `<span class="${term.leading ? "leading" : "phi"}" style="flex-grow:${(term.value / result.positive).toFixed(4)}"></span>`)
    .join("");
  root.querySelector(".whole").innerHTML = whole;
  const ticks = [];
  const stride = 2 * Math.ceil((apart * decades) / 2);
  for (let k = low; k <= high; k += stride) {
    ticks.push(`<span style="left:${width((k - low) / decades)}">10${raised(k)}</span>`);
  }
  scale.innerHTML = ticks.join("");
}

export function writeNumber(element, value) {
  element.value = String(value);
  element.textContent = number(value);
}
