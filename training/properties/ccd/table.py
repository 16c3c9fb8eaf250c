"""The embedded CCD table: what was reported, under which conditions, by which paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.properties.ccd.schema import RANGES, literature_schema, regime
from training.tables import numbers, read_csv_as_text, validate

if TYPE_CHECKING:
    import pandas as pd

LITERATURE_PATH = Path(__file__).with_name("literature.csv")


def load_literature(path: Path = LITERATURE_PATH) -> pd.DataFrame:
    """Return the embedded table, or another of the same columns (see docs/science/ccd.md), with a column `regime`.

    Raises
    ------
    TableError
        With every violation of the schema, by line and id.
    """
    raw = read_csv_as_text(path)
    for name in (*RANGES, "is_lower_bound"):
        if name in raw:
            raw[name] = numbers(raw[name])
    table = validate(raw, literature_schema(), table=path.name, id_column="id").reset_index(drop=True)
    cells = zip(table["temperature_C"], table["interlayer_type"], table["anode"], strict=True)
    table["regime"] = [regime(*cell) for cell in cells]
    return table
