/** The view of coatings: a form whose question stands in the address, the funnel, and a table. */

import { byId, el, put } from "./dom.js";
import { answerInto, formOf, linesOf, showProblem } from "./views.js";

const SIDES = { cathode: "the cathode", lithium: "lithium metal" };
const LINES = [
  ["electrolyte", { label: "Electrolyte", default: "Li6PS5Cl" }],
  ["side", { label: "Coating lies at", words: Object.keys(SIDES), choices: SIDES }],
  ["cathode", { label: "Cathode", default: "NMC811" }, "of-cathode"],
  ["cutoff", { label: "Charged up to", unit: "V against Li/Li+", type: "number", default: "4.3" }, "of-cathode"],
  ["own", { label: "Your own candidates, one a line", unit: "optional", rows: 3 }, "own"],
];

/** Show the inputs that the side asks for. */
function followSide() {
  const atCathode = byId("side").value === "cathode";
  for (const node of document.querySelectorAll(".of-cathode")) node.hidden = !atCathode;
}

/** The question of the form, as the service is asked. */
function question() {
  const value = (id) => byId(id).value.trim();
  const asked = { electrolyte: value("electrolyte"), side: value("side") };
  if (asked.side === "cathode") {
    asked.cathode = value("cathode");
    if (value("cutoff")) asked.cutoff_V = Number(value("cutoff"));
  }
  const own = linesOf("own");
  if (own.length) asked.candidates = own;
  return asked;
}

function screen() {
  return answerInto("./../coatings", question(), "screening …", (found) => {
    if (found.status === "error") return showProblem("Not screened", found.error.message);
    show(found);
    return put(byId("said"), `${found.passed} coatings left of ${found.funnel[0].left.toLocaleString("en")}`);
  });
}

function show(found) {
  put(byId("says"), el("b", {}, sentence(found.says)));
  const notes = [...found.assumed, ...found.warnings.map((warning) => warning.message)];
  put(
    byId("without"),
    found.without_coating.map((one) => el("li", {}, `${called(one.against, one.state)}: ${one.reaction}`)),
    notes.map((note) => el("li", {}, note)),
  );
  put(byId("funnel"), found.funnel.map((step) => funnelStep(step, found.funnel[0].left)));
  put(
    byId("left-title"),
    found.coatings.length < found.passed ? `Coatings left, ${found.coatings.length} of ${found.passed}` : "Coatings left",
  );
  put(byId("coatings"), head(found.side), el("tbody", {}, found.coatings.map((one) => row(one, found.side))));
  const told = [
    ...found.asked.map((one) => [one.formula, one.reasons[0] ?? "passed all steps", one.reported]),
    ...found.failed.map((one) => [one.formula, one.message, []]),
  ];
  put(byId("asked"), told.map(([name, why, papers]) => el("li", {}, `${name}: ${why} `, links(papers))));
  byId("asked-title").hidden = !told.length;
  byId("answer").hidden = false;
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

function called(name, state) {
  return state ? `${name}, ${state}` : name;
}

function funnelStep(step, all) {
  const bar = el("meter", { min: 0, max: Math.log10(all + 1), value: Math.log10(step.left + 1), "aria-hidden": "true" });
  return el("li", {}, el("b", {}, step.left.toLocaleString("en")), bar, el("span", {}, step.says));
}

function head(side) {
  const electrode = side === "cathode" ? "Cathode" : "Lithium";
  const titles = ["Coating", "Electrolyte", electrode, "Window (V)", "Gap (eV)", "σ (S/cm)", "Above hull", "Reported", "Why"];
  return el("thead", {}, el("tr", {}, titles.map((title) => el("th", { scope: "col" }, title))));
}

function row(one, side) {
  const number = (...children) => el("td", { class: "number" }, ...children);
  const energy = (added, whole) => number(added.toFixed(3), el("small", {}, whole.toFixed(3)));
  const electrode =
    side === "cathode"
      ? energy(one.added_cathode_eV_per_atom, one.reaction_cathode_eV_per_atom)
      : number((one.layer_at_lithium ?? "–").replaceAll("_", " "));
  const gap = one.band_gap_eV === null ? "not known" : one.band_gap_eV.toFixed(1);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, one.on_front ? "★ " : "", one.formula, one.own ? el("small", {}, "your own") : null),
    energy(one.added_electrolyte_eV_per_atom, one.reaction_electrolyte_eV_per_atom),
    electrode,
    number(one.window_V.map((limit) => limit.toFixed(2)).join(" – ")),
    number(gap, one.band_gap_basis === "model" ? el("small", {}, "predicted") : null),
    sigma(one),
    number(one.above_hull_eV_per_atom.toFixed(3)),
    el("td", {}, links(one.reported)),
    el("td", {}, reactions(one)),
  );
}

/** The ionic conductivity with its interval; dashed words where the model does not know the kind. */
function sigma(one) {
  const said = one.ion_conduction_log10_S_per_cm;
  if (!said) return el("td", { class: "number" }, "not known");
  const [value, low, high] = [said.value, said.lower, said.upper].map((log10) => (10 ** log10).toExponential(0));
  const doubt = one.ion_conduction_in_domain ? null : el("small", {}, "unknown kind");
  return el("td", { class: "number" }, value, el("small", {}, `${low} … ${high}`), doubt);
}

function reactions(one) {
  const lines = one.beside.map((side) => el("li", {}, `${called(side.neighbour, side.state)}: ${side.reaction ?? side.interphase_why}`));
  return el(
    "details",
    {},
    el("summary", {}, "reasons and reactions"),
    el("ul", {}, one.reasons.map((reason) => el("li", {}, reason)), lines),
  );
}

function links(papers) {
  return papers.map((paper) => [el("a", { href: `https://doi.org/${paper.doi}`, rel: "noreferrer" }, paper.kind), " "]);
}

const form = formOf(LINES, "Screen all lithium compounds", () => void screen());
if (!byId("side").value) byId("side").value = "cathode";
followSide();
byId("side").addEventListener("change", followSide);
if (form.isAsked) void screen();
