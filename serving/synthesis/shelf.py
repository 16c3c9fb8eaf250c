"""The shelf of precursors: a CSV that a laboratory edits to hold what it has.

Columns: `formula`, `name`, `rank` (1 in every laboratory, 2 less usual, 3 for special routes), `handling` (air,
hygroscopic, glove box), `purity` (mass fraction, 1 where nothing is known of the bottle), `gases` (given off on heating
by one formula unit, such as `1 NH3 + 1.5 H2O`), `note`. Molar masses are computed.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

from features.elements import molar_mass_g_per_mol
from features.errors import CandidateError
from features.formula import parse_formula
from features.table_files import AS_UTF_8, UnreadableTableError, text_of, unreadable
from serving.synthesis.errors import ShelfError
from serving.synthesis.gases import GASES

COLUMNS = ("formula", "name", "rank", "handling", "purity", "gases", "note")
_OPTIONAL = {"name": "", "rank": "2", "handling": "air", "purity": "1", "gases": "", "note": ""}
_GAS_TERM = re.compile(r"([0-9]*\.?[0-9]+)\s*([A-Za-z0-9]+)")
MAX_PRECURSORS = 2000
_NOTHING = 1e-9


class Handling(StrEnum):
    """Where a precursor is weighed."""

    AIR = "air"
    HYGROSCOPIC = "hygroscopic"
    GLOVE_BOX = "glove box"


@dataclass(frozen=True, slots=True)
class Precursor:
    """One bottle.

    Attributes
    ----------
    formula, name
        As on the label.
    amounts
        Element symbol to atoms per formula unit.
    rank
        1 in every laboratory, 2 less usual, 3 for special routes.
    handling
        Where it is weighed.
    purity
        Mass fraction.
    gases
        Gas to molecules that one formula unit gives off on heating.
    note
        For people.
    """

    formula: str
    name: str
    amounts: Mapping[str, float]
    rank: int
    handling: Handling
    purity: float
    gases: Mapping[str, float]
    note: str

    @property
    def molar_mass_g(self) -> float:
        """Mass of a mole in g."""
        return molar_mass_g_per_mol(self.amounts)

    @property
    def residue(self) -> dict[str, float]:
        """What is left of one formula unit when the gases have gone; the formula unit itself without gases."""
        left = dict(self.amounts)
        for gas, molecules in self.gases.items():
            for symbol, atoms in parse_formula(gas).items():
                left[symbol] = left.get(symbol, 0.0) - molecules * atoms
        return {symbol: amount for symbol, amount in left.items() if abs(amount) > _NOTHING}


@cache
def default_shelf() -> tuple[Precursor, ...]:
    """Return the shelf that elyte ships."""
    text = (files("serving.synthesis") / "shelf.csv").read_text(encoding="utf-8")
    return read_rows(text.splitlines(), "shelf.csv")


def read_shelf(path: Path) -> tuple[Precursor, ...]:
    """Read a laboratory's own shelf.

    Raises
    ------
    ShelfError
        If the file cannot be read, naming the line.
    """
    try:
        text = text_of(path.read_bytes(), str(path))
    except OSError as error:
        raise ShelfError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnreadableTableError as error:
        raise ShelfError(str(error)) from error
    bad = next(((n, cell) for n, line in enumerate(text.splitlines(), 1) if (cell := unreadable(line))), None)
    if bad is not None:
        raise ShelfError(f"{path}, line {bad[0]}: received {bad[1]}; {AS_UTF_8}")
    return read_rows(text.splitlines(), str(path))


def read_rows(lines: Iterable[str], source: str) -> tuple[Precursor, ...]:
    """Read the lines of a shelf, the header first; lines without a formula or beginning with # are passed over.

    Raises
    ------
    ShelfError
        For an unknown column, or a cell that cannot be read.
    """
    reader = csv.DictReader(lines)
    given = [name.strip() for name in reader.fieldnames or ()]
    if "formula" not in given or set(given) - set(COLUMNS):
        raise ShelfError(f"{source}: expected a header of {', '.join(COLUMNS)} (formula at least); received {given}")
    reader.fieldnames = given
    shelf: dict[str, Precursor] = {}
    for row in reader:
        cells = {name: (row.get(name) or "").strip() or _OPTIONAL.get(name, "") for name in COLUMNS}
        if not cells["formula"] or cells["formula"].startswith("#"):
            continue
        try:
            shelf.setdefault(cells["formula"], _precursor(cells))
        except (CandidateError, ValueError) as error:
            raise ShelfError(f"{source}, line {reader.line_num}, {cells['formula']}: {error}") from error
    if not shelf or len(shelf) > MAX_PRECURSORS:
        raise ShelfError(f"{source}: {len(shelf)} precursors; expected 1 to {MAX_PRECURSORS}")
    return tuple(shelf.values())


def _precursor(cells: Mapping[str, str]) -> Precursor:
    purity = float(cells["purity"])
    if not 0.0 < purity <= 1.0:
        raise ValueError(f"purity {purity:g}; expected a mass fraction above 0 and at most 1")
    if (rank := int(cells["rank"])) not in (1, 2, 3):
        raise ValueError(f"rank {rank}; expected 1, 2 or 3")
    if cells["handling"] not in tuple(Handling):
        raise ValueError(f"handling '{cells['handling']}'; expected {', '.join(Handling)}")
    precursor = Precursor(
        cells["formula"],
        cells["name"] or cells["formula"],
        parse_formula(cells["formula"]),
        rank,
        Handling(cells["handling"]),
        purity,
        _gases(cells["gases"]),
        cells["note"],
    )
    if min(precursor.residue.values(), default=-math.inf) < 0:
        raise ValueError(f"'{cells['gases']}' is more than {cells['formula']} holds")
    return precursor


def _gases(text: str) -> dict[str, float]:
    gases: dict[str, float] = {}
    for term in filter(None, (part.strip() for part in text.split("+"))):
        found = _GAS_TERM.fullmatch(term)
        if found is None or found[2] not in GASES or float(found[1]) <= 0:
            raise ValueError(f"'{term}' is no amount of a gas; expected such as '1.5 H2O', of {', '.join(GASES)}")
        gases[found[2]] = float(found[1])
    return gases
