"""The tables that lie beside the code, every cell checked as it is read."""

from __future__ import annotations

import csv
from importlib.resources import files
from math import nan

from features.errors import CandidateError
from features.formula import parse_formula
from training.tables import TableError, Violation


class CheckedRow:
    """One line, whose cells are checked as they are read."""

    def __init__(self, line: int, cells: dict[str, str], table: CheckedTable) -> None:
        self._line, self._cells, self._table = line, cells, table

    def _broken(self, column: str, expectation: str) -> TableError:
        received = str(self._cells.get(column))
        place = Violation(self._line, str(self._cells.get("formula")), column, received, expectation)
        return TableError(self._table.name, (place,))

    def text(self, column: str, allowed: tuple[str, ...] = ()) -> str:
        """Return a text that is not blank, one of the allowed ones where there are any; raises `TableError`."""
        value = self._cells.get(column) or ""
        if not value or (allowed and value not in allowed):
            raise self._broken(column, " or ".join(allowed) or "a text")
        return value

    def formula(self) -> str:
        """Return the text of the column `formula`, which can be read; raises `TableError`."""
        value = self.text("formula")
        try:
            parse_formula(value)
        except CandidateError as error:
            raise self._broken("formula", f"a formula ({error})") from error
        return value

    def number(self, column: str, low: float, high: float, *, blank: bool = False) -> float:
        """Return a number within bounds, NaN for a blank where that is allowed; raises `TableError`."""
        text = self._cells.get(column) or ""
        if blank and not text:
            return nan
        try:
            value = float(text)
        except ValueError:
            raise self._broken(column, "a number") from None
        if not low <= value <= high:
            raise self._broken(column, f"{low:g} to {high:g}")
        return value


class CheckedTable:
    """An embedded CSV, read line by line."""

    def __init__(self, name: str) -> None:
        self.name = name

    def rows(self) -> list[CheckedRow]:
        """Return the lines after the header."""
        with (files("training.properties.stability") / self.name).open(encoding="utf-8") as handle:
            return [CheckedRow(line, cells, self) for line, cells in enumerate(csv.DictReader(handle), start=2)]
