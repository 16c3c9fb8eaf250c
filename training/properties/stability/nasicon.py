"""NASICON compositions that were computed as one whole family: a second source of decomposition energies.

3,104 compositions Na_x M2 (TO4)3 (none to four Na, one or two framework metals, T of P, Si and S), the unstable ones
computed like the stable ones: Ouyang et al., arXiv 2102.03627. Their energies are those of another vintage of the
Materials Project; what is fitted is their decomposition energy, given the hull of the phases known here.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER
from training.properties.stability.neighbours import N_NUMBERS
from training.properties.stability.table import compositions
from training.sources import locate, require
from training.tables import TableError, Violation
from training.thermodynamics.phases import PhaseTable, rows_of_compositions

Array = NDArray[np.float64]
SOURCE = "nasicon_train"
ENERGY_COLUMN = "NewEhullLst"
LARGEST_eV_PER_ATOM = 0.2
"""Beyond it the table is at fault (14 rows, 7 eV/atom and the like)."""
ALKALI, CENTRES = ("Na",), ("P", "Si", "S")
METALS = ("Al", "Ca", "Ga", "Ge", "Hf", "In", "La", "Mg", "Nb", "Sc", "Sn", "Ta", "Ti", "Y", "Zn", "Zr")
ELEMENTS = (*ALKALI, *CENTRES, *METALS)
CENTRE_COLUMNS, METAL_COLUMNS, OXYGEN_COLUMN = slice(1, 4), slice(4, len(ELEMENTS)), len(ELEMENTS)
NUMBERS = [ATOMIC_NUMBER[symbol] for symbol in (*ELEMENTS, "O")]
N_METALS, N_OXYGEN, N_CENTRES, MOST_SODIUM, MOST_METALS = 2.0, 12.0, 3.0, 4.0, 2
OFF_STOICHIOMETRY = 0.02
"""Of an atom per formula unit: the rounding of published formulas."""
PENALTY = 1.0
N_FOLDS = 5
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class NasiconTable:
    """The rows of the source without its faults.

    Attributes
    ----------
    batch
        n compositions.
    decomposition_energy_eV_per_atom
        Signed energy against the source's hull without the compound, shape (n,).
    """

    batch: MaterialBatch
    decomposition_energy_eV_per_atom: Array

    def take(self, rows: NDArray[np.int64]) -> NasiconTable:
        """Return some rows."""
        return NasiconTable(self.batch.take(rows), self.decomposition_energy_eV_per_atom[rows])

    def folds(self) -> NDArray[np.int64]:
        """Return a fold by the set of framework metals, shape (n,): no set lies in two."""
        held = _fractions(self.batch)[:, METAL_COLUMNS] > 0
        _, metal_set = np.unique(held, axis=0, return_inverse=True)
        order = np.random.default_rng(0).permutation(metal_set.max() + 1)
        folds: NDArray[np.int64] = order[metal_set] % N_FOLDS
        return folds


def read_nasicons() -> NasiconTable:
    """Read the source.

    Raises
    ------
    MissingSourceError
        If the file is not in the data folder.
    TableError
        If a row is no NASICON with an energy.
    """
    require((SOURCE,), "learning from NASICONs that were computed as one family")
    path = locate(SOURCE)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [(row["CompName"], float(row[ENERGY_COLUMN]) / 1000.0) for row in csv.DictReader(handle)]
    kept = [(formula, energy) for formula, energy in rows if abs(energy) <= LARGEST_eV_PER_ATOM]
    batch = MaterialBatch.from_formulas([formula for formula, _ in kept])
    strange = np.flatnonzero(~is_nasicon(batch))
    if len(strange):
        expected = "a NASICON of the source's elements"
        places = tuple(Violation(None, "", "CompName", kept[row][0], expected) for row in strange)
        raise TableError(path.name, places)
    return NasiconTable(batch, np.array([energy for _, energy in kept]))


def not_listed(phases: PhaseTable, table: NasiconTable) -> NDArray[np.int64]:
    """Return the rows of elements that some phases cover and that are none of these phases."""
    atomic_number, fraction = compositions(table.batch)
    covered = ((phases.of_element[atomic_number] >= 0) | (fraction == 0)).all(axis=1)
    rows = np.flatnonzero(covered)
    return rows[rows_of_compositions(phases, atomic_number[rows], fraction[rows]) < 0]


def is_nasicon(batch: MaterialBatch) -> NDArray[np.bool_]:
    """Return which compositions are NASICONs of the source's elements, shape (n,)."""
    fraction = _fractions(batch)
    centres = fraction[:, CENTRE_COLUMNS].sum(axis=1)
    units = np.divide(N_CENTRES, centres, out=np.zeros(len(batch)), where=centres > 0)
    amounts = fraction * units[:, None]
    metals = amounts[:, METAL_COLUMNS]
    fits: NDArray[np.bool_] = (
        (fraction.sum(axis=1) > 1.0 - ROUNDING)  # no other element
        & (np.abs(amounts[:, OXYGEN_COLUMN] - N_OXYGEN) <= OFF_STOICHIOMETRY)
        & (np.abs(metals.sum(axis=1) - N_METALS) <= OFF_STOICHIOMETRY)
        & (amounts[:, 0] <= MOST_SODIUM + OFF_STOICHIOMETRY)
        & ((metals > 0).sum(axis=1) <= MOST_METALS)
    )
    return fits


def _fractions(batch: MaterialBatch) -> Array:
    """Return the atomic fractions of `ELEMENTS` and oxygen, shape (n, 21)."""
    atomic_number, fraction = compositions(batch)
    dense = np.zeros((len(batch), N_NUMBERS))
    np.put_along_axis(dense, atomic_number, fraction, axis=1)
    return dense[:, NUMBERS]


def _predictors(batch: MaterialBatch, hull_eV_per_atom: Array) -> Array:
    """Return fractions, their products but those of two metals, and the hull; shape (n, d).

    Two metals meet in few sets: what their pair does cannot be learned for a pair that was not computed.
    """
    fraction = _fractions(batch)[:, :OXYGEN_COLUMN]
    first, second = np.triu_indices(len(ELEMENTS))
    of_metals = (first >= len(ELEMENTS) - len(METALS)) & (first != second)
    products = fraction[:, first[~of_metals]] * fraction[:, second[~of_metals]]
    return np.column_stack([fraction, products, hull_eV_per_atom])


@dataclass(frozen=True, eq=False)
class NasiconModel:
    """A quadratic ridge regression of the decomposition energy.

    Attributes
    ----------
    mean, spread, weights
        Of the predictors and of their standardised values, shape (d,); the last predictor is the hull.
    offset_eV_per_atom
        Mean energy.
    errors_eV_per_atom
        Energies less predictions with the row's metals left out, rising, shape (n,).
    """

    mean: Array
    spread: Array
    weights: Array
    offset_eV_per_atom: float
    errors_eV_per_atom: Array

    @classmethod
    def fit(cls, table: NasiconTable, hull_eV_per_atom: Array) -> NasiconModel:
        """Fit on the source, given the hull of other known phases at each row, shape (n,)."""
        predicted = cross_validated(table, hull_eV_per_atom)
        errors = np.sort(table.decomposition_energy_eV_per_atom - predicted)
        return cls(*_ridge(_predictors(table.batch, hull_eV_per_atom), table.decomposition_energy_eV_per_atom), errors)

    def __call__(self, batch: MaterialBatch, hull_eV_per_atom: Array) -> Array:
        """Return decomposition energies of NASICONs (eV/atom), shape (n,)."""
        return _predict((self.mean, self.spread, self.weights, self.offset_eV_per_atom), batch, hull_eV_per_atom)

    def probability_stable(self, energy_eV_per_atom: Array) -> Array:
        """Return how often energies predicted so turn out at most 0, shape (n,)."""
        below = np.searchsorted(self.errors_eV_per_atom, -energy_eV_per_atom, side="right")
        share: Array = (below.astype(np.float64) + 0.5) / (len(self.errors_eV_per_atom) + 1.0)
        return share

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the parts for the bundle."""
        return {
            "mean": self.mean,
            "spread": self.spread,
            "weights": self.weights,
            "offset": np.array(self.offset_eV_per_atom),
            "errors": self.errors_eV_per_atom.astype(np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> NasiconModel:
        """Read what `to_arrays` returned."""
        errors = arrays["errors"].astype(float)
        return cls(arrays["mean"], arrays["spread"], arrays["weights"], float(arrays["offset"]), errors)


def cross_validated(table: NasiconTable, hull_eV_per_atom: Array) -> Array:
    """Return predictions of each row by a fit without its set of metals (eV/atom), shape (n,)."""
    folds, out = table.folds(), np.zeros(len(hull_eV_per_atom))
    predictors = _predictors(table.batch, hull_eV_per_atom)
    for fold in np.unique(folds):
        kept, asked = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        fitted = _ridge(predictors[kept], table.decomposition_energy_eV_per_atom[kept])
        out[asked] = _predict(fitted, table.batch.take(asked), hull_eV_per_atom[asked])
    return out


Ridge = tuple[Array, Array, Array, float]


def _ridge(predictors: Array, target: Array) -> Ridge:
    """Return mean, spread, weights and offset of a ridge regression."""
    mean, spread = predictors.mean(axis=0), np.maximum(predictors.std(axis=0), 1e-9)
    scaled = (predictors - mean) / spread
    normal = scaled.T @ scaled + PENALTY * np.eye(scaled.shape[1])
    offset = float(target.mean())
    return mean, spread, np.linalg.solve(normal, scaled.T @ (target - offset)), offset


def _predict(fitted: Ridge, batch: MaterialBatch, hull_eV_per_atom: Array) -> Array:
    mean, spread, weights, offset = fitted
    out: Array = (_predictors(batch, hull_eV_per_atom) - mean) / spread @ weights + offset
    return out
