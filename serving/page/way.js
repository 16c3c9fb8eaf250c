/**
 * The way through the steps: which one is shown, its question in the address, and the way back.
 *
 * The address holds the question behind `#`, which no browser sends anywhere. Each part of the page gives its inputs as
 * pairs of names and texts (`save`) and takes them back (`fill`). Every step taken is an entry of the browser's history;
 * what was answered there is kept in this tab's memory, so that going back asks nobody again. After a reload the
 * question is read from the address and asked anew.
 */

import { byId, el, put } from "./dom.js";

export const STEPS = {
  candidates: "Candidates",
  answers: "Answers",
  rank: "Rank",
  make: "Make",
  shop: "Shop",
  measure: "Measure",
};
/** Longer addresses are cut by mail programs and chats; the list of formulas is what is cut. */
export const LONGEST_LINK = 8000;
const LIST = "f";
const LISTED = "lines";
const STEP = "step";
const VIEW_OF = { candidates: "ask", answers: "ask" };

/** The step that an address names; the first where it names none, or something that is no step. */
function stepIn(kept) {
  const named = kept.get(STEP);
  return Object.hasOwn(STEPS, named) ? named : "candidates";
}

/** The part of the page that a step is shown in. */
export function viewOf(step) {
  return VIEW_OF[step] ?? step;
}

/**
 * Write pairs into a fragment; where it is too long, only so many lines of the list as fit, and their number.
 * @param {[string, string][]} pairs
 * @returns {{fragment: string, kept: number, lines: number}} `lines` of the list, and how many are in the fragment.
 */
export function fragmentOf(pairs) {
  const filled = pairs.filter(([, text]) => text !== "");
  const list = filled.find(([name]) => name === LIST)?.[1] ?? "";
  const lines = list.split("\n");
  const number = list ? lines.length : 0;
  const write = (kept) => {
    const own = filled.map(([name, text]) => [name, name === LIST ? lines.slice(0, kept).join("\n") : text]);
    if (kept < number) own.push([LISTED, String(number)]);
    return new URLSearchParams(own.filter(([, text]) => text !== "")).toString();
  };
  const whole = write(number);
  if (whole.length <= LONGEST_LINK) return { fragment: whole, kept: number, lines: number };
  let [low, high] = [0, number];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (write(middle).length <= LONGEST_LINK) low = middle;
    else high = middle;
  }
  return { fragment: write(low), kept: low, lines: number };
}

/** The steps and their history. */
export class Way {
  /**
   * @param {object} hooks
   * @param {{save: () => [string, string][], fill: (kept: URLSearchParams) => void}[]} hooks.parts
   * @param {() => object} hooks.answers What was answered, to be given back to `onReturn`.
   * @param {(step: string, answers: object|null) => void} hooks.onReturn Shows a step that was shown before; `null` where
   *   the answers are gone.
   * @param {(title: string, words: string) => void} hooks.onProblem
   */
  constructor(hooks) {
    this.hooks = hooks;
    this.kept = new Map();
    this.step = "candidates";
    this.done = new Set();
    byId("undo").addEventListener("click", () => this.back());
    byId("copy-link").addEventListener("click", () => this.copy());
    window.addEventListener("popstate", (event) => this.returnTo(event.state));
    document.addEventListener("keydown", (event) => this.onKey(event));
    this.draw();
  }

  /** Ctrl Z outside of a field goes a step back; inside, the field undoes by itself. */
  onKey(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "z") return;
    if (event.target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")) return;
    event.preventDefault();
    if (event.shiftKey) history.forward();
    else this.back();
  }

  back() {
    if ((history.state?.depth ?? 0) > 0) history.back();
  }

  /** Begin with what the address holds; returns the step that it asks for, null where it holds no question. */
  begin() {
    const kept = new URLSearchParams(location.hash.slice(1));
    const asked = kept.size > 0;
    if (asked) this.fill(kept);
    const step = stepIn(kept);
    this.show(step);
    this.write("replaceState", history.state?.depth ?? 0);
    return asked ? step : null;
  }

  fill(kept) {
    for (const part of this.hooks.parts) part.fill(kept);
    const [listed, given] = [Number(kept.get(LISTED)), (kept.get(LIST) ?? "").split("\n").length];
    if (listed > given)
      this.hooks.onProblem(
        "Not the whole list",
        `This link holds the first ${given.toLocaleString("en")} of ${listed.toLocaleString("en")} lines, as many as fit in an address: paste the whole list for the others.`,
      );
  }

  pairs() {
    return [[STEP, this.step === "candidates" ? "" : this.step], ...this.hooks.parts.flatMap((part) => part.save())];
  }

  write(how, depth) {
    this.id = `${Date.now()}-${Math.random()}`;
    this.refresh();
    const { fragment } = fragmentOf(this.pairs());
    history[how]({ id: this.id, depth }, "", fragment ? `#${fragment}` : location.pathname + location.search);
    byId("undo").disabled = depth === 0;
  }

  /** Keep what is shown now for coming back to it. */
  refresh() {
    if (this.id) this.kept.set(this.id, { pairs: this.pairs(), answers: this.hooks.answers() });
  }

  /** Take a step: show it, and note it in the history with what was answered. */
  take(step) {
    this.show(step);
    this.write("pushState", (history.state?.depth ?? 0) + 1);
  }

  /** Note an answer at the step that is shown: going back takes it away again. */
  noteAnswer() {
    this.take(this.step);
  }

  /** Note what has changed without a step of its own. */
  note() {
    this.write("replaceState", history.state?.depth ?? 0);
  }

  /** Show what the browser goes back or forward to. */
  returnTo(state) {
    this.refresh();
    this.id = state?.id ?? null;
    const found = this.kept.get(state?.id);
    const kept = found
      ? new URLSearchParams(found.pairs.filter(([, text]) => text !== ""))
      : new URLSearchParams(location.hash.slice(1));
    this.fill(kept);
    const step = stepIn(kept);
    this.show(step);
    byId("undo").disabled = !(state?.depth > 0);
    this.hooks.onReturn(step, found?.answers ?? null);
  }

  show(step) {
    this.step = step;
    document.body.dataset.view = viewOf(step);
    this.draw();
  }

  /** Mark a step as done, or not. */
  mark(step, words) {
    if (words) this.done.add(step);
    else this.done.delete(step);
    this.draw();
  }

  draw() {
    const focused = document.activeElement?.dataset?.step;
    const items = Object.entries(STEPS).map(([step, name], i) =>
      el(
        "li",
        { class: this.done.has(step) ? "done" : null },
        el(
          "button",
          {
            type: "button",
            "data-step": step,
            "aria-current": step === this.step ? "step" : null,
            onclick: () => this.hooks.onGo(step),
          },
          el("span", { "aria-hidden": "true", class: "number" }, this.done.has(step) ? "✓" : i + 1),
          ` ${name}`,
          this.done.has(step) && el("span", { class: "hidden" }, " (done)"),
        ),
      ),
    );
    put(byId("steps"), items);
    if (focused) byId("steps").querySelector(`[data-step="${focused}"]`)?.focus();
  }

  /** Put the link into the clipboard, and say what it holds. */
  async copy() {
    const { fragment, kept, lines } = fragmentOf(this.pairs());
    const link = `${location.href.split("#")[0]}#${fragment}`;
    this.note();
    const part = kept < lines ? ` It holds only the first ${kept.toLocaleString("en")} of ${lines.toLocaleString("en")} lines: longer addresses break on their way.` : "";
    const without = this.hooks.notInLink().map((what) => ` It does not hold ${what}.`);
    let taken = "Link copied.";
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      taken = "The browser keeps its clipboard: copy the address of this page.";
    }
    put(byId("link-said"), `${taken}${part}${without.join("")} The question stands behind #, which is sent to nobody.`);
  }
}
