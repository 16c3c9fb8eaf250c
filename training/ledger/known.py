"""What is known already: the training tables and what the ledger holds, ready to be compared with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from training.ledger.cells import read_material
from training.ledger.schema import Column, Kind
from training.sources import DATA_DIR_VARIABLE, MIRROR_VARIABLE, MissingSourceError, data_dir
from training.splits import paper_keys

if TYPE_CHECKING:
    import pandas as pd

    from training.ledger.entries import Entry

Array = NDArray[np.float64]

SAME_COMPOSITION = 0.005
"""Half-L1 distance of atomic fractions up to which two formulas are one composition."""


@dataclass(frozen=True, slots=True)
class Known:
    """Measurements to compare with; every array has length n.

    Parameters
    ----------
    fractions
        Atomic fractions, shape (n, elements); a row of zeros where no formula is known.
    value
        log10 of the measured quantity (conductivity in S/cm, CCD in mA/cm2), NaN where there is none.
    temperature_C, activation_energy_eV
        NaN where not given.
    is_bound
        Whether the value is a bound.
    group
        Class of the electrolyte, "" where unknown or of no use.
    label
        What a reader may look up.
    formulas
        As the table has them, "" where no formula is known.
    papers
        Paper key to where it is known from; papers of the ledger itself are not among them.
    lacking
        What could not be compared with, in words; "" if everything was at hand.
    """

    fractions: Array
    value: Array
    temperature_C: Array
    activation_energy_eV: Array
    is_bound: NDArray[np.bool_]
    group: tuple[str, ...]
    label: tuple[str, ...]
    formulas: tuple[str, ...]
    papers: dict[str, str]
    lacking: str = ""

    def and_ledger(self, entries: Sequence[Entry], measured: Column) -> Known:
        """Return the same with what a ledger holds."""
        if not entries:
            return self
        contents = [entry.content or {} for entry in entries]

        def numbers(column: Column) -> Array:
            return np.array([float(content.get(column, np.nan)) for content in contents], dtype=np.float64)

        return Known(
            np.vstack([self.fractions, fractions_of([str(c.get(Column.FORMULA, "")) for c in contents])]),
            np.concatenate([self.value, np.log10(numbers(measured))]),
            np.concatenate([self.temperature_C, numbers(Column.TEMPERATURE)]),
            np.concatenate([self.activation_energy_eV, numbers(Column.ACTIVATION_ENERGY)]),
            np.concatenate([self.is_bound, np.array([Column.BOUND in content for content in contents])]),
            self.group + tuple(str(content.get(Column.ELECTROLYTE_CLASS, "")) for content in contents),
            self.label + tuple(f"entry {entry.entry} of the ledger" for entry in entries),
            self.formulas + tuple(str(content.get(Column.FORMULA, "")) for content in contents),
            self.papers,
            self.lacking,
        )

    def neighbours(self, formulas: Sequence[str]) -> list[list[int]]:
        """Return, per formula, the known measurements of the same composition; none for an empty formula."""
        from scipy.spatial import cKDTree

        unique = sorted(set(formulas))
        if not unique or not len(self.fractions):
            return [[] for _ in formulas]
        tree = cKDTree(self.fractions)
        found = tree.query_ball_point(fractions_of(unique), r=2.0 * SAME_COMPOSITION + 1e-9, p=1.0, return_sorted=True)
        of = {formula: rows if formula else [] for formula, rows in zip(unique, found, strict=True)}
        return [of[formula] for formula in formulas]


@dataclass(frozen=True, slots=True)
class KnownMaterials:
    """Materials that were measured before, whatever was measured.

    Parameters
    ----------
    fractions
        Atomic fractions, shape (n, elements).
    formulas
        Length n.
    """

    fractions: Array
    formulas: tuple[str, ...]

    @property
    def elements(self) -> NDArray[np.bool_]:
        """Elements that at least one of them holds, shape (elements,)."""
        return np.asarray(self.fractions.any(axis=0))

    def nearest(self, fractions: Array, usual: float) -> tuple[Array, list[str]]:
        """Return half the L1 distance to the nearest of them, shape (n,), and which that is.

        Parameters
        ----------
        fractions
            Shape (n, elements).
        usual
            Up to this distance the search is quick.
        """
        from scipy.spatial import cKDTree

        tree = cKDTree(self.fractions)
        distance, index = tree.query(fractions, p=1.0, distance_upper_bound=2.0 * usual + 1e-9)
        far = np.isinf(distance)
        if far.any():
            distance[far], index[far] = tree.query(fractions[far], p=1.0)
        return distance / 2.0, [self.formulas[i] for i in index]


def known_materials(held: Sequence[Entry]) -> KnownMaterials:
    """Return the materials of the training tables of conductivities and CCDs, and those that a ledger holds."""
    contents = [entry.content or {} for entry in held]
    mine = tuple(str(content[Column.FORMULA]) for content in contents if Column.FORMULA in content)
    tables = [known_measurements(kind) for kind in (Kind.CONDUCTIVITY, Kind.CCD)]
    fractions = np.vstack([*(table.fractions for table in tables), fractions_of(mine)])
    formulas = sum((table.formulas for table in tables), ()) + mine
    some = np.asarray(fractions.any(axis=1))
    return KnownMaterials(fractions[some], tuple(f for f, is_known in zip(formulas, some, strict=True) if is_known))


def fractions_of(formulas: Sequence[str]) -> Array:
    """Return atomic fractions, shape (n, elements); zeros for an empty formula."""
    written = [row for row, formula in enumerate(formulas) if formula]
    candidates = [read_material(formulas[row]).candidate for row in written] or [Candidate("Li", {"Li": 1.0})]
    some = MaterialBatch.from_candidates(candidates).matrix()
    matrix = np.zeros((len(formulas), some.shape[1]))
    if written:
        matrix[written] = some
    return matrix


def known_measurements(kind: Kind) -> Known:
    """Return the known conductivities or CCDs of the training tables, kept in memory after the first call.

    Without the public tables these are the embedded ones, and `lacking` says so.
    """
    place = (str(data_dir()), os.environ.get(DATA_DIR_VARIABLE, ""), os.environ.get(MIRROR_VARIABLE, ""))
    return _conductivities(place) if kind is Kind.CONDUCTIVITY else _currents()


@lru_cache(maxsize=2)
def _conductivities(_place: tuple[str, ...]) -> Known:
    from training.properties.conductivity.schema import Column as Table
    from training.properties.conductivity.table import load_literature, load_training_table

    lacking = ""
    literature = load_literature()
    try:
        table = load_training_table(with_obelix_test=True)
    except MissingSourceError:
        table = literature
        lacking = "the public tables are not here (`elyte data fetch`); compared with the embedded literature only"
    papers = _papers(literature, "row_id", "the literature table") | _papers(table, "row_id", "the training table")
    return Known(
        fractions_of(list(table[Table.FORMULA])),
        table[Table.LOG10_SIGMA].to_numpy(dtype=float),
        table[Table.TEMPERATURE].to_numpy(dtype=float),
        table[Table.ACTIVATION_ENERGY].to_numpy(dtype=float),
        table[Table.IS_UPPER_BOUND].to_numpy(dtype=bool),
        ("",) * len(table),
        tuple(f"{source} {row}" for source, row in zip(table[Table.SOURCE], table[Table.ROW_ID], strict=True)),
        tuple(table[Table.FORMULA]),
        papers,
        lacking,
    )


@lru_cache(maxsize=1)
def _currents() -> Known:
    from training.properties.ccd.table import load_literature

    table = load_literature()
    return Known(
        fractions_of(list(table["formula"])),
        np.log10(table["ccd_mA_per_cm2"].to_numpy(dtype=float)),
        table["temperature_C"].to_numpy(dtype=float),
        np.full(len(table), np.nan),
        table["is_lower_bound"].to_numpy(dtype=bool),
        tuple(table["electrolyte_class"].where(table["regime"] == "regular", "")),
        tuple(f"CCD literature {row}" for row in table["id"]),
        tuple(table["formula"]),
        _papers(table, "id", "the CCD table"),
    )


def _papers(table: pd.DataFrame, name_column: str, table_name: str) -> dict[str, str]:
    cells = zip(table["doi"], table[name_column], strict=True)
    return {key: f"{table_name}, row {row}" for doi, row in cells for key in paper_keys(doi)}
