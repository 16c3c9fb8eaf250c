"""Parameters of the softBV force field for a lithium ion, `features/data/softbv_lithium.csv`.

Chen, Wong and Adams, Acta Cryst. B75, 18 (2019), doi 10.1107/S2052520618015718, as the package bvlain 0.25.1 (MIT)
holds them. For the anions of its table: bond-breaking energy, distance of least energy and softness of the bond with
lithium; for all ions: covalent radius and principal quantum number.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Ion:
    """An ion beside lithium.

    Attributes
    ----------
    charge
        In units of e.
    covalent_radius_A, principal_quantum_number
        Of the element.
    d0_eV, r_min_A, alpha_per_A
        Of its bond with lithium: energy, distance, inverse softness. 0 where the table has none.
    """

    charge: float
    covalent_radius_A: float
    principal_quantum_number: int
    d0_eV: float = 0.0
    r_min_A: float = 0.0
    alpha_per_A: float = 0.0

    @property
    def binds_lithium(self) -> bool:
        """Whether its bond with lithium has parameters."""
        return self.d0_eV > 0


@cache
def _table() -> dict[str, tuple[Ion, ...]]:
    ions: dict[str, tuple[Ion, ...]] = {}
    with (files("features") / "data" / "softbv_lithium.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            bond = [float(row[name]) for name in ("d0_eV", "r_min_A", "alpha_per_A") if row[name]]
            radius_A, quantum = float(row["covalent_radius_A"]), int(row["principal_quantum_number"])
            ion = Ion(float(row["charge"]), radius_A, quantum, *bond)
            ions[row["symbol"]] = (*ions.get(row["symbol"], ()), ion)
    return ions


def ion(symbol: str, charge: float) -> Ion | None:
    """Return the ion of an element whose charge is nearest and of the same sign; None where the table has none."""
    like = [one for one in _table().get(symbol, ()) if one.charge * charge > 0]
    return min(like, key=lambda one: abs(one.charge - charge), default=None)


def lithium() -> Ion:
    """Return the lithium ion."""
    return _table()["Li"][0]
