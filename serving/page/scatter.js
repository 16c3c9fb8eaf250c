/**
 * One quantity against another for a whole batch, with the materials that no other one beats.
 *
 * The axes are those of the first two properties that have one. An axis has `title`, `words` and `label`, `read(result)`
 * (an interval or null), `write(value)` (with its unit), `domain(values)`, `ticks(domain)`, `higherIsBetter`, and perhaps
 * `mark` (a dotted line) and `spoken` (what stands before the value in a sentence).
 */

import { byId, el, put, svg } from "./dom.js";
import { frame, linePath, marker, textWidthPx } from "./chart.js";
import { formulaNodes, formulaSpans } from "./format.js";
import { formulaOf, nameOf } from "./batch.js";
import { paretoFront } from "./pareto.js";
import { pageOf } from "./properties.js";
import { plotTools } from "./saving.js";

const MOST_MARKS = 1500; // above it, points off the front are one path: found by the pointer, not by the keyboard
const MOST_BARS = 150;
const REACH_PX = 14;
const MOST_NAMES = 14;

/** The axes of a service's properties, each with its property; two at most. */
function axesOf(vocabulary) {
  return vocabulary.properties
    .map((property) => ({ property, ...pageOf(property).axis(vocabulary) }))
    .filter((axis) => axis.read)
    .slice(0, 2);
}

/** Points of a batch: rows with a value on both axes. */
function scatterPoints(rows, [xAxis, yAxis]) {
  return rows
    .filter(({ result }) => result.status === "ok" && xAxis.read(result) && yAxis.read(result))
    .map((row) => {
      const [x, y] = [xAxis, yAxis].map((axis) => axis.read(row.result));
      const known = [xAxis, yAxis].every(({ property }) => row.result.applicability[property]?.in_domain);
      return { row, known, x: x.value, y: y.value, xLow: x.lower, xHigh: x.upper, yLow: y.lower, yHigh: y.upper };
    });
}

/** The plot of the batch and the point that is looked at. */
export class Scatter {
  /**
   * @param {{onOpen: Function}} hooks
   * @param {string} [prefix] Of the ids of its parts, where the page has several.
   */
  constructor(hooks, prefix = "") {
    this.hooks = hooks;
    this.part = (name) => byId(prefix + name);
    this.part("known-only").addEventListener("change", () => this.update());
    const box = this.part("map-plot");
    let lastPx = 0;
    new ResizeObserver(() => {
      if (!this.points?.length || box.clientWidth === lastPx || !box.clientWidth) return;
      lastPx = box.clientWidth;
      this.draw();
    }).observe(box);
  }

  /** Say what is drawn. */
  offer(vocabulary) {
    this.axes = axesOf(vocabulary);
    if (this.axes.length < 2) return;
    this.nameAxes();
  }

  nameAxes() {
    const [x, y] = this.axes;
    put(this.part("map-title"), `${x.title} against ${y.title.toLowerCase()}`);
    put(this.part("map-better"), `${x.higherIsBetter ? "Right" : "Left"} and ${y.higherIsBetter ? "up" : "down"} is better.`);
  }

  show(batch) {
    this.all = this.axes.length < 2 ? [] : scatterPoints(batch.rows, this.axes);
    this.part("map").hidden = this.all.length < 2;
    this.update();
  }

  /** Show points of axes that were chosen elsewhere. */
  showPoints(points, axes) {
    Object.assign(this, { all: points, axes });
    this.nameAxes();
    this.update();
  }

  update() {
    this.points = this.part("known-only").checked ? this.all.filter((point) => point.known) : this.all;
    const [x, y] = this.axes;
    this.front = this.points.length ? paretoFront(this.points, x.higherIsBetter, y.higherIsBetter) : [];
    this.draw();
    const names = this.front.map((point) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: "link", onclick: () => this.hooks.onOpen(point.row) },
          formulaNodes(nameOf(point.row)),
        ),
        ` ${x.write(point.x)}, ${y.write(point.y)}`,
        !point.known && " (not known)",
      ),
    );
    put(this.part("front"), names);
  }

  draw() {
    const widthPx = Math.floor(this.part("map-plot").clientWidth);
    if (!widthPx) return;
    const [xAxis, yAxis] = this.axes;
    if (!this.points.length) {
      const none = `No material has both a ${xAxis.title.toLowerCase()} and a ${yAxis.title.toLowerCase()}.`;
      return put(this.part("map-plot"), el("p", { class: "none" }, none));
    }
    const x = xAxis.domain(this.points.map((point) => point.x));
    const y = yAxis.domain(this.points.map((point) => point.y));
    const yTicks = yAxis.ticks(y);
    const left = 28 + Math.max(18, ...yTicks.map(({ text }) => textWidthPx(text)));
    const drawn = frame({
      widthPx,
      heightPx: Math.min(460, Math.max(320, widthPx * 0.55)),
      margin: { top: 14, right: 18, bottom: 42, left },
      x: { domain: x, ticks: xAxis.ticks(x), label: xAxis.label },
      y: { domain: y, ticks: yTicks, label: yAxis.label },
      title: `${xAxis.words ?? xAxis.title} against ${yAxis.words ?? yAxis.title}; arrow keys move between the materials`,
      role: "group",
    });
    this.placed = this.points.map((point) => ({ ...point, xPx: drawn.x(point.x), yPx: drawn.y(point.y) }));
    const { inner } = drawn;
    if (xAxis.mark !== undefined)
      drawn.marks.append(svg("path", { class: "guide", d: `M${drawn.x(xAxis.mark)} ${inner.top}V${inner.bottom}` }));
    if (yAxis.mark !== undefined)
      drawn.marks.append(svg("path", { class: "guide", d: `M${inner.left} ${drawn.y(yAxis.mark)}H${inner.right}` }));
    this.addBars(drawn);
    this.addFront(drawn);
    this.addMarks(drawn);
    this.addNames(drawn);
    this.addHover(drawn);
    return put(this.part("map-plot"), drawn.node, plotTools(drawn.node));
  }

  addBars(drawn) {
    const front = new Set(this.front.map((point) => point.row));
    const shown = this.points.length <= MOST_BARS ? this.points : this.points.filter((point) => front.has(point.row));
    const lines = shown.flatMap((point) => [
      point.xLow !== null && `M${drawn.x(point.xLow)} ${drawn.y(point.y)}H${drawn.x(point.xHigh)}`,
      point.yLow !== null && `M${drawn.x(point.x)} ${drawn.y(point.yLow)}V${drawn.y(point.yHigh)}`,
    ]);
    drawn.marks.append(svg("path", { class: "error-bars", d: lines.filter(Boolean).join("") }));
  }

  addFront(drawn) {
    const corners = this.front.flatMap((point, i) => {
      const next = this.front[i + 1];
      const here = [drawn.x(point.x), drawn.y(point.y)];
      return next ? [here, [drawn.x(next.x), drawn.y(point.y)]] : [here];
    });
    drawn.marks.append(svg("path", { class: "front", d: linePath(corners) }));
  }

  addMarks(drawn) {
    const onFront = new Set(this.front.map((point) => point.row));
    const single =
      this.placed.length <= MOST_MARKS ? this.placed : this.placed.filter((point) => onFront.has(point.row));
    if (single.length < this.placed.length) {
      const rest = this.placed.filter((point) => !onFront.has(point.row));
      const dot = ({ xPx, yPx }) => `M${xPx.toFixed(1)} ${yPx.toFixed(1)}h0`;
      drawn.marks.append(
        svg("path", {
          class: "dots known",
          d: rest
            .filter((point) => point.known)
            .map(dot)
            .join(""),
        }),
      );
      drawn.marks.append(
        svg("path", {
          class: "dots unknown",
          d: rest
            .filter((point) => !point.known)
            .map(dot)
            .join(""),
        }),
      );
    }
    this.nodes = [...single].sort((a, b) => a.x - b.x).map((point, i) => this.mark(point, i, onFront.has(point.row)));
    drawn.marks.append(...this.nodes);
  }

  wordsOf(point) {
    const [x, y] = [this.axes[0], this.axes[1]].map((axis, i) => `${axis.spoken ?? ""}${axis.write(i ? point.y : point.x)}`);
    return `${nameOf(point.row)}: ${x}, ${y}${point.known ? "" : ", chemistry not known"}`;
  }

  mark(point, i, isFront) {
    const words = `${this.wordsOf(point)}${isFront ? ", on the front" : ""}`;
    const kind = point.known ? "circle" : "diamond";
    const node = svg(
      "g",
      {
        class: `point ${point.known ? "known" : "unknown"}${isFront ? " on-front" : ""}`,
        tabindex: i ? -1 : 0,
        role: "button",
        "aria-label": words,
        "data-index": point.row.index,
      },
      marker(kind, point.xPx, point.yPx, isFront ? 5 : 3.8),
      svg("title", {}, words),
    );
    node.addEventListener("keydown", (event) => this.onKey(event, i, point));
    node.addEventListener("focus", () => put(this.part("map-said"), words));
    return node;
  }

  onKey(event, i, point) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const next = this.nodes[i + step];
    if (event.key === "Enter" || event.key === " ") this.hooks.onOpen(point.row);
    else if (next) {
      this.nodes[i].setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    } else return;
    event.preventDefault();
  }

  addNames(drawn) {
    const taken = [];
    for (const point of this.front.slice(0, MOST_NAMES)) {
      const name = formulaOf(point.row);
      const [xPx, yPx, room] = [drawn.x(point.x), drawn.y(point.y), 6.2 * name.length];
      const left = xPx + 9 + room > drawn.inner.right;
      const box = { from: left ? xPx - 9 - room : xPx + 9, to: left ? xPx - 9 : xPx + 9 + room, y: yPx - 7 };
      if (
        box.from < drawn.inner.left ||
        taken.some((other) => box.from < other.to && box.to > other.from && Math.abs(box.y - other.y) < 17)
      )
        continue;
      taken.push(box);
      drawn.above.append(
        svg(
          "text",
          { class: "name", x: left ? xPx - 9 : xPx + 9, y: box.y, "text-anchor": left ? "end" : "start" },
          formulaSpans(name),
        ),
      );
    }
  }

  addHover(drawn) {
    const ring = svg("circle", { class: "ring", r: 9, visibility: "hidden" });
    drawn.above.append(ring);
    const nearestTo = (event) => {
      const box = drawn.node.getBoundingClientRect();
      const scale = drawn.node.viewBox.baseVal.width / box.width;
      const [xPx, yPx] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      const distance = (point) => Math.hypot(point.xPx - xPx, point.yPx - yPx);
      const best = this.placed.reduce((near, point) => (distance(point) < distance(near) ? point : near));
      return distance(best) <= REACH_PX ? best : null;
    };
    drawn.node.addEventListener("pointermove", (event) => {
      const point = nearestTo(event);
      ring.setAttribute("visibility", point ? "visible" : "hidden");
      drawn.node.classList.toggle("over", Boolean(point));
      if (!point) return;
      ring.setAttribute("cx", point.xPx);
      ring.setAttribute("cy", point.yPx);
      put(this.part("map-said"), this.wordsOf(point));
    });
    drawn.node.addEventListener("click", (event) => {
      const point = nearestTo(event);
      if (point) this.hooks.onOpen(point.row);
    });
  }
}
