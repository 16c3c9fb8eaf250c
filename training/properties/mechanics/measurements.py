"""Measured moduli, as the ledger keeps them: nanoindentation, ultrasound, compression, or computed."""

from __future__ import annotations

from collections.abc import Sequence

from training.elasticity import youngs_modulus
from training.measurements.columns import (
    FORMULA,
    ORIGIN,
    TEMPERATURE,
    Contents,
    LedgerColumn,
    RowRule,
    UnitHint,
    number,
)
from training.measurements.contract import Measurements, nothing_is_frozen
from training.measurements.problems import Code
from training.measurements.units import Notation, scaled
from training.properties.contract import Quantity
from training.properties.mechanics.quantities import BULK, SHEAR, YOUNG

_TOLERATED = 1.5
"""Factor by which a stated Young's modulus may miss what the other two moduli give: rounding, and methods."""


def _modulus(of: Quantity, label: str, aliases: tuple[str, ...]) -> LedgerColumn:
    return number(
        of.measured_name,
        label,
        of.unit,
        Notation(aliases, scaled(*of.units)),
        low=0.1,
        high=1500.0,
        is_positive=True,
        hint=UnitHint(1500.0, 1.5e6, "in MPa? name the unit in the header"),
    )


YOUNGS = _modulus(YOUNG, "Young's modulus", ("youngs_modulus", "elastic_modulus", "E"))
SHEARS = _modulus(SHEAR, "Shear modulus", ("shear_modulus", "G"))
BULKS = _modulus(BULK, "Bulk modulus", ("bulk_modulus", "K"))
METHOD = LedgerColumn("method", "How it was found")


def _agree(content: Contents) -> bool:
    if not {YOUNGS, SHEARS, BULKS} <= content.keys():
        return True
    from_both = float(youngs_modulus(*(float(content[one]) for one in (SHEARS, BULKS))))  # type: ignore[arg-type]
    return 1.0 / _TOLERATED <= float(content[YOUNGS]) / from_both <= _TOLERATED


class MechanicsMeasurements(Measurements):
    """Elastic moduli; no evaluation set is frozen."""

    columns = (
        FORMULA.but(is_required=True),
        YOUNGS,
        SHEARS,
        BULKS,
        METHOD,
        TEMPERATURE.but(low=-270.0, high=1500.0),
        *ORIGIN,
    )
    measured = (YOUNGS, SHEARS, BULKS)
    across = (
        RowRule(
            YOUNGS,
            Code.SWAPPED_COLUMNS,
            "a Young's modulus near 9KG/(3K + G) of the other two (are columns swapped?)",
            _agree,
        ),
    )

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        return nothing_is_frozen(contents)


MEASUREMENTS = MechanicsMeasurements()
