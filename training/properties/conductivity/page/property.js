/** What the page shows of the conductivity; see `properties.js` of the page for what each export means. */

import { drawnToWidth, el } from "../../dom.js";
import { intervalColumn } from "../../cells.js";
import { decadeTicks } from "../../chart.js";
import { chance, facts, figures, section } from "../../facts.js";
import { counted, decade, fixed, percent, powerText, sourceLink, valueNodes } from "../../format.js";
import { conditionsOf, formulaOf } from "../../batch.js";
import { arrheniusChart, arrheniusPoints, showsMeasured, temperatureWarnings } from "./arrhenius.js";
import { driversChart, termsOf } from "./drivers.js";

export const name = "conductivity";
export const styles = ["drivers.css"];
export const story = "its Arrhenius plot and what drives the conductivity";

const GOOD_LOG10 = -3; // 1 mS/cm, what a fast-charging cell needs
const sigmaOf = (result) => result.conductivity?.log10_sigma_S_per_cm ?? null;
const barrierOf = (result) => result.conductivity?.activation_energy_eV ?? null;
const twoDecimals = (value) => fixed(value, 2);

export function columns() {
  return [
    intervalColumn({
      key: "sigma",
      label: "Conductivity",
      unit: "S/cm",
      compared: "σ, S/cm",
      first: -1,
      interval: sigmaOf,
      write: powerText,
      reason: ({ reasons }) => reasons?.conductivity,
      isKnown: ({ applicability }) => applicability.conductivity?.in_domain ?? false,
      isLog10: true,
      inner: [-6, -1],
      outer: [-12, 1],
      mark: { at: GOOD_LOG10, words: `${decade(GOOD_LOG10)} S/cm` },
      doubt: ", unfamiliar chemistry",
    }),
    {
      ...intervalColumn({ key: "barrier", label: "Eₐ", unit: "eV", first: 1, interval: barrierOf, write: twoDecimals }),
      scale: null,
      cell: (result) => (barrierOf(result) ? barrierCell(barrierOf(result)) : "–"),
    },
  ];
}

function barrierCell({ value, lower, upper }) {
  const ends = lower === null || upper === null ? "" : `${fixed(lower, 2)} – ${fixed(upper, 2)}`;
  return [el("span", { class: "number" }, fixed(value, 2)), el("span", { class: "ends" }, ends)];
}

/** Whole decades that hold nearly all values: one that lies far out is cut off by no axis of hundred decades. */
export function axis() {
  return {
    title: "Conductivity",
    label: "σ (S/cm)",
    higherIsBetter: true,
    read: sigmaOf,
    write: (log10) => `${powerText(log10)} S/cm`,
    domain: (values) => [
      Math.min(Math.max(-14, Math.floor(Math.min(...values))), -4),
      Math.max(-1, Math.ceil(Math.max(...values))),
    ],
    ticks: (domain) => decadeTicks(domain),
    mark: GOOD_LOG10,
  };
}

export function sections(result, tools) {
  const { conductivity } = result;
  if (!conductivity) return [];
  const { batch, row } = tools;
  const coverage = batch.general.coverage;
  const degrees = conductivity.temperature_C;
  const points = tools.later((signal) => arrheniusPoints(row, degrees, coverage, signal));
  return [
    section(
      "Conductivity",
      "arrhenius",
      conductivity.measured && el("p", { class: "measured" }, "Measured: ", measuredNodes(conductivity.measured)),
      facts([
        [`σ at ${degrees} °C`, valueNodes(conductivity.log10_sigma_S_per_cm, powerText, "S/cm")],
        ["activation energy", valueNodes(conductivity.activation_energy_eV, twoDecimals, "eV")],
        ["chance of ≥ 1 mS/cm", chance(conductivity.probability_sigma_above_S_per_cm?.["1e-3"])],
        ["from", conductivity.basis],
        conductivity.measured && ["model alone", `${powerText(conductivity.model_log10_sigma_S_per_cm)} S/cm`],
      ]),
      tools.filled(Promise.all([points, tools.full]), ([answered, whole]) => {
        const measured = whole.applicability?.conductivity?.nearest ?? [];
        const series = [{ label: formulaOf(row), points: answered, measured, own_C: degrees }];
        return arrheniusFigure(series, coverage);
      }),
    ),
  ];
}

/** What laboratories found for this very composition, and the latest of them with its source. */
function measuredNodes({ log10_sigma_S_per_cm: middle, lowest, highest, measurements, papers, samples }) {
  const value = middle === null ? "no value counts" : `${powerText(middle)} S/cm`;
  const between = measurements > 1 ? ` (${powerText(lowest)} to ${powerText(highest)})` : "";
  const [{ state, year, doi }] = samples;
  return [
    `${value}, the middle of ${counted(papers, "paper")}${between}; latest: `,
    [state, year].filter(Boolean).join(", "),
    " ",
    sourceLink(doi),
  ];
}

function arrheniusFigure(series, coverage) {
  const [{ points, measured }] = series;
  const warned = temperatureWarnings(points);
  const end = (log10) => (log10 === null ? "–" : powerText(log10));
  return [
    drawnToWidth(el("div", { class: "drawn" }), (widthPx) => arrheniusChart(series, widthPx)),
    el(
      "p",
      { class: "fine" },
      `Line: prediction; band: ${percent(coverage)} interval; large dot: your temperature.`,
      showsMeasured(measured) && " Squares: nearest measured materials.",
      warned.length > 0 && " Hatched: not to be trusted there:",
    ),
    warned.length > 0 &&
      el(
        "ul",
        { class: "warnings" },
        warned.map((message) => el("li", {}, "▲ ", message)),
      ),
    figures(
      "Figures of the plot",
      ["°C", "σ (S/cm)", "lower", "upper"],
      points.map((point) => [point.temperature_C, powerText(point.value), end(point.lower), end(point.upper)]),
    ),
  ];
}

export function lateSections(result, tools) {
  if (!result.conductivity) return [];
  return [section("What drives the conductivity", "drivers", tools.filled(tools.full, driversFigure))];
}

function driversFigure({ conductivity }) {
  const explanation = conductivity?.explanation;
  if (!explanation)
    return el("p", { class: "none" }, conductivity?.explanation_reason ?? "this model gives no explanation");
  const base = explanation.base_log10_sigma_S_per_cm;
  const total = base + termsOf(explanation).reduce((sum, term) => sum + term.decades, 0);
  return [
    el(
      "p",
      { class: "fine" },
      `From the average of known chemistry, ${powerText(base)} S/cm at 25 °C, these terms lead to ${powerText(total)} S/cm.`,
    ),
    drawnToWidth(el("div", { class: "drawn" }), (widthPx) => driversChart(explanation, widthPx)),
    el(
      "p",
      { class: "fine" },
      "They say what moved the model, not what causes conduction: features that go together share their effect, and “not explained” is what none of them accounts for.",
    ),
  ];
}

export function comparison(rows, labels, tools) {
  const { general } = tools.batch;
  const own_C = (row) => conditionsOf(row, general).temperature_C ?? tools.vocabulary.default_temperature_C;
  const asked = rows.map((row) => tools.once(row, () => arrheniusPoints(row, own_C(row), general.coverage)));
  const content = tools.waiting(asked, (answers) => [
    drawnToWidth(el("div", { class: "drawn" }), (widthPx) =>
      arrheniusChart(
        answers.map((points, i) => ({ label: labels[i], formula: true, points })),
        widthPx,
      ),
    ),
    el(
      "p",
      { class: "fine" },
      "Values without their bands: see the intervals in the table before reading a difference.",
    ),
  ]);
  return { title: "Conductivity", content };
}

export function nearWords(near) {
  const sign = near.is_upper_bound ? "< " : "";
  const degrees = near.temperature_C === undefined || near.temperature_C === null ? "" : `, ${near.temperature_C} °C`;
  return `${sign}${powerText(near.value)} S/cm${degrees}`;
}

export function conditionWords() {
  return "Conductivity depends on temperature; that of garnets on density and contribution of the sample";
}
