"""A crystal structure in whatever format its content shows: CIF, POSCAR or OPTIMADE."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from features.cif import CifAtoms, CifStructure, read_atoms, structure_blocks
from features.cif_text import MAX_CIF_CHARACTERS
from features.crystal_formats.cell import read_cell, too_large_structure, unusable_structure
from features.crystal_formats.optimade import entry_names, parse_document, read_optimade
from features.crystal_formats.poscar import is_poscar, read_poscar
from features.errors import shown

Document = str | Mapping[str, object]


class CrystalFormat(StrEnum):
    """The formats that are read."""

    CIF = "CIF"
    POSCAR = "POSCAR"
    OPTIMADE = "OPTIMADE"


_SIGNS_OF_CIF = ("data_", "loop_", "_cell", "_atom_site")


def format_of(document: Document) -> CrystalFormat:
    """Return the format that a document's content shows; an object is OPTIMADE.

    Raises
    ------
    CandidateError
        `unparseable_structure`, where it is none of them, and `structure_too_large` before a long text is looked at.
    """
    if not isinstance(document, str):
        return CrystalFormat.OPTIMADE
    if len(document) > MAX_CIF_CHARACTERS:
        raise too_large_structure(f"{len(document)} characters; at most {MAX_CIF_CHARACTERS} are read")
    if is_poscar(document):
        return CrystalFormat.POSCAR
    if document.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return CrystalFormat.OPTIMADE
    lower = document.lower()
    if any(sign in lower for sign in _SIGNS_OF_CIF):
        return CrystalFormat.CIF
    if not document.strip("\ufeff \t\r\n"):
        raise unusable_structure("there is nothing in it; expected a CIF, a POSCAR or an OPTIMADE document")
    begins = shown(document.strip().split("\n", 1)[0])
    raise unusable_structure(
        f"neither a CIF, a POSCAR nor an OPTIMADE document: it begins with '{begins}'; a POSCAR has numbers alone in"
        " its lines 2 to 5"
    )


def read_structure(document: Document, block: str | None = None) -> CifStructure:
    """Read a crystal structure: `read_structure_atoms` without its sites."""
    return read_structure_atoms(document, block).structure


def read_structure_atoms(document: Document, block: str | None = None) -> CifAtoms:
    """Read a crystal structure together with its atom sites.

    Parameters
    ----------
    document
        Text of a CIF, a POSCAR or an OPTIMADE document, or the latter as an object.
    block
        Which structure of several: the data block of a CIF, the id of an OPTIMADE entry; without it the first.

    Raises
    ------
    CandidateError
        With the reason; see docs/operate/errors.md.
    """
    match format_of(document):
        case CrystalFormat.CIF:
            return read_atoms(str(document), block)
        case CrystalFormat.POSCAR:
            if block is not None:
                raise unusable_structure("`block` names a structure of several; a POSCAR holds one")
            return read_cell(read_poscar(str(document)))
        case CrystalFormat.OPTIMADE:
            cell, remarks = read_optimade(_parsed(document), block)
            read = read_cell(cell)
            return read._replace(structure=read.structure._replace(remarks=(*remarks, *read.structure.remarks)))


def structures_of(document: Document) -> list[str]:
    """Return what the structures of a document are called, as `read_structure` takes them; one of a POSCAR has no name.

    Raises
    ------
    CandidateError
        Where it can be read as none of the formats.
    """
    match format_of(document):
        case CrystalFormat.CIF:
            return structure_blocks(str(document))
        case CrystalFormat.POSCAR:
            return []
        case CrystalFormat.OPTIMADE:
            return entry_names(_parsed(document))


def _parsed(document: Document) -> object:
    return parse_document(document) if isinstance(document, str) else document
