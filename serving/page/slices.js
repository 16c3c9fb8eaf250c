/** Slices of the energies along the three axes of the cell: what lies below the threshold is coloured. */

import { el } from "./dom.js";
import { levelAt } from "./channels.js";

const NAMES = ["a", "b", "c"];
const WIDEST_PX = 230;

/** One slice across an axis, with a slider for its height. */
export class Slice {
  constructor(axis) {
    this.axis = axis;
    this.canvas = el("canvas", { role: "img" });
    this.slider = el("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0, id: `slice-${NAMES[axis]}` });
    this.slider.addEventListener("input", () => this.draw());
    this.words = el("output", { for: this.slider.id });
    const label = el("label", { for: this.slider.id }, `across ${NAMES[axis]} at `, this.words);
    this.node = el("figure", {}, this.canvas, el("figcaption", { class: "fine" }, label, this.slider));
  }

  show(grid, most) {
    this.grid = grid;
    this.most = most;
    this.draw();
  }

  /** The two vectors that span the slice, laid flat: the first along x. */
  flat() {
    const [u, v] = [0, 1, 2].filter((axis) => axis !== this.axis).map((axis) => this.grid.lattice[axis]);
    const length = Math.hypot(...u);
    const along = (u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) / length;
    return { length, along, height: Math.sqrt(Math.max(v[0] ** 2 + v[1] ** 2 + v[2] ** 2 - along ** 2, 1e-9)) };
  }

  draw() {
    const { grid, axis, canvas } = this;
    const at = Number(this.slider.value);
    const level = Math.round(at * grid.shape[axis]) % grid.shape[axis];
    this.words.textContent = at.toFixed(2);
    canvas.setAttribute("aria-label", `energies across ${NAMES[axis]} at ${at.toFixed(2)}; coloured where lithium gets`);
    const { length, along, height } = this.flat();
    const left = Math.min(0, along);
    const wide = Math.max(length, length + along) - left;
    const scale = WIDEST_PX / Math.max(wide, height);
    canvas.width = Math.ceil(wide * scale);
    canvas.height = Math.ceil(height * scale);
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const [first, second] = [0, 1, 2].filter((other) => other !== axis);
    const index = [0, 0, 0];
    index[axis] = level;
    const corner = (i, j) => {
      index[first] = i;
      index[second] = j;
      return levelAt(grid, ...index);
    };
    const between = (x, y) => {
      const [i, j] = [Math.floor(x), Math.floor(y)];
      const [p, q] = [x - i, y - j];
      const low = corner(i, j) * (1 - p) + corner(i + 1, j) * p;
      return low * (1 - q) + (corner(i, j + 1) * (1 - p) + corner(i + 1, j + 1) * p) * q;
    };
    for (let y = 0; y < canvas.height; y += 1)
      for (let x = 0; x < canvas.width; x += 1) {
        const v = (canvas.height - 1 - y) / scale / height;
        const u = (x / scale + left - v * along) / length;
        if (u < 0 || u > 1 || v > 1) continue;
        image.data.set(this.colour(between(u * grid.shape[first], v * grid.shape[second])), (y * canvas.width + x) * 4);
      }
    context.putImageData(image, 0, 0);
  }

  /** Blue below the threshold, the darker the lower; grey above, the lighter the higher. */
  colour(level) {
    if (level <= this.most) {
      const part = this.most ? level / this.most : 0;
      return [20 + 110 * part, 90 + 100 * part, 130 + 90 * part, 255];
    }
    const part = Math.min(1, (level - this.most) / 100);
    return [150, 150, 150, 110 - 90 * part];
  }
}
