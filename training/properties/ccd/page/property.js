/** What the page shows of the critical current density; see `properties.js` of the page for what each export means. */

import { drawnToWidth, el } from "../../dom.js";
import { intervalColumn } from "../../cells.js";
import { facts, section } from "../../facts.js";
import { fixed, fromLog10, valueNodes } from "../../format.js";
import { currentChart, currentSeries } from "./currents.js";
import { currentFigure } from "./interlayers.js";

export const name = "CCD";
export const story = "its critical current";
export const choiceWords = { interlayer_type: { none: "none (bare contact)" } };

const currentOf = (result) => result.ccd?.log10_ccd_mA_per_cm2 ?? null;

export function columns() {
  return [
    intervalColumn({
      key: "ccd",
      label: "CCD",
      unit: "mA/cm²",
      first: -1,
      interval: currentOf,
      write: fromLog10,
      reason: ({ ccd, reasons }) => ccd?.reason ?? reasons?.ccd,
      isKnown: ({ applicability }) => applicability.ccd?.in_domain ?? false,
      isLog10: true,
      inner: [-1, 1],
      outer: [-2, 3],
      mark: { at: 0, words: "1 mA/cm²" },
    }),
  ];
}

export function sections(result, tools) {
  const block = result.ccd;
  if (!block) return [];
  const title = "Critical current density";
  const told = currentOf(result);
  if (!told) return [section(title, "ccd", el("p", { class: "none" }, `No value: ${block.reason}.`))];
  const { row, batch, vocabulary } = tools;
  const { support } = block;
  const summary = facts([
    [`CCD at ${block.conditions.temperature_C} °C`, valueNodes(told, fromLog10, "mA/cm²")],
    ["class", `${block.electrolyte_class} (${block.class_from === "caller" ? "as stated" : "from the formula"})`],
    ["papers behind", `${support.class_papers} on this class, ${support.conditions_papers} on a cell like this one`],
  ]);
  const grid = tools.later((signal) => currentSeries(row, batch.general, { signal }));
  const figure = tools.filled(grid, ({ own, series }) => currentFigure(series, own, row, batch, vocabulary));
  return [section(title, "ccd", summary, figure)];
}

export function comparison(rows, labels, tools) {
  const asked = rows.map((row) =>
    tools.once(row, () => currentSeries(row, tools.batch.general, { interlayers: [] })),
  );
  const content = tools.waiting(asked, (answers) => {
    const series = answers.map(({ series: [own] }, i) => ({ ...own, label: labels[i], formula: true }));
    const silent = series.filter((one) => !one.points.length);
    return [
      drawnToWidth(el("div", { class: "drawn" }), (widthPx) =>
        currentChart(series, widthPx, { banded: null, title: "Critical current densities over temperature" }),
      ),
      silent.length > 0 &&
        el("p", { class: "fine" }, silent.map((one) => `${one.label}: ${one.reason ?? "no value"}`).join("; ")),
    ];
  });
  return { title: "Critical current density", content };
}

export function nearWords(near) {
  const cell = [
    near.interlayer_type && near.interlayer_type !== "none" ? `${near.interlayer_type} interlayer` : "no interlayer",
    near.temperature_C !== null && `${near.temperature_C} °C`,
  ];
  return `${near.is_lower_bound ? "> " : ""}${fromLog10(near.value)} mA/cm², ${cell.filter(Boolean).join(", ")}`;
}

export function knownWords(result, { distance }) {
  const apart =
    distance === null || distance === undefined ? "" : `distance ${fixed(distance, 2)} to the nearest report`;
  return [apart, papersWords(result.ccd)].filter(Boolean).join("; ");
}

export function unfamiliarWords({ ccd }) {
  const why = papersWords(ccd);
  const verdict = ccd?.support?.class_papers ? "too few reports" : "no report of such a cell";
  return { word: "few reports", sentence: `${verdict}${why && `: ${why}`}` };
}

function papersWords(block) {
  const support = block?.support;
  if (!support || !block.electrolyte_class) return "";
  const papers = support.class_papers === 1 ? "1 paper stands" : `${support.class_papers} papers stand`;
  return `${papers} behind ${block.electrolyte_class}, ${support.conditions_papers} behind a cell like this one`;
}

export function conditionWords(conditions) {
  const own = conditions.filter(({ name: condition }) => condition !== "temperature_C").map(({ short }) => short);
  const last = own.pop();
  return `${own.join(", ")} and ${last} on the critical current density (CCD)`;
}
