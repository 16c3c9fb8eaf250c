/** Conductivity over temperature: 1000/T below, degrees Celsius above. */

import { svg } from "../../dom.js";
import {
  addEndLabels,
  bandPath,
  decadeTicks,
  frame,
  hatched,
  linePath,
  marker,
  markerOf,
  niceTicks,
} from "../../chart.js";
import { fixed, powerText, withInterval } from "../../format.js";
import { ask } from "../../service.js";

const KELVIN = 273.15;
export const TEMPERATURES_C = [-40, -20, 0, 25, 40, 60, 80, 100, 120, 140, 160];
const TOP_TICKS_C = [-40, -20, 0, 25, 60, 100, 160];
const WARNS_HERE = new Set(["temperature_extrapolated", "phase_change", "temperature_in_kelvin"]);
const LOWEST_LOG10 = -14;
const NEARBY_IN_COMPOSITION = 0.1; // measured neighbours farther away say little about this material

const inverse = (temperature_C) => 1000 / (temperature_C + KELVIN);

/**
 * Ask for the conductivity of one row at many temperatures, in one question.
 * @returns {Promise<{temperature_C: number, value: number, lower: number, upper: number, warnings: object[]}[]>}
 */
export async function arrheniusPoints(row, temperature_C, coverage, signal) {
  const all = [...new Set([...TEMPERATURES_C, temperature_C])].sort((a, b) => a - b);
  const { cif, structure, block, formula } = row.candidate;
  const material = cif || structure ? { cif, structure, block } : { formula }; // JSON leaves out what is undefined
  const candidates = all.map((degrees) => ({ ...material, conditions: { temperature_C: degrees } }));
  const document = await ask("./predict", { body: { candidates, properties: ["conductivity"], coverage }, signal });
  return document.results
    .filter((result) => result.status === "ok" && result.conductivity)
    .map((result) => ({
      temperature_C: result.conductivity.temperature_C,
      ...result.conductivity.log10_sigma_S_per_cm,
      warnings: result.warnings.filter((warning) => WARNS_HERE.has(warning.code)),
    }));
}

/** What the models say about single temperatures, each once. */
export function temperatureWarnings(points) {
  const told = new Map();
  for (const { temperature_C, warnings } of points) {
    for (const { code, message } of warnings) {
      const essence = `${code} ${message.replaceAll(`${temperature_C} C`, "")}`;
      if (!told.has(essence)) told.set(essence, message);
    }
  }
  return [...told.values()];
}

/**
 * Draw one or several materials.
 * @param {{label: string, points: object[], measured?: object[], own_C?: number}[]} series
 * @param {number} widthPx
 */
export function arrheniusChart(series, widthPx) {
  const alone = series.length === 1;
  const points = series.flatMap((one) => one.points);
  const temperatures = points.map((point) => point.temperature_C);
  const low = Math.max(
    LOWEST_LOG10,
    Math.floor(Math.min(...points.map((point) => (alone ? (point.lower ?? point.value) : point.value)))),
  );
  const high = Math.ceil(
    Math.max(...points.map((point) => (alone ? (point.upper ?? point.value) : point.value)), low + 3),
  );
  const xDomain = [inverse(Math.max(...temperatures)) - 0.06, inverse(Math.min(...temperatures)) + 0.06];
  const drawn = frame({
    widthPx,
    heightPx: 300,
    margin: { top: 42, right: alone ? 14 : Math.min(170, widthPx * 0.34), bottom: 40, left: 58 },
    x: {
      domain: xDomain,
      ticks: niceTicks(xDomain, 5).map((at) => ({ at, text: fixed(at, 1) })),
      label: "1000 / T (1/K)",
    },
    y: { domain: [low, high], ticks: decadeTicks([low, high]), label: "σ (S/cm)" },
    top: {
      ticks: TOP_TICKS_C.map((degrees) => ({ at: inverse(degrees), text: fixed(degrees, 0) })).filter(
        ({ at }) => at > xDomain[0] && at < xDomain[1],
      ),
      label: "temperature (°C)",
    },
    title: `Arrhenius plot of ${series.map((one) => one.label).join(", ")}`,
  });
  addGuide(drawn, low, high);
  if (alone) addBand(drawn, series[0]);
  series.forEach((one, i) => addLine(drawn, one, i));
  if (alone) addMeasured(drawn, series[0]);
  else addEndLabels(drawn, series, widthPx, (point) => [drawn.x(inverse(point.temperature_C)), drawn.y(point.value)]);
  return drawn.node;
}

function addGuide(drawn, low, high) {
  if (low >= -3 || high <= -3) return;
  drawn.marks.append(svg("path", { class: "guide", d: `M${drawn.inner.left} ${drawn.y(-3)}H${drawn.inner.right}` }));
  drawn.above.append(
    svg("text", { class: "note", x: drawn.inner.right - 5, y: drawn.y(-3) - 4, "text-anchor": "end" }, "1 mS/cm"),
  );
}

function addBand(drawn, { points }) {
  const warned = points.filter((point) => point.warnings.length);
  const at = (point, level) => [drawn.x(inverse(point.temperature_C)), drawn.y(level)];
  const bounded = points.filter((point) => point.lower !== null && point.upper !== null);
  const [lower, upper] = ["lower", "upper"].map((end) => bounded.map((point) => at(point, point[end])));
  if (bounded.length) drawn.marks.append(svg("path", { class: "band s0", d: bandPath(lower, upper) }));
  if (!warned.length) return;
  const half = (one, other) => (drawn.x(inverse(one.temperature_C)) + drawn.x(inverse(other.temperature_C))) / 2;
  points.forEach((point, i) => {
    if (!point.warnings.length) return;
    const right = i ? half(points[i - 1], point) : drawn.inner.right;
    const left = i < points.length - 1 ? half(point, points[i + 1]) : drawn.inner.left;
    const height = drawn.inner.bottom - drawn.inner.top;
    drawn.marks.append(
      hatched(left, drawn.inner.top, right - left, height, point.warnings.map((warning) => warning.message).join("; ")),
    );
  });
}

function addLine(drawn, { label, points, own_C }, i) {
  const at = (point) => [drawn.x(inverse(point.temperature_C)), drawn.y(point.value)];
  drawn.marks.append(svg("path", { class: `line s${i}`, d: linePath(points.map(at)) }));
  for (const point of points) {
    const words = `${label} at ${point.temperature_C} °C: ${withInterval(point, powerText)} S/cm`;
    const own = point.temperature_C === own_C;
    drawn.marks.append(
      marker(markerOf(i), ...at(point), own ? 4.5 : 2.6, { class: `mark s${i}` }, svg("title", {}, words)),
    );
  }
}

function addMeasured(drawn, { measured = [] }) {
  const near = measured.filter((one) => one.distance <= NEARBY_IN_COMPOSITION && typeof one.temperature_C === "number");
  for (const one of near) {
    const xPx = drawn.x(inverse(one.temperature_C));
    const yPx = drawn.y(one.value);
    if (yPx < drawn.inner.top || yPx > drawn.inner.bottom) continue;
    drawn.above.append(
      marker(
        "square",
        xPx,
        yPx,
        4,
        { class: "measured" },
        svg(
          "title",
          {},
          `measured: ${one.formula}, ${powerText(one.value)} S/cm at ${one.temperature_C} °C (${one.doi})`,
        ),
      ),
    );
  }
}

/** Whether a plot shows measured neighbours, for its caption. */
export function showsMeasured(measured) {
  return measured.some((one) => one.distance <= NEARBY_IN_COMPOSITION && typeof one.temperature_C === "number");
}
