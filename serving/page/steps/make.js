/** The step Make: how each chosen target is made, and by which route it is to be weighed. */

import { byId, el, put } from "../dom.js";
import { fieldLine, filledLines } from "../fields.js";
import { counted } from "../format.js";
import { markRoute, planNode, targetOf } from "../plans.js";
import { UnusableInput } from "../reading.js";
import { saveJson } from "../saving.js";
import { ask, askPatiently } from "../service.js";
import { MOST_TARGETS } from "./rank.js";

const ROUTES = 3;
const FIELDS = [
  ["make-grams", "g", { label: "Each batch", unit: "g", type: "number", default: "2", least: 0 }],
  ["make-excess", "excess", { label: "Lithium in excess", unit: "%", type: "number", default: "0", least: 0 }],
];

/** The form and the plans. */
export class MakeStep {
  /** @param {{onPlanned: Function, onRoute: Function, onShop: Function, onFailure: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.planned = null;
    this.routes = [];
    put(
      byId("make-form"),
      el(
        "p",
        { class: "own" },
        el("label", { for: "make-targets" }, "Targets, one a line ", el("span", { class: "unit" }, `${MOST_TARGETS} at most`)),
        el("textarea", { id: "make-targets", rows: MOST_TARGETS, spellcheck: "false", autocomplete: "off", autocapitalize: "off" }),
      ),
      el("div", { class: "line" }, FIELDS.map(([id, , line]) => fieldLine(id, line))),
      el("p", { class: "actions" }, el("button", { type: "submit", class: "primary", id: "make-ask" }, "Plan the syntheses")),
    );
    byId("make-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.plan();
    });
  }

  say(words) {
    put(byId("make-said"), words);
  }

  /** Name what is to be made. */
  take(formulas) {
    byId("make-targets").value = formulas.join("\n");
  }

  save() {
    return [
      ["make", byId("make-targets").value.trim()],
      ...FIELDS.map(([id, name, line]) => [name, byId(id).value.trim() === line.default ? "" : byId(id).value.trim()]),
      ["routes", this.routes.some(Boolean) ? this.routes.join(",") : ""],
    ];
  }

  fill(kept) {
    byId("make-targets").value = kept.get("make") ?? "";
    for (const [id, name, line] of FIELDS) byId(id).value = kept.get(name) ?? line.default;
    this.routes = (kept.get("routes") ?? "").split(",").map((text) => Number(text) || 0);
  }

  question() {
    const formulas = filledLines(byId("make-targets").value);
    if (!formulas.length) throw new UnusableInput("no target is named: choose some under Rank, or type them");
    if (formulas.length > MOST_TARGETS) throw new UnusableInput(`received ${formulas.length} targets, expected at most ${MOST_TARGETS} at a time`);
    const [grams, excess] = FIELDS.map(([id, , { label }]) => {
      if (byId(id).validity.badInput || !byId(id).value.trim()) throw new UnusableInput(`${label}: expected a number`);
      return Number(byId(id).value);
    });
    return { formulas, grams, lithium_excess: excess / 100, top: ROUTES };
  }

  /** Plan what is named; `keepRoutes` where the choice of routes comes with the question. */
  async plan(keepRoutes = false) {
    byId("make-ask").disabled = true;
    this.say("planning …");
    try {
      const body = this.question();
      const found = await askPatiently(
        () => ask("./synthesis", { body }),
        (refusal) => this.say(`${refusal.title}, asking again`),
      );
      this.show(found, keepRoutes ? this.routes : []);
      this.hooks.onPlanned();
      if (keepRoutes) return;
      byId("make-title").focus({ preventScroll: true });
      byId("make-answer").scrollIntoView({ block: "start" });
    } catch (error) {
      this.say("");
      this.hooks.onFailure(error, () => this.plan(keepRoutes));
    } finally {
      byId("make-ask").disabled = false;
    }
  }

  answer() {
    return this.planned && { planned: this.planned, routes: this.routes };
  }

  show(planned, routes) {
    this.planned = planned;
    byId("make-answer").hidden = !planned;
    if (!planned) return;
    this.routes = planned.results.map((plan, i) => Math.min(routes[i] ?? 0, Math.max(0, (plan.routes?.length ?? 0) - 1)));
    const made = planned.results.filter((plan) => plan.status === "ok").length;
    this.say(`${made} of ${counted(planned.results.length, "target")} can be made from the bottles at hand.`);
    put(
      byId("make-plans"),
      planned.results.map((plan, i) =>
        planNode(plan, { chosen: this.routes[i], onChoose: (place) => this.choose(i, place) }),
      ),
    );
    byId("make-next").disabled = made === 0;
  }

  choose(i, place) {
    this.routes = this.routes.map((route, k) => (k === i ? place : route));
    markRoute(byId("make-plans").children[i], place);
    this.say(`${targetOf(this.planned.results[i])} is weighed by route ${place + 1}.`);
    this.hooks.onRoute();
  }

  saveJson() {
    saveJson("elyte-syntheses", { ...this.planned, routes_chosen: this.routes.map((route) => route + 1) });
  }

  /** The plans that can be made, each with its chosen route. */
  batches() {
    if (!this.planned) return [];
    return this.planned.results.map((plan, i) => ({ plan, route: this.routes[i] })).filter(({ plan }) => plan.status === "ok");
  }
}
