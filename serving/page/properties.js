/**
 * What the page knows of each property: what its own module says, and of the rest what follows from the vocabulary.
 *
 * A property's module (the hook `page_script` of the contract) is served at `page/properties/NAME/FILE.js` and imports the
 * page's own modules as `../../dom.js`. Every export may be missing; `generic.js` then stands in:
 *
 * - `name`: how the property is called in running text.
 * - `styles`: names of style sheets beside the module.
 * - `columns(vocabulary)`: columns of the table and of the comparison, see `cells.js`.
 * - `axis(vocabulary)`: its axis of the map of a batch, see `scatter.js`; null for none.
 * - `sections(result, tools)` and `lateSections(result, tools)`: what stands in an opened row, the latter after the
 *   sections of all properties. `tools` has `row`, `batch`, `vocabulary`, `full` (a promise of the row's answer with
 *   explanation and all neighbours), `later(question)` (asks with a signal that ends with the panel) and
 *   `filled(promise, fill)` (a box that waits for an answer).
 * - `comparison(rows, labels, tools)`: `{title, content}` beneath the table of compared rows, or null. `tools` has
 *   `batch`, `vocabulary`, `once(row, question)` and `waiting(promises, fill)`.
 * - `nearWords(near)`: the value of a known material.
 * - `knownWords(result, domain)`: why its model knows a row.
 * - `unfamiliarWords(result, domain)`: `{word, sentence}` where its model does not; the property's name stands before.
 * - `conditionWords(conditions)`: on which of the form's conditions it depends, a part of a sentence.
 * - `story`: what an opened row tells of it, a part of a sentence; `caveat`: what its model does not see, a sentence.
 * - `choiceWords`: by name of a condition and its word, how the form offers it.
 */

import { el } from "./dom.js";
import { genericPage } from "./generic.js";
import { Refusal } from "./service.js";

const pages = new Map();

/** Load the modules of all properties; the vocabulary names them. */
export async function loadProperties(vocabulary) {
  await Promise.all(
    vocabulary.properties.map(async (name) => {
      const path = vocabulary.page_modules[name];
      const own = path ? await load(new URL(`../${path}`, import.meta.url)) : {};
      pages.set(name, { ...genericPage(name, vocabulary), ...own });
    }),
  );
}

async function load(address) {
  let module;
  try {
    module = await import(address);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // of a script that does not arrive; what is wrong in it is ours
    throw new Refusal(0, "no_answer", `A part of this page did not arrive: ${address.pathname}. Try again.`);
  }
  for (const name of module.styles ?? [])
    document.head.append(el("link", { rel: "stylesheet", href: new URL(name, address) }));
  return module;
}

/** What the page knows of a property. */
export function pageOf(name) {
  const page = pages.get(name);
  if (!page) throw new Error(`the vocabulary names no property ${name}`);
  return page;
}
