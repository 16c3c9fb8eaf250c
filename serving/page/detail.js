/** One material in depth: four plots, what it falls apart into, what drives the value, what is known nearest. */

import { byId, drawnToWidth, el, put } from "./dom.js";
import { arrheniusChart, arrheniusPoints, showsMeasured, temperatureWarnings } from "./arrhenius.js";
import { windowChart } from "./windows.js";
import { currentSeries } from "./currents.js";
import { currentFigure } from "./interlayers.js";
import { chance, facts, figures, modelsBox, section, verdicts, warningsBox } from "./facts.js";
import { driversChart, termsOf } from "./drivers.js";
import { contactsBox } from "./contacts.js";
import { conditionsOf, formulaOf, nameOf, readingOf } from "./batch.js";
import {
  fixed,
  formulaNodes,
  fromLog10,
  percent,
  reactionNodes,
  readingNode,
  sigmaText,
  valueNodes,
} from "./format.js";
import { nearestItem, PROPERTY_NAMES } from "./known.js";
import { ask, Refusal } from "./service.js";

const volts = (value) => fixed(value, 2);

/** The panel at the side; one row at a time. */
export class DetailPanel {
  /** @param {{onClose: Function, onStep: Function, onCompare: Function, isCompared: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.panel = byId("detail");
    this.row = null;
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.row) return;
      event.preventDefault();
      this.close();
    });
  }

  /** Show a row; what needs another question to the service fills in when it is answered. */
  open(row, batch, vocabulary) {
    this.asking?.abort();
    this.asking = new AbortController();
    Object.assign(this, { row, batch, vocabulary });
    this.panel.hidden = false;
    document.body.classList.add("with-detail");
    put(this.panel, this.head(), el("div", { class: "detail-body" }, this.sections()));
    this.panel.scrollTop = 0;
    byId("detail-title").focus();
  }

  /** Leave, giving the focus back to the row. */
  close() {
    const { row } = this;
    this.asking?.abort();
    this.row = null;
    this.panel.hidden = true;
    document.body.classList.remove("with-detail");
    put(this.panel);
    this.hooks.onClose(row);
  }

  head() {
    const { row, batch } = this;
    const conditions = conditionsOf(row, batch.general);
    const degrees = conditions.temperature_C ?? this.vocabulary.default_temperature_C;
    const stated = [
      `${degrees} °C`,
      conditions.interlayer_type && `interlayer ${conditions.interlayer_type}`,
      conditions.stack_pressure_MPa && `${conditions.stack_pressure_MPa} MPa`,
      conditions.anode && `anode ${conditions.anode}`,
      `${percent(batch.general.coverage)} intervals`,
    ];
    const button = (words, label, onclick, more = {}) =>
      el("button", { type: "button", "aria-label": label, title: label, onclick, ...more }, words);
    const step = (by) => this.hooks.onStep(row, by);
    return el(
      "header",
      { class: "detail-head" },
      el(
        "div",
        {},
        el("h2", { id: "detail-title", tabindex: -1 }, el("span", { class: "formula" }, formulaNodes(formulaOf(row)))),
        readingNode(readingOf(row)),
        el(
          "p",
          { class: "fine" },
          row.result.id && row.result.id !== formulaOf(row) ? `${row.result.id} · ` : "",
          `row ${row.index + 1} · ${stated.filter(Boolean).join(" · ")}`,
        ),
      ),
      el(
        "div",
        { class: "buttons" },
        button("↑", "previous material", () => step(-1)),
        button("↓", "next material", () => step(1)),
        button(
          this.hooks.isCompared(row) ? "✓ compared" : "compare",
          "take into the comparison",
          (event) => this.hooks.onCompare(row, event.currentTarget),
          { "aria-pressed": String(this.hooks.isCompared(row)), id: "detail-compare" },
        ),
        button("✕", "close (Escape)", () => this.close()),
      ),
    );
  }

  sections() {
    const full = this.later((signal) =>
      ask("./predict", {
        body: {
          candidates: [this.row.candidate],
          conditions: this.batch.general.conditions,
          coverage: this.batch.general.coverage,
          explain: true,
        },
        signal,
      }).then((document) => document.results[0]),
    );
    const { result } = this.row;
    return [
      verdicts(result, this.batch),
      warningsBox(result),
      result.conductivity && this.conductivity(full),
      result.stability && this.stability(),
      result.ccd && this.current(),
      result.conductivity && this.drivers(full),
      this.nearest(full),
      modelsBox(this.batch.models),
    ];
  }

  later(question) {
    return question(this.asking.signal);
  }

  /** A box that waits for an answer; a refusal stands in it in words. */
  filled(promise, fill, className = "plot") {
    const box = el("div", { class: className, "aria-busy": "true" }, el("p", { class: "fine" }, "Asking …"));
    promise.then(
      (answer) => {
        box.removeAttribute("aria-busy");
        put(box, fill(answer));
      },
      (error) => {
        if (error.name === "AbortError") return;
        box.removeAttribute("aria-busy");
        if (!(error instanceof Refusal)) throw error;
        put(box, el("p", { class: "problem" }, `${error.title}: ${error.message}`));
      },
    );
    return box;
  }

  conductivity(full) {
    const { row, batch } = this;
    const { conductivity } = row.result;
    const points = this.later((signal) =>
      arrheniusPoints(row, conductivity.temperature_C, batch.general.coverage, signal),
    );
    const label = formulaOf(row);
    return section(
      "Conductivity",
      "arrhenius",
      facts([
        [`σ at ${conductivity.temperature_C} °C`, valueNodes(conductivity.log10_sigma_S_per_cm, sigmaText, "S/cm")],
        ["activation energy", valueNodes(conductivity.activation_energy_eV, volts, "eV")],
        ["chance of ≥ 1 mS/cm", chance(conductivity.probability_sigma_above_S_per_cm?.["1e-3"])],
        ["from", conductivity.basis],
      ]),
      this.filled(Promise.all([points, full]), ([answered, whole]) => {
        const measured = whole.applicability?.conductivity?.nearest ?? [];
        const drawn = drawnToWidth(el("div", { class: "drawn" }), (widthPx) =>
          arrheniusChart([{ label, points: answered, measured, own_C: conductivity.temperature_C }], widthPx),
        );
        const warned = temperatureWarnings(answered);
        return [
          drawn,
          el(
            "p",
            { class: "fine" },
            `Line: prediction; band: ${percent(batch.general.coverage)} interval; large dot: your temperature.`,
            showsMeasured(measured) && " Squares: nearest measured materials.",
            warned.length > 0 && " Hatched: not to be trusted there:",
          ),
          warned.length > 0 &&
            el(
              "ul",
              { class: "warnings" },
              warned.map((message) => el("li", {}, "▲ ", message)),
            ),
          figures(
            "Figures of the plot",
            ["°C", "σ (S/cm)", "lower", "upper"],
            answered.map((point) => [
              point.temperature_C,
              sigmaText(point.value),
              point.lower === null ? "–" : sigmaText(point.lower),
              point.upper === null ? "–" : sigmaText(point.upper),
            ]),
          ),
        ];
      }),
    );
  }

  stability() {
    const { row, vocabulary } = this;
    const { stability } = row.result;
    const milli = (value) => fixed(1000 * value, 0);
    const lines = [
      stability.decomposition && ["by itself", reactionNodes(stability.decomposition)],
      stability.reduction_reaction
        ? [`below ${fixed(stability.reduction_V.value, 2)} V`, reactionNodes(stability.reduction_reaction)]
        : stability.reduction_V && ["down to 0 V", "stable against lithium metal"],
      stability.oxidation_reaction && [
        `above ${fixed(stability.oxidation_V.value, 2)} V`,
        reactionNodes(stability.oxidation_reaction),
      ],
    ];
    return section(
      "Stability",
      "window",
      facts([
        ["above hull", valueNodes(stability.energy_above_hull_eV_per_atom, milli, "meV/atom")],
        ["chance to be stable", chance(stability.probability_stable)],
        ["formation energy", valueNodes(stability.formation_energy_eV_per_atom, (value) => fixed(value, 3), "eV/atom")],
        ["energies", stability.basis === "reference" ? "of the DFT table" : "predicted"],
        stability.reduction_V && ["reduction limit", valueNodes(stability.reduction_V, volts, "V")],
        stability.oxidation_V && ["oxidation limit", valueNodes(stability.oxidation_V, volts, "V")],
      ]),
      stability.reduction_V
        ? [
            el(
              "div",
              { class: "plot" },
              drawnToWidth(el("div", { class: "drawn" }), (widthPx) =>
                windowChart([{ label: formulaOf(row), stability }], vocabulary.electrodes, widthPx),
              ),
            ),
            el(
              "p",
              { class: "fine" },
              "Intrinsic window of complete decomposition at 0 K; pale ends: where only part of the interval reaches. Kinetics and coatings stretch it.",
            ),
          ]
        : el("p", { class: "none" }, `No window: ${stability.window_reason}.`),
      facts(lines, "reactions"),
      contactsBox(formulaOf(row)),
    );
  }

  current() {
    const { row, batch, vocabulary } = this;
    const block = row.result.ccd;
    const support = block.support;
    const told = block.log10_ccd_mA_per_cm2;
    const summary = told
      ? facts([
          [`CCD at ${block.conditions.temperature_C} °C`, valueNodes(told, fromLog10, "mA/cm²")],
          ["class", `${block.electrolyte_class} (${block.class_from === "caller" ? "as stated" : "from the formula"})`],
          [
            "papers behind",
            `${support.class_papers} on this class, ${support.conditions_papers} on a cell like this one`,
          ],
        ])
      : el("p", { class: "none" }, `No value: ${block.reason}.`);
    if (!told) return section("Critical current density", "ccd", summary);
    const grid = this.later((signal) => currentSeries(row, batch.general, { signal }));
    return section(
      "Critical current density",
      "ccd",
      summary,
      this.filled(grid, ({ own, series }) => currentFigure(series, own, row, batch, vocabulary)),
    );
  }

  drivers(full) {
    return section(
      "What drives the conductivity",
      "drivers",
      this.filled(full, ({ conductivity }) => {
        const explanation = conductivity?.explanation;
        if (!explanation)
          return el("p", { class: "none" }, conductivity?.explanation_reason ?? "this model gives no explanation");
        const total =
          explanation.base_log10_sigma_S_per_cm + termsOf(explanation).reduce((sum, term) => sum + term.decades, 0);
        return [
          el(
            "p",
            { class: "fine" },
            `From the average of known chemistry, ${sigmaText(explanation.base_log10_sigma_S_per_cm)} S/cm at 25 °C, these terms lead to ${sigmaText(total)} S/cm.`,
          ),
          drawnToWidth(el("div", { class: "drawn" }), (widthPx) => driversChart(explanation, widthPx)),
          el(
            "p",
            { class: "fine" },
            "They say what moved the model, not what causes conduction: features that go together share their effect, and “not explained” is what none of them accounts for.",
          ),
        ];
      }),
    );
  }

  nearest(full) {
    return section(
      "Nearest known materials",
      "nearest",
      this.filled(
        full,
        (whole) =>
          Object.entries(whole.applicability ?? {}).map(([property, domain]) => [
            el("h4", {}, PROPERTY_NAMES[property]),
            el(
              "ul",
              { class: "nearest" },
              domain.nearest.map((near) => el("li", {}, nearestItem(property, near))),
            ),
          ]),
        "lists",
      ),
    );
  }
}

/** What the panel is called, for the status line. */
export function openedWords(row) {
  return `Details of ${nameOf(row)}; Escape closes them.`;
}
