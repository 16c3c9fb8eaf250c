/** Reactions with lithium, cathodes, coatings and moist air, asked for on demand. */

import { el, put } from "../../dom.js";
import { fixed, formulaNodes, reactionNodes } from "../../format.js";
import { ask, Refusal } from "../../service.js";

const ROLES = {
  lithium_metal: "anode",
  cathode: "cathode",
  charged_cathode: "charged cathode",
  coating: "coating",
  water: "moist air",
  material: "material",
};
const QUIET_EV_PER_ATOM = 0.001;

/** A box with a button; the table takes its place when it is there. */
export function contactsBox(formula) {
  const box = el("div", { class: "contacts" });
  const voltage = el("input", {
    type: "number",
    min: 0,
    max: 10,
    step: 0.1,
    id: "contact-voltage",
    inputmode: "decimal",
  });
  const button = el("button", { type: "button" }, "Show reactions at interfaces");
  const out = el("div", { "aria-live": "polite" });
  button.addEventListener("click", async () => {
    const volts = voltage.value === "" ? null : Number(voltage.value);
    if (volts !== null && !(volts >= 0 && volts <= 10))
      return put(out, el("p", { class: "problem" }, "The potential must lie between 0 and 10 V."));
    button.disabled = true;
    put(out, el("p", {}, "Asking …"));
    try {
      const body = { formula, against: ["all"], ...(volts === null ? {} : { voltage_V: volts }) };
      put(out, contactsTable(await ask("./interface", { body })));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      put(out, el("p", { class: "problem" }, `${error.title}: ${error.message}`));
    } finally {
      button.disabled = false;
    }
  });
  box.append(
    el(
      "p",
      { class: "inline-form" },
      button,
      el("label", { for: "contact-voltage" }, " held at ", voltage, " V (empty: closed system)"),
    ),
    out,
  );
  return box;
}

function contactsTable(document) {
  if (document.status === "error") return el("p", { class: "problem" }, document.error.message);
  const head = el(
    "tr",
    {},
    ["Against", "Energy, eV/atom", "of it added by the contact", "Reaction"].map((words) => el("th", { scope: "col" }, words)),
  );
  const rows = document.contacts.map((contact) => contactRow(contact, document.voltage_V));
  return [
    el(
      "div",
      { class: "scrolls", tabindex: 0, role: "region", "aria-label": "Reactions at interfaces" },
      el(
        "table",
        { class: "plain" },
        el(
          "caption",
          {},
          "Most exothermic reaction with each partner, 0 K, per atom of the reacting mixture (water: per H₂O at 300 K).",
        ),
        el("thead", {}, head),
        el("tbody", {}, rows),
      ),
    ),
    el(
      "p",
      { class: "fine" },
      "Sulfates and other oxyanions come out too favourable among the products with oxides: a known error of the energies below.",
    ),
  ];
}

function contactRow(contact, voltage_V) {
  const name = el(
    "th",
    { scope: "row" },
    contact.against !== contact.formula && `${contact.against} `,
    el("span", { class: "formula" }, formulaNodes(contact.formula)),
    el("span", { class: "ends" }, ROLES[contact.role] ?? contact.role),
  );
  if (contact.status === "error")
    return el(
      "tr",
      {},
      name,
      el("td", {}, "–"),
      el("td", {}, "–"),
      el("td", { class: "error" }, contact.error.message),
    );
  if (contact.role === "water") return waterRow(name, contact);
  const mixing = contact.at_voltage ?? contact.closed;
  const reaction = contact.with_excess_lithium?.reaction ?? mixing.reaction;
  const notes = [];
  if (contact.at_voltage) notes.push(`at ${voltage_V} V`);
  if (contact.interphase !== "stable")
    notes.push(`${contact.interphase.replaceAll("_", " ")}: ${contact.interphase_why}`);
  if (reaction.footnote) notes.push(reaction.footnote);
  notes.push(...contact.warnings.map((warning) => warning.message));
  return el(
    "tr",
    {},
    name,
    el("td", { class: "number" }, fixed(mixing.energy_eV_per_atom, 3)),
    el("td", { class: "number" }, fixed(mixing.mutual_energy_eV_per_atom, 3)),
    el("td", {}, reactionCell(mixing, reaction), notes.length ? el("span", { class: "ends" }, notes.join("; ")) : null),
  );
}

/** The reaction; where the two leave each other alone, what one of them does by itself is told apart. */
function reactionCell(mixing, reaction) {
  if (mixing.energy_eV_per_atom > -QUIET_EV_PER_ATOM) return "no reaction";
  const mutual = mixing.mutual_reaction.text;
  if (mixing.mutual_energy_eV_per_atom < -QUIET_EV_PER_ATOM) {
    const more =
      mutual !== reaction.text &&
      el("span", { class: "ends" }, "the contact adds most (third column) at another ratio: ", reactionNodes(mutual));
    return [reactionNodes(reaction.text), more];
  }
  return ["no reaction between the two", el("span", { class: "ends" }, "by itself: ", reactionNodes(reaction.text))];
}

function waterRow(name, contact) {
  const final =
    contact.final_reaction.text && Object.keys(contact.final_reaction.products).length
      ? contact.final_reaction
      : contact.reaction;
  const verdict = `${contact.withstands ? "withstands" : "reacts with"} air of ${Number((100 * contact.humidity_bar).toPrecision(2))} % water${contact.evolves_h2s ? "; gives off H₂S (toxic)" : ""}`;
  return el(
    "tr",
    {},
    name,
    el("td", { class: "number" }, fixed(contact.energy_eV_per_H2O, 3)),
    el("td", {}, "–"),
    el("td", {}, reactionNodes(final.text), el("span", { class: "ends" }, verdict)),
  );
}
