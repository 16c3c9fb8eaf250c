"""Data blocks of a CIF: chosen on the command line, in a request and in a table, or all of them as rows."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from made_cifs import cif

from features.candidate import Candidate, RowError
from serving.answers.input_tables import read_candidate_records, read_candidates_csv
from serving.answers.request import CandidateInput
from serving.cli import EXIT_ROW_FAILED, elyte
from serving.predictor import Predictor
from serving.screening.work import _candidates

SALT = cif().replace("data_test", "data_lithium chloride")
HYDRIDE = cif(sites="Li1 Li 0 0 0 1\nH1 H 0.5 0.5 0.5 1", cell=(4.08, 4.08, 4.08, 90, 90, 90))
TWO = SALT + HYDRIDE.replace("data_test", "data_hydride")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "two.cif"
    path.write_text(TWO, encoding="utf-8")
    return str(path)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(elyte, ["predict", "--property", "conductivity", "--json", *arguments])


def rows(done: Result) -> list[dict[str, Any]]:
    return list(orjson.loads(done.stdout)["results"])


def warnings(row: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in row["warnings"]}


def test_a_block_is_chosen_on_the_command_line(file: str) -> None:
    (first,), (chosen,) = rows(command("--cif", file)), rows(command("--cif", file, "--block", "hydride"))
    assert (first["formula"], chosen["formula"]) == ("LiCl", "LiH")
    assert "several_structures" in warnings(first) - warnings(chosen)
    assert chosen["id"] == "two.cif"


def test_all_blocks_become_rows_in_their_order(file: str) -> None:
    answered = rows(command("--cif", file, "--all-blocks", "Li3N"))
    assert [row["formula"] for row in answered] == ["Li3N", "LiCl", "LiH"]
    assert [row["id"] for row in answered] == [None, "two.cif#lithium_chloride", "two.cif#hydride"]
    assert not any("several_structures" in warnings(row) for row in answered)


def test_all_blocks_of_a_file_without_structures_are_one_row_that_says_so(tmp_path: Path) -> None:
    for text in ("data_x\n_cell_length_a 3\n", "nonsense"):
        (tmp_path / "bad.cif").write_text(text, encoding="utf-8")
        done = command("--cif", str(tmp_path / "bad.cif"), "--all-blocks")
        assert done.exit_code == EXIT_ROW_FAILED
        (row,) = rows(done)
        assert (row["id"], row["error"]["code"]) == ("bad.cif", "unparseable_cif")


@pytest.mark.parametrize("arguments", [["Li3N", "--block", "a"], ["--cif", "FILE", "--block", "a", "--all-blocks"]])
def test_a_block_without_its_file_is_a_mistake_of_use(arguments: list[str], file: str) -> None:
    done = command(*[file if word == "FILE" else word for word in arguments])
    assert done.exit_code == 2
    assert "--block names one data block" in done.stderr


def test_an_unknown_block_fails_its_row_and_names_the_others(file: str) -> None:
    done = command("--cif", file, "--block", "sulfide")
    assert done.exit_code == EXIT_ROW_FAILED
    (row,) = rows(done)
    assert "'lithium_chloride', 'hydride'" in row["error"]["message"]


def test_a_request_chooses_a_block() -> None:
    given = [CandidateInput(cif=TWO, block="hydride"), CandidateInput(formula="Li3N", block="hydride")]
    document = Predictor.load(properties=["conductivity"]).answer(given, properties=["conductivity"])
    assert document["results"][0]["formula"] == "LiH"
    assert document["results"][1]["error"]["code"] == "missing_material"


def test_a_table_chooses_a_block_and_leaves_rows_with_formulas_alone() -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("formula", "cif", "block"), ("", TWO, "hydride"), ("Li3N", "", "s"), ("", TWO, "")])
    expected = [CandidateInput(cif=TWO, block="hydride"), CandidateInput(formula="Li3N"), CandidateInput(cif=TWO)]
    table = read_candidates_csv(buffer.getvalue().encode(), "x")
    assert table.rows == expected
    assert table.ignored == []
    assert read_candidate_records([{"cif": TWO, "block": "hydride"}], "x").rows == expected[:1]


def test_a_screening_chooses_a_block() -> None:
    cells = {"cif": [TWO, TWO, None], "block": ["hydride", None, "d"], "formula": [None, None, "Li3N"]}
    read = _candidates(cells, ["a", "b", "c"])
    assert not any(isinstance(row, RowError) for row in read)
    assert [row.formula for row in read if isinstance(row, Candidate)] == ["LiH", "LiCl", "Li3N"]
