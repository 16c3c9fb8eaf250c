/** Materials that are named by several fields: inputs of each kind but that of the text field, made of the vocabulary. */

import { byId, el, put } from "./dom.js";
import { fieldLine } from "./fields.js";
import { readCondition, UnusableInput } from "./reading.js";

const IN_TEXT_FIELD = "formula";

/** Inputs for the fields of materials. */
export class MaterialInputs {
  /**
   * @param {Function} onAdd Told `{name, rows, notes}` of a material that joins the list of the question.
   * @param {Function} onProblem Told a title and words where a field makes no sense.
   */
  constructor(onAdd, onProblem) {
    this.onAdd = onAdd;
    this.onProblem = onProblem;
    this.kinds = new Map();
  }

  /** Make the inputs; what stands in them is kept. */
  offer({ material_fields: fields }) {
    const listed = fields.find((field) => field.name === IN_TEXT_FIELD)?.kind;
    const kinds = new Set(fields.map((field) => field.kind).filter((kind) => kind !== listed));
    this.kinds = new Map([...kinds].map((kind) => [kind, fields.filter((field) => field.kind === kind)]));
    put(
      byId("material-inputs"),
      [...this.kinds].map(([kind, own]) =>
        el(
          "details",
          { class: "material" },
          el("summary", {}, `Name ${own[0].kind_label} by its parts`),
          el("div", { class: "parts" }, own.map((field) => fieldLine(inputId(field), field, { notStated: null }))),
          el("button", { type: "button", class: "quiet", onclick: () => this.add(kind) }, "Add to the question"),
          el("span", { class: "fine" }, " What stands here is asked by Predict, too."),
        ),
      ),
    );
  }

  /** Take the material of one kind into the list of the question, and leave its fields for the next one. */
  add(kind) {
    const fields = this.kinds.get(kind);
    try {
      const row = this.row(kind);
      if (!row) throw new UnusableInput(`${fields[0].label}: nothing is given`);
      this.onAdd({ name: words(fields, row.candidate), rows: [row], notes: [] });
    } catch (error) {
      if (!(error instanceof UnusableInput)) throw error;
      this.onProblem("A material cannot be added", error.message);
      return;
    }
    for (const field of fields) byId(inputId(field)).value = "";
    byId(inputId(fields[0])).focus();
  }

  /** Return the materials that stand in the fields as rows of the question. */
  read() {
    return [...this.kinds.keys()].map((kind) => this.row(kind)).filter(Boolean);
  }

  /** The fields, for the address. */
  save() {
    return [...this.kinds.values()].flat().map((field) => [inputId(field), byId(inputId(field)).value.trim()]);
  }

  fill(kept) {
    for (const field of [...this.kinds.values()].flat()) byId(inputId(field)).value = kept.get(inputId(field)) ?? "";
  }

  row(kind) {
    const candidate = {};
    for (const field of this.kinds.get(kind)) {
      const input = byId(inputId(field));
      const text = input.value.trim();
      if (input.validity.badInput) throw new UnusableInput(`${field.label}: expected a number`);
      if (!text) continue;
      const { value, problem } = readCondition(text, field);
      if (problem) throw new UnusableInput(`${field.label}: ${problem}`);
      candidate[field.name] = value;
    }
    if (!Object.keys(candidate).length) return null;
    return { where: this.kinds.get(kind)[0].kind_label, candidate, error: null };
  }
}

function inputId({ name }) {
  return `material-${name}`;
}

/** A material as the list of the question names it. */
function words(fields, candidate) {
  const given = fields.filter(({ name }) => candidate[name] !== undefined);
  return given
    .map(({ label, unit, type, name }) =>
      type === "number" ? `${label} ${candidate[name]}${unit && ` ${unit}`}` : candidate[name],
    )
    .join(", ");
}
