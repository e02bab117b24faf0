// The noise contract of simulators/noise.py: Philox4x32-10 and the heads that its blocks stand for.

import { PAGE } from "./page.js";

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const WEYL = [0x9e3779b9, 0xbb67ae85];

// The high 32 bits of a product of two 32-bit words, by halves.
function high(a, b) {
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const carry = (middle & 0xffff) + a0 * b1;
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

// Write the block of a counter and a key into out[at], ..., out[at + 3].
export function philox(c0, c1, c2, c3, k0, k1, out, at) {
  for (let round = 0; round < 10; round++) {
    if (round) {
      k0 = (k0 + WEYL[0]) >>> 0;
      k1 = (k1 + WEYL[1]) >>> 0;
    }
    const high0 = high(c0, MULTIPLIERS[0]), low0 = Math.imul(c0, MULTIPLIERS[0]) >>> 0;
    const high1 = high(c2, MULTIPLIERS[1]), low1 = Math.imul(c2, MULTIPLIERS[1]) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c1 = low1;
    c3 = low0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

function ones(word) {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

const lowest = (bits) => (bits >= 32 ? 0xffffffff : 2 ** bits - 1);

const fieldWidth = (b) => (b > 64 ? 32 : 2 ** Math.ceil(Math.log2(b)));

export const stepsPerBlock = (b) => 128 / fieldWidth(b);

// Return a function of a block's words (four from words[at] on) and the number of a step within it:
// 2 h - b, for the number of heads h among b.
export function tilts(b) {
  const width = fieldWidth(b);
  if (b > 64) return fromTable(b, PAGE.noise.tables[b]);
  if (width === 64) {
    const mask = lowest(b - 32);
    return (words, at, field) =>
      2 * (ones(words[at + 2 * field]) + ones(words[at + 2 * field + 1] & mask)) - b;
  }
  const mask = lowest(b);
  return (words, at, field) => {
    const bit = field * width;
    return 2 * ones((words[at + (bit >> 5)] >>> (bit & 31)) & mask) - b;
  };
}

function fromTable(b, thresholds) {
  return (words, at, field) => {
    const word = words[at + field];
    const value = word & 0x7fffffff;
    let low = 0, high = thresholds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (thresholds[middle] <= value) low = middle + 1;
      else high = middle;
    }
    const magnitude = 2 * low + (b % 2);
    return word >>> 31 ? -magnitude : magnitude;
  };
}
