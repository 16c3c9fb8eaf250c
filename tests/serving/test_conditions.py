"""Conditions follow from what the properties declare: of one candidate, of many, and as options of a command."""

from __future__ import annotations

import click
import numpy as np
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from features.errors import CandidateError, RowErrorCode
from serving.answers.conditions import CONDITION_COLUMNS, Conditions, condition_columns, shared_conditions
from serving.commands.condition_options import condition_options, conditions_of_options
from training.properties import registry
from training.properties.conditions import refused_words


def test_unknown_conditions_stay_unknown() -> None:
    assert Conditions().model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature_C", -300.0),
        ("temperature_C", -273.15),
        ("temperature_C", 2000.0),
        ("temperature_C", "25"),
        ("temperature_C", True),
        ("temperature_C", float("nan")),
        ("temperature_C", float("inf")),
        ("stack_pressure_MPa", 0.0),
        ("stack_pressure_MPa", -1.0),
        ("areal_capacity_mAh_cm2", 0.0),
        ("relative_density", 95.0),
        ("relative_density", 0.0),
        ("thickness_um", 0.0),
        ("interfacial_resistance_ohm_cm2", -1.0),
        ("interlayer_type", ""),
        ("interlayer_type", "x" * 101),
        ("anode", 3),
    ],
)
def test_impossible_conditions_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Conditions.model_validate({name: value})
    assert caught.value.errors()[0]["loc"] == (name,)


def test_conditions_that_nobody_defined_are_refused() -> None:
    with pytest.raises(ValidationError, match="temperature_K"):
        Conditions.model_validate({"temperature_K": 298.0})


def test_whole_numbers_are_fine_as_conditions() -> None:
    assert Conditions.model_validate({"temperature_C": 25}).temperature_C == 25.0


def test_the_conditions_of_a_row_win_over_those_of_the_call() -> None:
    general = Conditions(temperature_C=25.0, stack_pressure_MPa=5.0)
    row = Conditions(temperature_C=60.0, interlayer_type="Ag")
    merged = row.over(general)
    assert merged == Conditions(temperature_C=60.0, stack_pressure_MPa=5.0, interlayer_type="Ag")
    assert Conditions().over(general) == general
    assert row.over(Conditions()) == row
    assert general == Conditions(temperature_C=25.0, stack_pressure_MPa=5.0)


def test_conditions_cannot_be_changed_behind_the_back() -> None:
    with pytest.raises(ValidationError):
        Conditions(temperature_C=25.0).temperature_C = 60.0  # type: ignore[misc]


def test_every_declared_condition_is_a_field_and_no_other() -> None:
    declared = [condition.name for one in registry.properties() for condition in one.conditions]
    assert list(Conditions.model_fields) == list(CONDITION_COLUMNS) == list(dict.fromkeys(declared))


def test_columns_of_rows_and_of_a_shared_set_say_the_same() -> None:
    stated = {"temperature_C": 60.0, "interlayer_type": "oxide"}
    shared = shared_conditions(2, Conditions(**stated))
    of_rows = condition_columns([Conditions(**stated), Conditions(**stated)])
    for name, column in shared.numbers.items():
        np.testing.assert_array_equal(of_rows.numbers[name], column)
    assert {name: column.tolist() for name, column in of_rows.texts.items()} == {
        name: column.tolist() for name, column in shared.texts.items()
    }
    mixed = condition_columns([Conditions(**stated), Conditions()])
    assert mixed.temperature_C().tolist() == [60.0, 25.0]
    assert mixed.stated(["interlayer_type"]).tolist() == [True, False]
    assert len(condition_columns([]).temperature_C()) == 0


def test_a_command_takes_every_condition_as_an_option_and_says_which_is_wrong() -> None:
    @click.command()
    @condition_options
    def command(**conditions: float | str | None) -> None:
        click.echo(conditions_of_options(conditions).model_dump_json(exclude_none=True))

    run = CliRunner().invoke
    shown = run(command, ["--help"]).output
    assert all(condition.help.split()[0] in shown for condition in registry.conditions().values())
    assert run(command, ["--temperature-c", "60", "--anode", "Li"]).output == '{"temperature_C":60.0,"anode":"Li"}\n'
    wrong = run(command, ["--relative-density", "95"])
    assert wrong.exit_code == 2
    assert "relative_density: received 95.0; input should be less than or equal to 1" in wrong.output


def test_words_that_end_in_nul_are_refused_in_every_row_that_has_them() -> None:
    def read(text: str) -> str:
        raise CandidateError(RowErrorCode.INVALID_CONDITION, text)

    column = np.array(["\0", None, "a\0", "\0"], dtype=object)
    assert set(refused_words(column, read)) == {0, 2, 3}
