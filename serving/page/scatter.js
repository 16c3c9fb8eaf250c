/** Conductivity against width of the window for a whole batch, with the materials that no other one beats. */

import { byId, el, put, svg } from "./dom.js";
import { decadeTicks, frame, linePath, marker, niceTicks } from "./chart.js";
import { fixed, formulaNodes, formulaSpans, sigmaText } from "./format.js";
import { formulaOf, nameOf } from "./batch.js";
import { paretoFront } from "./pareto.js";

const MOST_MARKS = 1500; // above it, points off the front are one path: found by the pointer, not by the keyboard
const MOST_BARS = 150;
const REACH_PX = 14;
const MOST_NAMES = 14;

/** Points of a batch: rows with a conductivity and a window. */
export function scatterPoints(rows) {
  return rows
    .filter((row) => row.result.status === "ok" && row.result.conductivity && row.result.stability?.reduction_V)
    .map((row) => {
      const sigma = row.result.conductivity.log10_sigma_S_per_cm;
      const { reduction_V, oxidation_V } = row.result.stability;
      const known = ["conductivity", "stability"].every((name) => row.result.applicability[name]?.in_domain);
      const ends = [reduction_V, oxidation_V].every((limit) => limit.lower !== null);
      return {
        row,
        known,
        x: sigma.value,
        y: oxidation_V.value - reduction_V.value,
        xLow: sigma.lower,
        xHigh: sigma.upper,
        yLow: ends ? Math.max(0, oxidation_V.lower - reduction_V.upper) : null,
        yHigh: ends ? oxidation_V.upper - reduction_V.lower : null,
      };
    });
}

/** The plot of the batch and the point that is looked at. */
export class Scatter {
  /** @param {{onOpen: Function}} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    byId("known-only").addEventListener("change", () => this.update());
    const box = byId("map-plot");
    let lastPx = 0;
    new ResizeObserver(() => {
      if (!this.points?.length || box.clientWidth === lastPx || !box.clientWidth) return;
      lastPx = box.clientWidth;
      this.draw();
    }).observe(box);
  }

  show(batch) {
    this.all = scatterPoints(batch.rows);
    byId("map").hidden = this.all.length < 2;
    this.update();
  }

  update() {
    this.points = byId("known-only").checked ? this.all.filter((point) => point.known) : this.all;
    this.front = paretoFront(this.points);
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
        ` ${sigmaText(point.x)} S/cm, ${fixed(point.y, 2)} V`,
        !point.known && " (not known)",
      ),
    );
    put(byId("front"), names);
  }

  draw() {
    const widthPx = Math.floor(byId("map-plot").clientWidth);
    if (!widthPx) return;
    if (!this.points.length)
      return put(byId("map-plot"), el("p", { class: "none" }, "No material has both a conductivity and a window."));
    const x = axisOf(this.points.map((point) => point.x));
    const top = Math.max(1, ...this.points.map((point) => point.y));
    const y = [0, Math.ceil(2 * top + 0.4) / 2];
    const drawn = frame({
      widthPx,
      heightPx: Math.min(460, Math.max(320, widthPx * 0.55)),
      margin: { top: 14, right: 18, bottom: 42, left: 46 },
      x: { domain: x, ticks: decadeTicks(x), label: "σ (S/cm)" },
      y: {
        domain: y,
        ticks: niceTicks(y, 5).map((at) => ({ at, text: String(at) })),
        label: "width of the window (V)",
      },
      title: "Conductivity against width of the window; arrow keys move between the materials",
      role: "group",
    });
    this.placed = this.points.map((point) => ({ ...point, xPx: drawn.x(point.x), yPx: drawn.y(point.y) }));
    drawn.marks.append(svg("path", { class: "guide", d: `M${drawn.x(-3)} ${drawn.inner.top}V${drawn.inner.bottom}` }));
    this.addBars(drawn);
    this.addFront(drawn);
    this.addMarks(drawn);
    this.addNames(drawn);
    this.addHover(drawn);
    return put(byId("map-plot"), drawn.node);
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

  mark(point, i, isFront) {
    const words = `${nameOf(point.row)}: ${sigmaText(point.x)} S/cm, window ${fixed(point.y, 2)} V${point.known ? "" : ", chemistry not known"}${isFront ? ", on the front" : ""}`;
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
    node.addEventListener("focus", () => put(byId("map-said"), words));
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
      put(
        byId("map-said"),
        `${nameOf(point.row)}: ${sigmaText(point.x)} S/cm, window ${fixed(point.y, 2)} V${point.known ? "" : ", chemistry not known"}`,
      );
    });
    drawn.node.addEventListener("click", (event) => {
      const point = nearestTo(event);
      if (point) this.hooks.onOpen(point.row);
    });
  }
}

/** Whole decades that hold nearly all values: one that lies far out is cut off by no axis of hundred decades. */
function axisOf(values) {
  const low = Math.max(-14, Math.floor(Math.min(...values)));
  return [Math.min(low, -4), Math.max(-1, Math.ceil(Math.max(...values)))];
}
