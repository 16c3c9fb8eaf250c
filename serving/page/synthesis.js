/** The view of syntheses: targets, plans with heating and reports, and one list of bottles. */

import { byId, el, put } from "./dom.js";
import { answerInto, keepInAddress, linesOf, readAddress } from "./views.js";

const FIELDS = ["targets", "grams", "excess"];
const STEPS = [
  ["Calcination", "calcination_C", "calcination_h"],
  ["Sintering", "sintering_C", "sintering_h"],
];

/** The question of the form, as the service is asked; what is no number is left for it to refuse. */
function question() {
  const asked = { formulas: linesOf("targets"), top: 3 };
  if (byId("grams").value) asked.grams = Number(byId("grams").value);
  if (byId("excess").value) asked.lithium_excess = Number(byId("excess").value) / 100;
  return asked;
}

function plan() {
  return answerInto("./../synthesis", question(), "planning …", (found) => {
    put(byId("plans"), found.results.map(planOf));
    put(byId("bottles"), bottles(found.shopping_list));
    byId("answer").hidden = false;
    const made = found.results.filter((one) => one.status === "ok").length;
    put(byId("said"), `${made} of ${found.results.length} targets can be made from the bottles at hand`);
  });
}

function planOf(one) {
  const name = one.target ? one.target.read_as : one.read_as ?? one.formula;
  const notes = one.warnings.map((warning) => el("li", {}, warning.message));
  return el(
    "article",
    {},
    el("h3", {}, name),
    one.error ? el("p", { role: "alert" }, el("b", {}, "Not planned. "), one.error.message) : null,
    el("ul", { class: "fine" }, notes),
    one.routes?.map((route, place) => routeOf(route, place)),
    one.heating ? heating(one.heating) : null,
    one.recipes ? reports(one.recipes) : null,
  );
}

function routeOf(route, place) {
  const title = `${place + 1}. ${route.reaction}`;
  const body = [
    el("ul", {}, route.precursors.map((one) => el("li", {}, `${one.mass_g.toFixed(4)} g ${one.formula}${mind(one)}`))),
    el("ul", { class: "fine" }, route.notes.map((note) => el("li", {}, note))),
  ];
  return el("details", place ? {} : { open: "" }, el("summary", {}, title), body);
}

function mind(one) {
  const words = [one.handling === "air" ? "" : one.handling, one.note ?? ""].filter(Boolean);
  return words.length ? `: ${words.join("; ")}` : "";
}

function heating(said) {
  const rows = STEPS.map(([step, temperature, time]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, step),
      el("td", { class: "number" }, span(said[temperature], "°C")),
      el("td", { class: "number" }, span(said[time], "h")),
    ),
  );
  return [
    el("h4", {}, `Usual from ${said.made_from.join(" + ")}`),
    el("table", { class: "plain heating" }, el("tbody", {}, rows)),
    said.note ? el("p", { class: "fine" }, said.note) : null,
  ];
}

function span(number, unit) {
  const shown = (value) => (value >= 10 ? value.toFixed(0) : value.toPrecision(2));
  if (number.lower === null) return `${shown(number.value)} ${unit}, too few reported for an interval`;
  return `${shown(number.value)} ${unit} (${shown(number.lower)} to ${shown(number.upper)})`;
}

function reports(recipes) {
  if (!recipes.length) return el("p", {}, "Nobody is known to have made the like.");
  return [
    el("h4", {}, "Reported for this and the likest targets"),
    el("ul", { class: "reports" }, recipes.map(report)),
  ];
}

function report(one) {
  const steps = STEPS.filter(([, temperature]) => one[temperature] !== null).map(([step, temperature, time]) => {
    const hours = one[time] === null ? "" : ` ${one[time]} h`;
    return `${step.toLowerCase()} ${one[temperature]} °C${hours}`;
  });
  if (!steps.length && one.temperature_C !== null) steps.push(`heated at ${one.temperature_C} °C`);
  if (one.atmosphere) steps.push(one.atmosphere);
  const said = `${one.target} from ${one.precursors.join(" + ")}${steps.length ? `: ${steps.join(", ")}` : ""} `;
  return el("li", {}, said, el("a", { href: `https://doi.org/${one.doi}`, rel: "noreferrer" }, one.doi));
}

function bottles(list) {
  const rows = list.map((one) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, one.formula),
      el("td", { class: "number" }, `${one.mass_g.toFixed(4)} g`),
      el("td", {}, Object.entries(one.batches).map(([target, mass]) => `${mass.toFixed(4)} g for ${target}`).join(", ")),
      el("td", {}, one.handling),
    ),
  );
  const titles = ["Bottle", "In all", "For", "Handling"].map((title) => el("th", { scope: "col" }, title));
  return [el("thead", {}, el("tr", {}, titles)), el("tbody", {}, rows)];
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  keepInAddress(FIELDS);
  void plan();
});
if (readAddress(FIELDS)) void plan();
