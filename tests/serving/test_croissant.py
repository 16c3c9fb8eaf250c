"""`elyte data croissant`: MLCommons' own reader takes the document, and reads from it what stands in the tables."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
from click.testing import CliRunner

from serving.commands.data import data
from training.croissant import CONFORMS_TO, CROISSANT_FILE
from training.embedded_tables import CellType, EmbeddedTable
from training.properties import registry

TABLES = [table for one in registry.properties() for table in one.embedded_tables()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document with its tables, as the command writes them."""
    target = tmp_path_factory.mktemp("croissant")
    done = CliRunner().invoke(data, ["croissant", "--output", str(target)])
    assert done.exit_code == 0, done.output
    return target


@pytest.fixture(scope="module")
def dataset(folder: Path) -> mlcroissant.Dataset:
    return mlcroissant.Dataset(jsonld=folder / CROISSANT_FILE)


def cells_of(table: EmbeddedTable) -> list[dict[str, str]]:
    with table.path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_official_reader_finds_no_error(dataset: mlcroissant.Dataset) -> None:
    assert list(dataset.metadata.ctx.issues.errors) == []
    assert str(dataset.metadata.ctx.conforms_to.value) == CONFORMS_TO
    assert {records.id for records in dataset.metadata.record_sets} == {table.key for table in TABLES}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.key)
def test_every_record_is_what_stands_in_the_table(dataset: mlcroissant.Dataset, table: EmbeddedTable) -> None:
    rows, records = cells_of(table), list(dataset.records(record_set=table.key))
    assert len(rows) == len(records) > 0
    for row, record in zip(rows, records, strict=True):
        for column in table.columns():
            assert same(row[column.name], record[f"{table.key}/{column.name}"], column.type), (row, column.name)


def same(text: str, found: Any, kind: CellType) -> bool:
    """Whether a cell and what was read from it are one; a blank cell is NaN or None."""
    if not text.strip():
        return found is None or found == b"" or (isinstance(found, float) and math.isnan(found))
    if kind is CellType.TEXT:
        # pandas reads a text column of numbers as numbers before it is made text
        told = found.decode() if isinstance(found, bytes) else str(found)
        return told == text or float(told) == float(text)
    return float(found) == float(text)


def test_a_table_that_was_changed_is_noticed(folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / CROISSANT_FILE).read_text())
    for table in TABLES:
        (tmp_path / f"{table.key}.csv").write_bytes(table.path.read_bytes() + b"x")
    (tmp_path / CROISSANT_FILE).write_text(json.dumps(document))
    broken = mlcroissant.Dataset(jsonld=tmp_path / CROISSANT_FILE)
    with pytest.raises(Exception, match="Download"):
        list(broken.records(record_set=TABLES[0].key))


def test_columns_are_those_of_the_files_and_say_what_is_expected() -> None:
    assert len({table.key for table in TABLES}) == len(TABLES) >= 6
    for table in TABLES:
        numbers = [column for column in table.columns() if column.type is not CellType.TEXT]
        assert numbers
        for column in numbers:
            for row in cells_of(table):
                float(row[column.name] or "nan")
    documented = {c.name: c.expected for t in TABLES if t.key == "ccd_literature" for c in t.columns()}
    assert documented["temperature_C"] == "-60 to 400 C"
    assert documented["is_lower_bound"] == "0 or 1"


def test_without_a_folder_the_document_is_printed() -> None:
    done = CliRunner().invoke(data, ["croissant"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["@type"] == "sc:Dataset"
