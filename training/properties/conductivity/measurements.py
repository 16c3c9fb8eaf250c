"""Measured conductivities: their columns and rules, what is frozen, and how they join the training table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from training.measurements.columns import (
    BOUND,
    DOI,
    FORMULA,
    LATTICE,
    ORIGIN,
    REFERENCE,
    ROOM_TEMPERATURE,
    TEMPERATURE,
    YEAR,
    Contents,
    LedgerColumn,
    RowRule,
    UnitHint,
    number,
    word,
)
from training.measurements.contract import LEAKS, NOT_CHECKED, Measurements, cells_of
from training.measurements.problems import Code
from training.measurements.units import KCAL_PER_MOL, KJ_PER_MOL, Notation, log10_of, scaled
from training.properties.conductivity import quantities
from training.properties.conductivity.schema import (
    ACTIVATION_ENERGY_RANGE_EV,
    CONTRIBUTIONS,
    SIGMA_RANGE_S_PER_CM,
    TEMPERATURE_RANGE_C,
    TableColumn,
    normalise_family,
    table_schema,
)
from training.publication_years import LAST_YEAR, first_year
from training.sources import MissingSourceError, places
from training.tables import validate

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.entries import Entry
    from training.measurements.known import Known
    from training.measurements.rows import Row

SIEMENS = scaled(*quantities.SIGMA.units, ("S/m", 1e-2), ("mS/m", 1e-5))
SIGMA = number(
    quantities.SIGMA.measured_name,
    "Ionic conductivity",
    quantities.SIGMA.unit,
    Notation(("sigma", "ionic_sigma", "conductivity", "ionic_conductivity", "σ"), SIEMENS),
    Notation(("log10_sigma", "log10_conductivity", "log10_ionic_conductivity"), log10_of(SIEMENS)),
    low=SIGMA_RANGE_S_PER_CM[0],
    high=SIGMA_RANGE_S_PER_CM[1],
    often_written=("sigma_mS_per_cm", "log10_sigma_S_per_cm"),
    is_positive=True,
    takes_bound=True,
    hint=UnitHint(1.0, 1e6, "was mS/cm given as S/cm?", is_weak=True),
)
ACTIVATION_ENERGY = number(
    quantities.ACTIVATION_ENERGY.measured_name,
    "Activation energy",
    quantities.ACTIVATION_ENERGY.unit,
    Notation(
        ("activation_energy", "ea", "e_a"),
        scaled(*quantities.ACTIVATION_ENERGY.units) | {unit.name: unit for unit in (KJ_PER_MOL, KCAL_PER_MOL)},
    ),
    low=ACTIVATION_ENERGY_RANGE_EV[0],
    high=ACTIVATION_ENERGY_RANGE_EV[1],
    hint=UnitHint(3.0, 300.0, "in kJ/mol? name the column activation_energy_kJ_per_mol"),
)
CONTRIBUTION = word("contribution", "Bulk or total conductivity", CONTRIBUTIONS)
FAMILY = LedgerColumn("family", "Family", tells_apart=False)
STATE = LedgerColumn("state", "State of the sample")
_IDENTITY = (FORMULA, DOI, REFERENCE)


def _bounds_a_value(content: Contents) -> bool:
    return BOUND not in content or SIGMA in content


class ConductivityMeasurements(Measurements):
    """Ionic conductivities and activation energies; the test split of OBELiX is frozen."""

    columns = (
        FORMULA.but(is_required=True),
        SIGMA,
        BOUND,
        TEMPERATURE.but(low=TEMPERATURE_RANGE_C[0], high=TEMPERATURE_RANGE_C[1]),
        ACTIVATION_ENERGY,
        CONTRIBUTION,
        FAMILY,
        STATE,
        *LATTICE,
        *ORIGIN,
    )
    measured = (SIGMA, ACTIVATION_ENERGY)
    across = (RowRule(BOUND, Code.MISSING_VALUE, "a bound only beside a conductivity", _bounds_a_value),)
    assumed = (ROOM_TEMPERATURE,)

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        import pandas as pd

        from training.measurements.known import fractions_of
        from training.properties.conductivity.table import leaks_into_test

        try:
            test = _obelix_test(places())
        except MissingSourceError:
            return [f"{NOT_CHECKED} (OBELiX test split: `elyte data fetch obelix_test`)"] * len(contents)
        sources = [tuple(str(content.get(column, "")) for column in _IDENTITY) for content in contents]
        unique = sorted(set(sources))
        frame = pd.DataFrame(unique, columns=[column.name for column in _IDENTITY])
        fractions = fractions_of(list(frame[FORMULA]))
        leaks = dict(zip(unique, leaks_into_test(frame, test, fractions), strict=True))
        reason = f"{LEAKS} (OBELiX test split: same paper, or a composition within 0.01 of a test row)"
        return [reason if leaks[source] else "" for source in sources]

    def known(self) -> Known:
        """See `Measurements.known`."""
        from training.properties.conductivity.measurement_checks import known_conductivities

        return known_conductivities(places())

    def suspect(self, rows: Sequence[Row], held: Sequence[Entry]) -> str:
        """See `Measurements.suspect`."""
        from training.properties.conductivity.measurement_checks import suspect_conductivities

        return suspect_conductivities(rows, self.known(), held, SIGMA)

    def training_table(self, entries: Sequence[Entry]) -> pd.DataFrame:
        """Return the rows as the conductivity table has them; a lower bound counts as a value, as everywhere there."""
        import numpy as np
        import pandas as pd

        columns: dict[str, object] = {
            TableColumn.ROW_ID: [f"ledger{entry.entry}" for entry in entries],
            TableColumn.SOURCE: "literature",
            TableColumn.LOG10_SIGMA: np.log10(np.array(cells_of(entries, SIGMA), dtype=float)),
            TableColumn.IS_UPPER_BOUND: [bound == "upper" for bound in cells_of(entries, BOUND)],
            TableColumn.RELATIVE_DENSITY: np.nan,
            TableColumn.FAMILY: [normalise_family(text) for text in cells_of(entries, FAMILY)],
            TableColumn.PROVENANCE: "primary",
            TableColumn.IS_DOUBTFUL: False,
            TableColumn.OBELIX_SPLIT: "",
            TableColumn.REPEATS: "",
        }
        as_stored = (FORMULA, TEMPERATURE, ACTIVATION_ENERGY, CONTRIBUTION, STATE, DOI, REFERENCE, *LATTICE)
        columns |= {column.name: cells_of(entries, column) for column in as_stored}
        stated = np.array(cells_of(entries, YEAR), dtype=float)
        of_doi = [first_year(str(doi)) or LAST_YEAR for doi in cells_of(entries, DOI)]  # undated: the laboratory's own
        columns[TableColumn.YEAR] = np.where(np.isfinite(stated), stated, of_doi)
        frame = pd.DataFrame({str(column): columns[column] for column in TableColumn}, index=range(len(entries)))
        frame = frame.astype({str(TableColumn.IS_UPPER_BOUND): bool, str(TableColumn.IS_DOUBTFUL): bool})
        if not entries:
            return frame
        return validate(frame, table_schema(), table="the ledger's conductivities", id_column=TableColumn.ROW_ID)


@lru_cache(maxsize=2)
def _obelix_test(_places: tuple[str, str]) -> pd.DataFrame:
    from training.properties.conductivity.table import load_obelix

    return load_obelix("test")


MEASUREMENTS = ConductivityMeasurements()
