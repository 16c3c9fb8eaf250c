/** The rate of a cell: two electrolytes and the numbers of the cell in, the rate with what limits it out. */

import { byId, drawnToWidth, el, put } from "./dom.js";
import { facts, figures } from "./facts.js";
import { fieldLine } from "./fields.js";
import { formulaNodes, fromLog10, percent, withInterval } from "./format.js";
import { readCondition, UnusableInput } from "./reading.js";
import { ask } from "./service.js";
import { lossText, lossWords, waterfall } from "./waterfall.js";

const ALWAYS_SHOWN = 5;
const ELECTROLYTES = [
  ["anolyte", "Anolyte, the separator beside lithium", "Li5.5PS4.5Cl1.5"],
  ["catholyte", "Catholyte, in the composite cathode", "Li3InCl6"],
];
const number = (value) => (value > 0 ? fromLog10(Math.log10(value)) : String(value));

/** The section with its form and answer. */
export class CellPanel {
  /** @param {{onFailure: Function, onAsk: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    byId("cell-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
  }

  /** Make the form of the service's numbers of a cell. */
  offer(vocabulary) {
    const used = new Set(vocabulary.cell_conditions);
    const others = vocabulary.conditions.filter((one) => used.has(one.name) && !one.of_one_sample);
    this.inputs = [...vocabulary.cell.map((one) => ({ ...one, type: "number" })), ...others];
    const [shown, folded] = [this.inputs.slice(0, ALWAYS_SHOWN), this.inputs.slice(ALWAYS_SHOWN)];
    const temperature = folded.filter((one) => one.name === "temperature_C");
    const rest = folded.filter((one) => one.name !== "temperature_C");
    put(
      byId("cell-form"),
      el(
        "div",
        { class: "cell-inputs" },
        ELECTROLYTES.map(([name, label, value]) =>
          fieldLine(`cell-${name}`, { label, default: value }, { notStated: null }),
        ),
        [...shown, ...temperature].map(inputLine),
      ),
      el(
        "details",
        {},
        el("summary", {}, `More of the cell: ${rest.length} numbers with their defaults`),
        el("div", { class: "cell-inputs" }, rest.map(inputLine)),
      ),
      el("p", { class: "actions" }, el("button", { type: "submit", class: "primary", id: "cell-ask" }, "Which rate?")),
    );
  }

  /** Ask the service about what stands in the form. */
  async ask() {
    this.hooks.onAsk();
    const again = () => this.ask();
    try {
      const body = this.read();
      byId("cell-ask").disabled = true;
      const answer = await ask("./rate", { body });
      put(byId("cell-answer"), answer.status === "ok" ? answerNodes(answer) : errorNode(answer));
    } catch (error) {
      this.hooks.onFailure(error, again);
    } finally {
      byId("cell-ask").disabled = false;
    }
  }

  read() {
    const conditions = {};
    for (const one of this.inputs) {
      const field = byId(`cell-${one.name}`);
      if (field.validity.badInput) throw new UnusableInput(`${one.label}: expected a number`);
      const text = field.value.trim();
      if (!text || text === field.defaultValue) continue;
      const { value, problem } = readCondition(text, one);
      if (problem) throw new UnusableInput(`${one.label}: ${problem}`);
      conditions[one.name] = value;
    }
    const named = Object.fromEntries(ELECTROLYTES.map(([name]) => [name, byId(`cell-${name}`).value.trim()]));
    for (const [name, text] of Object.entries(named)) {
      if (!text) throw new UnusableInput(`${name}: expected a formula, a name such as LLZO, or PEO20-LiTFSI`);
    }
    return { ...named, conditions };
  }
}

function inputLine(one) {
  const help = one.source ? `${one.help} Default: ${one.source}.` : one.help;
  return fieldLine(`cell-${one.name}`, { ...one, help }, { notStated: one.source ? "as predicted or by default" : "not stated" });
}

function errorNode(answer) {
  return el("p", { class: "cell-error" }, el("b", {}, "Not judged. "), answer.error.message);
}

function answerNodes(answer) {
  const shares = Object.entries(answer.limited_by_shares).sort((a, b) => b[1] - a[1]);
  const limits = shares.map(([name, share]) => `${lossWords(name)} (${percent(Math.round(100 * share) / 100)})`);
  const rate = answer.c_rate_reached;
  return [
    el(
      "p",
      { class: "cell-verdict" },
      el("b", {}, `${number(rate.value)}C`),
      ` (${number(rate.lower)} to ${number(rate.upper)}, ${percent(rate.coverage)}); asked for: ${answer.c_rate}C,`,
      ` ${number(answer.current_density_mA_per_cm2)} mA/cm², reached with a probability of`,
      ` ${percent(answer.probability_reached)}. Limited by ${limits.slice(0, 3).join(", ")}.`,
    ),
    el(
      "div",
      { class: "cell-parts" },
      el(
        "div",
        {},
        el("h3", {}, `Losses at ${answer.c_rate}C`),
        drawnToWidth(el("div", { class: "drawn", id: "cell-waterfall" }), (widthPx) => waterfall(answer, widthPx)),
        figures(
          "The losses as numbers",
          ["loss", "mV"],
          Object.entries(answer.losses_mV).map(([name, loss]) => [lossWords(name), lossText(name, loss)]),
        ),
      ),
      el("div", {}, factsOf(answer), notesOf(answer)),
    ),
  ];
}

function factsOf(answer) {
  const needed = answer.sigma_needed_by_layer_S_per_cm;
  const needs = (value) => (value === null ? "none is enough" : `${number(value)} S/cm`);
  const salt = answer.salt;
  return facts([
    ...["anolyte", "catholyte"].map((name) => [
      [name, " ", formulaNodes(answer[name].read_as ?? answer[name].formula)],
      `${withInterval(answer[name].sigma_S_per_cm, number)} S/cm`,
    ]),
    ["by the losses alone", `${withInterval(answer.c_rate_by_losses, number)} C`],
    answer.critical_current_mA_per_cm2 && [
      "critical current density",
      `${withInterval(answer.critical_current_mA_per_cm2, number)} mA/cm²`,
    ],
    salt && ["limiting current of the salt", `${withInterval(salt.limiting_current_mA_per_cm2, number)} mA/cm²`],
    [`needed for ${answer.c_rate}C, both layers`, needs(answer.conductivity_needed_S_per_cm)],
    ["the catholyte alone", needs(needed.catholyte)],
    ["the anolyte alone", needs(needed.anolyte)],
    ["cathode", `${number(answer.cell.cathode_thickness_um)} µm thick`],
  ]);
}

function notesOf(answer) {
  const warned = ["anolyte", "catholyte"].flatMap((name) => answer[name].warnings.map((one) => `${name}: ${one.message}`));
  return el(
    "ul",
    { class: "fine cell-notes" },
    [...answer.notes, ...answer.warnings.map(({ message }) => message), ...warned].map((words) => el("li", {}, words)),
  );
}
