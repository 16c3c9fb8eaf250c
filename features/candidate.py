"""A candidate: one material to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode
from features.formula import parse_formula, read_formula
from features.formula_writing import write_formula
from features.lattice import NO_LATTICE, CrystalRecord, Lattice

if TYPE_CHECKING:
    from features.cif import CifStructure

ROOM_TEMPERATURE_C = 25.0
INORGANIC = "inorganic"


class OtherMaterial(Protocol):
    """What was read of a material that is no inorganic one; see `features.kinds`."""

    @property
    def kind(self) -> str:
        """Name of its kind."""

    @property
    def read_as(self) -> str:
        """What was read, in words."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One readable material.

    Parameters
    ----------
    formula
        As the user typed it; for a CIF the composition as read.
    amounts
        Element symbol to amount.
    lattice
        Cell and space group, all NaN when only a formula is known.
    id
        The user's name of the row.
    remarks
        Warnings found while reading.
    crystal
        What of a CIF was read; None for a formula.
    other
        What was read of a material of another kind, which has no amounts; None for an inorganic one.
    site_entropy_k_per_atom
        Ideal entropy of mixing on the sites of a CIF in units of Boltzmann's constant; NaN for a formula.
    """

    formula: str
    amounts: dict[str, float]
    lattice: Lattice = NO_LATTICE
    id: str | None = None
    remarks: tuple[Remark, ...] = field(default=())
    crystal: CrystalRecord | None = None
    other: OtherMaterial | None = None
    site_entropy_k_per_atom: float = nan

    @property
    def kind(self) -> str:
        """Name of the kind of material."""
        return INORGANIC if self.other is None else self.other.kind

    @property
    def read_as(self) -> str:
        """The composition as it was read: reduced, in the order of chemists, whatever was typed."""
        if self.other is not None:
            return self.other.read_as
        return write_formula(self.amounts, sound=self.formula) if self.crystal is None else self.formula

    @property
    def has_lattice(self) -> bool:
        """Whether a unit cell is known."""
        return self.lattice.is_known

    @classmethod
    def from_formula(cls, text: str, *, id: str | None = None, lattice: Lattice = NO_LATTICE) -> Candidate:
        """Read a formula.

        Raises
        ------
        CandidateError
            When the formula cannot be read.
        """
        reading = read_formula(text)
        return cls(text.strip(), reading.amounts, lattice, id, (*reading.remarks, *_remarks(reading.amounts)))

    @classmethod
    def from_cif(cls, text: str, *, id: str | None = None, block: str | None = None) -> Candidate:
        """Read a crystal structure of a CIF, disorder included: the named data block, else the first.

        Raises
        ------
        CandidateError
            When the text is not a usable CIF.
        """
        from features.cif import read_cif

        return cls._of_crystal(read_cif(text, block), id)

    @classmethod
    def from_structure(
        cls, document: str | Mapping[str, object], *, id: str | None = None, block: str | None = None
    ) -> Candidate:
        """Read a crystal structure of a CIF, a POSCAR or an OPTIMADE document, told apart by their content.

        Raises
        ------
        CandidateError
            When the document holds no usable structure.
        """
        from features.crystal_formats.reading import read_structure

        return cls._of_crystal(read_structure(document, block), id)

    @classmethod
    def _of_crystal(cls, read: CifStructure, id: str | None) -> Candidate:
        remarks = (*_remarks(read.amounts), *read.remarks)
        entropy_k = read.site_entropy_k_per_atom
        return cls(
            read.formula, read.amounts, read.lattice, id, remarks, read.crystal, site_entropy_k_per_atom=entropy_k
        )


def _remarks(amounts: dict[str, float]) -> tuple[Remark, ...]:
    if "Li" in amounts:
        return ()
    return (Remark(WarningCode.NO_LITHIUM, "no lithium: the models know lithium conductors only"),)


@dataclass(frozen=True, slots=True)
class MaterialBatch:
    """Candidates as arrays; row i is candidate i.

    Parameters
    ----------
    element_index
        Shape (n, k), atomic number - 1 of each row's elements in ascending order, padded with 0.
    fraction
        Shape (n, k), atomic fraction, padded with 0; rows sum to 1.
    lattice
        Shape (n, 8), columns as `Lattice`, NaN where unknown.
    site_entropy_k_per_atom
        Shape (n,), ideal entropy of mixing on the sites of a crystal structure in units of Boltzmann's constant, NaN
        where no sites are known; None where none are known at all.
    """

    element_index: NDArray[np.int64]
    fraction: NDArray[np.float64]
    lattice: NDArray[np.float64]
    site_entropy_k_per_atom: NDArray[np.float64] | None = None
    _remembered: dict[str, tuple[NDArray[np.float64], ...]] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.fraction)

    def remembered(
        self, name: str, compute: Callable[[MaterialBatch], tuple[NDArray[np.float64], ...]]
    ) -> tuple[NDArray[np.float64], ...]:
        """Return what was computed of these rows under this name, computing it when first asked.

        Several models judge one batch and ask the same of it. Rows that are taken from it take along what is known.

        Parameters
        ----------
        name
            Of the computation.
        compute
            From the batch to arrays with one row a material; nobody may change them.
        """
        known = self._remembered.get(name)
        if known is None:
            known = self._remembered[name] = compute(self)
        return known

    def matrix(self) -> NDArray[np.float64]:
        """Return atomic fractions over all elements, shape (n, 103)."""
        dense = np.zeros((len(self), len(ATOMIC_NUMBER)))
        np.add.at(dense, (np.arange(len(self))[:, None], self.element_index), self.fraction)
        return dense

    @classmethod
    def from_matrix(cls, matrix: NDArray[np.float64]) -> MaterialBatch:
        """Lay out atomic fractions over all elements, shape (n, 103), rows summing to 1; no cell is known."""
        present = matrix > 0
        width = int(present.sum(axis=1).max()) if len(matrix) else 1
        index = np.argsort(~present, axis=1, kind="stable")[:, :width]
        fraction = np.take_along_axis(matrix, index, axis=1)
        return cls(np.where(fraction > 0, index, 0), fraction, np.full((len(matrix), 8), np.nan))

    def fraction_of(self, symbol: str) -> NDArray[np.float64]:
        """Return the atomic fraction of one element, shape (n,)."""
        here = self.element_index == ATOMIC_NUMBER[symbol] - 1
        total: NDArray[np.float64] = np.where(here, self.fraction, 0.0).sum(axis=1)
        return total

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> MaterialBatch:
        """Return the chosen rows."""
        known = {name: tuple(array[rows] for array in arrays) for name, arrays in self._remembered.items()}
        entropy = self.site_entropy_k_per_atom
        of_sites = None if entropy is None else entropy[rows]
        return MaterialBatch(self.element_index[rows], self.fraction[rows], self.lattice[rows], of_sites, known)

    @classmethod
    def from_candidates(cls, candidates: Sequence[Candidate]) -> MaterialBatch:
        """Lay candidates out as arrays."""
        lattice = np.array([c.lattice.as_tuple() for c in candidates], dtype=float).reshape(-1, 8)
        entropy = np.array([c.site_entropy_k_per_atom for c in candidates], dtype=float)
        return cls(*_composition_arrays([c.amounts for c in candidates]), lattice, entropy)

    @classmethod
    def from_formulas(cls, formulas: Sequence[str], lattice: NDArray[np.float64] | None = None) -> MaterialBatch:
        """Parse formulas and lay them out as arrays.

        Parameters
        ----------
        formulas
            n formulas.
        lattice
            Shape (n, 8), columns as `Lattice`, NaN where unknown; without it no cell is known.

        Raises
        ------
        CandidateError
            For the first unreadable formula; use `read_candidates` for errors by row.
        ValueError
            When `lattice` has another shape.
        """
        shape = (len(formulas), 8)
        known = np.full(shape, np.nan) if lattice is None else np.array(lattice, dtype=float)
        if known.shape != shape:
            raise ValueError(f"lattice has shape {known.shape}; expected {shape}, one row a formula")
        return cls(*_composition_arrays([parse_formula(formula) for formula in formulas]), known)


def _composition_arrays(amounts: Sequence[dict[str, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    lengths = np.array([len(row) for row in amounts], dtype=np.int64)
    total = int(lengths.sum())
    flat_z = np.fromiter((ATOMIC_NUMBER[symbol] for row in amounts for symbol in row), np.int64, total)
    flat_amount = np.fromiter((value for row in amounts for value in row.values()), np.float64, total)
    row = np.repeat(np.arange(len(amounts)), lengths)
    order = np.lexsort((flat_z, row))
    column = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    width = int(lengths.max()) if len(lengths) else 1
    index = np.zeros((len(amounts), width), dtype=np.int64)
    fraction = np.zeros((len(amounts), width))
    index[row, column] = flat_z[order] - 1
    fraction[row, column] = flat_amount[order]
    return index, fraction / fraction.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be answered, with its place in the input.

    Parameters
    ----------
    index
        Place among the candidates, the first being 0.
    id
        The user's name of the row.
    code, message
        What is wrong with it.
    formula
        As typed, whether it could be read or not; None where none was given.
    candidate
        What was read, where the row cannot be judged for another reason.
    """

    index: int
    id: str | None
    code: RowErrorCode
    message: str
    formula: str | None = None
    candidate: Candidate | None = None

    @classmethod
    def of(cls, row: Candidate | RowError, index: int, error: CandidateError) -> RowError:
        """Return what becomes of a row at this place for which an error was found; it keeps its name and formula."""
        candidate = row if isinstance(row, Candidate) else row.candidate
        return cls(index, row.id, error.code, error.message, row.formula, candidate)
