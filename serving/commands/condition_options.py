"""Options of commands for the conditions that properties declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from serving.answers.conditions import CONDITION_COLUMNS, Conditions
from training.properties import registry
from training.properties.contract import Content

_Command = TypeVar("_Command", bound=Callable[..., Any])


def condition_options(command: _Command) -> _Command:
    """Give a command one option a condition; it takes them as `conditions_of_options` does."""
    for name, condition in reversed(registry.conditions().items()):
        kind = float if condition.content is Content.NUMBER else str
        option = f"--{name.lower().replace('_', '-')}"
        command = click.option(option, name.lower(), type=kind, help=condition.help)(command)
    return command


def conditions_of_options(given: Mapping[str, Any]) -> Conditions:
    """Return the conditions among the options of a command, or say which one is wrong; other options are passed over.

    Raises
    ------
    click.UsageError
        For a value out of range.
    """
    stated = {name: given[name.lower()] for name in CONDITION_COLUMNS if given.get(name.lower()) is not None}
    try:
        return Conditions(**stated)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise click.UsageError(f"{name}: received {first['input']!r}; {first['msg'].lower()}") from error
