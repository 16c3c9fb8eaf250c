"""Small inputs that were once read as another material, each as it should be: `reading_cases/expected.csv`.

Run this file to see what becomes of each: `python tests/test_reading_cases.py`.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from features.candidate import Candidate, RowError
from features.kinds import read_candidates
from serving.answers.input_tables import read_candidates_file

FOLDER = Path(__file__).with_name("reading_cases")


class Case(NamedTuple):
    """One input and what should become of it: a composition, the code of a warning or error, words of its message."""

    case: str
    reads_as: str
    code: str
    words: str


with (FOLDER / "expected.csv").open(encoding="utf-8", newline="") as handle:
    CASES = [Case(**row) for row in csv.DictReader(handle)]


def outcome(case: str) -> Candidate | RowError:
    """Read a formula, a CIF, or one row of a table."""
    name, _, number = case.partition(" row ")
    path = FOLDER / name
    if number:
        row = read_candidates_file(path).rows[int(number) - 1]
        return row if isinstance(row, RowError) else read_candidates([row.formula], [row.cif], [row.id])[0]
    if path.suffix == ".cif":
        return read_candidates([None], [path.read_text(encoding="utf-8")], [None])[0]
    return read_candidates([case], [None], [None])[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.case)
def test_what_is_asked_is_what_is_read(case: Case) -> None:
    found = outcome(case.case)
    if isinstance(found, RowError):
        assert (case.reads_as, case.code) == ("", found.code)
        assert case.words in found.message
        return
    assert found.read_as == case.reads_as
    if not case.code:  # nothing to say but that there is no lithium
        assert {remark.code for remark in found.remarks} <= {"no_lithium"}
        return
    messages = [remark.message for remark in found.remarks if remark.code == case.code]
    assert any(case.words in message for message in messages)


def test_every_file_of_the_folder_is_a_case() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"expected.csv"}
    assert files == {
        case.case.partition(" row ")[0] for case in CASES if (FOLDER / case.case.partition(" row ")[0]).exists()
    }


if __name__ == "__main__":
    for each in CASES:
        read = outcome(each.case)
        said = f"{read.code}: {read.message}" if isinstance(read, RowError) else f"{read.read_as} {read.remarks}"
        print(f"{each.case}  ->  {said}")  # noqa: T201
