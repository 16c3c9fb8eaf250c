/** The question: pasted formulas, files, conditions. */

import { byId, el, put } from "./dom.js";
import { EXAMPLES } from "./examples.js";
import { fieldLine } from "./fields.js";
import { counted } from "./format.js";
import { MaterialInputs } from "./materials.js";
import { pageOf } from "./properties.js";
import { readCondition, readFile, readText, UnusableInput } from "./reading.js";

const SHOWN_COLUMNS = 3;
const EMPTY = "-"; // in the address: a field that was emptied, where another value is the standard

/** The form and the files that were dropped. */
export class Question {
  /** @param {{onAsk: Function, onProblem: Function, say: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.files = [];
    this.vocabulary = null;
    this.materials = new MaterialInputs((named) => {
      this.files = [...this.files, named];
      this.drawFiles();
      hooks.say(`${named.name} is in the question.`);
    }, hooks.onProblem);
    byId("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      hooks.onAsk();
    });
    byId("formulas").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) hooks.onAsk();
    });
    byId("choose").addEventListener("change", async (event) => {
      await this.take([...event.target.files]);
      event.target.value = "";
    });
    put(
      byId("examples"),
      Object.entries(EXAMPLES).map(([name, formulas]) =>
        el("button", { type: "button", class: "quiet", onclick: () => this.useExample(formulas) }, name),
      ),
    );
    this.listenToDrops();
  }

  /** Offer the service's names for choice. */
  offer(vocabulary) {
    this.vocabulary = vocabulary;
    const choices = Object.assign({}, ...vocabulary.properties.map((name) => pageOf(name).choiceWords));
    this.inputs = vocabulary.conditions.filter((condition) => !condition.of_one_sample);
    put(
      byId("condition-inputs"),
      this.inputs.map((condition) => conditionLine(condition, choices[condition.name] ?? {})),
    );
    const columns = this.inputs.slice(0, SHOWN_COLUMNS).map(({ name }, i) => [i > 0 && ", ", el("code", {}, name)]);
    put(byId("condition-columns"), columns.length > 0 && " such as ", columns);
    const depends = vocabulary.properties.map((name) => {
      const own = vocabulary.quantities.filter((quantity) => quantity.property === name);
      const needed = new Set(own.flatMap((quantity) => quantity.conditions));
      return pageOf(name).conditionWords(this.inputs.filter((condition) => needed.has(condition.name)));
    });
    this.materials.offer(vocabulary);
    put(byId("conditions-hint"), `${depends.filter(Boolean).join("; ")}.`);
    const { min_coverage, max_coverage, default_coverage } = vocabulary.limits;
    Object.assign(byId("coverage"), {
      min: 100 * min_coverage,
      max: 100 * max_coverage,
      value: 100 * default_coverage,
    });
  }

  useExample(formulas) {
    byId("formulas").focus();
    byId("formulas").select();
    write(formulas);
    this.files = [];
    this.drawFiles();
    this.hooks.onAsk();
  }

  /** Add formulas to the list, those left out that stand there already. */
  add(formulas) {
    const field = byId("formulas");
    const there = new Set(field.value.split(/\r?\n/).map((line) => line.trim()));
    const fresh = formulas.filter((formula) => !there.has(formula));
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    write([...(field.value && !field.value.endsWith("\n") ? [""] : []), ...fresh]);
  }

  /** What is asked, for the address; files are not in it. */
  save() {
    if (!this.vocabulary) return [];
    const conditions = this.inputs.map((condition) => [condition.short, byId(condition.short)]);
    const changed = conditions.filter(([, field]) => field.value.trim() !== standard(field));
    const coverage = byId("coverage").value.trim();
    return [
      ["f", byId("formulas").value.trimEnd()],
      ...changed.map(([name, field]) => [name, field.value.trim() || EMPTY]),
      ["coverage", Number(coverage) === 100 * this.vocabulary.limits.default_coverage ? "" : coverage],
      ...this.materials.save(),
    ];
  }

  fill(kept) {
    const list = kept.get("f") ?? "";
    if (byId("formulas").value.trimEnd() !== list) byId("formulas").value = list;
    for (const { short } of this.inputs) {
      const text = kept.get(short) ?? standard(byId(short));
      byId(short).value = text === EMPTY ? "" : text;
    }
    byId("coverage").value = kept.get("coverage") ?? 100 * this.vocabulary.limits.default_coverage;
    this.materials.fill(kept);
  }

  listenToDrops() {
    const holds = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    });
    document.addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!holds(event)) return;
      event.preventDefault();
      this.take([...event.dataTransfer.files]);
    });
  }

  /** Read files; each that cannot be used is told, the others count. */
  async take(files) {
    if (!this.vocabulary)
      return this.hooks.onProblem(
        "The service does not answer",
        "Files are read with the service's names of columns. Try again when it is there.",
      );
    const problems = [];
    for (const file of files) {
      try {
        const { rows, notes } = await readFile(file, this.vocabulary);
        this.files = [...this.files, { name: file.name, rows, notes }];
      } catch (error) {
        if (!(error instanceof UnusableInput)) throw error;
        problems.push(error.message);
      }
    }
    this.drawFiles();
    if (problems.length) return this.hooks.onProblem("A file cannot be used", problems.join(". "));
    return this.hooks.say(
      `${counted(files.length, "file")} read; ${counted(this.files.flatMap((file) => file.rows).length, "row")} from files.`,
    );
  }

  drawFiles() {
    const remove = (file) => {
      this.files = this.files.filter((other) => other !== file);
      this.drawFiles();
      byId("choose").focus();
    };
    put(
      byId("files"),
      this.files.map((file) => {
        const wrong = file.rows.filter((row) => row.error).length;
        return el(
          "li",
          {},
          el("b", {}, file.name),
          ` ${counted(file.rows.length, "row")}${wrong ? `, ${wrong} with a wrong cell` : ""}`,
          el(
            "button",
            { type: "button", class: "quiet", "aria-label": `Leave out ${file.name}`, onclick: () => remove(file) },
            "✕",
          ),
          file.notes.map((note) => el("span", { class: "note" }, note)),
        );
      }),
    );
  }

  /**
   * Read the form.
   * @returns {{rows: object[], general: {conditions: object, coverage: number}}}
   * @throws {UnusableInput} In words, where a field makes no sense or there is nothing to ask.
   */
  read() {
    const conditions = {};
    for (const condition of this.inputs) {
      const field = condition.short;
      const text = byId(field).value.trim();
      if (byId(field).validity.badInput) throw new UnusableInput(`${labelOf(field)}: expected a number`);
      if (!text) continue;
      const { value, problem } = readCondition(text, condition);
      if (problem) throw new UnusableInput(`${labelOf(field)}: ${problem}`);
      conditions[condition.name] = value;
    }
    const { rows: pasted } = readText(byId("formulas").value, this.vocabulary);
    // copies: a row's place and answer belong to one batch
    const added = [...this.files.flatMap((file) => file.rows), ...this.materials.read()];
    const rows = [...pasted, ...added].map((row) => ({ ...row }));
    if (!rows.length)
      throw new UnusableInput("there is no formula yet: type or paste some, drop a file, or take an example");
    return { rows, general: { conditions, coverage: this.coverage() } };
  }

  coverage() {
    const { min_coverage, max_coverage } = this.vocabulary.limits;
    const share = Number(byId("coverage").value) / 100;
    if (!(share >= min_coverage && share <= max_coverage)) {
      throw new UnusableInput(`Intervals: expected ${100 * min_coverage} to ${100 * max_coverage} %`);
    }
    return Number(share.toFixed(4));
  }
}

/** The input of one condition: a choice where there are words, else a field. */
function conditionLine(condition, choices) {
  const { short, above, at_least: least = above } = condition;
  return fieldLine(short, { ...condition, least }, { choices });
}

/** What a field holds before anybody writes into it. */
function standard(field) {
  return field.defaultValue ?? "";
}

/** Write lines where the cursor of the list is; keeps the browser's undo, so that nothing costs somebody's list. */
function write(lines) {
  const field = byId("formulas");
  if (!document.execCommand("insertText", false, lines.join("\n"))) field.setRangeText(lines.join("\n"));
}

function labelOf(field) {
  return byId("ask").querySelector(`label[for="${field}"]`).firstChild.textContent.trim();
}
