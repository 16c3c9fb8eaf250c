"""Candidates from tables: an odd cell is an error of its row alone, and words for nothing are no materials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.candidate import RowError
from serving.answers.input_tables import (
    CandidateTable,
    InputTableError,
    read_candidate_records,
    read_candidates_csv,
    read_candidates_file,
    with_places,
)
from serving.answers.request import CandidateInput


def csv_of(text: str) -> CandidateTable:
    return read_candidates_csv(text.encode(), "x")


def the_row(text: str) -> CandidateInput | RowError:
    (row,) = csv_of(text).rows
    return row


def codes(table: CandidateTable) -> list[str | None]:
    return [str(row.code) if isinstance(row, RowError) else None for row in table.rows]


def error(row: CandidateInput | RowError) -> RowError:
    assert isinstance(row, RowError), row
    return row


@pytest.mark.parametrize("word", ["NaN", "No", "NA", "None", "null", "-", "TRUE", "#N/A", ".", "False", "#REF!"])
def test_a_word_for_nothing_is_an_empty_formula_that_names_it(word: str) -> None:
    row = error(the_row(f"id,formula\na,{word}\n"))
    assert (row.code, row.id) == ("empty_formula", "a")
    assert f"received '{word}', which stands for an empty cell" in row.message


@pytest.mark.parametrize("cell", [True, False, np.bool_(True), "NaN", pd.NaT, "nan"])
def test_so_is_what_data_frames_say_for_nothing(cell: Any) -> None:
    (row,) = read_candidate_records([{"formula": cell, "id": "a"}], "x").rows
    assert row.id == "a"
    assert isinstance(row, RowError) or row.formula == ""


@pytest.mark.parametrize("cell", [None, float("nan"), pd.NA, np.float32("nan"), pd.NaT, "", "  "])
def test_missing_values_are_blank_in_every_column(cell: Any) -> None:
    row = {"formula": "Li3N", "id": cell, "temperature_C": cell, "interlayer_type": cell}
    assert read_candidate_records([row], "x").rows == [CandidateInput(formula="Li3N")]


def test_sodium_stays_sodium() -> None:
    row = the_row("formula\nNa\n")
    assert isinstance(row, CandidateInput)
    assert row.formula == "Na"


def test_a_word_for_nothing_beside_a_cif_leaves_the_cif() -> None:
    row = the_row("formula,cif\nNA,data_x\n")
    assert isinstance(row, CandidateInput)
    assert (row.formula, row.cif) == (None, "data_x")
    row = the_row("formula,cif\nLi3N,None\n")
    assert isinstance(row, CandidateInput)
    assert (row.formula, row.cif) == ("Li3N", None)


@pytest.mark.parametrize("word", ["NA", "NaN", "null", "-", "#N/A", "None"])
def test_a_condition_that_is_missing_is_unknown_and_an_id_stays(word: str) -> None:
    row = the_row(f"id,formula,temperature_C\n{word},Li3N,{word}\n")
    assert row == CandidateInput(id=word, formula="Li3N")


def test_no_interlayer_is_an_answer() -> None:
    row = the_row("formula,interlayer_type\nLi3N,none\n")
    assert isinstance(row, CandidateInput)
    assert row.conditions.interlayer_type == "none"


@pytest.mark.parametrize("cell", ["TRUE", "#REF!", "warm", "1_000", "60,5", "inf", "2026-11-03"])
def test_a_condition_that_is_a_mistake_is_an_error_of_its_row(cell: str) -> None:
    table = csv_of(f'formula,temperature_C\nLi3N,"{cell}"\nLi2O,60\n')
    assert codes(table) == ["invalid_condition", None]


def test_the_odd_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "nan.jsonl"
    path.write_text('{"formula":"Li6PS5Cl"}\n\n{"formula":"Li3N","temperature_C":NaN}\n{"formula":"Li3YCl6"}\n')
    table = read_candidates_file(path)
    assert codes(table) == [None, "unreadable_row", None]
    assert table.places == ["line 1", "line 3", "line 4"]
    assert "received NaN, which JSON does not have" in error(table.rows[1]).message


def test_a_code_page_spoils_the_rows_that_it_matters_to(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes("formula,temperature_C,note\nLi6PS5Cl,25,90° – Müller\nLi3PS4·NH3,25,x\n".encode("cp1252"))
    table = read_candidates_file(path)
    assert codes(table) == [None, "unreadable_row"]
    message = error(table.rows[1]).message
    assert "the byte 0xb7" in message
    assert "CSV UTF-8" in message


def test_utf_16_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_text("id,formula\nMüller,Li3N\n", encoding="utf-16")
    assert read_candidates_file(path).rows == [CandidateInput(id="Müller", formula="Li3N")]


def test_bytes_and_lists_of_parquet(tmp_path: Path) -> None:
    columns = {"formula": pa.array([b"Li6PS5Cl", b"Li\xb7", None]), "id": pa.array([["a"], ["b"], None])}
    pq.write_table(pa.table({"formula": columns["formula"]}), tmp_path / "a.parquet")
    assert codes(read_candidates_file(tmp_path / "a.parquet")) == [None, "unreadable_row", None]
    pq.write_table(pa.table(columns), tmp_path / "b.parquet")
    table = read_candidates_file(tmp_path / "b.parquet")
    assert codes(table) == ["unreadable_row", "unreadable_row", None]
    assert error(table.rows[0]).message == "id: received a list, expected one value a cell"
    pq.write_table(pa.table({"formula": [{"a": 1}], "temperature_C": [[1.0]]}), tmp_path / "c.parquet")
    assert codes(read_candidates_file(tmp_path / "c.parquet")) == ["unreadable_row"]


def test_numbers_as_text_dates_and_categories_are_taken_as_they_stand(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": pd.to_datetime(["2026-11-03", "2026-11-04"]),
            "formula": pd.Categorical(["Li3N", "Li2O"]),
            "temperature_C": ["60", " 25.5 "],
            "anode": [None, None],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    first, second = read_candidates_file(tmp_path / "t.parquet").rows
    assert isinstance(first, CandidateInput)
    assert isinstance(second, CandidateInput)
    assert (first.id, first.formula, first.conditions.temperature_C) == ("2026-11-03 00:00:00", "Li3N", 60.0)
    assert second.conditions.temperature_C == 25.5
    frame["temperature_C"] = frame["id"]
    frame.to_parquet(tmp_path / "t.parquet")
    assert codes(read_candidates_file(tmp_path / "t.parquet")) == ["invalid_condition"] * 2


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("t.csv", b"PK\x03\x04", "Excel workbook"),
        ("t.jsonl", b"\x1f\x8b\x08", "gzip"),
        ("t.parquet", b"formula\nLi3N\n", "no Parquet file"),
        ("t.jsonl", json.dumps([{"formula": "Li3N"}]).encode(), "one JSON array"),
        ("t.csv", b"formula;temperature_C\nLi3N;60,5\n", "semicolons; expected commas. Save the table with commas"),
        ("t.csv", b"id,formula,formula\n", "'formula' stands in the header twice"),
        ("t.csv", "formula\nLi3N\n".encode("utf-16-le"), "UTF-16 without"),
        ("t.csv", b"", "holds no rows"),
        ("t.xlsx", b"PK", "expected a file that ends in .csv, .jsonl, .parquet"),
    ],
)
def test_a_file_that_is_another_thing_is_refused_in_words(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputTableError, match=words):
        read_candidates_file(tmp_path / name)


def test_errors_begin_with_the_place_of_their_row() -> None:
    failed = {"index": 1, "status": "error", "error": {"code": "x", "message": "words"}}
    good = {"index": 0, "status": "ok"}
    assert with_places([good, failed], ["line 2", "line 5"]) == [
        good,
        failed | {"error": {"code": "x", "message": "line 5: words"}},
    ]
    assert with_places([failed], ["", ""]) == [failed]
