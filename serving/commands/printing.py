"""Documents on standard output: the one way in which every command prints JSON."""

from __future__ import annotations

import click


def echo_json(document: object) -> None:
    """Print a document as indented JSON, and nothing else; what is no finite number is null, a named tuple an array."""
    import orjson  # not for `elyte --help`

    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    click.echo(orjson.dumps(document, default=list, option=options).decode())
