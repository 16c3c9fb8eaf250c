"""The server for one agent on this machine, over standard input and output."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from serving.agents.server import Host, make_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from serving.predictor import Predictor

_loading = threading.Lock()


@cache
def _load() -> Predictor:
    from serving.predictor import Predictor

    return Predictor.load()


def predictor() -> Predictor:
    """Return the models, loaded with the first question, by one thread."""
    with _loading:
        return _load()


def serve() -> None:
    """Answer one agent until it closes standard input; standard output carries the protocol and nothing else."""
    import anyio

    anyio.run(_serve)


async def _serve() -> None:
    import anyio.to_thread
    from mcp.server.stdio import stdio_server

    async def run(work: Callable[[], Any]) -> Any:  # noqa: ANN401
        return await anyio.to_thread.run_sync(work)

    server = make_server(Host(predictor, run))
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
