/** One line of a form: a label with its unit, and a choice where there are words, else a field. */

import { el } from "./dom.js";
import { unitText } from "./format.js";

/**
 * Make a labelled input.
 * @param {string} id
 * @param {object} one `label`, and perhaps `unit`, `help`, `type` (`number` or `string`), `words`, `default`, `least`.
 * @param {{choices?: object, notStated?: string, attributes?: object}} [more] How words are offered, what stands in an
 *   empty field, and attributes of the field.
 */
export function fieldLine(id, one, { choices = {}, notStated = "not stated", attributes = {} } = {}) {
  const { label, unit, help, type, words, least } = one;
  const field = words?.length
    ? el(
        "select",
        { id, title: help, ...attributes },
        notStated !== null && el("option", { value: "" }, notStated),
        words.map((word) => el("option", { value: word, selected: word === one.default }, choices[word] ?? word)),
      )
    : el("input", {
        id,
        title: help,
        ...(type === "number" ? { type, step: "any", min: least, inputmode: "decimal" } : { type: "text", spellcheck: "false" }),
        autocomplete: "off",
        value: one.default,
        placeholder: notStated,
        ...attributes,
      });
  return el("p", {}, el("label", { for: id }, `${label} `, unit && el("span", { class: "unit" }, unitText(unit))), field);
}

/** A labelled box to tick. */
export function tickLine(id, label, attributes = {}) {
  return el("p", { class: "tick" }, el("label", { for: id }, el("input", { id, type: "checkbox", ...attributes }), ` ${label}`));
}

/** The lines of a text that hold something. */
export function filledLines(text) {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
}
