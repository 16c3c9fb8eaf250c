/** Talking to the service: every refusal comes back as a `Refusal` that can be shown in words. */

const KEY_NAME = "elyte-api-key";
const LONGEST_WAIT_S = 60;
const MOST_TRIES = 6;
const WORDS = {
  writing_disabled: "The service takes no measurements",
  0: "The service does not answer",
  400: "The service could not read the question",
  401: "The service asks for a key",
  403: "The service refuses this key",
  404: "The service does not offer this",
  408: "The question did not arrive in time",
  413: "The question is too large",
  415: "The service does not take this form of question",
  429: "The service is busy",
  500: "The service failed",
  503: "The models are not loaded yet",
  504: "The answer took too long",
};

/** A question that was not answered. */
export class Refusal extends Error {
  constructor(status, code, message, retryAfter_s = null, body = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter_s = retryAfter_s;
    this.body = body; // of the answer, where it holds more than the error
  }

  /** What happened, in a few words. */
  get title() {
    return WORDS[this.code] ?? WORDS[this.status] ?? `The service refused (${this.status})`;
  }

  /** Whether waiting may help without changing the question. */
  get mayPass() {
    return (this.status === 429 || this.status === 503) && this.retryAfter_s !== null;
  }
}

/** Keep a key for this tab only. */
export function keepKey(key) {
  sessionStorage.setItem(KEY_NAME, key);
}

/**
 * Ask once.
 * @param {string} path Relative to the page, so that a path prefix does not matter.
 * @param {{body?: object, accept?: string, signal?: AbortSignal, method?: string}} [options] With a body it is a POST.
 * @returns {Promise<Response>}
 */
export async function request(path, { body, accept = "application/json", signal, method } = {}) {
  const headers = { Accept: accept };
  const key = sessionStorage.getItem(KEY_NAME);
  if (key) headers["X-API-Key"] = key;
  if (body) headers["Content-Type"] = "application/json";
  const asked = {
    method: method ?? (body ? "POST" : "GET"),
    headers,
    body: body && JSON.stringify(body),
    signal,
    credentials: "same-origin",
  };
  let response;
  try {
    response = await fetch(path, asked);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const message = "It is not running, or the network between is gone. Nothing of your input is lost: try again.";
    throw new Refusal(0, "no_answer", message);
  }
  if (response.ok) return response;
  throw await refusalOf(response);
}

async function refusalOf(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfter_s = response.headers.has("Retry-After") && seconds >= 0 ? Math.min(seconds, LONGEST_WAIT_S) : null;
  let body = null;
  try {
    body = await response.json();
  } catch {
    body = null; // a proxy's own page
  }
  const told = body?.error;
  const message = typeof told?.message === "string" ? told.message : "It gave no reason.";
  return new Refusal(response.status, String(told?.code ?? "refused"), message, retryAfter_s, body);
}

/** Ask once and read the JSON document. */
export async function ask(path, options) {
  const response = await request(path, options);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "broken_answer", "The answer broke off on its way. Nothing of your input is lost: try again.");
  }
}

/**
 * Ask, and again after the time that a busy service names.
 * @param {() => Promise<any>} question
 * @param {(refusal: Refusal) => void} onWait Told before each pause.
 * @param {AbortSignal} [signal]
 */
export async function askPatiently(question, onWait, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof Refusal) || !error.mayPass || tries >= MOST_TRIES) throw error;
      onWait(error);
      await pause(Math.max(error.retryAfter_s, 0.5) * 1000, signal);
    }
  }
}

/** Wait, unless a signal ends it. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    });
  });
}
