/** Conductivity over temperature with the interval as a band. */

import { svg } from "../../dom.js";
import { bandPath, decadeTicks, frame, linePath, marker } from "../../chart.js";
import { fromLog10, withInterval } from "../../format.js";

const SIGMA = "log10_polymer_sigma_S_per_cm";
const NEEDED = -4; // log10 of S/cm, what a cell with a thin membrane asks for

/** Draw the curve of one answer, and the temperature that was asked. */
export function curveChart(block, widthPx) {
  const points = block.curve.map((point) => ({ ...point, value: point[SIGMA] }));
  const levels = points.flatMap(({ value, lower, upper }) => [value, lower, upper]);
  const temperatures = [points[0].temperature_C, points.at(-1).temperature_C];
  const decades = [Math.floor(Math.min(...levels)), Math.ceil(Math.max(...levels))];
  const drawn = frame({
    widthPx,
    heightPx: 280,
    margin: { top: 12, right: 16, bottom: 40, left: 58 },
    x: {
      domain: temperatures,
      ticks: points.map(({ temperature_C: at }) => ({ at, text: String(at) })),
      label: "temperature (°C)",
    },
    y: { domain: decades, ticks: decadeTicks(decades), label: "conductivity (S/cm)" },
    title: `Conductivity from ${temperatures[0]} to ${temperatures[1]} °C`,
  });
  const { marks, x, y, inner } = drawn;
  const at = (point, level) => [x(point.temperature_C), y(level)];
  const ends = ["lower", "upper"].map((end) => points.map((point) => at(point, point[end])));
  marks.append(
    svg("path", { class: "band s0", d: bandPath(...ends) }),
    svg("path", { class: "grid", d: `M${inner.left} ${y(NEEDED)}H${inner.right}`, "stroke-width": 1.5 }),
    svg("path", { class: "line s0", d: linePath(points.map((point) => at(point, point.value))) }),
  );
  for (const point of points) {
    const words = `at ${point.temperature_C} °C: ${withInterval(point, fromLog10)} S/cm`;
    marks.append(marker("circle", ...at(point, point.value), 2.6, { class: "mark s0" }, svg("title", {}, words)));
  }
  addAsked(drawn, block);
  return drawn.node;
}

/** The answer at the temperature asked, where the curve reaches it. */
function addAsked({ marks, x, y, inner }, block) {
  const where = x(block.temperature_C);
  if (where < inner.left || where > inner.right) return;
  const words = `asked: ${block.temperature_C} °C`;
  marks.append(
    marker("diamond", where, y(block[SIGMA].value), 5, { class: "mark s1" }, svg("title", {}, words)),
  );
}
