"""Raw rows of CSV, JSON lines, Parquet and records: one odd line or cell stays with its row, which knows its place."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.table_files import (
    RawRow,
    RawTable,
    UnreadableCell,
    UnreadableTableError,
    column_cells,
    read_csv,
    read_jsonl,
    read_parquet,
    read_records,
    text_of,
)

TABLE = "formula,temperature_C\nLi3N,25\nLi2O,60\n"


def csv_rows(data: bytes | str, **more: Any) -> list[RawRow]:
    raw = data.encode() if isinstance(data, str) else data
    return list(read_csv(text_of(raw, "x"), "x", **more).rows)


def jsonl_rows(text: str) -> list[RawRow]:
    return list(read_jsonl(text_of(text.encode(), "x"), "x").rows)


def cells_of(rows: list[RawRow]) -> list[dict[str, Any]]:
    return [dict(row.cells) for row in rows]


# ---------------------------------------------------------------- what a file is


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_read_in_the_encodings_that_can_be_told(encoding: str) -> None:
    assert text_of("Li3PS4·NH3 µ".encode(encoding), "x") == "Li3PS4·NH3 µ"


@pytest.mark.parametrize("mark", ["\ufeff", "\ufeff\ufeff"])
def test_big_endian_utf_16_and_repeated_marks_are_read_too(mark: str) -> None:
    assert cells_of(csv_rows((mark + TABLE).encode("utf-16-be"))) == cells_of(csv_rows(TABLE))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04...", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0...", "old Excel workbook"),
        (gzip.compress(b"formula\nLi3N\n"), "gzip"),
        (b"PAR1....", "Parquet file; give it a name that ends in .parquet"),
        (b"%PDF-1.7", "PDF"),
        (TABLE.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (TABLE.encode("utf-16-be"), "UTF-16 without a byte order mark"),
        (b"\xff\xfe" + TABLE.encode("utf-16-le")[:-1], "UTF-16 text and is cut off"),
        (bytes(100), "no plain text"),
    ],
)
def test_what_is_no_text_is_refused_with_the_remedy(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableTableError, match=words):
        text_of(data, "the file")


def test_a_byte_of_a_code_page_spoils_its_cell_alone() -> None:
    rows = csv_rows("formula,note\nLi6PS5Cl,90° – Müller\nLi3PS4·NH3,x\n".encode("cp1252"))
    assert rows[0].cells["formula"] == "Li6PS5Cl"
    assert isinstance(rows[0].cells["note"], UnreadableCell)
    assert "byte 0xb7" in str(rows[1].cells["formula"])
    assert (rows[1].cells["note"], rows[1].line) == ("x", 3)


def test_a_nul_character_spoils_its_cell_alone() -> None:
    rows = csv_rows(b"formula,note\nLi3\0N,a\nLi2O,b\n")
    assert "NUL" in str(rows[0].cells["formula"])
    assert rows[1].cells["formula"] == "Li2O"


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r"),
        TABLE.replace("\n", "\r\n"),
        "sep=,\n" + TABLE,
        '"sep=,"\r\n' + TABLE,
        '\ufeff"formula","temperature_C"\nLi3N,25\nLi2O,60\n',
        "formula,temperature_C,,\nLi3N,25,,\nLi2O,60,,\n",
        "formula,temperature_C\nLi3N,25,,,\nLi2O,60,\n",
        TABLE + ",\n,\n , \n",
        ",,\n" + TABLE,
    ],
)
def test_what_spreadsheets_add_means_nothing(text: str) -> None:
    assert cells_of(csv_rows(text)) == cells_of(csv_rows(TABLE))


def test_rows_name_the_line_where_they_begin() -> None:
    rows = csv_rows('id,formula\n\n"two\nlines",Li3N\n,\nb,Li2O,x\nc,Li2S\n')
    assert [row.place for row in rows] == ["line 3", "line 5", "line 6", "line 7"]
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert rows[1].cells == {"id": "", "formula": ""}
    assert rows[2].fault is not None
    assert rows[2].fault.is_too_long
    assert rows[2].fault.received == "3 cells: b,Li2O,x"


def test_a_quotation_mark_inside_a_cell_spoils_one_row() -> None:
    rows = csv_rows('id,formula\n"5" pellet,Li3N\nb,Li2O\n')
    assert rows[0].fault is not None
    assert "quotation mark" in rows[0].fault.received
    assert rows[1].cells == {"id": "b", "formula": "Li2O"}


def test_a_quotation_mark_that_takes_in_other_rows_is_named_by_its_line() -> None:
    with pytest.raises(UnreadableTableError, match="line 3: a quotation mark is opened there"):
        csv_rows('id,formula\na,Li3N\nb,"Li2O\nc,Li2S\n')
    with pytest.raises(UnreadableTableError, match="line 2: a quotation mark is opened there"):
        csv_rows('id,formula\nb,"Li2O\nc,"Li2S\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("formula;temperature_C\nLi3N;60,5\n", "separated by semicolons; expected commas. Remedy"),
        ('"formula";"temperature_C"\n"Li3N";"60,5"\n', "semicolons"),
        ("sep=;\nformula;temperature_C\n", "semicolons"),
        ("sep=|\nformula|temperature_C\n", "something else"),
        ("formula\ttemperature_C\n", "tabs"),
    ],
)
def test_other_separators_are_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(UnreadableTableError, match=words):
        csv_rows(text, remedy="Remedy")


def test_only_wanted_columns_are_kept_and_a_quoted_semicolon_is_no_separator() -> None:
    rows = csv_rows('formula,"a;b;c"\nLi3N,x\n', wanted={"formula"})
    assert cells_of(rows) == [{"formula": "Li3N"}]


# ---------------------------------------------------------------- JSON lines


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"formula": NaN}', "NaN, which JSON does not have"),
        ('{"formula": "Li3N", "temperature_C": -Infinity}', "-Infinity"),
        ('{"formula": Li3N}', "Expecting value at character 13"),
        ('{"formula": "Li3N"', "at character"),
        ('["Li3N"]', "Li3N"),
        ('"Li3N"', "Li3N"),
        ('{"formula": "Li3N", "formula": "Li2O"}', "the key 'formula' twice"),
        ("[" * 100_000, "nested without end"),
        ('{"temperature_C": ' + "1" * 5000 + "}", "thousands of digits"),
    ],
)
def test_one_bad_line_spoils_one_row(line: str, words: str) -> None:
    rows = jsonl_rows('{"formula": "Li6PS5Cl"}\n\n' + line + '\n{"formula": "Li3YCl6"}\n')
    assert [row.line for row in rows] == [1, 3, 4]
    assert rows[1].fault is not None
    assert words in rows[1].fault.received
    assert [rows[0].cells, rows[2].cells] == [{"formula": "Li6PS5Cl"}, {"formula": "Li3YCl6"}]


def test_a_bad_line_may_be_the_first() -> None:
    rows = jsonl_rows('{"formula": NaN}\n{"formula": "Li3N"}\n')
    assert rows[0].fault is not None
    assert rows[1].cells == {"formula": "Li3N"}


def test_marks_and_line_ends_of_joined_files_mean_nothing() -> None:
    text = '\ufeff{"formula": "Li3N"}\r\n\ufeff{"formula": "Li2O"}\r\n'
    assert cells_of(jsonl_rows(text)) == [{"formula": "Li3N"}, {"formula": "Li2O"}]


def test_a_lone_surrogate_and_a_byte_that_is_no_utf_8_spoil_their_cells() -> None:
    text = text_of(b'{"formula": "Li3N", "id": "M\xfcller"}\n{"formula": "\\ud800"}\n', "x")
    rows = list(read_jsonl(text, "x").rows)
    assert (rows[0].cells["formula"], str(rows[0].cells["id"])[:13]) == ("Li3N", "the byte 0xfc")
    assert "surrogate" in str(rows[1].cells["formula"])


@pytest.mark.parametrize("document", [[{"formula": "Li3N"}], {"candidates": [{"formula": "Li3N"}]}])
@pytest.mark.parametrize("indent", [None, 2])
def test_one_document_is_refused_in_words(document: Any, indent: int | None) -> None:
    if isinstance(document, dict) and indent is None:
        assert len(jsonl_rows(json.dumps(document))) == 1  # one line, and so one row
        return
    with pytest.raises(UnreadableTableError, match=r"is one JSON (array|document); expected one JSON object a line"):
        jsonl_rows(json.dumps(document, indent=indent))


# ---------------------------------------------------------------- Parquet and records


def written(tmp_path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=2)
    return tmp_path / "t.parquet"


def test_every_type_of_column_is_read(tmp_path: Path) -> None:
    day = dt.datetime(2026, 11, 3, 12)
    path = written(
        tmp_path,
        binary=pa.array([b"Li3N", b"Li\xb7", None], pa.binary()),
        large=pa.array(["Li3N", None, "µ"], pa.large_string()),
        category=pa.array(["a", "b", "a"]).dictionary_encode(),
        bytes_category=pa.array([b"a", b"b", b"a"]).dictionary_encode(),
        nothing=pa.nulls(3),
        time=pa.array([day, None, day], pa.timestamp("ns")),
        listed=pa.array([["Li3N"], [], None]),
        struct=pa.array([{"a": 1}, None, {"a": 2}]),
        decimal=pa.array([1, None, 2]).cast(pa.decimal128(20, 1)),
    )
    table = read_parquet(path, "x")
    assert list(table.headers)[:2] == ["binary", "large"]
    first, second, third = table.rows
    assert [row.place for row in (first, second, third)] == ["row 1", "row 2", "row 3"]
    assert (first.cells["binary"], first.cells["category"], first.cells["bytes_category"]) == ("Li3N", "a", "a")
    assert "byte 0xb7" in str(second.cells["binary"])
    assert third.cells["binary"] is None
    assert third.cells["large"] == "µ"
    assert [row.cells["nothing"] for row in (first, second, third)] == [None] * 3
    assert first.cells["time"] == pd.Timestamp(day)
    assert first.cells["listed"] == ["Li3N"]
    assert float(first.cells["decimal"]) == 1.0


def test_a_text_column_with_bytes_that_are_none_spoils_one_cell() -> None:
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"Li\xb7", b"Li3N"], pa.binary()).buffers())
    cells = column_cells(bad)
    assert isinstance(cells[0], UnreadableCell)
    assert cells[1] == "Li3N"


def test_only_wanted_columns_of_parquet_are_read(tmp_path: Path) -> None:
    rows = read_parquet(written(tmp_path, formula=["Li3N"], note=["x"]), "x", wanted={"formula"}).rows
    assert cells_of(list(rows)) == [{"formula": "Li3N"}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"formula\nLi3N\n", "is no Parquet file; give it a name"),
        (b"PK\x03\x04......", "Excel workbook"),
        (b"PAR1 and then nothing", "no whole Parquet file"),
        (b"", "is no Parquet file"),
    ],
)
def test_what_is_no_parquet_file_is_refused_in_words(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "t.parquet").write_bytes(data)
    with pytest.raises(UnreadableTableError, match=words):
        read_parquet(tmp_path / "t.parquet", "x")


def test_records_are_rows_too() -> None:
    table: RawTable = read_records([{"formula": b"Li3N"}, {"formula": "Li2O", "id": 7}])
    assert list(table.headers) == ["formula", "id"]
    assert cells_of(list(table.rows)) == [{"formula": "Li3N"}, {"formula": "Li2O", "id": 7}]


def test_names_of_columns_can_always_be_written() -> None:
    """Answers name columns that are not used; bytes of a code page in a name must not break them."""
    table = read_csv(text_of(b"formula,temp\xb5rature_C\nLi3N,25\n", "a table"), "a table")
    assert list(table.headers) == ["formula", "temp?rature_C"]
