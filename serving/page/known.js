/** Whether a model knows this chemistry, in words, and what it knows nearest. */

import { el } from "./dom.js";
import { fixed, formulaNodes, fromLog10, sigmaText, sourceLink } from "./format.js";

export const PROPERTY_NAMES = { conductivity: "conductivity", stability: "stability", ccd: "CCD" };
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
  const name = PROPERTY_NAMES[property];
  if (!domain)
    return { known: null, word: "not judged", sentence: result.reasons?.[property] ?? `${name} was not judged` };
  const numbers = distanceWords(domain);
  const support = property === "ccd" ? papersWords(result.ccd) : "";
  const told = [numbers, support].filter(Boolean).join("; ");
  if (domain.in_domain)
    return { known: true, word: "known", sentence: `known chemistry for ${name}${told && `: ${told}`}` };
  const isCurrent = property === "ccd";
  const why = isCurrent ? support : (ownWarning(result, property)?.message.slice(property.length + 2) ?? numbers);
  return {
    known: false,
    word: isCurrent ? "few reports" : "NOT known",
    sentence: `${name}: ${isCurrent ? (result.ccd?.support?.class_papers ? "too few reports" : "no report of such a cell") : "I don’t know this chemistry"}${why && `: ${why}`}`,
  };
}

/** The remark by which a model says that it does not know a row. */
function ownWarning(result, property) {
  return result.warnings?.find(({ code, message }) => code === "out_of_domain" && message.startsWith(`${property}: `));
}

function distanceWords({ distance, domain_radius }) {
  if (distance === null || distance === undefined) return "";
  if (domain_radius === undefined) return `distance ${fixed(distance, 2)} to the nearest report`;
  return `distance ${fixed(distance, 2)}, intervals were checked up to ${fixed(domain_radius, 2)}`;
}

function papersWords(block) {
  const support = block?.support;
  if (!support || !block.electrolyte_class) return "";
  const papers = support.class_papers === 1 ? "1 paper stands" : `${support.class_papers} papers stand`;
  return `${papers} behind ${block.electrolyte_class}, ${support.conditions_papers} behind a cell like this one`;
}

/** The three flags of a row, each a word and a shape. */
export function flagList(result, properties) {
  const flags = properties.map((property) => {
    const { known, word, sentence } = knownness(result, property);
    const shape = known === null ? "–" : known ? "●" : "◇";
    const kind = known === null ? "flag none" : known ? "flag yes" : "flag no";
    return el(
      "li",
      { class: kind, title: sentence },
      el("span", { "aria-hidden": "true" }, shape),
      ` ${PROPERTY_NAMES[property]} `,
      el("b", {}, word),
    );
  });
  return el("ul", { class: "flags" }, flags);
}

/** The value of a nearest known material with its unit, as nodes. */
export function nearestValue(property, near) {
  if (property === "conductivity") {
    const sign = near.is_upper_bound ? "< " : "";
    const degrees = near.temperature_C === undefined || near.temperature_C === null ? "" : `, ${near.temperature_C} °C`;
    return `${sign}${sigmaText(near.value)} S/cm${degrees}`;
  }
  if (property === "stability") return `${fixed(1000 * near.energy_above_hull_eV_per_atom, 0)} meV/atom above hull`;
  const cell = [
    near.interlayer_type && near.interlayer_type !== "none" ? `${near.interlayer_type} interlayer` : "no interlayer",
    near.temperature_C !== null && `${near.temperature_C} °C`,
  ];
  return `${near.is_lower_bound ? "> " : ""}${fromLog10(near.value)} mA/cm², ${cell.filter(Boolean).join(", ")}`;
}

/** One nearest known material: formula, value, source. */
export function nearestItem(property, near) {
  const sample = near.material && near.material !== near.formula ? ` (${near.material})` : "";
  return [
    el("span", { class: "formula" }, formulaNodes(near.formula)),
    sample,
    " · ",
    nearestValue(property, near),
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
