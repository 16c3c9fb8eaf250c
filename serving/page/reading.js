/**
 * From what people paste and drop to rows.
 *
 * A row keeps its place: `{where, candidate, error}` where `candidate` is what the service is asked, or null and
 * `error` says in words what is wrong with this line. Only a file that cannot be read at all is refused as a whole.
 */

import { parseSeparated, UnreadableText } from "./separated.js";

const FILE_KINDS = ["csv", "tsv", "txt", "cif", "vasp", "poscar", "json"];
const STRUCTURE_FILE = /^(POSCAR|CONTCAR)|\.(vasp|poscar|json)$/i;

/** A file or text that cannot be used; the message is for people. */
export class UnusableInput extends Error {}

/**
 * Read pasted text: formulas, one a line, an id before a tab; or a whole table with a header line.
 * @param {string} text
 * @param {object} vocabulary Of the service.
 * @param {string} name What the text is called in messages.
 * @returns {{rows: object[], notes: string[]}}
 */
export function readText(text, vocabulary, name = "pasted") {
  if (isStructure(text)) return { rows: [{ where: name, candidate: { structure: text }, error: null }], notes: [] };
  const header = text.trimStart().split("\n", 1)[0].trim();
  for (const separator of ["\t", ","]) {
    const columns = header.split(separator).map((cell) => cell.trim());
    if (columns.includes("formula") || (columns.length > 1 && namesMaterial(columns, vocabulary))) {
      return readTable(text.trimStart(), vocabulary, name, separator);
    }
  }
  const rows = [];
  text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .forEach((line, i) => {
      if (!line.trim()) return;
      const [first, ...rest] = line.split("\t");
      const candidate = rest.length ? { id: first.trim(), formula: rest.join(" ").trim() } : { formula: line.trim() };
      if (!candidate.id) delete candidate.id;
      rows.push(checked({ where: `${name}, line ${i + 1}`, candidate, error: null }, vocabulary));
    });
  return { rows, notes: [] };
}

/** Whether a text is one structure: a CIF, an OPTIMADE document, or the numbers that begin a POSCAR. */
function isStructure(text) {
  if (/^data_/im.test(text) || (/^\s*[{[]/.test(text) && text.includes("lattice_vectors"))) return true;
  const numbers = text.split("\n", 5).slice(1).map((line) => line.trim().split(/\s+/).slice(0, 3));
  return numbers.length === 4 && numbers.flat().every((word) => word !== "" && Number.isFinite(Number(word)));
}

/**
 * Read a table with a header line.
 * @throws {UnusableInput} Where the header or the quotes make no sense.
 */
export function readTable(text, vocabulary, name, separator = ",") {
  let records;
  try {
    records = parseSeparated(text, separator);
  } catch (error) {
    if (error instanceof UnreadableText) throw new UnusableInput(`${name}, ${error.message}`);
    throw error;
  }
  if (!records.length) throw new UnusableInput(`${name} holds no rows`);
  const columns = records[0].cells.map((cell) => cell.trim());
  const notes = checkColumns(columns, vocabulary, name);
  const known = new Map(vocabulary.conditions.map((column) => [column.name, column]));
  const fields = vocabulary.material_fields;
  const rows = records.slice(1).map((record) => readRecord(record, columns, { fields, known }, name));
  if (!rows.length) throw new UnusableInput(`${name} holds a header and no rows`);
  return { rows: rows.map((row) => checked(row, vocabulary)), notes };
}

function checkColumns(columns, vocabulary, name) {
  if (columns.length === 1 && columns[0].includes(";")) {
    throw new UnusableInput(`${name} is separated by semicolons; expected commas (and decimal points, not commas)`);
  }
  const fields = vocabulary.material_fields;
  const known = ["id", ...fields.map((field) => field.name), ...vocabulary.conditions.map((column) => column.name)];
  const twice = columns.find((column, i) => column && columns.indexOf(column) !== i);
  if (twice) throw new UnusableInput(`${name} has the column '${twice}' twice`);
  const unknown = columns.filter((column) => column && !known.includes(column));
  for (const column of unknown) {
    const meant = known.find((other) => nearlyEqual(column, other));
    if (meant) throw new UnusableInput(`${name}: the column '${column}' is not known; is '${meant}' meant?`);
  }
  if (!namesMaterial(columns, vocabulary)) {
    const found = columns.filter(Boolean).join(", ");
    const naming = fields.filter((field) => field.names_material).map((field) => `'${field.name}'`);
    throw new UnusableInput(`${name} has the columns ${found}; expected ${naming.join(" or ")} among them`);
  }
  if (!unknown.length) return [];
  return [
    `${name}: columns that mean nothing here were left out: ${unknown.join(", ")}. Known are ${known.join(", ")}.`,
  ];
}

/** Whether one of the columns names a material by itself. */
function namesMaterial(columns, vocabulary) {
  return vocabulary.material_fields.some((field) => field.names_material && columns.includes(field.name));
}

/** Whether two column names differ in case, blanks, underscores or up to two letters. */
function nearlyEqual(one, other) {
  const [a, b] = [one, other].map((text) => text.toLowerCase().replace(/[\s_()°/-]/g, ""));
  if (a === b) return true;
  if (Math.min(a.length, b.length) < 5 || Math.abs(a.length - b.length) > 2) return false;
  return editDistance(a, b) <= 2;
}

function editDistance(a, b) {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, swap));
    }
    previous = current;
  }
  return previous.at(-1);
}

function readRecord({ line, cells }, columns, { fields, known }, name) {
  const where = `${name}, line ${line}`;
  const given = Object.fromEntries(columns.map((column, i) => [column, (cells[i] ?? "").trim()]));
  const [candidate, conditions] = [{}, {}];
  if (given.id) candidate.id = given.id;
  for (const field of fields.filter(({ name: column }) => given[column])) {
    const { value, problem } = readCondition(given[field.name], field);
    if (problem) return refused(where, candidate, "invalid_condition", `${where}: ${field.name}: ${problem}`);
    candidate[field.name] = value;
  }
  if (!fields.some((field) => candidate[field.name])) candidate.formula = "";
  if (!candidate.cif && !candidate.structure) delete candidate.block;
  if (cells.length > columns.length) {
    const message = `${where}: ${cells.length} cells under a header of ${columns.length} (is there a comma without quotes?)`;
    return refused(where, candidate, "too_many_cells", message);
  }
  for (const [column, rule] of known) {
    if (!given[column]) continue;
    const { value, problem } = readCondition(given[column], rule);
    if (problem) return refused(where, candidate, "invalid_condition", `${where}: ${column}: ${problem}`);
    conditions[column] = value;
  }
  if (Object.keys(conditions).length) candidate.conditions = conditions;
  return { where, candidate, error: null };
}

/**
 * Convert one cell or field to what the service takes.
 * @param {string} text
 * @param {object} rule An entry of the vocabulary's `conditions`.
 * @returns {{value?: number|string, problem?: string}}
 */
export function readCondition(text, rule) {
  if (rule.type !== "number") {
    const tooLong = rule.longest && text.length > rule.longest;
    return tooLong ? { problem: `received ${text.length} letters, expected at most ${rule.longest}` } : { value: text };
  }
  const plain = text.replace("−", "-");
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
  if (!Number.isFinite(value)) {
    const hint = /^-?\d+,\d+$/.test(plain) ? " with a decimal point" : "";
    return { problem: `received '${text.slice(0, 60)}', expected a number${hint}` };
  }
  if (rule.above !== undefined && !(value > rule.above))
    return { problem: `received ${text}, expected above ${rule.above}` };
  if (rule.at_least !== undefined && value < rule.at_least)
    return { problem: `received ${text}, expected at least ${rule.at_least}` };
  if (rule.at_most !== undefined && value > rule.at_most)
    return { problem: `received ${text}, expected at most ${rule.at_most}` };
  return { value };
}

function refused(where, candidate, code, message) {
  return { where, candidate, error: { code, message } };
}

/** Find what would make the service refuse the whole list, so that it fails this row only. */
function checked(row, vocabulary) {
  const longest = vocabulary.limits.longest_id;
  if (row.error || !row.candidate.id || row.candidate.id.length <= longest) return row;
  const message = `${row.where}: the id has ${row.candidate.id.length} letters, expected at most ${longest}`;
  return {
    ...row,
    candidate: { ...row.candidate, id: row.candidate.id.slice(0, longest) },
    error: { code: "id_too_long", message },
  };
}

/**
 * Read one file.
 * @param {File} file
 * @param {object} vocabulary
 * @returns {Promise<{rows: object[], notes: string[]}>}
 */
export async function readFile(file, vocabulary) {
  const kind = file.name.toLowerCase().split(".").at(-1);
  const isStructureFile = STRUCTURE_FILE.test(file.name);
  if (!FILE_KINDS.includes(kind) && !isStructureFile) {
    throw new UnusableInput(
      `${file.name}: expected a file that ends in ${FILE_KINDS.map((end) => `.${end}`).join(", ")}`,
    );
  }
  const most = vocabulary.limits.max_body_bytes;
  if (file.size > most) {
    throw new UnusableInput(`${file.name} has ${file.size} bytes; the service takes at most ${most} in one question`);
  }
  const text = new TextDecoder("utf-8").decode(await file.arrayBuffer());
  if (text.includes("\u0000")) throw new UnusableInput(`${file.name} is not a text file`);
  if (kind === "csv") return readTable(text, vocabulary, file.name);
  if (kind === "tsv") return readTable(text, vocabulary, file.name, "\t");
  if (kind === "txt") return readText(text, vocabulary, file.name);
  const id = file.name.replace(/\.(cif|vasp|poscar|json)$/i, "").slice(0, vocabulary.limits.longest_id);
  const candidate = isStructureFile ? { id, structure: text } : { id, cif: text };
  return { rows: [{ where: file.name, candidate, error: null }], notes: [] };
}
