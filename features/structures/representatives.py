"""One ordered cell that stands for a disordered crystal structure.

Positions with one mixture form a group, which gets whole atoms by the largest remainder; lithium on partly filled
positions makes the cell neutral. Swaps inside the groups are annealed on the Coulomb energy of formal charges, with a
repulsion that keeps split positions from being filled twice. The smallest of a few supercells that keeps the
composition is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.cif import CifAtoms
from features.cif_mixing import FULL
from features.errors import CandidateError, RowErrorCode
from features.formula_writing import write_formula
from features.structures.annealing import Interactions, anneal
from features.structures.apportionment import make_neutral, whole_atoms
from features.structures.cells import OrderedCell, distances_A
from features.structures.charges import FormalCharges, formal_charges
from features.structures.electrostatics import ewald_matrix
from features.structures.expansion import OccupiedPositions, occupied_positions
from features.structures.lattices import lattice_points_inside, most_compact_supercell

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

MOST_ATOMS = 100
"""Of a supercell that stands for a disordered structure."""
MOST_ATOMS_ORDERED = 500
MOST_COMPOSITION_DISTANCE = 0.02
SUPERCELLS = (1, 2, 3, 4, 6, 8)
SHORTEST_A, SHORTEST_TO_HYDROGEN_A = 1.0, 0.65
"""Below, two atoms have collided: no bond in a crystal is as short, but those of hydrogen."""
_MOST_POSITIONS = 1_000
_CONTACT_A, _CONTACT_TO_HYDROGEN_A, _CONTACT_eV = 1.8, 0.9, 200.0
_SAME_MIXTURE = 3
_NEUTRAL_PER_ATOM = 0.02


def ordered_representative(
    crystal_or_cif: CifAtoms | str, seed: int = 0, *, most_atoms: int = MOST_ATOMS
) -> OrderedCell:
    """Return whole atoms for a crystal structure, disordered or not.

    An ordered CIF is expanded by its symmetry to the primitive cell, and nothing else.

    Parameters
    ----------
    crystal_or_cif
        The text of a CIF, or what `features.cif.read_atoms` gives (for a data block by name).
    seed
        Of the annealing.
    most_atoms
        Of a supercell of a disordered structure.

    Raises
    ------
    CandidateError
        `cell_too_small` where no supercell of at most `most_atoms` keeps the composition within 0.02, `not_neutral`
        where no number of lithium atoms balances the charges, `no_lithium_sites` where the CIF lacks its lithium,
        `cell_too_large`, `atoms_collide` where the positions cannot be filled without two atoms in one place; those of
        `features.cif.read_cif` besides.
    """
    positions = occupied_positions(crystal_or_cif)
    _check_lithium(positions)
    if positions.is_ordered:
        return _as_it_is(positions)
    charges = formal_charges({one: amount for one, amount in positions.amounts.items() if amount > 0})
    filling = _smallest_filling(positions, charges, most_atoms)
    cell = _arranged(positions, filling, charges, seed)
    _check_distances(cell)
    return cell


def composition_distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return half the sum of absolute differences of two compositions' atomic fractions."""
    total, total_other = sum(one.values()), sum(other.values())
    return 0.5 * sum(abs(one.get(s, 0.0) / total - other.get(s, 0.0) / total_other) for s in {*one, *other})


def _check_lithium(positions: OccupiedPositions) -> None:
    if positions.amounts.get("Li", 0.0) > 0:
        return
    charges = formal_charges(positions.amounts)
    imbalance = charges.charge(positions.amounts) / sum(positions.amounts.values())
    if abs(imbalance) > _NEUTRAL_PER_ATOM:
        raise _without_lithium(positions)


def _without_lithium(positions: OccupiedPositions) -> CandidateError:
    return CandidateError(
        RowErrorCode.NO_LITHIUM_SITES,
        f"the CIF lists no lithium, and the charges of {_asked(positions)} do not balance: lithium was probably not"
        " located; expected a structure with its lithium sites",
    )


def _asked(positions: OccupiedPositions) -> str:
    return write_formula({one: round(amount, 4) for one, amount in positions.amounts.items() if amount > 0})


def _as_it_is(positions: OccupiedPositions) -> OrderedCell:
    n = len(positions.fractional)
    if n > MOST_ATOMS_ORDERED:
        raise _too_large(n, MOST_ATOMS_ORDERED)
    symbols = tuple(positions.symbols[i] for i in positions.occupancies.argmax(axis=1).tolist())
    cell = OrderedCell(positions.lattice_A, positions.fractional, symbols, remarks=positions.remarks)
    _check_distances(cell)
    return cell


def _too_large(n: int, limit: int) -> CandidateError:
    message = f"{n} atoms in the primitive cell; at most {limit} are handled"
    return CandidateError(RowErrorCode.CELL_TOO_LARGE, message)


@dataclass(frozen=True, eq=False)
class _Filling:
    """Whole atoms in a supercell: `counts` of the groups of mixtures, shape (g, e + 1), vacancies last."""

    size: int
    group: Labels
    counts: Labels
    distance: float


def _smallest_filling(positions: OccupiedPositions, charges: FormalCharges, most_atoms: int) -> _Filling:
    atoms = sum(positions.amounts.values())
    if atoms > most_atoms or len(positions.fractional) > _MOST_POSITIONS:
        raise _too_large(round(atoms), most_atoms)
    closest: _Filling | None = None
    tried = [size for size in SUPERCELLS if size * atoms <= most_atoms]
    tried = [size for size in tried if size * len(positions.fractional) <= _MOST_POSITIONS]
    for size in tried:
        filling = _filled(positions, charges, size)
        if filling is None:
            continue
        if filling.distance < MOST_COMPOSITION_DISTANCE:
            return filling
        if closest is None or filling.distance < closest.distance:
            closest = filling
    if closest is None and "Li" not in positions.symbols:
        raise _without_lithium(positions)
    within = f"in up to {tried[-1]} primitive cells (at most {most_atoms} atoms)"
    asked = _asked(positions)
    if closest is None:
        raise CandidateError(
            RowErrorCode.NOT_NEUTRAL,
            f"no number of lithium atoms on the partly filled sites balances the charges of {asked} {within};"
            " expected occupancies that make a neutral crystal",
        )
    if (imbalance := _imbalance(positions, charges)) != 0:
        raise CandidateError(
            RowErrorCode.NOT_NEUTRAL,
            f"the occupancies make {asked}, {imbalance:+.2f} charges an atom from neutral; with its lithium balanced it"
            f" would be another composition (off by {closest.distance:.3f}, expected less than"
            f" {MOST_COMPOSITION_DISTANCE:g})",
        )
    raise CandidateError(
        RowErrorCode.CELL_TOO_SMALL,
        f"whole atoms {within} do not give {asked}: off by {closest.distance:.3f} at best, expected less"
        f" than {MOST_COMPOSITION_DISTANCE:g}; give an ordered supercell of your own",
    )


def _imbalance(positions: OccupiedPositions, charges: FormalCharges) -> float:
    """Return the charge an atom that no common oxidation state can balance, 0 where it is little."""
    atoms = sum(positions.amounts.values())
    low, high = charges.bounds({one: amount for one, amount in positions.amounts.items() if amount > 0})
    least = max(low, 0.0) + min(high, 0.0)
    return least / atoms if abs(least) > _NEUTRAL_PER_ATOM * atoms else 0.0


def _mixtures(positions: OccupiedPositions) -> tuple[Labels, Array]:
    """Return the group of each position, -1 where one element fills it, and each group's shares, vacancies last."""
    vacant = np.clip(1.0 - positions.occupancies.sum(axis=1), 0.0, 1.0)
    shares = np.column_stack([positions.occupancies, np.where(vacant <= FULL, 0.0, vacant)])
    shares /= shares.sum(axis=1, keepdims=True)
    partial = np.flatnonzero(positions.occupancies.max(axis=1) < 1.0 - FULL)
    group = np.full(len(shares), -1)
    keys, label = np.unique(shares[partial].round(_SAME_MIXTURE), axis=0, return_inverse=True)
    group[partial] = label.reshape(-1)
    mean = np.array([shares[group == one].mean(axis=0) for one in range(len(keys))])
    return group, mean


def _filled(positions: OccupiedPositions, charges: FormalCharges, size: int) -> _Filling | None:
    """Return whole atoms for a supercell; None where it cannot be neutral."""
    group, shares = _mixtures(positions)
    sizes = np.bincount(group[group >= 0], minlength=len(shares)) * size
    exact = shares * sizes[:, None]
    counts = np.array([whole_atoms(row, int(n)) for row, n in zip(shares, sizes, strict=True)])
    full = positions.occupancies[group < 0].argmax(axis=1)
    fixed = {one: float((full == i).sum() * size) for i, one in enumerate(positions.symbols)}
    neutral = make_neutral(counts, exact, fixed, positions.symbols, charges)
    if neutral is None:
        return None
    held = neutral.sum(axis=0)
    amounts = {one: fixed[one] + float(held[i]) for i, one in enumerate(positions.symbols)}
    return _Filling(size, group, neutral, composition_distance(amounts, positions.amounts))


def _arranged(positions: OccupiedPositions, filling: _Filling, charges: FormalCharges, seed: int) -> OrderedCell:
    lattice_A = most_compact_supercell(positions.lattice_A, filling.size)
    points = lattice_points_inside(positions.lattice_A, lattice_A)
    base = positions.fractional @ positions.lattice_A @ np.linalg.inv(lattice_A)
    fractional = (base[None, :, :] + points[:, None, :]).reshape(-1, 3)
    fractional -= np.floor(fractional + 1e-9)
    occupancies = np.tile(positions.occupancies, (filling.size, 1))
    group = np.tile(filling.group, filling.size)
    order = np.lexsort((*fractional.round(5).T, group))  # whatever the order of the rows in the CIF
    fractional, occupancies, group = fractional[order], occupancies[order], group[order]
    kind = np.where(group < 0, occupancies.argmax(axis=1) + 1, 0)
    for one, counts in enumerate(filling.counts):
        kind[group == one] = np.repeat([*range(1, len(counts)), 0], counts)
    carried = _balanced(kind, positions.symbols, charges)
    contact_eV = _contacts_eV(lattice_A, fractional, occupancies, positions.symbols)
    interactions = Interactions(carried, ewald_matrix(lattice_A, fractional), contact_eV)
    kind, _ = anneal(kind, group, interactions, seed=seed)
    held = np.flatnonzero(kind)
    symbols = tuple(positions.symbols[i - 1] for i in kind[held].tolist())
    return OrderedCell(
        lattice_A,
        fractional[held],
        symbols,
        filling.distance,
        positions.mixing_entropy_kB * filling.size,
        filling.size,
        True,
        positions.remarks,
    )


def _balanced(kind: Labels, symbols: tuple[str, ...], charges: FormalCharges) -> Array:
    """Return the charge of each kind, 0 for the vacancy, adding up to 0 where oxidation states leave room."""
    amounts = {one: float((kind == i + 1).sum()) for i, one in enumerate(symbols)}
    low, high = charges.bounds(amounts)
    share = min(max(-low / (high - low), 0.0), 1.0) if high > low else 0.0
    return np.array([0.0, *(charges.lowest[s] + share * (charges.highest[s] - charges.lowest[s]) for s in symbols)])


def _contacts_eV(lattice_A: Array, fractional: Array, occupancies: Array, symbols: tuple[str, ...]) -> Array:
    """Return what it costs to fill two positions that are too near each other, shape (n, n)."""
    others = [i for i, symbol in enumerate(symbols) if symbol != "H"]
    hydrogen = occupancies[:, others].sum(axis=1) <= 0
    either = hydrogen[:, None] | hydrogen[None, :]
    reach_A = np.where(either, _CONTACT_TO_HYDROGEN_A, _CONTACT_A)
    distance_A = distances_A(lattice_A, fractional)
    contact_eV: Array = _CONTACT_eV * np.clip(1.0 - distance_A / reach_A, 0.0, None) ** 2
    np.fill_diagonal(contact_eV, 0.0)
    return contact_eV


def _check_distances(cell: OrderedCell) -> None:
    distance_A = distances_A(cell.lattice_A, cell.fractional_coordinates)
    np.fill_diagonal(distance_A, np.inf)
    hydrogen = np.array([symbol == "H" for symbol in cell.symbols])
    least_A = np.where(hydrogen[:, None] | hydrogen[None, :], SHORTEST_TO_HYDROGEN_A, SHORTEST_A)
    i, j = divmod(int((distance_A / least_A).argmin()), len(cell))
    if distance_A[i, j] < least_A[i, j]:
        raise CandidateError(
            RowErrorCode.ATOMS_COLLIDE,
            f"whole atoms cannot fill the sites: {cell.symbols[i]} and {cell.symbols[j]} would stand"
            f" {distance_A[i, j]:.2f} A apart; expected at least {least_A[i, j]:g} A",
        )
