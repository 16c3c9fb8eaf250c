"""Ions: which charges an element takes, how large it is then, and which ions stand in for each other.

The tables `ions.csv` and `substitutions.csv` are written by `build_ion_table.py`, which names their sources.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

import numpy as np

from features.elements import ATOMIC_NUMBER, element_table
from features.formula_doubts import ANIONS
from serving.generation.errors import GenerationError

UNUSUAL = frozenset(
    (
        "Be As Cd Hg Tl "  # toxic
        "Tc Ru Rh Pd Re Os Ir Pt Au "  # very scarce
        "Pm Po At Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr "  # radioactive
        "V Cr Mn Fe Co Ni Cu "  # change their charge in a cell and then conduct electrons
    ).split()
)
"""Elements that no family takes unless asked to: toxic, very scarce, radioactive, easily reduced."""
_NEUTRAL = 0.02  # elementary charges per atom, as `features.chemistry.NEUTRALITY_TOLERANCE`
_OXIDISED = 2.5  # oxygens per S, N, Cl ... of an oxyanion, as in `features.chemistry`


@dataclass(frozen=True, slots=True)
class Ion:
    """An element in one oxidation state.

    Attributes
    ----------
    symbol, charge
        Which.
    share
        Of the element's reports in the ICSD, 0 to 1.
    radius_A
        Shannon's ionic radius by coordination number (4, 6, 8).
    """

    symbol: str
    charge: int
    share: float
    radius_A: dict[int, float]

    def __str__(self) -> str:
        size = "" if abs(self.charge) == 1 else str(abs(self.charge))
        return f"{self.symbol}{size}{'+' if self.charge > 0 else '-'}"


@cache
def ions() -> dict[tuple[str, int], Ion]:
    """Return all ions of the table by symbol and charge."""
    found = {}
    with (files("serving.generation") / "ions.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            radii = {n: float(row[f"radius_cn{n}_A"]) for n in (4, 6, 8) if row[f"radius_cn{n}_A"]}
            ion = Ion(row["symbol"], int(row["charge"]), float(row["share"]), radii)
            found[ion.symbol, ion.charge] = ion
    return found


@cache
def _substitutions() -> dict[tuple[str, int], dict[str, float]]:
    found: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    with (files("serving.generation") / "substitutions.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            charge, score = int(row["charge"]), float(row["score"])
            found[row["first"], charge][row["second"]] = score
            found[row["second"], charge][row["first"]] = score
    return found


def stand_ins(ion: Ion, allowed: frozenset[str]) -> list[tuple[Ion, float]]:
    """Return the ions of the same charge that replace an ion in known structure types, the likeliest first.

    Parameters
    ----------
    ion
        To be replaced.
    allowed
        Elements that may take its place.

    Returns
    -------
    list
        Ions with their scores, ln of how much more often than by chance (doi 10.1021/ic102031h).
    """
    scores = _substitutions().get((ion.symbol, ion.charge), {})
    known = ions()
    chosen = [
        (known[symbol, ion.charge], score)
        for symbol, score in scores.items()
        if symbol in allowed and (symbol, ion.charge) in known
    ]
    return sorted(chosen, key=lambda pair: (-pair[1], ATOMIC_NUMBER[pair[0].symbol]))


def radius_difference_A(first: Ion, second: Ion) -> float | None:
    """Return the smallest difference of the ionic radii over the coordination numbers that both have, else None."""
    shared = first.radius_A.keys() & second.radius_A.keys()
    return min((abs(first.radius_A[n] - second.radius_A[n]) for n in shared), default=None)


def assign_charges(amounts: dict[str, float]) -> dict[str, Ion]:
    """Find the oxidation states that make a formula neutral, the most usual ones if several do.

    Raises
    ------
    GenerationError
        If no combination of listed oxidation states is neutral.
    """
    known, atoms = ions(), sum(amounts.values())
    anions = _anions_of(amounts)
    options = [
        [ion for (name, charge), ion in known.items() if name == symbol and (charge < 0) == (symbol in anions)]
        for symbol in amounts
    ]
    best: tuple[float, tuple[Ion, ...]] | None = None
    for combination in product(*options):
        charge = sum(ion.charge * amount for ion, amount in zip(combination, amounts.values(), strict=True))
        if abs(charge) / atoms > _NEUTRAL:
            continue
        usual = float(sum(np.log(ion.share) for ion in combination)) - abs(charge) / atoms
        if best is None or usual > best[0]:
            best = (usual, combination)
    if best is None:
        raise GenerationError(f"no usual oxidation states make {''.join(_shown(amounts))} neutral")
    return dict(zip(amounts, best[1], strict=True))


def _shown(amounts: dict[str, float]) -> list[str]:
    return [f"{symbol}{amount:g}" if amount != 1 else symbol for symbol, amount in amounts.items()]


def _anions_of(amounts: dict[str, float]) -> frozenset[str]:
    """Return which elements are anions: the usual ones, without those that oxygen or fluorine oxidises."""
    oxygen = amounts.get("O", 0.0)
    here = {symbol for symbol in ANIONS & amounts.keys()}
    oxidised = {symbol for symbol in here - {"O", "F"} if oxygen >= _OXIDISED * amounts[symbol] > 0}
    present = here - oxidised
    if not present and "H" in amounts:
        return frozenset({"H"})
    if not present:  # phosphides and the like: the most electronegative element
        scale = element_table()["pauling_electronegativity"]
        return frozenset({max(amounts, key=lambda symbol: float(scale[ATOMIC_NUMBER[symbol] - 1]))})
    return frozenset(present)
