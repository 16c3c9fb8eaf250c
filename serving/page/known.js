/** Whether a model knows this chemistry, in words, and what it knows nearest. */

import { el } from "./dom.js";
import { formulaNodes, sourceLink } from "./format.js";
import { pageOf } from "./properties.js";

export const WARNING_WORDS = {
  no_lithium: "no lithium",
  not_charge_balanced: "charges do not balance",
  temperature_extrapolated: "outside the temperatures known",
  temperature_in_kelvin: "kelvin by mistake?",
  phase_change: "phase change in between",
  unseen_element: "element never measured",
  out_of_domain: "unfamiliar",
  condition_ignored: "condition not used",
  window_closed: "window without width",
};

/**
 * Say whether one property's model knows a row.
 * @param {object} result An answered row.
 * @param {string} property
 * @returns {{known: boolean|null, word: string, sentence: string}} known is null where nothing was judged.
 */
export function knownness(result, property) {
  const domain = result.applicability?.[property];
  const page = pageOf(property);
  if (!domain)
    return { known: null, word: "not judged", sentence: result.reasons?.[property] ?? `${page.name} was not judged` };
  if (!domain.in_domain) {
    const { word, sentence } = page.unfamiliarWords(result, domain);
    return { known: false, word, sentence: `${page.name}: ${sentence}` };
  }
  const told = page.knownWords(result, domain);
  return { known: true, word: "known", sentence: `known chemistry for ${page.name}${told && `: ${told}`}` };
}

/** A shape for those who do not see the colour. */
function shapeOf(known) {
  if (known === null) return "–";
  return known ? "●" : "◇";
}

/** The flags of a row, one a property, each a word and a shape. */
export function flagList(result, properties) {
  const flags = properties.map((property) => {
    const { known, word, sentence } = knownness(result, property);
    const kind = known === null ? "flag none" : known ? "flag yes" : "flag no";
    return el(
      "li",
      { class: kind, title: sentence },
      el("span", { "aria-hidden": "true" }, shapeOf(known)),
      ` ${pageOf(property).name} `,
      el("b", {}, word),
    );
  });
  return el("ul", { class: "flags" }, flags);
}

/** What each model knows of a row, first of all. */
export function verdicts(result, batch) {
  const items = Object.keys(batch.models).map((property) => {
    const { known, sentence } = knownness(result, property);
    return el(
      "li",
      { class: known === false ? "no" : known ? "yes" : "none" },
      el("span", { "aria-hidden": "true" }, `${shapeOf(known)} `),
      sentence,
    );
  });
  return el("ul", { class: "verdicts", "aria-label": "What the models know" }, items);
}

/** `conductivity 1.0 (shipped)` of each model. */
export function modelWords(models) {
  return Object.entries(models).map(([name, { version, origin }]) => `${pageOf(name).name} ${version} (${origin})`);
}

/** One nearest known material: formula, value, source. */
export function nearestItem(property, near) {
  const sample = near.material && near.material !== near.formula ? ` (${near.material})` : "";
  return [
    el("span", { class: "formula" }, formulaNodes(near.formula)),
    sample,
    " · ",
    pageOf(property).nearWords(near),
    " · ",
    sourceLink(near.doi, near.reference),
  ];
}

/** Remarks of a row beside what `knownness` says. */
export function otherWarnings(result) {
  return (result.warnings ?? []).filter((warning) => warning.code !== "out_of_domain");
}

/** Remarks that are worth a place in the table. */
export function tableWarnings(result) {
  return otherWarnings(result).filter((warning) => warning.code !== "condition_ignored");
}
