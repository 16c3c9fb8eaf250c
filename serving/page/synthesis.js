/** The view of syntheses: targets, plans with heating and reports, and one list of bottles. */

import { byId, put } from "./dom.js";
import { bottlesTable, planNode } from "./plans.js";
import { answerInto, formOf, linesOf } from "./views.js";

const EXAMPLE = ["Li6.4La3Zr1.4Ta0.6O12", "Li1.3Al0.3Ti1.7(PO4)3", "Li6PS5Cl", "Li3InCl6"].join("\n");
const LINES = [
  ["targets", { label: "Formulas, one a line", unit: "five at most", rows: 4, default: EXAMPLE }, "own"],
  ["grams", { label: "Each batch", unit: "g", type: "number", default: "2", least: 0 }],
  ["excess", { label: "Lithium in excess", unit: "%", type: "number", default: "0", least: 0 }],
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
    put(byId("plans"), found.results.map((one) => planNode(one)));
    put(byId("bottles"), bottlesTable(found.shopping_list));
    byId("answer").hidden = false;
    const made = found.results.filter((one) => one.status === "ok").length;
    put(byId("said"), `${made} of ${found.results.length} targets can be made from the bottles at hand`);
  });
}

if (formOf(LINES, "Plan the syntheses", () => void plan()).isAsked) void plan();
