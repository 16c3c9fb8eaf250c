/** Where the parts of the page meet. */

import { byId, el, put } from "./dom.js";
import { answerRows, answersAsCsv } from "./batch.js";
import { CellPanel } from "./cell.js";
import { legendMarks } from "./cells.js";
import { Comparison } from "./compare.js";
import { DetailPanel, openedWords } from "./detail.js";
import { counted, percent } from "./format.js";
import { modelWords } from "./known.js";
import { loadProperties, pageOf } from "./properties.js";
import { Question } from "./question.js";
import { UnusableInput } from "./reading.js";
import { Scatter } from "./scatter.js";
import { ask, askPatiently, keepKey, Refusal } from "./service.js";
import { AnswerTable, propertyColumns } from "./table.js";

const READY_AGAIN_MS = 3000;
const PLAIN_KEY = /^[\x20-\x7e]+$/;
const state = { vocabulary: null, batch: null, asking: null };

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

/** Tell something to those who see and those who hear. */
function say(words) {
  put(byId("said"), words);
}

/** Show what went wrong, until the next question. */
function showProblem(title, message, ...more) {
  put(byId("problem"), el("p", {}, el("b", {}, `${title}. `), message), more, closeButton());
  byId("problem").hidden = false;
}

function closeButton() {
  return el(
    "button",
    { type: "button", class: "quiet close", "aria-label": "Close this message", onclick: hideProblem },
    "✕",
  );
}

function hideProblem() {
  byId("problem").hidden = true;
  put(byId("problem"));
}

/** Put a failure into words; what is ours to mend is not caught. */
function showFailure(error, again) {
  if (error instanceof UnusableInput) return showProblem("Not asked yet", error.message);
  if (!(error instanceof Refusal)) throw error;
  const retry = el("button", { type: "button", onclick: again }, "Try again");
  if (error.status === 401) return showProblem(error.title, error.message, keyForm(again));
  return showProblem(error.title, error.message, retry);
}

function keyForm(again) {
  const field = el("input", { type: "password", id: "api-key", autocomplete: "off" });
  const send = (event) => {
    event.preventDefault();
    const key = field.value.trim();
    if (!PLAIN_KEY.test(key))
      return showProblem("Not a key", "A key holds plain letters, digits and signs.", keyForm(again));
    keepKey(key);
    hideProblem();
    return again();
  };
  return el(
    "form",
    { class: "inline-form", onsubmit: send },
    el("label", { for: "api-key" }, "Key (kept in this tab only)"),
    field,
    el("button", { type: "submit" }, "Use it"),
  );
}

/** Ask the service about what stands in the form. */
async function predict() {
  hideProblem();
  if (!state.vocabulary && !(await meet())) return;
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
    if (!asking.signal.aborted) showBatch(batch);
  } catch (error) {
    if (error.name === "AbortError") return;
    say("");
    showFailure(error, predict);
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
  byId("results-title").scrollIntoView({ block: "start" });
}

function open(row) {
  detail.open(row, state.batch, state.vocabulary);
  table.mark(row);
  say(openedWords(row));
}

function closed(row) {
  table.mark(null);
  table.focus(row);
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

async function download() {
  hideProblem();
  say("Asking for the table …");
  byId("download").disabled = true;
  try {
    const text = await answersAsCsv(state.batch, { onWait });
    const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    const link = el("a", { href, download: "elyte-answers.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
    say("The table is downloaded.");
  } catch (error) {
    say("");
    showFailure(error, download);
  } finally {
    byId("download").disabled = false;
  }
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
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    put(byId("models"), el("span", { class: "away", "aria-hidden": "true" }, "◇ "), `${error.title}.`);
    if (error.mayPass) setTimeout(meet, READY_AGAIN_MS);
    else showFailure(error, async () => (await meet()) && hideProblem());
    return false;
  }
}

/** Ask for the service's names and make what follows from them. */
async function offer() {
  const vocabulary = await ask("./vocabulary");
  await loadProperties(vocabulary);
  question.offer(vocabulary);
  table.offer(vocabulary);
  scatter.offer(vocabulary);
  cell.offer(vocabulary);
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
byId("download").addEventListener("click", download);
byId("print").addEventListener("click", () => window.print());
byId("to-comparison").addEventListener("click", () => {
  byId("comparison").scrollIntoView({ block: "start" });
  byId("comparison-title").focus();
});
document.body.dataset.ready = String(await meet());
