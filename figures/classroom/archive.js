// Measured left sides from the archive: the grid point nearest to the settings, and how far it is.

import { PAGE } from "./page.js";

// The pure numbers that the archive's grid is over.
function coordinates({ L, sigma, G, d, Delta, eps, beta1, b, c_gamma, c_rho }) {
  return {
    noise: sigma / (Math.sqrt(d) * G),
    gap: (L * Delta) / (d * G ** 2),
    eps: eps / G,
    beta1,
    b,
    step: (c_gamma * L) / eps,
    rho: (c_rho * L) / G,
  };
}

const AXES = Object.entries(PAGE.archive.axes);
const SIZES = AXES.map(([, values]) => values.length);

// By what factor two values differ. beta1 counts by 1 - beta1; a rho below the grid's hardly matters.
function factor(name, one, other) {
  if (name === "beta1") [one, other] = [1 - one, 1 - other];
  if (name === "rho") one = Math.max(one, Math.min(...PAGE.archive.axes.rho));
  return Math.max(one / other, other / one);
}

function nearest(name, values, at) {
  const factors = values.map((value) => factor(name, at, value));
  const index = factors.indexOf(Math.min(...factors));
  return { name, index, value: values[index], at, factor: factors[index] };
}

// Return { points: [{T, mean, low, high}], places, factor }: the curve over T, scaled by d G^2.
export function measured(settings) {
  const at = coordinates(settings);
  const places = AXES.filter(([name]) => name !== "T").map(([name, values]) =>
    nearest(name, values, at[name]),
  );
  const row = places.reduce((index, place, k) => index * SIZES[k] + place.index, 0);
  const scale = settings.d * settings.G ** 2;
  const { axes, mean, half } = PAGE.archive;
  const points = axes.T.map((T, k) => {
    const value = scale * 10 ** (mean[row * axes.T.length + k] / 1000);
    const reach = half[row * axes.T.length + k] / 1000;
    return { T, mean: value, low: value * Math.max(1 - reach, 1e-3), high: value * (1 + reach) };
  });
  return { points, places, factor: Math.max(...places.map((place) => place.factor)) };
}
