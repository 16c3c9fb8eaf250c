/** Numbers, formulas and sources as people write them. */

import { el, svg } from "./dom.js";

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const DOI = /^10\.\d{4,9}\/\S+$/;
export const MINUS = "−";

/** A decade, `10⁻³`. */
export function decade(exponent) {
  return "10" + [...String(exponent)].map((sign) => SUPERSCRIPTS[sign] ?? sign).join("");
}

/** A number from its logarithm, `2.6×10⁻³`; between 0.01 and 1000 as it is. */
export function fromLog10(log10) {
  return log10 >= -2 && log10 < 3 ? significant(10 ** log10, 2) : powerText(log10);
}

/** A number from its logarithm, always with its power of ten: columns of them are read by the exponent. */
export function powerText(log10) {
  let exponent = Math.floor(log10);
  let mantissa = (10 ** (log10 - exponent)).toFixed(1);
  if (mantissa === "10.0") [mantissa, exponent] = ["1.0", exponent + 1];
  return `${mantissa}×${decade(exponent)}`;
}

/** A unit as people write it: `g/cm3` becomes `g/cm³`. */
export function unitText(unit) {
  return unit.replace(/([ckm]?m)([23])\b/g, (_, length, power) => length + SUPERSCRIPTS[power]);
}

/** A number with so many digits that mean something, without exponent. */
export function significant(value, digits) {
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  return signed(rounded.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded))))));
}

/** A number with fixed decimals and a true minus sign. */
export function fixed(value, decimals) {
  const text = value.toFixed(decimals);
  return signed(Number(text) === 0 ? text.replace("-", "") : text);
}

function signed(text) {
  return text.replace("-", MINUS);
}

/** `0.35 (0.22 to 0.49)`, ends left out where they are null or equal the value. */
export function withInterval(interval, write) {
  const { value, lower, upper } = interval;
  if (lower === null || upper === null || lower === upper) return write(value);
  return `${write(value)} (${write(lower)} to ${write(upper)})`;
}

/** A value with its unit, and its interval beneath. */
export function valueNodes(interval, write, unit) {
  const { value, lower, upper } = interval;
  const isExact = lower === null || upper === null || lower === upper;
  return [
    `${write(value)} ${unit}`,
    isExact ? null : el("span", { class: "ends" }, `${write(lower)} to ${write(upper)}`),
  ];
}

/** Pieces of a formula: `[text, isSubscript]`. Coefficients in front of a formula stay on the line. */
export function formulaPieces(text) {
  const pieces = [];
  for (const [part] of String(text).matchAll(/\d+(?:\.\d+)?|[^\d]+/g)) {
    const before = pieces.length ? pieces.at(-1)[0] : "";
    pieces.push([part, /^\d/.test(part) && /[A-Za-z)\]}]$/.test(before)]);
  }
  return pieces;
}

/** A formula with subscripts, as nodes for HTML; a long one breaks between elements. */
export function formulaNodes(text) {
  return formulaPieces(text).flatMap(([part, low]) => (low ? [el("sub", {}, part), el("wbr")] : [part]));
}

/** `read as Li6PS5Cl, F -4 3 m, ...` with subscripts where formulas stand; null for nothing to say. */
export function readingNode(parts) {
  if (!parts) return null;
  const words = parts.map((part, i) => [i ? ", " : " ", i ? part : formulaNodes(part)]);
  return el("span", { class: "read-as" }, "read as", words);
}

/** A formula with subscripts, as nodes for an SVG text. */
export function formulaSpans(text) {
  let shift = 0;
  return formulaPieces(text).map(([part, low]) => {
    const dy = (low ? 3 : 0) - shift;
    shift = low ? 3 : 0;
    return svg("tspan", { dy, class: low ? "sub" : null }, part);
  });
}

/** A reaction such as `Li6PS5Cl + 5 Li -> 5 Li2S`, with subscripts and an arrow. */
export function reactionNodes(text) {
  return String(text)
    .split(" -> ")
    .flatMap((side, i) => [
      i ? " → " : "",
      ...side.split(" + ").flatMap((term, k) => [k ? " + " : "", ...formulaNodes(term)]),
    ]);
}

/** A link to a DOI; anything else stays plain text. */
export function sourceLink(doi, reference = null, label = null) {
  if (!doi || !DOI.test(doi)) return el("span", { class: "source" }, doi || reference || "no source given");
  const href = "https://doi.org/" + doi.split("/").map(encodeURIComponent).join("/");
  const title = `https://doi.org/${doi}`;
  return el("a", { class: "source", href, title, rel: "noopener noreferrer", target: "_blank" }, label ?? doi);
}

/** The share of intervals that hold the true value, in words. */
export function percent(share) {
  return `${Number((100 * share).toFixed(1))} %`;
}

/** A text that begins a line. */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `1 row`, `12 rows`. */
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
