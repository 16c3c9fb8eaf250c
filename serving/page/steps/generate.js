/** Candidates from a pattern, into the list of formulas. */

import { byId, el, put } from "../dom.js";
import { fieldLine, filledLines, tickLine } from "../fields.js";
import { counted, formulaNodes } from "../format.js";
import { UnusableInput } from "../reading.js";
import { ask, askPatiently } from "../service.js";

const MOST = 1000;
const SHOWN = 30;
const FIELDS = ["pattern", "pattern-values", "pattern-parent"];
const FAMILIES = [
  ["dope", "dope: ions of another charge"],
  ["anions", "exchange anions"],
  ["swap", "swap whole elements"],
];
const TICKS = [
  ["balanced", "only balanced charges", true],
  ["new", "only what is not known yet", false],
];

/** The panel in the question. */
export class GeneratePanel {
  /** @param {{onTake: (formulas: string[]) => void, onFailure: Function, say: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    const tick = ([name, label, checked = false]) => tickLine(`pattern-${name}`, label, { checked });
    put(
      byId("generate"),
      el("summary", {}, "Generate candidates by a pattern"),
      el(
        "form",
        { id: "generate-form", novalidate: true, onsubmit: (event) => this.onSubmit(event) },
        el(
          "div",
          { class: "parts" },
          fieldLine("pattern", { label: "Pattern" }, { notStated: "Li{6-x}PS{5-x}Cl{1+x} or Li3{Y,In}Cl6" }),
          fieldLine("pattern-values", { label: "Values" }, { notStated: "x=0:0.8:0.1" }),
          fieldLine("pattern-parent", { label: "or a parent" }, { notStated: "Li7La3Zr2O12" }),
        ),
        el("fieldset", { class: "ticks" }, el("legend", { class: "hidden" }, "Families of the parent, and what is kept"), FAMILIES.map(tick), TICKS.map(tick)),
        el("p", {}, el("button", { type: "submit", id: "generate-ask" }, "Generate")),
      ),
      el("p", { class: "fine", role: "status", id: "generate-said" }),
      el("div", { id: "generate-answer" }),
    );
  }

  save() {
    const ticks = [...FAMILIES, ...TICKS].map(([name]) => [`pattern-${name}`, byId(`pattern-${name}`).checked ? "1" : ""]);
    const fields = FIELDS.map((id) => [id, byId(id).value.trim()]);
    return fields.some(([, text]) => text) ? [...fields, ...ticks] : [];
  }

  fill(kept) {
    for (const id of FIELDS) byId(id).value = kept.get(id) ?? "";
    if (!FIELDS.some((id) => kept.has(id))) return;
    for (const [name] of [...FAMILIES, ...TICKS]) byId(`pattern-${name}`).checked = kept.get(`pattern-${name}`) === "1";
    byId("generate").open = true;
  }

  question() {
    const [patterns, variables, parents] = FIELDS.map((id) => byId(id).value);
    const asked = Object.fromEntries([...FAMILIES, ...TICKS].map(([name]) => [name, byId(`pattern-${name}`).checked]));
    const body = { ...asked, patterns: parts(patterns, /\s+/), variables: parts(variables, /[\s;]+/), parents: filledLines(parents), most: MOST };
    if (!body.patterns.length && !body.parents.length) throw new UnusableInput("give a pattern, or a parent with a family");
    return body;
  }

  onSubmit(event) {
    event.preventDefault();
    void this.generate();
  }

  async generate() {
    put(byId("generate-answer"));
    try {
      const found = await askPatiently(
        () => ask("./generate", { body: this.question() }),
        (refusal) => put(byId("generate-said"), `${refusal.title}, asking again`),
      );
      this.show(found);
    } catch (error) {
      put(byId("generate-said"));
      this.hooks.onFailure(error, () => this.generate());
    }
  }

  show({ candidates, made, left_out: leftOut, unbalanced }) {
    const told = [
      `${counted(candidates.length, "candidate")} of ${counted(made, "combination")}`,
      ...Object.entries(leftOut).map(([reason, count]) => `${count} left out: ${reason}`),
      unbalanced && `${unbalanced} that no common oxidation states balance`,
    ];
    put(byId("generate-said"), `${told.filter(Boolean).join("; ")}.`);
    if (!candidates.length) return;
    const names = candidates.slice(0, SHOWN).map((one) => el("li", { title: one.known === "no" ? `nearest known: ${one.nearest_known ?? "none"}` : one.known }, formulaNodes(one.formula), one.known !== "no" && el("small", {}, ` ${one.known}`)));
    const more = candidates.length - names.length;
    put(
      byId("generate-answer"),
      el("p", {}, el("button", { type: "button", id: "generate-take", onclick: () => this.take(candidates) }, `Add ${candidates.length === 1 ? "it" : `all ${candidates.length}`} to the list`)),
      el("ul", { class: "chips" }, names, more > 0 && el("li", {}, `and ${more.toLocaleString("en")} more`)),
    );
    byId("generate-take").focus();
  }

  take(candidates) {
    this.hooks.onTake(candidates.map(({ formula }) => formula));
    this.hooks.say(`${counted(candidates.length, "formula")} added to the list; Ctrl Z in the field takes them out again.`);
  }
}

function parts(text, separator) {
  return text.split(separator).filter(Boolean);
}
