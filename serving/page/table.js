/** The table of answers: sorted by its heads, a hundred rows a page, errors in their places. */

import { byId, el, put } from "./dom.js";
import { ccdBar, columnScales, headAxis, hullBar, sigmaBar, stacked, windowBar } from "./cells.js";
import { fixed, formulaNodes, fromLog10, readingNode, sigmaText, sourceLink } from "./format.js";
import { flagList, nearestValue, tableWarnings, WARNING_WORDS } from "./known.js";
import { formulaOf, nameOf, readingOf } from "./batch.js";

const ROWS_PER_PAGE = 100;
const value = (interval) => interval?.value ?? null;
const width = (block) => (block?.reduction_V ? block.oxidation_V.value - block.reduction_V.value : null);

/** Columns: what is sorted by, and which way first. `axis` names a scale that stands in the head. */
export const COLUMNS = [
  { key: "place", label: "#", words: "order of the question", first: 1, read: (row) => row.index },
  { key: "material", label: "Material", words: "name", first: 1, read: (row) => nameOf(row).toLowerCase() },
  {
    key: "sigma",
    label: "Conductivity",
    unit: "S/cm",
    axis: "sigma",
    first: -1,
    read: ({ result }) => value(result.conductivity?.log10_sigma_S_per_cm),
  },
  {
    key: "barrier",
    label: "Eₐ",
    unit: "eV",
    first: 1,
    read: ({ result }) => value(result.conductivity?.activation_energy_eV),
  },
  {
    key: "hull",
    label: "Above hull",
    unit: "meV/atom",
    axis: "hull",
    first: 1,
    read: ({ result }) => value(result.stability?.energy_above_hull_eV_per_atom),
  },
  {
    key: "window",
    label: "Window",
    unit: "V vs Li/Li⁺",
    axis: "window",
    words: "width of the window",
    first: -1,
    read: ({ result }) => width(result.stability),
  },
  {
    key: "ccd",
    label: "CCD",
    unit: "mA/cm²",
    axis: "ccd",
    first: -1,
    read: ({ result }) => value(result.ccd?.log10_ccd_mA_per_cm2),
  },
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
    read: ({ result }) => result.applicability?.conductivity?.distance ?? null,
  },
];

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
    const choice = byId("sort-by");
    put(
      choice,
      COLUMNS.map((column) => el("option", { value: column.key }, column.words ?? column.label.toLowerCase())),
    );
    choice.addEventListener("change", () => this.sortBy(choice.value));
  }

  /** Show another batch. */
  show(batch, vocabulary) {
    Object.assign(this, { batch, electrodes: vocabulary.electrodes, page: 0, sort: { key: "place", direction: 1 } });
    this.properties = vocabulary.properties.filter((name) => name in batch.models);
    this.scales = columnScales(batch.rows.map((row) => row.result).filter((result) => result.status === "ok"));
    this.arrange();
  }

  /** Sort by a column, or turn the order of the one that is sorted by. */
  sortBy(key) {
    const column = COLUMNS.find((other) => other.key === key);
    const again = this.sort.key === key;
    this.sort = { key, direction: again ? -this.sort.direction : column.first };
    this.page = 0;
    this.arrange();
    const way = this.sort.direction > 0 ? "ascending" : "descending";
    put(byId("sorted"), `Sorted by ${column.words ?? column.label}, ${way}.`);
  }

  arrange() {
    const { read } = COLUMNS.find((column) => column.key === this.sort.key);
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
        COLUMNS.map((column) => this.head(column)),
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
      column.axis && headAxis(this.scales[column.axis], column.axis),
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
        el("td", { class: "error", colspan: COLUMNS.length - 2 }, errorCell(row)),
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
    const { conductivity, stability, ccd, reasons = {} } = result;
    const known = (name) => result.applicability[name]?.in_domain ?? false;
    const cell = (key, label, ...content) => el("td", { class: `col-${key}`, "data-label": label }, ...content);
    const none = (reason) => el("span", { class: "none", title: reason }, "no value: ", reason ?? "not judged");
    const sigma = conductivity?.log10_sigma_S_per_cm;
    const hull = stability?.energy_above_hull_eV_per_atom;
    const current = ccd?.log10_ccd_mA_per_cm2;
    return [
      cell(
        "sigma",
        "Conductivity, S/cm",
        sigma
          ? stacked(`${sigmaText(sigma.value)}`, sigmaBar(this.scales.sigma, sigma, known("conductivity")))
          : none(reasons.conductivity),
      ),
      cell("barrier", "Eₐ, eV", conductivity ? barrierCell(conductivity.activation_energy_eV) : "–"),
      cell(
        "hull",
        "Above hull, meV/atom",
        hull
          ? stacked(
              [fixed(1000 * hull.value, 0), " ", basisNote(stability)],
              hullBar(this.scales.hull, hull, known("stability")),
            )
          : none(reasons.stability),
      ),
      cell(
        "window",
        "Window, V",
        stability?.reduction_V
          ? stacked(
              `${fixed(stability.reduction_V.value, 2)} to ${fixed(stability.oxidation_V.value, 2)}`,
              windowBar(this.scales.window, stability, this.electrodes),
            )
          : none(stability?.window_reason ?? reasons.stability),
      ),
      cell(
        "ccd",
        "CCD, mA/cm²",
        current
          ? stacked(fromLog10(current.value), ccdBar(this.scales.ccd, current, known("ccd")))
          : none(ccd?.reason ?? reasons.ccd),
      ),
      cell("known", "Known?", flagList(result, this.properties)),
      cell("nearest", "Nearest measured", nearestCell(result), warningsCell(result)),
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

function barrierCell({ value: middle, lower, upper }) {
  const ends = lower === null || upper === null ? "" : `${fixed(lower, 2)} – ${fixed(upper, 2)}`;
  return [el("span", { class: "number" }, fixed(middle, 2)), el("span", { class: "ends" }, ends)];
}

function basisNote({ basis }) {
  const title =
    basis === "reference" ? "this compound stands in the table of computed energies" : "predicted by the nets";
  return el("span", { class: "basis", title }, basis === "reference" ? "DFT table" : "predicted");
}

function nearestCell(result) {
  const near = result.applicability?.conductivity?.nearest[0];
  if (!near) return "–";
  return [
    el("span", { class: "formula" }, formulaNodes(near.formula)),
    el("span", { class: "ends" }, nearestValue("conductivity", near)),
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
