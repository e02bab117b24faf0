// What the numbers say, in words.

import { firstWhole, number, percent } from "./format.js";
import { evaluate, largestSigma, leadsFrom } from "./model.js";
import { PAGE } from "./page.js";

const yes = "<span class=\"yes\">✓</span>";
const no = "<span class=\"no\">✗</span>";

function dominance({ terms, dominant, positive }) {
  const share = percent(dominant.value / positive);
  return `<b>The ${dominant.label} term</b> dominates: ${share} of the sum of the ${terms.length} terms.`;
}

function conditions({ checks, stepFrom }) {
  const failing = checks.filter((check) => !check.holds);
  return checks.map((check) => {
    const [left, right] = check.sides;
    const compared = `<data value="${check.value}">${number(check.value)}</data>`;
    const limit = `<data value="${check.limit}">${number(check.limit)}</data>`;
    const whole = `${left} = ${compared} ${check.holds ? "≤" : ">"} ${right} = ${limit}`;
    const from = check.step ? ` ${check.holds ? "It does" : "It will"} from T = ${firstWhole(stepFrom)} on.` : "";
    return check.holds
      ? `${yes} The condition holds: ${whole}.${from}`
      : `${no} The condition fails: ${whole}.${check === failing[0] ? " The theorem is silent here." : ""}${from}`;
  });
}

function vacuity({ total, trivial, vacuous, applies }) {
  const limit = `<i>d G</i>² = ${number(trivial)}`;
  if (Number.isNaN(total)) return `${no} Outside its condition this bound is false, so it has no value here.`;
  if (total <= 0) return `${no} The bound, ${number(total)}, is not even positive, and so false.`;
  const times = number(Math.max(total / trivial, trivial / total), 2);
  if (!vacuous && !applies) return `${no} Its formula gives ${number(total)}, ${times} times less than ${limit}, but promises nothing.`;
  return vacuous
    ? `${no} The bound, ${number(total)}, is vacuous: ${times} times ${limit}, which nothing can exceed anyway.`
    : `${yes} The bound, ${number(total)}, says something: it is ${times} times smaller than ${limit}.`;
}

function doubling(variant, settings, result) {
  const doubled = { ...settings, b: 2 * settings.b };
  const after = evaluate(variant, doubled);
  const intro = `Doubling b to ${number(doubled.b)}`;
  if (Number.isNaN(after.total)) return `${intro} would break the step condition, and with it this bound.`;
  if (Number.isNaN(result.total)) return `${intro} changes nothing: the bound has no value here.`;
  if (Math.min(after.total, result.total) <= 0) return `${intro} does not help a bound that is not positive.`;
  const ratio = after.total / result.total;
  const change = Math.abs(ratio - 1) < 0.005
    ? "would leave the bound as it is"
    : ratio < 1
      ? `would lower the bound by ${percent(1 - ratio)}`
      : ratio < 2.5 ? `would raise the bound by ${percent(ratio - 1)}` : `would raise the bound ${number(ratio, 3)}-fold`;
  const grown = after.terms.map((term, k) => ({ ...term, change: term.value - result.terms[k].value }))
    .reduce((most, term) => (term.change > most.change ? term : most));
  const why = ratio > 1.005 ? `: the ${grown.label} term grows` : "";
  const step = result.applies && !after.applies ? " The step condition would then fail." : "";
  return `${intro} ${change}${why}. A linear speed-up would lower it by 29 % (1 − 1/√2).${step}`;
}

function room(settings) {
  const most = largestSigma(settings);
  return settings.sigma > most
    ? [`${no} No such problem: σ = ${number(settings.sigma)} exceeds √d G = ${number(most)}. Gradients bounded by G cannot be that noisy.`]
    : [];
}

// PRINTED and APPENDIX have 1/eps - 1/G as it stands.
function negative({ terms }) {
  const below = terms.filter((term) => term.value < 0).map((term) => term.label);
  return below.length ? [`${no} Negative, as ε exceeds G: ${below.join("; ")}.`] : [];
}

function leads(variant, settings) {
  const from = leadsFrom(variant, settings);
  if (Number.isNaN(from)) return "The two leading terms share no rate here: the noise term does not fall with b.";
  return settings.T >= from
    ? `${yes} T is large enough: each of the others is below the two leading terms together.`
    : `${no} T is too small for the rate 1/√(bT): the two leading terms lead only from T = ${firstWhole(from)} on.`;
}

export function sentences(variant, settings, result) {
  return [
    ...room(settings),
    dominance(result),
    ...conditions(result),
    ...negative(result),
    vacuity(result),
    leads(variant, settings),
    doubling(variant, settings, result),
  ];
}

const NAMES = {
  noise: "σ/(√d G)", gap: "LΔ/(d G²)", eps: "ε/G", beta1: "β₁", b: "b", step: "c<sub>γ</sub>L/ε", rho: "c<sub>ρ</sub>L/G",
};

const short = (value) => number(value, Number.isInteger(value) ? 4 : 3);

// Where the measured curve is from.
export function provenance({ places, factor }, settings) {
  const apart = places
    .filter((place) => Math.abs(place.value / place.at - 1) > 0.02)
    .map((place) => `${NAMES[place.name]} = ${short(place.value)} <b>(yours ${short(place.at)})</b>`);
  if (settings.d !== PAGE.archive.d) apart.push(`d = ${PAGE.archive.d}, scaled <b>(yours ${number(settings.d)})</b>`);
  if (!apart.length) return "Archived runs: at your very setting, a run of its own for each T.";
  const off = factor > 1.02 ? `, off by a factor ${number(factor, 2)} at most` : "";
  const hint = factor > PAGE.live.far ? ": far, only a hint" : "";
  return `Archived runs: the nearest${off}${hint}; ${apart.join(", ")}.`;
}

// What the live run is.
export function running({ steps, average, runs, done, seed }, settings, last) {
  if (!steps) return "Live: no run, as no Huber basin has these constants.";
  const shown = last < settings.T ? `the first ${number(last)} of ${number(settings.T)} steps` : `all ${number(settings.T)} steps`;
  const end = average.length ? average[average.length - 1] : NaN;
  const state = done ? `mean <data id="live-end" value="${end}">${number(end)}</data>` : "running";
  return `Live: ${runs} runs on a Huber basin, ${shown} at this γ, ρ, noise ${seed}; ${state}.`;
}
