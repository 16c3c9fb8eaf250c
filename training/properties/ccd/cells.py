"""Cells as arrays: the electrolyte, what is known of it, and the conditions of the test; NaN or "" is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch

if TYPE_CHECKING:
    import pandas as pd

    from training.properties.conductivity.model import ConductivityModel
    from training.properties.stability.model import StabilityModel

Array = NDArray[np.float64]
Texts = NDArray[np.str_]
N_ELEMENTS = 103
SMALLEST_HULL_EV = 1e-3


class MaterialNumbers(NamedTuple):
    """What other models say about n materials, NaN where they say nothing; each of shape (n,).

    Attributes
    ----------
    log10_sigma
        Ionic conductivity at 25 C in S/cm.
    reduction_V
        Potential against Li/Li+ below which lithium reduces the electrolyte; 0 if never.
    energy_above_hull_eV_per_atom
        Distance to the mixture of phases into which it would decompose.
    """

    log10_sigma: Array
    reduction_V: Array
    energy_above_hull_eV_per_atom: Array

    @classmethod
    def unknown(cls, n: int) -> MaterialNumbers:
        """Return nothing known of n materials."""
        return cls(*(np.full(n, np.nan) for _ in range(3)))


def material_numbers(
    batch: MaterialBatch, conductivity: ConductivityModel | None = None, stability: StabilityModel | None = None
) -> MaterialNumbers:
    """Ask the models of the other properties; what a missing model or an uncovered element leaves open is NaN."""
    said = MaterialNumbers.unknown(len(batch))
    if not len(batch):
        return said
    if conductivity is not None:
        said.log10_sigma[:] = conductivity.predict(batch, thresholds=()).log10_sigma_25C
    if stability is not None:
        covered = np.array([not elements for elements in stability.uncovered_elements(batch)])
        if covered.any():
            found = stability.predict(batch.take(covered))
            said.reduction_V[covered] = found.windows.lower_V
            said.energy_above_hull_eV_per_atom[covered] = found.energy_above_hull_eV_per_atom.value
    return said


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """n cells; each array of shape (n,) but `composition`.

    Attributes
    ----------
    electrolyte_class, interlayer_type, anode
        Names of `schema`; "" where unknown.
    composition
        Atomic fractions, shape (n, 103); zeros where only a name is known.
    temperature_C
        Unknown counts as room temperature.
    log10_sigma, reduction_V, log10_hull_eV
        Of the material.
    relative_density, log10_resistance_ohm_cm2, log10_pressure_MPa
        Of the cell.
    """

    electrolyte_class: Texts
    interlayer_type: Texts
    anode: Texts
    composition: Array
    temperature_C: Array
    log10_sigma: Array
    reduction_V: Array
    log10_hull_eV: Array
    relative_density: Array
    log10_resistance_ohm_cm2: Array
    log10_pressure_MPa: Array

    def __len__(self) -> int:
        return len(self.temperature_C)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Cells:
        """Return the chosen cells."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @classmethod
    def of(
        cls,
        electrolyte_class: Sequence[str],
        composition: Array,
        numbers: MaterialNumbers,
        *,
        interlayer_type: Sequence[str],
        anode: Sequence[str],
        temperature_C: Array,
        relative_density: Array,
        interfacial_resistance_ohm_cm2: Array,
        stack_pressure_MPa: Array,
    ) -> Cells:
        """Lay cells out; a resistance of zero counts as the smallest that was ever reported, 0.01 ohm cm2."""
        return cls(
            electrolyte_class=np.array(electrolyte_class, dtype=np.str_),
            interlayer_type=np.array(interlayer_type, dtype=np.str_),
            anode=np.array(anode, dtype=np.str_),
            composition=composition,
            temperature_C=np.array(temperature_C, dtype=float),
            log10_sigma=np.array(numbers.log10_sigma, dtype=float),
            reduction_V=np.array(numbers.reduction_V, dtype=float),
            log10_hull_eV=np.log10(np.maximum(numbers.energy_above_hull_eV_per_atom, SMALLEST_HULL_EV)),
            relative_density=np.array(relative_density, dtype=float),
            log10_resistance_ohm_cm2=np.log10(np.maximum(interfacial_resistance_ohm_cm2, 0.01)),
            log10_pressure_MPa=np.log10(stack_pressure_MPa),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """Reported critical current densities.

    Attributes
    ----------
    cells
        Under which conditions.
    log10_ccd
        log10 of mA/cm2, shape (n,); for a lower bound, the bound.
    is_lower_bound
        Shape (n,).
    paper
        Key of the source, shape (n,).
    """

    cells: Cells
    log10_ccd: Array
    is_lower_bound: NDArray[np.bool_]
    paper: Texts

    def __len__(self) -> int:
        return len(self.log10_ccd)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Reports:
        """Return the chosen reports."""
        return Reports(self.cells.take(rows), self.log10_ccd[rows], self.is_lower_bound[rows], self.paper[rows])


def table_numbers(
    table: pd.DataFrame, conductivity: ConductivityModel | None, stability: StabilityModel | None
) -> MaterialNumbers:
    """Return what is known of the materials of a table: conductivity as measured, else as predicted."""
    said = MaterialNumbers.unknown(len(table))
    named = np.flatnonzero(table["formula"] != "")
    batch = MaterialBatch.from_formulas([table["formula"].iloc[i] for i in named])
    for column, values in zip(said, material_numbers(batch, conductivity, stability), strict=True):
        column[named] = values
    measured = np.log10(table["sigma_S_per_cm"].to_numpy(dtype=float))
    return said._replace(log10_sigma=np.where(np.isnan(measured), said.log10_sigma, measured))


def reports_of(table: pd.DataFrame, numbers: MaterialNumbers) -> Reports:
    """Return the reports of a table as arrays."""
    named = np.flatnonzero(table["formula"] != "")
    composition = np.zeros((len(table), N_ELEMENTS))
    if len(named):
        composition[named] = MaterialBatch.from_formulas([table["formula"].iloc[i] for i in named]).matrix()
    column = {
        name: table[name].to_numpy(dtype=float)
        for name in ("temperature_C", "relative_density", "interfacial_resistance_ohm_cm2", "stack_pressure_MPa")
    }
    cells = Cells.of(
        list(table["electrolyte_class"]),
        composition,
        numbers,
        interlayer_type=list(table["interlayer_type"]),
        anode=list(table["anode"]),
        **column,
    )
    return Reports(
        cells,
        np.log10(table["ccd_mA_per_cm2"].to_numpy(dtype=float)),
        (table["is_lower_bound"] == 1).to_numpy(dtype=bool),
        table["paper"].to_numpy(dtype=np.str_),
    )
