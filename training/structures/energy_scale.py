"""From the energy of a potential to a formation energy on the scale of the table of phases; nothing is fitted.

The table is Materials Project as of 2019: PBE and PBE+U energies with the corrections of that time to anions (Wang,
Maxisch and Ceder, Phys. Rev. B 73, 195107 (2006), doi 10.1103/PhysRevB.73.195107), to gases, and between PBE and PBE+U
(Jain et al., Phys. Rev. B 84, 045115 (2011), doi 10.1103/PhysRevB.84.045115). A potential that answers uncorrected
energies gets these corrections; one that answers on the scale of 2020 (Wang et al., Sci. Rep. 11, 15496 (2021), doi
10.1038/s41598-021-94550-5) loses those of 2020 first. Both schemes, and the energies of the elements, are those of
pymatgen (MIT): its `MPCompatibility.yaml`, `MP2020Compatibility.yaml` and `calc_compounds.json.gz`; see
`build_energy_scale`, which writes `energy_scale.csv`.

Besides, compounds were computed again between 2019 and 2021. By how much is read off where both are known, without any
potential: the table's formation energies against pymatgen's energies of the same compounds on the same scale, the
median by anion (an oxygen of an oxide -0.011 eV, of 65 oxides, MAD 0.002). Potentials were fitted to the later ones.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER, element_table
from features.structures.cells import OrderedCell, distances_A
from features.structures.lattices import reduced
from training.structures.potentials import Scale

Array = NDArray[np.float64]
SCALE_TABLE = Path(__file__).with_name("energy_scale.csv")
# Bonds between two oxygens, and of oxygen to hydrogen, in angstrom, with the slack that Materials Project gives them
SUPEROXIDE_A, PEROXIDE_A, HYDROXIDE_A, SLACK = 1.35, 1.49, 0.93, 1.05
_NEIGHBOURS_WITHIN_A = 0.4


class Kind(StrEnum):
    """What a row of `energy_scale.csv` is."""

    ELEMENT = "element"
    GAS = "gas"
    ANION_2019 = "anion_2019"
    HUBBARD_2019 = "hubbard_2019"
    ANION_2020 = "anion_2020"
    HUBBARD_2020 = "hubbard_2020"
    VINTAGE = "vintage"


class OffScaleError(ValueError):
    """An element has no reference energy; the message names it."""


@cache
def scale_table() -> Mapping[tuple[Kind, str, str], float]:
    """Return the energies in eV by kind, name and what they hold of (the anion of a metal with U, else empty)."""
    with SCALE_TABLE.open(encoding="utf-8", newline="") as handle:
        return {(Kind(row["kind"]), row["name"], row["of"]): float(row["energy_eV"]) for row in csv.DictReader(handle)}


def reference_energy_eV_per_atom(symbol: str) -> float:
    """Return the energy of an element on the scale of the table, gases as corrected then.

    Raises
    ------
    OffScaleError
        If there is none (polonium, astatine, radon, francium, radium and beyond plutonium).
    """
    table = scale_table()
    corrected = table.get((Kind.GAS, symbol, ""))
    found = corrected if corrected is not None else table.get((Kind.ELEMENT, symbol, ""))
    if found is None:
        raise OffScaleError(f"no reference energy is known of {symbol}")
    return found


def table_energy_eV_per_atom(cell: OrderedCell, energy_eV: float, scale: Scale, *, vintage: bool = True) -> float:
    """Return the formation energy of a relaxed cell on the scale of the table.

    Parameters
    ----------
    cell
        Relaxed: bonds between oxygens, and what sulfur is bound to, decide which corrections hold.
    energy_eV
        Of the whole cell by a potential.
    scale
        What that energy contains already.
    vintage
        See `correction_2019_eV`.

    Raises
    ------
    OffScaleError
        If an element has no reference energy.
    """
    amounts = cell.amounts
    references = sum(reference_energy_eV_per_atom(symbol) * amount for symbol, amount in amounts.items())
    uncorrected = energy_eV - (correction_2020_eV(cell) if scale is Scale.MP2020 else 0.0)
    return (uncorrected + correction_2019_eV(cell, vintage=vintage) - references) / len(cell)


def correction_2019_eV(cell: OrderedCell, *, vintage: bool = True) -> float:
    """Return what Materials Project added to an uncorrected energy until 2020, 0 for an element.

    Parameters
    ----------
    cell
        Relaxed.
    vintage
        Also bring compounds without U to the energies as they were computed for the table.
    """
    amounts, table = cell.amounts, scale_table()
    if len(amounts) == 1:
        return 0.0
    found = _hubbard_eV(amounts, Kind.HUBBARD_2019)
    if vintage and found == 0.0:
        found += _of_anions_eV(cell, Kind.VINTAGE)
    if "S" in amounts and not holds_sulfate(cell):
        found += amounts["S"] * table[Kind.ANION_2019, "sulfide", ""]
    if "O" in amounts:
        kind, bonded = oxide_kind(cell)
        found += bonded * table[Kind.ANION_2019, kind, ""]
    return found


def correction_2020_eV(cell: OrderedCell) -> float:
    """Return what Materials Project adds since 2020: to the anions by their element, 0 for an element.

    An element counts as an anion where it is the most electronegative of the cell or has a negative charge in an
    ionic count; here: where no more electronegative element than it but oxygen or a halogen is not bound to it.
    """
    amounts = cell.amounts
    if len(amounts) == 1:
        return 0.0
    return _hubbard_eV(amounts, Kind.HUBBARD_2020) + _of_anions_eV(cell, Kind.ANION_2020)


def _of_anions_eV(cell: OrderedCell, of: Kind) -> float:
    """Return the sum over anions: of oxygen by how it is bound, of others by their element where they are anions."""
    amounts, table = cell.amounts, scale_table()
    found = 0.0
    if "O" in amounts:
        kind, bonded = oxide_kind(cell)
        found += bonded * table.get((of, kind, ""), 0.0)
    for symbol, amount in amounts.items():
        if (of, symbol, "") in table and not _is_oxidised(cell, symbol):
            found += amount * table[of, symbol, ""]
    return found


def _hubbard_eV(amounts: Mapping[str, float], kind: Kind) -> float:
    """Return the corrections to metals that were computed with U: those of oxides and fluorides."""
    anion = max(amounts, key=_electronegativity)
    table = scale_table()
    return sum(amount * table.get((kind, symbol, anion), 0.0) for symbol, amount in amounts.items())


def oxide_kind(cell: OrderedCell) -> tuple[str, int]:
    """Return oxide, peroxide, superoxide or ozonide, and how many oxygens are so; a hydroxide counts as an oxide."""
    oxygen = np.array([symbol == "O" for symbol in cell.symbols])
    apart = _distances(cell)
    hydrogen = np.array([symbol == "H" for symbol in cell.symbols])
    if hydrogen.any() and (apart[np.ix_(oxygen, hydrogen)] < SLACK * HYDROXIDE_A).any():
        return "oxide", int(oxygen.sum())
    between = apart[np.ix_(oxygen, oxygen)]
    np.fill_diagonal(between, np.inf)
    for kind, longest in (("superoxide", SUPEROXIDE_A), ("peroxide", PEROXIDE_A)):
        bonds = (between < SLACK * longest).sum(axis=1)
        if bonds.any():
            return ("ozonide" if kind == "superoxide" and bonds.max() > 1 else kind), int((bonds > 0).sum())
    return "oxide", int(oxygen.sum())


def holds_sulfate(cell: OrderedCell) -> bool:
    """Return whether a sulfur is bound to what is more electronegative than it (in the mean of its neighbours)."""
    return _is_oxidised(cell, "S")


def _is_oxidised(cell: OrderedCell, symbol: str) -> bool:
    """Return whether an atom of an element has nearest neighbours that are more electronegative in the mean."""
    apart = _distances(cell)
    np.fill_diagonal(apart, np.inf)
    own = _electronegativity(symbol)
    of_atoms = np.array([_electronegativity(other) for other in cell.symbols])
    for row in np.flatnonzero([other == symbol for other in cell.symbols]):
        near = apart[row]
        nearest = [i for i in np.argsort(near, kind="stable") if near[i] < near.min() + _NEIGHBOURS_WITHIN_A][:4]
        if nearest and np.isfinite(near.min()) and of_atoms[nearest].mean() > own:
            return True
    return False


def _distances(cell: OrderedCell) -> Array:
    short = reduced(cell.lattice_A)
    return distances_A(short, cell.fractional_coordinates @ cell.lattice_A @ np.linalg.inv(short))


def _electronegativity(symbol: str) -> float:
    return float(element_table()["pauling_electronegativity"][ATOMIC_NUMBER[symbol] - 1])
