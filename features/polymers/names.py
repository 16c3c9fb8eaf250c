"""Common names of polymers and salts: two lists, one spelling table each, and what is near an unknown name.

`features/data/polymers.csv` has name, further spellings, repeat unit, meaning and source (the DOI of the table that
holds this repeat unit, or its structure-based name); `features/data/salts.csv` the same of lithium salts.
"""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from features.errors import CandidateError, RowErrorCode, shown
from features.polymers.toolkit import refused

_MONOMER = re.compile(r"^P\((?P<monomer>.+)\)$", re.IGNORECASE)
_BETWEEN_UNITS = re.compile(r"-(?:co|b|block|g|graft|alt|ran|stat|r)-|^[Pp]\(|\)$", re.IGNORECASE)
_MOST_SUGGESTED = 3
_LIQUIDS = re.compile(
    r"\b(?:gel|gpe|gels|quasi[- ]?solid|plasticis\w*|plasticiz\w*|succinonitrile|solvent|liquid|swollen|tetraglyme|"
    r"tegdme|glyme|sn|emim\w*|bmim\w*|pyr1[34]\w*|pip1[34]\w*|dmc|dmf|nmp|dme|dol|fec|electrolyte solution)\b",
    re.IGNORECASE,
)
_FILLERS = re.compile(
    r"\b(?:llzt?o|lagp|latp|llto|lgps|lipon|li6ps5cl|lps|al2o3|sio2|tio2|batio3|zro2|garnet|ceramic|filler\w*|"
    r"nano\w*|composite\w*|mof\w*|zif\S*|graphene\w*|clay|montmorillonite|mxene|cellulose|glass fib\w*)\b",
    re.IGNORECASE,
)
_BLENDS = re.compile(r"\b(?:blend\w*|ipn|interpenetrating|semi-ipn|mixture)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KnownName:
    """One polymer or salt of the lists; `smiles` is its repeat unit or the salt."""

    name: str
    spellings: tuple[str, ...]
    smiles: str
    meaning: str
    source: str


def _read(file: str, column: str) -> tuple[KnownName, ...]:
    with (files("features") / "data" / file).open(encoding="utf-8") as handle:
        return tuple(
            KnownName(
                row["name"],
                tuple(filter(None, row["spellings"].split(";"))),
                row[column],
                row["meaning"],
                row.get("source", ""),
            )
            for row in csv.DictReader(handle)
        )


@cache
def known_polymers() -> tuple[KnownName, ...]:
    """Return the list of polymers, in the order of the file."""
    return _read("polymers.csv", "repeat_unit")


@cache
def known_salts() -> tuple[KnownName, ...]:
    """Return the list of lithium salts, in the order of the file."""
    return _read("salts.csv", "smiles")


def _loosened(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter not in " -_\t\n\r[]()")


@cache
def _spellings(of_salts: bool) -> dict[str, KnownName]:
    known = known_salts() if of_salts else known_polymers()
    return {_loosened(spelling): one for one in reversed(known) for spelling in (*one.spellings, one.name)}


def find_polymer(text: str) -> KnownName | None:
    """Return the polymer of a name in any case, with or without blanks and brackets; `P(EO)` is PEO."""
    monomer = _MONOMER.match(text.strip())
    if monomer and (found := _spellings(False).get(_loosened("P" + monomer["monomer"]))):
        return found
    return _spellings(False).get(_loosened(text))


def find_salt(text: str) -> KnownName | None:
    """Return the lithium salt of a name in any case, with or without blanks and brackets."""
    return _spellings(True).get(_loosened(text))


def refuse_other_materials(text: str) -> None:
    """Refuse what is no dry polymer of one kind, by the words for it.

    Raises
    ------
    CandidateError
        `liquid_component`, `filler_unsupported` or `blend_unsupported`.
    """
    if word := _LIQUIDS.search(text):
        words = f"names a liquid ({word[0]}): elyte knows dry polymer electrolytes, not this gel or plasticised one"
        raise refused(RowErrorCode.LIQUID_COMPONENT, text, words)
    if word := _FILLERS.search(text):
        words = (
            f"names a filler ({word[0]}): composites are not known; ask for the polymer and the ceramic each by itself"
        )
        raise refused(RowErrorCode.FILLER_UNSUPPORTED, text, words)
    parts = [part for part in re.split(r"\s*[/+&]\s*|\s+and\s+", text) if part]
    if _BLENDS.search(text) or (len(parts) > 1 and all(find_polymer(part) for part in parts)):
        words = "is a blend of polymers, which is not known; a copolymer is given as a list of units with ratios"
        raise refused(RowErrorCode.BLEND_UNSUPPORTED, text, words)
    named = [part for part in _BETWEEN_UNITS.split(text) if part]
    if len(named) > 1 and all(find_polymer(part) or find_polymer(f"P{part}") for part in named):
        words = "is a copolymer without ratios: give its units with their mole fractions, such as PEO 80; PPO 20"
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, words)


def unknown(text: str, *, is_salt: bool) -> CandidateError:
    """Return the error of a name that no list holds, with the nearest ones."""
    spellings = _spellings(is_salt)
    near = difflib.get_close_matches(_loosened(text), spellings, n=_MOST_SUGGESTED, cutoff=0.6)
    names = list(dict.fromkeys(spellings[one].name for one in near))
    nearest = f"; the nearest names are {', '.join(names)}" if names else ""
    how = (
        "SMILES such as [Li+].F[B-](F)(F)F" if is_salt else "a repeat unit as SMILES with two open ends, such as *OCC*"
    )
    kind = "lithium salt" if is_salt else "polymer"
    message = f"'{shown(text)}' is no {kind} that is known by name{nearest}; or give {how}"
    return CandidateError(RowErrorCode.UNKNOWN_NAME, message)
