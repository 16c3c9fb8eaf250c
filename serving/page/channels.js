/** The surface of the channels below a threshold, drawn by hand on a canvas: discs from back to front. */

const LIGHT = [-0.4, 0.6, 0.7];
const SHADES = 24;
const SOFT = 40; // levels
const AROUND = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]];
const ATOM_A = 0.42;
const ANIONS = { O: "--s1", S: "--s4", Se: "--s4", Te: "--s4", N: "--s0", F: "--s2", Cl: "--s2", Br: "--s2", I: "--s2" };
const CUBE = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => [k & 1, (k >> 1) & 1, (k >> 2) & 1]);

/** Energies on a grid as the service sends them, with what is needed to read them. */
export function readGrid(sent) {
  const text = atob(sent.levels);
  const levels = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return { ...sent, levels, lattice: sent.lattice_A, reciprocal: inverse(sent.lattice_A) };
}

/** The level at a point of the grid, which repeats. */
export function levelAt(grid, i, j, k) {
  const [a, b, c] = grid.shape;
  return grid.levels[((((i + a) % a) * b) + ((j + b) % b)) * c + ((k + c) % c)];
}

/** Columns of the inverse, so that fractions are `position . column`. */
function inverse([a, b, c]) {
  const cross = (u, v) => [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const volume = dot(a, cross(b, c));
  return [cross(b, c), cross(c, a), cross(a, b)].map((column) => column.map((x) => x / volume));
}

function dot(u, v) {
  return u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
}

/** Cartesian coordinates of fractions. */
export function cartesian(lattice, [x, y, z]) {
  return [0, 1, 2].map((axis) => x * lattice[0][axis] + y * lattice[1][axis] + z * lattice[2][axis]);
}

/** Where the level is crossed between two points of the grid, with the direction out of the channel there. */
export function surfaceOf(grid, most) {
  const [a, b, c] = grid.shape;
  const edges = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  const found = [];
  for (let i = 0; i < a; i += 1)
    for (let j = 0; j < b; j += 1)
      for (let k = 0; k < c; k += 1) {
        const here = levelAt(grid, i, j, k);
        for (const [di, dj, dk] of edges) {
          const there = levelAt(grid, i + di, j + dj, k + dk);
          if (here <= most === there <= most) continue;
          const part = (most + 0.5 - here) / (there - here);
          const next = part > 0.5 ? 1 : 0;
          const out = outwards(grid, most, i + next * di, j + next * dj, k + next * dk);
          const at = [(i + part * di) / a, (j + part * dj) / b, (k + part * dk) / c];
          found.push({ at: cartesian(grid.lattice, at), out });
        }
      }
  return found;
}

/** The direction in which the energy rises; walls count as little above the level, so that they do not roughen it. */
function outwards(grid, most, i, j, k) {
  const level = (di, dj, dk) => Math.min(levelAt(grid, i + di, j + dj, k + dk), most + SOFT);
  const slope = (d) => {
    let sum = 0;
    for (const [u, v] of AROUND) {
      const step = (sign) => level(...[0, 1, 2].map((axis) => (axis === d ? sign : axis === (d + 1) % 3 ? u : v)));
      sum += (step(1) - step(-1)) * (u || v ? 1 : 2);
    }
    return sum * grid.shape[d];
  };
  const out = cartesian(grid.reciprocal, [slope(0), slope(1), slope(2)]);
  const size = Math.hypot(...out) || 1;
  return out.map((x) => x / size);
}

/** A view that can be turned: `turn(right, up)` in radians, `show(grid, surface)`, `draw()`. */
export class Channels {
  constructor(canvas) {
    this.canvas = canvas;
    this.yaw = 0.5;
    this.pitch = 0.35;
    this.waiting = false;
  }

  show(grid, surface) {
    this.grid = grid;
    this.surface = surface;
    this.middle = cartesian(grid.lattice, [0.5, 0.5, 0.5]);
    const far = CUBE.map((corner) => Math.hypot(...this.centred(cartesian(grid.lattice, corner))));
    this.reach = Math.max(...far) + ATOM_A;
    this.draw();
  }

  turn(right, up) {
    this.yaw += right;
    this.pitch = Math.max(-1.57, Math.min(1.57, this.pitch + up));
    this.draw();
  }

  centred(place) {
    return place.map((x, axis) => x - this.middle[axis]);
  }

  /** Turn a vector: x to the right, y up, z towards the eye; the third axis of the crystal stands upright. */
  turned([x, y, z]) {
    const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    const [right, depth] = [cy * x + sy * y, -sy * x + cy * y];
    return [right, cp * z + sp * depth, sp * z - cp * depth];
  }

  /** Draw at the next frame, once however often it is asked. */
  draw() {
    if (this.waiting || !this.grid) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    const { canvas } = this;
    const sizePx = Math.min(canvas.parentElement.clientWidth - 2, 620);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.height = Math.round(sizePx * ratio);
    const context = canvas.getContext("2d");
    const scale = canvas.width / 2 / this.reach;
    const put = (place) => this.turned(this.centred(place));
    const things = [...this.edges(put), ...this.discs(put), ...this.atoms(put)].sort((one, other) => one.depth - other.depth);
    const x = (u) => canvas.width / 2 + u * scale;
    const y = (v) => canvas.height / 2 - v * scale;
    for (const thing of things) thing.paint(context, x, y, scale, ratio);
  }

  colour(name) {
    return getComputedStyle(this.canvas).getPropertyValue(name).trim();
  }

  edges(put) {
    const colour = this.colour("--soft");
    const edges = CUBE.flatMap((from) => [0, 1, 2].filter((axis) => !from[axis]).map((axis) => [from, axis]));
    return edges.flatMap(([from, axis]) => {
      const pieces = 12; // so that an edge lies partly before and partly behind
      const along = (t) => put(cartesian(this.grid.lattice, from.map((x, i) => (i === axis ? t : x))));
      return Array.from({ length: pieces }, (_, i) => {
        const [start, end] = [along(i / pieces), along((i + 1) / pieces)];
        return {
          depth: (start[2] + end[2]) / 2,
          paint(context, x, y, scale, ratio) {
            context.strokeStyle = colour;
            context.lineWidth = ratio;
            context.beginPath();
            context.moveTo(x(start[0]), y(start[1]));
            context.lineTo(x(end[0]), y(end[1]));
            context.stroke();
          },
        };
      });
    });
  }

  discs(put) {
    const { shape, lattice } = this.grid;
    const radius = 0.62 * Math.max(...lattice.map((vector, axis) => Math.hypot(...vector) / shape[axis]));
    const colours = Array.from({ length: SHADES }, (_, i) => {
      const light = 28 + (52 * i) / (SHADES - 1);
      return `hsl(198 62% ${light}%)`;
    });
    const size = Math.hypot(...LIGHT);
    return this.surface.map(({ at, out }) => {
      const [u, v, depth] = put(at);
      const lit = Math.max(0, dot(this.turned(out), LIGHT) / size);
      const colour = colours[Math.round((0.25 + 0.75 * lit) * (SHADES - 1))];
      return {
        depth,
        paint(context, x, y, scale) {
          context.fillStyle = colour;
          context.beginPath();
          context.arc(x(u), y(v), radius * scale, 0, 2 * Math.PI);
          context.fill();
        },
      };
    });
  }

  atoms(put) {
    const colours = { Li: this.colour("--s3"), line: this.colour("--ink"), other: this.colour("--soft") };
    return this.grid.atoms.map(({ place, occupancies }) => {
      const [u, v, depth] = put(cartesian(this.grid.lattice, place));
      const [symbol] = Object.entries(occupancies).sort((one, other) => other[1] - one[1])[0];
      const held = Math.min(1, Object.values(occupancies).reduce((sum, share) => sum + share, 0));
      const colour = colours[symbol] ?? (ANIONS[symbol] ? this.colour(ANIONS[symbol]) : colours.other);
      return {
        depth,
        paint(context, x, y, scale, ratio) {
          context.beginPath();
          context.arc(x(u), y(v), (symbol === "Li" ? 0.6 : 1) * ATOM_A * scale, 0, 2 * Math.PI);
          context.globalAlpha = 0.25 + 0.75 * held;
          context.fillStyle = colour;
          context.fill();
          context.globalAlpha = 1;
          context.strokeStyle = colours.line;
          context.lineWidth = 0.6 * ratio;
          context.stroke();
        },
      };
    });
  }
}
