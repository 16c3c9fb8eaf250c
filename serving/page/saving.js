/** What leaves the page as a file: tables, documents, and every plot as SVG or PNG. Nothing is sent anywhere. */

import { el } from "./dom.js";

const DRAWN = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-opacity",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "font-family",
  "font-size",
  "font-style",
  "font-weight",
  "text-anchor",
  "paint-order",
];
const PIXELS_PER_POINT = 3;
const KEPT_MS = 10_000;

/** Give a file to the browser. */
export function saveFile(name, content, type) {
  const href = URL.createObjectURL(new Blob([content], { type }));
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}

/** Save a document as JSON. */
export function saveJson(name, content) {
  saveFile(`${name}.json`, `${JSON.stringify(content, null, 1)}\n`, "application/json");
}

/** Two buttons beneath a plot. */
export function plotTools(node) {
  const title = node.getAttribute("aria-label") ?? "plot";
  const name = `elyte-${fileName(title)}`;
  const button = (words, save) =>
    el("button", { type: "button", class: "quiet", "aria-label": `Save as ${words}: ${title}`, onclick: save }, words);
  return el(
    "p",
    { class: "plot-tools" },
    button("SVG", () => saveFile(`${name}.svg`, standalone(node), "image/svg+xml")),
    button("PNG", () => savePng(`${name}.png`, node)),
  );
}

function fileName(title) {
  const plain = title.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 60).toLowerCase() || "plot";
}

/** A plot as a document of its own: what the style sheets say is written into it. */
export function standalone(node) {
  const copy = node.cloneNode(true);
  inline(node, copy);
  const { width, height } = size(node);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [key, value] of Object.entries({ width, height, fill: behind(node) })) paper.setAttribute(key, value);
  copy.prepend(paper);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

function size(node) {
  const { width, height } = node.viewBox.baseVal ?? {};
  if (width && height) return { width, height };
  const box = node.getBoundingClientRect();
  return { width: box.width, height: box.height };
}

function inline(from, to) {
  const style = getComputedStyle(from);
  if (style.display === "none" || style.visibility === "hidden") return to.remove();
  for (const name of DRAWN) {
    const value = style.getPropertyValue(name);
    if (value) to.setAttribute(name, value);
  }
  for (const name of ["class", "tabindex", "role"]) to.removeAttribute(name);
  const copies = [...to.children];
  return [...from.children].forEach((child, i) => inline(child, copies[i]));
}

/** The colour that lies behind a node. */
function behind(node) {
  for (let at = node; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour && colour !== "transparent" && !/, 0\)$/.test(colour)) return colour;
  }
  return "#ffffff";
}

async function savePng(name, node) {
  const { width, height } = size(node);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(node))}`;
  await image.decode();
  const canvas = el("canvas", { width: Math.ceil(width * PIXELS_PER_POINT), height: Math.ceil(height * PIXELS_PER_POINT) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => saveFile(name, blob, "image/png"), "image/png");
}
