"""The reports behind an answer: how many rows and papers, and the nearest ones with their DOI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1, nearest_columns
from training.properties.ccd.cells import MaterialNumbers
from training.properties.ccd.schema import NO_INTERLAYER, REGULAR

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Texts = NDArray[np.str_]
ROOM_TEMPERATURE_C = 25.0
N_NEAREST = 5
SIMILAR_TEMPERATURE_C = 15.0
# A distance that ranks reports: half-L1 of compositions (0.15 to a report of the class that only names its material),
# and what another class, another interlayer and a degree of difference add.
OTHER_CLASS, OTHER_INTERLAYER, PER_DEGREE, UNKNOWN_COMPOSITION = 1.0, 0.3, 0.003, 0.15


class Support(NamedTuple):
    """Rows and papers that stand behind an answer, from the widest circle to the narrowest.

    `treatment`: class and whether there is an interlayer at all; `interlayer`: class and interlayer type; `conditions`:
    these within `SIMILAR_TEMPERATURE_C`.
    """

    class_rows: int
    class_papers: int
    treatment_rows: int
    treatment_papers: int
    interlayer_rows: int
    interlayer_papers: int
    conditions_rows: int
    conditions_papers: int


@dataclass(frozen=True, eq=False)
class Shelf:
    """All reports of the table, other regimes included; each array of shape (n,) but `composition`, (n, 103)."""

    id: Texts
    formula: Texts
    material: Texts
    electrolyte_class: Texts
    interlayer_type: Texts
    anode: Texts
    regime: Texts
    paper: Texts
    doi: Texts
    reference: Texts
    provenance: Texts
    temperature_C: Array
    stack_pressure_MPa: Array
    log10_ccd: Array
    is_lower_bound: NDArray[np.bool_]
    composition: Array
    log10_sigma: Array
    reduction_V: Array
    energy_above_hull_eV_per_atom: Array

    @classmethod
    def of(cls, table: pd.DataFrame, composition: Array, numbers: MaterialNumbers) -> Shelf:
        """Put a table on the shelf, with what the model was told of each material."""
        texts = [f.name for f in fields(cls) if f.name in table.columns and table[f.name].dtype == object]
        return cls(
            **{name: table[name].to_numpy(dtype=np.str_) for name in texts},
            temperature_C=table["temperature_C"].to_numpy(dtype=float),
            stack_pressure_MPa=table["stack_pressure_MPa"].to_numpy(dtype=float),
            log10_ccd=np.log10(table["ccd_mA_per_cm2"].to_numpy(dtype=float)),
            is_lower_bound=(table["is_lower_bound"] == 1).to_numpy(dtype=bool),
            composition=composition,
            **numbers._asdict(),
        )

    def __len__(self) -> int:
        return len(self.log10_ccd)

    @cached_property
    def classes(self) -> list[str]:
        """The classes of which a cell of the regular regime was reported, sorted."""
        return sorted(set(self.electrolyte_class[self.regime == REGULAR].tolist()))

    def support(self, electrolyte_class: str, interlayer_type: str, temperature_C: float) -> Support:
        """Count what stands behind an answer; an unknown interlayer ("") does not narrow the circle."""
        return _support(self, electrolyte_class, interlayer_type, temperature_C)

    @cached_property
    def _of_regime(self) -> dict[str, tuple[NDArray[np.int64], Array]]:
        """Rows of each regime by their ids, and their compositions."""
        order = np.argsort(self.id, kind="stable")
        rows = {regime: order[self.regime[order] == regime] for regime in set(self.regime.tolist())}
        return {regime: (own, self.composition[own]) for regime, own in rows.items()}

    @cached_property
    def _degrees(self) -> Array:
        return np.where(np.isnan(self.temperature_C), ROOM_TEMPERATURE_C, self.temperature_C)

    def nearest(
        self,
        composition: Array,
        electrolyte_class: str,
        interlayer_type: str,
        temperature_C: float,
        regime: str,
        n_nearest: int = N_NEAREST,
    ) -> tuple[NDArray[np.int64], Array]:
        """Find the nearest reports of one regime.

        Parameters
        ----------
        composition
            Atomic fractions of n candidates, shape (n, 103).
        electrolyte_class, interlayer_type, temperature_C, regime
            The cell that is meant; an unknown interlayer ("") does not count.
        n_nearest
            How many, fewer where the regime has fewer.

        Returns
        -------
        rows, distances
            Nearest first, of equally near ones that with the smaller id; shape (n, n_nearest).
        """
        rows, own = self._of_regime.get(regime, (np.zeros(0, dtype=np.int64), self.composition[:0]))
        other = self.electrolyte_class[rows] != electrolyte_class
        apart = OTHER_CLASS * other + PER_DEGREE * np.abs(self._degrees[rows] - temperature_C)
        if interlayer_type:
            apart = apart + OTHER_INTERLAYER * (self.interlayer_type[rows] != interlayer_type)
        unknown = np.where(other, 1.0, UNKNOWN_COMPOSITION)
        distance = np.where(own.any(axis=1), half_l1(composition, own), unknown) + apart
        order, nearest = nearest_columns(distance, n_nearest)
        return rows[order], nearest

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Shelf:
        """Rebuild from `arrays()`."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})


@lru_cache(maxsize=1024)
def _support(shelf: Shelf, electrolyte_class: str, interlayer_type: str, temperature_C: float) -> Support:
    """Return `Shelf.support`: most candidates of many ask for the same cell."""
    own = (shelf.regime == REGULAR) & (shelf.electrolyte_class == electrolyte_class)
    treated = own & ((shelf.interlayer_type == NO_INTERLAYER) == (interlayer_type == NO_INTERLAYER))
    same = own & (shelf.interlayer_type == interlayer_type)
    if not interlayer_type:
        treated = same = own
    degrees = np.where(np.isnan(shelf.temperature_C), ROOM_TEMPERATURE_C, shelf.temperature_C)
    near = same & (np.abs(degrees - temperature_C) <= SIMILAR_TEMPERATURE_C)
    counts = [(int(c.sum()), len(set(shelf.paper[c].tolist()))) for c in (own, treated, same, near)]
    return Support(*(number for pair in counts for number in pair))
