/** One material in depth: what each property says of it, and what is known nearest. */

import { byId, el, put } from "./dom.js";
import { section } from "./facts.js";
import { conditionsOf, formulaOf, nameOf, readingOf } from "./batch.js";
import { formulaNodes, percent, readingNode } from "./format.js";
import { modelWords, nearestItem, otherWarnings, verdicts } from "./known.js";
import { pageOf } from "./properties.js";
import { printReport } from "./report.js";
import { ask, Refusal } from "./service.js";
import { structureSection } from "./structure.js";

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
    const stated = [...this.statedWords(conditions), `${percent(batch.general.coverage)} intervals`];
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
          `row ${row.index + 1} · ${stated.join(" · ")}`,
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
        button("⎙", "print a one-page report", printReport),
        button("✕", "close (Escape)", () => this.close()),
      ),
    );
  }

  /** The form's conditions as a row was asked under them. */
  statedWords(conditions) {
    const asked = { temperature_C: this.vocabulary.default_temperature_C, ...conditions };
    return this.vocabulary.conditions
      .filter(({ name, of_one_sample: ofSample }) => !ofSample && asked[name])
      .map(({ name, type, unit, short }) =>
        type === "number" && unit ? `${asked[name]} ${unit}` : `${short.replaceAll("_", " ")} ${asked[name]}`,
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
    const { row, batch, vocabulary } = this;
    const tools = {
      row,
      batch,
      vocabulary,
      full,
      later: (question) => this.later(question),
      filled: (promise, fill) => this.filled(promise, fill),
    };
    const pages = Object.keys(batch.models).map(pageOf);
    return [
      verdicts(row.result, batch),
      warningsBox(row.result),
      row.candidate.cif || row.candidate.structure ? structureSection(row, batch, this.asking.signal) : null,
      pages.map((page) => page.sections(row.result, tools)),
      pages.map((page) => page.lateSections(row.result, tools)),
      this.nearest(full),
      el("p", { class: "fine models" }, `Answered by: ${modelWords(batch.models).join(" · ")}`),
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

  nearest(full) {
    return section(
      "Nearest known materials",
      "nearest",
      this.filled(
        full,
        (whole) =>
          Object.entries(whole.applicability ?? {}).map(([property, domain]) => [
            el("h4", {}, pageOf(property).name),
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

/** The other remarks, null where there are none. */
function warningsBox(result) {
  const warnings = otherWarnings(result);
  if (!warnings.length) return null;
  return el(
    "ul",
    { class: "warnings", "aria-label": "Remarks" },
    warnings.map(({ code, message }) =>
      code === "condition_ignored" ? el("li", { class: "aside" }, message) : el("li", {}, "▲ ", message),
    ),
  );
}

/** What the panel is called, for the status line. */
export function openedWords(row) {
  return `Details of ${nameOf(row)}; Escape closes them.`;
}
