"""Names that the field uses for materials, electrodes, salts and polymers, in one list for every entrance.

Many of them are made of the letters of elements (`LiPON`, `PVC`, `NPS`) and would be read as another material. A name
is therefore refused as a formula, with what it stands for, unless the caller says `name:LLZO`. Partners of an
interface and electrodes of a cell are asked for by name everywhere.

The list is `features/data/names.csv`: name, further spellings, kind, meaning, the usual composition, the composition
when charged (cathode) or lithiated (anode), the working potential against Li/Li+, and a source: of the potential, or
a paper that measured this composition.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from features.errors import CandidateError, Remark, RowErrorCode, WarningCode, shown

TAKE_NAME = "name:"
"""Stands before a name that is to be taken as its usual composition."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name of the list.

    Attributes
    ----------
    name, spellings
        As the field writes it, and how else.
    kind
        `electrolyte`, `cathode`, `anode`, `salt`, `polymer`, `organic`, `carbon`, `family`, `process` or
        `ambiguous`.
    meaning
        What it is, in words.
    formula, charged_formula
        Usual composition, and that of a charged cathode or lithiated anode; None where there is no single one.
    low_V, high_V
        Working range of an electrode against Li/Li+; equal for a plateau, None where it is none or not fixed.
    source
        DOI or words, empty where the composition is the name itself.
    """

    name: str
    spellings: tuple[str, ...]
    kind: str
    meaning: str
    formula: str | None
    charged_formula: str | None
    low_V: float | None
    high_V: float | None
    source: str


@cache
def all_names() -> tuple[Name, ...]:
    """Return the list, in the order of the file."""
    with (files("features") / "data" / "names.csv").open(encoding="utf-8") as handle:
        return tuple(_read(row) for row in csv.DictReader(handle))


def _read(row: dict[str, str]) -> Name:
    low, high = (float(row[key]) if row[key] else None for key in ("low_V", "high_V"))
    spellings = tuple(filter(None, row["spellings"].split(";")))
    formulas = (row["formula"] or None, row["charged_formula"] or None)
    return Name(row["name"], spellings, row["kind"], row["meaning"], *formulas, low, high, row["source"])


@cache
def exact_names() -> dict[str, Name]:
    """Return every spelling exactly as listed, to its name: what is never read as a formula."""
    return {spelling: name for name in all_names() for spelling in (name.name, *name.spellings)}


@cache
def _loose_names() -> dict[str, Name]:
    return {_loosened(spelling): name for spelling, name in exact_names().items()}


def _loosened(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter not in " -_\t\n\r")


def find_name(text: str) -> Name | None:
    """Return the name that a text is, in any case, with or without blanks and hyphens; None where it is none.

    A text that can be read as a formula may be found here too (`Sn` is tin, and `SN` succinonitrile): ask only where
    a name is expected, or where no formula could be read.
    """
    return exact_names().get(text.strip()) or _loose_names().get(_loosened(text))


def read_name(text: str) -> tuple[str, Remark]:
    """Return the composition that `name:LLZO` stands for, with the warning that says so.

    Raises
    ------
    CandidateError
        `name_not_formula` if the name is not known or stands for no single composition.
    """
    asked = text.strip().removeprefix(TAKE_NAME).strip()
    name = find_name(asked)
    if name is None:
        raise CandidateError(RowErrorCode.NAME_NOT_FORMULA, f"'{shown(asked)}' is none of the names that are known")
    if name.formula is None:
        raise refusal_of(name, asked)
    message = f"{shown(asked)} ({name.meaning}) is taken as {name.formula}"
    return name.formula, Remark(WarningCode.NAME_TAKEN, message)


def refusal_of(name: Name, text: str, of_elements: str = "") -> CandidateError:
    """Return the error of a name that stands where a formula is expected, with what to ask instead.

    Parameters
    ----------
    name, text
        The name, and how it was spelled.
    of_elements
        How to write the elements that the letters would be read as, `Li1P1O1N1`; empty where they are none.
    """
    if name.kind == "ambiguous":
        remedy = "; ask for one of them by its formula"
    elif name.formula is not None:
        remedy = f"; ask for {name.formula}, or write {TAKE_NAME}{name.name} to take it as that"
    elif name.kind in ("polymer", "organic", "carbon"):
        remedy = "; it is no inorganic electrolyte"
    elif name.kind == "process":
        remedy = "; leave remarks out"
    else:
        remedy = "; it stands for no single composition: give the formula"
    elements = f" (for a compound of these elements write {of_elements})" if of_elements else ""
    message = f"'{shown(text)}' is a name, not a formula: {name.meaning}{remedy}{elements}"
    return CandidateError(RowErrorCode.NAME_NOT_FORMULA, message)
