/** Stability windows as bars between lithium and the common cathodes. */

import { svg } from "../../dom.js";
import { clipped, linear, marker, markerOf, niceTicks } from "../../chart.js";
import { fixed, formulaSpans } from "../../format.js";

const LANE_PX = 22;
const TOP_PX = 8;

/**
 * Judge an electrode against a window, with the window's intervals.
 * @returns {{kind: "lasts"|"reduces"|"oxidises"|"open", words: string}}
 */
export function verdict({ low_V, high_V, side }, { reduction_V, oxidation_V }) {
  const reductionEnds = [reduction_V.lower ?? reduction_V.value, reduction_V.upper ?? reduction_V.value];
  const oxidationEnds = [oxidation_V.lower ?? oxidation_V.value, oxidation_V.upper ?? oxidation_V.value];
  if (high_V > oxidationEnds[1]) {
    const whole = low_V > oxidationEnds[1] || side === "negative";
    return {
      kind: "oxidises",
      words: whole || low_V > oxidation_V.value ? "oxidises it" : `oxidises it above ${fixed(oxidation_V.value, 1)} V`,
    };
  }
  if (low_V < reductionEnds[0]) return { kind: "reduces", words: "reduces it" };
  if (low_V >= reductionEnds[1] && high_V <= oxidationEnds[0]) return { kind: "lasts", words: "lasts" };
  return { kind: "open", words: "too close to call" };
}

const SIGNS = { lasts: "✓", reduces: "✕", oxidises: "✕", open: "?" };

/**
 * Draw one window with the verdict on each electrode, or several beneath one another.
 * @param {{label: string, stability: object|null}[]} series
 * @param {object[]} electrodes Of the vocabulary.
 * @param {number} widthPx
 */
export function windowChart(series, electrodes, widthPx) {
  const alone = series.length === 1;
  const highest = Math.max(
    5,
    ...series.map(({ stability }) => Math.min(6, Math.ceil(stability?.oxidation_V?.upper ?? 0))),
  );
  const leftPx = alone ? 72 : Math.min(170, Math.round(widthPx * 0.34));
  const rightPx = alone && widthPx >= 330 ? 128 : 12;
  const toX = linear([0, highest], [leftPx, widthPx - rightPx]);
  const lanes = series.length + electrodes.length;
  const bottom = TOP_PX + lanes * LANE_PX + 6;
  const node = svg("svg", {
    class: "chart",
    viewBox: `0 0 ${widthPx} ${bottom + 38}`,
    width: widthPx,
    height: bottom + 38,
    role: "img",
    "aria-label": `Stability windows: ${series.map(windowWords).join("; ")}`,
  });
  node.append(axis(toX, highest, bottom));
  series.forEach((one, i) => node.append(lane(one, i, toX, leftPx, alone)));
  if (alone && series[0].stability?.reduction_V) node.append(limits(series[0].stability, toX, bottom));
  electrodes.forEach((electrode, i) => {
    const words =
      alone && rightPx > 100 && series[0].stability?.reduction_V ? verdict(electrode, series[0].stability) : null;
    node.append(electrodeLane(electrode, TOP_PX + (series.length + i) * LANE_PX + 4, toX, leftPx, words));
  });
  return node;
}

function windowWords({ label, stability }) {
  if (!stability?.reduction_V) return `${label}: no window`;
  return `${label} from ${fixed(stability.reduction_V.value, 2)} to ${fixed(stability.oxidation_V.value, 2)} V`;
}

function axis(toX, highest, bottom) {
  const ticks = niceTicks([0, highest], 5);
  return svg(
    "g",
    { class: "axes", "aria-hidden": "true" },
    ticks.map((at) => svg("path", { class: "grid", d: `M${toX(at)} ${TOP_PX}V${bottom}` })),
    svg("path", { class: "tick", d: `M${toX(0)} ${bottom}H${toX(highest)}` }),
    ticks.map((at) => svg("text", { x: toX(at), y: bottom + 15, "text-anchor": "middle" }, at)),
    svg(
      "text",
      { class: "axis-label", x: (toX(0) + toX(highest)) / 2, y: bottom + 32, "text-anchor": "middle" },
      "potential (V vs Li/Li⁺)",
    ),
  );
}

function lane({ label, stability }, i, toX, leftPx, alone) {
  const middle = TOP_PX + i * LANE_PX + LANE_PX / 2;
  const short = clipped(label, leftPx - 34);
  const name = svg(
    "text",
    { class: "lane-label", x: leftPx - 8, y: middle + 4, "text-anchor": "end" },
    alone ? "window" : short === label ? formulaSpans(label) : short,
    svg("title", {}, label),
  );
  const key = alone ? null : marker(markerOf(i), 8, middle, 3.6, { class: `mark s${i}` });
  if (!stability?.reduction_V)
    return svg("g", {}, key, name, svg("text", { class: "note", x: leftPx + 6, y: middle + 4 }, "no window"));
  const [top] = toX.domain.slice(1);
  const inside = (at) => toX(Math.min(top, Math.max(0, at)));
  const { reduction_V, oxidation_V } = stability;
  const [from, to] = [reduction_V.lower ?? reduction_V.value, oxidation_V.upper ?? oxidation_V.value];
  const [sureFrom, sureTo] = [reduction_V.upper ?? reduction_V.value, oxidation_V.lower ?? oxidation_V.value];
  return svg(
    "g",
    {},
    key,
    name,
    svg("rect", {
      class: `window-span s${i}`,
      x: inside(from),
      y: middle - 7,
      width: Math.max(1, inside(to) - inside(from)),
      height: 14,
    }),
    sureTo > sureFrom &&
      svg("rect", {
        class: `window-sure s${i}`,
        x: inside(sureFrom),
        y: middle - 7,
        width: inside(sureTo) - inside(sureFrom),
        height: 14,
      }),
    [reduction_V, oxidation_V].map(({ value }) =>
      svg("path", { class: "window-limit", d: `M${inside(value)} ${middle - 9}v18` }),
    ),
    svg("title", {}, windowWords({ label, stability })),
  );
}

function limits({ reduction_V, oxidation_V }, toX, bottom) {
  const top = toX.domain[1];
  return svg(
    "g",
    {},
    [reduction_V, oxidation_V]
      .filter(({ value }) => value >= 0 && value <= top)
      .map(({ value }) => svg("path", { class: "guide", d: `M${toX(value)} ${TOP_PX + LANE_PX}V${bottom}` })),
  );
}

function electrodeLane({ name, low_V, high_V, source }, yPx, toX, leftPx, judged) {
  const middle = yPx + LANE_PX / 2;
  const isPlateau = high_V - low_V < 0.02;
  const range = isPlateau ? `${fixed(low_V, 2)} V` : `${fixed(low_V, 1)} to ${fixed(high_V, 1)} V`;
  const shape = isPlateau
    ? svg("path", { class: "plateau", d: `M${toX(low_V)} ${middle - 6}v12` })
    : svg("rect", { class: "working", x: toX(low_V), y: middle - 4, width: toX(high_V) - toX(low_V), height: 8 });
  return svg(
    "g",
    { class: judged ? `electrode-lane ${judged.kind}` : "electrode-lane" },
    svg("title", {}, `${name}: ${range} (${source})${judged ? `: ${judged.words}` : ""}`),
    svg("text", { class: "lane-label", x: leftPx - 8, y: middle + 4, "text-anchor": "end" }, name),
    shape,
    judged &&
      svg("text", { class: "verdict", x: toX.range[1] + 10, y: middle + 4 }, `${SIGNS[judged.kind]} ${judged.words}`),
  );
}
