"""A lithium salt: by name or SMILES, named alike however its charges are drawn, and as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import RowErrorCode
from features.polymers.names import find_salt, known_salts, unknown
from features.polymers.toolkit import chemistry, refused

Array = NDArray[np.float64]
MOST_ATOMS = 120
NO_SALT_WORDS = frozenset({"", "none", "no salt", "-", "nan"})
LABELS = (
    "lithium_atoms",
    "heavy_atoms",
    "fluorine_share",
    "oxygen_share",
    "nitrogen_share",
    "sulfur_share",
    "carbon_share",
    "chlorine",
    "boron",
    "is_halide",
    "charge_on_oxygen_or_sulfur",
    "charge_on_nitrogen",
    "has_ring",
    "is_carboxylate",
)
"""Of the anion, but for the lithium atoms; all 0 where there is no salt."""
_OTHER_CATION = re.compile(r"^(?:Na|K|Rb|Cs|Mg|Ca|Zn|Al|NH4|H)(?=[A-Z(])")
_OVERDRAWN = frozenset({"Cl", "Br", "I", "S"})


@dataclass(frozen=True, slots=True)
class Salt:
    """One lithium salt.

    Attributes
    ----------
    key
        Canonical SMILES, the same for every way of drawing the charges.
    name
        Common name, or the key.
    mass
        g/mol.
    n_lithium
        Lithium ions a formula unit.
    descriptors
        In the order of `LABELS`.
    """

    key: str
    name: str
    mass: float
    n_lithium: int
    descriptors: tuple[float, ...]


def read_salt(text: str | None) -> Salt | None:
    """Read a salt; None where there is none.

    Raises
    ------
    CandidateError
        `not_lithium`, `liquid_component`, `unknown_name`, or `unparseable_polymer` for no SMILES.
    """
    plain = (text or "").strip()
    return None if plain.casefold() in NO_SALT_WORDS else _read(plain)


@lru_cache(maxsize=1024)
def _read(text: str) -> Salt:
    known = find_salt(text)
    if known is not None:
        return _of_molecule(_molecule(known.smiles, text), known.name, text)
    if _OTHER_CATION.match(text) and not _looks_like_smiles(text):
        raise refused(RowErrorCode.NOT_LITHIUM, text, "is no lithium salt; only lithium conductors are known")
    if not _looks_like_smiles(text):
        raise unknown(text, is_salt=True)
    return _of_molecule(_molecule(text, text), None, text)


def _looks_like_smiles(text: str) -> bool:
    return "[" in text or "." in text or "=" in text


def _molecule(smiles: str, text: str) -> Any:  # noqa: ANN401
    """Return the rdkit molecule with lithium as ions and no charges drawn on hypervalent atoms."""
    Chem = chemistry()
    parameters = Chem.SmilesParserParams()
    parameters.sanitize = False
    drawn = Chem.MolFromSmiles(smiles, parameters) if len(smiles) <= 500 else None
    if drawn is None or drawn.GetNumAtoms() > MOST_ATOMS:
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, "is no SMILES of a salt, such as [Li+].F[B-](F)(F)F")
    molecule = Chem.RWMol(drawn)
    for atom in list(molecule.GetAtoms()):
        if atom.GetSymbol() == "Li" and atom.GetDegree() == 1:
            partner = atom.GetNeighbors()[0]
            molecule.RemoveBond(atom.GetIdx(), partner.GetIdx())
            atom.SetFormalCharge(1)
            partner.SetFormalCharge(partner.GetFormalCharge() - 1)
    for atom in molecule.GetAtoms():
        for bond in atom.GetBonds() if atom.GetSymbol() in _OVERDRAWN else ():
            other = bond.GetOtherAtom(atom)
            if atom.GetFormalCharge() > 0 and other.GetSymbol() == "O" and other.GetFormalCharge() == -1:
                bond.SetBondType(Chem.BondType.DOUBLE)
                atom.SetFormalCharge(atom.GetFormalCharge() - 1)
                other.SetFormalCharge(0)
    try:
        Chem.SanitizeMol(molecule)
    except Chem.MolSanitizeException as error:
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, f"breaks the rules of valence ({error})") from None
    Chem.RemoveStereochemistry(molecule)
    return molecule


def _of_molecule(molecule: Any, name: str | None, text: str) -> Salt:  # noqa: ANN401
    Chem = chemistry()
    parts = Chem.GetMolFrags(molecule, asMols=True)
    charged = [(Chem.GetFormalCharge(part), part) for part in parts]
    lithium = [part for _, part in charged if [atom.GetSymbol() for atom in part.GetAtoms()] == ["Li"]]
    anions = [part for charge, part in charged if charge < 0]
    _check(charged, lithium, anions, text)
    heavy = [atom for part in anions for atom in part.GetAtoms() if atom.GetAtomicNum() > 1]
    key = Chem.MolToSmiles(molecule, isomericSmiles=False)
    descriptors = tuple(_descriptors(heavy, len(lithium), anions))
    return Salt(key, name or salt_name(key), _mass(molecule), len(lithium), descriptors)


def _check(charged: Sequence[tuple[int, Any]], lithium: Sequence[Any], anions: Sequence[Any], text: str) -> None:
    others = [part for charge, part in charged if charge > 0 and part not in lithium]
    if any(atom.GetSymbol() == "C" for part in others for atom in part.GetAtoms()):
        words = "holds an organic cation: an ionic liquid, and elyte knows dry polymer electrolytes only"
        raise refused(RowErrorCode.LIQUID_COMPONENT, text, words)
    if others or not lithium:
        raise refused(RowErrorCode.NOT_LITHIUM, text, "is no lithium salt; only lithium conductors are known")
    if any(charge == 0 for charge, _ in charged):
        raise refused(RowErrorCode.LIQUID_COMPONENT, text, "holds a neutral molecule beside the salt: a solvent")
    heavy = any(atom.GetAtomicNum() > 1 for part in anions for atom in part.GetAtoms())
    if not heavy or sum(charge for charge, _ in charged) != 0:
        words = "is no neutral salt: one lithium ion for each negative charge, as in [Li+].F[B-](F)(F)F"
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, words)


def _mass(molecule: Any) -> float:  # noqa: ANN401
    return float(sum(atom.GetMass() + 1.008 * atom.GetTotalNumHs() for atom in molecule.GetAtoms()))


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {chemistry().MolToSmiles(_molecule(one.smiles, one.name)): one.name for one in reversed(known_salts())}


def salt_name(key: str) -> str:
    """Return the common name of a salt, or the key itself."""
    return _names().get(key, key)


def _descriptors(heavy: Sequence[Any], n_lithium: int, anions: Sequence[Any]) -> list[float]:
    Chem = chemistry()
    count, symbols = len(heavy), [atom.GetSymbol() for atom in heavy]
    negative = [atom.GetSymbol() for atom in heavy if atom.GetFormalCharge() < 0]
    carboxylate = Chem.MolFromSmarts("C(=O)[O-]")
    return [
        float(n_lithium),
        float(count) / len(anions),
        *(symbols.count(symbol) / count for symbol in ("F", "O", "N", "S", "C")),
        float("Cl" in symbols),
        float("B" in symbols),
        float(count == len(anions)),
        float(any(symbol in ("O", "S") for symbol in negative)),
        float("N" in negative),
        float(any(part.GetRingInfo().NumRings() > 0 for part in anions)),
        float(any(part.HasSubstructMatch(carboxylate) for part in anions)),
    ]
