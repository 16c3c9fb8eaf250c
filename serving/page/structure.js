/** The structure's answer beside the formula's: a CIF is queued to be relaxed, and followed until it is done. */

import { el, put } from "./dom.js";
import { facts, figures, section } from "./facts.js";
import { ask, pause, Refusal } from "./service.js";

const AGAIN_MS = 2000;
const MAKER = "sevenn-0";
const BELIEVE = {
  structure: "Believe the structure",
  formula: "Believe the formula",
  both: "Both say the same",
  neither: "Not compared",
};

/** The part of the panel for a row that came as a CIF; it fills in as the job goes on. */
export function structureSection(row, batch, signal) {
  const box = el("div", { class: "structure", "aria-live": "polite" }, line("Asking whether structures are relaxed here …"));
  follow(row, batch, box, signal).catch((error) => {
    if (error.name === "AbortError") return;
    if (!(error instanceof Refusal)) throw error;
    put(box, el("p", { class: "problem" }, `${error.title}: ${error.message}`), again(row, batch, box, signal));
  });
  return section("As drawn in your CIF", "structure", box);
}

async function follow(row, batch, box, signal) {
  const service = await ask("./structures", { signal });
  if (!service.potentials[MAKER]) {
    return put(box, line("No potential is installed on the service (elyte[structure]): the formula's answer stands alone."));
  }
  const { cif, structure, block, id } = row.candidate;
  const body = { ...(cif ? { cif } : { structure }), coverage: batch.general.coverage, ...(block && { block }), ...(id && { id }) };
  let job = await ask("./structures", { body, signal });
  while (job.state === "queued" || job.state === "running") {
    put(box, waiting(job), cancelButton(job, row, batch, box, signal));
    await pause(AGAIN_MS, signal);
    job = await ask(`./structures/${job.id}`, { signal });
  }
  return put(box, ended(job), job.state === "cancelled" ? again(row, batch, box, signal) : null);
}

function waiting(job) {
  if (job.state === "queued") return line(`Queued${job.ahead ? `, ${job.ahead} before it` : ""}: a minute or two.`);
  if (job.step === null) return line("Running: the potential is being loaded.");
  return line(`Running: step ${job.step}, largest force ${job.largest_force_eV_per_A.toFixed(2)} eV/Å (done at 0.05).`);
}

function ended(job) {
  if (job.state === "cancelled") return line("Cancelled: nothing was kept.");
  if (job.state === "failed") return problem(job.error);
  const found = job.answer.results[0];
  if (found.status === "error") return [problem(found.error), download(found)];
  return [
    el("p", { class: "structure-difference" }, sentence(found.difference)),
    el("p", {}, el("b", {}, BELIEVE[found.believe ?? "neither"]), `: ${found.believe_because}.`),
    numbers(found),
    el(
      "ul",
      { class: "fine" },
      found.warnings.map((warning) => el("li", {}, warning.message)),
    ),
    more(found),
    download(found),
  ];
}

function numbers(found) {
  const { representative: part, relaxation } = found;
  const apart = (1000 * found.disagreement_eV_per_atom).toFixed(0);
  return facts([
    ["computed", `${part.atoms} atoms${part.disordered ? ", one arrangement of a disordered crystal" : ""}`],
    ["relaxed", `${relaxation.steps} steps, volume ${percentage(relaxation.volume_change)}`],
    ["two potentials", `${apart} meV/atom apart`],
    ["decomposes", found.decomposition],
    found.moisture && ["moist air", `${found.moisture.energy_eV_per_H2O.toFixed(2)} eV per water (formula ${number(found.moisture.energy_by_formula_eV_per_H2O)})`],
  ]);
}

function more(found) {
  const rows = found.contacts.map((one) => [
    one.against,
    one.energy_eV_per_atom.toFixed(3),
    number(one.energy_by_formula_eV_per_atom),
    one.reaction,
  ]);
  return rows.length ? figures("Beside lithium and a cathode", ["against", "structure, eV/atom", "formula", "reaction"], rows) : null;
}

function download(found) {
  if (!found.relaxed_cif) return null;
  const save = () => {
    const href = URL.createObjectURL(new Blob([found.relaxed_cif], { type: "chemical/x-cif" }));
    el("a", { href, download: `${found.read_as ?? "structure"}-relaxed.cif` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  };
  return el("button", { type: "button", class: "quiet", onclick: save }, "Download the relaxed CIF");
}

function cancelButton(job, row, batch, box, signal) {
  const stop = () => ask(`./structures/${job.id}`, { method: "DELETE", signal }).catch(() => null);
  return el("button", { type: "button", class: "quiet", onclick: stop }, "Cancel");
}

function again(row, batch, box, signal) {
  const start = () => put(box.parentElement, ...structureSection(row, batch, signal).childNodes);
  return el("button", { type: "button", onclick: start }, "Relax it");
}

function problem(error) {
  return el("p", { class: "problem" }, `${error.code}: ${error.message}`);
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

function line(words) {
  return el("p", { class: "fine" }, words);
}

function number(value) {
  return value === null ? "–" : value.toFixed(3);
}

function percentage(share) {
  return `${share >= 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(1)} %`;
}
