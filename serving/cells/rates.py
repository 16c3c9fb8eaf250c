"""At which rate cells charge, and what limits each: losses in samples, beside the critical current."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from serving.cells.design import CellConditions
from serving.cells.losses import LOSSES, CellArrays, losses_V, rate_at_loss

Array = NDArray[np.float64]
CRITICAL_CURRENT = "critical_current"
LIMITS = (CRITICAL_CURRENT, *LOSSES)


def cell_arrays(
    design: CellConditions,
    sigma: tuple[Array, Array],
    transference: tuple[Array, Array],
) -> CellArrays:
    """Return cells of one design.

    Parameters
    ----------
    design
        The numbers of the cell; what it states of the materials wins.
    sigma, transference
        Conductivities in S/cm and transference numbers of anolyte and catholyte; shapes that broadcast.
    """
    numbers = {
        "temperature_C": design.temperature_C,
        "separator_cm": design.thickness_um * 1e-4,
        "cathode_cm": design.cathode_um * 1e-4,
        "cathode_ion_factor": design.ion_factor,
        "cathode_electronic_S_per_cm": design.cathode_electronic_S_per_cm,
        "anode_ohm_cm2": design.interfacial_resistance_ohm_cm2,
        "charge_transfer_ohm_cm2": design.charge_transfer_ohm_cm2,
        "capacity_mAh_per_cm2": design.areal_capacity_mAh_cm2,
        "salt_mol_per_L": design.salt_mol_per_L,
        "charged_share": design.charged_share,
        "particle_cm": design.particle_radius_um * 1e-4,
        "particle_cm2_per_s": design.particle_diffusivity_cm2_per_s,
        "equilibrium_slope_V": design.equilibrium_slope_V,
    }
    return CellArrays(
        _stated(design.anolyte_sigma_S_per_cm, sigma[0]),
        _stated(design.catholyte_sigma_S_per_cm, sigma[1]),
        _stated(design.transference_number, transference[0]),
        _stated(design.transference_number, transference[1]),
        **{name: np.asarray(value, dtype=float) for name, value in numbers.items()},
    )


def _stated(value: float | None, otherwise: Array) -> Array:
    return otherwise if value is None else np.full_like(otherwise, value)


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of cells, shape (...); along the first axis the central values and then samples.

    Parameters
    ----------
    cells
        Of one design.
    allowed_V
        What all losses may sum to.
    critical_mA_per_cm2
        Critical current densities, NaN where none is known, shape (...).
    """

    cells: CellArrays
    allowed_V: float
    critical_mA_per_cm2: Array

    @cached_property
    def by_losses(self) -> Array:
        """C-rate at which the losses are what is allowed."""
        return rate_at_loss(self.cells, np.asarray(self.allowed_V))

    @cached_property
    def by_critical_current(self) -> Array:
        """C-rate of the critical current density, NaN where none is known."""
        return self.critical_mA_per_cm2 / self.cells.capacity_mAh_per_cm2

    @cached_property
    def reached(self) -> Array:
        """C-rate that neither losses nor the critical current forbid."""
        return np.fmin(self.by_losses, self.by_critical_current)

    @cached_property
    def limiting(self) -> NDArray[np.int64]:
        """Place in `LIMITS` of what limits: the critical current, or the largest loss at the rate reached."""
        parts = np.stack(np.broadcast_arrays(*losses_V(self.cells, self.by_losses).values()))
        first = self.by_critical_current < self.by_losses
        return np.where(first, 0, 1 + np.argmax(parts, axis=0))


def rates_of(
    design: CellConditions,
    sigma: tuple[Array, Array],
    transference: tuple[Array, Array],
    critical_mA_per_cm2: Array,
) -> Rates:
    """Return the rates of cells of one design; what it states of the materials wins.

    Parameters
    ----------
    design, sigma, transference
        As for `cell_arrays`.
    critical_mA_per_cm2
        Of the anolyte, NaN where none is known, of a shape that broadcasts with those.
    """
    critical = _stated(design.critical_current_mA_per_cm2, critical_mA_per_cm2)
    return Rates(cell_arrays(design, sigma, transference), design.loss_allowed_mV * 1e-3, critical)
