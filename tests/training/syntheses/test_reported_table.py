"""Reading the mined tables: what is kept, what is refused, which step a word names."""

from __future__ import annotations

import json
import lzma
import math
from pathlib import Path
from typing import Any

import pytest

from training.sources import missing
from training.syntheses import table
from training.syntheses.table import SOLID_STATE, SYNTMTE, HeatingStep, read_syntheses, step_of

needs_tables = pytest.mark.skipif(
    bool(missing([SOLID_STATE, *SYNTMTE.values()])), reason="needs the public tables (elyte data fetch)"
)


def _heated(word: str, temperature: float, unit: str = "C", hours: float = 5.0, air: str = "") -> dict[str, Any]:
    said = {"values": [temperature], "units": unit}
    conditions = {
        "heating_temperature": [said],
        "heating_time": [{"values": [hours], "units": "h"}],
        "heating_atmosphere": [air] if air else [],
    }
    return {"type": "HeatingOperation", "token": word, "conditions": conditions}


def _reaction(operations: list[dict[str, Any]], doi: str = "10.1016/j.ssi.2012.03.045") -> dict[str, Any]:
    bottles = ["Li2CO3", "ZrO2", "O2", "Y2O3"]
    return {
        "doi": doi.upper(),
        "targets_string": ["Li2ZrO3"],
        "reaction": {"left_side": [{"material": bottle} for bottle in bottles[:3]]},
        "precursors": [{"material_formula": bottle} for bottle in bottles],
        "operations": operations,
        "paragraph_string": "never to be kept",
    }


def _read(folder: Path, reactions: list[dict[str, Any]]) -> list[table.ReportedSynthesis]:
    path = folder / "reactions.json.xz"
    path.write_bytes(lzma.compress(json.dumps({"reactions": reactions}).encode()))
    return list(table._reactions(path, {}))


def test_gases_and_what_does_not_balance_are_no_precursors(tmp_path: Path) -> None:
    [row] = _read(tmp_path, [_reaction([])])
    assert row.precursors == ("Li2CO3", "ZrO2")
    assert (row.doi, row.year, row.has_all_sources) == ("10.1016/j.ssi.2012.03.045", 2012, True)


def test_of_several_steps_of_a_kind_the_hottest_counts_with_its_time(tmp_path: Path) -> None:
    steps = [
        _heated("calcined", 700.0, hours=2.0),
        _heated("calcined", 900.0, hours=6.0),
        _heated("sintered", 1373.15, "K"),
    ]
    [row] = _read(tmp_path, [_reaction([*steps, _heated("fired", 950.0, air="oxygen")])])
    assert row.heating[HeatingStep.CALCINATION] == (900.0, 6.0)
    assert row.heating[HeatingStep.SINTERING].temperature_C == pytest.approx(1100.0)
    assert row.heating[HeatingStep.OTHER].temperature_C == 950.0
    assert row.atmosphere == "oxygen"


@pytest.mark.parametrize(("temperature", "unit"), [(9999.0, "C"), (20.0, "C"), (300.0, "F")])
def test_impossible_temperatures_and_unknown_units_are_not_reported(
    tmp_path: Path, temperature: float, unit: str
) -> None:
    [row] = _read(tmp_path, [_reaction([_heated("sintered", temperature, unit)])])
    assert math.isnan(row.heating[HeatingStep.SINTERING].temperature_C)


def test_a_year_after_the_tables_end_is_a_misread_doi(tmp_path: Path) -> None:
    [row] = _read(tmp_path, [_reaction([], doi="10.1016/j.x.2025.01.001")])
    assert row.year == 0


def test_words_name_steps() -> None:
    assert step_of("Sintering") is HeatingStep.SINTERING
    assert step_of("pre-sintered") is step_of("heated") is HeatingStep.OTHER
    assert step_of("annealing") is step_of("precalcined") is HeatingStep.CALCINATION


@needs_tables
def test_the_tables_hold_what_their_readme_says() -> None:
    rows = read_syntheses()
    cleaned = [row for row in rows if row.split == "test"]
    counts = [sum(not math.isnan(row.heating[step].temperature_C) for row in cleaned) for step in (0, 1)]
    assert counts == [534, 674]
    assert all(2017 <= row.year <= 2020 for row in cleaned)
    mined = [row for row in rows if not row.split]
    assert len(mined) > 25_000
    assert sum("Li" in row.target for row in mined) > 3_000
    assert all(
        len(text) < 300 for row in mined for text in (row.target, row.atmosphere, *row.precursors)
    )  # no sentence
