"""Formulas of the tables are read as the first version read them, and what is read survives being written down."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import reading

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("corpus", reading.CORPORA, ids=lambda corpus: f"{Path(corpus.name).stem} {corpus.column}")
def test_no_formula_of_a_table_changed_its_reading(corpus: reading.Corpus, find_table: Callable[[str], Path]) -> None:
    if "/" not in corpus.name:
        find_table(corpus.name)
    assert reading.digest_of(reading.formulas_of(corpus)) == (corpus.distinct, corpus.digest)


def test_a_single_changed_reading_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = reading.digest_of(["Li3N", "Li6PS5Cl"])
    monkeypatch.setattr(reading, "parse_formula", lambda text: {"Li": 3.0, "N": 1.0 + (text == "Li3N") * 1e-6})
    assert reading.digest_of(["Li3N", "Li6PS5Cl"]) != before


def test_what_is_read_survives_being_written_and_read_again() -> None:
    result = reading.fuzz(4_000)
    assert result["changed"] == []
    assert result["mutated"] == 4_000
    assert isinstance(result["read"], int)
    assert result["read"] > 1_000


@pytest.mark.parametrize("text", ["S1.5NH3", "Li1P1O1N1", "Li20.0", "Na1N1", "P1V1C1", "C1I4", "Li4Ti5012.0"])
def test_spellings_that_would_mislead_are_avoided_when_written(text: str) -> None:
    assert reading.survives(text) is True


def test_a_formula_that_is_refused_is_neither_changed_nor_kept() -> None:
    assert reading.survives("Li3P04") is None
