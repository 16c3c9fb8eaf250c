/** Small pieces of the panel: titled parts, names with values, tables of figures. */

import { el } from "./dom.js";
import { percent } from "./format.js";

/** A titled part of the panel. */
export function section(title, key, ...content) {
  return el(
    "section",
    { class: `part part-${key}`, "aria-labelledby": `part-${key}` },
    el("h3", { id: `part-${key}` }, title),
    content,
  );
}

/** Names and values; false pairs are left out. */
export function facts(pairs, className = "") {
  const rows = pairs.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  return el("dl", { class: `facts ${className}` }, rows);
}

/** A probability in whole percent. */
export function chance(probability) {
  return probability === undefined || probability === null ? "–" : percent(Math.round(100 * probability) / 100);
}

/** A plot's numbers for those who cannot see it, or want them. */
export function figures(title, heads, rows) {
  return el(
    "details",
    { class: "figures" },
    el("summary", {}, title),
    el(
      "table",
      { class: "plain" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((words) => el("th", { scope: "col" }, words)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((cells) =>
          el(
            "tr",
            {},
            cells.map((cell) => el("td", { class: "number" }, cell)),
          ),
        ),
      ),
    ),
  );
}
