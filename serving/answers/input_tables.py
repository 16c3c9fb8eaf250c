"""Candidates from tables: CSV, JSON lines, Parquet or records at hand, one row each, bad rows kept as errors."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from numbers import Number
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from features.blank_words import is_word_for_missing, is_word_for_nothing
from features.candidate import RowError
from features.errors import CandidateError, RowErrorCode, shown
from features.kinds import DOCUMENT_FIELDS, FIELDS, NAMING_FIELDS
from features.table_files import (
    RawRow,
    RawTable,
    UnreadableCell,
    UnreadableTableError,
    read_csv,
    read_jsonl,
    read_parquet,
    read_records,
    text_of,
)
from serving.answers.conditions import CONDITION_COLUMNS, TEXT_CONDITIONS, Conditions, shared_conditions
from serving.answers.request import MAX_ID_LENGTH, CandidateInput
from serving.answers.rows import ResultRow
from training.properties.conditions import ConditionColumns

MATERIAL_COLUMNS = ("id", *FIELDS)
COLUMNS = MATERIAL_COLUMNS + CONDITION_COLUMNS
MAX_NAMED_COLUMNS = 20  # in a message
SUFFIXES = (".csv", ".jsonl", ".parquet")
_REMEDY = "Save the table with commas between cells and points in numbers"
_NONE = frozenset({"none", "no"})  # of interlayers it is an answer, not a gap


class InputTableError(ValueError):
    """A whole table cannot be used; the message says what was found and what was expected."""


class CandidateTable(NamedTuple):
    """The rows of a table, one entry each, in order; columns that mean nothing here; where each row stands."""

    rows: list[CandidateInput | RowError]
    ignored: list[str]
    places: list[str]


def read_candidates_file(path: Path) -> CandidateTable:
    """Read candidates from a file.

    Parameters
    ----------
    path
        `.csv`, `.jsonl` or `.parquet`, with a column `formula` or `cif`, optionally `id` and conditions.

    Raises
    ------
    InputTableError
        If the file cannot be read, holds no candidates, or a column is named almost like a known one.
    """
    suffix, source = path.suffix.lower(), str(path)
    if suffix not in SUFFIXES:
        raise InputTableError(f"{path}: expected a file that ends in {', '.join(SUFFIXES)}")
    try:
        if suffix == ".parquet":
            return _read_table(read_parquet(path, source, COLUMNS), source)
        text = text_of(path.read_bytes(), source)
        return _read_table(_csv(text, source) if suffix == ".csv" else read_jsonl(text, source), source)
    except UnreadableTableError as error:
        raise InputTableError(str(error)) from error
    except OSError as error:
        raise InputTableError(f"{path} cannot be read: {error.strerror or error}") from error
    except ModuleNotFoundError as error:
        raise InputTableError("reading Parquet needs pyarrow; install elyte[tables]") from error


def read_candidates_csv(data: bytes, source: str, max_rows: int | None = None) -> CandidateTable:
    """Read candidates from the bytes of a CSV table.

    Parameters
    ----------
    data
        A header and rows, separated by commas, quoted as RFC 4180 has it; UTF-8, or what a byte order mark says.
    source
        What messages call the table.
    max_rows
        Reading ends behind so many rows; None reads all.

    Raises
    ------
    InputTableError
        As `read_candidates_file`.
    """
    try:
        return _read_table(_csv(text_of(data, source), source), source, max_rows)
    except UnreadableTableError as error:
        raise InputTableError(str(error)) from error


def read_candidate_records(records: Sequence[Mapping[str, Any]], source: str) -> CandidateTable:
    """Read candidates from records, such as the rows of a pandas frame; None, NaN and blanks mean unknown.

    Raises
    ------
    InputTableError
        As `read_candidates_file`.
    """
    return _read_table(read_records(records), source)


def with_places(rows: Iterable[ResultRow], places: Sequence[str]) -> list[ResultRow]:
    """Return the rows of an answer; the errors among them begin with where their rows stand in the table.

    Parameters
    ----------
    rows
        As `Predictor.answer` gives them, or those that failed in a ranking.
    places
        By the rows' `index`: of `CandidateTable`; "" names nothing.
    """
    return [_with_place(row, places[row["index"]]) if row["status"] == "error" else row for row in rows]


def _with_place(row: ResultRow, place: str) -> ResultRow:
    if not place:
        return row
    return row | {"error": row["error"] | {"message": f"{place}: {row['error']['message']}"}}


def _csv(text: str, source: str) -> RawTable:
    return read_csv(text, source, wanted=COLUMNS, remedy=_REMEDY)


def _read_table(table: RawTable, source: str, max_rows: int | None = None) -> CandidateTable:
    ignored = check_columns(table.headers, source) if any(table.headers) else []
    rows: list[CandidateInput | RowError] = []
    places = []
    for row in islice(table.rows, max_rows):
        rows.append(_read_row(len(rows), row))
        places.append(row.place)
    if not rows:
        raise InputTableError(f"{source} holds no rows")
    return CandidateTable(rows, ignored, places)


def check_columns(columns: Sequence[str], source: str) -> list[str]:
    """Return the columns that mean nothing here.

    Raises
    ------
    InputTableError
        If a column is named almost like a known one, a known one stands twice, or none holds a material.
    """
    names = set(columns)
    unknown = sorted(names - set(COLUMNS))
    plain = {known.lower(): known for known in COLUMNS}
    for name in unknown:
        near = difflib.get_close_matches(name.lower(), plain, n=1, cutoff=0.85)
        if near:
            known = plain[near[0]]
            raise InputTableError(f"{source}: column '{shown(name)}' is not known (did you mean '{known}'?)")
    if not names & {*NAMING_FIELDS}:
        found = ", ".join(shown(name) for name in columns[:MAX_NAMED_COLUMNS]) or "no columns"
        expected = " or ".join(f"'{name}'" for name in NAMING_FIELDS)
        raise InputTableError(f"{source}: expected a column {expected}, found {found}")
    twice = next((name for name in COLUMNS if columns.count(name) > 1), None)
    if twice is not None:
        raise InputTableError(f"{source}: the column '{twice}' stands in the header twice")
    return [name for name in unknown if name]


def _read_row(index: int, row: RawRow) -> CandidateInput | RowError:
    cells = row.cells
    name: str | None = None
    try:
        if row.fault is not None:
            message = f"received {row.fault.received}, expected {row.fault.expected}"
            raise CandidateError(RowErrorCode.UNREADABLE_ROW, message)
        name = text_of_cell("id", cells.get("id"))
        conditions = conditions_of_cells(cells)
        material = material_of(cells)
        return CandidateInput(id=name, conditions=conditions, **material)
    except CandidateError as error:
        code, message = error.code, error.message
    except ValidationError as error:  # of the id alone; the rest was read above
        code, message = RowErrorCode.INVALID_CONDITION, _first(error)
    typed = cells.get("formula")
    name = None if name is None else name[:MAX_ID_LENGTH]
    return RowError(index, name, code, message, typed if isinstance(typed, str) and typed.strip() else None)


def conditions_of_cells(cells: Mapping[str, Any]) -> Conditions:
    """Read the conditions of a row.

    Parameters
    ----------
    cells
        By header; others than those of conditions are passed over. Blanks and words for missing values mean unknown.

    Raises
    ------
    CandidateError
        `invalid_condition` or `unreadable_row`, for the first cell that cannot be used.
    """
    found = {key: _condition(key, cells[key]) for key in CONDITION_COLUMNS if key in cells}
    try:
        return Conditions(**{key: value for key, value in found.items() if value is not None})
    except ValidationError as error:
        raise CandidateError(RowErrorCode.INVALID_CONDITION, _first(error)) from None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    column = ".".join(str(part) for part in first["loc"])
    return f"{column}: received '{shown(str(first['input']))}'; {first['msg'].lower()}"


def material_of(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Read the cells of a row that name its material.

    Parameters
    ----------
    cells
        By header: the fields of any kind of material, each of which may be missing; others are passed over.

    Returns
    -------
    dict
        `formula`, `cif` or both, as they stand, and the `block` of a CIF; a word for nothing is none where the other
        one is given. Or the fields of another kind.

    Raises
    ------
    CandidateError
        `empty_formula` for a word for nothing, `unreadable_row` for a cell that is no text, `invalid_condition` for one
        that is no number.
    """
    documents = {name: cells[name] for name in DOCUMENT_FIELDS if isinstance(cells.get(name), Mapping)}
    given = {name: text_of_cell(name, cells.get(name)) for name in NAMING_FIELDS if name not in documents}
    material: dict[str, Any] = documents | {
        key: text for key, text in given.items() if text is not None and not is_word_for_nothing(text)
    }
    for name, field in FIELDS.items():
        if name in NAMING_FIELDS or name not in cells or (name == "block" and not {"cif", "structure"} & set(material)):
            continue
        text = text_of_cell(name, cells[name])
        if text is not None and not is_word_for_missing(text):
            material[name] = _number(name, cells[name]) if field.is_number else text
    if material or "formula" not in cells:
        return material
    if given["formula"] is None:
        return {"formula": ""}
    received = f"received '{shown(given['formula'])}', which stands for an empty cell"
    message = f"formula: {received}, expected a formula such as Li6PS5Cl; leave the cell empty, or fill it"
    raise CandidateError(RowErrorCode.EMPTY_FORMULA, message)


def text_of_cell(name: str, cell: Any) -> str | None:  # noqa: ANN401
    """Return a cell as text, None for a blank one.

    Raises
    ------
    CandidateError
        `unreadable_row`, if it holds bytes that are no text, or a list.
    """
    if is_blank(cell):
        return None
    if isinstance(cell, str):
        return cell
    if isinstance(cell, UnreadableCell):
        remedy = "save the table as UTF-8 ('CSV UTF-8' in a spreadsheet)"
        raise CandidateError(RowErrorCode.UNREADABLE_ROW, f"{name}: received {cell}, expected text; {remedy}")
    if hasattr(cell, "__len__"):
        kind = "an object" if isinstance(cell, Mapping) else "a list"
        raise CandidateError(RowErrorCode.UNREADABLE_ROW, f"{name}: received {kind}, expected one value a cell")
    return str(cell)


def _condition(name: str, cell: Any) -> float | str | None:  # noqa: ANN401
    """Return what a cell says of a condition, None where it says nothing.

    Raises
    ------
    CandidateError
        If it is no text, or no number where one is expected.
    """
    text = text_of_cell(name, cell)
    if text is None or is_unknown(name, text):
        return None
    return text if name in TEXT_CONDITIONS else _number(name, cell)


def _number(name: str, cell: Any) -> float | None:  # noqa: ANN401
    """Return a cell as a number, None where it says nothing; raises `CandidateError` for one that is none."""
    text = text_of_cell(name, cell)
    if text is None or is_word_for_missing(text):
        return None
    try:
        if text in ("True", "False") or "_" in text:  # Python would read both as numbers
            raise ValueError
        return float(cell)
    except (TypeError, ValueError):
        hint = "; write decimals with a point" if "," in text else ""
        message = f"{name}: received '{shown(text)}', expected a number{hint}"
        raise CandidateError(RowErrorCode.INVALID_CONDITION, message) from None


def is_unknown(name: str, text: str) -> bool:
    """Whether a text in the column of a condition is a word for a missing value, such as `NA`."""
    return is_word_for_missing(text) and not (name in TEXT_CONDITIONS and text.strip().lower() in _NONE)


def is_blank(value: Any) -> bool:  # noqa: ANN401
    """Whether a cell of a table says nothing: None, NaN, what pandas writes for a missing value, or blanks."""
    if isinstance(value, str):
        return not value.strip()
    if value is None or type(value).__name__ == "NAType":  # which refuses to be compared
        return True
    return isinstance(value, Number | datetime) and bool(value != value)


def read_conditions(
    n: int, columns: Mapping[str, Sequence[Any]], general: Conditions | None = None
) -> tuple[ConditionColumns, dict[int, CandidateError]]:
    """Read conditions from the columns of a table; a row's own win over the general ones.

    Parameters
    ----------
    n
        Number of rows.
    columns
        Name of a condition to n cells; blanks and words for missing values leave the general condition.
    general
        What holds for rows that do not say otherwise.

    Returns
    -------
    conditions, errors
        The columns, and what is wrong with rows that cannot be read, by row; such rows keep the general conditions.
    """
    out = shared_conditions(n, general)
    wrong: set[int] = set()
    for name in CONDITION_COLUMNS:
        if name not in columns:
            continue
        known: dict[Any, float | str | CandidateError | None] = {}
        into = out.numbers.get(name, out.texts.get(name))
        assert into is not None
        for row, cell in enumerate(columns[name]):
            if is_blank(cell):
                continue
            key = (type(cell), cell) if isinstance(cell, Hashable) else row
            if key not in known:
                known[key] = _read(name, cell)
            value = known[key]
            if isinstance(value, CandidateError):
                wrong.add(row)
            elif value is not None:
                into[row] = value
    return out, {row: _fault({name: cells[row] for name, cells in columns.items()}) for row in sorted(wrong)}


def _read(name: str, cell: Any) -> float | str | CandidateError | None:  # noqa: ANN401
    """Return the value of one cell, None where it says nothing, or what is wrong with it."""
    try:
        value: float | str | None = getattr(conditions_of_cells({name: cell}), name)
    except CandidateError as error:
        return error
    return value


def _fault(cells: Mapping[str, Any]) -> CandidateError:
    """Return what every other entrance says of such a row."""
    try:
        conditions_of_cells(cells)
    except CandidateError as error:
        return error
    raise AssertionError("a row is only asked about where one of its cells cannot be read")
