"""Well-known materials whose conductivity several laboratories agree on: a model that loses them is no model.

`golden_materials.csv` was chosen by `choose` from the tables of training/conductivity (the figures are medians of
published measurements, the DOIs stand beside them); `python -m training.properties.conductivity.golden` writes it anew.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

GOLDEN_PATH = Path(__file__).with_name("golden_materials.csv")
NEAR_25_C = (20.0, 32.0)
FEWEST_PAPERS = 4
LARGEST_QUARTILE_RANGE = 1.0
COLUMNS = ("formula", "log10_sigma_S_per_cm", "n_papers", "quartile_range", "dois")


class Golden(NamedTuple):
    """A material and its accepted log10 conductivity at 25 C, in S/cm."""

    formula: str
    log10_sigma: float


def load_golden(path: Path = GOLDEN_PATH) -> list[Golden]:
    """Return the golden materials of conductivity."""
    with path.open(newline="", encoding="utf-8") as file:
        return [Golden(row["formula"], float(row["log10_sigma_S_per_cm"])) for row in csv.DictReader(file)]


def choose(table: pd.DataFrame) -> list[dict[str, object]]:
    """Choose the compositions that at least four papers measured near 25 C with a quartile range below a decade.

    Parameters
    ----------
    table
        Of the columns of the conductivity table.

    Returns
    -------
    list of dict
        Of `COLUMNS`, most papers first; each paper counts once, by its median.
    """
    from training.properties.conductivity.table import papers
    from training.splits import composition_key

    rows = table.assign(paper=papers(table), key=table["formula"].map(composition_key))
    measured = rows["log10_sigma_S_per_cm"].notna() & ~rows["is_upper_bound"]
    rows = rows[measured & rows["temperature_C"].between(*NEAR_25_C)]
    found: list[dict[str, object]] = []
    for _, material in rows.groupby("key"):
        value = material.groupby("paper")["log10_sigma_S_per_cm"].median()
        spread = float(value.quantile(0.75) - value.quantile(0.25))
        if len(value) >= FEWEST_PAPERS and spread < LARGEST_QUARTILE_RANGE:
            dois = sorted({doi for cell in material["doi"] for doi in cell.split("|") if doi})
            cells = (material["formula"].iloc[0], round(float(value.median()), 2), len(value), round(spread, 2))
            found.append(dict(zip(COLUMNS, (*cells, " ".join(dois)), strict=True)))
    return sorted(found, key=lambda row: (-int(str(row["n_papers"])), str(row["formula"])))


def main() -> None:
    """Write `golden_materials.csv` from the tables at hand."""
    from training.properties.conductivity.table import load_training_table

    rows = choose(load_training_table(with_obelix_test=True))
    with GOLDEN_PATH.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sys.stderr.write(f"{len(rows)} golden materials in {GOLDEN_PATH}\n")


if __name__ == "__main__":
    main()
