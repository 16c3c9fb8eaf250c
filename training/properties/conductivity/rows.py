"""The measurements that the members of the ensemble learn from, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.similarity import half_l1
from training.properties.conductivity.arrhenius import inverse_temperature, prefactor_shift
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.gaussian_process import Observations
from training.properties.conductivity.samples import LEDGER, Samples, symmetry
from training.properties.conductivity.schema import LATTICE_COLUMNS, TableColumn
from training.publication_years import first_year
from training.splits import grouped_folds, paper_groups

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

TRUST_IN_OTHERS = 0.5
CROWDING_EXPONENT = 0.75
LEDGER_ROW = r"ledger\d+$"
"""How `ConductivityMeasurements.training_table` names rows."""
UNDATED_YEAR = 2005.0
"""Taken where neither table nor DOI tells: such rows are nearly all of old numbers of journals."""
NEAR_ROOM_TEMPERATURE_C = (15.0, 35.0)
SAME_MATERIAL_DISTANCE = 0.01
"""Half-L1 distance below which two compositions are the same material reported twice."""


@dataclass(frozen=True, slots=True)
class ConductivityRows:
    """Rows of the conductivity table; every field has length n.

    Parameters
    ----------
    descriptors
        What the material is.
    log10_sigma
        log10 of S/cm at `temperature_C`, NaN where only an activation energy was reported; for a bound, the bound.
    is_upper_bound, temperature_C, activation_energy_eV
        As in the table; activation energy NaN where not reported.
    trust
        Weight of the source table: OBELiX was checked entry by entry, the others count half.
    year
        In which it was published, by the table or else by its DOI; NaN where neither tells.
    is_doubtful
        As in the table.
    formula, paper, doi, family
        Names; `paper` joins rows that must stay on one side of a split.
    state, contribution, relative_density, source
        Of the sample, as in the table, `state` else its symmetry; the table, or `LEDGER`.
    """

    descriptors: Descriptors
    log10_sigma: Array
    is_upper_bound: NDArray[np.bool_]
    temperature_C: Array
    activation_energy_eV: Array
    trust: Array
    year: Array
    is_doubtful: NDArray[np.bool_]
    formula: NDArray[np.str_]
    paper: NDArray[np.str_]
    doi: NDArray[np.str_]
    family: NDArray[np.str_]
    state: NDArray[np.str_]
    contribution: NDArray[np.str_]
    relative_density: Array
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.log10_sigma)

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> ConductivityRows:
        """Take the rows of a table that follows the conductivity schema."""
        from training.properties.conductivity.table import papers

        lattice = table[list(LATTICE_COLUMNS)].to_numpy(dtype=float)
        batch = MaterialBatch.from_formulas(list(table[TableColumn.FORMULA]), lattice)
        sources = papers(table)
        own_row = [f"row {i}" for i in range(len(table))]
        return cls(
            Descriptors.of(batch),
            table[TableColumn.LOG10_SIGMA].to_numpy(dtype=float),
            table[TableColumn.IS_UPPER_BOUND].to_numpy(dtype=bool),
            table[TableColumn.TEMPERATURE].to_numpy(dtype=float),
            table[TableColumn.ACTIVATION_ENERGY].to_numpy(dtype=float),
            np.where(table[TableColumn.SOURCE] == "obelix", 1.0, TRUST_IN_OTHERS),
            _years(table),
            table[TableColumn.IS_DOUBTFUL].to_numpy(dtype=bool),
            np.array(table[TableColumn.FORMULA], dtype=np.str_),
            paper_groups(sources, own_row),
            np.array(
                table[TableColumn.DOI].where(table[TableColumn.DOI] != "", table[TableColumn.REFERENCE]), dtype=np.str_
            ),
            np.array(table[TableColumn.FAMILY].fillna("").astype(str), dtype=np.str_),
            _states(table),
            np.array(table[TableColumn.CONTRIBUTION].fillna("").astype(str), dtype=np.str_),
            table[TableColumn.RELATIVE_DENSITY].to_numpy(dtype=float),
            _sources(table),
        )

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ConductivityRows:
        """Return the chosen rows."""
        values = {field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "descriptors"}
        return ConductivityRows(descriptors=self.descriptors.take(rows), **values)

    @property
    def has_sigma(self) -> NDArray[np.bool_]:
        """Whether a conductivity was reported."""
        return np.isfinite(self.log10_sigma)

    @property
    def has_energy(self) -> NDArray[np.bool_]:
        """Whether an activation energy was reported."""
        return np.isfinite(self.activation_energy_eV)

    def samples(self) -> Samples:
        """Return the rows that carry a conductivity, as what was measured."""
        known = self.take(self.has_sigma)
        own = {one.name: getattr(known, one.name) for one in fields(Samples) if one.name != "composition"}
        return Samples(composition=known.descriptors.composition, **own)

    def observations(self) -> Observations:
        """Return conductivities, then activation energies, as linear observations of the process."""
        sigma, energy = np.flatnonzero(self.has_sigma), np.flatnonzero(self.has_energy)
        slope, shift = inverse_temperature(self.temperature_C), prefactor_shift(self.temperature_C)
        return Observations(
            np.concatenate([sigma, energy]),
            np.concatenate([np.ones(len(sigma)), np.zeros(len(energy))]),
            np.concatenate([-slope[sigma], np.ones(len(energy))]),
            np.concatenate([self.log10_sigma[sigma] - shift[sigma], self.activation_energy_eV[energy]]),
            np.concatenate([self.is_upper_bound[sigma], np.zeros(len(energy), dtype=bool)]),
        )

    def dated(self) -> Array:
        """Return the year of each row, `UNDATED_YEAR` where it is not known, shape (n,)."""
        return np.where(np.isfinite(self.year), self.year, UNDATED_YEAR)

    def weights(self, half_life_years: float = np.inf) -> Array:
        """Return trust / (rows of the same paper)^0.75, mean one: a paper's rows are near-copies of each other.

        Parameters
        ----------
        half_life_years
            Years in which a row comes to count half.
        """
        _, inverse, counts = np.unique(self.paper, return_inverse=True, return_counts=True)
        weight = self.trust / counts[inverse.reshape(-1)] ** CROWDING_EXPONENT
        year = self.dated()
        weight = weight * 2.0 ** ((year - year.max(initial=0.0)) / half_life_years)
        scaled: Array = weight / weight.mean()
        return scaled

    def recent_median(self, half_life_years: float) -> float:
        """Return the median of the conductivities, weighted by `weights(half_life_years)`, in log10 S/cm."""
        known = self.take(self.has_sigma)
        order = np.argsort(known.log10_sigma, kind="stable")
        weight = known.weights(half_life_years)[order]
        middle = np.cumsum(weight) - 0.5 * weight
        return float(np.interp(0.5 * weight.sum(), middle, known.log10_sigma[order]))

    def folds(self, n_folds: int, seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield rows to train on and rows left out: whole papers, and no copy of a left-out material in training."""
        fold = grouped_folds(self.paper, n_folds, seed)
        for number in range(n_folds):
            left_out = np.flatnonzero(fold == number)
            rest = np.flatnonzero(fold != number)
            yield rest[~self._copies(rest, left_out)], left_out

    def _copies(self, rows: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.bool_]:
        composition = self.descriptors.composition
        same: NDArray[np.bool_] = half_l1(composition[rows], composition[of]).min(axis=1) < SAME_MATERIAL_DISTANCE
        return same


def _years(table: pd.DataFrame) -> Array:
    stated = table[TableColumn.YEAR].to_numpy(dtype=float)
    of_doi = [float("nan") if (year := first_year(doi)) is None else float(year) for doi in table[TableColumn.DOI]]
    return np.where(np.isfinite(stated), stated, of_doi)


def _states(table: pd.DataFrame) -> NDArray[np.str_]:
    stated = table[TableColumn.STATE].fillna("").astype(str)
    by_symmetry = [symmetry(float(group)) for group in table[TableColumn.SPACE_GROUP]]
    return np.array([state or other for state, other in zip(stated, by_symmetry, strict=True)], dtype=np.str_)


def _sources(table: pd.DataFrame) -> NDArray[np.str_]:
    """Return the table of each row; those of a ledger are named by their entry."""
    of_ledger = table[TableColumn.ROW_ID].astype(str).str.match(LEDGER_ROW)
    return np.array(table[TableColumn.SOURCE].astype(str).mask(of_ledger, LEDGER), dtype=np.str_)


def near_room_temperature(rows: ConductivityRows) -> NDArray[np.bool_]:
    """Return which rows are conductivities near room temperature, shape (n,)."""
    low, high = NEAR_ROOM_TEMPERATURE_C
    near: NDArray[np.bool_] = rows.has_sigma & (rows.temperature_C >= low) & (rows.temperature_C <= high)
    return near
