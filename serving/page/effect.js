/** What measurements would change: the questions, and the answers in words, by temperature. */

import { el } from "./dom.js";
import { fixed, formulaNodes, fromLog10, significant, unitText, withInterval } from "./format.js";

const SHOWN = 10;
const MOST_CANDIDATES = 1000;
/** Of one question to the service. */
export const MOST_MEASURED = 50;
const LEAST_SHIFT = 0.005;
const TEMPERATURE = "temperature_C";

/**
 * Make one question a temperature.
 * @param {string} kind Of the measurements; the name of a property.
 * @param {object[]} rows As entered: heading to text.
 * @param {object} vocabulary
 * @param {object[]} candidates Of the list.
 */
export function effectQuestions(kind, rows, vocabulary, candidates) {
  const quantity = vocabulary.quantities.find((one) => one.property === kind);
  const columns = vocabulary.measurements[kind];
  const main = quantity && columns.find(({ name }) => name === quantity.name.replace(/^log10_/, ""));
  if (!main || !candidates.length) return [];
  const temperature = columns.find(({ name }) => name === TEMPERATURE);
  const groups = new Map();
  for (const entered of rows) {
    const row = spelled(entered, columns);
    if (!row) continue; // a temperature may stand under a heading that only the ledger knows
    const value = numberOf(row, main);
    if (!row.formula || value === null || (quantity.is_log10 && value <= 0)) continue;
    const at = numberOf(row, temperature) ?? vocabulary.default_temperature_C;
    const measured = { candidate: { formula: row.formula }, value: quantity.is_log10 ? Math.log10(value) : value };
    groups.set(at, [...(groups.get(at) ?? []), measured]);
  }
  return [...groups].map(([at, measured]) => ({
    property: kind,
    measured,
    candidates: candidates.slice(0, MOST_CANDIDATES),
    conditions: { [TEMPERATURE]: at },
  }));
}

/** A row with the headings that the vocabulary gives, such as `sigma (mS/cm)` for `sigma_mS_per_cm`; null for another. */
function spelled(row, columns) {
  const plain = (heading) => heading.replace(/_per_|[\s_()/]/g, "");
  const known = new Map(columns.flatMap(({ name, units }) => [name, ...units.map(({ heading }) => heading)]).map((heading) => [plain(heading), heading]));
  const pairs = Object.entries(row).map(([heading, text]) => [known.get(plain(heading)), text]);
  return pairs.every(([heading]) => heading) ? Object.fromEntries(pairs) : null;
}

/** The number of a row in the column's own unit; null for none, and for a bound. */
function numberOf(row, column) {
  for (const { heading, factor, offset } of column?.units ?? []) {
    const text = row[heading];
    if (text !== undefined && text !== "" && Number.isFinite(Number(text))) return Number(text) * factor + offset;
  }
  return null;
}

/** Answers in words and tables. */
export function effectNodes(answers, vocabulary) {
  return answers.map((answer) => {
    const quantity = vocabulary.quantities.find(({ name }) => name === answer.quantity);
    const scale = scaleOf(quantity);
    const at = answer.conditions[TEMPERATURE];
    return el(
      "section",
      { class: "part" },
      el("h3", {}, `What they would change: ${quantity.label}${at === undefined ? "" : ` at ${at} °C`}`),
      el("ul", {}, answer.measured.map((one) => el("li", {}, measuredNodes(one, scale)))),
      movedTable(answer.candidates, scale),
      el("ul", { class: "fine" }, answer.assumptions.map((words) => el("li", {}, words))),
    );
  });
}

function scaleOf({ is_log10: isLog, unit }) {
  const plain = unitText(unit);
  const write = isLog ? fromLog10 : (value) => significant(value, 3);
  const moved = isLog ? (by) => `×${significant(10 ** by, 3)}` : (by) => `${by > 0 ? "+" : ""}${fixed(by, 3)} ${plain}`;
  const off = isLog ? (by) => `${fixed(Math.abs(by), 2)} decades` : (by) => `${fixed(Math.abs(by), 3)} ${plain}`;
  return { write, moved, off, unit: plain };
}

function measuredNodes(one, { write, off, unit }) {
  const name = formulaNodes(one.formula ?? "?");
  if (!one.before) return [name, `: not judged: ${one.error?.message ?? one.reason}`];
  const side = one.deviation > 0 ? "above" : "below";
  return [
    name,
    `: measured ${write(one.measured)} ${unit}; predicted ${withInterval(one.before, write)} ${unit}. `,
    one.inside_interval ? `Inside the interval, ${off(one.deviation)} ${side} the value.` : el("b", {}, `Outside the interval, ${off(one.deviation)} ${side} the value.`),
  ];
}

function movedTable(candidates, { write, moved, unit }) {
  const judged = candidates.filter(({ before }) => before).map((one) => ({ ...one, by: one.after - one.before.value }));
  const failed = candidates.length - judged.length;
  const far = judged.filter(({ by }) => Math.abs(by) >= LEAST_SHIFT).sort((a, b) => Math.abs(b.by) - Math.abs(a.by));
  const rest = judged.length - Math.min(far.length, SHOWN);
  const rows = far.slice(0, SHOWN).map((one) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, formulaNodes(one.id ?? one.formula)),
      el("td", { class: "number", "data-label": `Now, ${unit}` }, withInterval(one.before, write)),
      el("td", { class: "number", "data-label": `Then, ${unit}` }, write(one.after)),
      el("td", { class: "number", "data-label": "Moved by" }, moved(one.by)),
      el("td", { class: "number", "data-label": "Uncertainty" }, one.sd_before === null ? "–" : `${fixed(100 * (one.sd_after / one.sd_before - 1), 1)} %`),
    ),
  );
  const heads = ["Candidate", `Now, ${unit}`, `Then, ${unit}`, "Moved by", "Uncertainty"].map((words) => el("th", { scope: "col" }, words));
  return [
    rows.length > 0 && el("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": "Candidates that would move" }, el("table", { class: "plain cards" }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows))),
    el("p", { class: "fine" }, `${rest} of the list would hardly move${failed ? `; ${failed} cannot be judged` : ""}.`),
  ];
}
