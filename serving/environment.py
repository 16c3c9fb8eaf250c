"""Reading of `ELYTE_*` variables; docs/operate/configuration.md lists them all."""

from __future__ import annotations

import math
import os

POLL_SECONDS = 5.0
MODELS_VARIABLE = "ELYTE_MODELS"
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class ConfigurationError(ValueError):
    """An environment variable has a value that cannot be meant; the message says which, and what is expected."""


def read_flag(name: str) -> bool:
    """Return whether a variable says yes; unset means no.

    Raises
    ------
    ConfigurationError
        If it is neither a yes nor a no: a protection that was misspelt must not be off in silence.
    """
    value = os.environ.get(name, "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ConfigurationError(f"{name}: received {value!r}, expected true or false")


def read_number(name: str, default: float, low: float, high: float) -> float:
    """Return a variable as a number between two bounds; unset means the default.

    Raises
    ------
    ConfigurationError
        If it is no number, or lies outside.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ConfigurationError(f"{name}: received {text!r}, expected a number from {low:g} to {high:g}")
    return value


def read_whole_number(name: str, default: int, low: int, high: int) -> int:
    """Return a variable as a whole number between two bounds; unset means the default.

    Raises
    ------
    ConfigurationError
        If it is no whole number, or lies outside.
    """
    value = read_number(name, default, low, high)
    if value != int(value):
        raise ConfigurationError(f"{name}: received {os.environ[name]!r}, expected a whole number")
    return int(value)


def read_list(name: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated variable, without blanks and empty parts."""
    return tuple(part.strip() for part in os.environ.get(name, "").split(",") if part.strip())


def shipped_models_only() -> bool:
    """Return whether `ELYTE_MODELS` asks for the models that elyte ships, whatever a registry holds.

    Raises
    ------
    ConfigurationError
        If it is neither `shipped` nor `auto`.
    """
    value = os.environ.get(MODELS_VARIABLE, "").strip().lower()
    if value not in ("", "auto", "shipped"):
        raise ConfigurationError(f"{MODELS_VARIABLE}: received {value!r}, expected auto or shipped")
    return value == "shipped"


def read_poll_seconds() -> float:
    """Return how often the registry is asked, `ELYTE_POLL_SECONDS`; raises as `read_number`."""
    return read_number("ELYTE_POLL_SECONDS", POLL_SECONDS, 0.1, 3600.0)
