"""Crystallographic files, disorder and partial occupancy included.

Composition, cell and space group are taken, and the sites where they are asked for. What is read is compared with
what the file says elsewhere of the same thing, and what disagrees is said.
"""

from __future__ import annotations

from math import gcd, isnan, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.cif_cell import cell_of, orthogonal_matrix
from features.cif_formula import contradiction, differ, stated_formulas
from features.cif_mixing import mixing_entropy_k
from features.cif_places import Placement, place, refuse
from features.cif_sites import Sites, read_sites
from features.cif_symmetry import MAX_OPERATORS, Setting, Statement, other_settings, stated_symmetry
from features.cif_text import (
    FORMULA_TAGS,
    MAX_BLOCKS,
    MAX_CIF_CHARACTERS,
    MAX_SITES,
    DataBlock,
    read_blocks,
    unusable,
)
from features.elements import ATOMIC_NUMBER, element_table
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode, shown
from features.formula import MAX_ELEMENTS
from features.formula_writing import write_formula
from features.lattice import CrystalRecord, Lattice

__all__ = [
    "MAX_BLOCKS",
    "MAX_CIF_CHARACTERS",
    "MAX_OPERATORS",
    "MAX_SITES",
    "CifAtoms",
    "CifStructure",
    "read_atoms",
    "read_cif",
    "structure_blocks",
]

_VOLUME_PER_ATOM_A3 = (1.0, 1000.0)  # beyond, the cell is refused
_PLAUSIBLE_FILLING = (0.4, 1.7)  # volume over that of the elements; 0.53 to 1.33 in the 321 crystals of OBELiX
_USUAL_FILLING = 0.86  # the median of them
_DIFFERING_CONTENT = 0.01
_MOST_NAMED_BLOCKS = 4


class CifStructure(NamedTuple):
    """One crystal structure of a CIF.

    Attributes
    ----------
    formula
        One formula unit, as chemists write it.
    amounts
        Per unit cell, weighted with occupancies.
    lattice
        Unit cell, group and number of atoms.
    crystal
        What was read of the file, for the answer.
    remarks
        What disagrees within the file, and what was made of it.
    site_entropy_k_per_atom
        Ideal entropy of mixing on partly and mixed occupied sites, in units of Boltzmann's constant.
    """

    formula: str
    amounts: dict[str, float]
    lattice: Lattice
    crystal: CrystalRecord
    remarks: tuple[Remark, ...]
    site_entropy_k_per_atom: float


class CifAtoms(NamedTuple):
    """One crystal structure of a CIF with its atom sites.

    Attributes
    ----------
    structure
        What `read_cif` gives.
    sites, setting, placement
        The rows, the operators that repeat them, and how many atoms of each stand in the unit cell.
    orthogonal
        Matrix that turns fractional into Cartesian coordinates in angstrom, shape (3, 3); its columns are the vectors.
    """

    structure: CifStructure
    sites: Sites
    setting: Setting
    placement: Placement
    orthogonal: NDArray[np.float64]


class _Reading(NamedTuple):
    """The sites of a block under one setting of its group."""

    setting: Setting
    placement: Placement
    amounts: dict[str, float]
    rank: tuple[bool, int, bool, bool]

    @property
    def is_sound(self) -> bool:
        """Whether nothing speaks against it: cell, collisions, formula, density."""
        return self.rank == (True, 2, True, True)


def read_cif(text: str, block: str | None = None) -> CifStructure:
    """Read a structure of a CIF.

    Parameters
    ----------
    text
        The file's content.
    block
        Name of the data block; without it the first with atom sites.

    Raises
    ------
    CandidateError
        `cif_too_large`, `unparseable_cif`, `unknown_element` or `too_many_elements`, with the reason.
    """
    return read_atoms(text, block).structure


def read_atoms(text: str, block: str | None = None) -> CifAtoms:
    """Read a structure of a CIF together with its atom sites; arguments and errors as `read_cif`."""
    blocks = read_blocks(text)
    chosen = _named(blocks, block) if block is not None else _first(blocks)
    others = [one.name for one in blocks if one.has_positions and one is not chosen] if block is None else []
    if not others:
        return _read_block(chosen)
    message = f"read is block '{shown(chosen.name)}'; the file also holds {_listed(others)}; choose with `block`"
    try:
        read = _read_block(chosen)
    except CandidateError as error:
        raise CandidateError(error.code, f"{error.message} ({message})") from error
    remarks = (Remark(WarningCode.SEVERAL_STRUCTURES, message), *read.structure.remarks)
    return read._replace(structure=read.structure._replace(remarks=remarks))


def structure_blocks(text: str) -> list[str]:
    """Return the names of the data blocks that hold a structure, as `read_cif` takes them.

    Raises
    ------
    CandidateError
        As `read_cif`, where the text is no CIF.
    """
    return [block.name for block in read_blocks(text) if block.has_positions]


def _first(blocks: list[DataBlock]) -> DataBlock:
    for wanted in ("has_positions", "has_sites"):
        if (found := next((block for block in blocks if getattr(block, wanted)), None)) is not None:
            return found
    raise unusable("no data block with labelled atom sites (_atom_site_label, _atom_site_fract_x ...)")


def _named(blocks: list[DataBlock], name: str) -> DataBlock:
    """Find a block by its name, with or without `data_`; blanks count as underscores."""

    def plain(text: str) -> str:
        return "_".join(text.split()).lower()

    wanted = (plain(name), plain(name).removeprefix("data_"))
    matching = [block for block in blocks if block.name == name] or [b for b in blocks if plain(b.name) in wanted]
    if not matching:
        structures = [block.name for block in blocks if block.has_positions]
        raise unusable(f"no data block '{shown(name)}'; blocks with a structure: {_listed(structures) or 'none'}")
    return matching[0]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED_BLOCKS} more" if len(names) > _MOST_NAMED_BLOCKS else ""
    return ", ".join(f"'{shown(name)[:40]}'" for name in names[:_MOST_NAMED_BLOCKS]) + more


def _read_block(block: DataBlock) -> CifAtoms:
    for tag, (one, other) in block.conflicts.items():
        if tag not in FORMULA_TAGS:
            raise unusable(f"{tag} stands twice with different values, '{shown(one)}' and '{shown(other)}'")
    sites, remarks = read_sites(block)
    cell = cell_of(block)
    orthogonal = orthogonal_matrix(cell)
    statements, said = stated_symmetry(block, (cell[3], cell[5]))
    stated = stated_formulas(block)
    reading, chosen = _best_reading(statements, sites, orthogonal, [amounts for _, amounts in stated])
    if reading.placement.fault is not None:
        refuse(reading.placement.fault)
    amounts = _checked_amounts(reading.amounts)
    remarks += [*said, *chosen, *reading.placement.remarks, *_setting_remarks(reading)]
    if (contradicted := contradiction(amounts, stated)) is not None:
        remarks.append(contradicted)
    units = gcd(*(round(m) for m in reading.placement.multiplicities.tolist() if m > 0)) or 1
    formula = write_formula(_nearly_integer({symbol: amount / units for symbol, amount in amounts.items()}))
    lattice = _lattice(cell, reading.setting.number, amounts, orthogonal)
    if not _plausible(amounts, orthogonal):
        remarks.append(_density_remark(amounts, orthogonal))
    entropy_k = mixing_entropy_k(sites, reading.placement.multiplicities, orthogonal) / sum(amounts.values())
    crystal = CrystalRecord(block.name, reading.setting.name, _content(amounts))
    structure = CifStructure(formula, amounts, lattice, crystal, tuple(remarks), entropy_k)
    return CifAtoms(structure, sites, reading.setting, reading.placement, orthogonal)


def _best_reading(
    statements: list[Statement], sites: Sites, orthogonal: NDArray[np.float64], stated: list[dict[str, float]]
) -> tuple[_Reading, list[Remark]]:
    """Choose what the file says of its group: its first statement, unless another is sound where that is not.

    Where statements name different groups, both are named. Where the file leaves the origin or the axes open, or its
    atoms collide, the group's other setting is tried.
    """
    first = statements[0]
    reading = _reading(first.setting, sites, orthogonal, stated)
    others = [one for one in statements[1:] if not _same_group(one.setting, first.setting)]
    if others:
        rivals = (
            [(one, _reading(one.setting, sites, orthogonal, stated)) for one in others] if not reading.is_sound else []
        )
        better = max(rivals, key=lambda rival: rival[1].rank, default=None)
        used = first
        if better is not None and better[1].rank > reading.rank:
            used, reading = better
        message = (
            f"{first.words} ({_group_words(first.setting)}) and {others[0].words} ({_group_words(others[0].setting)})"
            f" disagree; {_group_words(used.setting)} is used"
        )
        return reading, [Remark(WarningCode.SYMMETRY_CONTRADICTED, message)]
    if reading.is_sound and first.fixes_setting:
        return reading, []
    return _with_other_setting(reading, first, sites, orthogonal, stated)


def _with_other_setting(
    reading: _Reading,
    statement: Statement,
    sites: Sites,
    orthogonal: NDArray[np.float64],
    stated: list[dict[str, float]],
) -> tuple[_Reading, list[Remark]]:
    """Try the group's other origin or axes; take it where it alone is better, say so where both may be meant."""
    rivals = [_reading(setting, sites, orthogonal, stated) for setting in other_settings(reading.setting)]
    best = max((rival.rank for rival in rivals), default=reading.rank)
    better = [rival for rival in rivals if rival.rank == best > reading.rank]
    if len(better) == 1:
        why = reading.placement.fault or _why(reading)
        message = f"{statement.words} means {reading.setting.name}, in which {why}; {better[0].setting.name} is used"
        return better[0], [Remark(WarningCode.OTHER_SETTING, message)]
    equal = [rival for rival in rivals if rival.is_sound and ":1" in rival.setting.name + reading.setting.name]
    if reading.is_sound and equal and _hold_other_atoms(equal[0].amounts, reading.amounts):
        used, other = sorted((reading, equal[0]), key=lambda one: _unusualness(one, orthogonal))
        message = (
            f"{statement.words} does not say which origin: {used.setting.name} is used, of the more usual density;"
            f" {other.setting.name} would hold {_content(other.amounts)} and not {_content(used.amounts)}"
        )
        return used, [Remark(WarningCode.OTHER_SETTING, message)]
    return reading, []


def _unusualness(reading: _Reading, orthogonal: NDArray[np.float64]) -> float:
    return abs(log(_filling(reading.amounts, orthogonal) / _USUAL_FILLING))


def _why(reading: _Reading) -> str:
    fits, soundness, agrees, _ = reading.rank
    if not fits:
        return "the cell has another symmetry"
    if soundness < 2:
        return "atoms collide"
    return "the cell holds an implausible number of atoms" if agrees else "the sites do not hold the file's formula"


def _reading(
    setting: Setting, sites: Sites, orthogonal: NDArray[np.float64], stated: list[dict[str, float]]
) -> _Reading:
    placement = place(sites, setting, orthogonal)
    amounts = _amounts_per_cell(sites, placement, stated)
    agrees = not stated or any(not differ(amounts, one) for one in stated)
    rank = (setting.fits(orthogonal.T @ orthogonal), placement.soundness, agrees, _plausible(amounts, orthogonal))
    return _Reading(setting, placement, amounts, rank)


def _amounts_per_cell(sites: Sites, placement: Placement, stated: list[dict[str, float]]) -> dict[str, float]:
    """Add up the atoms in the cell, attached hydrogens too.

    By the dictionary those are attached hydrogens that have no site. Some writers count hydrogens with sites as well;
    the file's own formula tells.
    """
    listed: dict[str, float] = {}
    shares = sites.occupancies * placement.multiplicities
    for symbol, share in zip(sites.symbols, shares.tolist(), strict=True):
        listed[symbol] = listed.get(symbol, 0.0) + share
    listed = {symbol: amount for symbol, amount in listed.items() if amount > 1e-6}
    attached = float((sites.hydrogens * shares).sum())
    if attached <= 1e-6:
        return listed
    both = {**listed, "H": listed.get("H", 0.0) + attached}
    counted_twice = "H" in listed and any(not differ(listed, one) for one in stated)
    return listed if counted_twice else both


def _checked_amounts(amounts: dict[str, float]) -> dict[str, float]:
    if not amounts:
        raise unusable("no occupied atom sites")
    if len(amounts) > MAX_ELEMENTS:
        raise CandidateError(
            RowErrorCode.TOO_MANY_ELEMENTS, f"{len(amounts)} elements; at most {MAX_ELEMENTS} are accepted"
        )
    return amounts


def _setting_remarks(reading: _Reading) -> list[Remark]:
    setting, remarks = reading.setting, []
    if isnan(setting.number):
        message = f"the {len(setting.rotations)} operators are those of no tabulated group: the unit cell is not used"
        remarks.append(Remark(WarningCode.SYMMETRY_CONTRADICTED, message))
    if not reading.rank[0]:
        message = f"the unit cell does not have the symmetry of {setting.name}: check the cell and the group"
        remarks.append(Remark(WarningCode.SYMMETRY_CONTRADICTED, message))
    return remarks


def _same_group(one: Setting, other: Setting) -> bool:
    return one.number == other.number


def _group_words(setting: Setting) -> str:
    return f"a group of no table ({len(setting.rotations)} operators)" if isnan(setting.number) else setting.name


def _filling(amounts: dict[str, float], orthogonal: NDArray[np.float64]) -> float:
    """Return the cell's volume over that which its atoms fill as elements."""
    volumes_A3 = element_table()["GSvolume_pa"]
    filled_A3 = sum(amount * float(volumes_A3[ATOMIC_NUMBER[symbol] - 1]) for symbol, amount in amounts.items())
    return float(np.linalg.det(orthogonal)) / filled_A3 if filled_A3 > 0 else float("inf")


def _plausible(amounts: dict[str, float], orthogonal: NDArray[np.float64]) -> bool:
    lowest, highest = _PLAUSIBLE_FILLING
    return lowest <= _filling(amounts, orthogonal) <= highest


def _density_remark(amounts: dict[str, float], orthogonal: NDArray[np.float64]) -> Remark:
    filling, atoms, volume_A3 = _filling(amounts, orthogonal), sum(amounts.values()), np.linalg.det(orthogonal)
    state = "is almost empty: are sites missing" if filling > 1 else "is crowded: are the group and the lengths right"
    message = (
        f"the cell {state}? {atoms:.4g} atoms in {volume_A3:.4g} cubic angstrom, {filling:.2g} times what the elements"
        f" themselves take (expected {_PLAUSIBLE_FILLING[0]:g} to {_PLAUSIBLE_FILLING[1]:g})"
    )
    return Remark(WarningCode.IMPLAUSIBLE_DENSITY, message)


def _lattice(
    cell: tuple[float, ...], group: float, amounts: dict[str, float], orthogonal: NDArray[np.float64]
) -> Lattice:
    atoms_per_cell, volume_A3 = sum(amounts.values()), float(np.linalg.det(orthogonal))
    lowest, highest = _VOLUME_PER_ATOM_A3
    if not lowest <= volume_A3 / atoms_per_cell <= highest:
        raise unusable(
            f"{atoms_per_cell:.4g} atoms in {volume_A3:.4g} cubic angstrom; expected {lowest:g} to {highest:g} for each"
            " (are the lengths in angstrom?)"
        )
    a_A, b_A, c_A, alpha_deg, beta_deg, gamma_deg = cell
    return Lattice(a_A, b_A, c_A, alpha_deg, beta_deg, gamma_deg, float(group), float(atoms_per_cell))


def _content(amounts: dict[str, float]) -> str:
    return write_formula(_nearly_integer(amounts), reduce=False)


def _hold_other_atoms(one: dict[str, float], other: dict[str, float]) -> bool:
    return differ(one, other) or abs(sum(one.values()) / sum(other.values()) - 1.0) > _DIFFERING_CONTENT


def _nearly_integer(amounts: dict[str, float]) -> dict[str, float]:
    """Undo the rounding of occupancies such as 0.333 times 24 sites, for the formula that is shown."""
    return {
        symbol: float(round(value)) if abs(value - round(value)) < 1.5e-3 * value else value
        for symbol, value in amounts.items()
    }
