"""A polymer electrolyte: repeat units with their ratios, a salt, and how much of it; many of them as arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from features.errors import CandidateError, RowErrorCode, shown
from features.polymers import salts
from features.polymers.concentration import HIGHEST_MOLALITY, Concentration, UnitMass, molality_of
from features.polymers.descriptors import ELEMENTS, SUMS, chain_sums
from features.polymers.names import find_polymer, known_polymers, refuse_other_materials, unknown
from features.polymers.repeat_unit import MOST_HEAVY_ATOMS, read_repeat_unit
from features.polymers.salts import Salt, read_salt
from features.polymers.text_form import is_smiles_of_unit, read_text_form
from features.polymers.toolkit import chemistry, refused

Array = NDArray[np.float64]
USUAL_MOLAR_MASS = 65_000.0
"""g/mol, taken where none is given, as the public table does."""
LOWEST_MOLAR_MASS, HIGHEST_MOLAR_MASS = 100.0, 1e8
SHARE_DECIMALS = 3
MOST_UNITS = 6
_MASS, _OXYGEN, _ANION = (SUMS.index(name) for name in ("mass", "O", "anion"))
_OF_ANIONS = {"F": "fluorine", "O": "oxygen", "N": "nitrogen", "S": "sulfur", "C": "carbon"}
_PART = re.compile(r"^(?P<unit>.+?)\s*[:= ]\s*(?P<ratio>\d+(?:\.\d+)?)\s*%?$")


@dataclass(frozen=True, slots=True)
class PolymerFields:
    """What a user gives of one polymer electrolyte; None where nothing is given.

    Parameters
    ----------
    polymer
        A repeat unit as SMILES with two `*`, a name, a text form with salt and ratio, or units with their ratios: as
        pairs, or as text `PEO 80; PPO 20`.
    salt
        Name or SMILES; nothing for a single-ion conductor.
    molality, li_per_O, salt_wt_percent
        mol of salt per kg of polymer; lithium of the salt per oxygen of the polymer; percent of the mass. One of them.
    molar_mass
        g/mol.
    id
        The user's name of the row.
    """

    polymer: str | Sequence[tuple[str, float]] | None
    salt: str | None = None
    molality: float | None = None
    li_per_O: float | None = None
    salt_wt_percent: float | None = None
    molar_mass: float | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class PolymerCandidate:
    """One polymer electrolyte as it was read.

    Attributes
    ----------
    units, shares
        Canonical repeat units in the order of the alphabet, and their mole fractions.
    salt
        None for a single-ion conductor.
    molality
        mol of salt per kg of polymer; 0 without salt.
    molar_mass
        g/mol; NaN where it is not known.
    sums
        Of the average repeat unit, as `descriptors.SUMS`.
    name
        What to call the polymer in an answer.
    id
        The user's name of the row.
    """

    units: tuple[str, ...]
    shares: tuple[float, ...]
    salt: Salt | None
    molality: float
    molar_mass: float
    sums: tuple[float, ...]
    name: str
    id: str | None = None

    @property
    def kind(self) -> str:
        """Name of the kind of material."""
        return "polymer"

    @property
    def polymer_key(self) -> str:
        """The polymer, the same for every spelling, starting atom and order of units."""
        if len(self.units) == 1:
            return self.units[0]
        return ";".join(
            f"{unit} {share:.{SHARE_DECIMALS}f}" for unit, share in zip(self.units, self.shares, strict=True)
        )

    @property
    def salt_key(self) -> str:
        """The salt, the same for every spelling; `none` without one."""
        return "none" if self.salt is None else self.salt.key

    @property
    def key(self) -> str:
        """The electrolyte: polymer, salt, and molality to three digits."""
        return f"{self.polymer_key}|{self.salt_key}|{self.molality:.3g}"

    @property
    def lithium_molality(self) -> float:
        """Lithium, mol per kg of polymer: of the salt, and of anions that are bound to the chain."""
        bound = 1000.0 * self.sums[_ANION] / self.sums[_MASS]
        return bound + (self.molality * self.salt.n_lithium if self.salt else 0.0)

    @property
    def read_as(self) -> str:
        """Polymer, salt and amount in words."""
        if self.salt is None:
            return f"{self.name}, single-ion conductor with {self.lithium_molality:.3g} mol Li/kg"
        return f"{self.name} with {self.molality:.3g} mol/kg {self.salt.name}"


def read_polymer(fields: PolymerFields, most_heavy_atoms: int = MOST_HEAVY_ATOMS) -> PolymerCandidate:
    """Read one polymer electrolyte.

    Raises
    ------
    CandidateError
        With what was received and what was expected.
    MissingToolkitError
        If rdkit is not installed.
    """
    parts, salt_text, concentration = _taken_apart(fields)
    named = [_unit(text) for text, _ in parts]
    units, shares = _merged([read_repeat_unit(smiles, most_heavy_atoms).key for _, smiles in named], parts)
    sums = chain_sums(units, shares, most_heavy_atoms)
    salt = read_salt(salt_text)
    candidate = PolymerCandidate(
        units,
        shares,
        salt,
        _molality(concentration, salt, sums),
        _molar_mass(fields.molar_mass),
        tuple(sums.tolist()),
        _name(named, parts),
        fields.id,
    )
    if candidate.lithium_molality > 2 * HIGHEST_MOLALITY:
        most = f"expected at most {2 * HIGHEST_MOLALITY:g}"
        words = f"{candidate.lithium_molality:.3g} mol of lithium per kg of polymer; {most}"
        raise CandidateError(RowErrorCode.CONCENTRATION_OUT_OF_RANGE, words)
    return candidate


def _taken_apart(fields: PolymerFields) -> tuple[list[tuple[str, float]], str | None, Concentration]:
    """Return units with ratios, the salt as typed, and all that is said of its amount."""
    given = (fields.molality, fields.li_per_O, fields.salt_wt_percent)
    if fields.polymer is None or (isinstance(fields.polymer, str) and not fields.polymer.strip()):
        raise CandidateError(
            RowErrorCode.MISSING_MATERIAL, "no polymer is given: a name, or a repeat unit such as *OCC*"
        )
    if fields.salt is not None:
        refuse_other_materials(fields.salt)
    if not isinstance(fields.polymer, str):
        return (
            _ratios([(str(unit), float(ratio)) for unit, ratio in fields.polymer]),
            fields.salt,
            Concentration(*given),
        )
    text = read_text_form(fields.polymer)
    if text.salt and fields.salt and read_salt(text.salt) != read_salt(fields.salt):
        words = f"names {text.salt}, and the salt is given as {shown(fields.salt)}"
        raise refused(RowErrorCode.CONTRADICTING_CONCENTRATION, fields.polymer, words)
    said = text.concentration
    both = Concentration(
        fields.molality if fields.molality is not None else said.molality,
        fields.li_per_O if fields.li_per_O is not None else said.li_per_O,
        fields.salt_wt_percent if fields.salt_wt_percent is not None else said.salt_wt_percent,
        said.li_per_unit,
    )
    return _parts(text.polymer), fields.salt or text.salt, both


def _parts(text: str) -> list[tuple[str, float]]:
    """Return a polymer, or the units of `PEO 80; PPO 20` with their ratios."""
    several = [_PART.match(part.strip()) for part in text.split(";")]
    if len(several) > 1 and all(several):
        return _ratios([(part["unit"], float(part["ratio"])) for part in several if part])
    return [(text, 1.0)]


def _ratios(pairs: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Check the units of a copolymer."""
    if not 1 <= len(pairs) <= MOST_UNITS:
        raise CandidateError(
            RowErrorCode.UNPARSEABLE_POLYMER, f"{len(pairs)} units of a copolymer; expected 1 to {MOST_UNITS}"
        )
    if any(not math.isfinite(ratio) or ratio <= 0 for _, ratio in pairs):
        raise CandidateError(RowErrorCode.UNPARSEABLE_POLYMER, "ratios of a copolymer are positive numbers")
    return list(pairs)


def _unit(text: str) -> tuple[str, str]:
    """Return the name and the repeat unit of one part."""
    if is_smiles_of_unit(text):
        return text, text
    known = find_polymer(text)
    if known is not None:
        return known.name, known.smiles
    refuse_other_materials(text)
    molecule = chemistry().MolFromSmiles(text) if not text.startswith(("P", "p")) and len(text) < 1000 else None
    if molecule is not None:
        words = "is a small molecule without open ends; a repeat unit has two, as *OCC*"
        raise refused(RowErrorCode.OPEN_ENDS_NOT_TWO, text, words)
    raise unknown(text, is_salt=False)


def named_unit_key(name: str) -> str:
    """Return the canonical repeat unit of a known name; raises `CandidateError` where none is known."""
    return read_repeat_unit(_unit(name)[1]).key


@cache
def _names_by_key() -> dict[str, str]:
    return {read_repeat_unit(one.smiles).key: one.name for one in reversed(known_polymers())}


def polymer_name(key: str) -> str:
    """Return the common name of a canonical repeat unit, or the unit itself."""
    return _names_by_key().get(key, key)


def _merged(keys: Sequence[str], parts: Sequence[tuple[str, float]]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return canonical units in the order of the alphabet with mole fractions; equal units are one."""
    total = sum(ratio for _, ratio in parts)
    amounts: dict[str, float] = {}
    for key, (_, ratio) in zip(keys, parts, strict=True):
        amounts[key] = amounts.get(key, 0.0) + ratio / total
    ordered = sorted(amounts)
    return tuple(ordered), tuple(round(amounts[key], 6) for key in ordered)


def _molality(concentration: Concentration, salt: Salt | None, sums: Array) -> float:
    if salt is not None:
        return molality_of(concentration, salt, UnitMass(sums[_MASS] / 1000.0, sums[_OXYGEN]))
    if concentration.is_given:
        words = "an amount of salt is given and no salt: give its name, such as LiTFSI"
        raise CandidateError(RowErrorCode.MISSING_CONCENTRATION, words)
    if sums[_ANION] == 0:
        words = "neither a salt nor anions in the chain: no lithium conducts; give salt and its amount"
        raise CandidateError(RowErrorCode.MISSING_CONCENTRATION, words)
    return 0.0


def _molar_mass(value: float | None) -> float:
    if value is None or math.isnan(value):
        return math.nan
    if not LOWEST_MOLAR_MASS <= value <= HIGHEST_MOLAR_MASS:
        words = f"molar_mass {value:g}; expected {LOWEST_MOLAR_MASS:g} to {HIGHEST_MOLAR_MASS:g} g/mol"
        raise CandidateError(RowErrorCode.INVALID_CONDITION, words)
    return float(value)


def _name(named: Sequence[tuple[str, str]], parts: Sequence[tuple[str, float]]) -> str:
    if len(named) == 1:
        return shown(named[0][0])
    total = sum(ratio for _, ratio in parts)
    return "; ".join(f"{shown(name)} {ratio / total:.3g}" for (name, _), (_, ratio) in zip(named, parts, strict=True))


@dataclass(frozen=True, slots=True)
class PolymerBatch:
    """Polymer electrolytes as arrays; row i is candidate i.

    Parameters
    ----------
    sums
        Shape (n, len(SUMS)), of the average repeat unit.
    salt
        Shape (n, len(salts.LABELS)), descriptors of the salt; 0 without one.
    salt_mass
        Shape (n,), g/mol; 0 without salt.
    molality, lithium_molality
        Shape (n,), mol of salt and of lithium per kg of polymer.
    molar_mass
        Shape (n,), g/mol; NaN where it is not known.
    polymer_keys, salt_keys
        Shape (n,), what each is.
    """

    sums: Array
    salt: Array
    salt_mass: Array
    molality: Array
    lithium_molality: Array
    molar_mass: Array
    polymer_keys: NDArray[np.str_]
    salt_keys: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.molality)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> PolymerBatch:
        """Return the chosen rows."""
        return PolymerBatch(
            self.sums[rows],
            self.salt[rows],
            self.salt_mass[rows],
            self.molality[rows],
            self.lithium_molality[rows],
            self.molar_mass[rows],
            self.polymer_keys[rows],
            self.salt_keys[rows],
        )

    @classmethod
    def from_candidates(cls, candidates: Sequence[PolymerCandidate]) -> PolymerBatch:
        """Lay candidates out as arrays."""
        none = (0.0,) * len(salts.LABELS)
        return cls(
            np.array([one.sums for one in candidates], dtype=float).reshape(-1, len(SUMS)),
            np.array([one.salt.descriptors if one.salt else none for one in candidates], dtype=float).reshape(
                -1, len(none)
            ),
            np.array([one.salt.mass if one.salt else 0.0 for one in candidates], dtype=float),
            np.array([one.molality for one in candidates], dtype=float),
            np.array([one.lithium_molality for one in candidates], dtype=float),
            np.array([one.molar_mass for one in candidates], dtype=float),
            np.array([one.polymer_key for one in candidates], dtype=np.str_),
            np.array([one.salt_key for one in candidates], dtype=np.str_),
        )

    def matrix(self) -> Array:
        """Return atomic fractions over all elements, shape (n, 103), rows summing to 1: of polymer and salt."""
        atoms = np.zeros((len(self), len(ATOMIC_NUMBER)))

        def add(symbol: str, mol_per_kg: Array) -> None:
            atoms[:, ATOMIC_NUMBER[symbol] - 1] += mol_per_kg

        per_kg = 1000.0 / self.sums[:, _MASS]
        for symbol, name in {"H": "hydrogen", **{element: element for element in ELEMENTS}}.items():
            add(symbol, self.sums[:, SUMS.index(name)] * per_kg)
        add("Li", self.lithium_molality)
        heavy = self.molality * self.salt[:, salts.LABELS.index("heavy_atoms")]
        for symbol, word in _OF_ANIONS.items():
            add(symbol, heavy * self.salt[:, salts.LABELS.index(f"{word}_share")])
        fractions: Array = atoms / atoms.sum(axis=1, keepdims=True)
        return fractions
