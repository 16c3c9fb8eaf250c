/** Small pieces of the panel: titled parts, names with values, tables of figures. */

import { el } from "./dom.js";
import { percent } from "./format.js";
import { knownness, otherWarnings, PROPERTY_NAMES } from "./known.js";

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

/** What each model knows of a row, first of all. */
export function verdicts(result, batch) {
  const items = Object.keys(batch.models).map((property) => {
    const { known, sentence } = knownness(result, property);
    const shape = known === null ? "–" : known ? "●" : "◇";
    return el(
      "li",
      { class: known === false ? "no" : known ? "yes" : "none" },
      el("span", { "aria-hidden": "true" }, `${shape} `),
      sentence,
    );
  });
  return el("ul", { class: "verdicts", "aria-label": "What the models know" }, items);
}

/** The other remarks, null where there are none. */
export function warningsBox(result) {
  const warnings = otherWarnings(result);
  if (!warnings.length) return null;
  return el(
    "ul",
    { class: "warnings", "aria-label": "Remarks" },
    warnings.map(({ code, message }) =>
      code === "condition_ignored" ? el("li", { class: "aside" }, message) : el("li", {}, "▲ ", message),
    ),
  );
}

/** Which models answered. */
export function modelsBox(models) {
  const lines = Object.entries(models).map(
    ([name, { version, origin }]) => `${PROPERTY_NAMES[name] ?? name} ${version} (${origin})`,
  );
  return el("p", { class: "fine models" }, `Answered by: ${lines.join(" · ")}`);
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
