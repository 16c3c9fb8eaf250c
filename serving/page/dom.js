/** Elements from plain values. Text enters the page through text nodes only; nothing here parses markup. */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const observers = new WeakMap();
let beneath = () => null;
const FORBIDDEN = new Set(["style", "srcdoc", "innerHTML"]);

/**
 * Make an HTML element.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `onclick` etc. take functions; null and false leave one out.
 * @param {...unknown} children Nodes, texts, numbers, nested lists of them; null and false are left out.
 */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an SVG element; see `el`. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (FORBIDDEN.has(name)) throw new Error(`attribute ${name} is not used here`);
    if (typeof value === "function") node.addEventListener(name.replace(/^on/, ""), value);
    else if (name.startsWith("on")) throw new Error(`${name} takes a function`);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return the element of an id of index.html. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Replace the content of an element. */
export function put(node, ...children) {
  node.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
}

/** Say what stands beneath every plot that is drawn from now on: a function of its node. */
export function putBeneathPlots(make) {
  beneath = make;
}

/**
 * Draw into a box at its width, and again when that changes.
 * @param {HTMLElement} box
 * @param {(widthPx: number) => Node} draw
 */
export function drawnToWidth(box, draw) {
  observers.get(box)?.disconnect();
  let lastPx = 0;
  const observer = new ResizeObserver(() => {
    const widthPx = Math.floor(box.clientWidth);
    if (!box.isConnected) observer.disconnect();
    else if (widthPx > 0 && widthPx !== lastPx) {
      lastPx = widthPx;
      const node = draw(widthPx);
      put(box, node, beneath(node));
    }
  });
  observers.set(box, observer);
  observer.observe(box);
  return box;
}
