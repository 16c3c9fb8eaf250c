"""Measured densities, as the ledger keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from training.measurements.columns import FORMULA, ORIGIN, Contents, number
from training.measurements.contract import Measurements, nothing_is_frozen
from training.measurements.units import Notation, scaled

DENSITY = number(
    "toy_density_g_per_cm3",
    "Density",
    "g/cm3",
    Notation(("toy_density",), scaled(("g/cm3", 1.0), ("kg/m3", 1e-3))),
    low=0.01,
    high=30.0,
)


class ToyMeasurements(Measurements):
    """Densities; no evaluation set is frozen."""

    columns = (FORMULA.but(is_required=True), DENSITY, *ORIGIN)
    measured = (DENSITY,)

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        return nothing_is_frozen(contents)


MEASUREMENTS = ToyMeasurements()
