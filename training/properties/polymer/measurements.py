"""Measured conductivities of polymer electrolytes: their columns and rules, and how they join the training table.

Models are scored by leaving out polymers and papers: nothing is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from features.kinds import FIELDS
from features.polymers.candidate import HIGHEST_MOLAR_MASS, LOWEST_MOLAR_MASS
from features.polymers.concentration import HIGHEST_LI_PER_O, HIGHEST_MOLALITY
from training.measurements.columns import (
    DOI,
    ORIGIN,
    REFERENCE,
    ROOM_TEMPERATURE,
    TEMPERATURE,
    Contents,
    LedgerColumn,
    UnitHint,
    number,
)
from training.measurements.contract import Measurements, cells_of, nothing_is_frozen
from training.measurements.materials import candidate_of
from training.measurements.units import PLAIN, Notation, Unit, log10_of, scaled
from training.properties.polymer import quantities

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.entries import Entry
    from training.measurements.rows import Row

SIEMENS = scaled(*quantities.SIGMA.units, ("S/m", 1e-2), ("mS/m", 1e-5))
SIGMA = number(
    quantities.SIGMA.measured_name,
    "Ionic conductivity of the polymer",
    quantities.SIGMA.unit,
    Notation(("polymer_sigma", "polymer_conductivity"), SIEMENS),
    Notation(("log10_polymer_sigma",), log10_of(SIEMENS)),
    low=1e-16,
    high=0.1,
    often_written=("polymer_sigma_mS_per_cm", "log10_polymer_sigma_S_per_cm"),
    is_positive=True,
    hint=UnitHint(0.1, 1e6, "was mS/cm given as S/cm?", is_weak=True),
)


def _amount(name: str, high: float, units: dict[str, Unit], low: float = 0.0, **more: Any) -> LedgerColumn:  # noqa: ANN401
    field = FIELDS[name]
    notation = Notation((name.lower(),), units)
    return number(name, field.label, field.unit, notation, low=low, high=high, is_positive=True, **more)


_MOL_PER_KG = Unit("mol/kg")
_PERCENT_MEANT = UnitHint(HIGHEST_MOLALITY, 99.0, "in per cent of the mass? name the column salt_wt_percent;")
POLYMER = LedgerColumn("polymer", FIELDS["polymer"].label, is_required=True)
SALT = LedgerColumn("salt", FIELDS["salt"].label)
AMOUNTS = (
    _amount("molality", HIGHEST_MOLALITY, {"": _MOL_PER_KG, "mol/kg": _MOL_PER_KG}, hint=_PERCENT_MEANT),
    _amount("li_per_O", HIGHEST_LI_PER_O, PLAIN, hint=UnitHint(5.0, 200.0, "is that O:Li? 20 is li_per_O 0.05;")),
    _amount("salt_wt_percent", 99.0, {"": Unit("%"), "%": Unit("%")}),
)
_G_PER_MOL = scaled(("g/mol", 1.0), ("Da", 1.0), ("kg/mol", 1e3), ("kDa", 1e3))
MOLAR_MASS = _amount("molar_mass", HIGHEST_MOLAR_MASS, _G_PER_MOL | {"": Unit("g/mol")}, LOWEST_MOLAR_MASS)


class PolymerMeasurements(Measurements):
    """Conductivities of dry polymer electrolytes; no evaluation set is frozen."""

    columns = (
        POLYMER,
        SALT,
        *AMOUNTS,
        MOLAR_MASS,
        SIGMA,
        TEMPERATURE.but(low=quantities.LOWEST_C, high=quantities.HIGHEST_C),
        *ORIGIN,
    )
    measured = (SIGMA,)
    stands_for: ClassVar[Mapping[str, LedgerColumn]] = {"sigma_S_per_cm": SIGMA}
    assumed = (ROOM_TEMPERATURE,)

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        return nothing_is_frozen(contents)

    def suspect(self, rows: Sequence[Row], held: Sequence[Entry]) -> str:
        """See `Measurements.suspect`."""
        from training.properties.polymer.measurement_checks import suspect_conductivities

        return suspect_conductivities(rows, held, SIGMA)

    def training_table(self, entries: Sequence[Entry]) -> pd.DataFrame:
        """Return the rows as `tables.ROWS` has them: the polymer by its repeat units, the amount as molality."""
        import numpy as np
        import pandas as pd

        from features.polymers.candidate import PolymerCandidate
        from training.properties.polymer.tables import ROWS, units_text

        read = [candidate.other for entry in entries if (candidate := candidate_of(entry.content or {}))]
        polymers = [one for one in read if isinstance(one, PolymerCandidate)]
        dois = [str(doi).split("|")[0] for doi in cells_of(entries, DOI)]
        papers = [doi or f"ref:{text.lower()}" for doi, text in zip(dois, cells_of(entries, REFERENCE), strict=True)]
        cells = (
            [f"ledger{entry.entry}" for entry in entries],
            [units_text(one) for one in polymers],
            ["" if one.salt is None else one.salt.key for one in polymers],
            np.array([one.molality for one in polymers], dtype=float),
            np.array([one.molar_mass for one in polymers], dtype=float),
            np.array(cells_of(entries, TEMPERATURE), dtype=float),
            np.log10(np.array(cells_of(entries, SIGMA), dtype=float)),
            papers,
            dois,
        )
        return pd.DataFrame(dict(zip(ROWS, cells, strict=True)), columns=list(ROWS))


MEASUREMENTS = PolymerMeasurements()
