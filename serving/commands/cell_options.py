"""Options of commands for the numbers of a cell; those that are conditions of a property, too, are one option."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from serving.cells.design import CELL, cell_conditions
from training.properties import registry
from training.properties.contract import Content

if TYPE_CHECKING:
    from serving.cells.design import CellConditions

_Command = TypeVar("_Command", bound=Callable[..., Any])
CAPACITY, CAPACITY_OPTION = "areal_capacity_mAh_cm2", "--capacity"
"""The number of a cell that has a short option, too."""


def cell_options(command: _Command) -> _Command:
    """Give a command one option a number of the cell, and one a condition on which the materials' numbers depend."""
    numbers = {
        name: f"{one.label}{f', {one.unit}' if one.unit else ''}. {one.help}"
        + ("" if one.default is None else f"  [default: {one.default:g}, {one.source}]")
        for name, one in CELL.items()
    }
    for name, condition in reversed(registry.conditions().items()):
        if name in cell_conditions():
            kind = float if condition.content is Content.NUMBER else str
            command = click.option(_option(name), name.lower(), type=kind, help=condition.help)(command)
    for name, words in reversed(numbers.items()):
        command = click.option(_option(name), name.lower(), type=float, help=words)(command)
    return click.option(CAPACITY_OPTION, "capacity", type=float, help=f"Short for {_option(CAPACITY)}.")(command)


def _option(name: str) -> str:
    return f"--{name.lower().replace('_', '-')}"


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
