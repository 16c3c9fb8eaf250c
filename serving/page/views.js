/** What the views beside the page share: the question in the address, and what cannot be asked. */

import { byId, el, put } from "./dom.js";
import { fieldLine } from "./fields.js";
import { ask, askPatiently, Refusal } from "./service.js";

/**
 * Make the form of a view and ask what stands in it; a question in the address is asked at once.
 * @param {[string, object, string?][]} lines Of each input its id, label and the like (see `fieldLine`; `rows` for a text
 *   of several lines), and the class of its line.
 * @param {string} action What the button says.
 * @param {() => void} onAsk
 */
export function formOf(lines, action, onAsk) {
  const ids = lines.map(([id]) => id);
  const nodes = lines.map(([id, line, className]) => {
    const node = line.rows ? textLine(id, line) : fieldLine(id, line, { notStated: null, choices: line.choices ?? {} });
    node.classList.add(...(className ? [className] : []));
    return node;
  });
  put(byId("ask"), nodes, el("p", { class: "actions" }, el("button", { class: "primary", type: "submit" }, action)));
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    keepInAddress(ids);
    onAsk();
  });
  return { isAsked: readAddress(ids) };
}

function textLine(id, { label, unit, rows, default: text = "" }) {
  const field = el("textarea", { id, rows, spellcheck: "false", autocomplete: "off", autocapitalize: "off" }, text);
  return el("p", {}, el("label", { for: id }, `${label} `, unit && el("span", { class: "unit" }, unit)), field);
}

/** Keep the inputs of these ids in the address, so that the question can be linked and comes back. */
function keepInAddress(ids) {
  const kept = new URLSearchParams();
  for (const id of ids) if (byId(id).value.trim()) kept.set(id, byId(id).value.trim());
  history.replaceState(null, "", `?${kept}`);
}

/** Fill the inputs from the address, and say whether it holds the first of them. */
function readAddress(ids) {
  const kept = new URLSearchParams(location.search);
  for (const id of ids) if (kept.has(id)) byId(id).value = kept.get(id);
  return kept.has(ids[0]);
}

export function showProblem(title, message) {
  put(byId("problem"), el("p", {}, el("b", {}, `${title}. `), message));
  byId("problem").hidden = false;
  put(byId("said"));
}

/** Ask a route and show its answer; a refusal is shown in its place. */
export async function answerInto(route, body, working, show) {
  byId("problem").hidden = true;
  byId("answer").hidden = true;
  put(byId("said"), working);
  try {
    const found = await askPatiently(
      () => ask(route, { body }),
      (refusal) => put(byId("said"), `${refusal.title}, asking again`),
    );
    show(found);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    showProblem(error.title, error.message);
  }
}

/** The lines of a text field that hold something. */
export function linesOf(id) {
  return byId(id).value.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
}
