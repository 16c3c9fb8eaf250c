/** What the page shows of the stability; see `properties.js` of the page for what each export means. */

import { drawnToWidth, el, svg } from "../../dom.js";
import { barScale, BAR_HEIGHT_PX, intervalColumn, noValue, rangeWords, stacked, strip } from "../../cells.js";
import { niceTicks } from "../../chart.js";
import { chance, facts, section } from "../../facts.js";
import { fixed, reactionNodes, valueNodes } from "../../format.js";
import { formulaOf } from "../../batch.js";
import { contactsBox } from "./contacts.js";
import { windowChart } from "./windows.js";

export const name = "stability";
export const styles = ["windows.css"];
export const story = "its window between lithium and the cathodes with what it falls apart into";
export const caveat = "Windows and energies are those of 0 K thermodynamics.";

const WINDOW_V = [0, 5];
const volts = (value) => fixed(value, 2);
const milli = (value) => fixed(1000 * value, 0);
const hullOf = (result) => result.stability?.energy_above_hull_eV_per_atom ?? null;
const widthOf = ({ reduction_V, oxidation_V }) => oxidation_V.value - reduction_V.value;

export function columns({ electrodes }) {
  return [hullColumn(), windowColumn(electrodes)];
}

function hullColumn() {
  return intervalColumn({
    key: "hull",
    label: "Above hull",
    unit: "meV/atom",
    first: 1,
    interval: hullOf,
    write: milli,
    tick: milli,
    reason: ({ reasons }) => reasons?.stability,
    isKnown: ({ applicability }) => applicability.stability?.in_domain ?? false,
    scale: (results) => {
      const uppers = results.map(hullOf).filter((one) => one && one.lower !== null);
      return barScale([0, Math.max(0.1, ...uppers.map((one) => Math.min(one.upper, 0.3)))]);
    },
    mark: { at: 0.025, words: "25 meV/atom" },
    note: ({ stability }) => [" ", basisNote(stability)],
  });
}

function basisNote({ basis }) {
  const title =
    basis === "reference" ? "this compound stands in the table of computed energies" : "predicted by the nets";
  return el("span", { class: "basis", title }, basis === "reference" ? "DFT table" : "predicted");
}

function windowColumn(electrodes) {
  const write = ({ reduction_V, oxidation_V }) => `${volts(reduction_V.value)} to ${volts(oxidation_V.value)}`;
  return {
    key: "window",
    label: "Window",
    unit: "V vs Li/Li⁺",
    card: "Window, V",
    words: "width of the window",
    first: -1,
    read: ({ result }) => (result.stability?.reduction_V ? widthOf(result.stability) : null),
    scale: () => barScale(WINDOW_V),
    ticks: ({ domain }) => niceTicks(domain, 5).map((at) => ({ at, text: String(at) })),
    cell: ({ stability, reasons }, scale) =>
      stability?.reduction_V
        ? stacked(write(stability), windowBar(scale, stability, electrodes))
        : noValue(stability?.window_reason ?? reasons?.stability),
    brief: ({ stability }) => (stability?.reduction_V ? write(stability) : "–"),
    legend: { words: "ticks under windows: electrodes" },
  };
}

/** The window between its limits, lighter where only one end of an interval reaches, over marks of the electrodes. */
function windowBar(scale, { reduction_V, oxidation_V }, electrodes) {
  const inside = (at) => scale(Math.min(WINDOW_V[1], Math.max(WINDOW_V[0], at)));
  const ends = (interval) => [interval.lower ?? interval.value, interval.upper ?? interval.value];
  const [outerLow, innerLow] = ends(reduction_V);
  const [innerHigh, outerHigh] = ends(oxidation_V);
  const words = `stable from ${volts(reduction_V.value)} to ${volts(oxidation_V.value)} V against Li/Li+; reduction${rangeWords(reduction_V, volts)}, oxidation${rangeWords(oxidation_V, volts)}`;
  return strip(
    "window",
    words,
    electrodes.map(({ low_V, high_V }) =>
      svg("path", { class: "electrode", d: `M${inside((low_V + high_V) / 2)} ${BAR_HEIGHT_PX - 4}V${BAR_HEIGHT_PX}` }),
    ),
    svg("path", { class: "tick", d: `M${scale(WINDOW_V[0])} ${BAR_HEIGHT_PX - 0.5}H${scale(WINDOW_V[1])}` }),
    svg("rect", {
      class: "span",
      x: inside(outerLow),
      y: 2,
      width: Math.max(0, inside(outerHigh) - inside(outerLow)),
      height: 8,
    }),
    innerHigh > innerLow &&
      svg("rect", { class: "sure", x: inside(innerLow), y: 2, width: inside(innerHigh) - inside(innerLow), height: 8 }),
    [reduction_V, oxidation_V].map(({ value }) => svg("path", { class: "value", d: `M${inside(value)} 0v12` })),
  );
}

export function axis() {
  return {
    title: "Window",
    words: "width of the window",
    label: "width of the window (V)",
    spoken: "window ",
    higherIsBetter: true,
    read: ({ stability }) => {
      if (!stability?.reduction_V) return null;
      const { reduction_V: red, oxidation_V: ox } = stability;
      const isBounded = red.lower !== null && ox.lower !== null;
      return {
        value: widthOf(stability),
        lower: isBounded ? Math.max(0, ox.lower - red.upper) : null,
        upper: isBounded ? ox.upper - red.lower : null,
      };
    },
    write: (width) => `${volts(width)} V`,
    domain: (values) => [0, Math.ceil(2 * Math.max(1, ...values) + 0.4) / 2],
    ticks: (domain) => niceTicks(domain, 5).map((at) => ({ at, text: String(at) })),
  };
}

export function sections({ stability }, { row, vocabulary }) {
  if (!stability) return [];
  const lines = [
    stability.decomposition && ["by itself", reactionNodes(stability.decomposition)],
    stability.reduction_reaction
      ? [`below ${volts(stability.reduction_V.value)} V`, reactionNodes(stability.reduction_reaction)]
      : stability.reduction_V && ["down to 0 V", "stable against lithium metal"],
    stability.oxidation_reaction && [
      `above ${volts(stability.oxidation_V.value)} V`,
      reactionNodes(stability.oxidation_reaction),
    ],
  ];
  return [
    section(
      "Stability",
      "window",
      facts([
        ["above hull", valueNodes(stability.energy_above_hull_eV_per_atom, milli, "meV/atom")],
        ["chance to be stable", chance(stability.probability_stable)],
        ["formation energy", valueNodes(stability.formation_energy_eV_per_atom, (value) => fixed(value, 3), "eV/atom")],
        ["energies", stability.basis === "reference" ? "of the DFT table" : "predicted"],
        stability.reduction_V && ["reduction limit", valueNodes(stability.reduction_V, volts, "V")],
        stability.oxidation_V && ["oxidation limit", valueNodes(stability.oxidation_V, volts, "V")],
      ]),
      stability.reduction_V
        ? windowFigure(formulaOf(row), stability, vocabulary.electrodes)
        : el("p", { class: "none" }, `No window: ${stability.window_reason}.`),
      facts(lines, "reactions"),
      contactsBox(formulaOf(row)),
    ),
  ];
}

function windowFigure(label, stability, electrodes) {
  return [
    el(
      "div",
      { class: "plot" },
      drawnToWidth(el("div", { class: "drawn" }), (widthPx) => windowChart([{ label, stability }], electrodes, widthPx)),
    ),
    el(
      "p",
      { class: "fine" },
      "Intrinsic window of complete decomposition at 0 K; pale ends: where only part of the interval reaches. Kinetics and coatings stretch it.",
    ),
  ];
}

export function comparison(rows, labels, { vocabulary }) {
  const series = rows.map((row, i) => ({ label: labels[i], stability: row.result.stability }));
  const content = drawnToWidth(el("div", { class: "drawn" }), (widthPx) =>
    windowChart(series, vocabulary.electrodes, widthPx),
  );
  return { title: "Stability windows", content };
}

export function nearWords(near) {
  return `${milli(near.energy_above_hull_eV_per_atom)} meV/atom above hull`;
}

export function conditionWords() {
  return null;
}
