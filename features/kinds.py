"""Kinds of materials: which fields name one, how it is read, and how many are laid out as arrays.

A property speaks of one kind (`Property.kind`). Entrances offer the fields of every kind and read a row by those that
it gives; nothing but this file and a kind's own folder knows how.
"""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from features.candidate import INORGANIC, Candidate, MaterialBatch, RowError
from features.errors import CandidateError, RowErrorCode
from features.formula import parse_formula

_BETWEEN_WORDS = re.compile(r"[\s\-–:_/+·;,]+")
_ENDS = 2  # open ends of a repeat unit
_SHORTEST_NAME = 3
"""Letters of a polymer's name inside a text; PO and PS are formulas, too."""
Given = Mapping[str, Any]
"""Fields of a row by their names, those that are not given left out."""


class MaterialField(NamedTuple):
    """A field by which a material is named: an option, a key of JSON and a column of tables."""

    name: str
    type: Any
    help: str
    longest: int | None = None
    label: str = ""
    unit: str = ""

    @property
    def is_number(self) -> bool:
        """Whether a cell of a table holds a number."""
        return self.type is float


class MaterialKind(ABC):
    """One kind of material.

    Attributes
    ----------
    name, label
        As properties name it, and in messages.
    fields
        The first ones name a material by themselves, as many as `n_naming`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    fields: ClassVar[tuple[MaterialField, ...]]
    n_naming: ClassVar[int]

    @abstractmethod
    def read(self, given: Given, id: str | None) -> Candidate:
        """Read one material; raises `CandidateError`."""

    @abstractmethod
    def lay_out(self, candidates: Sequence[Candidate]) -> Any:  # noqa: ANN401
        """Return candidates of this kind as arrays, with `len` and `take` of rows."""

    @abstractmethod
    def spellings(self, candidate: Candidate) -> tuple[Candidate, ...]:
        """Return the same material as other users would write it, as many ways for each candidate."""

    @abstractmethod
    def key(self, candidate: Candidate, decimals: int) -> str:
        """Return one text for all spellings of a material; `decimals` of the fractions that tell two apart."""

    def reads_text(self, text: str) -> bool:
        """Whether a text in the place of a formula that is none names such a material."""
        return False

    def names_whole(self, text: str) -> bool:
        """Whether such a text names all that makes one, so that no part of it is meant as a formula."""
        return False


class InorganicKind(MaterialKind):
    """Compounds, glasses and crystals by formula, CIF or another document of a structure."""

    name, label = INORGANIC, "an inorganic material"
    fields = (
        MaterialField("formula", str, "Formula, such as Li6PS5Cl."),
        MaterialField("cif", str, "Text of a CIF."),
        MaterialField("structure", str | dict[str, Any], "CIF, POSCAR or OPTIMADE structure, told apart by content."),
        MaterialField("block", str, "Data block of the CIF; the first with a structure unless given.", 200),
    )
    n_naming = 3

    def read(self, given: Given, id: str | None) -> Candidate:
        """See `MaterialKind.read`."""
        formula, cif, structure, block = (given.get(field.name) for field in self.fields)
        if formula is not None and cif is not None:
            raise CandidateError(RowErrorCode.MISSING_MATERIAL, "give either a formula or a CIF, not both")
        if structure is not None and (formula is not None or cif is not None):
            words = "give one of a formula, a CIF and a structure, not several"
            raise CandidateError(RowErrorCode.MISSING_MATERIAL, words)
        if structure is not None:
            return Candidate.from_structure(structure, id=id, block=block)
        if cif is not None:
            return Candidate.from_cif(cif, id=id, block=block)
        if block is not None:
            words = "'block' names a data block of a CIF, and no CIF is given"
            raise CandidateError(RowErrorCode.MISSING_MATERIAL, words)
        if formula is None:
            raise CandidateError(RowErrorCode.MISSING_MATERIAL, "neither formula nor CIF given")
        return Candidate.from_formula(formula, id=id)

    def lay_out(self, candidates: Sequence[Candidate]) -> MaterialBatch:
        """See `MaterialKind.lay_out`."""
        return MaterialBatch.from_candidates(candidates)

    def spellings(self, candidate: Candidate) -> tuple[Candidate, ...]:
        """Return it with the elements the other way round, and as other multiples of the formula unit."""
        return tuple(
            _respelled(candidate, multiple, reverse=reverse)
            for multiple, reverse in ((1.0, True), (3.0, False), (0.25, True))
        )

    def key(self, candidate: Candidate, decimals: int) -> str:
        """Return its atomic fractions, by symbol."""
        amounts = candidate.amounts
        total = sum(amounts.values())
        return " ".join(f"{symbol}{amounts[symbol] / total:.{decimals}f}" for symbol in sorted(amounts))


def _respelled(candidate: Candidate, multiple: float, *, reverse: bool) -> Candidate:
    terms = [
        symbol + np.format_float_positional(amount * multiple, trim="-")
        for symbol, amount in sorted(candidate.amounts.items(), reverse=reverse)
    ]
    text = "".join(terms)
    return replace(candidate, formula=text, amounts=parse_formula(text))


class PolymerKind(MaterialKind):
    """Dry polymer electrolytes: repeat units, a salt and its amount. Read with rdkit, the extra `polymer`."""

    name, label = "polymer", "a polymer electrolyte"
    fields = (
        MaterialField(
            "polymer",
            str | dict[str, float],
            "Polymer: a name, a repeat unit such as *OCC*, or several.",
            label="Polymer",
        ),
        MaterialField(
            "salt", str, "Lithium salt, by name or SMILES; none for a single-ion conductor.", label="Lithium salt"
        ),
        MaterialField("molality", float, "mol of salt per kg of polymer.", label="Salt molality", unit="mol/kg"),
        MaterialField("li_per_O", float, "Lithium of the salt per oxygen of the polymer.", label="Li per O"),
        MaterialField(
            "salt_wt_percent",
            float,
            "Mass of the salt in percent of salt and polymer.",
            label="Salt by mass",
            unit="%",
        ),
        MaterialField("molar_mass", float, "Molar mass of the polymer in g/mol.", label="Molar mass", unit="g/mol"),
    )
    n_naming = 1

    def read(self, given: Given, id: str | None) -> Candidate:
        """See `MaterialKind.read`."""
        from features.polymers.candidate import PolymerFields, read_polymer
        from features.polymers.toolkit import MissingToolkitError

        parts = given.get("polymer")
        named = {**given, "polymer": list(parts.items()) if isinstance(parts, Mapping) else parts}
        try:
            found = read_polymer(PolymerFields(**named, id=id))
        except MissingToolkitError as error:
            raise CandidateError(RowErrorCode.KIND_NOT_INSTALLED, str(error)) from error
        return Candidate(as_typed(given), {}, id=id, other=found)

    def lay_out(self, candidates: Sequence[Candidate]) -> Any:  # noqa: ANN401
        """See `MaterialKind.lay_out`."""
        from features.polymers.candidate import PolymerBatch, PolymerCandidate

        return PolymerBatch.from_candidates(
            [one.other for one in candidates if isinstance(one.other, PolymerCandidate)]
        )

    def spellings(self, candidate: Candidate) -> tuple[Candidate, ...]:
        """Return it by the SMILES of its units, in the other order, and of its salt."""
        from features.polymers.candidate import PolymerCandidate

        own = candidate.other
        assert isinstance(own, PolymerCandidate)
        given: dict[str, Any] = {"polymer": dict(reversed(list(zip(own.units, own.shares, strict=True))))}
        if own.salt is not None:
            given |= {"salt": own.salt.key, "molality": own.molality}
        if not np.isnan(own.molar_mass):
            given["molar_mass"] = own.molar_mass
        return (self.read(given, candidate.id),)

    def key(self, candidate: Candidate, decimals: int) -> str:
        """Return repeat units, salt, molality to three digits, and molar mass."""
        from features.polymers.candidate import PolymerCandidate

        assert isinstance(candidate.other, PolymerCandidate)
        return f"{candidate.other.key}|{candidate.other.molar_mass:g}"

    def reads_text(self, text: str) -> bool:
        """See `MaterialKind.reads_text`."""
        from features.polymers.names import find_polymer
        from features.polymers.text_form import read_text_form

        with contextlib.suppress(CandidateError):  # gels and composites are known by a polymer's name in the text
            if read_text_form(text).salt is not None:
                return True
        if text.count("*") == _ENDS or "[Cu]" in text or "[Au]" in text or find_polymer(text):
            return True
        words = _words(text)
        return any(len(word) >= _SHORTEST_NAME and find_polymer(word) is not None for word in words)

    def names_whole(self, text: str) -> bool:
        """Whether a polymer and a lithium salt stand in it by their names."""
        from features.polymers.names import find_polymer, find_salt

        words = _words(text)
        has_polymer = any(len(word) >= _SHORTEST_NAME and find_polymer(word) is not None for word in words)
        return has_polymer and any(find_salt(word) is not None for word in words)


def _words(text: str) -> list[str]:
    return [word.strip("0123456789.") for word in _BETWEEN_WORDS.split(text)]


_INORGANIC = InorganicKind()
KINDS: dict[str, MaterialKind] = {kind.name: kind for kind in (_INORGANIC, PolymerKind())}
FIELDS: dict[str, MaterialField] = {field.name: field for kind in KINDS.values() for field in kind.fields}
"""Every field by which a material of any kind is named."""
NAMING_FIELDS = tuple(field.name for kind in KINDS.values() for field in kind.fields[: kind.n_naming])
"""Those of which a row needs one."""
DOCUMENT_FIELDS = tuple(field.name for field in InorganicKind.fields if field.type == str | dict[str, Any])
"""Those that take an object as well as its text, in JSON lines too."""


@cache
def _names_of(kind: str) -> frozenset[str]:
    """Return the fields by which a material of a kind is named."""
    return frozenset(field.name for field in KINDS[kind].fields)


def read_material(given: Given, id: str | None = None) -> Candidate:
    """Read one material of the kind that its fields name.

    Raises
    ------
    CandidateError
        Where the fields of two kinds are given, and as the kind's `read`.
    """
    named = [kind for name, kind in KINDS.items() if not _names_of(name).isdisjoint(given)]
    if len(named) > 1:
        words = " and ".join(
            f"{', '.join(f.name for f in kind.fields if f.name in given)} ({kind.label})" for kind in named
        )
        raise CandidateError(RowErrorCode.MISSING_MATERIAL, f"one row is one material; received {words}")
    if named and named[0] is not _INORGANIC:
        return named[0].read(given, id)
    try:
        return _INORGANIC.read(given, id)
    except CandidateError as error:
        text = given.get("formula")
        # A formula with a solvent or polymer beside it is meant as one: its own refusal says what to leave out.
        has_formula = error.code is RowErrorCode.ORGANIC_PART
        tried = KINDS.values() if isinstance(text, str) else ()
        other = next((k for k in tried if (k.names_whole if has_formula else k.reads_text)(str(text))), None)
        if other is None:
            raise
        return other.read({other.fields[0].name: text}, id)


def read_materials(rows: Sequence[Given], ids: Sequence[str | None]) -> list[Candidate | RowError]:
    """Read materials row by row; a bad row becomes a `RowError` and leaves its neighbours alone."""
    out: list[Candidate | RowError] = []
    for index, (given, id) in enumerate(zip(rows, ids, strict=True)):
        try:
            out.append(read_material(given, id))
        except CandidateError as error:
            out.append(
                RowError(
                    index,
                    id,
                    error.code,
                    error.message,
                    given["formula"] if "formula" in given else as_typed(given) or None,
                )
            )
    return out


def read_candidates(
    formulas: Sequence[str | None],
    cifs: Sequence[str | None],
    ids: Sequence[str | None],
    blocks: Sequence[str | None] | None = None,
) -> list[Candidate | RowError]:
    """Read candidates row by row; a bad row becomes a `RowError` and leaves its neighbours alone.

    Parameters
    ----------
    formulas, cifs, ids
        Equal lengths; a row gives a formula or a CIF, not both.
    blocks
        Of the same length: which data block of a CIF is meant; None means the first with a structure.
    """
    named = [None] * len(ids) if blocks is None else blocks
    rows = zip(formulas, cifs, named, strict=True)
    fields = ("formula", "cif", "block")
    return read_materials(
        [{name: one for name, one in zip(fields, row, strict=True) if one is not None} for row in rows], ids
    )


def as_typed(given: Given) -> str:
    """Return the fields of a material as one line; a formula as it is."""
    if "formula" in given:
        return str(given["formula"])
    parts = given.get("polymer")
    polymer = "; ".join(f"{unit} {ratio:g}" for unit, ratio in parts.items()) if isinstance(parts, Mapping) else parts
    rest = [f"{name} {value:g}" for name, value in given.items() if isinstance(value, float | int)]
    return ", ".join(filter(None, (polymer, given.get("salt"), *rest)))
