// From settings to the bound: every formula comes from the theory's expressions, in THEORY.

import { THEORY } from "./theory.js";
import { PAGE } from "./page.js";

const sum = (numbers) => numbers.reduce((total, value) => total + value, 0);

export function symbols(settings) {
  const all = { ...settings, Gb: Math.max(settings.G, settings.eps) };
  all.gamma = THEORY.gamma(all);
  all.rho = THEORY.rho(all);
  return all;
}

export function evaluate(variant, settings) {
  const at = symbols(settings);
  const { terms: functions, conditions, step } = THEORY.bounds[variant];
  const about = PAGE.variants[variant];
  const terms = about.terms.map((term) => ({ ...term, value: functions[term.name](at) }));
  const checks = conditions.map(([left, right], index) => {
    const value = left(at);
    const limit = right(at);
    return { ...about.conditions[index], value, limit, holds: value <= limit * (1 + PAGE.rounding) };
  });
  const applies = checks.every((check) => check.holds);
  const part = (leading) => sum(terms.filter((term) => term.leading === leading).map((term) => term.value));
  const every = sum(terms.map((term) => term.value));
  const positive = sum(terms.map((term) => Math.max(term.value, 0))); // what shares are of
  const total = about.nan_outside && !applies ? NaN : every;
  const trivial = THEORY.trivial(at);
  return {
    at, terms, checks, applies, trivial, total, every, positive,
    leading: part(true),
    phi: part(false),
    vacuous: total >= trivial,
    stepFrom: step(at),
    dominant: terms.reduce((most, term) => (term.value > most.value ? term : most)),
  };
}

// From which T on every other term is below the leading two; NaN where no T is enough.
export function leadsFrom(variant, settings) {
  const limits = Object.values(THEORY.bounds[variant].thresholds);
  return limits.length ? Math.max(...limits.map((limit) => limit(symbols(settings)))) : NaN;
}

// c/sqrt(bT), with the c that the leading terms have at b = 1.
export function reference(variant, settings) {
  const alone = evaluate(variant, { ...settings, b: 1 });
  return alone.leading / Math.sqrt(settings.b);
}

// Assumptions 2 and 3 together leave sigma this much room.
export const largestSigma = ({ G, d }) => Math.sqrt(d) * G;
