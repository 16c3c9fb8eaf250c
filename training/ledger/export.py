"""From the ledger to a training table: what holds now, without what must not be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from features.formula import parse_formula
from training.ledger.entries import Entry, digest_of
from training.ledger.leakage import reasons_to_exclude
from training.ledger.schema import COLUMN_OF, Column, Kind, Value
from training.ledger.store import Ledger
from training.ledger.training_rows import TrainingRows
from training.properties.ccd.classes import class_of
from training.properties.ccd.schema import CLASSES, RANGES, regime
from training.properties.conductivity.schema import LATTICE_COLUMNS, normalise_family
from training.properties.conductivity.schema import Column as Table
from training.tables import validate

if TYPE_CHECKING:
    import pandas as pd


def training_rows(ledger: Ledger, kind: Kind) -> TrainingRows:
    """Return what holds now and may be learned from; leakage is judged anew, by the frozen sets of today.

    Raises
    ------
    TableError
        If a row breaks the schema of the property's table.
    LedgerDamagedError
        If an entry is not what was recorded.
    """
    left_out: dict[int, str] = {}
    readable: list[Entry] = []
    for entry in ledger.holding(kind):
        if entry.refusal:
            left_out[entry.entry] = entry.refusal
        else:
            readable.append(entry)
    reasons = reasons_to_exclude(kind, [entry.content or {} for entry in readable])
    left_out |= {entry.entry: reason for entry, reason in zip(readable, reasons, strict=True) if reason}
    kept = [entry for entry in readable if entry.entry not in left_out]
    if kind is Kind.CONDUCTIVITY:
        table = _conductivity_table(kept)
    elif kind is Kind.CCD:
        table = _ccd_table(kept)
    else:
        current = ledger.current(kind)
        table = current[~current["entry"].isin(left_out)].reset_index(drop=True)
    return TrainingRows(table, digest_of(entry.content_hash or "" for entry in kept), left_out)


def _conductivity_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Return the rows as the conductivity table has them; a lower bound counts as a value, as everywhere there."""
    import numpy as np
    import pandas as pd

    from training.properties.conductivity.schema import table_schema

    def numbers(column: Column) -> list[float]:
        return [float(_cell(entry, column, np.nan)) for entry in entries]

    def texts(column: Column) -> list[str]:
        return [str(_cell(entry, column, "")) for entry in entries]

    columns: dict[Table, object] = {
        Table.ROW_ID: [f"ledger{entry.entry}" for entry in entries],
        Table.SOURCE: "literature",
        Table.FORMULA: texts(Column.FORMULA),
        Table.LOG10_SIGMA: np.log10(np.array(numbers(Column.SIGMA), dtype=float)),
        Table.IS_UPPER_BOUND: [_cell(entry, Column.BOUND, "") == "upper" for entry in entries],
        Table.TEMPERATURE: numbers(Column.TEMPERATURE),
        Table.ACTIVATION_ENERGY: numbers(Column.ACTIVATION_ENERGY),
        Table.CONTRIBUTION: texts(Column.CONTRIBUTION),
        Table.FAMILY: [normalise_family(text) for text in texts(Column.FAMILY)],
        Table.STATE: texts(Column.STATE),
        Table.DOI: texts(Column.DOI),
        Table.REFERENCE: texts(Column.REFERENCE),
        Table.YEAR: numbers(Column.YEAR),
        Table.PROVENANCE: "primary",
        Table.IS_DOUBTFUL: False,
        **{column: numbers(COLUMN_OF[str(column)]) for column in LATTICE_COLUMNS},
        Table.OBELIX_SPLIT: "",
        Table.REPEATS: "",
    }
    frame = pd.DataFrame({str(column): columns[column] for column in Table}, index=range(len(entries)))
    frame = frame.astype({str(Table.IS_UPPER_BOUND): bool, str(Table.IS_DOUBTFUL): bool})
    return (
        validate(frame, table_schema(), table="the ledger's conductivities", id_column=Table.ROW_ID)
        if entries
        else frame
    )


def _ccd_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Return the rows as the CCD table has them; a class that is not given is read off the formula."""
    import numpy as np
    import pandas as pd

    from training.properties.ccd.schema import literature_schema

    rows: list[dict[str, object]] = []
    for entry in entries:
        formula = str(_cell(entry, Column.FORMULA, ""))
        doi, reference = str(_cell(entry, Column.DOI, "")), str(_cell(entry, Column.REFERENCE, ""))
        found = class_of(parse_formula(formula)) if formula else None
        told = str(_cell(entry, Column.ELECTROLYTE_CLASS, found if found in CLASSES else "unspecified"))
        rows.append(
            {
                "id": f"ledger{entry.entry}",
                "formula": formula,
                "material": str(_cell(entry, Column.MATERIAL, formula)),
                "form": str(_cell(entry, Column.FORM, "")),
                "doi": doi.split("|")[0],
                "reference": reference,
                "electrolyte_class": told,
                "interlayer_type": str(_cell(entry, Column.INTERLAYER_TYPE, "")),
                "anode": str(_cell(entry, Column.ANODE, "")),
                **{name: float(_cell(entry, COLUMN_OF[name], np.nan)) for name in RANGES},
                "is_lower_bound": int(_cell(entry, Column.BOUND, "") == "lower"),
                "paper": doi.split("|")[0] or f"ref:{reference.lower()}",
                "provenance": "primary",
            }
        )
    frame = pd.DataFrame(rows, columns=list(literature_schema().columns))
    if not rows:
        return frame.assign(regime=[])
    table = validate(frame, literature_schema(), table="the ledger's CCDs", id_column="id")
    cells = zip(table["temperature_C"], table["interlayer_type"], table["anode"], strict=True)
    return table.assign(regime=[regime(*cell) for cell in cells])


def _cell(entry: Entry, column: Column, blank: Value) -> Value:
    return (entry.content or {}).get(column, blank)
