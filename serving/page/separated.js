/** CSV and tab-separated text, read and written by RFC 4180. */

/** A text that cannot be read; the message is for people. */
export class UnreadableText extends Error {}

/**
 * Read records of cells.
 * @param {string} text With or without byte order mark; quotes may hold separators, line breaks and doubled quotes.
 * @param {string} [separator]
 * @returns {{line: number, cells: string[]}[]} Records that are not blank, each with the line it starts on, from 1.
 */
export function parseSeparated(text, separator = ",") {
  const records = [];
  let [cells, cell, line, startLine, quotedFrom] = [[], "", 1, 1, 0];
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;

  function endRecord() {
    cells.push(cell);
    if (cells.length > 1 || cells[0].trim() !== "") records.push({ line: startLine, cells });
    [cells, cell, startLine] = [[], "", line];
  }

  for (let at = 0; at < source.length; at += 1) {
    const letter = source[at];
    if (letter === "\n") line += 1;
    if (quotedFrom) {
      if (letter !== '"') cell += letter;
      else if (source[at + 1] === '"') [cell, at] = [cell + '"', at + 1];
      else quotedFrom = 0;
    } else if (letter === '"' && cell === "") quotedFrom = line;
    else if (letter === separator) [cells, cell] = [[...cells, cell], ""];
    else if (letter === "\n") endRecord();
    else if (letter !== "\r" || source[at + 1] !== "\n") cell += letter;
  }
  if (quotedFrom) throw new UnreadableText(`line ${quotedFrom}: a quotation mark opens and never closes`);
  if (cell !== "" || cells.length) endRecord();
  return records;
}

/**
 * Write records of cells.
 * @param {unknown[][]} records null and undefined become empty cells.
 */
export function writeSeparated(records) {
  return records.map((cells) => cells.map(quoted).join(",") + "\n").join("");
}

function quoted(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
