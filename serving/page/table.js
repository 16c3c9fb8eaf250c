/** The table of answers: sorted by its heads, a hundred rows a page, errors in their places. */

import { byId, el, put } from "./dom.js";
import { headAxis } from "./cells.js";
import { formulaNodes, readingNode, sourceLink } from "./format.js";
import { flagList, tableWarnings, WARNING_WORDS } from "./known.js";
import { formulaOf, nameOf, readingOf } from "./batch.js";
import { pageOf } from "./properties.js";

const ROWS_PER_PAGE = 100;

/** The columns of every property, in the order of the vocabulary; `cells.js` says what a column is. */
export function propertyColumns(vocabulary) {
  return vocabulary.properties.flatMap((name) => pageOf(name).columns(vocabulary));
}

/** All columns. The nearest measured material is that of the first property. */
function allColumns(vocabulary) {
  const [first] = vocabulary.properties;
  return [
    { key: "place", label: "#", words: "order of the question", first: 1, read: (row) => row.index },
    { key: "material", label: "Material", words: "name", first: 1, read: (row) => nameOf(row).toLowerCase() },
    ...propertyColumns(vocabulary),
    {
      key: "known",
      label: "Known?",
      words: "how much is known",
      first: -1,
      read: ({ result }) => Object.values(result.applicability ?? {}).filter((domain) => domain.in_domain).length,
    },
    {
      key: "nearest",
      label: "Nearest measured",
      words: "distance to the nearest measured",
      first: 1,
      read: ({ result }) => result.applicability?.[first]?.distance ?? null,
    },
  ];
}

/** The table and what the user has done to it. */
export class AnswerTable {
  /**
   * @param {{onOpen: Function, onCompare: Function, isCompared: Function}} hooks
   */
  constructor(hooks) {
    this.hooks = hooks;
    this.sort = { key: "place", direction: 1 };
    this.page = 0;
    this.order = [];
    byId("answers").addEventListener("keydown", (event) => this.onKey(event));
    byId("sort-by").addEventListener("change", (event) => this.sortBy(event.target.value));
  }

  /** Make the columns of the service's properties. */
  offer(vocabulary) {
    this.columns = allColumns(vocabulary);
    this.ofProperties = propertyColumns(vocabulary);
    put(
      byId("sort-by"),
      this.columns.map((column) => el("option", { value: column.key }, column.words ?? column.label.toLowerCase())),
    );
  }

  /** Show another batch. */
  show(batch, everything) {
    const kinds = new Set(Object.keys(batch.models).map((name) => everything.kinds[name]));
    const speaks = (name) => !kinds.size || kinds.has(everything.kinds[name]);
    const vocabulary = { ...everything, properties: everything.properties.filter(speaks) };
    this.offer(vocabulary); // nobody asks a formula about polymers
    Object.assign(this, { batch, page: 0, sort: { key: "place", direction: 1 } });
    [this.main] = vocabulary.properties;
    this.properties = vocabulary.properties.filter((name) => name in batch.models);
    const results = batch.rows.map((row) => row.result).filter((result) => result.status === "ok");
    this.scales = Object.fromEntries(this.ofProperties.map((column) => [column.key, column.scale?.(results)]));
    this.arrange();
  }

  /** Sort by a column, or turn the order of the one that is sorted by. */
  sortBy(key) {
    const column = this.columns.find((other) => other.key === key);
    const again = this.sort.key === key;
    this.sort = { key, direction: again ? -this.sort.direction : column.first };
    this.page = 0;
    this.arrange();
    const way = this.sort.direction > 0 ? "ascending" : "descending";
    put(byId("sorted"), `Sorted by ${column.words ?? column.label}, ${way}.`);
  }

  arrange() {
    const { read } = this.columns.find((column) => column.key === this.sort.key);
    const keyed = this.batch.rows.map((row) => ({
      row,
      key: row.result.status === "ok" || this.sort.key === "place" ? read(row) : null,
    }));
    const sign = this.sort.direction;
    keyed.sort(
      (a, b) =>
        (a.key === null) - (b.key === null) || sign * ((a.key > b.key) - (a.key < b.key)) || a.row.index - b.row.index,
    );
    this.order = keyed.map(({ row }) => row);
    this.draw();
  }

  draw() {
    const focused = document.activeElement?.dataset?.sort;
    const from = this.page * ROWS_PER_PAGE;
    put(
      byId("answers-head"),
      el(
        "tr",
        {},
        el("th", { scope: "col", class: "pick" }, el("span", { class: "hidden" }, "Compare")),
        this.columns.map((column) => this.head(column)),
      ),
    );
    put(
      byId("answers-body"),
      this.order.slice(from, from + ROWS_PER_PAGE).map((row) => this.row(row)),
    );
    byId("sort-by").value = this.sort.key;
    this.drawPages();
    if (focused) byId("answers-head").querySelector(`[data-sort="${focused}"]`)?.focus();
  }

  head(column) {
    const sorted = this.sort.key === column.key;
    const order = sorted ? (this.sort.direction > 0 ? "ascending" : "descending") : null;
    const arrow = el(
      "span",
      { class: "arrow", "aria-hidden": "true" },
      sorted ? (this.sort.direction > 0 ? "▲" : "▼") : "",
    );
    const unit = column.unit && el("span", { class: "unit" }, column.unit);
    return el(
      "th",
      { scope: "col", class: `col-${column.key}`, "aria-sort": order },
      el(
        "button",
        {
          type: "button",
          "data-sort": column.key,
          title: `sort by ${column.words ?? column.label}`,
          onclick: () => this.sortBy(column.key),
        },
        column.label,
        unit && " ",
        unit,
        arrow,
      ),
      this.scales[column.key] && headAxis(this.scales[column.key], column.ticks(this.scales[column.key])),
    );
  }

  row(row) {
    const answered = row.result.status === "ok";
    const attributes = {
      tabindex: 0,
      "data-index": row.index,
      class: answered ? "answered" : "failed",
      onclick: (event) => this.onClick(event, row),
    };
    const material = el("td", { class: "col-material", "data-label": "Material" }, materialCell(row));
    const place = el("td", { class: "col-place", "data-label": "Row" }, row.index + 1);
    const picked = el("td", { class: "pick" }, answered && this.pick(row));
    if (!answered)
      return el(
        "tr",
        attributes,
        picked,
        place,
        material,
        el("td", { class: "error", colspan: this.columns.length - 2 }, errorCell(row)),
      );
    return el("tr", attributes, picked, place, material, this.cells(row.result));
  }

  pick(row) {
    return el("input", {
      type: "checkbox",
      checked: this.hooks.isCompared(row),
      "aria-label": `Compare ${nameOf(row)}`,
      onchange: (event) => this.hooks.onCompare(row, event.target),
    });
  }

  cells(result) {
    const cell = (key, label, ...content) => el("td", { class: `col-${key}`, "data-label": label }, ...content);
    return [
      this.ofProperties.map(({ key, card, cell: fill }) => cell(key, card, fill(result, this.scales[key]))),
      cell("known", "Known?", flagList(result, this.properties)),
      cell("nearest", "Nearest measured", nearestCell(result, this.main), warningsCell(result)),
    ];
  }

  onClick(event, row) {
    if (event.target.closest("a, input, label") || String(window.getSelection())) return;
    if (row.result.status === "ok") this.hooks.onOpen(row);
  }

  onKey(event) {
    const line = event.target.closest("tbody tr");
    if (!line || event.target !== line) return;
    const row = this.batch.rows[Number(line.dataset.index)];
    const other = { ArrowDown: line.nextElementSibling, ArrowUp: line.previousElementSibling }[event.key];
    if (other) other.focus();
    else if ((event.key === "Enter" || event.key === " ") && row.result.status === "ok") this.hooks.onOpen(row);
    else return;
    event.preventDefault();
  }

  /** Mark the row that is open, or none. */
  mark(row) {
    for (const line of byId("answers-body").children)
      line.classList.toggle("open", Number(line.dataset.index) === row?.index);
  }

  /** Put the focus on a row, turning to its page. */
  focus(row) {
    const page = Math.floor(this.order.indexOf(row) / ROWS_PER_PAGE);
    if (page !== this.page) this.turnTo(page);
    byId("answers-body").querySelector(`tr[data-index="${row.index}"]`)?.focus();
  }

  /** The row before or after another in the order shown, skipping errors. */
  neighbour(row, step) {
    const answered = this.order.filter((other) => other.result.status === "ok");
    return answered[answered.indexOf(row) + step] ?? null;
  }

  turnTo(page) {
    this.page = page;
    this.draw();
  }

  drawPages() {
    const last = Math.max(0, Math.ceil(this.order.length / ROWS_PER_PAGE) - 1);
    const nav = byId("pages");
    nav.hidden = last === 0;
    const button = (words, page) =>
      el(
        "button",
        { type: "button", disabled: page < 0 || page > last || page === this.page, onclick: () => this.turnTo(page) },
        words,
      );
    const from = this.page * ROWS_PER_PAGE;
    const shown = `rows ${from + 1} to ${Math.min(from + ROWS_PER_PAGE, this.order.length)} of ${this.order.length.toLocaleString("en")}`;
    put(
      nav,
      button("First", 0),
      button("Previous", this.page - 1),
      el("span", { "aria-live": "polite" }, shown),
      button("Next", this.page + 1),
      button("Last", last),
    );
  }
}

function materialCell(row) {
  const { id } = row.result;
  const formula = formulaOf(row);
  return [
    el(
      "span",
      { class: "formula" },
      formula
        ? row.result.status === "ok"
          ? formulaNodes(formula)
          : formula
        : row.candidate.cif
          ? "CIF"
          : row.candidate.structure
            ? "structure"
            : "(nothing)",
    ),
    id && id !== formula && el("span", { class: "id" }, id),
    readingNode(readingOf(row)),
  ];
}

function errorCell(row) {
  const { code, message } = row.result.error;
  return [
    el("b", {}, "✕ not judged: "),
    message,
    " ",
    el("code", {}, code),
    !row.result.local && el("span", { class: "where" }, ` (${row.where})`),
  ];
}

function nearestCell(result, property) {
  const near = result.applicability?.[property]?.nearest[0];
  if (!near) return "–";
  return [
    el("span", { class: "formula" }, formulaNodes(near.formula)),
    el("span", { class: "ends" }, pageOf(property).nearWords(near)),
    sourceLink(near.doi, near.reference),
  ];
}

function warningsCell(result) {
  const warnings = tableWarnings(result);
  if (!warnings.length) return null;
  return el(
    "ul",
    { class: "warnings" },
    warnings.map(({ code, message }) =>
      el("li", { title: message }, "▲ ", WARNING_WORDS[code] ?? code.replaceAll("_", " ")),
    ),
  );
}
