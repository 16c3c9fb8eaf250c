"""A periodic cell whose every site is listed, read as the CIF in P 1 that would state the same.

POSCAR, OPTIMADE and the objects of other libraries list all atoms of a cell and no symmetry that acts on them. What
reads CIFs reads these too, so that disorder, collisions and implausible cells are judged by one set of rules.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.cif import CifAtoms, read_block
from features.cif_text import (
    CELL_TAGS,
    FORMULA_TAGS,
    MAX_SITES,
    NAME_TAGS,
    OPERATOR_TAGS,
    POSITION_TAGS,
    DataBlock,
)
from features.elements import ATOMIC_NUMBER
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode, shown

_LONGEST_VECTOR_A = 1000.0  # as for the edges of a CIF
_LEAST_VOLUME_A3 = 1e-3
_OF_A_CIF = {
    RowErrorCode.UNPARSEABLE_CIF: RowErrorCode.UNPARSEABLE_STRUCTURE,
    RowErrorCode.CIF_TOO_LARGE: RowErrorCode.STRUCTURE_TOO_LARGE,
}
_NO_SPACE_GROUP = (
    "no space group is stated beside the atoms: the cell is read as P 1, whatever symmetry they have; give a CIF with"
    " the group where it is known, as models that use the cell use the group too"
)


class ListedSite(NamedTuple):
    """One site of a cell: its label, fractional coordinates, and the share of each element on it."""

    label: str
    position: tuple[float, float, float]
    shares: dict[str, float]


class ListedCell(NamedTuple):
    """A cell with all its sites.

    Attributes
    ----------
    name
        How an answer names the structure.
    vectors_A
        Lattice vectors in angstrom, one a row, shape (3, 3).
    sites
        All atoms of the cell.
    formula
        The composition that the document states besides its sites; "" where it states none.
    """

    name: str
    vectors_A: NDArray[np.float64]
    sites: list[ListedSite]
    formula: str = ""


def unusable_structure(reason: str) -> CandidateError:
    """Return the error of a document that holds no usable structure."""
    return CandidateError(RowErrorCode.UNPARSEABLE_STRUCTURE, reason)


def unsupported_structure(reason: str) -> CandidateError:
    """Return the error of a structure that is sound, but is none that elyte can read."""
    return CandidateError(RowErrorCode.UNSUPPORTED_STRUCTURE, reason)


def too_large_structure(reason: str) -> CandidateError:
    """Return the error of a document beyond the limits."""
    return CandidateError(RowErrorCode.STRUCTURE_TOO_LARGE, reason)


def check_site_count(count: int) -> None:
    """Refuse a structure with more sites than are read, before each of them is looked at."""
    if count > MAX_SITES:
        raise too_large_structure(f"{count} atom sites; at most {MAX_SITES} are read")
    if count == 0:
        raise unusable_structure("no atom sites")


def check_symbol(symbol: str, where: str) -> str:
    """Return an element's symbol; deuterium is hydrogen.

    Raises
    ------
    CandidateError
        `unknown_element`.
    """
    if symbol == "D":
        return "H"
    if symbol not in ATOMIC_NUMBER:
        message = f"{where} holds no known element: received '{shown(symbol)}', expected a symbol such as Li"
        raise CandidateError(RowErrorCode.UNKNOWN_ELEMENT, message)
    return symbol


def check_vectors(vectors_A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return lattice vectors in angstrom, shape (3, 3), that span a volume.

    Raises
    ------
    CandidateError
        Where one is no number, is longer than 1000 angstrom, or they lie in one plane.
    """
    is_possible = bool((np.abs(vectors_A) < _LONGEST_VECTOR_A).all())  # false where one is no number
    lengths_A = np.sqrt((vectors_A**2).sum(axis=1)) if is_possible else np.zeros(3)
    if not ((lengths_A > 0) & (lengths_A < _LONGEST_VECTOR_A)).all():
        raise unusable_structure("impossible lattice vectors; expected three of up to 1000 angstrom")
    if not abs(float(np.linalg.det(vectors_A))) > _LEAST_VOLUME_A3:
        raise unusable_structure("unit cell without volume: the lattice vectors lie in one plane")
    return vectors_A


def fractional(positions_A: NDArray[np.float64], vectors_A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return fractional coordinates of Cartesian ones in angstrom, both of shape (m, 3)."""
    return np.asarray(np.linalg.solve(vectors_A.T, positions_A.T).T, dtype=np.float64)


def read_cell(cell: ListedCell) -> CifAtoms:
    """Read a cell as `features.cif.read_atoms` reads the CIF in P 1 with the same cell and sites.

    Raises
    ------
    CandidateError
        `unparseable_structure`, `structure_too_large`, `unknown_element` or `too_many_elements`, with the reason.
    """
    check_site_count(sum(len(site.shares) for site in cell.sites))
    try:
        read = read_block(_block(cell))
    except CandidateError as error:
        raise CandidateError(_OF_A_CIF.get(error.code, error.code), error.message) from error
    remark = Remark(WarningCode.NO_SPACE_GROUP, _NO_SPACE_GROUP)
    return read._replace(structure=read.structure._replace(remarks=(*read.structure.remarks, remark)))


def _block(cell: ListedCell) -> DataBlock:
    rows = [
        (site.label, symbol, *map(repr, site.position), repr(share))
        for site in cell.sites
        for symbol, share in site.shares.items()
    ]
    labels, symbols, x, y, z, occupancies = (list(column) for column in zip(*rows, strict=True))
    values = {tag: [repr(number)] for tag, number in zip(CELL_TAGS, _cell_parameters(cell.vectors_A), strict=True)}
    values |= {NAME_TAGS[0]: ["P 1"], OPERATOR_TAGS[0]: ["x,y,z"]}
    values |= dict(zip(POSITION_TAGS, (x, y, z), strict=True))
    values |= {
        "_atom_site_label": labels,
        "_atom_site_type_symbol": symbols,
        "_atom_site_occupancy": occupancies,
    }
    if cell.formula:
        values[FORMULA_TAGS[0]] = [cell.formula]
    return DataBlock(cell.name, values, {})


def _cell_parameters(vectors_A: NDArray[np.float64]) -> tuple[float, ...]:
    """Return lengths in angstrom and angles in degrees."""
    lengths_A = np.linalg.norm(check_vectors(vectors_A), axis=1)
    a, b, c = vectors_A / lengths_A[:, None]
    cosines = np.clip([b @ c, a @ c, a @ b], -1.0, 1.0)
    return (*lengths_A.tolist(), *np.degrees(np.arccos(cosines)).tolist())


def finite_number(value: object, where: str) -> float:
    """Return a number of a document; raises `CandidateError` for anything else, `nan` and `inf` included."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
    received = shown(repr(value)) if isinstance(value, int | float | str) and _is_short(value) else type(value).__name__
    raise unusable_structure(f"{where}: received {received}, expected a finite number")


def _is_short(value: float | str) -> bool:
    return not isinstance(value, int) or abs(value) < 10**15
