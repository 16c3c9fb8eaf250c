"""What is learnt from: measured conductivities, glass transitions, simulated mobilities, transference numbers.

The public table of conductivities (Bradford et al., ACS Cent. Sci. 9, 206 (2023), doi 10.1021/acscentsci.2c01123) has
no column for papers; `papers.csv` gives, for ranges of its rows, the DOI where it could be recovered, else a proxy from
the order of the file. Transference numbers: Schauser et al., with DOI and method each; shown, never predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError
from features.polymers.candidate import PolymerBatch, PolymerCandidate
from features.polymers.descriptors import SUMS, chain_sums
from features.polymers.repeat_unit import read_repeat_unit
from features.polymers.salts import read_salt
from training.sources import locate, require
from training.tables import TableError, Violation, numbers, read_csv_as_text, validate

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

Array = NDArray[np.float64]
CONDUCTIVITY, SIMULATED, GLASS = "polymer_sigma", "polymer_molecular_dynamics", "polymer_glass_transition"
SMALLEST_SIMULATED = np.array([1e-7, 1e-10, 1e-10])
PAPERS_PATH = Path(__file__).with_name("papers.csv")
TRANSFERENCE_PATH = Path(__file__).with_name("transference.csv")
MOST_HEAVY_ATOMS = 700
"""Of a repeat unit of the tables; one has 674."""
MOST_HEAVY_ATOMS_AUXILIARY = 200
FROM_POLYINFO = frozenset({"GREA"})
"""Sources of the table of glass transitions that stem from PolyInfo, whose terms do not permit the use."""
ROWS = ("row_id", "polymer", "salt", "molality", "molar_mass", "temperature_C", "log10_sigma", "paper", "doi")
"""Columns of what is learnt from: polymer as `units_text`, salt as name or SMILES, mol/kg, g/mol, C, log10 of S/cm."""
_COLUMNS_OF_TABLE = {
    "smiles": "polymer",
    "conductivity": "log10_sigma",
    "mw": "molar_mass",
    "salt smiles": "salt",
    "molality": "molality",
    "temperature": "temperature_C",
}
CHAIN_CAP = ("[Ca]", "C")
"""The table ends side chains that go on elsewhere with calcium; a methyl group stands there instead."""


@dataclass(frozen=True, eq=False)
class Conductivities:
    """Measured points, exact duplicates left out, in the order of the table.

    Parameters
    ----------
    batch
        The electrolytes.
    temperature_C, log10_sigma
        Shape (n,), the latter in S/cm.
    spelling
        Shape (n,), the repeat unit as the table writes it.
    paper, doi
        Shape (n,), the group of the paper, and its DOI where it is known, else "".
    curve
        Shape (n,), which points are of one sample: polymer, salt, molality, molar mass and paper.
    """

    batch: PolymerBatch
    temperature_C: Array
    log10_sigma: Array
    spelling: NDArray[np.str_]
    paper: NDArray[np.str_]
    doi: NDArray[np.str_]
    curve: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.log10_sigma)

    def take(self, rows: NDArray[np.int64]) -> Conductivities:
        """Return some of the points."""
        return Conductivities(
            self.batch.take(rows),
            self.temperature_C[rows],
            self.log10_sigma[rows],
            self.spelling[rows],
            self.paper[rows],
            self.doi[rows],
            self.curve[rows],
        )


@dataclass(frozen=True, eq=False)
class Mobilities:
    """Repeat units with one number each: a glass transition in K, or logarithms of simulated mobilities.

    Parameters
    ----------
    sums
        Shape (n, len(SUMS)).
    values
        Shape (n, m).
    """

    sums: Array
    values: Array


def read_conductivities() -> Conductivities:
    """Read the public table.

    Raises
    ------
    MissingSourceError
        If the file is not in the data folder.
    TableError
        If a cell is no polymer, no lithium salt or no number in range.
    """
    return conductivities_of(read_conductivity_rows())


def read_conductivity_rows() -> pd.DataFrame:
    """Read the public table with paper and DOI, columns `ROWS`, exact duplicates left out; raises as above."""
    require((CONDUCTIVITY,), "fitting or scoring conductivities of polymers")
    raw = read_csv_as_text(locate(CONDUCTIVITY))
    for name in ("conductivity", "mw", "molality", "temperature"):
        raw[name] = numbers(raw[name])
    table = validate(raw, _schema(), table=CONDUCTIVITY, id_column="smiles")
    named = table.rename(columns=_COLUMNS_OF_TABLE).join(_papers_of_rows(len(table)))
    rows = named[~table.duplicated(list(_COLUMNS_OF_TABLE)).to_numpy()]
    return rows.assign(row_id=[f"sigma{row}" for row in rows.index])[list(ROWS)].reset_index(drop=True)


def conductivities_of(rows: pd.DataFrame) -> Conductivities:
    """Lay out rows with the columns `ROWS`.

    Raises
    ------
    TableError
        If a cell is no polymer or no lithium salt.
    """
    candidates, violations = [], []
    for cells in rows.to_dict("records"):
        try:
            candidates.append(_candidate(cells["polymer"], cells["salt"], cells["molality"], cells["molar_mass"]))
        except CandidateError as error:
            violations.append(Violation(None, cells["row_id"], "polymer", cells["polymer"], error.message))
    if violations:
        raise TableError(CONDUCTIVITY, tuple(violations))
    batch = PolymerBatch.from_candidates(candidates)
    paper = rows["paper"].to_numpy(dtype=np.str_)
    return Conductivities(
        batch,
        rows["temperature_C"].to_numpy(dtype=float),
        rows["log10_sigma"].to_numpy(dtype=float),
        rows["polymer"].to_numpy(dtype=np.str_),
        paper,
        rows["doi"].to_numpy(dtype=np.str_),
        _curves(batch, paper),
    )


def _schema() -> pa.DataFrameSchema:
    import pandera.pandas as pa

    def number(lowest: float, highest: float, *, nullable: bool = False) -> pa.Column:
        within = pa.Check.in_range(lowest, highest, error=f"between {lowest:g} and {highest:g}")
        return pa.Column(float, within, nullable=nullable)

    return pa.DataFrameSchema(
        {
            "smiles": pa.Column(str, pa.Check.str_length(min_value=3, error="a repeat unit")),
            "salt smiles": pa.Column(str),
            "conductivity": number(-20.0, 0.0),
            "mw": number(50.0, 1e9, nullable=True),
            "molality": number(0.0, 500.0, nullable=True),
            "temperature": number(-100.0, 300.0),
        },
        strict=True,
    )


def _candidate(polymer: str, salt_text: str, molality: float, molar_mass: float) -> PolymerCandidate:
    """Read one row; unlike a user's, its molality may be any."""
    units, shares, sums = _units(polymer)
    salt = read_salt(salt_text)
    amount = float(molality) if salt is not None and molality == molality else 0.0
    return PolymerCandidate(units, shares, salt, amount, float(molar_mass), sums, polymer)


@cache
def _units(polymer: str) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Return canonical units, their shares and the sums of one repeat unit, or of several as `units_text` writes."""
    parts = [part.rsplit(" ", 1) for part in polymer.split(";")] if ";" in polymer else [[polymer, "1"]]
    units = tuple(read_repeat_unit(unit.replace(*CHAIN_CAP), MOST_HEAVY_ATOMS).key for unit, _ in parts)
    shares = tuple(float(share) for _, share in parts)
    return units, shares, tuple(chain_sums(units, shares, MOST_HEAVY_ATOMS).tolist())


def units_text(candidate: PolymerCandidate) -> str:
    """Return a polymer as one cell: its canonical repeat unit, or several with their shares."""
    if len(candidate.units) == 1:
        return candidate.units[0]
    return ";".join(f"{unit} {share:g}" for unit, share in zip(candidate.units, candidate.shares, strict=True))


def _papers_of_rows(n_rows: int) -> pd.DataFrame:
    """Return paper and DOI of each row of the public table."""
    ranges = read_csv_as_text(PAPERS_PATH)
    first, last = (ranges[name].astype(int).to_numpy() for name in ("first_row", "last_row"))
    follows = np.array_equal(first[1:], last[:-1] + 1)
    if first[0] != 0 or last[-1] != n_rows - 1 or not follows or not (last >= first).all():
        place = Violation(None, "", "first_row", "", f"ranges that cover rows 0 to {n_rows - 1} one after the other")
        raise TableError(PAPERS_PATH.name, (place,))
    repeated: pd.DataFrame = ranges.loc[ranges.index.repeat(last - first + 1), ["paper", "doi"]].reset_index(drop=True)
    return repeated


def _curves(batch: PolymerBatch, paper: NDArray[np.str_]) -> NDArray[np.int64]:
    samples = [
        f"{polymer}|{salt}|{molality!r}|{mass!r}|{where}"
        for polymer, salt, molality, mass, where in zip(
            batch.polymer_keys,
            batch.salt_keys,
            batch.molality.tolist(),
            batch.molar_mass.tolist(),
            paper,
            strict=True,
        )
    ]
    numbers_of = {sample: number for number, sample in enumerate(dict.fromkeys(samples))}
    return np.array([numbers_of[sample] for sample in samples], dtype=np.int64)


def read_glass_transitions() -> Mobilities:
    """Read glass transition temperatures in K, without those of PolyInfo and what cannot be read."""
    require((GLASS,), "fitting glass transitions of polymers")
    table = read_csv_as_text(locate(GLASS))
    table = table[~table["source"].isin(FROM_POLYINFO)]
    return _mobilities(table["PSMILES"], numbers(table["Exp_Tg(K)"]).to_numpy(dtype=float)[:, None])


def read_simulations() -> Mobilities:
    """Read decimal logarithms of simulated conductivity (S/cm), and diffusivity of polymer and lithium (cm2/s)."""
    require((SIMULATED,), "fitting simulated mobilities of polymers")
    table = read_csv_as_text(locate(SIMULATED))
    columns = ("conductivity", "poly_diffusivity", "li_diffusivity")
    values = np.column_stack([numbers(table[name]).to_numpy(dtype=float) for name in columns])
    return _mobilities(table["mol_smiles"], np.log10(np.maximum(values, SMALLEST_SIMULATED)))


def _mobilities(smiles: pd.Series[str], values: Array) -> Mobilities:
    """Lay out what can be read; an auxiliary table may hold units of more than two ends."""
    sums, kept = [], []
    for row, text in enumerate(smiles):
        try:
            sums.append(chain_sums([text], [1.0], MOST_HEAVY_ATOMS_AUXILIARY))
        except CandidateError:
            continue
        kept.append(row)
    return Mobilities(np.array(sums).reshape(-1, len(SUMS)), values[kept])


def read_transference_table() -> pd.DataFrame:
    """Read the embedded transference numbers: polymer, anion, conditions, method and DOI a row.

    Raises
    ------
    TableError
        If a cell breaks the schema.
    """
    raw = read_csv_as_text(TRANSFERENCE_PATH)
    for name in ("comonomer_percent", "li_per_functional_group", "mn_kDa", "mw_kDa", "tg_C", "t_plus", "temperature_C"):
        raw[name] = numbers(raw[name])
    return validate(raw, transference_schema(), table=TRANSFERENCE_PATH.name, id_column="source_row")


def transference_schema() -> pa.DataFrameSchema:
    """Return the rules of the embedded transference numbers."""
    import pandera.pandas as pa

    share = pa.Check.in_range(0.0, 1.0, error="between 0 and 1")
    text = pa.Check.str_length(min_value=1, error="a text")
    any_number = pa.Column(float, nullable=True)
    return pa.DataFrameSchema(
        {
            "source_row": pa.Column(str, unique=True),
            "doi": pa.Column(str, pa.Check.str_startswith("10.", error="a DOI")),
            "polymer": pa.Column(str, text),
            "comonomer_percent": any_number,
            "anion": pa.Column(str, text),
            "li_per_functional_group": pa.Column(float, pa.Check.gt(0.0, error="more than 0")),
            "mn_kDa": any_number,
            "mw_kDa": any_number,
            "tg_C": any_number,
            "t_plus": pa.Column(float, share),
            "temperature_C": pa.Column(float, nullable=True),
            "method": pa.Column(str),
        },
        strict=True,
    )
