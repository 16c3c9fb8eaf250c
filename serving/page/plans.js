/** Plans of syntheses: routes with masses, usual heating, who made the like, and the bottles for the routes chosen. */

import { el, put } from "./dom.js";
import { formulaNodes, reactionNodes, sourceLink } from "./format.js";

const STEPS = [
  ["Calcination", "calcination_C", "calcination_h"],
  ["Sintering", "sintering_C", "sintering_h"],
];

/** How the target of a plan is called. */
export function targetOf(plan) {
  return plan.target ? plan.target.read_as : (plan.read_as ?? plan.formula);
}

/**
 * One plan in words.
 * @param {object} plan An entry of `results` of `POST /synthesis`.
 * @param {{chosen: number, onChoose: (place: number) => void}|null} [choice] Where a route can be chosen.
 */
export function planNode(plan, choice = null) {
  const notes = plan.warnings.map((warning) => el("li", {}, warning.message));
  const node = el(
    "article",
    { class: "plan" },
    el("h3", {}, formulaNodes(targetOf(plan))),
    plan.error ? el("p", { class: "problem" }, el("b", {}, "Not planned. "), plan.error.message) : null,
    notes.length ? el("ul", { class: "fine" }, notes) : null,
    plan.routes?.map((route, place) => routeNode(route, place, choice)),
    plan.heating ? heatingNodes(plan.heating) : null,
    plan.recipes ? reports(plan.recipes) : null,
  );
  if (choice) markRoute(node, choice.chosen);
  return node;
}

function routeNode(route, place, choice) {
  const pick =
    choice &&
    el("p", {}, el("button", { type: "button", class: "quiet", "data-route": place, onclick: () => choice.onChoose(place) }));
  return el(
    "details",
    { class: "route", open: place === (choice?.chosen ?? 0) },
    el("summary", {}, `${place + 1}. `, reactionNodes(route.reaction)),
    pick,
    el("ul", {}, route.precursors.map((one) => el("li", {}, `${massText(one.mass_g)} `, formulaNodes(one.formula), mindText(one)))),
    el("ul", { class: "fine" }, route.notes.map((note) => el("li", {}, note))),
  );
}

/** Mark which route of a plan's node is weighed. */
export function markRoute(node, chosen) {
  for (const button of node.querySelectorAll("button[data-route]")) {
    const isChosen = Number(button.dataset.route) === chosen;
    button.setAttribute("aria-pressed", String(isChosen));
    put(button, isChosen ? "✓ weighed by this route" : "weigh by this route");
  }
}

/** A mass as a balance shows it. */
export function massText(mass_g) {
  return `${mass_g.toFixed(4)} g`;
}

/** What to mind with a bottle. */
export function mindText(one) {
  const words = [one.handling === "air" ? "" : one.handling, one.note ?? ""].filter(Boolean);
  return words.length ? `: ${words.join("; ")}` : "";
}

function heatingNodes(said) {
  const rows = STEPS.map(([step, temperature, time]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, step),
      el("td", { class: "number" }, spanText(said[temperature], "°C")),
      el("td", { class: "number" }, spanText(said[time], "h")),
    ),
  );
  return [
    el("h4", {}, "Usual from ", reactionNodes(said.made_from.join(" + "))),
    el("table", { class: "plain heating" }, el("tbody", {}, rows)),
    said.note ? el("p", { class: "fine" }, said.note) : null,
  ];
}

/** The usual heating of a plan in one line. */
export function heatingText(said) {
  return STEPS.map(([step, temperature, time]) => `${step.toLowerCase()} ${spanText(said[temperature], "°C")}, ${spanText(said[time], "h")}`).join("; ");
}

function spanText(number, unit) {
  const shown = (value) => (value >= 10 ? value.toFixed(0) : value.toPrecision(2));
  if (number.lower === null) return `${shown(number.value)} ${unit}, too few reported for an interval`;
  return `${shown(number.value)} ${unit} (${shown(number.lower)} to ${shown(number.upper)})`;
}

function reports(recipes) {
  if (!recipes.length) return el("p", {}, "Nobody is known to have made the like.");
  return [el("h4", {}, "Reported for this and the likest targets"), el("ul", { class: "reports" }, recipes.map(report))];
}

function report(one) {
  const steps = STEPS.filter(([, temperature]) => one[temperature] !== null).map(([step, temperature, time]) => {
    const hours = one[time] === null ? "" : ` ${one[time]} h`;
    return `${step.toLowerCase()} ${one[temperature]} °C${hours}`;
  });
  if (!steps.length && one.temperature_C !== null) steps.push(`heated at ${one.temperature_C} °C`);
  if (one.atmosphere) steps.push(one.atmosphere);
  const said = `${one.target} from ${one.precursors.join(" + ")}${steps.length ? `: ${steps.join(", ")}` : ""} `;
  return el("li", {}, said, sourceLink(one.doi));
}

/**
 * Add up what the chosen routes need, the largest mass first.
 * @param {object[]} plans Those that can be made.
 * @param {number[]} routes Of each the route, from 0.
 * @returns {object[]} `{formula, name, handling, note, mass_g, batches}` as `shopping_list` of `POST /synthesis`.
 */
export function bottlesFor(plans, routes) {
  const bottles = new Map();
  plans.forEach((plan, i) => {
    const target = plan.target.formula;
    for (const { formula, name, handling, note, mass_g: mass } of plan.routes[routes[i]].precursors) {
      const bottle = bottles.get(formula) ?? { formula, name, handling, note, mass_g: 0, batches: {} };
      bottle.mass_g += mass;
      bottle.batches[target] = (bottle.batches[target] ?? 0) + mass;
      bottles.set(formula, bottle);
    }
  });
  return [...bottles.values()].sort((a, b) => b.mass_g - a.mass_g || (a.formula < b.formula ? -1 : 1));
}

/** The table of bottles: head and body. */
export function bottlesTable(list) {
  const rows = list.map((one) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", "data-label": "Bottle" }, formulaNodes(one.formula), el("small", {}, one.name)),
      el("td", { class: "number", "data-label": "In all" }, massText(one.mass_g)),
      el("td", { "data-label": "For" }, Object.entries(one.batches).map(([target, mass]) => `${massText(mass)} for ${target}`).join(", ")),
      el("td", { "data-label": "Handling" }, one.handling, one.note ? el("small", {}, one.note) : null),
    ),
  );
  const titles = ["Bottle", "In all", "For", "Handling"].map((title) => el("th", { scope: "col" }, title));
  return [el("thead", {}, el("tr", {}, titles)), el("tbody", {}, rows)];
}
