/** The step Rank: what is wanted, who meets it with what chance, the front, and who is to be made. */

import { byId, el, put } from "../dom.js";
import { formulaOf, nameOf } from "../batch.js";
import { decadeTicks, niceTicks } from "../chart.js";
import { fieldLine, filledLines, tickLine } from "../fields.js";
import { capital, counted, formulaNodes, fromLog10, MINUS, percent, significant, sourceLink, unitText } from "../format.js";
import { tableWarnings, WARNING_WORDS } from "../known.js";
import { Objectives } from "../objectives.js";
import { pageOf } from "../properties.js";
import { UnusableInput } from "../reading.js";
import { saveFile, saveJson } from "../saving.js";
import { Scatter } from "../scatter.js";
import { writeSeparated } from "../separated.js";
import { ask, askPatiently } from "../service.js";

export const MOST_TARGETS = 5;
const LISTED = 100;
const METHODS = {
  success: "one of them meets everything",
  ehvi: "widens the front most",
  ucb: "may turn out best",
  thompson: "best of one scenario each",
};
const FIRST_METHOD = "success";
const FIELDS = ["rank-avoid", "rank-method"];
const TICKS = ["rank-balanced", "rank-known"];
const LOG = /^log10 /;

/** The form, the answer and the chosen ones. */
export class RankStep {
  /** @param {{rows: () => Promise<object>, onRanked: Function, onWanted: Function, onMake: Function, onOpen: Function, onFailure: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.ranked = null;
    this.chosen = [];
    this.scatter = new Scatter({ onOpen: (row) => hooks.onOpen(row) }, "rank-");
    byId("rank-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.rank();
    });
  }

  say(words) {
    put(byId("rank-said"), words);
  }

  /** Make the form of the service's presets and quantities. */
  offer(vocabulary) {
    this.vocabulary = vocabulary;
    this.presets = vocabulary.presets;
    const box = el("div", { class: "objectives" });
    this.objectives = new Objectives(box, (words) => this.say(words), () => this.hooks.onWanted());
    const presets = this.presets.map(({ name, why }) =>
      el("button", { type: "button", class: "quiet preset", title: why, onclick: () => this.start(name) }, name.replaceAll("-", " ")),
    );
    put(
      byId("rank-form"),
      el("p", { class: "presets", role: "group", "aria-label": "Presets" }, "Start from: ", presets, el("span", { class: "fine", id: "preset-why" })),
      box,
      el(
        "div",
        { class: "line" },
        fieldLine("rank-avoid", { label: "Without the elements" }, { notStated: "Cd, Hg" }),
        fieldLine("rank-method", { label: "Choose five by", words: Object.keys(METHODS), default: FIRST_METHOD }, { choices: METHODS, notStated: null }),
      ),
      tickLine("rank-balanced", "only where charges balance"),
      tickLine("rank-known", "only chemistry that the models know"),
      el("p", { class: "actions" }, el("button", { type: "submit", class: "primary", id: "rank-ask" }, "Rank")),
    );
    this.objectives.offer(vocabulary);
    this.use(this.presets[0].name);
    this.standard = JSON.stringify(this.pairs());
  }

  /** Start from a preset; that can be undone. */
  start(name) {
    this.use(name);
    this.hooks.onWanted();
  }

  use(name) {
    const preset = this.presets.find((one) => one.name === name);
    this.objectives.set(preset.objectives);
    byId("rank-avoid").value = (preset.constraints.avoid ?? []).join(", ");
    byId("rank-balanced").checked = Boolean(preset.constraints.charge_balanced);
    byId("rank-known").checked = Boolean(preset.constraints.in_domain);
    put(byId("preset-why"), ` ${preset.why}`);
  }

  /** The inputs, for the address; nothing where they are as they were first. */
  save() {
    if (!this.objectives) return [];
    const pairs = this.pairs();
    return JSON.stringify(pairs) === this.standard ? [] : pairs;
  }

  pairs() {
    return [
      ["wanted", this.objectives.texts.join("\n")],
      ...FIELDS.map((id) => [id, byId(id).value.trim()]),
      ...TICKS.map((id) => [id, byId(id).checked ? "1" : "0"]),
    ];
  }

  fill(kept) {
    if (!kept.has("wanted")) return this.use(this.presets[0].name);
    this.objectives.set(filledLines(kept.get("wanted")));
    for (const id of FIELDS) byId(id).value = kept.get(id) ?? "";
    if (!byId("rank-method").value) byId("rank-method").value = FIRST_METHOD; // a link that names none, or another
    for (const id of TICKS) byId(id).checked = kept.get(id) === "1";
    return put(byId("preset-why"));
  }

  question(candidates, general) {
    if (!this.objectives.texts.length) throw new UnusableInput("nothing is wanted yet: choose a preset, or add a target");
    const avoid = byId("rank-avoid").value.split(/[\s,;]+/).filter(Boolean);
    return {
      candidates,
      conditions: general.conditions,
      coverage: general.coverage,
      objectives: this.objectives.texts,
      constraints: { avoid, charge_balanced: byId("rank-balanced").checked, in_domain: byId("rank-known").checked },
      batch: { size: MOST_TARGETS, method: byId("rank-method").value },
      top: LISTED,
    };
  }

  /** Rank the candidates of the question. */
  async rank() {
    byId("rank-ask").disabled = true;
    this.say("ranking …");
    try {
      const batch = await this.hooks.rows();
      if (!batch) return this.say("");
      const sent = batch.rows.filter((row) => !row.result.local);
      if (!sent.length) throw new UnusableInput("no row can be ranked: every one of them failed");
      const body = this.question(sent.map((row) => row.candidate), batch.general);
      const ranking = await askPatiently(
        () => ask("./rank", { body }),
        (refusal) => this.say(`${refusal.title}, asking again`),
      );
      this.show({ ranking, rows: sent, unsent: batch.rows.filter((row) => row.result.local) }, null);
      this.hooks.onRanked();
      byId("rank-title").focus({ preventScroll: true });
      byId("rank-answer").scrollIntoView({ block: "start" });
    } catch (error) {
      this.say("");
      this.hooks.onFailure(error, () => this.rank());
    } finally {
      byId("rank-ask").disabled = false;
    }
    return null;
  }

  /** What is kept for going back. */
  answer() {
    return this.ranked && { ranked: this.ranked, chosen: this.chosen };
  }

  /** Show a ranking; `chosen` are the formulas to make, null for those that it proposes itself. */
  show(ranked, chosen) {
    this.ranked = ranked;
    byId("rank-answer").hidden = !ranked;
    if (!ranked) return;
    const { ranking } = ranked;
    this.chosen = chosen ?? proposed(ranking);
    const { counts, status } = ranking;
    this.say(
      status === "empty"
        ? "Nobody is left to rank: the reasons stand beneath."
        : `${counts.ranked} ranked, ${counts.excluded} excluded, ${counts.failed + ranked.unsent.length} not read; ${counts.on_front} on the front.`,
    );
    put(byId("rank-notes"), ranking.notes.map((note) => el("li", {}, note)));
    put(byId("rank-assumed"), ranking.assumptions.map((note) => el("li", {}, note)));
    put(byId("rank-table"), this.head(), el("tbody", {}, ranking.ranking.map((entry) => this.row(entry))));
    this.drawChosen();
    this.showFront();
    this.showOthers();
  }

  head() {
    const wanted = this.ranked.ranking.objectives.map((one) => el("th", { scope: "col" }, capital(one.label), unitNode(one)));
    const head = (words) => el("th", { scope: "col" }, words);
    return el("thead", {}, el("tr", {}, head("Make"), head("#"), head("Material"), head("Meets all"), wanted, head("Limited by"), head("Nearest known")));
  }

  row(entry) {
    const row = this.ranked.rows[entry.index];
    const { objectives } = this.ranked.ranking;
    const name = entry.id ?? entry.formula ?? entry.read_as;
    const unknown = Object.entries(entry.in_domain).filter(([, inside]) => !inside).map(([property]) => pageOf(property).name);
    return el(
      "tr",
      {},
      el("td", { class: "pick" }, el("input", { type: "checkbox", "aria-label": `Make ${name}`, checked: this.chosen.includes(entry.read_as), onchange: (event) => this.choose(entry, event.target) })),
      el("td", { "data-label": "Rank" }, entry.rank),
      el(
        "th",
        { scope: "row", class: "col-material" },
        el("button", { type: "button", class: "link", onclick: () => this.hooks.onOpen(row) }, formulaNodes(name)),
        entry.on_front && el("span", { title: "nobody’s central values are better in everything" }, " ★ front"),
        unknown.length > 0 && el("small", { class: "warn" }, `◇ not known to the model of ${unknown.join(", ")}`),
        tableWarnings(entry).map(({ code, message }) => el("small", { class: "warn", title: message }, `▲ ${WARNING_WORDS[code] ?? code.replaceAll("_", " ")}`)),
      ),
      el("td", { "data-label": "Meets all targets" }, chanceNodes(entry.probability_of_success, entry.standard_error)),
      entry.objectives.map((one, i) => el("td", { "data-label": `${capital(objectives[i].label)}${unitWords(objectives[i])}` }, valueNodes(one, objectives[i]))),
      el("td", { "data-label": "Limited by" }, entry.limiting?.words ?? "–"),
      el("td", { "data-label": "Nearest known" }, nearestNodes(entry)),
    );
  }

  /** Put the focus on the material of a row. */
  focusRow(row) {
    const at = this.ranked?.ranking.ranking.findIndex((entry) => this.ranked.rows[entry.index] === row) ?? -1;
    byId("rank-table").querySelectorAll("button.link")[at]?.focus();
  }

  choose(entry, box) {
    const others = this.chosen.filter((formula) => formula !== entry.read_as);
    if (box.checked && others.length >= MOST_TARGETS) {
      box.checked = false;
      return this.say(`${MOST_TARGETS} are planned at a time: take one out before ${entry.read_as} comes in.`);
    }
    this.chosen = box.checked ? [...others, entry.read_as] : others;
    this.say(box.checked ? `${entry.read_as} is to be made.` : `${entry.read_as} is not to be made.`);
    return this.drawChosen();
  }

  drawChosen() {
    put(
      byId("rank-chosen"),
      this.chosen.length
        ? [`To make: ${this.chosen.join(", ")}. ${this.byRule()}`, el("button", { type: "button", class: "primary", id: "rank-make", onclick: () => this.hooks.onMake(this.chosen) }, `Plan ${counted(this.chosen.length, "synthesis").replace("synthesiss", "syntheses")}`)]
        : "Nobody is chosen to be made.",
      " ",
      el("button", { type: "button", onclick: () => this.saveCsv() }, "CSV"),
      el("button", { type: "button", onclick: () => saveJson("elyte-ranking", this.ranked.ranking) }, "JSON"),
    );
  }

  /** Say which of the proposed ones the rule itself did not choose. */
  byRule() {
    const picks = (this.ranked.ranking.batch?.picks ?? []).map((pick) => pick.read_as);
    const others = this.chosen.filter((formula) => !picks.includes(formula));
    if (!others.length || !picks.length) return "";
    return `The rule chose ${picks.length}; by rank or by hand: ${others.join(", ")}. `;
  }

  /** Two of the targets against each other, chosen by the reader. */
  showFront() {
    const axes = this.ranked.ranking.objectives.map((one, i) => axisOf(one, i));
    byId("rank-map").hidden = axes.length < 2 || this.ranked.ranking.ranking.length < 2;
    if (byId("rank-map").hidden) return;
    const choice = (id, label, chosen) =>
      el("label", {}, `${label} `, el("select", { id, onchange: () => this.drawFront(axes) }, axes.map((axis, i) => el("option", { value: i, selected: i === chosen }, axis.title))));
    put(byId("rank-axes"), choice("rank-x", "Across", 0), " ", choice("rank-y", "Up", 1));
    this.drawFront(axes);
  }

  drawFront(axes) {
    const [x, y] = ["rank-x", "rank-y"].map((id) => axes[Number(byId(id).value)]);
    const points = this.ranked.ranking.ranking
      .map((entry) => {
        const row = this.ranked.rows[entry.index];
        const [a, b] = [x.read(entry), y.read(entry)];
        const known = Object.values(entry.in_domain).every(Boolean);
        return { row, known, x: a.value, y: b.value, xLow: a.lower, xHigh: a.upper, yLow: b.lower, yHigh: b.upper };
      })
      .filter((point) => point.x !== null && point.y !== null);
    this.scatter.showPoints(points, [x, y]);
  }

  /** Who is not ranked, and why. */
  showOthers() {
    const { ranking, unsent } = this.ranked;
    const items = [
      ...ranking.excluded.map((one) => [one.id ?? one.formula, one.reasons.map(({ message }) => message).join("; ")]),
      ...ranking.failed.map((one) => [one.id ?? one.formula ?? `row ${one.index + 1}`, one.error.message]),
      ...unsent.map((row) => [nameOf(row), row.result.error.message]),
    ];
    byId("rank-others").hidden = !items.length;
    put(byId("rank-others-list"), items.map(([name, why]) => el("li", {}, el("b", {}, name), `: ${why}`)));
  }

  saveCsv() {
    const { ranking } = this.ranked;
    const wanted = ranking.objectives.flatMap(({ text, unit }) => [`${text} value (${unit || "no unit"})`, `${text} lower`, `${text} upper`, `${text} probability`]);
    const head = ["rank", "id", "formula", "read_as", "probability_of_success", "standard_error", "on_front", ...wanted, "limited_by", "in_domain", "warnings"];
    const lines = ranking.ranking.map((entry) => [
      entry.rank,
      entry.id,
      formulaOf(this.ranked.rows[entry.index]),
      entry.read_as,
      entry.probability_of_success,
      entry.standard_error,
      entry.on_front,
      ...entry.objectives.flatMap(({ value, lower, upper, probability }) => [value, lower, upper, probability]),
      entry.limiting?.words,
      Object.values(entry.in_domain).every(Boolean),
      entry.warnings.map(({ code }) => code).join("; "),
    ]);
    saveFile("elyte-ranking.csv", writeSeparated([head, ...lines]), "text/csv");
  }
}

/** The proposed batch; where the rule chose fewer than five, the next by rank. */
function proposed({ batch, ranking }) {
  const picks = (batch?.picks ?? []).map((pick) => pick.read_as);
  const all = [...picks, ...ranking.map((entry) => entry.read_as)];
  return [...new Set(all)].slice(0, MOST_TARGETS);
}

function unitWords({ unit }) {
  const plain = unitText(unit.replace(LOG, ""));
  return plain && `, ${plain}`;
}

function unitNode(one) {
  const plain = unitText(one.unit.replace(LOG, ""));
  return plain && el("span", { class: "unit" }, ` ${plain}`);
}

function writerOf({ unit }) {
  return LOG.test(unit) ? fromLog10 : (value) => significant(value, 3);
}

function chanceNodes(probability, error) {
  if (probability === null) return "no target";
  const words = percent(Math.round(1000 * probability) / 1000);
  const more = error > 0.0005 && ` ± ${percent(Math.round(1000 * error) / 1000)}`;
  return [el("span", { class: "number" }, words, more), el("meter", { min: 0, max: 1, value: probability, "aria-hidden": "true" })];
}

function valueNodes(one, objective) {
  if (one.value === null) return "no value";
  const write = writerOf(objective);
  const unit = unitText(objective.unit.replace(LOG, ""));
  const range = one.lower !== null && one.lower !== one.upper && `${write(one.lower)} to ${write(one.upper)}`;
  return [
    el("span", { class: "number" }, one.level ? one.level.replaceAll("_", " ") : `${write(one.value)}${unit && ` ${unit}`}`),
    range && el("small", {}, range),
    one.probability !== null && el("small", {}, `met with ${percent(Math.round(100 * one.probability) / 100)}`),
  ];
}

function nearestNodes(entry) {
  return Object.entries(entry.nearest).map(([property, near]) =>
    el("small", {}, formulaNodes(near.formula), ` ${pageOf(property).nearWords(near)} `, sourceLink(near.doi, near.reference)),
  );
}

/** An objective as an axis of the plot; see `scatter.js`. */
function axisOf(objective, i) {
  const [isLog, unit] = [LOG.test(objective.unit), unitText(objective.unit.replace(LOG, ""))];
  const write = writerOf(objective);
  return {
    title: capital(objective.label),
    label: unit ? `${objective.label} (${unit})` : objective.label,
    higherIsBetter: ["at_least", "maximise"].includes(objective.sense),
    mark: objective.target ?? undefined,
    read: (entry) => entry.objectives[i],
    write: (value) => `${write(value)}${unit && ` ${unit}`}`,
    spoken: `${objective.label} `,
    domain: (values) => room(values, objective.target, isLog),
    ticks: (domain) => (isLog ? decadeTicks(domain) : niceTicks(domain, 5).map((at) => ({ at, text: String(at).replace("-", MINUS) }))),
  };
}

function room(values, target, isLog) {
  const all = target === null ? values : [...values, target];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  if (isLog) return [Math.floor(low), Math.max(Math.floor(low) + 1, Math.ceil(high))];
  const margin = 0.06 * (high - low || Math.abs(high) || 1);
  return [low - margin, high + margin];
}
