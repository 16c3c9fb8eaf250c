"""A job made of two functions, on a small table: what is new, left out, contradicted and written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from training.bundle import Card, DataSource, GoldenPrediction, load_bundle, stamped
from training.measurements.training_rows import TrainingRows
from training.refitting.champion import Champion
from training.refitting.plain_job import (
    PlainJob,
    PlainRecipe,
    contradictions,
    golden_rows,
    leave_sources_out,
    rows_of_ledger,
)
from training.refitting.property_job import PropertyJob
from training.refitting.training_set import Tables, is_fitted_on
from training.retraining.background import BackgroundProcess
from training.uncertainty import Interval

METALS = ("Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd", "Al", "Y")


class Mean:
    """The mean of what was learnt, give or take one."""

    def __init__(self, value: float) -> None:
        self.value = value

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"value": np.array([self.value])}


def fit(rows: pd.DataFrame) -> Mean:
    return Mean(float(rows["value"].mean()))


def predict(model: Mean, rows: pd.DataFrame, coverage: float) -> Interval:
    value = np.full(len(rows), model.value)
    return Interval(value, value - 1.0, value + 1.0)


def tables() -> Tables:
    """Return twelve chlorides of as many papers, the last of which gives only a lower bound."""
    names = [f"row{number}" for number in range(len(METALS))]
    frame = pd.DataFrame(
        {
            "row_id": names,
            "formula": [f"{metal}Cl" for metal in METALS],
            "value": np.arange(len(METALS)) / 10.0,
            "paper": [f"10.1/{name}" for name in names],
            "bound": [""] * (len(METALS) - 1) + ["lower"],
        }
    )
    return frame, [DataSource(name="t", rows=12, licence="MIT", attribution="a test", sha256="0" * 64)], []


def card(model: Mean, sources: Sequence[DataSource], recipe: dict[str, Any]) -> Card:
    return Card(
        property="mean",
        summary="A mean.",
        intended_use="A test.",
        limitations=["All."],
        data=list(sources),
        recipe=recipe,
        metrics={},
        metrics_command="none",
        model={},
        golden=[GoldenPrediction(formula="NaCl", temperature_C=25.0, values={"mean": model.value})],
        **stamped(["numpy"]),
    )


JOB = PlainJob("mean", "size_nm", PlainRecipe(tables, fit, predict, card, {"about": "a mean"}), unit="nm")


def ledger(*rows: tuple[str, float, str], content_hash: str = "1" * 64) -> TrainingRows:
    """Return entries as the ledger has them: formula, value, DOI (or a reference, where it has no slash)."""
    columns = {
        "entry": list(range(1, len(rows) + 1)),
        "formula": [row[0] for row in rows],
        "size_nm": [row[1] for row in rows],
        "doi": [row[2] if "/" in row[2] else "" for row in rows],
        "reference": ["" if "/" in row[2] else row[2] for row in rows],
    }
    return TrainingRows(pd.DataFrame(columns), content_hash, {})


@pytest.fixture
def champion(tmp_path: Path) -> Champion:
    """Return the model of the table alone."""
    empty = JOB.read(ledger(), None)
    digest = JOB.fit(empty, tmp_path / "champion", lambda what: None).digest
    bundle = load_bundle(tmp_path / "champion", expected_property="mean", expected_digest=digest)
    return Champion("1", digest, bundle, Mean(float(bundle.arrays["value"][0])))


def test_it_is_a_job() -> None:
    job: PropertyJob = JOB
    assert job.name == "mean"
    assert job.recipe() == {"about": "a mean"}
    assert job.n_steps > len(METALS)
    job.check_tables()


def test_rows_of_the_ledger_get_the_columns_of_the_table() -> None:
    raw = ledger(("LiCl", 10.0, "10.9/a|10.9/b"), ("LiBr", float("nan"), "10.9/a"), ("LiI", 100.0, "Notebook 7"))
    rows = rows_of_ledger(raw.table, "size_nm", tables()[0], is_log10=True)
    assert list(rows["row_id"]) == ["ledger1", "ledger3"]
    assert list(rows["value"]) == [1.0, 2.0]
    assert list(rows["paper"]) == ["10.9/a", "ref:notebook 7"]
    assert list(rows["bound"]) == ["", ""]


def test_what_the_champion_learnt_is_not_new_again(champion: Champion, tmp_path: Path) -> None:
    first = JOB.read(ledger(("LiCl", 0.5, "10.9/a"), content_hash="1" * 64), champion)
    assert (first.n_new, len(first.table), len(first.base)) == (1, 13, 12)
    digest = JOB.fit(first, tmp_path / "second", lambda what: None).digest
    bundle = load_bundle(tmp_path / "second", expected_property="mean", expected_digest=digest)
    assert is_fitted_on(bundle.card, first, JOB.recipe())
    second = Champion("2", digest, bundle, Mean(0.0))
    both = ledger(("LiCl", 0.5, "10.9/a"), ("LiBr", 0.6, "10.9/b"), content_hash="2" * 64)
    later = JOB.read(both, second)
    assert list(later.table["formula"][later.is_new]) == ["LiBr"]
    assert list(later.base["row_id"])[-1] == "ledger1"
    assert JOB.read(ledger(content_hash="3" * 64), second).rows_removed == 1


def test_without_new_rows_there_is_nothing_to_examine(champion: Champion) -> None:
    same = JOB.read(ledger(), champion)
    assert JOB.new_rows(same, champion) is None
    assert JOB.examine(same, champion, lambda what: None) is None
    assert JOB.neighbours(same, 1.0) == []


def test_new_rows_are_predicted_with_and_without_the_other_new_sources(champion: Champion) -> None:
    given = ledger(("LiCl", 5.0, "10.9/a"), ("Li2Cl2", 5.0, "10.9/b"), ("LiBr", 0.5, "10.9/c"))
    new = JOB.examine(JOB.read(given, champion), champion, lambda what: None)
    assert new is not None
    assert (new.n_rows, new.n_sources, new.n_materials, new.covered_materials) == (3, 3, 2, 1)
    assert new.mae_champion == pytest.approx((4.45 + 4.45 + 0.05) / 3)
    assert new.mae_left_out != new.mae_champion


def test_the_champion_answers_to_new_rows(champion: Champion) -> None:
    said = JOB.new_rows(JOB.read(ledger(("LiCl", 0.5, "10.9/a")), champion), champion)
    assert said is not None
    assert (list(said.row_id), list(said.source)) == (["ledger1"], ["10.9/a"])
    assert said.value[0] == pytest.approx(0.55)
    assert said.is_covered.all()


def test_each_row_is_left_out_with_its_source_and_others_set_its_interval() -> None:
    table = tables()[0]
    left = leave_sources_out(fit, predict, table, lambda what: None)
    others = np.delete(table["value"].to_numpy(), 0)
    assert left.value[0] == pytest.approx(others.mean())
    scores = np.sort(np.abs(table["value"] - left.value).to_numpy()[1:-1])  # neither its own nor that of the bound
    assert left.upper[0] - left.value[0] == pytest.approx(scores[9])
    assert list(left.is_lower_bound) == [False] * 11 + [True]
    assert left.error[-1] == pytest.approx(1.1 - left.value[-1])


def test_the_baseline_is_worked_out_from_what_another_process_is_sent(champion: Champion) -> None:
    work, arguments = JOB.baseline(JOB.read(ledger(("LiCl", 0.5, "10.9/a")), champion), champion)
    background = BackgroundProcess(work, *arguments)
    try:
        found = background.result()
    finally:
        background.stop()
    assert found.official is None
    assert list(found.left_out.row_id) == [f"row{number}" for number in range(12)]


def test_neighbours_share_most_of_their_composition(champion: Champion) -> None:
    training_set = JOB.read(ledger(("Na9KCl10", 0.5, "10.9/a")), champion)
    assert JOB.neighbours(training_set, 0.1) == ["row0"]
    assert JOB.neighbours(training_set, 0.5) == list(tables()[0]["row_id"])


def test_a_row_far_off_another_source_on_the_same_composition_contradicts_it() -> None:
    table = tables()[0].iloc[:4].assign(formula=["NaCl", "KCl", "Na2Cl2", "KCl"], value=[0.0, 0.0, 2.0, 0.5])
    found = contradictions(table, np.array([False, False, True, True]))
    assert (found.comparable, found.contradicting) == (2, 1)


def test_there_is_no_official_split(champion: Champion, tmp_path: Path) -> None:
    training_set = JOB.read(ledger(), champion)
    assert JOB.official(training_set, tmp_path, "", lambda what: None) is None
    JOB.answer_once(champion.model)


def test_golden_materials_are_those_that_most_sources_report() -> None:
    """Spellings are one material, another temperature is another one, and bounds count for nothing."""
    rows = [
        ("NaCl", 1.0, 25.0, "a", ""),
        ("KCl", 2.0, 25.0, "a", ""),
        ("KCl", 3.0, 80.0, "b", ""),
        ("K2Cl2", 2.6, 25.0, "b", ""),
        ("RbCl", 5.0, 25.0, "a", ""),
        ("RbCl", 5.1, 25.0, "a", ""),
        ("RbCl", 9.0, 25.0, "b", "lower"),
        ("CsCl", 9.0, 25.0, "b", "upper"),
    ]
    table = pd.DataFrame(rows, columns=["formula", "value", "temperature_C", "paper", "bound"])
    found = golden_rows(table.assign(row_id="x"))
    assert list(zip(found["formula"], found["temperature_C"], found["value"], strict=True)) == [
        ("KCl", 25.0, 2.3),
        ("RbCl", 25.0, 5.05),
        ("NaCl", 25.0, 1.0),
        ("KCl", 80.0, 3.0),
    ]


def test_both_models_are_asked_about_ten_golden_materials(champion: Champion) -> None:
    found = JOB.golden(champion, Mean(0.7))
    assert [one.formula for one in found] == [f"{metal}Cl" for metal in METALS[:10]]
    assert [one.accepted for one in found] == [number / 10.0 for number in range(10)]
    assert [one.champion for one in found] == pytest.approx([0.55] * 10)
    assert {one.challenger for one in found} == {0.7}


def test_errors_are_in_decades_unless_a_unit_is_given() -> None:
    assert JOB.unit == "nm"
    assert PlainJob("mean", "size_nm", JOB.plain, is_log10=True).unit == "decades"
