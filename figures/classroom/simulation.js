// Algorithm 1 on a Huber basin with additive noise, line for line as simulators/methods/adasam.py, with
// the noise of simulators/noise.py: the same numbers as the reference engine's.

import { PAGE } from "./page.js";
import { philox, stepsPerBlock, tilts } from "./philox.js";

const CHUNK = 4096; // coordinate steps between two looks at the clock

// The basin's numbers; null where sigma leaves no room below G.
export function basin({ L, sigma, G, d, Delta }) {
  const noise = sigma / Math.sqrt(d);
  const H = G - noise;
  if (!(H > 0)) return null;
  const height = Delta / (d * (H ** 2 / L));
  const u = height <= 0.5 ? Math.sqrt(2 * height) : height + 0.5;
  return { noise, H, B: H / L, start: u * (H / L) };
}

export function stepsShown({ T, d }, runs) {
  const most = PAGE.live.budget / (runs * d);
  const power = 10 ** Math.floor(Math.log10(most));
  return Math.min(T, Math.max(1000, Math.floor(most / power) * power)); // a round number
}

// Log-spaced whole numbers from 1 to the last.
function checkpoints(last, count) {
  const spaced = Array.from({ length: count }, (_, k) => Math.round(last ** (k / (count - 1))));
  return [...new Set(spaced)];
}

// Yield now and then; return { steps, means }, of each run its running mean of ||grad f||^2.
export function* simulate(settings, seed, runs) {
  const problem = basin(settings);
  const last = stepsShown(settings, runs);
  const steps = checkpoints(last, PAGE.live.checkpoints);
  const states = Array.from({ length: runs }, (_, replicate) => begin(problem, settings, replicate, seed));
  const means = states.map(() => []);
  const every = Math.ceil(CHUNK / (runs * settings.d));
  for (let t = 0, next = 0; t < last; t++) {
    for (const state of states) step(problem, settings, state, t);
    if (t + 1 === steps[next]) {
      states.forEach((state, k) => means[k].push(state.total / (t + 1)));
      next += 1;
    }
    if (t % every === 0) yield { steps, means };
  }
  return { steps, means };
}

function begin(problem, { d, b, eps }, replicate, seed) {
  const fill = (value) => new Float64Array(d).fill(value);
  return {
    x: fill(problem.start), m: fill(0), v: fill(0), vHat: fill(eps ** 2),
    s: fill(0), noise: fill(0), words: new Uint32Array(4 * d), total: 0,
    tilt: tilts(b), perBlock: stepsPerBlock(b), key: PAGE.noise.keys[seed], replicate,
  };
}

const clipped = (u) => Math.min(Math.max(u, -1), 1);

function step(problem, { d, b, gamma, rho, beta1, eps }, state, t) {
  const { x, m, v, vHat, s, noise, words, tilt, perBlock, key, replicate } = state;
  const { beta2 } = PAGE;
  const { B, H } = problem;
  const field = t % perBlock;
  const scale = problem.noise / b;
  let square = 0, length = 0;
  for (let j = 0; j < d; j++) {
    if (field === 0) philox(Math.floor(t / perBlock), j, replicate, 0, key[0], key[1], words, 4 * j);
    noise[j] = tilt(words, 4 * j, field) * scale;
    const gradient = clipped(x[j] / B) * H;
    square += gradient ** 2;
    s[j] = gradient + noise[j]; // line 3
    length += s[j] ** 2;
  }
  state.total += square;
  length = Math.sqrt(length);
  for (let j = 0; j < d; j++) {
    const delta = length > 0 ? rho * (s[j] / length) : 0; // line 4
    const g = clipped((x[j] + delta) / B) * H + noise[j]; // line 5
    m[j] = beta1 * m[j] + (1 - beta1) * g; // line 6
    v[j] = beta2 * v[j] + (1 - beta2) * g ** 2; // line 7
    vHat[j] = Math.max(vHat[j], v[j]); // line 8
    x[j] -= gamma * m[j] * (1 / Math.sqrt(vHat[j])); // lines 9 and 10
  }
}
