/** The rows of one question with their answers: asked in pieces, so that long lists show progress and can be stopped. */

import { ask, askPatiently, request } from "./service.js";
import { parseSeparated, writeSeparated } from "./separated.js";

// The service computes up to 1,024 candidates in one pass.
const ROWS_PER_QUESTION = 1000;
const CHARACTERS_PER_QUESTION = 4_000_000;
// What the table shows; the detail view asks for the rest again.
const NEAREST_KEPT = 1;

/**
 * Answer every row, in place.
 * @param {object[]} rows From `reading.js`; each gets `index` and `result`.
 * @param {{conditions: object, coverage: number}} general
 * @param {object} limits Of the vocabulary; a longer list goes in one piece, to be refused in the service's words.
 * @param {{onProgress?: Function, onWait?: Function, signal?: AbortSignal}} hooks
 * @returns {Promise<object>} The batch: rows, general, models.
 */
export async function answerRows(rows, general, limits, { onProgress = () => {}, onWait = () => {}, signal } = {}) {
  const batch = { rows, general, models: {}, mixedModels: false };
  rows.forEach((row, index) => Object.assign(row, { index, result: row.error ? failed(row) : null }));
  const open = rows.filter((row) => !row.result);
  let done = rows.length - open.length;
  for (const piece of open.length > limits.max_candidates ? [open] : pieces(open)) {
    onProgress(done, rows.length);
    const document = await askPatiently(
      () => ask("./predict", { body: questionOf(piece, general), signal }),
      onWait,
      signal,
    );
    piece.forEach((row, i) => (row.result = slim(document.results[i], row.index)));
    noteModels(batch, document.models);
    done += piece.length;
  }
  onProgress(done, rows.length);
  return batch;
}

function* pieces(rows) {
  let [piece, characters] = [[], 0];
  for (const row of rows) {
    piece.push(row);
    characters += (row.candidate.cif ?? row.candidate.structure ?? row.candidate.formula ?? "").length;
    if (piece.length === ROWS_PER_QUESTION || characters > CHARACTERS_PER_QUESTION) {
      yield piece;
      [piece, characters] = [[], 0];
    }
  }
  if (piece.length) yield piece;
}

function questionOf(rows, general) {
  return { candidates: rows.map((row) => row.candidate), conditions: general.conditions, coverage: general.coverage };
}

/** The answer to a row that was not sent. */
function failed(row) {
  const { code, message } = row.error;
  const { id = null, formula = null } = row.candidate;
  const named = { id, index: row.index, status: "error", formula, read_as: null };
  return { ...named, error: { code, message }, warnings: [], local: true };
}

function slim(result, index) {
  if (result.status !== "ok") return { ...result, index };
  const applicability = Object.fromEntries(
    Object.entries(result.applicability).map(([name, domain]) => [
      name,
      { ...domain, nearest: domain.nearest.slice(0, NEAREST_KEPT) },
    ]),
  );
  return { ...result, index, applicability };
}

function noteModels(batch, models) {
  for (const [name, model] of Object.entries(models)) {
    if (batch.models[name] && batch.models[name].digest !== model.digest) batch.mixedModels = true;
    batch.models[name] = model;
  }
}

/** What a row was asked under: its own conditions over the general ones. */
export function conditionsOf(row, general) {
  return { ...general.conditions, ...(row.candidate.conditions ?? {}) };
}

/** How a row is called: its id, else its formula, else its place. */
export function nameOf(row) {
  return row.result?.id || row.candidate.id || row.result?.formula || row.candidate.formula || `row ${row.index + 1}`;
}

/** The formula of a row as answered, or as it came. */
export function formulaOf(row) {
  return row.result?.formula || row.candidate.formula || "";
}

/** What was read: where that is not the text that was typed, and of every CIF; else null. */
export function readingOf(row) {
  const { formula, read_as: read, space_group: group, cell_content: content, block } = row.result ?? {};
  if (content) return [read, group, `${content} in the cell`, block && `block ${block}`].filter(Boolean);
  return read && read !== formula ? [read] : null;
}

/**
 * Get the answers as CSV from the service, rows that were never sent put in their places.
 * @param {object} batch
 * @param {{onWait?: Function, signal?: AbortSignal}} [hooks]
 * @returns {Promise<string>}
 */
export async function answersAsCsv(batch, { onWait = () => {}, signal } = {}) {
  const sent = batch.rows.filter((row) => !row.result.local);
  const cells = new Map();
  let header = null;
  for (const piece of pieces(sent)) {
    const body = questionOf(piece, batch.general);
    const response = await askPatiently(
      () => request("./predict", { body, accept: "text/csv", signal }),
      onWait,
      signal,
    );
    const isCsv = (response.headers.get("Content-Type") ?? "").startsWith("text/csv");
    const [columns, ...records] = isCsv
      ? readAnswers(await response.text())
      : flattened((await response.json()).results);
    header ??= columns;
    piece.forEach((row, i) => cells.set(row, records[i]));
  }
  header ??= ["id", "index", "status", "formula", "error_code", "error_message"];
  const at = header.indexOf("index");
  const lines = batch.rows.map((row) => {
    const line = cells.get(row) ?? refusedLine(row, header);
    return line.map((cell, i) => (i === at ? row.index : cell));
  });
  return writeSeparated([header, ...lines]);
}

/**
 * Get the answers as one document of `POST /predict`, rows that were never sent put in their places.
 * @param {object} batch
 * @param {{onWait?: Function, signal?: AbortSignal}} [hooks]
 */
export async function answersAsDocument(batch, { onWait = () => {}, signal } = {}) {
  const found = new Map();
  let models = {};
  for (const piece of pieces(batch.rows.filter((row) => !row.result.local))) {
    const body = questionOf(piece, batch.general);
    const document = await askPatiently(() => ask("./predict", { body, signal }), onWait, signal);
    models = { ...models, ...document.models };
    piece.forEach((row, i) => found.set(row, document.results[i]));
  }
  const results = batch.rows.map((row) => ({ ...(found.get(row) ?? row.result), index: row.index }));
  return { ...batch.general, models, results };
}

function readAnswers(text) {
  return parseSeparated(text).map((record) => record.cells);
}

function refusedLine(row, header) {
  const { id, formula } = row.candidate;
  const told = { id, status: "error", formula, error_code: row.error.code, error_message: row.error.message };
  return header.map((column) => harmless(told[column]));
}

/** As the service does: a spreadsheet must not take a text for a calculation. */
function harmless(text) {
  return typeof text === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/** A plain table of the answers, for a service that does not write CSV itself. */
function flattened(results) {
  const flat = results.map((result) => {
    const line = {};
    walk(result, "", line);
    return line;
  });
  const header = [...new Set(flat.flatMap((line) => Object.keys(line)))];
  return [header, ...flat.map((line) => header.map((name) => line[name]))];
}

function walk(value, path, line) {
  if (Array.isArray(value))
    line[path] = value.map((part) => (typeof part === "object" ? JSON.stringify(part) : part)).join("; ");
  else if (value && typeof value === "object")
    for (const [key, part] of Object.entries(value)) walk(part, path ? `${path}.${key}` : key, line);
  else line[path] = value;
}
