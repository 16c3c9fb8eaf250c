"""Crystallographic files, disorder and partial occupancy included.

Read with gemmi (Wojdyr, J. Open Source Softw. 7, 4200 (2022), doi 10.21105/joss.04200): small, compiled, no
guessing of bonds. Only composition, cell and space group are taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from features.elements import ATOMIC_NUMBER
from features.errors import CandidateError, RowErrorCode, shown
from features.formula import MAX_ELEMENTS, format_formula
from features.lattice import Lattice

if TYPE_CHECKING:
    import gemmi

MAX_CIF_CHARACTERS = 1_000_000
MAX_SITES = 5_000
MAX_OPERATORS = 192  # of the largest groups, Fm-3m and its like
MAX_BLOCKS = 1_000  # gemmi compares the name of each with all before it: 90,000 blocks took 2 s

_SAME_PLACE_A = 0.02  # rounding of coordinates; real files split lithium over positions 0.04 A apart
_SAME_SITE_A = 0.6  # coarse rounding, believed only where the file states the multiplicity that it gives
_PLAUSIBLE_VOLUME_PER_ATOM_A3 = (1.0, 1000.0)
_MULTIPLICITY_TAGS = ("_atom_site_site_symmetry_multiplicity", "_atom_site_symmetry_multiplicity")
_ORIGIN_OF_SUFFIX = {"S": ":1", "Z": ":2"}  # as the ICSD marks origin choices: 'F d -3 m S', 'F d -3 m Z'
_GEMMI_ERRORS = (ValueError, RuntimeError, IndexError, OverflowError, TypeError)


def read_cif(text: str) -> tuple[str, dict[str, float], Lattice]:
    """Read the first structure of a CIF.

    Parameters
    ----------
    text
        The file's content.

    Returns
    -------
    formula, amounts, lattice
        Reduced formula, amounts per unit cell (occupancy-weighted), unit cell.

    Raises
    ------
    CandidateError
        `cif_too_large`, `unparseable_cif`, `unknown_element` or `too_many_elements`, with the reason.
    """
    if not isinstance(text, str):
        raise _unusable(f"a CIF is text, received {type(text).__name__}")
    if len(text) > MAX_CIF_CHARACTERS:
        raise _too_large(f"CIF of {len(text)} characters; at most {MAX_CIF_CHARACTERS} are read")
    if text.lower().count("data_") > MAX_BLOCKS:
        raise _too_large(f"more than {MAX_BLOCKS} data blocks")
    block, structure = _first_structure(text)
    _check_cell(structure)
    _set_symmetry(structure)
    amounts = _amounts_per_cell(structure, _stated_multiplicities(block))
    return format_formula(_nearly_integer(amounts)), amounts, _lattice(structure, sum(amounts.values()))


def _first_structure(text: str) -> tuple[gemmi.cif.Block, gemmi.SmallStructure]:
    import gemmi

    try:
        for block in gemmi.cif.read_string(text.removeprefix("\ufeff")):
            if len(block.find_values("_atom_site_label")) > MAX_SITES:
                raise _too_large(f"more than {MAX_SITES} atom sites")
            operators = block.find_values("_space_group_symop_operation_xyz")
            if max(len(operators), len(block.find_values("_symmetry_equiv_pos_as_xyz"))) > MAX_OPERATORS:
                raise _unusable(f"more than {MAX_OPERATORS} symmetry operators")
            structure = gemmi.make_small_structure_from_block(block)
            if structure.sites:
                return block, structure
    except CandidateError:
        raise
    except _GEMMI_ERRORS as error:
        raise _unusable(f"not a readable CIF: {shown(str(error))}") from error
    raise _unusable("no data block with labelled atom sites (_atom_site_label, _atom_site_fract_x ...)")


def _check_cell(structure: gemmi.SmallStructure) -> None:
    cell = structure.cell
    lengths, angles = (cell.a, cell.b, cell.c), (cell.alpha, cell.beta, cell.gamma)
    if not cell.is_crystal():
        raise _unusable("no unit cell (_cell_length_a ... _cell_angle_gamma)")
    if not (all(0 < length < 1000 for length in lengths) and all(0 < angle < 180 for angle in angles)):
        raise _unusable(f"impossible unit cell {lengths} angstrom, {angles} degrees")
    if not cell.volume > 0:
        raise _unusable(f"unit cell without volume: {lengths} angstrom, {angles} degrees")


def _set_symmetry(structure: gemmi.SmallStructure) -> None:
    """Find the space group from the operators, else the Hall symbol, the name or, at last, the number."""
    name = structure.spacegroup_hm.replace("_", "").strip()
    if suffix := re.fullmatch(r"(.*\S)\s*([SZ])", name):
        name = suffix[1] + _ORIGIN_OF_SUFFIX[suffix[2]]
    structure.spacegroup_hm = name
    try:
        structure.determine_and_set_spacegroup("SH2N")
    except _GEMMI_ERRORS as error:
        raise _unusable(f"space group: {shown(str(error))}") from error
    if structure.spacegroup is None:
        raise _unusable(f"no space group that is known (name '{shown(name)}', {len(structure.symops)} operators)")


def _stated_multiplicities(block: gemmi.cif.Block) -> list[int | None]:
    """Return what the file says of each site's multiplicity; empty where it says nothing."""
    for tag in _MULTIPLICITY_TAGS:
        if column := list(block.find_values(tag)):
            return [_multiplicity_of(value) for value in column]
    return []


def _multiplicity_of(text: str) -> int | None:
    """Return a number of at most three digits: no site has more images, and thousands of digits have no int."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None


def _amounts_per_cell(structure: gemmi.SmallStructure, stated: list[int | None]) -> dict[str, float]:
    amounts: dict[str, float] = {}
    stated = stated if len(stated) == len(structure.sites) else [None] * len(structure.sites)
    for site, multiplicity in zip(structure.sites, stated, strict=True):
        symbol = "H" if site.element.name == "D" else site.element.name
        if symbol not in ATOMIC_NUMBER:
            raise CandidateError(
                RowErrorCode.UNKNOWN_ELEMENT, f"site '{shown(site.label)}' of the CIF holds no known element"
            )
        if not 0.0 <= site.occ <= 1.0 + 1e-3:
            raise _unusable(f"site '{shown(site.label)}' has occupancy {site.occ:g}; expected 0 to 1")
        amounts[symbol] = amounts.get(symbol, 0.0) + site.occ * _multiplicity(structure, site, multiplicity)
    amounts = {symbol: amount for symbol, amount in amounts.items() if amount > 1e-6}
    if not amounts:
        raise _unusable("no occupied atom sites")
    if len(amounts) > MAX_ELEMENTS:
        raise CandidateError(
            RowErrorCode.TOO_MANY_ELEMENTS, f"{len(amounts)} elements; at most {MAX_ELEMENTS} are accepted"
        )
    return amounts


def _multiplicity(structure: gemmi.SmallStructure, site: gemmi.SmallStructure.Site, stated: int | None) -> float:
    """Count the atoms of a site in the unit cell.

    gemmi's own expansion merges whatever lies within 0.4 A, which halves split lithium sites. So only images
    in the very same place are merged, unless the file states a smaller number that wider merging confirms.
    """
    if not all(abs(value) < 1e4 for value in site.fract.tolist()):
        raise _unusable(f"site '{shown(site.label)}' has no usable position")
    operators = len(structure.cell.images) + 1

    def merged_within(distance_A: float) -> float:
        return operators / (1 + structure.cell.is_special_position(site.fract, distance_A))

    most = merged_within(_SAME_PLACE_A)
    return stated if stated is not None and merged_within(_SAME_SITE_A) <= stated <= most else most


def _lattice(structure: gemmi.SmallStructure, atoms_per_cell: float) -> Lattice:
    cell, group = structure.cell, structure.spacegroup
    lowest, highest = _PLAUSIBLE_VOLUME_PER_ATOM_A3
    if not lowest <= cell.volume / atoms_per_cell <= highest:
        raise _unusable(
            f"{atoms_per_cell:.4g} atoms in {cell.volume:.4g} cubic angstrom; expected {lowest:g} to"
            f" {highest:g} for each (are the lengths in angstrom?)"
        )
    return Lattice(
        cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma, float(group.number), float(atoms_per_cell)
    )


def _nearly_integer(amounts: dict[str, float]) -> dict[str, float]:
    """Undo the rounding of occupancies such as 0.333 times 24 sites, for the formula that is shown."""
    return {
        symbol: float(round(value)) if abs(value - round(value)) < 1.5e-3 * value else value
        for symbol, value in amounts.items()
    }


def _unusable(reason: str) -> CandidateError:
    return CandidateError(RowErrorCode.UNPARSEABLE_CIF, reason)


def _too_large(reason: str) -> CandidateError:
    return CandidateError(RowErrorCode.CIF_TOO_LARGE, reason)
