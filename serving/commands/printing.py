"""Documents on standard output: the one way in which every command prints JSON."""

from __future__ import annotations

import click


def echo_json(document: object) -> None:
    """Print a document as indented JSON, and nothing else."""
    import orjson  # not for `elyte --help`

    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
