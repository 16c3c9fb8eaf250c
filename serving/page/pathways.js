/** The view of lithium's ways through a CIF: numbers, the surface of the channels, three slices. */

import { Channels, readGrid, surfaceOf } from "./channels.js";
import { byId, el, put } from "./dom.js";
import { Slice } from "./slices.js";
import { answerInto, showProblem } from "./views.js";

const TURN = 0.12;
const EXAMPLE = `data_Li6PS5Cl
_cell_length_a 9.857
_cell_length_b 9.857
_cell_length_c 9.857
_symmetry_space_group_name_H-M 'F -4 3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0.3071 0.0251 0.6929 0.5
P1 P 0 0 0.5 1
S1 S 0.11957 -0.11957 0.61957 1
S2 S 0.25 0.25 0.75 1
Cl1 Cl 0 0 0 1
`;

const channels = new Channels(byId("channels"));
const slices = [0, 1, 2].map((axis) => new Slice(axis));
let grid = null;

function describe() {
  const asked = { structure: byId("cif").value, grid: true };
  if (byId("block").value.trim()) asked.block = byId("block").value.trim();
  return answerInto("./../pathways", asked, "flooding the crystal …", (found) => {
    if (found.status === "error") return showProblem("Not described", found.error.message);
    return show(found);
  });
}

function show(found) {
  const way = found.pathway;
  const eV = (value) => (value === null ? "none below 8 eV" : `${value.toFixed(2)} eV`);
  const numbers = [
    ["dimension", String(way.dimension)],
    ["barrier in 1D", eV(way.barrier_1d_eV)],
    ["in 2D", eV(way.barrier_2d_eV)],
    ["in 3D", eV(way.barrier_3d_eV)],
    ["bottleneck in 3D", `${way.bottleneck_A.toFixed(2)} Å`],
  ];
  put(byId("numbers"), numbers.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  put(byId("warnings"), found.warnings.map((warning) => el("li", {}, warning.message)));
  put(byId("said"), `${found.read_as}, ${found.space_group}, ${found.cell_content} in the cell`);
  byId("answer").hidden = false;
  grid = readGrid(found.grid);
  byId("threshold").value = String((way.barrier_3d_eV ?? way.barrier_1d_eV ?? 1) + grid.step_eV);
  const symbols = [...new Set(grid.atoms.flatMap((atom) => Object.keys(atom.occupancies)))].sort();
  put(byId("atoms-said"), `Atoms: ${symbols.join(", ")}; paler where a site is partly filled, lithium small.`);
  put(byId("slices"), slices.map((slice) => slice.node));
  draw();
}

function draw() {
  if (!grid) return;
  const most_eV = Number(byId("threshold").value);
  const most = Math.floor(most_eV / grid.step_eV + 1e-6);
  put(byId("threshold-said"), `${most_eV.toFixed(2)} eV`);
  const surface = surfaceOf(grid, most);
  byId("channels").setAttribute("aria-label", `surface of the channels below ${most_eV.toFixed(2)} eV, ${surface.length} points`);
  channels.show(grid, surface);
  for (const slice of slices) slice.show(grid, most);
}

async function take(file) {
  if (!file) return;
  byId("cif").value = await file.text();
  void describe();
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  void describe();
});
byId("example").addEventListener("click", () => {
  byId("cif").value = EXAMPLE;
  void describe();
});
byId("file").addEventListener("change", (event) => void take(event.target.files[0]));
byId("threshold").addEventListener("input", draw);
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  void take(event.dataTransfer.files[0]);
});
byId("channels").addEventListener("pointerdown", (event) => event.target.setPointerCapture(event.pointerId));
byId("channels").addEventListener("pointermove", (event) => {
  if (event.buttons & 1) channels.turn(event.movementX / 120, event.movementY / 120);
});
byId("channels").addEventListener("keydown", (event) => {
  const turns = { ArrowLeft: [-TURN, 0], ArrowRight: [TURN, 0], ArrowUp: [0, -TURN], ArrowDown: [0, TURN] };
  if (!turns[event.key]) return;
  event.preventDefault();
  channels.turn(...turns[event.key]);
});
window.addEventListener("resize", () => channels.draw());
