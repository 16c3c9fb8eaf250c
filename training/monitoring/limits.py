"""The limits of one property, from `[monitoring]` of the `limits.toml` in its folder, each with its reason there."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from training.properties import registry


class LimitsError(ValueError):
    """The limits cannot be used; the message names file and section."""


@dataclass(frozen=True, slots=True)
class QuantityLimits:
    """How measured values of one quantity are compared with answers.

    Parameters
    ----------
    card_metric
        The card's mean absolute error of it, "" where it has none.
    smallest_bias
        A mean signed error below it is left alone, however significant.
    basis_without_interval
        The `basis` of answers that give it without an interval, "" for none.
    """

    card_metric: str = ""
    smallest_bias: float = 0.0
    basis_without_interval: str = ""


@dataclass(frozen=True, slots=True)
class MonitoringLimits:
    """What is expected of one property.

    Parameters
    ----------
    expected_outside
        Share of questions beyond the radius of its domain if they were as familiar as left-out data; None for a
        property without a radius.
    quantities
        Those whose measured values are compared with answers, by name.
    """

    expected_outside: float | None
    quantities: Mapping[str, QuantityLimits]


def monitoring_limits(property_name: str) -> MonitoringLimits:
    """Read the limits of a property; nothing is expected of one without a `limits.toml`.

    Raises
    ------
    LimitsError
        If a quantity or a key is unknown.
    """
    about = registry.get(property_name)
    path = about.limits()
    section = {} if path is None else tomllib.loads(path.read_text(encoding="utf-8")).get("monitoring", {})
    quantities = {}
    for name, given in section.get("quantities", {}).items():
        if name not in {quantity.name for quantity in about.quantities}:
            raise LimitsError(f"{path}: [monitoring.quantities.{name}]: {property_name} has no such quantity")
        try:
            quantities[name] = QuantityLimits(**given)
        except TypeError as error:
            raise LimitsError(f"{path}: [monitoring.quantities.{name}]: {error}") from error
    return MonitoringLimits(section.get("expected_outside"), quantities)
