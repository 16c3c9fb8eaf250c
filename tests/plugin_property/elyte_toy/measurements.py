"""Measured densities, as the ledger keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from elyte_toy import declaration
from training.measurements.columns import FORMULA, ORIGIN, Contents, number
from training.measurements.contract import Measurements, nothing_is_frozen
from training.measurements.units import Notation, scaled

DENSITY = number(
    declaration.DENSITY.measured_name,
    "Density",
    declaration.DENSITY.unit,
    Notation(declaration.DENSITY.aliases, scaled(*declaration.DENSITY.units)),
    low=declaration.DENSITY.lowest,
    high=declaration.DENSITY.highest,
)


class ToyMeasurements(Measurements):
    """Densities; no evaluation set is frozen."""

    columns = (FORMULA.but(is_required=True), DENSITY, *ORIGIN)
    measured = (DENSITY,)

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        return nothing_is_frozen(contents)


MEASUREMENTS = ToyMeasurements()
