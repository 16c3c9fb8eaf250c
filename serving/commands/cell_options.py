"""Options of commands for the numbers of a cell; those that are conditions of a property, too, are one option."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from serving.cells.design import CELL
from serving.commands.condition_options import condition_options

if TYPE_CHECKING:
    from serving.cells.design import CellConditions

_Command = TypeVar("_Command", bound=Callable[..., Any])
CAPACITY, CAPACITY_OPTION = "areal_capacity_mAh_cm2", "--capacity"
"""The number of a cell that has a short option, too."""


def cell_options(command: _Command) -> _Command:
    """Give a command one option a number of the cell, and one a condition of the properties."""
    from serving.answers.conditions import CONDITION_COLUMNS

    for name, one in reversed(CELL.items()):
        default = "" if one.default is None else f"  [default: {one.default:g}, {one.source}]"
        if name not in CONDITION_COLUMNS:
            option = f"--{name.lower().replace('_', '-')}"
            said = f"{one.label}{f', {one.unit}' if one.unit else ''}. {one.help}{default}"
            command = click.option(option, name.lower(), type=float, help=said)(command)
    command = click.option(CAPACITY_OPTION, "capacity", type=float, help=CELL[CAPACITY].help)(command)
    return condition_options(command)


def cell_of_options(given: Mapping[str, Any]) -> CellConditions:
    """Return the cell among the options of a command, or say which one is wrong.

    Raises
    ------
    click.UsageError
        For a value out of range, or numbers that contradict each other.
    """
    from pydantic import ValidationError

    from serving.cells.design import CellConditions

    names = {name.lower(): name for name in CellConditions.model_fields}
    stated = {names[key]: value for key, value in given.items() if key in names and value is not None}
    if given.get("capacity") is not None:
        if CAPACITY in stated:
            raise click.UsageError(f"{CAPACITY_OPTION} is --areal-capacity-mah-cm2; give one of them")
        stated[CAPACITY] = given["capacity"]
    try:
        return CellConditions(**stated)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
        raise click.UsageError(f"{name}: received {first['input']!r}; {message}" if name else message) from error
