"""Element data, read once from `features/data/elements.csv`.

The table is written by `features/build_element_table.py` from matminer's Magpie data (mean-imputed as
matminer does by default) and pymatgen's electronegativities, oxidation states and Shannon radii; see
ATTRIBUTION.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

SYMBOLS: tuple[str, ...] = tuple(
    (
        "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr "
        "Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W "
        "Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr"
    ).split()
)
ATOMIC_NUMBER: dict[str, int] = {symbol: z for z, symbol in enumerate(SYMBOLS, start=1)}

MAGPIE_PROPERTIES: tuple[str, ...] = tuple(
    (
        "Number MendeleevNumber AtomicWeight MeltingT Column Row CovalentRadius Electronegativity NsValence "
        "NpValence NdValence NfValence NValence NsUnfilled NpUnfilled NdUnfilled NfUnfilled NUnfilled GSvolume_pa "
        "GSbandgap GSmagmom SpaceGroupNumber"
    ).split()
)


@cache
def element_table() -> dict[str, NDArray[np.float64]]:
    """Return every column of the element table, each of shape (103,), row z-1 for atomic number z."""
    with (files("features") / "data" / "elements.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    if [row["symbol"] for row in rows] != list(SYMBOLS):
        raise RuntimeError("features/data/elements.csv does not list H to Lr in order")
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "symbol"}


def molar_mass_g_per_mol(amounts: Mapping[str, float]) -> float:
    """Return the mass of a mole of a composition, given by element symbol and atoms per formula unit, in g/mol."""
    mass = element_table()["atomic_mass_g_per_mol"]
    return sum(float(mass[ATOMIC_NUMBER[symbol] - 1]) * amount for symbol, amount in amounts.items())


@cache
def magpie_matrix() -> NDArray[np.float64]:
    """Return the Magpie properties, shape (103, 22), columns as `MAGPIE_PROPERTIES`."""
    table = element_table()
    return np.column_stack([table[name] for name in MAGPIE_PROPERTIES])
