"""Compositions whose moduli the table holds: what stands there, how far polymorphs lie apart, and which are nearest.

The table does not say which polymorph is the stable one, nor is the one that will be made always that. So the answer
for a composition of the table is the median of its polymorphs, and its scale joins two parts: how far these lie apart,
and how far computed moduli lie from measured ones, mostly within 15 % (de Jong et al., Sci. Data 2, 150009 (2015), doi
10.1038/sdata.2015.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.elasticity import youngs_modulus
from training.properties.mechanics.tables import ModuliTable
from training.thermodynamics.nearest import nearest_phases
from training.thermodynamics.phases import PhaseTable, rows_of_compositions
from training.thermodynamics.reactions import phase_formula

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
NOT_HELD = -1
COMPUTED_AGAINST_MEASURED_DECADES = 0.06
"""A factor of 1.15, taken as the half-width of a 90 % interval."""
_HALF_WIDTH_90 = 1.645  # of a normal distribution, in standard deviations


class Polymorphs(NamedTuple):
    """What a table says of n compositions: log10 of shear and bulk modulus in GPa, shape (n, 2); and of how many."""

    median: Array
    lowest: Array
    highest: Array
    n_crystals: Rows


@dataclass(frozen=True, eq=False)
class KnownModuli:
    """Distinct compositions of the table.

    Parameters
    ----------
    atomic_number, fraction
        Elements, ascending, and their shares, shape (n, k), padded with 0.
    polymorphs
        What stands in the table, n rows.
    """

    atomic_number: NDArray[np.int64]
    fraction: Array
    polymorphs: Polymorphs

    @classmethod
    def of(cls, table: ModuliTable) -> KnownModuli:
        """Gather polymorphs."""
        order = np.argsort(table.crystals.composition, kind="stable")
        labels = table.crystals.composition[order]
        first = np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))
        moduli = np.stack([table.log10_shear_GPa, table.log10_bulk_GPa], axis=1)[order]
        groups = np.split(moduli, first[1:])
        median, lowest, highest = (
            np.array([function(group, axis=0) for group in groups]) for function in (np.median, np.min, np.max)
        )
        batch = table.crystals.batch.take(order[first])
        number = np.where(batch.fraction > 0, batch.element_index + 1, 0)
        return cls(number, batch.fraction, Polymorphs(median, lowest, highest, np.array([len(g) for g in groups])))

    def centre_and_scale(self, rows: Rows) -> tuple[Array, Array]:
        """Return the medians of compositions and standard deviations around them, in decades, shape (n, 2)."""
        held = self.polymorphs
        apart = (held.highest[rows] - held.lowest[rows]) / 2.0
        return held.median[rows], np.hypot(apart, COMPUTED_AGAINST_MEASURED_DECADES) / _HALF_WIDTH_90

    @cached_property
    def _phases(self) -> PhaseTable:
        return PhaseTable.from_padded(self.atomic_number, self.fraction, np.zeros(len(self.fraction)))

    @cached_property
    def _usable(self) -> NDArray[np.bool_]:
        return self._phases.order >= 0  # not the elements that a table of phases adds

    @cached_property
    def elements(self) -> NDArray[np.bool_]:
        """Whether an element occurs, by atomic number - 1, shape (103,)."""
        return np.isin(np.arange(1, 104), self.atomic_number)

    @cached_property
    def youngs_modulus_GPa(self) -> Array:
        """Young's modulus of each composition, shape (n,)."""
        shear, bulk = 10.0**self.polymorphs.median.T
        return youngs_modulus(shear, bulk)

    def find(self, batch: MaterialBatch) -> Rows:
        """Return the row of each composition, `NOT_HELD` where the table has none, shape (n,)."""
        found = rows_of_compositions(self._phases, *_padded(batch))
        return np.where(found >= 0, self._phases.order[found], NOT_HELD)

    def distance(self, batch: MaterialBatch, count: int = 1) -> tuple[Rows, Array]:
        """Return the nearest compositions and half the L1 distance of atomic fractions, shape (n, count) each.

        A row is `NOT_HELD`, and the distance 1, where fewer share an element.
        """
        found, apart = nearest_phases(self._phases, self._usable, *_padded(batch), count)
        return np.where(found >= 0, self._phases.order[found], NOT_HELD), apart

    def formula(self, row: int) -> str:
        """Return the formula of a composition."""
        return phase_formula(self._phases, int(self._phases.row_of_input[row]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        moduli = {f"known_{name}": part.astype(np.float32) for name, part in self.polymorphs._asdict().items()}
        return moduli | {
            "known_atomic_number": self.atomic_number.astype(np.uint8),
            "known_fraction": self.fraction,
            "known_n_crystals": self.polymorphs.n_crystals.astype(np.uint16),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> KnownModuli:
        """Rebuild from `arrays()`."""
        parts = [arrays[f"known_{name}"].astype(float) for name in ("median", "lowest", "highest")]
        polymorphs = Polymorphs(parts[0], parts[1], parts[2], arrays["known_n_crystals"].astype(np.int64))
        return cls(arrays["known_atomic_number"].astype(np.int64), arrays["known_fraction"], polymorphs)


def _padded(batch: MaterialBatch) -> tuple[NDArray[np.int64], Array]:
    return np.where(batch.fraction > 0, batch.element_index + 1, 0), batch.fraction
