/** Where the parts of the page meet. */

import { byId, el, put, putBeneathPlots } from "./dom.js";
import { answerRows, answersAsCsv, answersAsDocument } from "./batch.js";
import { CellPanel } from "./cell.js";
import { legendMarks } from "./cells.js";
import { Comparison } from "./compare.js";
import { DetailPanel, openedWords } from "./detail.js";
import { counted, percent } from "./format.js";
import { modelWords } from "./known.js";
import { hideProblem, showFailure, showProblem } from "./problem.js";
import { loadProperties, pageOf } from "./properties.js";
import { Question } from "./question.js";
import { plotTools, saveFile, saveJson } from "./saving.js";
import { Scatter } from "./scatter.js";
import { ask, askPatiently, Refusal } from "./service.js";
import { GeneratePanel } from "./steps/generate.js";
import { FurtherSteps } from "./steps/further.js";
import { AnswerTable, propertyColumns } from "./table.js";
import { viewOf, Way } from "./way.js";

const READY_AGAIN_MS = 3000;
const numbers = new WeakMap();
let numbered = 0;
const state = { vocabulary: null, batch: null, asked: null, asking: null, started: false };

const question = new Question({ onAsk: predict, onProblem: showProblem, say });
const table = new AnswerTable({ onOpen: open, onCompare: compare, isCompared: (row) => comparison.has(row) });
const comparison = new Comparison({
  onChange: onComparison,
  say: (words, isProblem) => (isProblem ? showProblem("The comparison is full", words) : say(words)),
});
const detail = new DetailPanel({
  onClose: closed,
  onStep: step,
  onCompare: compare,
  isCompared: (row) => comparison.has(row),
});
const scatter = new Scatter({ onOpen: open });
const cell = new CellPanel({ onFailure: showFailure, onAsk: hideProblem });
const generate = new GeneratePanel({ onTake: (formulas) => question.add(formulas), onFailure: showFailure, say });
const further = new FurtherSteps({
  batch: currentBatch,
  lastBatch: () => state.batch,
  onFailure: showFailure,
  onAsk: hideProblem,
  onOpen: open,
  onStep: go,
  onNote: () => noted(() => way.note()),
  onAnswer: () => noted(() => way.noteAnswer()),
});
const way = new Way({
  parts: [question, generate, further],
  answers: () => ({ batch: state.batch, asked: state.asked, further: further.answers() }),
  notInLink: () => [question.files.length && "the files", further.notInLink()].filter(Boolean),
  onGo: go,
  onReturn: returned,
  onProblem: showProblem,
});

/** Tell something to those who see and those who hear. */
function say(words) {
  put(byId("said"), words);
}

/** Ask the service about what stands in the form, and take the step to the answers. */
async function predict() {
  if (!(await answerQuestion(predict))) return;
  markDone();
  way.take("answers");
  byId("results-title").scrollIntoView({ block: "start" });
}

/** The batch of what stands in the form: the last one where nothing has changed since. */
async function currentBatch(again) {
  return state.batch && state.asked === questionText() ? state.batch : answerQuestion(again);
}

function questionText() {
  return JSON.stringify([question.save(), question.files.map(numberOf)]);
}

/** Which file it is: one that was mended and dropped again has the same name, and often as many rows. */
function numberOf(file) {
  if (!numbers.has(file)) numbers.set(file, (numbered += 1));
  return numbers.get(file);
}

async function answerQuestion(again) {
  hideProblem();
  if (!state.vocabulary && !(await meet())) return null;
  state.asking?.abort();
  const asking = new AbortController();
  state.asking = asking;
  try {
    const { rows, general } = question.read();
    busy(true);
    const batch = await answerRows(rows, general, state.vocabulary.limits, {
      onProgress,
      onWait,
      signal: asking.signal,
    });
    if (asking.signal.aborted) return null;
    showBatch(batch);
    state.asked = questionText();
    further.forget();
    return batch;
  } catch (error) {
    if (error.name === "AbortError") return null;
    say("");
    showFailure(error, again);
    return null;
  } finally {
    if (state.asking === asking) busy(false);
  }
}

function busy(isBusy) {
  byId("stop").hidden = !isBusy;
  byId("progress").hidden = !isBusy;
  byId("predict").disabled = isBusy;
}

function onProgress(done, all) {
  Object.assign(byId("progress"), { max: all, value: done });
  say(
    done < all
      ? `${done.toLocaleString("en")} of ${counted(all, "row")} answered …`
      : `${counted(all, "row")} answered.`,
  );
}

function onWait(refusal) {
  say(`${refusal.title}; trying again in ${refusal.retryAfter_s} s.`);
}

function showBatch(batch) {
  state.batch = batch;
  if (detail.row) detail.close();
  byId("intro").hidden = true;
  byId("results").hidden = false;
  showModels(batch.models, batch.mixedModels);
  comparison.reset(batch, state.vocabulary);
  table.show(batch, state.vocabulary);
  scatter.show(batch);
  const main = state.vocabulary.properties.find((name) => name in batch.models);
  const failed = batch.rows.filter((row) => row.result.status !== "ok").length;
  const unknown = batch.rows.filter((row) => row.result.applicability?.[main]?.in_domain === false).length;
  const parts = [
    `${counted(batch.rows.length, "row")} answered with ${percent(batch.general.coverage)} intervals`,
    failed && `${failed} not judged`,
    unknown && `${unknown} of a chemistry that the ${pageOf(main).name} model does not know`,
  ];
  say(`${counted(batch.rows.length, "row")} answered.`);
  put(byId("summary"), `${parts.filter(Boolean).join(", ")}.`);
}

/** Go to a step, by its button or another; what it needs is asked there. */
function go(step) {
  hideProblem();
  if (detail.row) detail.close();
  way.refresh();
  way.take(step);
  further.enter(step);
  enter(step);
}

/** Lead the eye and the keyboard to a step. */
function enter(step) {
  const titles = { candidates: "question-title", answers: byId("results").hidden ? "question-title" : "results-title" };
  const title = byId(titles[step] ?? `${step}-title`);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  (viewOf(step) === "ask" ? title : byId("way")).scrollIntoView({ block: "start" });
}

/** Show a step that the browser came back to, with what was answered there; after a reload it is asked anew. */
function returned(step, answers) {
  hideProblem();
  if (detail.row) detail.close();
  if (!answers) return void resume(step);
  state.asked = answers.asked;
  if (answers.batch && answers.batch !== state.batch) showBatch(answers.batch);
  if (!answers.batch) clearBatch();
  further.restore(answers.further);
  markDone();
  return enter(step);
}

/** Ask what a link asks. */
async function resume(step) {
  const list = question.save().find(([name]) => name === "f")?.[1];
  if (step === "answers" || step === "rank" || (step === "measure" && list)) {
    if (!(await answerQuestion(() => resume(step)))) return;
  }
  await further.resume(step);
  markDone();
  way.note();
}

function clearBatch() {
  Object.assign(state, { batch: null });
  byId("results").hidden = true;
  byId("comparison").hidden = true;
  byId("map").hidden = true;
  byId("intro").hidden = false;
}

function noted(write) {
  markDone();
  write();
}

function markDone() {
  way.mark("answers", Boolean(state.batch));
  for (const [step, done] of Object.entries(further.done())) way.mark(step, done);
}

function open(row) {
  detail.open(row, state.batch, state.vocabulary);
  table.mark(row);
  say(openedWords(row));
}

function closed(row) {
  table.mark(null);
  if (way.step === "rank") further.focusRow(row);
  else table.focus(row);
}

function step(row, by) {
  const next = table.neighbour(row, by);
  if (next) open(next);
  else say(by < 0 ? "This is the first material." : "This is the last material.");
}

/** Take a row into the comparison or out; `control` is what was pressed. */
function compare(row, control) {
  const taken = comparison.toggle(row);
  if (!taken && control.type === "checkbox") control.checked = false;
}

function onComparison() {
  const { rows } = comparison;
  byId("to-comparison").disabled = rows.length === 0;
  put(byId("to-comparison"), rows.length ? `Compare ${rows.length}` : "Compare");
  for (const box of byId("answers-body").querySelectorAll("input[type=checkbox]")) {
    box.checked = rows.some((row) => row.index === Number(box.closest("tr").dataset.index));
  }
  if (!detail.row) return;
  const isIn = comparison.has(detail.row);
  byId("detail-compare").setAttribute("aria-pressed", String(isIn));
  put(byId("detail-compare"), isIn ? "✓ compared" : "compare");
}

async function download(button, get) {
  hideProblem();
  say("Asking for the table …");
  byId(button).disabled = true;
  try {
    await get();
    say("The table is downloaded.");
  } catch (error) {
    say("");
    showFailure(error, () => download(button, get));
  } finally {
    byId(button).disabled = false;
  }
}

async function downloadCsv() {
  saveFile("elyte-answers.csv", await answersAsCsv(state.batch, { onWait }), "text/csv");
}

async function downloadJson() {
  saveJson("elyte-answers", await answersAsDocument(state.batch, { onWait }));
}

function showModels(models, isMixed) {
  put(
    byId("models"),
    el("span", { class: "ready", "aria-hidden": "true" }, "● "),
    `ready · ${modelWords(models).join(" · ")}`,
    isMixed && el("b", {}, " A model changed while this list was answered: ask again."),
  );
}

/** Get the service's names and models; false where it cannot be reached. */
async function meet() {
  try {
    const [models] = await Promise.all([askPatiently(() => ask("./models"), onLoading), state.vocabulary ?? offer()]);
    showModels(models, false);
    await start();
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    put(byId("models"), el("span", { class: "away", "aria-hidden": "true" }, "◇ "), `${error.title}.`);
    if (error.mayPass) setTimeout(meet, READY_AGAIN_MS);
    else showFailure(error, async () => (await meet()) && hideProblem());
    return false;
  }
}

/** Begin with what the address asks, once the service is there. */
async function start() {
  if (state.started) return;
  state.started = true;
  const step = way.begin();
  if (step && step !== "candidates") await resume(step);
}

/** Ask for the service's names and make what follows from them. */
async function offer() {
  const vocabulary = await ask("./vocabulary");
  await loadProperties(vocabulary);
  question.offer(vocabulary);
  table.offer(vocabulary);
  scatter.offer(vocabulary);
  cell.offer(vocabulary);
  further.offer(vocabulary);
  const pages = vocabulary.properties.map(pageOf);
  const stories = pages.map(({ story }) => story).filter(Boolean);
  if (stories.length) put(byId("stories"), stories.join("; "));
  put(byId("caveats"), pages.map(({ caveat }) => caveat).filter(Boolean).join(" "));
  const [knownMark, unknownMark] = legendMarks();
  const legends = propertyColumns(vocabulary).map((column) => column.legend ?? {});
  const dotted = legends.map((legend) => legend.dotted).filter(Boolean);
  const words = [
    " chemistry not known",
    "arrowheads: beyond the axis",
    dotted.length > 0 && `dotted lines: ${dotted.join(", ")}`,
    ...legends.map((legend) => legend.words),
  ];
  put(byId("legend"), knownMark, " value in its interval ", unknownMark, words.filter(Boolean).join(" · "));
  state.vocabulary = vocabulary;
}

function onLoading(refusal) {
  put(
    byId("models"),
    el("span", { class: "away", "aria-hidden": "true" }, "◇ "),
    `${refusal.title}: ${refusal.message}`,
  );
}

byId("stop").addEventListener("click", () => {
  state.asking?.abort();
  busy(false);
  say("Stopped; nothing was changed.");
});
byId("download").addEventListener("click", () => download("download", downloadCsv));
byId("download-json").addEventListener("click", () => download("download-json", downloadJson));
byId("to-rank").addEventListener("click", () => go("rank"));
byId("print").addEventListener("click", () => window.print());
byId("to-comparison").addEventListener("click", () => {
  byId("comparison").scrollIntoView({ block: "start" });
  byId("comparison-title").focus();
});
putBeneathPlots(plotTools);
document.body.dataset.ready = String(await meet());
