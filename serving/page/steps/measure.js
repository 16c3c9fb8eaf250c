/** The step Measure: what was measured, checked by the ledger, what it would change, and into the ledger. */

import { byId, el, put } from "../dom.js";
import { fieldLine } from "../fields.js";
import { counted, formulaNodes, unitText } from "../format.js";
import { effectNodes, effectQuestions, MOST_MEASURED } from "../effect.js";
import { UnusableInput } from "../reading.js";
import { saveJson } from "../saving.js";
import { parseSeparated } from "../separated.js";
import { ask, askPatiently, Refusal } from "../service.js";

const SHOWN_FIELDS = 6;
const SHOWN_HEADS = 4;
const MARKS = { stored: "✓", storable: "✓", "already known": "=", held: "▲", refused: "✕" };

/** The rows that were entered, and the ledger's report. */
export class MeasureStep {
  /** @param {{candidates: () => object[], onFailure: Function, onChecked: Function, onRows: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.rows = [];
    this.accepted = new Set();
    byId("measure-check").addEventListener("click", () => void this.send(true));
    byId("measure-record").addEventListener("click", () => void this.send(false));
    byId("measure-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.add();
    });
  }

  say(words) {
    put(byId("measure-said"), words);
  }

  /** Make the inputs of the kinds of measurements that the service keeps. */
  offer(vocabulary) {
    this.vocabulary = vocabulary;
    const kinds = Object.keys(vocabulary.measurements);
    this.kind ??= kinds[0];
    const choice = { label: "What was measured", words: kinds, default: this.kind };
    const names = Object.fromEntries(kinds.map((kind) => [kind, vocabulary.labels[kind] ?? kind]));
    put(
      byId("measure-kind"),
      fieldLine("measure-of", choice, { choices: names, notStated: null, attributes: { onchange: (event) => this.useKind(event.target.value) } }),
      fieldLine("measure-source", { label: "Source" }, { notStated: "lab:2026-11-30:JD" }),
      fieldLine("measure-who", { label: "Who" }, { notStated: "J. Doe" }),
    );
    this.drawFields();
    this.drawRows();
  }

  useKind(kind) {
    Object.assign(this, { kind, rows: [], report: null });
    this.drawFields();
    this.drawRows();
    this.showReport(null);
  }

  columns() {
    return this.vocabulary.measurements[this.kind];
  }

  drawFields() {
    const lines = this.columns().map((column) => this.line(column));
    put(byId("measure-heads"), this.columns().slice(0, SHOWN_HEADS).map(({ name }) => name).join(", "));
    put(
      byId("measure-fields"),
      el("div", { class: "parts" }, lines.slice(0, SHOWN_FIELDS)),
      el("details", {}, el("summary", {}, `${lines.length - SHOWN_FIELDS} more fields`), el("div", { class: "parts" }, lines.slice(SHOWN_FIELDS))),
    );
  }

  /** What is kept for going back. */
  answer() {
    return { kind: this.kind, rows: this.rows };
  }

  /** Show rows that were entered before; they are to be checked anew. */
  restore({ kind, rows }) {
    if (kind === this.kind && rows === this.rows) return;
    byId("measure-of").value = kind;
    this.useKind(kind);
    this.rows = rows;
    this.drawRows();
  }

  line(column) {
    const id = `measure-${column.name}`;
    const label = column.is_required ? `${column.label} (needed)` : column.label;
    const several = column.units.length > 1;
    // texts, not numbers: a bound such as <1e-10 is a measurement, too
    const line = fieldLine(id, { ...column, label, unit: several ? "" : column.unit, default: undefined }, { notStated: column.words.length ? "not stated" : "", attributes: column.is_number ? { inputmode: "decimal" } : {} });
    if (several) {
      const units = column.units.map(({ heading, unit }) => el("option", { value: heading }, unit === "C" ? "°C" : unitText(unit)));
      line.append(el("select", { id: `${id}-unit`, "aria-label": `Unit of ${column.label}` }, units));
      line.classList.add("with-unit");
    }
    return line;
  }

  /** Take what stands in the fields into the rows. */
  add() {
    const row = {};
    for (const column of this.columns()) {
      const text = byId(`measure-${column.name}`).value.trim();
      const unit = document.getElementById(`measure-${column.name}-unit`);
      if (text) row[unit?.value ?? column.name] = text;
    }
    if (!Object.keys(row).length) return this.say("Nothing stands in the fields.");
    this.take([row]);
    for (const column of this.columns()) byId(`measure-${column.name}`).value = "";
    byId(`measure-${this.columns()[0].name}`).focus();
    return this.say(`${counted(this.rows.length, "row")} to check.`);
  }

  /** Take the rows of a pasted table with a header. */
  paste() {
    const text = byId("measure-paste").value.trim();
    const [head, ...records] = parseSeparated(text, text.split("\n", 1)[0].includes("\t") ? "\t" : ",");
    if (!records.length) return this.say("Expected a header with units in its names, and rows beneath.");
    const rows = records.map(({ cells }) => Object.fromEntries(head.cells.map((name, i) => [name.trim(), (cells[i] ?? "").trim()]).filter(([name, cell]) => name && cell)));
    byId("measure-paste").value = "";
    this.take(rows);
    return this.say(`${counted(this.rows.length, "row")} to check.`);
  }

  take(rows) {
    this.rows = [...this.rows, ...rows];
    this.report = null;
    this.drawRows();
    this.showReport(null);
    this.hooks.onRows();
  }

  drawRows() {
    const remove = (row) => {
      this.rows = this.rows.filter((other) => other !== row);
      this.drawRows();
      this.showReport(null);
      this.hooks.onRows();
      byId("measure-said").focus();
    };
    const items = this.rows.map((row, i) => {
      const words = Object.entries(row).map(([heading, value]) => `${heading} ${value}`).join(", ");
      return el("li", {}, `${i + 1}. ${words}`, el("button", { type: "button", class: "quiet", "aria-label": `Take row ${i + 1} out`, onclick: () => remove(row) }, "✕"));
    });
    put(byId("measure-rows"), items);
    byId("measure-check").disabled = !this.rows.length;
    byId("measure-record").disabled = true;
  }

  question(dryRun) {
    if (!this.rows.length) throw new UnusableInput("no row is entered yet");
    const value = (id) => byId(id).value.trim();
    return {
      measurements: this.rows,
      kind: this.kind,
      source: value("measure-source"),
      who: value("measure-who"),
      accept_warnings: [...this.accepted].join(","),
      dry_run: dryRun,
    };
  }

  /** Ask the ledger: a dry run says what would happen and stores nothing. */
  async send(dryRun) {
    this.say(dryRun ? "checking …" : "recording …");
    try {
      const body = this.question(dryRun);
      const report = await askPatiently(
        () => reported(body),
        (refusal) => this.say(`${refusal.title}, asking again`),
      );
      this.showReport(report);
      this.say(`${report.message}.`);
      if (dryRun) await this.showEffect();
      this.hooks.onChecked(report);
    } catch (error) {
      this.say("");
      this.hooks.onFailure(error, () => this.send(dryRun));
    }
  }

  /** Show what becomes of each row; what is held can be accepted by name. */
  showReport(report) {
    this.report = report;
    byId("measure-answer").hidden = !report;
    put(byId("measure-effect"));
    if (!report) {
      this.accepted = new Set();
      return;
    }
    put(byId("measure-report"), report.rows.map((row) => this.reportNode(row, report)), report.remarks.map((remark) => el("li", { class: "fine" }, remark)));
    const ready = report.status === "checked" && report.rows.every(({ outcome }) => ["storable", "already known"].includes(outcome));
    byId("measure-record").disabled = !ready;
    put(byId("measure-hint"), ready ? "Every row can be recorded." : report.status === "checked" ? "Correct what is refused, look at what is held, and check again." : report.entries.length ? `In the ledger as ${report.entries.join(", ")}; recorded by ${report.who}.` : "");
  }

  reportNode(row, report) {
    const problems = report.problems.filter((problem) => problem.row === row.row);
    return el(
      "li",
      { class: row.outcome === "refused" || row.outcome === "held" ? "no" : null },
      el("b", {}, `${MARKS[row.outcome]} row ${row.row}: ${row.outcome}. `),
      row.formula && [formulaNodes(row.formula), row.read_as !== row.formula && row.read_as && ` read as ${row.read_as}`],
      el("ul", {}, problems.map((problem) => el("li", {}, problem.message, problem.level === "suspicious" && report.status === "checked" && this.acceptNode(`${row.row}:${problem.code}`)))),
    );
  }

  acceptNode(name) {
    const note = (event) => {
      if (event.target.checked) this.accepted.add(name);
      else this.accepted.delete(name);
      this.say("Check again with what you accept.");
      byId("measure-record").disabled = true;
    };
    return el("label", { class: "tick" }, el("input", { type: "checkbox", checked: this.accepted.has(name), onchange: note }), " looked at, it is right");
  }

  /** Ask what the rows would change in what the model says of the candidates, and show it. */
  async showEffect() {
    const { rows } = this.report;
    const possible = this.rows.filter((_, i) => rows[i]?.outcome !== "refused");
    const questions = effectQuestions(this.kind, possible, this.vocabulary, this.hooks.candidates());
    if (!questions.length) return put(byId("measure-effect"), el("p", { class: "fine" }, "What they would change is said for rows with a formula and a value of the property’s main quantity, under headings that the fields have, beside candidates of the list."));
    const bodies = questions.map((body) => ({ ...body, measured: body.measured.slice(0, MOST_MEASURED) }));
    const answers = await Promise.all(
      bodies.map((body) =>
        askPatiently(
          () => ask("./measurements/effect", { body }),
          (refusal) => this.say(`${this.report.message}. What they would change: ${refusal.title}, asking again`),
        ),
      ),
    );
    this.say(`${this.report.message}.`);
    const cut = questions.some(({ measured }) => measured.length > MOST_MEASURED) && el("p", { class: "warn" }, `What follows is of the first ${MOST_MEASURED} rows at a temperature; the ledger checked all.`);
    const apart = rows.filter((row) => row.excluded_from_training).map(({ row }) => row);
    const note = apart.length > 0 && el("p", { class: "warn" }, `Row ${apart.join(", ")}: kept by the ledger, but no model learns from it (why stands above); what follows is what it would teach.`);
    return put(byId("measure-effect"), note, cut, effectNodes(answers, this.vocabulary), el("p", {}, el("button", { type: "button", onclick: () => saveJson("elyte-measurements", { report: this.report, effect: answers }) }, "JSON")));
  }
}

/** The ledger's report, also where it stands beside an error: refused and held rows are what one looks for. */
async function reported(body) {
  try {
    return await ask("./measurements", { body });
  } catch (error) {
    if (error instanceof Refusal && error.body?.report) return error.body.report;
    throw error;
  }
}
