/** What the page shows of polymer electrolytes; see `properties.js` of the page for what each export means. */

import { drawnToWidth, el } from "../../dom.js";
import { facts, figures, section } from "../../facts.js";
import { fixed, fromLog10, valueNodes } from "../../format.js";
import { curveChart } from "./curve.js";

const SIGMA = "log10_polymer_sigma_S_per_cm";

export const name = "polymer";
export const story = "a polymer’s conductivity over temperature";
export const caveat = "Of polymers: crystals, thermal history, plasticisers.";

export function sections(result) {
  const block = result.polymer;
  if (!block) return [];
  const { transference, curve } = block;
  const told = facts([
    [`conductivity at ${block.temperature_C} °C`, valueNodes(block[SIGMA], fromLog10, "S/cm")],
    ["apparent activation energy", `${fixed(block.polymer_activation_energy_eV, 2)} eV`],
    ["glass transition of the chain", `${fixed(block.glass_transition_C, 0)} °C, predicted`],
    ["salt", `${fixed(block.molality, 2)} mol/kg, ${fixed(block.lithium_mol_per_kg, 2)} mol Li/kg`],
    transference.length > 0 && ["transference numbers measured in it", transferenceWords(transference)],
  ]);
  const plot = drawnToWidth(el("div", { class: "drawn" }), (widthPx) => curveChart(block, widthPx));
  const rows = curve.map((point) => [
    `${point.temperature_C}`,
    ...[point[SIGMA], point.lower, point.upper].map((level) => fromLog10(level)),
  ]);
  return [
    section("Conductivity of the polymer", "polymer", told, plot, figures("The curve in numbers", HEADS, rows)),
  ];
}

const HEADS = ["°C", "S/cm", "from", "to"];

function transferenceWords(measured) {
  const values = measured.map(({ t_plus: value }) => value);
  const span = [...new Set([Math.min(...values), Math.max(...values)])].map((value) => fixed(value, 2)).join(" to ");
  return `${span} (${measured.length} ${measured.length === 1 ? "value" : "values"})`;
}

export function nearWords({ value, temperature_C: degrees }) {
  return `${fromLog10(value)} S/cm at ${degrees} °C`;
}

export function knownWords(_, { distance, domain_radius: radius }) {
  if (distance === 0) return "this polymer was measured";
  return `the nearest chain lies at ${fixed(distance, 2)}, as nine of ten known ones do up to ${fixed(radius, 2)}`;
}
