"""Options of commands for the fields that name a material of another kind than a formula does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from features.candidate import INORGANIC
from features.kinds import KINDS

_Command = TypeVar("_Command", bound=Callable[..., Any])
_OTHERS = {field.name: field for kind in KINDS.values() if kind.name != INORGANIC for field in kind.fields}


def material_options(command: _Command) -> _Command:
    """Give a command one option a field; it takes them as `material_of_options` does."""
    for name, field in reversed(_OTHERS.items()):
        option = f"--{name.lower().replace('_', '-')}"
        command = click.option(option, name.lower(), type=float if field.is_number else str, help=field.help)(command)
    return command


def material_of_options(given: Mapping[str, Any]) -> dict[str, str | float]:
    """Return the fields of a material among the options of a command; other options are passed over."""
    return {name: given[name.lower()] for name in _OTHERS if given.get(name.lower()) is not None}
