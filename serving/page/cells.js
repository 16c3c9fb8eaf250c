/** The small bars of the table: one scale a column, the same for every row; and the columns that are made of them. */

import { el, svg } from "./dom.js";
import { decadeTicks, linear, marker, niceTicks } from "./chart.js";
import { fixed, withInterval } from "./format.js";

export const BAR_HEIGHT_PX = 16;
const WIDTH_PX = 150;
const PAD_PX = 6;

/** A linear scale over the width of a bar. */
export function barScale(domain) {
  return linear(domain, [PAD_PX, WIDTH_PX - PAD_PX]);
}

/** Whole decades that hold what most rows of a batch show; ends beyond them become arrows. */
function decadeScale(intervals, inner, [outerLow, outerHigh]) {
  const lows = intervals.map((interval) => Math.floor(interval.lower));
  const highs = intervals.map((interval) => Math.ceil(interval.upper));
  const [innerLow, innerHigh] = inner ?? [Math.min(...lows), Math.max(...highs, Math.min(...lows) + 1)];
  return barScale([
    Math.max(outerLow, Math.min(innerLow, ...lows)),
    Math.min(outerHigh, Math.max(innerHigh, ...highs)),
  ]);
}

/** From the lowest to the highest end of all intervals, inside the values that make sense. */
function linearScale(intervals, [outerLow, outerHigh]) {
  const low = Math.max(outerLow, Math.min(...intervals.map((interval) => interval.lower)));
  const high = Math.min(outerHigh, Math.max(...intervals.map((interval) => interval.upper)));
  return barScale(low < high ? [low, high] : [outerLow, outerHigh]);
}

/**
 * Make a column of values above their bars.
 *
 * A column has `key`, `label`, `unit`, `words` (how it is called where one sorts), `first` (which way it is sorted first),
 * `card` (its label on a phone), `compared` (its head in the comparison), `legend`, `read(row)` (what is sorted by),
 * `scale(results)` and `ticks(scale)` of the axis in its head, `cell(result, scale)` and `brief(result)`. This makes one
 * of an interval:
 *
 * @param {object} options Those of the column that are not made here, and:
 * @param {(result: object) => object|null} options.interval
 * @param {(value: number) => string} options.write
 * @param {(result: object) => string|null} options.reason Why there is no value.
 * @param {(result: object) => boolean} options.isKnown
 * @param {boolean} [options.isLog10]
 * @param {number[]} options.outer Between which values a bar may reach.
 * @param {number[]} [options.inner] What the axis shows in any case.
 * @param {(value: number) => string} [options.tick] Writes a number of a linear axis.
 * @param {{at: number, words: string}} [options.mark] A dotted line.
 * @param {string} [options.doubt] What those who hear it are told of a chemistry that is not known.
 * @param {(result: object) => Node[]} [options.note] Behind the value.
 */
export function intervalColumn({ interval, write, reason, isKnown, isLog10 = false, ...more }) {
  const { key, unit, inner, outer, mark, tick = String, doubt = "", note = () => [] } = more;
  const bounded = (results) => results.map(interval).filter((one) => one && one.lower !== null);
  const words = (one, known) =>
    `${write(one.value)}${unit ? ` ${unit}` : ""}${rangeWords(one, write)}${known ? "" : doubt}`;
  return {
    card: unit ? `${more.label}, ${unit}` : more.label,
    read: ({ result }) => interval(result)?.value ?? null,
    scale: (results) => {
      const intervals = bounded(results);
      if (!intervals.length && !inner) return null;
      return isLog10 ? decadeScale(intervals, inner, outer) : linearScale(intervals, outer);
    },
    ticks: ({ domain }) =>
      isLog10 ? decadeTicks(domain, 5) : niceTicks(domain, 3).map((at) => ({ at, text: tick(at) })),
    cell: (result, scale) => {
      const one = interval(result);
      if (!one) return noValue(reason(result));
      const known = isKnown(result);
      const bar = scale && strip(key, words(one, known), mark && guide(scale, mark.at), intervalMarks(scale, one, known));
      return stacked([write(one.value), ...note(result)], bar);
    },
    brief: (result) => {
      const one = interval(result);
      return one ? withInterval(one, write) : "–";
    },
    legend: mark && { dotted: mark.words },
    ...more,
  };
}

/** Words where a value is missing. */
export function noValue(reason) {
  return el("span", { class: "none", title: reason }, "no value: ", reason ?? "not judged");
}

/** The axis that stands in a column's head. */
export function headAxis(scale, ticks) {
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

/** A bar's picture, with words for those who hear it. */
export function strip(kind, words, ...children) {
  return svg(
    "svg",
    {
      class: `bar ${kind}`,
      viewBox: `0 0 ${WIDTH_PX} ${BAR_HEIGHT_PX}`,
      width: WIDTH_PX,
      height: BAR_HEIGHT_PX,
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
  const middle = BAR_HEIGHT_PX / 2;
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
  return at > low && at < high ? svg("path", { class: "guide", d: `M${scale(at)} 0V${BAR_HEIGHT_PX}` }) : null;
}

/** The interval of a value, in words; nothing where there is none. */
export function rangeWords({ lower, upper, coverage }, write) {
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
      { class: "bar", viewBox: `0 0 66 ${BAR_HEIGHT_PX}`, width: 66, height: BAR_HEIGHT_PX, "aria-hidden": "true" },
      intervalMarks(scale, { value: 0.5, lower: 0.1, upper: 0.9 }, known),
    );
  return [piece(true), piece(false)];
}
