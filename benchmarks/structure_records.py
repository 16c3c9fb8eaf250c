"""Relaxed crystals of the public tables, kept one file each in a folder so that a long run goes on where it stopped.

Two sets: the CIFs of OBELiX whose composition the table of formation energies lists, and NASICONs that were computed
as one family outside of Materials Project, in cells made from the prototype LiTi2(PO4)3 of OBELiX.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from features.elements import SYMBOLS
from features.errors import CandidateError
from features.structures.cells import OrderedCell
from features.structures.representatives import ordered_representative
from training.properties.stability.nasicon import CENTRES, METALS, read_nasicons
from training.properties.stability.table import EnergyTable
from training.sources import texts_of_archive
from training.structures.energy_scale import table_energy_eV_per_atom
from training.structures.potentials import Potential, Scale, load_potential
from training.structures.relaxation import RelaxationLimits, relax
from training.thermodynamics.phases import rows_of_compositions
from training.thermodynamics.reactions import layout
from training.whole_files import write_whole

RELAXING, SECOND = "sevenn-0", "sevenn-l3i5"
MOST_STEPS = 200
ARCHIVE, PROTOTYPE = "obelix_cifs", "rr5"
NAMED = {"Li6PS5Cl": "122", "Li10GeP2S12": "mtn", "Li3YCl6": "ei3"}
"""Compounds whose energies above the hull are asked for by name, and their CIFs."""
EXACT = 2e-3  # of the atoms: what counts as the table's composition
ROCK_SALTS = {"F": 4.03, "Cl": 5.13, "Br": 5.50, "I": 6.00, "H": 4.08}
ANTIFLUORITES = {"O": 4.62, "S": 5.71, "Se": 6.00, "Te": 6.52}
"""Binaries that OBELiX has no CIF of, by anion: rough edges of the cube in angstrom; the cells are relaxed."""


class Record(NamedTuple):
    """One relaxed crystal; `raw_eV` are the energies of the cell by potential."""

    name: str
    cell: OrderedCell
    end: str
    steps: int
    cpu_seconds: float
    volume_change: float
    raw_eV: Mapping[str, float]

    def formation_eV_per_atom(self, potential: str, *, vintage: bool = True) -> float:
        """Return the formation energy on the scale of the table; `vintage` as there."""
        return table_energy_eV_per_atom(self.cell, self.raw_eV[potential], Scale.UNCORRECTED, vintage=vintage)

    def write(self, folder: Path) -> None:
        """Keep the record."""
        cell = self.cell
        document = {
            **self._asdict(),
            "cell": {
                "lattice_A": cell.lattice_A.tolist(),
                "fractional_coordinates": cell.fractional_coordinates.tolist(),
                "symbols": list(cell.symbols),
                "composition_distance": cell.composition_distance,
                "disordered": cell.disordered,
            },
        }
        write_whole(folder / f"{self.name}.json", json.dumps(document).encode())

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read what was kept."""
        said: dict[str, Any] = json.loads(path.read_bytes())
        kept = said.pop("cell")
        for key in ("lattice_A", "fractional_coordinates"):
            kept[key] = np.array(kept[key], float)
        return cls(cell=OrderedCell(**{**kept, "symbols": tuple(kept["symbols"])}), **said)


class Relaxer:
    """Relaxes what is not known yet; loads the potentials with the first of these."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pair: tuple[Potential, Potential] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def record(self, name: str, cell: OrderedCell) -> Record:
        """Return a crystal's record, made now where there is none."""
        path = self._folder / f"{name}.json"
        if path.exists():
            return Record.read(path)
        if self._pair is None:
            self._pair = load_potential(RELAXING), load_potential(SECOND)
        first, second = self._pair
        started = time.process_time()
        found = relax(first, cell, RelaxationLimits(most_steps=MOST_STEPS))
        spent = time.process_time() - started
        raw = {first.name: found.computed.energy_eV, second.name: second.compute(found.cell).energy_eV}
        record = Record(name, found.cell, str(found.end), found.steps, spent, found.volume_change, raw)
        record.write(self._folder)
        return record


def obelix_cells(names: tuple[str, ...] | None = None) -> Iterator[tuple[str, OrderedCell]]:
    """Yield the lithium crystals of OBELiX that can be made whole atoms, with the names of their CIFs."""
    for name, text in sorted(texts_of_archive(ARCHIVE).items()):
        if names is not None and name not in names:
            continue
        try:
            cell = ordered_representative(text)
        except CandidateError:
            continue
        if "Li" in cell.amounts:
            yield name, cell


def binaries() -> Iterator[tuple[str, OrderedCell]]:
    """Yield LiX in rock salt and Li2X in antifluorite, primitive cells."""
    faces = 0.5 * (np.ones((3, 3)) - np.eye(3))
    for anion, edge_A in ROCK_SALTS.items():
        yield f"rocksalt-{anion}", OrderedCell(edge_A * faces, np.array([[0.0] * 3, [0.5] * 3]), ("Li", anion))
    for anion, edge_A in ANTIFLUORITES.items():
        places = np.array([[0.25] * 3, [0.75] * 3, [0.0] * 3])
        yield f"antifluorite-{anion}", OrderedCell(edge_A * faces, places, ("Li", "Li", anion))


def listed(table: EnergyTable, cell: OrderedCell) -> float | None:
    """Return the formation energy by which the table lists a cell's composition."""
    phases = table.phases
    row = int(rows_of_compositions(phases, *layout([cell.amounts]))[0])
    return None if row < 0 else float(phases.energy_eV_per_atom[row])


def nasicon_cells(count: int, most_atoms: int = 45, seed: int = 0) -> Iterator[tuple[str, OrderedCell, float]]:
    """Yield `count` NASICONs in an order drawn once: name, cell, energy against its source's hull in eV/atom."""
    table, prototype = read_nasicons(), texts_of_archive(ARCHIVE)[PROTOTYPE]
    order = list(range(len(table.batch)))
    random.Random(seed).shuffle(order)
    done = 0
    for row in order:
        held = zip(table.batch.element_index[row].tolist(), table.batch.fraction[row].tolist(), strict=True)
        amounts = {SYMBOLS[z]: share for z, share in held if share > 0}
        amounts = {symbol: 12.0 * share / amounts["O"] for symbol, share in amounts.items()}
        try:
            cell = ordered_representative(_nasicon_cif(prototype, amounts), most_atoms=90)
        except CandidateError:
            continue
        if len(cell) <= most_atoms:
            yield f"nasicon-{row}", cell, float(table.decomposition_energy_eV_per_atom[row])
            done += 1
        if done == count:
            return


def _nasicon_cif(prototype: str, amounts: Mapping[str, float]) -> str:
    """Return the prototype's CIF with sodium, framework metals and centres by their shares, in a usual NASICON cell."""
    head = prototype[: prototype.index("loop_\n _atom_site_type_symbol")]
    dropped = ("chemical_formula", "formula_units", "_cell_volume", "data_")
    lines = [line for line in head.splitlines() if not any(word in line for word in dropped)]
    sodium = amounts.get("Na", 0.0)
    sites = [("Na", "0 0 0", min(sodium, 1.0)), ("Na", "0.64 0 0.25", max(sodium - 1.0, 0.0) / 3.0)]
    sites += [(metal, "0 0 0.145", amounts[metal] / 2.0) for metal in METALS if metal in amounts]
    sites += [(centre, "0 0.2935 0.25", amounts.get(centre, 0.0) / 3.0) for centre in CENTRES]
    sites += [("O", "0.00019379 0.17740625 0.31424410", 1.0), ("O", "0.02525650 0.82510377 0.42394098", 1.0)]
    rows = [f"{s} {s}{i} {place} {share:.6f}" for i, (s, place, share) in enumerate(sites) if share > 1e-6]
    columns = ("type_symbol", "label", "fract_x", "fract_y", "fract_z", "occupancy")
    loop = ["loop_", *(f"_atom_site_{column}" for column in columns), *rows]
    whole = "\n".join(["data_nasicon", *lines, *loop, ""])
    return whole.replace("8.51450000", "8.75").replace("20.86330000", "22.2")
