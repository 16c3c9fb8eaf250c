/** The step Shop: one list of bottles, and for each batch a sheet on which is noted what was weighed. */

import { byId, el, put } from "../dom.js";
import { fixed, formulaNodes, reactionNodes } from "../format.js";
import { bottlesFor, bottlesTable, heatingText, massText, mindText, targetOf } from "../plans.js";
import { saveFile, saveJson } from "../saving.js";
import { writeSeparated } from "../separated.js";

const TOLERATED_PERCENT = 1;

/** The list and the sheets. */
export class ShopStep {
  /** @param {{onWeighed: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.batches = [];
    this.weighed = {};
    byId("shop-csv").addEventListener("click", () => this.saveCsv());
    byId("shop-json").addEventListener("click", () => saveJson("elyte-batches", this.document()));
    byId("shop-print").addEventListener("click", () => window.print());
  }

  /** What was weighed, for the address: by target and precursor, in g. */
  save() {
    const noted = Object.entries(this.weighed).filter(([, mass]) => mass);
    return [["weighed", noted.map(([key, mass]) => `${key}=${mass}`).join(";")]];
  }

  fill(kept) {
    const pairs = (kept.get("weighed") ?? "").split(";").filter(Boolean);
    this.weighed = Object.fromEntries(pairs.map((pair) => pair.split("=")));
  }

  /** What a mass is noted under: its target, not its place, so that no other target ever shows it as its own. */
  key(i, { formula }) {
    const target = targetOf(this.batches[i].plan);
    const before = this.batches.slice(0, i).filter(({ plan }) => targetOf(plan) === target).length;
    return `${target}${before ? `#${before + 1}` : ""}.${formula}`.replace(/[;=]/g, "");
  }

  /** Show the batches: `{plan, route}` of each. */
  show(batches) {
    this.batches = batches;
    byId("shop-none").hidden = batches.length > 0;
    byId("shop-answer").hidden = !batches.length;
    this.bottles = bottlesFor(batches.map(({ plan }) => plan), batches.map(({ route }) => route));
    put(byId("shop-bottles"), bottlesTable(this.bottles));
    put(byId("shop-sheets"), batches.map((batch, i) => this.sheet(batch, i)));
    this.count();
  }

  sheet({ plan, route: place }, i) {
    const route = plan.routes[place];
    const rows = route.precursors.map((one) => this.line(one, this.key(i, one), targetOf(plan)));
    const heads = ["Precursor", "To weigh", "Weighed, g", "Off by"].map((words) => el("th", { scope: "col" }, words));
    return el(
      "article",
      { class: "plan sheet" },
      el("h3", {}, `Batch ${i + 1}: `, formulaNodes(targetOf(plan)), ` ${plan.target.grams} g`),
      el("p", { class: "fine" }, reactionNodes(route.reaction)),
      el("table", { class: "plain cards weighing" }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)),
      plan.heating && el("p", {}, el("b", {}, "Usual heating: "), heatingText(plan.heating), plan.heating.note && el("span", { class: "fine" }, ` ${plan.heating.note}`)),
      el("ul", { class: "fine" }, [...route.notes, ...plan.warnings.map(({ message }) => message)].map((note) => el("li", {}, note))),
    );
  }

  line(one, key, target) {
    const off = el("td", { class: "number", "data-label": "Off by" }, offWords(this.weighed[key], one.mass_g));
    const note = (event) => {
      this.weighed = { ...this.weighed, [key]: event.target.value.trim() };
      put(off, offWords(this.weighed[key], one.mass_g));
      this.count();
      this.hooks.onWeighed();
    };
    const field = { type: "number", step: "any", min: 0, inputmode: "decimal", value: this.weighed[key], onchange: note };
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, formulaNodes(one.formula), el("small", {}, `${one.name}${mindText(one)}`)),
      el("td", { class: "number", "data-label": "To weigh" }, massText(one.mass_g)),
      el("td", { "data-label": "Weighed, g" }, el("input", { ...field, "aria-label": `Weighed ${one.formula} for ${target}, g`, "data-key": key })),
      off,
    );
  }

  /** Say how many batches are weighed. */
  count() {
    const whole = this.batches.filter(({ plan, route }, i) =>
      plan.routes[route].precursors.every((one) => Number(this.weighed[this.key(i, one)]) > 0),
    ).length;
    put(byId("shop-said"), `${whole} of ${this.batches.length} batches weighed.`);
    this.isWhole = this.batches.length > 0 && whole === this.batches.length;
  }

  document() {
    return {
      shopping_list: this.bottles,
      batches: this.batches.map(({ plan, route }, i) => ({
        target: plan.target,
        route: plan.routes[route],
        heating: plan.heating,
        weighed_g: Object.fromEntries(
          plan.routes[route].precursors.map(({ formula }) => [formula, Number(this.weighed[this.key(i, { formula })]) || null]),
        ),
        warnings: plan.warnings,
      })),
    };
  }

  saveCsv() {
    const head = ["batch", "target", "target_g", "precursor", "name", "to_weigh_g", "weighed_g", "handling", "note", "reaction"];
    const lines = this.batches.flatMap(({ plan, route }, i) =>
      plan.routes[route].precursors.map((one) => [
        i + 1,
        targetOf(plan),
        plan.target.grams,
        one.formula,
        one.name,
        one.mass_g,
        this.weighed[this.key(i, one)],
        one.handling,
        one.note,
        plan.routes[route].reaction,
      ]),
    );
    saveFile("elyte-batches.csv", writeSeparated([head, ...lines]), "text/csv");
  }
}

function offWords(text, mass_g) {
  const mass = Number(text);
  if (!text) return "–";
  if (!(mass > 0)) return "no mass";
  const off = 100 * (mass / mass_g - 1);
  return el("span", { class: Math.abs(off) > TOLERATED_PERCENT ? "warn" : null }, `${off > 0 ? "+" : ""}${fixed(off, 2)} %`);
}
