"""Models become answers: Predictor, command line, REST service and its client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.client.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import the client where it is asked for: the command line starts without it."""
    if name == "Client":
        from serving.client.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
