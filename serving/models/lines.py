"""Which models answered, in words for a terminal: said only where they are not simply those that elyte ships."""

from __future__ import annotations

from collections.abc import Mapping

import click

SHIPPED_ORIGIN = "shipped bundle"


def model_lines(models: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a line for each model of an answer's header that is not the shipped one.

    Parameters
    ----------
    models
        Property to header, as in `models` of every answer.
    """
    return [
        f"{name}: {header['origin']} (trained on {header['trained_on'][:10]})"
        for name, header in models.items()
        if SHIPPED_ORIGIN not in header["origin"]
    ]


def say_models(models: Mapping[str, Mapping[str, str]], *, as_json: bool = False, quiet: bool = False) -> None:
    """Print these lines ahead of an answer.

    Parameters
    ----------
    models
        As for `model_lines`.
    as_json
        Whether the answer is a JSON document, which names its models itself: nothing is printed.
    quiet
        Whether the answer goes to a file: then the lines go to standard error.
    """
    if not as_json:
        for line in model_lines(models):
            click.echo(line, err=quiet)
