// The plot over T, both axes logarithmic, as one SVG.

import { number, raised } from "./format.js";
import { PAGE } from "./page.js";
import { evaluate, reference } from "./model.js";

const MARGIN = { left: 3.3, right: 0.8, top: 0.6, bottom: 1.35 }; // in rem
const CURVE_POINTS = 129;

const tag = (name, attributes, content = "") =>
  `<${name} ${Object.entries(attributes).map(([key, value]) => `${key}="${value}"`).join(" ")}>${content}</${name}>`;

const spread = (low, high, count) =>
  Array.from({ length: count }, (_, k) => low * (high / low) ** (k / (count - 1)));

// The bound over T, cut where it ends (a total of NaN) and where it starts to apply.
function boundOver(variant, settings, T) {
  return T.map((at) => {
    const { total, applies } = evaluate(variant, { ...settings, T: at });
    return { T: at, value: total, applies };
  });
}

function scales(width, height, values, rem) {
  const [firstT, lastT] = PAGE.live.axis;
  const inside = {
    left: MARGIN.left * rem, right: width - MARGIN.right * rem,
    top: MARGIN.top * rem, bottom: height - MARGIN.bottom * rem,
  };
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  const high = Math.ceil(Math.max(...logs) + 0.15);
  const low = Math.floor(Math.min(...logs));
  const along = (value, from, to) => (Math.log10(value) - from) / (to - from);
  return {
    ...inside, low, high,
    x: (T) => inside.left + (inside.right - inside.left) * along(T, Math.log10(firstT), Math.log10(lastT)),
    y: (value) => inside.bottom - (inside.bottom - inside.top) * along(value, low, high),
  };
}

function axes(scale, rem) {
  const [firstT, lastT] = PAGE.live.axis;
  const lines = [];
  const first = Math.log10(firstT);
  const stride = (scale.right - scale.left) / Math.log10(lastT / firstT) < 3.8 * rem ? 3 : 1;
  for (let k = first; k <= Math.log10(lastT); k++) {
    const x = scale.x(10 ** k);
    lines.push(tag("line", { class: "grid", x1: x, x2: x, y1: scale.top, y2: scale.bottom }));
    if ((k - first) % stride) continue;
    const [text, shift, anchor] = k === first ? ["T = ", 0.3 * rem, "start"] : ["", 0, "middle"];
    lines.push(tag("text", { class: "tick", x: x - shift, y: scale.bottom + 1.05 * rem, "text-anchor": anchor }, `${text}10${raised(k)}`));
  }
  const every = Math.ceil((scale.high - scale.low) / 7);
  for (let k = scale.low; k <= scale.high; k++) {
    if ((scale.high - k) % every) continue;
    const y = scale.y(10 ** k);
    lines.push(tag("line", { class: "grid", x1: scale.left, x2: scale.right, y1: y, y2: y }));
    lines.push(tag("text", { class: "tick", x: scale.left - 0.4 * rem, y: y + 0.3 * rem, "text-anchor": "end" }, `10${raised(k)}`));
  }
  return lines.join("");
}

const path = (points, scale) =>
  points.map(({ T, value }, k) => `${k ? "L" : "M"}${scale.x(T).toFixed(1)} ${scale.y(value).toFixed(1)}`).join("");

function trivialBand(trivial, scale, rem) {
  const y = scale.y(trivial);
  const size = { x: scale.left, y: scale.top, width: scale.right - scale.left, height: Math.max(y - scale.top, 0) };
  return (
    tag("rect", { class: "vacuous", ...size }) +
    tag("line", { class: "trivial", x1: scale.left, x2: scale.right, y1: y, y2: y }) +
    tag("text", { class: "band", x: scale.right - 0.4 * rem, y: y - 0.4 * rem, "text-anchor": "end" },
      "above <tspan font-style=\"italic\">d G</tspan>² a bound says nothing")
  );
}

function measuredMarks({ points, factor }, scale, rem) {
  const size = 0.27 * rem;
  const marks = points.map(({ T, mean, low, high }) => {
    const x = scale.x(T);
    return (
      tag("line", { class: "measured", x1: x, x2: x, y1: scale.y(low), y2: scale.y(high) }) +
      tag("circle", { class: "measured", cx: x, cy: scale.y(mean), r: size })
    );
  });
  const line = tag("path", { class: "measured", d: path(points.map(({ T, mean }) => ({ T, value: mean })), scale) });
  return tag("g", { class: factor > PAGE.live.far ? "far" : "near" }, line + marks.join(""));
}

export function liveMarks(live, scale, rem) {
  if (!live.steps) return "";
  const [firstT] = PAGE.live.axis;
  const shown = (means) =>
    live.steps.slice(0, means.length).map((T, k) => ({ T, value: means[k] })).filter(({ T, value }) => T >= firstT && value > 0);
  const thin = live.means.map(shown).filter((points) => points.length > 1)
    .map((points) => tag("path", { class: "live thin", d: path(points, scale) }));
  const average = shown(live.average);
  if (average.length < 2) return thin.join("");
  const end = average[average.length - 1];
  const x = scale.x(end.T), y = scale.y(end.value), r = 0.42 * rem;
  const triangle = `M${x} ${y - r}L${x + r} ${y + 0.8 * r}L${x - r} ${y + 0.8 * r}Z`;
  return thin.join("") + tag("path", { class: "live", d: path(average, scale) }) + tag("path", { class: "live end", d: triangle });
}

// Return the SVG's content, and the scales for what is drawn on it later.
export function plot({ variant, settings, result, archive, live }, { width, height, rem }) {
  const [firstT, lastT] = PAGE.live.axis;
  const curve = boundOver(variant, settings, spread(firstT, lastT, CURVE_POINTS)).filter(({ value }) => value > 0);
  const rate = reference(variant, settings);
  const [first, last] = [firstT, lastT].map((T) => ({ T, value: (rate * Math.sqrt(settings.T)) / Math.sqrt(T) }));
  const visible = [
    result.trivial * 3, last.value, ...archive.points.map((point) => point.low), result.every,
    ...curve.slice(-1).map(({ value }) => value), ...live.average.slice(-1),
  ];
  const scale = scales(width, height, visible, rem);
  const half = (applies) => {
    const index = curve.findIndex((point) => point.applies);
    if (index < 0) return applies ? [] : curve;
    return applies ? curve.slice(index) : curve.slice(0, index + 1);
  };
  const nowX = scale.x(settings.T);
  const clip = { x: scale.left, y: scale.top, width: scale.right - scale.left, height: scale.bottom - scale.top };
  const content = [
    tag("clipPath", { id: "inside" }, tag("rect", clip)),
    axes(scale, rem),
    trivialBand(result.trivial, scale, rem),
    tag("g", { "clip-path": "url(#inside)" },
      tag("line", { class: "now", x1: nowX, x2: nowX, y1: scale.top, y2: scale.bottom }) +
      tag("path", { class: "rate", d: path([first, last], scale) }) +
      tag("path", { class: "bound outside", d: path(half(false), scale) }) +
      tag("path", { class: "bound", d: path(half(true), scale) }) +
      measuredMarks(archive, scale, rem) +
      tag("g", { id: "live" }, liveMarks(live, scale, rem)) +
      (result.total > 0
        ? tag("circle", { class: "here", cx: nowX, cy: scale.y(result.total), r: 0.42 * rem })
        : "")),
  ];
  return { content: content.join(""), scale };
}

export function described({ variant, settings, result, archive, live }) {
  const say = Number.isFinite(result.total) ? number(result.total) : "nothing";
  const nearest = archive.points[archive.points.length - 1];
  const end = live.average[live.average.length - 1];
  return (
    `Logarithmic plot over T. At T = ${number(settings.T)} the ${PAGE.variants[variant].label} bound is ${say}; ` +
    `d G² is ${number(result.trivial)}. Archived runs measured ${number(nearest.mean)} at T = ${number(nearest.T)}.` +
    (end ? ` The live run’s mean is ${number(end)}.` : "")
  );
}
