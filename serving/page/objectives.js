/** The targets of a ranking: a list that is edited by choices, each kept as the text that `POST /rank` takes. */

import { byId, el, put } from "./dom.js";
import { fieldLine } from "./fields.js";
import { unitText } from "./format.js";

const SENSES = [
  [">=", "at least"],
  ["<=", "at most"],
  ["maximise", "as high as possible"],
  ["minimise", "as low as possible"],
];
const BOUND = /^([A-Za-z_0-9]+)\s*(>=|<=)\s*([^@]+?)\s*(?:@(.*))?$/;
const WAY = /^(maximise|minimise)\s+([A-Za-z_0-9]+)\s*(?:@(.*))?$/;
const AGAINST = /^(window|margin) against ([^@<>]+?)\s*(?:@.*)?$/;
const TEMPERATURE = "temperature_C";

/** Return an objective in words, with its unit; one that is not understood here stands as it was written. */
export function objectiveWords(text, known) {
  const of = (name) => known.find((one) => one.name === name);
  const at = (where) => (where ? ` at ${/^-?[\d.]+$/.test(where) ? `${where} °C` : where.replaceAll("=", " ")}` : "");
  const bound = text.match(BOUND);
  if (bound && of(bound[1])) {
    const { label, unit } = of(bound[1]);
    const shown = /[A-Za-z/%]/.test(bound[3].replace(/e[+-]?\d+/i, "")) || !unit ? bound[3] : `${bound[3]} ${unitText(unit)}`;
    return `${label} ${bound[2] === ">=" ? "at least" : "at most"} ${shown}${at(bound[4])}`;
  }
  const way = text.match(WAY);
  if (way && of(way[2])) return `${of(way[2]).label} as ${way[1] === "maximise" ? "high" : "low"} as possible${at(way[3])}`;
  const against = text.match(AGAINST);
  if (against) return `window reaches beyond ${against[2]}`;
  return text;
}

/** The list of targets with its inputs. */
export class Objectives {
  /**
   * @param {HTMLElement} box
   * @param {(words: string) => void} say
   * @param {() => void} onChange
   */
  constructor(box, say, onChange) {
    Object.assign(this, { box, say, onChange });
    this.texts = [];
    this.known = [];
  }

  /** Make the inputs of what the service can be asked for. */
  offer(vocabulary) {
    this.known = vocabulary.objectives.filter(({ property }) => !property || vocabulary.kinds[property] === "inorganic");
    this.electrodes = vocabulary.electrodes.map(({ name }) => name);
    this.list = el("ul", { class: "chips", id: "objectives", "aria-label": "Targets" });
    const names = this.known.map((one) =>
      el("option", { value: one.name }, one.takes_electrode ? `${one.label} against an electrode` : one.label),
    );
    const quantity = el("select", { id: "objective-name", onchange: () => this.follow() }, names);
    this.parts = el("span", { class: "objective-parts" });
    put(
      this.box,
      this.list,
      el(
        "div",
        { class: "objective-add" },
        el("p", {}, el("label", { for: "objective-name" }, "Another target"), quantity),
        this.parts,
        el("p", {}, el("button", { type: "button", id: "objective-add", onclick: () => this.add() }, "Add target")),
      ),
      el(
        "details",
        {},
        el("summary", {}, "Write a target as text"),
        el(
          "p",
          { class: "inline-form" },
          el("label", { for: "objective-text" }, "Target"),
          el("input", { id: "objective-text", type: "text", spellcheck: "false", autocomplete: "off", placeholder: "sigma>=1 mS/cm@60", onkeydown: (event) => this.onTextKey(event) }),
          el("button", { type: "button", onclick: () => this.addText() }, "Add"),
        ),
      ),
    );
    this.follow();
    this.draw();
  }

  chosen() {
    return this.known.find((one) => one.name === byId("objective-name").value);
  }

  /** Show the inputs that the chosen quantity takes. */
  follow() {
    const one = this.chosen();
    if (one.takes_electrode) {
      put(this.parts, fieldLine("objective-electrode", { label: "Electrode", words: this.electrodes }, { notStated: null }));
      return;
    }
    const senses = SENSES.map(([value, words]) =>
      el("option", { value, selected: value === (one.higher_is_better ? ">=" : "<=") }, words),
    );
    put(
      this.parts,
      el("p", {}, el("label", { for: "objective-sense" }, "Wanted"), el("select", { id: "objective-sense", onchange: () => this.followSense() }, senses)),
      el("span", { id: "objective-bound" }, this.boundLine(one)),
      one.conditions.includes(TEMPERATURE) &&
        fieldLine("objective-at", { label: "At", unit: "°C", type: "number", default: "25" }, { notStated: null }),
    );
  }

  boundLine(one) {
    const line = { label: "Value", unit: one.unit, ...(one.levels.length ? { words: one.levels } : { type: "string" }) };
    return fieldLine("objective-value", line, { notStated: one.levels.length ? null : "", attributes: { inputmode: "decimal" } });
  }

  followSense() {
    byId("objective-bound").hidden = !/=/.test(byId("objective-sense").value);
  }

  /** Take what stands in the inputs into the list. */
  add() {
    const one = this.chosen();
    if (one.takes_electrode) return this.take(`window against ${byId("objective-electrode").value}`);
    const sense = byId("objective-sense").value;
    const at = one.conditions.includes(TEMPERATURE) && byId("objective-at").value.trim();
    const where = at ? `@${at}` : "";
    if (!/=/.test(sense)) return this.take(`${sense} ${one.name}${where}`);
    const value = byId("objective-value").value.trim();
    if (!value) {
      this.say(`${one.label}: give a value${one.unit ? ` in ${unitText(one.unit)}` : ""}.`);
      return byId("objective-value").focus();
    }
    return this.take(`${one.name}${sense}${value}${where}`);
  }

  onTextKey(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.addText();
  }

  addText() {
    const text = byId("objective-text").value.trim();
    if (!text) return;
    byId("objective-text").value = "";
    this.take(text);
  }

  take(text) {
    if (!this.texts.includes(text)) this.texts = [...this.texts, text];
    this.draw();
    this.say(`Wanted: ${objectiveWords(text, this.known)}.`);
    this.onChange();
  }

  /** Set the whole list. */
  set(texts) {
    this.texts = [...texts];
    this.draw();
  }

  remove(text) {
    const at = this.texts.indexOf(text);
    this.texts = this.texts.filter((other) => other !== text);
    this.draw();
    this.say(`No longer wanted: ${objectiveWords(text, this.known)}.`);
    this.onChange();
    (this.list.querySelectorAll("button")[Math.min(at, this.texts.length - 1)] ?? byId("objective-name")).focus();
  }

  draw() {
    if (!this.list) return;
    const items = this.texts.map((text) => {
      const words = objectiveWords(text, this.known);
      return el(
        "li",
        { title: text },
        words,
        el("button", { type: "button", class: "quiet", "aria-label": `Take out: ${words}`, onclick: () => this.remove(text) }, "✕"),
      );
    });
    put(this.list, items.length ? items : el("li", { class: "none" }, "none yet: choose a preset, or add one"));
  }
}
