/** Up to five materials over one another. */

import { byId, drawnToWidth, el, put } from "./dom.js";
import { arrheniusChart, arrheniusPoints } from "./arrhenius.js";
import { windowChart } from "./windows.js";
import { currentChart, currentSeries } from "./currents.js";
import { marker, markerOf } from "./chart.js";
import { conditionsOf, formulaOf, nameOf } from "./batch.js";
import { fixed, formulaNodes, fromLog10, sigmaText, sourceLink, withInterval } from "./format.js";
import { flagList } from "./known.js";
import { Refusal } from "./service.js";
import { svg } from "./dom.js";

export const MOST_COMPARED = 5;

/** The comparison and who is in it. */
export class Comparison {
  /** @param {{onChange: Function, say: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.rows = [];
    this.asked = new Map();
    byId("compare-clear").addEventListener("click", () => this.reset(this.batch, this.vocabulary));
  }

  /** Start anew for another batch. */
  reset(batch, vocabulary) {
    Object.assign(this, { batch, vocabulary, rows: [] });
    this.asked.clear();
    this.draw();
    this.hooks.onChange();
  }

  has(row) {
    return this.rows.includes(row);
  }

  /** Take a row in or out; false where there is no place left. */
  toggle(row) {
    if (this.has(row)) {
      this.rows = this.rows.filter((other) => other !== row);
      this.hooks.say(`${nameOf(row)} left the comparison.`);
    } else if (this.rows.length === MOST_COMPARED) {
      this.hooks.say(
        `Five materials are the most that one plot shows legibly: take one out before ${nameOf(row)} comes in.`,
        true,
      );
      return false;
    } else {
      this.rows = [...this.rows, row];
      this.hooks.say(`${nameOf(row)} is in the comparison (${this.rows.length} of ${MOST_COMPARED}).`);
    }
    this.draw();
    this.hooks.onChange();
    return true;
  }

  draw() {
    byId("comparison").hidden = this.rows.length === 0;
    const names = this.rows.map(nameOf);
    if (!this.rows.length) return put(byId("comparison-body"));
    const labels = names.map((name, i) =>
      names.indexOf(name) === i ? name : `${name} (row ${this.rows[i].index + 1})`,
    );
    const parts = [
      this.part("Conductivity", this.arrhenius(labels)),
      this.part(
        "Stability windows",
        drawnToWidth(el("div", { class: "drawn" }), (widthPx) =>
          windowChart(
            this.rows.map((row, i) => ({ label: labels[i], stability: row.result.stability })),
            this.vocabulary.electrodes,
            widthPx,
          ),
        ),
      ),
      "ccd" in this.batch.models && this.part("Critical current density", this.currents(labels)),
    ];
    return put(byId("comparison-body"), this.table(labels), el("div", { class: "compare-plots" }, parts));
  }

  part(title, content) {
    return el("section", { class: "part" }, el("h3", {}, title), content);
  }

  /** Ask once a row; a refusal stands in the box in words. */
  once(kind, row, question) {
    const key = `${kind} ${row.index}`;
    if (!this.asked.has(key)) {
      const asked = question();
      this.asked.set(key, asked);
      asked.catch(() => this.asked.delete(key));
    }
    return this.asked.get(key);
  }

  waiting(promises, fill) {
    const box = el("div", { class: "plot", "aria-busy": "true" }, el("p", { class: "fine" }, "Asking …"));
    Promise.all(promises)
      .then(
        (answers) => put(box, fill(answers)),
        (error) => {
          if (!(error instanceof Refusal)) throw error;
          put(box, el("p", { class: "problem" }, `${error.title}: ${error.message}`));
        },
      )
      .finally(() => box.removeAttribute("aria-busy"));
    return box;
  }

  arrhenius(labels) {
    const { general } = this.batch;
    const own_C = (row) => conditionsOf(row, general).temperature_C ?? this.vocabulary.default_temperature_C;
    const asked = this.rows.map((row) =>
      this.once("sigma", row, () => arrheniusPoints(row, own_C(row), general.coverage)),
    );
    return this.waiting(asked, (answers) => [
      drawnToWidth(el("div", { class: "drawn" }), (widthPx) =>
        arrheniusChart(
          answers.map((points, i) => ({ label: labels[i], formula: true, points })),
          widthPx,
        ),
      ),
      el(
        "p",
        { class: "fine" },
        "Values without their bands: see the intervals in the table before reading a difference.",
      ),
    ]);
  }

  currents(labels) {
    const asked = this.rows.map((row) =>
      this.once("ccd", row, () => currentSeries(row, this.batch.general, { interlayers: [] })),
    );
    return this.waiting(asked, (answers) => {
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
  }

  table(labels) {
    const heads = [
      "",
      "Material",
      "σ, S/cm",
      "Eₐ, eV",
      "Above hull, meV/atom",
      "Window, V",
      "CCD, mA/cm²",
      "Known?",
      "Nearest measured",
      "",
    ];
    const head = el(
      "tr",
      {},
      heads.map((words, i) =>
        el("th", { scope: "col" }, words || el("span", { class: "hidden" }, i ? "Take out" : "Sign")),
      ),
    );
    const rows = this.rows.map((row, i) => this.tableRow(row, labels[i], i));
    return el(
      "div",
      { class: "scrolls", tabindex: 0, role: "region", "aria-label": "Compared materials" },
      el("table", { class: "plain compared" }, el("thead", {}, head), el("tbody", {}, rows)),
    );
  }

  tableRow(row, label, i) {
    const { conductivity, stability, ccd, applicability } = row.result;
    const near = applicability.conductivity?.nearest[0];
    const volts = (value) => fixed(value, 2);
    const cell = (interval, write) => el("td", { class: "number" }, interval ? withInterval(interval, write) : "–");
    const window = stability?.reduction_V
      ? `${volts(stability.reduction_V.value)} to ${volts(stability.oxidation_V.value)}`
      : "–";
    const sign = svg(
      "svg",
      { viewBox: "0 0 28 14", width: 28, height: 14, "aria-hidden": "true" },
      svg("path", { class: `line s${i}`, d: "M0 7H28" }),
      marker(markerOf(i), 14, 7, 3.6, { class: `mark s${i}` }),
    );
    return el(
      "tr",
      {},
      el("td", {}, sign),
      el(
        "th",
        { scope: "row" },
        el("span", { class: "formula" }, formulaNodes(label)),
        label !== formulaOf(row) && el("span", { class: "ends" }, formulaNodes(formulaOf(row))),
      ),
      cell(conductivity?.log10_sigma_S_per_cm, sigmaText),
      cell(conductivity?.activation_energy_eV, volts),
      cell(stability?.energy_above_hull_eV_per_atom, (value) => fixed(1000 * value, 0)),
      el("td", { class: "number" }, window),
      cell(ccd?.log10_ccd_mA_per_cm2, fromLog10),
      el("td", {}, flagList(row.result, Object.keys(this.batch.models))),
      el(
        "td",
        {},
        near
          ? [
              el("span", { class: "formula" }, formulaNodes(near.formula)),
              el("br"),
              sourceLink(near.doi, near.reference),
            ]
          : "–",
      ),
      el(
        "td",
        {},
        el(
          "button",
          { type: "button", class: "quiet", "aria-label": `Take ${label} out`, onclick: () => this.toggle(row) },
          "✕",
        ),
      ),
    );
  }
}
