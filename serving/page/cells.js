/** The small bars of the table: one scale a column, the same for every row. */

import { el, svg } from "./dom.js";
import { decadeTicks, linear, marker, niceTicks } from "./chart.js";
import { decade, fixed, fromLog10, sigmaText } from "./format.js";

const HEIGHT_PX = 16;
const WIDTH_PX = 150;
const PAD_PX = 6;
const GOOD_SIGMA_LOG10 = -3; // 1 mS/cm, what a fast-charging cell needs
const GOOD_CCD_LOG10 = 0; // 1 mA/cm²
export const WINDOW_V = [0, 5];

/** Scales that hold what most rows of a batch show; ends beyond them become arrows. */
export function columnScales(results) {
  const pick = (read) => results.map(read).filter((interval) => interval && interval.lower !== null);
  const sigma = pick((result) => result.conductivity?.log10_sigma_S_per_cm);
  const hull = pick((result) => result.stability?.energy_above_hull_eV_per_atom);
  const highest = Math.max(0.1, ...hull.map((interval) => Math.min(interval.upper, 0.3)));
  return {
    sigma: logScale(sigma, [-6, -1], [-12, 1]),
    hull: linear([0, highest], [PAD_PX, WIDTH_PX - PAD_PX]),
    window: linear(WINDOW_V, [PAD_PX, WIDTH_PX - PAD_PX]),
    ccd: logScale(
      pick((result) => result.ccd?.log10_ccd_mA_per_cm2),
      [-1, 1],
      [-2, 3],
    ),
  };
}

function logScale(intervals, [innerLow, innerHigh], [outerLow, outerHigh]) {
  const low = Math.min(innerLow, ...intervals.map((interval) => Math.floor(interval.lower)));
  const high = Math.max(innerHigh, ...intervals.map((interval) => Math.ceil(interval.upper)));
  return linear([Math.max(outerLow, low), Math.min(outerHigh, high)], [PAD_PX, WIDTH_PX - PAD_PX]);
}

/** The axis that stands in a column's head. */
export function headAxis(scale, kind) {
  const logarithmic = kind === "sigma" || kind === "ccd";
  const ticks = logarithmic
    ? decadeTicks(scale.domain, 5)
    : niceTicks(scale.domain, kind === "window" ? 5 : 3).map((at) => ({
        at,
        text: kind === "hull" ? fixed(1000 * at, 0) : String(at),
      }));
  return svg(
    "svg",
    { class: "head-axis", viewBox: `0 0 ${WIDTH_PX} 18`, width: WIDTH_PX, height: 18, "aria-hidden": "true" },
    svg("path", { class: "tick", d: `M${PAD_PX} 17.5H${WIDTH_PX - PAD_PX}` }),
    ticks.map(({ at, text }) => [
      svg("path", { class: "tick", d: `M${scale(at)} 18v-4` }),
      svg("text", { x: scale(at), y: 11, "text-anchor": "middle" }, text),
    ]),
  );
}

function strip(kind, words, ...children) {
  return svg(
    "svg",
    {
      class: `bar ${kind}`,
      viewBox: `0 0 ${WIDTH_PX} ${HEIGHT_PX}`,
      width: WIDTH_PX,
      height: HEIGHT_PX,
      role: "img",
      "aria-label": words,
    },
    svg("title", {}, words),
    ...children,
  );
}

/** An interval with its value: a bar with a stroke; hollow and dashed where the chemistry is not known. */
function intervalMarks(scale, { value, lower, upper }, known) {
  const [low, high] = scale.range;
  const inside = (at) => Math.min(high, Math.max(low, scale(at)));
  const middle = HEIGHT_PX / 2;
  const at = inside(value);
  const marks = [];
  if (lower !== null && upper !== null && upper > lower) {
    const [from, to] = [inside(lower), inside(upper)];
    marks.push(
      svg("rect", {
        class: known ? "span" : "span unknown",
        x: from,
        y: middle - 4,
        width: Math.max(1, to - from),
        height: 8,
      }),
    );
    if (scale(lower) < low - 0.5) marks.push(svg("path", { class: "beyond", d: `M${low - 1} ${middle}l5 -4v8Z` }));
    if (scale(upper) > high + 0.5) marks.push(svg("path", { class: "beyond", d: `M${high + 1} ${middle}l-5 -4v8Z` }));
  }
  marks.push(
    known
      ? svg("path", { class: "value", d: `M${at} ${middle - 6}v12` })
      : marker("diamond", at, middle, 3.4, { class: "value unknown" }),
  );
  return marks;
}

function guide(scale, at) {
  const [low, high] = scale.domain;
  return at > low && at < high ? svg("path", { class: "guide", d: `M${scale(at)} 0V${HEIGHT_PX}` }) : null;
}

/** Conductivity with its interval. */
export function sigmaBar(scale, interval, known) {
  const words = `${sigmaText(interval.value)} S/cm${rangeWords(interval, sigmaText)}${known ? "" : ", unfamiliar chemistry"}`;
  return strip("sigma", words, guide(scale, GOOD_SIGMA_LOG10), intervalMarks(scale, interval, known));
}

/** Critical current density with its interval. */
export function ccdBar(scale, interval, known) {
  const words = `${fromLog10(interval.value)} mA/cm²${rangeWords(interval, fromLog10)}`;
  return strip("ccd", words, guide(scale, GOOD_CCD_LOG10), intervalMarks(scale, interval, known));
}

/** Energy above hull with its interval. */
export function hullBar(scale, interval, known) {
  const milli = (value) => fixed(1000 * value, 0);
  return strip(
    "hull",
    `${milli(interval.value)} meV/atom${rangeWords(interval, milli)}`,
    guide(scale, 0.025),
    intervalMarks(scale, interval, known),
  );
}

/** The window between its limits, lighter where only one end of an interval reaches, over marks of the electrodes. */
export function windowBar(scale, { reduction_V, oxidation_V }, electrodes) {
  const inside = (at) => scale(Math.min(WINDOW_V[1], Math.max(WINDOW_V[0], at)));
  const ends = (interval) => [interval.lower ?? interval.value, interval.upper ?? interval.value];
  const [outerLow, innerLow] = ends(reduction_V);
  const [innerHigh, outerHigh] = ends(oxidation_V);
  const volts = (value) => fixed(value, 2);
  const words = `stable from ${volts(reduction_V.value)} to ${volts(oxidation_V.value)} V against Li/Li+; reduction${rangeWords(reduction_V, volts)}, oxidation${rangeWords(oxidation_V, volts)}`;
  return strip(
    "window",
    words,
    electrodes.map(({ low_V, high_V }) =>
      svg("path", { class: "electrode", d: `M${inside((low_V + high_V) / 2)} ${HEIGHT_PX - 4}V${HEIGHT_PX}` }),
    ),
    svg("path", { class: "tick", d: `M${scale(WINDOW_V[0])} ${HEIGHT_PX - 0.5}H${scale(WINDOW_V[1])}` }),
    svg("rect", {
      class: "span",
      x: inside(outerLow),
      y: 2,
      width: Math.max(0, inside(outerHigh) - inside(outerLow)),
      height: 8,
    }),
    innerHigh > innerLow &&
      svg("rect", { class: "sure", x: inside(innerLow), y: 2, width: inside(innerHigh) - inside(innerLow), height: 8 }),
    [reduction_V, oxidation_V].map(({ value }) => svg("path", { class: "value", d: `M${inside(value)} 0v12` })),
  );
}

function rangeWords({ lower, upper, coverage }, write) {
  if (lower === null || upper === null || lower === upper) return "";
  return ` (${fixed(100 * coverage, 0)} % interval ${write(lower)} to ${write(upper)})`;
}

/** A value above its bar. */
export function stacked(text, bar) {
  return el("div", { class: "stacked" }, el("span", { class: "number" }, text), bar);
}

/** What the marks in the bars mean, for the legend. */
export function legendMarks() {
  const scale = linear([0, 1], [PAD_PX, 60]);
  const piece = (known) =>
    svg(
      "svg",
      { class: "bar", viewBox: `0 0 66 ${HEIGHT_PX}`, width: 66, height: HEIGHT_PX, "aria-hidden": "true" },
      intervalMarks(scale, { value: 0.5, lower: 0.1, upper: 0.9 }, known),
    );
  return [piece(true), piece(false)];
}

/** Text of the decade that a guide marks. */
export const GUIDE_WORDS = `dotted lines: ${decade(GOOD_SIGMA_LOG10)} S/cm, 25 meV/atom, 1 mA/cm²`;
