"""Whether the tools for agents can be served, and whether the service is to do it; imports nothing of the SDK."""

from __future__ import annotations

import importlib.util

from serving.environment import ConfigurationError, read_flag

MCP_VARIABLE = "ELYTE_MCP"
EXTRA = "the MCP SDK is not installed; install elyte[mcp]"


def is_installed() -> bool:
    """Whether the SDK is there; it is not imported."""
    return importlib.util.find_spec("mcp") is not None


def agents_are_served() -> bool:
    """Return whether `ELYTE_MCP` asks for the tools.

    Raises
    ------
    ConfigurationError
        If it is neither a yes nor a no, or the SDK is not installed.
    """
    if not read_flag(MCP_VARIABLE):
        return False
    if not is_installed():
        raise ConfigurationError(f"{MCP_VARIABLE} is on, but {EXTRA}")
    return True
