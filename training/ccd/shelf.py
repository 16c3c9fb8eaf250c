"""The reports behind an answer: how many rows and papers, and the nearest ones with their DOI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.ccd.cells import MaterialNumbers
from training.ccd.schema import NO_INTERLAYER, REGULAR

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


@dataclass(frozen=True, slots=True, eq=False)
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

    def classes(self) -> list[str]:
        """Return the classes of which a cell of the regular regime was reported, sorted."""
        return sorted(set(self.electrolyte_class[self.regime == REGULAR].tolist()))

    def support(self, electrolyte_class: str, interlayer_type: str, temperature_C: float) -> Support:
        """Count what stands behind an answer; an unknown interlayer ("") does not narrow the circle."""
        own = (self.regime == REGULAR) & (self.electrolyte_class == electrolyte_class)
        treated = own & ((self.interlayer_type == NO_INTERLAYER) == (interlayer_type == NO_INTERLAYER))
        same = own & (self.interlayer_type == interlayer_type)
        if not interlayer_type:
            treated = same = own
        degrees = np.where(np.isnan(self.temperature_C), ROOM_TEMPERATURE_C, self.temperature_C)
        near = same & (np.abs(degrees - temperature_C) <= SIMILAR_TEMPERATURE_C)
        counts = [(int(c.sum()), len(set(self.paper[c].tolist()))) for c in (own, treated, same, near)]
        return Support(*(number for pair in counts for number in pair))

    def nearest(
        self, composition: Array, electrolyte_class: str, interlayer_type: str, temperature_C: float, regime: str
    ) -> list[tuple[int, float]]:
        """Return rows of the nearest reports of one regime with their distances, nearest first."""
        known = self.composition.sum(axis=1) > 0
        other = self.electrolyte_class != electrolyte_class
        unknown = np.where(other, 1.0, UNKNOWN_COMPOSITION)
        distance = np.where(known, np.abs(self.composition - composition).sum(axis=1) / 2.0, unknown)
        distance = distance + OTHER_CLASS * other
        if interlayer_type:
            distance = distance + OTHER_INTERLAYER * (self.interlayer_type != interlayer_type)
        degrees = np.where(np.isnan(self.temperature_C), ROOM_TEMPERATURE_C, self.temperature_C)
        distance = distance + PER_DEGREE * np.abs(degrees - temperature_C)
        rows = np.flatnonzero(self.regime == regime)
        order = rows[np.lexsort((self.id[rows], distance[rows]))][:N_NEAREST]
        return [(int(row), float(distance[row])) for row in order]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Shelf:
        """Rebuild from `arrays()`."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})
