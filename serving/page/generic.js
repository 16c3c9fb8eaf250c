/** What the page says of a property that has no module of its own: all of it follows from the vocabulary. */

import { el } from "./dom.js";
import { decadeTicks, niceTicks } from "./chart.js";
import { intervalColumn, noValue } from "./cells.js";
import { facts, section } from "./facts.js";
import { capital, fixed, fromLog10, percent, significant, unitText, valueNodes } from "./format.js";

const DIGITS = 3;
const ROOM = 0.05; // beside the outermost values of a linear axis

/** Return everything that `properties.js` lists, for one property. */
export function genericPage(property, vocabulary) {
  const label = vocabulary.labels[property];
  const name = label.charAt(0).toLowerCase() + label.slice(1);
  const quantities = vocabulary.quantities
    .filter((quantity) => quantity.property === property && quantity.in_answers)
    .map((quantity) => ({ ...quantity, unit: unitText(quantity.unit) }));
  const [main] = quantities;
  return {
    name,
    columns: () => quantities.map((quantity) => genericColumn(property, quantity)),
    axis: () => (main ? genericAxis(property, main) : null),
    sections: (result) => [genericSection(property, label, quantities, result)],
    lateSections: () => [],
    comparison: () => null,
    nearWords: ({ value }) => (typeof value === "number" && main ? withUnit(writerOf(main)(value), main.unit) : "–"),
    knownWords: (_, domain) => distanceWords(domain),
    unfamiliarWords: (result, domain) => unfamiliar(property, result, domain),
    conditionWords: (conditions) => genericConditions(name, conditions),
    choiceWords: {},
    story: null,
    caveat: null,
  };
}

/** What an answer says of a quantity, with ends that may be null; null where it says nothing. */
function intervalOf(result, property, quantity) {
  const said = result[property]?.[quantity.name];
  if (typeof said === "number") return { value: said, lower: null, upper: null };
  return typeof said?.value === "number" ? said : null;
}

function writerOf({ is_log10: isLog10, levels, has_interval: hasInterval, unit }) {
  if (levels.length) return (value) => (levels[value] ?? String(value)).replaceAll("_", " ");
  if (isLog10) return fromLog10;
  return (value) => (hasInterval || unit ? significant(value, DIGITS) : percent(value));
}

function withUnit(text, unit) {
  return unit ? `${text} ${unit}` : text;
}

function genericColumn(property, quantity) {
  return intervalColumn({
    key: quantity.name,
    label: capital(quantity.label),
    unit: quantity.unit,
    first: quantity.higher_is_better ? -1 : 1,
    write: writerOf(quantity),
    isLog10: quantity.is_log10,
    outer: plausible(quantity),
    interval: (result) => intervalOf(result, property, quantity),
    reason: (result) => result[property]?.reason ?? result.reasons?.[property],
    isKnown: (result) => result.applicability[property]?.in_domain ?? false,
    doubt: ", unfamiliar chemistry",
  });
}

/** Between which values a quantity makes sense, as it is written in answers. */
function plausible({ lowest, highest, is_log10: isLog10 }) {
  return isLog10 ? [Math.log10(lowest), Math.log10(highest)] : [lowest, highest];
}

function genericAxis(property, quantity) {
  const write = writerOf(quantity);
  return {
    title: capital(quantity.label),
    label: quantity.unit ? `${quantity.label} (${quantity.unit})` : quantity.label,
    higherIsBetter: quantity.higher_is_better,
    read: (result) => intervalOf(result, property, quantity),
    write: (value) => withUnit(write(value), quantity.unit),
    domain: (values) => (quantity.is_log10 ? decades(values) : padded(values)),
    ticks: (domain) =>
      quantity.is_log10 ? decadeTicks(domain) : niceTicks(domain, 5).map((at) => ({ at, text: String(at) })),
  };
}

function decades(values) {
  const low = Math.floor(Math.min(...values));
  return [low, Math.max(low + 1, Math.ceil(Math.max(...values)))];
}

function padded(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = ROOM * (high - low || Math.abs(high) || 1);
  return [low - room, high + room];
}

function genericSection(property, label, quantities, result) {
  const told = quantities
    .map((quantity) => [quantity, intervalOf(result, property, quantity)])
    .filter(([, interval]) => interval)
    .map(([quantity, interval]) => [quantity.label, valueNodes(interval, writerOf(quantity), quantity.unit)]);
  if (!told.length && !result.reasons?.[property]) return null;
  return section(label, property, told.length ? facts(told) : el("p", {}, noValue(result.reasons[property])));
}

/** How far a row lies from what a model knows, in words. */
export function distanceWords({ distance, domain_radius: radius }) {
  if (distance === null || distance === undefined) return "";
  if (radius === undefined) return `distance ${fixed(distance, 2)} to the nearest known material`;
  return `distance ${fixed(distance, 2)}, intervals were checked up to ${fixed(radius, 2)}`;
}

/** Say that a model does not know a chemistry, with the remark by which it says so itself. */
function unfamiliar(property, result, domain) {
  const own = result.warnings?.find(
    ({ code, message }) => code === "out_of_domain" && message.startsWith(`${property}: `),
  );
  const why = own?.message.slice(property.length + 2) ?? distanceWords(domain);
  return { word: "NOT known", sentence: `I don’t know this chemistry${why && `: ${why}`}` };
}

function genericConditions(name, conditions) {
  const listed = conditions.map((condition) => condition.short.replaceAll("_", " "));
  if (!listed.length) return null;
  const last = listed.pop();
  return `${name} depends on ${listed.length ? `${listed.join(", ")} and ${last}` : last}`;
}
