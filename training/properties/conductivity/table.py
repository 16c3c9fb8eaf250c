"""The conductivity table: OBELiX, the literature of recent years and Laskowski's activation energies as one.

Rows are measurements. A censored row (`<1E-10`) keeps its bound and a flag. A row that another table repeats
keeps what is new (its activation energy) and loses its conductivity, so that no measurement counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.formula import parse_formula
from training.properties.conductivity.laskowski import LaskowskiReport, read_laskowski
from training.properties.conductivity.repeats import without_repeats
from training.properties.conductivity.schema import (
    LATTICE_COLUMNS,
    TableColumn,
    literature_schema,
    normalise_family,
    table_schema,
)
from training.sources import locate
from training.splits import normalise_doi, paper_keys
from training.tables import numbers, read_csv_as_text, validate

if TYPE_CHECKING:
    import pandas as pd

ROOM_TEMPERATURE_C = 25.0
NEAR_DUPLICATE_DISTANCE = 0.01
LITERATURE_PATH = Path(__file__).with_name("literature.csv")

ObelixSplit = Literal["train", "test"]

# `True Composition` of r5y lost a zero: Li2CdCl4 x 8 holds Li16, not Li1.6. The other 598 agree with Z units.
_TRUE_COMPOSITION_FIXES = {"r5y": "Li16Cd8Cl32"}

_BLANKS: dict[TableColumn, object] = {
    **dict.fromkeys(
        (
            TableColumn.LOG10_SIGMA,
            TableColumn.ACTIVATION_ENERGY,
            TableColumn.RELATIVE_DENSITY,
            TableColumn.YEAR,
            *LATTICE_COLUMNS,
        ),
        np.nan,
    ),
    TableColumn.IS_UPPER_BOUND: False,
    TableColumn.TEMPERATURE: ROOM_TEMPERATURE_C,
    TableColumn.IS_DOUBTFUL: False,
}


@dataclass(frozen=True, slots=True)
class AssemblyStep:
    """One step of the assembly: what was done and how many rows it left."""

    what: str
    rows: int


@dataclass(frozen=True, slots=True)
class AssembledTable:
    """The assembled rows and the steps that led to them."""

    rows: pd.DataFrame
    steps: tuple[AssemblyStep, ...]


def load_training_table(
    *, with_obelix_test: bool, literature: bool = True, laskowski: bool = True, doubtful: bool = True
) -> pd.DataFrame:
    """Return the measurements to learn from; see `assemble_training_table`."""
    assembled = assemble_training_table(
        with_obelix_test=with_obelix_test, literature=literature, laskowski=laskowski, doubtful=doubtful
    )
    return assembled.rows


def assemble_training_table(
    *, with_obelix_test: bool, literature: bool = True, laskowski: bool = True, doubtful: bool = True
) -> AssembledTable:
    """Assemble the measurements to learn from, and say how many rows each step left.

    Parameters
    ----------
    with_obelix_test
        True for a model that is served: all rows. False for an evaluation on the official split: OBELiX
        training rows only, and no auxiliary row that leaks into the test rows (`leaks_into_test`).
    literature, laskowski
        Whether to add these tables.
    doubtful
        Whether to keep rows marked doubtful.

    Returns
    -------
    AssembledTable
        Columns as `Column`, in its order; OBELiX rows first, then primary literature, Laskowski, and what
        reviews and second-hand sources quote. An earlier table wins where a measurement is repeated.

    Raises
    ------
    MissingSourceError
        If a public table is not in the data folder.
    TableError
        If the literature table or the result breaks its schema.
    """
    import pandas as pd

    table = load_obelix(None if with_obelix_test else "train")
    test = None if with_obelix_test else load_obelix("test")
    steps = [AssemblyStep("OBELiX" if with_obelix_test else "OBELiX, training split", len(table))]
    for name, all_rows in _auxiliary_tables(literature, laskowski):
        rows = all_rows
        steps.append(AssemblyStep(f"{name}: read", len(rows)))
        if not doubtful:
            rows = rows[~rows[TableColumn.IS_DOUBTFUL]]
            steps.append(AssemblyStep(f"{name}: not doubtful", len(rows)))
        if test is not None:
            rows = rows[~leaks_into_test(rows, test)]
            steps.append(AssemblyStep(f"{name}: not leaking into the OBELiX test split", len(rows)))
        rows = without_repeats(rows, table)
        steps.append(AssemblyStep(f"{name}: not repeating an earlier table", len(rows)))
        table = pd.concat([table, rows], ignore_index=True)
    steps.append(AssemblyStep("all", len(table)))
    checked = validate(table, table_schema(), table="the assembled conductivity table", id_column=TableColumn.ROW_ID)
    return AssembledTable(checked, tuple(steps))


def _auxiliary_tables(literature: bool, laskowski: bool) -> Iterable[tuple[str, pd.DataFrame]]:
    quoted = None
    if literature:
        rows = load_literature()
        is_primary = rows[TableColumn.PROVENANCE] == "primary"
        yield "literature", rows[is_primary]
        quoted = rows[~is_primary]
    if laskowski:
        yield "Laskowski", load_laskowski()
    if quoted is not None:
        yield "reviews and second-hand literature", quoted


def load_obelix(split: ObelixSplit | None = None) -> pd.DataFrame:
    """Return OBELiX (Therrien et al., doi 10.1039/D5DD00441A), or one part of its official split.

    Conductivities are the total ones near room temperature. The 37 rows given as `<1E-10` or `<1E-8` hold the
    bound and the flag; the benchmark's convention of -15 is left to whoever scores by it.

    Raises
    ------
    MissingSourceError
        If the table is not in the data folder.
    """
    import pandas as pd

    parts: tuple[ObelixSplit, ...] = ("train", "test") if split is None else (split,)
    return pd.concat([_read_obelix(part) for part in parts], ignore_index=True)


def _read_obelix(split: ObelixSplit) -> pd.DataFrame:
    raw = read_csv_as_text(locate(f"obelix_{split}"))
    conductivity = raw["Ionic conductivity (S cm-1)"]
    # The one '*' joins the crystal water of `na5`; the brackets say the same without it.
    formula = raw["Reduced Composition"].str.replace(r"[*\s]", "", regex=True)
    fixed = raw["ID"].map(_TRUE_COMPOSITION_FIXES)
    cell = raw["True Composition"].where(fixed.isna(), fixed)
    only_bulk = (raw["IC (Bulk)"] != "") & (raw["IC (Total)"] == "")
    lattice = {column: numbers(raw[column]) for column in LATTICE_COLUMNS[:6]}
    return _conform(
        {
            TableColumn.ROW_ID: raw["ID"],
            TableColumn.SOURCE: "obelix",
            TableColumn.FORMULA: formula,
            TableColumn.LOG10_SIGMA: np.log10(conductivity.str.lstrip("<").astype(float)),
            TableColumn.IS_UPPER_BOUND: conductivity.str.startswith("<"),
            TableColumn.CONTRIBUTION: only_bulk.map({True: "bulk", False: "total"}),
            TableColumn.FAMILY: raw["Family"].map(normalise_family),
            TableColumn.DOI: raw["DOI"].map(_normalised_dois),
            TableColumn.PROVENANCE: "database",
            **lattice,
            TableColumn.SPACE_GROUP: numbers(raw["Space group #"]),
            TableColumn.ATOMS_PER_CELL: cell.map(lambda text: sum(parse_formula(text).values())),
            TableColumn.OBELIX_SPLIT: split,
        },
        len(raw),
    )


def load_literature(path: Path = LITERATURE_PATH) -> pd.DataFrame:
    """Return the embedded literature table, or another of the same columns (see docs/science/data.md).

    A lower bound counts as a value: the few there are lie within the scatter between laboratories.

    Raises
    ------
    TableError
        With every violation of the schema, by line and id.
    """
    raw = read_csv_as_text(path)
    for name in ("sigma_S_per_cm", "temperature_C", "activation_energy_eV", "relative_density", "year", "doubtful"):
        if name in raw:
            raw[name] = numbers(raw[name])
    raw = validate(raw, literature_schema(), table=path.name, id_column="id")
    return _conform(
        {
            TableColumn.ROW_ID: raw["id"],
            TableColumn.SOURCE: "literature",
            TableColumn.FORMULA: raw["formula"],
            TableColumn.LOG10_SIGMA: np.log10(raw["sigma_S_per_cm"]),
            TableColumn.IS_UPPER_BOUND: raw["bound"] == "upper",
            TableColumn.TEMPERATURE: raw["temperature_C"],
            TableColumn.ACTIVATION_ENERGY: raw["activation_energy_eV"],
            TableColumn.CONTRIBUTION: raw["contribution"],
            TableColumn.RELATIVE_DENSITY: raw.get("relative_density", np.nan),
            TableColumn.FAMILY: raw["family"].map(normalise_family),
            TableColumn.STATE: raw["state"],
            TableColumn.DOI: raw["doi"].map(_normalised_dois),
            TableColumn.REFERENCE: raw["reference"],
            TableColumn.YEAR: raw["year"],
            TableColumn.PROVENANCE: raw["provenance"],
            TableColumn.IS_DOUBTFUL: raw["doubtful"] == 1,
        },
        len(raw),
    )


def load_laskowski(*, activation_only: bool = True) -> pd.DataFrame:
    """Return what can be read without doubt of the Laskowski table; `laskowski_report` says what cannot.

    A row's papers are those of the lookup table and those that OBELiX names for the same reference number,
    because the lookup was made by a search engine and errs.

    Raises
    ------
    MissingSourceError
        If one of the tables is not in the data folder.
    """
    measurements, _ = read_laskowski(locate("laskowski"), activation_only=activation_only)
    dois = _dois_by_reference()
    sigma = np.array([m.sigma_S_per_cm for m in measurements])
    found = [{doi for number in m.references for doi in dois.get(number, ())} for m in measurements]
    return _conform(
        {
            TableColumn.ROW_ID: [f"las{m.line:04d}" for m in measurements],
            TableColumn.SOURCE: "laskowski",
            TableColumn.FORMULA: [m.formula for m in measurements],
            TableColumn.LOG10_SIGMA: np.log10(sigma),
            TableColumn.IS_UPPER_BOUND: [m.is_upper_bound for m in measurements],
            TableColumn.ACTIVATION_ENERGY: [m.activation_energy_eV for m in measurements],
            TableColumn.STATE: ["mixture" if m.is_mixture else "" for m in measurements],
            TableColumn.DOI: ["|".join(sorted(row)) for row in found],
            TableColumn.REFERENCE: [_laskowski_reference(m.references) for m in measurements],
            TableColumn.PROVENANCE: "database",
            TableColumn.SPACE_GROUP: [m.space_group_number for m in measurements],
        },
        len(measurements),
    )


def laskowski_report() -> LaskowskiReport:
    """Return how many records of the Laskowski table were accepted and, by reason, dropped."""
    return read_laskowski(locate("laskowski"))[1]


def papers(table: pd.DataFrame) -> list[str]:
    """Return the text by which `training.splits.paper_groups` ties rows of one paper, shape (n,).

    The DOIs, or the reference where there is none. A review's own DOI says nothing about who measured, so
    each row quoted from a review stands alone.
    """
    chosen = table[TableColumn.DOI].where(table[TableColumn.DOI] != "", table[TableColumn.REFERENCE])
    is_quoted = table[TableColumn.PROVENANCE] == "review"
    return list(chosen.where(~is_quoted, "row " + table[TableColumn.ROW_ID]))


def leaks_into_test(
    table: pd.DataFrame, test: pd.DataFrame, fractions: NDArray[np.float64] | None = None
) -> NDArray[np.bool_]:
    """Return which rows of an auxiliary table must not be learned from when `test` is scored, shape (n,).

    A row leaks if it shares a paper with a test row, or lies nearer than 0.01 to one in composition (half the L1
    distance of atomic fractions).

    Parameters
    ----------
    table, test
        Formulas, DOIs and references.
    fractions
        Atomic fractions of the rows of `table`, shape (n, elements), where they are at hand.
    """
    test_papers = frozenset().union(*_row_papers(test))
    same_paper = np.array([bool(keys & test_papers) for keys in _row_papers(table)], dtype=bool)
    rows = _fractions(table) if fractions is None else fractions
    others = _fractions(test)
    distance = [np.abs(others - row).sum(axis=1).min(initial=np.inf) / 2.0 for row in rows]
    leaks: NDArray[np.bool_] = same_paper | (np.array(distance, dtype=np.float64) < NEAR_DUPLICATE_DISTANCE)
    return leaks


def _row_papers(table: pd.DataFrame) -> list[frozenset[str]]:
    return [
        paper_keys(doi, text) for doi, text in zip(table[TableColumn.DOI], table[TableColumn.REFERENCE], strict=True)
    ]


def _fractions(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the atomic fractions of each row, shape (n, elements)."""
    return MaterialBatch.from_formulas(list(table[TableColumn.FORMULA])).matrix()


def _conform(columns: dict[TableColumn, object], n_rows: int) -> pd.DataFrame:
    """Return a frame with every column of the table, absent ones filled with their blank."""
    import pandas as pd

    filled = {str(column): columns.get(column, _BLANKS.get(column, "")) for column in TableColumn}
    # By position: a Series would be aligned by its index, which skips the blank lines of its file.
    plain = {name: v.to_numpy() if isinstance(v, pd.Series) else v for name, v in filled.items()}
    return pd.DataFrame(plain, index=range(n_rows))


def _normalised_dois(text: str) -> str:
    return "|".join(normalise_doi(part) for part in text.split("|") if part.strip())


def _laskowski_reference(numbers_: tuple[int, ...]) -> str:
    return "Laskowski et al., reference " + ", ".join(map(str, numbers_))


def _dois_by_reference() -> dict[int, set[str]]:
    """Return the DOIs of each reference number of the Laskowski table, by the lookup and by OBELiX."""
    dois: dict[int, set[str]] = {}
    lookup = read_csv_as_text(locate("laskowski_dois"))
    for number, doi in zip(lookup["ref. number"], lookup["DOI"], strict=True):
        dois.setdefault(int(number), set()).add(normalise_doi(doi))
    for split in ("train", "test"):
        raw = read_csv_as_text(locate(f"obelix_{split}"))
        named = raw[(raw["Laskowski ID"] != "") & (raw["DOI"] != "")]
        for number, doi in zip(named["Laskowski ID"], named["DOI"], strict=True):
            dois.setdefault(int(float(number)), set()).update(_normalised_dois(doi).split("|"))
    return dois
