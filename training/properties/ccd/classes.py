"""Which class of electrolyte a formula belongs to, by rules that a chemist can check.

The rules count anions per framework cation and name the classes of the CCD table; a formula that none fits has no
class, and a class that no paper measured has no answer.
"""

from __future__ import annotations

from collections.abc import Mapping

HALOGENS = frozenset(("F", "Cl", "Br", "I"))
TETRAHEDRAL = frozenset(("P", "Si", "Ge", "As", "Sb", "Sn"))
GARNET_LARGE = frozenset(("La", "Nd", "Pr", "Sm", "Gd", "Dy", "Y", "Ca", "Sr", "Ba", "Na", "K", "Rb", "Cs"))
GARNET_OCTAHEDRAL = frozenset(("Zr", "Hf", "Ta", "Nb", "Sn", "Sb", "Te", "W", "Mo", "Bi"))
SULFIDE_ANIONS = HALOGENS | {"S", "Se", "O", "N"}
LIGHT = HALOGENS | {"Li", "Na", "K", "Mg", "Ca", "Ba", "O", "H"}
ARGYRODITE_ANIONS = (5.2, 7.6)
"""Anions per tetrahedral cation; 6 in Li6PS5Cl, other numbers where a dopant replaces phosphorus or lithium."""
GARNET_LITHIUM, GARNET_LANTHANUM = (0.35, 0.75), (0.15, 0.30)
"""Per oxygen: 7/12 and 3/12 in Li7La3Zr2O12."""


def class_of(amounts: Mapping[str, float]) -> str | None:
    """Return the class of a formula, None where no rule fits.

    Parameters
    ----------
    amounts
        Element symbol to amount.

    Examples
    --------
    >>> class_of({"Li": 6, "P": 1, "S": 5, "Cl": 1})
    'argyrodite'
    """
    if "Li" not in amounts or len(amounts) == 1:
        return None
    halogen = _sum(amounts, HALOGENS)
    oxygen, sulfur, nitrogen = (amounts.get(x, 0.0) for x in ("O", "S", "N"))
    if sulfur + amounts.get("Se", 0.0) > oxygen:
        return _sulfide(amounts)
    if amounts.get("B", 0.0) and amounts.get("H", 0.0) >= 0.8 * amounts["B"] and amounts["H"] > oxygen:
        return "hydride"
    if nitrogen:
        return _nitride(amounts, nitrogen, oxygen, halogen)
    if oxygen and halogen and LIGHT.issuperset(amounts):
        return "antiperovskite"
    if halogen > oxygen:
        return "halide"
    return _oxide(amounts, oxygen) if oxygen else None


def _sulfide(amounts: Mapping[str, float]) -> str:
    complexes = amounts.get("B", 0.0) if amounts.get("H", 0.0) >= 3.0 * amounts.get("B", 0.0) else 0.0
    anions = complexes + _sum(amounts, SULFIDE_ANIONS)
    tetrahedral = _sum(amounts, TETRAHEDRAL)
    if tetrahedral and ARGYRODITE_ANIONS[0] <= anions / tetrahedral <= ARGYRODITE_ANIONS[1]:
        return "argyrodite"
    return "thiophosphate" if amounts.get("P", 0.0) else "sulfide without phosphorus"


def _nitride(amounts: Mapping[str, float], nitrogen: float, oxygen: float, halogen: float) -> str:
    if amounts.get("P", 0.0) and oxygen > nitrogen:
        return "LiPON"
    return "nitride-halide" if halogen and not oxygen else "nitride"


def _oxide(amounts: Mapping[str, float], oxygen: float) -> str | None:
    lithium = amounts["Li"] / oxygen
    large = _sum(amounts, GARNET_LARGE) / oxygen
    octahedral = _sum(amounts, GARNET_OCTAHEDRAL) / oxygen
    if (
        octahedral
        and GARNET_LITHIUM[0] <= lithium <= GARNET_LITHIUM[1]
        and GARNET_LANTHANUM[0] <= large <= GARNET_LANTHANUM[1]
    ):
        return "garnet"
    if large > 0.1 and lithium < 0.3:
        return "perovskite"
    if (amounts.get("W", 0.0) + amounts.get("Mo", 0.0) + amounts.get("V", 0.0)) / oxygen > 0.25 and lithium < 0.2:
        return "polyoxometalate"
    if amounts.get("P", 0.0) and 0.15 <= amounts["P"] / oxygen <= 0.27 and len(amounts) > 3:
        return "NASICON or phosphate"
    return None


def _sum(amounts: Mapping[str, float], symbols: frozenset[str]) -> float:
    return sum([amount for symbol, amount in amounts.items() if symbol in symbols])
