"""Write `features/data/elements.csv`: run `python -m features.build_element_table` when its sources change.

Needs matminer and pymatgen (extra `dev`); prediction needs only the CSV.
"""

from __future__ import annotations

import csv
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from features.elements import MAGPIE_PROPERTIES, SYMBOLS

if TYPE_CHECKING:
    from pymatgen.core.periodic_table import Element

# States that pymatgen's "common" list lacks or overstates for lithium conductors: P, As, Sb, Ge, Sn, Si, C
# and B are cations of polyanions here, and d-metals appear in the listed range.
CATION_CHARGES: dict[str, tuple[int, int]] = {
    "H": (1, 1),
    "B": (3, 3),
    "C": (4, 4),
    "N": (5, 5),
    "Si": (4, 4),
    "P": (4, 5),
    "S": (6, 6),
    "Cl": (7, 7),
    "Ge": (4, 4),
    "As": (3, 5),
    "Se": (4, 6),
    "Br": (5, 7),
    "Sn": (2, 4),
    "Sb": (3, 5),
    "Te": (4, 6),
    "I": (5, 7),
    "Ti": (3, 4),
    "V": (2, 5),
    "Cr": (2, 6),
    "Mn": (2, 4),
    "Fe": (2, 3),
    "Co": (2, 4),
    "Ni": (2, 4),
    "Cu": (1, 2),
    "Ga": (3, 3),
    "In": (3, 3),
    "Tl": (1, 3),
    "Pb": (2, 4),
    "Bi": (3, 5),
    "Mo": (4, 6),
    "W": (4, 6),
    "Ce": (3, 4),
    "Nb": (4, 5),
    "Ta": (5, 5),
    "U": (4, 6),
    "Ag": (1, 1),
    "Au": (1, 3),
    "Hg": (1, 2),
    "Eu": (2, 3),
    "Yb": (2, 3),
    "Sm": (2, 3),
    "Zn": (2, 2),
    "Cd": (2, 2),
    "Pr": (3, 4),
    "Tb": (3, 4),
    "Re": (4, 7),
    "O": (0, 0),
    "F": (0, 0),
}
ANION_CHARGES: dict[str, int] = {
    "H": -1,
    "B": -3,
    "C": -4,
    "N": -3,
    "O": -2,
    "F": -1,
    "Si": -4,
    "P": -3,
    "S": -2,
    "Cl": -1,
    "Ge": -4,
    "As": -3,
    "Se": -2,
    "Br": -1,
    "Sn": -4,
    "Sb": -3,
    "Te": -2,
    "I": -1,
    "Bi": -3,
}
# Shannon lists no H-: the Li-H distance of LiH (2.04 A) less the 0.90 A that the table has for Li+.
ANION_RADII_A: dict[str, float] = {"H": 1.14}
_DERIVED_COLUMNS = (
    "pauling_electronegativity",
    "atomic_mass_g_per_mol",
    "cation_charge_min",
    "cation_charge_max",
    "anion_charge",
    "cation_radius_A",
    "anion_radius_A",
)


def main() -> None:
    """Collect and write the table."""
    from matminer.utils.data import MagpieData  # type: ignore[import-untyped,unused-ignore]
    from pymatgen.core.periodic_table import Element

    magpie = MagpieData(impute_nan=True)
    target = Path(__file__).with_name("data") / "elements.csv"
    with target.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["symbol", *MAGPIE_PROPERTIES, *_DERIVED_COLUMNS])
        for symbol in SYMBOLS:
            element = Element(symbol)
            properties = {name: magpie.get_elemental_property(element, name) for name in MAGPIE_PROPERTIES}
            derived = _derived(element, properties["Electronegativity"])
            writer.writerow([symbol, *(repr(float(value)) for value in properties.values()), *derived])


def _derived(element: Element, magpie_electronegativity: float) -> list[float]:
    """Return the values of `_DERIVED_COLUMNS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns of elements without an electronegativity
        electronegativity = float(element.X)
    if math.isnan(electronegativity):
        electronegativity = magpie_electronegativity
    low, high = _cation_charges(element)
    anion_charge = ANION_CHARGES.get(element.symbol, 0)
    anion_radius = ANION_RADII_A.get(element.symbol, _radius(element, anion_charge or -2))
    return [
        electronegativity,
        float(element.atomic_mass),
        low,
        high,
        anion_charge,
        _radius(element, high),
        anion_radius,
    ]


def _cation_charges(element: Element) -> tuple[int, int]:
    if element.symbol in CATION_CHARGES:
        return CATION_CHARGES[element.symbol]
    positive = [int(state) for state in element.common_oxidation_states if state > 0]
    return (min(positive), max(positive)) if positive else (0, 0)


def _radius(element: Element, charge: int) -> float:
    """Return the ionic radius in angstrom, as listed for the nearest charge, else the atomic radius."""
    radii = {int(state): float(r) for state, r in element.ionic_radii.items()}
    same_sign = {state: r for state, r in radii.items() if state * charge > 0}
    if same_sign:
        return round(same_sign[min(same_sign, key=lambda state: abs(state - charge))], 4)
    atomic = element.atomic_radius
    return round(float(atomic), 4) if atomic else 1.5


if __name__ == "__main__":
    main()
