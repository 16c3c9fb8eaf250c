/** The critical current of one material: a plot whose band follows the interlayer that is chosen. */

import { drawnToWidth, el, put } from "../../dom.js";
import { currentChart, currentSeries, interlayerLabel, NOT_STATED } from "./currents.js";
import { figures } from "../../facts.js";
import { formulaOf } from "../../batch.js";
import { fromLog10, percent } from "../../format.js";
import { Refusal } from "../../service.js";

const BESIDE = ["none", "fluoride/halide", "oxide"];

/** Return the nodes of the figure; a choice that was not asked for yet is asked for then. */
export function currentFigure(series, own, row, batch, vocabulary) {
  const box = el("div", { class: "drawn" });
  const note = el("p", { class: "fine", "aria-live": "polite" });
  const table = el("div", {});
  const names = [...(own === NOT_STATED ? [NOT_STATED] : []), ...vocabulary.interlayer_types];
  const choice = el(
    "select",
    { id: "ccd-interlayer" },
    names.map((name) => el("option", { value: name, selected: name === own }, interlayerLabel(name))),
  );
  const title = `Critical current density of ${formulaOf(row)} over temperature`;

  function draw(shown, chosen) {
    const banded = shown.findIndex((one) => one.name === chosen);
    put(note, bandWords(shown[banded], batch.general.coverage));
    drawnToWidth(box, (widthPx) => currentChart(shown, widthPx, { banded, title }));
    put(table, figures("Figures of the band", ["°C", "mA/cm²", "lower", "upper"], shown[banded].points.map(cellsOf)));
  }

  choice.addEventListener("change", async () => {
    const chosen = choice.value;
    if (series.some((one) => one.name === chosen)) return draw(series, chosen);
    try {
      const more = await currentSeries(row, batch.general, { interlayers: [chosen, ...BESIDE] });
      if (choice.value === chosen) draw(more.series, chosen);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      put(note, `${error.title}: ${error.message}`);
    }
  });
  draw(series, own);
  const line = el("p", { class: "inline-form" }, el("label", { for: "ccd-interlayer" }, "Interval of "), choice);
  return [box, line, note, table];
}

function bandWords({ name, label, support, reason }, coverage) {
  if (!support) return `${label}: ${reason ?? "no value"}.`;
  const papers =
    name === NOT_STATED
      ? "An average over the interlayers of the reports."
      : `${support.interlayer_papers} papers of this class report it.`;
  const band = `Band: ${percent(coverage)} interval of “${label}”.`;
  return `${band} ${papers} Hatched: outside the 25 to 100 °C of the reports.`;
}

function cellsOf(point) {
  const write = (log10) => (log10 === null ? "–" : fromLog10(log10));
  return [point.temperature_C, write(point.value), write(point.lower), write(point.upper)];
}
