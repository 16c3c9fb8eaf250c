"""A change of the recipe is told from one of rows or sizes, and passes by the recorded verdict of the boards only."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from training.bundle import Card
from training.properties.conductivity.bundling import load_conductivity
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.recipe_change import (
    COMMAND,
    VERDICTS_PATH,
    change_between,
    choices_of,
    key_of,
    record_verdict,
    settings_of,
)
from training.properties.conductivity.retraining import ConductivityJob

TODAY = ConductivityJob().recipe()
FIRST = asdict(EnsembleSettings.of_the_first_recipe())
SHIPPED = Path(__file__).parents[2] / "serving" / "bundles" / "conductivity"
NOTED = {"training_set": "a" * 64, "ledger": "b" * 64}
"""What a card of retraining says besides."""


@pytest.fixture
def verdicts(tmp_path: Path) -> Path:
    path = tmp_path / "verdicts.json"
    path.write_text("[]")
    return path


@pytest.fixture(scope="module")
def card() -> Card:
    return load_conductivity(SHIPPED)[1].card


def as_in_a_card(recipe: dict[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(json.dumps(recipe))
    return stored


def test_sizes_seeds_and_rows_are_no_change_of_the_recipe() -> None:
    for job in (ConductivityJob(EnsembleSettings.quick()), ConductivityJob(EnsembleSettings(seed=3))):
        assert change_between(as_in_a_card(TODAY | NOTED), job.recipe()) is None


def test_the_shipped_champion_is_of_the_recipe_of_its_code(card: Card) -> None:
    """Whoever changes the recipe refits the bundle, and shows by the gate that it may be."""
    assert change_between(card.recipe, TODAY) is None


def test_an_older_card_names_fewer_choices_and_is_of_the_first_recipe() -> None:
    older = as_in_a_card(TODAY | FIRST)
    for name in ("half_life_years", "pull", "pull_with_cell", "forest_hears_process", "added_width", "pull_between"):
        del older[name]
    assert key_of(older) == key_of(FIRST) == key_of(as_in_a_card(FIRST))
    found = change_between(older, TODAY)
    assert found is not None
    assert "half_life_years Infinity -> 6.0" in found.changed
    assert not any(text.startswith(("pull_between", "n_folds", "seed")) for text in found.changed)


@pytest.mark.parametrize(
    "change",
    [
        {"half_life_years": 4.0},
        {"weights": (0.25, 0.25, 0.25, 0.25)},
        {"smallest_width": 0.2},
        {"a_choice_of_tomorrow": 1},
        {"nets": {**FIRST["nets"], "epochs": 3}},
    ],
)
def test_any_other_choice_is_one_and_is_named_with_both_values(change: dict[str, Any]) -> None:
    found = change_between(TODAY, TODAY | change)
    assert found is not None
    assert len(found.changed) == 1
    assert found.changed[0].startswith(next(iter(change)))
    assert " -> " in found.changed[0]
    assert found.command == COMMAND


def test_a_verdict_is_of_one_pair_in_one_direction(verdicts: Path) -> None:
    def objections() -> object:
        found = change_between(FIRST, TODAY, verdicts)
        assert found is not None
        return found.objections

    assert objections() is None
    record_verdict(TODAY, FIRST, [], {}, verdicts)  # the way back says nothing of the way there
    record_verdict(FIRST, TODAY | {"pull": 0.1}, [], {}, verdicts)
    assert objections() is None
    record_verdict(FIRST, TODAY, ["family_mean is worse: +0.100"], {"date": "2026-11-29"}, verdicts)
    assert objections() == ("family_mean is worse: +0.100",)
    record_verdict(FIRST, TODAY, [], {"date": "2026-11-30"}, verdicts)
    assert objections() == ()
    assert len(json.loads(verdicts.read_text())) == 3


def test_the_settings_of_a_card_are_those_it_was_fitted_by() -> None:
    other = replace(EnsembleSettings(), pull=0.3, weights=(0.1, 0.2, 0.3, 0.4))
    assert settings_of(as_in_a_card(asdict(other))) == other
    assert settings_of(FIRST) == EnsembleSettings.of_the_first_recipe()
    assert settings_of(as_in_a_card(TODAY)) == EnsembleSettings()
    small = as_in_a_card(asdict(EnsembleSettings.quick()))
    assert settings_of(small) == EnsembleSettings()  # sizes are today's


@pytest.mark.parametrize("change", [{"smallest_width": 0.2}, {"a_choice_of_yesterday": 1}])
def test_what_is_no_setting_cannot_be_run_beside_todays(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(change))}: received another value"):
        settings_of(TODAY | change)


def test_the_recorded_verdicts_name_recipes_by_hash() -> None:
    for one in json.loads(VERDICTS_PATH.read_text()):
        assert {len(one["recipe"]), len(one["against"])} == {64}
        assert isinstance(one["objections"], list)


def test_choices_hold_no_sizes() -> None:
    assert not {"seed", "n_folds", "forest_trees", "training_set"} & set(choices_of(TODAY | NOTED))
