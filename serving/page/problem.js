/** What went wrong, in words: the box that stays until it is closed or something else is asked. */

import { byId, el, put } from "./dom.js";
import { UnusableInput } from "./reading.js";
import { keepKey, Refusal } from "./service.js";

const PLAIN_KEY = /^[\x20-\x7e]+$/;

/** Show what went wrong, until the next question. */
export function showProblem(title, message, ...more) {
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

export function hideProblem() {
  byId("problem").hidden = true;
  put(byId("problem"));
}

/** Put a failure into words; what is ours to mend is not caught. */
export function showFailure(error, again) {
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
