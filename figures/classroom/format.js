// Numbers in words: four digits, a true minus sign, powers of ten raised.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export function raised(text) {
  return [...String(text)].map((sign) => RAISED[sign] ?? sign).join("");
}

export function number(value, digits = 4) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "–";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power < -3 || power > 4) {
    const short = String(Number(mantissa)).replace("-", "−");
    return short === "1" ? `10${raised(power)}` : `${short}·10${raised(power)}`;
  }
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

// The first whole T from a threshold on, with room for rounding.
export const firstWhole = (T) => number(Math.max(1, Math.ceil(T * (1 - 1e-12))));

export function percent(share) {
  const rounded = 100 * share;
  if (rounded > 99.5 && rounded < 100) return "over 99\u00a0%";
  return rounded > 0 && rounded < 1 ? "under 1\u00a0%" : `${rounded.toFixed(0)}\u00a0%`;
}
