/** A small plotting kit in SVG: scales, frames with axes, bands, lines, markers, labels that keep apart. */

import { svg } from "./dom.js";
import { decade, formulaSpans } from "./format.js";

const MARKERS = ["circle", "square", "triangle", "diamond", "cross"];
const LETTER_WIDTH_PX = 6;
let hatches = 0;

/** Map one interval onto another, linearly. */
export function linear([from, to], [start, end]) {
  const slope = (end - start) / (to - from);
  const scale = (value) => start + (value - from) * slope;
  return Object.assign(scale, { domain: [from, to], range: [start, end] });
}

/** Round steps inside an interval, about `count` of them. */
export function niceTicks([low, high], count = 5) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1)
    ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

/** Whole decades inside an interval of logarithms, thinned to at most `most`. */
export function decadeTicks([low, high], most = 8) {
  const [first, last] = [Math.ceil(low - 1e-9), Math.floor(high + 1e-9)];
  const step = Math.max(1, Math.ceil((last - first + 1) / most));
  const ticks = [];
  for (let k = first; k <= last; k += 1) if (k % step === 0) ticks.push({ at: k, text: decade(k) });
  return ticks;
}

/**
 * Draw the frame of a plot.
 * @param {object} options
 * @param {number} options.widthPx
 * @param {number} options.heightPx
 * @param {{top: number, right: number, bottom: number, left: number}} options.margin
 * @param {{domain: number[], ticks: {at: number, text: string}[], label: string}} options.x
 * @param {{domain: number[], ticks: {at: number, text: string}[], label: string}} options.y
 * @param {{ticks: {at: number, text: string}[], label: string}} [options.top] A second axis on the scale of x.
 * @param {string} options.title What the plot shows, for those who hear it.
 * @returns {{node: SVGElement, x: Function, y: Function, marks: SVGElement, above: SVGElement, inner: object}}
 */
export function frame({ widthPx, heightPx, margin, x, y, top = null, title, role = "img" }) {
  const inner = { left: margin.left, right: widthPx - margin.right, top: margin.top, bottom: heightPx - margin.bottom };
  const toX = linear(x.domain, [inner.left, inner.right]);
  const toY = linear(y.domain, [inner.bottom, inner.top]);
  const marks = svg("svg", {
    x: inner.left,
    y: inner.top,
    width: inner.right - inner.left,
    height: inner.bottom - inner.top,
    overflow: "hidden",
    viewBox: `${inner.left} ${inner.top} ${inner.right - inner.left} ${inner.bottom - inner.top}`,
  });
  const above = svg("g", {});
  const axes = svg(
    "g",
    { class: "axes", "aria-hidden": "true" },
    bottomAxis(x, toX, inner, heightPx),
    leftAxis(y, toY, inner),
    top && topAxis(top, toX, inner),
  );
  const edge = svg("rect", {
    class: "edge",
    x: inner.left,
    y: inner.top,
    width: inner.right - inner.left,
    height: inner.bottom - inner.top,
  });
  const node = svg(
    "svg",
    {
      class: "chart",
      viewBox: `0 0 ${widthPx} ${heightPx}`,
      width: widthPx,
      height: heightPx,
      role,
      "aria-label": title,
    },
    axes,
    marks,
    edge,
    above,
  );
  return { node, x: toX, y: toY, marks, above, inner };
}

function bottomAxis({ ticks, label }, toX, inner, heightPx) {
  const middle = (inner.left + inner.right) / 2;
  return [
    ticks.map(({ at }) => svg("path", { class: "grid", d: `M${toX(at)} ${inner.top}V${inner.bottom}` })),
    ticks.map(({ at }) => svg("path", { class: "tick", d: `M${toX(at)} ${inner.bottom}v4` })),
    ticks.map(({ at, text }) => svg("text", { x: toX(at), y: inner.bottom + 16, "text-anchor": "middle" }, text)),
    svg("text", { class: "axis-label", x: middle, y: heightPx - 5, "text-anchor": "middle" }, label),
  ];
}

function leftAxis({ ticks, label }, toY, inner) {
  const middle = (inner.top + inner.bottom) / 2;
  return [
    ticks.map(({ at }) => svg("path", { class: "grid", d: `M${inner.left} ${toY(at)}H${inner.right}` })),
    ticks.map(({ at, text }) => svg("text", { x: inner.left - 6, y: toY(at) + 4, "text-anchor": "end" }, text)),
    svg(
      "text",
      { class: "axis-label", "text-anchor": "middle", transform: `translate(12 ${middle}) rotate(-90)` },
      label,
    ),
  ];
}

function topAxis({ ticks, label }, toX, inner) {
  return [
    ticks.map(({ at }) => svg("path", { class: "tick", d: `M${toX(at)} ${inner.top}v-4` })),
    ticks.map(({ at, text }) => svg("text", { x: toX(at), y: inner.top - 7, "text-anchor": "middle" }, text)),
    svg(
      "text",
      { class: "axis-label", x: (inner.left + inner.right) / 2, y: inner.top - 22, "text-anchor": "middle" },
      label,
    ),
  ];
}

/** A path through points `[xPx, yPx]`. */
export function linePath(points) {
  return points.map(([xPx, yPx], i) => `${i ? "L" : "M"}${xPx.toFixed(1)} ${yPx.toFixed(1)}`).join("");
}

/** A closed band between two lists of points. */
export function bandPath(lower, upper) {
  return `${linePath(lower)}${linePath([...upper].reverse()).replace("M", "L")}Z`;
}

/** The marker of a series, so that no two differ by colour alone. */
export function markerOf(series) {
  return MARKERS[series % MARKERS.length];
}

/** Draw a marker of a kind around a point. */
export function marker(kind, xPx, yPx, radiusPx, attributes = {}, ...children) {
  const r = radiusPx;
  const paths = {
    square: `M${xPx - r} ${yPx - r}h${2 * r}v${2 * r}h${-2 * r}Z`,
    triangle: `M${xPx} ${yPx - 1.2 * r}l${1.15 * r} ${2 * r}h${-2.3 * r}Z`,
    diamond: `M${xPx} ${yPx - 1.35 * r}l${1.35 * r} ${1.35 * r}l${-1.35 * r} ${1.35 * r}l${-1.35 * r} ${-1.35 * r}Z`,
    cross: `M${xPx - r} ${yPx - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`,
  };
  if (kind === "circle") return svg("circle", { cx: xPx, cy: yPx, r, ...attributes }, ...children);
  return svg("path", { d: paths[kind], ...attributes }, ...children);
}

/** Fill a rectangle with hatching: a range that is not to be trusted. */
export function hatched(xPx, yPx, widthPx, heightPx, words) {
  hatches += 1;
  const id = `hatch-${hatches}`;
  return svg(
    "g",
    {},
    svg(
      "pattern",
      { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("path", { class: "hatch", d: "M0 0V7" }),
    ),
    svg(
      "rect",
      { x: xPx, y: yPx, width: Math.max(0, widthPx), height: heightPx, fill: `url(#${id})` },
      svg("title", {}, words),
    ),
  );
}

/** Move labels `{y, ...}` apart vertically, inside two ends, keeping their order. */
export function spread(labels, gapPx, [topPx, bottomPx]) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  let last = topPx - gapPx;
  for (const label of sorted) last = label.y = Math.max(label.y, last + gapPx);
  let next = bottomPx + gapPx;
  for (const label of sorted.reverse()) next = label.y = Math.min(label.y, next - gapPx);
  return labels;
}

/** About how wide a text is; fonts differ. */
export function textWidthPx(text) {
  return LETTER_WIDTH_PX * String(text).length;
}

/** Shorten a text to about a width. */
export function clipped(text, widthPx) {
  const most = Math.max(4, Math.floor(widthPx / LETTER_WIDTH_PX));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** Labels at the right ends of the lines, with the marker of each; `read` places a point, `[xPx, yPx]`. */
export function addEndLabels(drawn, series, widthPx, read) {
  const labels = series
    .filter((one) => one.points.length)
    .map((one) => {
      const ends = one.points.map((point) => read(point));
      const [, y] = ends.reduce((far, end) => (end[0] > far[0] ? end : far));
      return { label: one.label, formula: one.formula, i: series.indexOf(one), y, from: y };
    });
  const room = widthPx - drawn.inner.right - 28;
  for (const { label, formula, i, y, from } of spread(labels, 15, [drawn.inner.top + 4, drawn.inner.bottom - 4])) {
    const xPx = drawn.inner.right;
    const short = clipped(label, room);
    drawn.above.append(
      svg("path", {
        class: "leader",
        d: `M${xPx} ${Math.min(Math.max(from, drawn.inner.top), drawn.inner.bottom)}L${xPx + 10} ${y}`,
      }),
      marker(markerOf(i), xPx + 17, y, 3.4, { class: `mark s${i}` }),
      svg(
        "text",
        { class: "end-label", x: xPx + 25, y: y + 4 },
        formula && short === label ? formulaSpans(label) : short,
        svg("title", {}, label),
      ),
    );
  }
}
