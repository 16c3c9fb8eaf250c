"""The project's own compilations: published windows and hydrolysis energies, and reference windows to check against.

Facts with a source per row; none is used in fitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from training.embedded_tables import EmbeddedTable, stated_columns
from training.properties.stability.checked_rows import CheckedTable
from training.splits import composition_key, paper_keys

_COMPARABLE = ("yes", "reduction", "no")
_HYDROLYSIS_GASES = ("H2S", "HCl")
_HYDROLYSIS_ENERGY = "dG_hydrolysis_eV_per_H2O"


@dataclass(frozen=True, slots=True)
class LiteratureWindow:
    """A published electrochemical window.

    Attributes
    ----------
    formula
        As published.
    reduction_V, oxidation_V
        Limits against Li/Li+, NaN where none is given.
    method
        How they were found.
    comparable
        Which limits a 0 K hull of the reference table should reproduce: `yes` both, `reduction` that one, `no` none.
    source, url
        Where they were published.
    """

    formula: str
    reduction_V: float
    oxidation_V: float
    method: str
    comparable: str
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class ReferenceWindow:
    """A window computed from the reference table by three methods that agree to 0.1 mV."""

    formula: str
    reduction_V: float
    oxidation_V: float
    mixture_energy_eV_per_atom: float


@dataclass(frozen=True, slots=True)
class LiteratureHydrolysis:
    """A published free energy of hydrolysis at 300 K and 0.1 % water.

    Attributes
    ----------
    formula, family
        As published.
    energy_eV_per_H2O
        Positive: withstands moisture.
    gas
        The gas evolved.
    source, url
        Where it was published.
    """

    formula: str
    family: str
    energy_eV_per_H2O: float
    gas: str
    source: str
    url: str


@cache
def literature_windows() -> tuple[LiteratureWindow, ...]:
    """Return the 139 published windows.

    Raises
    ------
    TableError
        If a row of the embedded table breaks the rules.
    """
    table = CheckedTable("esw_literature.csv")
    return tuple(
        LiteratureWindow(
            row.formula(),
            row.number("reduction_V", 0.0, 10.0, blank=True),
            row.number("oxidation_V", 0.0, 10.0, blank=True),
            row.text("method"),
            row.text("comparable", _COMPARABLE),
            row.text("source"),
            row.text("url"),
        )
        for row in table.rows()
    )


def _scored_windows() -> tuple[LiteratureWindow, ...]:
    return tuple(window for window in literature_windows() if window.comparable != "no")


@cache
def windows_by_composition() -> dict[str, tuple[LiteratureWindow, ...]]:
    """Return the published windows that computed ones are scored by, by composition."""
    found: dict[str, tuple[LiteratureWindow, ...]] = {}
    for window in _scored_windows():
        key = composition_key(window.formula)
        found[key] = (*found.get(key, ()), window)
    return found


@cache
def scored_papers() -> frozenset[str]:
    """Return the papers of these windows, by their keys."""
    return frozenset(key for window in _scored_windows() for key in paper_keys(window.url))


@cache
def reference_windows() -> tuple[ReferenceWindow, ...]:
    """Return the 128 computed windows; raises `TableError` as `literature_windows`."""
    table = CheckedTable("esw_reference.csv")
    return tuple(
        ReferenceWindow(
            row.formula(),
            row.number("reduction_V", 0.0, 10.0),
            row.number("oxidation_V", 0.0, 10.0),
            row.number("e_hull_eV_atom", -10.0, 0.0),
        )
        for row in table.rows()
    )


@cache
def literature_hydrolysis() -> tuple[LiteratureHydrolysis, ...]:
    """Return the 66 published hydrolysis energies; raises `TableError` as `literature_windows`."""
    table = CheckedTable("hydrolysis_literature.csv")
    return tuple(
        LiteratureHydrolysis(
            row.formula(),
            row.text("family"),
            row.number(_HYDROLYSIS_ENERGY, -5.0, 5.0),
            row.text("gas", _HYDROLYSIS_GASES),
            row.text("source"),
            row.text("url"),
        )
        for row in table.rows()
    )


def embedded_tables() -> tuple[EmbeddedTable, ...]:
    """Return these tables, for whoever loads them elsewhere."""
    folder = Path(__file__).parent
    told = {
        "esw_literature": ("Electrochemical windows from literature, with sources", ("reduction_V", "oxidation_V")),
        "esw_reference": (
            "Electrochemical windows computed from the reference energies, by three methods that agree",
            ("reduction_V", "oxidation_V", "e_above_hull_eV_atom", "e_hull_eV_atom"),
        ),
        "hydrolysis_literature": ("Free energies of hydrolysis from literature, with sources", (_HYDROLYSIS_ENERGY,)),
        "corrected_energies": (
            "Formation energies that replace certain wrong ones of the reference table, where that is asked for",
            ("formation_energy_eV_per_atom", "half_width_eV_per_atom"),
        ),
    }
    return tuple(
        EmbeddedTable(key, title, path := folder / f"{key}.csv", partial(stated_columns, path, numbers))
        for key, (title, numbers) in told.items()
    )
