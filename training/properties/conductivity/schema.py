"""The columns of the conductivity table, with label and unit, and the rules that its rows obey."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from features.errors import CandidateError
from features.formula import parse_formula
from training.columns import LabelledColumn
from training.splits import is_doi_list

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


class TableColumn(LabelledColumn):
    """Columns of the assembled table, in order."""

    ROW_ID = "row_id", "Row"
    SOURCE = "source", "Source table"
    FORMULA = "formula", "Formula"
    LOG10_SIGMA = "log10_sigma_S_per_cm", "Ionic conductivity", "log10(S/cm)"
    IS_UPPER_BOUND = "is_upper_bound", "Value is an upper bound"
    TEMPERATURE = "temperature_C", "Temperature", "C"
    ACTIVATION_ENERGY = "activation_energy_eV", "Activation energy", "eV"
    CONTRIBUTION = "contribution", "Bulk or total conductivity"
    RELATIVE_DENSITY = "relative_density", "Density of the sample over that of the crystal"
    FAMILY = "family", "Family"
    STATE = "state", "State of the sample"
    DOI = "doi", "DOI of the paper"
    REFERENCE = "reference", "Source without a DOI"
    YEAR = "year", "Year"
    PROVENANCE = "provenance", "How the value was read"
    IS_DOUBTFUL = "is_doubtful", "Value is doubtful"
    A = "a", "Cell length a", "angstrom"
    B = "b", "Cell length b", "angstrom"
    C = "c", "Cell length c", "angstrom"
    ALPHA = "alpha", "Cell angle alpha", "degree"
    BETA = "beta", "Cell angle beta", "degree"
    GAMMA = "gamma", "Cell angle gamma", "degree"
    SPACE_GROUP = "space_group_number", "Space group number"
    ATOMS_PER_CELL = "atoms_per_cell", "Atoms in the unit cell"
    OBELIX_SPLIT = "obelix_split", "Official OBELiX split"
    REPEATS = "repeats", "Row with the same measurement"


LATTICE_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn.A,
    TableColumn.B,
    TableColumn.C,
    TableColumn.ALPHA,
    TableColumn.BETA,
    TableColumn.GAMMA,
    TableColumn.SPACE_GROUP,
    TableColumn.ATOMS_PER_CELL,
)
SOURCES = ("obelix", "literature", "laskowski")
PROVENANCES = ("primary", "second-hand", "review", "database")
CONTRIBUTIONS = ("", "bulk", "total")
BOUNDS = ("", "upper", "lower")

SIGMA_RANGE_S_PER_CM = (1e-20, 1.0)
TEMPERATURE_RANGE_C = (-200.0, 1000.0)
ACTIVATION_ENERGY_RANGE_EV = (0.0, 3.0)
RELATIVE_DENSITY_RANGE = (0.2, 1.0)
YEAR_RANGE = (1900, 2100)

FAMILY_OF: dict[str, str] = {
    "perovskites": "perovskite",
    "argyrodites": "argyrodite",
    "garnet-like": "garnet",
    "lgps-type": "LGPS",
    "lgps": "LGPS",
    "nasicon": "NASICON",
    "lisicon": "LISICON",
    "thio-lisicon": "thio-LISICON",
    "lipon": "LiPON",
    "oxides": "oxide",
    "lanthanumlithiumoxide": "oxide",
    "zirconates": "oxide",
    "sulfides": "sulfide",
    "thio-phosphate": "thiophosphate",
    "halides": "halide",
    "chlorides": "halide",
    "cholorides": "halide",
    "fluorides": "halide",
    "halide (ucl3-type)": "UCl3-type halide",
    "ucl3-type halide": "UCl3-type halide",
    "phosphates": "phosphate",
    "diphosphate": "pyrophosphate",
    "fluorophosphates": "fluorophosphate",
    "tavorite": "fluorophosphate",
    "borophosphates": "borophosphate",
    "copper pyroborate": "borate",
    "fluorooxoborate": "borate",
    "boracites": "borate",
    "molybdates": "molybdate",
    "silicates": "silicate",
    "sugilites": "silicate",
    "hexaoxometalates": "hexaoxometalate",
    "chalcogenidotetrelates": "thio-LISICON",
    "hydrides": "hydride",
    "nitrides": "nitride",
    "boron nitride": "nitride",
    "nitridosilicates": "nitride",
    "layered": "sulfide",
    "glass": "oxide glass",
}
"""Spellings, plurals, typos and near-synonyms of the source tables, in lower case, to the name used here."""


def normalise_family(text: str) -> str:
    """Return the family's one name; an unknown name is kept in lower case, a blank stays "".

    Examples
    --------
    >>> normalise_family("cholorides ")
    'halide'
    """
    plain = " ".join(text.lower().split())
    return FAMILY_OF.get(plain, plain)


def _reads(formula: object) -> bool:
    try:
        return bool(parse_formula(str(formula)))
    except CandidateError:
        return False


def _holds_lithium(formula: object) -> bool:
    return not _reads(formula) or "Li" in parse_formula(str(formula))


def _formula_column() -> pa.Column:
    import pandera.pandas as pa

    readable = pa.Check(_reads, element_wise=True, error="a formula that can be read, such as Li6PS5Cl")
    lithium = pa.Check(_holds_lithium, element_wise=True, error="a formula with lithium")
    return pa.Column(str, [readable, lithium])


def _number_column(low: float, high: float, unit: str, *, nullable: bool = True) -> pa.Column:
    import pandera.pandas as pa

    within = pa.Check.in_range(low, high, error=f"{low:g} to {high:g} {unit}".strip())
    return pa.Column(float, within, nullable=nullable, coerce=True)


def _choice_column(allowed: tuple[str, ...]) -> pa.Column:
    import pandera.pandas as pa

    names = ", ".join(name or "nothing" for name in allowed)
    return pa.Column(str, pa.Check.isin(allowed, error=f"one of: {names}"))


def _doi_column() -> pa.Column:
    import pandera.pandas as pa

    check = pa.Check(
        lambda text: text == "" or is_doi_list(text),
        element_wise=True,
        error="DOIs (10.x/y), several joined by |",
    )
    return pa.Column(str, check)


def _year_column() -> pa.Column:
    return _number_column(*YEAR_RANGE, "")


def _density_column(*, required: bool = True) -> pa.Column:
    column = _number_column(*RELATIVE_DENSITY_RANGE, "of the crystal's density")
    column.required = required
    return column


def _either(*columns: str) -> pa.Check:
    """Demand that at least one of the columns has a value in every row."""
    import pandera.pandas as pa

    def filled(frame: pd.DataFrame) -> pd.Series[bool]:
        return frame[list(columns)].replace("", None).notna().any(axis=1)

    return pa.Check(filled, error=f"a value in one of {', '.join(columns)}", ignore_na=False)


@cache
def literature_schema() -> pa.DataFrameSchema:
    """Return the rules of `literature.csv` and of measurements that a laboratory adds; see docs/science/data.md."""
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            "id": pa.Column(str, pa.Check.str_matches(r"^\S+$", error="a name without blanks"), unique=True),
            "formula": _formula_column(),
            "sigma_S_per_cm": _number_column(*SIGMA_RANGE_S_PER_CM, "S/cm"),
            "bound": _choice_column(BOUNDS),
            "temperature_C": _number_column(*TEMPERATURE_RANGE_C, "C", nullable=False),
            "activation_energy_eV": _number_column(*ACTIVATION_ENERGY_RANGE_EV, "eV"),
            "contribution": _choice_column(CONTRIBUTIONS),
            "relative_density": _density_column(required=False),
            "family": pa.Column(str),
            "state": pa.Column(str),
            "year": _year_column(),
            "doi": _doi_column(),
            "reference": pa.Column(str),
            "provenance": _choice_column(PROVENANCES),
            "doubtful": pa.Column(int, pa.Check.isin([0, 1], error="0 or 1"), coerce=True),
        },
        checks=[_either("sigma_S_per_cm", "activation_energy_eV"), _either("doi", "reference")],
        strict=True,
        ordered=False,
    )


@cache
def table_schema() -> pa.DataFrameSchema:
    """Return the rules of the assembled table."""
    import pandera.pandas as pa
    from numpy import log10

    low, high = (float(log10(limit)) for limit in SIGMA_RANGE_S_PER_CM)
    lattice: dict[TableColumn, pa.Column] = {
        **dict.fromkeys((TableColumn.A, TableColumn.B, TableColumn.C), _number_column(1.0, 100.0, "angstrom")),
        **dict.fromkeys(
            (TableColumn.ALPHA, TableColumn.BETA, TableColumn.GAMMA), _number_column(20.0, 160.0, "degree")
        ),
        TableColumn.SPACE_GROUP: _number_column(1, 230, ""),
        TableColumn.ATOMS_PER_CELL: _number_column(1, 2000, "atoms"),
    }
    columns: dict[TableColumn, pa.Column] = {
        TableColumn.ROW_ID: pa.Column(str, unique=True),
        TableColumn.SOURCE: _choice_column(SOURCES),
        TableColumn.FORMULA: _formula_column(),
        TableColumn.LOG10_SIGMA: _number_column(low, high, TableColumn.LOG10_SIGMA.unit),
        TableColumn.IS_UPPER_BOUND: pa.Column(bool),
        TableColumn.TEMPERATURE: _number_column(*TEMPERATURE_RANGE_C, "C", nullable=False),
        TableColumn.ACTIVATION_ENERGY: _number_column(*ACTIVATION_ENERGY_RANGE_EV, "eV"),
        TableColumn.CONTRIBUTION: _choice_column(CONTRIBUTIONS),
        TableColumn.RELATIVE_DENSITY: _density_column(),
        TableColumn.FAMILY: pa.Column(str),
        TableColumn.STATE: pa.Column(str),
        TableColumn.DOI: _doi_column(),
        TableColumn.REFERENCE: pa.Column(str),
        TableColumn.YEAR: _year_column(),
        TableColumn.PROVENANCE: _choice_column(PROVENANCES),
        TableColumn.IS_DOUBTFUL: pa.Column(bool),
        **lattice,
        TableColumn.OBELIX_SPLIT: _choice_column(("", "train", "test")),
        TableColumn.REPEATS: pa.Column(str),
    }
    return pa.DataFrameSchema(
        {str(name): column for name, column in columns.items()},
        checks=[
            _either(TableColumn.LOG10_SIGMA, TableColumn.ACTIVATION_ENERGY),
            _either(TableColumn.DOI, TableColumn.REFERENCE),
        ],
        strict=True,
    )
