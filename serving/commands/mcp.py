"""`elyte mcp`: the tools for an agent on this machine, over standard input and output."""

from __future__ import annotations

import click


@click.command(short_help="Serve tools to a language-model agent (MCP).")
def mcp() -> None:
    """Serve eight tools to one agent over standard input and output (Model Context Protocol), until it hangs up.

    Agents start this command themselves: name it in their configuration. Over HTTP the same tools are at /mcp of
    `elyte serve --mcp`.
    """
    from serving.agents.settings import EXTRA, is_installed

    if not is_installed():
        raise click.UsageError(EXTRA)
    from serving.agents.local import serve

    serve()
