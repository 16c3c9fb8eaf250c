/** Critical current density over temperature, with and without interlayers. */

import { svg } from "../../dom.js";
import { addEndLabels, bandPath, decadeTicks, frame, hatched, linePath, marker, markerOf } from "../../chart.js";
import { fromLog10, withInterval } from "../../format.js";
import { ask } from "../../service.js";
import { conditionsOf, formulaOf } from "../../batch.js";

const TEMPERATURES_C = [0, 10, 25, 40, 60, 80, 100, 120];
const REPORTED_C = [25, 100]; // where the reports lie, docs/science/ccd.md
const SHOWN_INTERLAYERS = ["none", "fluoride/halide", "oxide", "metal"];
const MOST_LINES = 5;

export const NOT_STATED = ""; // the service then averages over the interlayers of the reports, as for the table

/** How a line is called. */
export function interlayerLabel(name) {
  return { [NOT_STATED]: "not stated", none: "no interlayer" }[name] ?? name;
}

/**
 * Ask for a grid of temperatures and interlayers.
 * @param {string[]} [interlayers] Beside what the row states.
 * @returns {Promise<{own: string, series: object[]}>}
 */
export async function currentSeries(row, general, { interlayers = SHOWN_INTERLAYERS, signal } = {}) {
  const others = conditionsOf(row, general);
  const own = others.interlayer_type ?? NOT_STATED;
  delete others.temperature_C;
  delete others.interlayer_type;
  const asked = [...new Set([own, ...interlayers])].slice(0, MOST_LINES);
  const named = asked.filter((name) => name !== NOT_STATED);
  const body = {
    formula: formulaOf(row),
    temperatures_C: TEMPERATURES_C,
    conditions: others,
    coverage: general.coverage,
  };
  const questions = [
    ...(own === NOT_STATED ? [body] : []),
    ...(named.length ? [{ ...body, interlayer_types: named }] : []),
  ];
  const documents = await Promise.all(questions.map((question) => ask("./ccd/grid", { body: question, signal })));
  const all = documents.flatMap((document) => document.points);
  const series = asked.map((name) => {
    const points = all.filter((point) => (point.conditions.interlayer_type ?? NOT_STATED) === name);
    const reason =
      points.find((point) => point.reason)?.reason ?? points.find((point) => point.error)?.error.message ?? null;
    const judged = points.filter((point) => point.log10_ccd_mA_per_cm2);
    return {
      label: interlayerLabel(name),
      name,
      reason,
      support: judged[0]?.support,
      points: judged.map((point) => ({ temperature_C: point.conditions.temperature_C, ...point.log10_ccd_mA_per_cm2 })),
    };
  });
  return { own, series };
}

/**
 * Draw lines of series; one of them with its band.
 * @param {{label: string, points: object[]}[]} series
 * @param {number} widthPx
 * @param {{banded?: number|null, title: string}} options Index of the series whose interval is drawn.
 */
export function currentChart(series, widthPx, { banded = 0, title }) {
  const shown = series.filter((one) => one.points.length);
  const levels = shown.flatMap((one) =>
    one.points.flatMap((point) =>
      series.indexOf(one) === banded
        ? [point.value, point.lower ?? point.value, point.upper ?? point.value]
        : [point.value],
    ),
  );
  const low = Math.floor(Math.min(...levels, -1));
  const high = Math.ceil(Math.max(...levels, 1));
  const temperatures = [0, 120];
  const drawn = frame({
    widthPx,
    heightPx: 280,
    margin: { top: 12, right: Math.min(150, widthPx * 0.34), bottom: 40, left: 52 },
    x: {
      domain: temperatures,
      ticks: [0, 25, 60, 100].map((at) => ({ at, text: String(at) })),
      label: "temperature (°C)",
    },
    y: {
      domain: [low, high],
      ticks: decadeTicks([low, high]).map(({ at }) => ({ at, text: String(Number((10 ** at).toPrecision(1))) })),
      label: "CCD (mA/cm²)",
    },
    title,
  });
  const { marks } = drawn;
  const at = (point, level) => [drawn.x(point.temperature_C), drawn.y(level)];
  addUnreported(drawn, temperatures);
  addBand(drawn, series[banded], banded, at);
  series.forEach((one, i) => {
    marks.append(svg("path", { class: `line s${i}`, d: linePath(one.points.map((point) => at(point, point.value))) }));
    for (const point of one.points) {
      const words = `${one.label} at ${point.temperature_C} °C: ${withInterval(point, fromLog10)} mA/cm²`;
      marks.append(
        marker(markerOf(i), ...at(point, point.value), 2.6, { class: `mark s${i}` }, svg("title", {}, words)),
      );
    }
  });
  addEndLabels(drawn, series, widthPx, (point) => at(point, point.value));
  return drawn.node;
}

function addUnreported({ x, inner, marks }, [lowest_C, highest_C]) {
  const height = inner.bottom - inner.top;
  const words = "outside the 25 to 100 °C of the reports";
  marks.append(
    hatched(x(lowest_C), inner.top, x(REPORTED_C[0]) - x(lowest_C), height, words),
    hatched(x(REPORTED_C[1]), inner.top, x(highest_C) - x(REPORTED_C[1]), height, words),
  );
}

function addBand({ marks }, one, i, at) {
  const bounded = one?.points.filter((point) => point.lower !== null) ?? [];
  if (!bounded.length) return;
  const [lower, upper] = ["lower", "upper"].map((end) => bounded.map((point) => at(point, point[end])));
  marks.append(svg("path", { class: `band s${i}`, d: bandPath(lower, upper) }));
}
