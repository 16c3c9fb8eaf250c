"""What is screened: the lithium compounds of the table of phases, and a caller's own formulas, as arrays."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from features.elements import SYMBOLS
from features.errors import CandidateError, RowErrorCode
from features.formula import parse_formula
from serving.answers.request import DEFAULT_COVERAGE
from training.properties.contract import PhaseModel
from training.thermodynamics.hull import LITHIUM
from training.thermodynamics.phases import PhaseTable, rows_of_compositions
from training.thermodynamics.reactions import (
    SULFUR_ARTEFACT,
    EnergyBasis,
    Reactant,
    layout,
    phase_amounts,
    phase_formula,
    reduced,
)
from training.thermodynamics.window import windows

Array = NDArray[np.float64]


class Windowed(NamedTuple):
    """CoatingLimits against Li/Li+ and energies of the equilibrium mixtures of n compositions, shape (n,) each."""

    lower_V: Array
    upper_V: Array
    mixture_eV_per_atom: Array


@dataclass(frozen=True, slots=True)
class CoatingPool:
    """Compositions to be screened.

    Attributes
    ----------
    atomic_number, fraction
        Shape (n, k), padded with 0.
    energy_eV_per_atom
        Formation energies, the table's or a model's; shape (n,).
    row
        Place in the table of phases, -1 for a formula that it does not hold; shape (n,).
    own
        The caller's formula for those that are theirs, None for the others.
    windowed
        Windows and energies of the mixtures.
    """

    atomic_number: NDArray[np.int64]
    fraction: Array
    energy_eV_per_atom: Array
    row: NDArray[np.int64]
    own: list[str | None]
    windowed: Windowed

    def __len__(self) -> int:
        """Return how many are screened."""
        return len(self.row)

    @property
    def above_hull_eV_per_atom(self) -> Array:
        """Energy above the mixture of phases, 0 or above, shape (n,)."""
        above: Array = np.maximum(self.energy_eV_per_atom - self.windowed.mixture_eV_per_atom, 0.0)
        return above

    def is_artefact(self, table: PhaseTable) -> NDArray[np.bool_]:
        """Return which is the compound that is known to be an artefact of the table, shape (n,)."""
        row = rows_of_compositions(table, *layout([parse_formula(SULFUR_ARTEFACT)]))[0]
        found: NDArray[np.bool_] = (self.row == row) & (self.row >= 0)
        return found

    def amounts(self, table: PhaseTable, place: int) -> dict[str, float]:
        """Return element symbol to atoms per formula unit of one."""
        if self.row[place] >= 0:
            return dict(phase_amounts(table, int(self.row[place])))
        given = self.own[place]
        assert given is not None
        return dict(reduced(Candidate.from_formula(given).amounts)[1])

    def formula(self, table: PhaseTable, place: int) -> str:
        """Return the reduced formula of one."""
        if self.row[place] >= 0:
            return phase_formula(table, int(self.row[place]))
        return reduced(self.amounts(table, place))[0]

    def material(self, table: PhaseTable, place: int) -> Reactant:
        """Return one as a side of a reaction."""
        basis = EnergyBasis.REFERENCE if self.row[place] >= 0 else EnergyBasis.GIVEN
        energy, mixture = self.energy_eV_per_atom[place], self.windowed.mixture_eV_per_atom[place]
        return Reactant(*reduced(self.amounts(table, place)), float(energy), float(mixture), basis)

    def holds(self, symbols: frozenset[str]) -> NDArray[np.bool_]:
        """Return which hold one of some elements, shape (n,)."""
        numbers = [SYMBOLS.index(symbol) + 1 for symbol in symbols]
        return np.asarray(np.isin(self.atomic_number, numbers).any(axis=1), dtype=np.bool_)


_pools: WeakKeyDictionary[PhaseTable, CoatingPool] = WeakKeyDictionary()
_lock = Lock()


def compounds_with_lithium(table: PhaseTable) -> CoatingPool:
    """Return all compounds of the table that hold lithium; computed once, and kept as long as the table is."""
    with _lock:  # who asks meanwhile waits for it instead of computing the same
        if table not in _pools:
            _pools[table] = pool_of_rows(table, table.compounds_of(LITHIUM))
        return _pools[table]


def pool_of_rows(table: PhaseTable, rows: NDArray[np.int64]) -> CoatingPool:
    """Return some compounds of the table, computed anew."""
    numbers, fraction = table.compositions(rows)
    energy = table.energy_eV_per_atom[rows]
    return CoatingPool(numbers, fraction, energy, rows, [None] * len(rows), _windowed(table, numbers, fraction, None))


def _windowed(table: PhaseTable, numbers: NDArray[np.int64], fraction: Array, own: Array | None) -> Windowed:
    """Find windows in as many threads as there are processors."""
    parts = np.array_split(np.arange(len(numbers)), min(os.cpu_count() or 1, max(len(numbers) // 64, 1)))

    def of(part: NDArray[np.int64]) -> Windowed:
        energies = None if own is None else own[part]
        found = windows(table, numbers[part], fraction[part], own_energy_eV_per_atom=energies)
        return Windowed(found.lower_V, found.upper_V, found.energy_eV_per_atom)

    with ThreadPoolExecutor(len(parts)) as threads:
        return Windowed(*(np.concatenate(column) for column in zip(*threads.map(of, parts), strict=True)))


def with_own(
    pool: CoatingPool, model: PhaseModel, formulas: list[str]
) -> tuple[CoatingPool, dict[str, CandidateError]]:
    """Return the pool with a caller's formulas at its end, and those that cannot be judged with the reason.

    Parameters
    ----------
    pool
        From `compounds_with_lithium`.
    model
        Says energies of what the table does not hold.
    formulas
        As given; a composition that occurs twice is taken once.
    """
    failed: dict[str, CandidateError] = {}
    taken: dict[str, Candidate] = {}
    for formula in formulas:
        try:
            one = Candidate.from_formula(formula)
            _require_lithium(one, model)
            taken.setdefault(reduced(one.amounts)[0], one)
        except CandidateError as error:
            failed[formula] = error
    if not taken:
        return pool, failed
    batch = MaterialBatch.from_candidates(list(taken.values()))
    numbers, fraction = layout([one.amounts for one in taken.values()])
    row = rows_of_compositions(model.phases, numbers, fraction)
    energies = model.energies(batch, DEFAULT_COVERAGE)
    energy = np.where(row >= 0, model.phases.energy_eV_per_atom[row], energies.formation.value)
    windowed = _windowed(model.phases, numbers, fraction, np.where(row >= 0, np.nan, energy))
    names = [one.formula for one in taken.values()]
    return _joined(pool, CoatingPool(numbers, fraction, energy, row, [*names], windowed)), failed


def _require_lithium(one: Candidate, model: PhaseModel) -> None:
    if "Li" not in one.amounts:
        message = f"{one.formula} holds no lithium; the screen is of lithium compounds, through which lithium can pass"
        raise CandidateError(RowErrorCode.NOT_LITHIUM, message)
    missing = model.uncovered_elements(MaterialBatch.from_candidates([one]))[0]
    if missing:
        message = f"the table of formation energies holds no compound of {', '.join(missing)}"
        raise CandidateError(RowErrorCode.ELEMENT_WITHOUT_ENERGIES, message)


def _joined(pool: CoatingPool, own: CoatingPool) -> CoatingPool:
    """Return the pool with a caller's own behind it; what both hold stands only there."""
    keep = np.flatnonzero(~np.isin(pool.row, own.row[own.row >= 0]))
    width = max(pool.fraction.shape[1], own.fraction.shape[1])

    def padded(array: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.pad(array, ((0, 0), (0, width - array.shape[1])))

    return CoatingPool(
        np.concatenate([padded(pool.atomic_number)[keep], padded(own.atomic_number)]).astype(np.int64),
        np.concatenate([padded(pool.fraction)[keep], padded(own.fraction)]).astype(float),
        np.concatenate([pool.energy_eV_per_atom[keep], own.energy_eV_per_atom]),
        np.concatenate([pool.row[keep], own.row]),
        [*(pool.own[place] for place in keep.tolist()), *own.own],
        Windowed(*(np.concatenate([a[keep], b]) for a, b in zip(pool.windowed, own.windowed, strict=True))),
    )
