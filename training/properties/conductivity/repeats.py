"""One measurement, several tables: which rows repeat an earlier one.

Two rows are the same measurement if their composition is the same, their temperatures lie within 5 C and
their conductivities within 0.02 decades. A later row that names its paper, read there or second-hand, must
share it besides, for round numbers coincide; what a review quotes need not. A later row from a database need
only share the paper with another database: OBELiX read the papers again and corrected what Laskowski et al. had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.properties.conductivity.schema import LATTICE_COLUMNS, TableColumn
from training.splits import composition_key, paper_keys

if TYPE_CHECKING:
    import pandas as pd

SAME_SIGMA_DECADES = 0.02
SAME_TEMPERATURE_C = 5.0
SAME_ENERGY_EV = 0.01 + 1e-9

_Row = dict[str, Any]


def without_repeats(later: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """Return the later rows without the measurements that an earlier table has already.

    The later row then loses its conductivity, names the earlier row in `repeats`, and takes its lattice; it
    is left out if it brings no activation energy of its own.

    Parameters
    ----------
    later, earlier
        Frames with the columns of `Column`.

    Returns
    -------
    DataFrame
        Rows of `later` in their order, index kept.
    """
    known = _by_composition(earlier)
    kept = later.copy()
    drop: list[int] = []
    silent: dict[int, _Row] = {}  # position to the earlier row whose conductivity it repeats
    for position, row in enumerate(_rows(later)):
        namesakes = known.get(composition_key(row[TableColumn.FORMULA]), [])
        same = [other for other in namesakes if _same_measurement(row, other)]
        if not same:
            continue
        same.sort(key=lambda other: _decades_apart(row, other))
        energy = row[TableColumn.ACTIVATION_ENERGY]
        known_energies = [other[TableColumn.ACTIVATION_ENERGY] for other in same]
        if np.isnan(energy) or any(abs(energy - other) <= SAME_ENERGY_EV for other in known_energies):
            drop.append(position)
            continue
        silent[position] = same[0]
    index = kept.index[[*silent]]
    kept.loc[index, TableColumn.LOG10_SIGMA] = np.nan
    kept.loc[index, TableColumn.IS_UPPER_BOUND] = False
    kept.loc[index, TableColumn.REPEATS] = [other[TableColumn.ROW_ID] for other in silent.values()]
    without = kept.loc[index, TableColumn.A].isna().to_numpy()
    for column in LATTICE_COLUMNS:
        values = [other[column] for other, lacks in zip(silent.values(), without, strict=True) if lacks]
        kept.loc[index[without], column] = values
    return kept.drop(index=kept.index[drop])


def _rows(table: pd.DataFrame) -> list[_Row]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _by_composition(table: pd.DataFrame) -> dict[str, list[_Row]]:
    """Return the rows by composition; one that repeats another is compared by the other's conductivity."""
    rows = _rows(table)
    sigma_of = {row[TableColumn.ROW_ID]: row[TableColumn.LOG10_SIGMA] for row in rows}
    known: dict[str, list[_Row]] = {}
    for row in rows:
        if row[TableColumn.REPEATS]:
            row[TableColumn.LOG10_SIGMA] = sigma_of.get(row[TableColumn.REPEATS], np.nan)
        known.setdefault(composition_key(row[TableColumn.FORMULA]), []).append(row)
    return known


def _same_measurement(later: _Row, earlier: _Row) -> bool:
    if abs(later[TableColumn.TEMPERATURE] - earlier[TableColumn.TEMPERATURE]) > SAME_TEMPERATURE_C:
        return False
    same_paper = bool(paper_keys(later[TableColumn.DOI]) & paper_keys(earlier[TableColumn.DOI]))
    same_value = _decades_apart(later, earlier) <= SAME_SIGMA_DECADES
    match later[TableColumn.PROVENANCE]:
        case "primary":
            return same_value and same_paper
        case "second-hand" if later[TableColumn.DOI]:
            return same_value and same_paper
        case "database":
            return same_value or (same_paper and earlier[TableColumn.PROVENANCE] == "database")
        case _:
            return same_value


def _decades_apart(one: _Row, other: _Row) -> float:
    """Return how far two conductivities lie apart, infinitely where one is not given."""
    apart = abs(one[TableColumn.LOG10_SIGMA] - other[TableColumn.LOG10_SIGMA])
    return float("inf") if np.isnan(apart) else float(apart)
