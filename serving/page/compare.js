/** Up to five materials over one another. */

import { byId, el, put, svg } from "./dom.js";
import { marker, markerOf } from "./chart.js";
import { formulaOf, nameOf } from "./batch.js";
import { formulaNodes, sourceLink } from "./format.js";
import { flagList } from "./known.js";
import { pageOf } from "./properties.js";
import { Refusal } from "./service.js";
import { propertyColumns } from "./table.js";

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
    const plots = Object.keys(this.batch.models).map((name) => this.plotOf(name, labels));
    const parts = plots.filter(Boolean).map(({ title, content }) => this.part(title, content));
    return put(byId("comparison-body"), this.table(labels), el("div", { class: "compare-plots" }, parts));
  }

  plotOf(property, labels) {
    const { batch, vocabulary } = this;
    const once = (row, question) => this.once(property, row, question);
    const waiting = (promises, fill) => this.waiting(promises, fill);
    return pageOf(property).comparison(this.rows, labels, { batch, vocabulary, once, waiting });
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

  table(labels) {
    const columns = propertyColumns(this.vocabulary);
    const heads = [
      "",
      "Material",
      ...columns.map((column) => column.compared ?? column.card),
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
    const rows = this.rows.map((row, i) => this.tableRow(row, labels[i], i, columns));
    return el(
      "div",
      { class: "scrolls", tabindex: 0, role: "region", "aria-label": "Compared materials" },
      el("table", { class: "plain compared" }, el("thead", {}, head), el("tbody", {}, rows)),
    );
  }

  tableRow(row, label, i, columns) {
    const near = row.result.applicability[this.vocabulary.properties[0]]?.nearest[0];
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
      columns.map((column) => el("td", { class: "number" }, column.brief(row.result))),
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
