/** What drives a conductivity: terms in decades that sum to the answer. */

import { svg } from "../../dom.js";
import { clipped, linear } from "../../chart.js";
import { fixed, significant } from "../../format.js";

const LANE_PX = 21;
const NARROW_PX = 460;
const SMALLEST_SHOWN = 0.005;

/** The terms of an explanation in the order they are read. */
export function termsOf(explanation) {
  const features = explanation.contributions.map((term) => ({
    label: term.label,
    detail: `${significant(term.value, 3)}${term.unit ? ` ${term.unit}` : ""}`,
    decades: term.decades,
  }));
  const others = [
    { label: "all other features", decades: explanation.others_decades },
    { label: "not explained by features", decades: explanation.not_explained_decades, isOpen: true },
    { label: "temperature, from 25 °C", decades: explanation.temperature_decades },
    { label: "density, contribution or population", decades: explanation.stated_decades },
    { label: "measured on this material", decades: explanation.measured_decades },
  ];
  return [...features, ...others.filter((term) => Math.abs(term.decades) >= SMALLEST_SHOWN)];
}

/**
 * Draw signed bars from a middle line.
 * @param {object} explanation Of the answer.
 * @param {number} widthPx
 */
export function driversChart(explanation, widthPx) {
  const terms = termsOf(explanation);
  const largest = Math.max(0.5, ...terms.map((term) => Math.abs(term.decades))) * 1.08;
  const narrow = widthPx < NARROW_PX;
  const labelPx = narrow ? 0 : Math.round(widthPx * 0.55);
  const lanePx = narrow ? 2 * LANE_PX - 6 : LANE_PX;
  const toX = linear([-largest, largest], [labelPx + 40, widthPx - 46]);
  const bottom = 8 + terms.length * lanePx;
  const bars = terms.map((term, i) => bar(term, 8 + i * lanePx, { toX, labelPx, narrow }));
  return svg(
    "svg",
    {
      class: "chart",
      viewBox: `0 0 ${widthPx} ${bottom + 30}`,
      width: widthPx,
      height: bottom + 30,
      role: "img",
      "aria-label": `Contributions: ${terms.map((term) => `${term.label} ${signedDecades(term.decades)}`).join("; ")}`,
    },
    !narrow && svg("path", { class: "edge", d: `M${toX(0)} 4V${bottom + 4}` }),
    bars,
    svg(
      "text",
      { class: "axis-label", x: toX(0), y: bottom + 22, "text-anchor": "middle" },
      "← lowers · decades · raises →",
    ),
  );
}

function bar({ label, detail, decades, isOpen = false }, topPx, { toX, labelPx, narrow }) {
  const words = detail ? `${label} = ${detail}` : label;
  const middle = topPx + (narrow ? LANE_PX + 3 : LANE_PX / 2);
  const [from, to] = [toX(Math.min(0, decades)), toX(Math.max(0, decades))];
  const name = narrow
    ? svg("text", { x: 4, y: topPx + 12 }, clipped(words, toX.range[1]))
    : svg("text", { x: labelPx, y: middle + 4, "text-anchor": "end" }, clipped(words, labelPx));
  return svg(
    "g",
    { class: `driver ${decades < 0 ? "lowers" : "raises"}${isOpen ? " open" : ""}` },
    svg("title", {}, `${words}: ${signedDecades(decades)} decades`),
    name,
    narrow && svg("path", { class: "edge", d: `M${toX(0)} ${middle - 8}v16` }),
    svg("rect", { x: from, y: middle - 6, width: Math.max(0.5, to - from), height: 12 }),
    svg(
      "text",
      {
        class: "amount",
        x: decades < 0 ? from - 4 : to + 4,
        y: middle + 4,
        "text-anchor": decades < 0 ? "end" : "start",
      },
      signedDecades(decades),
    ),
  );
}

/** `+0.62`, with a true minus sign. */
export function signedDecades(decades) {
  return `${decades < 0 ? "" : "+"}${fixed(decades, 2)}`;
}
