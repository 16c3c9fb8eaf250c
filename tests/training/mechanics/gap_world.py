"""A world of salts and alloys whose gaps follow a law: more polar is wider, alloys are metals."""

from __future__ import annotations

import numpy as np

from features.elements import ATOMIC_NUMBER, element_table
from training.crystals import Crystals, GapTable
from training.formula_tables import FormulaTarget

METALS = ("Li", "Na", "K", "Rb", "Mg", "Ca", "Sr", "Zn", "Cd", "Al", "Ga", "In", "Y", "La")
ANIONS = ("F", "Cl", "Br", "I", "O", "S", "Se")
ABSENT = {"Li": 1.0, "Sr": 1.0, "Cl": 3.0}
"""The one salt that the table lacks."""


def gap_of(amounts: dict[str, float]) -> float:
    """Return the gap of a compound by the law."""
    chi = element_table()["pauling_electronegativity"]
    anions = [chi[ATOMIC_NUMBER[symbol] - 1] for symbol in amounts if symbol in ANIONS]
    if not anions:
        return 0.0
    metals = [chi[ATOMIC_NUMBER[symbol] - 1] for symbol in amounts if symbol not in ANIONS]
    return max(2.5 * (min(anions) - max(metals)) - 1.0, 0.0)


def made_table() -> GapTable:
    """Return some 2,000 crystals, some of them polymorphs with gaps of their own, one of each hundred off the law."""
    rng = np.random.default_rng(0)
    compounds = [{a: 1.0, x: float(n)} for a in METALS for x in ANIONS for n in (1, 2)]
    compounds += [
        {a: 1.0, b: 1.0, x: float(n)} for a in METALS for b in METALS if a < b for x in ANIONS for n in (2, 3)
    ]
    compounds += [{a: 1.0, b: float(n)} for a in METALS for b in METALS if a < b for n in (1, 2)]
    rows = []
    for amounts in compounds:
        if amounts == ABSENT:
            continue
        gap = gap_of(amounts)
        formula = "".join(f"{symbol}{amount:g}" for symbol, amount in amounts.items())
        rows.append(FormulaTarget(formula, amounts, gap * rng.uniform(0.9, 1.1)))
        if rng.random() < 0.2:
            doubled = {symbol: 2.0 * amount for symbol, amount in amounts.items()}
            rows.append(FormulaTarget(formula, doubled, gap * rng.uniform(0.7, 1.0)))
    return GapTable(Crystals.of(rows), np.array([row.target for row in rows]))
