"""Tables that are checked before use: every violation is reported at once, by line and id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

_NUMBER = "a number"
_PANDERA_TERMS = {
    "not_nullable": "a value",
    "field_uniqueness": "a value that no other row has",
    "column_in_dataframe": "this column",
    "column_in_schema": "no such column",
    "multiple_fields_uniqueness": "a combination that no other row has",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One cell that breaks a rule of its table.

    Parameters
    ----------
    line
        Line of the file, the header being line 1; None where the whole table is meant.
    row_id
        Id of the row, "" where there is none.
    column
        Column name, or the columns a rule across columns compares.
    value
        What was received, as text.
    expectation
        What was expected, in words.
    """

    line: int | None
    row_id: str
    column: str
    value: str
    expectation: str

    def __str__(self) -> str:
        place = "table" if self.line is None else f"line {self.line}"
        name = f" ({self.row_id})" if self.row_id else ""
        received = f" '{self.value}'" if self.value else ""
        return f"{place}{name}, {self.column}: received{received or ' nothing'}, expected {self.expectation}"


class TableError(ValueError):
    """A table breaks its schema; `violations` lists every cell, the message all of them in words."""

    def __init__(self, table: str, violations: tuple[Violation, ...]) -> None:
        self.table = table
        self.violations = violations
        lines = "\n".join(f"  {violation}" for violation in violations)
        super().__init__(f"{table} breaks its schema in {len(violations)} place(s):\n{lines}")


def read_csv_as_text(path: Path) -> pd.DataFrame:
    """Read a CSV with every cell as stripped text, blanks as "": an id like `1e5` stays what it is.

    Blank lines are left out; the index still counts them, so that `validate` can name lines.

    Raises
    ------
    TableError
        If the file is no UTF-8 text or no CSV.
    """
    import warnings

    import pandas as pd
    from pandas.errors import EmptyDataError, ParserError, ParserWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)  # cells beyond the header would be cut off
            table = pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
                index_col=False,
                skip_blank_lines=False,
            )
    except (UnicodeDecodeError, ParserError, EmptyDataError, ParserWarning) as error:
        violation = Violation(None, "", path.name, "", f"a CSV file in UTF-8 ({error})")
        raise TableError(path.name, (violation,)) from error
    stripped: pd.DataFrame = table.apply(lambda column: column.str.strip())
    return stripped[(stripped != "").any(axis=1)]


def numbers(texts: pd.Series[str]) -> pd.Series[Any]:
    """Return texts as floats where they are numbers, blanks as NaN, and other texts as they are.

    The last are left to the schema, which names them; they must not become NaN in silence.
    """
    import pandas as pd

    values = pd.to_numeric(texts.where(texts != ""), errors="coerce")
    unread = (texts != "") & values.isna() & ~texts.str.lower().isin(["nan"])
    return values.astype(object).where(~unread, texts) if unread.any() else values.astype(float)


def validate(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, *, table: str, id_column: str, first_line: int = 2
) -> pd.DataFrame:
    """Return the table with the schema's types, or report everything that is wrong with it.

    Parameters
    ----------
    frame
        Rows of a file, as `read_csv_as_text` gives them: the index counts the lines after the header.
    schema
        Pandera schema whose checks carry their expectation as `error`.
    table
        Name for the message: a path, or what the table is.
    id_column
        Column that names a row for the reader.
    first_line
        Line of the file for index 0.

    Raises
    ------
    TableError
        With one `Violation` per broken rule and cell.
    """
    import warnings

    from pandera.errors import SchemaErrors

    plain = frame.reset_index(drop=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pandera's own way of joining its failure cases
            checked: pd.DataFrame = schema.validate(plain, lazy=True)
    except SchemaErrors as error:
        cases = [case for case in error.failure_cases.to_dict("records") if not _is_echo(case)]
        ids = plain[id_column].astype(str) if id_column in plain else None
        found = {_violation(case, plain, ids, first_line + frame.index) for case in cases}
        no_numbers = {(v.line, v.column) for v in found if v.expectation == _NUMBER}
        told = [v for v in found if v.expectation == _NUMBER or (v.line, v.column) not in no_numbers]
        ordered = sorted(told, key=lambda v: (v.line or 0, v.column, v.expectation))
        raise TableError(table, tuple(ordered)) from None
    return checked.set_axis(frame.index)


def _is_echo(case: dict[Any, Any]) -> bool:
    """Whether a case only says that a range could not be compared with a text, which is a case of its own."""
    return str(case["failure_case"]).startswith("TypeError(")


def _violation(
    case: dict[Any, Any], frame: pd.DataFrame, ids: pd.Series[str] | None, lines: pd.Index[int]
) -> Violation:
    import pandas as pd

    check = str(case["check"])
    column = case["column"]
    if check in ("column_in_dataframe", "column_in_schema"):
        return Violation(None, "", str(case["failure_case"]), "", _PANDERA_TERMS[check])
    expectation = _PANDERA_TERMS.get(check, check)
    if "dtype(" in check or check.startswith("coerce_dtype"):
        expectation = _NUMBER if "float" in check or "int" in check else f"a value of type {check}"
    row = case["index"]
    if pd.isna(row):
        return Violation(None, "", str(column), str(case["failure_case"]), expectation)
    row = int(row)
    line, row_id = int(lines[row]), "" if ids is None else str(ids.iloc[row])
    if case["schema_context"] == "DataFrameSchema":  # a rule across columns, reported once for each of them
        return Violation(line, row_id, "row", "", expectation)
    value = frame[column].iloc[row]
    return Violation(line, row_id, str(column), "" if pd.isna(value) else str(value), expectation)
