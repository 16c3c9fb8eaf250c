/** Losses of a cell as a waterfall: each bar begins where the one above ends; a line marks what is allowed. */

import { svg } from "./dom.js";

const ROW_PX = 24;
const TOP_PX = 18;
const LABEL_PX = 170;
const NUMBER_PX = 62;
const LEAST_PX = 1.5;
const WORDS = {
  critical_current: "critical current of the anolyte",
  separator: "separator",
  salt_polarisation: "salt that is pushed aside",
  anode_interface: "interface with lithium",
  cathode_ions: "ions in the cathode",
  cathode_electrons: "electrons in the cathode",
  charge_transfer: "charge transfer",
  particle_diffusion: "diffusion in particles",
};

/** What a loss or limit is called. */
export function lossWords(name) {
  return WORDS[name] ?? name.replaceAll("_", " ");
}

/** A loss in mV; one without end is null. */
export function lossText(name, loss) {
  if (loss !== null) return loss.toFixed(1);
  return name === "salt_polarisation" ? "runs out" : "no end";
}

/**
 * Draw the losses of an answer of `POST /rate`.
 * @param {object} answer
 * @param {number} widthPx
 */
export function waterfall(answer, widthPx) {
  const losses = Object.entries(answer.losses_mV);
  const sum = losses.reduce((total, [, loss]) => total + (loss ?? 0), 0);
  const full = 1.02 * Math.max(sum, answer.loss_allowed_mV);
  const barPx = Math.max(widthPx - LABEL_PX - NUMBER_PX, 60);
  const x = (mV) => LABEL_PX + (barPx * mV) / full;
  const heightPx = TOP_PX + ROW_PX * (losses.length + 1) + 6;
  const nodes = [];
  let start = 0;
  losses.forEach(([name, loss], i) => {
    const end = start + (loss ?? 0);
    nodes.push(...row(lossWords(name), lossText(name, loss), start, end, i, { x }));
    start = end;
  });
  const total = answer.total_loss_mV;
  const kind = total === null || total > answer.loss_allowed_mV ? "sum over" : "sum";
  const text = total === null ? "–" : total.toFixed(0);
  nodes.push(...row("sum", text, 0, sum, losses.length, { x, kind }));
  const at = x(answer.loss_allowed_mV);
  nodes.push(
    svg("line", { class: "allowed", x1: at, x2: at, y1: TOP_PX - 4, y2: heightPx - 2 }),
    svg(
      "text",
      { class: "note", x: at, y: TOP_PX - 7, "text-anchor": at > widthPx - 80 ? "end" : "middle" },
      `${answer.loss_allowed_mV} mV allowed`,
    ),
  );
  const label = `Losses: ${losses.map(([name, loss]) => `${lossWords(name)} ${loss ?? "without end"}`).join(", ")} mV`;
  return svg(
    "svg",
    { class: "chart waterfall", role: "img", "aria-label": label, width: widthPx, height: heightPx },
    nodes,
  );
}

function row(words, text, start, end, place, { x, kind = "loss" }) {
  const y = TOP_PX + ROW_PX * place;
  const width = end > start ? Math.max(x(end) - x(start), LEAST_PX) : 0;
  return [
    svg("text", { x: LABEL_PX - 8, y: y + 16, "text-anchor": "end" }, words),
    svg("rect", { class: `fall ${kind}`, x: x(start), y: y + 4, width, height: ROW_PX - 8 }),
    svg("text", { class: "amount", x: x(end) + 6, y: y + 16 }, text),
  ];
}
